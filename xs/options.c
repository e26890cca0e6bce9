/* Perl face.  Options; see options.h.  Called by what opens and asks; it touches the values it
 * is given, though reading one may run Perl code. */
#include "options.h"

#include "error.h"

#include <netio/addr.h>

void xs_options_default(struct xs_options *options, const char *what)
{
    memset(options, 0, offsetof(struct xs_options, source));
    options->what = what;
    options->timeout = NV_INF;
    options->source.len = 0;
}

static void refuse(pTHX_ const struct xs_options *options, SV *message) __attribute__((noreturn));

static void refuse(pTHX_ const struct xs_options *options, SV *message)
{
    xs_error_throw_argument(aTHX_ options->what, NETIO_STAGE_OPTION, NETIO_EBADOPTION, message);
}

/* "tcpopen: timeout: 'soon' is not a number of seconds" */
static void refuse_value(pTHX_ const struct xs_options *options, const char *name, SV *value,
                         const char *why) __attribute__((noreturn));

static void refuse_value(pTHX_ const struct xs_options *options, const char *name, SV *value,
                         const char *why)
{
    refuse(aTHX_ options, newSVpvf("%s: %s: '%" SVf "' is %s", options->what, name,
                                   SVfARG(xs_sv_shown(aTHX_ value)), why));
}

static NV seconds(pTHX_ const struct xs_options *options, const char *name, SV *value)
{
    NV given;

    if (!xs_seconds_get(aTHX_ & given, value))
        refuse_value(aTHX_ options, name, value, "not a number of seconds");
    return given;
}

static void read_timeout(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    options->timeout = seconds(aTHX_ options, name, value);
}

static void read_deadline(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    options->finished = netio_deadline_in(seconds(aTHX_ options, name, value));
}

static void read_first_wait(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    NV given = 0;

    if (!xs_seconds_get(aTHX_ & given, value) ||
        (SvOK(value) && !(given >= 0.001 && given <= 3600)))
        refuse_value(aTHX_ options, name, value, "not between 0.001 and 3600 seconds");
    options->first_wait = Perl_isinf(given) ? 0 : given;
}

static void read_family(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    struct xs_text text;

    xs_text_get(aTHX_ & text, value);
    if (text.len == 0)
        options->family = AF_UNSPEC;
    else if (xs_text_is(&text, "inet"))
        options->family = AF_INET;
    else if (xs_text_is(&text, "inet6"))
        options->family = AF_INET6;
    else
        refuse_value(aTHX_ options, name, value, "neither inet nor inet6");
}

static void read_source(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    struct netio_addr address;

    xs_text_get(aTHX_ & options->source, value);
    if (options->source.len == 0)
        return;
    if (!xs_text_whole(&options->source) || netio_addr_parse(&address, options->source.text) != 0 ||
        netio_addr_family(&address) == AF_UNIX)
        refuse_value(aTHX_ options, name, value, "not a numeric address");
}

static void read_source_port(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    UV port = 0;

    if (!xs_count_get(aTHX_ & port, value) || port > 65535)
        refuse_value(aTHX_ options, name, value, "not a port");
    options->source_port = (unsigned)port;
}

static void read_backlog(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    UV count = 0;

    if (!xs_count_get(aTHX_ & count, value) || count > 65535 || (SvOK(value) && count == 0))
        refuse_value(aTHX_ options, name, value, "not a length of a queue, 1 to 65535");
    options->backlog = (int)count;
}

static void read_valid(pTHX_ struct xs_options *options, const char *name, SV *value)
{
    SvGETMAGIC(value);
    if (!SvOK(value))
        options->valid = NULL;
    else if (SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVCV)
        options->valid = sv_2mortal(newSVsv(value));
    else
        refuse_value(aTHX_ options, name, value, "not a code reference");
}

#define INET (XS_FOR_TCP | XS_FOR_UDP | XS_FOR_ASK)
#define OPEN (XS_FOR_TCP | XS_FOR_UDP | XS_FOR_UNIX)

static const struct option {
    const char *name;
    unsigned callers;
    void (*read)(pTHX_ struct xs_options *options, const char *name, SV *value);
    size_t flag; /* without read: where its bool is in struct xs_options */
} table[] = {
    {"timeout", OPEN | XS_FOR_ASK | XS_FOR_LISTEN, read_timeout, 0},
    {"deadline", OPEN | XS_FOR_LISTEN, read_deadline, 0},
    {"fatal", OPEN, NULL, offsetof(struct xs_options, fatal)},
    {"family", INET, read_family, 0},
    {"source", INET, read_source, 0},
    {"source_port", INET, read_source_port, 0},
    {"reserved", INET, NULL, offsetof(struct xs_options, reserved)},
    {"keepalive", XS_FOR_TCP, NULL, offsetof(struct xs_options, keepalive)},
    {"nodelay", XS_FOR_TCP, NULL, offsetof(struct xs_options, nodelay)},
    {"valid", XS_FOR_ASK, read_valid, 0},
    {"first_wait", XS_FOR_ASK, read_first_wait, 0},
    {"backlog", XS_FOR_LISTEN, read_backlog, 0},
};

static const struct option *find(const struct xs_text *name, unsigned caller)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].callers & caller && xs_text_is(name, table[i].name))
            return &table[i];
    return NULL;
}

/* ST() looks the stack up each time: reading a value may have moved it. */
void xs_options_read(pTHX_ struct xs_options *options, unsigned caller, I32 ax, I32 first,
                     I32 items)
{
    if ((items - first) % 2)
        refuse(aTHX_ options, newSVpvf("%s: an option has no value", options->what));
    for (I32 i = first; i < items; i += 2) {
        struct xs_text name;
        const struct option *option;

        xs_text_get(aTHX_ & name, ST(i));
        option = find(&name, caller);
        if (!option)
            refuse(aTHX_ options, newSVpvf("%s: unknown option '%" SVf "'", options->what,
                                           SVfARG(xs_text_shown(aTHX_ & name))));
        if (option->read)
            option->read(aTHX_ options, option->name, ST(i + 1));
        else
            *(bool *)((char *)options + option->flag) = cBOOL(SvTRUE(ST(i + 1)));
    }
    if (options->reserved && options->source_port)
        refuse(aTHX_ options,
               newSVpvf("%s: reserved and source_port exclude each other", options->what));
}
