/* Tests of netio/clock.h. */
#include "tap.h"
#include <netio/clock.h>

#include <limits.h>
#include <math.h>

static void test_borders(void)
{
    static const struct {
        const char *name;
        double seconds;
        netio_deadline want;
    } table[] = {
        {"zero", 0.0, NETIO_NOW},         {"negative", -1.0, NETIO_NOW},
        {"not a number", NAN, NETIO_NOW}, {"minus infinity", -INFINITY, NETIO_NOW},
        {"infinity", INFINITY, NETIO_NEVER}, {"a thousand years", 3.2e10, NETIO_NEVER},
        {"1e300", 1e300, NETIO_NEVER},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        is_int(netio_deadline_in(table[i].seconds), table[i].want, "seconds: %s", table[i].name);
}

static void test_left(void)
{
    netio_deadline far = netio_clock_now() + 3600 * 1000000000LL;

    is_int(netio_deadline_ms(NETIO_NEVER), -1, "no deadline is poll's -1");
    is_int(netio_deadline_ms(NETIO_NOW), 0, "a passed one does not wait");
    int ms = netio_deadline_ms(far);
    ok(ms > 3599000 && ms <= 3600000, "an hour in milliseconds");
    ok(ms * 1000000LL >= far - netio_clock_now(), "rounded up: a wait never ends early");
    is_int(netio_deadline_ms(netio_clock_now() + INT64_MAX / 4), INT_MAX, "capped at INT_MAX");
    ok(isinf(netio_deadline_left(NETIO_NEVER)), "no deadline leaves for ever");
    ok(netio_deadline_left(NETIO_NOW) <= 0.0, "a passed one leaves nothing");
    ok(netio_deadline_left(far) > 3599.0, "an hour in seconds");
    ok(netio_deadline_passed(NETIO_NOW), "NETIO_NOW has passed");
    ok(!netio_deadline_passed(NETIO_NEVER), "NETIO_NEVER never does");
    ok(!netio_deadline_passed(far), "an hour from now has not");
    ok(netio_deadline_passed(netio_clock_now()), "this very moment has");
    netio_deadline tiny = netio_deadline_in(1e-9);
    ok(tiny > NETIO_NOW && tiny <= netio_clock_now() + 2, "a nanosecond is a deadline");
}

static void test_sooner(void)
{
    is_int(netio_deadline_sooner(5, 7), 5, "the earlier one");
    is_int(netio_deadline_sooner(7, 5), 5, "in either order");
    is_int(netio_deadline_sooner(NETIO_NEVER, 7), 7, "NETIO_NEVER is the latest");
    is_int(netio_deadline_sooner(7, NETIO_NEVER), 7, "in either order");
    is_int(netio_deadline_sooner(NETIO_NEVER, NETIO_NEVER), NETIO_NEVER, "of all");
}

int main(void)
{
    int64_t first = netio_clock_now();
    ok(first > NETIO_NOW, "now is above NETIO_NOW");
    ok(netio_clock_now() >= first, "time does not go back");
    test_borders();
    test_left();
    test_sooner();
    return tap_done();
}
