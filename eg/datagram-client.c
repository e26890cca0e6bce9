/* A datagram client: sends one datagram and prints the answer.
 *
 *      cc datagram-client.c -o datagram-client $(pkg-config --cflags --libs netio)
 *      ./datagram-client HOST TEXT [PORT]
 *
 * Datagrams get lost: it asks again after one second, and once more after two, until five are over.
 */
#include <netio/udp.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        fputs("usage: datagram-client HOST TEXT [PORT]\n", stderr);
        return EX_USAGE;
    }
    const struct netio_udp_question question = {.servers = (const char *const *)&argv[1],
                                                .count = 1,
                                                .service = argc > 3 ? argv[3] : "2907",
                                                .request = argv[2],
                                                .size = strlen(argv[2])};
    const struct netio_udp_options options = {.deadline = netio_deadline_in(5)};
    struct netio_addr from;
    struct netio_error error;
    char answer[2048], text[640];

    ssize_t len = netio_udp_ask(&question, answer, sizeof answer, &from, &options, &error);
    if (len < 0) {
        fprintf(stderr, "datagram-client: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    printf("%s: %.*s\n", netio_addr_str(&from, text, sizeof text), (int)len, answer);
    return EX_OK;
}
