/* Asks servers over UDP and says what came of it, for tests in Perl that build the network
 * around it (t/28-udp-net.t, xt/deadline):
 *
 *     drive-udp [-4 | -6] [-t SECONDS] [-w MILLISECONDS] [-z BYTES] [-s] [-r TIMES] SERVER...
 *
 * -w: the first wait; -z: a request of that length; -s: under a signal every 200 microseconds.
 * The service is 4343.  It prints each attempt as "try SERVER ADDRESS: TEXT (asked N)", then
 * "answer BYTES from ADDRESS" or the error as netio_error_str has it, then "code NAME", "elapsed
 * MICROSECONDS", and "left N" for descriptors that were not closed.  -r: only "late
 * MICROSECONDS", so many times: how long after SECONDS it ended, and for comparison "bare
 * MICROSECONDS", the same of a poll(2). */
#include "drive.h"

#include <netio/udp.h>

#include <errno.h>

/* What the command line asks for. */
struct plan {
    struct drive common;
    struct netio_udp_question question;
    long wait;
};

static void show_attempts(struct netio_udp_ask *ask)
{
    const struct netio_udp_attempt *attempts;
    size_t count = netio_udp_ask_attempts(ask, &attempts);
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; i < count; i++)
        printf("try %s %s: %s (asked %u)\n", attempts[i].server,
               netio_addr_str(&attempts[i].address, text, sizeof text),
               attempts[i].code ? netio_error_text(attempts[i].code) : "answered",
               attempts[i].asked);
}

static ssize_t drive(struct netio_udp_ask *ask, struct netio_addr *from, struct netio_error *error)
{
    struct netio_want want;
    const char *answer;
    ssize_t n;

    while ((n = netio_udp_ask_step(ask, &answer, from, error)) == -EAGAIN) {
        netio_udp_ask_want(ask, &want);
        if ((n = netio_want_poll(&want)) < 0 && n != -EINTR)
            break;
    }
    return n;
}

static void run(const struct plan *plan, const struct netio_udp_options *options)
{
    struct netio_udp_ask *ask;
    struct netio_addr from;
    struct netio_error error = {0};
    char text[640];
    ssize_t n = netio_udp_ask_start(&ask, &plan->question, options, &error);

    if (n == 0) {
        n = drive(ask, &from, &error);
        show_attempts(ask);
        netio_udp_ask_free(ask);
    }
    if (n >= 0)
        printf("answer %zd from %s\n", n, netio_addr_str(&from, text, sizeof text));
    else
        printf("%s\n", netio_error_str(&error, text, sizeof text));
    printf("code %s\n", n >= 0 ? "0" : netio_error_name((int)n));
}

static struct netio_udp_options options_of(const struct plan *plan)
{
    return (struct netio_udp_options){.family = plan->common.family,
                                      .first_wait = plan->wait * 1000000,
                                      .deadline = drive_deadline(&plan->common)};
}

static int compare(const struct plan *plan)
{
    char reply[1];

    for (int i = 0; i < plan->common.times; i++) {
        int64_t started = netio_clock_now();
        struct netio_udp_options options = options_of(plan);
        if (netio_udp_ask(&plan->question, reply, sizeof reply, NULL, &options, NULL) != -ETIMEDOUT)
            return 1;
        printf("late %lld\n", late(started, plan->common.seconds));
        late_bare(plan->common.seconds);
    }
    return 0;
}

static int read_option(struct plan *plan, int option)
{
    switch (option) {
    case 'w':
        plan->wait = atol(optarg);
        return 0;
    case 'z':
        plan->question.size = (size_t)atol(optarg);
        return 0;
    default:
        return drive_option(&plan->common, option);
    }
}

int main(int argc, char **argv)
{
    static char request[65507];
    struct plan plan = {.question = {.service = "4343", .request = request, .size = 8}};
    int option;

    while ((option = getopt(argc, argv, "46t:w:z:r:s")) != -1)
        if (read_option(&plan, option) == -1 || plan.question.size > sizeof request)
            return 64;
    if (argc == optind)
        skip_all("a driver for tests in Perl");
    plan.question.servers = (const char *const *)argv + optind;
    plan.question.count = (size_t)(argc - optind);
    if (plan.common.times)
        return compare(&plan);
    drive_begin(&plan.common);
    struct netio_udp_options options = options_of(&plan);
    run(&plan, &options);
    drive_end(&plan.common);
    return 0;
}
