/* Ring 1.  Opens connections; see netio/open.h.
 * Called by clients in C and, through XS, in Perl; dial.c makes the sockets, resolve.c asks for names.
 *
 *                      ┌────────────┐
 *      a name ───────► │ RESOLVING  │ (a name without addresses ends here)
 *                      └─────┬──────┘
 *                            │ addresses
 *                            ▼
 *      an address ───► ┌────────────┐  none left             ┌────────────┐
 *                 ┌──► │    NEXT    │ ─────────────────────► │   FAILED   │
 *                 │    └─────┬──────┘  no descriptor         └────────────┘
 *                 │ refused, │ connect(2) begun                    ▲
 *                 │ or its   ▼                                     │
 *                 │ share ┌────────────┐  the deadline             │
 *                 └────── │ CONNECTING │ ──────────────────────────┘
 *                  passed └─────┬──────┘
 *                               │ connected, and not to itself
 *                               ▼
 *                         ┌────────────┐
 *                         │   OPENED   │ the descriptor is the caller's
 *                         └────────────┘
 *
 * A unix socket goes on being CONNECTING while its listener's queue is full.  An address written
 * in numbers takes no resolver, no timer and no memory but the machine. */
#include "net/dial.h"

#include <netio/resolve.h>
#include <netio/service.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS          1000000LL
#define PAUSE_FIRST (1 * MS) /* of a unix socket whose listener's queue is full */
#define PAUSE_LAST  (16 * MS)

enum state {
    NEXT,       /* address current is to be tried; fd is -1, resolve NULL */
    RESOLVING,  /* resolve is at work, or has failed; there are no attempts yet */
    CONNECTING, /* fd is on its way to address current, until share */
    OPENED,     /* fd was handed over: it is -1 again */
    FAILED,     /* code, stage and blamed say why */
};

struct netio_open {
    enum state state;
    int fd;
    int family;
    unsigned port;
    netio_deadline deadline; /* of the whole */
    netio_deadline share;    /* of the attempt under way */
    int64_t pause;           /* CONNECTING: 0, or the queue was full, and the try after ... */
    netio_deadline again;    /* ... this moment comes so long after the last one */
    int64_t started;         /* when that attempt began */
    size_t count, current;
    struct netio_attempt *attempts; /* one for each address: &only, or count of them */
    struct netio_attempt only;
    struct netio_resolve *resolve;
    struct netio__dial dial;
    int code; /* what failed last or, when FAILED, what is reported of it all ... */
    enum netio_stage stage;
    size_t blamed; /* ... and for which attempt; count: for none */
};

static void clear(struct netio_open *open)
{
    netio_fd_close(open->fd);
    netio_resolve_free(open->resolve);
    if (open->attempts != &open->only)
        free(open->attempts);
}

static int report(const struct netio_open *open, struct netio_error *error)
{
    const struct netio_addr *address =
        open->blamed < open->count ? &open->attempts[open->blamed].address : NULL;
    const char *subject = NULL;
    struct netio_addr end;

    if (address && open->stage == NETIO_STAGE_BIND) {
        subject = netio__dial_end(&open->dial, netio_addr_family(address), &end);
        address = &end;
    }
    return netio_error_set(error, open->stage, open->code, address, subject);
}

static int fail(struct netio_open *open, struct netio_error *error)
{
    open->state = FAILED;
    return report(open, error);
}

/* The families that come into question, which that of this end narrows. */
static int set_family(struct netio_open *open, const struct netio_open_options *options,
                      struct netio_error *error)
{
    int source = netio_addr_family(&open->dial.source);

    open->family = options->family;
    if ((open->family != AF_UNSPEC && open->family != AF_INET && open->family != AF_INET6) ||
        (open->family != AF_UNSPEC && source != AF_UNSPEC && source != open->family))
        return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, "family");
    if (source != AF_UNSPEC)
        open->family = source;
    return 0;
}

