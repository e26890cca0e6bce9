/* Tests of netio/listeners.h: how a set of listeners changes.  B22, B24, B28 of
 * the fault catalogue; R14 and R30 of the facts about inetds. */
#include "descriptors.h"
#include "tap.h"

#include "server/listeners.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIST(...)                                                                                  \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)

static char folder[] = "/tmp/netio-listeners-XXXXXX";

static struct netio_listeners *new_set(void)
{
    struct netio_listeners *set;

    if (netio_listeners_new(&set) != 0)
        fail("memory");
    return set;
}

/* The addresses of a configuration, one behind the other; types other than streams with "udp:". */
static const char *listing(const struct netio_listeners *set, enum netio_listeners_which which)
{
    static char text[8192];
    char one[NETIO_ADDR_STRLEN];
    const struct netio_listener *listener;

    *text = '\0';
    for (size_t i = 0; (listener = netio_listeners_at(set, which, i)); i++)
        sprintf(strchr(text, '\0'), "%s%s%s", i ? " " : "",
                listener->type == SOCK_DGRAM ? "udp:" : "",
                netio_addr_str(&listener->address, one, sizeof one));
    return text;
}

static int fd_of(const struct netio_listeners *set, size_t i)
{
    const struct netio_listener *listener = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, i);

    return listener ? listener->fd : -1;
}

static void change(struct netio_listeners *set, const char *const *list, size_t n)
{
    struct netio_error error;
    char text[700];

    if (!is_int(netio_listeners_prepare(set, list, n, &error), 0, "prepared"))
        diag("%s", netio_error_str(&error, text, sizeof text));
    netio_listeners_commit(set);
}

/* A port that nobody has now, in both families. */
static unsigned free_port(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    int n = netio_listener_open(listeners, "*:0", 0, NULL);
    unsigned port = n > 0 ? netio_addr_port(&listeners[0].address) : 0;

    while (n > 0)
        netio_listener_close(&listeners[--n]);
    return port;
}

static char *text_of(const char *prefix, unsigned port)
{
    static char texts[16][64];
    static unsigned next;
    char *text = texts[next++ % 16];

    snprintf(text, sizeof *texts, "%s%u", prefix, port);
    return text;
}

/* A client of 127.0.0.1: its descriptor or -errno. */
static int client(unsigned port)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&in4, sizeof in4) == 0)
        return fd;
    int code = -errno;
    close(fd);
    return code;
}

static void test_difference(void)
{
    struct netio_listeners *set = new_set();
    unsigned a = free_port(), b = free_port(), c = free_port();
    int before = open_descriptors();
    char want[200];

    change(set, LIST(text_of("127.0.0.1:", a), text_of("127.0.0.1:", b)));
    snprintf(want, sizeof want, "127.0.0.1:%u 127.0.0.1:%u", a, b);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), want, "B22: two at first");
    int kept = fd_of(set, 1), waiting = client(b);
    ok(waiting >= 0, "a client waits in the second one's queue");
    is_int(netio_listeners_prepare(set, LIST(text_of("127.0.0.1:", c), text_of("127.0.0.1:", b)),
                                   NULL),
           0, "B22: the first goes, a third comes");
    is_str(listing(set, NETIO_LISTENERS_PRESENT), want, "the present ones are as they were");
    snprintf(want, sizeof want, "127.0.0.1:%u 127.0.0.1:%u", b, c);
    is_str(listing(set, NETIO_LISTENERS_NEXT), want, "the next ones are there, too");
    int fd = client(a);
    ok(fd >= 0, "what goes still listens");
    close(fd);
    fd = client(c);
    ok(fd >= 0, "what comes listens already");
    close(fd);
    netio_listeners_commit(set);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), want, "B22: exactly those are left");
    is_int(client(a), -ECONNREFUSED, "what went is closed");
    is_int(fd_of(set, 0), kept, "R14: what stays is the same descriptor");
    fd = accept4(kept, NULL, NULL, SOCK_CLOEXEC);
    ok(fd >= 0, "and has its queue");
    close(fd);
    close(waiting);
    is_int(open_descriptors(), before + 2, "no descriptor more");
    change(set, NULL, 0);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), "", "all can go");
    is_int(open_descriptors(), before, "all are closed");
    netio_listeners_free(set);
}

