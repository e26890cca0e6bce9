/* whoisd: its command line; see options.h.
 * Called by main.c; with --help and -V it writes to stdout. */
#include "options.h"
#include "config.h"

#include "common/values.h"

#include <netio/supervisor.h>
#include <netio/version.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


const char options_usage[] =
    "usage: whoisd [-c FILE] [--listen ADDR]... [--directory URI] [--log syslog|stderr|FILE] "
    "[--pidfile FILE] [--user NAME[:GROUP]] [--sandbox off|try|require] [--workers N] "
    "[--access FILE] [-f] [-t] [-V] [--stdio]\n";

static const char help_text[] =
    "\n"
    "Answers whois queries from a directory.\n"
    "\n"
    "  -c, --config FILE    options, one a line; read again at SIGHUP (none)\n"
    "  --listen ADDR        where to listen, several times if need be: whois, 4343,\n"
    "                       127.0.0.1:4343, [::1]:whois, unix:/path (whois)\n"
    "  --directory URI      the directory (sqlite:/var/lib/netio/directory.db)\n"
    "  --log TARGET         syslog, stderr, or a file (syslog; stderr with -f)\n"
    "  --pidfile FILE       holds its number while it runs, and keeps a second one\n"
    "                       from starting (none)\n"
    "  --user NAME[:GROUP]  whom to become once it listens (who started it)\n"
    "  --sandbox MODE       off, try or require to give up what a server has no use\n"
    "                       for: other files, programs, connections (try)\n"
    "  --workers N          processes that serve, and one that sees to them: it\n"
    "                       reloads and upgrades without losing a connection (1);\n"
    "                       0: one process, without reload and upgrade\n"
    "  --status ADDR        where the workers' state can be read (nowhere)\n"
    "  --access FILE        rules: who may ask (everybody)\n"
    "  --allow WHO          one rule: a network, all, unix, \"uid NAME\", \"gid NAME\"\n"
    "  --deny WHO           the same; the first rule that matches decides\n"
    "  --exempt WHO         the same: may, and is not counted per source\n"
    "  --proxy WHO          the same: begins with a PROXY header\n"
    "  --max-clients N      at once (as many as there are descriptors)\n"
    "  --max-per-source N   at once, of one IPv4 address or IPv6 /64 (no limit)\n"
    "  --rate N[/SECONDS]   new clients; the others wait (no limit)\n"
    "  --source-rate N[/SECONDS]  the same of one source, and it is refused\n"
    "  --source-bits V4/V6  what a source is (32/64)\n"
    "  --refused-text TEXT  what is said to who is refused (nothing)\n"
    "  --full-text TEXT     what is said when there is no place (they wait)\n"
    "  --first-seconds N    time a client has to send its first byte (30)\n"
    "  --query-seconds N    time a client has to send its query (30)\n"
    "  --answer-seconds N   time a client has to take its answer (60)\n"
    "  --total-seconds N    time a client has for all of it (no limit)\n"
    "  --stop-seconds N     time that clients have to finish when it stops (5)\n"
    "  --stdio              answer one query from standard input on standard output\n"
    "  -f, --foreground     stay in the foreground; without, the command ends once\n"
    "                       whoisd is ready, or says why it is not\n"
    "  -t, --test           check options and directory, and end\n"
    "  -V, --version        the version\n"
    "  -h, --help           this text\n";

/* ---- values: NULL, or what is wrong with one ---- */

static const char *add_listen(struct options *options, const char *text)
{
    const char *why = values_stream(text);

    if (why)
        return why;
    if (options->listens == OPTIONS_LISTEN_MAX)
        return "too many addresses (8 at most)";
    options->listen[options->listens++] = text;
    return NULL;
}

static const char *set_path(const char **path, const char *text)
{
    if (!*text)
        return "not a path";
    *path = text;
    return NULL;
}

static const char *set_text(const char **field, const char *text)
{
    *field = text;
    return NULL;
}

