/* netio-whois: asks a whois server (RFC 3912) and shows what it answers; see netio-whois(1).
 * A program of its own: it uses the public headers of libnetio and nothing else. */
#include "common/opening.h"
#include "common/output.h"
#include "common/report.h"
#include "common/standard.h"

#include <netio/buf.h>
#include <netio/service.h>
#include <netio/stream.h>
#include <netio/version.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define QUERY_MAX 1022 /* whois servers take a line of 1024 bytes, its end included */

const char program_name[] = "netio-whois";

static const char usage_line[] =
    "usage: netio-whois [-46V] [-h HOST] [-p PORT] [--timeout SECONDS] QUERY...";

static const char help_text[] =
    "Asks a whois server and shows its answer.\n"
    "\n"
    "  -h, --host HOST        the server: a name or an address, perhaps with :PORT\n"
    "                         (otherwise $WHOIS_SERVER, otherwise localhost)\n"
    "  -p, --port PORT        its port, a number or a name (otherwise whois, 43)\n"
    "      --timeout SECONDS  how long the server may take in all (30)\n"
    "  -4, --ipv4             over IPv4 only\n"
    "  -6, --ipv6             over IPv6 only\n"
    "  -V, --version          says which version this is\n"
    "      --help             says this\n"
    "\n"
    "A QUERY that begins with a hyphen goes behind --.  \"netio-whois help\" asks the server\n"
    "what it understands.  See netio-whois(1).\n";

/* What the command line asks for. */
struct call {
    const char *server;      /* as given */
    const char *port;        /* NULL: not given */
    double timeout;
    int family;
    char host[256];
    char service[16];        /* the port in digits */
    char label[300];         /* host and port, fit to be printed */
    char query[QUERY_MAX + 3];
    size_t query_len;
};

static int usage(void)
{
    fprintf(stderr, "%s\n", usage_line);
    return EX_USAGE;
}

static int read_option(struct call *call, int option)
{
    switch (option) {
    case '4':
        call->family = AF_INET;
        return GO_ON;
    case '6':
        call->family = AF_INET6;
        return GO_ON;
    case 'h':
        call->server = optarg;
        return GO_ON;
    case 'p':
        call->port = optarg;
        return GO_ON;
    case 't':
        return report_seconds("--timeout", optarg, &call->timeout);
    case 'V':
        printf("netio-whois (NetIO) %s\n", NETIO_VERSION);
        return EX_OK;
    case 'H':
        printf("%s\n%s", usage_line, help_text);
        return EX_OK;
    default:
        return usage();
    }
}

