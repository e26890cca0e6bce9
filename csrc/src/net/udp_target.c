/* Ring 1.  One address of a question: asked, heard, given up; see net/udp.h.
 * Called by udp.c and udp_server.c; it makes sockets through dial.c. */
#include "net/udp.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#define HEARD_MAX   16 /* at once: one that sends without a pause keeps nobody waiting */
#define DOUBLED_MAX 6  /* a wait grows to 64 times the first */

/* What one failure tells more than another: that this machine has no way to such addresses
 * is the least, and that a server has no address less than what one of them did; that a name
 * was still being looked up at the deadline is the most. */
static int weight_of(const struct netio_udp_attempt *attempt)
{
    int code = attempt->code;

    if (code == -ENETUNREACH || code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL)
        return 1;
    if (attempt->address.len)
        return 3;
    return code == -ETIMEDOUT ? 4 : 2;
}

static void note_failure(struct netio_udp_ask *ask, size_t i, enum netio_stage stage)
{
    struct netio_udp_attempt *attempt = &ask->attempts[i];
    struct netio_addr end = attempt->address;
    const char *subject = attempt->server;
    int weight = weight_of(attempt);

    attempt->stage = stage;
    if (weight < ask->weight)
        return;
    ask->weight = weight;
    if (stage == NETIO_STAGE_BIND) {
        const char *words = netio__dial_end(&ask->dial, netio_addr_family(&end), &end);
        subject = words ? words : subject;
    }
    netio_error_set(&ask->failure, stage, attempt->code, end.len ? &end : NULL, subject);
}

static size_t append(struct netio_udp_ask *ask, size_t server)
{
    size_t i = ask->count++;

    ask->attempts[i] = (struct netio_udp_attempt){.server = ask->servers[server].text};
    ask->targets[i] = (struct netio__udp_target){
        .server = server, .rank = ask->servers[server].addresses, .fd = -1};
    return i;
}

/* One that comes late, its name having taken long, waits for its turn no longer than if it
 * had been there: the waits may have doubled. */
void netio__udp_target_add(struct netio_udp_ask *ask, size_t server,
                           const struct netio_addr *address)
{
    size_t i = append(ask, server);

    ask->attempts[i].address = *address;
    ask->servers[server].addresses++;
    if (ask->asked_at)
        ask->turn = netio_deadline_sooner(ask->turn, ask->asked_at + ask->first_wait);
}

void netio__udp_target_none(struct netio_udp_ask *ask, size_t server, enum netio_stage stage,
                            int code)
{
    size_t i = append(ask, server);

    ask->attempts[i].code = code;
    ask->attempts[i].elapsed = netio_clock_now() - ask->began;
    note_failure(ask, i, stage);
}

int netio__udp_target_lives(const struct netio_udp_ask *ask, size_t i)
{
    return ask->attempts[i].address.len && ask->attempts[i].code == 0;
}

static void hang_up(struct netio_udp_ask *ask, size_t i)
{
    struct netio__udp_target *target = &ask->targets[i];

    if (target->fd >= 0)
        netio__bundle_drop(&ask->bundle, target->fd);
    netio_fd_close(target->fd);
    target->fd = -1;
    if (ask->current == i) {
        ask->current = NETIO__UDP_NOBODY;
        ask->turn = NETIO_NOW;
    }
}

void netio__udp_target_end(struct netio_udp_ask *ask, size_t i, int code)
{
    struct netio_udp_attempt *attempt = &ask->attempts[i];

    attempt->code = code;
    if (ask->targets[i].started)
        attempt->elapsed = netio_clock_now() - ask->targets[i].started;
    hang_up(ask, i);
}

/* EMSGSIZE is what a router on the way made the kernel say: the request must be cut into
 * smaller pieces.  The kernel knows the size now, and does so for a second one. */
static void failed(struct netio_udp_ask *ask, size_t i, enum netio_stage stage, int code)
{
    struct netio__udp_target *target = &ask->targets[i];

    if (code == -EMSGSIZE && !target->again) {
        target->again = 1;
        target->turns = 0;
        hang_up(ask, i);
        ask->turn = NETIO_NOW;
        return;
    }
    netio__udp_target_end(ask, i, code);
    note_failure(ask, i, stage);
}

/* netio__dial calls this for every socket.  With RECVERR an ICMP error that may pass
 * (no route, host down) is reported as well: the next server is asked at once.  One port for
 * several sockets, each connected to another address, is shared with no other user. */
