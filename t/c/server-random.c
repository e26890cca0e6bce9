/* Tests of netio/server.h: peers and handlers that do anything at any time.  A seed says what; what
 * must hold whatever that is: each connection that was opened is closed once, with nothing left of
 * it in the server or its limits.  Sanitizers and valgrind see the rest. */
#include "scripted.h"

#include <netio/access.h>
#include <netio/limit.h>

#include <netinet/in.h>
#include <sys/socket.h>

#define PEERS   24
#define ACTS    4000
#define MEMBERS 64

static uint64_t state;
static struct netio_conn *members[MEMBERS]; /* open now; NULL: nobody */
static unsigned opened, closed, twice;

static unsigned draw(unsigned most)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(state >> 33) % most;
}

/* What a handler does to a connection, its own or another. */
static size_t do_anything(struct netio_conn *conn, size_t len)
{
    static const char text[40000];

    switch (draw(14)) {
    case 0:
        netio_conn_close(conn);
        break;
    case 1:
        netio_conn_abort(conn);
        break;
    case 2:
        netio_conn_shutdown(conn);
        break;
    case 3:
        netio_conn_pause(conn);
        break;
    case 4:
        netio_conn_resume(conn);
        break;
    case 5:
        netio_conn_write(conn, text, sizeof text);
        break;
    case 6:
    case 7:
        netio_conn_printf(conn, "%zu\n", len);
        break;
    case 8:
        if (members[draw(MEMBERS)] != conn)
            break;
        netio_conn_close(conn);
        netio_conn_write(conn, "x", 1);
        netio_conn_abort(conn);
        break;
    default:
        break;
    }
    return len ? draw((unsigned)len + 1) : 0;
}

static void do_to_somebody(void)
{
    struct netio_conn *conn = members[draw(MEMBERS)];

    if (conn)
        do_anything(conn, 0);
}

static void random_open(struct netio_conn *conn)
{
    unsigned i = 0;

    while (i < MEMBERS && members[i])
        i++;
    if (i < MEMBERS)
        members[i] = conn;
    netio_conn_set_data(conn, &members[i]);
    opened++;
    do_anything(conn, 0);
}

static void random_line(struct netio_conn *conn, char *line, size_t len)
{
    memset(line, 'y', len);
    do_anything(conn, len);
    do_to_somebody();
}

static size_t random_data(struct netio_conn *conn, char *data, size_t len)
{
    memset(data, 'y', len);
    do_to_somebody();
    return do_anything(conn, len);
}

static void random_event(struct netio_conn *conn)
{
    do_anything(conn, 0);
    do_to_somebody();
}

static void random_close(struct netio_conn *conn, enum netio_close why)
{
    struct netio_conn **member = netio_conn_data(conn);

    (void)why;
    twice += !member || *member != conn;
    if (member)
        *member = NULL;
    netio_conn_set_data(conn, NULL);
    closed++;
    do_anything(conn, 0);
    do_to_somebody();
}

static int connect_one(void)
{
    const struct netio_addr *address = netio_server_address(server, 0);
    struct sockaddr_in from = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), small = 2048;

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + draw(4));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) == -1 ||
        (connect(fd, &address->u.sa, address->len) == -1 && errno != EINPROGRESS))
        diag("connect: %s", strerror(errno));
    return fd;
}

static int act(int fd)
{
    static const char header[] = "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n";
    static char bytes[5000];
    struct linger reset = {1, 0};

    if (fd < 0)
        return connect_one();
    switch (draw(9)) {
    case 0:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        /* fall through */
    case 1:
        netio_fd_close(fd);
        return -1;
    case 2:
        (void)shutdown(fd, SHUT_WR);
        break;
    case 3:
        (void)netio_fd_send(fd, header, draw(sizeof header));
        break;
    case 4:
        (void)netio_fd_recv(fd, bytes, sizeof bytes);
        break;
    default:
        for (unsigned i = 0; i < sizeof bytes; i++)
            bytes[i] = draw(9) ? 'x' : '\n';
        (void)netio_fd_send(fd, bytes, draw(sizeof bytes));
    }
    return fd;
}

static void play(const struct netio_server_handlers *handlers, struct netio_server_options options,
                 unsigned seed)
{
    int fds[PEERS];

    state = seed;
    opened = closed = twice = 0;
    serve(handlers, &options);
    for (int i = 0; i < PEERS; i++)
        fds[i] = -1;
    for (int i = 0; i < ACTS; i++) {
        int *fd = &fds[draw(PEERS)];
        *fd = act(*fd);
        if (draw(4) == 0)
            do_to_somebody();
        if (draw(3))
            netio_loop_step(loop, NETIO_NOW);
    }
    if (seed % 2) {
        netio_server_stop(server, NETIO_NOW);
        is_int(netio_server_run(server), 0, "seed %u: it stops", seed);
    }
    end_server();
    ok(opened > 10, "seed %u: %u were opened", seed, opened);
    is_int(closed, opened, "each closed");
    is_int(twice, 0, "once");
    is_int(netio_limit_open(options.limit), 0, "and given back");
    for (int i = 0; i < PEERS; i++)
        netio_fd_close(fds[i]);
}

int main(void)
{
    struct netio_server_handlers lines = {.on_open = random_open,
                                          .on_line = random_line,
                                          .on_toolong = random_event,
                                          .on_writable = random_event,
                                          .on_close = random_close};
    struct netio_server_handlers octets = {.on_open = random_open,
                                           .on_data = random_data,
                                           .on_eof = random_event,
                                           .on_writable = random_event,
                                           .on_close = random_close};
    struct netio_server_options options = {.line_max = 500,
                                           .write_max = 200000,
                                           .high_water = 30000,
                                           .read_seconds = 0.01,
                                           .write_seconds = 0.02,
                                           .drain_seconds = 0.01,
                                           .max_connections = 12};
    struct netio_limit_options limits = {.total = 20, .per_source = 6};
    struct netio_access *access;

    is_int(netio_access_new(&access), 0, "rules");
    is_int(netio_access_add(access, "proxy 127.0.0.3", NULL), 0, "a proxy");
    options.access = access;
    is_int(netio_limit_new(&options.limit, &limits), 0, "limits");
    for (unsigned seed = 1; seed <= 8; seed++) {
        options.full_text = seed % 3 ? NULL : "full";
        options.model = seed % 4 == 3 ? NETIO_MODEL_ITERATIVE : NETIO_MODEL_EVENT;
        play(seed % 2 ? &lines : &octets, options, seed);
        play(seed % 2 ? &octets : &lines, options, 100 + seed);
    }
    netio_limit_free(options.limit);
    netio_access_free(access);
    return tap_done();
}
