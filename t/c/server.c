/* Tests of netio/server.h: the life of a connection, from its first line to its clean end.
 * Deadlines, limits and stopping are in server-limits.c. */
#include "scripted.h"
#include "server/engine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>

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

/* A19: the same lines whatever the pieces they come in. */
static const struct {
    const char *name;
    const char *text;
    const char *lines;
} framings[] = {
    {"CRLF", "ab\r\ncd\r\n", "line(ab) line(cd) "},
    {"LF", "ab\ncd\n", "line(ab) line(cd) "},
    {"a lone CR is a byte", "a\rb\r\r\n\rc\n", "line(a\rb\r) line(\rc) "},
    {"empty lines", "\r\n\n\r\n", "line() line() line() "},
    {"no end", "ab\r\ncd", "line(ab) line(cd) "},
    {"CR at the end of file", "ab\r", "line(ab\r) "},
    {"nothing", "", ""},
};

/* The text in three pieces, cut at first and second, each taken in before the next. */
static int framed(const char *text, size_t first, size_t second, const char *lines)
{
    struct client client;

    forget();
    client_open(&client, 0, 0);
    put(&client, text, first);
    run_dry();
    put(&client, text + first, second - first);
    run_dry();
    put(&client, text + second, strlen(text) - second);
    run_dry();
    shutdown(client.fd, SHUT_WR);
    until_seen("close(done)");
    client_close(&client);
    size_t len = strlen(lines);
    return strncmp(seen, lines, len) == 0 && strcmp(seen + len, "close(done) ") == 0;
}

static void test_framing(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_close = tell_close};

    serve(&handlers, NULL);
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        size_t len = strlen(framings[i].text), wrong = 0;
        for (size_t first = 0; first <= len; first++)
            for (size_t second = first; second <= len; second++)
                wrong += !framed(framings[i].text, first, second, framings[i].lines);
        is_int(wrong, 0, "A19: %s, cut at every two places", framings[i].name);
    }
    end_server();
}

static char got[70000];
static size_t got_len;

static void keep_line(struct netio_conn *conn, char *line, size_t len)
{
    (void)conn;
    is_int(line[len], 0, "a NUL behind the line");
    memcpy(got, line, len);
    got_len = len;
    memset(line, 'x', len);
    note("kept ");
}

static void test_every_byte(void)
{
    struct netio_server_handlers handlers = {.on_line = keep_line};
    struct client client;
    char bytes[257];
    size_t len = 0;

    for (int i = 0; i < 256; i++)
        if (i != '\n')
            bytes[len++] = (char)i;
    bytes[len] = '\n';
    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    put(&client, bytes, len + 1);
    put(&client, bytes, len + 1);
    until_seen("kept kept");
    is_mem(got, got_len, bytes, len, "A18: every byte arrives, NULs included");
    client_close(&client);
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

static void test_pipelined(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    static char ask[16000], want[16000], answer[16000];
    size_t ask_len = 0, want_len = 0;
    struct client client;
    int code;

    for (int i = 0; i < 1000; i++) {
        ask_len += (size_t)sprintf(ask + ask_len, "query %d\r\n", i);
        want_len += (size_t)sprintf(want + want_len, "<query %d>\n", i);
    }
    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    put(&client, ask, ask_len);
    size_t len = get(&client, answer, want_len, &code);
    is_mem(answer, len, want, want_len, "a thousand questions at once: answers in order");
    put(&client, ask, ask_len);
    shutdown(client.fd, SHUT_WR);
    len = get(&client, answer, sizeof answer, &code);
    is_mem(answer, len, want, want_len, "the same with the end of file behind them");
    is_int(code, NETIO_EEOF, "which ends it");
    client_close(&client);
    end_server();
}

/* While one client's thousand lines are served, another's single one has its turn. */
static void test_fair(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line};
    struct client greedy, other;
    char lines[3000];

    serve(&handlers, NULL);
    client_open(&greedy, 0, 0);
    client_open(&other, 0, 0);
    run_dry();
    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = "me\n"[i % 3];
    netio_fd_send(greedy.fd, lines, sizeof lines);
    netio_fd_send(other.fd, "you\n", 4);
    until_seen("you");
    size_t before = 0;
    for (const char *at = seen; (at = strstr(at, "me")) != NULL; at++)
        before++;
    ok(before <= 64, "D24: one among a thousand of another's: served after %zu", before);
    client_close(&greedy);
    client_close(&other);
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

static size_t take_threes(struct netio_conn *conn, char *data, size_t len)
{
    size_t whole = len - len % 3;

    note("data(%.*s) ", (int)len, data);
    netio_conn_write(conn, data, whole);
    return whole;
}

static void test_octets(void)
{
    struct netio_server_handlers handlers = {.on_data = take_threes, .on_close = tell_close};
    struct netio_server_options options = {.line_max = 8};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "ab");
    until_seen("data(ab)");
    say(&client, "cdefg");
    hears(&client, "abcdef", 0, "octets in threes");
    say(&client, "hi");
    hears(&client, "ghi", 0, "what was left comes again");
    say(&client, "j");
    shutdown(client.fd, SHUT_WR);
    until_seen("close");
    is_str(seen, "data(ab) data(abcdefg) data(ghi) data(j) close(done) ", "step by step");
    client_close(&client);
    end_server();
}

