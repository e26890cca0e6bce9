/* Ring 1.  Questions to name servers; see dns.h.
 * Called by resolve.c.  The only file that knows c-ares, 1.18 (Debian 12) or later; it opens
 * an epoll descriptor, and c-ares' sockets through it.
 *
 * c-ares may call back from within any of its calls.  A callback only takes notes: it never
 * cancels or destroys (CVE-2026-33630) and never asks again; netio__dns_free and the steps
 * of resolve.c do that from outside. */
#include "dns.h"

#include <netio/error.h>

#include <ares.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* One family's question; arg of c-ares' callback. */
struct question {
    struct netio__dns *dns;
    int result; /* as netio__dns_result has it */
};

struct netio__dns {
    ares_channel channel;
    int epoll;    /* watches all of c-ares' sockets; readable when one of them is ready */
    int shortage; /* -errno of a socket or watch that this side could not provide, or 0 */
    struct question question[2];
    struct netio__addrs *found;
};

static struct question *question_of(struct netio__dns *dns, int family)
{
    return &dns->question[family == AF_INET6];
}

/* ares_library_init counts its callers and is not thread-safe; the process may have threads
 * that are not ours.  Once is enough: nothing of it is freed before the process ends. */
static int library_status;

static void init_library(void)
{
    library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

/* Sockets of our own making: close-on-exec from birth, as all of them, and never SIGPIPE when
 * a name server hangs up on a question over TCP. */
static ares_socket_t open_socket(int family, int type, int protocol, void *data)
{
    struct netio__dns *dns = data;
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

    if (fd == -1 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
        dns->shortage = -errno;
    return fd;
}

static int close_socket(ares_socket_t fd, void *data)
{
    (void)data;
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len,
                          void *data)
{
    (void)data;
    return connect(fd, to, len);
}

static ares_ssize_t receive(ares_socket_t fd, void *bytes, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *len, void *data)
{
    ssize_t n;

    (void)data;
    do
        n = recvfrom(fd, bytes, size, flags, from, len);
    while (n == -1 && errno == EINTR);
    return n;
}

static ares_ssize_t transmit(ares_socket_t fd, const struct iovec *pieces, int count, void *data)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t n;

    (void)data;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n;
}

static const struct ares_socket_functions socket_functions = {
    open_socket, close_socket, connect_socket, receive, transmit,
};

/* c-ares says what it waits for on a socket; nothing at all just before it closes it. */
static void watch_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    struct netio__dns *dns = data;
    struct epoll_event event = {.data.fd = fd};

    if (!readable && !writable) {
        (void)epoll_ctl(dns->epoll, EPOLL_CTL_DEL, fd, NULL);
        return;
    }
    event.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
    if (epoll_ctl(dns->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return;
    /* EAGAIN, which no manual lists, would read as a question that is on its way. */
    if (errno != ENOENT || epoll_ctl(dns->epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        dns->shortage = errno == EAGAIN ? -ENOMEM : -errno;
}

static int code_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENODATA:
        return NETIO_ENOADDRESS;
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return NETIO_ENONAME;
    case ARES_ETIMEOUT:
        return -ETIMEDOUT;
    case ARES_ENOMEM:
        return -ENOMEM;
    default: /* the server refused, failed, or spoke nonsense */
        return NETIO_ERESOLVER;
    }
}

static void answered(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
    struct question *question = arg;
    struct netio__addrs *found = question->dns->found;
    struct netio_addr addr;
    int family = question == question_of(question->dns, AF_INET6) ? AF_INET6 : AF_INET;

    (void)timeouts;
    question->result = answer ? NETIO_ENOADDRESS : code_of(status);
    if (!answer)
        return;
    /* A server may send records that it was not asked for. */
    for (const struct ares_addrinfo_node *node = answer->nodes; node; node = node->ai_next)
        if (node->ai_family == family &&
            netio_addr_from(&addr, node->ai_addr, (socklen_t)node->ai_addrlen) == 0) {
            netio__addrs_add(found, &addr);
            question->result = 0;
        }
    ares_freeaddrinfo(answer);
}

static int open_channel(struct netio__dns *dns, int timeout, int tries, int tcp)
{
    static char lookups[] = "b"; /* the network only: hosts.c has read the file */
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | (tcp ? ARES_FLAG_USEVC : 0),
        .timeout = timeout,
        .tries = tries,
        .lookups = lookups,
        .sock_state_cb = watch_socket,
        .sock_state_cb_data = dns,
    };
    /* DOMAINS with none: 1.18 walks the search list whatever the flags say. */
    int status = ares_init_options(&dns->channel, &options,
                                   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                       ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS |
                                       ARES_OPT_SOCK_STATE_CB);

    if (status != ARES_SUCCESS) {
        dns->channel = NULL;
        return status == ARES_ENOMEM ? -ENOMEM : NETIO_ERESOLVER;
    }
/* 1.34 prefers a table that 1.18 does not have; both still take this one. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    ares_set_socket_functions(dns->channel, &socket_functions, dns);
#pragma GCC diagnostic pop
    return 0;
}

int netio__dns_new(struct netio__dns **out, int timeout, int tries, int tcp,
                   struct netio__addrs *found)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int code;

    *out = NULL;
    pthread_once(&once, init_library);
    if (library_status != ARES_SUCCESS)
        return NETIO_ERESOLVER;
    struct netio__dns *dns = calloc(1, sizeof *dns);
    if (!dns)
        return -ENOMEM;
    dns->found = found;
    dns->question[0].dns = dns->question[1].dns = dns;
    dns->epoll = epoll_create1(EPOLL_CLOEXEC);
    code = dns->epoll == -1 ? -errno : open_channel(dns, timeout, tries, tcp);
    if (code)
        netio__dns_free(dns);
    else
        *out = dns;
    return code;
}

void netio__dns_free(struct netio__dns *dns)
{
    if (!dns)
        return;
    /* Calls back for what is under way, and would take its sockets out of epoll: that goes first,
     * for in a child of fork they are still its parent's. */
    netio_fd_close(dns->epoll);
    dns->epoll = -1;
    if (dns->channel)
        ares_destroy(dns->channel);
    free(dns);
}

void netio__dns_ask(struct netio__dns *dns, const char *name, int family)
{
    const struct ares_addrinfo_hints hints = {.ai_family = family, .ai_flags = ARES_AI_NOSORT};
    struct question *question = question_of(dns, family);

    question->result = -EAGAIN;
    ares_getaddrinfo(dns->channel, name, NULL, &hints, answered, question);
}

void netio__dns_pass_over(struct netio__dns *dns, int family)
{
    question_of(dns, family)->result = NETIO_ENOADDRESS;
}

void netio__dns_step(struct netio__dns *dns)
{
    struct epoll_event events[8];
    int n = epoll_wait(dns->epoll, events, sizeof events / sizeof *events, 0);

    for (int i = 0; i < n; i++) {
        unsigned ready = events[i].events;
        int fd = events[i].data.fd;
        int broken = (ready & (EPOLLERR | EPOLLHUP)) != 0;
        ares_process_fd(dns->channel, ready & EPOLLIN || broken ? fd : ARES_SOCKET_BAD,
                        ready & EPOLLOUT || broken ? fd : ARES_SOCKET_BAD);
    }
    if (n <= 0) /* only time has passed */
        ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void netio__dns_want(const struct netio__dns *dns, struct netio_want *want)
{
    struct timeval room, *left = ares_timeout(dns->channel, NULL, &room);

    want->fd = dns->epoll;
    want->events = NETIO_READ;
    want->deadline =
        left ? netio_deadline_in((double)left->tv_sec + (double)left->tv_usec / 1e6) : NETIO_NEVER;
}

int netio__dns_result(const struct netio__dns *dns, int family)
{
    int result = dns->question[family == AF_INET6].result;

    /* c-ares calls a socket that could not be had a server that refused. */
    return result && dns->shortage ? dns->shortage : result;
}