static const char *set_sandbox(enum netio_sandbox_mode *field, const char *text)
{
    int mode = netio_sandbox_parse(text);

    if (mode < 0)
        return "neither off, nor try, nor require";
    *field = (enum netio_sandbox_mode)mode;
    return NULL;
}

static const char *set_workers(unsigned *workers, const char *text)
{
    if (strcmp(text, "0") == 0) {
        *workers = 0;
        return NULL;
    }
    return values_parse(workers, text, '\0', NETIO_WORKERS_MAX) ? NULL : "not a number from 0 to 32";
}

static const char *set_status(const char **status, const char *text)
{
    *status = text;
    return values_stream(text);
}

/* ---- rules ---- */

static const char *add_rule(struct options *options, const char *verdict, const char *who)
{
    char rule[256];

    if ((size_t)snprintf(rule, sizeof rule, "%s %s", verdict, who) >= sizeof rule)
        return netio_error_text(NETIO_ETOOLONG);
    int code = netio_access_add(options->access, rule, NULL);
    return code ? netio_error_text(code) : NULL;
}

char *options_path(const struct options *options, const char *path)
{
    char *whole;

    if (path[0] == '/' || !options->folder)
        return strdup(path);
    return asprintf(&whole, "%s/%s", options->folder, path) == -1 ? NULL : whole;
}

/* Its errors name the file, and the line if it is one. */
static const char *read_rules(struct options *options, const char *text)
{
    static char why[OPTIONS_FAULT_MAX];
    struct netio_error error = {0};

    if (options->rules_count == OPTIONS_ACCESS_MAX)
        return "too many files (8 at most)";
    options->rules[options->rules_count++] = text;
    char *path = options_path(options, text);
    int code = path ? netio_access_read(options->access, path, &error) : -ENOMEM;
    int is_line = path && strncmp(error.subject, path, strlen(path)) == 0 &&
                  error.subject[strlen(path)] == ':';
    free(path);
    if (!code)
        return NULL;
    snprintf(why, sizeof why, "%s%s%s", is_line ? error.subject : "", is_line ? ": " : "",
             netio_error_text(code));
    return why;
}

/* ---- the table ---- */

enum option_value {
    OPTION_LISTEN = 256,
    OPTION_DIRECTORY,
    OPTION_LOG,
    OPTION_PIDFILE,
    OPTION_USER,
    OPTION_SANDBOX,
    OPTION_WORKERS,
    OPTION_STATUS,
    OPTION_ACCESS,
    OPTION_RULE, /* --allow and its like: the name is the verdict */
    OPTION_MAX_CLIENTS,
    OPTION_MAX_PER_SOURCE,
    OPTION_RATE,
    OPTION_SOURCE_RATE,
    OPTION_SOURCE_BITS,
    OPTION_REFUSED_TEXT,
    OPTION_FULL_TEXT,
    OPTION_FIRST_SECONDS,
    OPTION_QUERY_SECONDS,
    OPTION_ANSWER_SECONDS,
    OPTION_TOTAL_SECONDS,
    OPTION_STOP_SECONDS,
    OPTION_STDIO
};