static size_t take_none(struct netio_conn *conn, char *data, size_t len)
{
    (void)conn;
    (void)data;
    note("data(%zu) ", len);
    return 0;
}

static void test_octets_left(void)
{
    struct netio_server_handlers handlers = {.on_data = take_none, .on_close = tell_close};
    struct netio_server_options options = {.line_max = 8};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "12345678");
    until_seen("data(8)");
    say(&client, "9");
    hears(&client, "", NETIO_EEOF, "too many octets that nobody takes");
    client_close(&client);
    until_seen("close");
    is_str(seen, "data(8) data(9) close(toolong) ", "end it");
    end_server();
}

/* Without a handler for input it is read and dropped, as the discard service does. */
static void test_discard(void)
{
    struct netio_server_handlers handlers = {.on_close = tell_close};
    static char noise[200000];
    struct client client;

    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    put(&client, noise, sizeof noise);
    shutdown(client.fd, SHUT_WR);
    hears(&client, "", NETIO_EEOF, "discarded");
    client_close(&client);
    until_seen("close(done)");
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

static void test_unix_socket(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    char folder[] = "/tmp/netio-server-XXXXXX", address[64], text[NETIO_ADDR_STRLEN];
    struct client client;
    struct stat st;

    if (!mkdtemp(folder)) {
        fail("a folder");
        return;
    }
    snprintf(address, sizeof address, "unix:%s/s", folder);
    serve(&handlers, NULL);
    is_int(netio_server_listen(server, address, NULL), 0, "a second address, a unix socket");
    is_str(netio_addr_str(netio_server_address(server, 1), text, sizeof text), address, "known");
    ok(netio_server_address(server, 2) == NULL, "no third");
    client_open(&client, 1, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "served");
    client_close(&client);
    until_seen("close(done)");
    end_server();
    is_int(lstat(address + 5, &st), -1, "the path goes with the server");
    rmdir(folder);
}

/* One connected descriptor, as inetd hands it over; run returns when it is done. */
static void test_serve_take(void)
{
    struct netio_server_handlers handlers = {
        .on_open = tell_open, .on_line = answer_line, .on_close = tell_close};
    char answer[64];
    int pair[2];

    forget();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
        netio_server_new(&server, NULL, &handlers, NULL))
        fail("a server and a pair");
    is_int(netio_server_run(server), 0, "nothing to do: run returns at once");
    is_int(netio_server_serve_take(server, pair[0]), 0, "one descriptor to serve");
    is_int(fcntl(pair[0], F_GETFD), FD_CLOEXEC, "close-on-exec from now on");
    is_str(seen, "", "no handler is called before the loop runs");
    is_int(netio_fd_send(pair[1], "hello\n", 6), 6, "a question");
    shutdown(pair[1], SHUT_WR);
    is_int(netio_server_run(server), 0, "run returns when it is done");
    ssize_t n = netio_fd_recv(pair[1], answer, sizeof answer);
    is_mem(answer, n, "<hello>\n", 8, "answered");
    is_str(seen, "open line(hello) close(done) ", "as any other");
    netio_fd_close(pair[1]);
    netio_server_free(server);
}

