/* Every call of the models into the system fails in turn; see t/c/fault.h.  B11 of the fault
 * catalogue: fork, and what it takes to watch a child; datagrams; SIGIO. */
#include "fault.h"
#include "scripted.h"
#include "server/engine.h"

#include <netinet/in.h>
#include <netio/listener.h>

#define PATIENCE 0.02 /* seconds that a client waits in the walk */

static pid_t parent;

/* In a child of the server's the connection is answered and all is over: this test is its parent's.
 */
static void answer_and_go(struct netio_conn *conn)
{
    if (getpid() == parent) {
        note("at home ");
        return;
    }
    (void)!write(netio_conn_fd(conn), "hello\n", 6);
    _exit(0);
}

static int set_up(const struct netio_server_handlers *handlers,
                  const struct netio_server_options *options, const char *address)
{
    forget();
    parent = getpid();
    server = NULL;
    loop = NULL;
    return netio_loop_new(&loop, 0) == 0 &&
           netio_server_new(&server, loop, handlers, options) == 0 &&
           netio_server_listen(server, address, NULL) == 0;
}

static void tear_down(void)
{
    fault_clear();
    netio_server_free(server);
    netio_loop_free(loop);
}

/* A client out of reach of the faults: its descriptor, or -1. */
static int connected(int type)
{
    const struct netio_addr *addr = netio_server_address(server, 0);

    fault_off();
    int fd = socket(netio_addr_family(addr), type | SOCK_CLOEXEC, 0);
    if (fd != -1 && (connect(fd, &addr->u.sa, addr->len) == -1 || netio_fd_nonblock(fd, 1) < 0)) {
        netio_fd_close(fd);
        fd = -1;
    }
    fault_on();
    return fd;
}

static ssize_t receive(int fd, char *data, size_t size)
{
    fault_off();
    ssize_t n = netio_fd_recv(fd, data, size);
    fault_on();
    return n;
}

static void hang_up(int fd)
{
    fault_off();
    netio_fd_close(fd);
    fault_on();
}

static void advance(netio_deadline deadline)
{
    netio_deadline wait = netio_deadline_sooner(deadline, netio_deadline_in(0.005));

    if (netio_loop_step(loop, wait) < 0)
        (void)__real_poll(NULL, 0, 1);
}

/* What one client hears: "hello" is 6, "busy" 6 as well; 0 for a close, -1 for a reset or nothing
 * in time. */
static int ask(char *answer, double seconds)
{
    netio_deadline deadline = netio_deadline_in(seconds);
    int fd = connected(SOCK_STREAM), got = 0;
    ssize_t n = -EAGAIN;

    while (n != 0 && (n > 0 || n == -EAGAIN) && !netio_deadline_passed(deadline)) {
        advance(deadline);
        n = receive(fd, answer + got, (size_t)(16 - got));
        got += n > 0 ? (int)n : 0;
    }
    hang_up(fd);
    answer[got] = '\0';
    return n == 0 ? got : -1;
}

/* No child is left, nor what was held for one. */
static int none_left(const struct netio_limit *limit)
{
    netio_deadline deadline = netio_deadline_in(10);

    while (netio_server_connections(server) && !netio_deadline_passed(deadline))
        advance(deadline);
    if (netio_server_connections(server) || netio_limit_open(limit))
        return 3;
    fault_off();
    int code = waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 4;
    fault_on();
    return code;
}

static int fork_one(void)
{
    static const struct netio_server_handlers handlers = {
        .on_open = answer_and_go, .on_refused = tell_why, .on_trouble = tell_trouble};
    struct netio_limit *limit = NULL;
    const struct netio_limit_options limits = {.total = 8};
    char answer[32];
    int code = 0;

    fault_off();
    (void)netio_limit_new(&limit, &limits);
    fault_on();
    const struct netio_server_options options = {
        .model = NETIO_MODEL_FORK, .limit = limit, .full_text = "busy"};
    if (set_up(&handlers, &options, "127.0.0.1:0")) {
        int n = ask(answer, PATIENCE);
        if (n > 0 && strcmp(answer, "hello\n") != 0 && strcmp(answer, "busy\r\n") != 0)
            code = 1;
        fault_clear();
        if (!code && (ask(answer, 10) != 6 || strcmp(answer, "hello\n") != 0))
            code = 2;
        if (!code)
            code = none_left(limit);
        if (has_seen("at home"))
            code = 5;
    }
    tear_down();
    fault_off();
    netio_limit_free(limit);
    fault_on();
    return code;
}

