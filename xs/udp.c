/* Perl face.  udp_ask; see udp.h.  Called by NetIO.xs; it touches its arguments, and runs %SIG
 * handlers and the caller's code while it asks.
 *
 * That code runs in the middle of a step of the machine, and must not leave it by a jump: what
 * it dies of is kept, the machine ends with a code of ours, and then it is thrown again.
 * exit() alone does jump; then nothing of the step runs any more. */
#include "udp.h"

#include "args.h"
#include "error.h"
#include "options.h"
#include "wait.h"

#include <netio/udp.h>

#include <errno.h>

#define LONGEST_REQUEST 65507 /* over IPv4 */

struct call {
    struct netio_udp_question question;
    AV *shown; /* the servers, for messages */
    struct xs_text service;
    struct xs_options options;
    int64_t began;
    SV *died; /* what valid has died of; a mortal */
};

static void free_machine(pTHX_ void *machine)
{
    int saved = errno;

    PERL_UNUSED_CONTEXT;
    netio_udp_ask_free((struct netio_udp_ask *)machine);
    errno = saved;
}

/* --- failures */

#define SHOWN_ATTEMPTS 4

static int attempt_code(const struct netio_udp_attempt *attempt)
{
    return attempt->code ? attempt->code : -ETIMEDOUT;
}

static enum netio_stage attempt_stage(const struct netio_udp_attempt *attempt)
{
    if (attempt->address.len)
        return attempt->asked ? NETIO_STAGE_READ : NETIO_STAGE_CONNECT;
    return attempt->code == NETIO_EBADSERVICE ? NETIO_STAGE_SERVICE : NETIO_STAGE_RESOLVE;
}

static SV *server_shown(pTHX_ const struct netio_udp_attempt *attempt)
{
    return xs_sv_shown(aTHX_ sv_2mortal(newSVpv(attempt->server, 0)));
}

static AV *attempts_av(pTHX_ const struct netio_udp_attempt *attempts, size_t count)
{
    AV *av = newAV();

    for (size_t i = 0; i < count; i++) {
        const struct netio_udp_attempt *attempt = &attempts[i];
        HV *hash = xs_error_attempt(aTHX_ attempt_stage(attempt), attempt_code(attempt),
                                    &attempt->address, attempt->elapsed);
        (void)hv_stores(hash, "server",
                        xs_error_text(aTHX_ attempt->server, strlen(attempt->server)));
        (void)hv_stores(hash, "asked", newSVuv(attempt->asked));
        (void)hv_stores(hash, "invalid", newSVuv(attempt->invalid));
        av_push(av, newRV_noinc((SV *)hash));
    }
    return av;
}

static void describe_all(pTHX_ SV *message, const struct netio_error *error,
                         const struct netio_udp_attempt *attempts, size_t count)
{
    if (count == 0)
        xs_error_describe(aTHX_ message, error->stage, error->code, &error->address);
    for (size_t i = 0; i < count && i < SHOWN_ATTEMPTS; i++) {
        const struct netio_udp_attempt *attempt = &attempts[i];
        if (i)
            sv_catpvs(message, "; ");
        if (attempt->address.len == 0)
            sv_catpvf(message, "%" SVf ": ", SVfARG(server_shown(aTHX_ attempt)));
        xs_error_describe(aTHX_ message, attempt_stage(attempt), attempt_code(attempt),
                          &attempt->address);
    }
    if (count > SHOWN_ATTEMPTS)
        sv_catpvf(message, "; and %d more", (int)(count - SHOWN_ATTEMPTS));
}

/* "a, b", for messages or as it was given. */
static SV *servers_joined(pTHX_ const struct call *call, bool shown)
{
    SV *text = newSVpvs_flags("", SVs_TEMP);

    for (size_t i = 0; i < call->question.count; i++) {
        SV *server = *av_fetch(call->shown, (SSize_t)i, 0);
        if (i)
            sv_catpvs(text, ", ");
        sv_catsv(text, shown ? xs_sv_shown(aTHX_ server) : server);
    }
    return text;
}

static void throw_failure(pTHX_ const struct call *call, const struct netio_error *error,
                          struct netio_udp_ask *machine) __attribute__((noreturn));

static void throw_failure(pTHX_ const struct call *call, const struct netio_error *error,
                          struct netio_udp_ask *machine)
{
    HV *hash = xs_error_new(aTHX_ error->stage, error->code, &error->address);
    SV *message = newSVpvf("udp_ask %" SVf, SVfARG(servers_joined(aTHX_ call, true)));
    const struct netio_udp_attempt *attempts = NULL;
    size_t count = machine ? netio_udp_ask_attempts(machine, &attempts) : 0;

