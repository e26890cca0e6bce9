/* Ring 3.  The handler that has the socket to itself; see netio/server.h.  Called by conn.c; it
 * makes the socket block, for as long as the handler runs.
 *
 * The server's deadlines cannot run meanwhile, as the process waits with the handler.  What they
 * are for is left to the kernel, which breaks off a read or a write that takes as long: a handler
 * that knows of no time-out is not held by a peer that says nothing.  What is left to do afterwards
 * is to close cleanly, as after any answer. */
#include "server/models.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Rounded up: zero would be no time-out. */
static int limit_wait(int fd, int which, int64_t span)
{
    struct timeval tv = {span / NETIO_SECOND, (span % NETIO_SECOND + 999) / 1000};

    if (tv.tv_usec == 1000000)
        tv = (struct timeval){tv.tv_sec + 1, 0};
    return setsockopt(fd, SOL_SOCKET, which, &tv, sizeof tv) == -1 ? -errno : 0;
}

static int prepare(const struct netio_conn *conn)
{
    const struct netio_server *server = conn->server;
    int code = limit_wait(conn->fd, SO_RCVTIMEO, server->read_span);

    if (!code)
        code = limit_wait(conn->fd, SO_SNDTIMEO, server->write_span);
    return code ? code : netio_fd_nonblock(conn->fd, 0);
}

/* A beat of its own, in which to wait for a client is no harm: see server/board.h. */
static void run_alone(struct netio_conn *conn)
{
    struct netio_server *server = conn->server;
    netio_deadline until = server->total_span ? conn->opened + server->total_span : NETIO_NEVER;

    netio__server_end(server);
    __atomic_store_n(&server->board->until, until, __ATOMIC_RELAXED);
    __atomic_store_n(&server->board->alone, 1, __ATOMIC_SEQ_CST);
    netio__server_begin(server);
    server->handlers.on_serve(conn, conn->fd);
    netio__server_end(server);
    __atomic_store_n(&server->board->alone, 0, __ATOMIC_SEQ_CST);
    netio__server_begin(server);
}

void netio__serve(struct netio_conn *conn)
{
    netio__conn_send(conn);
    if (netio__conn_waiting(conn) || prepare(conn) < 0)
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
    if (conn->doomed)
        return;
    conn->busy = 1;
    run_alone(conn);
    conn->busy = 0;
    if (netio_fd_nonblock(conn->fd, 1) < 0)
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
    netio__conn_finish(conn, NETIO_CLOSE_DONE);
}
