/* Perl face.  The blocking open of NetIO::Socket; see dial.h.  Called by its constructor;
 * it touches the plan, the handle, and what it opens.
 *
 * As in open.c, all that may run Perl code comes before there is anything to leak, or
 * finds the clean-up registered.  Nothing is thrown but by %SIG handlers: IO::Socket's
 * constructors return undef. */
#include "dial.h"

#include "args.h"
#include "handle.h"
#include "open.h"
#include "wait.h"

#include <netio/error.h>
#include <netio/fd.h>
#include <netio/resolve.h>

#include <errno.h>
#include <netdb.h>

struct option {
    int family, level, name;
    const void *value;
    socklen_t len;
};

/* What prepare() applies to each socket.  The memory is that of mortals. */
struct wishes {
    struct option *options;
    SSize_t option_count;
    struct netio_addr *locals;
    SSize_t local_count;
};

SV *xs_dial_finish(pTHX_ SV *timeout, SV *deadline)
{
    NV seconds, more;

    if (!xs_seconds_get(aTHX_ &seconds, timeout) || !xs_seconds_get(aTHX_ &more, deadline))
        return NULL;
    return xs_dial_number(aTHX_ netio_deadline_in(seconds < more ? seconds : more));
}

SV *xs_dial_number(pTHX_ netio_deadline deadline)
{
    return sizeof(IV) < sizeof deadline ? newSVnv((NV)deadline) : newSViv((IV)deadline);
}

netio_deadline xs_dial_deadline(pTHX_ SV *finish)
{
    if (!finish || !SvOK(finish))
        return NETIO_NEVER;
    return sizeof(IV) < sizeof(netio_deadline) ? (netio_deadline)SvNV(finish)
                                               : (netio_deadline)SvIV(finish);
}

HV *xs_dial_plan(pTHX_ SV *plan)
{
    if (!SvROK(plan) || SvTYPE(SvRV(plan)) != SVt_PVHV)
        croak("not a plan");
    return (HV *)SvRV(plan);
}

static SV *field(pTHX_ HV *plan, const char *name)
{
    SV **slot = hv_fetch(plan, name, (I32)strlen(name), 0);

    return slot ? *slot : &PL_sv_undef;
}

static AV *list(pTHX_ HV *plan, const char *name)
{
    SV *value = field(aTHX_ plan, name);

    return SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVAV ? (AV *)SvRV(value) : NULL;
}

static SV *element(pTHX_ AV *av, SSize_t i)
{
    SV **slot = av_fetch(av, i, 0);

    return slot ? *slot : &PL_sv_undef;
}

/* As Perl's own connect and bind do: before there is anything to leak. */
static void refuse_tainted(pTHX_ SV *sv)
{
    if (SvTAINTED(sv)) { /* a deadline, say, may be */
        TAINT;
        TAINT_PROPER("connect");
    }
}

/* Zeroed, and freed with the mortals of the statement. */
static void *mortal_memory(pTHX_ STRLEN size)
{
    SV *sv = sv_2mortal(newSV(size + 1));

    memset(SvPVX(sv), 0, size + 1);
    return SvPVX(sv);
}

/* Addresses that are none of TCP's are passed over. */
static SSize_t read_addresses(pTHX_ struct netio_addr **addresses, AV *av)
{
    SSize_t count = 0, given = av ? av_len(av) + 1 : 0;

    *addresses = (struct netio_addr *)mortal_memory(aTHX_ sizeof **addresses * (STRLEN)given);
    for (SSize_t i = 0; i < given; i++) {
        STRLEN len;
        refuse_tainted(aTHX_ element(aTHX_ av, i));
        const char *bytes = SvPVbyte(element(aTHX_ av, i), len);
        struct sockaddr_storage aligned = {.ss_family = AF_UNSPEC};
        if (len > sizeof aligned)
            continue;
        Copy(bytes, &aligned, len, char);
        if (netio_addr_from(&(*addresses)[count], (const struct sockaddr *)&aligned,
                            (socklen_t)len) == 0)
            count++;
    }
    return count;
}

/* A number is an int, as for Perl's own setsockopt; all else is bytes. */
static void read_option(pTHX_ struct option *option, SV *value)
{
    STRLEN len;
    void *copy;

    if (SvPOKp(value)) {
        const char *bytes = SvPVbyte(value, len);
        copy = mortal_memory(aTHX_ len);
        Copy(bytes, copy, len, char);
    } else {
        int number = (int)SvIV(value);
        copy = mortal_memory(aTHX_ len = sizeof number);
        Copy(&number, copy, 1, int);
    }
    option->value = copy;
    option->len = (socklen_t)len;
}

