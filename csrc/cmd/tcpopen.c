/* tcpopen: opens a connection, and joins standard input and output with it (tcpopen/join.c) or
 * runs a program on it (tcpopen/ucspi.c); see tcpopen(1).  It uses the public headers of libnetio
 * and nothing else of it.
 *
 * Signals are left as they are: INT, TERM and PIPE end it as any program, TSTP stops it. */
#include "common/opening.h"
#include "common/report.h"
#include "common/standard.h"
#include "tcpopen/join.h"
#include "tcpopen/ucspi.h"

#include <netio/service.h>
#include <netio/version.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const char program_name[] = "tcpopen";

static const char usage_line[] =
    "usage: tcpopen [OPTION...] {HOST SERVICE | --unix PATH} [PROGRAM ARG...]";

static const char help_text[] =
    "Opens a connection and joins it with standard input and output, or runs PROGRAM with it\n"
    "as descriptors 6 (to read) and 7 (to write).\n"
    "\n"
    "  -4, --ipv4               over IPv4 only\n"
    "  -6, --ipv6               over IPv6 only\n"
    "  -u, --udp                UDP in place of TCP\n"
    "  -U, --unix PATH          a unix socket\n"
    "      --timeout SECONDS    how long opening may take (30)\n"
    "      --source ADDRESS     the address of this end\n"
    "      --source-port PORT   the port of this end\n"
    "      --reserved           a free port of this end below 1024; needs the privilege\n"
    "      --keepalive          probes a peer that has long been silent\n"
    "      --nodelay            sends small pieces at once\n"
    "  -V, --version            says which version this is\n"
    "      --help               says this\n"
    "\n"
    "Without a PROGRAM:\n"
    "  -C, --crlf               sends CRLF where a line of standard input ends with LF alone\n"
    "      --deadline SECONDS   how long all of it may take\n"
    "      --wait SECONDS       UDP: ends after that much silence, once input has ended (2)\n"
    "\n"
    "See tcpopen(1).\n";

/* Options without a letter have these. */
enum { HELP = 'H', TIMEOUT = 't', SOURCE = 's', SOURCE_PORT = 'p', RESERVED = 'r' };
enum { KEEPALIVE = 'k', NODELAY = 'n', DEADLINE = 'd', WAIT = 'w', PROGRAM = 'P' };

static const struct option options[] = {
    {"ipv4", no_argument, NULL, '4'},
    {"ipv6", no_argument, NULL, '6'},
    {"udp", no_argument, NULL, 'u'},
    {"unix", required_argument, NULL, 'U'},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"source", required_argument, NULL, SOURCE},
    {"source-port", required_argument, NULL, SOURCE_PORT},
    {"reserved", no_argument, NULL, RESERVED},
    {"keepalive", no_argument, NULL, KEEPALIVE},
    {"nodelay", no_argument, NULL, NODELAY},
    {"crlf", no_argument, NULL, 'C'},
    {"deadline", required_argument, NULL, DEADLINE},
    {"wait", required_argument, NULL, WAIT},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

/* What makes no sense together; PROGRAM stands for one on the command line. */
static const struct {
    int option;
    const char *others;
} conflicts[] = {
    {'4', "U"},      {'6', "U"},     {'u', "U"},      {SOURCE, "U"}, {SOURCE_PORT, "Ur"},
    {RESERVED, "U"}, {KEEPALIVE, "Uu"}, {NODELAY, "Uu"}, {'C', "P"},  {DEADLINE, "P"},
    {WAIT, "P"},
};

/* What the command line asks for. */
struct call {
    char given[32];          /* the letters of the options */
    const char *path;        /* of a unix socket; NULL: host and service */
    const char *host;
    const char *service;
    char **program;          /* at NULL: none */
    double timeout;
    double deadline;         /* 0: none */
    double wait;
    struct netio_open_options open;
    char label[640];         /* host and service, fit to be printed; empty for a path */
};

static int usage(void)
{
    fprintf(stderr, "%s\n", usage_line);
    return EX_USAGE;
}

static int is_given(const struct call *call, int option)
{
    return strchr(call->given, option) != NULL;
}

static void note_given(struct call *call, int option)
{
    size_t len = strlen(call->given);

    if (!is_given(call, option) && len + 1 < sizeof call->given)
        call->given[len] = (char)option;
}

static int read_source(struct call *call)
{
    struct netio_addr addr;

    if (netio_addr_parse(&addr, optarg) != 0 || netio_addr_family(&addr) == AF_UNIX)
        return report_wrong("--source %s: not an address", report_safe(optarg));
    call->open.source = optarg;
    return GO_ON;
}

static int read_source_port(struct call *call)
{
    int port = netio_service_port(optarg, is_given(call, 'u') ? "udp" : "tcp");

    if (port < 0)
        return report_wrong("--source-port %s: %s", report_safe(optarg), netio_error_text(port));
    call->open.source_port = (unsigned)port;
    return GO_ON;
}

