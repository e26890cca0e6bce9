/* Ring 1.  A question to several servers over UDP; see netio/udp.h.
 * Called by clients in C and, through XS, in Perl.  Who is to be asked is udp_server.c's to
 * find out, the asking of one udp_target.c's; here are the turns and the end.
 *
 *      start ──► ┌────────┐  a datagram that is an answer   ┌──────────┐
 *                │ ASKING │ ──────────────────────────────► │ ANSWERED │
 *           ┌──► └───┬────┘                                 └──────────┘
 *           │        │    │  the deadline; all have failed; ┌──────────┐
 *           └────────┘    │  all have kept silent           │          │
 *      a turn: the next   └───────────────────────────────► │  FAILED  │
 *      one is asked          for so many rounds             └──────────┘
 *
 * A turn comes when the wait for the one asked last is over, or that one has failed.  It goes to
 * the one that has had the fewest; of those, to a server's first address before another one's
 * second, and then in the order of the list. */
#include "net/udp.h"

#include <netio/clock.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS       4            /* without a deadline */
#define FIRST_WAIT   NETIO_SECOND /* RFC 8085 section 3.1.1 */
#define LEAST_WAIT   1000000LL    /* a shorter one would be a flood, and steps without an end */
#define LONGEST_WAIT (3600 * FIRST_WAIT)
#define REQUEST_MAX  65507        /* IPv4: 65,535 less two headers */

static int bad_option(struct netio_error *error, const char *name)
{
    return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, name);
}

/* The source decides on the family. */
static int set_family(struct netio_udp_ask *ask, int family, struct netio_error *error)
{
    int own = netio_addr_family(&ask->dial.source);

    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return bad_option(error, "family");
    if (own != AF_UNSPEC && family != AF_UNSPEC && own != family)
        return bad_option(error, "source");
    ask->family = own != AF_UNSPEC ? own : family;
    return 0;
}

static int set_options(struct netio_udp_ask *ask, const struct netio_udp_options *options,
                       struct netio_error *error)
{
    static const struct netio_udp_options defaults;
    const struct netio_udp_options *given = options ? options : &defaults;
    const struct netio_open_options end = {
        .source = given->source, .source_port = given->source_port, .reserved = given->reserved};

    ask->deadline = given->deadline;
    ask->valid = given->valid;
    ask->data = given->data;
    ask->first_wait = given->first_wait ? given->first_wait : FIRST_WAIT;
    if (ask->first_wait < LEAST_WAIT || ask->first_wait > LONGEST_WAIT)
        return bad_option(error, "first_wait");
    int code = netio__dial_set(&ask->dial, SOCK_DGRAM, &end, error);
    return code ? code : set_family(ask, given->family, error);
}

/* One allocation for the servers' texts, the request, and the answer: the caller's need not
 * live on, and Perl's may change in a callback. */
static int copy_question(struct netio_udp_ask *ask, const struct netio_udp_question *question)
{
    size_t size = NETIO__UDP_ANSWER_MAX + question->size;

    for (size_t i = 0; i < question->count; i++)
        size += strlen(question->servers[i]) + 1;
    ask->answer = malloc(size);
    ask->servers = calloc(question->count, sizeof *ask->servers);
    ask->targets = calloc(question->count * NETIO__UDP_ADDRESSES, sizeof *ask->targets);
    ask->attempts = calloc(question->count * NETIO__UDP_ADDRESSES, sizeof *ask->attempts);
    if (!ask->answer || !ask->servers || !ask->targets || !ask->attempts)
        return -ENOMEM;
    char *to = ask->answer + NETIO__UDP_ANSWER_MAX;
    if (question->size)
        memcpy(to, question->request, question->size);
    ask->request = to;
    ask->request_size = question->size;
    to += question->size;
    for (size_t i = 0; i < question->count; i++) {
        ask->servers[i] = (struct netio__udp_server){.text = to, .watched = -1};
        to = stpcpy(to, question->servers[i]) + 1;
    }
    ask->servers_count = question->count;
    return 0;
}

