/* Ring 0.  Networks: parse, match, print; see netio/addr.h. */
#include <netio/addr.h>
#include <netio/error.h>

#include <stdio.h>
#include <string.h>

/* The bytes of an address, and how many bits they are; NULL for unix and unset. */
static const unsigned char *bytes_of(const struct netio_addr *addr, unsigned *bits)
{
    switch (netio_addr_family(addr)) {
    case AF_INET:
        *bits = 32;
        return (const unsigned char *)&addr->u.in4.sin_addr;
    case AF_INET6:
        *bits = 128;
        return addr->u.in6.sin6_addr.s6_addr;
    default:
        *bits = 0;
        return NULL;
    }
}

/* Whether the first n bits of a and b are the same. */
static int same_bits(const unsigned char *a, const unsigned char *b, unsigned n)
{
    unsigned whole = n / 8, rest = n % 8;

    if (memcmp(a, b, whole) != 0)
        return 0;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static int has_host_bits(const unsigned char *bytes, unsigned bits, unsigned width)
{
    for (unsigned i = bits; i < width; i++)
        if (bytes[i / 8] >> (7 - i % 8) & 1)
            return 1;
    return 0;
}

/* One to three digits without a leading zero; -1 for anything else. */
static int parse_bits(const char *text)
{
    int value = 0;
    size_t len = strlen(text);

    if (len == 0 || len > 3 || (len > 1 && text[0] == '0'))
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

/* The prefix of what was parsed: RFC 4291 2.5.5.2 networks become IPv4. */
static int settle(struct netio_cidr *cidr, int bits)
{
    unsigned width;

    if (netio_addr_family(&cidr->addr) == AF_INET6 &&
        IN6_IS_ADDR_V4MAPPED(&cidr->addr.u.in6.sin6_addr)) {
        if (bits != -1 && bits < 96)
            return NETIO_EBADNETWORK;
        bits = bits == -1 ? 32 : bits - 96;
        netio_addr_unmap(&cidr->addr);
    }
    const unsigned char *bytes = bytes_of(&cidr->addr, &width);
    if (!bytes || (bits != -1 && (unsigned)bits > width))
        return NETIO_EBADNETWORK;
    cidr->bits = bits == -1 ? width : (unsigned)bits;
    return has_host_bits(bytes, cidr->bits, width) ? NETIO_EBADNETWORK : 0;
}

int netio_cidr_parse(struct netio_cidr *cidr, const char *text)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    int bits = slash ? parse_bits(slash + 1) : -1;
    int code = NETIO_EBADNETWORK;

    memset(cidr, 0, sizeof *cidr);
    if ((slash && bits == -1) || len == 0 || len >= sizeof host || text[0] == '[' ||
        memchr(text, '%', len))
        return code;
    memcpy(host, text, len);
    host[len] = '\0';
    if (netio_addr_parse(&cidr->addr, host) == 0)
        code = settle(cidr, bits);
    if (code)
        memset(cidr, 0, sizeof *cidr);
    return code;
}

int netio_cidr_match(const struct netio_cidr *cidr, const struct netio_addr *addr)
{
    struct netio_addr plain = *addr;
    unsigned width, other;

    netio_addr_unmap(&plain);
    const unsigned char *net = bytes_of(&cidr->addr, &width);
    const unsigned char *host = bytes_of(&plain, &other);
    return net && host && width == other && same_bits(net, host, cidr->bits);
}

char *netio_cidr_str(const struct netio_cidr *cidr, char *out, size_t size)
{
    char host[NETIO_ADDR_STRLEN];

    snprintf(out, size, "%s/%u", netio_addr_host_str(&cidr->addr, host, sizeof host), cidr->bits);
    return out;
}