static int read_option(struct call *call, int option)
{
    switch (option) {
    case '4':
        call->open.family = AF_INET;
        return GO_ON;
    case '6':
        call->open.family = AF_INET6;
        return GO_ON;
    case 'U':
        call->path = optarg;
        return GO_ON;
    case TIMEOUT:
        return report_seconds("--timeout", optarg, &call->timeout);
    case DEADLINE:
        return report_seconds("--deadline", optarg, &call->deadline);
    case WAIT:
        return report_seconds("--wait", optarg, &call->wait);
    case SOURCE:
        return read_source(call);
    case SOURCE_PORT:
        return read_source_port(call);
    case RESERVED:
        call->open.reserved = 1;
        return GO_ON;
    case KEEPALIVE:
        call->open.keepalive = 1;
        return GO_ON;
    case NODELAY:
        call->open.nodelay = 1;
        return GO_ON;
    case 'u':
    case 'C':
        return GO_ON; /* is_given says it */
    case 'V':
        printf("tcpopen (NetIO) %s\n", NETIO_VERSION);
        return EX_OK;
    case HELP:
        printf("%s\n%s", usage_line, help_text);
        return EX_OK;
    default:
        return usage();
    }
}

static const char *name_of(int option)
{
    for (const struct option *o = options; o->name; o++) {
        if (o->val == option)
            return o->name;
    }
    return "";
}

static int check_conflicts(const struct call *call)
{
    for (size_t i = 0; i < sizeof conflicts / sizeof *conflicts; i++) {
        const char *name = name_of(conflicts[i].option);
        if (!is_given(call, conflicts[i].option))
            continue;
        for (const char *other = conflicts[i].others; *other; other++) {
            if (*other == PROGRAM && *call->program)
                return report_wrong("--%s: not with a program", name);
            if (*other != PROGRAM && is_given(call, *other))
                return report_wrong("--%s: not with --%s", name, name_of(*other));
        }
    }
    if (is_given(call, WAIT) && !is_given(call, 'u'))
        return report_wrong("--wait: only with --udp");
    return GO_ON;
}

static void write_label(struct call *call)
{
    int is_bare = strchr(call->host, ':') && *call->host != '[';
    int len = snprintf(call->label, sizeof call->label, is_bare ? "[%s]:" : "%s:",
                       report_safe(call->host));

    snprintf(call->label + len, sizeof call->label - (size_t)len, "%s",
             report_safe(call->service));
}

/* The options of a PROGRAM are its own: ours end at the first word that is none. */
static int read_options(struct call *call, int argc, char **argv)
{
    int option, status = GO_ON;

    opterr = 0;
    while (status == GO_ON &&
           (option = getopt_long(argc, argv, "+46uU:CV", options, NULL)) != -1) {
        status = read_option(call, option);
        note_given(call, option);
    }
    if (status != GO_ON)
        return status;
    call->program = argv + optind;
    if (!call->path) {
        if (argc - optind < 2)
            return usage();
        call->host = *call->program++;
        call->service = *call->program++;
        write_label(call);
    }
    return check_conflicts(call);
}

static int start(const struct call *call, struct netio_open **machine, struct netio_error *error)
{
    if (call->path)
        return netio_unixopen_start(machine, call->path, &call->open, error);
    if (is_given(call, 'u'))
        return netio_udpopen_start(machine, call->host, call->service, &call->open, error);
    return netio_tcpopen_start(machine, call->host, call->service, &call->open, error);
}

/* A connected descriptor in *fd and whose it is in *peer; or how to exit. */
static int open_connection(const struct call *call, int *fd, struct netio_addr *peer)
{
    const char *label = call->path ? NULL : call->label;
    struct netio_open *machine;
    struct netio_error error = {0};
    int code = start(call, &machine, &error);

    if (code)
        return report_error(label, &error, NULL, 0);
    return opening_finish(machine, label, fd, peer);
}

static int run(struct call *call)
{
    netio_deadline deadline = call->deadline > 0 ? netio_deadline_in(call->deadline) : NETIO_NEVER;
    int is_udp = is_given(call, 'u'), fd = -1;
    struct netio_addr peer = {0};

    call->open.deadline = netio_deadline_sooner(netio_deadline_in(call->timeout), deadline);
    int status = open_connection(call, &fd, &peer);
    if (status != GO_ON)
        return status;
    if (*call->program) {
        struct ucspi_call ucspi = {
            .protocol = call->path ? "UNIX" : is_udp ? "UDP" : "TCP",
            .host = call->path ? call->path : call->host,
            .peer = peer,
            .program = call->program,
        };
        return ucspi_run(&ucspi, fd);
    }
    struct join_call join = {
        .label = call->path ? NULL : call->label,
        .peer = peer,
        .deadline = deadline,
        .wait = call->wait,
        .datagrams = is_udp,
        .crlf = is_given(call, 'C'),
    };
    return join_take(&join, fd);
}

int main(int argc, char **argv)
{
    struct call call = {.timeout = 30, .wait = 2};

    standard_begin();
    int status = read_options(&call, argc, argv);
    if (status == GO_ON)
        status = run(&call);
    return standard_end(status);
}
