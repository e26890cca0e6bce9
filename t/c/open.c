/* Connections over the loopback: what opens, what fails and how it is told, nothing left
 * behind.  Networks that misbehave are in t/25-open-net.t. */
#include "descriptors.h"
#include "storm.h"
#include "tap.h"

#include <netio/loop.h>
#include <netio/open.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <sys/resource.h>

/* A listener on 127.0.0.1; its port as text in service. */
static int listen_here(int backlog, char service[16])
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&in, sizeof in) || listen(fd, backlog) ||
        getsockname(fd, (struct sockaddr *)&in, &len))
        abort();
    sprintf(service, "%d", ntohs(in.sin_port));
    return fd;
}

/* A port where nobody listens: bound, so that nobody else can have it. */
static int refuse_here(char service[16])
{
    int fd = listen_here(1, service);
    struct sockaddr_in in;
    socklen_t len = sizeof in;

    getsockname(fd, (struct sockaddr *)&in, &len);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&in, len))
        abort();
    return fd;
}

/* A port that swallows every packet: its listener's filter drops them. */
static int swallow_here(char service[16])
{
    struct sock_filter drop = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog program = {.len = 1, .filter = &drop};
    int fd = listen_here(1, service);

    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program))
        abort();
    return fd;
}

static const char *opened(const char *host, const char *service, double seconds, int *fd)
{
    static char text[320];
    struct netio_open_options options = {.deadline = netio_deadline_in(seconds)};
    struct netio_error error = {0};

    *fd = netio_tcpopen(host, service, &options, &error);
    return *fd >= 0 ? "opened" : netio_error_str(&error, text, sizeof text);
}

static void check_open(void)
{
    char service[16], byte;
    int fd, listener = listen_here(5, service);

    is_str(opened("127.0.0.1", service, 10, &fd), "opened", "a connection to an address");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "it is close-on-exec");
    ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "and non-blocking");
    int peer = accept(listener, NULL, NULL);
    is_int(write(fd, "x", 1), 1, "it can be written to");
    is_int(read(peer, &byte, 1), 1, "and the peer reads");
    close(peer);
    close(fd);
    is_str(opened("localhost", service, 10, &fd), "opened",
           "localhost finds the family that listens");
    close(fd);
    fd = netio_tcpopen("localhost.", service, NULL, NULL);
    ok(fd >= 0, "without options and without an error to fill");
    close(fd);
    close(listener);
}

static void check_failures(void)
{
    char service[16], expected[64], text[320];
    struct netio_open_options six = {.family = AF_INET6}, odd = {.family = 77};
    struct netio_error error;
    int fd, bound = refuse_here(service);

    snprintf(expected, sizeof expected, "connect 127.0.0.1:%s: Connection refused", service);
    is_str(opened("127.0.0.1", service, 10, &fd), expected, "A1 nobody listens");
    is_int(fd, -ECONNREFUSED, "A1 and its code");
    is_str(opened("localhost", service, 10, &fd), expected,
           "A1 the last address of several speaks, in IPv6 or without");
    is_str(opened("127.0.0.1", "nosuchservice", 10, &fd), "service nosuchservice: unknown service",
           "an unknown service");
    is_str(opened("127.0.0.1", "0", 10, &fd), "service 0: unknown service", "port 0");
    is_str(opened("no such host", "43", 10, &fd), "resolve no such host: not a valid host name",
           "not a host");
    is_str(opened("/run/whois.sock", "43", 10, &fd),
           "resolve /run/whois.sock: not a valid host name", "not a host but a path");
    is_str(opened("255.255.255.255", "43", 10, &fd),
           "connect 255.255.255.255:43: Network is unreachable", "not for TCP");
    netio_tcpopen("127.0.0.1", "43", &six, &error);
    is_str(netio_error_str(&error, text, sizeof text),
           "resolve 127.0.0.1: host has no address of the wanted family", "the wrong family");
    netio_tcpopen("127.0.0.1", "43", &odd, &error);
    is_str(netio_error_str(&error, text, sizeof text), "option family: not a valid option",
           "no family");
    close(bound);
}

