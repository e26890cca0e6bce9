/* Tests of netio/limit.h: limits and rates to the last one, sources, changes, and the table of
 * sources when it is full.  Time is what the tests say.  Processes that race are in limit-race.c.
 */
#include "tap.h"
#include <netio/limit.h>

#include "base/siphash.h"
#include "net/sources.h"

#include <errno.h>
#include <math.h>

#define SECOND ((int64_t)1000000000)

static struct netio_addr addr_of(const char *text)
{
    struct netio_addr addr = {0};

    if (*text && netio_addr_parse(&addr, text) < 0)
        fail("%s", text);
    return addr;
}

/* 0, or why not, as a word. */
static const char *take(struct netio_limit *limit, struct netio_hold *hold, const char *peer,
                        int exempt, int64_t now)
{
    struct netio_addr addr = addr_of(peer);
    enum netio_refused why;

    return netio_limit_take(limit, hold, &addr, exempt, now, &why) == 0 ? "taken"
                                                                        : netio_refused_str(why);
}

static struct netio_limit *new_limit(const struct netio_limit_options *options)
{
    struct netio_limit *limit;

    is_int(netio_limit_new(&limit, options), 0, "limits");
    return limit;
}

static void test_words(void)
{
    is_str(netio_refused_str(NETIO_REFUSED_ACCESS), "access", "the first reason");
    is_str(netio_refused_str(NETIO_REFUSED_FORK), "fork", "the last");
    is_str(netio_refused_str(NETIO_REFUSED_REASONS), "unknown", "none");
}

/* R9: the limit is the limit, whatever the family. */
static void test_exact(void)
{
    static const char *const peers[] = {"192.0.2.1", "2001:db8::1"};

    for (size_t p = 0; p < 2; p++) {
        struct netio_limit *limit = new_limit(&(struct netio_limit_options){.per_source = 3});
        struct netio_hold holds[4];
        for (int i = 0; i < 3; i++)
            is_str(take(limit, &holds[i], peers[p], 0, 0), "taken", "R9: %d of 3", i + 1);
        is_str(take(limit, &holds[3], peers[p], 0, 0), "source", "R9: not the fourth");
        is_int(holds[3].place, 0, "which holds nothing");
        is_int(netio_limit_open(limit), 3, "three are open");
        netio_limit_give(limit, &holds[1]);
        netio_limit_give(limit, &holds[1]);
        is_int(netio_limit_open(limit), 2, "given back once, however often it is said");
        is_str(take(limit, &holds[3], peers[p], 0, 0), "taken", "its place is free");
        is_str(take(limit, &holds[1], peers[p], 0, 0), "source", "once");
        is_str(take(limit, &holds[1], "198.51.100.1", 0, 0), "taken", "B5: others find theirs");
        netio_limit_free(limit);
    }
}

static void test_total(void)
{
    struct netio_limit *limit =
        new_limit(&(struct netio_limit_options){.total = 3, .per_source = 1});
    struct netio_hold holds[4];

    is_str(take(limit, &holds[0], "192.0.2.1", 0, 0), "taken", "one");
    is_str(take(limit, &holds[1], "192.0.2.1", 0, 0), "source", "not its second");
    is_str(take(limit, &holds[1], "192.0.2.1", 1, 0), "taken", "but who is exempt");
    is_str(take(limit, &holds[2], "", 0, 0), "taken", "who is not known has no source");
    is_str(take(limit, &holds[3], "192.0.2.2", 0, 0), "full", "and then all is full");
    is_str(take(limit, &holds[3], "192.0.2.2", 1, 0), "full", "for the exempt as well");
    is_str(take(limit, &holds[3], "/run/x", 0, 0), "full", "and on unix sockets");
    for (int i = 0; i < 3; i++)
        netio_limit_give(limit, &holds[i]);
    is_int(netio_limit_open(limit), 0, "all are gone");
    is_str(take(limit, &holds[0], "/run/x", 0, 0), "taken", "unix sockets");
    is_str(take(limit, &holds[1], "/run/x", 0, 0), "taken", "have no source");
    netio_limit_free(limit);
}

