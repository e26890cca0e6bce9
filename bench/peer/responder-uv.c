/* responder-uv: what responder.c does, with libuv, as its users write it: a buffer a connection,
 * writes by requests.
 *
 *      responder-uv once       each connection: a line comes, it goes back, it is closed
 *      responder-uv kept       each line is answered with itself, for as long as the peer likes
 *
 * It prints "listening on 127.0.0.1:PORT" and ends by a signal.  A line has to come in one piece of
 * at most 4096 bytes, which is how load.c sends it: so nothing is framed. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BACKLOG 4096

struct peer {
    uv_tcp_t handle;
    uv_write_t request;
    char line[4096];
};

static int once;

static void check(int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "responder-uv: %s: %s\n", what, uv_strerror(code));
    exit(1);
}

static void gone(uv_handle_t *handle)
{
    free(handle);
}

static void lend(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct peer *peer = (struct peer *)handle;

    (void)wanted;
    *buf = uv_buf_init(peer->line, sizeof peer->line);
}

static void sent(uv_write_t *request, int status)
{
    if (status < 0 || once)
        uv_close((uv_handle_t *)request->handle, gone);
}

static void serve(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct peer *peer = (struct peer *)stream;
    uv_buf_t line = uv_buf_init(buf->base, len > 0 ? (unsigned)len : 0);

    if (len > 0)
        check(uv_write(&peer->request, stream, &line, 1, sent), "write");
    else if (len < 0)
        uv_close((uv_handle_t *)stream, gone);
}

static void take(uv_stream_t *listener, int status)
{
    struct peer *peer = malloc(sizeof *peer);

    check(peer ? status : UV_ENOMEM, "connection");
    check(uv_tcp_init(listener->loop, &peer->handle), "init");
    check(uv_accept(listener, (uv_stream_t *)&peer->handle), "accept");
    check(uv_read_start((uv_stream_t *)&peer->handle, lend, serve), "read");
}

static int listen_on_loopback(uv_tcp_t *listener)
{
    struct sockaddr_in address;
    int len = sizeof address;

    check(uv_ip4_addr("127.0.0.1", 0, &address), "address");
    check(uv_tcp_init(uv_default_loop(), listener), "init");
    check(uv_tcp_bind(listener, (struct sockaddr *)&address, 0), "bind");
    check(uv_listen((uv_stream_t *)listener, BACKLOG, take), "listen");
    check(uv_tcp_getsockname(listener, (struct sockaddr *)&address, &len), "address");
    return ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
    uv_tcp_t listener;

    if (argc != 2 || (strcmp(argv[1], "once") != 0 && strcmp(argv[1], "kept") != 0))
        return fprintf(stderr, "usage: responder-uv once|kept\n"), 64;
    once = strcmp(argv[1], "once") == 0;
    printf("listening on 127.0.0.1:%d\n", listen_on_loopback(&listener));
    fflush(stdout);
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