static void test_cancel(void)
{
    struct netio_listeners *set = new_set();
    unsigned a = free_port(), b = free_port();
    int before = open_descriptors();

    change(set, LIST(text_of("127.0.0.1:", a)));
    is_int(netio_listeners_prepare(set, LIST(text_of("127.0.0.1:", b)), NULL), 0, "another");
    netio_listeners_cancel(set);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), text_of("127.0.0.1:", a), "cancelled: as before");
    is_str(listing(set, NETIO_LISTENERS_NEXT), text_of("127.0.0.1:", a),
           "also for what comes next");
    is_int(client(b), -ECONNREFUSED, "the new one is closed");
    is_int(netio_listeners_prepare(set, LIST(text_of("127.0.0.1:", b)), NULL), 0, "another");
    is_int(netio_listeners_prepare(set, LIST(text_of("udp:127.0.0.1:", b)), NULL), 0,
           "a second time, before the first was committed");
    netio_listeners_commit(set);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), text_of("udp:127.0.0.1:", b),
           "the second counts");
    is_int(open_descriptors(), before + 1, "nothing is left of the first");
    netio_listeners_free(set);
}

static void test_errors(void)
{
    struct netio_listeners *set = new_set(), *other = new_set();
    unsigned a = free_port(), b = free_port(), c = free_port();
    struct netio_error error;
    char text[700], want[200];

    change(other, LIST(text_of("127.0.0.1:", c)));
    change(set, LIST(text_of("127.0.0.1:", a)));
    int before = open_descriptors();
    is_int(netio_listeners_prepare(set, LIST(text_of("127.0.0.1:", b), text_of("127.0.0.1:", c)),
                                   &error),
           -EADDRINUSE, "B28: of two new ones one is in use");
    snprintf(want, sizeof want, "bind 127.0.0.1:%u: Address already in use", c);
    is_str(netio_error_str(&error, text, sizeof text), want, "says which and why");
    is_str(listing(set, NETIO_LISTENERS_NEXT), text_of("127.0.0.1:", a), "nothing has changed");
    is_int(open_descriptors(), before, "nothing is open besides");
    is_int(netio_listeners_prepare(set, LIST("nosuchservice"), &error), NETIO_EBADSERVICE,
           "B28: no address");
    is_str(netio_error_str(&error, text, sizeof text), "service nosuchservice: unknown service",
           "says which and why");
    is_int(netio_listeners_prepare(set, LIST(text_of("*:", c)), &error), -EADDRINUSE,
           "every address, of which another server has one");
    is_str(listing(set, NETIO_LISTENERS_PRESENT), text_of("127.0.0.1:", a), "nothing has changed");
    is_int(open_descriptors(), before, "nothing is open besides");
    netio_listeners_free(set);
    netio_listeners_free(other);
}

/* How many of the addresses find their own one socket. */
static int count_found(const struct netio_listeners *set, enum netio_listeners_which which,
                       const char *const *list, size_t n)
{
    int fds[NETIO_LISTENER_MAX], found = 0;

    for (size_t i = 0; i < n; i++) {
        struct netio_addr addr;
        char text[NETIO_ADDR_STRLEN];
        if (netio_listeners_find(set, which, list[i], fds) != 1 ||
            netio_addr_local(&addr, fds[0]) != 0)
            continue;
        netio_addr_set_port(&addr, 0);
        found += strcmp(netio_addr_str(&addr, text, sizeof text), list[i]) == 0;
    }
    return found;
}

static void test_many(void)
{
    enum { MANY = 2000 };
    struct netio_listeners *set = new_set();
    static char texts[MANY][32];
    static const char *list[MANY];
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < MANY + 100) {
        skip(1, "needs more descriptors");
        netio_listeners_free(set);
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int before = open_descriptors();
    for (int i = 0; i < MANY; i++) { /* in no order */
        snprintf(texts[i], sizeof *texts, "127.%d.%d.%d:0", i % 3, i % 250, 1 + i / 250);
        list[i] = texts[i];
    }
    change(set, list, MANY);
    is_int(open_descriptors(), before + MANY, "2,000 sockets");
    is_int(count_found(set, NETIO_LISTENERS_PRESENT, list, MANY), MANY, "each is found");
    int last = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, MANY - 1)->fd;
    is_int(netio_listeners_prepare(set, list + MANY / 2, MANY / 2, NULL), 0, "half of them");
    is_int(open_descriptors(), before + MANY, "are the same sockets");
    is_int(count_found(set, NETIO_LISTENERS_PRESENT, list, MANY), MANY, "all are found");
    is_int(count_found(set, NETIO_LISTENERS_NEXT, list, MANY), MANY / 2, "half in the next");
    netio_listeners_commit(set);
    is_int(open_descriptors(), before + MANY / 2, "the others are closed");
    is_int(count_found(set, NETIO_LISTENERS_PRESENT, list, MANY), MANY / 2, "and found no more");
    is_int(netio_listeners_at(set, NETIO_LISTENERS_PRESENT, MANY / 2 - 1)->fd, last,
           "the order is as it was");
    netio_listeners_free(set);
    is_int(open_descriptors(), before, "all closed");
}

