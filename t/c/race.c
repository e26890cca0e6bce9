/* The race of netio_open, scripted: a clock that moves when the test says so, and sockets that
 * connect, or fail, at the moment that is in the script.  What began when and how each ended is
 * written down and compared; nothing sleeps, and every run is the same.
 *
 * clock.c is compiled in here with another clock_gettime, and the functions of dial.h are below:
 * so the archive's own are not linked. */
#include "descriptors.h"
#include "tap.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000LL

static int64_t fake_now;

static int fake_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    now->tv_sec = fake_now / (1000 * MS);
    now->tv_nsec = fake_now % (1000 * MS);
    return 0;
}

#define clock_gettime fake_clock_gettime
#include "base/clock.c"
#undef clock_gettime

#include "net/race.h"

#define START (1000000 * MS)
#define ADDRS 64

/* The script of each address, by its last octet, and its socket. */
static struct script {
    int after;       /* milliseconds from its start to its end; -1: there is none */
    int code;        /* 0 or -errno; a failure after 0 ms is connect(2)'s own */
    int64_t started;
    int fd;
} script[ADDRS];

/* Copies of all sockets, as a child of fork has them. */
static int hoard[ADDRS], hoarded, is_hoarding;

/* What happened, in words. */
static char seen[8192];

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t len = strlen(seen);
    va_list args;

    va_start(args, format);
    vsnprintf(seen + len, sizeof seen - len, format, args);
    va_end(args);
}

static long long milliseconds(void)
{
    return (fake_now - START) / MS;
}

/* ---- dial.h ---------------------------------------------------------------------------- */

static void take_fd(struct script *it, int fd)
{
    for (int i = 0; i < ADDRS; i++)
        if (script[i].fd == fd)
            script[i].fd = -1; /* it was closed, and its number serves again */
    it->fd = fd;
}

int netio__dial_start(const struct netio__dial *dial, const struct netio_addr *to, int *fd,
                      enum netio_stage *stage)
{
    int i = (int)(ntohl(to->u.in4.sin_addr.s_addr) & 255);

    (void)dial;
    *stage = NETIO_STAGE_SOCKET;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd == -1)
        return -errno;
    note("%d@%lld ", i, milliseconds());
    script[i].started = fake_now;
    *stage = NETIO_STAGE_CONNECT;
    if (script[i].after == 0 && script[i].code) {
        netio_fd_close(*fd);
        *fd = -1;
        return script[i].code;
    }
    take_fd(&script[i], *fd);
    if (is_hoarding)
        hoard[hoarded++] = dup(*fd);
    return 0;
}

/* For unix sockets, which do not race. */
int netio__dial_again(int fd, const struct netio_addr *to)
{
    (void)to;
    return fd < 0 ? -EBADF : 0;
}

static int has_ended(const struct script *it)
{
    return it->after >= 0 && fake_now >= it->started + it->after * MS;
}

int netio__dial_result(int fd)
{
    for (int i = 0; i < ADDRS; i++)
        if (script[i].fd == fd)
            return has_ended(&script[i]) ? script[i].code : -EAGAIN;
    fail("a socket that was made here");
    return -EBADF;
}

/* ---- the world ------------------------------------------------------------------------- */

/* "never", "yes30" (connects after 30 ms), "no30" (refuses then), "far" (no way there). */
static size_t read_script(const char *text, struct netio_addr *addrs)
{
    size_t count = 0;
    char word[16];
    int used;

    for (; sscanf(text, "%15s%n", word, &used) == 1; text += used, count++) {
        struct script *it = &script[count];
        *it = (struct script){.after = -1, .fd = -1};
        if (strncmp(word, "yes", 3) == 0)
            it->after = atoi(word + 3);
        else if (strncmp(word, "no", 2) == 0)
            *it = (struct script){.after = atoi(word + 2), .code = -ECONNREFUSED, .fd = -1};
        else if (strcmp(word, "far") == 0)
            *it = (struct script){.code = -ENETUNREACH, .fd = -1};
        netio_addr_parse(&addrs[count], "192.0.2.0");
        addrs[count].u.in4.sin_addr.s_addr |= htonl((uint32_t)count);
    }
    return count;
}

