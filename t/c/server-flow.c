/* Tests of netio/server.h: connections that are paused, half closed, told when there is room again,
 * or released to be another's; and what that does to their deadlines. */
#include "scripted.h"

static struct netio_conn *kept;

/* "stop" pauses; everything else is only told. */
static void pause_at_stop(struct netio_conn *conn, char *line, size_t len)
{
    tell_line(conn, line, len);
    kept = conn;
    if (strcmp(line, "stop") == 0)
        netio_conn_pause(conn);
}

/* Nothing is left to be done for a while: a descriptor that is ready all the time would show. */
static void is_quiet(const char *name)
{
    int ran = 0;

    run_dry();
    for (int i = 0; i < 5; i++)
        ran += netio_loop_step(loop, netio_deadline_in(0.01));
    is_int(ran, 0, "%s: nothing wakes up for it", name);
}

static void test_pause(void)
{
    struct netio_server_handlers handlers = {.on_line = pause_at_stop, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "a\nstop\nb\n");
    until_seen("line(stop)");
    say(&client, "c\n");
    is_quiet("paused");
    is_str(seen, "line(a) line(stop) ", "lines that came with it wait, too");
    netio_conn_resume(kept);
    netio_conn_resume(kept);
    until_seen("line(c)");
    is_str(seen, "line(a) line(stop) line(b) line(c) ", "resumed: all of them, in order");
    say(&client, "stop\nd");
    until_seen("line(stop) line(b) line(c) line(stop)");
    client_close(&client);
    is_quiet("paused, and the client has ended");
    forget();
    netio_conn_resume(kept);
    until_seen("close");
    is_str(seen, "line(d) close(done) ", "resumed: its last line, and the end");
    end_server();
}

/* Both ends are down: the kernel reports that for ever, asked for or not. */
static void test_pause_after_the_end(void)
{
    struct netio_server_handlers handlers = {.on_line = pause_at_stop, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "stop\nb\n");
    until_seen("line(stop)");
    netio_conn_shutdown(kept);
    hears(&client, "", NETIO_EEOF, "half closed while paused");
    client_close(&client);
    is_quiet("both ends down");
    is_str(seen, "line(stop) ", "and not closed, for there is something to read");
    netio_conn_resume(kept);
    until_seen("close");
    is_str(seen, "line(stop) line(b) close(done) ", "resumed: it is read");
    end_server();

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "stop\n");
    until_seen("line(stop)");
    client_reset(&client);
    until_seen("close");
    is_str(seen, "line(stop) close(reset) ", "a reset ends one that is paused");
    end_server();
}

static size_t pause_at_data(struct netio_conn *conn, char *data, size_t len)
{
    note("data(%.*s) ", (int)len, data);
    kept = conn;
    netio_conn_pause(conn);
    return len;
}

static void test_pause_octets(void)
{
    struct netio_server_handlers handlers = {.on_data = pause_at_data, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "ab");
    until_seen("data(ab)");
    say(&client, "cd");
    is_quiet("octets paused");
    netio_conn_resume(kept);
    until_seen("data(cd)");
    is_str(seen, "data(ab) data(cd) ", "octets resumed");
    client_close(&client);
    netio_conn_resume(kept);
    until_seen("close");
    end_server();
}

/* The time of a pause is not the peer's. */
static void test_pause_and_time(void)
{
    struct netio_server_handlers handlers = {.on_line = pause_at_stop, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 0.1};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "stop\n");
    until_seen("line(stop)");
    netio_deadline end = netio_deadline_in(0.3);
    while (!netio_deadline_passed(end))
        netio_loop_step(loop, end);
    is_str(seen, "line(stop) ", "no read deadline while it is paused");
    netio_conn_resume(kept);
    until_seen("close");
    is_str(seen, "line(stop) close(idle) ", "it begins anew with the resume");
    client_close(&client);
    end_server();

    options = (struct netio_server_options){.total_seconds = 0.1};
    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "stop\n");
    until_seen("close");
    is_str(seen, "line(stop) close(total) ", "the total deadline goes on");
    client_close(&client);
    end_server();
}

static void bye_at_end(struct netio_conn *conn, char *line, size_t len)
{
    echo_line(conn, line, len);
    if (strcmp(line, "end") != 0)
        return;
    netio_conn_shutdown(conn);
    is_int(netio_conn_write(conn, "x", 1), -EPIPE, "nothing behind the end of file");
}

static void test_shutdown(void)
{
    struct netio_server_handlers handlers = {.on_line = bye_at_end, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "one\nend\n");
    hears(&client, "<one>\n<end>\n", NETIO_EEOF, "A9: half closed behind what was written");
    say(&client, "two\n");
    until_seen("line(two)");
    is_quiet("half closed");
    client_close(&client);
    until_seen("close");
    is_str(seen, "line(one) line(end) line(two) close(done) ", "input goes on to its end");
    end_server();
}

static void end_ours(struct netio_conn *conn)
{
    note("eof ");
    netio_conn_shutdown(conn);
}

/* Both have ended, and the handler of the peer's end has forgotten to close. */
static void test_shutdown_at_eof(void)
{
    struct netio_server_handlers handlers = {
        .on_line = echo_line, .on_eof = end_ours, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "one\n");
    shutdown(client.fd, SHUT_WR);
    hears(&client, "<one>\n", NETIO_EEOF, "A9: ended by both");
    until_seen("close");
    is_str(seen, "line(one) eof close(done) ", "and so it is over");
    client_close(&client);
    end_server();
}

