/* netiod: a definition that has been read, in whatever notation, becomes a service; see
 * config_reader.h.  Called by config_classic.c and config_keys.c; it looks at programs. */
#include "config_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define MAX_DEFAULT  1000 /* processes at once */
#define POOL_WORKERS 4
#define POOL         "pool:"

void draft_begin(const struct reader *reader, struct draft *draft, const char *spec, unsigned line,
                 int classic)
{
    *draft = (struct draft){.line = line, .spec = spec, .wait = -1};
    draft->rules_end = &draft->rules;
    draft->faults = reader->faults;
    draft->service.file = reader->file->name;
    draft->service.line = line;
    draft->service.max = MAX_DEFAULT;
    draft->service.limits.rate = value_minute(reader->options->rate);
    draft->service.socket_errors = classic;
}

/* ---- socket --------------------------------------------------------------------------------- */

static const char *type_str(int type)
{
    return type == SOCK_STREAM ? "stream" : "dgram";
}

/* What one address of the key "listen" says: "udp:79", "unix-dgram:/path".  "79" is of the protocol
 * or the type that other keys say. */
static const char *protocol_of(const struct draft *draft, const char *address)
{
    if (strncmp(address, "unix", 4) == 0)
        return "unix";
    if (strncmp(address, "udp:", 4) == 0)
        return "udp";
    if (strncmp(address, "tcp:", 4) == 0)
        return "tcp";
    if (draft->protocol && draft->family != DRAFT_UNIX)
        return draft->protocol;
    return draft->type == SOCK_DGRAM ? "udp" : "tcp";
}

static int type_of(const char *protocol, const char *address)
{
    return strcmp(protocol, "udp") == 0 || strncmp(address, "unix-", 5) == 0 ? SOCK_DGRAM
                                                                             : SOCK_STREAM;
}

/* What the addresses say that the key "listen" has; all say the same. */
static int settle_listed(struct reader *reader, struct draft *draft)
{
    const struct draft said = *draft;

    for (const char *const *text = draft->listen; *text; text++) {
        const char *protocol = protocol_of(&said, *text);
        int type = type_of(protocol, *text);
        if (!draft->protocol) {
            draft->protocol = protocol;
            draft->family = strcmp(protocol, "unix") == 0 ? DRAFT_UNIX : DRAFT_ANY;
        }
        if (!draft->type)
            draft->type = type;
        if (strcmp(draft->protocol, protocol) != 0)
            return reader_fault(reader, key_line(draft, "listen"), "listen = %s: not %s", *text,
                                draft->protocol);
        if (draft->type != type)
            return reader_fault(reader, key_line(draft, "listen"), "listen = %s: not %s", *text,
                                type_str(draft->type));
    }
    return 0;
}

