/* Perl face.  NetIO::Server::Supervisor; see supervisor.h.  Called by its methods, of which
 * NetIO::Server::Processes makes a server; it forks, and takes signals over as
 * netio_supervisor does.
 *
 * There is no C frame of ours below the Perl code of a worker: run returns there. */
#include "supervisor.h"

#include "args.h"
#include "daemon.h"
#include "error.h"
#include "fork.h"
#include "object.h"
#include "server.h"
#include "wait.h"

#include <netio/supervisor.h>

#include <errno.h>
#include <unistd.h>

struct xs_supervisor {
    struct netio_supervisor *engine;
    struct netio_worker *worker; /* in a worker */
    SV *server;                  /* whose limits workers share */
    struct netio_log *log;       /* NULL: the daemon's, or none */
    struct netio_user user;
    struct netio_world world;
    pid_t process;
};

static const char *const words[] = {
    [NETIO_SUPERVISOR_DONE] = "done",         [NETIO_SUPERVISOR_WORKER] = "worker",
    [NETIO_SUPERVISOR_READY] = "ready",       [NETIO_SUPERVISOR_RELOAD] = "reload",
    [NETIO_SUPERVISOR_RELOADED] = "reloaded", [NETIO_SUPERVISOR_KEPT] = "kept",
    [NETIO_SUPERVISOR_REOPEN] = "reopen",
};

/* --- its life */

/* Of a child that is none of its workers it is only memory.  A worker is freed before the server
 * would be by nobody: it ends by _exit. */
static int free_supervisor(pTHX_ SV *sv, MAGIC *mg)
{
    struct xs_supervisor *supervisor = (struct xs_supervisor *)mg->mg_ptr;
    int before = errno;

    PERL_UNUSED_VAR(sv);
    if (!supervisor)
        return 0;
    if (supervisor->process == getpid()) {
        if (!supervisor->worker)
            netio_supervisor_free(supervisor->engine);
        netio_log_free(supervisor->log);
        netio_user_free(&supervisor->user);
    }
    SvREFCNT_dec(supervisor->server);
    Safefree(supervisor);
    errno = before;
    return 0;
}

static MGVTBL table = {.svt_free = free_supervisor, .svt_dup = xs_object_dup};

static struct xs_supervisor *get(pTHX_ SV *self)
{
    const MAGIC *mg = xs_object_magic(aTHX_ self, &table);
    struct xs_supervisor *supervisor = mg ? (struct xs_supervisor *)mg->mg_ptr : NULL;

    if (!supervisor || supervisor->process != getpid())
        croak("not a NetIO::Server::Supervisor of this process");
    return supervisor;
}

static struct netio_worker *worker_of(pTHX_ SV *self)
{
    struct xs_supervisor *supervisor = get(aTHX_ self);

    if (!supervisor->worker)
        croak("not in a worker");
    return supervisor->worker;
}

static void throw_failure(pTHX_ const struct netio_error *error) __attribute__((noreturn));

static void throw_failure(pTHX_ const struct netio_error *error)
{
    xs_error_throw_failure(aTHX_ "run", error);
}

static void throw_code(pTHX_ int code)
{
    if (code != 0)
        xs_error_throw_code(aTHX_ "run", NETIO_STAGE_NONE, code, NULL);
}

/* --- options; each text lives as long as the caller's arguments */

struct given {
    struct xs_supervisor *supervisor;
    struct netio_supervisor_options options;
    struct netio_error error;
};

static const char *text_of(pTHX_ SV *value)
{
    struct xs_text text;

    xs_path_get(aTHX_ & text, value);
    if (!xs_text_whole(&text))
        croak("a text with a NUL");
    return text.len ? SvPVX(sv_2mortal(newSVpvn(text.text, text.len))) : NULL;
}

/* NULL-ended, for as long as a mortal lives. */
static const char **texts_of(pTHX_ SV *value, size_t *count)
{
    AV *list = SvROK(value) && SvTYPE(SvRV(value)) == SVt_PVAV ? (AV *)SvRV(value) : NULL;
    size_t n = list ? (size_t)(av_len(list) + 1) : 0;
    SV *room = sv_2mortal(newSV((n + 1) * sizeof(char *)));
    const char **texts = (const char **)(void *)SvPVX(room);

    for (size_t i = 0; i < n; i++) {
        SV **slot = av_fetch(list, (SSize_t)i, 0);
        const char *text = slot ? text_of(aTHX_ * slot) : NULL;
        texts[i] = text ? text : "";
    }
    texts[n] = NULL;
    *count = n;
    return texts;
}

