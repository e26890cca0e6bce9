/* whoisd: the conversation with a client; see session.h.
 * Called by the server's loop; touches the directory, the connection and the log. */
#include "session.h"

#include <netio/text.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define SHOWN_MAX 900 /* bytes of a query in the log: four times that must fit a log line */

/* A query that has been answered, kept until its connection has ended: only then is it known
 * whether the client took the answer. */
struct transaction {
    struct answer answer;
    int64_t nanoseconds; /* to make the answer */
    size_t len;
    char line[];
};

void session_log(struct netio_log *log, const char *peer, const char *line, size_t len,
                 const struct answer *answer, int64_t nanoseconds, const char *remark)
{
    char shown[4 * SHOWN_MAX + 1], outcome[64];
    const char *quote = line ? "\"" : "-", *end = line ? "\"" : "";
    int64_t micros = (nanoseconds + 500) / 1000;

    netio_text_safe(line, len < SHOWN_MAX ? len : SHOWN_MAX, shown, sizeof shown);
    if (len > SHOWN_MAX)
        end = "\"...";
    netio_log(log, LOG_INFO, "%s %s%s%s %s %" PRId64 ".%03d ms%s%s", peer, quote, shown, end,
              answer_str(answer, outcome, sizeof outcome), micros / 1000, (int)(micros % 1000),
              remark ? ", " : "", remark ? remark : "");
}

/* Keeps what the log will want to know.  Without memory for it there is no log line with the
 * query, but the client has its answer. */
static void remember(struct netio_conn *conn, const char *line, size_t len,
                     const struct answer *answer, int64_t nanoseconds)
{
    struct transaction *transaction = malloc(sizeof *transaction + len);

    if (!transaction)
        return;
    transaction->answer = *answer;
    transaction->nanoseconds = nanoseconds;
    transaction->len = len;
    memcpy(transaction->line, line, len);
    netio_conn_set_data(conn, transaction);
}

static struct session *session_of(struct netio_conn *conn)
{
    return netio_server_data(netio_conn_server(conn));
}

/* Answers the line and ends the conversation. */
static void reply(struct netio_conn *conn, const char *line, size_t len)
{
    struct session *session = session_of(conn);
    struct netio_buf *text = &session->text;
    int64_t begin = netio_clock_now();
    struct answer answer;

    query_parse(&session->query, line, len);
    int code = answer_make(&answer, text, session->directory, &session->query);
    if (code == 0)
        code = netio_conn_write(conn, netio_buf_head(text), netio_buf_len(text));
    remember(conn, line, len <= QUERY_LINE_MAX ? len : 0, &answer, netio_clock_now() - begin);
    if (code == 0)
        netio_conn_close(conn);
    else
        netio_conn_abort(conn);
}

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    reply(conn, line, len);
}

static void on_toolong(struct netio_conn *conn)
{
    reply(conn, "", QUERY_LINE_MAX + 1); /* what there is of the line is of no interest */
}

/* How a connection ended, where that is worth a word behind its query, and without one. */
static const char *remark_of(enum netio_close why, int asked)
{
    switch (why) {
    case NETIO_CLOSE_DONE:
    case NETIO_CLOSE_DRAIN:
        return asked ? NULL : "no query";
    case NETIO_CLOSE_IDLE:
        return "no query in time";
    case NETIO_CLOSE_SLOW:
        return "answer not taken in time";
    default:
        return netio_close_str(why);
    }
}

/* NULL for a line that was too long to be read. */
static const char *line_of(const struct transaction *transaction)
{
    int too_long =
        transaction->answer.outcome == ANSWER_REFUSED && transaction->answer.kind == QUERY_TOO_LONG;

    return too_long ? NULL : transaction->line;
}

static void on_close(struct netio_conn *conn, enum netio_close why)
{
    struct session *session = session_of(conn);
    struct transaction *transaction = netio_conn_data(conn);
    const char *remark = remark_of(why, transaction != NULL);
    char peer[NETIO_ADDR_STRLEN];

    netio_addr_str(netio_conn_peer(conn), peer, sizeof peer);
    if (transaction)
        session_log(session->log, peer, line_of(transaction), transaction->len,
                    &transaction->answer, transaction->nanoseconds, remark);
    else
        netio_log(session->log, LOG_INFO, "%s - %s", peer, remark);
    free(transaction);
}

/* Once a second for each reason, with those that were not said. */
static void on_refused(struct netio_server *server, const struct netio_addr *peer,
                       enum netio_refused why, unsigned long count)
{
    struct session *session = netio_server_data(server);
    char text[NETIO_ADDR_STRLEN];

    netio_addr_str(peer, text, sizeof text);
    if (count == 1)
        netio_log(session->log, LOG_NOTICE, "%s - refused, %s", text, netio_refused_str(why));
    else
        netio_log(session->log, LOG_NOTICE, "%s - refused, %s: the last of %lu", text,
                  netio_refused_str(why), count);
}

static void on_trouble(struct netio_server *server, const struct netio_error *error)
{
    struct session *session = netio_server_data(server);
    char text[640];

    netio_log(session->log, LOG_WARNING, "%s", netio_error_str(error, text, sizeof text));
}

const struct netio_server_handlers session_handlers = {
    .on_line = on_line,
    .on_toolong = on_toolong,
    .on_close = on_close,
    .on_refused = on_refused,
    .on_trouble = on_trouble,
};
