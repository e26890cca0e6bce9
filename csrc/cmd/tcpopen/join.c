/* tcpopen: standard input and output, joined with a connection; see join.h.
 *
 * Two ways that do not wait for each other, each with one piece under way at most:
 *
 *      standard input  --> input  --> the peer       a piece is read when the last is sent
 *      standard output <-- output <-- the peer       a piece is read when the last is written
 *
 * so a peer that does not read stops what is read of standard input, a standard output that
 * does not keep up stops what is read of the peer, and neither stops the other way.  The end of
 * input becomes the end of what the peer gets (half-close).  It is over when the peer has ended,
 * too, or takes no more; but what a pipe or a file has for a peer that has merely ended its own
 * side still goes, lest it be cut without a word.  A terminal has no such end of its own. */
#include "join.h"

#include "common/output.h"
#include "common/report.h"
#include "common/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PIECE        65536
#define DATAGRAM_MAX 65507 /* what fits over IPv4 */

struct input {
    int fd;
    int is_open;
    int is_terminal;
    int after_cr;      /* the last byte of the last piece was a CR */
    size_t start, end; /* of bytes: what is to be sent */
    char bytes[2 * PIECE];
};

struct join {
    const struct join_call *call;
    int fd;
    int sends;            /* the peer was not told of an end yet, and takes what we send */
    int receives;         /* the peer's end has not come */
    int refusal;          /* why it takes no more: -errno */
    netio_deadline quiet; /* datagrams: when the silence has been long enough */
    struct input input;
    struct output output;
};

static struct join the_join; /* too large for a small stack */

static int fail(const struct join *join, enum netio_stage stage, int code)
{
    struct netio_error error;

    netio_error_set(&error, stage, code, &join->call->peer, NULL);
    return report_error(join->call->label, &error, NULL, 0);
}

/* ---- standard input to the peer ---------------------------------------------------------- */

static size_t pending(const struct input *input)
{
    return input->end - input->start;
}

/* The n bytes in the second half of input, moved to its beginning, where they may become twice
 * as many: the first PIECE bytes are free, so that what is written stays behind what is read. */
static void expand_lines(struct input *input, size_t n)
{
    const char *from = input->bytes + PIECE;
    size_t to = 0;

    for (size_t i = 0; i < n; i++) {
        if (from[i] == '\n' && !input->after_cr)
            input->bytes[to++] = '\r';
        input->after_cr = from[i] == '\r';
        input->bytes[to++] = from[i];
    }
    input->start = 0;
    input->end = to;
}

/* One that was closed from the start has nothing to say, as one at its end. */
static int take_input(struct join *join)
{
    struct input *input = &join->input;
    size_t size = join->call->datagrams ? DATAGRAM_MAX : PIECE;
    ssize_t n = netio_fd_recv(input->fd, input->bytes + PIECE, size);

    if (n == -EAGAIN)
        return GO_ON;
    if (n < 0 && n != -EBADF) {
        report_wrong("standard input: %s", netio_error_text((int)n));
        return EX_IOERR;
    }
    if (n <= 0) {
        input->is_open = 0;
        join->quiet = netio_deadline_in(join->call->wait);
        return GO_ON;
    }
    input->start = PIECE;
    input->end = PIECE + (size_t)n;
    if (join->call->crlf)
        expand_lines(input, (size_t)n);
    return GO_ON;
}

/* It may still have something to say to us: the reason is kept until that has come. */
static void stop_sending(struct join *join, int code)
{
    join->sends = 0;
    join->refusal = code;
    join->input.is_open = 0;
    join->input.start = join->input.end = 0;
}

/* What is one datagram may have become too large for one by its CRs. */
static ssize_t send_some(const struct join *join)
{
    const struct input *input = &join->input;
    size_t size = pending(input);

    if (join->call->datagrams && size > DATAGRAM_MAX)
        size = DATAGRAM_MAX;
    return netio_fd_send(join->fd, input->bytes + input->start, size);
}

static int send_input(struct join *join)
{
    struct input *input = &join->input;

    while (join->sends && pending(input)) {
        ssize_t n = send_some(join);
        if (n == -EAGAIN)
            return GO_ON;
        if (n < 0 && join->call->datagrams)
            return fail(join, NETIO_STAGE_WRITE, (int)n);
        if (n < 0)
            stop_sending(join, (int)n);
        else
            input->start += (size_t)n;
    }
    if (join->sends && !input->is_open && !join->call->datagrams) {
        shutdown(join->fd, SHUT_WR);
        join->sends = 0;
    }
    return GO_ON;
}

/* ---- the peer to standard output --------------------------------------------------------- */

