/* Ring 1.  The policy table of RFC 6724 and gai.conf(5); see policy.h.
 * Called by order.c; it reads one file.
 *
 * The C library reads that file for getaddrinfo(3), so that an administrator who wants IPv4 first
 * ("precedence ::ffff:0:0/96 100") has said so there.  What stands in no line is as the RFC has
 * it, though, not as in the older table of the C library, which puts all private IPv6 networks
 * (fc00::/7) before IPv4: those of other sites can rarely be reached.  The one that this machine
 * is part of is put there (order.c), as sections 2.1 and 10.6 allow and its successor, in the
 * making (draft-ietf-6man-rfc6724-update), demands. */
#include "policy.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define GAICONF_PATH "/etc/gai.conf"
#define BLANKS       " \t\r\n"
#define MAPPED_BITS  96 /* of ::ffff:0:0/96 */

#define SCOPE_LINK   2
#define SCOPE_SITE   5
#define SCOPE_GLOBAL 14

/* What an address has of which no row knows; gai.conf(5) need not have a row ::/0. */
#define LABEL_ELSE      1
#define PRECEDENCE_ELSE 40

static void add_row(struct netio__policy_table *table, const struct in6_addr *prefix, unsigned bits,
                    int value)
{
    if (table->count < NETIO__POLICY_ROWS)
        table->row[table->count++] = (struct netio__policy_row){*prefix, bits, value};
}

void netio__policy_default(struct netio__policy *policy)
{
    static const struct {
        const char *prefix;
        unsigned bits;
        int precedence, label;
    } rows[] = {
        {"::1", 128, 50, 0},   {"::", 0, 40, 1},       {"::ffff:0:0", 96, 35, 4},
        {"2002::", 16, 30, 2}, {"2001::", 32, 5, 5},   {"fc00::", 7, 3, 13},
        {"::", 96, 1, 3},      {"fec0::", 10, 1, 11},  {"3ffe::", 16, 1, 12},
    };
    static const struct {
        const char *prefix;
        unsigned bits;
    } link[] = {{"::ffff:169.254.0.0", 112}, {"::ffff:127.0.0.0", 104}};
    struct in6_addr prefix;

    policy->label.count = policy->precedence.count = policy->scope.count = 0;
    policy->site = 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        inet_pton(AF_INET6, rows[i].prefix, &prefix);
        add_row(&policy->precedence, &prefix, rows[i].bits, rows[i].precedence);
        add_row(&policy->label, &prefix, rows[i].bits, rows[i].label);
    }
    for (size_t i = 0; i < sizeof link / sizeof *link; i++) {
        inet_pton(AF_INET6, link[i].prefix, &prefix);
        add_row(&policy->scope, &prefix, link[i].bits, SCOPE_LINK);
    }
}

/* A number of decimal digits up to max, or -1. */
static int number(const char *text, int max)
{
    char *end;
    long value = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;

    return value >= 0 && value <= max && *end == '\0' ? (int)value : -1;
}

/* "fc00::/7", "::1", "169.254.0.0/16"; 0, or -1 for anything else. */
static int read_prefix(char *text, struct in6_addr *prefix, unsigned *bits)
{
    char *slash = strchr(text, '/');
    struct in_addr in4;
    int first = 0, len;

    if (slash)
        *slash = '\0';
    if (inet_pton(AF_INET, text, &in4) == 1) {
        *prefix = (struct in6_addr){{{[10] = 0xff, [11] = 0xff}}};
        memcpy(prefix->s6_addr + 12, &in4, sizeof in4);
        first = MAPPED_BITS;
    } else if (inet_pton(AF_INET6, text, prefix) != 1)
        return -1;
    len = slash ? number(slash + 1, 128 - first) : 128 - first;
    *bits = (unsigned)(first + len);
    return len < 0 ? -1 : 0;
}

