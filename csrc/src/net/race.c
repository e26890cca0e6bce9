/* Ring 1.  A race of connects to the addresses of one host, after RFC 8305 section 5.
 * Called by open.c; dial.c makes the sockets, bundle.c one descriptor of them.  It knows nothing
 * of names.
 *
 * One attempt:
 *
 *      to come ──► on its way ──► won         the first of all; the others are cancelled
 *         │            │
 *         │            ├────────► failed      the next one begins at once
 *         │            ├────────► timed out   the deadline, which ends the race
 *         │            └────────► cancelled   another one has won
 *         └─────────────────────► failed      at once, or no descriptor and nothing to wait for
 *
 * The next one begins STAGGER after the last one, or sooner when one fails, or when there
 * are so many addresses that the deadline would pass before the last one's turn: then they
 * share the time evenly, but are never less than STAGGER_LEAST apart.
 *
 * Where descriptors are short there may be none for the next socket, or none to wait for several
 * with (bundle.c).  Then what is on its way goes on alone, for its fair share of the time;
 * after that the oldest is given up, and its descriptor serves the next one. */
#include "net/race.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS            1000000LL
#define STAGGER       (250 * MS)
#define STAGGER_LEAST (10 * MS)
#define PAUSE_FIRST   (1 * MS) /* of a unix socket whose listener's queue is full */
#define PAUSE_LAST    (16 * MS)

void netio__race_init(struct netio__race *race)
{
    memset(race, 0, offsetof(struct netio__race, dial));
    race->attempts = &race->only;
    race->runners = &race->runner;
    race->bundle = (struct netio__bundle)NETIO__BUNDLE_EMPTY;
    race->besides = race->runner.fd = -1;
    race->next = NETIO_NOW;
}

void netio__race_only(struct netio__race *race)
{
    race->count = race->blamed = 1;
    race->only.stage = NETIO_STAGE_NONE;
    race->only.code = 0;
}

void netio__race_clear(struct netio__race *race)
{
    for (size_t i = 0; race->running > 0; i++)
        if (race->runners[i].fd >= 0) {
            netio_fd_close(race->runners[i].fd);
            race->running--;
        }
    netio__bundle_close(&race->bundle);
    if (race->attempts != &race->only)
        free(race->attempts);
    if (race->runners != &race->runner)
        free(race->runners);
}

/* ---- addresses --------------------------------------------------------------------------- */

static int make_room(struct netio__race *race, size_t count)
{
    int inside = race->attempts == &race->only;
    struct netio_attempt *attempts =
        realloc(inside ? NULL : race->attempts, count * sizeof *attempts);

    if (!attempts)
        return -ENOMEM;
    if (inside)
        attempts[0] = race->only;
    race->attempts = attempts;
    inside = race->runners == &race->runner;
    struct netio__runner *runners = realloc(inside ? NULL : race->runners, count * sizeof *runners);
    if (!runners)
        return -ENOMEM;
    if (inside)
        runners[0] = race->runner;
    race->runners = runners;
    return 0;
}

static int was_begun(const struct netio__race *race, const struct netio_addr *addr)
{
    for (size_t i = 0; i < race->begun; i++)
        if (netio_addr_compare(&race->attempts[i].address, addr) == 0)
            return 1;
    return 0;
}

/* Puts those that were not begun behind those that were, if there is room; their number. */
static size_t sort_in(const struct netio__race *race, struct netio_attempt *attempts,
                      const struct netio_addr *addrs, size_t count, unsigned port)
{
    size_t to = race->begun;

    for (size_t i = 0; i < count; i++) {
        struct netio_addr addr = addrs[i];
        if (port)
            netio_addr_set_port(&addr, port);
        if (was_begun(race, &addr))
            continue;
        if (attempts)
            attempts[to] = (struct netio_attempt){.address = addr};
        to++;
    }
    return to;
}

/* The time of each of those to come, and of one more. */
static int64_t share(const struct netio__race *race, int64_t now)
{
    int64_t share = (race->deadline - now) / (int64_t)(race->count - race->begun + 1);

    return share > STAGGER_LEAST ? share : STAGGER_LEAST;
}

