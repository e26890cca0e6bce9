/* A server with rules and limits, for tests in Perl (t/33-admission*.t):
 *
 *     drive-policy WORD=VALUE...
 *
 *     listen=ADDRESS   also several times; their number as bound comes first on stdout
 *     serve=0          the connected socket that is descriptor 0, and nobody else
 *     rule=RULE        access; also several times
 *     total= per-source= rate=COUNT/SECONDS source-rate= places=     numbers
 *     refused=TEXT full=TEXT first=SECONDS
 *
 * It answers a line with the peer's address, the local one and the line; "hold" leaves the
 * connection open, "status" answers with the counters.  What on_refused hears goes to stderr. */
#include "tap.h"

#include <netio/peer.h>
#include <netio/server.h>

static struct netio_server_options options;
static struct netio_limit_options limits;
static const char *listens[8], *rules[8];
static int listen_count, rule_count, serves;

static void status(struct netio_conn *conn)
{
    struct netio_server_status status;

    netio_server_status(netio_conn_server(conn), &status);
    netio_conn_printf(conn, "open=%lu accepted=%lu", (unsigned long)status.connections,
                      (unsigned long)status.accepted);
    for (unsigned why = 0; why < NETIO_REFUSED_REASONS; why++)
        netio_conn_printf(conn, " %s=%lu", netio_refused_str(why),
                          (unsigned long)status.refused[why]);
    if (options.limit)
        netio_conn_printf(conn, " held=%u", netio_limit_open(options.limit));
    netio_conn_printf(conn, "\n");
}

static void answer(struct netio_conn *conn, char *line, size_t len)
{
    char peer[NETIO_ADDR_STRLEN], at[NETIO_ADDR_STRLEN];
    struct netio_addr local = {0};

    if (strcmp(line, "status") == 0)
        status(conn);
    else {
        (void)netio_conn_local(conn, &local);
        netio_conn_printf(conn, "%s %s %.*s\n",
                          netio_addr_str(netio_conn_peer(conn), peer, sizeof peer),
                          netio_addr_str(&local, at, sizeof at), (int)len, line);
    }
    if (strcmp(line, "hold") != 0)
        netio_conn_close(conn);
}

static void refused(struct netio_server *server, const struct netio_addr *peer,
                    enum netio_refused why, unsigned long count)
{
    char text[NETIO_ADDR_STRLEN];
    struct netio_peer credentials;

    fprintf(stderr, "refused %s", netio_addr_host_str(peer, text, sizeof text));
    if (netio_peer_credentials(&credentials, netio_server_refused_fd(server)) == 0)
        fprintf(stderr, " uid %u", credentials.uid);
    fprintf(stderr, ": %s, %lu\n", netio_refused_str(why), count);
}

static struct netio_rate rate_of(const char *text)
{
    struct netio_rate rate = {0};

    if (sscanf(text, "%u/%lf", &rate.count, &rate.seconds) != 2)
        fprintf(stderr, "not a rate: %s\n", text);
    return rate;
}

static int set(const char *word, const char *value)
{
    if (strcmp(word, "listen") == 0 && listen_count < 8)
        listens[listen_count++] = value;
    else if (strcmp(word, "rule") == 0 && rule_count < 8)
        rules[rule_count++] = value;
    else if (strcmp(word, "serve") == 0)
        serves = 1;
    else if (strcmp(word, "total") == 0)
        limits.total = (unsigned)atoi(value);
    else if (strcmp(word, "per-source") == 0)
        limits.per_source = (unsigned)atoi(value);
    else if (strcmp(word, "rate") == 0)
        limits.rate = rate_of(value);
    else if (strcmp(word, "source-rate") == 0)
        limits.source_rate = rate_of(value);
    else if (strcmp(word, "places") == 0)
        options.max_connections = (unsigned)atoi(value);
    else if (strcmp(word, "first") == 0)
        options.first_seconds = atof(value);
    else if (strcmp(word, "refused") == 0)
        options.refused_text = value;
    else if (strcmp(word, "full") == 0)
        options.full_text = value;
    else
        return 0;
    return 1;
}

static int start(struct netio_server **server, struct netio_access *access)
{
    static const struct netio_server_handlers handlers = {.on_line = answer, .on_refused = refused};
    struct netio_error error = {0};
    int code = 0;

    for (int i = 0; code == 0 && i < rule_count; i++)
        code = netio_access_add(access, rules[i], &error);
    options.access = access;
    if (code == 0)
        code = netio_limit_new(&options.limit, &limits);
    if (code == 0)
        code = netio_server_new(server, NULL, &handlers, &options);
    for (int i = 0; code == 0 && i < listen_count; i++)
        code = netio_server_listen(*server, listens[i], &error);
    if (code == 0 && serves)
        code = netio_server_serve_take(*server, 0);
    if (code)
        fprintf(stderr, "%s %s\n", netio_error_name(code), error.subject);
    return code;
}

int main(int argc, char **argv)
{
    struct netio_server *server = NULL;
    struct netio_access *access;
    const struct netio_addr *at;
    char text[NETIO_ADDR_STRLEN];

    if (argc < 2)
        skip_all("a driver for tests in Perl");
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (value)
            *value++ = '\0';
        if (!value || !set(argv[i], value)) {
            fprintf(stderr, "drive-policy: %s\n", argv[i]);
            return 1;
        }
    }
    if (netio_access_new(&access) < 0)
        return 1;
    int code = start(&server, access);
    for (size_t i = 0; code == 0 && (at = netio_server_address(server, i)); i++)
        printf("%s\n", netio_addr_str(at, text, sizeof text));
    printf("\n");
    if (code == 0)
        code = netio_server_run(server);
    netio_server_free(server);
    netio_limit_free(options.limit);
    netio_access_free(access);
    (void)tap_done;
    return code ? 1 : 0;
}