static void test_sources(void)
{
    struct netio_limit *limit = new_limit(&(struct netio_limit_options){.per_source = 1});
    struct netio_hold hold;

    take(limit, &hold, "192.0.2.1", 0, 0);
    is_str(take(limit, &hold, "::ffff:192.0.2.1", 0, 0), "source", "R25: v4-mapped is IPv4");
    is_str(take(limit, &hold, "192.0.2.2", 0, 0), "taken", "the next address is another source");
    take(limit, &hold, "2001:db8:1:2::1", 0, 0);
    is_str(take(limit, &hold, "2001:db8:1:2:ffff::2", 0, 0), "source", "B6: a /64 is one source");
    is_str(take(limit, &hold, "2001:db8:1:3::1", 0, 0), "taken", "B6: the next /64 is another");
    netio_limit_free(limit);
    limit = new_limit(
        &(struct netio_limit_options){.per_source = 1, .ipv4_bits = 23, .ipv6_bits = 128});
    take(limit, &hold, "192.0.2.1", 0, 0);
    is_str(take(limit, &hold, "192.0.3.255", 0, 0), "source", "a /23");
    is_str(take(limit, &hold, "192.0.4.0", 0, 0), "taken", "and the next");
    take(limit, &hold, "2001:db8::1", 0, 0);
    is_str(take(limit, &hold, "2001:db8::1", 0, 0), "source", "a /128");
    is_str(take(limit, &hold, "2001:db8::2", 0, 0), "taken", "and the next");
    netio_limit_free(limit);
}

static void test_rates(void)
{
    struct netio_limit *limit = new_limit(&(struct netio_limit_options){.source_rate = {3, 6}});
    struct netio_hold hold;
    int64_t now = 1000 * SECOND;

    for (int i = 0; i < 3; i++) {
        is_str(take(limit, &hold, "192.0.2.1", 0, now), "taken", "R9: %d of 3 at once", i + 1);
        netio_limit_give(limit, &hold);
    }
    is_str(take(limit, &hold, "192.0.2.1", 0, now), "rate", "R9: not the fourth");
    is_str(take(limit, &hold, "192.0.2.1", 1, now), "taken", "but who is exempt");
    is_str(take(limit, &hold, "192.0.2.2", 0, now), "taken", "and another source");
    is_str(take(limit, &hold, "192.0.2.1", 0, now + 2 * SECOND - 1), "rate", "not a moment early");
    is_str(take(limit, &hold, "192.0.2.1", 0, now + 2 * SECOND), "taken", "one after a third");
    is_str(take(limit, &hold, "192.0.2.1", 0, now + 2 * SECOND), "rate", "and no more");
    is_str(take(limit, &hold, "192.0.2.1", 0, now), "rate",
           "R10: a clock set back forgives nothing");
    is_str(take(limit, &hold, "192.0.2.1", 0, now + 99 * SECOND), "taken",
           "in the end all is well");
    netio_limit_free(limit);
}

/* R8: of all together nobody is refused; the server lets them wait. */
static void test_total_rate(void)
{
    struct netio_limit *limit = new_limit(&(struct netio_limit_options){.rate = {2, 0}});
    struct netio_hold hold;
    int64_t now = 1000 * SECOND, half = SECOND / 2;

    ok(netio_limit_next(limit, now) <= now, "at once");
    take(limit, &hold, "192.0.2.1", 0, now);
    ok(netio_limit_next(limit, now) <= now, "the second, too");
    take(limit, &hold, "192.0.2.2", 0, now);
    is_int(netio_limit_next(limit, now), now + half, "the third after half a second");
    is_str(take(limit, &hold, "192.0.2.3", 0, now), "taken", "R8: who was accepted is served");
    is_int(netio_limit_next(limit, now), now + 2 * half, "and the next waits so much longer");
    netio_limit_free(limit);
    limit = new_limit(&(struct netio_limit_options){0});
    is_int(netio_limit_next(limit, now), now, "without a rate at once");
    netio_limit_free(limit);
}

