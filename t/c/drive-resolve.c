/* Looks a name up and says what came of it, for tests in Perl that build the network around it
 * (t/26-resolve-net.t):
 *
 *     drive-resolve [-4 | -6] [-1] [-f] [-c SECONDS] [-t SECONDS] [-n FILES] [-u UID] HOST
 *
 * -1: takes what there is first and does not wait for the rest; -f: a child frees it, too; -c:
 * cancels after so long; -n: with so many descriptors at most; -u: as that user from the start
 * of the look-up to its end. It prints "answer ADDRESS..." whenever the answer has changed and
 * "done" at the end, or the error as netio_error_str has it; then "code NAME", "first
 * MICROSECONDS" (when the first addresses were there), "elapsed MICROSECONDS", "left N" for
 * descriptors that were not closed, "children N" for processes that are to be waited for,
 * "SIGCHLD N" for how often that signal came, "mask N" for signals that are blocked.  It is the
 * reaper of what is below it, as pid 1 of a container would be. */
#include "drive.h"

#include <netio/resolve.h>

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What the command line asks for. */
struct plan {
    struct drive common;
    const char *host;
    netio_deadline cancel;
    int once, fork;
    uid_t user; /* 0: stay */
};

static long long first_after; /* microseconds; 0: no addresses came */

/* Shows the answer if it is not as long as it was. */
static size_t show(const struct netio_resolve *resolve, size_t shown)
{
    const struct netio_addr *addrs;
    size_t count = netio_resolve_answer(resolve, &addrs);
    char text[NETIO_ADDR_STRLEN];

    if (count == shown)
        return shown;
    printf("answer");
    for (size_t i = 0; i < count; i++)
        printf(" %s", netio_addr_host_str(&addrs[i], text, sizeof text));
    printf("\n");
    return count;
}

static int sigchlds;

/* As a child does that is made in a signal handler, and unwinds. */
static void free_in_child(struct netio_resolve *resolve)
{
    pid_t pid = fork();

    if (pid == 0) {
        netio_resolve_free(resolve);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    sigchlds = 0;
}

static int drive(struct netio_resolve *resolve, const struct plan *plan, int64_t started,
                 struct netio_error *error)
{
    struct netio_want want;
    size_t shown = 0;
    int code;

    for (;;) {
        code = netio_resolve_step(resolve, error);
        if (!code && !first_after)
            first_after = late(started, 0);
        if (!code)
            shown = show(resolve, shown);
        if (code ? code != -EAGAIN : plan->once || !netio_resolve_pending(resolve))
            return code;
        if (plan->cancel && netio_deadline_passed(plan->cancel))
            return netio_error_set(error, NETIO_STAGE_NONE, -ECANCELED, NULL, NULL);
        netio_resolve_want(resolve, &want);
        want.deadline = netio_deadline_sooner(want.deadline, plan->cancel);
        code = netio_want_poll(&want);
        if (code && code != -EINTR)
            return code;
    }
}

static int run(const struct plan *plan, int64_t started)
{
    netio_deadline deadline = drive_deadline(&plan->common);
    struct netio_resolve *resolve;
    struct netio_error error = {0};
    char text[640];
    int code = netio_resolve_start(&resolve, plan->host, plan->common.family, deadline, &error);

    if (plan->user && setresuid(plan->user, plan->user, 0) == -1)
        return -errno;
    if (!code && plan->fork)
        free_in_child(resolve);
    if (!code)
        code = drive(resolve, plan, started, &error);
    netio_resolve_free(resolve);
    if (plan->user && setresuid(0, 0, 0) == -1)
        return -errno;
    printf("%s\n", code ? netio_error_str(&error, text, sizeof text) : "done");
    printf("code %s\n", code ? netio_error_name(code) : "0");
    return code;
}

static int read_option(struct plan *plan, int option)
{
    switch (option) {
    case '1':
        plan->once = 1;
        return 0;
    case 'f':
        plan->fork = 1;
        return 0;
    case 'c':
        plan->cancel = netio_deadline_in(atof(optarg));
        return 0;
    case 'u':
        plan->user = (uid_t)atoi(optarg);
        return 0;
    default:
        return drive_option(&plan->common, option);
    }
}

static void count_sigchld(int number)
{
    (void)number;
    sigchlds++;
}

/* What a helper process would leave behind. */
static void show_children(void)
{
    int children = 0, blocked = 0;
    sigset_t mask;

    while (waitpid(-1, NULL, WNOHANG | __WALL) >= 0)
        children++;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int number = 1; number < NSIG; number++)
        blocked += sigismember(&mask, number) == 1;
    printf("children %d\nSIGCHLD %d\nmask %d\n", children, sigchlds, blocked);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = count_sigchld};
    struct plan plan = {0};
    int option;

    while ((option = getopt(argc, argv, "461fc:t:n:u:")) != -1)
        if (read_option(&plan, option) == -1)
            return 64;
    if (argc - optind != 1)
        skip_all("a driver for tests in Perl");
    plan.host = argv[optind];
    sigaction(SIGCHLD, &action, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    drive_begin(&plan.common);
    run(&plan, plan.common.started);
    printf("first %lld\n", first_after);
    drive_end(&plan.common);
    show_children();
    return 0;
}
