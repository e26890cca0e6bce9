/* Ring 1.  The event loop: watches and the step; see netio/loop.h.
 * Called by the resolver, the server and host programs.  Timers are in loop_timer.c, the system's
 * way of waiting in loop_epoll.c and loop_poll.c. */
#include "net/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define BATCH 64

/* pthread_atfork would outlive a dlclose of the library; a page that a fork wipes does not, and
 * asking for the pid, eight times a connection, took a tenth of what a bare server takes for it.
 * Without one the pid has to do: Linux knows them since 4.14.  An emulator that takes advice for
 * something to be ignored says yes to this one, and to advice that there is none of. */
static char *wiped_by_fork(void)
{
    char *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, 1, -1) != -1 || madvise(page, 1, MADV_WIPEONFORK) == -1) {
        munmap(page, 1);
        return NULL;
    }
    *page = 1;
    return page;
}

static void forget(char *page)
{
    if (page)
        munmap(page, 1);
}

int netio_loop_new(struct netio_loop **out, unsigned flags)
{
    struct netio_loop *loop = calloc(1, sizeof *loop);

    *out = NULL;
    if (!loop)
        return -ENOMEM;
    loop->backend = flags & NETIO_LOOP_POLL ? &netio__backend_poll : &netio__backend_epoll;
    loop->pid = getpid();
    loop->ours = wiped_by_fork();
    loop->clock.fd = -1;
    int code = loop->backend->open(&loop->state);
    if (code) {
        forget(loop->ours);
        free(loop);
        return code;
    }
    *out = loop;
    return 0;
}

void netio_loop_free(struct netio_loop *loop)
{
    if (!loop)
        return;
    loop->backend->close(loop->state);
    netio_fd_close(loop->clock.fd);
    netio__timers_free(&loop->timers);
    forget(loop->ours);
    free(loop->slots);
    free(loop->scratch);
    free(loop);
}

/* A backend with all the watches, for a fork's child. */
static int rebuild(const struct netio_loop *loop, void **state)
{
    int code = loop->backend->open(state);

    if (code)
        return code;
    for (size_t fd = 0; fd < loop->nslots; fd++) {
        const struct netio__watched *slot = &loop->slots[fd];
        if (!slot->watch || slot->watch == &loop->clock)
            continue;
        code = loop->backend->add(*state, (int)fd, slot->watch->events, slot->generation);
        /* EBADF, EPERM: the child has closed it, or has a file under its number. */
        if (code && code != -EBADF && code != -EPERM) {
            loop->backend->close(*state);
            return code;
        }
    }
    return 0;
}

/* The loop is this process's. */
static void settle(struct netio_loop *loop)
{
    loop->pid = getpid();
    if (loop->ours)
        *loop->ours = 1;
}

int netio__loop_rebuild(struct netio_loop *loop)
{
    void *state;
    int code = rebuild(loop, &state);

    if (code)
        return code;
    loop->backend->close(loop->state);
    loop->state = state;
    settle(loop);
    if (loop->clock.fd < 0)
        return 0;
    loop->clock.loop = NULL;
    loop->slots[loop->clock.fd].watch = NULL;
    return netio__loop_renew_clock(loop);
}