static int set_up(struct netio_udp_ask *ask, const struct netio_udp_question *question,
                  const struct netio_udp_options *options, struct netio_error *error)
{
    ask->bundle = (struct netio__bundle)NETIO__BUNDLE_EMPTY;
    ask->current = NETIO__UDP_NOBODY;
    ask->turn = NETIO_NOW;
    ask->began = netio_clock_now();
    if (question->count == 0 || question->count > NETIO_UDP_SERVERS_MAX)
        return bad_option(error, "servers");
    if (question->size > REQUEST_MAX)
        return netio_error_set(error, NETIO_STAGE_OPTION, -EMSGSIZE, NULL, "request");
    int code = set_options(ask, options, error);
    if (code)
        return code;
    code = copy_question(ask, question);
    if (code)
        return netio_error_set(error, NETIO_STAGE_NONE, code, NULL, NULL);
    for (size_t i = 0; i < question->count; i++)
        netio__udp_server_begin(ask, i, question->service);
    return 0;
}

int netio_udp_ask_start(struct netio_udp_ask **out, const struct netio_udp_question *question,
                        const struct netio_udp_options *options, struct netio_error *error)
{
    struct netio_udp_ask *ask = calloc(1, sizeof *ask);

    *out = NULL;
    if (!ask)
        return netio_error_set(error, NETIO_STAGE_NONE, -ENOMEM, NULL, NULL);
    int code = set_up(ask, question, options, error);
    if (code)
        netio_udp_ask_free(ask);
    else
        *out = ask;
    return code;
}

static void hang_up_all(struct netio_udp_ask *ask, int code)
{
    netio__udp_servers_end(ask, code);
    for (size_t i = 0; i < ask->count; i++) {
        int answered = ask->state == NETIO__UDP_ANSWERED && i == ask->winner;
        int refused = code == -ETIMEDOUT && ask->attempts[i].invalid > 0;
        if (!answered && !netio__udp_target_lives(ask, i))
            continue;
        netio__udp_target_end(ask, i, answered ? 0 : refused ? -EBADMSG : code);
        if (!answered && ask->attempts[i].asked)
            ask->attempts[i].stage = NETIO_STAGE_READ;
    }
    netio__bundle_close(&ask->bundle);
}

/* Whether a should have its turn before b. */
static int goes_before(const struct netio__udp_target *a, const struct netio__udp_target *b)
{
    if (a->turns != b->turns)
        return a->turns < b->turns;
    return a->rank != b->rank ? a->rank < b->rank : a->server < b->server;
}

/* Whose turn it will be; count for nobody's. */
static size_t next_target(const struct netio_udp_ask *ask)
{
    size_t next = ask->count;

    for (size_t i = 0; i < ask->count; i++) {
        if (!netio__udp_target_lives(ask, i) ||
            (ask->deadline == NETIO_NEVER && ask->targets[i].turns >= ROUNDS))
            continue;
        if (next == ask->count || goes_before(&ask->targets[i], &ask->targets[next]))
            next = i;
    }
    return next;
}

/* Asks the next one when it is time to; 1 when there is something new to hear.  Under a deadline
 * that has passed the first one is still asked: it may answer at once. */
static int take_turn(struct netio_udp_ask *ask)
{
    if (!netio_deadline_passed(ask->turn) ||
        (ask->asked_at && netio_deadline_passed(ask->deadline)))
        return 0;
    size_t next = next_target(ask);
    if (next == ask->count)
        return 0;
    netio__udp_target_ask(ask, next);
    return 1;
}

static void hear_all(struct netio_udp_ask *ask)
{
    size_t i = 0;

    while (i < ask->count && !netio__udp_target_hear(ask, i))
        i++;
}

static int anybody_lives(const struct netio_udp_ask *ask)
{
    for (size_t i = 0; i < ask->count; i++)
        if (netio__udp_target_lives(ask, i))
            return 1;
    return 0;
}

/* Reported of the one asked last, while it lives; else of the first one that does, or of a
 * name. */
static void time_out(struct netio_udp_ask *ask)
{
    size_t i = ask->current == NETIO__UDP_NOBODY ? 0 : ask->current;

    while (i < ask->count && !netio__udp_target_lives(ask, i))
        i++;
    int lives = i < ask->count;
    ask->state = NETIO__UDP_FAILED;
    hang_up_all(ask, -ETIMEDOUT);
    if (lives)
        netio_error_set(&ask->failure, NETIO_STAGE_READ, -ETIMEDOUT, &ask->attempts[i].address,
                        ask->attempts[i].server);
}