/* What another process has had is neither new nor too much. */
static void test_adopted(void)
{
    const struct netio_limit_options options = {
        .total = 2, .per_source = 2, .rate = {2, 60}, .source_rate = {2, 60}};
    struct netio_limit *limit = new_limit(&options), *next = new_limit(&options);
    struct netio_addr peer = addr_of("192.0.2.1");
    struct netio_hold holds[3], hold;
    int64_t now = 1000 * SECOND;

    is_int(netio_limit_due(limit), 0, "nothing is owed");
    for (int i = 0; i < 3; i++)
        netio_limit_adopt(limit, &holds[i], &peer, now);
    is_int(netio_limit_open(limit), 3, "all are counted");
    ok(netio_limit_next(limit, now) <= now, "... as none that has just come");
    is_str(take(limit, &hold, "192.0.2.1", 0, now), "source", "their source has no more");
    is_str(take(limit, &hold, "192.0.2.2", 0, now), "full", "nor has any");
    for (int i = 0; i < 3; i++)
        netio_limit_give(limit, &holds[i]);
    is_int(netio_limit_open(limit), 0, "they have ended");
    take(limit, &hold, "192.0.2.1", 0, now);
    take(limit, &hold, "192.0.2.1", 0, now);
    is_int(netio_limit_due(limit), now + 60 * SECOND, "what they owe");
    netio_limit_set_due(next, netio_limit_due(limit));
    is_int(netio_limit_next(next, now), netio_limit_next(limit, now), "... another one owes then");
    netio_limit_set_due(next, INT64_MAX);
    is_int(netio_limit_next(next, now), now + 30 * SECOND, "never more than a rate has");
    netio_limit_free(limit);
    netio_limit_free(next);
}

static int passes(struct netio_limit *limit, const char *peer, int exempt, int64_t now)
{
    struct netio_addr addr = addr_of(peer);
    enum netio_refused why = NETIO_REFUSED_ACCESS;
    int code = netio_limit_pass(limit, &addr, exempt, now, &why);

    if (code && why != NETIO_REFUSED_RATE)
        fail("the reason is %s", netio_refused_str(why));
    return code == 0;
}

static void test_pass(void)
{
    struct netio_limit *limit =
        new_limit(&(struct netio_limit_options){.rate = {4, 1}, .source_rate = {2, 1}, .total = 1});
    int64_t now = 1000 * SECOND;

    is_int(passes(limit, "192.0.2.1", 0, now), 1, "a datagram");
    is_int(passes(limit, "192.0.2.1", 0, now), 1, "a second");
    is_int(passes(limit, "192.0.2.1", 0, now), 0, "not a third");
    is_int(netio_limit_open(limit), 0, "nothing is open");
    is_int(passes(limit, "192.0.2.1", 1, now), 1, "but who is exempt");
    is_int(passes(limit, "/run/x", 0, now), 1, "and on unix sockets");
    is_int(passes(limit, "192.0.2.2", 0, now), 0, "until all together are too many");
    is_int(passes(limit, "192.0.2.2", 1, now), 0, "which goes for the exempt as well");
    is_int(passes(limit, "192.0.2.2", 0, now + SECOND / 4), 1, "for a while");
    netio_limit_free(limit);
}

static void test_change(void)
{
    struct netio_limit *limit = new_limit(&(struct netio_limit_options){0});
    struct netio_hold holds[4];

    for (int i = 0; i < 3; i++)
        is_str(take(limit, &holds[i], "192.0.2.1", 0, 0), "taken", "without limits");
    is_int(netio_limit_change(limit, &(struct netio_limit_options){.per_source = 2}), 0,
           "other ones");
    is_str(take(limit, &holds[3], "192.0.2.1", 0, 0), "source", "those who were there count");
    is_int(netio_limit_change(limit, &(struct netio_limit_options){.rate = {1, -1}}), -EINVAL,
           "wrong ones are refused");
    is_str(take(limit, &holds[3], "192.0.2.1", 0, 0), "source", "and change nothing");
    netio_limit_give(limit, &holds[0]);
    netio_limit_give(limit, &holds[1]);
    is_str(take(limit, &holds[3], "192.0.2.1", 0, 0), "taken", "until there are fewer");
    netio_limit_free(limit);
}

