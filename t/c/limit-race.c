/* netio/limit.h among processes that ask at the same time and are killed at any instruction: no
 * limit is ever passed, and nothing that the dead had stays counted. */
#include "tap.h"
#include <netio/limit.h>

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define WORKERS    6
#define SOURCES    40 /* more than there are slots, so that slots change hands all the time */
#define PER_SOURCE 2
#define TOTAL      5
#define KILLS      100
#define HELD       3 /* at once, by one worker */

/* What a worker says that it has, set after it was counted and unset before it is given back: so
 * never more than is counted, wherever it dies. */
static struct shared {
    unsigned has[WORKERS][SOURCES];
    unsigned long changes[WORKERS]; /* begun */
    unsigned long turns[WORKERS], taken, checked, above;
} * shared;

static struct netio_limit *limit;

static unsigned load(const unsigned *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static unsigned long changes(void)
{
    unsigned long sum = 0;

    for (int worker = 0; worker < WORKERS; worker++)
        sum += __atomic_load_n(&shared->changes[worker], __ATOMIC_SEQ_CST);
    return sum;
}

/* Looks at all words while no worker begins to change one, if it comes to that. */
static void check(int source)
{
    unsigned of_source = 0, of_all = 0;
    unsigned long before = changes();

    for (int worker = 0; worker < WORKERS; worker++)
        for (int i = 0; i < SOURCES; i++) {
            unsigned has = load(&shared->has[worker][i]);
            of_all += has;
            of_source += i == source ? has : 0;
        }
    if (changes() != before)
        return;
    __atomic_fetch_add(&shared->checked, 1, __ATOMIC_SEQ_CST);
    if (of_source > PER_SOURCE || of_all > TOTAL)
        __atomic_fetch_add(&shared->above, 1, __ATOMIC_SEQ_CST);
}

static void change(int worker, int source, unsigned by)
{
    __atomic_fetch_add(&shared->changes[worker], 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&shared->has[worker][source], by, __ATOMIC_SEQ_CST);
}

static void address(struct netio_addr *peer, int source)
{
    char text[32];

    snprintf(text, sizeof text, "192.0.2.%d", source);
    (void)netio_addr_parse(peer, text);
}

/* Takes a place for a source that the turn names, or gives one back. */
static void one_turn(int worker, struct netio_hold *hold, int *of_source)
{
    struct netio_addr peer;
    enum netio_refused why;

    if (hold->place) {
        change(worker, *of_source, -1u);
        netio_limit_give(limit, hold);
        return;
    }
    /* One source is asked for by all of them. */
    *of_source = random() % 2 ? 0 : (int)(random() % SOURCES);
    address(&peer, *of_source);
    if (netio_limit_take(limit, hold, &peer, 0, 0, &why) < 0)
        return;
    change(worker, *of_source, 1);
    __atomic_fetch_add(&shared->taken, 1, __ATOMIC_SEQ_CST);
    check(*of_source);
}

static pid_t start(int worker)
{
    struct netio_hold holds[HELD] = {{0}};
    int of_source[HELD] = {0};
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    srandom((unsigned)getpid());
    netio_limit_use_column(limit, (unsigned)worker + 1);
    for (;;) {
        int i = (int)(random() % HELD);
        one_turn(worker, &holds[i], &of_source[i]);
        __atomic_fetch_add(&shared->turns[worker], 1, __ATOMIC_SEQ_CST);
    }
}

/* Whoever it kills has first done something since its start. */
static void kill_one(pid_t *pids, int worker)
{
    unsigned long until = shared->turns[worker] + (unsigned long)(random() % 200);

    while (__atomic_load_n(&shared->turns[worker], __ATOMIC_SEQ_CST) <= until)
        sched_yield();
    kill(pids[worker], SIGKILL);
    if (waitpid(pids[worker], NULL, 0) != pids[worker])
        fail("waitpid");
    memset(shared->has[worker], 0, sizeof shared->has[worker]);
    netio_limit_clear_column(limit, (unsigned)worker + 1);
}

/* Who is alone now gets all that there is. */
static void nothing_left(void)
{
    struct netio_hold hold;
    enum netio_refused why;
    struct netio_addr peer;
    int places = 0;

    is_int(netio_limit_open(limit), 0, "R11: nothing of what the dead had is counted");
    for (int source = 0; source < SOURCES; source++)
        for (int i = 0; i <= PER_SOURCE; i++) {
            address(&peer, source);
            places += netio_limit_take(limit, &hold, &peer, 0, 0, &why) == 0;
        }
    is_int(places, TOTAL, "and every place is free");
}

int main(void)
{
    pid_t pids[WORKERS];

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    is_int(netio_limit_new(&limit, &(struct netio_limit_options){.total = TOTAL,
                                                                 .per_source = PER_SOURCE,
                                                                 .sources = 1}),
           0, "limits");
    for (int worker = 0; worker < WORKERS; worker++)
        pids[worker] = start(worker);
    for (int i = 0; i < KILLS; i++) {
        int worker = (int)(random() % WORKERS);
        kill_one(pids, worker);
        pids[worker] = start(worker);
    }
    for (int worker = 0; worker < WORKERS; worker++)
        kill_one(pids, worker);
    ok(shared->checked > KILLS, "places were taken (%lu) and looked at (%lu)", shared->taken,
       shared->checked);
    is_int(shared->above, 0, "B8: no limit was passed, whoever asked and died");
    nothing_left();
    netio_limit_free(limit);
    return tap_done();
}
