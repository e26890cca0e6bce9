/* Perl face.  Calling Perl code; see callback.h.  Called by event.c for the handlers of a server, and
 * by server.c around them; it touches Perl's stacks. */
#include "callback.h"

void xs_callbacks_begin(pTHX)
{
    dSP;

    PUSHSTACKi(PERLSI_MAGIC);
    PUTBACK;
}

void xs_callbacks_end(pTHX)
{
    POPSTACK;
}

void xs_callbacks_exit(pTHX)
{
    my_exit((U32)STATUS_EXIT);
}

static void push(pTHX_ SV *const *args, int count)
{
    dSP;

    PUSHMARK(SP);
    EXTEND(SP, count);
    for (int i = 0; i < count; i++)
        PUSHs(args[i]);
    PUTBACK;
}

/* An object is true: to ask it could be to die. */
static bool is_true(pTHX_ SV *value)
{
    return SvROK(value) || SvTRUE_nomg(value);
}

static void call_for_truth(pTHX_ CV *code, bool *truth)
{
    ENTER;
    SAVETMPS;
    (void)call_sv((SV *)code, G_SCALAR | G_EVAL);
    dSP;
    SV *result = POPs;
    *truth = is_true(aTHX_ result);
    PUTBACK;
    FREETMPS;
    LEAVE;
}

/* call_sv catches die by itself, and passes exit on to the jump buffer around it: this one. */
enum xs_called xs_callback(pTHX_ CV *code, SV *const *args, int count, bool *truth)
{
    int jumped;
    dJMPENV;

    JMPENV_PUSH(jumped);
    if (jumped == 0) {
        push(aTHX_ args, count);
        if (truth)
            call_for_truth(aTHX_ code, truth);
        else
            (void)call_sv((SV *)code, G_VOID | G_DISCARD | G_EVAL);
    }
    JMPENV_POP;
    if (jumped == 0)
        return is_true(aTHX_ ERRSV) ? XS_DIED : XS_RETURNED;
    if (jumped != 2) /* die, to an eval that is none of ours: there is none */
        JMPENV_JUMP(jumped);
    return XS_EXITED;
}
