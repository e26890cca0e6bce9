/* netiod: what the words of a definition mean; see config_reader.h.  Called by both notations; it
 * asks the name services who a user is. */
#include "config_reader.h"

#include <netio/names.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MINUTE 60.0 /* seconds */

int value_number(const char *text, unsigned max, unsigned *number)
{
    unsigned long long value = 0;

    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
        return -1;
    value = strtoull(text, NULL, 10);
    if (value > max)
        return -1;
    *number = (unsigned)value;
    return 0;
}

struct netio_rate value_minute(unsigned count)
{
    return (struct netio_rate){count, count ? MINUTE : 0};
}

int value_size(const char *text, int *bytes)
{
    char digits[16];
    unsigned number, unit = 1;
    size_t len = strlen(text);

    if (len == 0 || len >= sizeof digits)
        return -1;
    memcpy(digits, text, len + 1);
    if (strchr("kK", digits[len - 1]))
        unit = 1024;
    else if (strchr("mM", digits[len - 1]))
        unit = 1024 * 1024;
    if (unit > 1)
        digits[len - 1] = '\0';
    if (value_number(digits, INT_MAX / unit, &number) < 0 || number == 0)
        return -1;
    *bytes = (int)(number * unit);
    return 0;
}

int value_wrong(struct reader *reader, const struct values *values, size_t i, const char *why)
{
    return reader_fault(reader, values->line, "%s = %s: %s", values->key, values->words[i], why);
}

/* ---- socket type ---------------------------------------------------------------------------- */

/* NetBSD's: "stream,10:httpready". */
static int accept_limits(struct reader *reader, struct draft *draft, char *text)
{
    char *filter = strchr(text, ':');

    if (filter) {
        *filter++ = '\0';
        reader_warn(reader, draft->line, "accept filter %s: this system has none", filter);
    }
    if (!*text)
        return 0;
    if (*text != ',' || value_number(text + 1, INT_MAX, &draft->service.max) < 0)
        return reader_fault(reader, draft->line, "%s: not a number of processes", text);
    return 0;
}

int value_type(struct reader *reader, struct draft *draft, char *text)
{
    size_t len = strcspn(text, ",:");
    char *rest = text + len;

    if (len == 6 && memcmp(text, "stream", 6) == 0)
        draft->type = SOCK_STREAM;
    else if (len == 5 && memcmp(text, "dgram", 5) == 0)
        draft->type = SOCK_DGRAM;
    else {
        draft->type = -1;
        return reader_fault(reader, draft->line, "socket type %s: netiod has stream and dgram",
                            text);
    }
    return accept_limits(reader, draft, rest);
}

/* ---- protocol ------------------------------------------------------------------------------- */

/* Where dialects differ, Debian's counts: tcp is both families, tcp6 is IPv6 alone. */
static const struct {
    const char *word, *protocol;
    enum draft_family family;
} protocols[] = {
    {"tcp", "tcp", DRAFT_ANY},       {"tcp4", "tcp", DRAFT_IPV4},     {"tcp6", "tcp", DRAFT_IPV6},
    {"tcp46", "tcp", DRAFT_ANY},     {"tcp6only", "tcp", DRAFT_IPV6}, {"udp", "udp", DRAFT_ANY},
    {"udp4", "udp", DRAFT_IPV4},     {"udp6", "udp", DRAFT_IPV6},     {"udp46", "udp", DRAFT_ANY},
    {"udp6only", "udp", DRAFT_IPV6}, {"unix", "unix", DRAFT_UNIX},
};

/* What dialects have and netiod does not: they say so, rather than "unknown". */
static const struct {
    const char *part, *what;
} foreign[] = {
    {"faith", "faithd(8) is not of this system"},
    {"/ttcp", "T/TCP is not of this system; leave /ttcp out"},
};

/* Of ONC RPC all dialects have the plain word for IPv4, which is what such programs know. */
static char *after_rpc(struct draft *draft, char *text)
{
    draft->rpc = strncmp(text, "rpc/", 4) == 0;
    return text + (draft->rpc ? 4 : 0);
}

static int unknown_protocol(struct reader *reader, struct draft *draft, const char *text)
{
    draft->family = DRAFT_UNKNOWN;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strstr(text, foreign[i].part))
            return reader_fault(reader, draft->line, "protocol %s: %s", text, foreign[i].what);
    return reader_fault(reader, draft->line, "protocol %s: netiod has %s", text,
                        draft->rpc ? "rpc/tcp and rpc/udp" : "tcp, udp and unix");
}

/* "rcvbuf=64k,sndbuf=1m" */
static int buffers(struct reader *reader, struct draft *draft, char *text)
{
    char *word;

    while ((word = strsep(&text, ","))) {
        int code = -1;
        if (strncmp(word, "rcvbuf=", 7) == 0)
            code = value_size(word + 7, &draft->service.receive_buffer);
        else if (strncmp(word, "sndbuf=", 7) == 0)
            code = value_size(word + 7, &draft->service.send_buffer);
        if (code < 0)
            return reader_fault(reader, draft->line, "%s: neither rcvbuf=SIZE nor sndbuf=SIZE",
                                word);
    }
    return 0;
}

