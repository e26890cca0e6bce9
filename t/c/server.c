/* Tests of netio/server.h: the life of a connection, from its first line to its clean end.
 * What comes in is in server-input.c, what a server listens on in server-sockets.c, deadlines in
 * server-deadlines.c, limits in server-limits.c and server-lengths.c, stopping in server-stop.c. */
#include "scripted.h"
#include "server/engine.h"

/* Which states may follow which: a row a state, a column a follower, in the enum's order. */
static void test_states(void)
{
    static const char *const rows[] = {
        /* NEW PROXY OPEN FLUSHING DRAINING CLOSED */
        "011001", /* NEW */
        "001001", /* PROXY */
        "000101", /* OPEN */
        "000011", /* FLUSHING */
        "000001", /* DRAINING */
        "000000", /* CLOSED */
    };

    for (int from = NETIO__NEW; from <= NETIO__CLOSED; from++)
        for (int to = NETIO__NEW; to <= NETIO__CLOSED; to++)
            is_int(netio__state_follows(from, to), rows[from][to] - '0', "state %d after %d", to,
                   from);
}

static void test_one_line(void)
{
    struct netio_server_handlers handlers = {
        .on_open = tell_open, .on_line = answer_line, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "hello\r\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "an answer, then the end of file");
    is_int(netio_server_connections(server), 1, "it waits for the client's end");
    client_close(&client);
    until_seen("close");
    is_str(seen, "open line(hello) close(done) ", "opened, served and closed, each once");
    is_int(netio_server_connections(server), 0, "and gone");
    is_int(netio_loop_next(loop), NETIO_NEVER, "B30: no timer is left: the server only waits");
    end_server();
}

static void test_half_close(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "one\ntwo");
    shutdown(client.fd, SHUT_WR);
    hears(&client, "<one>\n<two>\n", NETIO_EEOF, "A9: a client that has ended is answered");
    until_seen("close");
    is_str(seen, "line(one) line(two) close(done) ", "and nothing more is waited for");
    client_close(&client);
    end_server();
}

static struct netio_conn *kept;

static void keep_open(struct netio_conn *conn)
{
    note("eof ");
    kept = conn;
}

static void test_on_eof(void)
{
    struct netio_server_handlers handlers = {
        .on_line = tell_line, .on_eof = keep_open, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "one\n");
    shutdown(client.fd, SHUT_WR);
    until_seen("eof");
    run_dry();
    is_int(netio_conn_write(kept, "later", 5), 0, "written long after the end of file");
    hears(&client, "later", 0, "A9: and sent");
    is_int(netio_conn_printf(kept, " %s", "bye"), 0, "once more");
    netio_conn_close(kept);
    is_int(netio_conn_write(kept, "x", 1), -EPIPE, "nothing after the close");
    hears(&client, " bye", NETIO_EEOF, "the rest, and the end");
    until_seen("close");
    is_str(seen, "line(one) eof close(done) ", "in this order");
    client_close(&client);

    forget();
    client_open(&client, 0, 0);
    shutdown(client.fd, SHUT_WR);
    until_seen("eof");
    client_reset(&client);
    until_seen("close");
    is_str(seen, "eof close(reset) ", "a client that goes away meanwhile is noticed");
    end_server();
}

static void say_hello(struct netio_conn *conn)
{
    const struct netio_addr *peer = netio_conn_peer(conn);
    char text[NETIO_ADDR_STRLEN];

    ok(netio_conn_opened(conn) <= netio_clock_now(), "it knows since when");
    ok(netio_conn_server(conn) == server, "and whose it is");
    ok(netio_conn_data(conn) == NULL, "no data at first");
    netio_conn_set_data(conn, seen);
    netio_conn_printf(conn, "hello %s\n", netio_addr_host_str(peer, text, sizeof text));
    if (netio_server_data(server))
        netio_conn_close(conn);
    note("open ");
}

static void close_with_data(struct netio_conn *conn, enum netio_close why)
{
    ok(netio_conn_data(conn) == seen, "its data is there to the end");
    is_int(netio_conn_write(conn, "x", 1), -EPIPE, "nothing can be written any more");
    netio_conn_abort(conn);
    tell_close(conn, why);
}

static void test_greeting(void)
{
    struct netio_server_handlers handlers = {
        .on_open = say_hello, .on_line = answer_line, .on_close = close_with_data};
    struct netio_server_options options = {.data = &options};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    hears(&client, "hello 127.0.0.1\n", 0, "a greeting comes first");
    say(&client, "thanks\n");
    hears(&client, "<thanks>\n", NETIO_EEOF, "then an answer");
    client_close(&client);
    until_seen("close");
    is_str(seen, "open line(thanks) close(done) ", "in order");
    end_server();

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "never read\n");
    hears(&client, "hello 127.0.0.1\n", NETIO_EEOF, "one that only greets");
    client_close(&client);
    until_seen("close");
    is_str(seen, "open close(done) ", "no line reaches it");
    end_server();
}

