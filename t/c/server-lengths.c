/* Tests of netio/server.h: how long a line and an answer may be.  Lines beyond line_max, a megabyte
 * without an end (D24), answers beyond write_max, and peers that ask on and read none.  What is in
 * lines that are not too long is in server-input.c. */
#include "scripted.h"

static void answer_toolong(struct netio_conn *conn)
{
    note("toolong ");
    netio_conn_printf(conn, "too long\n");
}

/* A line of n letters and its end; what becomes of it with line_max 10. */
static const struct {
    size_t letters;
    const char *end;
    const char *seen;
} lengths[] = {
    {9, "\n", "line(xxxxxxxxx) "},
    {10, "\n", "line(xxxxxxxxxx) "},
    {10, "\r\n", "line(xxxxxxxxxx) "},
    {11, "\n", "toolong "},
    {11, "\r\n", "toolong "},
    {11, "", "toolong "},
    {10, "\r", "toolong "},
    {10, "", "line(xxxxxxxxxx) "},
    {60000, "\n", "toolong "},
};

static void test_line_max(void)
{
    struct netio_server_handlers handlers = {
        .on_line = tell_line, .on_toolong = answer_toolong, .on_close = tell_close};
    struct netio_server_options options = {.line_max = 10};
    static char letters[60000];

    memset(letters, 'x', sizeof letters);
    serve(&handlers, &options);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct client client;
        char want[64];
        forget();
        client_open(&client, 0, 0);
        put(&client, letters, lengths[i].letters);
        say(&client, lengths[i].end);
        shutdown(client.fd, SHUT_WR);
        until_seen("close");
        snprintf(want, sizeof want, "%sclose(done) ", lengths[i].seen);
        is_str(seen, want, "a line of %zu with an end of %zu", lengths[i].letters,
               strlen(lengths[i].end));
        client_close(&client);
    }
    end_server();
}

/* D24: a megabyte without an end.  The earlier answer arrives, and no reset eats it. */
static void test_megabyte(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    static char noise[1 << 20];
    struct client client;

    memset(noise, 'n', sizeof noise);
    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    say(&client, "short\n");
    put(&client, noise, sizeof noise);
    hears(&client, "<short>\n", NETIO_EEOF, "D24: a megabyte without a newline ends it cleanly");
    client_close(&client);
    until_seen("close");
    is_str(seen, "line(short) close(toolong) ", "and says why");
    end_server();

    handlers.on_toolong = answer_toolong;
    serve(&handlers, NULL);
    client_open(&client, 0, 0);
    put(&client, noise, sizeof noise);
    hears(&client, "too long\n", NETIO_EEOF, "D24: or with an answer");
    client_close(&client);
    until_seen("close");
    is_str(seen, "toolong close(done) ", "exactly one");
    end_server();
}

static void answer_too_much(struct netio_conn *conn, char *line, size_t len)
{
    static char part[600];

    tell_line(conn, line, len);
    if (strcmp(line, "much") != 0) {
        netio_conn_write(conn, "little\n", 7);
        return;
    }
    is_int(netio_conn_write(conn, part, sizeof part), 0, "there is room for so much");
    is_int(netio_conn_write(conn, part, sizeof part), NETIO_EFULL, "and no more");
    is_int(netio_conn_printf(conn, "x"), -EPIPE, "then it is over");
    netio_conn_close(conn);
}

static void test_write_max(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_too_much, .on_close = tell_close};
    struct netio_server_options options = {.write_max = 1000};
    struct client client;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "little\n");
    hears(&client, "little\n", 0, "what fits is sent");
    say(&client, "much\nlittle\n");
    hears(&client, "", -ECONNRESET, "an answer beyond write_max: a reset, and never half of it");
    client_close(&client);
    until_seen("close");
    is_str(seen, "line(little) line(much) close(full) ", "and says why");
    end_server();
}

static int served;

static void answer_kilobyte(struct netio_conn *conn, char *line, size_t len)
{
    static char blanks[1000];

    if (!blanks[0])
        memset(blanks, ' ', sizeof blanks);
    served++;
    netio_conn_printf(conn, "%.*s%.*s\n", (int)len, line, (int)(sizeof blanks - 1 - len), blanks);
}

/* How many answers come in the order of the questions, from first on, up to count. */
static int in_order(struct client *client, int first, int count)
{
    char answer[1000];
    int code;

    for (int i = 0; i < count; i++)
        if (get(client, answer, sizeof answer, &code) != sizeof answer || atoi(answer) != first + i)
            return i;
    return count;
}

/* Who asks and asks and reads nothing is not read any further; once he reads, he gets all. */
static void test_high_water(void)
{
    enum { QUESTIONS = 20000 };
    struct netio_server_handlers handlers = {.on_line = answer_kilobyte, .on_close = tell_close};
    struct netio_server_options options = {.write_max = 100000};
    static char ask[QUESTIONS * 8];
    struct client client;
    size_t len = 0, sent = 0;

    for (int i = 0; i < QUESTIONS; i++)
        len += (size_t)sprintf(ask + len, "%d\n", i);
    serve(&handlers, &options);
    client_open(&client, 0, 4096);
    served = 0;
    for (ssize_t n = 1; sent < len && n >= 0; sent += n > 0 ? (size_t)n : 0) {
        n = netio_fd_send(client.fd, ask + sent, len - sent);
        run_dry();
    }
    ok(served < QUESTIONS, "%d answered while none was read", served);
    ok(!has_seen("close"), "and not cut off for it");
    /* Now as a good client does: reads while it sends the rest. */
    int right = 0;
    for (int i = 0; i < QUESTIONS; i += 1000) {
        ssize_t n = netio_fd_send(client.fd, ask + sent, len - sent);
        sent += n > 0 ? (size_t)n : 0;
        right += in_order(&client, i, 1000);
    }
    is_int(right, QUESTIONS, "it gets every answer, in order");
    is_int(served, QUESTIONS, "all are answered in the end");
    client_close(&client);
    end_server();
}

static struct netio_conn *choked;

static void answer_and_keep(struct netio_conn *conn, char *line, size_t len)
{
    answer_kilobyte(conn, line, len);
    choked = conn;
}

/* Closed from outside while questions and answers wait: the answers go out, nothing spins. */
static void test_close_when_choked(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_and_keep, .on_close = tell_close};
    struct netio_server_options options = {.write_max = 8000000};
    static char ask[65536];
    struct client client;
    int code;

    memset(ask, '\n', sizeof ask);
    served = 0;
    serve(&handlers, &options);
    client_open(&client, 0, 4096);
    put(&client, ask, sizeof ask);
    run_dry();
    ok(served < (int)sizeof ask, "%d questions were answered, the others wait", served);
    netio_conn_close(choked);
    run_dry();
    ok(!has_seen("close"), "closed, but not gone");
    size_t want = (size_t)served * 1000, got = 0;
    static char data[1 << 20];
    for (code = 0; !code;)
        got += get(&client, data, sizeof data, &code);
    is_int(got, want, "every answer is sent");
    is_int(code, NETIO_EEOF, "before the end");
    is_int(netio_loop_step(loop, NETIO_NOW), 0, "meanwhile there is nothing to do");
    client_close(&client);
    until_seen("close(done)");
    end_server();
}

int main(void)
{
    test_line_max();
    test_megabyte();
    test_write_max();
    test_high_water();
    test_close_when_choked();
    return tap_done();
}