/* A2, A5: nothing comes back. */
static void check_silence(void)
{
    char service[16], expected[64];
    int fd, full[8], listener = swallow_here(service);

    snprintf(expected, sizeof expected, "connect 127.0.0.1:%s: Connection timed out", service);
    is_str(opened("127.0.0.1", service, 0.05, &fd), expected, "A2 a black hole");
    is_str(opened("127.0.0.1", service, 0, &fd), expected, "A2 no time at all");
    close(listener);
    listener = listen_here(0, service);
    snprintf(expected, sizeof expected, "connect 127.0.0.1:%s: Connection timed out", service);
    const char *last = "";
    int count = 0;
    while (count < 8 && !strcmp(last = opened("127.0.0.1", service, 0.05, &full[count]), "opened"))
        count++;
    is_str(last, expected, "A5 a backlog that is full after %d", count);
    while (count > 0)
        close(full[--count]);
    close(listener);
}

/* A15: a storm of signals neither ends it nor makes it last for ever. */
static void check_storm(void)
{
    char service[16], expected[64];
    int fd, listener = swallow_here(service);

    storm_begin(2000);
    snprintf(expected, sizeof expected, "connect 127.0.0.1:%s: Connection timed out", service);
    is_str(opened("127.0.0.1", service, 0.1, &fd), expected, "A15 the deadline under signals");
    close(listener);
    listener = listen_here(5, service);
    is_str(opened("127.0.0.1", service, 10, &fd), "opened", "A15 a connection under signals");
    storm_end();
    close(fd);
    close(listener);
}

/* The machine: what want says at each step, and what stays true after the end. */
static void check_machine(void)
{
    const struct netio_attempt *attempts;
    struct netio_open_options options = {.deadline = netio_deadline_in(10)};
    struct netio_error error;
    struct netio_open *machine;
    struct netio_want want;
    char service[16];
    int fd, listener = listen_here(5, service);

    is_int(netio_tcpopen_start(&machine, "127.0.0.1", service, &options, NULL), 0, "start");
    netio_open_want(machine, &want);
    is_int(want.deadline, NETIO_NOW, "before the first step: step at once");
    is_int(netio_open_attempts(machine, &attempts), 0, "no attempt yet");
    while ((fd = netio_open_step(machine, NULL)) == -EAGAIN) {
        netio_open_want(machine, &want);
        ok(want.fd >= 0 && want.events == NETIO_WRITE && want.deadline == options.deadline,
           "under way: a socket to become writable by the deadline");
        netio_want_poll(&want);
    }
    ok(fd >= 0, "opened");
    is_int(netio_open_attempts(machine, &attempts), 1, "one attempt");
    is_int(attempts[0].code, 0, "that served");
    ok(attempts[0].elapsed > 0, "and took its time");
    is_int(netio_open_step(machine, NULL), -EINVAL, "a step too many");
    netio_open_free(machine);
    ok(fcntl(fd, F_GETFD) >= 0, "the descriptor outlives the machine");
    close(fd);
    close(listener);
    int bound = refuse_here(service);
    netio_tcpopen_start(&machine, "127.0.0.1", service, NULL, NULL);
    while ((fd = netio_open_step(machine, NULL)) == -EAGAIN) {
        netio_open_want(machine, &want);
        netio_want_poll(&want);
    }
    is_int(netio_open_step(machine, &error), -ECONNREFUSED, "a failure is repeated");
    is_int(error.stage, NETIO_STAGE_CONNECT, "with its stage");
    is_int(netio_addr_port(&error.address), (unsigned)atoi(service), "and its address");
    netio_open_free(machine);
    netio_open_free(NULL);
    close(bound);
}

static void check_cancel(void)
{
    const struct netio_attempt *attempts;
    struct netio_open *machine;
    char service[16];
    int before = open_descriptors(), listener = swallow_here(service);

    netio_tcpopen_start(&machine, "127.0.0.1", service, NULL, NULL);
    is_int(netio_open_step(machine, NULL), -EAGAIN, "under way");
    is_int(netio_open_attempts(machine, &attempts), 1, "an attempt under way counts");
    is_int(attempts[0].code, 0, "and has not failed");
    netio_open_free(machine);
    close(listener);
    is_int(open_descriptors(), before, "cancelled: nothing is left open");
}

