/* Ring 1.  The PROXY protocol; see netio/proxy.h.
 * Called by the server with what a proxy has sent so far; it touches nothing but its arguments. */
#include <netio/proxy.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define LINE_MAX_BYTES 107 /* of version 1, its CRLF included */
#define HEAD           16  /* of version 2: signature, command, family, length */

static const char line_start[] = "PROXY ";
static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* Whether bytes begin as text does, as far as both go. */
static int begins(const char *bytes, size_t size, const char *text, size_t len)
{
    return memcmp(bytes, text, size < len ? size : len) == 0;
}

/* The next word of a line whose words have one blank between them; NULL when there is none. */
static char *next_word(char **rest)
{
    char *word = *rest;

    if (!word || !*word || *word == ' ')
        return NULL;
    char *end = strchr(word, ' ');
    *rest = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return word;
}

/* Strict, as all numbers here: no sign, no leading zero; -1 for anything else. */
static int parse_port(const char *text)
{
    int port = 0;

    if (text[0] == '0' && text[1])
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = port * 10 + (*text - '0');
        if (port > 65535)
            return -1;
    }
    return port;
}

/* One end of a version 1 line. */
static int parse_end(struct netio_addr *addr, int family, const char *host, const char *port)
{
    int number = host && port ? parse_port(port) : -1;

    if (number == -1 || host[0] == '[' || strchr(host, '%') || netio_addr_parse(addr, host) < 0 ||
        netio_addr_family(addr) != family)
        return -EBADMSG;
    netio_addr_set_port(addr, (unsigned)number);
    netio_addr_unmap(addr);
    return 0;
}

/* What is behind "PROXY ", without the CRLF. */
static int parse_words(char *rest, struct netio_addr *peer, struct netio_addr *local)
{
    char *family = next_word(&rest);

    if (family && strcmp(family, "UNKNOWN") == 0)
        return 0;
    int is4 = family && strcmp(family, "TCP4") == 0;
    if (!is4 && !(family && strcmp(family, "TCP6") == 0))
        return -EBADMSG;
    char *from = next_word(&rest), *to = next_word(&rest);
    char *from_port = next_word(&rest), *to_port = next_word(&rest);
    int code = rest ? -EBADMSG : parse_end(peer, is4 ? AF_INET : AF_INET6, from, from_port);
    return code ? code : parse_end(local, is4 ? AF_INET : AF_INET6, to, to_port);
}

static ssize_t parse_line(const char *bytes, size_t size, struct netio_addr *peer,
                          struct netio_addr *local)
{
    char line[LINE_MAX_BYTES + 1];
    size_t most = size < LINE_MAX_BYTES ? size : LINE_MAX_BYTES;
    const char *end = memchr(bytes, '\n', most), *cr = memchr(bytes, '\r', most);

    /* The one CR there may be stands before the one LF. */
    if (cr && (size_t)(cr - bytes) + 1 < most && cr[1] != '\n')
        return -EBADMSG;
    if (!end)
        return size < LINE_MAX_BYTES ? -EAGAIN : -EBADMSG;
    size_t len = (size_t)(end - bytes);
    if (cr != end - 1 || memchr(bytes, '\0', len))
        return -EBADMSG;
    memcpy(line, bytes, len - 1);
    line[len - 1] = '\0';
    int code = parse_words(line + sizeof line_start - 1, peer, local);
    return code ? code : (ssize_t)len + 1;
}

static void get_end(struct netio_addr *addr, int family, const unsigned char *host,
                    const unsigned char *port)
{
    memset(addr, 0, sizeof *addr);
    addr->u.sa.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        addr->len = sizeof addr->u.in4;
        memcpy(&addr->u.in4.sin_addr, host, sizeof addr->u.in4.sin_addr);
    } else {
        addr->len = sizeof addr->u.in6;
        memcpy(&addr->u.in6.sin6_addr, host, sizeof addr->u.in6.sin6_addr);
    }
    netio_addr_set_port(addr, (unsigned)port[0] << 8 | port[1]);
    netio_addr_unmap(addr);
}

/* What is behind the head of a PROXY command: the family, a stream (1) or datagrams (2). */
static int get_ends(unsigned char family, const unsigned char *body, size_t len,
                    struct netio_addr *peer, struct netio_addr *local)
{
    size_t wide = family >> 4 == 1 ? 4 : family >> 4 == 2 ? 16 : 108;

    if (family == 0)
        return 0;
    if (family >> 4 > 3 || family >> 4 == 0 || (family & 15) == 0 || (family & 15) > 2 ||
        len < 2 * wide + (wide == 108 ? 0 : 4))
        return -EBADMSG;
    if (wide == 108)
        return 0;
    int af = wide == 4 ? AF_INET : AF_INET6;
    get_end(peer, af, body, body + 2 * wide);
    get_end(local, af, body + wide, body + 2 * wide + 2);
    return 0;
}

static ssize_t parse_binary(const char *bytes, size_t size, struct netio_addr *peer,
                            struct netio_addr *local)
{
    const unsigned char *head = (const unsigned char *)bytes;

    if (size > 12 && head[12] != 0x20 && head[12] != 0x21)
        return -EBADMSG;
    if (size < HEAD)
        return -EAGAIN;
    size_t len = (size_t)head[14] << 8 | head[15];
    if (HEAD + len > NETIO_PROXY_MAX)
        return -EBADMSG;
    if (size < HEAD + len)
        return -EAGAIN;
    /* LOCAL, the proxy for itself: the family and what follows mean nothing. */
    int code = head[12] == 0x20 ? 0 : get_ends(head[13], head + HEAD, len, peer, local);
    return code ? code : (ssize_t)(HEAD + len);
}

ssize_t netio_proxy_parse(const char *bytes, size_t size, struct netio_addr *peer,
                          struct netio_addr *local)
{
    struct netio_addr from = {0}, to = {0};
    ssize_t n = -EBADMSG;

    if (size == 0)
        n = -EAGAIN;
    else if (begins(bytes, size, line_start, sizeof line_start - 1))
        n = size < sizeof line_start ? -EAGAIN : parse_line(bytes, size, &from, &to);
    else if (begins(bytes, size, signature, sizeof signature - 1))
        n = parse_binary(bytes, size, &from, &to);
    *peer = n > 0 ? from : (struct netio_addr){0};
    if (local)
        *local = n > 0 ? to : (struct netio_addr){0};
    return n;
}
