/* Perl face.  Options of daemonize; see daemon_options.h.  Called by daemon.c; it touches the
 * values it is given, though reading one may run Perl code. */
#include "daemon_options.h"

#include "args.h"
#include "error.h"
#include "standard.h"

#include <netio/names.h>

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* "daemonize: ready_seconds: 'soon' is not a number of seconds" */
static void refuse(pTHX_ const char *name, SV *value, const char *why) __attribute__((noreturn));

static void refuse(pTHX_ const char *name, SV *value, const char *why)
{
    xs_error_throw_argument(
        aTHX_ "daemonize", NETIO_STAGE_OPTION, NETIO_EBADOPTION,
        newSVpvf("daemonize: %s: '%" SVf "' is %s", name, SVfARG(xs_sv_shown(aTHX_ value)), why));
}

/* --- memory that lives as long as the daemon */

static void *hold(pTHX_ struct xs_daemon_options *given, size_t size)
{
    SV *sv = newSV(size + 1);

    av_push(given->held, sv);
    return memset(SvPVX(sv), 0, size + 1);
}

static const char *hold_text(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    struct xs_text text;

    xs_path_get(aTHX_ &text, value);
    if (text.len == 0)
        return NULL;
    /* "ARRAY(0x...)" is nobody's name. */
    if (!xs_text_whole(&text) || (SvROK(value) && !SvAMAGIC(value)))
        refuse(aTHX_ name, value, "not a text without NUL");
    return memcpy(hold(aTHX_ given, text.len), text.text, text.len);
}

/* --- one reader for each kind of value */

static void read_pidfile(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    given->options.pidfile = hold_text(aTHX_ given, name, value);
}

static void read_directory(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    given->options.world.directory = hold_text(aTHX_ given, name, value);
}

static void read_chroot(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    given->options.world.privileges.root = hold_text(aTHX_ given, name, value);
}

static void read_user(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    given->user = hold_text(aTHX_ given, name, value);
}

static void read_name(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    given->name = hold_text(aTHX_ given, name, value);
}

/* A file is opened again by its name, when the daemon has gone to another folder. */
static void read_log(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    const char *text = hold_text(aTHX_ given, name, value);
    char folder[PATH_MAX];

    given->log = text;
    if (!text || *text == '/' || strEQ(text, "syslog") || strEQ(text, "stderr"))
        return;
    if (!getcwd(folder, sizeof folder))
        refuse(aTHX_ name, value, "in a folder that has no name");
    SV *path = newSVpvf("%s/%s", folder, text);
    av_push(given->held, path);
    given->log = SvPVX(path);
}

static void read_foreground(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    PERL_UNUSED_ARG(name);
    given->options.flags &= ~NETIO_DAEMON_FOREGROUND;
    if (SvTRUE(value))
        given->options.flags |= NETIO_DAEMON_FOREGROUND;
}

static void read_setuid(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    PERL_UNUSED_ARG(name);
    given->options.world.privileges.flags &= ~NETIO_PRIVILEGES_MORE;
    if (SvTRUE(value))
        given->options.world.privileges.flags |= NETIO_PRIVILEGES_MORE;
}

static void read_ready_seconds(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    NV seconds = 0;

    if (!xs_seconds_get(aTHX_ &seconds, value) || (SvOK(value) && seconds == 0))
        refuse(aTHX_ name, value, "not a number of seconds above 0");
    given->options.ready_seconds = SvOK(value) ? seconds : 0;
}

/* '022' of a configuration file is what 022 is in a program. */
static void read_umask(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    struct xs_text text;
    UV mask = 0;

    xs_text_get(aTHX_ &text, value);
    given->options.world.umask = 0;
    if (text.len == 0)
        return;
    if (!SvROK(value) && SvPOK(value) && text.text[0] == '0' &&
        strspn(text.text, "01234567") == text.len)
        mask = (UV)strtoul(text.text, NULL, 8);
    else if (!xs_count_get(aTHX_ &mask, value))
        refuse(aTHX_ name, value, "not a umask");
    if (mask > 0777)
        refuse(aTHX_ name, value, "not a umask");
    given->options.world.umask = mask ? (mode_t)mask : NETIO_UMASK_NONE;
}