static int copy;

static int keep_copy(int fd, const struct netio_addr *to, void *data)
{
    (void)to;
    (void)data;
    copy = dup(fd);
    return 0;
}

/* Somebody who shares the socket (a child of fork) ends it and takes its error: there is nothing
 * to wait for any more, and without a deadline nothing else would end a machine that spins. */
static void check_shared(void)
{
    struct netio_open_options options = {.prepare = keep_copy};
    struct netio_error error;
    struct netio_open *machine;
    char service[16];
    int code = 0, listener = swallow_here(service);
    socklen_t len = sizeof code;

    netio_tcpopen_start(&machine, "127.0.0.1", service, &options, NULL);
    is_int(netio_open_step(machine, NULL), -EAGAIN, "under way");
    shutdown(copy, SHUT_RDWR);
    getsockopt(copy, SOL_SOCKET, SO_ERROR, &code, &len);
    is_int(netio_open_step(machine, &error), -ENOTCONN, "ended by somebody else");
    is_int(error.stage, NETIO_STAGE_CONNECT, "on its way");
    netio_open_free(machine);
    close(copy);
    close(listener);
}

static void step_machine(struct netio_watch *watch, unsigned events)
{
    (void)events;
    netio_loop_stop(watch->loop);
}

static void stop_loop(struct netio_timer *timer)
{
    netio_loop_stop(timer->loop);
}

/* The machine hosted by a loop of either kind. */
static void check_in_loop(unsigned flags)
{
    struct netio_watch watch = {.ready = step_machine};
    struct netio_timer timer = {.fire = stop_loop};
    struct netio_open *machine;
    struct netio_loop *loop;
    struct netio_want want;
    char service[16];
    int fd, listener = listen_here(5, service);

    netio_loop_new(&loop, flags);
    netio_tcpopen_start(&machine, "localhost", service, NULL, NULL);
    while ((fd = netio_open_step(machine, NULL)) == -EAGAIN) {
        netio_open_want(machine, &want);
        netio_watch_start(loop, &watch, want.fd, want.events);
        netio_timer_start(loop, &timer, want.deadline);
        netio_loop_run(loop);
        netio_watch_stop(&watch);
        netio_timer_stop(&timer);
    }
    ok(fd >= 0, "opened by a loop with flags %u", flags);
    netio_open_free(machine);
    netio_loop_free(loop);
    close(fd);
    close(listener);
}

/* A machine for a silent and a serving address, which hurries: the second turn is early. */
static struct netio_open *start_race(int hole, int listener)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.4)};
    struct netio_open *machine;
    struct netio_addr addrs[2];

    if (netio_addr_local(&addrs[0], hole) < 0 || netio_addr_local(&addrs[1], listener) < 0 ||
        netio_tcpopen_start_addrs(&machine, addrs, 2, &options, NULL) < 0)
        abort();
    return machine;
}

static int is_socket(int fd)
{
    int type;
    socklen_t len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* Steps to the end; the descriptor, and in *crowd how often it waited for several sockets. */
static int run_race(struct netio_open *machine, int *crowd)
{
    struct netio_want want;
    int fd;

    for (*crowd = 0; (fd = netio_open_step(machine, NULL)) == -EAGAIN;) {
        netio_open_want(machine, &want);
        *crowd += !is_socket(want.fd);
        netio_want_poll(&want);
    }
    return fd;
}

/* A13: the one that does not answer loses, and is closed. */
static void check_race(void)
{
    const struct netio_attempt *attempts;
    char one[16], other[16];
    int crowd, before = open_descriptors();
    int hole = swallow_here(one), listener = listen_here(5, other);
    struct netio_open *machine = start_race(hole, listener);
    int fd = run_race(machine, &crowd);

    ok(fd >= 0, "A13 the second address serves");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK,
       "A13 close-on-exec and non-blocking");
    is_int(netio_open_attempts(machine, &attempts), 2, "A13 two were tried");
    is_int(attempts[0].code, -ECANCELED, "A13 the first one lost");
    is_int(attempts[0].stage, NETIO_STAGE_CONNECT, "A13 on its way");
    is_int(attempts[1].code, 0, "A13 the second one won");
    ok(attempts[0].elapsed > attempts[1].elapsed, "A13 it began later");
    is_int(open_descriptors() - before, 3, "A13 nothing but the connection is open");
    netio_open_free(machine);
    close(fd);
    close(hole);
    close(listener);
}

