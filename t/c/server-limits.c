/* Tests of netio/server.h: how many a server lets in.  A full house, a rate, no descriptors left
 * (B1), and a thousand that say nothing.  How long lines and answers may be is in server-lengths.c,
 * and how long a peer may take in server-deadlines.c. */
#include "port.h"
#include "scripted.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>

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
    is_int(times_seen("trouble(NETIO_EFULL)"), 1, "it says so once");
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
    char address[32];
    int fds[256], n;

    if (strstr(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "", "vgpreload")) {
        skip(5, "valgrind keeps the limit by closing what accept returned");
        return;
    }
    snprintf(address, sizeof address, "127.0.0.1:%u", free_port()); /* port 0 takes one more */
    getrlimit(RLIMIT_NOFILE, &limit);
    low = limit;
    low.rlim_cur = 200;
    setrlimit(RLIMIT_NOFILE, &low);
    n = use_up(fds, 256);
    for (int i = 0; i < 2; i++) /* for the loop and the listener: none to keep for bad times */
        netio_fd_close(fds[--n]);
    serve_at(address, &handlers, &options);
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
    is_int(times_seen("close(done)"), IDLE, "they leave, and one remains");
    client_close(&busy);
    end_server();
}

int main(void)
{
    test_full_house();
    test_many_drain();
    test_other_rate();
    test_no_descriptors();
    test_no_descriptors_again();
    test_idle_thousand();
    return tap_done();
}
