/* Perl face.  Values as lines of a log; see log.h.  Called by daemon.c. */
#include "log.h"

#include "error.h"

#include <string.h>
#include <syslog.h>

int xs_log_level(pTHX_ SV *priority)
{
    static const char *const names[] = {
        [LOG_EMERG] = "emerg", [LOG_ALERT] = "alert",     [LOG_CRIT] = "crit",
        [LOG_ERR] = "err",     [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
    };
    struct xs_text word;

    xs_text_get(aTHX_ & word, priority);
    for (int i = 0; i <= LOG_DEBUG; i++)
        if (xs_text_is(&word, names[i]))
            return i;
    xs_error_throw_word(aTHX_ "log", priority, "err, warning, notice, info or debug");
}

/* What netio_log makes of other control characters; as a format's text it would end there. */
static void add_bytes(pTHX_ SV *line, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t plain = strnlen(bytes, n);
        sv_catpvn(line, bytes, plain);
        if (plain < n) {
            sv_catpvs(line, "\\x00");
            plain++;
        }
        bytes += plain;
        n -= plain;
    }
}

/* An end of the last line begins no other. */
void xs_log_lines(pTHX_ struct netio_log *log, int level, const struct xs_text *all)
{
    SV *line = sv_2mortal(newSVpvs(""));
    size_t done = 0;

    do {
        const char *begin = all->text + done;
        const char *end = memchr(begin, '\n', all->len - done);
        size_t n = end ? (size_t)(end - begin) : all->len - done;
        sv_setpvs(line, "");
        add_bytes(aTHX_ line, begin, n);
        netio_log(log, level, "%s", SvPVX(line));
        done += n + 1;
    } while (done < all->len);
}