static int set_options(struct netio_open *open, int type,
                       const struct netio_open_options *options, struct netio_error *error)
{
    *open = (struct netio_open){.fd = -1, .attempts = &open->only};
    int code = netio__dial_set(&open->dial, type, options, error);
    if (code || !options)
        return code;
    open->deadline = options->deadline;
    return set_family(open, options, error);
}

static int fits(const struct netio_open *open, const struct netio_addr *addr)
{
    int family = netio_addr_family(addr);

    return (family == AF_INET || family == AF_INET6) &&
           (open->family == AF_UNSPEC || open->family == family);
}

/* Numbers are taken at once; everything else is resolve's to judge. */
static int set_up(struct netio_open *open, int type, const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_addr *only = &open->only.address;
    int code = set_options(open, type, options, error);

    if (code)
        return code;
    int port = netio_service_port(service, type == SOCK_STREAM ? "tcp" : "udp");
    if (port < 0)
        return netio_error_set(error, NETIO_STAGE_SERVICE, port, NULL, service);
    open->port = (unsigned)port;
    if (netio_addr_parse(only, host) == 0 && fits(open, only)) {
        netio_addr_set_port(only, open->port);
        open->count = 1;
        open->blamed = 1;
        return 0;
    }
    open->state = RESOLVING;
    return netio_resolve_start(&open->resolve, host, open->family, open->deadline, error);
}

static int set_path(struct netio_addr *addr, const char *path)
{
    size_t len = strlen(path), abstract = path[0] == '@';

    if (len <= abstract)
        return NETIO_EBADADDRESS;
    if (len >= sizeof addr->u.un.sun_path)
        return -ENAMETOOLONG;
    addr->u.un.sun_family = AF_UNIX;
    memcpy(addr->u.un.sun_path, path, len + 1);
    /* An abstract name begins with a NUL, and does not end with one (unix(7)). */
    if (abstract)
        addr->u.un.sun_path[0] = '\0';
    addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
    return 0;
}

static int set_up_unix(struct netio_open *open, const char *path,
                       const struct netio_open_options *options, struct netio_error *error)
{
    *open = (struct netio_open){.fd = -1, .attempts = &open->only, .count = 1, .blamed = 1};
    int code = netio__dial_set_unix(&open->dial, options, error);
    if (code)
        return code;
    open->deadline = options ? options->deadline : NETIO_NEVER;
    code = set_path(&open->only.address, path);
    return code ? netio_error_set(error, NETIO_STAGE_CONNECT, code, NULL, path) : 0;
}

/* Room for so many attempts; 0 or -ENOMEM. */
static int make_room(struct netio_open *open, size_t count)
{
    struct netio_attempt *attempts = calloc(count, sizeof *attempts);

    if (!attempts)
        return -ENOMEM;
    open->attempts = attempts;
    open->count = open->blamed = count;
    return 0;
}

static int set_up_addrs(struct netio_open *open, const struct netio_addr *addrs, size_t count,
                        const struct netio_open_options *options, struct netio_error *error)
{
    size_t fitting = 0;
    int code = set_options(open, SOCK_STREAM, options, error);

    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        fitting += fits(open, &addrs[i]) && fitting < NETIO_RESOLVE_MAX;
    code = fitting ? make_room(open, fitting) : NETIO_ENOADDRESS;
    if (code)
        return netio_error_set(error, NETIO_STAGE_RESOLVE, code, NULL, NULL);
    for (size_t i = 0, to = 0; to < fitting; i++)
        if (fits(open, &addrs[i]))
            open->attempts[to++].address = addrs[i];
    return 0;
}

static int take_addresses(struct netio_open *open, struct netio_error *error)
{
    const struct netio_addr *addrs;
    size_t count = netio_resolve_answer(open->resolve, &addrs);

    if (make_room(open, count) < 0)
        return netio_error_set(error, NETIO_STAGE_RESOLVE, -ENOMEM, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        open->attempts[i].address = addrs[i];
        netio_addr_set_port(&open->attempts[i].address, open->port);
    }
    return 0;
}

