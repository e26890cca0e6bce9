/* Ring 1, private.  One rule of netio/access.h, as text and as 20 bytes; access.c has the list. */
#ifndef NETIO_SRC_NET_ACCESS_RULE_H
#define NETIO_SRC_NET_ACCESS_RULE_H

#include <netio/access.h>
#include <stdint.h>

#define NETIO__RULE_TEXT 1023 /* longest text of one, in bytes */

enum netio__rule_kind {
    NETIO__RULE_NETWORK,
    NETIO__RULE_ALL,
    NETIO__RULE_UNIX,
    NETIO__RULE_UID,
    NETIO__RULE_GID
};

/* A network as 16 bytes, IPv4 in the first four and zeros behind them: fit to be hashed. */
struct netio__net {
    unsigned char bytes[16];
    uint8_t is6;
    uint8_t bits;
};

struct netio__rule {
    uint8_t verdict; /* enum netio_verdict */
    uint8_t kind;    /* enum netio__rule_kind */
    union {
        struct netio__net net;
        uint32_t id;
    } of;
};

/* The network of an address, v4-mapped or not, and that many of its bits; 0 for one that is
 * neither IPv4 nor IPv6. */
int netio__net_of(struct netio__net *net, const struct netio_addr *addr, unsigned ipv4_bits,
                  unsigned ipv6_bits);
/* 1 and *rule; 0 for a text without a rule (empty, or a comment); or a code, with the word at fault
 * in word. */
int netio__rule_parse(struct netio__rule *rule, const char *text, char word[NETIO__RULE_TEXT + 1]);

#endif
