/* Ring 1, private.  One rule of netio/access.h, as text and as 20 bytes; access.c has the list. */
#ifndef NETIO_SRC_NET_ACCESS_RULE_H
#define NETIO_SRC_NET_ACCESS_RULE_H

#include <netio/access.h>

#include "net/prefix.h"

#define NETIO__RULE_TEXT 1023 /* longest text of one, in bytes */

enum netio__rule_kind {
    NETIO__RULE_NETWORK,
    NETIO__RULE_ALL,
    NETIO__RULE_UNIX,
    NETIO__RULE_UID,
    NETIO__RULE_GID
};

struct netio__rule {
    uint8_t verdict; /* enum netio_verdict */
    uint8_t kind;    /* enum netio__rule_kind */
    union {
        struct netio__prefix net;
        uint32_t id;
    } of;
};

/* 1 and *rule; 0 for a text without a rule (empty, or a comment); or a code, with the word at fault
 * in word. */
int netio__rule_parse(struct netio__rule *rule, const char *text, char word[NETIO__RULE_TEXT + 1]);

#define NETIO__RULE_STRLEN 64 /* "exempt " and a network, a line's end and NUL */

/* Its text, as a line; how long that is. */
size_t netio__rule_str(const struct netio__rule *rule, char out[NETIO__RULE_STRLEN]);

#endif