/* What goes wrong in starting it is fault-child's: here it is started, whatever fails around it. */
static int spawn_hello(struct netio_conn *conn, struct netio_child *child)
{
    static char sh[] = "/bin/sh", flag[] = "-c", script[] = "echo hello";
    char *argv[] = {sh, flag, script, NULL};
    const struct netio_child_fd fd = {.from = netio_conn_fd(conn), .to = 1};
    const struct netio_child_plan plan = {.path = sh, .argv = argv, .fds = &fd, .fds_count = 1};

    fault_off();
    int code = netio_child_start(child, &plan, NULL);
    fault_on();
    if (code == 0)
        note("begun ");
    return code;
}

static void tell_end(struct netio_server *which, pid_t pid, int status, void *data)
{
    (void)which;
    (void)pid;
    (void)status;
    (void)data;
    note("ended ");
}

static void tell_stage(struct netio_server *which, const struct netio_error *error)
{
    (void)which;
    note("trouble(%s) ", netio_stage_str(error->stage));
}

/* As often as the other. */
static int is_paired(void)
{
    int begun = 0, ended = 0;

    for (const char *at = seen; (at = strstr(at, "begun ")); at++)
        begun++;
    for (const char *at = seen; (at = strstr(at, "ended ")); at++)
        ended++;
    return begun == ended;
}

/* What started has ended, once, and been told so. */
static int spawn_one(void)
{
    static const struct netio_server_handlers handlers = {
        .on_spawn = spawn_hello, .on_end = tell_end, .on_trouble = tell_stage};
    struct netio_limit *limit = NULL;
    const struct netio_limit_options limits = {.total = 8};
    char answer[32];
    int code = 0;

    fault_off();
    (void)netio_limit_new(&limit, &limits);
    fault_on();
    const struct netio_server_options options = {
        .model = NETIO_MODEL_FORK, .limit = limit, .full_text = "busy"};
    if (set_up(&handlers, &options, "127.0.0.1:0")) {
        int n = ask(answer, PATIENCE);
        if (n > 0 && strcmp(answer, "hello\n") != 0 && strcmp(answer, "busy\r\n") != 0)
            code = 1;
        fault_clear();
        if (!code && (ask(answer, 10) != 6 || strcmp(answer, "hello\n") != 0))
            code = 2;
        if (!code)
            code = none_left(limit);
    }
    tear_down();
    if (!code && !is_paired())
        code = 5;
    if (!code && has_seen("begun trouble(accept)")) /* it was accepted */
        code = 6;
    fault_off();
    netio_limit_free(limit);
    fault_on();
    return code;
}

/* Other options and another listener: they are there, or nothing has changed. */
static int change_one(void)
{
    static const struct netio_server_handlers handlers = {.on_line = answer_line};
    struct netio_server_options options = {.full_text = "before", .max_connections = 2};
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    int code = 0;

    fault_off();
    int n = netio_listener_open(listeners, "127.0.0.1:0", 0, NULL);
    fault_on();
    if (n == 1 && set_up(&handlers, &options, "127.0.0.1:0")) {
        options.full_text = options.refused_text = "behind";
        int changed = netio_server_change(server, &options);
        if (changed && changed != -ENOMEM)
            code = 1;
        if (strcmp(server->full_text, changed ? "before\r\n" : "behind\r\n") != 0 ||
            (server->refused_text != NULL) != !changed)
            code = 2;
        int listens = netio_server_listen_on(server, listeners[0].fd, 0) == 0;
        if (listens != (netio_server_address(server, 1) != NULL))
            code = 3;
        fault_clear();
        if (netio_server_unlisten(server, listeners[0].fd) != (listens ? 0 : -ENOENT))
            code = 4;
        if (netio_server_listen_take(server, listeners[0].fd) == 0)
            listeners[0].fd = -1;
    }
    tear_down();
    fault_off();
    netio_listener_close(&listeners[0]);
    fault_on();
    return code;
}

