/* Tests of netio/server.h: the sockets that a server is given: paths, listeners that somebody else
 * bound or a great many, one connection, and what is none of these.  B32 and C24 of
 * the fault catalogue. */
#include "scripted.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netio/listener.h>
#include <sys/stat.h>

static void test_unix_socket(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    char folder[] = "/tmp/netio-server-XXXXXX", address[64], text[NETIO_ADDR_STRLEN];
    struct client client;
    struct stat st;

    if (!mkdtemp(folder)) {
        fail("a folder");
        return;
    }
    snprintf(address, sizeof address, "unix:%s/s", folder);
    serve(&handlers, NULL);
    is_int(netio_server_listen(server, address, NULL), 0, "a second address, a unix socket");
    is_str(netio_addr_str(netio_server_address(server, 1), text, sizeof text), address, "known");
    ok(netio_server_address(server, 2) == NULL, "no third");
    client_open(&client, 1, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "served");
    client_close(&client);
    until_seen("close(done)");
    end_server();
    is_int(lstat(address + 5, &st), -1, "the path goes with the server");
    rmdir(folder);
}

/* One connected descriptor, as inetd hands it over; run returns when it is done. */
static void test_serve_take(void)
{
    struct netio_server_handlers handlers = {
        .on_open = tell_open, .on_line = answer_line, .on_close = tell_close};
    char answer[64];
    int pair[2];

    forget();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
        netio_server_new(&server, NULL, &handlers, NULL))
        fail("a server and a pair");
    is_int(netio_server_run(server), 0, "nothing to do: run returns at once");
    is_int(netio_server_serve_take(server, pair[0]), 0, "one descriptor to serve");
    is_int(fcntl(pair[0], F_GETFD), FD_CLOEXEC, "close-on-exec from now on");
    is_str(seen, "", "no handler is called before the loop runs");
    is_int(netio_fd_send(pair[1], "hello\n", 6), 6, "a question");
    shutdown(pair[1], SHUT_WR);
    is_int(netio_server_run(server), 0, "run returns when it is done");
    ssize_t n = netio_fd_recv(pair[1], answer, sizeof answer);
    is_mem(answer, n, "<hello>\n", 8, "answered");
    is_str(seen, "open line(hello) close(done) ", "as any other");
    netio_fd_close(pair[1]);
    netio_server_free(server);
}

static void test_serve_what(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct sockaddr_in any = {.sin_family = AF_INET};
    int pipes[2], listening, datagram;

    if (pipe(pipes) == -1 || netio_server_new(&server, NULL, &handlers, NULL))
        fail("a server and a pipe");
    listening = socket(AF_INET, SOCK_STREAM, 0);
    bind(listening, (struct sockaddr *)&any, sizeof any);
    listen(listening, 1);
    datagram = socket(AF_INET, SOCK_DGRAM, 0);
    is_int(netio_server_listen_take(server, pipes[0]), -ENOTSOCK, "C24: a pipe cannot listen");
    is_int(netio_server_listen_take(server, datagram), -EINVAL, "C24: nor can a datagram socket");
    is_int(netio_server_serve_take(server, pipes[0]), -ENOTSOCK, "C24: a pipe is not served");
    is_int(netio_server_serve_take(server, datagram), -ESOCKTNOSUPPORT, "C24: a datagram socket");
    is_int(netio_server_serve_take(server, listening), -EINVAL, "C24: a listening socket");
    is_int(netio_server_serve_take(server, 999), -EBADF, "C24: nothing at all");
    is_int(close(pipes[0]), -1, "what it refused to serve it has closed");
    is_int(close(datagram), -1, "this, too");
    is_int(close(listening), -1, "and this");
    close(pipes[1]);
    netio_server_free(server);
}

/* A connection whose client has reset it; *peer: who that was. */
static int accept_gone(struct netio_addr *peer)
{
    struct linger linger = {.l_onoff = 1};
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int listening = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

    bind(listening, (struct sockaddr *)&addr, sizeof addr);
    listen(listening, 1);
    getsockname(listening, (struct sockaddr *)&addr, &len);
    if (connect(client, (struct sockaddr *)&addr, len) == -1)
        fail("connected");
    int fd = accept(listening, NULL, NULL);
    netio_addr_peer(peer, fd);
    setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(client);
    close(listening);
    return fd;
}

/* B32: the client is gone before anybody asks who it was. */
static void test_nobody(void)
{
    struct netio_server_handlers handlers = {.on_open = tell_open, .on_close = tell_close};
    struct netio_access *access;
    struct netio_addr peer;

    forget();
    netio_server_new(&server, NULL, &handlers, NULL);
    is_int(netio_server_serve_take(server, accept_gone(&peer)), 0,
           "B32: a client that is gone already");
    is_int(netio_server_run(server), 0, "B32: nothing breaks");
    is_str(seen, "open close(reset) ", "B32: it opens and ends");

    netio_access_new(&access);
    netio_access_add(access, "deny 192.0.2.1", NULL);
    netio_server_set_access(server, access);
    int fd = accept_gone(&peer);
    is_int(netio_server_serve_peer_take(server, fd, &peer), 0, "or if it is known who it was");
    netio_access_add(access, "deny 127.0.0.1", NULL);
    fd = accept_gone(&peer);
    is_int(netio_server_serve_peer_take(server, fd, &peer), -EACCES, "who is judged by them");
    netio_server_free(server);
    netio_access_free(access);
}

/* A listening descriptor that somebody else bound. */
static void test_listen_take(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct client client;

    serve(&handlers, NULL);
    is_int(netio_listener_open(listeners, "127.0.0.1:0", 0, NULL), 1, "somebody's listener");
    is_int(netio_server_listen_take(server, listeners[0].fd), 0, "taken over");
    is_int(netio_addr_compare(netio_server_address(server, 1), &listeners[0].address), 0,
           "its address");
    client_open(&client, 1, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "served");
    client_close(&client);
    until_seen("close");
    end_server();
    is_int(close(listeners[0].fd), -1, "it was the server's to close");
}

static void test_many_listeners(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line, .on_close = tell_close};
    struct netio_error error;
    char text[320];
    int code = 0;

    serve(&handlers, NULL);
    for (int i = 1; i < 300 && !code; i++)
        code = netio_server_listen(server, "127.0.0.1:0", NULL);
    is_int(code, 0, "300 listeners");
    ok(netio_server_address(server, 299) && !netio_server_address(server, 300), "all are open");
    struct client client;
    client_open(&client, 299, 0);
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "the last one is served");
    client_close(&client);
    until_seen("close");
    is_int(netio_server_listen(server, "nosuchservice", &error), NETIO_EBADSERVICE,
           "a bad address");
    is_str(netio_error_str(&error, text, sizeof text), "service nosuchservice: unknown service",
           "says why");
    end_server();
}

int main(void)
{
    test_unix_socket();
    test_serve_take();
    test_serve_what();
    test_nobody();
    test_listen_take();
    test_many_listeners();
    return tap_done();
}
