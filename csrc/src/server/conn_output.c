/* Ring 3.  What goes out.  Called by handlers, and by conn.c in a connection's turn; it
 * writes to the descriptor.
 *
 * Handlers only fill the buffer; when they have returned, one send takes the whole answer.
 * Mostly the kernel takes all of it, so that the buffer is free again for the next
 * connection: the server keeps one. */
#include "server/engine.h"

#include <errno.h>
#include <sys/socket.h>

#define SPARE_MAX 65536 /* a larger buffer is not worth keeping */

static void borrow(struct netio_conn *conn)
{
    struct netio_buf *spare = &conn->server->spare;

    if (conn->output.data || !spare->data)
        return;
    conn->output.data = spare->data;
    conn->output.size = spare->size;
    *spare = (struct netio_buf){0};
}

void netio__conn_output_free(struct netio_conn *conn)
{
    struct netio_buf *spare = &conn->server->spare, *output = &conn->output;

    if (output->data && !spare->data && output->size <= SPARE_MAX) {
        spare->data = output->data;
        spare->size = output->size;
        *output = (struct netio_buf){.limit = output->limit};
    }
    netio_buf_free(output);
}

/* Never half an answer: what cannot be buffered ends the connection. */
static int buffered(struct netio_conn *conn, int code)
{
    if (code)
        netio__conn_doom(conn, NETIO_CLOSE_FULL);
    if (netio__conn_waiting(conn) > conn->server->high_water)
        conn->high = 1;
    if (!conn->busy)
        (void)netio__server_queue(conn->server, conn);
    return code;
}

static int is_writable(const struct netio_conn *conn)
{
    return conn->state == NETIO__OPEN && !conn->doomed && !conn->ending;
}

int netio__conn_is_writable(const struct netio_conn *conn)
{
    return conn->high && is_writable(conn) &&
           netio__conn_waiting(conn) <= conn->server->high_water / 2;
}

void netio__conn_tell_writable(struct netio_conn *conn)
{
    void (*on_writable)(struct netio_conn *) = conn->server->handlers.on_writable;

    conn->high = 0;
    if (!on_writable)
        return;
    conn->busy = 1;
    on_writable(conn);
    conn->busy = 0;
}

size_t netio_conn_waiting(const struct netio_conn *conn)
{
    return netio__conn_waiting(conn);
}

int netio_conn_write(struct netio_conn *conn, const void *data, size_t len)
{
    if (!is_writable(conn))
        return -EPIPE;
    borrow(conn);
    return buffered(conn, netio_buf_add(&conn->output, data, len));
}

int netio_conn_vprintf(struct netio_conn *conn, const char *format, va_list args)
{
    if (!is_writable(conn))
        return -EPIPE;
    borrow(conn);
    return buffered(conn, netio_buf_vaddf(&conn->output, format, args));
}

int netio_conn_printf(struct netio_conn *conn, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int code = netio_conn_vprintf(conn, format, args);
    va_end(args);
    return code;
}

/* One send(2); 0 when the kernel takes nothing, or -errno. */
static ssize_t send_some(const struct netio_conn *conn)
{
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    ssize_t n;

    /* In FLUSHING a shutdown or close follows in this very turn if this is all there is:
     * held back until then, the end of file travels in the answer's last segment. */
    if (conn->state == NETIO__FLUSHING)
        flags |= MSG_MORE;
    do
        n = send(conn->fd, netio_buf_head(&conn->output), netio__conn_waiting(conn), flags);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return errno == EAGAIN ? 0 : -errno;
    return n;
}

/* The write deadline is about the bytes that wait when it is set, and is set anew for those
 * behind them only when all of them were taken: a drip does not extend it, while a peer that
 * keeps up is never cut for asking all the time. */
static void owe(struct netio_conn *conn, size_t sent)
{
    int64_t span = conn->server->write_span;

    conn->blocked = 1;
    if (conn->owed > sent) {
        conn->owed -= sent;
        return;
    }
    conn->owed = netio__conn_waiting(conn);
    conn->write_by = span ? netio_clock_now() + span : NETIO_NEVER;
}

void netio__conn_send(struct netio_conn *conn)
{
    if (!netio__conn_waiting(conn) || conn->blocked || conn->doomed)
        return;
    ssize_t n = send_some(conn);
    if (n < 0) {
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
        return;
    }
    netio_buf_take(&conn->output, (size_t)n);
    if (netio__conn_waiting(conn)) {
        owe(conn, (size_t)n);
        return;
    }
    netio__conn_output_free(conn);
    /* While an answer waits the time to ask stands still. */
    if (conn->owed)
        netio__conn_await_line(conn, netio_clock_now());
    conn->owed = 0;
}
