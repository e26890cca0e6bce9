/* Tests of netio/server.h: what a server that is stopped, or freed, does with connections in each
 * state. */
#include "port.h"
#include "scripted.h"

static void test_stop(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct client fresh, idle, gone;
    struct netio_addr address;
    char text[32];

    snprintf(text, sizeof text, "127.0.0.1:%u", free_port());
    serve_at(text, &handlers, NULL);
    address = *netio_server_address(server, 0);
    client_open(&idle, 0, 0);
    say(&idle, "one\n");
    hears(&idle, "<one>\n", 0, "one has asked, and may ask again");
    client_open(&fresh, 0, 0);
    UNTIL(netio_server_connections(server) == 2);
    netio_server_stop(server, netio_deadline_in(60));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    is_int(connect(fd, &address.u.sa, address.len), -1, "stopped: no new clients");
    netio_fd_close(fd);
    ok(netio_server_address(server, 0) == NULL, "it has no address any more");
    is_int(netio_server_listen(server, "127.0.0.1:0", NULL), -ECANCELED, "and gets no other");
    hears(&idle, "", NETIO_EEOF, "who waits for another line is closed");
    is_str(seen, "line(one) close(stop) ", "and on_close says why");
    say(&fresh, "late\n");
    hears(&fresh, "<late>\n", NETIO_EEOF, "who had not asked yet is let ask, once");
    is_int(netio_server_run(server), 0, "run returns");
    is_str(seen, "line(one) close(stop) line(late) close(stop) ", "when all is done");
    is_int(netio_loop_next(loop), NETIO_NEVER, "and no timer is left");
    client_close(&idle);
    client_close(&fresh);
    end_server();

    serve(&handlers, NULL);
    client_open(&gone, 0, 0);
    client_open(&fresh, 0, 0);
    UNTIL(netio_server_connections(server) == 2);
    netio_server_stop(server, netio_deadline_in(0.1));
    is_int(netio_server_run(server), 0, "the deadline ends it");
    is_str(seen, "close(stop) close(stop) ", "for all");
    client_close(&gone);
    client_close(&fresh);
    end_server();
}

static void stop_now(struct netio_conn *conn, char *line, size_t len)
{
    tell_line(conn, line, len);
    netio_conn_printf(conn, "bye\n");
    netio_server_stop(netio_conn_server(conn),
                      strcmp(line, "now") == 0 ? NETIO_NOW : netio_deadline_in(60));
}

static void test_stop_in_handler(void)
{
    struct netio_server_handlers handlers = {.on_line = stop_now, .on_close = tell_close};
    struct client client, other;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    client_open(&other, 0, 0);
    UNTIL(netio_server_connections(server) == 2);
    say(&client, "stop\nnever read\n");
    hears(&client, "bye\n", 0, "stopped by a handler: its answer goes out");
    until_seen("line(never read)");
    say(&other, "now\n");
    is_int(netio_server_run(server), 0, "a second stop ends the rest at once");
    is_int(times_seen("close(stop)"), 2, "all of it");
    client_close(&client);
    client_close(&other);
    end_server();

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    UNTIL(netio_server_connections(server) == 1);
    end_server();
    is_str(seen, "close(stop) ", "a server that is freed says goodbye to everybody");
    client_close(&client);
}

/* While an answer is on its way, a stop waits for it. */
static void test_stop_answering(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_flood, .on_close = tell_close};
    struct netio_server_options options = {.write_max = 32 << 20};
    static char data[16 << 20];
    struct client client;
    int code;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "all\n");
    until_seen("line");
    netio_server_stop(server, netio_deadline_in(60));
    size_t n = get(&client, data, sizeof data, &code);
    is_int(n, sizeof data, "an answer on its way is sent to the end");
    hears(&client, "", NETIO_EEOF, "before the server goes");
    client_close(&client);
    is_int(netio_server_run(server), 0, "and then it goes");
    end_server();
}

int main(void)
{
    test_stop();
    test_stop_in_handler();
    test_stop_answering();
    return tap_done();
}
