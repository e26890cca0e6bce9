/* Perl face.  Signals of a daemon; see signals.h.  Called by daemon.c; it touches dispositions and
 * %SIG. */
#include "signals.h"

static bool is_caught(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static bool is_ignored(const struct sigaction *action)
{
    return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_IGN;
}

/* What %SIG holds of a signal, once the program has asked or said. */
static SV *said(pTHX_ int number)
{
    return PL_psig_ptr && number < SIG_SIZE ? PL_psig_ptr[number] : NULL;
}

/* Ignored because Perl code has said so: what it only reads, inherited, gets no name here.  SIGFPE
 * Perl itself ignores. */
static bool is_own(pTHX_ int number, const struct sigaction *action)
{
    return is_ignored(action) &&
           (number == SIGFPE || (PL_psig_name && number < SIG_SIZE && PL_psig_name[number]));
}

void xs_signals_before(struct xs_signals *signals)
{
    static const int ending[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    const struct sigaction plain = {.sa_handler = SIG_DFL};

    for (int number = 1; number < NSIG; number++)
        if (sigaction(number, NULL, &signals->before[number]) == -1)
            signals->before[number] = plain; /* those of the C library */
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (is_caught(&signals->before[ending[i]]))
            (void)sigaction(ending[i], &plain, NULL);
}

void xs_signals_undo(const struct xs_signals *signals)
{
    for (int number = 1; number < NSIG; number++)
        if (is_caught(&signals->before[number]))
            (void)sigaction(number, &signals->before[number], NULL);
}

/* Assigning sets the disposition as well, to what it is. */
static void say(pTHX_ int number, const char *what)
{
    SV **slot =
        hv_fetch(get_hv("SIG", GV_ADD), PL_sig_name[number], (I32)strlen(PL_sig_name[number]), 1);

    if (!slot)
        return;
    sv_setpv(*slot, what);
    SvSETMAGIC(*slot);
}

/* A value that the program has not yet asked for is looked up when it does. */
static void agree(pTHX_ int number)
{
    SV *value = said(aTHX_ number);
    const char *text = value && SvPOK(value) ? SvPVX_const(value) : "";
    struct sigaction now;

    if (!value || sigaction(number, NULL, &now) == -1)
        return;
    if (is_ignored(&now) && strNE(text, "IGNORE"))
        say(aTHX_ number, "IGNORE");
    else if (!is_ignored(&now) && strEQ(text, "IGNORE"))
        say(aTHX_ number, "DEFAULT");
}

void xs_signals_after(pTHX_ const struct xs_signals *signals)
{
    xs_signals_undo(signals);
    PL_sigfpe_saved = SIG_DFL; /* for programs it executes */
    for (int number = 1; number < NSIG; number++) {
        const struct sigaction *before = &signals->before[number];

        if (is_own(aTHX_ number, before))
            (void)sigaction(number, before, NULL);
        agree(aTHX_ number);
    }
}
