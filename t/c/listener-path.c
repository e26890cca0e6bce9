/* Tests of netio/listener.h: unix paths with mode, owner and group, datagram sockets, and what can
 * be taken over. */
#include "tap.h"
#include <netio/fd.h>
#include <netio/listener.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NOBODY 65534

static char folder[] = "/tmp/netio-listener-path-XXXXXX";

static const char *in_folder(const char *kind, const char *name)
{
    static char text[160];

    snprintf(text, sizeof text, "%s:%s/%s", kind, folder, name);
    return text;
}

static struct stat status_of(const struct netio_listener *listener)
{
    struct stat st = {0};

    (void)lstat(listener->address.u.un.sun_path, &st);
    return st;
}

/* What connecting says to a process of that user. */
static int connect_as(uid_t uid, const struct netio_listener *listener)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int fd = socket(AF_UNIX, listener->type | SOCK_CLOEXEC, 0);
        if (setgid(uid) == -1 || setuid(uid) == -1)
            _exit(255);
        _exit(connect(fd, &listener->address.u.sa, listener->address.len) == -1 ? errno : 0);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct {
    const char *options;
    mode_t mode;
    int user; /* what connecting says to nobody, as root's server has it */
} modes[] = {
    {",mode=0660", 0660, EACCES},
    {",mode=0666", 0666, 0},
    {",mode=0", 0, EACCES},
    {",mode=777", 0777, 0},
    {",mode=0600,owner=nobody", 0600, 0},
    {",mode=0660,group=65534", 0660, 0},
    {",owner=65534,mode=0060", 0060, EACCES},
};

static void test_modes(const char *kind)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio_error error;
    char text[200], said[700];
    mode_t before = umask(077);

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        snprintf(text, sizeof text, "%s%s", in_folder(kind, "m"), modes[i].options);
        if (!is_int(netio_listener_open(listeners, text, 0, &error), 1, "%s", text)) {
            diag("%s", netio_error_str(&error, said, sizeof said));
            continue;
        }
        is_int(status_of(listeners).st_mode, S_IFSOCK | modes[i].mode, "its mode, whatever umask");
        if (geteuid() == 0)
            is_int(connect_as(NOBODY, listeners), modes[i].user, "and what it means to nobody");
        netio_listener_close(listeners);
    }
    is_int(umask(022), 077, "the umask was left alone");
    snprintf(text, sizeof text, "%s", in_folder(kind, "m"));
    is_int(netio_listener_open(listeners, text, 0, &error), 1, "without a mode");
    is_int(status_of(listeners).st_mode, S_IFSOCK | 0755, "what the umask leaves");
    netio_listener_close(listeners);
    umask(before);
}

static void test_owner(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    char text[200];

    snprintf(text, sizeof text, "%s,owner=nobody,group=daemon", in_folder("unix", "o"));
    is_int(netio_listener_open(listeners, text, 0, NULL), 1, "owner and group");
    struct stat st = status_of(listeners);
    is_int(st.st_uid, NOBODY, "the owner");
    is_int(st.st_gid, 1, "the group");
    netio_listener_close(listeners);
    snprintf(text, sizeof text, "%s,group=daemon", in_folder("unix", "o"));
    is_int(netio_listener_open(listeners, text, 0, NULL), 1, "a group alone");
    st = status_of(listeners);
    is_int(st.st_uid, geteuid(), "leaves the owner");
    is_int(st.st_gid, 1, "the group");
    netio_listener_close(listeners);
}

/* Who may not give files away is told, and no path is left. */
static void test_not_allowed(void)
{
    int status = 0;

    is_int(chmod(folder, 0777), 0, "a folder for all");
    pid_t pid = fork();
    if (pid == 0) {
        struct netio_listener listeners[NETIO_LISTENER_MAX];
        struct netio_error error;
        char text[200], said[700], want[300];
        struct stat st;
        if (setgid(NOBODY) == -1 || setuid(NOBODY) == -1)
            _exit(2);
        snprintf(text, sizeof text, "%s,owner=root", in_folder("unix", "n"));
        if (netio_listener_open(listeners, text, 0, &error) != -EPERM)
            _exit(3);
        snprintf(want, sizeof want, "bind unix:%s/n: Operation not permitted", folder);
        if (strcmp(netio_error_str(&error, said, sizeof said), want) != 0)
            _exit(4);
        _exit(lstat(strchr(in_folder("unix", "n"), '/'), &st) == -1 && errno == ENOENT ? 0 : 5);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "B28: an owner that may not be given: says so, leaves no path");
    is_int(chmod(folder, 0700), 0, "our folder again");
}

/* Of all moments at which the path changed, none let nobody in: a storm of tries while it comes and
 * goes; each is refused. */
static void test_no_gap(const char *kind)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char text[200];
    int status = 0, wrong = 0, gate[2];

    is_int(chmod(folder, 0755), 0, "a folder for all to look at");
    snprintf(text, sizeof text, "%s,mode=0600", in_folder(kind, "gap"));
    snprintf(un.sun_path, sizeof un.sun_path, "%s/gap", folder);
    if (pipe(gate) == -1)
        fail("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        int type = strcmp(kind, "unix") == 0 ? SOCK_STREAM : SOCK_DGRAM;
        close(gate[1]);
        if (setgid(NOBODY) == -1 || setuid(NOBODY) == -1)
            _exit(2);
        struct pollfd end = {.fd = gate[0], .events = POLLIN};
        while (poll(&end, 1, 0) == 0) {
            int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
            if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0)
                _exit(3);
            close(fd);
        }
        _exit(0);
    }
    close(gate[0]);
    mode_t before = umask(0);
    for (int i = 0; i < 2000; i++) {
        wrong += netio_listener_open(listeners, text, 0, NULL) != 1;
        netio_listener_close(listeners);
    }
    umask(before);
    close(gate[1]);
    waitpid(pid, &status, 0);
    is_int(wrong, 0, "%s: opened 2,000 times", kind);
    is_int(status, 0, "%s: nobody got in before the mode was there", kind);
    is_int(chmod(folder, 0700), 0, "our folder again");
}