/* The next moment at which something happens to a socket that is on its way. */
static int64_t next_event(const struct netio__race *race)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < race->begun; i++) {
        const struct script *it = &script[ntohl(race->attempts[i].address.u.in4.sin_addr.s_addr) &
                                          255];
        int64_t at = it->started + it->after * MS;
        if (race->runners[i].fd >= 0 && it->after >= 0 && at < next)
            next = at;
    }
    return next;
}

/* How many descriptors an epoll descriptor looks at. */
static int watched(int epoll)
{
    char line[256];
    int count = 0;

    snprintf(line, sizeof line, "/proc/self/fdinfo/%d", epoll);
    FILE *file = fopen(line, "r");
    while (file && fgets(line, sizeof line, file))
        count += strncmp(line, "tfd:", 4) == 0;
    if (file)
        fclose(file);
    return count;
}

/* Moves the clock to what the machine waits for. */
static void wait_for(const struct netio__race *race, const struct netio_want *more)
{
    struct netio_want want;
    int64_t next = next_event(race);
    int things = (int)race->running + (more != NULL);

    netio__race_want(race, more, &want);
    if (want.deadline != NETIO_NEVER && want.deadline < next)
        next = want.deadline;
    if (next <= fake_now || next == INT64_MAX || (things > 1 && want.fd != race->bundle.epoll) ||
        (things > 0) != (want.fd >= 0))
        fail("it waits for the right thing: %d under way, fd %d", things, want.fd);
    if (is_hoarding && things > 1)
        is_int(watched(want.fd), things, "at %lld ms: what is on its way is looked at, no more",
               milliseconds());
    fake_now = next;
}

static void tell_end(const struct netio__race *race, int code)
{
    note("%s %lld:", code ? netio_error_name(code) : "opened", milliseconds());
    for (size_t i = 0; i < race->begun; i++) {
        const struct netio_attempt *it = &race->attempts[i];
        note(" %s/%lld", it->code ? netio_error_name(it->code) : "-",
             (long long)it->elapsed / MS);
    }
}

/* A resolver that has more to say at this moment: the whole list, of which first were known. */
struct later {
    int ms;
    size_t first;
};

static const char *play(const char *text, int deadline_ms, struct later later)
{
    struct netio_addr addrs[ADDRS];
    struct netio__race race;
    int pipe_fds[2], code, fd = -1;
    size_t count = read_script(text, addrs);

    fake_now = START;
    seen[0] = '\0';
    if (pipe(pipe_fds))
        abort();
    netio__race_init(&race);
    race.deadline = deadline_ms < 0 ? NETIO_NEVER : START + deadline_ms * MS;
    struct netio_want want = {pipe_fds[0], NETIO_READ, START + later.ms * MS};
    const struct netio_want *more = later.ms ? &want : NULL;
    if (!later.ms || later.first)
        netio__race_add(&race, addrs, later.ms ? later.first : count, 43);
    while ((code = netio__race_step(&race, more, &fd)) == -EAGAIN) {
        wait_for(&race, more);
        if (more && fake_now >= want.deadline) {
            more = NULL;
            netio__race_add(&race, addrs, count, 43);
        }
    }
    tell_end(&race, code);
    netio__race_clear(&race);
    if (!code)
        netio_fd_close(fd);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return seen;
}

