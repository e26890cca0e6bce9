/* A datagram server: answers every datagram with its length and its text.
 *
 *      cc datagram-server.c -o datagram-server $(pkg-config --cflags --libs netio)
 *      ./datagram-server [SERVICE|PORT|ADDRESS:PORT]      2907 unless it is named
 */
#include <netio/server.h>

#include <stdio.h>
#include <sysexits.h>

static void on_datagram(const struct netio_datagram *datagram)
{
    char peer[NETIO_ADDR_STRLEN], answer[1024];
    int len = snprintf(answer, sizeof answer, "%zu bytes: %s", datagram->len, datagram->data);

    printf("%zu bytes from %s\n", datagram->len, netio_addr_str(datagram->peer, peer, sizeof peer));
    if (len >= (int)sizeof answer)
        len = sizeof answer - 1;
    netio_datagram_reply(datagram, answer, (size_t)len);
}

int main(int argc, char **argv)
{
    static const struct netio_server_handlers handlers = {.on_datagram = on_datagram};
    struct netio_server *server;
    struct netio_error error;
    char text[640], address[256];

    snprintf(address, sizeof address, "udp:%s", argc > 1 ? argv[1] : "2907");
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (netio_server_new(&server, NULL, &handlers, NULL) != 0)
        return EX_OSERR;
    if (netio_server_listen(server, address, &error) != 0) {
        fprintf(stderr, "datagram-server: %s\n", netio_error_str(&error, text, sizeof text));
        return EX_UNAVAILABLE;
    }
    return netio_server_run(server) == 0 ? EX_OK : EX_OSERR;
}
