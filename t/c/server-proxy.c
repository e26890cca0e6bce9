/* Tests of netio/server.h: a connection that begins with the header of a proxy.  What headers there
 * are is in proxy.c, who may send one in t/33-admission*.t; here: that exactly the header is taken
 * off, in whatever pieces it comes, and what becomes of the connection. */
#include "scripted.h"

#include <netio/proxy.h>

static struct netio_access *access_list;

/* Rules that expect a header from 127.0.0.1. */
static void rules(void)
{
    netio_access_free(access_list);
    if (netio_access_new(&access_list) || netio_access_add(access_list, "proxy 127.0.0.1", NULL) ||
        netio_access_add(access_list, "deny 192.0.2.66", NULL))
        fail("rules");
}

static void tell_peer(struct netio_conn *conn)
{
    char peer[NETIO_ADDR_STRLEN], at[NETIO_ADDR_STRLEN];
    struct netio_addr local;

    netio_conn_local(conn, &local);
    note("open(%s to %s) ", netio_addr_str(netio_conn_peer(conn), peer, sizeof peer),
         netio_addr_host_str(&local, at, sizeof at));
}

static void tell_refused(struct netio_server *which, const struct netio_addr *peer,
                         enum netio_refused why, unsigned long count)
{
    char text[NETIO_ADDR_STRLEN];

    (void)which;
    note("refused(%s %s %lu) ", netio_addr_host_str(peer, text, sizeof text),
         netio_refused_str(why), count);
}

static const struct netio_server_handlers handlers = {
    .on_open = tell_peer,
    .on_line = answer_line,
    .on_refused = tell_refused,
    .on_close = tell_close,
};

static void serve_proxies(double first_seconds)
{
    struct netio_server_options options = {
        .first_seconds = first_seconds, .access = access_list, .refused_text = "go away"};

    serve(&handlers, &options);
}

#define V1      "PROXY TCP4 192.0.2.1 198.51.100.7 4711 79\r\n"
#define V2_SIGN "\r\n\r\n\0\r\nQUIT\n"

/* TCP over IPv4 from 192.0.2.2:258 to 198.51.100.8, with three bytes of an extension. */
static const char v2[] = V2_SIGN "\x21\x11\0\x0f"
                                 "\xc0\0\x02\x02\xc6\x33\x64\x08\x01\x02\0\x4f"
                                 "\x04\0\0";

static const struct {
    const char *name, *header;
    size_t len;
    const char *open;
} headers[] = {
    {"version 1", V1, sizeof V1 - 1, "open(192.0.2.1:4711 to 198.51.100.7) "},
    {"version 2", v2, sizeof v2 - 1, "open(192.0.2.2:258 to 198.51.100.8) "},
};

/* A step, if anything happens at all. */
static int steps(void)
{
    int ran = 0, n;

    while ((n = netio_loop_step(loop, NETIO_NOW)) > 0 && ran < 1000)
        ran += n;
    return ran;
}

/* Its first bytes alone, then the rest with the question. */
static void test_pieces(void)
{
    struct client client;
    char name[100];

    serve_proxies(0);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        int most = 0, wrong = 0;
        for (size_t cut = 1; cut <= headers[i].len; cut++) {
            forget();
            client_open(&client, 0, 0);
            put(&client, headers[i].header, cut);
            int ran = steps();
            most = ran > most ? ran : most;
            put(&client, headers[i].header + cut, headers[i].len - cut);
            say(&client, "hello\n");
            until_seen("line(hello)");
            wrong += strncmp(seen, headers[i].open, strlen(headers[i].open)) != 0;
            client_close(&client);
            until_seen("close");
        }
        snprintf(name, sizeof name, "%s, cut anywhere", headers[i].name);
        is_int(wrong, 0, "%s: the source, and the line behind it", name);
        ok(most <= 4, "%s: the first piece wakes it up %d times", name, most);
    }
    end_server();
}

static void serve_raw(struct netio_conn *conn, int fd)
{
    char text[100] = "";
    ssize_t n = netio_fd_recv(fd, text, sizeof text - 1);

    note("serve(%.*s) ", (int)n, text);
    netio_fd_send(fd, "bye\n", 4);
    (void)conn;
}

