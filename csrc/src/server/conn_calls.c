/* Ring 3.  What a program may ask and tell a connection, but for writing (conn_output.c); see
 * netio/server.h.  Called by handlers and programs; it notes what is wanted, and the connection's
 * turn does it. */
#include "server/models.h"

/* What happens to a connection outside its handlers waits for a turn of its own. */
static void touch(struct netio_conn *conn)
{
    if (!conn->busy)
        (void)netio__server_queue(conn->server, conn);
}

void netio_conn_close(struct netio_conn *conn)
{
    netio__conn_finish(conn, NETIO_CLOSE_DONE);
    touch(conn);
}

void netio_conn_abort(struct netio_conn *conn)
{
    netio__conn_doom(conn, NETIO_CLOSE_ABORT);
    touch(conn);
}

/* The watch goes before the descriptor does. */
int netio_conn_release(struct netio_conn *conn)
{
    int fd = conn->fd;

    netio_watch_stop(&conn->watch);
    netio__signal_unwatch(conn->server, fd);
    conn->fd = -1;
    netio_buf_take(&conn->output, netio__conn_waiting(conn));
    netio__conn_doom(conn, NETIO_CLOSE_DONE);
    touch(conn);
    return fd;
}

void netio_conn_shutdown(struct netio_conn *conn)
{
    conn->ending = 1;
    touch(conn);
}

void netio_conn_pause(struct netio_conn *conn)
{
    conn->paused = 1;
    touch(conn);
}

void netio_conn_resume(struct netio_conn *conn)
{
    if (!conn->paused)
        return;
    conn->paused = conn->deaf = 0;
    conn->heard = 1; /* how long its first byte took is no longer of account */
    netio__conn_await_line(conn, netio_clock_now());
    touch(conn);
}

struct netio_server *netio_conn_server(const struct netio_conn *conn)
{
    return conn->server;
}

const struct netio_addr *netio_conn_peer(const struct netio_conn *conn)
{
    return &conn->peer;
}

int netio_conn_local(const struct netio_conn *conn, struct netio_addr *local)
{
    if (!conn->local)
        return netio_addr_local(local, conn->fd);
    *local = *conn->local;
    return 0;
}

int netio_conn_fd(const struct netio_conn *conn)
{
    return conn->fd;
}

int64_t netio_conn_opened(const struct netio_conn *conn)
{
    return conn->opened;
}

void *netio_conn_data(const struct netio_conn *conn)
{
    return conn->data;
}

void netio_conn_set_data(struct netio_conn *conn, void *data)
{
    conn->data = data;
}
