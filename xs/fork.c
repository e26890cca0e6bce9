/* Perl face.  fork(2); see fork.h.  Called by the server engine and the supervisor; it touches the
 * signal mask while it forks, and PerlIO's buffers. */
#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

unsigned xs_forks;

static void count_fork(void)
{
    xs_forks++;
}

static void watch(void)
{
    (void)pthread_atfork(NULL, NULL, count_fork);
}

void xs_forks_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, watch);
}

XS_INTERNAL(flush_all)
{
    dXSARGS;

    PERL_UNUSED_VAR(items);
    (void)PerlIO_flush(NULL);
    XSRETURN_EMPTY;
}

/* A layer may be Perl code, and die: not across frames of the engine.  It warns, then. */
static void flush(pTHX)
{
    dSP;
    CV *code = newXS(NULL, flush_all, __FILE__);

    PUSHMARK(SP);
    PUTBACK;
    (void)call_sv(sv_2mortal((SV *)code), G_VOID | G_DISCARD | G_EVAL | G_KEEPERR);
}

static void forget_signals(pTHX)
{
    PL_sig_pending = 0;
    if (PL_psig_pend)
        Zero(PL_psig_pend, SIG_SIZE, int);
}

pid_t xs_fork(void *data)
{
    sigset_t all, before;
    pid_t pid;
    dTHXa(data);

    flush(aTHX);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = PerlProc_fork();
    if (pid == 0) {
        forget_signals(aTHX);
        PL_srand_called = FALSE;
#if PERL_VERSION < 16 /* later ones ask the system whenever $$ is read */
        SV *number = GvSVn(gv_fetchpvs("$", GV_ADD | GV_NOTQUAL, SVt_PV));
        SvREADONLY_off(number);
        sv_setiv(number, (IV)getpid());
        SvREADONLY_on(number);
#endif
    }
    int code = errno;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return pid;
}

void xs_fork_end(pTHX)
{
    flush(aTHX);
    _exit(0);
}
