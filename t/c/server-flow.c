/* Tests of netio/server.h: connections that are paused, half closed or told when there is room
 * again; the idle handler, steps, and what a server says of itself.  Deadlines that go with them,
 * too. */
#include "scripted.h"
#include "server/board.h"

#include <sys/socket.h>

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
    struct netio_server_options options = {.first_seconds = 0.05, .read_seconds = 0.2};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    until_seen("open");
    netio_deadline end = netio_deadline_in(0.1);
    while (!netio_deadline_passed(end))
        netio_loop_step(loop, end);
    is_str(seen, "open ", "resumed: the time of the first byte is over");
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

static int wanted, calls;

static int be_idle(struct netio_server *which)
{
    calls++;
    note("idle ");
    if (calls == 3)
        netio_server_stop(which, NETIO_NOW);
    return --wanted > 0;
}

static void ask_from_timer(struct netio_timer *timer)
{
    netio_fd_send(((struct client *)timer->data)->fd, "x\n", 2);
}

static void test_idle(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_idle = be_idle};
    struct netio_timer timer = {.fire = ask_from_timer};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    timer.data = &client;
    netio_timer_start(loop, &timer, netio_deadline_in(0.05));
    wanted = 2;
    is_int(netio_server_run(server), 0, "run, with something else to do");
    is_str(seen, "idle idle line(x) idle ",
           "as often as it wants; then when what has come is done");
    client_close(&client);
    end_server();
}

static void tell_where(struct netio_conn *conn)
{
    struct netio_addr local;
    int type = 0;
    socklen_t len = sizeof type;

    is_int(netio_conn_local(conn, &local), 0, "where it came to");
    is_int(netio_addr_compare(&local, netio_server_address(server, 0)), 0, "is the listener");
    getsockopt(netio_conn_fd(conn), SOL_SOCKET, SO_TYPE, &type, &len);
    is_int(type, SOCK_STREAM, "its descriptor can be asked things");
}

static void end_fd(struct netio_conn *conn, enum netio_close why)
{
    tell_close(conn, why);
    is_int(netio_conn_fd(conn), -1, "in on_close it has none any more");
}

static void test_status(void)
{
    struct netio_server_handlers handlers = {
        .on_open = tell_where, .on_line = answer_line, .on_close = end_fd};
    struct netio_server_status status;
    struct client client;

    int64_t before = netio_clock_now();
    serve(&handlers, NULL);
    netio_server_status(server, &status);
    ok(status.started >= before && status.started <= netio_clock_now(), "since when");
    is_int(status.connections + status.accepted, 0, "nobody yet");
    client_open(&client, 0, 0);
    while (netio_server_connections(server) == 0)
        ok(netio_server_step(server, netio_deadline_in(10)) > 0, "a step of its own");
    netio_server_status(server, &status);
    is_int(status.connections, 1, "one is open");
    say(&client, "x\n");
    hears(&client, "<x>\n", NETIO_EEOF, "and served");
    client_close(&client);
    until_seen("close");
    netio_server_status(server, &status);
    is_int(status.connections, 0, "gone");
    is_int(status.accepted, 1, "but counted");
    is_int(netio_server_step(server, NETIO_NOW), 0, "a step with nothing to do");
    end_server();
}

static struct netio__board *board;

static void look_at_beat(struct netio_conn *conn, char *line, size_t len)
{
    note("beat(%d) ", (int)(board->beat % 2));
    answer_line(conn, line, len);
}

/* The heart that a supervisor listens to: odd while a handler runs; and it is woken once. */
static void test_board(void)
{
    struct netio_server_handlers handlers = {.on_line = look_at_beat};
    struct netio__board shared = {.asleep = 1};
    struct client client;
    char byte;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1)
        fail("a pair of sockets");
    serve(&handlers, NULL);
    board = &shared;
    shared.wake = pair[1];
    netio__server_use_board(server, &shared);
    for (int i = 0; i < 2; i++) {
        uint64_t before = shared.beat;
        client_open(&client, 0, 0);
        say(&client, "x\n");
        hears(&client, "<x>\n", NETIO_EEOF, "served");
        client_close(&client);
        UNTIL(netio_server_connections(server) == 0);
        ok(shared.beat > before && shared.beat % 2 == 0, "its heart has beaten, and rests");
        is_int(netio_fd_read(pair[0], &byte, 1), i ? -EAGAIN : 1, "who slept is woken, once");
    }
    is_str(seen, "beat(1) line(x) beat(1) line(x) ", "within a handler it is odd");
    is_int(shared.asleep, 0, "nobody sleeps");
    is_int(shared.status.accepted, 2, "and it counts there");
    ok(shared.status.started > 0, "since when, too");
    end_server();
    close(pair[0]);
    close(pair[1]);
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
    test_idle();
    test_status();
    test_board();
    test_first_byte();
    test_total();
    return tap_done();
}
