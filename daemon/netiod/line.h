/* netiod: a line for the log, put together by hand.
 *
 * Used by launch.c, for the two lines that each program has: with printf(3) these took as long as
 * the rest of what netiod itself does for a start.
 */
#ifndef NETIOD_LINE_H
#define NETIOD_LINE_H

#include <netio/text.h>

#include <string.h>

struct line { /* zero: empty */
    size_t used;
    char text[1024];
};

/* What has no room is left out. */
static inline void line_add(struct line *line, const char *text)
{
    size_t n = strlen(text), room = sizeof line->text - 1 - line->used;

    n = n < room ? n : room;
    memcpy(line->text + line->used, text, n);
    line->used += n;
    line->text[line->used] = '\0';
}

static inline void line_add_number(struct line *line, uint64_t number)
{
    char text[NETIO_TEXT_NUMBER];

    (void)netio_text_number(number, text);
    line_add(line, text);
}

#endif