static void check_turns(void)
{
    static const struct {
        const char *name, *script;
        int deadline; /* milliseconds; -1: none */
        const char *seen;
    } table[] = {
        {"the first one answers", "yes30 yes30", -1, "0@0 opened 30: -/30"},
        {"at once", "yes0 yes0", -1, "0@0 opened 0: -/0"},
        {"A13 the first one is silent", "never yes30", -1,
         "0@0 1@250 opened 280: ECANCELED/280 -/30"},
        {"the first one is slow, and yet sooner", "yes260 yes30", -1,
         "0@0 1@250 opened 260: -/260 ECANCELED/10"},
        {"both at the same moment: the better one", "yes280 yes30", -1,
         "0@0 1@250 opened 280: -/280 ECANCELED/30"},
        {"refused: the next one at once", "no20 yes30", -1,
         "0@0 1@20 opened 50: ECONNREFUSED/20 -/30"},
        {"refused at once, twice", "no0 no0 yes30", -1,
         "0@0 1@0 2@0 opened 30: ECONNREFUSED/0 ECONNREFUSED/0 -/30"},
        {"an older one fails: the next one at once", "no300 never yes30", -1,
         "0@0 1@250 2@300 opened 330: ECONNREFUSED/300 ECANCELED/80 -/30"},
        {"all refuse", "no5 no5", -1, "0@0 1@5 ECONNREFUSED 10: ECONNREFUSED/5 ECONNREFUSED/5"},
        {"no way does not hide a refusal", "no5 far", -1,
         "0@0 1@5 ECONNREFUSED 5: ECONNREFUSED/5 ENETUNREACH/0"},
        {"no way anywhere", "far far", -1, "0@0 1@0 ENETUNREACH 0: ENETUNREACH/0 ENETUNREACH/0"},
        {"the deadline, with time enough", "never never", 1000,
         "0@0 1@250 ETIMEDOUT 1000: ETIMEDOUT/1000 ETIMEDOUT/750"},
        {"the deadline hides what was refused", "no5 never", 100,
         "0@0 1@5 ETIMEDOUT 100: ECONNREFUSED/5 ETIMEDOUT/95"},
        {"A14 eight under one second share it", "never never never never never never never yes30",
         1000,
         "0@0 1@125 2@250 3@375 4@500 5@625 6@750 7@875 opened 905: ECANCELED/905 ECANCELED/780 "
         "ECANCELED/655 ECANCELED/530 ECANCELED/405 ECANCELED/280 ECANCELED/155 -/30"},
        {"a refusal leaves more for the others", "never no5 never yes5", 100,
         "0@0 1@25 2@30 3@65 opened 70: ECANCELED/70 ECONNREFUSED/5 ECANCELED/40 -/5"},
        {"a deadline too short for turns of 10 ms", "never never never never never", 25,
         "0@0 1@10 2@20 ETIMEDOUT 25: ETIMEDOUT/25 ETIMEDOUT/15 ETIMEDOUT/5"},
        {"no time at all: the first one is tried", "never never", 0,
         "0@0 ETIMEDOUT 0: ETIMEDOUT/0"},
        {"no time, and refused: so is the next one", "no0 never", 0,
         "0@0 1@0 ETIMEDOUT 0: ECONNREFUSED/0 ETIMEDOUT/0"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        is_str(play(table[i].script, table[i].deadline, (struct later){0}), table[i].seen, "%s",
               table[i].name);
}

/* Answers that come while sockets are on their way; and before. */
static void check_later(void)
{
    static const struct {
        const char *name, *script;
        int deadline;
        struct later later;
        const char *seen;
    } table[] = {
        {"more addresses while one is on its way", "never yes10", -1, {20, 1},
         "0@0 1@250 opened 260: ECANCELED/260 -/10"},
        {"more addresses after its turn", "never yes10", -1, {400, 1},
         "0@0 1@400 opened 410: ECANCELED/410 -/10"},
        {"opened before they come", "yes10 yes10", -1, {400, 1}, "0@0 opened 10: -/10"},
        {"refused before they come", "no10 yes10", -1, {400, 1},
         "0@0 1@400 opened 410: ECONNREFUSED/10 -/10"},
        {"none more", "no10", -1, {400, 1}, "0@0 ECONNREFUSED 400: ECONNREFUSED/10"},
        {"they share what is left", "never never yes10", 200, {20, 1},
         "0@0 1@80 2@140 opened 150: ECANCELED/150 ECANCELED/70 -/10"},
        {"none is there at first", "yes10 yes10", -1, {30, 0}, "0@30 opened 40: -/10"},
        {"the deadline comes before them", "never yes10", 100, {400, 1},
         "0@0 ETIMEDOUT 100: ETIMEDOUT/100"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        is_str(play(table[i].script, table[i].deadline, table[i].later), table[i].seen, "%s",
               table[i].name);
}

/* A16: no more than so many descriptors: one goes to a socket, the next to epoll. */
static void check_cramped(void)
{
    static const struct {
        int more;
        const char *name, *script;
        int deadline;
        struct later later;
        const char *seen;
    } table[] = {
        {0, "no descriptor", "yes10 yes10", 300, {0, 0}, "EMFILE 0: EMFILE/0"},
        {1, "one: one by one", "never never yes10", 300, {0, 0},
         "0@0 1@166 2@233 opened 243: ETIMEDOUT/166 ETIMEDOUT/66 -/10"},
        {2, "two, but none for the next", "never never yes10", 300, {0, 0},
         "0@0 1@166 2@233 opened 243: ETIMEDOUT/166 ETIMEDOUT/66 -/10"},
        {3, "three: two at a time", "never never yes10", 300, {0, 0},
         "0@0 1@100 2@250 opened 260: ETIMEDOUT/250 ECANCELED/160 -/10"},
        {4, "four: enough", "never never yes10", 300, {0, 0},
         "0@0 1@100 2@200 opened 210: ECANCELED/210 ECANCELED/110 -/10"},
        {1, "one, and no deadline: as long as the kernel takes", "no9000 yes10", -1, {0, 0},
         "0@0 1@9000 opened 9010: ECONNREFUSED/9000 -/10"},
        {1, "one, while more are to come: after that", "never yes10", 300, {50, 1},
         "0@50 1@237 opened 247: ETIMEDOUT/187 -/10"},
        {2, "two, while more are to come", "never yes10", 300, {50, 1},
         "0@0 1@237 opened 247: ETIMEDOUT/237 -/10"},
    };
    struct rlimit limit, few;

    getrlimit(RLIMIT_NOFILE, &limit);
    few = limit;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int next = dup(0);
        close(next);
        few.rlim_cur = (rlim_t)(next + 2 + table[i].more); /* two are the pipe of play() */
        setrlimit(RLIMIT_NOFILE, &few);
        const char *said = play(table[i].script, table[i].deadline, table[i].later);
        setrlimit(RLIMIT_NOFILE, &limit);
        is_str(said, table[i].seen, "A16 %s", table[i].name);
    }
}

/* As many as a resolver gives, all silent: all are tried. */
static void check_many(void)
{
    char text[ADDRS * 8] = "";

    for (int i = 0; i < ADDRS; i++)
        strcat(text, "never ");
    const char *said = play(text, 5000, (struct later){0});
    ok(strstr(said, " 63@"), "64 addresses within 5 s");
    ok(strstr(said, "ETIMEDOUT 5000:"), "and the deadline ends it");
}

/* A socket that is closed here may be open in a child of fork: it must have left epoll, or it
 * would report its end without end. */
static void check_forked(void)
{
    is_hoarding = 1;
    is_str(play("no300 never no10 yes30", -1, (struct later){0}),
           "0@0 1@250 2@300 3@310 opened 340: ECONNREFUSED/300 ECANCELED/90 ECONNREFUSED/10 -/30",
           "with a child of fork");
    is_str(play("never no20 never no10 yes30", 100, (struct later){30, 2}),
           "0@0 1@44 2@58 3@64 4@74 ETIMEDOUT 100: ETIMEDOUT/100 ECONNREFUSED/20 ETIMEDOUT/42 "
           "ECONNREFUSED/10 ETIMEDOUT/26",
           "and more addresses to come");
    is_hoarding = 0;
    while (hoarded > 0)
        close(hoard[--hoarded]);
}

int main(void)
{
    int before = open_descriptors();

    check_turns();
    check_later();
    check_cramped();
    check_many();
    check_forked();
    is_int(open_descriptors(), before, "nothing is left open");
    return tap_done();
}