static void answer_datagram(const struct netio_datagram *datagram)
{
    netio_datagram_reply(datagram, datagram->data, datagram->len);
}

/* Datagrams may be lost, but not for ever. */
static int answered(int fd, double seconds)
{
    netio_deadline deadline = netio_deadline_in(seconds);
    char answer[16];
    ssize_t n = -EAGAIN;

    fault_off();
    while (receive(fd, answer, sizeof answer) > 0)
        continue;
    (void)netio_fd_send(fd, "hello", 5);
    fault_on();
    while (n < 0 && !netio_deadline_passed(deadline)) {
        advance(deadline);
        n = receive(fd, answer, sizeof answer);
    }
    return n == 5 && memcmp(answer, "hello", 5) == 0;
}

static int datagrams(const char *address)
{
    static const struct netio_server_handlers handlers = {.on_datagram = answer_datagram,
                                                          .on_trouble = tell_trouble};
    int code = 0;

    if (set_up(&handlers, NULL, address)) {
        int fd = connected(SOCK_DGRAM);
        (void)answered(fd, PATIENCE);
        fault_clear();
        code = answered(fd, 10) ? 0 : 2;
        hang_up(fd);
    }
    tear_down();
    return code;
}

static int datagrams4(void)
{
    return datagrams("udp:127.0.0.1:0");
}

static int datagrams6(void)
{
    return datagrams("udp:[::1]:0");
}

/* Safepoints until the client has its answer; with no wait between them, so that a signal that a
 * fault has kept away costs time only. */
static int answered_by_signal(double seconds)
{
    netio_deadline deadline = netio_deadline_in(seconds);
    int fd = connected(SOCK_STREAM);
    char answer[16];
    ssize_t n = -EAGAIN;

    fault_off();
    (void)netio_fd_send(fd, "hello\n", 6);
    fault_on();
    while (n == -EAGAIN && !netio_deadline_passed(deadline)) {
        (void)netio_server_safepoint(server);
        n = receive(fd, answer, sizeof answer);
    }
    hang_up(fd);
    return n == 8 && memcmp(answer, "<hello>\n", 8) == 0;
}

static int signals(void)
{
    static const struct netio_server_handlers handlers = {.on_line = answer_line};
    static const struct netio_server_options options = {.model = NETIO_MODEL_SIGNAL};
    struct sigaction now;
    int code = 0;

    if (set_up(&handlers, &options, "127.0.0.1:0")) {
        (void)answered_by_signal(PATIENCE);
        fault_clear();
        code = answered_by_signal(10) ? 0 : 2;
    }
    tear_down();
    sigaction(SIGIO, NULL, &now);
    return code ? code : now.sa_handler != SIG_DFL;
}

static void serve_it(struct netio_conn *conn, int fd)
{
    (void)conn;
    (void)!write(fd, "hello\n", 6);
}

static int serve_one(void)
{
    static const struct netio_server_handlers handlers = {.on_serve = serve_it};
    static const struct netio_server_options options = {.model = NETIO_MODEL_ITERATIVE};
    char answer[32];
    int code = 0;

    if (set_up(&handlers, &options, "127.0.0.1:0")) {
        int n = ask(answer, PATIENCE);
        if (n > 0 && n != 6)
            code = 1;
        fault_clear();
        if (!code && ask(answer, 10) != 6)
            code = 2;
    }
    tear_down();
    return code;
}

int main(void)
{
    int pidfd = pidfd_open(getpid(), 0);

    if (pidfd == -1 && errno == ENOSYS) /* valgrind 3.19 */
        skip(1, "nobody here knows pidfd_open(2)");
    else {
        fault_walk("a child", fork_one);
        fault_walk("a program", spawn_one);
    }
    fault_walk("a change", change_one);
    netio_fd_close(pidfd);
    fault_walk("on_serve", serve_one);
    fault_walk("datagrams over IPv4", datagrams4);
    fault_walk("datagrams over IPv6", datagrams6);
    fault_walk("by signals", signals);
    return tap_done();
}
