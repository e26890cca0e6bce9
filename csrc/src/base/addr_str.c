/* Ring 0.  Socket addresses as text; see netio/addr.h. */
#include <netio/addr.h>
#include <netio/text.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* RFC 5952 through inet_ntop, with the zone behind it. */
static void in6_str(const struct sockaddr_in6 *in6, char *out, size_t size)
{
    char name[IF_NAMESIZE];

    if (!inet_ntop(AF_INET6, &in6->sin6_addr, out, (socklen_t)size))
        out[0] = '\0';
    size_t len = strlen(out);
    if (!in6->sin6_scope_id)
        return;
    if (if_indextoname(in6->sin6_scope_id, name))
        snprintf(out + len, size - len, "%%%s", name);
    else
        snprintf(out + len, size - len, "%%%u", (unsigned)in6->sin6_scope_id);
}

/* A path is what a stranger may have bound: bytes that are not printable become \xHH,
 * and so does the NUL that abstract names begin with. */
static void unix_str(const struct netio_addr *addr, char *out, size_t size)
{
    const char *path = addr->u.un.sun_path;
    size_t n = addr->len - offsetof(struct sockaddr_un, sun_path);
    size_t length = 0;

    if (addr->len < offsetof(struct sockaddr_un, sun_path))
        n = 0;
    if (n && path[0])
        n = strnlen(path, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)path[i];
        int plain = byte >= 0x20 && byte <= 0x7e;
        if (size - length <= (plain ? 1 : 4))
            break;
        if (plain)
            out[length++] = (char)byte;
        else
            length += (size_t)snprintf(out + length, size - length, "\\x%02x", byte);
    }
    out[length] = '\0';
}

/* As inet_ntop has it, and where that ends; the longest is 15 bytes.  With inet_ntop, which is made
 * of printf, the address of a peer took more time than all the rest of a line in the log. */
static char *put_in4(const struct sockaddr_in *in4, char *out)
{
    uint32_t host = ntohl(in4->sin_addr.s_addr);

    for (int shift = 24; shift >= 0; shift -= 8) {
        out = netio_text_number(host >> shift & 255, out);
        *out++ = '.';
    }
    return out - 1;
}

char *netio_addr_host_str(const struct netio_addr *addr, char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1] = "-";

    if (size == 0)
        return out;
    switch (netio_addr_family(addr)) {
    case AF_INET:
        *put_in4(&addr->u.in4, text) = '\0'; /* over the last dot */
        break;
    case AF_INET6:
        in6_str(&addr->u.in6, text, sizeof text);
        break;
    case AF_UNIX:
        unix_str(addr, out, size);
        return out;
    default:
        break;
    }
    size_t len = strnlen(text, size - 1);
    memcpy(out, text, len);
    out[len] = '\0';
    return out;
}

/* The one that a busy server's log asks for again and again. */
static char *in4_str(const struct netio_addr *addr, char *out, size_t size)
{
    char text[32], *end = put_in4(&addr->u.in4, text);

    *end++ = ':';
    end = netio_text_number(netio_addr_port(addr), end);
    size_t len = (size_t)(end - text);
    if (size == 0)
        return out;
    if (len >= size)
        len = size - 1;
    memcpy(out, text, len);
    out[len] = '\0';
    return out;
}

char *netio_addr_str(const struct netio_addr *addr, char *out, size_t size)
{
    char host[NETIO_ADDR_STRLEN];

    if (netio_addr_family(addr) == AF_INET)
        return in4_str(addr, out, size);
    netio_addr_host_str(addr, host, sizeof host);
    switch (netio_addr_family(addr)) {
    case AF_INET6:
        snprintf(out, size, "[%s]:%u", host, netio_addr_port(addr));
        break;
    case AF_UNIX:
        snprintf(out, size, "unix:%s", host);
        break;
    default:
        snprintf(out, size, "-");
    }
    return out;
}