int value_protocol(struct reader *reader, struct draft *draft, char *text)
{
    char *rest = strchr(text, ','), *word = after_rpc(draft, text);

    if (rest)
        *rest++ = '\0';
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        int plain = strlen(word) == 3;
        if (strcmp(word, protocols[i].word) != 0 ||
            (draft->rpc && protocols[i].family == DRAFT_UNIX))
            continue;
        draft->protocol = protocols[i].protocol;
        draft->family = draft->rpc && plain ? DRAFT_IPV4 : protocols[i].family;
        draft->service.any_family = plain;
        return rest ? buffers(reader, draft, rest) : 0;
    }
    return unknown_protocol(reader, draft, text);
}

/* ---- wait or nowait ------------------------------------------------------------------------- */

/* FreeBSD's "/max/per-minute-of-a-source/max-of-a-source". */
static int child_limits(struct config_service *service, char *text)
{
    unsigned rate = 0, *const numbers[] = {&service->max, &rate, &service->limits.per_source};
    size_t i = 0;

    for (char *word; (word = strsep(&text, "/")); i++)
        if (i == 3 || value_number(word, INT_MAX, numbers[i]) < 0)
            return -1;
    if (i > 1)
        service->limits.source_rate = value_minute(rate);
    return 0;
}

int value_wait(struct reader *reader, struct draft *draft, char *text)
{
    size_t len = strcspn(text, ".:/");
    char *rest = text + len;
    unsigned rate;

    if (len == 4 && memcmp(text, "wait", 4) == 0)
        draft->wait = 1;
    else if (len == 6 && memcmp(text, "nowait", 6) == 0)
        draft->wait = 0;
    else
        return reader_fault(reader, draft->line, "%s: neither wait nor nowait", text);
    if (!*rest)
        return 0;
    int code = *rest == '/' ? child_limits(&draft->service, rest + 1)
                            : value_number(rest + 1, INT_MAX, &rate);
    if (code < 0)
        return reader_fault(reader, draft->line, "%s: not a limit behind %.*s", text, (int)len,
                            text);
    if (*rest != '/')
        draft->service.limits.rate = value_minute(rate);
    return 0;
}

/* ---- resource limits ------------------------------------------------------------------------ */

int value_rlimit(struct netio_rlimit *limit, const char *text)
{
    size_t len = strcspn(text, ":");
    char *end;

    limit->resource = netio_resource_number(text, len);
    if (limit->resource < 0 || !text[len])
        return -1;
    text += len + 1;
    limit->value.rlim_cur = limit->value.rlim_max = RLIM_INFINITY;
    if (strcmp(text, "unlimited") == 0)
        return 0;
    if (!*text || strspn(text, "0123456789") < strlen(text) - 1 || strlen(text) > 15)
        return -1;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || (*end && !strchr("kKmMgG", *end)))
        return -1;
    value <<= !*end ? 0 : strchr("kK", *end) ? 10 : strchr("mM", *end) ? 20 : 30;
    limit->value.rlim_cur = limit->value.rlim_max = value;
    return 0;
}

/* ---- user ----------------------------------------------------------------------------------- */

struct config_user {
    struct config_user *next;
    const char *name, *group; /* as written; group NULL: none */
    struct netio_user user;
};

static int same_word(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static struct config_user *add_user(struct reader *reader, const char *name, const char *group,
                                    struct netio_error *error)
{
    struct config_private *own = reader->config->own;
    struct config_user *user = arena_get(&own->arena, sizeof *user);

    *error = (struct netio_error){0};
    if (!user || netio_user_find(&user->user, name, group, error) < 0)
        return NULL;
    user->name = arena_string(&own->arena, name);
    user->group = arena_string(&own->arena, group);
    user->next = own->users;
    own->users = user;
    return user;
}

static const struct netio_user *find_user(struct reader *reader, const char *name,
                                          const char *group, struct netio_error *error)
{
    struct config_user *user = reader->config->own->users;

    while (user && !(same_word(user->name, name) && same_word(user->group, group)))
        user = user->next;
    if (!user)
        user = add_user(reader, name, group, error);
    return user ? &user->user : NULL;
}

const struct netio_user *value_user(struct reader *reader, const struct draft *draft)
{
    struct netio_error error = {0}, dotted;
    const char *dot = draft->user_dots && !draft->group ? strrchr(draft->user, '.') : NULL;
    const struct netio_user *user = find_user(reader, draft->user, draft->group, &error);

    /* A name may have a dot in it; if nobody has that name, it divides user and group. */
    if (!user && dot && error.code == NETIO_ENOUSER) {
        char *name = arena_copy(&reader->scratch, draft->user, (size_t)(dot - draft->user));
        user = name ? find_user(reader, name, dot + 1, &dotted) : NULL;
        error = name && !user ? dotted : error;
    }
    if (!user)
        reader_fault(reader, key_line(draft, error.stage == NETIO_STAGE_GROUP ? "group" : "user"),
                     "%s %s: %s", netio_stage_str(error.code ? error.stage : NETIO_STAGE_USER),
                     error.subject, netio_error_text(error.code ? error.code : -ENOMEM));
    return user;
}

void values_free_users(struct config_private *own)
{
    for (struct config_user *user = own->users; user; user = user->next)
        netio_user_free(&user->user);
    own->users = NULL;
}
