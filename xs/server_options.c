/* Perl face.  Options of NetIO::Server; see server_options.h.  Called by server.c; it touches the
 * values it is given, though reading one may run Perl code, and reads files of rules. */
#include "server_options.h"

#include "args.h"
#include "error.h"

#include <netio/supervisor.h>

#include <limits.h>
#include <stddef.h>

#define WHAT "NetIO::Server"

struct option {
    const char *name;
    void (*read)(pTHX_ struct xs_server *server, const struct option *option, SV *value);
    size_t place; /* in struct xs_server */
    UV most;      /* of a number */
};

static void refuse(pTHX_ SV *message) __attribute__((noreturn));

static void refuse(pTHX_ SV *message)
{
    xs_error_throw_argument(aTHX_ WHAT, NETIO_STAGE_OPTION, NETIO_EBADOPTION, message);
}

/* "NetIO::Server: read_seconds: 'soon' is not a number of seconds" */
static void refuse_value(pTHX_ const struct option *option, SV *value, const char *why)
    __attribute__((noreturn));

static void refuse_value(pTHX_ const struct option *option, SV *value, const char *why)
{
    refuse(aTHX_ newSVpvf(WHAT ": %s: '%" SVf "' is %s", option->name,
                          SVfARG(xs_sv_shown(aTHX_ value)), why));
}

static void *place_of(struct xs_server *server, const struct option *option)
{
    return (char *)server + option->place;
}

/* --- one reader for each kind of value */

static void read_code(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    CV **place = place_of(server, option);
    CV *code = NULL;

    SvGETMAGIC(value);
    if (SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVCV)
        code = (CV *)SvREFCNT_inc_simple_NN(SvRV(value));
    else if (SvOK(value))
        refuse_value(aTHX_ option, value, "not a code reference");
    SvREFCNT_dec((SV *)*place);
    *place = code;
}

static UV number_of(pTHX_ const struct option *option, SV *value)
{
    UV number = 0;

    if (!xs_count_get(aTHX_ & number, value) || number > option->most)
        refuse_value(aTHX_ option, value, "not a number that it can be");
    return number;
}

static void read_size(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    *(size_t *)place_of(server, option) = number_of(aTHX_ option, value);
}

static void read_count(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    *(unsigned *)place_of(server, option) = (unsigned)number_of(aTHX_ option, value);
}

static NV seconds_of(pTHX_ const struct option *option, SV *value)
{
    NV seconds = 0;

    if (!xs_seconds_get(aTHX_ & seconds, value) || (SvOK(value) && seconds == 0))
        refuse_value(aTHX_ option, value, "not a number of seconds above 0");
    return SvOK(value) ? seconds : 0;
}

static void read_seconds(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    *(double *)place_of(server, option) = seconds_of(aTHX_ option, value);
}

/* COUNT, a second, or [COUNT, SECONDS]. */
static void read_rate(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    struct netio_rate *rate = place_of(server, option);
    SSize_t count = xs_list_count(aTHX_ value);

    *rate = (struct netio_rate){.count = 0};
    if (count > 2)
        refuse_value(aTHX_ option, value, "neither COUNT nor [COUNT, SECONDS]");
    if (count > 0)
        rate->count = (unsigned)number_of(aTHX_ option, xs_list_at(aTHX_ value, 0));
    if (count > 1)
        rate->seconds = seconds_of(aTHX_ option, xs_list_at(aTHX_ value, 1));
}

/* The engine copies it, but not before it starts. */
static void read_text(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    struct xs_text text;

    xs_text_get(aTHX_ & text, value);
    if (!xs_text_whole(&text))
        refuse_value(aTHX_ option, value, "not a text without NUL");
    SV *kept = newSVpvn(text.text, text.len);
    av_push(server->held, kept);
    *(const char **)place_of(server, option) = text.len ? SvPVX(kept) : NULL;
}

static void read_model(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    struct xs_text text;

    xs_text_get(aTHX_ & text, value);
    if (netio_model_parse(&server->options.model, text.len ? text.text : "event") != 0 ||
        !xs_text_whole(&text))
        refuse_value(aTHX_ option, value, "not event, iterative, fork, prefork or signal");
}

static void add_rules(pTHX_ struct netio_access **access)
{
    int code = *access ? 0 : netio_access_new(access);

    if (code != 0)
        xs_error_throw_code(aTHX_ WHAT, NETIO_STAGE_OPTION, code, NULL);
}

