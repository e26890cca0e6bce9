/* netiod: where a service listens; see config_reader.h.  Called by config_draft.c; it asks the name
 * services for hosts and ports, and opens no socket. */
#include "config_reader.h"

#include <netio/fd.h>
#include <netio/listener.h>
#include <netio/resolve.h>
#include <netio/service.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define RESOLVE_SECONDS 5
#define LISTENS_MAX     64           /* of one service */
#define UNIX_MODE       ",mode=0666" /* as other inetds have it: who reaches the folder may connect */
#define CHOICE          80           /* what may stand behind port 0, and "udp:" */

struct list {
    const char *texts[LISTENS_MAX];
    size_t count;
};

static int add(struct reader *reader, struct draft *draft, struct list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->texts[i], text) == 0)
            return 0;
    if (list->count == LISTENS_MAX)
        return reader_fault(reader, draft->line, "%s: more than %d addresses", draft->spec,
                            LISTENS_MAX);
    list->texts[list->count] = arena_string(&reader->config->own->arena, text);
    return list->texts[list->count++] ? 0 : -1;
}

/* Whether all that may be wrong with more of them has been said. */
static int is_too_long(const struct list *list, int code)
{
    return code && list->count == LISTENS_MAX;
}

/* What no start could open. */
static int check(struct reader *reader, struct draft *draft, const char *text)
{
    struct netio_error error = {0};
    char said[640];

    if (netio_listener_check(text, &error) == 0)
        return 0;
    return reader_fault(reader, draft->line, "%s", netio_error_str(&error, said, sizeof said));
}

static int add_address(struct reader *reader, struct draft *draft, struct list *list,
                       const struct netio_addr *address, unsigned port)
{
    char text[NETIO_ADDR_STRLEN + CHOICE];
    struct netio_addr whole = *address;

    netio_addr_set_port(&whole, port);
    strcpy(text, draft->type == SOCK_DGRAM ? "udp:" : "");
    netio_addr_str(&whole, text + strlen(text), NETIO_ADDR_STRLEN);
    if (check(reader, draft, text) != 0)
        return -1;
    strcat(text, draft->choice ? draft->choice : "");
    return add(reader, draft, list, text);
}

static int wants(const struct draft *draft, int family)
{
    return draft->family == DRAFT_ANY ||
           draft->family == (family == AF_INET6 ? DRAFT_IPV6 : DRAFT_IPV4);
}

/* ---- hosts ---------------------------------------------------------------------------------- */

/* Both families, but not one that the machine lacks if nobody asked for it by name. */
static int add_any(struct reader *reader, struct draft *draft, struct list *list, unsigned port)
{
    struct netio_addr any;
    int code = 0;

    netio_addr_parse(&any, "::");
    if (draft->family == DRAFT_IPV6 || (draft->family == DRAFT_ANY && !reader->lacks_ipv6))
        code = add_address(reader, draft, list, &any, port);
    netio_addr_parse(&any, "0.0.0.0");
    if (code == 0 && wants(draft, AF_INET))
        code = add_address(reader, draft, list, &any, port);
    return code;
}

/* Waits until all of the answer is there: a server wants each address of its name. */
static int resolve(const char *host, int family, struct netio_resolve **resolve,
                   struct netio_error *error)
{
    netio_deadline deadline = netio_deadline_in(RESOLVE_SECONDS);
    struct netio_want want;
    int code = netio_resolve_start(resolve, host, family, deadline, error);

    if (code == 0)
        code = netio_resolve_step(*resolve, error);
    while (code == -EAGAIN || (code == 0 && netio_resolve_pending(*resolve))) {
        netio_resolve_want(*resolve, &want);
        netio_want_poll(&want);
        code = netio_resolve_step(*resolve, error);
    }
    return code;
}

static int add_name(struct reader *reader, struct draft *draft, struct list *list, const char *host,
                    unsigned port)
{
    const struct netio_addr *found;
    struct netio_resolve *machine = NULL;
    struct netio_error error = {0};
    int code = NETIO_ENONAME;
    int family = draft->inherits || draft->family == DRAFT_ANY ? AF_UNSPEC
                 : draft->family == DRAFT_IPV4                 ? AF_INET
                                                               : AF_INET6;

    if (!reader->alone || strcmp(host, "localhost") == 0)
        code = resolve(host, family, &machine, &error);
    if (code < 0)
        reader_fault(reader, draft->line, "host %s: %s", host, netio_error_text(code));
    size_t count = code < 0 ? 0 : netio_resolve_answer(machine, &found);
    for (size_t i = 0; i < count && code == 0; i++)
        if (wants(draft, netio_addr_family(&found[i])))
            code = add_address(reader, draft, list, &found[i], port);
    netio_resolve_free(machine);
    return code;
}

