/* Perl face.  NetIO::Error; see error.h.  Called by whatever fails; it touches the Perl
 * interpreter and $!, and loads NetIO/Error.pm at the first error. */
#include "error.h"

#include "args.h"

#include <netio/text.h>

#include <errno.h>

SV *xs_error_text(pTHX_ const char *text, STRLEN len)
{
    SV *sv = newSVpvn(text, len);

    if (is_utf8_string((const U8 *)text, len))
        SvUTF8_on(sv);
    return sv;
}

HV *xs_error_new(pTHX_ enum netio_stage stage, int code, const struct netio_addr *address)
{
    HV *hash = newHV();
    char text[NETIO_ADDR_STRLEN];

    (void)hv_stores(hash, "stage", newSVpv(netio_stage_str(stage), 0));
    (void)hv_stores(hash, "code", newSViv(code));
    (void)hv_stores(hash, "errno", newSViv(netio_error_errno(code)));
    if (address && address->len)
        (void)hv_stores(hash, "address", newSVpv(netio_addr_str(address, text, sizeof text), 0));
    return hash;
}

void xs_error_describe(pTHX_ SV *message, enum netio_stage stage, int code,
                       const struct netio_addr *address)
{
    char where[NETIO_ADDR_STRLEN];

    if (address->len)
        sv_catpvf(message, "%s %s: ", netio_stage_str(stage),
                  netio_addr_str(address, where, sizeof where));
    else if (code > -1000 && *netio_stage_str(stage))
        sv_catpvf(message, "%s: ", netio_stage_str(stage));
    sv_catpv(message, netio_error_text(code));
}

HV *xs_error_attempt(pTHX_ enum netio_stage stage, int code, const struct netio_addr *address,
                     int64_t elapsed)
{
    HV *hash = xs_error_new(aTHX_ stage, code, address);

    (void)hv_stores(hash, "elapsed", newSVnv((NV)elapsed / 1e9));
    return hash;
}

static int is_ours(const char *package)
{
    return package && strncmp(package, "NetIO", 5) == 0 && (!package[5] || package[5] == ':');
}

/* The statement to blame: the innermost one that is not in a package of NetIO. */
static const COP *caller_cop(pTHX)
{
    const COP *cop = PL_curcop;
    const PERL_CONTEXT *frame;

    for (I32 level = 0; is_ours(CopSTASHPV(cop)); level++) {
        frame = caller_cx(level, NULL);
        if (!frame)
            break;
        cop = frame->blk_oldcop;
    }
    return cop;
}

/* The names of codes come with the file; an error without them is still an error. */
static void load_class(pTHX)
{
    if (hv_exists(GvHVn(PL_incgv), "NetIO/Error.pm", 14))
        return;
    SV *source =
        newSVpvs_flags("local($@, $SIG{__DIE__}); eval { require NetIO::Error }", SVs_TEMP);
    (void)eval_sv(source, G_DISCARD | G_EVAL | G_KEEPERR);
}

void xs_error_throw(pTHX_ HV *hash, SV *message)
{
    const COP *cop = caller_cop(aTHX);
    SV *object = sv_2mortal(newRV_noinc((SV *)hash));
    SV **number = hv_fetchs(hash, "errno", 0);
    int value = number ? (int)SvIV(*number) : 0;

    (void)hv_stores(hash, "message", message);
    (void)hv_stores(hash, "file", newSVpv(OutCopFILE(cop), 0));
    (void)hv_stores(hash, "line", newSViv((IV)CopLINE(cop)));
    if (!SvOBJECT(hash))
        sv_bless(object, gv_stashpvs("NetIO::Error", GV_ADD));
    load_class(aTHX);
    errno = value;
    croak_sv(object);
}

void xs_error_throw_argument(pTHX_ const char *what, enum netio_stage stage, int code, SV *message)
{
    HV *hash = xs_error_new(aTHX_ stage, code, NULL);

    (void)hv_stores(hash, "what", newSVpv(what, 0));
    xs_error_throw(aTHX_ hash, message);
}

void xs_error_throw_failure(pTHX_ const char *what, const struct netio_error *error)
{
    char text[640];

    xs_error_throw_argument(aTHX_ what, error->stage, error->code,
                            newSVpvf("%s: %s", what, netio_error_str(error, text, sizeof text)));
}

void xs_error_throw_code(pTHX_ const char *what, enum netio_stage stage, int code, const char *text)
{
    struct netio_error error;

    netio_error_set(&error, stage, code, NULL, text);
    xs_error_throw_failure(aTHX_ what, &error);
}

void xs_error_throw_word(pTHX_ const char *what, SV *word, const char *expected)
{
    xs_error_throw_argument(
        aTHX_ what, NETIO_STAGE_OPTION, NETIO_EBADOPTION,
        newSVpvf("%s: '%" SVf "' is not %s", what, SVfARG(xs_sv_shown(aTHX_ word)), expected));
}

void xs_error_throw_io(pTHX_ enum netio_stage stage, int code, const struct netio_addr *peer)
{
    struct netio_error error;
    char text[320];

    netio_error_set(&error, stage, code, peer, NULL);
    xs_error_throw(aTHX_ xs_error_new(aTHX_ stage, code, peer),
                   newSVpv(netio_error_str(&error, text, sizeof text), 0));
}

static void default_fields(pTHX_ HV *hash)
{
    int code = xs_error_code(aTHX_ hash);

    if (!hv_exists(hash, "errno", 5))
        (void)hv_stores(hash, "errno", newSViv(netio_error_errno(code)));
    if (!hv_exists(hash, "stage", 5))
        (void)hv_stores(hash, "stage", newSVpvs(""));
}

