/* Tests of netio/listeners.h: how a set of listeners changes.  B22, B28 of the fault catalogue; R14
 * of the facts about inetds.  Its paths are in listeners-path.c, sockets that come from another
 * process or go to one in listeners-handover.c. */
#include "descriptors.h"
#include "listening.h"

#include <netio/fd.h>

#include <sys/resource.h>

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

int main(void)
{
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
    return tap_done();
}