/* ---- datagrams ------------------------------------------------------------------------------ */

static void test_udp(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX], second[NETIO_LISTENER_MAX];
    struct netio_error error;
    char address[NETIO_ADDR_STRLEN], text[NETIO_ADDR_STRLEN + 8], said[700], want[700];

    /* A port that is free for both: other programs choose ports at this moment, too. */
    for (int tries = 0, n = 0; n != 1 && tries < 16; tries++) {
        (void)netio_listener_open(second, "127.0.0.1:0", 0, NULL);
        netio_addr_str(&second[0].address, address, sizeof address);
        snprintf(text, sizeof text, "udp:%s", address);
        n = netio_listener_open(listeners, text, 0, &error);
        if (n != 1)
            netio_listener_close(second);
    }
    is_int(listeners[0].type, SOCK_DGRAM, "a datagram socket says what it is");
    is_int(second[0].type, SOCK_STREAM, "TCP at the same port is another");
    netio_listener_close(second);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char got[8] = "";
    is_int(sendto(fd, "hello", 5, 0, &listeners[0].address.u.sa, listeners[0].address.len), 5,
           "a datagram");
    is_int(netio_fd_poll(listeners[0].fd, NETIO_READ, netio_deadline_in(10)), NETIO_READ, "comes");
    is_int(recv(listeners[0].fd, got, sizeof got, 0), 5, "whole");
    close(fd);
    snprintf(want, sizeof want, "bind %s: Address already in use", address);
    is_int(netio_listener_open(second, text, 0, &error), -EADDRINUSE,
           "B28: not shared with another");
    is_str(netio_error_str(&error, said, sizeof said), want, "says which and why");
    netio_listener_close(listeners);
    is_int(netio_listener_open(listeners, text, 0, &error), 1, "free again at once");
    netio_listener_close(listeners);
}

static void test_udp_any(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    int n = netio_listener_open(listeners, "udp:0", 0, NULL);

    ok(n == 1 || n == 2, "every address of UDP");
    if (n == 2)
        is_int(netio_addr_port(&listeners[0].address), netio_addr_port(&listeners[1].address),
               "the same port in both families");
    while (n > 0)
        netio_listener_close(&listeners[--n]);
}

static void test_unix_datagrams(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX], second[NETIO_LISTENER_MAX];
    const char *text = in_folder("unix-dgram", "d");
    char stream[200];
    struct stat st;

    is_int(netio_listener_open(listeners, text, 0, NULL), 1, "a path for datagrams");
    is_int(netio_listener_open(second, text, 0, NULL), -EADDRINUSE, "is served");
    snprintf(stream, sizeof stream, "%s", in_folder("unix", "d"));
    is_int(netio_listener_open(second, stream, 0, NULL), -EADDRINUSE, "also for streams");
    netio_fd_close(listeners[0].fd);
    is_int(netio_listener_open(second, stream, 0, NULL), 1, "killed: stale, also for streams");
    is_int(netio_listener_open(listeners, in_folder("unix-dgram", "d"), 0, NULL), -EADDRINUSE,
           "and the other way round");
    netio_listener_close(second);
    is_int(lstat(strchr(stream, '/'), &st), -1, "removed");
}

/* ---- what can be taken over ----------------------------------------------------------------- */

static int taken(int family, int type, int bind_it)
{
    struct netio_listener listener;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(family, type | SOCK_CLOEXEC, 0);

    if (bind_it && bind(fd, family == AF_UNIX ? (void *)&un : (void *)&in4,
                        family == AF_UNIX ? sizeof un.sun_family : sizeof in4) == -1)
        return -errno;
    int code = netio_listener_take(&listener, fd);
    if (!code && (listener.type != type || listener.fd != fd || listener.owner))
        code = 1;
    close(fd);
    return code;
}

static void test_take(void)
{
    struct netio_listener listener;
    int pair[2];

    is_int(taken(AF_INET, SOCK_DGRAM, 1), 0, "a bound datagram socket");
    is_int(taken(AF_UNIX, SOCK_DGRAM, 1), 0, "one with an abstract address");
    is_int(taken(AF_INET, SOCK_DGRAM, 0), -EINVAL, "C24: one that is not bound");
    is_int(taken(AF_UNIX, SOCK_DGRAM, 0), -EINVAL, "C24: of unix, too");
    is_int(taken(AF_INET, SOCK_STREAM, 1), -EINVAL, "C24: bound, but it does not listen");
    is_int(taken(AF_UNIX, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT, "C24: another type");
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == -1)
        fail("socketpair");
    is_int(netio_listener_take(&listener, pair[0]), -EISCONN, "C24: datagrams of one peer");
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    /* For nobody: where the folder is opened to him, its parents are. */
    if (geteuid() == 0) {
        is_int(chmod(folder, 0755), 0, "a folder to look at");
        test_modes("unix");
        test_modes("unix-dgram");
        test_owner();
        test_not_allowed();
        test_no_gap("unix");
        test_no_gap("unix-dgram");
    } else
        skip(1, "modes, owners and groups: needs root");
    test_udp();
    test_udp_any();
    test_unix_datagrams();
    test_take();
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
