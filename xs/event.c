/* Perl face.  Code that is called for what happens; see event.h.  Called by connection.c,
 * received.c and timer.c, and by the engine for events of the whole server; it runs Perl code.
 *
 * That runs only below netio_server_step and its like, and comes back here, whatever it does
 * (callback.h). */
#include "event.h"

#include "callback.h"
#include "error.h"
#include "fork.h"
#include "server.h"

SV *xs_event_argument(pTHX_ struct xs_server *server, const char *bytes, size_t len)
{
    /* Somebody has kept it, or what the code did to it shows in it. */
    if (SvREFCNT(server->argument) > 1 || SvTYPE(server->argument) >= SVt_PVMG) {
        SvREFCNT_dec(server->argument);
        server->argument = newSVpvs("");
    }
    sv_setpvn(server->argument, bytes, len);
    SvUTF8_off(server->argument);
    if (TAINTING_get)
        SvTAINTED_on(server->argument);
    return server->argument;
}

/* No client is taken any more that nobody would serve, and the engine returns at once: what it has
 * to send goes out if it does so without waiting. */
static void begin_exit(struct xs_server *server)
{
    server->exiting = true;
    netio_server_stop(server->engine, NETIO_NOW);
}

/* A child that a handler has forked never gets back into the engine, which is the parent's: it
 * would serve the same clients.  The engine's frames are copies in it that nobody will use. */
static void end_child(pTHX_ enum xs_called called) __attribute__((noreturn));

static void end_child(pTHX_ enum xs_called called)
{
    if (called == XS_EXITED)
        xs_callbacks_exit(aTHX);
    if (called == XS_DIED)
        croak_sv(sv_mortalcopy(ERRSV));
    croak("a child that a handler has forked must not return from it");
}

static enum xs_called call_code(pTHX_ const struct xs_server *server, CV *code, SV *const *args,
                                int count, bool *truth)
{
    enum xs_called called = xs_callback(aTHX_ code, args, count, truth);

    if (server->forks != xs_forks)
        end_child(aTHX_ called);
    return called;
}

/* To on_error, or to the default, which warns; that gets what on_error itself dies of, too. */
static void report(pTHX_ struct xs_server *server, const char *where, SV *who)
{
    CV *last = get_cvs("NetIO::Server::_report", 0);
    CV *code = server->on[XS_ON_ERROR] ? server->on[XS_ON_ERROR] : last;
    enum xs_called called = XS_DIED;

    ENTER;
    SAVETMPS;
    SV *args[] = {sv_mortalcopy(ERRSV), who ? who : &PL_sv_undef,
                  newSVpvn_flags(where, strlen(where), SVs_TEMP)};
    if (code)
        called = call_code(aTHX_ server, code, args, 3, NULL);
    if (called == XS_DIED && last && code != last) {
        args[0] = sv_mortalcopy(ERRSV);
        called = call_code(aTHX_ server, last, args, 3, NULL);
    }
    if (called == XS_EXITED) { /* the scope has gone with everything else */
        begin_exit(server);
        return;
    }
    FREETMPS;
    LEAVE;
}

bool xs_event_call(pTHX_ struct xs_server *server, CV *code, const char *where, SV *const *args,
                   int count, bool *truth, SV *who)
{
    /* What the code needs may be gone already when the interpreter ends. */
    if (!code || server->exiting || PL_phase == PERL_PHASE_DESTRUCT)
        return true;
    enum xs_called called = call_code(aTHX_ server, code, args, count, truth);
    if (called == XS_RETURNED)
        return true;
    if (called == XS_EXITED)
        begin_exit(server);
    else
        report(aTHX_ server, where, who);
    return false;
}

/* --- handlers of the whole server */

static SV *object_of(pTHX_ const struct xs_server *server)
{
    return server->object ? sv_2mortal(newRV_inc((SV *)server->object)) : &PL_sv_undef;
}

/* With what it needs for that; after an exit there is no scope to leave any more. */
static bool call_with(pTHX_ struct xs_server *server, CV *code, const char *where, SV *const *more,
                      int count, bool *truth)
{
    SV *args[4] = {object_of(aTHX_ server)};
    bool done;

    for (int i = 0; i < count; i++)
        args[i + 1] = more[i];
    done = xs_event_call(aTHX_ server, code, where, args, count + 1, truth, NULL);
    return done || !server->exiting;
}

void xs_event_call_alone(pTHX_ struct xs_server *server, CV *code, const char *where)
{
    ENTER;
    SAVETMPS;
    if (!call_with(aTHX_ server, code, where, NULL, 0, NULL))
        return;
    FREETMPS;
    LEAVE;
}

static void on_refused(struct netio_server *engine, const struct netio_addr *peer,
                       enum netio_refused why, unsigned long count)
{
    struct xs_server *server = netio_server_data(engine);
    dTHXa(server->perl);
    const char *word = netio_refused_str(why);
    char text[NETIO_ADDR_STRLEN];

    if (server->exiting)
        return;
    ENTER;
    SAVETMPS;
    netio_addr_str(peer, text, sizeof text);
    SV *more[] = {newSVpvn_flags(text, strlen(text), SVs_TEMP),
                  newSVpvn_flags(word, strlen(word), SVs_TEMP), sv_2mortal(newSVuv(count))};
    if (!call_with(aTHX_ server, server->on[XS_ON_REFUSED], "on_refused", more, 3, NULL))
        return;
    FREETMPS;
    LEAVE;
}

/* As an object, though nothing is thrown. */
static SV *error_of(pTHX_ const struct netio_error *error)
{
    HV *hash = xs_error_new(aTHX_ error->stage, error->code, &error->address);
    char text[640];

    (void)hv_stores(hash, "what", newSVpvs("accept"));
    (void)hv_stores(hash, "message", newSVpv(netio_error_str(error, text, sizeof text), 0));
    return sv_bless(sv_2mortal(newRV_noinc((SV *)hash)), gv_stashpvs("NetIO::Error", GV_ADD));
}

static void on_trouble(struct netio_server *engine, const struct netio_error *error)
{
    struct xs_server *server = netio_server_data(engine);
    dTHXa(server->perl);

    if (server->exiting)
        return;
    ENTER;
    SAVETMPS;
    SV *more[] = {error_of(aTHX_ error)};
    if (!call_with(aTHX_ server, server->on[XS_ON_TROUBLE], "on_trouble", more, 1, NULL))
        return;
    FREETMPS;
    LEAVE;
}

static int on_idle(struct netio_server *engine)
{
    struct xs_server *server = netio_server_data(engine);
    dTHXa(server->perl);
    bool again = false;

    if (server->exiting)
        return 0;
    ENTER;
    SAVETMPS;
    if (!call_with(aTHX_ server, server->on[XS_ON_IDLE], "on_idle", NULL, 0, &again))
        return 0;
    FREETMPS;
    LEAVE;
    return again;
}

void xs_event_handlers(const struct xs_server *server, struct netio_server_handlers *handlers)
{
    handlers->on_idle = server->on[XS_ON_IDLE] ? on_idle : NULL;
    handlers->on_refused = server->on[XS_ON_REFUSED] ? on_refused : NULL;
    handlers->on_trouble = server->on[XS_ON_TROUBLE] ? on_trouble : NULL;
}
