/* netio-daemon: makes a daemon of any program; see netio-daemon(8).
 *
 * The subcommands are one table.  start and run become the supervisor (netio-daemon/supervisor.c),
 * the others speak to one that runs (netio-daemon/control.c).  It uses the public headers of
 * libnetio and nothing else of it. */
#include "common/report.h"
#include "common/standard.h"
#include "netio-daemon/control.h"
#include "netio-daemon/supervisor.h"

#include <netio/fd.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const char program_name[] = "netio-daemon";

static int start(const struct plan *plan)
{
    return supervisor_run(plan);
}

static const struct command {
    const char *name;
    unsigned audience;
    int (*run)(const struct plan *plan);
    const char *help;
} commands[] = {
    {"start", PLAN_START, start, "in the background, and returns when it is ready"},
    {"run", PLAN_START, start, "in the foreground, for a service manager or to look on"},
    {"stop", PLAN_STOP, control_stop, "ends it, and returns when it has ended"},
    {"status", PLAN_OTHER, control_status, "says whether it runs; exits with 0, 1, 3 or 4"},
    {"reload", PLAN_OTHER, control_reload, "sends the program SIGHUP"},
    {"reopen", PLAN_OTHER, control_reopen, "opens the log again, after rotation"},
};

static const char usage_line[] =
    "usage: netio-daemon {start|run} NAME [OPTION...] -- PROGRAM ARG...\n"
    "       netio-daemon {stop|status|reload|reopen} NAME [OPTION...]\n";

static const char options_text[] =
    "\n"
    "  --pidfile FILE        /run/NAME.pid, or for a user $XDG_RUNTIME_DIR/NAME.pid\n"
    "  --user NAME[:GROUP]   whom the program becomes\n"
    "  --log TARGET          syslog, a file, or for run: stderr (syslog; run: stderr)\n"
    "  --directory FOLDER    where the program starts (/)\n"
    "  --chroot FOLDER       its root\n"
    "  --umask OCTAL         (022)\n"
    "  --env NAME[=VALUE]    passes on a variable, or sets it; NAME* all that begin so\n"
    "  --limit NAME=N[:MAX]  such as nofile=4096, core=unlimited; see setrlimit(2)\n"
    "  --capability NAME     keeps it for the program, such as net_bind_service\n"
    "  --allow-setuid        what the program executes may gain privileges\n"
    "  --ready HOW           exec, notify, or seconds that it stays alive (1; run: exec)\n"
    "  --ready-seconds N     how long it may take to be ready (60)\n"
    "  --restart WHEN        no, on-failure or always (no)\n"
    "  --stop-seconds N      how long it may take to end; then it is killed (10)\n"
    "  -V, --version         says which version this is\n"
    "  --help                says this\n"
    "\n"
    "See netio-daemon(8).\n";

int plan_usage(void)
{
    fputs(usage_line, stderr);
    return EX_USAGE;
}

void plan_help(void)
{
    fputs(usage_line, stdout);
    putchar('\n');
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("  %-8s%s\n", commands[i].name, commands[i].help);
    fputs(options_text, stdout);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* Options before any subcommand: --help and --version are for everybody. */
static int without_command(struct plan *plan, int argc, char **argv)
{
    if (argc < 2 || *argv[1] != '-')
        return plan_usage();
    return plan_read(plan, PLAN_ALL, argc, argv); /* which misses the name at least */
}

static int run_command(const struct command *command, struct plan *plan, int argc, char **argv)
{
    plan->foreground = strcmp(command->name, "run") == 0;
    int status = plan_read(plan, command->audience, argc, argv);

    if (status == GO_ON)
        status = command->audience == PLAN_START ? plan_prepare(plan) : plan_prepare_pidfile(plan);
    return status == GO_ON ? command->run(plan) : status;
}

int main(int argc, char **argv)
{
    const struct command *command = find_command(argc > 1 ? argv[1] : NULL);
    struct plan plan = {0};
    int code = netio_fd_standard();

    if (code) {
        fprintf(stderr, "%s: /dev/null: %s\n", program_name, netio_error_text(code));
        return EX_OSERR;
    }
    int status = command ? run_command(command, &plan, argc - 1, argv + 1)
                         : without_command(&plan, argc, argv);
    plan_free(&plan);
    return standard_end(status);
}