static double seconds_of(pTHX_ SV *value)
{
    NV seconds = 0;

    if (!xs_seconds_get(aTHX_ & seconds, value))
        croak("not a number of seconds");
    return seconds;
}

static void read_user(pTHX_ struct given *given, SV *value)
{
    struct netio_world *world = &given->supervisor->world;
    const char *text = text_of(aTHX_ value);

    if (text && netio_user_parse(&given->supervisor->user, text, &given->error) != 0)
        throw_failure(aTHX_ & given->error);
    if (text)
        world->privileges.user = &given->supervisor->user;
    given->options.world = world;
}

static void read_option(pTHX_ struct given *given, const char *name, SV *value)
{
    struct netio_supervisor_options *options = &given->options;
    size_t count;

    if (strEQ(name, "workers"))
        options->workers = (unsigned)SvUV(value);
    else if (strEQ(name, "user"))
        read_user(aTHX_ given, value);
    else if (strEQ(name, "status"))
        options->status = text_of(aTHX_ value);
    else if (strEQ(name, "ready_seconds"))
        options->ready_seconds = seconds_of(aTHX_ value);
    else if (strEQ(name, "stop_seconds"))
        options->drain_seconds = seconds_of(aTHX_ value);
    else if (strEQ(name, "heartbeat_seconds"))
        options->heartbeat_seconds = seconds_of(aTHX_ value);
    else if (strEQ(name, "daemon"))
        xs_daemon_parts(aTHX_ value, &options->daemon, &options->log);
    else if (strEQ(name, "command"))
        options->argv = (char *const *)(uintptr_t)texts_of(aTHX_ value, &count);
    else if (strEQ(name, "program"))
        options->program = text_of(aTHX_ value);
    else if (strEQ(name, "directory"))
        options->directory = text_of(aTHX_ value);
    else if (strEQ(name, "environment"))
        options->environment = texts_of(aTHX_ value, &count);
    else
        croak("unknown option '%s'", name);
}

static void open_log(pTHX_ struct given *given)
{
    if (given->options.log)
        return;
    if (netio_log_open(&given->supervisor->log, "stderr", SvPV_nolen(get_sv("0", GV_ADD)),
                       &given->error) != 0)
        throw_failure(aTHX_ & given->error);
    given->options.log = given->supervisor->log;
}

SV *xs_supervisor_new(pTHX_ I32 ax, I32 items)
{
    SV *number = newSViv((IV)getpid());
    SV *self = sv_2mortal(newRV_noinc(number));
    struct given given = {.error.code = 0};

    Newxz(given.supervisor, 1, struct xs_supervisor);
    given.supervisor->process = getpid();
    (void)xs_object_bind(aTHX_ number, &table, given.supervisor);
    sv_bless(self, gv_stashsv(ST(0), GV_ADD));
    given.supervisor->server = newSVsv(ST(1));
    given.options.limit = xs_server_get(aTHX_ ST(1))->limit;
    given.options.fork = xs_fork;
    given.options.data = PERL_GET_THX;
    given.options.mark = &PL_sig_pending;
    for (I32 i = 2; i + 1 < items; i += 2)
        if (SvOK(ST(i + 1)))
            read_option(aTHX_ & given, SvPV_nolen(ST(i)), ST(i + 1));
    open_log(aTHX_ & given);
    if (netio_supervisor_new(&given.supervisor->engine, &given.options, &given.error) != 0)
        throw_failure(aTHX_ & given.error);
    return SvREFCNT_inc_simple_NN(self);
}

/* --- the supervisor */

void xs_supervisor_listen(pTHX_ SV *self, SV *addresses)
{
    struct netio_error error;
    size_t count;
    const char **texts = texts_of(aTHX_ addresses, &count);

    if (netio_supervisor_listen(get(aTHX_ self)->engine, texts, count, &error) != 0)
        throw_failure(aTHX_ & error);
}

void xs_supervisor_listen_take(pTHX_ SV *self, int fd)
{
    throw_code(aTHX_ netio_supervisor_listen_take(get(aTHX_ self)->engine, fd));
}

void xs_supervisor_reload(pTHX_ SV *self, SV *addresses, UV workers)
{
    struct netio_error error;
    size_t count;
    const char **texts = texts_of(aTHX_ addresses, &count);

    if (netio_supervisor_reload(get(aTHX_ self)->engine, texts, count, (unsigned)workers, &error) !=
        0)
        throw_failure(aTHX_ & error);
}

AV *xs_supervisor_addresses(pTHX_ SV *self)
{
    AV *list = (AV *)sv_2mortal((SV *)newAV());
    struct netio_supervisor *engine = get(aTHX_ self)->engine;
    const struct netio_addr *address;
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; (address = netio_supervisor_address(engine, i)); i++)
        av_push(list, newSVpv(netio_addr_str(address, text, sizeof text), 0));
    return list;
}

