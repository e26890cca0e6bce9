/* echo: libnetio's server at work: it answers each line with the same line.
 *
 *      echo once [WORKERS]     each connection: a line comes, it goes back, it is closed
 *      echo kept [WORKERS]     each line is answered, for as long as the peer likes
 *
 * All that a server in earnest has is on: rules, of which the last one lets the loopback in, limits
 * and rates, of all and of each source, all deadlines.  They are wide, so that nobody is refused.
 * With WORKERS there is a supervisor; without, one process.
 *
 * It prints "listening on 127.0.0.1:PORT" and ends by a signal.  Its peers are peer/responder*, and
 * echo.pl is the same in Perl; part/server.pm starts them. */
#include <netio/access.h>
#include <netio/addr.h>
#include <netio/limit.h>
#include <netio/server.h>
#include <netio/supervisor.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS "127.0.0.1:0"
#define MANY    1000000 /* connections, or of them a second */
#define LONG    3600    /* seconds */

static const char *const rules[] = {"deny 192.0.2.0/24", "deny 2001:db8::/32",
                                    "allow 198.51.100.0/24", "allow ::1", "allow 127.0.0.0/8"};
static const struct netio_limit_options limits = {
    .total = MANY, .per_source = MANY, .rate = {.count = MANY}, .source_rate = {.count = MANY}};
static int once;
static struct netio_access *access;
static struct netio_limit *limit;

static void answer(struct netio_conn *conn, char *line, size_t len)
{
    line[len] = '\n'; /* in place of the NUL that follows every line */
    netio_conn_write(conn, line, len + 1);
    if (once)
        netio_conn_close(conn);
}

static int make_policy(void)
{
    int code = netio_access_new(&access);

    for (size_t i = 0; code == 0 && i < sizeof rules / sizeof *rules; i++)
        code = netio_access_add(access, rules[i], NULL);
    return code ? code : netio_limit_new(&limit, &limits);
}

static int make_server(struct netio_server **server)
{
    struct netio_server_options options = {.access = access,
                                           .limit = limit,
                                           .first_seconds = LONG,
                                           .read_seconds = LONG,
                                           .total_seconds = LONG};
    struct netio_server_handlers handlers = {.on_line = answer};

    return netio_server_new(server, NULL, &handlers, &options);
}

static void tell(const struct netio_addr *address)
{
    char text[NETIO_ADDR_STRLEN];

    printf("listening on %s\n", netio_addr_str(address, text, sizeof text));
    fflush(stdout);
}

static int serve(void)
{
    struct netio_server *server;
    int code = make_server(&server);

    if (code == 0)
        code = netio_server_listen(server, ADDRESS, NULL);
    if (code)
        return code;
    tell(netio_server_address(server, 0));
    code = netio_server_run(server);
    netio_server_free(server);
    return code;
}

static int work(struct netio_worker *worker)
{
    struct netio_server *server;
    int code = make_server(&server);

    if (code == 0)
        code = netio_worker_serve(worker, server);
    if (code == 0)
        code = netio_worker_ready(worker);
    return code ? code : netio_server_run(server);
}

static int supervise(unsigned workers)
{
    const struct netio_supervisor_options options = {.workers = workers, .limit = limit};
    static const char *const addresses[] = {ADDRESS};
    struct netio_supervisor *supervisor;
    struct netio_worker *worker;
    int code = netio_supervisor_new(&supervisor, &options, NULL);

    if (code == 0)
        code = netio_supervisor_listen(supervisor, addresses, 1, NULL);
    while (code == 0) {
        int event = netio_supervisor_run(supervisor, &worker, NULL);
        if (event == NETIO_SUPERVISOR_WORKER)
            exit(work(worker) != 0);
        if (event == NETIO_SUPERVISOR_READY)
            tell(netio_supervisor_address(supervisor, 0));
        if (event == NETIO_SUPERVISOR_DONE)
            break;
        code = event < 0 && event != -EINTR ? event : 0;
    }
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3 || (strcmp(argv[1], "once") != 0 && strcmp(argv[1], "kept") != 0))
        return fprintf(stderr, "usage: echo once|kept [WORKERS]\n"), 64;
    once = strcmp(argv[1], "once") == 0;
    int code = make_policy();
    if (code == 0)
        code = argc == 3 ? supervise((unsigned)atoi(argv[2])) : serve();
    if (code)
        fprintf(stderr, "echo: %s\n", netio_error_text(code));
    return code != 0;
}