/* An hour's debt does not outlive the rate that it was made under. */
static void test_change_of_rates(void)
{
    struct netio_limit *limit =
        new_limit(&(struct netio_limit_options){.rate = {1, 3600}, .source_rate = {1, 3600}});
    int64_t now = 1000 * SECOND;
    struct netio_hold hold;

    take(limit, &hold, "192.0.2.1", 0, now);
    is_int(netio_limit_next(limit, now) - now, 3600 * SECOND, "the next one in an hour");
    is_str(take(limit, &hold, "192.0.2.1", 0, now), "rate", "and this one");
    netio_limit_change(limit,
                       &(struct netio_limit_options){.rate = {10, 1}, .source_rate = {2, 1}});
    ok(netio_limit_next(limit, now) <= now + SECOND / 10, "other rates: the next one at once");
    is_str(take(limit, &hold, "192.0.2.1", 0, now), "rate", "its source owes, as its rate allows");
    is_str(take(limit, &hold, "192.0.2.1", 0, now + SECOND / 2), "taken", "and no longer");
    is_int(passes(limit, "192.0.2.1", 0, now + SECOND), 1, "then as ever");
    netio_limit_change(limit, &(struct netio_limit_options){0});
    ok(netio_limit_next(limit, now) <= now, "without rates nobody owes anything");
    netio_limit_free(limit);
}

static void test_columns(void)
{
    struct netio_limit *limit =
        new_limit(&(struct netio_limit_options){.per_source = 2, .total = 3});
    struct netio_hold hold, mine;

    take(limit, &mine, "192.0.2.1", 0, 0);
    netio_limit_use_column(limit, NETIO_LIMIT_COLUMNS - 1);
    is_str(take(limit, &hold, "192.0.2.1", 0, 0), "taken", "in another column");
    is_str(take(limit, &hold, "192.0.2.1", 0, 0), "source", "the limit is that of all");
    take(limit, &hold, "192.0.2.2", 0, 0);
    is_str(take(limit, &hold, "192.0.2.3", 0, 0), "full", "the total as well");
    netio_limit_clear_column(limit, NETIO_LIMIT_COLUMNS - 1);
    is_int(netio_limit_open(limit), 1, "R11: whoever dies leaves nothing behind");
    is_str(take(limit, &hold, "192.0.2.1", 0, 0), "taken", "for its sources");
    is_str(take(limit, &hold, "192.0.2.1", 0, 0), "source", "but those of others stay");
    netio_limit_clear_column(limit, NETIO_LIMIT_COLUMNS - 1);
    netio_limit_give(limit, &hold);
    is_int(netio_limit_open(limit), 1, "one taken for dead that is not takes nothing from others");
    netio_limit_use_column(limit, 0);
    netio_limit_give(limit, &mine);
    is_int(netio_limit_open(limit), 0, "and all is given back");
    netio_limit_free(limit);
}

static const struct {
    struct netio_limit_options options;
    int code;
} wrong[] = {
    {{.ipv4_bits = 33}, -EINVAL},
    {{.ipv6_bits = 129}, -EINVAL},
    {{.rate = {1, -0.5}}, -EINVAL},
    {{.rate = {1, NAN}}, -EINVAL},
    {{.source_rate = {1, INFINITY}}, -EINVAL},
    {{.source_rate = {1, 1e10}}, -EINVAL},
    {{.sources = NETIO__SOURCES_MAX + 1}, -EINVAL},
    {{.rate = {UINT32_MAX, 1e9}, .source_rate = {1, 1e9}, .sources = 1}, 0},
    {{.rate = {UINT32_MAX, 1e-9}}, 0},
};

static void test_wrong(void)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct netio_limit *limit;
        is_int(netio_limit_new(&limit, &wrong[i].options), wrong[i].code, "options %zu", i);
        ok(!limit == !!wrong[i].code, "limits only if they make sense");
        netio_limit_free(limit);
    }
}

/* The paper's own vector, appendix A: fifteen bytes under the key 00 01 .. 0f. */
static void test_hash(void)
{
    static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    unsigned char text[15];

    for (unsigned char i = 0; i < sizeof text; i++)
        text[i] = i;
    ok(netio__siphash(key, text, sizeof text) == 0xa129ca6149be45e5, "SipHash-2-4 as in its paper");
    ok(netio__siphash(key, text, 0) == 0x726fdb47dd0e0e31, "and of nothing");
}

static const char *nth(unsigned i)
{
    static char text[32];

    snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
    return text;
}

