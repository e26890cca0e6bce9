/* netiod: its command line; see options.h.
 * Called by main.c; with --help and -V it writes to stdout. */
#include "options.h"

#include "common/path.h"
#include "common/values.h"

#include <netio/version.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char options_usage[] =
    "usage: netiod [-t] [-f] [--show] [-a ADDR] [-R N] [--log syslog|stderr|FILE] "
    "[--pidfile FILE] [--status ADDR] [--stop-seconds N] [--allow-empty] [-V] [CONF...]\n";

static const char help_text[] =
    "\n"
    "Listens for the services of its configuration, and starts a program for who connects.\n"
    "\n"
    "  CONF                 files, and folders of files, as inetd.conf(5) or netiod.conf(5)\n"
    "                       have them (/etc/inetd.conf and /etc/inetd.d, as far as there\n"
    "                       are such); read again at SIGHUP\n"
    "  -a, --bind ADDR      where services listen that say nothing themselves (*)\n"
    "  -R, --rate N         starts a minute of a service that says nothing itself (no limit)\n"
    "  --allow-empty        a configuration without any service is no error\n"
    "  --log TARGET         syslog, stderr, or a file (syslog; stderr with -f)\n"
    "  --pidfile FILE       holds its number while it runs, and keeps a second one\n"
    "                       from starting (none)\n"
    "  --status ADDR        where the services' state can be read (nowhere)\n"
    "  --stop-seconds N     time that programs have to finish when it stops (30)\n"
    "  -f, --foreground     stay in the foreground; without, the command ends once\n"
    "                       netiod is ready, or says why it is not\n"
    "  --show               print the configuration as netiod understands it, and end\n"
    "  -t, --test           check the configuration, and end\n"
    "  -V, --version        the version\n"
    "  -h, --help           this text\n";

enum { OPTION_SHOW = 256, OPTION_EMPTY, OPTION_LOG, OPTION_PIDFILE, OPTION_STATUS, OPTION_STOP };

