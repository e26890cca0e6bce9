/* Opens a connection and says what came of it, for tests in Perl that build the network
 * around it (t/25-open-net.t, xt/deadline/open.t):
 *
 *     drive-open [-4 | -6] [-t SECONDS] [-n FILES] [-p] [-s] [-r TIMES [-o]] HOST SERVICE
 *
 * -n: with so many descriptors at most; -p: the machine hosted by a loop; -s: under a signal
 * every 200 microseconds.  It prints each attempt as "try ADDRESS: TEXT", then "opened" or the
 * error as netio_error_str has it, then "code NAME", "elapsed MICROSECONDS", and "left N" for
 * descriptors that were not closed.  -r: only "late MICROSECONDS", so many times: how long
 * after SECONDS it ended, and for comparison "bare MICROSECONDS", the same of a poll(2).  -o: then
 * it opens after SECONDS, and its deadline is a minute. */
#include "descriptors.h"
#include "tap.h"

#include <netio/loop.h>
#include <netio/open.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

/* What the command line asks for. */
struct plan {
    const char *host, *service;
    double seconds; /* 0: no deadline */
    int family, in_loop, times, opens;
    rlim_t files; /* 0: no limit */
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

static int drive(struct netio_open *machine, int in_loop, struct netio_error *error)
{
    struct netio_loop *loop = NULL;
    struct netio_want want;
    int code = in_loop ? netio_loop_new(&loop, 0) : 0;

    while (!code && (code = netio_open_step(machine, error)) == -EAGAIN) {
        netio_open_want(machine, &want);
        code = in_loop ? wait_in_loop(loop, &want) : netio_want_poll(&want);
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

static int run(const char *host, const char *service, struct netio_open_options *options,
               int in_loop)
{
    struct netio_open *machine;
    struct netio_error error = {0};
    char text[320];
    int code = netio_tcpopen_start(&machine, host, service, options, &error);

    if (!code) {
        code = drive(machine, in_loop, &error);
        show_attempts(machine);
        netio_open_free(machine);
    }
    printf("%s\n", code >= 0 ? "opened" : netio_error_str(&error, text, sizeof text));
    printf("code %s\n", code >= 0 ? "0" : netio_error_name(code));
    if (code >= 0)
        netio_fd_close(code);
    return code;
}

static void nothing_at_all(int number)
{
    (void)number;
}

static void begin_storm(void)
{
    const struct itimerval storm = {{0, 200}, {0, 200}};
    struct sigaction action = {.sa_handler = nothing_at_all};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &storm, NULL);
}

/* Microseconds from a moment and so many seconds to now. */
static long long late(int64_t started, double seconds)
{
    return (netio_clock_now() - started - (int64_t)(seconds * 1e9)) / 1000;
}

/* A bare poll(2), once more after each signal. */
static void wait_bare(int64_t started, double seconds)
{
    long long left;

    while ((left = -late(started, seconds)) > 0)
        poll(NULL, 0, (int)((left + 999) / 1000));
}

static int compare(const struct plan *plan)
{
    for (int i = 0; i < plan->times; i++) {
        int64_t started = netio_clock_now();
        struct netio_open_options options = {
            .deadline = netio_deadline_in(plan->opens ? 60 : plan->seconds),
            .family = plan->family};
        int code = netio_tcpopen(plan->host, plan->service, &options, NULL);
        if (plan->opens ? code < 0 : code != -ETIMEDOUT)
            return 1;
        netio_fd_close(code);
        printf("late %lld\n", late(started, plan->seconds));
        started = netio_clock_now();
        wait_bare(started, plan->seconds);
        printf("bare %lld\n", late(started, plan->seconds));
    }
    return 0;
}

static void drive_once(const struct plan *plan)
{
    struct netio_open_options options = {.family = plan->family};
    struct rlimit limit, few;
    int before = open_descriptors();
    int64_t started = netio_clock_now();

    getrlimit(RLIMIT_NOFILE, &limit);
    few = limit;
    if (plan->files)
        few.rlim_cur = plan->files;
    if (plan->seconds > 0)
        options.deadline = netio_deadline_in(plan->seconds);
    setrlimit(RLIMIT_NOFILE, &few);
    run(plan->host, plan->service, &options, plan->in_loop);
    setrlimit(RLIMIT_NOFILE, &limit);
    printf("elapsed %lld\n", late(started, 0));
    printf("left %d\n", open_descriptors() - before);
}

static int read_option(struct plan *plan, int option)
{
    switch (option) {
    case '4':
        plan->family = AF_INET;
        return 0;
    case '6':
        plan->family = AF_INET6;
        return 0;
    case 't':
        plan->seconds = atof(optarg);
        return 0;
    case 'n':
        plan->files = (rlim_t)atoi(optarg);
        return 0;
    case 'o':
        plan->opens = 1;
        return 0;
    case 'p':
        plan->in_loop = 1;
        return 0;
    case 'r':
        plan->times = atoi(optarg);
        return 0;
    case 's':
        begin_storm();
        return 0;
    default:
        return -1;
    }
}

int main(int argc, char **argv)
{
    struct plan plan = {0};
    int option;

    while ((option = getopt(argc, argv, "46t:n:opr:s")) != -1)
        if (read_option(&plan, option) == -1)
            return 64;
    if (argc - optind != 2)
        skip_all("a driver for tests in Perl");
    plan.host = argv[optind];
    plan.service = argv[optind + 1];
    if (plan.times)
        return compare(&plan);
    drive_once(&plan);
    (void)tap_done;
    return 0;
}