/* All the sources that there may be find a place; those that are quiet are forgotten. */
static void test_table(void)
{
    enum { COUNT = 1024 };
    struct netio_limit *limit =
        new_limit(&(struct netio_limit_options){.per_source = 1, .sources = COUNT});
    static struct netio_hold holds[COUNT];
    struct netio_hold hold;
    int lost = 0;

    for (int turn = 0; turn < 20; turn++) {
        for (unsigned i = 0; i < COUNT; i++)
            lost += strcmp(take(limit, &holds[i], nth(turn * COUNT + i), 0, 0), "taken") != 0;
        for (unsigned i = 0; i < COUNT; i++)
            lost += strcmp(take(limit, &hold, nth(turn * COUNT + i), 0, 0), "source") != 0;
        for (unsigned i = 0; i < COUNT; i++)
            netio_limit_give(limit, &holds[i]);
    }
    is_int(lost, 0, "as many sources as it was made for, one after another");
    is_int(netio_limit_open(limit), 0, "and nothing is left");
    netio_limit_free(limit);
}

/* Beyond what it was made for: those who are there are safe, and the total still counts. */
static void test_table_full(void)
{
    struct netio_limit *limit =
        new_limit(&(struct netio_limit_options){.per_source = 1, .sources = 1});
    struct netio_hold holds[200];
    int taken = 0, wrong_ones = 0;

    for (unsigned i = 0; i < 200; i++) {
        const char *answer = take(limit, &holds[i], nth(i), 0, 0);
        taken += strcmp(answer, "taken") == 0;
        wrong_ones += strcmp(answer, "taken") != 0 && strcmp(answer, "full") != 0;
    }
    ok(taken >= 16 && taken <= 32 && !wrong_ones, "as many as there are slots, the rest: full");
    is_int(netio_limit_open(limit), taken, "which are counted");
    for (unsigned i = 0; i < 200; i++)
        if (holds[i].place)
            wrong_ones += strcmp(take(limit, &(struct netio_hold){0}, nth(i), 0, 0), "source") != 0;
    is_int(wrong_ones, 0, "each of them once");
    netio_limit_change(limit, &(struct netio_limit_options){.total = 100});
    is_str(take(limit, &holds[0], "203.0.113.1", 0, 0), "taken",
           "without limits for sources nobody is refused for the lack of a slot");
    netio_limit_give(limit, &holds[0]);
    is_int(netio_limit_open(limit), taken, "and it is given back");
    netio_limit_free(limit);
}

/* Rates alone never fill it: who recovers first is forgotten first. */
static void test_table_of_rates(void)
{
    struct netio_limit *limit =
        new_limit(&(struct netio_limit_options){.source_rate = {1, 1000}, .sources = 1});
    int64_t now = 1000 * SECOND;
    int lost = 0;

    for (unsigned i = 0; i < 1000; i++)
        lost += !passes(limit, nth(i), 0, now + i);
    is_int(lost, 0, "B5: sources without end, each once");
    is_int(passes(limit, nth(999), 0, now + 1000), 0, "and those who came last are known");
    netio_limit_free(limit);
}

/* D22: addresses cannot be chosen that meet, since the key is another one each time. */
static void test_flood_of_keys(void)
{
    static uint64_t first[512];
    int same = 0;

    for (int turn = 0; turn < 2; turn++) {
        struct netio_limit *limit = new_limit(&(struct netio_limit_options){.sources = 512});
        for (unsigned i = 0; i < 512; i++) {
            struct netio_hold hold;
            take(limit, &hold, nth(i << 8), 0, 0);
            same += turn && first[i] == hold.place;
            first[i] = hold.place;
        }
        netio_limit_free(limit);
    }
    ok(same < 32, "D22: the next process has its sources elsewhere (%d of 512 in place)", same);
}

int main(void)
{
    test_words();
    test_exact();
    test_total();
    test_sources();
    test_rates();
    test_total_rate();
    test_adopted();
    test_pass();
    test_change();
    test_change_of_rates();
    test_columns();
    test_wrong();
    test_hash();
    test_table();
    test_table_full();
    test_table_of_rates();
    test_flood_of_keys();
    netio_limit_free(NULL);
    return tap_done();
}