static const char short_options[] = "c:fthV";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"directory", required_argument, NULL, OPTION_DIRECTORY},
    {"log", required_argument, NULL, OPTION_LOG},
    {"pidfile", required_argument, NULL, OPTION_PIDFILE},
    {"user", required_argument, NULL, OPTION_USER},
    {"sandbox", required_argument, NULL, OPTION_SANDBOX},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"status", required_argument, NULL, OPTION_STATUS},
    {"access", required_argument, NULL, OPTION_ACCESS},
    {"allow", required_argument, NULL, OPTION_RULE},
    {"deny", required_argument, NULL, OPTION_RULE},
    {"exempt", required_argument, NULL, OPTION_RULE},
    {"proxy", required_argument, NULL, OPTION_RULE},
    {"max-clients", required_argument, NULL, OPTION_MAX_CLIENTS},
    {"max-per-source", required_argument, NULL, OPTION_MAX_PER_SOURCE},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"source-rate", required_argument, NULL, OPTION_SOURCE_RATE},
    {"source-bits", required_argument, NULL, OPTION_SOURCE_BITS},
    {"refused-text", required_argument, NULL, OPTION_REFUSED_TEXT},
    {"full-text", required_argument, NULL, OPTION_FULL_TEXT},
    {"first-seconds", required_argument, NULL, OPTION_FIRST_SECONDS},
    {"query-seconds", required_argument, NULL, OPTION_QUERY_SECONDS},
    {"answer-seconds", required_argument, NULL, OPTION_ANSWER_SECONDS},
    {"total-seconds", required_argument, NULL, OPTION_TOTAL_SECONDS},
    {"stop-seconds", required_argument, NULL, OPTION_STOP_SECONDS},
    {"stdio", no_argument, NULL, OPTION_STDIO},
    {"foreground", no_argument, NULL, 'f'},
    {"test", no_argument, NULL, 't'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Who may come, and how many. */
static const char *set_policy(struct options *options, int option, const char *name,
                              const char *value)
{
    switch (option) {
    case OPTION_ACCESS:
        return read_rules(options, value);
    case OPTION_RULE:
        return add_rule(options, name, value);
    case OPTION_MAX_CLIENTS:
        return values_count(&options->limits.total, value);
    case OPTION_MAX_PER_SOURCE:
        return values_count(&options->limits.per_source, value);
    case OPTION_RATE:
        return values_rate(&options->limits.rate, value);
    case OPTION_SOURCE_RATE:
        return values_rate(&options->limits.source_rate, value);
    case OPTION_SOURCE_BITS:
        return values_bits(&options->limits, value);
    case OPTION_REFUSED_TEXT:
        return set_text(&options->refused_text, value);
    case OPTION_FULL_TEXT:
        return set_text(&options->full_text, value);
    case OPTION_FIRST_SECONDS:
        return values_seconds(&options->first_seconds, value);
    case OPTION_QUERY_SECONDS:
        return values_seconds(&options->query_seconds, value);
    case OPTION_ANSWER_SECONDS:
        return values_seconds(&options->answer_seconds, value);
    case OPTION_TOTAL_SECONDS:
        return values_seconds(&options->total_seconds, value);
    default:
        return values_seconds(&options->stop_seconds, value);
    }
}

static const char *set_value(struct options *options, int option, const char *name,
                             const char *value)
{
    switch (option) {
    case OPTION_LISTEN:
        return add_listen(options, value);
    case OPTION_DIRECTORY:
        return set_text(&options->directory, value);
    case OPTION_LOG:
        return values_log(&options->log, value);
    case OPTION_PIDFILE:
        return set_path(&options->pidfile, value);
    case OPTION_USER:
        return set_text(&options->user, value);
    case OPTION_SANDBOX:
        return set_sandbox(&options->sandbox, value);
    case OPTION_WORKERS:
        return set_workers(&options->workers, value);
    case OPTION_STATUS:
        return set_status(&options->status, value);
    default:
        return set_policy(options, option, name, value);
    }
}

int options_set(struct options *options, const char *name, const char *value,
                char fault[OPTIONS_FAULT_MAX])
{
    const struct option *option = long_options;

    while (option->name && strcmp(option->name, name) != 0)
        option++;
    if (!option->name || !option->has_arg || option->val == 'c') {
        snprintf(fault, OPTIONS_FAULT_MAX, "%s: not an option of a configuration", name);
        return -1;
    }
    const char *why = set_value(options, option->val, name, value);
    if (why)
        snprintf(fault, OPTIONS_FAULT_MAX, "%s %s: %s", name, value, why);
    return why ? -1 : 0;
}

/* ---- the command line ---- */

static enum options_next set_flag(struct options *options, int option)
{
    switch (option) {
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
        fputs(options_usage, stdout);
        fputs(help_text, stdout);
        return OPTIONS_DONE;
    default:
        return OPTIONS_WRONG; /* getopt_long has said why */
    }
}

static enum options_next set_one(struct options *options, int option, int index,
                                 char fault[OPTIONS_FAULT_MAX])
{
    if (option < 256)
        return set_flag(options, option);
    const struct option *entry = &long_options[index];
    if (!entry->has_arg)
        return set_flag(options, option);
    const char *why = set_value(options, option, entry->name, optarg);
    if (why)
        snprintf(fault, OPTIONS_FAULT_MAX, "--%s %s: %s", entry->name, optarg, why);
    return why ? OPTIONS_WRONG : OPTIONS_RUN;
}

/* All of the arguments, or the one that names the configuration. */
static enum options_next walk(struct options *options, int only_config,
                              char fault[OPTIONS_FAULT_MAX])
{
    enum options_next next = OPTIONS_RUN;
    int option, index = 0;

    optind = 0; /* glibc: from the beginning */
    opterr = only_config;
    while (next == OPTIONS_RUN && (option = getopt_long(options->argc, options->argv, short_options,
                                                        long_options, &index)) != -1)
        if (option == '?')
            next = OPTIONS_WRONG;
        else if (option == 'c')
            options->config = optarg;
        else if (!only_config)
            next = set_one(options, option, index, fault);
    return next;
}

/* What excludes something else. */
static enum options_next check(const struct options *options, char fault[OPTIONS_FAULT_MAX])
{
    if (optind < options->argc)
        snprintf(fault, OPTIONS_FAULT_MAX, "unexpected argument '%s'", options->argv[optind]);
    else if (options->stdio && (options->listens > 0 || options->pidfile))
        snprintf(fault, OPTIONS_FAULT_MAX, "--stdio and --%s exclude each other",
                 options->listens > 0 ? "listen" : "pidfile");
    else if (options->stdio && options->workers > 1)
        snprintf(fault, OPTIONS_FAULT_MAX, "--stdio and --workers exclude each other");
    else if (options->status && !options->workers)
        snprintf(fault, OPTIONS_FAULT_MAX, "--status: not with --workers 0");
    else
        return OPTIONS_RUN;
    return OPTIONS_WRONG;
}

static enum options_next parse(struct options *options, int argc, char **argv, const char *folder,
                               char fault[OPTIONS_FAULT_MAX])
{
    static char name[] = "whoisd";

    *options = (struct options){
        .directory = "sqlite:/var/lib/netio/directory.db",
        .sandbox = NETIO_SANDBOX_TRY,
        .query_seconds = 30,
        .answer_seconds = 60,
        .stop_seconds = 5,
        .workers = 1,
        .argc = argc,
        .argv = argv,
    };
    *fault = '\0';
    if (argc > 0)
        argv[0] = name; /* what getopt_long's messages begin with */
    options->folder = folder ? strdup(folder) : getcwd(NULL, 0);
    if (netio_access_new(&options->access) < 0 || !options->folder) {
        snprintf(fault, OPTIONS_FAULT_MAX, "the folder it was started in: %s",
                 netio_error_text(-errno));
        return OPTIONS_BROKEN;
    }
    enum options_next next = walk(options, 1, fault);
    if (next == OPTIONS_RUN && options->config && config_read(options, fault) < 0)
        next = OPTIONS_BROKEN;
    if (next == OPTIONS_RUN)
        next = walk(options, 0, fault);
    return next == OPTIONS_RUN ? check(options, fault) : next;
}

enum options_next options_parse(struct options *options, int argc, char **argv,
                                char fault[OPTIONS_FAULT_MAX])
{
    return parse(options, argc, argv, NULL, fault);
}

enum options_next options_again(struct options *options, const struct options *before,
                                char fault[OPTIONS_FAULT_MAX])
{
    return parse(options, before->argc, before->argv, before->folder, fault);
}

void options_free(struct options *options)
{
    netio_access_free(options->access);
    free(options->text);
    free(options->folder);
    options->access = NULL;
    options->text = options->folder = NULL;
}
