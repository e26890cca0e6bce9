/* Ring 3.  What comes in: bytes to lines to handlers.  Called by conn.c in a connection's
 * turn; it reads its descriptor and calls on_line, on_data, on_toolong and on_eof.
 *
 * Bytes are read into the loop's scratch buffer and handed over from there.  Only what is
 * left, mostly nothing, is copied to the connection's own buffer, which is there only while
 * bytes are in it: a connection that waits costs no buffer. */
#include "net/loop.h"
#include "server/engine.h"

#include <errno.h>

/* A turn serves no more lines, so that one peer who sends thousands at once cannot make the
 * others wait for all of them. */
#define LINES_A_TURN 32

static int is_serving(const struct netio_conn *conn)
{
    return conn->state == NETIO__OPEN && !conn->doomed;
}

/* The peer did what it has to: the time for its next line begins. */
static void progress(struct netio_conn *conn)
{
    conn->asked = 1;
    if (is_serving(conn))
        netio__conn_await_line(conn, netio_clock_now());
}

/* Whether it is to wait before it is served more. */
static int is_held(const struct netio_conn *conn)
{
    return conn->paused || netio__conn_choked(conn);
}

static void call_line(struct netio_conn *conn, char *line, size_t len)
{
    conn->busy = 1;
    conn->server->handlers.on_line(conn, line, len);
    conn->busy = 0;
}

/* Earlier answers still go out, and so does what on_toolong says. */
static void too_long(struct netio_conn *conn)
{
    void (*on_toolong)(struct netio_conn *) = conn->server->handlers.on_toolong;

    if (on_toolong) {
        conn->busy = 1;
        on_toolong(conn);
        conn->busy = 0;
    }
    netio__conn_finish(conn, on_toolong ? NETIO_CLOSE_DONE : NETIO_CLOSE_TOOLONG);
}

static void serve_lines(struct netio_conn *conn, struct netio_buf *from)
{
    size_t len, whole;
    int found = 1, served = 0;

    while (netio_buf_len(from) && is_serving(conn) && served < LINES_A_TURN && !is_held(conn)) {
        found = netio_buf_line(from, conn->server->line_max, &conn->scanned, &len, &whole);
        if (found <= 0)
            break;
        char *line = netio_buf_head(from);
        line[len] = '\0'; /* where its CR or LF was */
        call_line(conn, line, len);
        netio_buf_take(from, whole);
        served++;
    }
    if (found < 0)
        too_long(conn);
    conn->more = found > 0 && is_serving(conn) && netio_buf_len(from) > 0;
    if (served)
        progress(conn);
}

static void serve_octets(struct netio_conn *conn, struct netio_buf *from)
{
    size_t (*on_data)(struct netio_conn *, char *, size_t) = conn->server->handlers.on_data;
    size_t len = netio_buf_len(from), taken = len;

    if (!is_serving(conn))
        return;
    conn->more = is_held(conn);
    if (conn->more)
        return;
    if (on_data) {
        conn->busy = 1;
        taken = on_data(conn, netio_buf_head(from), len);
        conn->busy = 0;
    }
    netio_buf_take(from, taken);
    if (taken)
        progress(conn);
    if (netio_buf_len(from) > conn->server->line_max)
        too_long(conn);
}

static void serve(struct netio_conn *conn, struct netio_buf *from)
{
    if (conn->server->handlers.on_line)
        serve_lines(conn, from);
    else
        serve_octets(conn, from);
}

static void drop_input_if_done(struct netio_conn *conn)
{
    if (conn->input.data && (!is_serving(conn) || !netio_buf_len(&conn->input)))
        netio_buf_free(&conn->input);
}

void netio__conn_serve(struct netio_conn *conn)
{
    serve(conn, &conn->input);
    drop_input_if_done(conn);
}

static void got_bytes(struct netio_conn *conn, char *data, size_t n)
{
    struct netio_buf view = {.data = data, .end = n, .size = n};
    int code = 0;

    conn->heard = 1;
    if (netio_buf_len(&conn->input)) {
        code = netio_buf_add(&conn->input, data, n);
        if (!code)
            serve(conn, &conn->input);
    } else {
        serve(conn, &view);
        if (is_serving(conn) && netio_buf_len(&view))
            code = netio_buf_add(&conn->input, netio_buf_head(&view), netio_buf_len(&view));
    }
    if (code)
        netio__conn_doom(conn, NETIO_CLOSE_FULL);
    drop_input_if_done(conn);
}

/* A last line without its end is a line. */
static void last_line(struct netio_conn *conn)
{
    size_t len = netio_buf_len(&conn->input);
    char *end;

    if (!len || !conn->server->handlers.on_line)
        return;
    if (len > conn->server->line_max)
        too_long(conn);
    else if (netio_buf_room(&conn->input, 1, &end) < 0)
        netio__conn_doom(conn, NETIO_CLOSE_FULL);
    else {
        *end = '\0';
        call_line(conn, netio_buf_head(&conn->input), len);
    }
}

static void got_eof(struct netio_conn *conn)
{
    void (*on_eof)(struct netio_conn *) = conn->server->handlers.on_eof;

    conn->eof = 1;
    if (is_serving(conn))
        last_line(conn);
    netio_buf_free(&conn->input);
    if (!is_serving(conn))
        return;
    if (!on_eof) {
        netio__conn_finish(conn, NETIO_CLOSE_DONE);
        return;
    }
    conn->busy = 1;
    on_eof(conn);
    conn->busy = 0;
}

void netio__conn_read(struct netio_conn *conn)
{
    struct netio_loop *loop = conn->server->loop;
    char *scratch = netio__loop_borrow(loop);

    if (!scratch) {
        netio__conn_doom(conn, NETIO_CLOSE_FULL);
        return;
    }
    ssize_t n = netio_fd_recv(conn->fd, scratch, conn->server->read_max);
    if (n > 0)
        got_bytes(conn, scratch, (size_t)n);
    else if (n == 0)
        got_eof(conn);
    else if (n != -EAGAIN)
        netio__conn_doom(conn, NETIO_CLOSE_RESET);
    netio__loop_return(loop, scratch);
}