/* What find says of an address: "a,b" as texts of the sockets; "": none. */
static const char *found(const struct netio_listeners *set, enum netio_listeners_which which,
                         const char *address)
{
    static char text[300];
    char one[NETIO_ADDR_STRLEN];
    int fds[NETIO_LISTENER_MAX];
    size_t n = netio_listeners_find(set, which, address, fds);

    *text = '\0';
    for (size_t i = 0; i < n; i++) {
        struct netio_addr addr;
        (void)netio_addr_local(&addr, fds[i]);
        sprintf(strchr(text, '\0'), "%s%s", i ? "," : "", netio_addr_str(&addr, one, sizeof one));
    }
    return text;
}

static void test_find(void)
{
    const enum netio_listeners_which present = NETIO_LISTENERS_PRESENT, next = NETIO_LISTENERS_NEXT;
    struct netio_listeners *set = new_set();
    struct netio_listener own[NETIO_LISTENER_MAX];
    unsigned a = free_port(), b = free_port(), c = free_port();
    const char *one = text_of("127.0.0.1:", a), *other = text_of("127.0.0.1:", b);
    const char *wide = text_of("*:", a), *udp = text_of("udp:127.0.0.1:", a);
    const char *passed = text_of("127.0.0.1:", c);
    char want[200];

    is_str(found(set, present, one), "", "in an empty set nothing is found");
    change(set, LIST(one, udp));
    is_str(found(set, present, one), one, "an address is found");
    is_str(found(set, next, one), one, "in what comes next, too");
    is_str(found(set, present, udp), one, "its datagrams, too");
    is_str(found(set, present, other), "", "another is not");
    is_int(netio_listeners_prepare(set, LIST(other, wide), NULL), 0, "a reload");
    is_str(found(set, present, one), one, "what was is found where it was");
    is_str(found(set, next, one), "", "and only there");
    is_str(found(set, next, other), other, "what comes is found where it comes");
    is_str(found(set, present, other), "", "and only there");
    netio_listeners_cancel(set);
    is_str(found(set, next, one), one, "cancelled: as before");
    is_str(found(set, next, other), "", "nothing else");
    change(set, LIST(wide));
    snprintf(want, sizeof want, "[::]:%u,0.0.0.0:%u", a, a);
    if (strcmp(listing(set, present), text_of("0.0.0.0:", a)) == 0) /* there is no IPv6 */
        snprintf(want, sizeof want, "0.0.0.0:%u", a);
    is_str(found(set, present, wide), want, "an address of two sockets");
    netio_listener_open(own, passed, 0, NULL);
    netio_listeners_pass(set, own[0].fd);
    is_str(found(set, present, passed), "", "one that a manager passed has no name");
    change(set, LIST(passed));
    is_str(found(set, present, passed), passed, "but in a configuration that gives it one");
    netio_listeners_close(set);
    is_str(found(set, present, passed), "", "all are closed");
    netio_listeners_free(set);
}

/* ---- every address and one of them ---------------------------------------------------------- */

static int has_reuseport(int fd)
{
    int on = -1;
    socklen_t len = sizeof on;

    (void)getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &len);
    return on;
}

static void test_narrower(const char *prefix)
{
    struct netio_listeners *set = new_set();
    struct netio_error error;
    unsigned port = free_port();
    char any[64], one[64], text[700];
    int is_tcp = !*prefix;

    snprintf(any, sizeof any, "%s0.0.0.0:%u", prefix, port);
    snprintf(one, sizeof one, "%s127.0.0.1:%u", prefix, port);
    change(set, LIST(any));
    int old = fd_of(set, 0);
    if (!is_int(netio_listeners_prepare(set, LIST(one), &error), 0,
                "R14: from every address to one"))
        diag("%s", netio_error_str(&error, text, sizeof text));
    is_int(has_reuseport(old), 0, "the port is no longer shared");
    is_int(has_reuseport(netio_listeners_at(set, NETIO_LISTENERS_NEXT, 0)->fd), 0, "by neither");
    int fd = is_tcp ? client(port) : -1;
    ok(!is_tcp || fd >= 0, "served all the time");
    netio_fd_close(fd);
    netio_listeners_commit(set);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), one, "only that one is left");
    fd = is_tcp ? client(port) : -1;
    ok(!is_tcp || fd >= 0, "served all the time");
    netio_fd_close(fd);
    change(set, LIST(any));
    is_str(listing(set, NETIO_LISTENERS_PRESENT), any, "R14: and back");
    is_int(netio_listeners_prepare(set, LIST(any, one), NULL), 0, "both");
    netio_listeners_cancel(set);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), any, "cancelled");
    netio_listeners_free(set);
}