    if (call->question.service)
        sv_catpvf(message, " %" SVf, SVfARG(xs_text_shown(aTHX_ &call->service)));
    sv_catpvs(message, ": ");
    describe_all(aTHX_ message, error, attempts, count);
    (void)hv_stores(hash, "what", newSVpvs("udp_ask"));
    (void)hv_stores(hash, "host", newSVsv(servers_joined(aTHX_ call, false)));
    if (call->question.service)
        (void)hv_stores(hash, "service",
                        xs_error_text(aTHX_ call->service.text, call->service.len));
    (void)hv_stores(hash, "elapsed", newSVnv((NV)(netio_clock_now() - call->began) / 1e9));
    (void)hv_stores(hash, "attempts", newRV_noinc((SV *)attempts_av(aTHX_ attempts, count)));
    xs_error_throw(aTHX_ hash, message);
}

/* --- arguments */

static void refuse(pTHX_ enum netio_stage stage, int code, SV *message) __attribute__((noreturn));

static void refuse(pTHX_ enum netio_stage stage, int code, SV *message)
{
    xs_error_throw_argument(aTHX_ "udp_ask", stage, code, message);
}

static SV *checked_server(pTHX_ SV *given)
{
    struct xs_text text;

    xs_text_get(aTHX_ &text, given);
    if (text.len == 0)
        refuse(aTHX_ NETIO_STAGE_RESOLVE, NETIO_EBADHOST, newSVpvs("udp_ask: no server given"));
    if (!xs_text_whole(&text))
        refuse(aTHX_ NETIO_STAGE_RESOLVE, NETIO_EBADHOST,
               newSVpvf("udp_ask %" SVf ": not a valid host name",
                        SVfARG(xs_text_shown(aTHX_ &text))));
    return xs_error_text(aTHX_ text.text, text.len);
}

/* Copies the servers, each before it is read: that may change the array. */
static AV *server_list(pTHX_ SV *given)
{
    AV *list = (AV *)sv_2mortal((SV *)newAV());

    SvGETMAGIC(given);
    if (!SvROK(given) || SvTYPE(SvRV(given)) != SVt_PVAV) {
        av_push(list, checked_server(aTHX_ given));
        return list;
    }
    AV *array = (AV *)sv_2mortal(SvREFCNT_inc_simple_NN(SvRV(given)));
    for (SSize_t i = 0; i <= av_len(array); i++) {
        SV **element = av_fetch(array, i, 0);
        if (i == NETIO_UDP_SERVERS_MAX)
            refuse(aTHX_ NETIO_STAGE_OPTION, NETIO_EBADOPTION,
                   newSVpvf("udp_ask: more than %d servers", NETIO_UDP_SERVERS_MAX));
        av_push(list, checked_server(aTHX_ element ? sv_mortalcopy(*element) : &PL_sv_undef));
    }
    if (av_len(list) == -1)
        refuse(aTHX_ NETIO_STAGE_RESOLVE, NETIO_EBADHOST, newSVpvs("udp_ask: no server given"));
    return list;
}

static void read_servers(pTHX_ struct call *call, SV *given)
{
    call->shown = server_list(aTHX_ given);
    call->question.count = (size_t)(av_len(call->shown) + 1);
    SV *room = sv_2mortal(newSV(call->question.count * sizeof(char *)));
    const char **servers = (const char **)SvPVX(room);
    for (size_t i = 0; i < call->question.count; i++)
        servers[i] = SvPV_nolen_const(*av_fetch(call->shown, (SSize_t)i, 0));
    call->question.servers = servers;
}

/* None is needed where every server names its own; "" is none. */
static void read_service(pTHX_ struct call *call, SV *given)
{
    xs_text_get(aTHX_ &call->service, given);
    if (!xs_text_whole(&call->service))
        refuse(aTHX_ NETIO_STAGE_SERVICE, NETIO_EBADSERVICE,
               newSVpvf("udp_ask: %" SVf ": unknown service",
                        SVfARG(xs_text_shown(aTHX_ &call->service))));
    call->question.service = call->service.len ? call->service.text : NULL;
}

/* A copy: valid and handlers run while it is in use. */
static void read_request(pTHX_ struct call *call, SV *given)
{
    SV *copy = sv_newmortal();
    STRLEN size;

    SvGETMAGIC(given);
    if (!SvOK(given))
        refuse(aTHX_ NETIO_STAGE_OPTION, NETIO_EBADOPTION, newSVpvs("udp_ask: no request given"));
    sv_setsv_nomg(copy, given);
    (void)SvPV_force_nolen(copy);
    if (!sv_utf8_downgrade(copy, TRUE))
        refuse(aTHX_ NETIO_STAGE_OPTION, NETIO_EBADOPTION,
               newSVpvs("udp_ask: the request has characters that are no octets"));
    call->question.request = SvPV(copy, size);
    if (size > LONGEST_REQUEST)
        refuse(aTHX_ NETIO_STAGE_OPTION, -EMSGSIZE,
               newSVpvf("udp_ask: the request is longer than %d octets", LONGEST_REQUEST));
    call->question.size = size;
}

