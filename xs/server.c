/* Perl face.  NetIO::Server: its object, and from opening to the end; see server.h.  Called by
 * Server.xsi; below netio_server_step and its like Perl code runs (event.c), and those wait.
 *
 * A call of the engine needs no clean-up that Perl would have to unwind: it is counted, and what it
 * uses is there until it returns, even if the code drops the object. */
#include "server.h"

#include "args.h"
#include "callback.h"
#include "connection.h"
#include "error.h"
#include "fork.h"
#include "object.h"
#include "received.h"
#include "request.h"
#include "server_options.h"
#include "timer.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* --- its life */

/* In a fork's child the engine is a copy of the parent's, whose connections it would cut.  Returns
 * whether code has called exit. */
static bool destroy(pTHX_ struct xs_server *server)
{
    bool exiting;

    xs_timer_stop_all(aTHX_ & server->timers);
    if (server->process == getpid()) {
        netio_server_free(server->engine);
        netio_limit_free(server->limit);
        if (server->access_before != server->access)
            netio_access_free(server->access_before);
        netio_access_free(server->access);
    }
    for (int i = 0; i < XS_EVENTS; i++)
        SvREFCNT_dec((SV *)server->on[i]);
    SvREFCNT_dec((SV *)server->connections);
    SvREFCNT_dec(server->argument);
    SvREFCNT_dec((SV *)server->held);
    exiting = server->exiting;
    Safefree(server);
    return exiting;
}

/* Before and after whatever may run handlers. */
static void enter(pTHX_ struct xs_server *server)
{
    server->users++;
    xs_callbacks_begin(aTHX);
}

static void leave(pTHX_ struct xs_server *server)
{
    bool exiting = --server->users == 0 ? destroy(aTHX_ server) : server->exiting;

    if (exiting)
        xs_callbacks_exit(aTHX);
    xs_callbacks_end(aTHX);
}

/* One user less; the last one closes connections, whose handlers hear of it.  As in any DESTROY,
 * what the caller sees of the world stays. */
static void release(pTHX_ struct xs_server *server)
{
    int before = errno;

    if (server->users > 1) {
        server->users--;
        return;
    }
    ENTER;
    save_scalar(PL_errgv);
    xs_callbacks_begin(aTHX);
    leave(aTHX_ server);
    LEAVE;
    errno = before;
}

static int free_server(pTHX_ SV *sv, MAGIC *mg)
{
    struct xs_server *server = (struct xs_server *)mg->mg_ptr;

    PERL_UNUSED_VAR(sv);
    if (!server)
        return 0;
    server->object = NULL;
    if (server->users > 1 && server->process == getpid())
        netio_server_stop(server->engine, NETIO_NOW);
    release(aTHX_ server);
    return 0;
}

static MGVTBL table = {.svt_free = free_server, .svt_dup = xs_object_dup};

struct xs_server *xs_server_get(pTHX_ SV *self)
{
    return (struct xs_server *)xs_object_get(aTHX_ self, &table, "NetIO::Server");
}

static SV *new_object(pTHX_ SV *class)
{
    HV *object = newHV();
    SV *self = sv_2mortal(newRV_noinc((SV *)object));
    struct xs_server *server;

    Newxz(server, 1, struct xs_server);
    server->users = 1;
    server->object = object;
    server->perl = PERL_GET_THX;
    server->process = getpid();
    server->connections = (HV *)SvREFCNT_inc((SV *)gv_stashpvs("NetIO::Connection", GV_ADD));
    server->argument = newSVpvs("");
    server->held = newAV();
    (void)xs_object_bind(aTHX_(SV *) object, &table, server);
    return sv_bless(self, gv_stashsv(class, GV_ADD));
}

SV *xs_server_new(pTHX_ I32 ax, I32 items)
{
    SV *self = new_object(aTHX_ ST(0));

    xs_server_options_read(aTHX_ xs_server_get(aTHX_ self), ax, 1, items);
    return SvREFCNT_inc_simple_NN(self);
}

/* --- opening */

