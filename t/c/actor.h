/* t/c/actor.h: the pid file of a test, what is asked of it, and daemons in children that do with it
 * what they are told by a letter each. */
#ifndef ACTOR_H
#define ACTOR_H

#include "tap.h"

#include <netio/pidfile.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STRANGER 65534

#define ACTOR __attribute__((unused)) static

ACTOR char folder[] = "/tmp/netio-pidfile-XXXXXX";
ACTOR char path[64];

/* The test makes the folder with this, and removes it. */
ACTOR void make_folder(void)
{
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/x.pid", folder);
}

/* The path of a name in the folder; two at a time. */
ACTOR const char *in(const char *name)
{
    static char names[2][512];
    static int next;
    char *out = names[next++ & 1];

    snprintf(out, sizeof names[0], "%s/%s", folder, name);
    return out;
}

ACTOR void spew(const char *file, const char *text, size_t size, mode_t mode)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    if (fd == -1 || write(fd, text, size) != (ssize_t)size || fchmod(fd, mode) == -1)
        abort();
    close(fd);
}

/* What is in the file, or "-" if it is not there. */
ACTOR const char *slurp(const char *file)
{
    static char text[256];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text - 1);

    if (fd != -1)
        close(fd);
    if (n == -1)
        return "-";
    text[n] = '\0';
    return text;
}

ACTOR const char *number(pid_t pid)
{
    static char text[16];

    snprintf(text, sizeof text, "%d\n", (int)pid);
    return text;
}

/* The code's name, and its stage and subject are right. */
ACTOR const char *name_of(int code, const struct netio_error *error)
{
    if (code == 0)
        return "0";
    if (error->code != code || error->stage != NETIO_STAGE_PIDFILE || !*error->subject)
        return "an error without its place";
    return netio_error_name(code);
}

ACTOR const char *locking(struct netio_pidfile **file, const char *where)
{
    struct netio_error error = {0};

    return name_of(netio_pidfile_lock(file, where, &error), &error);
}

ACTOR const char *finding(pid_t *pid)
{
    struct netio_error error = {0};

    *pid = 0;
    return name_of(netio_pidfile_find(path, pid, NULL, &error), &error);
}

ACTOR const char *signalling(int number_of)
{
    struct netio_error error = {0};

    return name_of(netio_pidfile_signal(path, number_of, &error), &error);
}

ACTOR const char *stopping(double seconds, int kill_it)
{
    struct netio_error error = {0};

    return name_of(netio_pidfile_stop(path, netio_deadline_in(seconds), kill_it, &error), &error);
}

/* A daemon in a child: does what is asked of it by a letter, and says so by the same. */
struct actor {
    pid_t pid;
    int wire;
};

ACTOR void leave(int number_of)
{
    _exit(number_of);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (call)                                                                                  \
            _exit(__LINE__ % 250 + 1);                                                             \
    } while (0)

ACTOR void act(int wire)
{
    struct netio_pidfile *file = NULL;
    pid_t pid;
    char letter;

    while (read(wire, &letter, 1) == 1) {
        if (letter == 'l')
            MUST(netio_pidfile_lock(&file, path, NULL));
        if (letter == 'w')
            MUST(netio_pidfile_write(file, NULL));
        if (letter == 'r')
            netio_pidfile_remove(file);
        if (letter == 'f')
            netio_pidfile_forget(file);
        if (letter == 'i')
            signal(SIGTERM, SIG_IGN);
        if (letter == 'h')
            signal(SIGTERM, leave);
        if (letter == 'c')
            signal(SIGCONT, leave);
        if (letter == 'o') /* its own */
            MUST(netio_pidfile_find(path, &pid, NULL, NULL) || pid != getpid() ||
                 netio_pidfile_lock(&file, path, NULL) != NETIO_ERUNNING);
        if (letter == 'x') /* the hazard */
            close(open(path, O_RDONLY | O_CLOEXEC));
        if (letter == 'n') /* a forger's number */
            MUST(pwrite(netio_pidfile_fd(file), "1\n\0\0\0\0\0", 7, 0) != 7);
        if (write(wire, &letter, 1) != 1)
            return;
    }
}

ACTOR void ask(const struct actor *actor, const char *letters)
{
    for (char letter, want; (want = *letters); letters++)
        if (write(actor->wire, &want, 1) != 1 || read(actor->wire, &letter, 1) != 1 ||
            letter != want) {
            fail("the child could not do %c", want);
            return;
        }
}

ACTOR struct actor start(const char *letters)
{
    struct actor actor;
    int wires[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires) == -1 ||
        (actor.pid = fork()) == -1)
        abort();
    if (actor.pid == 0) {
        close(wires[0]);
        act(wires[1]);
        _exit(0);
    }
    close(wires[1]);
    actor.wire = wires[0];
    ask(&actor, letters);
    return actor;
}

/* How it ended: its exit code, or -N for signal N. */
ACTOR int reap(const struct actor *actor)
{
    int status;

    close(actor->wire);
    if (waitpid(actor->pid, &status, 0) != actor->pid)
        abort();
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

ACTOR int end(const struct actor *actor, int signal_of)
{
    kill(actor->pid, signal_of);
    return reap(actor);
}

#endif
