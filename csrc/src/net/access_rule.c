/* Ring 1.  One rule; see access_rule.h.  Called by access.c; it asks the name services for users
 * and groups. */
#include "net/access_rule.h"

#include "base/ids.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t"

static const char *const verdicts[] = {[NETIO_DENY] = "deny",
                                       [NETIO_ALLOW] = "allow",
                                       [NETIO_EXEMPT] = "exempt",
                                       [NETIO_PROXY] = "proxy"};

static const char *const kinds[] = {[NETIO__RULE_ALL] = "all",
                                    [NETIO__RULE_UNIX] = "unix",
                                    [NETIO__RULE_UID] = "uid",
                                    [NETIO__RULE_GID] = "gid"};

static int parse_verdict(const char *word)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(word, verdicts[i]) == 0)
            return i;
    return NETIO_EBADOPTION;
}

/* Users and groups, by the text of their name or number. */
static int parse_id(struct netio__rule *rule, const char *text)
{
    int is_user = rule->kind == NETIO__RULE_UID;
    int found = is_user ? netio__find_uid(text, &rule->of.id) : netio__find_gid(text, &rule->of.id);

    if (found == 0)
        return is_user ? NETIO_ENOUSER : NETIO_ENOGROUP;
    return found < 0 ? found : 0;
}

static int parse_network(struct netio__rule *rule, const char *text)
{
    struct netio_cidr cidr;
    int code = netio_cidr_parse(&cidr, text);

    rule->kind = NETIO__RULE_NETWORK;
    if (code == 0)
        (void)netio__prefix_of(&rule->of.net, &cidr.addr, cidr.bits, cidr.bits);
    return code;
}

static int is_kind(struct netio__rule *rule, const char *word)
{
    for (unsigned i = NETIO__RULE_ALL; i <= NETIO__RULE_GID; i++)
        if (strcmp(word, kinds[i]) == 0) {
            rule->kind = (uint8_t)i;
            return 1;
        }
    return 0;
}

/* The next word, or the end of the text. */
static char *next_word(char **rest)
{
    char *word = strtok_r(NULL, BLANKS, rest);

    return word ? word : *rest;
}

/* Behind the verdict: 0, or a code and *word is the one at fault. */
static int parse_peer(struct netio__rule *rule, char **word, char **rest)
{
    char *verdict = *word;
    int code = 0;

    *word = next_word(rest);
    if (!**word) {
        *word = verdict;
        return NETIO_EBADOPTION;
    }
    if (!is_kind(rule, *word))
        return parse_network(rule, *word);
    if (rule->kind == NETIO__RULE_UID || rule->kind == NETIO__RULE_GID) {
        char *of_what = *word;
        *word = next_word(rest);
        code = **word ? parse_id(rule, *word) : NETIO_EBADOPTION;
        if (!**word)
            *word = of_what;
    }
    return code;
}

int netio__rule_parse(struct netio__rule *rule, const char *text, char fault[NETIO__RULE_TEXT + 1])
{
    char copy[NETIO__RULE_TEXT + 1], *rest = NULL;
    size_t len = strcspn(text, "#");

    memset(rule, 0, sizeof *rule);
    snprintf(fault, NETIO__RULE_TEXT + 1, "%s", text);
    if (len >= sizeof copy)
        return NETIO_ETOOLONG;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *word = strtok_r(copy, BLANKS, &rest);
    if (!word)
        return 0;
    int code = parse_verdict(word);
    if (code >= 0) {
        rule->verdict = (uint8_t)code;
        code = parse_peer(rule, &word, &rest);
    }
    if (code == 0) {
        word = next_word(&rest);
        code = *word ? NETIO_EBADOPTION : 1;
    }
    if (code < 0)
        snprintf(fault, NETIO__RULE_TEXT + 1, "%s", word);
    return code;
}

size_t netio__rule_str(const struct netio__rule *rule, char out[NETIO__RULE_STRLEN])
{
    const char *verdict = verdicts[rule->verdict];
    char host[INET6_ADDRSTRLEN];
    int len;

    if (rule->kind == NETIO__RULE_NETWORK) {
        const struct netio__prefix *net = &rule->of.net;
        inet_ntop(net->is6 ? AF_INET6 : AF_INET, net->bytes, host, sizeof host);
        len = snprintf(out, NETIO__RULE_STRLEN, "%s %s/%u\n", verdict, host, net->bits);
    } else if (rule->kind == NETIO__RULE_UID || rule->kind == NETIO__RULE_GID)
        len = snprintf(out, NETIO__RULE_STRLEN, "%s %s %u\n", verdict, kinds[rule->kind],
                       rule->of.id);
    else
        len = snprintf(out, NETIO__RULE_STRLEN, "%s %s\n", verdict, kinds[rule->kind]);
    return (size_t)len;
}
