/* Opens a connection and says what came of it, for tests in Perl that build the network
 * around it (t/25-tcpopen-net.t, xt/deadline/tcpopen.t):
 *
 *     drive-tcpopen [-4 | -6] [-t SECONDS] [-n FILES] [-p] HOST SERVICE
 *
 * -n: with so many descriptors at most; -p: the machine polled by a loop.  It prints each
 * attempt as "try ADDRESS: TEXT", then "opened" or the error as netio_error_str has it, then
 * "code NAME", "elapsed MICROSECONDS", and "left N" for descriptors that were not closed. */
#include "tap.h"

#include <netio/loop.h>
#include <netio/tcpopen.h>

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>

static int open_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");

    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

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

static int drive(struct netio_tcpopen *machine, int in_loop, struct netio_error *error)
{
    struct netio_loop *loop = NULL;
    struct netio_want want;
    int code = in_loop ? netio_loop_new(&loop, 0) : 0;

    while (!code && (code = netio_tcpopen_step(machine, error)) == -EAGAIN) {
        netio_tcpopen_want(machine, &want);
        code = in_loop ? wait_in_loop(loop, &want) : netio_want_poll(&want);
    }
    netio_loop_free(loop);
    return code;
}

static void show_attempts(const struct netio_tcpopen *machine)
{
    const struct netio_attempt *attempts;
    size_t count = netio_tcpopen_attempts(machine, &attempts);
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; i < count; i++)
        printf("try %s: %s\n", netio_addr_str(&attempts[i].address, text, sizeof text),
               attempts[i].code ? netio_error_text(attempts[i].code) : "connected");
}

static int run(const char *host, const char *service, struct netio_tcpopen_options *options,
               int in_loop)
{
    struct netio_tcpopen *machine;
    struct netio_error error = {0};
    char text[320];
    int code = netio_tcpopen_start(&machine, host, service, options, &error);

    if (!code) {
        code = drive(machine, in_loop, &error);
        show_attempts(machine);
        netio_tcpopen_free(machine);
    }
    printf("%s\n", code >= 0 ? "opened" : netio_error_str(&error, text, sizeof text));
    printf("code %s\n", code >= 0 ? "0" : netio_error_name(code));
    if (code >= 0)
        netio_fd_close(code);
    return code;
}

int main(int argc, char **argv)
{
    struct netio_tcpopen_options options = {0};
    double seconds = 0;
    int opt, in_loop = 0;

    while ((opt = getopt(argc, argv, "46t:n:p")) != -1)
        switch (opt) {
        case '4':
            options.family = AF_INET;
            break;
        case '6':
            options.family = AF_INET6;
            break;
        case 't':
            seconds = atof(optarg);
            break;
        case 'n':
            setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)atoi(optarg), (rlim_t)atoi(optarg)});
            break;
        case 'p':
            in_loop = 1;
            break;
        default:
            return 64;
        }
    if (argc - optind != 2)
        skip_all("a driver for tests in Perl");
    int before = open_descriptors();
    int64_t started = netio_clock_now();
    options.deadline = seconds > 0 ? netio_deadline_in(seconds) : NETIO_NEVER;
    run(argv[optind], argv[optind + 1], &options, in_loop);
    printf("elapsed %lld\n", (long long)(netio_clock_now() - started) / 1000);
    printf("left %d\n", open_descriptors() - before);
    (void)tap_done;
    return 0;
}