static void read_options(pTHX_ struct wishes *wishes, AV *av)
{
    SSize_t count = av ? av_len(av) + 1 : 0;

    wishes->options = (struct option *)mortal_memory(aTHX_ sizeof *wishes->options
                                                           * (STRLEN)count);
    for (SSize_t i = 0; i < count; i++) {
        AV *row = (AV *)SvRV(element(aTHX_ av, i));
        struct option *option = &wishes->options[i];
        option->level = (int)SvIV(element(aTHX_ row, 0));
        option->name = (int)SvIV(element(aTHX_ row, 1));
        option->family = (int)SvIV(element(aTHX_ row, 3));
        read_option(aTHX_ option, element(aTHX_ row, 2));
    }
    wishes->option_count = count;
}

/* Attempts at several addresses run at the same time: where they are to come from one port,
 * only this lets them. */
static int share_port(int fd, const struct netio_addr *local)
{
    const int on = 1;

    if (netio_addr_port(local) == 0)
        return 0;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ? -errno : 0;
}

static int bind_local(int fd, int family, const struct wishes *wishes)
{
    int code = wishes->local_count ? -EAFNOSUPPORT : 0;

    for (SSize_t i = 0; i < wishes->local_count; i++) {
        const struct netio_addr *local = &wishes->locals[i];
        if (netio_addr_family(local) != family)
            continue;
        code = share_port(fd, local);
        if (code == 0 && bind(fd, &local->u.sa, local->len) == 0)
            return 0;
        if (code == 0)
            code = -errno;
    }
    return code;
}

static int prepare(int fd, const struct netio_addr *to, void *data)
{
    const struct wishes *wishes = (const struct wishes *)data;
    int family = netio_addr_family(to);

    for (SSize_t i = 0; i < wishes->option_count; i++) {
        const struct option *option = &wishes->options[i];
        if (option->family != 0 && option->family != family)
            continue;
        if (setsockopt(fd, option->level, option->name, option->value, option->len) == -1)
            return -errno;
    }
    return bind_local(fd, family, wishes);
}

/* What callers of getaddrinfo know these failures by. */
static const char *known_text(int code)
{
    switch (code) {
    case NETIO_ENONAME:
    case NETIO_EBADHOST:
        return gai_strerror(EAI_NONAME);
    case NETIO_ENOADDRESS:
        return gai_strerror(EAI_NODATA);
    case NETIO_ERESOLVER:
        return gai_strerror(EAI_AGAIN);
    case NETIO_EBADSERVICE:
        return gai_strerror(EAI_SERVICE);
    default:
        return netio_error_text(code);
    }
}

static void store(pTHX_ HV *plan, const char *name, SV *value)
{
    (void)hv_store(plan, name, (I32)strlen(name), value, 0);
}

static void append(pTHX_ SV *text, const struct netio_attempt *attempt)
{
    char where[NETIO_ADDR_STRLEN];

    sv_catpvf(text, "%s%s %s: %s", SvCUR(text) ? "; " : "", netio_stage_str(attempt->stage),
              netio_addr_str(&attempt->address, where, sizeof where),
              netio_error_text(attempt->code));
}

/* The plan is the caller's, and stays when handlers have run; errno comes last. */
static void report(pTHX_ HV *plan, const struct netio_error *error, struct netio_open *machine)
{
    const struct netio_attempt *attempts = NULL;
    size_t count = machine ? netio_open_attempts(machine, &attempts) : 0;
    SV *details = newSVpvs("");

    for (size_t i = 0; i < count; i++)
        append(aTHX_ details, &attempts[i]);
    if (!SvCUR(details))
        sv_setpv(details, known_text(error->code));
    store(aTHX_ plan, "details", details);
    store(aTHX_ plan, "message", newSVpv(known_text(error->code), 0));
    errno = netio_error_errno(error->code);
}

static void free_resolve(pTHX_ void *machine)
{
    int saved = errno;

    PERL_UNUSED_CONTEXT;
    netio_resolve_free((struct netio_resolve *)machine);
    errno = saved;
}

