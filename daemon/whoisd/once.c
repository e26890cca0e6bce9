/* whoisd: one query from standard input, its answer on standard output; see once.h.
 * Called by start.c; reads descriptor 0 and writes descriptor 1, both left in the mode they were
 * in, since others may share them. */
#include "session.h"
#include "once.h"

#include <netio/error.h>
#include <netio/fd.h>

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Reads on until buf holds a line of len bytes.  0, NETIO_ETOOLONG, or -errno. */
static int read_line(struct netio_buf *buf, size_t *len, netio_deadline deadline)
{
    size_t scanned = 0, whole;
    char *room;

    for (;;) {
        int code = netio_buf_line(buf, QUERY_LINE_MAX, &scanned, len, &whole);
        if (code != 0)
            return code < 0 ? code : 0;
        code = netio_fd_poll(STDIN_FILENO, NETIO_READ, deadline);
        if (code == -EINTR)
            continue;
        if (code >= 0)
            code = netio_buf_room(buf, QUERY_LINE_MAX, &room);
        if (code < 0)
            return code;
        ssize_t n = netio_fd_read(STDIN_FILENO, room, QUERY_LINE_MAX);
        if (n == -EAGAIN)
            continue;
        if (n < 0)
            return (int)n;
        if (n == 0) {
            *len = netio_buf_len(buf); /* a last line without an end */
            return *len > QUERY_LINE_MAX ? NETIO_ETOOLONG : 0;
        }
        netio_buf_added(buf, (size_t)n);
    }
}

/* A descriptor with room takes PIPE_BUF bytes at least without making its writer wait. */
static int write_all(const char *data, size_t len, netio_deadline deadline)
{
    while (len > 0) {
        int code = netio_fd_poll(STDOUT_FILENO, NETIO_WRITE, deadline);
        if (code == -EINTR)
            continue;
        if (code < 0)
            return code;
        ssize_t n = netio_fd_write(STDOUT_FILENO, data, len < PIPE_BUF ? len : PIPE_BUF);
        if (n == -EAGAIN)
            continue;
        if (n < 0)
            return (int)n;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Answers and logs the line; NULL: it is too long. */
static int reply(const struct options *options, struct session *session, const char *line,
                 size_t len, const struct report *report)
{
    int64_t begin = netio_clock_now();
    struct answer answer;

    query_parse(&session->query, line, line ? len : QUERY_LINE_MAX + 1);
    int code = answer_make(&answer, &session->text, session->directory, &session->query);
    session_log(session->log, "-", line, line ? len : 0, &answer, netio_clock_now() - begin, NULL);
    if (code == 0)
        code = write_all(netio_buf_head(&session->text), netio_buf_len(&session->text),
                         netio_deadline_in(options->answer_seconds));
    return code == 0 ? answer_exit_code(&answer) : report_output(report, code);
}

int once_run(const struct options *options, struct directory *directory,
             const struct report *report)
{
    struct session session = {.directory = directory, .log = report_to(report)};
    const char *line = NULL;
    struct netio_buf input = {.limit = 4 * QUERY_LINE_MAX};
    size_t len = 0;
    int exit_code;

    int code = read_line(&input, &len, netio_deadline_in(options->query_seconds));
    if (code == 0)
        line = netio_buf_head(&input);
    if (code == 0 || code == NETIO_ETOOLONG)
        exit_code = reply(options, &session, line, len, report);
    else
        exit_code = report_fail(report, EX_IOERR, "standard input: %s", netio_error_text(code));
    netio_buf_free(&input);
    netio_buf_free(&session.text);
    return exit_code;
}
