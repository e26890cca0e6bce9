/* Tests of netio/activation.h.  C24: what is passed is no socket, a datagram socket, connected. */
#include "tap.h"
#include <netio/activation.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static void set(const char *pid, const char *fds, const char *names)
{
    pid ? setenv("LISTEN_PID", pid, 1) : unsetenv("LISTEN_PID");
    fds ? setenv("LISTEN_FDS", fds, 1) : unsetenv("LISTEN_FDS");
    names ? setenv("LISTEN_FDNAMES", names, 1) : unsetenv("LISTEN_FDNAMES");
}

static int is_clean(void)
{
    return !getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES");
}

/* So many from 3 on, with no flags. */
static void pass_descriptors(int count)
{
    for (int i = 0; i < count; i++)
        if (dup2(0, NETIO_ACTIVATION_FIRST + i) == -1)
            exit(1);
}

static void close_descriptors(int count)
{
    for (int i = 0; i < count; i++)
        close(NETIO_ACTIVATION_FIRST + i);
}

static void variables(const char *self)
{
    static const struct {
        const char *pid, *fds;
        int code, count;
        const char *subject;
    } rows[] = {
        {NULL, NULL, 0, 0, NULL},
        {NULL, "2", 0, 0, NULL},
        {"self", NULL, 0, 0, NULL},
        {"1", "2", 0, 0, NULL},
        {"1", "x", 0, 0, NULL},
        {"self", "0", 0, 0, NULL},
        {"self", "2", 0, 2, NULL},
        {"self", "3", -EBADF, 0, "LISTEN_FDS"},
        {"self", "65", NETIO_EBADOPTION, 0, "LISTEN_FDS"},
        {"self", "-1", NETIO_EBADOPTION, 0, "LISTEN_FDS"},
        {"self", "+2", NETIO_EBADOPTION, 0, "LISTEN_FDS"},
        {"self", "", NETIO_EBADOPTION, 0, "LISTEN_FDS"},
        {"self", "4294967298", NETIO_EBADOPTION, 0, "LISTEN_FDS"},
        {"self", "99999999999999999999", NETIO_EBADOPTION, 0, "LISTEN_FDS"},
        {"", "2", NETIO_EBADOPTION, 0, "LISTEN_PID"},
        {"me", "2", NETIO_EBADOPTION, 0, "LISTEN_PID"},
    };

    pass_descriptors(2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct netio_activation activation;
        struct netio_error error = {.code = 0};
        const char *pid = rows[i].pid && strcmp(rows[i].pid, "self") == 0 ? self : rows[i].pid;
        set(pid, rows[i].fds, "one:two:three");
        is_int(netio_activation_take(&activation, &error), rows[i].code, "C24: pid %s, fds %s",
               rows[i].pid, rows[i].fds);
        is_int(activation.count, rows[i].count, "so many are ours");
        ok(is_clean(), "no child takes itself for the service");
        if (rows[i].code)
            is_str(error.subject, rows[i].subject, "C24: the variable is named");
    }
    close_descriptors(2);
}

static void flags_and_names(const char *self)
{
    static const struct {
        const char *names, *first, *second, *third;
    } rows[] = {
        {NULL, "unknown", "unknown", "unknown"},
        {"", "unknown", "unknown", "unknown"},
        {"whois", "whois", "unknown", "unknown"},
        {"a:b:c", "a", "b", "c"},
        {"a::c", "a", "unknown", "c"},
        {"a:b:c:d", "a", "b", "c"},
        {"\x1b[2J:b\xff:c", "\\x1b[2J", "b\\xff", "c"},
    };
    struct netio_activation activation;
    char longest[200];

    pass_descriptors(3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set(self, "3", rows[i].names);
        is_int(netio_activation_take(&activation, NULL), 0, "names %zu", i);
        is_str(activation.names[0], rows[i].first, "the first");
        is_str(activation.names[1], rows[i].second, "the second");
        is_str(activation.names[2], rows[i].third, "the third");
    }
    for (int fd = 3; fd < 6; fd++)
        ok(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK,
           "%d: close-on-exec and non-blocking", fd);
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    set(self, "1", longest);
    netio_activation_take(&activation, NULL);
    is_int(strlen(activation.names[0]), 63, "a long name is cut");
    close_descriptors(3);
    pass_descriptors(64);
    set(self, "64", NULL);
    is_int(netio_activation_take(&activation, NULL), 0, "the maximum");
    is_int(activation.count, 64, "of 64");
    close_descriptors(64);
}

static void checks(void)
{
    int pair[2], pipes[2], none = socket(AF_INET, SOCK_STREAM, 0),
                           udp = socket(AF_INET, SOCK_DGRAM, 0);
    int seq[2], tcp = socket(AF_INET, SOCK_STREAM, 0);

    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, seq);
    if (pipe(pipes) == -1 || listen(tcp, 1) == -1)
        exit(1);
    is_int(netio_activation_check(tcp), 0, "C24: a listening socket");
    is_int(netio_activation_check(pipes[0]), -ENOTSOCK, "C24: no socket");
    is_int(netio_activation_check(udp), -ESOCKTNOSUPPORT, "C24: a datagram socket");
    is_int(netio_activation_check(seq[0]), -ESOCKTNOSUPPORT, "C24: one of packets");
    is_int(netio_activation_check(pair[0]), -EISCONN, "C24: a connected one");
    is_int(netio_activation_check(none), -EINVAL, "C24: neither listening nor connected");
    close(tcp);
    is_int(netio_activation_check(tcp), -EBADF, "C24: closed");
}

int main(void)
{
    char self[16];

    /* prove, or who runs this, may have left something open at 3. */
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    snprintf(self, sizeof self, "%d", (int)getpid());
    variables(self);
    flags_and_names(self);
    checks();
    return tap_done();
}
