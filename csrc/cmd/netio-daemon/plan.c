/* netio-daemon: the command line, as a table of options; see plan.h. */
#include "plan.h"
#include "words.h"

#include "common/report.h"

#include <netio/version.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static int wrong_value(const char *option, const char *value, const char *why)
{
    return report_wrong("--%s %s: %s", option, report_safe(value), why);
}

/* A copy of value, which may be made absolute later. */
static int keep(char **copy, const char *option, const char *value)
{
    free(*copy);
    *copy = strdup(value);
    if (*copy)
        return *value ? GO_ON : wrong_value(option, value, "not a path");
    report_wrong("%s", netio_error_text(-ENOMEM));
    return EX_OSERR;
}

static int read_pidfile(struct plan *plan, const char *value)
{
    return keep(&plan->pidfile, "pidfile", value);
}

static int read_log(struct plan *plan, const char *value)
{
    if (strcmp(value, "syslog") != 0 && strcmp(value, "stderr") != 0 && !strchr(value, '/'))
        return wrong_value("log", value, "neither syslog, nor stderr, nor a path");
    if (!plan->foreground && strcmp(value, "stderr") == 0)
        return wrong_value("log", value, "only with run");
    return keep(&plan->log, "log", value);
}

static int read_user(struct plan *plan, const char *value)
{
    plan->user = value;
    return GO_ON;
}

static int read_directory(struct plan *plan, const char *value)
{
    return keep(&plan->directory, "directory", value);
}

static int read_root(struct plan *plan, const char *value)
{
    return keep(&plan->root, "chroot", value);
}

static int read_umask(struct plan *plan, const char *value)
{
    int code = words_umask(value, &plan->world.umask);

    return code ? wrong_value("umask", value, "not an octal number up to 777") : GO_ON;
}

static int read_env(struct plan *plan, const char *value)
{
    if (!*value || *value == '=' || *value == '*')
        return wrong_value("env", value, "neither NAME nor NAME=VALUE");
    plan->names[plan->names_count++] = value;
    return GO_ON;
}

static int read_limit(struct plan *plan, const char *value)
{
    struct netio_rlimit limit;

    if (words_limit(value, &limit) != 0)
        return wrong_value("limit", value, "not a limit as in nofile=1024 or nofile=1024:4096");
    plan->limits[plan->world.limits_count++] = limit;
    return GO_ON;
}

static int read_capability(struct plan *plan, const char *value)
{
    uint64_t bit;

    if (words_capability(value, &bit) != 0)
        return wrong_value("capability", value, "not a capability as in net_bind_service");
    plan->world.privileges.capabilities |= bit;
    return GO_ON;
}

static int read_setuid(struct plan *plan, const char *value)
{
    (void)value;
    plan->world.privileges.flags |= NETIO_PRIVILEGES_MORE;
    return GO_ON;
}

static int read_ready(struct plan *plan, const char *value)
{
    if (strcmp(value, "exec") == 0)
        plan->rules.ready = MACHINE_READY_EXEC;
    else if (strcmp(value, "notify") == 0)
        plan->rules.ready = MACHINE_READY_NOTIFY;
    else if (words_seconds(value, &plan->rules.settle_seconds) == 0)
        plan->rules.ready = MACHINE_READY_AFTER;
    else
        return wrong_value("ready", value, "neither exec, nor notify, nor a number of seconds");
    return GO_ON;
}

static int read_restart(struct plan *plan, const char *value)
{
    static const char *const words[] = {
        [MACHINE_RESTART_NO] = "no",
        [MACHINE_RESTART_ON_FAILURE] = "on-failure",
        [MACHINE_RESTART_ALWAYS] = "always",
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(value, words[i]) == 0) {
            plan->rules.restart = (enum machine_restart)i;
            return GO_ON;
        }
    }
    return wrong_value("restart", value, "neither no, nor on-failure, nor always");
}

static int read_seconds(const char *option, const char *value, double *seconds)
{
    int code = words_seconds(value, seconds);

    return code ? wrong_value(option, value, "not a number of seconds up to 86400") : GO_ON;
}

static int read_ready_seconds(struct plan *plan, const char *value)
{
    return read_seconds("ready-seconds", value, &plan->rules.ready_seconds);
}

static int read_stop_seconds(struct plan *plan, const char *value)
{
    return read_seconds("stop-seconds", value, &plan->rules.stop_seconds);
}

