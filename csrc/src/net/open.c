/* Ring 1.  Opens connections; see netio/open.h.
 * Called by clients in C and, through XS, in Perl; resolve.c asks for names, race.c tries the
 * addresses, dial.c makes the sockets.
 *
 *                      ┌────────────┐
 *      a name ───────► │ RESOLVING  │ (a name without addresses ends here)
 *                      └─────┬──────┘
 *                            │ addresses; perhaps of one family only
 *                            ▼
 *      an address ───► ┌────────────┐  none is left to wait for     ┌────────────┐
 *      a path          │   RACING   │ ────────────────────────────► │   FAILED   │
 *                      └──┬──────┬──┘  the deadline                 └────────────┘
 *                      ▲  │      │ connected, and not to itself
 *                      └──┘      ▼
 *        those of the other  ┌────────────┐
 *        family join in      │   OPENED   │ the descriptor is the caller's
 *                            └────────────┘
 *
 * An address written in numbers takes no resolver, no timer and no memory but the machine. */
#include "net/race.h"

#include <netio/resolve.h>
#include <netio/service.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum state {
    RACING,    /* race is on; resolve is set while it may bring more addresses */
    RESOLVING, /* resolve is at work, or has failed; race has no addresses yet */
    OPENED,    /* the descriptor was handed over */
    FAILED,    /* race says why */
};

struct netio_open {
    enum state state;
    int family;
    unsigned port; /* of the host */
    struct netio_resolve *resolve;
    struct netio__race race;
};

static void clear(struct netio_open *open)
{
    netio__race_clear(&open->race);
    netio_resolve_free(open->resolve);
}

static int report(const struct netio_open *open, struct netio_error *error)
{
    const struct netio__race *race = &open->race;
    const struct netio_addr *address =
        race->blamed < race->count ? &race->attempts[race->blamed].address : NULL;
    const char *subject = NULL;
    struct netio_addr end;

    if (address && race->stage == NETIO_STAGE_BIND) {
        subject = netio__dial_end(&race->dial, netio_addr_family(address), &end);
        address = &end;
    }
    return netio_error_set(error, race->stage, race->code, address, subject);
}

/* The families that come into question, which that of this end narrows. */
static int set_family(struct netio_open *open, const struct netio_open_options *options,
                      struct netio_error *error)
{
    int source = netio_addr_family(&open->race.dial.source);

    open->family = options->family;
    if ((open->family != AF_UNSPEC && open->family != AF_INET && open->family != AF_INET6) ||
        (open->family != AF_UNSPEC && source != AF_UNSPEC && source != open->family))
        return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, "family");
    if (source != AF_UNSPEC)
        open->family = source;
    return 0;
}

/* The addresses that race has room for are left as they are. */
static void empty(struct netio_open *open)
{
    open->state = RACING;
    open->family = AF_UNSPEC;
    open->resolve = NULL;
    netio__race_init(&open->race);
}

static int set_options(struct netio_open *open, int type,
                       const struct netio_open_options *options, struct netio_error *error)
{
    empty(open);
    int code = netio__dial_set(&open->race.dial, type, options, error);
    if (code || !options)
        return code;
    open->race.deadline = options->deadline;
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
    int code = set_options(open, type, options, error);
    struct netio_addr *only = &open->race.only.address;

    if (code)
        return code;
    int port = netio_service_port(service, type == SOCK_STREAM ? "tcp" : "udp");
    if (port < 0)
        return netio_error_set(error, NETIO_STAGE_SERVICE, port, NULL, service);
    open->port = (unsigned)port;
    if (netio_addr_parse(only, host) == 0 && fits(open, only)) {
        netio_addr_set_port(only, open->port);
        netio__race_only(&open->race);
        return 0;
    }
    open->state = RESOLVING;
    return netio_resolve_start(&open->resolve, host, open->family, open->race.deadline,
                               error);
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
    empty(open);
    int code = netio__dial_set_unix(&open->race.dial, options, error);
    if (code)
        return code;
    open->race.deadline = options ? options->deadline : NETIO_NEVER;
    code = set_path(&open->race.only.address, path);
    if (!code)
        netio__race_only(&open->race);
    return code ? netio_error_set(error, NETIO_STAGE_CONNECT, code, NULL, path) : 0;
}