/* A28: descriptors that select(2) cannot hold, and number 0. */
static void check_numbers(void)
{
    struct rlimit limit, more = {2100, 2100};
    char service[16];
    int fd, listener = listen_here(5, service), spare[2000], count = 0;

    getrlimit(RLIMIT_NOFILE, &limit);
    more.rlim_max = limit.rlim_max;
    if (limit.rlim_max < more.rlim_cur || setrlimit(RLIMIT_NOFILE, &more))
        skip(1, "no 2,000 descriptors here");
    else {
        while (count < 2000)
            spare[count++] = dup(listener);
        opened("127.0.0.1", service, 10, &fd);
        ok(fd > 1024, "A28 a descriptor above 1024");
        close(fd);
        check_race();
        while (count > 0)
            close(spare[--count]);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    int input = fcntl(0, F_DUPFD_CLOEXEC, 10);
    close(0);
    is_str(opened("127.0.0.1", service, 10, &fd), "opened", "A28 with standard input closed");
    is_int(fd, 0, "A28 the connection is descriptor 0");
    close(fd);
    is_str(opened("localhost", service, 10, &fd), "opened", "A28 the same by name");
    is_int(fd, 0, "A28 the connection is descriptor 0");
    close(fd);
    if (input >= 0) {
        dup2(input, 0);
        close(input);
    }
    close(listener);
}

/* A16: so few descriptors that it cannot be done, and just enough. */
static void check_few(const char *host)
{
    struct rlimit limit, few;
    char service[16], expected[64];
    int fd, listener = listen_here(50, service);

    getrlimit(RLIMIT_NOFILE, &limit);
    few = limit;
    int before = open_descriptors();
    few.rlim_cur = (rlim_t)listener + 1;
    setrlimit(RLIMIT_NOFILE, &few);
    snprintf(expected, sizeof expected, "socket 127.0.0.1:%s: Too many open files", service);
    const char *said = opened(host, service, 10, &fd);
    ok(!strcmp(said, expected) || strstr(said, ": Too many open files"), "A16 %s, none left: %s",
       host, said);
    is_int(fd, -EMFILE, "A16 and its code");
    few.rlim_cur = (rlim_t)listener + 2;
    setrlimit(RLIMIT_NOFILE, &few);
    is_str(opened(host, service, 10, &fd), "opened", "A16 %s, one left", host);
    close(fd);
    setrlimit(RLIMIT_NOFILE, &limit);
    is_int(open_descriptors(), before, "A16 %s leaves nothing open", host);
    close(listener);
}

/* A16: without a descriptor for one address there is none for the next: it is not tried. */
static void check_first_only(void)
{
    const struct netio_attempt *attempts;
    struct rlimit limit, none;
    struct netio_open *open;
    struct netio_error error;

    is_int(netio_tcpopen_start(&open, "localhost", "1", NULL, &error), 0, "A16 two addresses");
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    is_int(netio_open_step(open, &error), -EMFILE, "A16 and no descriptor");
    setrlimit(RLIMIT_NOFILE, &limit);
    is_int(netio_open_attempts(open, &attempts), 1, "A16 the second is not tried");
    is_int(netio_open_step(open, &error), -EMFILE, "A16 nor later on");
    netio_open_free(open);
}

int main(void)
{
    int before = open_descriptors();

    check_open();
    check_failures();
    check_silence();
    check_storm();
    check_machine();
    check_cancel();
    check_shared();
    check_race();
    check_in_loop(0);
    check_in_loop(NETIO_LOOP_POLL);
    check_numbers();
    check_few("127.0.0.1");
    check_few("localhost");
    check_first_only();
    is_int(open_descriptors(), before, "and in the end nothing is left open");
    return tap_done();
}
