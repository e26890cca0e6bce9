/* Tests of netio/server.h: clients that leave at the worst moment, drip, or crowd.  B4 of the fault
 * catalogue, and the resets of its issue. */
#include "scripted.h"

#include <sys/resource.h>

/* When a client resets: what it has said by then, and whether it waits for what it hears. */
static const struct {
    const char *name, *says;
    int taken; /* the server has let it in */
    const char *seen;
} resets[] = {
    {"before accept", "", 0, "open close(reset) "},
    {"before accept, with a question on its way", "hello\n", 0, NULL},
    {"before its first byte", "", 1, "open close(reset) "},
    {"in the middle of a line", "hel", 1, "open close(reset) "},
    {"behind a line that waits for another", "stay\n", 1, "open line(stay) close(reset) "},
    {"while its answer is on the way out", "hello\n", 1, "open line(hello) close(reset) "},
};

static void answer(struct netio_conn *conn, char *line, size_t len)
{
    echo_line(conn, line, len);
    if (strcmp(line, "stay") != 0)
        netio_conn_close(conn);
}

static void test_resets(void)
{
    struct netio_server_handlers handlers = {.on_open = tell_open,
                                             .on_line = answer,
                                             .on_trouble = tell_trouble,
                                             .on_close = tell_close};
    struct client client;

    for (size_t i = 0; i < sizeof resets / sizeof *resets; i++) {
        serve(&handlers, NULL);
        client_open(&client, 0, 0);
        say(&client, resets[i].says);
        if (resets[i].taken)
            run_dry();
        client_reset(&client);
        until_seen("close(");
        if (resets[i].seen)
            is_str(seen, resets[i].seen, "reset %s", resets[i].name);
        is_int(netio_server_connections(server), 0, "reset %s: it is gone", resets[i].name);
        is_int(netio_loop_next(loop), NETIO_NEVER, "reset %s: no timer is left", resets[i].name);
        client_open(&client, 0, 0);
        say(&client, "hello\n");
        hears(&client, "<hello>\n", NETIO_EEOF, "reset %s: the next is served", resets[i].name);
        client_close(&client);
        end_server();
    }
}

enum { CROWD = 1000 };

static struct client crowd[CROWD];

static int enough_descriptors(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= 2 * CROWD + 100)
        return 1;
    skip(4, "needs %d descriptors", 2 * CROWD + 100);
    return 0;
}

/* Each of them says one more byte. */
static void drip(struct netio_timer *timer)
{
    for (int i = 0; i < CROWD; i++)
        netio_fd_send(crowd[i].fd, "x", 1);
    netio_timer_start(loop, timer, netio_deadline_in(0.1));
}

static unsigned long ended(const char *word)
{
    unsigned long n = 0;

    for (const char *at = seen; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

/* A server with the crowd; 0, and no server, if the machine is too slow to let all of them in
 * before the first is cut off. */
static int let_crowd_in(const struct netio_server_handlers *handlers,
                        const struct netio_server_options *options)
{
    serve(handlers, options);
    for (int i = 0; i < CROWD; i++) {
        client_open(&crowd[i], 0, 0);
        if (i % 100 == 99)
            run_dry();
    }
    UNTIL(netio_server_connections(server) == CROWD || has_seen("close"));
    if (!has_seen("close"))
        return 1;
    for (int i = 0; i < CROWD; i++)
        client_close(&crowd[i]);
    end_server();
    return 0;
}

/* Bytes that never make a line, from a thousand at once; one among them that asks. */
static void test_dripping_crowd(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct netio_server_options options = {.total_seconds = 1.5};
    struct netio_timer timer = {.fire = drip};
    struct client busy;

    if (!enough_descriptors())
        return;
    while (!let_crowd_in(&handlers, &options))
        options.total_seconds *= 2;
    drip(&timer);
    client_open(&busy, 0, 0);
    say(&busy, "hello\n");
    hears(&busy, "<hello>\n", 0, "B4: one that asks among a thousand that drip");
    UNTIL(netio_server_connections(server) == 0);
    netio_timer_stop(&timer);
    is_int(ended("close(total) "), CROWD + 1, "B4: the total deadline ends all of them");
    is_int(ended("line("), 1, "B4: and none has got a line together");
    for (int i = 0; i < CROWD; i++)
        client_close(&crowd[i]);
    client_open(&busy, 0, 0);
    say(&busy, "again\n");
    hears(&busy, "<again>\n", 0, "B4: then there is room for others");
    client_close(&busy);
    end_server();
}

/* There is no place, and who comes is told so instead of being left to wait. */
static void test_told_of_a_full_house(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_trouble = tell_trouble};
    struct netio_server_options options = {.max_connections = 1, .full_text = "come back later"};
    struct netio_server_status status;
    struct client first, second;

    serve(&handlers, &options);
    client_open(&first, 0, 0);
    say(&first, "one\n");
    hears(&first, "<one>\n", 0, "one is served");
    for (int i = 0; i < 2; i++) {
        client_open(&second, 0, 0);
        say(&second, "two\n");
        hears(&second, "come back later\r\n", NETIO_EEOF, "another is told");
        client_close(&second);
    }
    netio_server_status(server, &status);
    is_int(status.refused[NETIO_REFUSED_FULL], 2, "both are counted");
    is_str(seen, "line(one) ", "no handler of theirs has run, nor on_trouble");
    client_close(&first);
    UNTIL(netio_server_connections(server) == 0);
    client_open(&second, 0, 0);
    say(&second, "two\n");
    hears(&second, "<two>\n", 0, "with a place, the next is served");
    client_close(&second);
    end_server();
}

/* As many as the rate allows; who is beyond waits in the backlog, and is let in without anybody
 * else having to come. */
static void test_rate(void)
{
    struct netio_server_handlers handlers = {.on_open = tell_open, .on_close = tell_close};
    struct netio_limit_options limits = {.rate = {2, 2}};
    struct netio_server_options options = {0};
    struct netio_server_status status;
    struct client clients[3];

    netio_limit_new(&options.limit, &limits);
    serve(&handlers, &options);
    for (int i = 0; i < 3; i++)
        client_open(&clients[i], 0, 0);
    run_dry();
    is_int(netio_server_connections(server), 2, "two at once");
    UNTIL(netio_server_connections(server) == 3);
    netio_server_status(server, &status);
    is_int(status.refused[NETIO_REFUSED_RATE], 0, "the third had to wait, and nobody is refused");
    for (int i = 0; i < 3; i++)
        client_close(&clients[i]);
    UNTIL(netio_server_connections(server) == 0);
    is_int(netio_limit_open(options.limit), 0, "all that was counted is given back");
    end_server();
    netio_limit_free(options.limit);
}

int main(void)
{
    test_resets();
    test_dripping_crowd();
    test_told_of_a_full_house();
    test_rate();
    return tap_done();
}