/* 0 and the machine, or -1 with the failure reported. */
static int start(pTHX_ struct netio_open **machine, HV *plan,
                 const struct netio_open_options *options)
{
    struct xs_text host, service;
    struct netio_addr *peers;
    struct netio_error error;
    int code;

    if (SvOK(field(aTHX_ plan, "host"))) {
        xs_text_get(aTHX_ &host, field(aTHX_ plan, "host"));
        xs_text_get(aTHX_ &service, field(aTHX_ plan, "service"));
        code = xs_text_whole(&host) && xs_text_whole(&service)
            ? netio_tcpopen_start(machine, host.text, service.text, options, &error)
            : netio_error_set(&error, NETIO_STAGE_RESOLVE, NETIO_EBADHOST, NULL, NULL);
    } else {
        SSize_t count = read_addresses(aTHX_ &peers, list(aTHX_ plan, "peers"));
        code = netio_tcpopen_start_addrs(machine, peers, (size_t)count, options, &error);
    }
    if (code != 0)
        report(aTHX_ plan, &error, NULL);
    return code == 0 ? 0 : -1;
}

SV *xs_dial_open(pTHX_ SV *self, HV *plan)
{
    struct wishes wishes;
    struct netio_open *machine;
    struct netio_error error;
    struct netio_addr peer;
    int fd;

    read_options(aTHX_ &wishes, list(aTHX_ plan, "options"));
    wishes.local_count = read_addresses(aTHX_ &wishes.locals, list(aTHX_ plan, "locals"));
    const struct netio_open_options options = {
        .deadline = xs_dial_deadline(aTHX_ field(aTHX_ plan, "finish")),
        .family = (int)SvIV(field(aTHX_ plan, "family")),
        .prepare = wishes.option_count || wishes.local_count ? prepare : NULL,
        .data = &wishes,
    };
    (void)xs_handle_gv(aTHX_ self);
    refuse_tainted(aTHX_ field(aTHX_ plan, "host"));
    refuse_tainted(aTHX_ field(aTHX_ plan, "service"));
    if (start(aTHX_ &machine, plan, &options) != 0)
        return newSV(0);
    ENTER;
    SAVEDESTRUCTOR_X(xs_open_free, machine);
    fd = xs_open_finish(aTHX_ machine, netio_open_step(machine, &error), &error);
    if (fd < 0)
        report(aTHX_ plan, &error, machine);
    LEAVE;
    if (fd < 0)
        return newSV(0);
    fd = xs_open_blocking_take(fd, &error);
    if (fd < 0) {
        report(aTHX_ plan, &error, NULL);
        return newSV(0);
    }
    if (netio_addr_peer(&peer, fd) != 0)
        peer.len = 0;
    xs_handle_put_take(aTHX_ self, fd);
    return newSVpvn((const char *)&peer.u, peer.len);
}

static int drive_resolve(pTHX_ struct netio_resolve *machine, struct netio_error *error)
{
    struct netio_want want;
    int code;

    while ((code = netio_resolve_step(machine, error)) == -EAGAIN) {
        netio_resolve_want(machine, &want);
        int waited = xs_wait_want(aTHX_ &want);
        if (waited != 0)
            return netio_error_set(error, NETIO_STAGE_RESOLVE, waited, NULL, NULL);
    }
    return code;
}

bool xs_dial_resolve(pTHX_ AV *addresses, HV *plan)
{
    struct netio_resolve *machine;
    struct netio_error error;
    struct xs_text host;
    const struct netio_addr *found;
    int code;

    refuse_tainted(aTHX_ field(aTHX_ plan, "host"));
    xs_text_get(aTHX_ &host, field(aTHX_ plan, "host"));
    int family = (int)SvIV(field(aTHX_ plan, "family"));
    netio_deadline finish = xs_dial_deadline(aTHX_ field(aTHX_ plan, "finish"));
    code = xs_text_whole(&host)
        ? netio_resolve_start(&machine, host.text, family, finish, &error)
        : netio_error_set(&error, NETIO_STAGE_RESOLVE, NETIO_EBADHOST, NULL, NULL);
    if (code == 0) {
        ENTER;
        SAVEDESTRUCTOR_X(free_resolve, machine);
        code = drive_resolve(aTHX_ machine, &error);
        size_t count = code == 0 ? netio_resolve_answer(machine, &found) : 0;
        for (size_t i = 0; i < count; i++)
            av_push(addresses, newSVpvn((const char *)&found[i].u, found[i].len));
        LEAVE;
    }
    if (code != 0)
        report(aTHX_ plan, &error, NULL);
    return code == 0;
}
