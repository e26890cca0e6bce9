/* csrc/cmd/common: what a stranger sent, on its way to standard output.  Into a file or a pipe it
 * goes as it came; a terminal gets it made fit to be seen, for which a character must be whole:
 * the first bytes of one wait for the rest.
 *
 *      output_begin(&output);
 *      room = output_room(&output, &size);     read up to size bytes to there
 *      output_added(&output, n);
 *      code = output_flush(&output, 0);        until that is 0 there is no room
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>

#define OUTPUT_MAX 65536

struct output {
    int fd;
    int is_terminal;
    int may_block;    /* a write may keep us, so it is a small one, when there is room */
    size_t held;      /* of bytes: those not written yet */
    const char *next; /* what is being written, */
    size_t left;      /* how much of it there is, */
    size_t taken;     /* and how many of bytes it stands for */
    char bytes[OUTPUT_MAX];
    char shown[4 * OUTPUT_MAX];
};

void output_begin(struct output *output);
char *output_room(struct output *output, size_t *size);
void output_added(struct output *output, size_t n);
/* Writes what it can without waiting; last: also what looks unfinished.  0: all is written;
 * -EAGAIN: wait until output->fd takes more; or another -errno. */
int output_flush(struct output *output, int last);

#endif
