/* netio/addr.h: socket addresses and networks (ring 0).
 *
 * Everything here is numeric: no name is looked up, nothing blocks.  IPv4 is
 * strict dotted decimal (RFC 6943 3.1.1: no octal, no hex, no short forms), IPv6
 * is RFC 4291 text, printed as RFC 5952 wants it, with an RFC 4007 zone
 * (fe80::1%eth0, fe80::1%2).  Unix addresses are paths that begin with "/".
 *
 * Fork and signals: no state.  Zones are read and printed by interface name,
 * which asks the kernel; nothing else makes a system call.
 */
#ifndef NETIO_ADDR_H
#define NETIO_ADDR_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A value: copy it as you like.  len 0 means unset. */
struct netio_addr {
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } u;
};

/* Room for every address as text, its NUL included. */
#define NETIO_ADDR_STRLEN 448

/* A host and nothing else: "192.0.2.1", "2001:db8::1", "[::1]", "fe80::1%eth0",
 * "/run/whois.sock" or "unix:/run/whois.sock".  Port 0.  Returns 0,
 * NETIO_EBADADDRESS, or -ENAMETOOLONG for a path that does not fit; then *addr is unset. */
int netio_addr_parse(struct netio_addr *addr, const char *text);
/* An address with its numeric port, 1 to 65535: "192.0.2.1:43", "[::1]:43"; a
 * unix path has none.  Same errors. */
int netio_addr_parse_port(struct netio_addr *addr, const char *text);
/* The address of a socket's own end or of its peer; 0, -errno, or NETIO_EBADADDRESS for
 * a family that is none of the three. */
int netio_addr_local(struct netio_addr *addr, int fd);
int netio_addr_peer(struct netio_addr *addr, int fd);
/* From a sockaddr; NETIO_EBADADDRESS for a family that is none of the three or a
 * length that does not fit it. */
int netio_addr_from(struct netio_addr *addr, const struct sockaddr *sa, socklen_t len);

/* AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC when unset. */
int netio_addr_family(const struct netio_addr *addr);
/* The port in host order; 0 for unix and unset.  netio_addr_set_port ignores those. */
unsigned netio_addr_port(const struct netio_addr *addr);
void netio_addr_set_port(struct netio_addr *addr, unsigned port);
/* Turns ::ffff:a.b.c.d into a.b.c.d in place; others stay. */
void netio_addr_unmap(struct netio_addr *addr);
/* 127.0.0.0/8, ::1, their v4-mapped form, or unix. */
int netio_addr_is_loopback(const struct netio_addr *addr);

/* Orders by family, address, zone, port: <0, 0, >0 as memcmp does. */
int netio_addr_compare(const struct netio_addr *a, const struct netio_addr *b);

/* Text, cut to size; returns out.  _host: "192.0.2.1", "fe80::1%eth0", the path.
 * Whole: "192.0.2.1:43", "[::1]:43", "unix:/path"; "-" when unset; a nameless
 * unix peer is "unix:".  Bytes of a path that are not printable become \xHH. */
char *netio_addr_host_str(const struct netio_addr *addr, char *out, size_t size);
char *netio_addr_str(const struct netio_addr *addr, char *out, size_t size);

/* A network: its address with the host bits zero, and the length of its prefix. */
struct netio_cidr {
    struct netio_addr addr;
    unsigned bits;
};

/* "192.0.2.0/24", "2001:db8::/32", or a lone address (/32, /128).  Bits set below
 * the prefix, a sign, a leading zero and a zone are errors: NETIO_EBADNETWORK.
 * ::ffff:a.b.c.d/96+n is the IPv4 network a.b.c.d/n. */
int netio_cidr_parse(struct netio_cidr *cidr, const char *text);
/* Whether the network holds the address; v4-mapped addresses count as IPv4. */
int netio_cidr_match(const struct netio_cidr *cidr, const struct netio_addr *addr);
char *netio_cidr_str(const struct netio_cidr *cidr, char *out, size_t size);

#endif