static netio_deadline after_stagger(const struct netio__race *race, int64_t now)
{
    int64_t stagger = race->deadline == NETIO_NEVER ? STAGGER : share(race, now);

    return now + (stagger < STAGGER ? stagger : STAGGER);
}

int netio__race_add(struct netio__race *race, const struct netio_addr *addrs, size_t count,
                    unsigned port)
{
    size_t total = sort_in(race, NULL, addrs, count, port);
    int code = make_room(race, total ? total : 1);

    if (!code) {
        if (race->blamed == race->count) /* nobody is to blame */
            race->blamed = total;
        race->count = sort_in(race, race->attempts, addrs, count, port);
    }
    /* The resolver may have been what kept descriptors short. */
    if (race->cramped || !race->running)
        race->next = NETIO_NOW;
    else
        race->next = netio_deadline_sooner(race->next, after_stagger(race, netio_clock_now()));
    race->cramped = 0;
    return code;
}

/* ---- the end of an attempt --------------------------------------------------------------- */

/* Whether a failure says only that this machine has no way to such addresses. */
static int no_way(int code)
{
    return code == -ENETUNREACH || code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL;
}

/* The report is about the last one that failed, but one that the network answered outweighs one
 * that had no way there: that a host refuses over IPv4 is not to be hidden by this machine's
 * having no IPv6. */
static void blame(struct netio__race *race, size_t i)
{
    struct netio_attempt *attempt = &race->attempts[i];

    if (race->code && !no_way(race->code) && no_way(attempt->code))
        return;
    race->blamed = i;
    race->stage = attempt->stage;
    race->code = attempt->code;
}

static void end(struct netio__race *race, size_t i, enum netio_stage stage, int code)
{
    struct netio_attempt *attempt = &race->attempts[i];

    attempt->stage = stage;
    attempt->code = code;
    attempt->elapsed = netio_clock_now() - race->runners[i].started;
    if (race->runners[i].fd >= 0) {
        netio__bundle_drop(&race->bundle, race->runners[i].fd);
        netio_fd_close(race->runners[i].fd);
        race->runners[i].fd = -1;
        race->running--;
    }
}

/* A failure leaves a descriptor, and the turn, to the next one. */
static void failed(struct netio__race *race, size_t i, enum netio_stage stage, int code)
{
    end(race, i, stage, code);
    blame(race, i);
    race->next = NETIO_NOW;
    race->cramped = 0;
}

static void won(struct netio__race *race, size_t winner, int *fd)
{
    *fd = race->runners[winner].fd;
    race->runners[winner].fd = -1;
    race->running--;
    end(race, winner, NETIO_STAGE_NONE, 0);
    for (size_t i = 0; race->running > 0; i++)
        if (race->runners[i].fd >= 0)
            end(race, i, NETIO_STAGE_CONNECT, -ECANCELED);
    netio__bundle_close(&race->bundle);
}

static int time_out(struct netio__race *race)
{
    for (size_t i = 0; race->running > 0; i++)
        if (race->runners[i].fd >= 0)
            failed(race, i, NETIO_STAGE_CONNECT, -ETIMEDOUT);
    return race->code;
}

/* ---- what is on its way ------------------------------------------------------------------ */

/* The listener's queue is full: the next try comes a little later each time. */
static void pause_unix(struct netio__race *race)
{
    race->pause = race->pause ? race->pause * 2 : PAUSE_FIRST;
    if (race->pause > PAUSE_LAST)
        race->pause = PAUSE_LAST;
    race->again = netio_clock_now() + race->pause;
}

static int ask_again(struct netio__race *race)
{
    if (!netio_deadline_passed(race->again))
        return -EAGAIN;
    int code = netio__dial_again(race->runners[0].fd, &race->attempts[0].address);
    if (code == -EAGAIN)
        pause_unix(race);
    return code;
}

/* Looks at all, the better addresses first; 1 when one has arrived. */
static int look(struct netio__race *race, int *fd)
{
    for (size_t i = 0; i < race->begun; i++) {
        if (race->runners[i].fd == -1)
            continue;
        int code = race->pause ? ask_again(race) : netio__dial_result(race->runners[i].fd);
        if (!code) {
            won(race, i, fd);
            return 1;
        }
        if (code != -EAGAIN)
            failed(race, i, NETIO_STAGE_CONNECT, code);
    }
    return 0;
}