static void read_environment(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    SSize_t count = xs_list_count(aTHX_ value);
    const char **list;

    given->options.world.environment = NULL;
    if (!SvOK(value))
        return;
    list = hold(aTHX_ given, ((size_t)count + 1) * sizeof *list);
    for (SSize_t i = 0; i < count; i++) {
        SV *entry = xs_list_at(aTHX_ value, i);
        list[i] = hold_text(aTHX_ given, name, entry);
        if (!list[i] || list[i][0] == '=')
            refuse(aTHX_ name, entry, "not NAME, NAME* or NAME=VALUE");
    }
    given->options.world.environment = list;
}

/* A glob, a reference to one, or a name; sv_2io would croak of what is none. */
static IO *io_of(pTHX_ SV *value)
{
    SV *target = SvROK(value) ? SvRV(value) : value;
    GV *gv = isGV_with_GP(target) ? (GV *)target : NULL;

    if (SvTYPE(target) == SVt_PVIO)
        return (IO *)target;
    if (!SvROK(value) && SvOK(value) && !gv)
        gv = gv_fetchsv(value, 0, SVt_PVIO);
    return gv ? GvIO(gv) : NULL;
}

static bool is_number(pTHX_ SV *value)
{
    return SvOK(value) && !SvROK(value) && !isGV_with_GP(value) && looks_like_number(value);
}

/* Of a handle, or a number. */
static int descriptor_of(pTHX_ const char *name, SV *value)
{
    UV number = 0;
    IO *io;
    int fd;

    SvGETMAGIC(value);
    if (is_number(aTHX_ value)) {
        if (!xs_count_get(aTHX_ &number, value) || number > INT_MAX ||
            fcntl((int)number, F_GETFD) == -1)
            refuse(aTHX_ name, value, "not an open descriptor");
        return (int)number;
    }
    io = io_of(aTHX_ value);
    fd = io && IoIFP(io) ? PerlIO_fileno(IoIFP(io)) : -1;
    if (fd == -1)
        refuse(aTHX_ name, value, "not a handle with a descriptor");
    return fd;
}

static void read_keep(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    SSize_t count = xs_list_count(aTHX_ value);
    int *list = hold(aTHX_ given, ((size_t)count + 3) * sizeof *list);

    given->options.keep = list;
    given->options.keep_count = (size_t)count;
    for (SSize_t i = 0; i < count; i++)
        list[i] = descriptor_of(aTHX_ name, xs_list_at(aTHX_ value, i));
}

static void read_capabilities(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    SSize_t count = xs_list_count(aTHX_ value);

    given->options.world.privileges.capabilities = 0;
    for (SSize_t i = 0; i < count; i++) {
        struct xs_text text;
        xs_text_get(aTHX_ &text, xs_list_at(aTHX_ value, i));
        int number = netio_capability_number(text.text, text.len);
        if (number < 0)
            refuse(aTHX_ name, xs_list_at(aTHX_ value, i), "no capability, such as net_bind_service");
        given->options.world.privileges.capabilities |= (uint64_t)1 << number;
    }
}

static int resource_of(pTHX_ const char *name, SV *key)
{
    struct xs_text text;

    xs_text_get(aTHX_ &text, key);
    int resource = netio_resource_number(text.text, text.len);
    if (resource < 0)
        refuse(aTHX_ name, key, "no limit, such as nofile");
    return resource;
}

static rlim_t limit_of(pTHX_ const char *name, SV *value)
{
    struct xs_text text;
    UV number = 0;

    xs_text_get(aTHX_ &text, value);
    if (xs_text_is(&text, "unlimited"))
        return RLIM_INFINITY;
    if (!SvOK(value) || !xs_count_get(aTHX_ &number, value))
        refuse(aTHX_ name, value, "neither a number nor unlimited");
    return number;
}