static int add_host(struct reader *reader, struct draft *draft, struct list *list, const char *host,
                    unsigned port)
{
    struct netio_addr address;

    if (strcmp(host, "*") == 0)
        return add_any(reader, draft, list, port);
    if (strchr(host, '/') || netio_addr_parse(&address, host) < 0)
        return add_name(reader, draft, list, host, port);
    netio_addr_unmap(&address);
    if (!wants(draft, netio_addr_family(&address)) && draft->inherits)
        return 0;
    if (!wants(draft, netio_addr_family(&address)))
        return reader_fault(reader, draft->line, "host %s: not of the protocol's family", host);
    return add_address(reader, draft, list, &address, port);
}

/* "host,host"; hosts is draft->hosts if the key "bind" has said them. */
static int add_hosts(struct reader *reader, struct draft *draft, struct list *list,
                     const char *hosts, unsigned port)
{
    char *rest = arena_string(&reader->scratch, hosts), *host;
    unsigned line = draft->line;
    int code = rest ? 0 : -1;

    if (hosts == draft->hosts)
        draft->line = key_line(draft, "bind");
    while (rest && !is_too_long(list, code) && (host = strsep(&rest, ",")))
        if (add_host(reader, draft, list, host, port) < 0)
            code = -1;
    draft->line = line;
    return code;
}

/* ---- services ------------------------------------------------------------------------------- */

/* "finger", "2907", "name(2907)"; 0: the kernel chooses.  The number in brackets is for names that
 * services(5) does not have, and the name is what is before it.  -1: none of them. */
static int find_port(char *service, const char *protocol)
{
    static const char chosen[] = "(0)";
    size_t len = strlen(service), name = strcspn(service, "(");
    int none = len > 3 && strcmp(service + len - 3, chosen) == 0;

    if (none)
        service[name] = '\0';
    int port = strcmp(service, "0") == 0 ? 0 : netio_service_port(service, protocol);
    service[name] = '\0';
    if (port >= 0)
        return port;
    return none && *service ? 0 : -1;
}

/* Several services may have port 0, and each of them one of its own, by its name. */
static int set_choice(struct reader *reader, struct draft *draft, const char *service)
{
    char *choice = arena_get(&reader->scratch, CHOICE);

    if (!choice)
        return -1;
    snprintf(choice, CHOICE - sizeof "udp:", ",for=%s", draft->listen ? draft->spec : service);
    for (char *comma = choice + 1; (comma = strchr(comma, ','));)
        *comma = ';';
    draft->choice = choice;
    return 0;
}

/* "[::1]", "127.0.0.1": what looks like a service is the end of the address. */
static int lacks_service(const char *text)
{
    const char *colon = strrchr(text, ':');
    struct netio_addr address;
    char host[NETIO_ADDR_STRLEN];

    if (strchr(text, '/') || strlen(text) >= sizeof host || netio_addr_parse(&address, text) < 0)
        return 0;
    snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - text) : 0, text);
    return netio_addr_parse(&address, host) < 0;
}

/* "finger", "host:finger", "host,host:2907".  *name: of the service (scratch). */
static int find_internet(struct reader *reader, struct draft *draft, struct list *list,
                         const char *text, const char **name)
{
    char *spec = arena_string(&reader->scratch, text), *colon = spec ? strrchr(spec, ':') : NULL;
    const char *hosts = draft->hosts ? draft->hosts : reader->file->hosts;
    char *service = colon ? colon + 1 : spec;

    if (!spec)
        return -1;
    if (lacks_service(spec))
        return reader_fault(reader, draft->line, "%s: an address without a port", spec);
    if (colon) {
        *colon = '\0';
        hosts = spec;
    }
    draft->inherits = !colon && !draft->hosts;
    int port = draft->rpc ? rpc_find(reader, draft, service) : find_port(service, draft->protocol);
    *name = service;
    if (port < 0)
        return draft->rpc ? -1
                          : reader_fault(reader, draft->line, "service %s/%s: unknown", service,
                                         draft->protocol);
    if (port == 0 && !draft->rpc && set_choice(reader, draft, service) < 0)
        return -1;
    if (!hosts)
        hosts = reader->options->bind ? reader->options->bind : "*";
    return add_hosts(reader, draft, list, hosts, (unsigned)port);
}

/* text: as netio_listener_open takes it; but its mode is said here, whatever the umask is. */
static int add_unix(struct reader *reader, struct draft *draft, struct list *list, const char *text)
{
    char *whole = arena_get(&reader->scratch, strlen(text) + sizeof UNIX_MODE);

    if (!whole || check(reader, draft, text) != 0)
        return -1;
    sprintf(whole, "%s%s", text, strstr(text, ",mode=") ? "" : UNIX_MODE);
    return add(reader, draft, list, whole);
}

