/* netio-whois: asks a whois server (RFC 3912) and shows what it answers; see netio-whois(1).
 * A program of its own: it uses the public headers of libnetio and nothing else. */
#include <netio/buf.h>
#include <netio/open.h>
#include <netio/service.h>
#include <netio/stream.h>
#include <netio/text.h>
#include <netio/version.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define QUERY_MAX 1022 /* whois servers take a line of 1024 bytes, its end included */
#define CHUNK     8192

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

__attribute__((format(printf, 1, 2))) static int wrong(const char *format, ...)
{
    va_list args;

    fputs("netio-whois: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EX_USAGE;
}

/* text, fit to be printed; in a buffer that the next call takes again. */
static const char *safe(const char *text)
{
    static char out[300];

    netio_text_safe(text, strlen(text), out, sizeof out);
    return out;
}

#define GO_ON (-1) /* what follows says how to exit */

static int read_option(struct call *call, int option)
{
    char *end;

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
        call->timeout = strtod(optarg, &end);
        if (end == optarg || *end || !isfinite(call->timeout) || call->timeout <= 0)
            return wrong("--timeout %s: not a number of seconds", safe(optarg));
        return GO_ON;
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
        return wrong("%s: not a server", safe(call->server));
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
        return wrong("port %s: %s", safe(call->port), netio_error_text(port));
    snprintf(call->service, sizeof call->service, "%d", port);
    const char *host = safe(call->host);
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
        return wrong("the query is longer than %d bytes", QUERY_MAX);
    if (code)
        return wrong("%s", netio_error_text(code));
    if (memchr(call->query, '\r', call->query_len) || memchr(call->query, '\n', call->query_len))
        return wrong("the query holds a line break");
    if (strspn(call->query, " ") == call->query_len)
        return wrong("the query is empty");
    memcpy(call->query + call->query_len, "\r\n", 2);
    call->query_len += 2;
    return GO_ON;
}

/* sysexits.h for what went wrong: 75 for what may go better another time. */
static int exit_code(const struct netio_error *error)
{
    switch (error->code) {
    case -ETIMEDOUT:
    case NETIO_ERESOLVER:
        return EX_TEMPFAIL;
    case NETIO_EBADHOST:
    case NETIO_ENONAME:
    case NETIO_ENOADDRESS:
        return EX_NOHOST;
    case -ENOMEM:
        return EX_OSERR;
    default:
        return error->stage == NETIO_STAGE_READ || error->stage == NETIO_STAGE_WRITE
                   ? EX_IOERR
                   : EX_UNAVAILABLE;
    }
}

/* One line, in one write: the error, or each address when several were tried. */
static int report(const struct call *call, const struct netio_error *error,
                  const struct netio_attempt *attempts, size_t count)
{
    char text[320], address[NETIO_ADDR_STRLEN];
    struct netio_buf line = {0};

    netio_buf_addf(&line, "netio-whois: %s: ", call->label);
    for (size_t i = 0; count > 1 && i < count; i++)
        netio_buf_addf(&line, "%s%s %s: %s", i ? "; " : "", netio_stage_str(attempts[i].stage),
                       netio_addr_str(&attempts[i].address, address, sizeof address),
                       netio_error_text(attempts[i].code));
    if (count <= 1)
        netio_buf_addf(&line, "%s", netio_error_str(error, text, sizeof text));
    netio_buf_addf(&line, "\n");
    fwrite(netio_buf_head(&line), 1, netio_buf_len(&line), stderr);
    netio_buf_free(&line);
    return exit_code(error);
}

/* A connected descriptor in *fd and whose it is in *peer, which the socket itself does not know
 * any more once it is reset; or what to exit with. */
static int open_server(const struct call *call, netio_deadline deadline, int *fd,
                       struct netio_addr *peer)
{
    const struct netio_open_options options = {.deadline = deadline, .family = call->family};
    const struct netio_attempt *attempts;
    struct netio_open *machine;
    struct netio_error error = {0};
    struct netio_want want;
    int code = netio_tcpopen_start(&machine, call->host, call->service, &options, &error);

    if (code)
        return report(call, &error, NULL, 0);
    while ((code = netio_open_step(machine, &error)) == -EAGAIN) {
        netio_open_want(machine, &want);
        netio_want_poll(&want);
    }
    *fd = code;
    size_t count = netio_open_attempts(machine, &attempts);
    int status = code < 0 ? report(call, &error, attempts, count) : EX_OK;
    for (size_t i = 0; status == EX_OK && i < count; i++)
        if (attempts[i].code == 0) /* the others are those that failed, or were too slow */
            *peer = attempts[i].address;
    netio_open_free(machine);
    return status;
}

/* What has come and is not yet written.  A terminal gets it made fit to be seen, for which a
 * character must be whole: the first bytes of one wait for the rest. */
struct output {
    int is_terminal;
    size_t held;
    char bytes[CHUNK];
    netio_deadline deadline; /* moves on while standard output keeps us waiting */
};

static int write_out(struct output *output, const char *data, size_t size)
{
    int64_t started = netio_clock_now();
    ssize_t n = 0;

    while (size && n >= 0) {
        n = netio_fd_write(STDOUT_FILENO, data, size);
        if (n == -EAGAIN)
            n = netio_fd_poll(STDOUT_FILENO, NETIO_WRITE, NETIO_NEVER) == -EBADF ? -EBADF : 0;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    if (output->deadline != NETIO_NEVER)
        output->deadline += netio_clock_now() - started;
    if (n >= 0)
        return EX_OK;
    fprintf(stderr, "netio-whois: standard output: %s\n", netio_error_text((int)n));
    return EX_IOERR;
}

/* Writes what there is; last: also what looks unfinished. */
static int flush(struct output *output, int last)
{
    char shown[4 * CHUNK];
    size_t used = output->held, length;
    int status = EX_OK;

    if (!output->is_terminal)
        status = write_out(output, output->bytes, used);
    else {
        length = netio_text_shown(output->bytes, output->held, shown, sizeof shown, &used);
        status = write_out(output, shown, length);
        if (status == EX_OK && last && used < output->held) {
            length = netio_text_safe(output->bytes + used, output->held - used, shown,
                                     sizeof shown);
            used = output->held;
            status = write_out(output, shown, length);
        }
    }
    output->held -= used;
    memmove(output->bytes, output->bytes + used, output->held);
    return status;
}

/* Copies the answer to standard output until the server closes. */
static int copy_answer(const struct call *call, struct netio_stream *stream,
                       const struct netio_addr *peer, struct output *output)
{
    struct netio_error error = {0};
    size_t got = 0;
    int status = EX_OK;
    ssize_t n = 0;

    while (status == EX_OK) {
        if (netio_deadline_passed(output->deadline))
            n = -ETIMEDOUT;
        else
            n = netio_stream_read_at(stream, output->bytes + output->held, CHUNK - output->held,
                                     output->deadline);
        output->held += n > 0 ? (size_t)n : 0;
        got += n > 0 ? (size_t)n : 0;
        status = flush(output, n <= 0);
        if (n < 0)
            break;
    }
    if (status != EX_OK || (n == NETIO_EEOF && got > 0))
        return status;
    netio_error_set(&error, NETIO_STAGE_READ, (int)n, peer, NULL);
    status = report(call, &error, NULL, 0);
    return n == NETIO_EEOF ? EX_UNAVAILABLE : status;
}

static int ask(const struct call *call)
{
    struct output output = {.is_terminal = isatty(STDOUT_FILENO),
                            .deadline = netio_deadline_in(call->timeout)};
    struct netio_error error = {0};
    struct netio_addr peer = {0};
    struct netio_stream *stream;
    int fd = -1, status = open_server(call, output.deadline, &fd, &peer);

    if (status != EX_OK)
        return status;
    int code = netio_stream_new_take(&stream, fd, 0);
    if (!code)
        code = netio_stream_write_at(stream, call->query, call->query_len, NULL, output.deadline);
    if (code) {
        netio_error_set(&error, NETIO_STAGE_WRITE, code, &peer, NULL);
        status = report(call, &error, NULL, 0);
    } else
        status = copy_answer(call, stream, &peer, &output);
    netio_stream_free(stream);
    return status;
}

/* A connection must not become descriptor 0, 1 or 2: the answer would go to the server.  What
 * is closed stays unusable, but is taken: by the root folder, which is there where /dev/null
 * is not. */
static void take_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    netio_fd_close(fd);
}

/* A disk may be found full only when the file is closed. */
static int close_output(int status)
{
    if (fflush(stdout) == 0 && close(STDOUT_FILENO) == 0)
        return status;
    if (status == EX_OK)
        fprintf(stderr, "netio-whois: standard output: %s\n", netio_error_text(-errno));
    return status == EX_OK ? EX_IOERR : status;
}

int main(int argc, char **argv)
{
    struct call call = {.timeout = 30};

    take_standard_descriptors();
    int status = read_options(&call, argc, argv);
    if (status == GO_ON)
        status = build_query(&call, argv + optind);
    if (status == GO_ON)
        status = choose_server(&call);
    if (status == GO_ON)
        status = ask(&call);
    return close_output(status);
}