/* The option's name is the rule's first word. */
static void read_rule(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    struct netio_access **access = place_of(server, option);
    SSize_t count = xs_list_count(aTHX_ value);

    for (SSize_t i = 0; i < count; i++) {
        SV *element = xs_list_at(aTHX_ value, i);
        struct netio_error error;
        struct xs_text text;
        xs_text_get(aTHX_ & text, element);
        if (!xs_text_whole(&text) || text.len == 0)
            refuse_value(aTHX_ option, element, "not whom a rule is about");
        add_rules(aTHX_ access);
        SV *rule = sv_2mortal(newSVpvf("%s %s", option->name, text.text));
        if (netio_access_add(*access, SvPVX(rule), &error) != 0)
            xs_error_throw_failure(aTHX_ WHAT, &error);
    }
}

static void read_access(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    struct netio_access **access = place_of(server, option);
    SSize_t count = xs_list_count(aTHX_ value);

    for (SSize_t i = 0; i < count; i++) {
        SV *element = xs_list_at(aTHX_ value, i);
        struct netio_error error;
        struct xs_text path;
        xs_path_get(aTHX_ & path, element);
        if (!xs_text_whole(&path) || path.len == 0)
            refuse_value(aTHX_ option, element, "not a path");
        add_rules(aTHX_ access);
        if (netio_access_read(*access, path.text, &error) != 0)
            xs_error_throw_failure(aTHX_ WHAT, &error);
    }
}

/* Not the engine's: in the object, for lib/NetIO/Server.pm. */
static void keep(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    (void)hv_store(server->object, option->name, (I32)strlen(option->name), newSVsv(value), 0);
}

static void keep_list(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    SvGETMAGIC(value);
    if (SvROK(value) && SvTYPE(SvRV(value)) != SVt_PVAV && !SvAMAGIC(value))
        refuse_value(aTHX_ option, value, "neither an address nor a reference to an array of them");
    keep(aTHX_ server, option, value);
}

static void keep_daemon(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    SvGETMAGIC(value);
    if (SvOK(value) && !(SvROK(value) && sv_derived_from(value, "NetIO::Daemon")))
        refuse_value(aTHX_ option, value, "not a NetIO::Daemon");
    keep(aTHX_ server, option, value);
}

static void keep_code(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    SvGETMAGIC(value);
    if (SvOK(value) && !(SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVCV))
        refuse_value(aTHX_ option, value, "not a code reference");
    keep(aTHX_ server, option, value);
}

static void keep_seconds(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    (void)seconds_of(aTHX_ option, value);
    keep(aTHX_ server, option, value);
}

static void keep_number(pTHX_ struct xs_server *server, const struct option *option, SV *value)
{
    (void)number_of(aTHX_ option, value);
    keep(aTHX_ server, option, value);
}

#define AT(member) offsetof(struct xs_server, member)

static const struct option table[] = {
#define XS_X(name, option) {option, read_code, AT(on) + XS_ON_##name * sizeof(CV *), 0},
    XS_EVENT_LIST(XS_X)
#undef XS_X
        {"listen", keep_list, 0, 0},
    {"workers", keep_number, 0, NETIO_WORKERS_MAX},
    {"user", keep, 0, 0},
    {"daemon", keep_daemon, 0, 0},
    {"status", keep, 0, 0},
    {"ready_seconds", keep_seconds, 0, 0},
    {"stop_seconds", keep_seconds, 0, 0},
    {"heartbeat_seconds", keep_seconds, 0, 0},
    {"on_start", keep_code, 0, 0},
    {"on_reload", keep_code, 0, 0},
    {"on_kept", keep_code, 0, 0},
    {"on_reopen", keep_code, 0, 0},
    {"model", read_model, 0, 0},
    {"line_max", read_size, AT(options.line_max), INT_MAX},
    {"write_max", read_size, AT(options.write_max), SSize_t_MAX},
    {"high_water", read_size, AT(options.high_water), SSize_t_MAX},
    {"max_connections", read_count, AT(options.max_connections), INT_MAX},
    {"first_seconds", read_seconds, AT(options.first_seconds), 0},
    {"read_seconds", read_seconds, AT(options.read_seconds), 0},
    {"total_seconds", read_seconds, AT(options.total_seconds), 0},
    {"write_seconds", read_seconds, AT(options.write_seconds), 0},
    {"drain_seconds", read_seconds, AT(options.drain_seconds), 0},
    {"refused_text", read_text, AT(options.refused_text), 0},
    {"full_text", read_text, AT(options.full_text), 0},
    {"access", read_access, AT(access), 0},
    {"allow", read_rule, AT(access), 0},
    {"deny", read_rule, AT(access), 0},
    {"exempt", read_rule, AT(access), 0},
    {"proxy", read_rule, AT(access), 0},
    {"total", read_count, AT(limits.total), INT_MAX},
    {"per_source", read_count, AT(limits.per_source), INT_MAX},
    {"rate", read_rate, AT(limits.rate), INT_MAX},
    {"source_rate", read_rate, AT(limits.source_rate), INT_MAX},
    {"ipv4_bits", read_count, AT(limits.ipv4_bits), 32},
    {"ipv6_bits", read_count, AT(limits.ipv6_bits), 128},
    {"sources", read_count, AT(limits.sources), INT_MAX},
};