static int released;
static char rest[16];

/* "go" leaves the connection to the test, as a server that passes it on does. */
static void release_at_go(struct netio_conn *conn, char *line, size_t len)
{
    tell_line(conn, line, len);
    if (strcmp(line, "go") != 0)
        return;
    netio_conn_write(conn, "unsent", 6);
    released = netio_conn_release(conn);
    is_int(netio_conn_fd(conn), -1, "R24: it has its descriptor no more");
}

/* inetd.md R24: nothing is read of what is another's. */
static void test_release(void)
{
    struct netio_server_handlers handlers = {.on_line = release_at_go, .on_close = tell_close};
    struct netio_server_options options = {.read_max = 1};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "a\r\ngo\r\nrest\n");
    until_seen("close");
    is_str(seen, "line(a) line(go) close(done) ", "R24: a clean end, as the server sees it");
    is_int(netio_server_connections(server), 0, "its place is free");
    ssize_t n = netio_fd_recv(released, rest, sizeof rest);
    is_mem(rest, n > 0 ? (size_t)n : 0, "rest\n", 5, "R24: what follows is still there");
    is_int(netio_fd_send(released, "hello", 5), 5, "and the connection can be used");
    netio_fd_close(released);
    hears(&client, "hello", NETIO_EEOF, "without what waited to be sent, and without a reset");
    client_close(&client);
    end_server();
}

static void keep_conn(struct netio_conn *conn)
{
    kept = conn;
    note("open ");
}

static void test_release_later(void)
{
    struct netio_server_handlers handlers = {
        .on_open = keep_conn, .on_line = tell_line, .on_close = tell_close};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    until_seen("open");
    released = netio_conn_release(kept);
    say(&client, "x");
    until_seen("close");
    is_str(seen, "open close(done) ", "released outside a handler: it ends with its next turn");
    is_int(netio_fd_recv(released, rest, sizeof rest), 1, "and reads nothing in between");
    netio_fd_close(released);
    client_close(&client);
    end_server();
}

static void pause_and_go_on(struct netio_conn *conn)
{
    note("open ");
    netio_conn_pause(conn);
    netio_conn_resume(conn);
}

/* Who lets a peer wait cannot hold its silence against it. */
static void test_resume_and_first_byte(void)
{
    struct netio_server_handlers handlers = {
        .on_open = pause_and_go_on, .on_line = tell_line, .on_close = tell_close};
    struct netio_server_options options = {.first_seconds = 0.05, .read_seconds = 60};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    until_seen("open");
    netio_deadline end = netio_deadline_in(0.1);
    while (!netio_deadline_passed(end))
        netio_loop_step(loop, end);
    is_str(seen, "open ", "resumed: the time of the first byte is over");
    client_close(&client);
    end_server();

    options = (struct netio_server_options){.first_seconds = 60, .read_seconds = 0.1};
    serve(&handlers, &options);
    client_open(&client, 0, 0);
    until_seen("close");
    is_str(seen, "open close(idle) ", "that of a line is not");
    client_close(&client);
    end_server();
}

enum { CHUNK = 10000, CHUNKS = 100 };
static int chunks;

static void write_chunk(struct netio_conn *conn)
{
    static char data[CHUNK];

    chunks++;
    netio_conn_write(conn, data, sizeof data);
    if (chunks == CHUNKS)
        netio_conn_close(conn);
}

static void start_chunks(struct netio_conn *conn, char *line, size_t len)
{
    tell_line(conn, line, len);
    write_chunk(conn);
    is_int(netio_conn_waiting(conn), CHUNK, "what waits is known");
}

static void next_chunk(struct netio_conn *conn)
{
    if (netio_conn_waiting(conn) > 2000)
        note("early ");
    write_chunk(conn);
}

/* A producer that never has more than it must in memory. */
static void test_on_writable(void)
{
    struct netio_server_handlers handlers = {
        .on_line = start_chunks, .on_writable = next_chunk, .on_close = tell_close};
    struct netio_server_options options = {.high_water = 4000};
    static char data[CHUNK * CHUNKS + 1];
    struct client client;
    int code;

    serve(&handlers, &options);
    client_open(&client, 0, 4096);
    say(&client, "all\n");
    is_int(get(&client, data, sizeof data, &code), CHUNK * CHUNKS, "told to go on, it goes on");
    is_int(code, NETIO_EEOF, "to the end");
    is_int(chunks, CHUNKS, "once for each");
    client_close(&client);
    until_seen("close");
    is_str(seen, "line(all) close(done) ", "never before half of it was taken");
    end_server();
}

/* While a peer is told to write, its neighbours have their turns. */
static void test_on_writable_is_fair(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_writable = next_chunk};
    struct netio_server_options options = {.high_water = 1};
    struct client greedy, other;

    serve(&handlers, &options);
    client_open(&greedy, 0, 0);
    client_open(&other, 0, 0);
    run_dry();
    chunks = CHUNKS + 1; /* for ever */
    say(&greedy, "all\n");
    until_seen("line(all)");
    say(&other, "me\n");
    hears(&other, "<me>\n", 0, "another is served beside one that never ends");
    client_close(&greedy);
    client_close(&other);
    end_server();
}

int main(void)
{
    test_pause();
    test_pause_after_the_end();
    test_pause_octets();
    test_pause_and_time();
    test_release();
    test_release_later();
    test_resume_and_first_byte();
    test_shutdown();
    test_shutdown_at_eof();
    test_on_writable();
    test_on_writable_is_fair();
    return tap_done();
}
