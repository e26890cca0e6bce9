/* Perl face.  %ENV; see environ.h.  Called by daemon.c; it touches %ENV and environ(7), and runs no
 * Perl code. */
#include "environ.h"

#include <netio/environ.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void remove_others(pTHX_ HV *env, char *const *wanted)
{
    HE *entry;

    (void)hv_iterinit(env);
    while ((entry = hv_iternext(env))) {
        SV *name = hv_iterkeysv(entry);
        if (!netio_environ_get(wanted, SvPV_nolen_const(name)))
            (void)hv_delete_ent(env, name, G_DISCARD, 0);
    }
}

/* What C code has put there without %ENV. */
static void remove_hidden(char *const *wanted)
{
    char **variable = environ;

    while (variable && *variable) {
        const char *end = strchr(*variable, '=');
        char *name = end ? strndup(*variable, (size_t)(end - *variable)) : NULL;
        bool hidden = name && *name && !netio_environ_get(wanted, name);
        if (hidden && unsetenv(name) == 0)
            variable = environ;
        else
            variable++;
        free(name);
    }
}

static void set(pTHX_ HV *env, const char *variable, const char *value)
{
    const char *end = strchr(variable, '=');
    SV **slot = hv_fetch(env, variable, (I32)(end - variable), 1);

    if (!slot || (SvOK(*slot) && strEQ(SvPV_nolen_const(*slot), value)))
        return;
    TAINT_NOT; /* the old value may have been */
    sv_setpv(*slot, value);
    SvSETMAGIC(*slot);
}

void xs_environ_set(pTHX_ char *const *wanted)
{
    HV *env = GvHVn(PL_envgv);

    remove_others(aTHX_ env, wanted);
    remove_hidden(wanted);
    for (char *const *variable = wanted; *variable; variable++) {
        char *name = strndup(*variable, strcspn(*variable, "="));
        const char *value = name ? netio_environ_get(wanted, name) : NULL;
        if (value)
            set(aTHX_ env, *variable, value);
        free(name);
    }
}
