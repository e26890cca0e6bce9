/* csrc/cmd/common: what a stranger sent, on its way to standard output; see output.h. */
#include "output.h"
#include "standard.h"

#include <netio/fd.h>
#include <netio/text.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

void output_begin(struct output *output)
{
    int own = standard_own(STDOUT_FILENO, O_WRONLY);

    output->fd = own < 0 ? STDOUT_FILENO : own;
    output->may_block = own < 0;
    output->is_terminal = isatty(STDOUT_FILENO);
}

char *output_room(struct output *output, size_t *size)
{
    *size = output->left ? 0 : sizeof output->bytes - output->held;
    return output->bytes + output->held;
}

void output_added(struct output *output, size_t n)
{
    output->held += n;
}

/* Chooses what to write next; nothing is left when only the beginning of a character is there. */
static void choose(struct output *output, int last)
{
    if (!output->is_terminal) {
        output->next = output->bytes;
        output->left = output->taken = output->held;
        return;
    }
    output->next = output->shown;
    output->left = netio_text_shown(output->bytes, output->held, output->shown,
                                    sizeof output->shown, &output->taken);
    if (output->taken == 0 && last) {
        output->left = netio_text_safe(output->bytes, output->held, output->shown,
                                       sizeof output->shown);
        output->taken = output->held;
    }
}

/* A pipe that has room takes PIPE_BUF bytes at once (pipe(7)). */
static ssize_t write_some(struct output *output)
{
    size_t size = output->left;

    if (output->may_block) {
        int ready = netio_fd_poll(output->fd, NETIO_WRITE, NETIO_NOW);
        if (ready == -ETIMEDOUT || ready == -EINTR)
            return -EAGAIN;
        if (size > PIPE_BUF)
            size = PIPE_BUF;
    }
    return netio_fd_send(output->fd, output->next, size);
}

int output_flush(struct output *output, int last)
{
    for (;;) {
        while (output->left) {
            ssize_t n = write_some(output);
            if (n < 0)
                return (int)n;
            output->next += n;
            output->left -= (size_t)n;
        }
        output->held -= output->taken;
        memmove(output->bytes, output->bytes + output->taken, output->held);
        output->taken = 0;
        if (!output->held)
            return 0;
        choose(output, last);
        if (!output->taken)
            return 0;
    }
}
