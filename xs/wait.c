/* Perl face.  Waiting; see wait.h.  Called by the layer and by tcpopen; it touches the
 * descriptor it is given and, while it waits, the thread's signal mask.
 *
 * Perl's C-level handler only notes a signal; the %SIG handler runs later.  A signal that
 * came between the look at PL_sig_pending and poll(2) would be noted and then slept
 * over, up to the deadline.  So signals are held back for that look and let in by
 * ppoll(2) alone, which gives EINTR for one that was held back, too. */
#include "wait.h"

#include <netio/clock.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>

/* What is left until the deadline; NULL for none. */
static const struct timespec *time_left(netio_deadline deadline, struct timespec *left)
{
    if (deadline == NETIO_NEVER)
        return NULL;
    int64_t ns = deadline > NETIO_NOW ? deadline - netio_clock_now() : 0;
    if (ns < 0)
        ns = 0;
    left->tv_sec = (time_t)(ns / NETIO_SECOND);
    left->tv_nsec = (long)(ns % NETIO_SECOND);
    return left;
}

static unsigned events_of(short revents, unsigned wanted)
{
    unsigned events = 0;

    if (revents & POLLIN)
        events |= NETIO_READ;
    if (revents & POLLOUT)
        events |= NETIO_WRITE;
    if (revents & (POLLERR | POLLHUP))
        events |= wanted;
    return events & wanted;
}

static short poll_events(unsigned events)
{
    return (short)((events & NETIO_READ ? POLLIN : 0) | (events & NETIO_WRITE ? POLLOUT : 0));
}

bool xs_signal_waits(pTHX)
{
    return PL_sig_pending && PL_phase != PERL_PHASE_DESTRUCT;
}

int xs_wait(pTHX_ int fd, unsigned events, netio_deadline deadline)
{
    struct pollfd poller = {.fd = fd, .events = poll_events(events)};
    struct timespec left;
    sigset_t all, before;
    int n = -1;
    int error = EINTR;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!xs_signal_waits(aTHX)) {
        n = ppoll(&poller, 1, time_left(deadline, &left), &before);
        error = errno;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (n == -1)
        return error == EAGAIN ? -ENOMEM : -error; /* to our callers EAGAIN means something else */
    if (n == 0)
        return -ETIMEDOUT;
    return poller.revents & POLLNVAL ? -EBADF : (int)events_of(poller.revents, events);
}

int xs_wait_want(pTHX_ const struct netio_want *want)
{
    int ready = xs_wait(aTHX_ want->fd, want->events, want->deadline);

    if (ready == -EINTR)
        PERL_ASYNC_CHECK();
    return ready < 0 && ready != -EINTR && ready != -ETIMEDOUT ? ready : 0;
}
