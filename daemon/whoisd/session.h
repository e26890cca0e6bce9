/* whoisd: the conversation with a client: one line, one answer, end.
 *
 * Called by service.c, which makes a server of its handlers; once.c shares the log line.
 */
#ifndef WHOISD_SESSION_H
#define WHOISD_SESSION_H

#include "answer.h"

#include <netio/log.h>
#include <netio/server.h>

/* What all conversations share: the data of their server. */
struct session {
    struct directory *directory; /* NULL: there is none to serve */
    struct netio_log *log;
    struct query query;    /* of the conversation whose turn it is */
    struct netio_buf text; /* and its answer */
};

extern const struct netio_server_handlers session_handlers;

/* Writes the line of one transaction: peer, query with every doubtful byte escaped (NULL and 0:
 * there is none to show), outcome, how long the answer took to make, a remark (NULL: none).
 *
 *      127.0.0.1:53412 "cisco*" 13 matches 0.412 ms */
void session_log(struct netio_log *log, const char *peer, const char *line, size_t len,
                 const struct answer *answer, int64_t nanoseconds, const char *remark);

#endif
