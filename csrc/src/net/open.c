/* Ring 1.  Opens a TCP connection; see netio/open.h.
 * Called by clients in C and, through XS, in Perl; it makes sockets and asks resolve.c.
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
 * An address written in numbers takes no resolver, no timer and no memory but the machine. */
#include <netio/open.h>
#include <netio/resolve.h>
#include <netio/service.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

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
    int64_t started;         /* when that attempt began */
    size_t count, current;
    struct netio_attempt *attempts; /* one for each address: &only, or count of them */
    struct netio_attempt only;
    struct netio_resolve *resolve;
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

    return netio_error_set(error, open->stage, open->code, address, NULL);
}

static int fail(struct netio_open *open, struct netio_error *error)
{
    open->state = FAILED;
    return report(open, error);
}

/* Numbers are taken at once; everything else is resolve's to judge. */
static int set_up(struct netio_open *open, const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_addr *only = &open->only.address;

    *open = (struct netio_open){.fd = -1, .attempts = &open->only};
    if (options) {
        open->deadline = options->deadline;
        open->family = options->family;
    }
    if (open->family != AF_UNSPEC && open->family != AF_INET && open->family != AF_INET6)
        return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, "family");
    int port = netio_service_port(service, "tcp");
    if (port < 0)
        return netio_error_set(error, NETIO_STAGE_SERVICE, port, NULL, service);
    open->port = (unsigned)port;
    if (netio_addr_parse(only, host) == 0 && netio_addr_family(only) != AF_UNIX &&
        (open->family == AF_UNSPEC || open->family == netio_addr_family(only))) {
        netio_addr_set_port(only, open->port);
        open->count = 1;
        open->blamed = 1;
        return 0;
    }
    open->state = RESOLVING;
    return netio_resolve_start(&open->resolve, host, open->family, open->deadline, error);
}

static int take_addresses(struct netio_open *open, struct netio_error *error)
{
    const struct netio_addr *addrs;
    size_t count = netio_resolve_answer(open->resolve, &addrs);
    struct netio_attempt *attempts = calloc(count, sizeof *attempts);

    if (!attempts)
        return netio_error_set(error, NETIO_STAGE_RESOLVE, -ENOMEM, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        attempts[i].address = addrs[i];
        netio_addr_set_port(&attempts[i].address, open->port);
    }
    open->attempts = attempts;
    open->count = open->blamed = count;
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

/* NEXT: 0 goes on with CONNECTING, or with NEXT again. */
static int step_next(struct netio_open *open, struct netio_error *error)
{
    if (open->current == open->count)
        return fail(open, error);
    const struct netio_addr *to = &open->attempts[open->current].address;
    open->started = netio_clock_now();
    open->share = share_of(open);
    open->fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (open->fd == -1) {
        int code = -errno;
        attempt_failed(open, NETIO_STAGE_SOCKET, code);
        /* Other addresses would need a descriptor too. */
        if (code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -ENOBUFS)
            return fail(open, error);
        return 0;
    }
    open->state = CONNECTING;
    if (connect(open->fd, &to->u.sa, to->len) == 0 || errno == EINPROGRESS || errno == EINTR)
        return 0;
    /* EAGAIN is what Linux says of IPv4 when the ephemeral ports are used up, and
     * EADDRNOTAVAIL for the same of IPv6; to our caller EAGAIN means another thing. */
    attempt_failed(open, NETIO_STAGE_CONNECT, errno == EAGAIN ? -EADDRNOTAVAIL : -errno);
    return 0;
}

/* A connect to a free port of the ephemeral range, on this machine, may be given that very
 * port for its own end: TCP's simultaneous open then joins the socket to itself. */
static int joined_itself(int fd, const struct netio_addr *peer)
{
    struct netio_addr local;

    return netio_addr_local(&local, fd) == 0 && netio_addr_compare(&local, peer) == 0;
}

/* How the connect under way stands: 0 connected, -EAGAIN, or why it failed. */
static int connect_result(int fd)
{
    struct netio_addr peer;
    int code = 0;
    socklen_t len = sizeof code;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == -1)
        return -errno;
    if (code)
        return -code;
    /* No error yet: then it has a peer, or it is still on its way. */
    code = netio_addr_peer(&peer, fd);
    if (code)
        return code == -ENOTCONN ? -EAGAIN : code;
    return joined_itself(fd, &peer) ? NETIO_ESELFCONNECT : 0;
}

/* CONNECTING: the descriptor, -EAGAIN, the failure; or 0, which goes on with NEXT.  The
 * descriptor may be 0 itself when the program has closed it: so it goes out through *fd. */
static int step_connecting(struct netio_open *open, int *fd, struct netio_error *error)
{
    int code = connect_result(open->fd);

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

int netio_tcpopen_start(struct netio_open **out, const char *host, const char *service,
                        const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open *open = malloc(sizeof *open);

    *out = NULL;
    if (!open)
        return netio_error_set(error, NETIO_STAGE_NONE, -ENOMEM, NULL, NULL);
    int code = set_up(open, host, service, options, error);
    if (code)
        netio_open_free(open);
    else
        *out = open;
    return code;
}

void netio_open_free(struct netio_open *open)
{
    if (!open)
        return;
    clear(open);
    free(open);
}

int netio_tcpopen(const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open open;
    struct netio_want want;
    int code = set_up(&open, host, service, options, error);

    while (!code) {
        code = netio_open_step(&open, error);
        if (code != -EAGAIN)
            break;
        netio_open_want(&open, &want);
        code = netio_want_poll(&want);
        if (code == -EINTR)
            code = 0;
        else if (code)
            netio_error_set(error, NETIO_STAGE_CONNECT, code, NULL, host);
    }
    clear(&open);
    return code;
}