/* Whether there is nothing more to wait for; then it has failed. */
static int give_up(struct netio_udp_ask *ask)
{
    int late = netio_deadline_passed(ask->deadline);

    if (ask->names > 0 && !late)
        return 0;
    if (!late && anybody_lives(ask)) {
        if (next_target(ask) != ask->count || !netio_deadline_passed(ask->turn))
            return 0;
        late = 1;
    }
    if (late && (ask->names > 0 || anybody_lives(ask))) {
        time_out(ask);
        return 1;
    }
    ask->state = NETIO__UDP_FAILED;
    hang_up_all(ask, ask->failure.code);
    return 1;
}

/* 1 when it has ended. */
static int go_on(struct netio_udp_ask *ask)
{
    do {
        hear_all(ask);
        if (ask->state != NETIO__UDP_ASKING) {
            hang_up_all(ask, -ECANCELED);
            return 1;
        }
        netio__udp_servers_step(ask);
    } while (take_turn(ask));
    return give_up(ask);
}

ssize_t netio_udp_ask_step(struct netio_udp_ask *ask, const char **answer,
                           struct netio_addr *from, struct netio_error *error)
{
    if (ask->state == NETIO__UDP_ASKING && !go_on(ask))
        return -EAGAIN;
    if (ask->state == NETIO__UDP_FAILED) {
        if (error)
            *error = ask->failure;
        return ask->failure.code;
    }
    *answer = ask->answer;
    if (from)
        *from = ask->attempts[ask->winner].address;
    return (ssize_t)ask->size;
}

void netio_udp_ask_want(const struct netio_udp_ask *ask, struct netio_want *want)
{
    struct netio_want name;

    netio__bundle_want(&ask->bundle, want);
    want->deadline = ask->deadline;
    if (ask->state != NETIO__UDP_ASKING)
        want->deadline = NETIO_NOW;
    else if (next_target(ask) != ask->count || ask->names == 0)
        want->deadline = netio_deadline_sooner(want->deadline, ask->turn);
    for (size_t i = 0; i < ask->servers_count && ask->names > 0; i++)
        if (ask->servers[i].resolve) {
            netio_resolve_want(ask->servers[i].resolve, &name);
            want->deadline = netio_deadline_sooner(want->deadline, name.deadline);
        }
}

size_t netio_udp_ask_attempts(struct netio_udp_ask *ask, const struct netio_udp_attempt **attempts)
{
    int64_t now = netio_clock_now();

    for (size_t i = 0; i < ask->count && ask->state == NETIO__UDP_ASKING; i++)
        if (netio__udp_target_lives(ask, i) && ask->targets[i].started)
            ask->attempts[i].elapsed = now - ask->targets[i].started;
    *attempts = ask->attempts;
    return ask->count;
}

void netio_udp_ask_free(struct netio_udp_ask *ask)
{
    if (!ask)
        return;
    for (size_t i = 0; i < ask->count; i++)
        netio_fd_close(ask->targets[i].fd);
    for (size_t i = 0; i < ask->servers_count; i++)
        netio_resolve_free(ask->servers[i].resolve);
    netio__bundle_close(&ask->bundle);
    free(ask->answer);
    free(ask->servers);
    free(ask->targets);
    free(ask->attempts);
    free(ask);
}

static ssize_t drive(struct netio_udp_ask *ask, const char **answer, struct netio_addr *from,
                     struct netio_error *error)
{
    struct netio_want want;
    ssize_t n;

    while ((n = netio_udp_ask_step(ask, answer, from, error)) == -EAGAIN) {
        netio_udp_ask_want(ask, &want);
        int code = netio_want_poll(&want);
        if (code && code != -EINTR)
            return netio_error_set(error, NETIO_STAGE_READ, code, NULL, ask->servers[0].text);
    }
    return n;
}

ssize_t netio_udp_ask(const struct netio_udp_question *question, void *reply, size_t size,
                      struct netio_addr *from, const struct netio_udp_options *options,
                      struct netio_error *error)
{
    struct netio_udp_ask *ask;
    struct netio_addr server;
    const char *answer;
    int code = netio_udp_ask_start(&ask, question, options, error);

    if (code)
        return code;
    ssize_t n = drive(ask, &answer, &server, error);
    if (n >= 0) {
        size_t fits = (size_t)n < size ? (size_t)n : size;
        if (fits)
            memcpy(reply, answer, fits);
        if (from)
            *from = server;
        if ((size_t)n > size)
            n = netio_error_set(error, NETIO_STAGE_READ, NETIO_ETOOLONG, &server, NULL);
    }
    netio_udp_ask_free(ask);
    return n;
}
