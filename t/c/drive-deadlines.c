/* Measures the deadlines of netio_server for xt/deadline/server.t:
 *
 *     drive-deadlines run
 *
 * A hundred connections each that say nothing, that never read, that never close, and a slow
 * drip; for each it prints the word of its end and how many microseconds after its deadline
 * it came, below zero for too early.  Then one client that asks without a pause and reads
 * just as fast, which no deadline may end: "steady" and what became of it. */
#include "scripted.h"

#define TRIALS  100
#define SECONDS 0.25

/* When the deadline began: what on_open, or the handler that matters, noted. */
static int64_t began[TRIALS];

static void begin(struct netio_conn *conn)
{
    int64_t *at = netio_conn_data(conn);

    *at = netio_clock_now();
}

static void open_trial(struct netio_conn *conn)
{
    static int next;

    began[next % TRIALS] = netio_conn_opened(conn);
    netio_conn_set_data(conn, &began[next++ % TRIALS]);
}

static void flood(struct netio_conn *conn, char *line, size_t len)
{
    static char data[300000];

    (void)line;
    (void)len;
    netio_conn_write(conn, data, sizeof data);
    begin(conn);
}

static void close_now(struct netio_conn *conn, char *line, size_t len)
{
    (void)line;
    (void)len;
    netio_conn_close(conn);
    begin(conn);
}

static void report(struct netio_conn *conn, enum netio_close why)
{
    int64_t *at = netio_conn_data(conn);
    int64_t late = netio_clock_now() - *at - (int64_t)(SECONDS * 1e9);

    printf("%s %lld\n", netio_close_str(why), (long long)late / 1000);
}

struct drip {
    struct netio_timer timer;
    struct client *clients;
};

static void drip(struct netio_timer *timer)
{
    struct drip *drip = timer->data;

    for (int i = 0; i < TRIALS; i++)
        (void)netio_fd_send(drip->clients[i].fd, "x", 1);
    netio_timer_start(loop, timer, netio_deadline_in(0.02));
}

/* A server, and one of its clients at a time over a pair of unix sockets, whose buffers are
 * small. */
static void serve_pairs(const struct netio_server_handlers *handlers,
                        const struct netio_server_options *options)
{
    forget();
    if (netio_loop_new(&loop, 0) || netio_server_new(&server, loop, handlers, options))
        fail("a server");
}

static void client_pair(struct client *client)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
        netio_server_serve_take(server, pair[0]))
        fail("a pair");
    client_take(client, pair[1]);
}

/* All trials of one kind, at the same time. */
static void run_trials(void (*on_line)(struct netio_conn *, char *, size_t), const char *question,
                       int dripping)
{
    struct netio_server_handlers handlers = {
        .on_open = open_trial, .on_line = on_line, .on_close = report};
    struct netio_server_options options = {
        .read_seconds = SECONDS, .write_seconds = SECONDS, .drain_seconds = SECONDS};
    struct client clients[TRIALS];
    struct drip dripper = {.timer = {.fire = drip, .data = &dripper}, .clients = clients};

    serve_pairs(&handlers, &options);
    for (int i = 0; i < TRIALS; i++) {
        client_pair(&clients[i]);
        say(&clients[i], question);
    }
    if (dripping)
        netio_timer_start(loop, &dripper.timer, NETIO_NOW);
    netio_server_run(server);
    for (int i = 0; i < TRIALS; i++)
        client_close(&clients[i]);
    end_server();
}

static void answer_much(struct netio_conn *conn, char *line, size_t len)
{
    static char answer[8192];

    (void)line;
    (void)len;
    netio_conn_write(conn, answer, sizeof answer);
}

/* For four times the write deadline there is always an answer that waits, but never one that
 * waits for long. */
static void run_steady(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_much, .on_close = tell_close};
    struct netio_server_options options = {.write_seconds = SECONDS};
    netio_deadline end = netio_deadline_in(4 * SECONDS);
    static char questions[4096], answers[65536];
    struct client client;
    ssize_t n = 0;

    memset(questions, '\n', sizeof questions);
    serve_pairs(&handlers, &options);
    client_pair(&client);
    while (!netio_deadline_passed(end) && !has_seen("close")) {
        (void)netio_fd_send(client.fd, questions, sizeof questions);
        run_dry();
        n = netio_fd_recv(client.fd, answers, sizeof answers);
        if (n < 0 && n != -EAGAIN)
            break;
    }
    printf("steady %s\n", n < 0 && n != -EAGAIN ? "cut" : has_seen("close") ? seen : "served");
    client_close(&client);
    end_server();
}

int main(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "run") != 0)
        skip_all("a driver for xt/deadline/server.t");
    run_trials(tell_line, "", 0);
    run_trials(tell_line, "", 1);
    run_trials(flood, "all\n", 0);
    run_trials(close_now, "bye\n", 0);
    run_steady();
    (void)tap_done;
    return 0;
}
