/* t/c/tries.h: tries inside and outside of a sandbox.  Each has a process of its own, once outside,
 * to see that it is one, and once inside.
 *
 * The sandbox has a folder to read and one to write; a third one is outside. */
#ifndef TRIES_H
#define TRIES_H

#include "tap.h"

#include <netio/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES __attribute__((unused)) static

static char dir[] = "/tmp/netio-sandbox-XXXXXX";
static char readable[64], writable[64], outside[64];

/* A path in one of the folders; three of them last. */
TRIES const char *in(const char *folder, const char *name)
{
    static char paths[3][128];
    static int next;
    char *path = paths[next++ % 3];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

TRIES int make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd == -1 || write(fd, "text\n", 5) != 5)
        return -1;
    return close(fd);
}

TRIES int enter(enum netio_sandbox_mode mode, unsigned *in_force)
{
    const char *const reads[] = {readable, NULL}, *const writes[] = {writable, NULL};
    struct netio_sandbox sandbox = {.mode = mode, .readable = reads, .writable = writes};

    return netio_sandbox_enter(&sandbox, in_force, NULL);
}

/* What a try returns: 0, or errno. */
TRIES int of(long result)
{
    return result == -1 ? errno : 0;
}

#define ANY (-1) /* depends on who runs it, and where */

#define FILES            NETIO_SANDBOX_FILES
#define FILES_SINCE(abi) (FILES | (abi) << 8) /* that version of Landlock */
#define NETWORK          NETIO_SANDBOX_NETWORK
#define SYSCALLS         NETIO_SANDBOX_SYSCALLS

struct row {
    const char *name;
    int (*run)(void);
    int out; /* what comes of it outside, and inside */
    int inside;
    unsigned needs;
};

/* What a kernel before Linux 6.2 (3) and one before 6.12 (6) do not have. */
TRIES int is_too_old(const struct row *row, unsigned offered)
{
    unsigned needs = row->needs & 0xff;
    long since = row->needs >> 8;

    return (needs & offered) != needs ||
           (since && syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < since);
}

/* Runs one in a process of its own, prepared outside; 98: there was no entering. */
TRIES int run(const struct row *row, enum netio_sandbox_mode mode, void (*prepare)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (prepare)
            prepare();
        _exit(enter(mode, NULL) ? 98 : row->run());
    }
    if (waitpid(pid, &status, 0) == -1)
        return 97;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

TRIES void make_files(void)
{
    unlink(in(readable, "new"));
    unlink(in(outside, "spare"));
    unlink(in(writable, "file"));
    make_file(in(readable, "file"));
    make_file(in(readable, "spare"));
    make_file(in(outside, "file"));
}

/* What can be in force here. */
TRIES unsigned offered_here(void)
{
    unsigned offered = 0;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int code = enter(NETIO_SANDBOX_TRY, &offered);
        _exit(code ? 98 : (int)offered);
    }
    waitpid(pid, &status, 0);
    return (unsigned)WEXITSTATUS(status);
}

/* prepare, which may be NULL, is called before each, outside. */
TRIES void test_tries(const struct row *table, size_t rows, unsigned offered, void (*prepare)(void))
{
    for (const struct row *row = table; row < table + rows; row++) {
        make_files();
        int code = run(row, NETIO_SANDBOX_OFF, prepare);
        if (row->out != ANY)
            is_int(code, row->out, "outside: %s: %s", row->name, strerrorname_np(row->out));
        make_files();
        if (is_too_old(row, offered))
            skip(1, "%s: the kernel is too old", row->name);
        else
            is_int(run(row, NETIO_SANDBOX_TRY, prepare), row->inside, "inside: %s: %s", row->name,
                   strerrorname_np(row->inside));
    }
}

/* Whether there are three folders, and a link that leads out of one. */
TRIES int make_folders(void)
{
    if (!mkdtemp(dir))
        return 0;
    snprintf(readable, sizeof readable, "%s/readable", dir);
    snprintf(writable, sizeof writable, "%s/writable", dir);
    snprintf(outside, sizeof outside, "%s/outside", dir);
    return mkdir(readable, 0700) == 0 && mkdir(writable, 0700) == 0 && mkdir(outside, 0700) == 0 &&
           symlink(in(outside, "file"), in(readable, "link")) == 0;
}

/* Whether nothing but what the tries are known to make was in them. */
TRIES int remove_folders(void)
{
    unlink(in(readable, "file"));
    unlink(in(readable, "spare"));
    unlink(in(readable, "link"));
    unlink(in(readable, "new"));
    unlink(in(outside, "file"));
    unlink(in(outside, "spare"));
    unlink(in(writable, "file"));
    return rmdir(readable) == 0 && rmdir(writable) == 0 && rmdir(outside) == 0 && rmdir(dir) == 0;
}

/* All of a test that has a table and nothing else. */
TRIES int run_tries(const struct row *table, size_t rows, void (*prepare)(void))
{
    if (!make_folders())
        return fail("three folders");
    test_tries(table, rows, offered_here(), prepare);
    if (!remove_folders())
        fail("nothing is left behind");
    return tap_done();
}

#endif