static const struct option *find(pTHX_ SV *given)
{
    struct xs_text name;

    xs_text_get(aTHX_ & name, given);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (xs_text_is(&name, table[i].name))
            return &table[i];
    refuse(aTHX_ newSVpvf(WHAT ": unknown option '%" SVf "'", SVfARG(xs_text_shown(aTHX_ & name))));
}

static void check_handlers(pTHX_ const struct xs_server *server)
{
    int given = !!server->on[XS_ON_LINE] + !!server->on[XS_ON_DATA] + !!server->on[XS_ON_SERVE];
    enum netio_model model = server->options.model;

    if (given > 1)
        refuse(aTHX_ newSVpvs(WHAT ": on_line, on_data and on_serve exclude each other"));
    if (!given && !server->on[XS_ON_DATAGRAM] && !server->on[XS_ON_OPEN])
        refuse(aTHX_ newSVpvs(WHAT ": neither on_line nor on_data nor on_datagram is given"));
    if (server->on[XS_ON_SERVE] && (model == NETIO_MODEL_EVENT || model == NETIO_MODEL_SIGNAL))
        refuse(aTHX_ newSVpvf(WHAT ": on_serve is not for the model %s", netio_model_str(model)));
}

static void make_limit(pTHX_ struct xs_server *server)
{
    const struct netio_limit_options *limits = &server->limits;

    if (!limits->total && !limits->per_source && !limits->rate.count && !limits->source_rate.count)
        return;
    int code = netio_limit_new(&server->limit, limits);
    if (code != 0)
        xs_error_throw_code(aTHX_ WHAT, NETIO_STAGE_OPTION, code, "limits");
}

/* ST() looks the stack up each time: reading a value may have moved it. */
void xs_server_options_read(pTHX_ struct xs_server *server, I32 ax, I32 first, I32 items)
{
    if ((items - first) % 2)
        refuse(aTHX_ newSVpvs(WHAT ": an option has no value"));
    for (I32 i = first; i < items; i += 2) {
        const struct option *option = find(aTHX_ ST(i));
        option->read(aTHX_ server, option, ST(i + 1));
    }
    TAINT_PROPER(WHAT);
    TAINT_NOT;
    check_handlers(aTHX_ server);
    make_limit(aTHX_ server);
}

static void free_access(pTHX_ void *server)
{
    PERL_UNUSED_CONTEXT;
    netio_access_free(((struct xs_server *)server)->access);
}

/* Into a server that is only there for them. */
struct netio_access *xs_server_options_access(pTHX_ I32 ax, I32 first, I32 items)
{
    struct xs_server rules = {.access = NULL};
    struct netio_access *access;

    if ((items - first) % 2)
        refuse(aTHX_ newSVpvs(WHAT ": an option has no value"));
    ENTER;
    SAVEDESTRUCTOR_X(free_access, &rules);
    for (I32 i = first; i < items; i += 2) {
        const struct option *option = find(aTHX_ ST(i));
        if (option->place != AT(access))
            refuse(aTHX_ newSVpvf(WHAT ": %s: no rule", option->name));
        option->read(aTHX_ & rules, option, ST(i + 1));
    }
    TAINT_PROPER(WHAT);
    TAINT_NOT;
    access = rules.access;
    rules.access = NULL;
    LEAVE;
    return access;
}