static int say_version(struct plan *plan, const char *value)
{
    (void)plan, (void)value;
    printf("netio-daemon (NetIO) %s\n", NETIO_VERSION);
    return EX_OK;
}

static int say_help(struct plan *plan, const char *value)
{
    (void)plan, (void)value;
    plan_help();
    return EX_OK;
}

static const struct row {
    const char *name;
    int letter; /* 0: none */
    int has_value;
    unsigned audience;
    int (*read)(struct plan *plan, const char *value);
} rows[] = {
    {"pidfile", 0, 1, PLAN_ALL, read_pidfile},
    {"user", 0, 1, PLAN_START, read_user},
    {"log", 0, 1, PLAN_START, read_log},
    {"directory", 0, 1, PLAN_START, read_directory},
    {"chroot", 0, 1, PLAN_START, read_root},
    {"umask", 0, 1, PLAN_START, read_umask},
    {"env", 0, 1, PLAN_START, read_env},
    {"limit", 0, 1, PLAN_START, read_limit},
    {"capability", 0, 1, PLAN_START, read_capability},
    {"allow-setuid", 0, 0, PLAN_START, read_setuid},
    {"ready", 0, 1, PLAN_START, read_ready},
    {"ready-seconds", 0, 1, PLAN_START, read_ready_seconds},
    {"restart", 0, 1, PLAN_START, read_restart},
    {"stop-seconds", 0, 1, PLAN_START | PLAN_STOP, read_stop_seconds},
    {"version", 'V', 0, PLAN_ALL, say_version},
    {"help", 0, 0, PLAN_ALL, say_help},
};

enum { ROWS = sizeof rows / sizeof *rows, FIRST = 256 }; /* getopt_long: FIRST + row */

static int read_option(struct plan *plan, unsigned audience, int option)
{
    for (int i = 0; i < ROWS; i++) {
        if (option != FIRST + i && (option != rows[i].letter || !rows[i].letter))
            continue;
        if (!(rows[i].audience & audience))
            return report_wrong("--%s: not with this command", rows[i].name);
        return rows[i].read(plan, optarg);
    }
    return plan_usage();
}

static int read_options(struct plan *plan, unsigned audience, int argc, char **argv)
{
    struct option options[ROWS + 1] = {0};
    int option, status = GO_ON;

    for (int i = 0; i < ROWS; i++)
        options[i] = (struct option){rows[i].name, rows[i].has_value, NULL, FIRST + i};
    opterr = 0;
    optind = 1;
    while (status == GO_ON && (option = getopt_long(argc, argv, "+V", options, NULL)) != -1)
        status = read_option(plan, audience, option);
    return status;
}

/* No more of each than there are words. */
static int allocate(struct plan *plan, int argc)
{
    plan->names = calloc((size_t)argc + 1, sizeof *plan->names);
    plan->limits = calloc((size_t)argc + 1, sizeof *plan->limits);
    if (plan->names && plan->limits)
        return GO_ON;
    report_wrong("%s", netio_error_text(-ENOMEM));
    return EX_OSERR;
}

/* What the name and the program are. */
static int read_words(struct plan *plan, unsigned audience, const char *name, char **rest)
{
    if (!name)
        return plan_usage();
    if (words_name(name) != 0)
        return report_wrong("%s: not a name of a daemon", report_safe(name));
    plan->name = name;
    plan->program = rest;
    if ((audience & PLAN_START) ? !*rest : *rest != NULL)
        return plan_usage();
    return GO_ON;
}

int plan_read(struct plan *plan, unsigned audience, int argc, char **argv)
{
    char *name = argc > 1 && *argv[1] != '-' ? argv[1] : NULL;
    int shift = name ? 1 : 0, status = allocate(plan, argc);

    /* Who looks on sees how it goes; the others are told of what ends at once. */
    plan->rules.ready = plan->foreground ? MACHINE_READY_EXEC : MACHINE_READY_AFTER;
    plan->rules.settle_seconds = 1;
    plan->rules.ready_seconds = 60;
    plan->rules.stop_seconds = 10;
    if (status == GO_ON)
        status = read_options(plan, audience, argc - shift, argv + shift);
    if (status == GO_ON)
        status = read_words(plan, audience, name, argv + shift + optind);
    return status;
}
