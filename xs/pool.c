/* Perl face.  NetIO::Pool; see pool.h.  Called by Perl in the place of the program, and by the
 * engine for each connection; it runs the program.
 *
 * One process has one program, so what is known of it is static.
 *
 *      pp_pool             the supervisor, from whose loop a worker comes out by xs_pool_work
 *        serve             the engine's loop
 *          on_serve        a connection: handles, environment
 *            run_program   until it ends, dies or exits
 *            run_ends      its END blocks
 *            all is put back
 */
#include "pool.h"

#include "connection.h"
#include "data.h"
#include "fork.h"
#include "program.h"
#include "request.h"
#include "server.h"
#include "surroundings.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LAST_SECONDS 5 /* for the answer of a worker that ends behind it */

static struct pool {
    OP op;         /* what perl begins with */
    OP *start;     /* what it would begin with */
    CV *supervise; /* of NetIO::Pool */
    SV *server;    /* in a worker */
    unsigned forks;
    SSize_t stack, marks; /* where they are when a program begins */
    SSize_t temporaries;
    I32 scope, saved;
} pool;

/* --- where a program begins */

static void remember_base(pTHX)
{
    pool.stack = PL_stack_sp - PL_stack_base;
    pool.marks = PL_markstack_ptr - PL_markstack;
    pool.temporaries = PL_tmps_floor;
    pool.scope = PL_scopestack_ix;
    pool.saved = PL_savestack_ix;
}

/* Whatever jumped has unwound the contexts already. */
static void go_to_base(pTHX)
{
    while (PL_scopestack_ix > pool.scope)
        LEAVE;
    LEAVE_SCOPE(pool.saved);
    PL_stack_sp = PL_stack_base + pool.stack;
    PL_markstack_ptr = PL_markstack + pool.marks;
    PL_tmps_floor = pool.temporaries;
    FREETMPS;
    PL_curcop = &PL_compiling;
    PL_curpm = NULL;
    PL_in_eval = EVAL_NULL;
    TAINT_NOT;
    PL_op = &pool.op;
    PAD_SET_CUR_NOSAVE(CvPADLIST(PL_main_cv), 1);
}

/* What may call code of the program (DESTROY, for one), which may exit; then it is done again, for
 * what is left. */
static void guarded(pTHX_ void (*step)(pTHX))
{
    volatile int tries = 0;
    int jumped;
    dJMPENV;

    JMPENV_PUSH(jumped);
    if (jumped == 0 || tries < 100) {
        tries++;
        step(aTHX);
    }
    JMPENV_POP;
}

/* --- one connection */

/* As perl_run has it. */
static void run_program(pTHX)
{
    int jumped;
    dJMPENV;

    JMPENV_PUSH(jumped);
    switch (jumped) {
    case 0:
        PL_op = pool.start;
        CvDEPTH(PL_main_cv) = 1;
        CALLRUNOPS(aTHX);
        STATUS_ALL_SUCCESS;
        break;
    case 3: /* it has died in an eval, which goes on */
        if (PL_restartop) {
            PL_restartjmpenv = NULL;
            PL_op = PL_restartop;
            PL_restartop = NULL;
            CALLRUNOPS(aTHX);
            STATUS_ALL_SUCCESS;
        }
        break;
    default: /* exit, or die */
        break;
    }
    JMPENV_POP;
}

/* One that exits leaves the others. */
static void run_ends(pTHX)
{
    int jumped;
    dJMPENV;

    PL_endav = xs_program_ends(aTHX);
    JMPENV_PUSH(jumped);
    PERL_UNUSED_VAR(jumped);
    if (PL_endav && av_len(PL_endav) >= 0) {
        PL_phase = PERL_PHASE_END;
        call_list(PL_scopestack_ix, PL_endav);
    }
    JMPENV_POP;
    PL_phase = PERL_PHASE_RUN;
}

/* A child that the program has forked ends as any program does: by perl itself. */
static void end_child(pTHX)
{
    PL_endav = xs_program_ends(aTHX);
    xs_program_release(aTHX);
    my_exit((U32)STATUS_EXIT);
}

static void put_back(pTHX)
{
    xs_surroundings_flush(aTHX);
    xs_program_put_back(aTHX);
    FREETMPS;
}