static void test_both_families(void)
{
    struct netio_listeners *set = new_set();
    unsigned port = free_port();
    char want[200];

    change(set, LIST(text_of("*:", port)));
    snprintf(want, sizeof want, "[::]:%u 0.0.0.0:%u", port, port);
    if (strcmp(listing(set, NETIO_LISTENERS_PRESENT), want) != 0) {
        skip(1, "needs IPv6 and IPv4");
        netio_listeners_free(set);
        return;
    }
    int fd4 = fd_of(set, 1);
    change(set, LIST(text_of("0.0.0.0:", port)));
    is_str(listing(set, NETIO_LISTENERS_PRESENT), text_of("0.0.0.0:", port),
           "R14: one family less");
    is_int(fd_of(set, 0), fd4, "the other is the same socket");
    change(set, LIST(text_of("", port)));
    snprintf(want, sizeof want, "0.0.0.0:%u [::]:%u", port, port);
    is_str(listing(set, NETIO_LISTENERS_PRESENT), want, "and back, under another name");
    is_int(fd_of(set, 0), fd4, "it is still the same");
    change(set, LIST(text_of("*:", port), text_of("[::]:", port), text_of("*:", port)));
    is_str(listing(set, NETIO_LISTENERS_PRESENT), want, "named several times it is one");
    netio_listeners_free(set);
}

static void test_chosen(void)
{
    struct netio_listeners *set = new_set();

    change(set, LIST("127.0.0.1:0", "udp:127.0.0.1:0"));
    int stream = fd_of(set, 0), datagrams = fd_of(set, 1);
    change(set, LIST("udp:127.0.0.1:0", "127.0.0.1:0"));
    is_int(fd_of(set, 0), stream, "a port that the kernel chose stays");
    is_int(fd_of(set, 1), datagrams, "for datagrams, too");
    netio_listeners_free(set);
}

