/* whoisd: its command line; see options.h.
 * Called by main.c; writes to stdout and stderr. */
#include "options.h"

#include <netio/listener.h>
#include <netio/version.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 86400.0

enum option_value {
    OPTION_LISTEN = 256,
    OPTION_DIRECTORY,
    OPTION_LOG,
    OPTION_PIDFILE,
    OPTION_USER,
    OPTION_SANDBOX,
    OPTION_QUERY_SECONDS,
    OPTION_ANSWER_SECONDS,
    OPTION_STDIO
};

static const char short_options[] = "fthV";

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"directory", required_argument, NULL, OPTION_DIRECTORY},
    {"log", required_argument, NULL, OPTION_LOG},
    {"pidfile", required_argument, NULL, OPTION_PIDFILE},
    {"user", required_argument, NULL, OPTION_USER},
    {"sandbox", required_argument, NULL, OPTION_SANDBOX},
    {"query-seconds", required_argument, NULL, OPTION_QUERY_SECONDS},
    {"answer-seconds", required_argument, NULL, OPTION_ANSWER_SECONDS},
    {"stdio", no_argument, NULL, OPTION_STDIO},
    {"foreground", no_argument, NULL, 'f'},
    {"test", no_argument, NULL, 't'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage_text[] =
    "usage: whoisd [--listen ADDR]... [--directory URI] [--log syslog|stderr|FILE] [--pidfile "
    "FILE] "
    "[--user NAME[:GROUP]] [--sandbox off|try|require] [-f] [-t] [-V] [--stdio]\n";

static const char help_text[] =
    "\n"
    "Answers whois queries from a directory.\n"
    "\n"
    "  --listen ADDR        where to listen, several times if need be: whois, 4343,\n"
    "                       127.0.0.1:4343, [::1]:whois, unix:/path (whois)\n"
    "  --directory URI      the directory (sqlite:/var/lib/netio/directory.db)\n"
    "  --log TARGET         syslog, stderr, or a file (syslog; stderr with -f)\n"
    "  --pidfile FILE       holds its number while it runs, and keeps a second one\n"
    "                       from starting (none)\n"
    "  --user NAME[:GROUP]  whom to become once it listens (who started it)\n"
    "  --sandbox MODE       off, try or require to give up what a server has no use\n"
    "                       for: other files, programs, connections (try)\n"
    "  --query-seconds N    time a client has to send its query (30)\n"
    "  --answer-seconds N   time a client has to take its answer (60)\n"
    "  --stdio              answer one query from standard input on standard output\n"
    "  -f, --foreground     stay in the foreground; without, the command ends once\n"
    "                       whoisd is ready, or says why it is not\n"
    "  -t, --test           check options and directory, and end\n"
    "  -V, --version        the version\n"
    "  -h, --help           this text\n";

static enum options_next wrong(void)
{
    fputs(usage_text, stderr);
    return OPTIONS_WRONG;
}

static enum options_next wrong_value(const char *option, const char *value, const char *why)
{
    fprintf(stderr, "whoisd: --%s %s: %s\n", option, value, why);
    return wrong();
}

static enum options_next add_listen(struct options *options, const char *text)
{
    int code = netio_listener_check(text, NULL);

    if (code < 0)
        return wrong_value("listen", text, netio_error_text(code));
    if (options->listens == OPTIONS_LISTEN_MAX)
        return wrong_value("listen", text, "too many addresses (8 at most)");
    options->listen[options->listens++] = text;
    return OPTIONS_RUN;
}

static enum options_next set_log(struct options *options, const char *text)
{
    int path = text[0] == '/' || text[0] == '.';

    if (!path && strcmp(text, "syslog") != 0 && strcmp(text, "stderr") != 0)
        return wrong_value("log", text, "neither syslog, nor stderr, nor a path");
    options->log = text;
    return OPTIONS_RUN;
}

static enum options_next set_path(const char **path, const char *option, const char *text)
{
    if (!*text)
        return wrong_value(option, text, "not a path");
    *path = text;
    return OPTIONS_RUN;
}

static enum options_next set_sandbox(struct options *options, const char *text)
{
    int mode = netio_sandbox_parse(text);

    if (mode < 0)
        return wrong_value("sandbox", text, "neither off, nor try, nor require");
    options->sandbox = (enum netio_sandbox_mode)mode;
    return OPTIONS_RUN;
}

/* Digits and a point: strtod(3) takes signs, hex, infinity and blanks as well. */
static enum options_next set_seconds(double *seconds, const char *option, const char *text)
{
    char *end;

    *seconds = strtod(text, &end);
    if (!*text || *end || text[strspn(text, "0123456789.")] || *seconds <= 0 ||
        *seconds > SECONDS_MAX)
        return wrong_value(option, text, "not a number of seconds up to 86400");
    return OPTIONS_RUN;
}

static enum options_next set_one(struct options *options, int option)
{
    switch (option) {
    case OPTION_LISTEN:
        return add_listen(options, optarg);
    case OPTION_DIRECTORY:
        options->directory = optarg;
        return OPTIONS_RUN;
    case OPTION_LOG:
        return set_log(options, optarg);
    case OPTION_PIDFILE:
        return set_path(&options->pidfile, "pidfile", optarg);
    case OPTION_USER:
        options->user = optarg;
        return OPTIONS_RUN;
    case OPTION_SANDBOX:
        return set_sandbox(options, optarg);
    case OPTION_QUERY_SECONDS:
        return set_seconds(&options->query_seconds, "query-seconds", optarg);
    case OPTION_ANSWER_SECONDS:
        return set_seconds(&options->answer_seconds, "answer-seconds", optarg);
    case OPTION_STDIO:
        options->stdio = 1;
        return OPTIONS_RUN;
    case 'f':
        options->foreground = 1;
        return OPTIONS_RUN;
    case 't':
        options->test = 1;
        return OPTIONS_RUN;
    case 'V':
        puts("whoisd (NetIO) " NETIO_VERSION);
        return OPTIONS_DONE;
    case 'h':
        fputs(usage_text, stdout);
        fputs(help_text, stdout);
        return OPTIONS_DONE;
    default:
        return wrong();
    }
}

enum options_next options_parse(struct options *options, int argc, char **argv)
{
    static char name[] = "whoisd";
    enum options_next next = OPTIONS_RUN;
    int option;

    *options = (struct options){
        .directory = "sqlite:/var/lib/netio/directory.db",
        .sandbox = NETIO_SANDBOX_TRY,
        .query_seconds = 30,
        .answer_seconds = 60,
    };
    if (argc > 0)
        argv[0] = name; /* what getopt_long's messages begin with */
    while (next == OPTIONS_RUN &&
           (option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
        next = set_one(options, option);
    if (next != OPTIONS_RUN)
        return next;
    if (optind < argc) {
        fprintf(stderr, "whoisd: unexpected argument '%s'\n", argv[optind]);
        return wrong();
    }
    if (options->stdio && (options->listens > 0 || options->pidfile)) {
        fprintf(stderr, "whoisd: --stdio and --%s exclude each other\n",
                options->listens > 0 ? "listen" : "pidfile");
        return wrong();
    }
    return OPTIONS_RUN;
}
