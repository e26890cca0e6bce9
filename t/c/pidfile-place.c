/* Tests of netio/pidfile.h: what is no pid file is not touched, and where one may be, of whom and
 * with which mode.  C4 and C5 of the catalogue of faults, and fault 3 of libdaemon. */
#include "actor.h"

#include <errno.h>
#include <sys/un.h>

static void test_kinds(void)
{
    struct netio_pidfile *file = NULL;
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    pid_t pid;

    unlink(path);
    spew(in("target"), "precious\n", 9, 0600);
    ok(symlink(in("target"), path) == 0, "a link");
    is_str(locking(&file, path), "ELOOP", "C4 a symbolic link");
    is_str(finding(&pid), "ELOOP", "C4 ... to ask");
    is_str(slurp(in("target")), "precious\n", "C4 ... its target is as it was");
    unlink(path);
    ok(symlink(in("nowhere"), path) == 0, "a link");
    is_str(locking(&file, path), "ELOOP", "C4 a link to nowhere");
    ok(access(in("nowhere"), F_OK) == -1, "C4 ... makes no file there");
    unlink(path);
    ok(symlink(path, path) == 0, "a link");
    is_str(locking(&file, path), "ELOOP", "C4 a link to itself");
    unlink(path);
    ok(link(in("target"), path) == 0, "another name");
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "a hard link");
    is_str(slurp(in("target")), "precious\n", "... its file is as it was");
    unlink(path);
    mkdir(path, 0755);
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "C4 a directory");
    is_str(finding(&pid), "NETIO_EBADPIDFILE", "C4 ... to ask");
    rmdir(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
    bind(listener, (struct sockaddr *)&sun, sizeof sun);
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "C4 a socket");
    close(listener);
    unlink(path);
    is_str(locking(&file, "/dev/null"), "NETIO_EBADPIDFILE", "C4 a device");
}

/* Who has a FIFO open for reading would see an end of file if it was opened and closed. */
static void test_fifo(void)
{
    struct netio_pidfile *file = NULL;
    char c;

    mkfifo(path, 0600);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    is_str(locking(&file, path), "NETIO_EBADPIDFILE", "C4 a FIFO, and no waiting for it");
    ok(read(reader, &c, 1) == -1 && errno == EAGAIN, "C4 ... nothing came through it");
    close(writer);
    close(reader);
    unlink(path);
}

static void test_places(void)
{
    char name[300], deep[5000];
    struct netio_pidfile *file = NULL;

    is_str(locking(&file, "x.pid"), "EINVAL", "a relative path");
    is_int(netio_pidfile_lock(&file, "", NULL), -EINVAL, "an empty path");
    is_str(locking(&file, "/tmp/"), "EISDIR", "a path without a name");
    is_str(locking(&file, in("missing/x.pid")), "ENOENT", "C5 a missing folder");
    is_str(locking(&file, in("target/x.pid")), "ENOTDIR", "C5 a file as folder");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    is_str(locking(&file, in(name)), "ENAMETOOLONG", "C5 a name of 299 bytes");
    memset(deep, '/', sizeof deep - 1);
    memcpy(deep + sizeof deep - 3, "x", 2);
    is_str(locking(&file, deep), "ENAMETOOLONG", "C5 a path of 5,000 bytes");
    ok(!file, "none of them gave a pid file");
    pid_t pid;
    struct netio_error error;
    is_str(name_of(netio_pidfile_find(in("missing/x.pid"), &pid, NULL, &error), &error),
           "NETIO_ENOTRUNNING", "no folder, nobody runs");
}

