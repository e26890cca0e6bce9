/* Perl face.  Timers; see timer.h.  Called by Server.xsi and Connection.xsi, by the engine's loop
 * when one is due, and by the end of connections and servers; it runs Perl code. */
#include "timer.h"

#include "args.h"
#include "connection.h"
#include "error.h"
#include "object.h"

struct xs_timer {
    struct netio_timer timer;
    struct xs_server *server;
    struct xs_connection *connection; /* NULL: it is the server's */
    CV *code;                         /* NULL: it is over, and in no list */
    struct xs_timer *next, **link;
    unsigned users; /* the list, and the object */
};

static void let_go(struct xs_timer *timer)
{
    if (--timer->users == 0)
        Safefree(timer);
}

/* Its code may be the last thing that has hold of objects; so it goes last. */
static void end(pTHX_ struct xs_timer *timer)
{
    CV *code = timer->code;

    if (!code)
        return;
    netio_timer_stop(&timer->timer);
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->code = NULL;
    let_go(timer);
    SvREFCNT_dec((SV *)code);
}

void xs_timer_stop_all(pTHX_ struct xs_timer **list)
{
    while (*list)
        end(aTHX_ * list);
}

static void fire(struct netio_timer *fired)
{
    struct xs_timer *timer = fired->data;
    struct xs_server *server = timer->server;
    struct xs_connection *connection = timer->connection;
    CV *code = timer->code;
    dTHXa(server->perl);

    SvREFCNT_inc_simple_void_NN((SV *)code);
    end(aTHX_ timer);
    if (connection)
        xs_connection_call(aTHX_ connection, code, "timer", NULL);
    else
        xs_event_call_alone(aTHX_ server, code, "timer");
    SvREFCNT_dec((SV *)code);
}

/* --- the object */

static int free_timer(pTHX_ SV *sv, MAGIC *mg)
{
    PERL_UNUSED_CONTEXT;
    PERL_UNUSED_VAR(sv);
    if (mg->mg_ptr)
        let_go((struct xs_timer *)mg->mg_ptr);
    return 0;
}

static MGVTBL table = {.svt_free = free_timer, .svt_dup = xs_object_dup};

static SV *new_object(pTHX_ struct xs_timer *timer)
{
    SV *object = newSV_type(SVt_PVMG);

    timer->users++;
    (void)xs_object_bind(aTHX_ object, &table, timer);
    return sv_bless(newRV_noinc(object), gv_stashpvs("NetIO::Server::Timer", GV_ADD));
}

void xs_timer_stop(pTHX_ SV *self)
{
    end(aTHX_(struct xs_timer *) xs_object_get(aTHX_ self, &table, "NetIO::Server::Timer"));
}

SV *xs_timer_start(pTHX_ struct xs_timer **list, struct xs_server *server,
                   struct xs_connection *connection, SV *seconds, SV *code)
{
    struct xs_timer *timer;
    NV left;

    if (!xs_seconds_get(aTHX_ & left, seconds))
        xs_error_throw_word(aTHX_ "timer", seconds, "a number of seconds");
    SvGETMAGIC(code);
    if (!SvROK(code) || SvTYPE(SvRV(code)) != SVt_PVCV)
        xs_error_throw_word(aTHX_ "timer", code, "a code reference");
    Newxz(timer, 1, struct xs_timer);
    timer->timer.fire = fire;
    timer->timer.data = timer;
    timer->server = server;
    timer->connection = connection;
    timer->users = 1;
    timer->code = (CV *)SvREFCNT_inc_simple_NN(SvRV(code));
    timer->next = *list;
    timer->link = list;
    if (timer->next)
        timer->next->link = &timer->next;
    *list = timer;
    int failed = netio_timer_start(netio_server_loop(server->engine), &timer->timer,
                                   netio_deadline_in(left));
    if (failed != 0) {
        end(aTHX_ timer);
        xs_error_throw_code(aTHX_ "timer", NETIO_STAGE_TIMEOUT, failed, NULL);
    }
    return new_object(aTHX_ timer);
}