static int read_options(struct call *call, int argc, char **argv)
{
    static const struct option options[] = {
        {"host", required_argument, NULL, 'h'},    {"port", required_argument, NULL, 'p'},
        {"timeout", required_argument, NULL, 't'}, {"ipv4", no_argument, NULL, '4'},
        {"ipv6", no_argument, NULL, '6'},          {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'H'},          {NULL, 0, NULL, 0},
    };
    int option, status = GO_ON;

    opterr = 0;
    while (status == GO_ON &&
           (option = getopt_long(argc, argv, "46Vh:p:", options, NULL)) != -1)
        status = read_option(call, option);
    return status == GO_ON && optind == argc ? usage() : status;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT, or IPv6 as it is: more than one colon. */
static int split_server(struct call *call)
{
    const char *text = call->server, *colon = strrchr(text, ':');
    size_t len = strlen(text);

    if (text[0] == '[' && (!colon || colon[-1] != ']'))
        colon = NULL;
    if (colon && text[0] != '[' && strchr(text, ':') != colon)
        colon = NULL;
    if (colon) {
        len = (size_t)(colon - text);
        if (!call->port)
            call->port = colon + 1;
    }
    if (text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof call->host)
        return report_wrong("%s: not a server", report_safe(call->server));
    memcpy(call->host, text, len);
    call->host[len] = '\0';
    return GO_ON;
}

static int choose_server(struct call *call)
{
    const char *usual = getenv("WHOIS_SERVER");

    if (!call->server)
        call->server = usual && *usual ? usual : "localhost";
    int status = split_server(call);
    if (status != GO_ON)
        return status;
    /* 43 where services(5) does not know whois, too. */
    int port = netio_service_port(call->port ? call->port : "whois(43)", "tcp");
    if (port < 0)
        return report_wrong("port %s: %s", report_safe(call->port), netio_error_text(port));
    snprintf(call->service, sizeof call->service, "%d", port);
    const char *host = report_safe(call->host);
    snprintf(call->label, sizeof call->label, strchr(host, ':') ? "[%.280s]:%d" : "%.280s:%d", host,
             port);
    return GO_ON;
}

static int build_query(struct call *call, char **words)
{
    struct netio_buf query = {.limit = QUERY_MAX};
    int code = 0;

    for (char **word = words; !code && *word; word++)
        code = netio_buf_addf(&query, "%s%s", word == words ? "" : " ", *word);
    call->query_len = netio_buf_len(&query);
    if (call->query_len)
        memcpy(call->query, netio_buf_head(&query), call->query_len);
    netio_buf_free(&query);
    if (code == NETIO_EFULL)
        return report_wrong("the query is longer than %d bytes", QUERY_MAX);
    if (code)
        return report_wrong("%s", netio_error_text(code));
    if (memchr(call->query, '\r', call->query_len) || memchr(call->query, '\n', call->query_len))
        return report_wrong("the query holds a line break");
    if (strspn(call->query, " ") == call->query_len)
        return report_wrong("the query is empty");
    memcpy(call->query + call->query_len, "\r\n", 2);
    call->query_len += 2;
    return GO_ON;
}

/* A connected descriptor in *fd and whose it is in *peer; or how to exit. */
static int open_server(const struct call *call, netio_deadline deadline, int *fd,
                       struct netio_addr *peer)
{
    const struct netio_open_options options = {.deadline = deadline, .family = call->family};
    struct netio_open *machine;
    struct netio_error error = {0};
    int code = netio_tcpopen_start(&machine, call->host, call->service, &options, &error);

    if (code)
        return report_error(call->label, &error, NULL, 0);
    return opening_finish(machine, call->label, fd, peer);
}

/* Writes what has come; the time that standard output keeps us waiting is not the server's. */
static int write_out(struct output *output, int last, netio_deadline *deadline)
{
    int64_t started = netio_clock_now();
    int code;

    while ((code = output_flush(output, last)) == -EAGAIN)
        netio_fd_poll(output->fd, NETIO_WRITE, NETIO_NEVER);
    if (*deadline != NETIO_NEVER)
        *deadline += netio_clock_now() - started;
    return code ? report_output(code) : EX_OK;
}

/* Copies the answer to standard output until the server closes. */
static int copy_answer(const struct call *call, struct netio_stream *stream,
                       const struct netio_addr *peer, netio_deadline deadline)
{
    static struct output output;
    struct netio_error error = {0};
    size_t size, got = 0;
    int status = EX_OK;
    ssize_t n = 0;

    output_begin(&output);
    while (status == EX_OK && n >= 0) {
        char *room = output_room(&output, &size);
        n = netio_deadline_passed(deadline) ? -ETIMEDOUT
                                            : netio_stream_read_at(stream, room, size, deadline);
        output_added(&output, n > 0 ? (size_t)n : 0);
        got += n > 0 ? (size_t)n : 0;
        status = write_out(&output, n < 0, &deadline);
    }
    if (status != EX_OK || (n == NETIO_EEOF && got > 0))
        return status;
    netio_error_set(&error, NETIO_STAGE_READ, (int)n, peer, NULL);
    status = report_error(call->label, &error, NULL, 0);
    return n == NETIO_EEOF ? EX_UNAVAILABLE : status;
}

static int ask(const struct call *call)
{
    netio_deadline deadline = netio_deadline_in(call->timeout);
    struct netio_error error = {0};
    struct netio_addr peer = {0};
    struct netio_stream *stream;
    int fd = -1, status = open_server(call, deadline, &fd, &peer);

    if (status != GO_ON)
        return status;
    int code = netio_stream_new_take(&stream, fd, 0);
    if (!code)
        code = netio_stream_write_at(stream, call->query, call->query_len, NULL, deadline);
    if (code) {
        netio_error_set(&error, NETIO_STAGE_WRITE, code, &peer, NULL);
        status = report_error(call->label, &error, NULL, 0);
    } else
        status = copy_answer(call, stream, &peer, deadline);
    netio_stream_free(stream);
    return status;
}

int main(int argc, char **argv)
{
    struct call call = {.timeout = 30};

    standard_begin();
    int status = read_options(&call, argc, argv);
    if (status == GO_ON)
        status = build_query(&call, argv + optind);
    if (status == GO_ON)
        status = choose_server(&call);
    if (status == GO_ON)
        status = ask(&call);
    return standard_end(status);
}