/* RESOLVING: 0 goes on with NEXT.  After a failure the state stays: resolve repeats it. */
static int step_resolving(struct netio_open *open, struct netio_error *error)
{
    int code = netio_resolve_step(open->resolve, error);

    if (!code)
        code = take_addresses(open, error);
    if (code)
        return code;
    netio_resolve_free(open->resolve);
    open->resolve = NULL;
    open->state = NEXT;
    return 0;
}

/* Whether a failure says only that this machine has no way to such addresses. */
static int no_way(int code)
{
    return code == -ENETUNREACH || code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL;
}

/* The attempt under way has failed.  The report is about the last one that failed, but one
 * that the network answered outweighs one that had no way there: that a host refuses over
 * IPv4 is not to be hidden by this machine's having no IPv6. */
static void attempt_failed(struct netio_open *open, enum netio_stage stage, int code)
{
    struct netio_attempt *attempt = &open->attempts[open->current];

    netio_fd_close(open->fd);
    open->fd = -1;
    open->pause = 0;
    attempt->stage = stage;
    attempt->code = code;
    attempt->elapsed = netio_clock_now() - open->started;
    if (open->blamed == open->count || no_way(open->code) || !no_way(code)) {
        open->blamed = open->current;
        open->stage = stage;
        open->code = code;
    }
    open->current++;
    open->state = NEXT;
}

/* A fair share of what is left for each address that is left, and all of it for the last. */
static netio_deadline share_of(const struct netio_open *open)
{
    int64_t left = open->deadline - open->started;
    int64_t rest = (int64_t)(open->count - open->current);

    if (open->deadline == NETIO_NEVER || rest == 1 || left <= 0)
        return open->deadline;
    return open->started + left / rest;
}

/* The listener's queue is full: the next try comes a little later each time. */
static void pause_connect(struct netio_open *open)
{
    open->pause = open->pause ? open->pause * 2 : PAUSE_FIRST;
    if (open->pause > PAUSE_LAST)
        open->pause = PAUSE_LAST;
    open->again = netio_clock_now() + open->pause;
}

static int no_descriptor(int code)
{
    return code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS;
}

/* NEXT: 0 goes on with CONNECTING, or with NEXT again. */
static int step_next(struct netio_open *open, struct netio_error *error)
{
    enum netio_stage stage;

    if (open->current == open->count)
        return fail(open, error);
    open->started = netio_clock_now();
    open->share = share_of(open);
    int code = netio__dial_start(&open->dial, &open->attempts[open->current].address, &open->fd,
                                 &stage);
    if (open->fd == -1) {
        attempt_failed(open, stage, code);
        /* Other addresses would need a descriptor too. */
        return stage == NETIO_STAGE_SOCKET && no_descriptor(code) ? fail(open, error) : 0;
    }
    open->state = CONNECTING;
    if (code == -EAGAIN)
        pause_connect(open);
    return 0;
}

/* How the attempt under way stands: 0, -EAGAIN, or why it failed. */
static int look(struct netio_open *open)
{
    if (!open->pause)
        return netio__dial_result(open->fd);
    if (!netio_deadline_passed(open->again))
        return -EAGAIN;
    int code = netio__dial_again(open->fd, &open->attempts[open->current].address);
    if (code == -EAGAIN)
        pause_connect(open);
    return code;
}

/* CONNECTING: the descriptor, -EAGAIN, the failure; or 0, which goes on with NEXT.  The
 * descriptor may be 0 itself when the program has closed it: so it goes out through *fd. */
static int step_connecting(struct netio_open *open, int *fd, struct netio_error *error)
{
    int code = look(open);

    if (code == -EAGAIN && !netio_deadline_passed(open->share))
        return code;
    if (code) {
        attempt_failed(open, NETIO_STAGE_CONNECT, code == -EAGAIN ? -ETIMEDOUT : code);
        return code == -EAGAIN && netio_deadline_passed(open->deadline) ? fail(open, error) : 0;
    }
    open->attempts[open->current].elapsed = netio_clock_now() - open->started;
    open->current++;
    open->state = OPENED;
    *fd = open->fd;
    open->fd = -1;
    return 0;
}

