/* t/c/scripted.h: a server, and a client whose every step the test writes down, on one loop
 * in one process.
 *
 * The server's handlers append what happens to `seen`; a test compares it with what should
 * have happened.  The client's calls wait by stepping the loop, so that the server goes on
 * meanwhile; nothing sleeps, and the order of events is the same in every run.
 */
#ifndef SCRIPTED_H
#define SCRIPTED_H

#include "tap.h"
#include <netio/server.h>

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#define SCRIPTED __attribute__((unused)) static

static struct netio_loop *loop;
static struct netio_server *server;

/* What happened, as words and one blank behind each: "open line(hello) close(done) ". */
static char seen[1 << 20];
static size_t seen_len;

__attribute__((unused, format(printf, 1, 2))) static void note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(seen + seen_len, sizeof seen - seen_len, format, args);
    va_end(args);
    if (n > 0 && seen_len + (size_t)n < sizeof seen)
        seen_len += (size_t)n;
}

SCRIPTED void forget(void)
{
    seen_len = 0;
    seen[0] = '\0';
}

SCRIPTED int has_seen(const char *words)
{
    return strstr(seen, words) != NULL;
}

SCRIPTED int times_seen(const char *word)
{
    int n = 0;

    for (const char *at = seen; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

/* One step of the loop; 0, and a failed test, when nothing happened for ten seconds. */
SCRIPTED int step(void)
{
    int ran = netio_loop_step(loop, netio_deadline_in(10));

    return ran > 0 || fail("something happens within ten seconds; so far: %s", seen);
}

#define UNTIL(condition)                                                                           \
    while (!(condition) && step())                                                                 \
    continue
#define until_seen(words) UNTIL(has_seen(words))

/* All that is to be done now, without waiting. */
SCRIPTED void run_dry(void)
{
    while (netio_loop_step(loop, NETIO_NOW) > 0)
        continue;
}

/* Handlers that only tell. */
SCRIPTED void tell_open(struct netio_conn *conn)
{
    (void)conn;
    note("open ");
}

SCRIPTED void tell_line(struct netio_conn *conn, char *line, size_t len)
{
    (void)conn;
    note("line(%.*s) ", (int)len, line);
}

SCRIPTED void tell_close(struct netio_conn *conn, enum netio_close why)
{
    (void)conn;
    note("close(%s) ", netio_close_str(why));
}

SCRIPTED void tell_trouble(struct netio_server *which, const struct netio_error *error)
{
    (void)which;
    note("trouble(%s) ", netio_error_name(error->code));
}

SCRIPTED void tell_why(struct netio_server *which, const struct netio_addr *peer,
                       enum netio_refused why, unsigned long count)
{
    (void)which;
    (void)peer;
    (void)count;
    note("refused(%s) ", netio_refused_str(why));
}

/* One that answers "<LINE>" and a newline, and stays open. */
SCRIPTED void echo_line(struct netio_conn *conn, char *line, size_t len)
{
    tell_line(conn, line, len);
    netio_conn_write(conn, "<", 1);
    netio_conn_write(conn, line, len);
    netio_conn_write(conn, ">\n", 2);
}

/* One that answers once, as whois does. */
SCRIPTED void answer_line(struct netio_conn *conn, char *line, size_t len)
{
    echo_line(conn, line, len);
    netio_conn_close(conn);
}

/* One that answers with more than any kernel buffers for a peer, and closes. */
SCRIPTED void answer_flood(struct netio_conn *conn, char *line, size_t len)
{
    static char flood[16 << 20];

    tell_line(conn, line, len);
    is_int(netio_conn_write(conn, flood, sizeof flood), 0, "an answer of 16 MiB");
    netio_conn_close(conn);
}

/* The server of one test; options may be NULL. */
SCRIPTED void serve_at(const char *address, const struct netio_server_handlers *handlers,
                       const struct netio_server_options *options)
{
    struct netio_error error;
    char text[320];

    forget();
    if (netio_loop_new(&loop, 0) || netio_server_new(&server, loop, handlers, options))
        fail("a server");
    else if (netio_server_listen(server, address, &error))
        fail("%s", netio_error_str(&error, text, sizeof text));
}

SCRIPTED void serve(const struct netio_server_handlers *handlers,
                    const struct netio_server_options *options)
{
    serve_at("127.0.0.1:0", handlers, options);
}

SCRIPTED void end_server(void)
{
    netio_server_free(server);
    netio_loop_free(loop);
    server = NULL;
    loop = NULL;
}

/* The client's end, watched so that the loop wakes up for it, too. */
struct client {
    struct netio_watch watch;
    int fd;
};

SCRIPTED void client_ready(struct netio_watch *watch, unsigned events)
{
    (void)watch;
    (void)events;
}

SCRIPTED void client_take(struct client *client, int fd)
{
    memset(client, 0, sizeof *client);
    client->watch.ready = client_ready;
    client->fd = fd;
    netio_fd_nonblock(fd, 1);
}

/* Connects to listener i of the server; the handshake is done when it returns.  rcvbuf 0:
 * the system's choice. */
SCRIPTED void client_open(struct client *client, size_t i, int rcvbuf)
{
    const struct netio_addr *addr = netio_server_address(server, i);
    int fd = socket(netio_addr_family(addr), SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (rcvbuf)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    if (fd == -1 || connect(fd, &addr->u.sa, addr->len) == -1)
        fail("connected: %s", strerror(errno));
    client_take(client, fd);
}

SCRIPTED void client_close(struct client *client)
{
    netio_watch_stop(&client->watch);
    netio_fd_close(client->fd);
    client->fd = -1;
}

SCRIPTED void client_reset(struct client *client)
{
    struct linger linger = {.l_onoff = 1};

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    client_close(client);
}

/* Waits until the client's end is ready, the server going on meanwhile. */
SCRIPTED int client_wait(struct client *client, unsigned events)
{
    netio_watch_start(loop, &client->watch, client->fd, events);
    int ok = step();
    netio_watch_stop(&client->watch);
    return ok;
}

SCRIPTED void put(struct client *client, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = netio_fd_send(client->fd, data, len);
        if (n < 0 && (n != -EAGAIN || !client_wait(client, NETIO_WRITE)))
            break;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
}

SCRIPTED void say(struct client *client, const char *text)
{
    put(client, text, strlen(text));
}

/* Reads one octet if there is one: how many; *code as get has it. */
SCRIPTED size_t get_now(struct client *client, char *byte, int *code)
{
    ssize_t n = netio_fd_recv(client->fd, byte, 1);

    *code = n == 0 ? NETIO_EEOF : n < 0 && n != -EAGAIN ? (int)n : 0;
    return n > 0;
}

/* Reads until len octets are there, the end of file or an error: how many came; *code is
 * NETIO_EEOF at the end of file, or -errno. */
SCRIPTED size_t get(struct client *client, char *data, size_t len, int *code)
{
    size_t got = 0;

    *code = 0;
    while (got < len && !*code) {
        ssize_t n = netio_fd_recv(client->fd, data + got, len - got);
        if (n > 0)
            got += (size_t)n;
        else if (n == 0)
            *code = NETIO_EEOF;
        else if (n != -EAGAIN || !client_wait(client, NETIO_READ))
            *code = (int)n;
    }
    return got;
}

/* Whether exactly this text comes next; end: 0, or what must come behind it. */
#define hears(client, text, end, ...) hears_at(client, text, end, __LINE__, __VA_ARGS__)
__attribute__((unused, format(printf, 5, 6)))
static int hears_at(struct client *client, const char *text, int end, int line,
                    const char *format, ...)
{
    static char data[1 << 16];
    char name[256];
    size_t want = strlen(text);
    va_list args;
    int code;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    size_t got = get(client, data, end ? sizeof data : want, &code);
    int same = tap_is_mem(data, got, text, want, __FILE__, line, "%s", name);
    return same && (!end || tap_is_int(code, end, __FILE__, line, "%s: %s", name,
                                       netio_error_name(end)));
}

#endif
