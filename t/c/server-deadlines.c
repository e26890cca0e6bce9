/* Tests of netio/server.h: how long a peer may take.  For the first byte, to ask, to take an
 * answer, to close, and for all of it (B4); nobody is cut off for the time in which the server
 * stood still (B27).  Where time matters, the order of events is what is compared. */
#include "scripted.h"

static void test_never_reads(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_flood, .on_close = tell_close};
    struct netio_server_options options = {
        .write_max = 32 << 20, .write_seconds = 0.2, .read_seconds = 0.1, .drain_seconds = 0.1};
    static char data[1 << 20];
    struct client client;
    int code = 0;

    serve(&handlers, &options);
    client_open(&client, 0, 4096);
    say(&client, "all\n");
    until_seen("close");
    is_str(seen, "line(all) close(slow) ", "a client that never reads: the write deadline");
    while (!code)
        get(&client, data, sizeof data, &code);
    is_int(code, -ECONNRESET, "and a reset, so that it never takes a part for the whole");
    client_close(&client);
    end_server();

    options.write_seconds = 60; /* not to be judged by how fast this machine is */
    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "all\n");
    size_t got = 0;
    for (code = 0; !code;)
        got += get(&client, data, sizeof data, &code);
    is_int(got, 16 << 20, "a client that reads gets all of it");
    is_int(code, NETIO_EEOF, "and the end");
    client_close(&client);
    end_server();
}

static void answer_and_stay(struct netio_conn *conn, char *line, size_t len)
{
    static char flood[16 << 20];

    tell_line(conn, line, len);
    netio_conn_write(conn, flood, sizeof flood);
}

/* The time to take an answer, which this test lets pass, is not the time to ask. */
static void test_slow_reader_asks_again(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_and_stay, .on_close = tell_close};
    struct netio_server_options options = {.write_max = 32 << 20, .read_seconds = 0.3};
    static char data[16 << 20];
    struct client client;
    int code;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "all\n");
    until_seen("line");
    for (netio_deadline late = netio_deadline_in(0.4); !netio_deadline_passed(late);)
        netio_loop_step(loop, late);
    is_int(get(&client, data, sizeof data, &code), sizeof data, "a late reader gets it all");
    say(&client, "again\n");
    UNTIL(has_seen("again") || has_seen("close"));
    is_str(seen, "line(all) line(again) ", "and has his time to ask again");
    client_close(&client);
    end_server();
}

/* A client on a timer: at every tick the next piece of its script, then silence. */
struct ticker {
    struct netio_timer timer;
    double every; /* seconds */
    struct client *client;
    const char *const *script;
};

static void tick(struct netio_timer *timer)
{
    struct ticker *ticker = timer->data;
    const char *piece = *ticker->script;

    if (!piece)
        return;
    ticker->script++;
    note("tick ");
    netio_fd_send(ticker->client->fd, piece, strlen(piece));
    netio_timer_start(loop, timer, netio_deadline_in(ticker->every));
}

static void start_ticker(struct ticker *ticker, double every, struct client *client,
                         const char *const *script)
{
    *ticker = (struct ticker){.every = every, .client = client, .script = script};
    ticker->timer.fire = tick;
    ticker->timer.data = ticker;
    tick(&ticker->timer);
}

/* A client that sends letter by letter, and never a newline, until it is cut. */
static void test_drip(const struct netio_server_handlers *handlers, const char *what)
{
    struct netio_server_options options = {.read_seconds = 0.3};
    static const char *letters[100];
    struct ticker ticker;
    struct client client;

    for (int i = 0; i < 99; i++)
        letters[i] = "x";
    serve(handlers, &options);
    client_open(&client, 0, 0);
    start_ticker(&ticker, 0.05, &client, letters);
    until_seen("close");
    ok(has_seen("close(idle)"), "B4: %s extend no deadline", what);
    ok(!has_seen("line"), "no line was complete");
    ok(times_seen("tick") < 99, "cut while still dripping, after %d", times_seen("tick"));
    netio_timer_stop(&ticker.timer);
    client_close(&client);
    end_server();
}

static size_t take_none(struct netio_conn *conn, char *data, size_t len)
{
    (void)conn;
    (void)data;
    (void)len;
    return 0;
}

static void test_drips(void)
{
    struct netio_server_handlers lines = {.on_line = tell_line, .on_close = tell_close};
    struct netio_server_handlers octets = {.on_data = take_none, .on_close = tell_close};

    test_drip(&lines, "letters of a line");
    test_drip(&octets, "octets that nobody takes");
}

