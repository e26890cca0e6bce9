/* Ring 3.  The header of a proxy, before anything else of its connection counts.  Called by conn.c;
 * it reads from the descriptor exactly the header, so that who is given the socket (on_serve) finds
 * it at the first byte of the client's own.
 *
 * A header that comes in pieces is taken off piece by piece: bytes left lying there would have a
 * level-triggered loop spin.  That none is taken too many is sure, as long as the parser says that
 * those that are there are not yet a whole header. */
#include "server/admission.h"
#include "server/engine.h"

#include <errno.h>
#include <netio/proxy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static ssize_t look(int fd, char *bytes, size_t size)
{
    ssize_t n;

    do
        n = recv(fd, bytes, size, MSG_PEEK | MSG_DONTWAIT);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : n;
}

/* The watch goes before the descriptor does. */
static void refuse(struct netio_conn *conn, const struct netio_addr *peer, enum netio_refused why)
{
    netio_watch_stop(&conn->watch);
    netio__refuse(conn->server, conn->fd, peer, why);
    conn->fd = -1;
    netio__conn_doom(conn, NETIO_CLOSE_RESET);
}

/* Whoever the proxy speaks for; itself, when it does not say. */
static int judge(struct netio_conn *conn, const struct netio_addr *source,
                 const struct netio_addr *local)
{
    const struct netio_addr *peer = source->len ? source : &conn->peer;
    enum netio_refused why;

    if (netio__admit(conn->server, conn->fd, peer, 1, &conn->hold, &why) != NETIO__ADMITTED) {
        refuse(conn, peer, why);
        return 0;
    }
    if (source->len && !(conn->local = malloc(sizeof *conn->local))) {
        netio__conn_doom(conn, NETIO_CLOSE_FULL);
        return 0;
    }
    if (source->len) {
        conn->peer = *source;
        *conn->local = *local;
        netio_addr_unmap(&conn->peer);
        netio_addr_unmap(conn->local);
    }
    netio_buf_free(&conn->input);
    return 1;
}

int netio__conn_proxy(struct netio_conn *conn)
{
    char header[NETIO_PROXY_MAX];
    size_t had = netio_buf_len(&conn->input);
    struct netio_addr source = {0}, local = {0};

    if (had)
        memcpy(header, netio_buf_head(&conn->input), had);
    ssize_t n = look(conn->fd, header + had, sizeof header - had);
    if (n == -EAGAIN)
        return 0;
    ssize_t len = n > 0 ? netio_proxy_parse(header, had + (size_t)n, &source, &local) : -EBADMSG;
    if (n < 0)
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
    else if (len != -EAGAIN && len < (ssize_t)had)
        refuse(conn, &conn->peer, NETIO_REFUSED_PROXY);
    if (conn->doomed)
        return 0;
    if (len > 0)
        n = len - (ssize_t)had;
    if (netio_fd_recv(conn->fd, header + had, (size_t)n) != n)
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
    else if (len > 0)
        return judge(conn, &source, &local);
    else if (netio_buf_add(&conn->input, header + had, (size_t)n) < 0)
        netio__conn_doom(conn, NETIO_CLOSE_FULL);
    return 0;
}