const char *xs_supervisor_run(pTHX_ SV *self, SV **why)
{
    struct xs_supervisor *supervisor = get(aTHX_ self);
    struct netio_worker *worker = NULL;
    struct netio_error error = {.code = 0};
    char text[640];
    int event;

    while ((event = netio_supervisor_run(supervisor->engine, &worker, &error)) == -EINTR) {
        PERL_ASYNC_CHECK();
        supervisor = get(aTHX_ self);
    }
    if (event < 0 && error.code == 0)
        throw_code(aTHX_ event);
    if (event < 0)
        throw_failure(aTHX_ & error);
    if (event == NETIO_SUPERVISOR_WORKER) {
        supervisor->worker = worker;
        supervisor->process = getpid();
    }
    *why = error.code ? newSVpv(netio_error_str(&error, text, sizeof text), 0) : newSV(0);
    return words[event];
}

void xs_supervisor_stop(pTHX_ SV *self, bool at_once)
{
    netio_supervisor_stop(get(aTHX_ self)->engine, at_once);
}

static SV *status_of(pTHX_ const struct netio_worker_status *status)
{
    HV *hash = newHV();
    HV *refused = newHV();

    for (int i = 0; i < NETIO_REFUSED_REASONS; i++) {
        const char *word = netio_refused_str((enum netio_refused)i);
        (void)hv_store(refused, word, (I32)strlen(word), newSVuv(status->server.refused[i]), 0);
    }
    (void)hv_stores(hash, "pid", newSViv(status->pid));
    (void)hv_stores(hash, "number", newSVuv(status->number));
    (void)hv_stores(hash, "generation", newSVuv(status->generation));
    (void)hv_stores(hash, "state", newSVpv(status->state, 0));
    (void)hv_stores(hash, "connections", newSVuv(status->server.connections));
    (void)hv_stores(hash, "accepted", newSVuv(status->server.accepted));
    (void)hv_stores(hash, "datagrams", newSVuv(status->server.datagrams));
    (void)hv_stores(hash, "refused", newRV_noinc((SV *)refused));
    return newRV_noinc((SV *)hash);
}

AV *xs_supervisor_status(pTHX_ SV *self)
{
    AV *list = (AV *)sv_2mortal((SV *)newAV());
    struct netio_supervisor *engine = get(aTHX_ self)->engine;
    struct netio_worker_status status;

    for (size_t i = 0; netio_supervisor_worker(engine, i, &status); i++)
        av_push(list, status_of(aTHX_ & status));
    return list;
}

/* --- a worker */

void xs_worker_serve(pTHX_ SV *self, SV *server)
{
    struct xs_server *of = xs_server_get(aTHX_ server);

    throw_code(aTHX_ netio_worker_serve(worker_of(aTHX_ self), of->engine));
}

void xs_worker_ready(pTHX_ SV *self, SV *daemon)
{
    struct netio_worker *worker = worker_of(aTHX_ self);
    struct netio_daemon *owner;
    struct netio_log *log;

    if (SvOK(daemon)) {
        xs_daemon_parts(aTHX_ daemon, &owner, &log);
        netio_worker_log(worker, log);
    }
    throw_code(aTHX_ netio_worker_ready(worker));
}

void xs_worker_fail(pTHX_ SV *self, SV *why)
{
    struct netio_error error;

    netio_error_set(&error, NETIO_STAGE_NONE, -ECANCELED, NULL, SvPV_nolen(why));
    netio_worker_fail(worker_of(aTHX_ self), &error);
}

UV xs_worker_number(pTHX_ SV *self)
{
    return netio_worker_number(worker_of(aTHX_ self));
}

UV xs_worker_generation(pTHX_ SV *self)
{
    return netio_worker_generation(worker_of(aTHX_ self));
}

/* --- the program itself */

void xs_supervisor_become(pTHX_ SV *text)
{
    struct netio_user user = {.uid = 0};
    const struct netio_privileges privileges = {.user = &user};
    struct netio_error error;
    int code = netio_user_parse(&user, text_of(aTHX_ text), &error);

    if (code == 0)
        code = netio_privileges_drop(&privileges, &error);
    netio_user_free(&user);
    if (code != 0)
        throw_failure(aTHX_ & error);
}

/* $0 may have another text by now: who assigns to it writes over the words of the command. */
AV *xs_supervisor_command(pTHX)
{
    AV *list = (AV *)sv_2mortal((SV *)newAV());

    for (int i = 0; i < PL_origargc; i++)
        av_push(list, newSVpv(PL_origargv[i], 0));
    return list;
}
