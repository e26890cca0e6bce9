/* Tests of netio/server.h: what a server makes of the octets that come: lines, or what a handler
 * takes of them, in whatever pieces.  A18, A19 and D24 of the fault catalogue; lines that are too
 * long are in server-lengths.c. */
#include "scripted.h"

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

int main(void)
{
    test_framing();
    test_every_byte();
    test_pipelined();
    test_fair();
    test_octets();
    test_octets_left();
    test_discard();
    return tap_done();
}
