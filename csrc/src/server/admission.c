/* Ring 3.  Rules and limits, before any handler; see admission.h.
 * Called by accept.c, server.c, the conn files and datagram.c; it asks the server's rules and
 * limits, counts on its board, and sends and closes only what netio__refuse is given.
 *
 * A flood of those who are refused is the very case in which it must cost little: no allocation, at
 * most one call of the program's a second for each reason, and of the system's only those that end
 * the connection. */
#include "server/admission.h"

#include <netio/fd.h>
#include <netio/peer.h>

#include <string.h>

#define UNREAD_MAX (16 * 4096) /* bytes of a question that nobody reads */

static enum netio_verdict judge(const struct netio_server *server, int fd,
                                const struct netio_addr *peer, int declared)
{
    const struct netio_access *access = server->access;
    struct netio_peer credentials;

    if (netio_addr_family(peer) != AF_UNIX || !netio_access_wants_credentials(access) ||
        netio_peer_credentials(&credentials, fd) < 0)
        return netio_access_judge(access, peer, NULL, declared);
    return netio_access_judge(access, peer, &credentials, declared);
}

enum netio__admission netio__admit(struct netio_server *server, int fd,
                                   const struct netio_addr *peer, int declared,
                                   struct netio_hold *hold, enum netio_refused *why)
{
    enum netio_verdict verdict = NETIO_ALLOW;

    hold->place = 0;
    if (server->access)
        verdict = judge(server, fd, peer, declared);
    if (verdict == NETIO_PROXY)
        return NETIO__PROXY_DUE;
    *why = NETIO_REFUSED_ACCESS;
    if (verdict == NETIO_DENY)
        return NETIO__REFUSED;
    if (server->limit && netio_limit_take(server->limit, hold, peer, verdict == NETIO_EXEMPT,
                                          netio_loop_now(server->loop), why) < 0)
        return NETIO__REFUSED;
    return NETIO__ADMITTED;
}

/* A proxy speaks for others on streams only: where it is due, a datagram has no header. */
int netio__admit_datagram(struct netio_server *server, const struct netio_addr *peer)
{
    enum netio_verdict verdict = NETIO_ALLOW;
    enum netio_refused why = NETIO_REFUSED_ACCESS;

    if (server->access)
        verdict = netio_access_judge(server->access, peer, NULL, 0);
    if (verdict == NETIO_PROXY)
        why = NETIO_REFUSED_PROXY;
    else if (verdict != NETIO_DENY &&
             (!server->limit || netio_limit_pass(server->limit, peer, verdict == NETIO_EXEMPT,
                                                 netio_loop_now(server->loop), &why) == 0))
        return 1;
    netio__tell_refused(server, -1, peer, why);
    return 0;
}

void netio__tell_refused(struct netio_server *server, int fd, const struct netio_addr *peer,
                         enum netio_refused why)
{
    int64_t now = netio_loop_now(server->loop);

    netio__count(&server->board->status.refused[why], 1);
    server->refused_since[why]++;
    if (!server->handlers.on_refused ||
        (server->refused_told[why] && now - server->refused_told[why] < NETIO_SECOND))
        return;
    unsigned long count = server->refused_since[why];
    server->refused_told[why] = now;
    server->refused_since[why] = 0;
    server->refused_fd = fd;
    server->handlers.on_refused(server, peer, why, count);
    server->refused_fd = -1;
}

/* What was read of a question goes: TCP resets a connection that is closed with bytes unread, and
 * a reset may overtake the text. */
static void read_away(int fd)
{
    char bytes[4096];
    size_t most = UNREAD_MAX;

    while (most > 0) {
        ssize_t n = netio_fd_recv(fd, bytes, sizeof bytes);
        if (n < (ssize_t)sizeof bytes)
            return;
        most -= (size_t)n;
    }
}

void netio__refuse(struct netio_server *server, int fd, const struct netio_addr *peer,
                   enum netio_refused why)
{
    int is_full = why == NETIO_REFUSED_FULL || why == NETIO_REFUSED_FORK;
    const char *text = is_full ? server->full_text : server->refused_text;

    netio__tell_refused(server, fd, peer, why);
    if (text && netio_fd_send(fd, text, strlen(text)) > 0)
        read_away(fd);
    netio_fd_close(fd);
}
