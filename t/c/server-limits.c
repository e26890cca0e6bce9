/* Tests of netio/server.h: what a server does not let anybody do.  Lines and answers that
 * are too long, peers that ask or take too slowly, a full house, no descriptors left, and
 * stopping.  Where time matters, the order of events is what is compared. */
#include "scripted.h"

#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>

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

/* More than any kernel buffers for a peer. */
static void answer_flood(struct netio_conn *conn, char *line, size_t len)
{
    static char flood[16 << 20];

    tell_line(conn, line, len);
    is_int(netio_conn_write(conn, flood, sizeof flood), 0, "an answer of 16 MiB");
    netio_conn_close(conn);
}

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

    forget();
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
    struct netio_server_options options = {.write_max = 32 << 20, .read_seconds = 0.1};
    static char data[16 << 20];
    struct client client;
    int code;

    serve(&handlers, &options);
    client_open(&client, 0, 0);
    say(&client, "all\n");
    until_seen("line");
    for (netio_deadline late = netio_deadline_in(0.15); !netio_deadline_passed(late);)
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
    netio_timer_start(loop, timer, netio_deadline_in(0.05));
}

static void start_ticker(struct ticker *ticker, struct client *client, const char *const *script)
{
    *ticker = (struct ticker){.client = client, .script = script};
    ticker->timer.fire = tick;
    ticker->timer.data = ticker;
    tick(&ticker->timer);
}