/* ---- beginning --------------------------------------------------------------------------- */

/* No descriptor for the next one: it waits until what is on its way has had its time. */
static void cramp(struct netio__race *race, int64_t now)
{
    race->cramped = 1;
    race->next = race->deadline == NETIO_NEVER ? NETIO_NEVER : now + share(race, now);
}

static void give_up_oldest(struct netio__race *race)
{
    for (size_t i = 0; i < race->begun; i++)
        if (race->runners[i].fd >= 0) {
            failed(race, i, NETIO_STAGE_CONNECT, -ETIMEDOUT);
            return;
        }
}

static int is_short(enum netio_stage stage, int code)
{
    return stage == NETIO_STAGE_SOCKET &&
           (code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS);
}

/* Its socket was made and is waited for; or it waits for its turn again, with nothing to poll. */
static int enter(struct netio__race *race, int fd, int code)
{
    if (code != -EAGAIN && netio__bundle_add(&race->bundle, fd, NETIO_WRITE) < 0) {
        netio_fd_close(fd);
        return 0;
    }
    race->runners[race->begun++].fd = fd;
    race->running++;
    if (code == -EAGAIN)
        pause_unix(race);
    return 1;
}

/* Begins with the next address.  0, or the failure that ends all. */
static int begin(struct netio__race *race, int pending)
{
    int64_t now = netio_clock_now();
    struct netio__runner *runner = &race->runners[race->begun];
    enum netio_stage stage;
    int fd;

    int narrow = race->cramped; /* and so it is for the one after this */
    if (narrow)
        give_up_oldest(race);
    int others = race->running > 0 || pending;
    if (!others)
        netio__bundle_close(&race->bundle);
    else if (netio__bundle_widen(&race->bundle) < 0) {
        cramp(race, now);
        return 0;
    }
    *runner = (struct netio__runner){.fd = -1, .started = now};
    int code = netio__dial_start(&race->dial, &race->attempts[race->begun].address, &fd, &stage);
    if (fd == -1 && !(others && is_short(stage, code))) {
        failed(race, race->begun++, stage, code);
        /* Other addresses would need a descriptor too. */
        return is_short(stage, code) ? race->code : 0;
    }
    if (fd == -1 || !enter(race, fd, code) || narrow)
        cramp(race, now);
    else
        race->next = after_stagger(race, now);
    return 0;
}

/* ---- the machine's side ------------------------------------------------------------------ */

int netio__race_step(struct netio__race *race, const struct netio_want *more, int *fd)
{
    /* Before any socket is made, which may get the number of one that the resolver has closed.
     * Should it fail, the resolver's own timer wakes us. */
    if (more || race->besides >= 0)
        (void)netio__bundle_follow(&race->bundle, &race->besides, more);
    for (;;) {
        if (look(race, fd))
            return 0;
        if (race->running && netio_deadline_passed(race->deadline))
            return time_out(race);
        if (race->begun == race->count || !netio_deadline_passed(race->next))
            break;
        int code = begin(race, more != NULL);
        if (code)
            return code;
    }
    return race->running || more ? -EAGAIN : race->code;
}

void netio__race_want(const struct netio__race *race, const struct netio_want *more,
                      struct netio_want *want)
{
    netio__bundle_want(&race->bundle, want);
    want->deadline = race->deadline;
    if (race->pause)
        want->deadline = netio_deadline_sooner(want->deadline, race->again);
    if (race->begun < race->count)
        want->deadline = netio_deadline_sooner(want->deadline, race->next);
    if (more)
        want->deadline = netio_deadline_sooner(want->deadline, more->deadline);
}

void netio__race_update(const struct netio__race *race)
{
    int64_t now = race->running ? netio_clock_now() : 0;

    for (size_t i = 0; i < race->begun; i++)
        if (race->runners[i].fd >= 0)
            race->attempts[i].elapsed = now - race->runners[i].started;
}
