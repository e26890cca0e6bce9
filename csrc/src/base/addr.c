/* Ring 0.  Socket addresses: parse, take apart, compare; see netio/addr.h.
 * Text of addresses is in addr_str.c, networks are in cidr.c. */
#include <netio/addr.h>
#include <netio/error.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* Scratch for one host: 45 characters of IPv6, "%" and a zone. */
#define HOST_MAX (INET6_ADDRSTRLEN + IF_NAMESIZE)

static int parse_unix(struct netio_addr *addr, const char *path)
{
    size_t len = strlen(path);

    if (len >= sizeof addr->u.un.sun_path)
        return -ENAMETOOLONG;
    addr->u.un.sun_family = AF_UNIX;
    memcpy(addr->u.un.sun_path, path, len + 1);
    addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return 0;
}

/* A whole number without sign or leading zero, at most max; -1 for anything else. */
static long parse_number(const char *text, long max)
{
    long value = 0;

    if (!*text || (text[0] == '0' && text[1]))
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
        if (value > max)
            return -1;
    }
    return value;
}

/* RFC 4007 section 11: a zone is the name of an interface or its number.  Linux stops
 * reading a name at its first ":" (eth0:1 was an alias of eth0): "fe80::1%eth0:43" would lose
 * its port without a word. */
static int parse_zone(struct netio_addr *addr, const char *zone)
{
    if ((!IN6_IS_ADDR_LINKLOCAL(&addr->u.in6.sin6_addr) &&
         !IN6_IS_ADDR_MC_LINKLOCAL(&addr->u.in6.sin6_addr)) ||
        strchr(zone, ':'))
        return NETIO_EBADADDRESS;
    long number = parse_number(zone, 0x7fffffff);
    addr->u.in6.sin6_scope_id = number > 0 ? (uint32_t)number : if_nametoindex(zone);
    return addr->u.in6.sin6_scope_id ? 0 : NETIO_EBADADDRESS;
}

static int parse_in6(struct netio_addr *addr, char *host)
{
    char *zone = strchr(host, '%');

    if (zone)
        *zone++ = '\0';
    if (inet_pton(AF_INET6, host, &addr->u.in6.sin6_addr) != 1)
        return NETIO_EBADADDRESS;
    addr->u.in6.sin6_family = AF_INET6;
    addr->len = sizeof addr->u.in6;
    return zone ? parse_zone(addr, zone) : 0;
}

/* A host of len bytes, without brackets. */
static int parse_host(struct netio_addr *addr, const char *text, size_t len)
{
    char host[HOST_MAX];

    if (len == 0 || len >= sizeof host)
        return NETIO_EBADADDRESS;
    memcpy(host, text, len);
    host[len] = '\0';
    if (strchr(host, ':'))
        return parse_in6(addr, host);
    /* Strict dotted decimal: glibc and musl let no leading zero pass. */
    if (inet_pton(AF_INET, host, &addr->u.in4.sin_addr) != 1)
        return NETIO_EBADADDRESS;
    addr->u.in4.sin_family = AF_INET;
    addr->len = sizeof addr->u.in4;
    return 0;
}

/* Leaves addr unset when parsing failed half-way. */
static int settled(struct netio_addr *addr, int code)
{
    if (code)
        memset(addr, 0, sizeof *addr);
    return code;
}

int netio_addr_parse(struct netio_addr *addr, const char *text)
{
    size_t len = strlen(text);

    memset(addr, 0, sizeof *addr);
    if (strncmp(text, "unix:/", 6) == 0)
        return settled(addr, parse_unix(addr, text + 5));
    if (text[0] == '/')
        return settled(addr, parse_unix(addr, text));
    if (text[0] == '[') {
        if (len < 2 || text[len - 1] != ']' || !memchr(text, ':', len))
            return NETIO_EBADADDRESS;
        return settled(addr, parse_host(addr, text + 1, len - 2));
    }
    return settled(addr, parse_host(addr, text, len));
}

int netio_addr_parse_port(struct netio_addr *addr, const char *text)
{
    memset(addr, 0, sizeof *addr);
    if (text[0] == '/' || strncmp(text, "unix:", 5) == 0)
        return netio_addr_parse(addr, text);
    const char *colon = strrchr(text, ':');
    if (!colon)
        return NETIO_EBADADDRESS;
    const char *host = text;
    size_t len = (size_t)(colon - text);
    int bracketed = text[0] == '[';
    if (bracketed && (len < 2 || text[len - 1] != ']'))
        return NETIO_EBADADDRESS;
    if (bracketed) {
        host++;
        len -= 2;
    }
    /* Brackets and IPv6 belong together: "::1:43" would be read in two ways. */
    if (bracketed != (memchr(host, ':', len) != NULL))
        return NETIO_EBADADDRESS;
    long port = parse_number(colon + 1, 65535);
    if (port < 1)
        return NETIO_EBADADDRESS;
    int code = parse_host(addr, host, len);
    if (!code)
        netio_addr_set_port(addr, (unsigned)port);
    return settled(addr, code);
}

