/* Perl face.  Opening; see open.h.  Called by NetIO.xs, and by dial.c for the machine alone; it
 * touches its arguments and what it opens.
 *
 * Order matters: whatever may run Perl code (reading arguments, %SIG handlers) comes
 * before there is anything to leak, or finds the clean-up registered. */
#include "open.h"

#include "args.h"
#include "datagram.h"
#include "error.h"
#include "handle.h"
#include "options.h"
#include "wait.h"

#include <netio/fd.h>
#include <netio/open.h>

#include <errno.h>
#include <unistd.h>

struct call {
    enum xs_open_kind kind;
    struct xs_text host; /* or the path */
    struct xs_text service;
    int64_t began;
    struct xs_options options;
};

void xs_open_free(pTHX_ void *machine)
{
    int saved = errno;

    PERL_UNUSED_CONTEXT;
    netio_open_free((struct netio_open *)machine);
    errno = saved;
}

int xs_open_finish(pTHX_ struct netio_open *machine, int code, struct netio_error *error)
{
    struct netio_want want;

    for (; code == -EAGAIN; code = netio_open_step(machine, error)) {
        netio_open_want(machine, &want);
        int waited = xs_wait_want(aTHX_ &want);
        if (waited != 0)
            return netio_error_set(error, NETIO_STAGE_CONNECT, waited, NULL, NULL);
    }
    return code;
}

int xs_open_blocking_take(int fd, struct netio_error *error)
{
    int code = netio_fd_nonblock(fd, 0);

    if (code == 0)
        return fd;
    netio_fd_close(fd);
    return netio_error_set(error, NETIO_STAGE_SOCKET, code, NULL, NULL);
}

/* --- failures */

#define SHOWN_ATTEMPTS 4

static AV *attempts_av(pTHX_ const struct netio_attempt *attempts, size_t count)
{
    AV *av = newAV();

    for (size_t i = 0; i < count; i++)
        av_push(av, newRV_noinc((SV *)xs_error_attempt(aTHX_ attempts[i].stage, attempts[i].code,
                                                       &attempts[i].address,
                                                       attempts[i].elapsed)));
    return av;
}

static void describe_all(pTHX_ SV *message, const struct netio_error *error,
                         const struct netio_attempt *attempts, size_t count)
{
    if (count < 2) {
        xs_error_describe(aTHX_ message, error->stage, error->code, &error->address);
        return;
    }
    for (size_t i = 0; i < count && i < SHOWN_ATTEMPTS; i++) {
        if (i)
            sv_catpvs(message, "; ");
        xs_error_describe(aTHX_ message, attempts[i].stage, attempts[i].code,
                          &attempts[i].address);
    }
    if (count > SHOWN_ATTEMPTS)
        sv_catpvf(message, "; and %d more", (int)(count - SHOWN_ATTEMPTS));
}

static void throw_failure(pTHX_ const struct call *call, const struct netio_error *error,
                          struct netio_open *machine) __attribute__((noreturn));

static void throw_failure(pTHX_ const struct call *call, const struct netio_error *error,
                          struct netio_open *machine)
{
    HV *hash = xs_error_new(aTHX_ error->stage, error->code, &error->address);
    SV *message =
        newSVpvf("%s %" SVf, call->options.what, SVfARG(xs_text_shown(aTHX_ &call->host)));
    const struct netio_attempt *attempts = NULL;
    size_t count = machine ? netio_open_attempts(machine, &attempts) : 0;

    if (call->kind != XS_UNIXOPEN)
        sv_catpvf(message, " %" SVf, SVfARG(xs_text_shown(aTHX_ &call->service)));
    sv_catpvs(message, ": ");
    describe_all(aTHX_ message, error, attempts, count);
    (void)hv_stores(hash, "what", newSVpv(call->options.what, 0));
    (void)hv_stores(hash, "host", xs_error_text(aTHX_ call->host.text, call->host.len));
    if (call->kind != XS_UNIXOPEN)
        (void)hv_stores(hash, "service",
                        xs_error_text(aTHX_ call->service.text, call->service.len));
    (void)hv_stores(hash, "elapsed", newSVnv((NV)(netio_clock_now() - call->began) / 1e9));
    (void)hv_stores(hash, "attempts", newRV_noinc((SV *)attempts_av(aTHX_ attempts, count)));
    xs_error_throw(aTHX_ hash, message);
}