/* Who is given the socket finds the client's own first byte. */
static void test_socket(void)
{
    struct netio_server_handlers raw = {
        .on_open = tell_peer, .on_serve = serve_raw, .on_close = tell_close};
    struct netio_server_options options = {.model = NETIO_MODEL_ITERATIVE, .access = access_list};
    struct client client;

    serve(&raw, &options);
    client_open(&client, 0, 0);
    say(&client, V1 "hello");
    hears(&client, "bye\n", NETIO_EEOF, "on_serve behind a header");
    client_close(&client);
    until_seen("close");
    is_str(seen, "open(192.0.2.1:4711 to 198.51.100.7) serve(hello) close(done) ",
           "all of the payload, and nothing else");
    end_server();
}

static const struct {
    const char *name, *text;
    int ends; /* the client says no more */
    const char *seen;
} bad[] = {
    {"no header", "hello\n", 0, "refused(127.0.0.1 proxy 1) "},
    {"nothing at all", "", 1, "refused(127.0.0.1 proxy 1) "},
    {"half a header", "PROXY TCP4 192.0.2.1", 1, "refused(127.0.0.1 proxy 1) "},
    {"half, then nonsense", "PROXY TCP4 192.0.2.1 \r\nx", 0, "refused(127.0.0.1 proxy 1) "},
    {"a source that a rule denies", "PROXY TCP4 192.0.2.66 198.51.100.7 1 2\r\nhello\n", 0,
     "refused(192.0.2.66 access 1) "},
};

static void test_refused(void)
{
    struct netio_server_status status;
    struct client client;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        serve_proxies(0);
        client_open(&client, 0, 0);
        say(&client, bad[i].text);
        if (bad[i].ends)
            shutdown(client.fd, SHUT_WR);
        hears(&client, "go away\r\n", NETIO_EEOF, "%s: told", bad[i].name);
        UNTIL(netio_server_connections(server) == 0);
        is_str(seen, bad[i].seen, "%s: refused, without any other handler", bad[i].name);
        netio_server_status(server, &status);
        is_int(status.accepted, 0, "%s: and not among those served", bad[i].name);
        is_int(netio_loop_next(loop), NETIO_NEVER, "%s: no timer is left", bad[i].name);
        client_close(&client);
        end_server();
    }
}

static void test_deadline(void)
{
    struct client client;

    serve_proxies(0.1);
    client_open(&client, 0, 0);
    say(&client, "PROXY ");
    UNTIL(netio_server_connections(server) == 1);
    UNTIL(netio_server_connections(server) == 0);
    is_str(seen, "refused(127.0.0.1 proxy 1) ",
           "B4: half a header, and then nothing: cut at the first deadline");
    client_close(&client);
    end_server();
}

/* The proxy's own connections (checks of health) are judged as its. */
static void test_local(void)
{
    static const char local[] = V2_SIGN "\x20\0\0\0";
    struct client client;

    serve_proxies(0);
    client_open(&client, 0, 0);
    put(&client, local, sizeof local - 1);
    say(&client, "hello\n");
    until_seen("close");
    ok(has_seen("open(127.0.0.1:"), "LOCAL: the proxy's own: %s", seen);
    ok(has_seen("to 127.0.0.1) line(hello) "), "and where it came to");
    client_close(&client);
    end_server();
}

/* A reset before the header is there, and a server that is freed meanwhile. */
static void test_gone(void)
{
    struct client client;

    serve_proxies(0);
    client_open(&client, 0, 0);
    say(&client, "PROXY");
    UNTIL(netio_server_connections(server) == 1);
    client_reset(&client);
    UNTIL(netio_server_connections(server) == 0);
    is_str(seen, "", "gone before its header: nobody is told");
    client_open(&client, 0, 0);
    UNTIL(netio_server_connections(server) == 1);
    end_server();
    is_str(seen, "", "freed before its header: nor then");
    client_close(&client);
}

int main(void)
{
    rules();
    test_pieces();
    test_socket();
    test_refused();
    test_deadline();
    test_local();
    test_gone();
    netio_access_free(access_list);
    return tap_done();
}