static void on_serve(struct netio_conn *conn, int fd)
{
    struct xs_connection *connection = netio_conn_data(conn);
    dTHXa(connection->server->perl);

    xs_surroundings_begin(aTHX_ connection, fd);
    xs_data_open(aTHX);
    run_program(aTHX);
    if (pool.forks != xs_forks)
        end_child(aTHX);
    guarded(aTHX_ go_to_base);
    run_ends(aTHX);
    guarded(aTHX_ go_to_base);
    guarded(aTHX_ put_back);
    guarded(aTHX_ xs_surroundings_end);
    guarded(aTHX_ xs_surroundings_put_back);
    guarded(aTHX_ go_to_base);
    if (xs_surroundings_are_lost())
        netio_server_stop(connection->server->engine, netio_deadline_in(LAST_SECONDS));
}

/* --- a worker */

static void run_signal_handlers(pTHX)
{
    PERL_ASYNC_CHECK();
}

static void serve(pTHX)
{
    const struct xs_server *server = xs_server_get(aTHX_ pool.server);
    int code;

    pool.forks = xs_forks;
    /* One that computes for ever would never see that the pool is gone. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    xs_surroundings_remember(aTHX);
    do {
        code = netio_server_run(server->engine);
        guarded(aTHX_ run_signal_handlers);
        go_to_base(aTHX);
    } while (code == -EINTR);
    xs_fork_end(aTHX);
}

void xs_pool_end_with(pTHX_ pid_t supervisor)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
        croak("prctl: %s", strerror(errno));
    if (getppid() != supervisor)
        (void)raise(SIGKILL);
}

void xs_pool_work(pTHX_ SV *server)
{
    pool.server = newSVsv(server);
    my_exit(0);
}

void xs_pool_of(pTHX_ SV *server)
{
    xs_server_get(aTHX_ server)->serve = on_serve;
}

/* --- exit, in a file that is being loaded: as it has not been, the next run has to load it again
 */

static Perl_ppaddr_t perls_exit;

static void forget_loading(pTHX_ const PERL_SI *stack)
{
    for (I32 i = stack->si_cxix; i >= 0; i--) {
        const PERL_CONTEXT *cx = &stack->si_cxstack[i];
        if (CxTYPE(cx) == CXt_EVAL && CxOLD_OP_TYPE(cx) == OP_REQUIRE && cx->blk_eval.old_namesv)
            (void)hv_delete_ent(GvHVn(PL_incgv), cx->blk_eval.old_namesv, G_DISCARD, 0);
    }
}

static OP *pp_exit_of_pool(pTHX)
{
    for (const PERL_SI *stack = PL_curstackinfo; stack; stack = stack->si_prev)
        forget_loading(aTHX_ stack);
    return perls_exit(aTHX);
}

void xs_pool_watch_exit(pTHX)
{
    PERL_UNUSED_CONTEXT;
    perls_exit = PL_ppaddr[OP_EXIT];
    PL_ppaddr[OP_EXIT] = pp_exit_of_pool;
}

/* --- in the place of the program */

static void supervise(pTHX)
{
    dSP;

    PUSHMARK(SP);
    (void)call_sv((SV *)pool.supervise, G_VOID | G_DISCARD);
}

static OP *pp_pool(pTHX)
{
    int jumped;
    dJMPENV;

    remember_base(aTHX);
    xs_program_remember(aTHX);
    xs_surroundings_take_alarm();
    JMPENV_PUSH(jumped);
    if (jumped == 0)
        supervise(aTHX);
    JMPENV_POP;
    if (pool.server) {
        guarded(aTHX_ go_to_base);
        serve(aTHX);
    }
    xs_program_release(aTHX);
    if (!pool.server && jumped)
        JMPENV_JUMP(jumped);
    return NULL;
}

void xs_pool_take_over(pTHX_ CV *code)
{
    if (!PL_main_start)
        croak("NetIO::Pool: there is no program");
    pool.supervise = (CV *)SvREFCNT_inc((SV *)code);
    pool.start = PL_main_start;
    Zero(&pool.op, 1, OP);
    pool.op.op_type = OP_CUSTOM;
    pool.op.op_ppaddr = pp_pool;
    PL_main_start = &pool.op;
}