/* Of two that differ in no more than that each is its own, and stays it. */
static void test_chosen_for(void)
{
    static const char one[] = "127.0.0.1:0,for=one", two[] = "127.0.0.1:0,for=two";
    struct netio_listeners *set = new_set();
    int first[NETIO_LISTENER_MAX], second[NETIO_LISTENER_MAX], now[NETIO_LISTENER_MAX];

    change(set, LIST(one, two));
    is_int(netio_listeners_find(set, NETIO_LISTENERS_PRESENT, one, first), 1, "one");
    is_int(netio_listeners_find(set, NETIO_LISTENERS_PRESENT, two, second), 1, "the other");
    ok(first[0] != second[0], "each has a socket");
    change(set, LIST(two, "127.0.0.1:0,for=three", one));
    is_int(netio_listeners_find(set, NETIO_LISTENERS_PRESENT, one, now), 1, "one after a reload");
    is_int(now[0], first[0], "R14: has the same");
    netio_listeners_free(set);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static mode_t mode_of(const char *name)
{
    char path[160];
    struct stat st = {0};

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(path, &st) == 0 ? st.st_mode & 0777 : (mode_t)-1;
}

static void test_paths(void)
{
    struct netio_listeners *set = new_set();
    struct netio_error error;
    char plain[160], open_[160], wrong[160], text[700];

    snprintf(plain, sizeof plain, "unix:%s/p,mode=0600", folder);
    snprintf(open_, sizeof open_, "unix:%s/p,mode=0666", folder);
    snprintf(wrong, sizeof wrong, "unix:%s/none/p", folder);
    change(set, LIST(plain));
    int fd = fd_of(set, 0);
    is_int(netio_listeners_prepare(set, LIST(open_, wrong), &error), -ENOENT, "a missing folder");
    snprintf(text, sizeof text, "bind %s: No such file or directory", wrong);
    char said[700];
    is_str(netio_error_str(&error, said, sizeof said), text, "B28: says which");
    is_int(mode_of("p"), 0600, "the mode is as it was");
    is_int(netio_listeners_prepare(set, LIST(open_), &error), 0, "another mode");
    is_int(mode_of("p"), 0666, "is the path's");
    netio_listeners_cancel(set);
    is_int(mode_of("p"), 0600, "cancelled: the old one");
    change(set, LIST(open_));
    is_int(mode_of("p"), 0666, "committed: the new one");
    is_int(fd_of(set, 0), fd, "the same socket");
    change(set, NULL, 0);
    is_int(mode_of("p"), (mode_t)-1, "a path that goes is removed");
    netio_listeners_free(set);
}

/* R30: somebody else's socket by then at our path is left alone. */
static void test_replaced(void)
{
    struct netio_listeners *set = new_set();
    struct netio_listener other[NETIO_LISTENER_MAX];
    char address[160], open_[160];

    snprintf(address, sizeof address, "unix:%s/r,mode=0600", folder);
    snprintf(open_, sizeof open_, "unix:%s/r,mode=0666", folder);
    change(set, LIST(address));
    unlink(strchr(netio_addr_str(&netio_listeners_at(set, NETIO_LISTENERS_PRESENT, 0)->address,
                                 (char[NETIO_ADDR_STRLEN]){0}, NETIO_ADDR_STRLEN),
                  '/'));
    is_int(netio_listener_open(other, address, 0, NULL), 1, "another server has the path by now");
    change(set, LIST(open_));
    is_int(mode_of("r"), 0600, "R30: its mode is not ours to change");
    change(set, NULL, 0);
    is_int(mode_of("r"), 0600, "R30: nor is it ours to remove");
    netio_listener_close(other);
    netio_listeners_free(set);
}

/* ---- passed, given, left -------------------------------------------------------------------- */

static void test_passed(void)
{
    struct netio_listeners *set = new_set();
    struct netio_listener own[NETIO_LISTENER_MAX];
    unsigned port = free_port();
    int pipes[2];

    netio_listener_open(own, text_of("127.0.0.1:", port), 0, NULL);
    is_int(netio_listeners_pass(set, own[0].fd), 0, "one that a manager has passed");
    change(set, LIST("udp:127.0.0.1:0"));
    is_int(fd_of(set, 0), own[0].fd, "stays at a reload");
    change(set, LIST(text_of("127.0.0.1:", port)));
    is_str(listing(set, NETIO_LISTENERS_PRESENT), text_of("127.0.0.1:", port),
           "named by the configuration as well it is one");
    change(set, NULL, 0);
    is_int(fd_of(set, 0), own[0].fd, "stays when that is no more");
    is_int(netio_listeners_prepare(set, LIST("nosuchservice"), NULL), NETIO_EBADSERVICE, "wrong");
    is_int(fd_of(set, 0), own[0].fd, "and through an error");
    if (pipe(pipes) == -1)
        fail("pipe");
    is_int(netio_listeners_pass(set, pipes[0]), -ENOTSOCK, "C24: no socket");
    is_int(close(pipes[0]) + close(pipes[1]), 0, "is left alone");
    netio_listeners_free(set);
}

static void test_give(void)
{
    struct netio_listeners *set = new_set();
    unsigned a = free_port(), b = free_port();
    int status = 0;

    change(set, LIST(text_of("127.0.0.1:", a)));
    int old = fd_of(set, 0);
    is_int(netio_listeners_prepare(set, LIST(text_of("127.0.0.1:", b)), NULL), 0, "a reload");
    pid_t pid = fork();
    if (pid == 0) {
        static const struct netio_server_handlers none;
        struct netio_server *server;
        if (netio_server_new(&server, NULL, &none, NULL) != 0 ||
            netio_listeners_give(set, NETIO_LISTENERS_NEXT, server) != 0)
            _exit(1);
        const struct netio_addr *addr = netio_server_address(server, 0);
        _exit(!addr || netio_addr_port(addr) != b ? 2
              : netio_server_address(server, 1)   ? 3
              : fcntl(old, F_GETFD) != -1         ? 4
                                                  : 0);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "B24: a new worker has the new listener, and not the old one");
    netio_listeners_cancel(set);
    int fd = client(a);
    ok(fd >= 0, "the supervisor has its own");
    netio_fd_close(fd);
    netio_listeners_free(set);
}

/* A predecessor's set to a successor's, as in an upgrade. */
static struct netio_listeners *leave(struct netio_listeners *set)
{
    struct netio_listeners *next = new_set();
    struct netio__legacy legacy;

    for (size_t at = 0; netio__listeners_legacy(set, &at, &legacy);) {
        legacy.fd = fcntl(legacy.fd, F_DUPFD_CLOEXEC, 0);
        is_int(netio__listeners_left(next, &legacy), 0, "left");
    }
    return next;
}

/* A program that has the socket, too, is not to be told that there is nothing for it. */
static void test_left_blocking(void)
{
    struct netio_listeners *set = new_set();

    change(set, LIST("udp:127.0.0.1:0", "127.0.0.1:0"));
    netio_fd_nonblock(fd_of(set, 0), 0);
    struct netio_listeners *next = leave(set);
    is_int(netio_listeners_prepare(next, LIST("udp:127.0.0.1:0", "127.0.0.1:0"), NULL), 0,
           "what was left");
    netio_listeners_commit(next);
    is_int(fcntl(fd_of(set, 0), F_GETFL) & O_NONBLOCK, 0, "R30: what blocks still does");
    is_int(fcntl(fd_of(next, 1), F_GETFL) & O_NONBLOCK, O_NONBLOCK, "what does not, does not");
    netio_listeners_free(next);
    netio_listeners_free(set);
}

static void test_left(void)
{
    struct netio_listeners *set = new_set();
    struct netio_listener own[NETIO_LISTENER_MAX];
    unsigned a = free_port(), b = free_port();
    char stays[160], goes[160], chmods[160];
    int before = open_descriptors();

    snprintf(stays, sizeof stays, "unix:%s/stays,mode=0600", folder);
    snprintf(chmods, sizeof chmods, "unix:%s/stays,mode=0666", folder);
    snprintf(goes, sizeof goes, "unix:%s/goes", folder);
    netio_listener_open(own, "udp:127.0.0.1:0", 0, NULL);
    netio_listeners_pass(set, own[0].fd);
    change(set, LIST(text_of("127.0.0.1:", a), stays, goes, "127.0.0.1:0"));
    struct netio_listeners *next = leave(set);
    is_int(fd_of(next, 1), -1, "what was left is not in use yet, but what was passed");
    is_int(netio_listeners_prepare(
               next,
               LIST(text_of("127.0.0.1:", b), chmods, text_of("127.0.0.1:", a), "127.0.0.1:0"),
               NULL),
           0, "a successor with another configuration");
    is_int(mode_of("stays"), 0666, "and another mode");
    netio_listeners_cancel(set);
    is_int(mode_of("stays"), 0600, "which the predecessor takes back when it fails");
    netio_listeners_free(next);
    is_int(mode_of("stays"), 0600, "a successor that fails removes no path");
    is_int(mode_of("goes") != (mode_t)-1, 1, "not even of those it would not use");

    next = leave(set);
    change(set, LIST(text_of("127.0.0.1:", a), stays, goes, "127.0.0.1:0"));
    is_int(netio_listeners_prepare(
               next,
               LIST(text_of("127.0.0.1:", b), chmods, text_of("127.0.0.1:", a), "127.0.0.1:0"),
               NULL),
           0, "the next one");
    int chosen = fd_of(set, 4);
    struct netio_addr chosen_addr;
    netio_addr_local(&chosen_addr, chosen);
    netio__listeners_own(set, 0);
    netio__listeners_own(next, 1);
    netio_listeners_commit(next);
    netio_listeners_free(set);
    is_int(mode_of("stays"), 0666, "succeeds: the path is there when its predecessor has gone");
    is_int(mode_of("goes"), (mode_t)-1, "what it does not use is removed");
    int fd = client(a);
    ok(fd >= 0, "what both have listens");
    close(fd);
    fd = client(netio_addr_port(&chosen_addr));
    ok(fd >= 0, "so does the port that the kernel chose");
    close(fd);
    is_int(open_descriptors(), before + 5, "R30: what is not used is closed");
    netio_listeners_free(next);
    is_int(mode_of("stays"), (mode_t)-1, "its path is its own to remove");
    is_int(open_descriptors(), before, "all closed");
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    test_difference();
    test_cancel();
    test_errors();
    test_many();
    test_find();
    test_narrower("");
    test_narrower("udp:");
    test_both_families();
    test_chosen();
    test_chosen_for();
    test_paths();
    test_replaced();
    test_passed();
    test_give();
    test_left_blocking();
    test_left();
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