/* Reads one line into a policy that has nothing but what earlier lines said. */
static void read_line(struct netio__policy *said, char *line)
{
    const struct {
        const char *word;
        struct netio__policy_table *table;
    } tables[] = {
        {"label", &said->label}, {"precedence", &said->precedence}, {"scopev4", &said->scope}};
    char *rest = NULL;
    struct in6_addr prefix;
    unsigned bits;

    line[strcspn(line, "#")] = '\0';
    const char *word = strtok_r(line, BLANKS, &rest);
    char *network = strtok_r(NULL, BLANKS, &rest);
    const char *text = strtok_r(NULL, BLANKS, &rest);
    if (!text || read_prefix(network, &prefix, &bits) == -1)
        return;
    int value = number(text, INT_MAX);
    for (size_t i = 0; value >= 0 && i < sizeof tables / sizeof *tables; i++)
        if (strcmp(word, tables[i].word) == 0)
            add_row(tables[i].table, &prefix, bits, value);
}

void netio__policy_read(struct netio__policy *policy, FILE *file)
{
    struct netio__policy said;
    char *line = NULL;
    size_t size = 0;

    said.label.count = said.precedence.count = said.scope.count = 0;
    while (getline(&line, &size, file) != -1)
        read_line(&said, line);
    free(line);
    netio__policy_default(policy);
    if (said.label.count)
        policy->label = said.label;
    if (said.precedence.count) {
        policy->precedence = said.precedence;
        policy->site = 0;
    }
    if (said.scope.count)
        policy->scope = said.scope;
}

void netio__policy_load(struct netio__policy *policy)
{
    FILE *file = fopen(GAICONF_PATH, "re");

    if (!file) {
        netio__policy_default(policy);
        return;
    }
    netio__policy_read(policy, file);
    fclose(file);
}

static int matches(const struct netio__policy_row *row, const struct in6_addr *in6)
{
    unsigned bytes = row->bits / 8, bits = row->bits % 8;

    if (memcmp(&row->prefix, in6, bytes) != 0)
        return 0;
    return bits == 0 || (row->prefix.s6_addr[bytes] ^ in6->s6_addr[bytes]) >> (8 - bits) == 0;
}

static struct in6_addr as_in6(const struct netio_addr *addr)
{
    struct in6_addr in6 = {{{[10] = 0xff, [11] = 0xff}}};

    if (netio_addr_family(addr) == AF_INET6)
        return addr->u.in6.sin6_addr;
    memcpy(in6.s6_addr + 12, &addr->u.in4.sin_addr, 4);
    return in6;
}

static int find(const struct netio__policy_table *table, const struct in6_addr *in6, int otherwise)
{
    const struct netio__policy_row *best = NULL;

    for (const struct netio__policy_row *row = table->row; row < table->row + table->count; row++)
        if (matches(row, in6) && (!best || row->bits > best->bits))
            best = row;
    return best ? best->value : otherwise;
}

int netio__policy_label(const struct netio__policy *policy, const struct netio_addr *addr)
{
    struct in6_addr in6 = as_in6(addr);

    return find(&policy->label, &in6, LABEL_ELSE);
}

int netio__policy_precedence(const struct netio__policy *policy, const struct netio_addr *addr)
{
    struct in6_addr in6 = as_in6(addr);

    return find(&policy->precedence, &in6, PRECEDENCE_ELSE);
}

int netio__policy_scope(const struct netio__policy *policy, const struct netio_addr *addr)
{
    struct in6_addr in6 = as_in6(addr);

    if (IN6_IS_ADDR_V4MAPPED(&in6))
        return find(&policy->scope, &in6, SCOPE_GLOBAL);
    if (IN6_IS_ADDR_MULTICAST(&in6))
        return in6.s6_addr[1] & 0x0f;
    /* RFC 6724 section 3.4: the loopback address is of the link. */
    if (IN6_IS_ADDR_LINKLOCAL(&in6) || IN6_IS_ADDR_LOOPBACK(&in6))
        return SCOPE_LINK;
    return IN6_IS_ADDR_SITELOCAL(&in6) ? SCOPE_SITE : SCOPE_GLOBAL;
}