static void test_modes(void)
{
    static const struct {
        mode_t folder, file;
        uid_t owner, file_owner;
        const char *code;
    } table[] = {
        {0755, 0600, 0, 0, "0"},
        {0755, 0644, 0, 0, "0"},
        {01777, 0600, 0, 0, "0"},
        {01775, 0600, 0, 0, "0"},
        {0777, 0600, 0, 0, "NETIO_EUNSAFE"},
        {0775, 0600, 0, 0, "NETIO_EUNSAFE"},
        {0755, 0666, 0, 0, "NETIO_EUNSAFE"},
        {0755, 0620, 0, 0, "NETIO_EUNSAFE"},
        {0755, 0600, STRANGER, 0, "NETIO_EUNSAFE"},
        {01777, 0600, STRANGER, 0, "NETIO_EUNSAFE"},
        {0755, 0600, 0, STRANGER, "NETIO_EUNSAFE"},
        {01777, 0600, 0, STRANGER, "NETIO_EUNSAFE"},
    };

    if (geteuid() != 0) {
        skip((int)(sizeof table / sizeof *table), "to change owners needs root");
        return;
    }
    mkdir(in("place"), 0755);
    const char *there = strdup(in("place/x.pid"));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct netio_pidfile *file = NULL;
        spew(there, "4194303\n", 8, table[i].file);
        if (chown(there, table[i].file_owner, 0) || chown(in("place"), table[i].owner, 0) ||
            chmod(in("place"), table[i].folder))
            abort();
        is_str(locking(&file, there), table[i].code,
               "C4, C5 a file of %d with mode %04o in a folder of %d with mode %04o",
               (int)table[i].file_owner, (unsigned)table[i].file, (int)table[i].owner,
               (unsigned)table[i].folder);
        netio_pidfile_remove(file);
        unlink(there);
    }
    rmdir(in("place"));
    free((char *)there);
}

/* As another user, in a child; its exit code is 0 when the code is the one wanted. */
static int as_stranger(const char *want)
{
    struct netio_pidfile *file = NULL;
    struct actor child = {.pid = fork(), .wire = -1};

    if (child.pid == 0) {
        MUST(setresgid(STRANGER, STRANGER, STRANGER) || setresuid(STRANGER, STRANGER, STRANGER));
        MUST(strcmp(locking(&file, path), want) != 0);
        _exit(0);
    }
    return reap(&child);
}

/* libdaemon 3: any user who may read the file can keep root from starting, and from asking. */
static void test_strangers_lock(void)
{
    struct netio_pidfile *file = NULL;
    int wires[2];
    pid_t pid;
    char c;

    if (geteuid() != 0) {
        skip(6, "to become somebody else needs root");
        return;
    }
    chmod(folder, 0755);
    unlink(path);
    is_int(as_stranger("EACCES"), 0, "C5 a folder that one may not write");
    struct actor daemon = start("lw");
    is_int(as_stranger("EACCES"), 0,
           "libdaemon 3: nobody else can open the file, let alone lock it");
    end(&daemon, SIGKILL);

    spew(path, "4194303\n", 8, 0644); /* another program's */
    if (pipe(wires) == -1)
        abort();
    struct actor stranger = {.pid = fork(), .wire = wires[1]};
    if (stranger.pid == 0) {
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
        MUST(setresuid(STRANGER, STRANGER, STRANGER));
        MUST(fcntl(open(path, O_RDONLY | O_CLOEXEC), F_SETLK, &lock) == -1);
        MUST(write(wires[1], "l", 1) != 1);
        pause();
    }
    is_int(read(wires[0], &c, 1), 1,
           "libdaemon 3: a stranger locks a file of mode 0644 for reading");
    is_str(finding(&pid), "NETIO_EUNSAFE",
           "... we do not wait for him, nor take him for the daemon");
    is_str(locking(&file, path), "NETIO_EUNSAFE", "... and say why no daemon starts");
    kill(stranger.pid, SIGKILL);
    reap(&stranger);
    close(wires[0]);
    is_str(finding(&pid), "NETIO_ENOTRUNNING", "he is gone");
}

int main(void)
{
    make_folder();
    test_kinds();
    test_fifo();
    test_places();
    test_modes();
    test_strangers_lock();
    unlink(path);
    unlink(in("target"));
    if (rmdir(folder) == -1)
        fail("the folder is not empty");
    return tap_done();
}