/* The request may come from outside, where it goes may not: what the statement has touched so
 * far, the request being made of it, does not count. */
static void read_arguments(pTHX_ struct call *call, I32 ax, I32 items)
{
    TAINT_NOT;
    xs_options_default(&call->options, "udp_ask");
    xs_options_read(aTHX_ &call->options, XS_FOR_ASK, ax, 3, items);
    read_servers(aTHX_ call, ST(0));
    read_service(aTHX_ call, ST(1));
    TAINT_PROPER("udp_ask");
    read_request(aTHX_ call, ST(2));
    TAINT_NOT;
}

/* --- the machine */

/* What the code said; whatever it dies of is kept.  A stack of its own keeps last and next from
 * finding a loop outside.  An object is true: to ask it could be to die. */
static bool call_valid(pTHX_ struct call *call, SV *answer, SV *from)
{
    dSP;
    bool good;

    PUSHSTACKi(PERLSI_MAGIC);
    ENTER;
    SAVETMPS;
    save_scalar(PL_errgv);
    PUSHMARK(SP);
    EXTEND(SP, 2);
    PUSHs(sv_2mortal(answer));
    PUSHs(sv_2mortal(from));
    PUTBACK;
    (void)call_sv(call->options.valid, G_SCALAR | G_EVAL);
    SPAGAIN;
    SV *result = POPs;
    SV *error = ERRSV;
    if (SvROK(error) || SvTRUE_nomg(error))
        call->died = newSVsv(error);
    good = !call->died && (SvROK(result) || SvTRUE_nomg(result));
    PUTBACK;
    FREETMPS;
    LEAVE;
    POPSTACK;
    return good;
}

static int is_valid(const void *answer, size_t size, const struct netio_addr *from, void *data)
{
    dTHX;
    struct call *call = (struct call *)data;
    char where[NETIO_ADDR_STRLEN];
    SV *text = newSVpvn((const char *)answer, size);

    if (TAINTING_get)
        SvTAINTED_on(text);
    bool good = call_valid(aTHX_ call, text, newSVpv(netio_addr_str(from, where, sizeof where), 0));
    if (call->died)
        return -ECANCELED;
    return good;
}

static struct netio_udp_ask *start(pTHX_ struct call *call)
{
    const struct xs_options *given = &call->options;
    const struct netio_udp_options options = {
        .deadline = netio_deadline_in(given->timeout),
        .family = given->family,
        .source = given->source.len ? given->source.text : NULL,
        .source_port = given->source_port,
        .reserved = given->reserved,
        .first_wait = (int64_t)(given->first_wait * 1e9),
        .valid = given->valid ? is_valid : NULL,
        .data = call,
    };
    struct netio_udp_ask *machine;
    struct netio_error error;

    if (netio_udp_ask_start(&machine, &call->question, &options, &error) != 0)
        throw_failure(aTHX_ call, &error, NULL);
    return machine;
}

/* Steps the machine until there is an answer; its size. */
static ssize_t drive(pTHX_ struct call *call, struct netio_udp_ask *machine, const char **answer,
                     struct netio_addr *from)
{
    struct netio_error error;
    struct netio_want want;

    for (;;) {
        ssize_t size = netio_udp_ask_step(machine, answer, from, &error);
        if (call->died)
            croak_sv(sv_2mortal(call->died));
        if (size >= 0)
            return size;
        if (size != -EAGAIN)
            throw_failure(aTHX_ call, &error, machine);
        netio_udp_ask_want(machine, &want);
        if (xs_wait(aTHX_ want.fd, want.events, want.deadline) == -EINTR)
            PERL_ASYNC_CHECK();
    }
}

SV *xs_udp_ask(pTHX_ I32 ax, I32 items, SV **from)
{
    struct call call = {.began = netio_clock_now(), .died = NULL};
    struct netio_addr address;
    char where[NETIO_ADDR_STRLEN];
    const char *answer;
    int before = errno;

    read_arguments(aTHX_ &call, ax, items);
    struct netio_udp_ask *machine = start(aTHX_ &call);
    ENTER;
    SAVEDESTRUCTOR_X(free_machine, machine);
    ssize_t size = drive(aTHX_ &call, machine, &answer, &address);
    SV *result = newSVpvn(answer, (STRLEN)size);
    LEAVE;
    if (TAINTING_get)
        SvTAINTED_on(result);
    if (from)
        *from = newSVpv(netio_addr_str(&address, where, sizeof where), 0);
    errno = before;
    return result;
}
