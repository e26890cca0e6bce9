/* Every call that a start makes into the system fails in turn, in the starter, the go-between and
 * the daemon: the starter says ready only of a daemon that has come through, and nothing is left of
 * one that has not.  In the foreground: ready or an error. */
#include "fault.h"
#include <netio/daemonize.h>
#include <netio/loop.h>

#include <fcntl.h>
#include <sys/un.h>

#define SECONDS 1 /* what is never heard is waited for so long */

static char folder[] = "/tmp/netio-fault-XXXXXX", pidfile[64];
static volatile int *said_ready; /* by the daemon, seen by the starter */

/* Ready, it goes on until it is told to end. */
static _Noreturn void be_daemon(struct netio_daemon *daemon, int go)
{
    char c;

    alarm(20);
    int code = netio_daemon_ready(daemon, NULL);
    *said_ready = code == 0;
    while (code == 0 && __real_read(go, &c, 1) == -1)
        ;
    netio_daemon_free(daemon);
    _exit(code ? 3 : 0);
}

/* Waits for the end of all that have the pipe. */
static int all_gone(int life)
{
    char c;
    int gone = __real_read(life, &c, 1) == 0;

    while (__real_waitpid(-1, NULL, 0) > 0) /* a daemon that was ready is still a child */
        ;
    return gone;
}

/* What is wrong.  A daemon that the starter knows nothing of has been killed, ready or not. */
static int judge(int code, int status, int life, int go)
{
    struct stat file = {.st_size = 0};
    int ready = code == NETIO_DAEMON_STARTER && status == 0;

    if (code != NETIO_DAEMON_STARTER && code >= 0)
        return 2;
    if (!ready && __real_waitpid(-1, NULL, WNOHANG) != -1)
        return 3;
    if (ready)
        netio_fd_close(go);
    if (!all_gone(life))
        return 4;
    if (ready && !*said_ready)
        return 5;
    /* One that could not be locked may not be removed, but is empty. */
    return !ready && __real_lstat(pidfile, &file) == 0 && file.st_size ? 6 : 0;
}

static int one_start(void)
{
    struct netio_daemon *daemon;
    int life[2], go[2], status = -1;

    if (__real_pipe2(life, O_CLOEXEC) == -1 || __real_pipe2(go, O_CLOEXEC) == -1)
        return 1;
    *said_ready = 0;
    const int keep[] = {life[1], go[0]};
    const struct netio_daemon_options options = {
        .pidfile = pidfile, .keep = keep, .keep_count = 2, .ready_seconds = SECONDS};
    int code = netio_daemonize(&daemon, &options, &status, NULL);
    if (code == 0)
        be_daemon(daemon, go[0]);
    fault_off();
    netio_fd_close(life[1]);
    int wrong = judge(code, status, life[0], go[1]);
    if (wrong || code != NETIO_DAEMON_STARTER || status != 0)
        netio_fd_close(go[1]);
    netio_fd_close(life[0]);
    netio_fd_close(go[0]);
    __real_unlink(pidfile); /* where its daemon could not */
    fault_on();
    return wrong;
}

/* As under a manager that is there. */
static int one_in_the_foreground(void)
{
    struct netio_daemon *daemon;
    int status;

    fault_off();
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s/notify", folder);
    if (bind(manager, (struct sockaddr *)&un, sizeof un) == -1)
        return 1;
    setenv("NOTIFY_SOCKET", un.sun_path, 1);
    char **environment = environ;
    const struct netio_daemon_options options = {
        .pidfile = pidfile, .keep = &manager, .keep_count = 1};
    fault_on();
    int code = netio_daemonize(&daemon, &options, &status, NULL);
    if (code == 0) {
        code = netio_daemon_ready(daemon, NULL);
        netio_daemon_free(daemon);
    }
    fault_off();
    if (environ != environment) {
        __wrap_free(environ); /* the world's, which is never freed otherwise */
        environ = environment;
    }
    unsetenv("NOTIFY_SOCKET");
    unlink(un.sun_path);
    unlink(pidfile);
    close(manager);
    fault_on();
    return code <= 0 ? 0 : 2;
}

/* The manager's end, and a watchdog. */
static int one_manager(void)
{
    struct netio_notify_message message;
    struct netio_notify *notify = NULL;
    struct netio_loop *loop = NULL;
    char name[64];
    int fd = netio_notify_listen(name, sizeof name), seen = 0;

    if (fd >= 0) {
        fault_off();
        setenv("NOTIFY_SOCKET", name, 1);
        setenv("WATCHDOG_USEC", "2000", 1);
        fault_on();
        int code = netio_notify_new(&notify, NULL);
        if (code == 0 && netio_loop_new(&loop, 0) == 0)
            code = netio_notify_watchdog(notify, loop);
        for (int i = 0; i < 3 && loop; i++) {
            (void)netio_loop_step(loop, netio_deadline_in(0.002));
            seen += netio_notify_receive(fd, &message) == 1 && message.watchdog;
        }
    }
    netio_notify_free(notify);
    netio_loop_free(loop);
    netio_fd_close(fd);
    return *fault_hits == 0 && seen < 1 ? 1 : 0;
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    tap_daemons = 1;
    closefrom(3); /* as the library does */
    snprintf(pidfile, sizeof pidfile, "%s/pid", folder);
    said_ready =
        mmap(NULL, sizeof *said_ready, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fault_walk("a start", one_start);
    fault_walk("in the foreground", one_in_the_foreground);
    fault_walk("a manager", one_manager);
    is_int(rmdir(folder), 0, "nothing is left in the folder");
    return tap_done();
}
