/* Every call that tcpopen and a stream make fails in turn: a connection to an address, one to
 * localhost, and a conversation over it (A25, A26). */
#include "fault.h"

#include <netio/error.h>
#include <netio/stream.h>
#include <netio/open.h>

static int listener, mute;
static const char *host;
static char service[16];

static void listen_here(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&in, sizeof in) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&in, &len))
        abort();
    sprintf(service, "%d", ntohs(in.sin_port));
}

/* Drops the connections of earlier runs that failed after the handshake. */
static void drop_queued(void)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        netio_fd_close(fd);
}

static int known(long code)
{
    return code >= 0 || strcmp(netio_error_name((int)code), "UNKNOWN") != 0;
}

/* A peer that says two lines, the second without an end; or, when mute, nothing. */
static int answer(void)
{
    int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (peer >= 0 && !mute &&
        (send(peer, "hello\nworld", 11, 0) != 11 || shutdown(peer, SHUT_WR) != 0))
        abort();
    return peer;
}

static int converse(int fd)
{
    netio_deadline deadline = netio_deadline_in(mute ? 0.01 : 0.05);
    struct netio_stream *stream;
    char *line, octets[8];
    size_t got;

    if (netio_stream_new_take(&stream, fd, 0) < 0)
        return 0;
    int wrong = !known(netio_stream_write_at(stream, "query\r\n", 7, &got, deadline)) || got > 7;
    long n = netio_stream_line_at(stream, &line, deadline);
    wrong += !known(n) || (n >= 0 && strcmp(line, "hello") != 0);
    /* Octets go on where the line ended, or where it would have begun. */
    const char *rest = n >= 0 ? "wor" : "hel";
    n = netio_stream_octets_at(stream, octets, 3, &got, deadline);
    wrong += !known(n) || (n == 0) != (got == 3) || memcmp(octets, rest, got) != 0;
    wrong += !known(netio_stream_finish_at(stream, deadline));
    return wrong;
}

static int talk(void)
{
    struct netio_open_options options = {.deadline = netio_deadline_in(0.05)};
    struct netio_error error = {0};
    char text[320];

    fault_off();
    drop_queued();
    fault_on();
    int fd = netio_tcpopen(host, service, &options, &error);
    if (fd < 0)
        return error.code != fd || !known(fd) || !*netio_error_str(&error, text, sizeof text);
    fault_off();
    int peer = answer();
    fault_on();
    int wrong = peer < 0 ? 1 : converse(fd);
    netio_fd_close(peer);
    return wrong;
}

/* The machine, cancelled in the middle. */
static int cancel(void)
{
    struct netio_open *machine;
    struct netio_want want;

    if (netio_tcpopen_start(&machine, host, service, NULL, NULL) < 0)
        return 0;
    int fd = netio_open_step(machine, NULL);
    netio_open_want(machine, &want);
    netio_open_free(machine);
    if (fd >= 0)
        netio_fd_close(fd);
    return !known(fd);
}

int main(void)
{
    listen_here();
    host = "127.0.0.1";
    fault_walk("an address", talk);
    fault_walk("cancelled", cancel);
    mute = 1;
    fault_walk("a mute peer", talk);
    mute = 0;
    host = "localhost";
    fault_walk("localhost", talk);
    return tap_done();
}