static void test_serve_what(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct sockaddr_in any = {.sin_family = AF_INET};
    int pipes[2], listening, datagram;

    if (pipe(pipes) == -1 || netio_server_new(&server, NULL, &handlers, NULL))
        fail("a server and a pipe");
    listening = socket(AF_INET, SOCK_STREAM, 0);
    bind(listening, (struct sockaddr *)&any, sizeof any);
    listen(listening, 1);
    datagram = socket(AF_INET, SOCK_DGRAM, 0);
    is_int(netio_server_listen_take(server, pipes[0]), -ENOTSOCK, "C24: a pipe cannot listen");
    is_int(netio_server_listen_take(server, datagram), -EINVAL, "C24: nor can a datagram socket");
    is_int(netio_server_serve_take(server, pipes[0]), -ENOTSOCK, "C24: a pipe is not served");
    is_int(netio_server_serve_take(server, datagram), -ESOCKTNOSUPPORT, "C24: a datagram socket");
    is_int(netio_server_serve_take(server, listening), -EINVAL, "C24: a listening socket");
    is_int(netio_server_serve_take(server, 999), -EBADF, "C24: nothing at all");
    is_int(close(pipes[0]), -1, "what it refused to serve it has closed");
    is_int(close(datagram), -1, "this, too");
    is_int(close(listening), -1, "and this");
    close(pipes[1]);
    netio_server_free(server);
}

/* A connection whose client has reset it; *peer: who that was. */
static int accept_gone(struct netio_addr *peer)
{
    struct linger linger = {.l_onoff = 1};
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int listening = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

    bind(listening, (struct sockaddr *)&addr, sizeof addr);
    listen(listening, 1);
    getsockname(listening, (struct sockaddr *)&addr, &len);
    if (connect(client, (struct sockaddr *)&addr, len) == -1)
        fail("connected");
    int fd = accept(listening, NULL, NULL);
    netio_addr_peer(peer, fd);
    setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(client);
    close(listening);
    return fd;
}

/* B32: the client is gone before anybody asks who it was. */
static void test_nobody(void)
{
    struct netio_server_handlers handlers = {.on_open = tell_open, .on_close = tell_close};
    struct netio_access *access;
    struct netio_addr peer;

    forget();
    netio_server_new(&server, NULL, &handlers, NULL);
    is_int(netio_server_serve_take(server, accept_gone(&peer)), 0,
           "B32: a client that is gone already");
    is_int(netio_server_run(server), 0, "B32: nothing breaks");
    is_str(seen, "open close(reset) ", "B32: it opens and ends");

    netio_access_new(&access);
    netio_access_add(access, "deny 192.0.2.1", NULL);
    netio_server_set_access(server, access);
    int fd = accept_gone(&peer);
    is_int(netio_server_serve_peer_take(server, fd, &peer), 0, "or if it is known who it was");
    netio_access_add(access, "deny 127.0.0.1", NULL);
    fd = accept_gone(&peer);
    is_int(netio_server_serve_peer_take(server, fd, &peer), -EACCES, "who is judged by them");
    netio_server_free(server);
    netio_access_free(access);
}

/* A listening descriptor that somebody else bound. */
static void test_listen_take(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct client client;

    serve(&handlers, NULL);
    is_int(netio_listener_open(listeners, "127.0.0.1:0", 0, NULL), 1, "somebody's listener");
    is_int(netio_server_listen_take(server, listeners[0].fd), 0, "taken over");
    is_int(netio_addr_compare(netio_server_address(server, 1), &listeners[0].address), 0,
           "its address");
    client_open(&client, 1, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "served");
    client_close(&client);
    until_seen("close");
    end_server();
    is_int(close(listeners[0].fd), -1, "it was the server's to close");
}

static void test_many_listeners(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    struct netio_error error;
    char text[320];
    int code = 0;

    serve(&handlers, NULL);
    for (int i = 1; i < 300 && !code; i++)
        code = netio_server_listen(server, "127.0.0.1:0", NULL);
    is_int(code, 0, "300 listeners");
    ok(netio_server_address(server, 299) && !netio_server_address(server, 300), "all are open");
    struct client client;
    client_open(&client, 299, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "the last one is served");
    client_close(&client);
    until_seen("close");
    is_int(netio_server_listen(server, "nosuchservice", &error), NETIO_EBADSERVICE,
           "a bad address");
    is_str(netio_error_str(&error, text, sizeof text), "service nosuchservice: unknown service",
           "says why");
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
    test_framing();
    test_every_byte();
    test_half_close();
    test_on_eof();
    test_greeting();
    test_pipelined();
    test_fair();
    test_close_drops_the_rest();
    test_sender_gets_its_answer();
    test_octets();
    test_octets_left();
    test_discard();
    test_from_outside();
    test_abort_in_handler();
    test_reset();
    test_unix_socket();
    test_serve_take();
    test_serve_what();
    test_nobody();
    test_listen_take();
    test_many_listeners();
    test_options();
    return tap_done();
}
