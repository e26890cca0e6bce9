/* Tests of netio/listener.h: the sockets of listen addresses.  B28 of the fault
 * catalogue: a listen error says which address and why. */
#include "tap.h"
#include <netio/fd.h>
#include <netio/listener.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/netio-listener-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "unix:%s/%s", folder, name);
    return path;
}

/* Whether a client reaches it. */
static int answers(const struct netio_addr *addr)
{
    int fd = socket(netio_addr_family(addr), SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = connect(fd, &addr->u.sa, addr->len) == -1 ? -errno : 0;

    netio_fd_close(fd);
    return code;
}

static int flag(int fd, int get, int bit)
{
    return (fcntl(fd, get) & bit) != 0;
}

/* How many clients may wait: what the kernel says of a listening socket in this field. */
static int queue_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ? -errno
                                                                    : (int)info.tcpi_sacked;
}

static void close_all(struct netio_listener *listeners, int n)
{
    while (n > 0)
        netio_listener_close(&listeners[--n]);
}

/* Binding there fails with this code, and the text says where and why. */
static void is_refused(const char *address, int code, const char *why, const char *name)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio_error error;
    char message[320], want[640];

    is_int(netio_listener_open(listeners, address, 0, &error), code, "%s", name);
    snprintf(want, sizeof want, "bind %s: %s", address, why);
    is_str(netio_error_str(&error, message, sizeof message), want, "says which and why");
}

#define IN_USE "Address already in use"

static void test_open(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio_error error;
    char text[NETIO_ADDR_STRLEN];

    is_int(netio_listener_open(listeners, "127.0.0.1:0", 0, &error), 1, "one address, one socket");
    ok(netio_addr_port(&listeners[0].address) > 0, "the address has the real port");
    ok(flag(listeners[0].fd, F_GETFD, FD_CLOEXEC), "close-on-exec");
    ok(flag(listeners[0].fd, F_GETFL, O_NONBLOCK), "non-blocking");
    is_int(answers(&listeners[0].address), 0, "listens");
    ok(queue_of(listeners[0].fd) >= 128, "with room for clients to wait");
    netio_addr_str(&listeners[0].address, text, sizeof text);
    is_refused(text, -EADDRINUSE, IN_USE, "B28: port in use");
    struct netio_addr address = listeners[0].address;
    netio_listener_close(&listeners[0]);
    is_int(listeners[0].fd, -1, "closed");
    netio_listener_close(&listeners[0]);
    is_int(answers(&address), -ECONNREFUSED, "no longer listens");
    is_int(netio_listener_open(listeners, text, 0, &error), 1, "the port is free again at once");
    close_all(listeners, 1);
}

static void test_dead_address(void)
{
    /* RFC 5737 and RFC 3849: documentation addresses, which nobody has. */
    is_refused("192.0.2.1:0", -EADDRNOTAVAIL, "Cannot assign requested address",
               "B28: an address that this machine does not have");
    is_refused("[2001:db8::1]:79", -EADDRNOTAVAIL, "Cannot assign requested address",
               "B28: the same with IPv6");
}

static void test_both_families(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio_error error;
    struct netio_addr loopback;
    char text[320];
    int n = netio_listener_open(listeners, "*:0", 0, &error);

    if (n != 2) {
        ok(n == 1, "one family only on this machine");
        close_all(listeners, n);
        skip(9, "needs IPv6 and IPv4");
        return;
    }
    is_int(netio_addr_family(&listeners[0].address), AF_INET6, "IPv6 first");
    is_int(netio_addr_family(&listeners[1].address), AF_INET, "then IPv4");
    unsigned port = netio_addr_port(&listeners[0].address);
    is_int(netio_addr_port(&listeners[1].address), port, "the same port");
    netio_addr_parse(&loopback, "::1");
    netio_addr_set_port(&loopback, port);
    is_int(answers(&loopback), 0, "reached over IPv6");
    netio_addr_parse(&loopback, "127.0.0.1");
    netio_addr_set_port(&loopback, port);
    is_int(answers(&loopback), 0, "reached over IPv4");
    snprintf(text, sizeof text, "127.0.0.1:%u", port);
    is_refused(text, -EADDRINUSE, IN_USE, "the port is all ours");
    netio_listener_close(&listeners[0]);
    snprintf(text, sizeof text, "%u", port);
    char want[64];
    snprintf(want, sizeof want, "bind 0.0.0.0:%u: Address already in use", port);
    struct netio_listener other[NETIO_LISTENER_MAX];
    is_int(netio_listener_open(other, text, 0, &error), -EADDRINUSE,
           "of two, one that is in use fails both");
    is_str(netio_error_str(&error, text, sizeof text), want, "says which");
    netio_addr_parse(&loopback, "::1");
    netio_addr_set_port(&loopback, port);
    is_int(answers(&loopback), -ECONNREFUSED, "and leaves nothing open");
    netio_listener_close(&listeners[1]);
}

