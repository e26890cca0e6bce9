/* Perl face.  Listening; see listen.h.  Called by NetIO.xs; it touches its arguments and what it
 * opens.  Whatever may run Perl code comes before there is anything to leak. */
#include "listen.h"

#include "args.h"
#include "error.h"
#include "handle.h"
#include "options.h"

#include <netio/fd.h>

#include <errno.h>

#define WHAT "tcplisten"

static void throw_failure(pTHX_ const struct xs_text *address, const struct netio_error *error)
    __attribute__((noreturn));

static void throw_failure(pTHX_ const struct xs_text *address, const struct netio_error *error)
{
    HV *hash = xs_error_new(aTHX_ error->stage, error->code, &error->address);
    SV *message = newSVpvf(WHAT " %" SVf ": ", SVfARG(xs_text_shown(aTHX_ address)));

    xs_error_describe(aTHX_ message, error->stage, error->code, &error->address);
    (void)hv_stores(hash, "what", newSVpvs(WHAT));
    (void)hv_stores(hash, "host", xs_error_text(aTHX_ address->text, address->len));
    xs_error_throw(aTHX_ hash, message);
}

static void refuse(pTHX_ const struct xs_text *address, const char *why) __attribute__((noreturn));

static void refuse(pTHX_ const struct xs_text *address, const char *why)
{
    xs_error_throw_argument(
        aTHX_ WHAT, NETIO_STAGE_OPTION, NETIO_EBADADDRESS,
        newSVpvf(WHAT " %" SVf ": %s", SVfARG(xs_text_shown(aTHX_ address)), why));
}

/* Nobody would remove the path of a unix socket, and datagrams are not accepted. */
static void check_address(pTHX_ const struct xs_text *address)
{
    static const char *const others[] = {"udp:", "unix:", "unix-dgram:"};

    if (address->len == 0)
        xs_error_throw_argument(aTHX_ WHAT, NETIO_STAGE_OPTION, NETIO_EBADADDRESS,
                                newSVpvs(WHAT ": no address given"));
    if (!xs_text_whole(address))
        refuse(aTHX_ address, "not a valid address");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(address->text, others[i], strlen(others[i])) == 0)
            refuse(aTHX_ address, "not an address of TCP");
}

static void close_all(struct netio_listener *listeners, int count)
{
    while (count > 0)
        netio_listener_close(&listeners[--count]);
}

/* Blocking, as all handles: accept waits by itself, within its time. */
static int open_sockets(struct netio_listener *listeners, const struct xs_text *address,
                        const struct xs_options *options, struct netio_error *error)
{
    int count = netio_listener_open(listeners, address->text, options->backlog, error);

    for (int i = 0; i < count; i++) {
        int code = netio_fd_nonblock(listeners[i].fd, 0);
        if (code == 0)
            continue;
        netio_error_set(error, NETIO_STAGE_SOCKET, code, &listeners[i].address, NULL);
        close_all(listeners, count);
        return code;
    }
    return count;
}

int xs_tcplisten(pTHX_ SV *handles[NETIO_LISTENER_MAX], I32 ax, I32 items, bool all)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct xs_options options;
    struct xs_text address;
    struct netio_error error;
    int before = errno;

    xs_options_default(&options, WHAT);
    xs_options_read(aTHX_ & options, XS_FOR_LISTEN, ax, 1, items);
    xs_text_get(aTHX_ & address, ST(0));
    TAINT_PROPER(WHAT);
    check_address(aTHX_ & address);
    int count = open_sockets(listeners, &address, &options, &error);
    if (count < 0)
        throw_failure(aTHX_ & address, &error);
    if (count > 1 && !all) {
        close_all(listeners, count);
        refuse(aTHX_ & address, "two sockets, of IPv6 and IPv4: assign them to a list");
    }
    for (int i = 0; i < count; i++)
        handles[i] = xs_handle_new(aTHX_ listeners[i].fd, options.finished, false, options.timeout);
    errno = before;
    return count;
}
