/* whoisd: lines of an answer.
 *
 * Called by answer.c.  Every line ends with CRLF, is shorter than 2000 bytes, and holds UTF-8
 * that can be printed and nothing else, whatever the directory says: what may not be shown, and
 * bytes that are no UTF-8, are left out.  No line begins with "ReferralServer:" or "% referto:",
 * which would send a client to another server (Debian's whois 5.5.17 even to this one, for ever).
 *
 * All calls return 0, -ENOMEM or NETIO_EFULL.
 */
#ifndef WHOISD_LAYOUT_H
#define WHOISD_LAYOUT_H

#include <netio/buf.h>
#include <stddef.h>

#define LAYOUT_COLUMN    20   /* labels end here */
#define LAYOUT_LINE_MAX  1990 /* bytes of a line without its CRLF: clients read 2000 at a time */
#define LAYOUT_LABEL_MAX 160  /* bytes of a label that are shown: any 40 characters fit */

/* A line of our own words; the format's arguments are numbers, or text that came through
 * layout_clean. */
int layout_line(struct netio_buf *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Copies what may be shown of text, cut to fit out with its NUL at a character; the length. */
size_t layout_clean(const char *text, size_t len, char *out, size_t size);
/* "           !00-00-0C: Cisco Systems, Inc (San Jose, US)"; the handle, name and summary of an
 * entry, cut so that they fit a line.  Without a summary there are no parentheses. */
int layout_listing(struct netio_buf *out, const char *handle, const char *name,
                   const char *summary);
/* "               Label: value", the label right-justified; a value too long for one line goes
 * on in further lines, broken at a blank where there is one. */
int layout_pair(struct netio_buf *out, const char *label, size_t label_len, const char *value,
                size_t value_len);

#endif
