/* Opens a connection and says what came of it, for tests in Perl that build the network
 * around it (t/25-open-net.t, xt/deadline/open.t):
 *
 *     drive-open [-4 | -6] [-t SECONDS] [-n FILES] [-f] [-p] [-s] [-r TIMES [-o]] HOST SERVICE
 *
 * -n: with so many descriptors at most; -f: a child of fork frees its copy of the machine before
 * each wait; -p: the machine hosted by a loop; -s: under a signal
 * every 200 microseconds.  It prints each attempt as "try ADDRESS: TEXT", then "opened" or the
 * error as netio_error_str has it, then "code NAME", "elapsed MICROSECONDS", and "left N" for
 * descriptors that were not closed.  -r: only "late MICROSECONDS", so many times: how long
 * after SECONDS it ended, and for comparison "bare MICROSECONDS", the same of a poll(2).  -o: then
 * it opens after SECONDS, and its deadline is a minute. */
#include "drive.h"

#include <netio/loop.h>
#include <netio/open.h>

#include <errno.h>
#include <sys/wait.h>

/* What the command line asks for. */
struct plan {
    struct drive common;
    const char *host, *service;
    int in_loop, forks, opens;
};

static void nothing(struct netio_watch *watch, unsigned events)
{
    (void)watch;
    (void)events;
}

static void nothing_either(struct netio_timer *timer)
{
    (void)timer;
}

/* One step of the loop that hosts the machine. */
static int wait_in_loop(struct netio_loop *loop, const struct netio_want *want)
{
    struct netio_watch watch = {.ready = nothing};
    struct netio_timer timer = {.fire = nothing_either};
    int code = want->fd >= 0 ? netio_watch_start(loop, &watch, want->fd, want->events) : 0;

    if (!code)
        code = netio_timer_start(loop, &timer, want->deadline);
    if (!code)
        code = netio_loop_step(loop, NETIO_NEVER);
    netio_timer_stop(&timer);
    netio_watch_stop(&watch);
    return code < 0 ? code : 0;
}

static void free_in_child(struct netio_open *machine)
{
    pid_t pid = fork();

    if (pid == 0) {
        netio_open_free(machine);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static int drive(struct netio_open *machine, const struct plan *plan, struct netio_error *error)
{
    struct netio_loop *loop = NULL;
    struct netio_want want;
    int code = plan->in_loop ? netio_loop_new(&loop, 0) : 0;

    while (!code && (code = netio_open_step(machine, error)) == -EAGAIN) {
        if (plan->forks)
            free_in_child(machine);
        netio_open_want(machine, &want);
        code = plan->in_loop ? wait_in_loop(loop, &want) : netio_want_poll(&want);
    }
    netio_loop_free(loop);
    return code;
}

static void show_attempts(const struct netio_open *machine)
{
    const struct netio_attempt *attempts;
    size_t count = netio_open_attempts(machine, &attempts);
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; i < count; i++)
        printf("try %s: %s\n", netio_addr_str(&attempts[i].address, text, sizeof text),
               attempts[i].code ? netio_error_text(attempts[i].code) : "connected");
}

static int run(const struct plan *plan, const struct netio_open_options *options)
{
    struct netio_open *machine;
    struct netio_error error = {0};
    char text[320];
    int code = netio_tcpopen_start(&machine, plan->host, plan->service, options, &error);

    if (!code) {
        code = drive(machine, plan, &error);
        show_attempts(machine);
        netio_open_free(machine);
    }
    printf("%s\n", code >= 0 ? "opened" : netio_error_str(&error, text, sizeof text));
    printf("code %s\n", code >= 0 ? "0" : netio_error_name(code));
    if (code >= 0)
        netio_fd_close(code);
    return code;
}

static int compare(const struct plan *plan)
{
    double seconds = plan->common.seconds;

    for (int i = 0; i < plan->common.times; i++) {
        int64_t started = netio_clock_now();
        struct netio_open_options options = {
            .deadline = netio_deadline_in(plan->opens ? 60 : seconds),
            .family = plan->common.family};
        int code = netio_tcpopen(plan->host, plan->service, &options, NULL);
        if (plan->opens ? code < 0 : code != -ETIMEDOUT)
            return 1;
        netio_fd_close(code);
        printf("late %lld\n", late(started, seconds));
        late_bare(seconds);
    }
    return 0;
}

static void drive_once(struct plan *plan)
{
    drive_begin(&plan->common);
    struct netio_open_options options = {.family = plan->common.family,
                                         .deadline = drive_deadline(&plan->common)};
    run(plan, &options);
    drive_end(&plan->common);
}

static int read_option(struct plan *plan, int option)
{
    switch (option) {
    case 'f':
        plan->forks = 1;
        return 0;
    case 'o':
        plan->opens = 1;
        return 0;
    case 'p':
        plan->in_loop = 1;
        return 0;
    default:
        return drive_option(&plan->common, option);
    }
}

int main(int argc, char **argv)
{
    struct plan plan = {0};
    int option;

    while ((option = getopt(argc, argv, "46ft:n:opr:s")) != -1)
        if (read_option(&plan, option) == -1)
            return 64;
    if (argc - optind != 2)
        skip_all("a driver for tests in Perl");
    plan.host = argv[optind];
    plan.service = argv[optind + 1];
    if (plan.common.times)
        return compare(&plan);
    drive_once(&plan);
    return 0;
}
