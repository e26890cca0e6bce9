/* Perl face.  Variables of formats; see forms.h.  Called by opened.c and surroundings.c; it
 * touches the handles that they name. */
#include "forms.h"

void xs_forms_remember(pTHX_ struct xs_forms *forms, IO *io)
{
    forms->name = IoFMT_NAME(io) ? savepv(IoFMT_NAME(io)) : NULL;
    forms->name_gv = IoFMT_GV(io);
    forms->top = IoTOP_NAME(io) ? savepv(IoTOP_NAME(io)) : NULL;
    forms->top_gv = IoTOP_GV(io);
    forms->page = IoPAGE(io);
    forms->page_lines = IoPAGE_LEN(io);
    forms->lines_left = IoLINES_LEFT(io);
    forms->lines = IoLINES(io);
}

static char *put_back_name(pTHX_ char *now, const char *then)
{
    if (now == then || (now && then && strEQ(now, then)))
        return now;
    Safefree(now);
    return then ? savepv(then) : NULL;
}

void xs_forms_put_back(pTHX_ const struct xs_forms *forms, IO *io)
{
    IoFMT_NAME(io) = put_back_name(aTHX_ IoFMT_NAME(io), forms->name);
    IoFMT_GV(io) = forms->name_gv;
    IoTOP_NAME(io) = put_back_name(aTHX_ IoTOP_NAME(io), forms->top);
    IoTOP_GV(io) = forms->top_gv;
    IoPAGE(io) = forms->page;
    IoPAGE_LEN(io) = forms->page_lines;
    IoLINES_LEFT(io) = forms->lines_left;
    IoLINES(io) = forms->lines;
}