/* What somebody else may do to a copy, and how who owns the socket undoes it. */
static void lose_and_mend(const struct netio_listener *listener)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct netio_addr peer;

    if (listener->type == SOCK_STREAM) {
        is_int(shutdown(listener->fd, SHUT_RDWR), 0, "shut down");
        is_int(listen(listener->fd, 1), 0, "and listens again");
        return;
    }
    netio_addr_parse(&peer, netio_addr_family(&listener->address) == AF_INET ? "127.0.0.1" : "::1");
    netio_addr_set_port(&peer, 9);
    is_int(connect(listener->fd, &peer.u.sa, peer.len), 0, "connected");
    is_int(connect(listener->fd, &nobody, sizeof nobody), 0, "and disconnected");
}

static void test_chosen_port(void)
{
    static const char *const texts[] = {"127.0.0.1:0", "udp:127.0.0.1:0", "*:0", "udp:*:0"};
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio_addr now;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int n = netio_listener_open(listeners, texts[i], 0, NULL);
        ok(n > 0, "%s", texts[i]);
        for (int k = 0; k < n; k++) {
            int shares = 1;
            socklen_t len = sizeof shares;
            getsockopt(listeners[k].fd, SOL_SOCKET, SO_REUSEPORT, &shares, &len);
            is_int(shares, 0, "nobody shares the port");
            lose_and_mend(&listeners[k]);
            netio_addr_local(&now, listeners[k].fd);
            is_int(netio_addr_compare(&now, &listeners[k].address), 0, "at the same port");
        }
        close_all(listeners, n);
    }
}

/* In a network namespace of its own a child finds IPv6 switched off.  Exit code: how many
 * sockets "*:0" meant, 10 when the machine does not let us. */
static int sockets_without_ipv6(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio_error error;

    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
        return 10;
    int fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_WRONLY | O_CLOEXEC);
    if (fd == -1 || write(fd, "1", 1) != 1)
        return 10;
    int n = netio_listener_open(listeners, "*:0", 0, &error);
    close_all(listeners, n);
    return n < 0 ? 11 : n;
}

static void test_without_ipv6(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(sockets_without_ipv6());
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 10)
        skip(1, "needs a network namespace");
    else
        ok(WIFEXITED(status) && (WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 2),
           "IPv6 switched off: the rest listens");
}

/* One that only root can have, without a name in services(5); two of them are two. */
static void test_reserved(const char *address, const char *protocol)
{
    struct netio_listener one[NETIO_LISTENER_MAX], two[NETIO_LISTENER_MAX];
    struct netio_error error;

    if (geteuid() != 0) {
        skip(5, "needs root");
        return;
    }
    int n = netio_listener_open(one, address, 0, &error);
    int m = netio_listener_open(two, address, 0, &error);
    if (ok(n > 0 && n == m, "%s: opened twice", address)) {
        unsigned port = netio_addr_port(&one[0].address);
        ok(port >= 600 && port < 1024, "%s: port %u", address, port);
        ok(!getservbyport(htons((uint16_t)port), protocol), "nobody else's in services(5)");
        is_int(netio_addr_port(&one[n - 1].address), port, "the same in each family");
        ok(netio_addr_port(&two[0].address) != port, "and each has its own");
    }
    close_all(one, n);
    close_all(two, m);
}

static void test_privileged_port(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct netio_listener listeners[NETIO_LISTENER_MAX];
        struct netio_error error;
        char message[320];
        int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY);
        char number[16] = "";
        if (fd == -1 || read(fd, number, sizeof number - 1) < 1 || atoi(number) <= 7 ||
            (geteuid() == 0 && setuid(65534) == -1))
            _exit(10);
        int code = netio_listener_open(listeners, "127.0.0.1:7", 0, &error);
        netio_error_str(&error, message, sizeof message);
        _exit(code != -EACCES || strcmp(message, "bind 127.0.0.1:7: Permission denied"));
    }
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 10)
        skip(1, "every port may be bound here");
    else
        is_int(status, 0, "B28: a privileged port says so");
}

static void test_unix(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX], second[NETIO_LISTENER_MAX];
    struct netio_error error;
    char printed[NETIO_ADDR_STRLEN];
    const char *text = in_folder("a");
    const char *path = text + 5;
    struct stat st;

    is_int(netio_listener_open(listeners, text, 0, &error), 1, "a unix socket");
    is_str(netio_addr_str(&listeners[0].address, printed, sizeof printed), text, "its address");
    is_int(answers(&listeners[0].address), 0, "listens");
    is_refused(text, -EADDRINUSE, IN_USE, "a living one is kept");
    is_int(answers(&listeners[0].address), 0, "and still listens");
    pid_t pid = fork();
    if (pid == 0) {
        netio_listener_close(&listeners[0]);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    is_int(lstat(path, &st), 0, "a child that closes it leaves the path");
    netio_fd_close(listeners[0].fd);
    is_int(answers(&listeners[0].address), -ECONNREFUSED, "killed: the path stays");
    is_int(netio_listener_open(listeners, text, 0, &error), 1, "stale: taken over");
    unlink(path);
    is_int(netio_listener_open(second, text, 0, &error), 1, "removed, served by another");
    netio_listener_close(&listeners[0]);
    is_int(answers(&second[0].address), 0, "the first one's close leaves the other's path");
    netio_listener_close(&second[0]);
    is_int(lstat(path, &st), -1, "its own close removes it");
}