/* All of its lines together take longer than there is for one. */
static void test_lines_on_time(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 1};
    static const char *const lines[] = {"a\n", "b", "\n", "c", "\n", "d",
                                        "\n",  "e", "\n", "f", "\n", NULL};
    struct ticker ticker;
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    start_ticker(&ticker, 0.12, &client, lines);
    until_seen("close");
    ok(has_seen("line(f)"), "every complete line gives time for the next");
    ok(has_seen("close(idle)"), "until there is none");
    client_close(&client);
    end_server();
}

static void test_silence(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 0.1};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    until_seen("close");
    is_str(seen, "close(idle) ", "one that says nothing");
    hears(&client, "", NETIO_EEOF, "hears nothing");
    client_close(&client);
    end_server();
}

static void stay_open(struct netio_conn *conn)
{
    (void)conn;
    note("eof ");
}

/* Who has sent all it will cannot be late with more. */
static void test_no_deadline_after_eof(void)
{
    struct netio_server_handlers handlers = {
        .on_line = tell_line, .on_eof = stay_open, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 0.1};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "one\n");
    shutdown(client.fd, SHUT_WR);
    until_seen("eof");
    /* The timer that was set before fires once more. */
    UNTIL(netio_loop_next(loop) == NETIO_NEVER);
    is_str(seen, "line(one) eof ", "a handler that goes on after the end of file has its time");
    client_close(&client);
    end_server();
}

static void test_never_closes(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    struct netio_server_options options = {.drain_seconds = 0.1};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "answered");
    until_seen("close");
    is_str(seen, "line(hello) close(drain) ", "a client that never closes is let go");
    client_close(&client);
    end_server();
}

/* A server with so many clients; 0, and no server, if the machine is too slow to let all of them in
 * before the first is cut off. */
static int let_in(struct client *clients, int count, const struct netio_server_handlers *handlers,
                  const struct netio_server_options *options)
{
    serve(handlers, options);
    for (int i = 0; i < count; i++)
        client_open(&clients[i], 0, 0);
    UNTIL(netio_server_connections(server) == (size_t)count || has_seen("close"));
    if (!has_seen("close"))
        return 1;
    for (int i = 0; i < count; i++)
        client_close(&clients[i]);
    end_server();
    return 0;
}

/* B27: everything stands still for longer than the deadline, for which this test has to let
 * time pass; what came before counts. */
static void test_stood_still(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 0.05};
    enum { CLIENTS = 100 };
    struct client clients[CLIENTS];
    int lost = 0, code;

    while (!let_in(clients, CLIENTS, &handlers, &options))
        options.read_seconds *= 2;
    for (int i = 0; i < CLIENTS; i++)
        say(&clients[i], "in time\n");
    (void)netio_fd_poll(-1, 0, netio_deadline_in(2 * options.read_seconds));
    run_dry();
    for (int i = 0; i < CLIENTS; i++) {
        char answer[10];
        lost += get(&clients[i], answer, 10, &code) != 10;
        client_close(&clients[i]);
    }
    is_int(lost, 0, "B27: nobody is cut off for the time in which the server stood still");
    end_server();
}

/* The first byte has a time of its own, whatever the lines have. */
static void test_first_byte(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_close = tell_close};
    struct netio_server_options options = {.first_seconds = 0.1, .read_seconds = 1000};
    struct client silent, talking;

    serve(&handlers, &options);
    client_open(&talking, 0, 0);
    client_open(&silent, 0, 0);
    say(&talking, "x");
    hears(&silent, "", NETIO_EEOF, "B4: who says nothing is cut at the first deadline");
    is_str(seen, "close(idle) ", "and only who says nothing");
    say(&talking, "y\n");
    until_seen("line(xy)");
    client_close(&silent);
    client_close(&talking);
    end_server();
}

/* A byte now and then, whole lines even: the total deadline holds all the same. */
static void test_total(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_close = tell_close};
    struct netio_server_options options = {.total_seconds = 0.2};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    while (!has_seen("close")) {
        netio_fd_send(client.fd, "\n", 1);
        netio_loop_step(loop, netio_deadline_in(0.01));
    }
    ok(has_seen("line() "), "B4: it was served");
    ok(has_seen("close(total) "), "B4: up to the total deadline");
    client_close(&client);
    end_server();

    options.total_seconds = 60;
    serve(&handlers, &options);
    client_open(&client, 0, 0);
    shutdown(client.fd, SHUT_WR);
    until_seen("close");
    is_str(seen, "close(done) ", "who ends before is none of its business");
    client_close(&client);
    end_server();
}

int main(void)
{
    test_never_reads();
    test_slow_reader_asks_again();
    test_drips();
    test_lines_on_time();
    test_silence();
    test_no_deadline_after_eof();
    test_never_closes();
    test_stood_still();
    test_first_byte();
    test_total();
    return tap_done();
}