static int count(const char *word)
{
    int n = 0;

    for (const char *at = seen; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

static void test_drip(void)
{
    struct netio_server_handlers handlers = {.on_line = tell_line, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 0.3};
    static const char *letters[100];
    struct ticker ticker;
    struct client client;

    for (int i = 0; i < 99; i++)
        letters[i] = "x";
    serve(&handlers, &options);
    client_open(&client, 0, 0);
    start_ticker(&ticker, &client, letters);
    until_seen("close");
    ok(has_seen("close(idle)"), "B4: a slow drip extends no deadline");
    ok(!has_seen("line"), "it had no complete line");
    ok(count("tick") < 99, "and was cut while still dripping, after %d", count("tick"));
    netio_timer_stop(&ticker.timer);
    client_close(&client);

    static const char *const lines[] = {"a\n", "b", "\n", "c", "\n", "d",
                                        "\n",  "e", "\n", "f", "\n", NULL};
    forget();
    client_open(&client, 0, 0);
    start_ticker(&ticker, &client, lines);
    until_seen("close");
    ok(has_seen("line(f)"), "every complete line gives time for the next");
    ok(has_seen("close(idle)"), "until there is none");
    client_close(&client);

    forget();
    client_open(&client, 0, 0);
    until_seen("close");
    is_str(seen, "close(idle) ", "one that says nothing");
    hears(&client, "", NETIO_EEOF, "hears nothing");
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

/* Octets that nobody takes are no progress either. */
static void test_drip_of_octets(void)
{
    struct netio_server_handlers handlers = {.on_data = take_none, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 0.3};
    static const char *letters[100];
    struct ticker ticker;
    struct client client;

    for (int i = 0; i < 99; i++)
        letters[i] = "x";
    serve(&handlers, &options);
    client_open(&client, 0, 0);
    start_ticker(&ticker, &client, letters);
    until_seen("close");
    ok(has_seen("close(idle)"), "B4: octets that are not taken extend no deadline");
    ok(count("tick") < 99, "cut while still dripping, after %d", count("tick"));
    netio_timer_stop(&ticker.timer);
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

/* B27: everything stands still for longer than the deadline, for which this test has to let
 * time pass; what came before counts. */
static void test_stood_still(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct netio_server_options options = {.read_seconds = 0.05};
    enum { CLIENTS = 100 };
    struct client clients[CLIENTS];
    int lost = 0, code;

    serve(&handlers, &options);
    for (int i = 0; i < CLIENTS; i++)
        client_open(&clients[i], 0, 0);
    UNTIL(netio_server_connections(server) == CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        say(&clients[i], "in time\n");
    (void)netio_fd_poll(-1, 0, netio_deadline_in(0.1));
    run_dry();
    for (int i = 0; i < CLIENTS; i++) {
        char answer[10];
        lost += get(&clients[i], answer, 10, &code) != 10;
        client_close(&clients[i]);
    }
    is_int(lost, 0, "B27: nobody is cut off for the time in which the server stood still");
    end_server();
}

static void test_full_house(void)
{
    struct netio_server_handlers handlers = {
        .on_line = echo_line, .on_close = tell_close, .on_trouble = tell_trouble};
    struct netio_server_options options = {.max_connections = 2};
    struct client clients[4];
    int pair[2];

    serve(&handlers, &options);
    for (int i = 0; i < 4; i++) {
        client_open(&clients[i], 0, 0);
        say(&clients[i], "hello\n");
    }
    hears(&clients[0], "<hello>\n", 0, "the first is served");
    hears(&clients[1], "<hello>\n", 0, "the second is served");
    until_seen("trouble");
    run_dry();
    is_int(netio_server_connections(server), 2, "no more are let in");
    is_int(count("trouble(NETIO_EFULL)"), 1, "it says so once");
    ok(netio_deadline_left(netio_loop_next(loop)) > 1, "B1: and nothing wakes it up to look again");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
        fail("a pair");
    is_int(netio_server_serve_take(server, pair[0]), NETIO_EFULL, "nor one that is handed over");
    netio_fd_close(pair[1]);
    client_close(&clients[1]);
    hears(&clients[2], "<hello>\n", 0, "when one leaves the third comes in");
    client_close(&clients[0]);
    hears(&clients[3], "<hello>\n", 0, "then the fourth: none was refused");
    client_close(&clients[2]);
    client_close(&clients[3]);
    end_server();
}

/* Who has had an answer takes no place in a model that has one, but a descriptor still. */
static void test_many_drain(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct netio_server_options options = {.model = NETIO_MODEL_ITERATIVE, .drain_seconds = 60};
    struct client clients[3];
    struct rlimit limit, low;

    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 34; /* two more than are kept */
    setrlimit(RLIMIT_NOFILE, &low);
    serve(&handlers, &options);
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < 3; i++) {
        client_open(&clients[i], 0, 0);
        say(&clients[i], "hello\n");
    }
    hears(&clients[0], "<hello>\n", NETIO_EEOF, "the first is answered, and does not close");
    hears(&clients[1], "<hello>\n", NETIO_EEOF, "nor does the second");
    run_dry();
    is_int(netio_server_connections(server), 2, "B1: no more of them than there are descriptors");
    client_close(&clients[0]);
    hears(&clients[2], "<hello>\n", NETIO_EEOF, "when one closes the third is answered");
    client_close(&clients[1]);
    client_close(&clients[2]);
    end_server();
}

/* A rate that lets the next one in after an hour, and another one set meanwhile. */
static void test_other_rate(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct netio_limit_options strict = {.rate = {1, 3600}}, none = {0};
    struct netio_server_options options = {0};
    struct client clients[2];

    is_int(netio_limit_new(&options.limit, &strict), 0, "one an hour");
    serve(&handlers, &options);
    for (int i = 0; i < 2; i++) {
        client_open(&clients[i], 0, 0);
        say(&clients[i], "hello\n");
    }
    hears(&clients[0], "<hello>\n", NETIO_EEOF, "the first");
    client_close(&clients[0]);
    run_dry();
    is_int(netio_limit_open(options.limit), 0, "the second waits");
    netio_limit_change(options.limit, &none);
    hears(&clients[1], "<hello>\n", NETIO_EEOF, "but not for the whole hour");
    client_close(&clients[1]);
    end_server();
    netio_limit_free(options.limit);
}

/* Fills the descriptor table up to its limit; how many are in fds then. */
static int use_up(int *fds, int max)
{
    int n = 0;

    while (n < max && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) != -1)
        n++;
    return n;
}

/* Without descriptors; the test gives some back. */
static void test_no_descriptors(void)
{
    struct netio_server_handlers handlers = {
        .on_line = echo_line, .on_close = tell_close, .on_trouble = tell_trouble};
    struct netio_server_options options = {.max_connections = 100};
    struct client inside, waiting;
    struct rlimit limit, low;
    int fds[256], n;

    if (strstr(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "", "vgpreload")) {
        skip(6, "valgrind keeps the limit by closing what accept returned");
        return;
    }
    serve(&handlers, &options);
    client_open(&inside, 0, 0);
    say(&inside, "hello\n");
    hears(&inside, "<hello>\n", 0, "B1: one is in");
    client_open(&waiting, 0, 0);
    say(&waiting, "hello\n");
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 200;
    setrlimit(RLIMIT_NOFILE, &low);
    n = use_up(fds, 256);
    until_seen("trouble(EMFILE)");
    say(&inside, "still there\n");
    hears(&inside, "<still there>\n", 0, "B1: without descriptors it serves whom it has");
    while (n > 0)
        netio_fd_close(fds[--n]);
    hears(&waiting, "<hello>\n", 0, "B1: who has waited is served when there are some again");
    client_close(&waiting);
    until_seen("close");

    n = use_up(fds, 256);
    netio_fd_close(fds[--n]);
    client_open(&waiting, 0, 0);
    say(&waiting, "hello\n");
    int code, steps = 0;
    for (char byte; get_now(&waiting, &byte, &code) == 0 && !code; steps++)
        netio_loop_step(loop, NETIO_NEVER);
    is_int(code, -ECONNRESET, "B1: after a second without any, who waits is told so");
    ok(steps <= 2 * 20 + 5, "B1: at most 20 looks a second, of two steps each: %d", steps);
    client_close(&waiting);
    while (n > 0)
        netio_fd_close(fds[--n]);
    setrlimit(RLIMIT_NOFILE, &limit);
    say(&inside, "you, too\n");
    hears(&inside, "<you, too>\n", 0, "B1: and who is in stays");
    client_close(&inside);
    end_server();
}

/* Steps until the client is told that it will not be heard. */
static void is_shed(struct client *client, const char *name)
{
    int code = 0;
    char byte;

    while (!code && get_now(client, &byte, &code) == 0)
        if (!code)
            step();
    is_int(code, -ECONNRESET, "%s", name);
    client_close(client);
}

/* After a time without descriptors all is as before, and a new one begins anew. */
static void test_no_descriptors_again(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    struct netio_server_options options = {.max_connections = 100};
    struct rlimit limit, low;
    struct client client;
    int fds[256], n;

    if (strstr(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "", "vgpreload")) {
        skip(5, "valgrind keeps the limit by closing what accept returned");
        return;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 200;
    setrlimit(RLIMIT_NOFILE, &low);
    n = use_up(fds, 256);
    for (int i = 0; i < 2; i++) /* for the loop and the listener: none to keep for bad times */
        netio_fd_close(fds[--n]);
    serve(&handlers, &options);
    for (int i = 0; i < 3; i++)
        netio_fd_close(fds[--n]);
    client_open(&client, 0, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "B1: one is served while there are some");
    client_close(&client);
    until_seen("close");
    forget();
    fds[n++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        client_open(&client, 0, 0);
        say(&client, "hello\n");
        is_shed(&client, i ? "B1: and so is who comes next" : "B1: who waits is told so");
    }
    netio_fd_close(fds[--n]);
    client_open(&client, 0, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "B1: with a descriptor again it serves");
    client_close(&client);
    until_seen("close");

    fds[n++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    client_open(&client, 0, 0);
    say(&client, "hello\n");
    for (int i = 0; i < 3; i++)
        step();
    while (n > 0)
        netio_fd_close(fds[--n]);
    hears(&client, "<hello>\n", NETIO_EEOF, "B1: the next time without begins anew");
    client_close(&client);
    setrlimit(RLIMIT_NOFILE, &limit);
    end_server();
}

/* A thousand that say nothing, and one that asks. */
static void test_idle_thousand(void)
{
    enum { IDLE = 1000 };
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    static struct client clients[IDLE];
    struct client busy;
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * IDLE + 100) {
        skip(4, "needs %d descriptors", 2 * IDLE + 100);
        return;
    }
    serve(&handlers, NULL);
    client_open(&busy, 0, 0);
    say(&busy, "first\n");
    hears(&busy, "<first>\n", 0, "one that asks");
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < IDLE; i++) {
        client_open(&clients[i], 0, 0);
        put(&clients[i], "part of a line", (size_t)(i % 2));
        if (i % 100 == 99)
            run_dry();
    }
    UNTIL(netio_server_connections(server) == IDLE + 1);
    size_t each = (mallinfo2().uordblks - before) / IDLE;
    ok(each <= 1024, "one that says nothing costs %zu bytes", each);
    say(&busy, "hello\n");
    hears(&busy, "<hello>\n", 0, "among a thousand that say nothing");
    for (int i = 0; i < IDLE; i++)
        client_close(&clients[i]);
    UNTIL(netio_server_connections(server) == 1);
    is_int(count("close(done)"), IDLE, "they leave, and one remains");
    client_close(&busy);
    end_server();
}

/* What a server that is stopped does with connections in each state. */
static void test_stop(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct client fresh, idle, gone;
    struct netio_addr address;

    serve(&handlers, NULL);
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
    is_int(count("close(stop)"), 2, "all of it");
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
    test_line_max();
    test_megabyte();
    test_write_max();
    test_high_water();
    test_close_when_choked();
    test_never_reads();
    test_slow_reader_asks_again();
    test_drip();
    test_drip_of_octets();
    test_no_deadline_after_eof();
    test_never_closes();
    test_stood_still();
    test_full_house();
    test_many_drain();
    test_other_rate();
    test_no_descriptors();
    test_no_descriptors_again();
    test_idle_thousand();
    test_stop();
    test_stop_in_handler();
    test_stop_answering();
    return tap_done();
}