/* What is not said follows from what is. */
static int settle_socket(struct reader *reader, struct draft *draft)
{
    if (draft->type == -1 || draft->family == DRAFT_UNKNOWN)
        return -1;
    if (draft->listen && settle_listed(reader, draft) < 0)
        return -1;
    if (!draft->protocol) {
        draft->protocol = *draft->spec == '/' ? "unix" : draft->type == SOCK_DGRAM ? "udp" : "tcp";
        draft->family = *draft->spec == '/' ? DRAFT_UNIX : DRAFT_ANY;
    }
    if (!draft->type)
        draft->type = strcmp(draft->protocol, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    if (strcmp(draft->protocol, draft->type == SOCK_STREAM ? "udp" : "tcp") == 0)
        return reader_fault(reader, key_line(draft, "protocol"), "%s is no protocol of %s sockets",
                            draft->protocol, type_str(draft->type));
    draft->service.protocol = draft->protocol;
    draft->service.type = draft->type;
    return 0;
}

/* ---- kind ----------------------------------------------------------------------------------- */

/* The built-in is called like its service, unless the argument says which one. */
static int settle_builtin(struct reader *reader, struct draft *draft)
{
    const char *name = draft->args_count ? draft->args[0] : "internal";

    draft->service.socket_errors = 0;
    if (strcmp(name, "internal") == 0)
        name = draft->service.name;
    if (name && strcmp(name, "tcpmux") == 0) {
        draft->service.kind = CONFIG_TCPMUX;
        if (strcmp(draft->protocol, "tcp") != 0)
            return reader_fault(reader, draft->line, "tcpmux is a service of tcp");
        return 0;
    }
    draft->service.kind = CONFIG_BUILTIN;
    if (!name)
        return -1;
    int builtin = config_builtin_find(name);
    if (builtin < 0)
        return reader_fault(reader, key_line(draft, "args"),
                            "%s: netiod has no such service itself", name);
    draft->service.builtin = (enum config_builtin)builtin;
    return 0;
}

/* A service of datagrams of our own answers only who was told to. */
static int settle_datagrams(struct reader *reader, struct draft *draft)
{
    if (draft->service.kind != CONFIG_BUILTIN || draft->type != SOCK_DGRAM)
        return 0;
    if (draft->family == DRAFT_UNIX)
        return reader_fault(reader, draft->line,
                            "netiod's own services are not for unix datagrams");
    if (!draft->udp) {
        reader_warn(reader, draft->line, "%s/udp stays off: udp = yes would have it answer",
                    draft->service.name);
        draft->off = 1;
    }
    return 0;
}

static int settle_kind(struct reader *reader, struct draft *draft)
{
    struct config_service *service = &draft->service;

    if (!draft->program || strcmp(draft->program, "internal") == 0)
        return settle_builtin(reader, draft);
    if (strncmp(draft->program, POOL, strlen(POOL)) == 0) {
        draft->program += strlen(POOL);
        service->pool = service->pool ? service->pool : POOL_WORKERS;
    }
    int waits = draft->wait == 1 || draft->type == SOCK_DGRAM;
    service->kind = service->pool ? CONFIG_POOL : waits ? CONFIG_WAIT : CONFIG_EXEC;
    if (service->kind == CONFIG_POOL && waits)
        return reader_fault(reader, key_line(draft, "pool"), "a pool must be stream and nowait");
    if (service->kind == CONFIG_POOL && !draft->errors_said)
        service->socket_errors = 0; /* in a classic line, too */
    if (service->kind == CONFIG_WAIT && draft->wait == 0)
        reader_warn(reader, key_line(draft, "wait"),
                    "dgram nowait: served as wait, as a datagram that nobody "
                    "has read yet would start programs");
    return 0;
}

/* ---- program -------------------------------------------------------------------------------- */

/* They may come later, so this is no fault; a start that fails is logged. */
static void look_at_folder(struct reader *reader, const struct draft *draft)
{
    const char *folder = draft->service.directory;
    struct stat st;

    if (folder && stat(folder, &st) == -1)
        reader_warn(reader, key_line(draft, "directory"), "directory %s: %s", folder,
                    strerror(errno));
    else if (folder && !S_ISDIR(st.st_mode))
        reader_warn(reader, key_line(draft, "directory"), "directory %s: it is no folder", folder);
}

static void look_at_program(struct reader *reader, const struct draft *draft)
{
    struct stat st;
    const char *why = NULL;

    if (stat(draft->program, &st) == -1)
        why = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        why = "it is a folder";
    else if (!S_ISREG(st.st_mode))
        why = "it is no file";
    else if (draft->service.kind != CONFIG_POOL && !(st.st_mode & 0111))
        why = "it is not executable";
    if (why)
        reader_warn(reader, key_line(draft, "exec"), "program %s: %s", draft->program, why);
}

static int settle_program(struct reader *reader, struct draft *draft)
{
    struct arena *arena = &reader->config->own->arena;
    const char **argv = arena_get(arena, (draft->args_count + 2) * sizeof *argv);

    if (!argv)
        return -1;
    if (*draft->program != '/')
        return reader_fault(reader, key_line(draft, "exec"), "program %s: not an absolute path",
                            draft->program);
    look_at_program(reader, draft);
    look_at_folder(reader, draft);
    draft->service.program = arena_string(arena, draft->program);
    for (size_t i = 0; i < draft->args_count; i++)
        argv[i] = arena_string(arena, draft->args[i]);
    if (!draft->args_count)
        argv[0] = arena_string(arena, strrchr(draft->program, '/') + 1);
    draft->service.argv = argv;
    return 0;
}

static int settle_user(struct reader *reader, struct draft *draft)
{
    if (draft->user)
        return (draft->service.user = value_user(reader, draft)) ? 0 : -1;
    if (draft->service.program)
        return reader_fault(reader, draft->line, "%s: no user", draft->spec);
    return 0;
}

/* ---- policy --------------------------------------------------------------------------------- */

/* Whoever has the socket itself accepts whom he likes. */
static void check_wait(struct reader *reader, const struct draft *draft)
{
    const struct config_service *service = &draft->service;
    const struct netio_limit_options *limits = &service->limits;

    if (service->kind == CONFIG_WAIT &&
        (draft->access || limits->per_source || limits->source_rate.count || limits->total))
        reader_fault(reader, draft->line,
                     "rules and limits of sources cannot be enforced with wait: the program has "
                     "the socket");
}

/* What only some kinds can do. */
static void check_kind(struct reader *reader, const struct draft *draft)
{
    const struct config_service *service = &draft->service;

    if (service->names && service->kind != CONFIG_EXEC)
        reader_fault(reader, key_line(draft, "names"),
                     "names are looked up for nowait programs only");
    if (service->mux != CONFIG_NO_MUX &&
        (service->type != SOCK_STREAM || service->kind == CONFIG_WAIT ||
         service->kind == CONFIG_TCPMUX))
        reader_fault(reader, key_line(draft, "tcpmux"),
                     "%s: behind tcpmux must be stream and nowait", draft->spec);
    if (service->kind != CONFIG_POOL && service->pool)
        reader_fault(reader, key_line(draft, "pool"), "a pool is one of a program");
    if (service->kind == CONFIG_POOL && draft->errors_said && service->socket_errors)
        reader_fault(reader, key_line(draft, "stderr"), "standard error of a pool is the log");
    if (service->mux != CONFIG_NO_MUX && service->kind == CONFIG_POOL)
        reader_fault(reader, key_line(draft, "tcpmux"),
                     "%s: a pool takes clients from its sockets alone", draft->spec);
    /* On the way to the service it would be forgotten for whom the proxy speaks. */
    if (service->kind == CONFIG_TCPMUX && netio_access_wants_proxy(draft->access))
        reader_fault(reader, draft->line, "%s: tcpmux has no rules for proxies", draft->spec);
    check_wait(reader, draft);
    keys_check(reader, draft);
}

static int settle_rules(struct reader *reader, struct draft *draft)
{
    const char **rules = NULL;
    size_t i = 0;

    if (draft->rules_count &&
        !(rules = arena_get(&reader->config->own->arena, (draft->rules_count + 1) * sizeof *rules)))
        return -1;
    for (struct rule *rule = draft->rules; rule; rule = rule->next)
        rules[i++] = rule->text;
    draft->service.rules = rules;
    draft->service.access = draft->access;
    return 0;
}

/* One way to say what is so without it, too: it is no change then. */
static void settle_defaults(struct config_service *service)
{
    struct netio_limit_options *limits = &service->limits;

    if (service->backlog == CONFIG_BACKLOG)
        service->backlog = 0;
    if (service->umask == CONFIG_UMASK)
        service->umask = 0;
    if (service->directory && strcmp(service->directory, CONFIG_DIRECTORY) == 0)
        service->directory = NULL;
    if (limits->ipv4_bits == CONFIG_IPV4_BITS)
        limits->ipv4_bits = 0;
    if (limits->ipv6_bits == CONFIG_IPV6_BITS)
        limits->ipv6_bits = 0;
    if (service->first_seconds == CONFIG_FIRST_SECONDS)
        service->first_seconds = 0;
    if (service->idle_seconds == CONFIG_IDLE_SECONDS)
        service->idle_seconds = 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int append(struct reader *reader, const struct config_service *service)
{
    struct config *config = reader->config;

    if (config->count == reader->room) {
        size_t room = reader->room ? 2 * reader->room : 16;
        struct config_service *more = realloc(config->services, room * sizeof *more);
        if (!more) {
            reader->scratch.failed = 1;
            return -1;
        }
        config->services = more;
        reader->room = room;
    }
    config->services[config->count++] = *service;
    return 0;
}

void draft_drop(struct draft *draft)
{
    netio_access_free(draft->access);
    draft->access = NULL;
}

void draft_finish(struct reader *reader, struct draft *draft)
{
    int known = settle_socket(reader, draft) == 0;

    if (known) {
        known = listen_find(reader, draft) == 0;
        if (settle_kind(reader, draft) == 0 && known)
            settle_datagrams(reader, draft);
        check_kind(reader, draft);
    }
    if (draft->program && strcmp(draft->program, "internal") != 0)
        settle_program(reader, draft);
    settle_user(reader, draft);
    settle_rules(reader, draft);
    settle_defaults(&draft->service);
    if (reader->faults == draft->faults && !draft->off && !reader->config->own->arena.failed &&
        !reader->scratch.failed && append(reader, &draft->service) == 0)
        return;
    draft_drop(draft);
}