static const char short_options[] = "a:R:ftVh";
static const struct option long_options[] = {
    {"bind", required_argument, NULL, 'a'},
    {"rate", required_argument, NULL, 'R'},
    {"allow-empty", no_argument, NULL, OPTION_EMPTY},
    {"log", required_argument, NULL, OPTION_LOG},
    {"pidfile", required_argument, NULL, OPTION_PIDFILE},
    {"status", required_argument, NULL, OPTION_STATUS},
    {"stop-seconds", required_argument, NULL, OPTION_STOP},
    {"foreground", no_argument, NULL, 'f'},
    {"show", no_argument, NULL, OPTION_SHOW},
    {"test", no_argument, NULL, 't'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* ---- values: NULL, or what is wrong with one ---- */

static const char *set_text(const char **field, const char *text, const char *why)
{
    *field = text;
    return *text ? NULL : why;
}

static const char *set_status(const char **status, const char *text)
{
    *status = text;
    return values_stream(text);
}

static const char *set_rate(unsigned *rate, const char *text)
{
    *rate = 0;
    if (strcmp(text, "0") == 0 || !values_count(rate, text))
        return NULL;
    return "not a number from 0 to 1000000";
}

static const char *set_value(struct options *options, int option, const char *text)
{
    switch (option) {
    case 'a':
        return set_text(&options->config.bind, text, "not an address");
    case 'R':
        return set_rate(&options->config.rate, text);
    case OPTION_LOG:
        return values_log(&options->log, text);
    case OPTION_PIDFILE:
        return set_text(&options->pidfile, text, "not a path");
    case OPTION_STATUS:
        return set_status(&options->config.status, text);
    default:
        return values_seconds(&options->stop_seconds, text);
    }
}

/* ---- all of it ---- */

static enum options_next set_flag(struct options *options, int option)
{
    switch (option) {
    case 'f':
        options->foreground = 1;
        return OPTIONS_RUN;
    case 't':
        options->test = 1;
        return OPTIONS_RUN;
    case OPTION_SHOW:
        options->show = 1;
        return OPTIONS_RUN;
    case OPTION_EMPTY:
        options->config.allow_empty = 1;
        return OPTIONS_RUN;
    case 'V':
        puts("netiod (NetIO) " NETIO_VERSION);
        return OPTIONS_DONE;
    case 'h':
        fputs(options_usage, stdout);
        fputs(help_text, stdout);
        return OPTIONS_DONE;
    default:
        return OPTIONS_WRONG; /* getopt_long has said why */
    }
}

static enum options_next walk(struct options *options, int argc, char **argv,
                              char fault[OPTIONS_FAULT_MAX])
{
    enum options_next next = OPTIONS_RUN;
    int option;

    optind = 0; /* glibc: from the beginning */
    while (next == OPTIONS_RUN &&
           (option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
        const struct option *entry = long_options;
        while (entry->name && entry->val != option)
            entry++;
        const char *why = entry->has_arg ? set_value(options, option, optarg) : NULL;
        if (!entry->has_arg)
            next = set_flag(options, option);
        else if (why) {
            snprintf(fault, OPTIONS_FAULT_MAX, "--%s %s: %s", entry->name, optarg, why);
            next = OPTIONS_WRONG;
        }
    }
    return next;
}

/* Those that are there, of the two that super-servers have always read; the first, if neither is:
 * it is missing then. */
static size_t usual_paths(const char *paths[2])
{
    static const char *const usual[] = {"/etc/inetd.conf", "/etc/inetd.d"};
    size_t count = 0;

    for (size_t i = 0; i < 2; i++)
        if (access(usual[i], F_OK) == 0)
            paths[count++] = usual[i];
    if (count == 0)
        paths[count++] = usual[0];
    return count;
}

/* As they are called from /, where the daemon works. */
static int locate(struct options *options, const char *const *paths, size_t count)
{
    options->copies = calloc(count + 1, sizeof *options->copies);
    for (size_t i = 0; options->copies && i < count; i++)
        if (!(options->copies[i] = path_absolute(paths[i])))
            return -errno;
    options->config.paths = (const char *const *)options->copies;
    options->config.paths_count = count;
    return options->copies ? 0 : -ENOMEM;
}

/* "$CONF" without a CONF would be the folder that it was started in. */
static int are_paths(char *const *words, char fault[OPTIONS_FAULT_MAX])
{
    for (char *const *word = words; *word; word++)
        if (!**word) {
            snprintf(fault, OPTIONS_FAULT_MAX, "conf \"\": not a path");
            return 0;
        }
    return 1;
}

enum options_next options_parse(struct options *options, int argc, char **argv,
                                char fault[OPTIONS_FAULT_MAX])
{
    static char name[] = "netiod";
    const char *usual[2];
    char *self = argc > 0 ? argv[0] : NULL;

    *options = (struct options){.stop_seconds = 30, .folder = getcwd(NULL, 0)};
    *fault = '\0';
    if (argc > 0)
        argv[0] = name; /* what getopt_long's messages begin with */
    options->argv = argv;
    enum options_next next = walk(options, argc, argv, fault);
    if (self)
        argv[0] = self; /* an upgrade's, too */
    if (next != OPTIONS_RUN)
        return next;
    if (!are_paths(argv + optind, fault))
        return OPTIONS_WRONG;
    int code = !options->folder ? -errno
               : optind < argc
                   ? locate(options, (const char *const *)argv + optind, (size_t)(argc - optind))
                   : locate(options, usual, usual_paths(usual));
    if (code == 0)
        return OPTIONS_RUN;
    snprintf(fault, OPTIONS_FAULT_MAX, "the folder it was started in: %s", netio_error_text(code));
    return OPTIONS_BROKEN;
}

void options_free(struct options *options)
{
    for (size_t i = 0; options->copies && options->copies[i]; i++)
        free(options->copies[i]);
    free(options->copies);
    free(options->folder);
}
