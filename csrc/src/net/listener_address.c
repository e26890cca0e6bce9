/* Ring 1.  The text of a listen address; see netio/listener.h.  Called by listener.c, and by the
 * set of a supervisor's listeners; it asks services(5), and who a user or group is, and touches
 * nothing. */
#include "net/listener.h"

#include <netio/names.h>
#include <netio/service.h>
#include <netio/user.h>

#include <errno.h>
#include <string.h>

static int not_an_address(struct netio_error *error, int code, const char *text)
{
    return netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, text);
}

/* 0 to 65535 (0 only as "0": the kernel chooses), or NETIO_EBADSERVICE. */
static int parse_service(const char *service, int type, struct netio_error *error)
{
    const char *protocol = type == SOCK_DGRAM ? "udp" : "tcp";
    int port = strcmp(service, "0") == 0 ? 0 : netio_service_port(service, protocol);

    if (port < 0)
        return netio_error_set(error, NETIO_STAGE_SERVICE, port, NULL, service);
    return port;
}

/* The colon between host and service; NULL when there is none, or no brackets around an
 * IPv6 host. */
static const char *find_colon(const char *text)
{
    const char *bracket = text[0] == '[' ? strstr(text, "]:") : NULL;
    const char *colon = strchr(text, ':');

    if (text[0] == '[')
        return bracket ? bracket + 1 : NULL;
    return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

/* An address of one link, of which each may have it: nobody can bind it without saying which. */
static int lacks_link(const struct netio_addr *addr)
{
    const struct in6_addr *in6 = &addr->u.in6.sin6_addr;

    return netio_addr_family(addr) == AF_INET6 && !addr->u.in6.sin6_scope_id &&
           (IN6_IS_ADDR_LINKLOCAL(in6) || IN6_IS_ADDR_MC_LINKLOCAL(in6) ||
            IN6_IS_ADDR_MC_NODELOCAL(in6));
}

/* HOST:SERVICE or SERVICE; text is the whole, for the error. */
static int parse_port(struct netio__listen *what, const char *rest, const char *text,
                      struct netio_error *error)
{
    char host[NETIO_ADDR_STRLEN] = "*";
    const char *service = rest;

    if (strchr(rest, ':')) {
        const char *colon = find_colon(rest);
        size_t len = colon ? (size_t)(colon - rest) : 0;
        if (!len || len >= sizeof host || rest[0] == '/')
            return not_an_address(error, NETIO_EBADADDRESS, text);
        memcpy(host, rest, len);
        host[len] = '\0';
        service = colon + 1;
    }
    int any = strcmp(host, "*") == 0;
    if (netio_addr_parse(&what->addrs[0], any ? "::" : host) != 0 || lacks_link(&what->addrs[0]) ||
        (any && netio_addr_parse(&what->addrs[1], "0.0.0.0") != 0))
        return not_an_address(error, NETIO_EBADADDRESS, text);
    int port = parse_service(service, what->type, error);
    if (port < 0)
        return port;
    what->count = 1 + any;
    for (int i = 0; i < what->count; i++)
        netio_addr_set_port(&what->addrs[i], (unsigned)port);
    return 0;
}

/* A word that can be shown: ASCII, without spaces. */
static int is_word(const char *text)
{
    size_t len = 0;

    while (text[len] > ' ' && text[len] <= '~')
        len++;
    return len && !text[len];
}

/* What may stand behind port 0. */
static int parse_choice(struct netio__listen *what, const char *rest, const char *text,
                        struct netio_error *error)
{
    char copy[NETIO_ADDR_STRLEN], *next = copy, *option;

    if (strlen(rest) >= sizeof copy)
        return not_an_address(error, -ENAMETOOLONG, text);
    strcpy(copy, rest);
    int code = parse_port(what, strsep(&next, ","), text, error);
    if (!code && netio_addr_port(&what->addrs[0]) != 0)
        return not_an_address(error, NETIO_EBADADDRESS, text);
    while (!code && (option = strsep(&next, ","))) {
        if (strcmp(option, "reserved") == 0)
            what->reserved = 1;
        else if (strncmp(option, "for=", 4) != 0 || !is_word(option + 4))
            code = not_an_address(error, NETIO_EBADADDRESS, text);
    }
    return code;
}

static int parse_internet(struct netio__listen *what, const char *rest, const char *text,
                          struct netio_error *error)
{
    return strchr(rest, ',') ? parse_choice(what, rest, text, error)
                             : parse_port(what, rest, text, error);
}

/* ---- the options of a path ------------------------------------------------------------------ */

/* Nothing beyond read, write and execute means anything for a socket. */
static int parse_mode(struct netio__listen *what, const char *value)
{
    int mode = netio_mode_number(value, strlen(value));

    if (what->has_mode || mode < 0)
        return NETIO_EBADADDRESS;
    what->has_mode = 1;
    what->mode = (mode_t)mode;
    return 0;
}

/* A user alone, or a group alone: the other one asked for is root, whom every machine has. */
static int find_id(struct netio__listen *what, const char *owner, const char *group,
                   struct netio_error *error)
{
    struct netio_user found;
    int code = netio_user_find(&found, owner ? owner : "0", group ? group : "0", error);

    if (code)
        return code;
    if (owner)
        what->uid = found.uid;
    else
        what->gid = found.gid;
    netio_user_free(&found);
    return 0;
}

/* One NAME=VALUE; a second of the same name is an error. */
static int parse_option(struct netio__listen *what, const char *option, const char *text,
                        struct netio_error *error)
{
    int code = NETIO_EBADADDRESS;

    if (strncmp(option, "mode=", 5) == 0)
        code = parse_mode(what, option + 5);
    else if (strncmp(option, "owner=", 6) == 0 && what->uid == (uid_t)-1)
        return find_id(what, option + 6, NULL, error);
    else if (strncmp(option, "group=", 6) == 0 && what->gid == (gid_t)-1)
        return find_id(what, NULL, option + 6, error);
    return code ? not_an_address(error, code, text) : 0;
}

static int parse_path(struct netio__listen *what, const char *rest, const char *text,
                      struct netio_error *error)
{
    char copy[NETIO_ADDR_STRLEN], *next = copy;

    if (strlen(rest) >= sizeof copy)
        return not_an_address(error, -ENAMETOOLONG, text);
    strcpy(copy, rest);
    const char *path = strsep(&next, ",");
    int code = path[0] == '/' ? netio_addr_parse(&what->addrs[0], path) : NETIO_EBADADDRESS;
    if (code)
        return not_an_address(error, code, text);
    while (next) {
        code = parse_option(what, strsep(&next, ","), text, error);
        if (code)
            return code;
    }
    what->count = 1;
    return 0;
}

static const struct {
    const char *word;
    int type;
    int (*parse)(struct netio__listen *what, const char *rest, const char *text,
                 struct netio_error *error);
} kinds[] = {
    {"tcp:", SOCK_STREAM, parse_internet}, {"udp:", SOCK_DGRAM, parse_internet},
    {"unix:", SOCK_STREAM, parse_path},    {"unix-dgram:", SOCK_DGRAM, parse_path},
    {"", SOCK_STREAM, parse_internet},
};

int netio__listen_parse(struct netio__listen *what, const char *text, struct netio_error *error)
{
    size_t i = 0;

    while (strncmp(text, kinds[i].word, strlen(kinds[i].word)) != 0)
        i++;
    *what = (struct netio__listen){.type = kinds[i].type, .uid = (uid_t)-1, .gid = (gid_t)-1};
    return kinds[i].parse(what, text + strlen(kinds[i].word), text, error);
}

int netio_listener_check(const char *text, struct netio_error *error)
{
    struct netio__listen listen;

    return netio__listen_parse(&listen, text, error);
}
