/* netiod: the keys of a definition, those of NetBSD's inetd and our own; see config_reader.h and
 * netiod.conf(5).  Called by config_keys.c; it reads files of rules. */
#include "config_reader.h"

#include "common/values.h"

#include <netio/names.h>
#include <netio/supervisor.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define POOL_MAX   NETIO_WORKERS_MAX
#define NUMBER_MAX 1000000

/* ---- of several values ---------------------------------------------------------------------- */

static int set_bind(struct reader *reader, struct draft *draft, const struct values *values)
{
    size_t len = 1;
    char *hosts;

    for (size_t i = 0; i < values->count; i++)
        len += strlen(values->words[i]) + 1;
    if (!(hosts = arena_get(&reader->scratch, len)))
        return -1;
    draft->hosts = hosts;
    for (size_t i = 0; i < values->count; i++)
        hosts += sprintf(hosts, "%s%s", i ? "," : "", values->words[i]);
    return 0;
}

static int set_listen(struct reader *reader, struct draft *draft, const struct values *values)
{
    (void)reader;
    draft->listen = (const char *const *)values->words;
    return 0;
}

static int set_args(struct reader *reader, struct draft *draft, const struct values *values)
{
    (void)reader;
    draft->args = values->words;
    draft->args_count = values->count;
    return 0;
}

static int set_rlimits(struct reader *reader, struct draft *draft, const struct values *values)
{
    struct arena *arena = &reader->config->own->arena;
    struct netio_rlimit *limits = arena_get(arena, values->count * sizeof *limits);
    int code = limits ? 0 : -1;

    for (size_t i = 0; limits && i < values->count; i++)
        if (value_rlimit(&limits[i], values->words[i]) < 0)
            code = value_wrong(reader, values, i, "not RESOURCE:NUMBER, as nofile:1024 or as:512m");
    draft->service.rlimits = limits;
    draft->service.rlimits_count = values->count;
    return code;
}

/* ---- of one value --------------------------------------------------------------------------- */

static int set_type(struct reader *reader, struct draft *draft, const struct values *values)
{
    return value_type(reader, draft, values->words[0]);
}

static int set_protocol(struct reader *reader, struct draft *draft, const struct values *values)
{
    return value_protocol(reader, draft, values->words[0]);
}

static int set_filter(struct reader *reader, struct draft *draft, const struct values *values)
{
    reader_warn(reader, draft->line, "%s = %s: this system has none", values->key,
                values->words[0]);
    return 0;
}

/* Without a value it switches a policy off. */
static int set_ipsec(struct reader *reader, struct draft *draft, const struct values *values)
{
    if (values->count)
        reader_warn(reader, draft->line, "IPsec policies are not netiod's: no effect");
    return 0;
}

static int set_mux(struct reader *reader, struct draft *draft, const struct values *values)
{
    static const char *const words[] = {"no", "yes", "plus"};

    for (int i = 0; i < 3; i++)
        if (strcmp(values->words[0], words[i]) == 0) {
            draft->service.mux = (enum config_mux)i;
            return 0;
        }
    return value_wrong(reader, values, 0, "neither yes, nor plus, nor no");
}

static int set_errors(struct reader *reader, struct draft *draft, const struct values *values)
{
    int socket = strcmp(values->words[0], "socket") == 0;

    if (!socket && strcmp(values->words[0], "log") != 0)
        return value_wrong(reader, values, 0, "neither log nor socket");
    draft->service.socket_errors = socket;
    draft->errors_said = 1;
    return 0;
}

static int set_umask(struct reader *reader, struct draft *draft, const struct values *values)
{
    int mask = netio_mode_number(values->words[0], strlen(values->words[0]));

    if (mask < 0)
        return value_wrong(reader, values, 0, "not an octal number up to 0777");
    draft->service.umask = mask ? (mode_t)mask : NETIO_UMASK_NONE;
    return 0;
}

static int set_directory(struct reader *reader, struct draft *draft, const struct values *values)
{
    if (*values->words[0] != '/')
        return value_wrong(reader, values, 0, "not an absolute path");
    draft->service.directory = arena_string(&reader->config->own->arena, values->words[0]);
    return 0;
}

