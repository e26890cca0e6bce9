/* Every call of the server into the system fails in turn; see t/c/fault.h.  B1, B2, B11 to
 * B13 of the fault catalogue, as far as a single process has them. */
#include "fault.h"
#include "scripted.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netio/listener.h>

static struct netio_addr address;

/* A question asked of the server, out of reach of the faults.  The descriptor, or -1. */
static int ask(const char *question)
{
    fault_off();
    int fd = socket(netio_addr_family(&address), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd != -1 && connect(fd, &address.u.sa, address.len) == 0) {
        netio_fd_send(fd, question, strlen(question));
        netio_fd_nonblock(fd, 1);
    }
    fault_on();
    return fd;
}

/* Steps until the answer has come to its end, for at most some seconds.  Its length, or -1
 * for a reset or no end. */
static int hear(int fd, char *answer, size_t size, double seconds)
{
    netio_deadline deadline = netio_deadline_in(seconds);
    size_t got = 0;
    ssize_t n = -EAGAIN;

    while (n == -EAGAIN && !netio_deadline_passed(deadline)) {
        netio_deadline wait = netio_deadline_sooner(deadline, netio_deadline_in(0.005));
        if (netio_loop_step(loop, wait) < 0)
            (void)__real_poll(NULL, 0, 1);
        fault_off();
        while ((n = netio_fd_recv(fd, answer + got, size - got)) > 0)
            got += (size_t)n;
        fault_on();
    }
    fault_off();
    netio_fd_close(fd);
    fault_on();
    return n == 0 ? (int)got : -1;
}

/* The next client, with nothing failing any more, is served as if nothing had been. */
static int serves(void)
{
    char answer[64];

    fault_clear();
    int n = hear(ask("hello\n"), answer, sizeof answer, 10);
    return n == 8 && memcmp(answer, "<hello>\n", 8) == 0 ? 0 : 2;
}

static int none_left(void)
{
    netio_deadline deadline = netio_deadline_in(10);

    while (netio_server_connections(server) && !netio_deadline_passed(deadline))
        netio_loop_step(loop, deadline);
    return netio_server_connections(server) ? 3 : 0;
}

/* Answers once; "flow" is passed over with a pause that ends in the next step. */
static struct netio_timer pause_ends;

static void resume(struct netio_timer *timer)
{
    netio_conn_resume(timer->data);
}

static void flow_line(struct netio_conn *conn, char *line, size_t len)
{
    if (strcmp(line, "flow") != 0) {
        answer_line(conn, line, len);
        return;
    }
    netio_conn_pause(conn);
    pause_ends = (struct netio_timer){.fire = resume, .data = conn};
    if (netio_timer_start(loop, &pause_ends, NETIO_NOW) < 0)
        netio_conn_resume(conn);
}

static void end_pause(struct netio_conn *conn, enum netio_close why)
{
    if (pause_ends.data == conn)
        netio_timer_stop(&pause_ends);
    tell_close(conn, why);
}

/* How long a client waits in the walk, in which most faults leave it without an answer. */
#define PATIENCE 0.02

static int serve_clients(const char *listen_on, const char *question,
                         const struct netio_server_options *options)
{
    struct netio_server_handlers handlers = {
        .on_line = flow_line, .on_trouble = tell_trouble, .on_close = end_pause};
    char answer[64];
    int code = 0;

    forget();
    server = NULL;
    loop = NULL;
    if (netio_loop_new(&loop, 0) < 0 || netio_server_new(&server, loop, &handlers, options) < 0)
        goto end;
    if (netio_server_listen(server, listen_on, NULL) < 0) {
        code = netio_server_address(server, 0) ? 5 : 0; /* all of its sockets, or none */
        goto end;
    }
    address = *netio_server_address(server, 0);
    int n = hear(ask(question), answer, sizeof answer, PATIENCE);
    /* All of the answer with its end, or no whole one. */
    if (n >= 0 && n != 0 && n != 6)
        code = 1;
    netio_server_set_access(server, NULL);
    if (!code)
        code = serves();
    if (!code)
        code = none_left();
end:
    fault_clear();
    netio_server_free(server);
    netio_loop_free(loop);
    return code;
}

static int over_tcp(void)
{
    return serve_clients("127.0.0.1:0", "one\ntwo\n", NULL);
}

static int over_both(void)
{
    return serve_clients("*:0", "one\ntwo\n", NULL);
}

static char unix_address[64];

static int over_unix(void)
{
    return serve_clients(unix_address, "one\ntwo\n", NULL);
}

/* Paused before its last line, with its end of file already sent. */
static int paused(void)
{
    return serve_clients("127.0.0.1:0", "flow\none\ntwo\n", NULL);
}

static struct netio_access *proxies;

static int behind_a_proxy(void)
{
    struct netio_server_options options = {
        .access = proxies, .refused_text = "no", .full_text = "full", .first_seconds = 1};

    return serve_clients("127.0.0.1:0", "PROXY TCP4 192.0.2.1 198.51.100.7 4711 79\r\none\n",
                         &options);
}

