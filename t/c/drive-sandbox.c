/* t/c/drive-sandbox.c: enters the sandbox as told, and says what it can do in it, a line each,
 * until it has tried all; for t/35-sandbox*.t, which put faults in, or look at it from outside.
 *
 *      drive-sandbox off|try|require READABLE WRITABLE [DATABASE]
 *
 *      code 0                              or the text of the error
 *      in force files, network, system calls
 *      execve Operation not permitted      what came of it: "done", or why not
 *      shadow Permission denied            of opening /etc/shadow
 *      connect Operation not permitted     of a TCP connection to itself
 *      read done                           of the file "file" in READABLE
 *      write done                          of a new file in WRITABLE
 *      sqlite 3                            rows of the table t of DATABASE
 *      left 0                              descriptors that netio_sandbox_enter did not close
 */
#include <netio/fd.h>
#include <netio/sandbox.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, int result)
{
    printf("%s %s\n", what, result == -1 ? strerror(errno) : "done");
}

static int try_execve(void)
{
    char *argv[] = {"true", NULL};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execv("/bin/true", argv);
        _exit(errno);
    }
    if (pid == -1 || waitpid(pid, &status, 0) == -1)
        return -1;
    errno = WEXITSTATUS(status);
    return status == 0 ? 0 : -1;
}

static int try_open(const char *folder, const char *name, int flags)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static int try_connect(const struct sockaddr_in *sin)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return -1;
    int result = connect(fd, (const struct sockaddr *)sin, sizeof *sin);
    netio_fd_close(fd);
    return result;
}

/* SQLite, which was loaded before, as a daemon has it linked. */
static struct {
    int (*open_v2)(const char *, void **, int, const char *);
    int (*prepare_v2)(void *, const char *, int, void **, const char **);
    int (*step)(void *);
    int (*column_int)(void *, int);
    int (*finalize)(void *);
    int (*close)(void *);
} sqlite;

static void load_sqlite(void)
{
    void *library = dlopen("libsqlite3.so.0", RTLD_NOW);

    if (!library)
        exit(99);
    *(void **)&sqlite.open_v2 = dlsym(library, "sqlite3_open_v2");
    *(void **)&sqlite.prepare_v2 = dlsym(library, "sqlite3_prepare_v2");
    *(void **)&sqlite.step = dlsym(library, "sqlite3_step");
    *(void **)&sqlite.column_int = dlsym(library, "sqlite3_column_int");
    *(void **)&sqlite.finalize = dlsym(library, "sqlite3_finalize");
    *(void **)&sqlite.close = dlsym(library, "sqlite3_close");
}

static int count_rows(const char *path)
{
    void *database = NULL, *statement = NULL;
    char uri[4200];
    int rows = -1;

    snprintf(uri, sizeof uri, "file:%s?mode=ro", path);
    /* SQLITE_OPEN_READONLY | SQLITE_OPEN_URI; SQLITE_ROW */
    if (sqlite.open_v2(uri, &database, 0x1 | 0x40, NULL) == 0 &&
        sqlite.prepare_v2(database, "SELECT count(*) FROM t", -1, &statement, NULL) == 0 &&
        sqlite.step(statement) == 100)
        rows = sqlite.column_int(statement, 0);
    sqlite.finalize(statement);
    sqlite.close(database);
    return rows;
}

static int listen_somewhere(struct sockaddr_in *sin)
{
    socklen_t len = sizeof *sin;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *sin = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(fd, (struct sockaddr *)sin, sizeof *sin) == -1 || listen(fd, 1) == -1 ||
                   getsockname(fd, (struct sockaddr *)sin, &len) == -1
               ? -1
               : fd;
}

/* The number that the next descriptor will have. */
static int lowest_free(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

int main(int argc, char **argv)
{
    struct netio_sandbox sandbox = {0};
    struct netio_error error;
    struct sockaddr_in sin;
    unsigned in_force = 99;
    char text[640];

    if (argc < 4 || listen_somewhere(&sin) == -1)
        return 98;
    if (argc > 4)
        load_sqlite();
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(300);
    sandbox.mode = (enum netio_sandbox_mode)netio_sandbox_parse(argv[1]);
    sandbox.readable = (const char *const[]){argv[2], NULL};
    sandbox.writable = (const char *const[]){argv[3], NULL};
    int before = lowest_free();
    int code = netio_sandbox_enter(&sandbox, &in_force, &error);
    int left = lowest_free() - before;
    printf("code %s\n", code < 0 ? netio_error_str(&error, text, sizeof text) : "0");
    printf("in force %s\n", netio_sandbox_str(in_force));
    say("execve", try_execve());
    say("shadow", try_open("/etc", "shadow", O_RDONLY));
    say("connect", try_connect(&sin));
    say("read", try_open(argv[2], "file", O_RDONLY));
    say("write", try_open(argv[3], "new", O_WRONLY | O_CREAT));
    if (argc > 4)
        printf("sqlite %d\n", count_rows(argv[4]));
    printf("left %d\n", left);
    return 0;
}
