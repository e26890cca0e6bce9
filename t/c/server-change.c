/* Tests of netio/server.h: what changes while a server serves: options (change) and listeners
 * (listen_on, unlisten). */
#include "scripted.h"

#include <fcntl.h>
#include <netio/listener.h>

static void test_change(void)
{
    static const struct netio_server_handlers lines = {.on_line = echo_line,
                                                       .on_close = tell_close,
                                                       .on_refused = tell_why,
                                                       .on_trouble = tell_trouble};
    struct netio_server_options options = {.max_connections = 1, .full_text = "full"};
    struct client one, two, three;

    serve(&lines, &options);
    client_open(&one, 0, 0);
    say(&one, "hello\n");
    hears(&one, "<hello>\n", 0, "one is served");
    client_open(&two, 0, 0);
    hears(&two, "full\r\n", NETIO_EEOF, "the other has no place");
    client_close(&two);
    options.full_text = NULL;
    is_int(netio_server_change(server, &options), 0, "they are to wait");
    client_open(&two, 0, 0);
    until_seen("trouble(NETIO_EFULL)");
    options.full_text = "sorry";
    is_int(netio_server_change(server, &options), 0, "or to be told something else");
    hears(&two, "sorry\r\n", NETIO_EEOF, "who waits is told, too");
    client_close(&two);
    options.full_text = NULL;
    netio_server_change(server, &options);
    client_open(&two, 0, 0);
    say(&two, "hello\n");
    run_dry();
    options.max_connections = 2;
    options.read_seconds = 0.5;
    is_int(netio_server_change(server, &options), 0, "there is another place");
    hears(&two, "<hello>\n", NETIO_EEOF, "who waits has it, and the new deadlines");
    is_int(netio_server_connections(server), 1, "who was there before has the old ones");
    struct netio_access *access;
    if (netio_access_new(&access) || netio_access_add(access, "deny all", NULL))
        fail("rules");
    options.access = access;
    options.refused_text = "no";
    netio_server_change(server, &options);
    client_open(&three, 0, 0);
    hears(&three, "no\r\n", NETIO_EEOF, "rules and their text");
    client_close(&one);
    client_close(&two);
    client_close(&three);
    end_server();
    netio_access_free(access);
}

static int open_one(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];

    return netio_listener_open(listeners, "127.0.0.1:0", 0, NULL) == 1 ? listeners[0].fd : -1;
}

static void test_unlisten(void)
{
    static const struct netio_server_handlers lines = {.on_line = echo_line};
    int lent = open_one(), taken = open_one();
    struct client one, two;

    serve(&lines, NULL);
    is_int(netio_server_listen_on(server, lent, 0), 0, "a listener that stays the caller's");
    is_int(netio_server_listen_take(server, taken), 0, "and one that does not");
    client_open(&one, 1, 0);
    client_open(&two, 2, 0);
    say(&one, "one\n");
    say(&two, "two\n");
    hears(&one, "<one>\n", 0, "both are served");
    hears(&two, "<two>\n", 0, "both are");
    is_int(netio_server_unlisten(server, lent), 0, "no more on one");
    ok(fcntl(lent, F_GETFD) != -1, "which is open still");
    is_int(netio_server_unlisten(server, lent), -ENOENT, "not twice");
    ok(netio_server_address(server, 1) && !netio_server_address(server, 2), "two are left");
    is_int(netio_server_unlisten(server, taken), 0, "no more on the other");
    is_int(close(taken), -1, "which is closed");
    say(&one, "more\n");
    hears(&one, "<more>\n", 0, "connections stay");
    is_int(netio_server_listen_on(server, lent, 0), 0, "again");
    client_close(&two);
    client_open(&two, 1, 0);
    say(&two, "again\n");
    hears(&two, "<again>\n", 0, "served");
    client_close(&one);
    client_close(&two);
    end_server();
    is_int(close(lent), 0, "the caller's to the end");
}

/* The last one goes, and comes again. */
static void test_unlisten_all(void)
{
    static const struct netio_server_handlers lines = {.on_line = answer_line};
    int fd = open_one();
    struct client client;

    forget();
    netio_loop_new(&loop, 0);
    netio_server_new(&server, loop, &lines, NULL);
    for (int i = 0; i < 2; i++) {
        is_int(netio_server_listen_on(server, fd, 0), 0, "listens");
        client_open(&client, 0, 0);
        say(&client, "hello\n");
        hears(&client, "<hello>\n", NETIO_EEOF, "serves");
        client_close(&client);
        is_int(netio_server_unlisten(server, fd), 0, "and does not");
        is_int(netio_server_run(server), 0, "nothing is left to be done");
    }
    end_server();
    close(fd);
}

static void unlisten_here(struct netio_server *which, const struct netio_addr *peer,
                          enum netio_refused why, unsigned long count)
{
    tell_why(which, peer, why, count);
    is_int(netio_server_unlisten(which, *(int *)netio_server_data(which)), 0, "in a handler");
}

static void test_unlisten_within(void)
{
    static const struct netio_server_handlers refuses = {.on_refused = unlisten_here};
    int fd = open_one();
    struct netio_access *access;
    struct client one, two;

    if (netio_access_new(&access) || netio_access_add(access, "deny all", NULL))
        fail("rules");
    const struct netio_server_options options = {.access = access, .data = &fd};
    serve(&refuses, &options);
    is_int(netio_server_listen_take(server, fd), 0, "taken");
    client_open(&one, 1, 0);
    client_open(&two, 1, 0); /* in the same turn, if it had one */
    hears(&one, "", NETIO_EEOF, "one is refused");
    is_str(seen, "refused(access) ", "the other finds no listener any more");
    client_close(&one);
    client_close(&two);
    end_server();
    netio_access_free(access);
}

int main(void)
{
    test_change();
    test_unlisten();
    test_unlisten_all();
    test_unlisten_within();
    return tap_done();
}
