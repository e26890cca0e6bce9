/* fuzz/netiod-tcpmux.c: requests to tcpmux.  The first byte says in what pieces a client sends the
 * rest, which changes nothing: whatever comes there is one answer, that of the request; and what
 * follows a request is what the service finds, to the byte. */
#include "target.h"

#include "netiod/service.h"

#include <netio/fd.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE_MAX_IN 30000 /* what a socket holds without anybody reading it */
#define REQUEST_MAX 512
#define PIECES_MAX  100 /* each of them fills much of a socket, however short */

static int passed = -1; /* the connection that a service was given */

static int serve(struct service *service, int fd, const struct netio_addr *peer)
{
    (void)service;
    (void)peer;
    must(passed == -1);
    passed = fd;
    return 0;
}

/* As one that is not allowed to: told nothing. */
static int refuse(struct service *service, int fd, const struct netio_addr *peer)
{
    (void)service;
    (void)peer;
    netio_fd_close(fd);
    return -EACCES;
}

static const struct service_kind willing = {.serve = serve}, strict = {.serve = refuse}, none;
static const struct config_service configs[] = {
    {.name = "mux", .kind = CONFIG_TCPMUX},   {.name = "tcpmux/cat", .mux = CONFIG_MUX},
    {.name = "plus", .mux = CONFIG_MUX_PLUS}, {.name = "no", .mux = CONFIG_MUX_PLUS},
    {.name = "wait", .mux = CONFIG_MUX},      {.name = "own", .mux = CONFIG_NO_MUX},
};
static struct service all[] = {
    {.name = (char *)"mux", .config = &configs[0]},
    {.name = (char *)"tcpmux/cat", .kind = &willing, .config = &configs[1]},
    {.name = (char *)"plus", .kind = &willing, .config = &configs[2]},
    {.name = (char *)"no", .kind = &strict, .config = &configs[3]},
    {.name = (char *)"wait", .kind = &none, .config = &configs[4]},
    {.name = (char *)"own", .kind = &willing, .config = &configs[5]},
};
#define SERVICES (sizeof all / sizeof *all)
static struct service *services[SERVICES];
static struct house house = {.services = services, .count = SERVICES};

static void begin(void)
{
    struct netio_error error;

    for (size_t i = 0; i < SERVICES; i++) {
        services[i] = &all[i];
        all[i].house = &house;
    }
    must(netio_loop_new(&house.loop, 0) == 0);
    all[0].kind = &tcpmux_kind;
    must(tcpmux_kind.open(&all[0], &error) == 0);
}

/* ---- what should come ----------------------------------------------------------------------- */

struct wanted {
    const char *answer;  /* of netiod */
    const uint8_t *rest; /* of the service, which is given the connection; NULL: it is not */
    size_t rest_size;
};

static int is(const uint8_t *data, size_t len, const char *name)
{
    return len == strlen(name) && strncasecmp((const char *)data, name, len) == 0;
}

/* By other means than those of tcpmux.c: over all of the input at once. */
static struct wanted expect(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t len = end ? (size_t)(end - data) : size;
    struct wanted wanted = {.answer = "-No such service\r\n"};

    if (!end && size == 0)
        return (struct wanted){.answer = ""};
    if (end && len > 0 && data[len - 1] == '\r')
        len--;
    if (len > REQUEST_MAX)
        return (struct wanted){.answer = "-Request too long\r\n"};
    if (is(data, len, "help"))
        wanted.answer = "cat\r\nplus\r\nno\r\nwait\r\n";
    else if (is(data, len, "no"))
        wanted.answer = "-Refused\r\n";
    else if (is(data, len, "wait"))
        wanted.answer = "-Service not available\r\n";
    else if (is(data, len, "cat") || is(data, len, "plus")) {
        wanted.answer = len == 3 ? "" : "+Go\r\n";
        wanted.rest = end ? end + 1 : data + size;
        wanted.rest_size = (size_t)(data + size - wanted.rest);
    }
    return wanted;
}

/* ---- what comes ----------------------------------------------------------------------------- */

static void run_dry(void)
{
    while (netio_loop_step(house.loop, NETIO_NOW) > 0)
        continue;
}

/* tcpmux may have ended the connection by then. */
static void send_all(int fd, const uint8_t *data, size_t size, size_t piece)
{
    for (size_t done = 0; done < size; done += piece) {
        size_t n = size - done < piece ? size - done : piece;
        ssize_t sent = netio_fd_send(fd, data + done, n);
        must(sent == (ssize_t)n || sent == -EPIPE || sent == -ECONNRESET);
        run_dry();
    }
    (void)shutdown(fd, SHUT_WR);
}

static void must_read(int fd, const void *wanted, size_t size)
{
    static char bytes[SIZE_MAX_IN + 1];
    size_t got = 0;
    ssize_t n;

    while ((n = netio_fd_recv(fd, bytes + got, sizeof bytes - got)) > 0)
        got += (size_t)n;
    must(got == size && memcmp(bytes, wanted, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];

    if (size < 1 || size > SIZE_MAX_IN)
        return 0;
    if (!house.loop)
        begin();
    size_t piece = data[0] ? (size_t)data[0] * data[0] : SIZE_MAX_IN;
    if (piece < size / PIECES_MAX)
        piece = size / PIECES_MAX;
    struct wanted wanted = expect(data + 1, size - 1);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    must(netio_server_serve_take(all[0].server, pair[0]) == 0);
    send_all(pair[1], data + 1, size - 1, piece);
    while (netio_server_connections(all[0].server) > 0)
        must(netio_loop_step(house.loop, netio_deadline_in(5)) > 0);
    must((passed >= 0) == (wanted.rest != NULL));
    if (wanted.rest)
        must_read(passed, wanted.rest, wanted.rest_size);
    must_read(pair[1], wanted.answer, strlen(wanted.answer));
    netio_fd_close(passed);
    passed = -1;
    netio_fd_close(pair[1]);
    return 0;
}
