/* Perl face.  What the two PerlIOs of a handle share; see talk.h.  Called by layer.c and by who
 * looks at a talk when its PerlIOs may be closed; it touches nothing but the talk. */
#include "talk.h"

#include <string.h>

struct xs_talk *xs_talk_keep(struct xs_talk *talk)
{
    talk->refs++;
    return talk;
}

void xs_talk_release(struct xs_talk *talk)
{
    if (talk && --talk->refs == 0)
        Safefree(talk);
}

bool xs_talk_is_late(const struct xs_talk *talk, netio_deadline due)
{
    return netio_deadline_passed(netio_deadline_sooner(talk->deadline, due));
}

netio_deadline xs_talk_line_due(struct xs_talk *talk)
{
    if (talk->line_seconds > 0 && talk->line_due == NETIO_NEVER)
        talk->line_due = netio_deadline_in(talk->line_seconds);
    return talk->line_due;
}

void xs_talk_heard(struct xs_talk *talk, const char *data, size_t size)
{
    if (talk->line_due != NETIO_NEVER && memchr(data, '\n', size))
        talk->line_due = NETIO_NEVER;
}

struct xs_talk *xs_talk_clone(pTHX_ struct xs_talk *talk)
{
    struct xs_talk *copy = (struct xs_talk *)ptr_table_fetch(PL_ptr_table, talk);

    if (copy)
        return copy;
    Newx(copy, 1, struct xs_talk);
    *copy = *talk;
    copy->refs = 0;
    ptr_table_store(PL_ptr_table, talk, copy);
    return copy;
}
