/* Tests of netio/loop.h: watches, each over both backends. */
#include "looping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static void test_watch(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard}, again = watch;
    int pair[2];

    new_pair(pair);
    is_int(netio_watch_start(loop, &watch, pair[0], NETIO_READ), 0, "watched");
    is_int(netio_watch_start(loop, &again, pair[0], NETIO_READ), -EEXIST, "once at a time");
    is_int(netio_watch_start(loop, &watch, pair[1], NETIO_READ), -EEXIST, "and on one descriptor");
    is_int(netio_loop_step(loop, NETIO_NOW), 0, "nothing ready");
    netio_fd_send(pair[1], "x", 1);
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "one handler ran");
    is_int(heard.events, NETIO_READ, "there is something to read");
    is_int(netio_loop_step(loop, NETIO_NOW), 1, "level-triggered: again, as it was not read");
    heard = (struct heard){0};
    is_int(netio_watch_change(&watch, NETIO_READ | NETIO_WRITE), 0, "both");
    netio_loop_step(loop, NETIO_NOW);
    is_int(heard.events, NETIO_READ | NETIO_WRITE, "both are ready");
    heard = (struct heard){0};
    is_int(netio_watch_change(&watch, 0), 0, "neither");
    is_int(netio_loop_step(loop, NETIO_NOW), 0, "silent");
    netio_fd_close(pair[1]);
    netio_loop_step(loop, NETIO_NOW);
    is_int(heard.events, NETIO_READ | NETIO_WRITE, "but for the hang-up");
    netio_watch_stop(&watch);
    netio_watch_stop(&watch);
    is_int(netio_loop_step(loop, NETIO_NOW), 0, "stopped is silent");
    is_int(netio_watch_change(&watch, NETIO_READ), -EINVAL, "and cannot be changed");
    is_int(netio_watch_start(loop, &watch, -1, NETIO_READ), -EBADF, "no descriptor");
    netio_fd_close(pair[0]);
    is_int(netio_watch_start(loop, &watch, pair[0], NETIO_READ), -EBADF, "a closed one");
    netio_loop_free(loop);
}

/* Two watches are ready in one batch; whichever runs first stops the other, and once
 * starts a new watch under the same descriptor number. */
static void test_stale(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard[2] = {{0}, {0}};
    struct netio_watch watch[2] = {{.ready = hear, .data = &heard[0]},
                                   {.ready = hear, .data = &heard[1]}};
    int pair[2];

    new_pair(pair);
    heard[0].stop = &watch[1];
    heard[1].stop = &watch[0];
    for (int i = 0; i < 2; i++) {
        netio_fd_send(pair[i], "x", 1);
        netio_watch_start(loop, &watch[i], pair[i], NETIO_READ);
    }
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "one of two ran");
    is_int(heard[0].calls + heard[1].calls, 1, "the stopped one did not, though it was ready");
    netio_watch_stop(&watch[0]);
    netio_watch_stop(&watch[1]);
    netio_loop_free(loop);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void pause_other(struct netio_watch *watch, unsigned events)
{
    struct netio_watch *other = watch->data;

    (void)events;
    nfired++;
    netio_watch_change(other, 0);
}

/* Two watches are ready in one batch; whichever runs first wants to hear no more of the
 * other than its end. */