/* Limits, in memory that processes share. */
static int limited(void)
{
    struct netio_limit_options limits = {.per_source = 10, .source_rate = {100, 1}};
    struct netio_server_options options = {.max_connections = 10};
    int code = 0;

    if (netio_limit_new(&options.limit, &limits) < 0)
        return 0;
    code = serve_clients("127.0.0.1:0", "one\ntwo\n", &options);
    if (!code && netio_limit_open(options.limit) != 0)
        code = 6;
    netio_limit_free(options.limit);
    return code;
}

/* A server in the loop of a host, one descriptor handed over, an answer that waits. */
static int handed_over(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    char answer[64];
    int pair[2], code = 0;

    fault_off();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1)
        return 4;
    netio_fd_send(pair[1], "hello\n", 6);
    fault_on();
    server = NULL;
    loop = NULL;
    if (netio_loop_new(&loop, 0) == 0 && netio_loop_fd(loop) >= 0 &&
        netio_server_new(&server, loop, &handlers, NULL) == 0) {
        if (netio_server_serve_take(server, pair[0]) == 0) {
            int n = hear(pair[1], answer, sizeof answer, PATIENCE);
            pair[1] = -1;
            code = n > 0 && n != 8;
        }
        pair[0] = -1;
    }
    fault_clear();
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
    if (server && !code)
        code = none_left();
    netio_server_free(server);
    netio_loop_free(loop);
    return code;
}

/* B1 and B2: what a failing accept leads to. */
static const struct {
    int error;
    const char *trouble; /* what on_trouble hears */
    int next;            /* it was about one client: the next is let in at once */
} accepts[] = {
    {ECONNABORTED, "ECONNABORTED", 1},
    {EPROTO, "EPROTO", 1},
    {EPERM, "EPERM", 1},
    {ENETDOWN, "ENETDOWN", 1},
    {ENOPROTOOPT, "ENOPROTOOPT", 1},
    {EHOSTDOWN, "EHOSTDOWN", 1},
    {ENONET, "ENONET", 1},
    {EHOSTUNREACH, "EHOSTUNREACH", 1},
    {EOPNOTSUPP, "EOPNOTSUPP", 1},
    {ENETUNREACH, "ENETUNREACH", 1},
    {ETIMEDOUT, "ETIMEDOUT", 1},
    {EINTR, NULL, 1},
    {EAGAIN, NULL, 0},
    {EMFILE, "EMFILE", 0},
    {ENFILE, "ENFILE", 0},
    {ENOBUFS, "ENOBUFS", 0},
    {ENOMEM, "ENOMEM", 0},
    {EINVAL, "EINVAL", 0},
};

static void accept_fails(int error, const char *trouble, int next, int forever)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_trouble = tell_trouble};
    const char *name = strerrorname_np(error), *how = forever ? "for a while" : "once";
    char answer[64], want[64] = "";

    serve(&handlers, NULL);
    address = *netio_server_address(server, 0);
    fault_set(FAULT_accept4, 0, error, forever);
    int fd = ask("hello\n");
    if (!forever) {
        step();
        is_int(netio_server_connections(server), next, "B2: accept: %s: %s", name,
               next ? "goes on with the next client" : "has a rest");
    }
    /* A turn looks 16 times at most, then the listener rests: few in a tenth of a second. */
    netio_deadline end = netio_deadline_in(0.1);
    while (!netio_deadline_passed(end))
        netio_loop_step(loop, end);
    if (forever && error != EAGAIN)
        ok(*fault_hits <= 16 * 3, "B1: accept: %s %s: it does not spin: %ld", name, how,
           *fault_hits);
    fault_clear();
    is_int(hear(fd, answer, sizeof answer, 10), 8, "B2: accept: %s %s: then served", name, how);
    if (trouble)
        snprintf(want, sizeof want, "trouble(%s) line(hello) ", trouble);
    else
        snprintf(want, sizeof want, "line(hello) ");
    is_str(seen, want, "B2: accept: %s %s: told once", name, how);
    end_server();
}

/* The port that the kernel chose for IPv6 is taken in IPv4. */
static void pair_of_ports(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];

    fault_set(FAULT_bind, 1, EADDRINUSE, 0);
    int n = netio_listener_open(listeners, "*:0", 0, NULL);
    fault_clear();
    ok(n > 0, "a port that only one family has: another is chosen");
    while (n > 0)
        netio_listener_close(&listeners[--n]);
}

int main(void)
{
    char folder[] = "/tmp/netio-fault-XXXXXX";

    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    snprintf(unix_address, sizeof unix_address, "unix:%s/s", folder);
    for (size_t i = 0; i < sizeof accepts / sizeof *accepts; i++)
        for (int forever = 0; forever < 2; forever++)
            if (!forever || accepts[i].error != EAGAIN)
                accept_fails(accepts[i].error, accepts[i].trouble, accepts[i].next, forever);
    pair_of_ports();
    fault_walk("over TCP", over_tcp);
    fault_walk("over both families", over_both);
    fault_walk("over a unix socket", over_unix);
    fault_walk("handed over", handed_over);
    fault_walk("paused", paused);
    if (netio_access_new(&proxies) == 0 && netio_access_add(proxies, "proxy 127.0.0.1", NULL) == 0)
        fault_walk("behind a proxy", behind_a_proxy);
    netio_access_free(proxies);
    fault_walk("limited", limited);
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
