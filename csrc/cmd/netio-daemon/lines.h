/* netio-daemon: what the program writes to standard output and error, on its way to the log.
 *
 * One pipe for both, so that their order stays; it lives as long as the supervisor, over every
 * start of the program.  A line is a line of the log; one that would be too long there goes on in
 * the next. What cannot be shown is \xHH, and "<3>" in front is its priority, as sd-daemon(3) has
 * it.
 */
#ifndef NETIO_DAEMON_LINES_H
#define NETIO_DAEMON_LINES_H

#include "diary.h"

#include <netio/buf.h>

struct lines {
    const struct diary *diary;
    int read_fd;  /* non-blocking; the supervisor's */
    int write_fd; /* blocking; the program's 1 and 2 */
    int inside;   /* a line whose beginning is out already */
    int priority; /* of that line */
    size_t scanned;
    struct netio_buf buf; /* what is not out yet: less than a line, or than PIECE_MAX */
};

/* 0 or -errno. */
int lines_open(struct lines *lines, const struct diary *diary);
void lines_close(struct lines *lines);
/* Reads some and logs the lines that are whole: how many bytes came, 0 when none wait, or
 * -errno. */
int lines_read(struct lines *lines);
/* The program has ended: all that is still in the pipe, the last line whole or not. */
void lines_drain(struct lines *lines);

#endif
