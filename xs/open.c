/* Perl face.  tcpopen; see open.h.  Called by NetIO.xs; it touches its arguments and
 * what it opens.
 *
 * Order matters: whatever may run Perl code (reading arguments, %SIG handlers) comes
 * before there is anything to leak, or finds the clean-up registered. */
#include "open.h"

#include "args.h"
#include "error.h"
#include "handle.h"
#include "wait.h"

#include <netio/open.h>

#include <errno.h>
#include <unistd.h>

struct call {
    struct xs_text host;
    struct xs_text service;
    int64_t began;
    NV timeout;              /* as given, for $fh->timeout; infinity: not given */
    netio_deadline finished; /* by when the whole conversation must be over */
    int family;
    bool fatal;
};

static void free_machine(pTHX_ void *machine)
{
    int saved = errno;

    PERL_UNUSED_CONTEXT;
    netio_open_free((struct netio_open *)machine);
    errno = saved;
}

/* One line about one failure: "connect 192.0.2.1:43: Connection refused".  A system error
 * wants to know what was being done; NetIO's own codes say it themselves. */
static void describe(pTHX_ SV *message, enum netio_stage stage, int code,
                     const struct netio_addr *address)
{
    char where[NETIO_ADDR_STRLEN];

    if (address->len)
        sv_catpvf(message, "%s %s: ", netio_stage_str(stage),
                  netio_addr_str(address, where, sizeof where));
    else if (code > -1000 && *netio_stage_str(stage))
        sv_catpvf(message, "%s: ", netio_stage_str(stage));
    sv_catpv(message, netio_error_text(code));
}

#define SHOWN_ATTEMPTS 4

static AV *attempts_av(pTHX_ const struct netio_attempt *attempts, size_t count)
{
    AV *av = newAV();

    for (size_t i = 0; i < count; i++) {
        int code = attempts[i].code ? attempts[i].code : -ETIMEDOUT;
        HV *hash = newHV();
        char where[NETIO_ADDR_STRLEN];

        (void)hv_stores(hash, "address",
                        newSVpv(netio_addr_str(&attempts[i].address, where, sizeof where), 0));
        (void)hv_stores(hash, "code", newSViv(code));
        (void)hv_stores(hash, "errno", newSViv(netio_error_errno(code)));
        (void)hv_stores(hash, "elapsed", newSVnv((NV)attempts[i].elapsed / 1e9));
        av_push(av, newRV_noinc((SV *)hash));
    }
    return av;
}

