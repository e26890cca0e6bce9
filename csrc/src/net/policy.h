/* Ring 1, private: the policy table of RFC 6724, and gai.conf(5), which changes it. */
#ifndef NETIO_SRC_NET_POLICY_H
#define NETIO_SRC_NET_POLICY_H

#include <netio/addr.h>
#include <stdio.h>

#define NETIO__POLICY_ROWS 64 /* of each table; further ones of a file are passed over */

struct netio__policy_row {
    struct in6_addr prefix; /* IPv4 networks are below ::ffff:0:0/96 */
    unsigned bits;
    int value;
};

/* The row with the longest prefix that holds an address says the value. */
struct netio__policy_table {
    size_t count;
    struct netio__policy_row row[NETIO__POLICY_ROWS];
};

struct netio__policy {
    struct netio__policy_table label, precedence, scope;
    int site; /* NETIO__POLICY_SITE holds; a file that has precedences says everything of them */
};

/* The precedence of a private IPv6 network (fd00::/8) that this machine is part of. */
#define NETIO__POLICY_SITE 45

/* The tables of RFC 6724 section 2.1 and, for the scope of IPv4, section 3.2. */
void netio__policy_default(struct netio__policy *policy);
/* Those, but each table of which the file (gai.conf(5)) has a line is what its lines say.
 * Lines that make no sense are passed over. */
void netio__policy_read(struct netio__policy *policy, FILE *file);
/* The same with /etc/gai.conf; one that cannot be read changes nothing. */
void netio__policy_load(struct netio__policy *policy);

/* Of an IPv4 or IPv6 address.  The scope is a number as in multicast addresses: 2 for
 * the link, 5 for the site, 14 for the world. */
int netio__policy_label(const struct netio__policy *policy, const struct netio_addr *addr);
int netio__policy_precedence(const struct netio__policy *policy, const struct netio_addr *addr);
int netio__policy_scope(const struct netio__policy *policy, const struct netio_addr *addr);

#endif
