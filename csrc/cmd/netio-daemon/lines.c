/* netio-daemon: the program's output; see lines.h.  Called by supervisor.c; owns the pipe. */
#include "lines.h"

#include <netio/fd.h>
#include <netio/text.h>

#include <errno.h>
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#define SHOWN_MAX 3800      /* netio/log.h: what stands before it has room, too */
#define PIECE_MAX 16384     /* of a line that does not end: no more of it is kept */
#define READ_MAX  65536     /* at a time: signals get their turn */
#define DRAIN_MAX (1 << 20) /* of a pipe that somebody else goes on writing to */

int lines_open(struct lines *lines, const struct diary *diary)
{
    int fds[2];

    *lines = (struct lines){.diary = diary, .read_fd = -1, .write_fd = -1, .priority = LOG_INFO};
    if (pipe2(fds, O_CLOEXEC) == -1)
        return -errno;
    lines->read_fd = fds[0];
    lines->write_fd = fds[1];
    return netio_fd_nonblock(lines->read_fd, 1);
}

void lines_close(struct lines *lines)
{
    netio_fd_close(lines->read_fd);
    netio_fd_close(lines->write_fd);
    lines->read_fd = lines->write_fd = -1;
    netio_buf_free(&lines->buf);
}

/* Writes as much as fits of one line to out; how many bytes that were. */
static size_t show(const char *line, size_t len, char *out, size_t size)
{
    size_t taken = 0, used = 0;

    for (; taken < len && used + sizeof "\\xHH" <= size; taken++) {
        if (line[taken] >= 0x20 && line[taken] <= 0x7e)
            out[used++] = line[taken];
        else
            used += netio_text_safe(line + taken, 1, out + used, size - used);
    }
    out[used] = '\0';
    return taken;
}

/* A priority in front of a line, and how many bytes it takes. */
static size_t read_priority(const char *line, size_t len, int *priority)
{
    *priority = LOG_INFO;
    if (len < 3 || line[0] != '<' || line[1] < '0' || line[1] > '7' || line[2] != '>')
        return 0;
    *priority = line[1] - '0';
    return 3;
}

/* A line without its end, or a piece of one; whole: it is, or is the last of its pieces. */
static void log_piece(struct lines *lines, const char *piece, size_t len, int whole)
{
    char shown[SHOWN_MAX];
    size_t at = lines->inside ? 0 : read_priority(piece, len, &lines->priority);
    int is_empty_rest = lines->inside && len == 0;

    lines->inside = !whole;
    while (!is_empty_rest) {
        at += show(piece + at, len - at, shown, sizeof shown);
        diary_quote(lines->diary, lines->priority, shown);
        is_empty_rest = at >= len;
    }
}

/* All lines that are whole, and pieces of those that are too long to wait for. */
static void log_lines(struct lines *lines)
{
    size_t len, whole;
    int found;

    while ((found = netio_buf_line(&lines->buf, PIECE_MAX, &lines->scanned, &len, &whole)) != 0) {
        if (found != 1)
            len = whole = PIECE_MAX;
        log_piece(lines, netio_buf_head(&lines->buf), len, found == 1);
        netio_buf_take(&lines->buf, whole);
        lines->scanned = 0;
    }
}

int lines_read(struct lines *lines)
{
    char *room;
    int code = netio_buf_room(&lines->buf, READ_MAX, &room);

    if (code)
        return code;
    ssize_t n = netio_fd_read(lines->read_fd, room, READ_MAX);
    if (n <= 0)
        return n == -EAGAIN ? 0 : (int)n;
    netio_buf_added(&lines->buf, (size_t)n);
    log_lines(lines);
    return (int)n;
}

void lines_drain(struct lines *lines)
{
    int n, sum = 0;

    while (sum < DRAIN_MAX && (n = lines_read(lines)) > 0)
        sum += n;
    size_t rest = netio_buf_len(&lines->buf);
    if (rest || lines->inside)
        log_piece(lines, netio_buf_head(&lines->buf), rest, 1);
    netio_buf_take(&lines->buf, rest);
    lines->scanned = 0;
}
