/* Tests of model SIGNAL of netio/server.h.  They wait for nothing but SIGIO: what does not raise it
 * is never served here, and the test ends by its alarm. */
#include "scripted.h"

#include <fcntl.h>
#include <netinet/in.h>

static const struct netio_server_options by_signal = {.model = NETIO_MODEL_SIGNAL};

/* Safepoints, and when one has found nothing to do the next signal. */
static void advance(void)
{
    sigset_t sigio, before;

    sigemptyset(&sigio);
    sigaddset(&sigio, SIGIO);
    sigprocmask(SIG_BLOCK, &sigio, &before);
    sigdelset(&before, SIGIO);
    if (netio_server_safepoint(server) == 0)
        sigsuspend(&before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

#define ADVANCE(condition)                                                                         \
    while (!(condition))                                                                           \
    advance()

static void serve_by_signal(const struct netio_server_handlers *handlers,
                            const struct netio_server_options *options)
{
    serve(handlers, options);
    is_int(netio_server_safepoint(server), 0, "nobody is there");
}

/* What the client gets, by signals alone; it looks after each of them. */
static size_t hear_all(struct client *client, char *data, size_t size)
{
    size_t got = 0;
    ssize_t n;

    while ((n = netio_fd_recv(client->fd, data + got, size - got)) != 0)
        if (n > 0)
            got += (size_t)n;
        else if (n == -EAGAIN)
            advance();
        else
            break;
    return got;
}

static void (*handler_of(int number))(int)
{
    struct sigaction action;

    sigaction(number, NULL, &action);
    return action.sa_handler;
}

static void test_one_line(void)
{
    struct netio_server_handlers handlers = {
        .on_open = tell_open, .on_line = answer_line, .on_close = tell_close};
    struct client client;
    char data[64];

    serve_by_signal(&handlers, &by_signal);
    client_open(&client, 0, 0);
    ADVANCE(has_seen("open"));
    say(&client, "hel");
    advance();
    say(&client, "lo\r\n");
    size_t len = hear_all(&client, data, sizeof data);
    is_mem(data, len, "<hello>\n", 8, "an answer, then the end of file");
    client_close(&client);
    ADVANCE(has_seen("close"));
    is_str(seen, "open line(hello) close(done) ", "opened, served and closed");
    is_int(netio_server_safepoint(server), 0, "and nothing more");
    end_server();
    ok(handler_of(SIGIO) == SIG_DFL, "SIGIO is as it was");
}

/* Signals are raised for what changes: what was there before is found all the same. */
static void test_before(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct client client;
    char data[64];

    serve(&handlers, &by_signal);
    client_open(&client, 0, 0);
    say(&client, "early\n");
    ok(handler_of(SIGIO) == SIG_DFL, "SIGIO is not touched before the first safepoint");
    size_t len = hear_all(&client, data, sizeof data);
    is_mem(data, len, "<early>\n", 8, "who came before it is served");
    client_close(&client);
    end_server();
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* The signal only marks; and whoever had it hears of it. */
static void test_when(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct client client;
    sigset_t sigio, now;

    sigemptyset(&sigio);
    sigaddset(&sigio, SIGIO);
    sigprocmask(SIG_BLOCK, &sigio, NULL);
    signal(SIGIO, count_signal);
    serve_by_signal(&handlers, &by_signal);
    signals = 0;
    client_open(&client, 0, 0);
    say(&client, "hello\n");
    while (!signals)
        (void)netio_clock_now();
    is_str(seen, "", "no handler runs between safepoints");
    ok(netio_server_safepoint(server) > 0, "some do in one");
    ADVANCE(has_seen("line(hello)"));
    client_close(&client);
    end_server();
    ok(handler_of(SIGIO) == count_signal, "the handler that was there is there again");
    sigprocmask(SIG_BLOCK, NULL, &now);
    ok(sigismember(&now, SIGIO), "and SIGIO is blocked again");
    signal(SIGIO, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &sigio, NULL);
}

static void test_timers(void)
{
    struct netio_server_handlers handlers = {.on_close = tell_close};
    struct netio_server_options options = {.model = NETIO_MODEL_SIGNAL, .read_seconds = 0.05};
    struct client client;

    serve_by_signal(&handlers, &options);
    client_open(&client, 0, 0);
    ADVANCE(has_seen("close"));
    is_str(seen, "close(idle) ", "deadlines raise it, too");
    client_close(&client);
    end_server();
}

#define LARGE ((size_t)8 * 1024 * 1024)

static void answer_large(struct netio_conn *conn, char *line, size_t len)
{
    static char large[LARGE];

    (void)len;
    memset(large, line[0], sizeof large);
    netio_conn_write(conn, large, sizeof large);
    netio_conn_close(conn);
}

/* So does room for an answer that waits. */
static void test_large(void)
{
    static char data[LARGE + 1], want[LARGE];
    struct netio_server_handlers handlers = {.on_line = answer_large};
    struct netio_server_options options = {.model = NETIO_MODEL_SIGNAL, .write_max = LARGE};
    struct client client;

    serve_by_signal(&handlers, &options);
    client_open(&client, 0, 4096);
    say(&client, "x\n");
    size_t len = hear_all(&client, data, sizeof data);
    memset(want, 'x', sizeof want);
    ok(len == LARGE && memcmp(data, want, LARGE) == 0, "8 MiB arrive: %zu bytes", len);
    client_close(&client);
    end_server();
}

/* What the program itself does to a connection is seen by the next safepoint. */
static struct netio_conn *kept;

static void keep(struct netio_conn *conn)
{
    kept = conn;
    note("open ");
}

static void test_from_outside(void)
{
    struct netio_server_handlers handlers = {.on_open = keep, .on_close = tell_close};
    struct client client;
    char data[64];

    serve_by_signal(&handlers, &by_signal);
    client_open(&client, 0, 0);
    ADVANCE(has_seen("open"));
    is_int(netio_server_safepoint(server), 0, "it waits");
    netio_conn_write(kept, "result\n", 7);
    netio_conn_close(kept);
    ok(netio_server_safepoint(server) > 0, "written outside of handlers: sent in the next");
    size_t len = hear_all(&client, data, sizeof data);
    is_mem(data, len, "result\n", 7, "it arrives");
    client_close(&client);
    end_server();
}

static void safepoint_within(struct netio_conn *conn, char *line, size_t len)
{
    is_int(netio_server_safepoint(server), 0, "a safepoint in a handler does nothing");
    answer_line(conn, line, len);
}

static void test_within(void)
{
    struct netio_server_handlers handlers = {.on_line = safepoint_within};
    struct client first, second;
    char data[64];

    serve_by_signal(&handlers, &by_signal);
    client_open(&first, 0, 0);
    client_open(&second, 0, 0);
    say(&first, "one\n");
    say(&second, "two\n");
    is_int(hear_all(&first, data, sizeof data), 6, "the one is served");
    is_int(hear_all(&second, data, sizeof data), 6, "and the other");
    is_str(seen, "line(one) line(two) ", "one after the other");
    client_close(&first);
    client_close(&second);
    end_server();
}

static void tell_datagram(const struct netio_datagram *datagram)
{
    note("datagram(%s) ", datagram->data);
    netio_datagram_reply(datagram, "ok", 2);
}

static void test_datagram(void)
{
    struct netio_server_handlers handlers = {.on_datagram = tell_datagram};
    struct netio_error error;

    serve_by_signal(&handlers, &by_signal);
    is_int(netio_server_listen(server, "udp:127.0.0.1:0", &error), 0, "a listener comes later");
    const struct netio_addr *addr = netio_server_address(server, 1);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sendto(fd, "hello", 5, 0, &addr->u.sa, addr->len);
    ADVANCE(has_seen("datagram(hello)"));
    sendto(fd, "bye", 3, 0, &addr->u.sa, addr->len);
    ADVANCE(has_seen("datagram(bye)"));
    pass("datagrams raise it, too");
    netio_fd_close(fd);
    end_server();
}

/* A listener that somebody else holds, too, must not raise SIGIO once its handler is gone: the
 * default is to end the process. */
static void test_shared(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct sockaddr_in any = {.sin_family = AF_INET};
    struct netio_addr addr;

    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(fd, (struct sockaddr *)&any, sizeof any);
    listen(fd, 8);
    int other = dup(fd);
    serve(&handlers, &by_signal);
    is_int(netio_server_listen_take(server, fd), 0, "a listener of somebody else's");
    netio_server_safepoint(server);
    ok(fcntl(other, F_GETFL) & O_ASYNC, "raises SIGIO");
    end_server();
    ok(!(fcntl(other, F_GETFL) & O_ASYNC), "and does so no more");
    netio_addr_local(&addr, other);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    is_int(connect(client, &addr.u.sa, addr.len), 0, "somebody connects to it");
    netio_fd_close(client);
    netio_fd_close(other);
}

/* The signal is the process's, so all that have taken it look, and the last one gives it back. */
static void test_two_servers(void)
{
    struct netio_server_handlers handlers = {.on_line = answer_line};
    struct client client;
    char data[64];

    serve_by_signal(&handlers, &by_signal);
    struct netio_server *first = server;
    struct netio_loop *first_loop = loop;
    serve_by_signal(&handlers, &by_signal);
    client_open(&client, 0, 0);
    netio_server_free(first);
    netio_loop_free(first_loop);
    say(&client, "hello\n");
    is_int(hear_all(&client, data, sizeof data), 8, "served when the other one has gone");
    client_close(&client);
    end_server();
    ok(handler_of(SIGIO) == SIG_DFL, "SIGIO is as it was");
}

static void test_stop(void)
{
    struct netio_server_handlers handlers = {.on_line = echo_line, .on_close = tell_close};
    struct client client;

    serve_by_signal(&handlers, &by_signal);
    client_open(&client, 0, 0);
    say(&client, "hello\n");
    ADVANCE(has_seen("line(hello)"));
    netio_server_stop(server, netio_deadline_in(5));
    int code;
    while ((code = netio_server_run(server)) == -EINTR)
        continue;
    is_int(code, 0, "run ends what safepoints have begun");
    is_str(seen, "line(hello) close(stop) ", "as in any model");
    client_close(&client);
    end_server();
}

static void serve_it(struct netio_conn *conn, int fd)
{
    (void)conn;
    (void)fd;
}

static void test_refusals(void)
{
    struct netio_server_handlers lines = {.on_line = answer_line}, serves = {.on_serve = serve_it};
    struct netio_server *none;

    serve(&lines, NULL);
    is_int(netio_server_safepoint(server), -EINVAL, "no safepoint in model EVENT");
    ok(handler_of(SIGIO) == SIG_DFL, "which touches no signal");
    end_server();
    is_int(netio_server_new(&none, NULL, &serves, &by_signal), -EINVAL, "no on_serve by signal");
    is_int(netio_server_new(&none, NULL, &serves, NULL), -EINVAL, "nor in model EVENT");
}

static void test_words(void)
{
    static const char *const words[] = {"event", "iterative", "fork", "prefork", "signal"};
    enum netio_model model = NETIO_MODEL_SIGNAL;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        is_str(netio_model_str((enum netio_model)i), words[i], "a model's word");
        is_int(netio_model_parse(&model, words[i]), 0, "%s: is known", words[i]);
        is_int(model, i, "%s: is that model", words[i]);
    }
    is_int(netio_model_parse(&model, "Event"), NETIO_EBADOPTION, "no such word");
    is_int(netio_model_parse(&model, ""), NETIO_EBADOPTION, "nor none");
    is_int(model, NETIO_MODEL_SIGNAL, "which changes nothing");
    is_str(netio_model_str((enum netio_model)99), "unknown", "no such model");
}

int main(void)
{
    test_words();
    test_one_line();
    test_before();
    test_when();
    test_timers();
    test_large();
    test_from_outside();
    test_within();
    test_datagram();
    test_shared();
    test_two_servers();
    test_stop();
    test_refusals();
    return tap_done();
}
