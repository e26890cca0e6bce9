/* A stream client: says a line, and prints the line that comes back.
 *
 *      cc stream-client.c -o stream-client $(pkg-config --cflags --libs netio)
 *      ./stream-client HOST TEXT [PORT]
 */
#include <netio/open.h>
#include <netio/stream.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* The answer's length, or a negative code; all of it before the deadline. */
static ssize_t ask(struct netio_stream *stream, char *text, char **answer, netio_deadline deadline)
{
    const struct iovec parts[] = {{text, strlen(text)}, {"\r\n", 2}};
    int code = netio_stream_writev_at(stream, parts, 2, NULL, deadline);

    return code != 0 ? code : netio_stream_line_at(stream, answer, deadline);
}

int main(int argc, char **argv)
{
    const struct netio_open_options options = {.deadline = netio_deadline_in(5)};
    struct netio_stream *stream;
    struct netio_error error;
    char text[640], *answer;

    if (argc != 3 && argc != 4) {
        fputs("usage: stream-client HOST TEXT [PORT]\n", stderr);
        return EX_USAGE;
    }
    int fd = netio_tcpopen(argv[1], argc > 3 ? argv[3] : "2907", &options, &error);
    if (fd < 0) {
        fprintf(stderr, "stream-client: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    if (netio_stream_new_take(&stream, fd, 0) != 0)
        return EX_OSERR;
    ssize_t len = ask(stream, argv[2], &answer, options.deadline);
    if (len >= 0)
        puts(answer);
    else
        fprintf(stderr, "stream-client: %s\n", netio_error_text((int)len));
    netio_stream_free(stream);
    return len >= 0 ? EX_OK : EX_UNAVAILABLE;
}
