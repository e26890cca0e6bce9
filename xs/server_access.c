/* Perl face.  A server's rules, and how they change; see server.h.  Called by Server.xsi.  The
 * engine borrows them: they are freed when it has others. */
#include "server.h"

#include "server_options.h"

/* Nobody is being judged while code runs: the old rules can go. */
static void use_access(struct xs_server *server, struct netio_access *access)
{
    struct netio_access *old = server->access;

    if (server->engine)
        netio_server_set_access(server->engine, access);
    server->access = access;
    if (old != server->access_before && old != access)
        netio_access_free(old);
}

void xs_server_set_access(pTHX_ I32 ax, I32 items)
{
    struct xs_server *server = xs_server_get(aTHX_ ST(0));
    struct netio_access *access = xs_server_options_access(aTHX_ ax, 1, items);

    use_access(server, access);
}

void xs_server_access_begin(pTHX_ SV *self)
{
    xs_server_access_end(aTHX_ self, true); /* of one whose end nobody has told */
    struct xs_server *server = xs_server_get(aTHX_ self);
    server->access_before = server->access;
    server->access_begun = true;
}

void xs_server_access_end(pTHX_ SV *self, bool keep)
{
    struct xs_server *server = xs_server_get(aTHX_ self);
    struct netio_access *before = server->access_before;

    if (!server->access_begun)
        return;
    if (!keep)
        use_access(server, before);
    else if (server->access != before)
        netio_access_free(before);
    server->access_before = NULL;
    server->access_begun = false;
}
