/* Every call that the pid file makes into the system fails in turn: what cannot be locked or
 * written is as it was, what runs is found or an error says why not, and nobody else is signalled.
 */
#include "fault.h"
#include <netio/pidfile.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STALE "0000000004194303\n"

static char folder[] = "/tmp/netio-fault-XXXXXX";
static char path[64], busy[64];
static const char *before; /* what is in the file; NULL: there is none */
static pid_t daemon_pid;   /* who has the busy one */

static void put_before(void)
{
    int fd;

    unlink(path);
    if (!before)
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd == -1 || write(fd, before, strlen(before)) == -1)
        abort();
    close(fd);
}

/* A new file that was not written is empty, one that was not even locked gone; but who could not
 * ask for the lock cannot remove it. */
static int is_before(int stays)
{
    char text[64] = "";
    int fd = __real_open(path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t n = fd == -1 ? -1 : __real_read(fd, text, sizeof text - 1);

    if (fd != -1)
        close(fd);
    return before ? n >= 0 && strcmp(text, before) == 0 : n == -1 || (stays && n == 0);
}

/* Somebody else could start here: no lock is left. */
static int is_free(void)
{
    struct netio_pidfile *file = NULL;

    if (netio_pidfile_lock(&file, path, NULL) != 0)
        return 0;
    netio_pidfile_remove(file);
    return access(path, F_OK) == -1;
}

static int start_and_end(void)
{
    struct netio_pidfile *file = NULL;
    struct netio_error error = {0};
    int wrong = 0;
    pid_t pid = 0;

    fault_off();
    put_before();
    fault_on();
    int code = netio_pidfile_lock(&file, path, &error);
    wrong |= code > 0 || (code && (file || error.stage != NETIO_STAGE_PIDFILE));
    int locked = !code;
    if (locked)
        code = netio_pidfile_write(file, &error);
    fault_off();
    wrong |= code && !is_before(locked || error.code == -EBADF || error.code == -EACCES) ? 2 : 0;
    fault_on();
    if (!code && netio_pidfile_find(path, &pid, NULL, &error) == 0)
        wrong |= pid != getpid() ? 4 : 0;
    netio_pidfile_remove(file);
    fault_off();
    wrong |= is_free() ? 0 : 8;
    fault_on();
    return wrong;
}

static int ask(void)
{
    struct netio_error error = {0};
    pid_t pid = 0;
    int pidfd = -1, wrong = 0;
    long hits = *fault_hits;
    int code = netio_pidfile_find(busy, &pid, &pidfd, &error);

    wrong |= code ? code > 0 || *fault_hits == hits || pidfd != -1 : pid != daemon_pid;
    wrong |= code == 0 && fcntl(pidfd, F_GETFD) == -1 && *fault_hits == hits ? 2 : 0;
    if (pidfd != -1)
        close(pidfd);
    hits = *fault_hits;
    code = netio_pidfile_signal(busy, SIGCONT, &error);
    wrong |= code && *fault_hits == hits ? 4 : 0;
    return wrong;
}

/* loses: byte 1, as who reads his own pid file does. */
static pid_t start_daemon(const char *where, int loses)
{
    struct netio_pidfile *file;
    int wires[2];
    char c;

    fault_off();
    if (pipe2(wires, O_CLOEXEC) == -1)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        if (netio_pidfile_lock(&file, where, NULL) || netio_pidfile_write(file, NULL) ||
            (loses && close(open(where, O_RDONLY | O_CLOEXEC))) || write(wires[1], "w", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    if (pid == -1 || read(wires[0], &c, 1) != 1)
        abort();
    close(wires[0]);
    close(wires[1]);
    fault_on();
    return pid;
}

/* 0 means that it has ended, but where pidfd_send_signal said so of one that lives; after an error
 * it may live. */
static int stop(void)
{
    struct netio_error error = {0};
    pid_t pid = start_daemon(path, 0);
    long hits = *fault_hits;
    int code = netio_pidfile_stop(path, netio_deadline_in(60), 1, &error);

    hits = *fault_hits - hits;
    fault_off();
    int wrong = code > 0 || (code && !hits);
    int ended = waitpid(pid, NULL, WNOHANG) == pid;
    if (!code && !hits && !ended)
        wrong |= 2;
    if (!ended) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    fault_on();
    return wrong;
}

int main(void)
{
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/x.pid", folder);
    snprintf(busy, sizeof busy, "%s/busy.pid", folder);
    fault_walk("start and end, no file", start_and_end);
    before = STALE;
    fault_walk("start and end, a stale file", start_and_end);
    long pidfd = syscall(SYS_pidfd_open, getpid(), 0);
    if (pidfd != -1) {
        close((int)pidfd);
        for (int loses = 0; loses < 2; loses++) {
            daemon_pid = start_daemon(busy, loses);
            fault_walk(loses ? "find one that has read its own file" : "find and signal", ask);
            kill(daemon_pid, SIGKILL);
            waitpid(daemon_pid, NULL, 0);
        }
        fault_walk("stop", stop);
        unlink(busy);
    } else
        skip(3, "no pidfd_open(2) here, as under valgrind 3.19");
    unlink(path);
    is_int(rmdir(folder), 0, "nothing is left");
    return tap_done();
}