static int slot_for(struct netio_loop *loop, int fd)
{
    size_t need = (size_t)fd + 1, size = loop->nslots ? loop->nslots : 64;

    if (need <= loop->nslots)
        return 0;
    while (size < need)
        size *= 2;
    struct netio__watched *slots = realloc(loop->slots, size * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    for (size_t i = loop->nslots; i < size; i++)
        slots[i] = (struct netio__watched){0};
    loop->slots = slots;
    loop->nslots = size;
    return 0;
}

int netio_watch_start(struct netio_loop *loop, struct netio_watch *watch, int fd, unsigned events)
{
    if (fd < 0)
        return -EBADF;
    if (watch->loop)
        return -EEXIST;
    int code = netio__loop_own(loop);
    if (!code)
        code = slot_for(loop, fd);
    if (code)
        return code;
    struct netio__watched *slot = &loop->slots[fd];
    if (slot->watch)
        return -EEXIST;
    code = loop->backend->add(loop->state, fd, events, slot->generation + 1);
    if (code)
        return code;
    slot->generation++;
    slot->watch = watch;
    watch->loop = loop;
    watch->fd = fd;
    watch->events = events;
    return 0;
}

int netio_watch_change(struct netio_watch *watch, unsigned events)
{
    struct netio_loop *loop = watch->loop;

    if (!loop || (watch->events | events) & NETIO_EXCLUSIVE)
        return -EINVAL;
    if (watch->events == events)
        return 0;
    int code = netio__loop_own(loop);
    if (!code)
        code =
            loop->backend->mod(loop->state, watch->fd, events, loop->slots[watch->fd].generation);
    if (!code)
        watch->events = events;
    return code;
}

static void unregister(struct netio_loop *loop, int fd)
{
    pid_t before = loop->pid;

    if (netio__loop_own(loop) == 0 && loop->pid == before)
        loop->backend->del(loop->state, fd);
}

void netio_watch_stop(struct netio_watch *watch)
{
    struct netio_loop *loop = watch->loop;

    if (!loop)
        return;
    /* Forget it first: when own() has to build anew it must not add this one again. */
    loop->slots[watch->fd].watch = NULL;
    watch->loop = NULL;
    unregister(loop, watch->fd);
}

/* What a watch is told of an event.  It is asked now, not when the event was reported: a
 * handler may have changed the watch since, and one that was set to nothing hears of an error
 * only. */
static unsigned wanted(const struct netio_watch *watch, unsigned events)
{
    if (watch->events)
        return events & watch->events;
    return events & NETIO__BROKEN ? NETIO_READ | NETIO_WRITE : 0;
}

static int run_watches(struct netio_loop *loop, const struct netio__event *events, int n)
{
    int ran = 0;

    for (int i = 0; i < n; i++) {
        struct netio__watched *slot = &loop->slots[events[i].fd];
        struct netio_watch *watch = slot->watch;
        if (!watch) /* stopped meanwhile; or its removal has failed: told for ever */
            unregister(loop, events[i].fd);
        if (!watch || slot->generation != events[i].generation)
            continue;
        unsigned ready = wanted(watch, events[i].events);
        if (!ready)
            continue;
        watch->ready(watch, ready);
        ran += watch != &loop->clock;
    }
    return ran;
}

/* A signal that comes between the look at the mark and the wait would be slept over: held back for
 * the look, it is let in by the wait alone.  What is ready already costs none of that. */
static int wait_unless_marked(struct netio_loop *loop, struct netio__event *events, int timeout)
{
    sigset_t all, before;

    if (*loop->mark)
        return -EINTR;
    int n = loop->backend->wait(loop->state, events, BATCH, 0, NULL);
    if (n != 0 || timeout == 0)
        return n;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    n = *loop->mark ? -EINTR : loop->backend->wait(loop->state, events, BATCH, timeout, &before);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

int netio_loop_step(struct netio_loop *loop, netio_deadline deadline)
{
    struct netio__event events[BATCH];
    int code = netio__loop_own(loop);

    if (code)
        return code;
    netio_deadline until = netio_deadline_sooner(deadline, netio__timers_next(&loop->timers));
    int timeout = netio_deadline_ms(until);
    int n = loop->mark ? wait_unless_marked(loop, events, timeout)
                       : loop->backend->wait(loop->state, events, BATCH, timeout, NULL);
    if (n < 0 && n != -EINTR)
        return n;
    loop->now = netio_clock_now();
    loop->depth++;
    int ran = n > 0 ? run_watches(loop, events, n) : 0;
    ran += netio__loop_fire(loop);
    loop->depth--;
    netio__loop_arm(loop);
    return ran;
}

void netio_loop_mark(struct netio_loop *loop, const volatile int *mark)
{
    loop->mark = mark;
}

int netio__loop_marked(const struct netio_loop *loop)
{
    return loop->mark && *loop->mark;
}

char *netio__loop_borrow(struct netio_loop *loop)
{
    char *scratch = loop->scratch;

    loop->scratch = NULL;
    return scratch ? scratch : malloc(NETIO__SCRATCH);
}

void netio__loop_return(struct netio_loop *loop, char *scratch)
{
    if (loop->scratch)
        free(scratch);
    else
        loop->scratch = scratch;
}

int netio_loop_run(struct netio_loop *loop)
{
    int code = 0;

    loop->stop = 0;
    while (!loop->stop && code >= 0)
        code = netio_loop_step(loop, NETIO_NEVER);
    loop->stop = 0;
    return code < 0 ? code : 0;
}

void netio_loop_stop(struct netio_loop *loop)
{
    loop->stop = 1;
}

int64_t netio_loop_now(const struct netio_loop *loop)
{
    return loop->depth ? loop->now : netio_clock_now();
}

int netio_loop_fd(struct netio_loop *loop)
{
    int code = netio__loop_own(loop);
    int fd = code ? code : loop->backend->fd(loop->state);

    if (fd < 0 || loop->clock.loop)
        return fd;
    /* The library's own step waits with a timeout; only a host needs the timerfd, so only
     * then is there one. */
    code = netio__loop_renew_clock(loop);
    if (code)
        return code;
    netio__loop_arm(loop);
    return fd;
}
