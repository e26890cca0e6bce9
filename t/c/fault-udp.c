/* Every call that netio_udp_ask makes fails in turn: to one server, to two of which one refuses,
 * to names, from a port of ours, and cancelled in the middle (A25, A26). */
#include "fault.h"
#include "hurry.h"
#include "port.h"

#include <netio/error.h>
#include <netio/udp.h>

static int server, refusing;
static char names[4][40];
static const char *const alone[] = {names[0]}, *const second[] = {names[1], names[0]},
                  *const named[] = {names[2], "x:none", names[3]};
static struct netio_udp_question asked;
static struct netio_udp_options options;

static unsigned bind_here(int *fd)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;

    *fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(*fd, (struct sockaddr *)&in, sizeof in) ||
        getsockname(*fd, (struct sockaddr *)&in, &len))
        abort();
    return ntohs(in.sin_port);
}

/* Whoever has asked is told twice. */
static void serve(void)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    char request[16];

    fault_off();
    while (recvfrom(server, request, sizeof request, 0, (struct sockaddr *)&from, &len) >= 0)
        for (int i = 0; i < 2; i++)
            (void)sendto(server, "yes", 3, 0, (struct sockaddr *)&from, sizeof from);
    fault_on();
}

static int known(long code)
{
    return code >= 0 || strcmp(netio_error_name((int)code), "UNKNOWN") != 0;
}

/* Each attempt has a result that its server explains. */
static int attempts_wrong(struct netio_udp_ask *ask, ssize_t n)
{
    const struct netio_udp_attempt *attempts;
    size_t count = netio_udp_ask_attempts(ask, &attempts);
    int wrong = 0, answered = 0;

    for (size_t i = 0; i < count; i++) {
        answered += attempts[i].code == 0;
        wrong += !known(attempts[i].code) || !*attempts[i].server || attempts[i].elapsed < 0;
    }
    return wrong || answered != (n >= 0);
}

static int question(void)
{
    struct netio_error error = {0};
    struct netio_udp_ask *ask;
    struct netio_want want;
    const char *answer;
    char text[640];

    options.deadline = netio_deadline_in(0.04);
    ssize_t n = netio_udp_ask_start(&ask, &asked, &options, &error);
    if (n)
        return ask || n > 0 || error.code != n || !known(n);
    while ((n = netio_udp_ask_step(ask, &answer, NULL, &error)) == -EAGAIN) {
        serve();
        netio_udp_ask_want(ask, &want);
        (void)netio_want_poll(&want);
    }
    int wrong = n >= 0 ? n != 3 || memcmp(answer, "yes", 3) != 0
                       : error.code != n || !known(n) ||
                             !*netio_error_str(&error, text, sizeof text);
    wrong += attempts_wrong(ask, n);
    netio_udp_ask_free(ask);
    return wrong;
}

/* The call that blocks: the answer comes while the first wait lasts, or never. */
static int call(void)
{
    char reply[8];

    options.deadline = netio_deadline_in(0.01);
    ssize_t n = netio_udp_ask(&asked, reply, sizeof reply, NULL, &options, NULL);
    serve();
    return n >= 0 || !known(n);
}

static int cancel(void)
{
    struct netio_udp_ask *ask;
    const char *answer;
    struct netio_want want;

    options.deadline = NETIO_NEVER;
    if (netio_udp_ask_start(&ask, &asked, &options, NULL) < 0)
        return 0;
    ssize_t n = netio_udp_ask_step(ask, &answer, NULL, NULL);
    netio_udp_ask_want(ask, &want);
    netio_udp_ask_free(ask);
    serve();
    return !known(n);
}

static void ask_of(const char *const *servers, size_t count)
{
    asked = (struct netio_udp_question){
        .servers = servers, .count = count, .request = "?", .size = 1};
    options = (struct netio_udp_options){.first_wait = 5000000};
}

int main(void)
{
    const struct sockaddr_in nobody = {
        .sin_family = AF_INET, .sin_port = 9, .sin_addr.s_addr = htonl(0x7f000009)};
    unsigned port = bind_here(&server);

    snprintf(names[0], sizeof names[0], "127.0.0.1:%u", port);
    snprintf(names[1], sizeof names[1], "127.0.0.1:%u", bind_here(&refusing));
    snprintf(names[2], sizeof names[2], "localhost:%u", port);
    snprintf(names[3], sizeof names[3], "nobody.invalid:%u", port);
    if (connect(refusing, (const void *)&nobody, sizeof nobody))
        abort();
    ask_of(alone, 1);
    fault_walk("one server", question);
    fault_walk("cancelled", cancel);
    fault_walk("silent", call);
    ask_of(second, 2);
    fault_walk("the second one", question);
    options.source = "127.0.0.1";
    options.source_port = free_port();
    fault_walk("from a port of ours", question);
    ask_of(named, 3);
    fault_walk("names", question);
    return tap_done();
}
