/* echo: libnetio's server at work: it answers each line with the same line.
 *
 *      echo once       each connection: a line comes, it goes back, it is closed
 *      echo kept       each line is answered, for as long as the peer likes
 *
 * All that a server in earnest has is on: rules, of which the last one lets the loopback in, limits
 * and rates, of all and of each source, all deadlines.  They are wide, so that nobody is refused.
 *
 * It prints "listening on 127.0.0.1:PORT" and ends by a signal.  Its peers are peer/responder*;
 * part/server.pm starts them. */
#include <netio/access.h>
#include <netio/addr.h>
#include <netio/limit.h>
#include <netio/server.h>

#include <stdio.h>
#include <string.h>

#define MANY 1000000 /* connections, or of them a second */
#define LONG 3600    /* seconds */

static const char *const rules[] = {"deny 192.0.2.0/24", "deny 2001:db8::/32",
                                    "allow 198.51.100.0/24", "allow ::1", "allow 127.0.0.0/8"};
static const struct netio_limit_options limits = {.total = MANY,
                                                  .per_source = MANY,
                                                  .rate = {.count = MANY},
                                                  .source_rate = {.count = MANY}};
static int once;

static void answer(struct netio_conn *conn, char *line, size_t len)
{
    line[len] = '\n'; /* in place of the NUL that follows every line */
    netio_conn_write(conn, line, len + 1);
    if (once)
        netio_conn_close(conn);
}

static int make_rules(struct netio_access **access)
{
    int code = netio_access_new(access);

    for (size_t i = 0; code == 0 && i < sizeof rules / sizeof *rules; i++)
        code = netio_access_add(*access, rules[i], NULL);
    return code;
}

static int serve(const struct netio_access *access, struct netio_limit *limit)
{
    struct netio_server_options options = {.access = access,
                                           .limit = limit,
                                           .first_seconds = LONG,
                                           .read_seconds = LONG,
                                           .total_seconds = LONG};
    struct netio_server_handlers handlers = {.on_line = answer};
    struct netio_server *server;
    char text[NETIO_ADDR_STRLEN];
    int code = netio_server_new(&server, NULL, &handlers, &options);

    if (code == 0)
        code = netio_server_listen(server, "127.0.0.1:0", NULL);
    if (code)
        return code;
    printf("listening on %s\n", netio_addr_str(netio_server_address(server, 0), text, sizeof text));
    fflush(stdout);
    code = netio_server_run(server);
    netio_server_free(server);
    return code;
}

int main(int argc, char **argv)
{
    struct netio_access *access;
    struct netio_limit *limit;

    if (argc != 2 || (strcmp(argv[1], "once") != 0 && strcmp(argv[1], "kept") != 0))
        return fprintf(stderr, "usage: echo once|kept\n"), 64;
    once = strcmp(argv[1], "once") == 0;
    int code = make_rules(&access);
    if (code == 0)
        code = netio_limit_new(&limit, &limits);
    if (code == 0)
        code = serve(access, limit);
    if (code)
        fprintf(stderr, "echo: %s\n", netio_error_text(code));
    return code != 0;
}