/* A server that is too busy to accept lives all the same. */
static void test_unix_busy(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    const char *text = in_folder("busy");
    int fds[16], n = 0, code = 0;

    is_int(netio_listener_open(listeners, text, 1, NULL), 1, "a short queue");
    for (; n < 16 && code != -EAGAIN; n++) {
        fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        code = connect(fds[n], &listeners[0].address.u.sa, listeners[0].address.len) ? -errno : 0;
    }
    is_int(code, -EAGAIN, "is full");
    is_refused(text, -EADDRINUSE, IN_USE, "its path is not stale");
    while (n > 0)
        netio_fd_close(fds[--n]);
    netio_listener_close(&listeners[0]);
}

static void test_unix_strangers(void)
{
    const char *text = in_folder("x");
    const char *path = text + 5;
    struct stat st;

    netio_fd_close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    is_refused(text, -EADDRINUSE, IN_USE, "a file is not taken over");
    ok(lstat(path, &st) == 0 && S_ISREG(st.st_mode), "and stays");
    unlink(path);
    is_int(symlink("/nowhere", path), 0, "a link");
    is_refused(text, -EADDRINUSE, IN_USE, "a link is not followed");
    unlink(path);
    is_refused(in_folder("no/such"), -ENOENT, "No such file or directory",
               "a folder that is missing");
}

#define STARTERS 20

/* Many start at once over a stale path: exactly one may get it. */
static void test_unix_race(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    char text[128];
    int winners = 0, others = 0, gate[2], hold[2];
    pid_t pids[STARTERS];
    char byte;

    snprintf(text, sizeof text, "%s", in_folder("race"));
    netio_listener_open(listeners, text, 0, NULL);
    netio_fd_close(listeners[0].fd);
    if (pipe(gate) == -1 || pipe(hold) == -1)
        fail("pipes");
    for (int i = 0; i < STARTERS; i++) {
        if ((pids[i] = fork()) != 0)
            continue;
        close(gate[1]);
        (void)!read(gate[0], &byte, 1);
        int n = netio_listener_open(listeners, text, 0, NULL);
        byte = n == 1 ? 'w' : n == -EADDRINUSE ? 'o' : '?';
        (void)!write(hold[1], &byte, 1);
        /* The winner lives until all have tried. */
        for (;;)
            pause();
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < STARTERS && read(hold[0], &byte, 1) == 1; i++) {
        winners += byte == 'w';
        others += byte == 'o';
    }
    is_int(winners, 1, "C3: of 20 servers that start at once over a stale path one gets it");
    is_int(others, 19, "and the others say that it is in use");
    for (int i = 0; i < STARTERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    unlink(text + 5);
    close(hold[0]);
    close(hold[1]);
}

/* A stranger who locks the folder cannot stop a start. */
static void test_unix_locked(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    is_int(flock(fd, LOCK_EX), 0, "the folder is locked");
    is_int(netio_listener_open(listeners, in_folder("locked"), 0, NULL), 1, "it starts");
    netio_listener_close(&listeners[0]);
    netio_fd_close(fd);
}

static void test_take(void)
{
    struct netio_listener listener, listeners[NETIO_LISTENER_MAX];
    int pair[2], pipes[2];

    is_int(netio_listener_open(listeners, in_folder("take"), 0, NULL), 1, "somebody's socket");
    netio_fd_cloexec(listeners[0].fd, 0);
    netio_fd_nonblock(listeners[0].fd, 0);
    is_int(netio_listener_take(&listener, listeners[0].fd), 0, "taken over");
    ok(flag(listener.fd, F_GETFD, FD_CLOEXEC), "now close-on-exec");
    ok(flag(listener.fd, F_GETFL, O_NONBLOCK), "and non-blocking");
    is_int(netio_addr_compare(&listener.address, &listeners[0].address), 0, "its address is known");
    listener.fd = dup(listener.fd);
    netio_listener_close(&listener);
    is_int(answers(&listeners[0].address), 0, "closing it leaves the path to its owner");
    netio_listener_close(&listeners[0]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 || pipe(pipes) == -1)
        fail("sockets and pipes");
    is_int(netio_listener_take(&listener, pair[0]), -EISCONN, "C24: one that is connected");
    is_int(netio_listener_take(&listener, pipes[0]), -ENOTSOCK, "C24: no socket");
    is_int(netio_listener_take(&listener, 999), -EBADF, "C24: nothing at all");
    is_int(listener.fd, -1, "nothing to close then");
    for (int i = 0; i < 2; i++) {
        is_int(close(pair[i]), 0, "left alone");
        close(pipes[i]);
    }
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    test_open();
    test_dead_address();
    test_both_families();
    test_chosen_port();
    test_without_ipv6();
    test_reserved("*:0,reserved", "tcp");
    test_reserved("udp:127.0.0.1:0,reserved,for=a", "udp");
    test_privileged_port();
    test_unix();
    test_unix_busy();
    test_unix_strangers();
    test_unix_race();
    test_unix_locked();
    test_take();
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