static void describe_all(pTHX_ SV *message, const struct netio_error *error,
                         const struct netio_attempt *attempts, size_t count)
{
    if (count < 2) {
        describe(aTHX_ message, error->stage, error->code, &error->address);
        return;
    }
    for (size_t i = 0; i < count && i < SHOWN_ATTEMPTS; i++) {
        if (i)
            sv_catpvs(message, "; ");
        describe(aTHX_ message, NETIO_STAGE_CONNECT,
                 attempts[i].code ? attempts[i].code : -ETIMEDOUT, &attempts[i].address);
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
    SV *message = newSVpvf("tcpopen %" SVf " %" SVf ": ", SVfARG(xs_text_shown(aTHX_ &call->host)),
                           SVfARG(xs_text_shown(aTHX_ &call->service)));
    const struct netio_attempt *attempts = NULL;
    size_t count = machine ? netio_open_attempts(machine, &attempts) : 0;

    describe_all(aTHX_ message, error, attempts, count);
    (void)hv_stores(hash, "what", newSVpvs("tcpopen"));
    (void)hv_stores(hash, "host", xs_error_text(aTHX_ call->host.text, call->host.len));
    (void)hv_stores(hash, "service", xs_error_text(aTHX_ call->service.text, call->service.len));
    (void)hv_stores(hash, "elapsed", newSVnv((NV)(netio_clock_now() - call->began) / 1e9));
    (void)hv_stores(hash, "attempts",
                    newRV_noinc((SV *)attempts_av(aTHX_ attempts, count)));
    xs_error_throw(aTHX_ hash, message);
}

/* Wrong calls: nothing was tried. */
static void throw_argument(pTHX_ enum netio_stage stage, int code, SV *message)
    __attribute__((noreturn));

static void throw_argument(pTHX_ enum netio_stage stage, int code, SV *message)
{
    HV *hash = xs_error_new(aTHX_ stage, code, NULL);

    (void)hv_stores(hash, "what", newSVpvs("tcpopen"));
    xs_error_throw(aTHX_ hash, message);
}

static void throw_option(pTHX_ SV *message) __attribute__((noreturn));

static void throw_option(pTHX_ SV *message)
{
    throw_argument(aTHX_ NETIO_STAGE_OPTION, NETIO_EBADOPTION, message);
}

static NV option_seconds(pTHX_ const char *name, SV *value)
{
    NV seconds;
    struct xs_text text;

    if (xs_seconds_get(aTHX_ &seconds, value))
        return seconds;
    xs_text_get(aTHX_ &text, value);
    throw_option(aTHX_ newSVpvf("tcpopen: %s: '%" SVf "' is not a number of seconds", name,
                                SVfARG(xs_text_shown(aTHX_ &text))));
}

static int option_family(pTHX_ SV *value)
{
    struct xs_text text;

    xs_text_get(aTHX_ &text, value);
    if (text.len == 0)
        return AF_UNSPEC;
    if (strEQ(text.text, "inet"))
        return AF_INET;
    if (strEQ(text.text, "inet6"))
        return AF_INET6;
    throw_option(aTHX_ newSVpvf("tcpopen: family: '%" SVf "' is neither inet nor inet6",
                                SVfARG(xs_text_shown(aTHX_ &text))));
}

static void read_option(pTHX_ struct call *call, SV *key, SV *value)
{
    struct xs_text name;

    xs_text_get(aTHX_ &name, key);
    if (strEQ(name.text, "timeout"))
        call->timeout = option_seconds(aTHX_ "timeout", value);
    else if (strEQ(name.text, "deadline"))
        call->finished = netio_deadline_in(option_seconds(aTHX_ "deadline", value));
    else if (strEQ(name.text, "family"))
        call->family = option_family(aTHX_ value);
    else if (strEQ(name.text, "fatal"))
        call->fatal = cBOOL(SvTRUE(value));
    else
        throw_option(aTHX_ newSVpvf("tcpopen: unknown option '%" SVf "'",
                                    SVfARG(xs_text_shown(aTHX_ &name))));
}

/* ST() looks the stack up each time: reading an argument may have moved it. */
static void read_arguments(pTHX_ struct call *call, I32 ax, I32 items)
{
    if (items % 2)
        throw_option(aTHX_ newSVpvs("tcpopen: an option has no value"));
    for (I32 i = 2; i < items; i += 2)
        read_option(aTHX_ call, ST(i), ST(i + 1));
    xs_text_get(aTHX_ &call->host, ST(0));
    xs_text_get(aTHX_ &call->service, ST(1));
}

/* What no C string could say, and what needs no asking; the rest is the core's to judge. */
static void check_target(pTHX_ const struct call *call)
{
    struct netio_error error;

    if (call->host.len == 0)
        throw_argument(aTHX_ NETIO_STAGE_RESOLVE, NETIO_EBADHOST,
                       newSVpvs("tcpopen: no host given"));
    if (call->service.len == 0)
        throw_argument(aTHX_ NETIO_STAGE_SERVICE, NETIO_EBADSERVICE,
                       newSVpvs("tcpopen: no service given"));
    if (!xs_text_whole(&call->host)) {
        netio_error_set(&error, NETIO_STAGE_RESOLVE, NETIO_EBADHOST, NULL, NULL);
        throw_failure(aTHX_ call, &error, NULL);
    }
    if (!xs_text_whole(&call->service)) {
        netio_error_set(&error, NETIO_STAGE_SERVICE, NETIO_EBADSERVICE, NULL, NULL);
        throw_failure(aTHX_ call, &error, NULL);
    }
}

/* Steps the machine until it has a descriptor; %SIG handlers run in between. */
static int drive(pTHX_ const struct call *call, struct netio_open *machine)
{
    struct netio_error error;
    struct netio_want want;

    for (;;) {
        int fd = netio_open_step(machine, &error);
        if (fd >= 0)
            return fd;
        if (fd != -EAGAIN)
            throw_failure(aTHX_ call, &error, machine);
        netio_open_want(machine, &want);
        if (xs_wait(aTHX_ want.fd, want.events, want.deadline) == -EINTR)
            PERL_ASYNC_CHECK();
    }
}

static int open_socket(pTHX_ const struct call *call)
{
    const struct netio_open_options options = {
        .deadline = netio_deadline_sooner(netio_deadline_in(call->timeout), call->finished),
        .family = call->family,
    };
    struct netio_open *machine;
    struct netio_error error;
    int fd;

    if (netio_tcpopen_start(&machine, call->host.text, call->service.text, &options, &error) != 0)
        throw_failure(aTHX_ call, &error, NULL);
    ENTER;
    SAVEDESTRUCTOR_X(free_machine, machine);
    fd = drive(aTHX_ call, machine);
    LEAVE;
    return fd;
}

SV *xs_tcpopen(pTHX_ I32 ax, I32 items)
{
    struct call call = {.began = netio_clock_now(), .timeout = NV_INF};
    int before = errno;

    read_arguments(aTHX_ &call, ax, items);
    TAINT_PROPER("tcpopen");
    check_target(aTHX_ &call);
    int fd = open_socket(aTHX_ &call);
    (void)netio_fd_nonblock(fd, 0); /* for sysread and the like; :netio does without */
    SV *handle = xs_handle_new(aTHX_ fd, call.finished, call.fatal, call.timeout);
    errno = before;
    return handle;
}