static void test_paused(void)
{
    struct netio_loop *loop = new_loop();
    struct netio_watch watch[2] = {{.ready = pause_other}, {.ready = pause_other}};
    int pair[2];

    new_pair(pair);
    nfired = 0;
    for (int i = 0; i < 2; i++) {
        watch[i].data = &watch[!i];
        netio_fd_send(pair[i], "x", 1);
        netio_watch_start(loop, &watch[i], pair[i], NETIO_READ | NETIO_WRITE);
    }
    is_int(netio_loop_step(loop, NETIO_NEVER), 1, "one of two ran");
    is_int(nfired, 1, "the paused one did not, though it was ready");
    netio_loop_free(loop);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

struct reuse {
    struct netio_watch first, second, third;
    struct netio_loop *loop;
    struct heard heard;
    int spare;
    int done;
};

/* Closes the descriptor of the third watch and opens another under its number. */
static void swap_fd(struct netio_watch *watch, unsigned events)
{
    struct reuse *reuse = watch->data;

    (void)events;
    if (reuse->done++)
        return;
    struct netio_watch *victim = watch == &reuse->first ? &reuse->second : &reuse->first;
    int fd = victim->fd;
    netio_watch_stop(victim);
    dup2(reuse->spare, fd);
    netio_watch_start(reuse->loop, &reuse->third, fd, NETIO_READ);
}

static void test_reused_number(void)
{
    struct reuse reuse = {.loop = new_loop()};
    int a[2], b[2], quiet[2];

    new_pair(a);
    new_pair(b);
    new_pair(quiet);
    reuse.spare = quiet[0];
    reuse.first = (struct netio_watch){.ready = swap_fd, .data = &reuse};
    reuse.second = reuse.first;
    reuse.third = (struct netio_watch){.ready = hear, .data = &reuse.heard};
    netio_fd_send(a[1], "x", 1);
    netio_fd_send(b[1], "x", 1);
    netio_watch_start(reuse.loop, &reuse.first, a[0], NETIO_READ);
    netio_watch_start(reuse.loop, &reuse.second, b[0], NETIO_READ);
    netio_loop_step(reuse.loop, NETIO_NEVER);
    is_int(reuse.heard.calls, 0, "an event of the old descriptor does not reach the new one");
    netio_loop_free(reuse.loop);
    for (int i = 0; i < 2; i++) {
        netio_fd_close(a[i]);
        netio_fd_close(b[i]);
        netio_fd_close(quiet[i]);
    }
}

static void test_many(void)
{
    struct netio_loop *loop = new_loop();
    static struct netio_watch watches[300];
    struct heard heard[300] = {0};
    int fds[300][2], good = 1;

    for (int i = 0; i < 300; i++) {
        new_pair(fds[i]);
        watches[i] = (struct netio_watch){.ready = hear, .data = &heard[i]};
        good &= netio_watch_start(loop, &watches[i], fds[i][0], NETIO_READ) == 0;
        netio_fd_send(fds[i][1], "x", 1);
    }
    ok(good, "300 watches");
    for (int turn = 0; turn < 5; turn++)
        netio_loop_step(loop, NETIO_NOW);
    good = 1;
    for (int i = 0; i < 300; i++)
        good &= heard[i].calls > 0;
    ok(good, "all have been served after five batches of 64");
    for (int i = 0; i < 300; i++) {
        netio_watch_stop(&watches[i]);
        netio_fd_close(fds[i][0]);
        netio_fd_close(fds[i][1]);
    }
    netio_loop_free(loop);
}

static void test_high(void)
{
    struct netio_loop *loop;
    struct rlimit limit;
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard};
    int pair[2];

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 3000 ? limit.rlim_max : 3000;
    setrlimit(RLIMIT_NOFILE, &limit);
    loop = new_loop();
    new_pair(pair);
    int high = (int)limit.rlim_cur - 1;
    ok(dup2(pair[0], high) == high, "a high descriptor: %d", high);
    is_int(netio_watch_start(loop, &watch, high, NETIO_READ), 0, "A28: is watched");
    netio_fd_send(pair[1], "x", 1);
    netio_loop_step(loop, NETIO_NEVER);
    is_int(heard.calls, 1, "and heard");
    netio_loop_free(loop);
    netio_fd_close(high);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void test_file(void)
{
    struct netio_loop *loop = new_loop();
    struct heard heard = {0};
    struct netio_watch watch = {.ready = hear, .data = &heard};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int code = netio_watch_start(loop, &watch, fd, NETIO_READ);

    if (flags & NETIO_LOOP_POLL)
        is_int(code, 0, "poll(2) watches files");
    else
        is_int(code, -EPERM, "epoll(7) does not watch files");
    netio_loop_free(loop);
    netio_fd_close(fd);
}

static void test_all(void)
{
    test_watch();
    test_stale();
    test_paused();
    test_reused_number();
    test_many();
    test_high();
    test_file();
}

int main(void)
{
    over_both(test_all);
    return tap_done();
}