static int write_output(struct join *join, int last)
{
    int code = output_flush(&join->output, last);

    return code == 0 || code == -EAGAIN ? GO_ON : report_output(code);
}

static int receive(struct join *join)
{
    size_t size;
    char *room = output_room(&join->output, &size);
    ssize_t n = netio_fd_recv(join->fd, room, size);

    if (n == -EAGAIN)
        return GO_ON;
    if (n < 0) {
        int status = write_output(join, 1);
        return status == GO_ON ? fail(join, NETIO_STAGE_READ, (int)n) : status;
    }
    if (join->call->datagrams)
        join->quiet = netio_deadline_in(join->call->wait);
    else if (n == 0)
        join->receives = 0;
    output_added(&join->output, (size_t)n);
    return write_output(join, !join->receives);
}

/* Nothing more will come, and now it is seen that nothing will be taken either. */
static void peer_is_gone(struct join *join)
{
    int code = 0;
    socklen_t len = sizeof code;

    getsockopt(join->fd, SOL_SOCKET, SO_ERROR, &code, &len);
    stop_sending(join, code ? -code : pending(&join->input) ? -EPIPE : 0);
}

/* ---- both ------------------------------------------------------------------------------- */

enum { INPUT, PEER, OUTPUT, SIDES };

static void watch(struct pollfd *side, int fd, short events)
{
    *side = (struct pollfd){.fd = events ? fd : -1, .events = events};
}

/* What there is to wait for; a side without anything is left out, since it would report its
 * hang-up all the time. */
static void watch_sides(const struct join *join, struct pollfd *sides)
{
    const struct input *input = &join->input;
    int is_written = join->output.left == 0;
    short peer = 0;

    if (join->receives && is_written)
        peer |= POLLIN;
    if (join->sends && pending(input))
        peer |= POLLOUT;
    watch(&sides[INPUT], input->fd, input->is_open && !pending(input) ? POLLIN : 0);
    watch(&sides[PEER], join->fd, peer);
    watch(&sides[OUTPUT], join->output.fd, is_written ? 0 : POLLOUT);
    /* Its hang-up is all that one side of a peer that has ended can still report. */
    if (!join->receives && join->sends)
        sides[PEER].fd = join->fd;
}

static int serve_sides(struct join *join, const struct pollfd *sides)
{
    int status = GO_ON;

    if (sides[OUTPUT].revents)
        status = write_output(join, !join->receives);
    if (status == GO_ON && sides[PEER].events & POLLIN && sides[PEER].revents & ~POLLOUT)
        status = receive(join);
    if (!join->receives && join->sends && sides[PEER].revents & (POLLERR | POLLHUP))
        peer_is_gone(join);
    if (status == GO_ON && sides[INPUT].revents)
        status = take_input(join);
    return status == GO_ON ? send_input(join) : status;
}

static int is_over(const struct join *join)
{
    if (join->output.left || (join->sends && pending(&join->input)))
        return 0;
    if (join->call->datagrams)
        return !join->input.is_open && netio_deadline_passed(join->quiet);
    return !join->receives && (!join->sends || join->input.is_terminal);
}

/* Names the one who kept us waiting. */
static int time_is_up(const struct join *join)
{
    if (join->output.left) {
        (void)report_output(-ETIMEDOUT);
        return EX_TEMPFAIL;
    }
    return fail(join, pending(&join->input) ? NETIO_STAGE_WRITE : NETIO_STAGE_READ, -ETIMEDOUT);
}

static int go_on(struct join *join)
{
    struct pollfd sides[SIDES];
    netio_deadline deadline = join->call->deadline;
    int status = GO_ON;

    if (netio_deadline_passed(deadline))
        return time_is_up(join);
    watch_sides(join, sides);
    int n = poll(sides, SIDES, netio_deadline_ms(netio_deadline_sooner(deadline, join->quiet)));
    if (n > 0)
        status = serve_sides(join, sides);
    else if (n == -1 && errno != EINTR)
        status = fail(join, NETIO_STAGE_READ, -errno);
    if (status == GO_ON && is_over(join))
        status = join->refusal ? fail(join, NETIO_STAGE_WRITE, join->refusal) : EX_OK;
    return status;
}

int join_take(const struct join_call *call, int fd)
{
    struct join *join = &the_join;
    int status = GO_ON;

    *join = (struct join){.call = call, .fd = fd, .sends = 1, .receives = 1};
    join->input.is_open = 1;
    join->input.is_terminal = isatty(STDIN_FILENO);
    join->input.fd = standard_own(STDIN_FILENO, O_RDONLY);
    if (join->input.fd < 0)
        join->input.fd = STDIN_FILENO;
    output_begin(&join->output);
    while (status == GO_ON)
        status = go_on(join);
    netio_fd_close(fd);
    return status;
}
