/* fuzz/dnsreply.c: whatever a name server may answer, on its way through c-ares to a list of
 * addresses.
 *
 * There is no network: the calls by which src/net/dns.c reaches it are defined here, and take
 * precedence over those of the C library.  A question is answered at once: by the right id or
 * another (bit 0 of the first byte of an input), the next ten bytes as the rest of the header, the
 * question as it was asked (bit 1), and the rest of the input.  Over TCP a length goes before it,
 * which is right or not (bit 2); bit 3: TCP from the beginning. */
#include "target.h"

#include "net/dns.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEADER     12
#define STEPS_MAX  64
#define FILES_MAX  64
#define PACKET_MAX 4096

static const uint8_t *input;
static size_t input_size;

/* A socket of c-ares' is one end of a pair; here is the other. */
static struct {
    int peer, type;
    struct sockaddr_storage server;
    socklen_t len;
} files[FILES_MAX];

int socket(int family, int type, int protocol)
{
    int ends[2];

    (void)family;
    (void)protocol;
    if (socketpair(AF_UNIX, type, 0, ends) == -1)
        return -1;
    must(ends[0] < FILES_MAX);
    files[ends[0]].peer = ends[1];
    files[ends[0]].type = type & 0xf;
    return ends[0];
}

int connect(int fd, const struct sockaddr *server, socklen_t len)
{
    must(len <= sizeof files[fd].server);
    memcpy(&files[fd].server, server, len);
    files[fd].len = len;
    return 0;
}

/* The length of a name in a question that c-ares has written, which has no pointers. */
static size_t name_length(const uint8_t *name, size_t size)
{
    size_t at = 0;

    while (at < size && name[at] != 0)
        at += name[at] + 1u;
    return at + 1;
}

static void answer(int fd, const uint8_t *query, size_t size)
{
    uint8_t packet[2 + PACKET_MAX], *start = packet + 2;
    int tcp = files[fd].type == SOCK_STREAM;
    uint8_t mode = input_size ? input[0] : 0;
    size_t len = HEADER, taken = input_size < 11 ? input_size : 11;

    if (tcp) {
        query += 2;
        size -= 2;
    }
    must(size >= HEADER + 5);
    memset(start, 0, HEADER);
    memcpy(start, query, 2);
    if (mode & 1)
        start[0] ^= 0x55;
    if (taken > 1)
        memcpy(start + 2, input + 1, taken - 1);
    if (mode & 2) {
        size_t question = name_length(query + HEADER, size - HEADER) + 4;
        memcpy(start + len, query + HEADER, question);
        len += question;
    }
    size_t rest = input_size - taken < PACKET_MAX - len ? input_size - taken : PACKET_MAX - len;
    memcpy(start + len, input + taken, rest);
    len += rest;
    packet[0] = (uint8_t)(len >> 8);
    packet[1] = (uint8_t)(mode & 4 ? mode : len);
    if (send(files[fd].peer, tcp ? packet : start, tcp ? len + 2 : len, MSG_DONTWAIT) == -1)
        return; /* more than the pair holds: the answer is lost, as answers may be */
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    uint8_t query[1024];
    size_t size = 0;

    (void)flags;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        must(size + message->msg_iov[i].iov_len <= sizeof query);
        memcpy(query + size, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
        size += message->msg_iov[i].iov_len;
    }
    answer(fd, query, size);
    return (ssize_t)size;
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *len)
{
    ssize_t n = recv(fd, data, size, flags | MSG_DONTWAIT);

    if (n != -1 && from && len) {
        memcpy(from, &files[fd].server, files[fd].len < *len ? files[fd].len : *len);
        *len = files[fd].len;
    }
    return n;
}

static void close_peers(void)
{
    for (int fd = 0; fd < FILES_MAX; fd++) {
        if (files[fd].peer)
            close(files[fd].peer);
        files[fd].peer = 0;
    }
}

static void check(const struct netio__dns *dns, const struct netio__addrs *found)
{
    for (int family = AF_INET;; family = AF_INET6) {
        size_t count = netio__addrs_count(found, family);
        must(count <= NETIO_RESOLVE_MAX / 2);
        if (netio__dns_result(dns, family) == 0)
            must(count > 0);
        if (family == AF_INET6)
            break;
    }
    must(netio__addrs_count(found, AF_INET) + netio__addrs_count(found, AF_INET6) ==
         found->count);
    for (size_t i = 0; i < found->count; i++)
        must(netio_addr_port(&found->at[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct netio__addrs found;
    struct netio__dns *dns;
    struct netio_want want;

    input = data;
    input_size = size;
    found.count = 0;
    must(netio__dns_new(&dns, 5000, 1, input_size && (input[0] & 8), &found) == 0);
    netio__dns_ask(dns, "www.netio.test", AF_INET6);
    netio__dns_ask(dns, "www.netio.test", AF_INET);
    for (int steps = 0; steps < STEPS_MAX; steps++) {
        netio__dns_want(dns, &want);
        struct pollfd ready = {.fd = want.fd, .events = POLLIN};
        if (poll(&ready, 1, 0) != 1)
            break;
        netio__dns_step(dns);
    }
    check(dns, &found);
    netio__dns_free(dns);
    close_peers();
    return 0;
}