int netio_addr_from(struct netio_addr *addr, const struct sockaddr *sa, socklen_t len)
{
    memset(addr, 0, sizeof *addr);
    if (len > sizeof addr->u || len < sizeof sa->sa_family)
        return NETIO_EBADADDRESS;
    if ((sa->sa_family == AF_INET && len < sizeof addr->u.in4) ||
        (sa->sa_family == AF_INET6 && len < sizeof addr->u.in6) ||
        (sa->sa_family != AF_INET && sa->sa_family != AF_INET6 && sa->sa_family != AF_UNIX))
        return NETIO_EBADADDRESS;
    memcpy(&addr->u, sa, len);
    addr->len = len;
    return 0;
}

static int addr_of(struct netio_addr *addr, int fd,
                   int (*ask)(int, struct sockaddr *restrict, socklen_t *restrict))
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof storage;

    memset(addr, 0, sizeof *addr);
    if (ask(fd, (struct sockaddr *)&storage, &len) == -1)
        return -errno;
    return netio_addr_from(addr, (struct sockaddr *)&storage, len);
}

int netio_addr_local(struct netio_addr *addr, int fd)
{
    return addr_of(addr, fd, getsockname);
}

int netio_addr_peer(struct netio_addr *addr, int fd)
{
    return addr_of(addr, fd, getpeername);
}

int netio_addr_family(const struct netio_addr *addr)
{
    return addr->len ? addr->u.sa.sa_family : AF_UNSPEC;
}

unsigned netio_addr_port(const struct netio_addr *addr)
{
    switch (netio_addr_family(addr)) {
    case AF_INET:
        return ntohs(addr->u.in4.sin_port);
    case AF_INET6:
        return ntohs(addr->u.in6.sin6_port);
    default:
        return 0;
    }
}

void netio_addr_set_port(struct netio_addr *addr, unsigned port)
{
    if (netio_addr_family(addr) == AF_INET)
        addr->u.in4.sin_port = htons((uint16_t)port);
    else if (netio_addr_family(addr) == AF_INET6)
        addr->u.in6.sin6_port = htons((uint16_t)port);
}

void netio_addr_unmap(struct netio_addr *addr)
{
    if (netio_addr_family(addr) != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&addr->u.in6.sin6_addr))
        return;
    struct netio_addr plain = {.len = sizeof plain.u.in4};
    plain.u.in4.sin_family = AF_INET;
    plain.u.in4.sin_port = addr->u.in6.sin6_port;
    memcpy(&plain.u.in4.sin_addr, &addr->u.in6.sin6_addr.s6_addr[12], 4);
    *addr = plain;
}

int netio_addr_is_loopback(const struct netio_addr *addr)
{
    struct netio_addr plain = *addr;

    netio_addr_unmap(&plain);
    switch (netio_addr_family(&plain)) {
    case AF_INET:
        return ntohl(plain.u.in4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&plain.u.in6.sin6_addr);
    default:
        return netio_addr_family(&plain) == AF_UNIX;
    }
}

static int order(unsigned long a, unsigned long b)
{
    return (a > b) - (a < b);
}

static int compare_in6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    int sign = memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr);

    return sign ? sign : order(a->sin6_scope_id, b->sin6_scope_id);
}

static int compare_unix(const struct netio_addr *a, const struct netio_addr *b)
{
    int sign = order(a->len, b->len);

    /* Abstract names may hold NULs: compare all bytes. */
    return sign ? sign : memcmp(&a->u, &b->u, a->len);
}

int netio_addr_compare(const struct netio_addr *a, const struct netio_addr *b)
{
    int family = netio_addr_family(a);
    int sign = order((unsigned long)family, (unsigned long)netio_addr_family(b));

    if (sign || family == AF_UNSPEC)
        return sign;
    if (family == AF_UNIX)
        return compare_unix(a, b);
    if (family == AF_INET)
        sign = memcmp(&a->u.in4.sin_addr, &b->u.in4.sin_addr, sizeof a->u.in4.sin_addr);
    else
        sign = compare_in6(&a->u.in6, &b->u.in6);
    return sign ? sign : order(netio_addr_port(a), netio_addr_port(b));
}