/* --- arguments */

/* What no C string could say, and what needs no asking; the rest is the core's to judge. */
static void check_text(pTHX_ const struct call *call, const struct xs_text *text, const char *name,
                       enum netio_stage stage, int code)
{
    struct netio_error error;

    if (text->len == 0)
        xs_error_throw_argument(aTHX_ call->options.what, stage, code,
                                newSVpvf("%s: no %s given", call->options.what, name));
    if (!xs_text_whole(text)) {
        netio_error_set(&error, stage, code, NULL, NULL);
        throw_failure(aTHX_ call, &error, NULL);
    }
}

static void read_arguments(pTHX_ struct call *call, I32 ax, I32 items)
{
    static const unsigned caller[] = {XS_FOR_TCP, XS_FOR_UDP, XS_FOR_UNIX};

    if (call->kind == XS_UNIXOPEN) {
        xs_options_read(aTHX_ &call->options, caller[call->kind], ax, 1, items);
        xs_path_get(aTHX_ &call->host, ST(0));
        return;
    }
    xs_options_read(aTHX_ &call->options, caller[call->kind], ax, 2, items);
    xs_text_get(aTHX_ &call->host, ST(0));
    xs_text_get(aTHX_ &call->service, ST(1));
}

static void check_arguments(pTHX_ const struct call *call)
{
    if (call->kind == XS_UNIXOPEN) {
        check_text(aTHX_ call, &call->host, "path", NETIO_STAGE_CONNECT, NETIO_EBADADDRESS);
        return;
    }
    check_text(aTHX_ call, &call->host, "host", NETIO_STAGE_RESOLVE, NETIO_EBADHOST);
    check_text(aTHX_ call, &call->service, "service", NETIO_STAGE_SERVICE, NETIO_EBADSERVICE);
}

/* --- the machine */

static int start(const struct call *call, struct netio_open **machine, struct netio_error *error)
{
    const struct xs_options *given = &call->options;
    const struct netio_open_options options = {
        .deadline = netio_deadline_sooner(netio_deadline_in(given->timeout), given->finished),
        .family = given->family,
        .source = given->source.len ? given->source.text : NULL,
        .source_port = given->source_port,
        .reserved = given->reserved,
        .keepalive = given->keepalive,
        .nodelay = given->nodelay,
    };

    if (call->kind == XS_UNIXOPEN)
        return netio_unixopen_start(machine, call->host.text, &options, error);
    return (call->kind == XS_UDPOPEN ? netio_udpopen_start : netio_tcpopen_start)(
        machine, call->host.text, call->service.text, &options, error);
}

static int open_socket(pTHX_ const struct call *call)
{
    struct netio_open *machine;
    struct netio_error error;
    int fd;

    if (start(call, &machine, &error) != 0)
        throw_failure(aTHX_ call, &error, NULL);
    fd = netio_open_step(machine, &error);
    if (fd >= 0) { /* at once, as on the loopback: no Perl code has run */
        netio_open_free(machine);
        return fd;
    }
    ENTER;
    SAVEDESTRUCTOR_X(xs_open_free, machine);
    fd = xs_open_finish(aTHX_ machine, fd, &error);
    if (fd < 0)
        throw_failure(aTHX_ call, &error, machine);
    LEAVE;
    return fd;
}

SV *xs_open(pTHX_ enum xs_open_kind kind, I32 ax, I32 items)
{
    static const char *const names[] = {"tcpopen", "udpopen", "unixopen"};
    struct call call;
    const struct xs_options *options = &call.options;
    struct netio_error error;
    int before = errno;

    call.kind = kind;
    call.began = netio_clock_now();
    xs_options_default(&call.options, names[kind]);
    read_arguments(aTHX_ &call, ax, items);
    TAINT_PROPER(options->what);
    check_arguments(aTHX_ &call);
    int fd = xs_open_blocking_take(open_socket(aTHX_ &call), &error);
    if (fd < 0)
        throw_failure(aTHX_ & call, &error, NULL);
    SV *handle = xs_handle_new(aTHX_ fd, options->finished, options->fatal, options->timeout);
    if (kind == XS_UDPOPEN)
        xs_datagram_attach(aTHX_ handle);
    errno = before;
    return handle;
}