static void close_at_three(struct netio_conn *conn, char *line, size_t len)
{
    echo_line(conn, line, len);
    if (strcmp(line, "3") == 0)
        netio_conn_close(conn);
}

static void test_close_drops_the_rest(void)
{
    struct netio_server_handlers handlers = {.on_line = close_at_three, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "1\n2\n3\n4\n5\n");
    hears(&client, "<1>\n<2>\n<3>\n", NETIO_EEOF, "once closed no more lines are served");
    say(&client, "6\n");
    client_close(&client);
    until_seen("close");
    is_str(seen, "line(1) line(2) line(3) close(done) ", "nor handed over");
    end_server();
}

/* A client that asks, and sends on and on before it reads: no reset may eat its answer. */
static void test_sender_gets_its_answer(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    static char noise[1 << 20];
    struct client client;

    memset(noise, 'n', sizeof noise);
    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "question\n");
    put(&client, noise, sizeof noise);
    hears(&client, "<question>\n", NETIO_EEOF, "a megabyte behind the question: still an answer");
    client_close(&client);
    until_seen("close");
    ok(has_seen("close(done)"), "and a clean end");
    end_server();
}

static void keep_it(struct netio_conn *conn, char *line, size_t len)
{
    tell_line(conn, line, len);
    kept = conn;
}

static struct netio_conn *first;

/* From the handler of one connection to another one. */
static void meddle(struct netio_conn *conn, char *line, size_t len)
{
    tell_line(conn, line, len);
    if (strcmp(line, "first") == 0)
        first = conn;
    else if (strcmp(line, "write") == 0)
        netio_conn_printf(first, "from another\n");
    else if (strcmp(line, "close") == 0)
        netio_conn_close(first);
    else
        netio_conn_abort(first);
    note("back ");
}

static void test_from_outside(void)
{
    struct netio_server_handlers handlers = {.on_line = keep_it, .on_close = tell_close};
    struct client client, other;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "ask\n");
    until_seen("line(ask)");
    is_int(netio_conn_printf(kept, "%s\n", "later"), 0, "an answer that takes its time");
    hears(&client, "later\n", 0, "comes");
    netio_conn_abort(kept);
    is_int(netio_conn_write(kept, "x", 1), -EPIPE, "nothing after an abort");
    ok(!has_seen("close"), "no handler is called from within a call");
    hears(&client, "", -ECONNRESET, "aborted: the client sees a reset");
    is_str(seen, "line(ask) close(abort) ", "and on_close why");
    client_close(&client);
    end_server();

    handlers.on_line = meddle;
    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "first\n");
    until_seen("back ");
    client_open(&other, 0, 0);
    say(&other, "write\n");
    hears(&client, "from another\n", 0, "one connection's handler writes to another");
    say(&other, "abort\n");
    until_seen("close");
    ok(has_seen("line(abort) back close(abort) "), "on_close does not interrupt it");
    client_close(&client);
    client_close(&other);
    end_server();
}

static void abort_it(struct netio_conn *conn, char *line, size_t len)
{
    echo_line(conn, line, len);
    netio_conn_close(conn);
    netio_conn_abort(conn);
    is_int(netio_conn_write(conn, "x", 1), -EPIPE, "nothing after an abort");
    note("still here ");
}

static void test_abort_in_handler(void)
{
    struct netio_server_handlers handlers = {.on_line = abort_it, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "a\nb\n");
    hears(&client, "", -ECONNRESET, "aborted: what was buffered is not sent");
    is_str(seen, "line(a) still here close(abort) ", "it ends when the handler has returned");
    client_close(&client);
    end_server();
}

static void test_reset(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "one\nhal");
    until_seen("line(one)");
    client_reset(&client);
    until_seen("close");
    is_str(seen, "line(one) close(reset) ", "A8: a reset in the middle of a line");
    is_int(netio_server_connections(server), 0, "leaves nothing behind");
    end_server();
}

static void test_options(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct netio_server_options options = {.read_seconds = -1};

    is_int(netio_server_new(&server, NULL, &handlers, &options), -EINVAL, "negative seconds");
    ok(server == NULL, "no server");
    options = (struct netio_server_options){.drain_seconds = __builtin_nan("")};
    is_int(netio_server_new(&server, NULL, &handlers, &options), -EINVAL, "no number");
    options = (struct netio_server_options){.write_seconds = __builtin_inf()};
    is_int(netio_server_new(&server, NULL, &handlers, &options), 0, "infinite ones");
    netio_server_free(server);
    netio_server_free(NULL);
    is_str(netio_close_str(NETIO_CLOSE_TOOLONG), "toolong", "a reason has a word");
    is_str(netio_close_str((enum netio_close)99), "unknown", "what is none has one, too");
}

int main(void)
{
    test_states();
    test_one_line();
    test_half_close();
    test_on_eof();
    test_greeting();
    test_close_drops_the_rest();
    test_sender_gets_its_answer();
    test_from_outside();
    test_abort_in_handler();
    test_reset();
    test_options();
    return tap_done();
}
