/* Tests of netio/server.h: the idle handler, steps, and what a server says of itself, to who asks
 * and to its supervisor. */
#include "scripted.h"
#include "server/board.h"

#include <sys/socket.h>

static int calls;

static void ask_from_timer(struct netio_timer *timer)
{
    netio_fd_send(((struct client *)timer->data)->fd, "x\n", 2);
}

static struct netio_timer asking = {.fire = ask_from_timer};

/* Has something to do twice; then a client asks. */
static int be_idle(struct netio_server *which)
{
    calls++;
    note("idle ");
    if (calls == 2)
        netio_timer_start(loop, &asking, NETIO_NOW);
    if (calls == 3)
        netio_server_stop(which, NETIO_NOW);
    return calls < 2;
}

static void test_idle(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_idle = be_idle};
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    asking.data = &client;
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

int main(void)
{
    test_idle();
    test_status();
    test_board();
    return tap_done();
}