static int set_bits(struct reader *reader, struct draft *draft, const struct values *values)
{
    const char *why = values_bits(&draft->service.limits, values->words[0]);

    return why ? value_wrong(reader, values, 0, why) : 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

enum key_type {
    KEY_CALL,
    KEY_MANY,    /* the same, of one value or more */
    KEY_ANY,     /* the same, of any number of values */
    KEY_REPEAT,  /* as KEY_MANY, and may be there several times */
    KEY_WORD,    /* const char *, scratch */
    KEY_STRING,  /* const char *, the configuration's */
    KEY_NUMBER,  /* unsigned; 0 is none */
    KEY_MINUTE,  /* struct netio_rate: so many a minute; 0 is none */
    KEY_RATE,    /* struct netio_rate; 0 is none */
    KEY_SECONDS, /* double */
    KEY_BYTES,   /* int */
    KEY_YES      /* int */
};

#define AT(member)      offsetof(struct draft, member)
#define SERVICE(member) offsetof(struct draft, service.member)

#define OWN  (1u << CONFIG_BUILTIN | 1u << CONFIG_TCPMUX)
#define WAIT (1u << CONFIG_WAIT)

static const struct key {
    const char *name;
    enum key_type type;
    size_t at;
    int (*set)(struct reader *reader, struct draft *draft, const struct values *values);
    unsigned max;     /* of a KEY_NUMBER */
    unsigned without; /* kinds of services that it would have no effect on */
} keys[] = {
    /* NetBSD's */
    {"bind", KEY_MANY, 0, set_bind, 0, 0},
    {"socktype", KEY_CALL, 0, set_type, 0, 0},
    {"accept_max", KEY_NUMBER, SERVICE(max), NULL, NUMBER_MAX, 0},
    {"acceptfilter", KEY_CALL, 0, set_filter, 0, 0},
    {"protocol", KEY_CALL, 0, set_protocol, 0, 0},
    {"sndbuf", KEY_BYTES, SERVICE(send_buffer), NULL, 0, 0},
    {"recvbuf", KEY_BYTES, SERVICE(receive_buffer), NULL, 0, 0},
    {"wait", KEY_YES, AT(wait), NULL, 0, 0},
    {"service_max", KEY_MINUTE, SERVICE(limits.rate), NULL, 0, 0},
    {"ip_max", KEY_MINUTE, SERVICE(limits.source_rate), NULL, 0, 0},
    {"user", KEY_WORD, AT(user), NULL, 0, 0},
    {"group", KEY_WORD, AT(group), NULL, 0, 0},
    {"exec", KEY_WORD, AT(program), NULL, 0, 0},
    {"args", KEY_ANY, 0, set_args, 0, 0},
    {"ipsec", KEY_ANY, 0, set_ipsec, 0, 0},
    /* our own: where it listens */
    {"listen", KEY_MANY, 0, set_listen, 0, 0},
    {"backlog", KEY_NUMBER, SERVICE(backlog), NULL, NUMBER_MAX, 0},
    {"tcpmux", KEY_CALL, 0, set_mux, 0, 0},
    {"udp", KEY_YES, AT(udp), NULL, 0, 0},
    /* what is started */
    {"pool", KEY_NUMBER, SERVICE(pool), NULL, POOL_MAX, 0},
    {"env", KEY_ANY, 0, environment_set, 0, OWN},
    {"directory", KEY_CALL, 0, set_directory, 0, OWN},
    {"umask", KEY_CALL, 0, set_umask, 0, OWN},
    {"rlimit", KEY_MANY, 0, set_rlimits, 0, OWN},
    {"setuid_programs", KEY_YES, SERVICE(more_privileges), NULL, 0, OWN},
    {"stderr", KEY_CALL, 0, set_errors, 0, OWN},
    {"names", KEY_YES, SERVICE(names), NULL, 0, 0},
    /* who may */
    {"allow", KEY_REPEAT, 0, rules_set, 0, 0},
    {"deny", KEY_REPEAT, 0, rules_set, 0, 0},
    {"exempt", KEY_REPEAT, 0, rules_set, 0, 0},
    {"proxy", KEY_REPEAT, 0, rules_set, 0, 0},
    {"access", KEY_CALL, 0, rules_read, 0, 0},
    {"max_clients", KEY_NUMBER, SERVICE(limits.total), NULL, NUMBER_MAX, 0},
    {"max_per_source", KEY_NUMBER, SERVICE(limits.per_source), NULL, NUMBER_MAX, 0},
    {"rate", KEY_RATE, SERVICE(limits.rate), NULL, 0, 0},
    {"source_rate", KEY_RATE, SERVICE(limits.source_rate), NULL, 0, 0},
    {"source_bits", KEY_CALL, 0, set_bits, 0, WAIT},
    {"refused_text", KEY_STRING, SERVICE(refused_text), NULL, 0, WAIT},
    {"full_text", KEY_STRING, SERVICE(full_text), NULL, 0, WAIT},
    {"first_seconds", KEY_SECONDS, SERVICE(first_seconds), NULL, 0, WAIT},
    {"idle_seconds", KEY_SECONDS, SERVICE(idle_seconds), NULL, 0, WAIT},
    {"total_seconds", KEY_SECONDS, SERVICE(total_seconds), NULL, 0, 0},
};

#define KEYS (sizeof keys / sizeof *keys)
_Static_assert(KEYS <= CONFIG_KEYS_MAX, "draft.seen has a line for each");

static const char *set_yes(int *field, const char *text)
{
    *field = strcmp(text, "yes") == 0;
    return *field || strcmp(text, "no") == 0 ? NULL : "neither yes nor no";
}

/* 0 is any number, in whatever time. */
static const char *set_rate(struct netio_rate *rate, const char *text)
{
    size_t zero = strspn(text, "0");
    double seconds;

    if (!zero || (text[zero] && text[zero] != '/'))
        return values_rate(rate, text);
    *rate = (struct netio_rate){0};
    return text[zero] ? values_seconds(&seconds, text + zero + 1) : NULL;
}

static const char *set_minute(struct netio_rate *rate, const char *text)
{
    unsigned count;

    if (value_number(text, NUMBER_MAX, &count) < 0)
        return "not a number up to 1000000";
    *rate = value_minute(count);
    return NULL;
}

/* A member of the draft becomes what one word says; NULL, or what is wrong with it. */
static const char *set_member(struct reader *reader, const struct key *key, void *member,
                              char *word)
{
    switch (key->type) {
    case KEY_WORD:
        *(const char **)member = word;
        return NULL;
    case KEY_STRING:
        *(const char **)member = arena_string(&reader->config->own->arena, word);
        return strpbrk(word, "\r\n") ? "more than a line" : NULL;
    case KEY_NUMBER:
        return value_number(word, key->max, member) < 0 ? "not a number, or too large" : NULL;
    case KEY_MINUTE:
        return set_minute(member, word);
    case KEY_RATE:
        return set_rate(member, word);
    case KEY_SECONDS:
        return values_seconds(member, word);
    case KEY_BYTES:
        return value_size(word, member) < 0 ? "not a number of bytes, as 65536, 64k or 1m" : NULL;
    default:
        return set_yes(member, word);
    }
}

/* Two keys may say the same thing; that is said once, too. */
static int is_said(const struct draft *draft, const struct key *key)
{
    for (size_t i = 0; i < KEYS; i++)
        if (draft->seen[i] && (&keys[i] == key || (key->at && keys[i].at == key->at)))
            return key->type != KEY_REPEAT;
    return 0;
}

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static void set(struct reader *reader, struct draft *draft, const struct key *key,
                struct values *values)
{
    if (key->type <= KEY_REPEAT) {
        key->set(reader, draft, values);
        return;
    }
    const char *why = set_member(reader, key, (char *)draft + key->at, values->words[0]);
    if (why)
        value_wrong(reader, values, 0, why);
}

void key_set(struct reader *reader, struct draft *draft, struct values *values)
{
    const struct key *key = find_key(values->key);
    unsigned line = draft->line;

    if (!key) {
        reader_fault(reader, values->line, "%s: no such key", values->key);
        return;
    }
    int many = key->type == KEY_MANY || key->type == KEY_ANY || key->type == KEY_REPEAT;
    if (is_said(draft, key))
        reader_fault(reader, values->line, "%s: said twice", values->key);
    else if ((!values->count && key->type != KEY_ANY) || (values->count > 1 && !many))
        reader_fault(reader, values->line, "%s: wants %s", values->key,
                     many ? "a value" : "one value");
    else {
        draft->line = values->line;
        set(reader, draft, key, values);
        draft->line = line;
    }
    draft->seen[key - keys] = values->line;
}

unsigned key_line(const struct draft *draft, const char *name)
{
    unsigned line = draft->seen[find_key(name) - keys];

    return line ? line : draft->line;
}

/* Why "bind" would have no effect; NULL: it has one. */
static const char *why_no_host(const struct draft *draft)
{
    if (strncmp(draft->spec, CONFIG_MUX_PREFIX, strlen(CONFIG_MUX_PREFIX)) == 0)
        return "behind tcpmux nothing listens";
    if (draft->listen)
        return "listen says where it listens";
    if (draft->family == DRAFT_UNIX)
        return "a path has no host";
    return strchr(draft->spec, ':') ? "a host is before the service already" : NULL;
}

/* The same of any key. */
static const char *why_without(const struct draft *draft, const struct key *key)
{
    const struct config_service *service = &draft->service;

    if (key->set == set_bind)
        return why_no_host(draft);
    if (key->at == AT(udp) && (service->kind != CONFIG_BUILTIN || service->type != SOCK_DGRAM))
        return "these are no datagrams of netiod's own services";
    if (!(key->without >> service->kind & 1))
        return NULL;
    return service->kind == CONFIG_WAIT ? "with wait, the program has the socket"
                                        : "netiod serves this itself, and starts no program";
}

void keys_check(struct reader *reader, const struct draft *draft)
{
    for (size_t i = 0; i < KEYS; i++) {
        const char *why = draft->seen[i] ? why_without(draft, &keys[i]) : NULL;
        if (why)
            reader_fault(reader, draft->seen[i], "%s: %s", keys[i].name, why);
    }
}