static int prepare(int fd, const struct netio_addr *to, void *data)
{
    const struct netio_udp_ask *ask = data;
    const int on = 1;

    if (to->u.sa.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (ask->dial.port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1)
        return -errno;
    return 0;
}

/* A socket of its own, connected; 0 when that has failed. */
static int dial(struct netio_udp_ask *ask, size_t i)
{
    struct netio__udp_target *target = &ask->targets[i];
    enum netio_stage stage;

    ask->dial.prepare = prepare;
    ask->dial.data = ask;
    int code = netio__dial_start(&ask->dial, &ask->attempts[i].address, &target->fd, &stage);
    if (!code)
        code = netio__dial_result(target->fd);
    if (code == -EAGAIN) /* a datagram socket is never on its way */
        code = -ENOTCONN;
    if (!code) {
        stage = NETIO_STAGE_SOCKET;
        code = netio__bundle_add(&ask->bundle, target->fd, NETIO_READ);
    }
    if (code)
        failed(ask, i, stage, code);
    return !code;
}

/* How many have not been asked yet, those included whose names are not known. */
static int64_t unasked(const struct netio_udp_ask *ask)
{
    int64_t n = (int64_t)ask->names;

    for (size_t i = 0; i < ask->count; i++)
        n += netio__udp_target_lives(ask, i) && ask->targets[i].turns == 0;
    return n;
}

/* How long to wait for one that has had so many turns.  In the first round a deadline is shared
 * fairly: each is asked, and the last one has time to answer, or the first to be asked again. */
static int64_t wait_after(const struct netio_udp_ask *ask, unsigned turns)
{
    unsigned doubled = turns - 1 < DOUBLED_MAX ? turns - 1 : DOUBLED_MAX;
    int64_t wait = ask->first_wait;

    while (doubled-- > 0 && wait <= INT64_MAX / 4)
        wait *= 2;
    if (turns > 1 || ask->deadline == NETIO_NEVER)
        return wait;
    int64_t left = (ask->deadline - ask->asked_at) / (unasked(ask) + 1 + (ask->count == 1));
    return left < 0 ? 0 : left < wait ? left : wait;
}

void netio__udp_target_ask(struct netio_udp_ask *ask, size_t i)
{
    struct netio__udp_target *target = &ask->targets[i];

    ask->asked_at = netio_clock_now();
    if (!target->started)
        target->started = ask->asked_at;
    if (target->fd == -1 && !dial(ask, i))
        return;
    ssize_t n = netio_fd_send(target->fd, ask->request, ask->request_size);
    /* A queue on this machine is full: that is one way for a request to be lost. */
    if (n < 0 && n != -EAGAIN && n != -ENOBUFS) {
        failed(ask, i, NETIO_STAGE_WRITE, (int)n);
        ask->turn = NETIO_NOW;
        return;
    }
    ask->attempts[i].asked++;
    target->turns++;
    ask->current = i;
    ask->turn = ask->asked_at + wait_after(ask, target->turns);
}

/* A datagram of so many bytes is in answer: whether to hear no more, because the machine has ended
 * or the time is up: judging takes as long as the caller's function does. */
static int judge(struct netio_udp_ask *ask, size_t i, size_t size)
{
    struct netio_udp_attempt *attempt = &ask->attempts[i];
    int verdict = ask->valid ? ask->valid(ask->answer, size, &attempt->address, ask->data)
                             : size > 0;

    if (verdict == 0) {
        attempt->invalid++;
        return netio_deadline_passed(ask->deadline);
    }
    ask->size = size;
    if (verdict < 0) {
        ask->state = NETIO__UDP_FAILED;
        ask->weight = 0;
        netio__udp_target_end(ask, i, verdict == -EAGAIN ? -ECANCELED : verdict);
        note_failure(ask, i, NETIO_STAGE_READ);
        return 1;
    }
    ask->winner = i;
    ask->state = NETIO__UDP_ANSWERED;
    return 1;
}

int netio__udp_target_hear(struct netio_udp_ask *ask, size_t i)
{
    for (int heard = 0; heard < HEARD_MAX && ask->targets[i].fd >= 0; heard++) {
        ssize_t n = netio_fd_recv(ask->targets[i].fd, ask->answer, NETIO__UDP_ANSWER_MAX);
        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            failed(ask, i, NETIO_STAGE_READ, (int)n);
        else if (judge(ask, i, (size_t)n))
            return 1;
    }
    return 0;
}