/* A class of errors, or an object of one; whatever else it is, NetIO::Error. */
static HV *class_stash(pTHX_ SV *class)
{
    if (!sv_derived_from(class, "NetIO::Error"))
        return gv_stashpvs("NetIO::Error", GV_ADD);
    return SvROK(class) ? SvSTASH(SvRV(class)) : gv_stashsv(class, GV_ADD);
}

void xs_error_throw_list(pTHX_ I32 ax, I32 items)
{
    HV *hash = (HV *)sv_2mortal((SV *)newHV());
    HV *stash = class_stash(aTHX_ ST(0));
    SV **message;

    for (I32 i = 1; i + 1 < items; i += 2)
        (void)hv_store_ent(hash, ST(i), newSVsv(ST(i + 1)), 0);
    default_fields(aTHX_ hash);
    message = hv_fetchs(hash, "message", 0);
    sv_bless(sv_2mortal(newRV_inc((SV *)hash)), stash);
    xs_error_throw(aTHX_(HV *) SvREFCNT_inc_simple_NN((SV *)hash),
                   message ? newSVsv(*message)
                           : newSVpv(netio_error_text(xs_error_code(aTHX_ hash)), 0));
}

HV *xs_error_hash(pTHX_ SV *self)
{
    SvGETMAGIC(self);
    /* sv_derived_from reads a tied one again: its type is looked at last. */
    if (!SvOK(self) || !sv_derived_from(self, "NetIO::Error") || !SvROK(self) ||
        SvTYPE(SvRV(self)) != SVt_PVHV)
        croak("not a NetIO::Error");
    return (HV *)SvRV(self);
}

SV *xs_error_field(pTHX_ HV *hash, enum xs_error_field field)
{
    static const char *const names[] = {
        [XS_ERROR_MESSAGE] = "message", [XS_ERROR_FILE] = "file",
        [XS_ERROR_LINE] = "line",       [XS_ERROR_WHAT] = "what",
        [XS_ERROR_HOST] = "host",       [XS_ERROR_SERVICE] = "service",
        [XS_ERROR_STAGE] = "stage",     [XS_ERROR_CODE] = "code",
        [XS_ERROR_ERRNO] = "errno",     [XS_ERROR_ADDRESS] = "address",
        [XS_ERROR_ELAPSED] = "elapsed",
    };
    SV **value = hv_fetch(hash, names[field], (I32)strlen(names[field]), 0);

    return value ? newSVsv(*value) : newSV(0);
}

int xs_error_code(pTHX_ HV *hash)
{
    SV **code = hv_fetchs(hash, "code", 0);

    return code && SvOK(*code) ? (int)SvIV(*code) : 0;
}

AV *xs_error_attempts(pTHX_ HV *hash)
{
    SV **list = hv_fetchs(hash, "attempts", 0);

    if (list && SvROK(*list) && SvTYPE(SvRV(*list)) == SVt_PVAV)
        return (AV *)SvRV(*list);
    return (AV *)sv_2mortal((SV *)newAV());
}

SV *xs_error_string(pTHX_ HV *hash)
{
    SV **message = hv_fetchs(hash, "message", 0);
    SV **file = hv_fetchs(hash, "file", 0);
    SV **line = hv_fetchs(hash, "line", 0);

    if (!message)
        return newSVpvs("NetIO::Error");
    if (!file || !line) /* told, not thrown */
        return newSVsv(*message);
    return newSVpvf("%" SVf " at %" SVf " line %" SVf ".\n", SVfARG(*message), SVfARG(*file),
                    SVfARG(*line));
}

/* --- the reply of the old tcpopen */

/* Adds a field as a stranger may have made it: at most 160 printable characters. */
static void add_field(pTHX_ SV *reply, HV *hash, const char *name)
{
    SV **field = hv_fetch(hash, name, (I32)strlen(name), 0);
    char shown[160];
    STRLEN len;

    if (!field || !SvOK(*field))
        return;
    const char *text = SvPV_const(*field, len);
    sv_catpvn(reply, shown, netio_text_safe(text, len, shown, sizeof shown));
}

static bool stage_is(pTHX_ HV *hash, const char *word)
{
    SV **stage = hv_fetchs(hash, "stage", 0);

    return stage && SvOK(*stage) && strEQ(SvPV_nolen_const(*stage), word);
}

/* What goes between the parentheses where there was a peer: SERVICE://HOST. */
static void add_peer(pTHX_ SV *reply, HV *hash)
{
    SV **service = hv_fetchs(hash, "service", 0);

    if (service && SvOK(*service)) {
        add_field(aTHX_ reply, hash, "service");
        sv_catpvs(reply, "://");
    }
    add_field(aTHX_ reply, hash, hv_exists(hash, "host", 4) ? "host" : "address");
}

SV *xs_error_reply(pTHX_ HV *hash)
{
    SV *reply = newSVpvs_flags("550:Cannot ", SVs_TEMP); /* a field may be an object that dies */

    if (stage_is(aTHX_ hash, "option")) {
        add_field(aTHX_ reply, hash, "what");
        return SvREFCNT_inc_simple_NN(reply);
    }
    if (stage_is(aTHX_ hash, "service")) {
        sv_catpvs(reply, "getservbyname(");
        add_field(aTHX_ reply, hash, "service");
    } else if (stage_is(aTHX_ hash, "resolve")) {
        sv_catpvs(reply, "gethostbyname(");
        add_field(aTHX_ reply, hash, "host");
    } else {
        if (stage_is(aTHX_ hash, "read") || stage_is(aTHX_ hash, "write"))
            add_field(aTHX_ reply, hash, "stage");
        else
            sv_catpvs(reply, "connect");
        sv_catpvs(reply, "(");
        add_peer(aTHX_ reply, hash);
    }
    sv_catpvs(reply, ")");
    return SvREFCNT_inc_simple_NN(reply);
}