int netio_open_step(struct netio_open *open, struct netio_error *error)
{
    int code = 0, fd = -1;

    while (!code && fd == -1)
        switch (open->state) {
        case RESOLVING:
            code = step_resolving(open, error);
            break;
        case NEXT:
            code = step_next(open, error);
            break;
        case CONNECTING:
            code = step_connecting(open, &fd, error);
            break;
        case OPENED:
            return netio_error_set(error, NETIO_STAGE_NONE, -EINVAL, NULL, NULL);
        case FAILED:
            return report(open, error);
        }
    return code ? code : fd;
}

void netio_open_want(const struct netio_open *open, struct netio_want *want)
{
    if (open->state == RESOLVING)
        netio_resolve_want(open->resolve, want);
    else if (open->state == CONNECTING && open->pause)
        *want = (struct netio_want){-1, 0, netio_deadline_sooner(open->again, open->share)};
    else if (open->state == CONNECTING)
        *want = (struct netio_want){open->fd, NETIO_WRITE, open->share};
    else
        *want = (struct netio_want){-1, 0, NETIO_NOW};
}

size_t netio_open_attempts(const struct netio_open *open,
                           const struct netio_attempt **attempts)
{
    *attempts = open->attempts;
    if (open->state != CONNECTING)
        return open->current;
    open->attempts[open->current].elapsed = netio_clock_now() - open->started;
    return open->current + 1;
}

/* What start makes of a machine that was set up, or was not. */
static int hand_out(struct netio_open **out, struct netio_open *open, int code)
{
    if (code)
        netio_open_free(open);
    else
        *out = open;
    return code;
}

/* Room for a machine; NULL with *error. */
static struct netio_open *new_machine(struct netio_open **out, struct netio_error *error)
{
    struct netio_open *open = malloc(sizeof *open);

    *out = NULL;
    if (!open)
        netio_error_set(error, NETIO_STAGE_NONE, -ENOMEM, NULL, NULL);
    return open;
}

int netio_tcpopen_start(struct netio_open **out, const char *host, const char *service,
                        const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open *open = new_machine(out, error);

    return !open ? -ENOMEM
                 : hand_out(out, open, set_up(open, SOCK_STREAM, host, service, options, error));
}

int netio_udpopen_start(struct netio_open **out, const char *host, const char *service,
                        const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open *open = new_machine(out, error);

    return !open ? -ENOMEM
                 : hand_out(out, open, set_up(open, SOCK_DGRAM, host, service, options, error));
}

int netio_unixopen_start(struct netio_open **out, const char *path,
                         const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open *open = new_machine(out, error);

    return !open ? -ENOMEM : hand_out(out, open, set_up_unix(open, path, options, error));
}

int netio_tcpopen_start_addrs(struct netio_open **out, const struct netio_addr *addrs,
                              size_t count, const struct netio_open_options *options,
                              struct netio_error *error)
{
    struct netio_open *open = new_machine(out, error);

    return !open ? -ENOMEM
                 : hand_out(out, open, set_up_addrs(open, addrs, count, options, error));
}

void netio_open_free(struct netio_open *open)
{
    if (!open)
        return;
    clear(open);
    free(open);
}

/* The whole of it: steps and waits, and clears up. */
static int run(struct netio_open *open, int code, const char *host, struct netio_error *error)
{
    struct netio_want want;

    while (!code) {
        code = netio_open_step(open, error);
        if (code != -EAGAIN)
            break;
        netio_open_want(open, &want);
        code = netio_want_poll(&want);
        if (code == -EINTR)
            code = 0;
        else if (code)
            netio_error_set(error, NETIO_STAGE_CONNECT, code, NULL, host);
    }
    clear(open);
    return code;
}

int netio_tcpopen(const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open open;

    return run(&open, set_up(&open, SOCK_STREAM, host, service, options, error), host, error);
}

int netio_udpopen(const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open open;

    return run(&open, set_up(&open, SOCK_DGRAM, host, service, options, error), host, error);
}

int netio_unixopen(const char *path, const struct netio_open_options *options,
                   struct netio_error *error)
{
    struct netio_open open;

    return run(&open, set_up_unix(&open, path, options, error), path, error);
}