/* { nofile => 4096, core => [0, 'unlimited'] }: both, or the soft and the hard one. */
static void read_limits(pTHX_ struct xs_daemon_options *given, const char *name, SV *value)
{
    struct netio_rlimit *list;
    HV *hash;
    HE *entry;
    size_t count = 0;

    SvGETMAGIC(value);
    given->options.world.limits_count = 0;
    if (!SvOK(value))
        return;
    if (!SvROK(value) || SvTYPE(SvRV(value)) != SVt_PVHV)
        refuse(aTHX_ name, value, "not a reference to a hash");
    hash = (HV *)SvRV(value);
    list = hold(aTHX_ given, RLIM_NLIMITS * sizeof *list);
    (void)hv_iterinit(hash);
    while ((entry = hv_iternext(hash)) && count < RLIM_NLIMITS) {
        SV *limit = hv_iterval(hash, entry);
        SSize_t numbers = xs_list_count(aTHX_ limit);
        list[count].resource = resource_of(aTHX_ name, hv_iterkeysv(entry));
        if (numbers < 1 || numbers > 2)
            refuse(aTHX_ name, limit, "neither a number nor two");
        list[count].value.rlim_cur = limit_of(aTHX_ name, xs_list_at(aTHX_ limit, 0));
        list[count].value.rlim_max = limit_of(aTHX_ name, xs_list_at(aTHX_ limit, numbers - 1));
        count++;
    }
    given->options.world.limits = list;
    given->options.world.limits_count = count;
}

static const struct option {
    const char *name;
    void (*read)(pTHX_ struct xs_daemon_options *given, const char *name, SV *value);
} table[] = {
    {"capabilities", read_capabilities},
    {"chroot", read_chroot},
    {"directory", read_directory},
    {"environment", read_environment},
    {"foreground", read_foreground},
    {"keep", read_keep},
    {"limits", read_limits},
    {"log", read_log},
    {"name", read_name},
    {"pidfile", read_pidfile},
    {"ready_seconds", read_ready_seconds},
    {"setuid_programs", read_setuid},
    {"umask", read_umask},
    {"user", read_user},
};

static const struct option *find(pTHX_ SV *given)
{
    struct xs_text name;

    xs_text_get(aTHX_ &name, given);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (xs_text_is(&name, table[i].name))
            return &table[i];
    xs_error_throw_argument(
        aTHX_ "daemonize", NETIO_STAGE_OPTION, NETIO_EBADOPTION,
        newSVpvf("daemonize: unknown option '%" SVf "'", SVfARG(xs_text_shown(aTHX_ &name))));
}

/* What the program was called by, without its folder. */
static void default_name(pTHX_ struct xs_daemon_options *given)
{
    SV *program = get_sv("0", GV_ADD);
    STRLEN len;
    const char *text = SvPV_const(program, len);
    const char *slash = memrchr(text, '/', len);

    if (slash)
        len -= (STRLEN)(slash + 1 - text);
    given->name = memcpy(hold(aTHX_ given, len), slash ? slash + 1 : text, len);
}

/* There is room for three after those of the option. */
static void keep_foreign(pTHX_ struct xs_daemon_options *given)
{
    int *list;

    if (!given->options.keep)
        read_keep(aTHX_ given, "keep", &PL_sv_undef);
    list = (int *)given->options.keep;
    for (int fd = 0; fd < 3; fd++)
        if (xs_standard_is_foreign(aTHX_ fd))
            list[given->options.keep_count++] = fd;
}

/* ST() looks the stack up each time: reading a value may have moved it. */
void xs_daemon_options_read(pTHX_ struct xs_daemon_options *given, I32 ax, I32 first, I32 items)
{
    Zero(given, 1, struct xs_daemon_options);
    given->options.flags = NETIO_DAEMON_HOST;
    given->held = (AV *)sv_2mortal((SV *)newAV());
    if ((items - first) % 2)
        xs_error_throw_argument(aTHX_ "daemonize", NETIO_STAGE_OPTION, NETIO_EBADOPTION,
                                newSVpvs("daemonize: an option has no value"));
    for (I32 i = first; i < items; i += 2) {
        const struct option *option = find(aTHX_ ST(i));
        option->read(aTHX_ given, option->name, ST(i + 1));
    }
    TAINT_PROPER("daemonize");
    keep_foreign(aTHX_ given);
    if (!given->name)
        default_name(aTHX_ given);
    TAINT_NOT; /* $0 may be */
}