static int set_up_addrs(struct netio_open *open, const struct netio_addr *addrs, size_t count,
                        const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_addr fitting[NETIO_RESOLVE_MAX];
    size_t n = 0;
    int code = set_options(open, SOCK_STREAM, options, error);

    if (code)
        return code;
    for (size_t i = 0; i < count && n < NETIO_RESOLVE_MAX; i++)
        if (fits(open, &addrs[i]))
            fitting[n++] = addrs[i];
    code = n ? netio__race_add(&open->race, fitting, n, 0) : NETIO_ENOADDRESS;
    return code ? netio_error_set(error, NETIO_STAGE_RESOLVE, code, NULL, NULL) : 0;
}

/* Those that are known now; the resolver is kept while more may come.  0 or -ENOMEM. */
static int take_addresses(struct netio_open *open)
{
    const struct netio_addr *addrs;
    size_t count = netio_resolve_answer(open->resolve, &addrs);
    int code = netio__race_add(&open->race, addrs, count, open->port);

    if (!netio_resolve_pending(open->resolve)) {
        netio_resolve_free(open->resolve);
        open->resolve = NULL;
    }
    return code;
}

/* RESOLVING: 0 goes on with RACING.  After a failure the state stays: resolve repeats it. */
static int step_resolving(struct netio_open *open, struct netio_error *error)
{
    int code = netio_resolve_step(open->resolve, error);

    if (code)
        return code;
    open->state = RACING;
    code = take_addresses(open);
    if (!code)
        return 0;
    open->race.stage = NETIO_STAGE_RESOLVE;
    open->race.code = code;
    open->state = FAILED;
    return report(open, error);
}

/* RACING, and the other family's addresses may still come.  Without memory for them those that
 * are there go on alone. */
static void step_pending(struct netio_open *open)
{
    (void)netio_resolve_step(open->resolve, NULL);
    if (!netio_resolve_pending(open->resolve))
        (void)take_addresses(open);
}

/* What is waited for besides sockets; NULL for nothing. */
static const struct netio_want *pending_want(const struct netio_open *open,
                                             struct netio_want *want)
{
    if (!open->resolve)
        return NULL;
    netio_resolve_want(open->resolve, want);
    return want;
}

/* RACING: the descriptor, -EAGAIN or the failure.  The descriptor may be 0 itself when the
 * program has closed it: so it goes out through *fd. */
static int step_racing(struct netio_open *open, int *fd, struct netio_error *error)
{
    struct netio_want more;

    if (open->resolve)
        step_pending(open);
    int code = netio__race_step(&open->race, pending_want(open, &more), fd);
    if (code == -EAGAIN)
        return code;
    open->state = code ? FAILED : OPENED;
    netio_resolve_free(open->resolve);
    open->resolve = NULL;
    return code ? report(open, error) : 0;
}

int netio_open_step(struct netio_open *open, struct netio_error *error)
{
    int code = 0, fd = -1;

    while (!code && fd == -1)
        switch (open->state) {
        case RESOLVING:
            code = step_resolving(open, error);
            break;
        case RACING:
            code = step_racing(open, &fd, error);
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
    struct netio_want more;

    if (open->state == RESOLVING)
        netio_resolve_want(open->resolve, want);
    else if (open->state == RACING)
        netio__race_want(&open->race, pending_want(open, &more), want);
    else
        *want = (struct netio_want){-1, 0, NETIO_NOW};
}

size_t netio_open_attempts(const struct netio_open *open,
                           const struct netio_attempt **attempts)
{
    netio__race_update(&open->race);
    *attempts = open->race.attempts;
    return open->race.begun;
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
    int code = set_up(&open, SOCK_STREAM, host, service, options, error);

    return run(&open, code, host, error);
}

int netio_udpopen(const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error)
{
    struct netio_open open;
    int code = set_up(&open, SOCK_DGRAM, host, service, options, error);

    return run(&open, code, host, error);
}

int netio_unixopen(const char *path, const struct netio_open_options *options,
                   struct netio_error *error)
{
    struct netio_open open;
    int code = set_up_unix(&open, path, options, error);

    return run(&open, code, path, error);
}