static int find_unix(struct reader *reader, struct draft *draft, struct list *list,
                     const char **name)
{
    /* A host before a path means nothing, and other inetds pass over it, too. */
    const char *path = *draft->spec == '/' ? draft->spec : strstr(draft->spec, ":/");
    char text[1024];

    if (path && *path == ':')
        path++;
    if (!path)
        return reader_fault(reader, draft->line, "%s: the service of a unix socket is its path",
                            draft->spec);
    *name = path;
    int len = snprintf(
        text, sizeof text, "%s:%s%s%s%s%s%s%s", draft->type == SOCK_DGRAM ? "unix-dgram" : "unix",
        path, draft->mode ? ",mode=" : "", draft->mode ? draft->mode : "",
        draft->owner ? ",owner=" : "", draft->owner ? draft->owner : "",
        draft->owner_group ? ",group=" : "", draft->owner_group ? draft->owner_group : "");
    if (strchr(path, ',') || (size_t)len >= sizeof text)
        return reader_fault(reader, draft->line, "%s: not a path for a socket", path);
    return add_unix(reader, draft, list, text);
}

/* The key "listen": then the name is no more than that. */
static int find_listed(struct reader *reader, struct draft *draft, struct list *list)
{
    const char *service;
    unsigned line = draft->line;
    int code = 0;

    draft->line = key_line(draft, "listen");
    for (const char *const *text = draft->listen; *text && !is_too_long(list, code); text++) {
        const char *rest = *text;
        if (strncmp(rest, "tcp:", 4) == 0 || strncmp(rest, "udp:", 4) == 0)
            rest += 4;
        int one = draft->family == DRAFT_UNIX ? add_unix(reader, draft, list, *text)
                                              : find_internet(reader, draft, list, rest, &service);
        code = one ? one : code;
    }
    draft->line = line;
    return code;
}

/* Behind tcpmux alone, without a socket of its own.  The name is without its "+". */
static int find_mux(struct reader *reader, struct draft *draft, const char **name)
{
    const char *rest = draft->spec + strlen(CONFIG_MUX_PREFIX);
    int plus = *rest == '+';
    char *whole = arena_get(&reader->scratch, strlen(draft->spec) + 1);

    if (!whole)
        return -1;
    sprintf(whole, CONFIG_MUX_PREFIX "%s", rest + plus);
    *name = whole;
    draft->service.mux = plus ? CONFIG_MUX_PLUS : CONFIG_MUX;
    if (!rest[plus] || strcasecmp(rest + plus, "help") == 0 || draft->listen)
        return reader_fault(reader, draft->line, "%s: not a name for a service behind tcpmux%s",
                            draft->spec, draft->listen ? " that listens" : "");
    if (strcmp(draft->protocol, "tcp") != 0)
        return reader_fault(reader, draft->line, "%s: must be tcp", draft->spec);
    return 0;
}

/* Where services listen that name no host may be of the other family; it is for the others then,
 * and any address instead is what the administrator did not want. */
static void leave_out(struct reader *reader, struct draft *draft)
{
    const char *hosts = reader->file->hosts ? reader->file->hosts : reader->options->bind;

    reader_warn(reader, draft->line, "%s: not served: no %s address in %s", draft->spec,
                draft->family == DRAFT_IPV6 ? "IPv6" : "IPv4", hosts ? hosts : "*");
    draft->off = 1;
}

/* It is seen in logs, and --show has it outside of quotes. */
static int keep_name(struct reader *reader, struct draft *draft, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; name[i]; i++)
        if (name[i] <= ' ' || name[i] > '~' || strchr("\"'", name[i]))
            len = 0;
    if (!len || len > NAME_MAX || strchr(".#", *name) || (strchr(name, ':') && *name != '/'))
        return reader_fault(reader, draft->line, "%s: not a name of a service", draft->spec);
    draft->service.name = arena_string(&reader->config->own->arena, name);
    return draft->service.name ? 0 : -1;
}

int listen_find(struct reader *reader, struct draft *draft)
{
    const char **texts, *name = draft->spec;
    struct list list = {.count = 0};
    int code;

    if (!draft->rpc && strncmp(draft->spec, CONFIG_MUX_PREFIX, strlen(CONFIG_MUX_PREFIX)) == 0)
        code = find_mux(reader, draft, &name);
    else if (draft->listen && !draft->rpc)
        code = find_listed(reader, draft, &list);
    else if (draft->family == DRAFT_UNIX)
        code = find_unix(reader, draft, &list, &name);
    else
        code = find_internet(reader, draft, &list, draft->spec, &name);
    if (code < 0 || keep_name(reader, draft, name) < 0)
        return -1;
    if (draft->inherits && !list.count)
        leave_out(reader, draft);
    if (draft->rpc && rpc_check(reader, draft, list.texts, list.count) < 0)
        return -1;
    if (!(texts = arena_get(&reader->config->own->arena, (list.count + 1) * sizeof *texts)))
        return -1;
    memcpy(texts, list.texts, list.count * sizeof *texts);
    draft->service.any_family &= !draft->listen;
    draft->service.listen = texts;
    draft->service.listens = list.count;
    return 0;
}
