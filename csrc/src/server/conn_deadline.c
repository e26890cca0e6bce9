/* Ring 3.  Until when a connection may do what it does.  Called by the conn files; it looks, and
 * sets the time for the next line.
 *
 *      first   from accept to the first byte; the whole of a PROXY header, where one is due
 *      read    from on_open, or the last line, to the next complete line
 *      write   while output waits (conn_output.c)
 *      drain   DRAINING
 *      total   from accept to the end, beside any of these
 *
 * Seconds are long, so these are absolute: a byte now and then extends none of them. */
#include "server/engine.h"

static netio_deadline after(int64_t start, int64_t span)
{
    return span ? start + span : NETIO_NEVER;
}

void netio__conn_await_line(struct netio_conn *conn, int64_t since)
{
    conn->read_by = after(since, conn->server->read_span);
}

/* The one that is about what the connection does now. */
static netio_deadline current(const struct netio_conn *conn, enum netio_close *why)
{
    netio_deadline first = after(conn->opened, conn->server->first_span);

    if (netio__conn_waiting(conn)) {
        *why = NETIO_CLOSE_SLOW;
        return conn->write_by;
    }
    if (conn->state == NETIO__DRAINING) {
        *why = conn->why == NETIO_CLOSE_DONE ? NETIO_CLOSE_DRAIN : conn->why;
        return conn->drain_by;
    }
    *why = NETIO_CLOSE_IDLE;
    if (conn->state < NETIO__OPEN)
        return first;
    if (conn->eof || conn->paused)
        return NETIO_NEVER;
    return conn->heard ? conn->read_by : netio_deadline_sooner(first, conn->read_by);
}

netio_deadline netio__conn_deadline(const struct netio_conn *conn, enum netio_close *why)
{
    netio_deadline deadline = current(conn, why);
    /* on_serve has seen to its own, and may have taken longer. */
    netio_deadline total = conn->server->handlers.on_serve && conn->state >= NETIO__OPEN
                               ? NETIO_NEVER
                               : after(conn->opened, conn->server->total_span);

    if (total == NETIO_NEVER || netio_deadline_sooner(deadline, total) == deadline)
        return deadline;
    *why = NETIO_CLOSE_TOTAL;
    return total;
}
