/* Sends what it reads to a server that sends it back, and prints all that comes.
 *
 *      cc hello-client.c -o hello-client $(pkg-config --cflags --libs netio)
 *      echo how are you | ./hello-client HOST [PORT]
 */
#include <netio/open.h>
#include <netio/stream.h>

#include <stdio.h>
#include <sysexits.h>

static int complain(const char *what)
{
    fprintf(stderr, "hello-client: %s\n", what);
    return EX_UNAVAILABLE;
}

int main(int argc, char **argv)
{
    const struct netio_open_options options = {.deadline = netio_deadline_in(10)};
    struct netio_stream *stream;
    struct netio_error error;
    char text[640], data[8192];
    ssize_t n;

    if (argc != 2 && argc != 3) {
        fputs("usage: hello-client HOST [PORT]\n", stderr);
        return EX_USAGE;
    }
    int fd = netio_tcpopen(argv[1], argc > 2 ? argv[2] : "2907", &options, &error);
    if (fd < 0)
        return complain(netio_error_str(&error, text, sizeof text));
    if (netio_stream_new_take(&stream, fd, 0) != 0)
        return EX_OSERR;
    size_t len = fread(data, 1, sizeof data, stdin);
    int code = netio_stream_write_at(stream, data, len, NULL, options.deadline);
    if (code == 0)
        code = netio_stream_half_close(stream);
    if (code != 0)
        return complain(netio_error_text(code));
    while ((n = netio_stream_read_at(stream, data, sizeof data, options.deadline)) > 0)
        fwrite(data, 1, (size_t)n, stdout);
    netio_stream_free(stream);
    return n == NETIO_EEOF ? EX_OK : complain(netio_error_text((int)n));
}