static pid_t fork_child(void *data)
{
    struct xs_server *server = data;
    pid_t pid = xs_fork(server->perl);

    if (pid == 0) {
        server->process = getpid();
        server->forks = xs_forks;
    }
    return pid;
}

void xs_server_open(pTHX_ SV *self)
{
    struct xs_server *server = xs_server_get(aTHX_ self);
    struct netio_server_handlers handlers = {
        .on_datagram = server->on[XS_ON_DATAGRAM] ? xs_received_handle : NULL,
    };

    if (server->engine)
        return;
    xs_event_handlers(server, &handlers);
    xs_connection_handlers(server, &handlers);
    server->options.data = server;
    server->options.fork = fork_child;
    server->options.access = server->access;
    server->options.limit = server->limit;
    server->process = getpid();
    xs_forks_watch();
    server->forks = xs_forks;
    int code = netio_server_new(&server->engine, NULL, &handlers, &server->options);
    if (code != 0)
        xs_error_throw_code(aTHX_ "start", NETIO_STAGE_LISTEN, code, NULL);
    netio_loop_mark(netio_server_loop(server->engine), &PL_sig_pending);
}

struct xs_server *xs_server_started(pTHX_ SV *self)
{
    struct xs_server *server = xs_server_get(aTHX_ self);

    if (!server->engine) {
        dSP;
        PUSHMARK(SP);
        XPUSHs(self);
        PUTBACK;
        call_method("start", G_VOID | G_DISCARD);
    }
    if (!server->engine && server->process == getpid())
        croak("not with workers, which are not this process");
    if (!server->engine || server->process != getpid())
        croak("not this process's NetIO::Server");
    return server;
}

void xs_server_listen(pTHX_ SV *self, SV *address)
{
    struct xs_server *server = xs_server_get(aTHX_ self);
    struct netio_error error;
    struct xs_text text;

    xs_text_get(aTHX_ & text, address);
    TAINT_PROPER("listen");
    if (text.len == 0 || !xs_text_whole(&text))
        xs_error_throw_word(aTHX_ "listen", address, "an address");
    if (netio_server_listen(server->engine, text.text, &error) != 0)
        xs_error_throw_failure(aTHX_ "listen", &error);
}

void xs_server_listen_take(pTHX_ SV *self, int fd)
{
    int code = netio_server_listen_take(xs_server_get(aTHX_ self)->engine, fd);

    if (code != 0)
        xs_error_throw_code(aTHX_ "listen", NETIO_STAGE_LISTEN, code, NULL);
}

void xs_server_serve_take(pTHX_ SV *self, int fd)
{
    struct xs_server *server = xs_server_get(aTHX_ self);

    enter(aTHX_ server);
    int code = netio_server_serve_take(server->engine, fd);
    leave(aTHX_ server);
    if (code != 0)
        xs_error_throw_code(aTHX_ "serve", NETIO_STAGE_ACCEPT, code, NULL);
}

/* --- running */

static void check_not_running(pTHX_ const struct xs_server *server, const char *what)
{
    if (server->users > 1)
        croak("%s: from within a handler", what);
}

static void let_go(pTHX_ void *server)
{
    release(aTHX_(struct xs_server *) server);
}

/* A handler may drop the object, and so may one of a signal. */
static void hold(pTHX_ struct xs_server *server)
{
    ENTER;
    save_scalar(PL_errgv);
    server->users++;
    SAVEDESTRUCTOR_X(let_go, server);
}

/* A child of model fork comes back when its connection has ended, and has nothing more to do. */
static void check_child(pTHX_ int code)
{
    if (code == NETIO_SERVER_CHILD)
        xs_fork_end(aTHX);
}

void xs_server_run(pTHX_ SV *self)
{
    struct xs_server *server = xs_server_started(aTHX_ self);
    int before = errno;
    int code;

    check_not_running(aTHX_ server, "run");
    hold(aTHX_ server);
    do {
        enter(aTHX_ server);
        code = netio_server_run(server->engine);
        leave(aTHX_ server);
        check_child(aTHX_ code);
        PERL_ASYNC_CHECK();
    } while (code == -EINTR);
    if (code < 0)
        xs_error_throw_code(aTHX_ "run", NETIO_STAGE_READ, code, NULL);
    LEAVE;
    errno = before;
}

