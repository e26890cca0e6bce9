/* Tests of netio/loop.h: timers, and how long a loop runs, each over both backends. */
#include "looping.h"

static void test_timers(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_timer timers[20] = {0};
    int64_t base = netio_clock_now() - 1000000;
    int good = 1;

    for (int i = 0; i < 20; i++) {
        timers[i].fire = fire;
        timers[i].data = timers;
        netio_timer_start(loop, &timers[i], base + (i * 7 % 20) * 1000);
    }
    is_int(netio_loop_next(loop), base, "the first is known");
    for (int i = 0; i < 20; i += 4)
        netio_timer_stop(&timers[i]);
    netio_timer_start(loop, &timers[1], base + 19500);
    netio_timer_start(loop, &timers[2], NETIO_NEVER);
    netio_timer_stop(&timers[2]);
    nfired = 0;
    is_int(netio_loop_step(loop, NETIO_NEVER), 14, "all that are left fire");
    for (int i = 1; i < nfired; i++)
        good &= timers[fired[i - 1]].when <= timers[fired[i]].when;
    ok(good, "in the order of their times");
    is_int(fired[13], 1, "the moved one last");
    is_int(netio_loop_next(loop), NETIO_NEVER, "and none is left");
    netio_timer_start(loop, &timers[0], netio_deadline_in(0.01));
    netio_timer_start(loop, &timers[1], netio_deadline_in(3600));
    nfired = 0;
    while (nfired == 0)
        netio_loop_step(loop, NETIO_NEVER);
    is_int(fired[0], 0, "a step without a deadline ends with the first timer");
    is_int(netio_loop_step(loop, netio_deadline_in(0.01)), 0, "a step ends at its deadline");
    netio_loop_free(loop);
}

static void fire_again(struct netio_timer *timer)
{
    nfired++;
    netio_timer_start(timer->data, timer, NETIO_NOW);
}

static void stop_loop(struct netio_timer *timer)
{
    netio_loop_stop(timer->data);
}

static void test_run(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_timer again = {.fire = fire_again, .data = loop};
    struct netio_timer stop = {.fire = stop_loop, .data = loop};

    nfired = 0;
    netio_timer_start(loop, &again, NETIO_NOW);
    netio_loop_step(loop, NETIO_NOW);
    is_int(nfired, 1, "a timer that starts itself again waits for the next step");
    netio_timer_start(loop, &stop, netio_deadline_in(0.005));
    is_int(netio_loop_run(loop), 0, "runs until stopped");
    ok(nfired > 1, "and served the other timer meanwhile");
    netio_loop_free(loop);
    netio_loop_free(NULL);
}

static struct netio_timer stopper;

static void run_inner(struct netio_timer *timer)
{
    struct netio_loop *loop = timer->data;

    netio_timer_start(loop, &stopper, NETIO_NOW);
    netio_loop_run(loop);
    nfired++;
    netio_timer_start(loop, &stopper, NETIO_NOW);
}

/* A run within a handler of a run: a stop ends the inner one only. */
static void test_run_inside(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_timer inner = {.fire = run_inner, .data = loop};

    stopper = (struct netio_timer){.fire = stop_loop, .data = loop};
    nfired = 0;
    netio_timer_start(loop, &inner, NETIO_NOW);
    is_int(netio_loop_run(loop), 0, "a run with a run in it");
    is_int(nfired, 1, "the inner one ended");
    ok(!stopper.loop, "and the outer one went on to its own stop");
    netio_loop_free(loop);
}

/* Starting a timer that another loop has moves it there. */
static void test_two_loops(void)
{
    struct netio_loop *one = new_loop(), *other = new_loop();
    struct netio_timer timer = {.fire = fire, .data = &timer};

    nfired = 0;
    netio_timer_start(one, &timer, NETIO_NOW);
    netio_timer_start(other, &timer, NETIO_NOW);
    is_int(netio_loop_step(one, NETIO_NOW), 0, "a timer that moved to another loop");
    is_int(netio_loop_step(other, NETIO_NOW), 1, "fires there");
    netio_loop_free(one);
    netio_loop_free(other);
}

static void test_all(void)
{
    test_timers();
    test_run();
    test_run_inside();
    test_two_loops();
}

int main(void)
{
    over_both(test_all);
    return tap_done();
}