int xs_server_step(pTHX_ SV *self, SV *seconds)
{
    struct xs_server *server = xs_server_started(aTHX_ self);
    int before = errno;
    NV left = 0;
    int code;

    if (seconds && !xs_seconds_get(aTHX_ & left, seconds))
        xs_error_throw_word(aTHX_ "step", seconds, "a number of seconds");
    check_not_running(aTHX_ server, "step");
    hold(aTHX_ server);
    enter(aTHX_ server);
    code = netio_server_step(server->engine, netio_deadline_in(left));
    leave(aTHX_ server);
    check_child(aTHX_ code);
    PERL_ASYNC_CHECK();
    if (code < 0)
        xs_error_throw_code(aTHX_ "step", NETIO_STAGE_READ, code, NULL);
    LEAVE;
    errno = before;
    return code;
}

/* What one safepoint has left undone raises no signal by itself. */
int xs_server_safepoint(pTHX_ SV *self)
{
    struct xs_server *server = xs_server_started(aTHX_ self);
    int before = errno;

    if (server->users > 1)
        return 0; /* from within a handler */
    ENTER;
    save_scalar(PL_errgv);
    enter(aTHX_ server);
    int code = netio_server_safepoint(server->engine);
    leave(aTHX_ server);
    LEAVE;
    if (code < 0 && code != -EINTR)
        xs_error_throw_code(aTHX_ "safepoint", NETIO_STAGE_READ, code, NULL);
    if (code > 0)
        (void)raise(SIGIO);
    errno = before;
    return code;
}

int xs_server_fileno(pTHX_ SV *self)
{
    struct xs_server *server = xs_server_started(aTHX_ self);
    int fd = netio_loop_fd(netio_server_loop(server->engine));

    if (fd < 0)
        xs_error_throw_code(aTHX_ "fileno", NETIO_STAGE_SOCKET, fd, NULL);
    return fd;
}

void xs_server_stop(pTHX_ SV *self, SV *seconds)
{
    struct xs_server *server = xs_server_get(aTHX_ self);
    NV left;

    if (!xs_seconds_get(aTHX_ & left, seconds))
        xs_error_throw_word(aTHX_ "stop", seconds, "a number of seconds");
    if (server->engine)
        netio_server_stop(server->engine, netio_deadline_in(left));
    xs_request_hurry(netio_deadline_in(left));
}

/* --- asking */

AV *xs_server_addresses(pTHX_ SV *self)
{
    struct xs_server *server = xs_server_started(aTHX_ self);
    AV *list = (AV *)sv_2mortal((SV *)newAV());
    const struct netio_addr *address;
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; (address = netio_server_address(server->engine, i)); i++)
        av_push(list, newSVpv(netio_addr_str(address, text, sizeof text), 0));
    return list;
}

SV *xs_server_status(pTHX_ SV *self)
{
    struct xs_server *server = xs_server_get(aTHX_ self);
    struct netio_server_status status = {.started = 0};
    HV *hash = newHV(), *refused = newHV();

    if (server->engine)
        netio_server_status(server->engine, &status);
    (void)hv_stores(hash, "connections", newSVuv(status.connections));
    (void)hv_stores(hash, "accepted", newSVuv(status.accepted));
    (void)hv_stores(hash, "datagrams", newSVuv(status.datagrams));
    (void)hv_stores(hash, "uptime",
                    newSVnv(server->engine ? (NV)(netio_clock_now() - status.started) / 1e9 : 0));
    (void)hv_stores(hash, "refused", newRV_noinc((SV *)refused));
    for (int i = 0; i < NETIO_REFUSED_REASONS; i++) {
        const char *word = netio_refused_str((enum netio_refused)i);
        (void)hv_store(refused, word, (I32)strlen(word), newSVuv(status.refused[i]), 0);
    }
    return newRV_noinc((SV *)hash);
}
