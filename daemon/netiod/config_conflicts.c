/* netiod: services that want the address, or the name behind tcpmux, that another one or --status
 * has, and those that want a tcpmux that is not there; see config_reader.h.  Called by config.c
 * when all services are there. */
#include "config_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define VERSION_KEY 32

/* One address of one service, or its name.  Two can be at odds only if group and key are alike. */
struct claim {
    const struct config_service *service; /* NULL: --status */
    const char *text;                     /* as it is said */
    const char *group; /* "4", "6": TCP; "udp4", "udp6", "unix", "mux"; "rpc": of all of them */
    const char *key;   /* the port, the path, the name; "udp6 100002.3" */
    size_t key_len;
    const char *host;
    size_t host_len;
};

/* "udp:[::1]:79", "127.0.0.1:79", "unix:/path,mode=0600" */
static struct claim claim_of(const struct config_service *service, const char *text)
{
    struct claim claim = {.service = service, .text = text, .group = "unix"};

    if (strncmp(text, "unix", 4) == 0) {
        claim.key = strchr(text, ':') + 1;
        claim.key_len = strcspn(claim.key, ",");
        return claim;
    }
    int udp = strncmp(text, "udp:", 4) == 0;
    claim.host = text + (udp ? 4 : 0);
    claim.key = strrchr(text, ':') + 1;
    claim.key_len = strlen(claim.key);
    claim.host_len = (size_t)(claim.key - 1 - claim.host);
    claim.group = *claim.host == '[' ? (udp ? "udp6" : "6") : (udp ? "udp4" : "4");
    return claim;
}

/* Each version of a program is known at one address of each family. */
static struct claim claim_of_version(struct reader *reader, const struct config_service *service,
                                     const char *listen, unsigned version)
{
    struct claim claim = {.service = service, .text = service->name, .group = "rpc", .key = ""};
    char *key = arena_get(&reader->scratch, VERSION_KEY);

    if (!key)
        return claim;
    claim.key = key;
    claim.key_len =
        (size_t)sprintf(key, "%s%s %u.%u", service->protocol, strchr(listen, '[') ? "6" : "",
                        service->program_number, version);
    return claim;
}

static struct claim claim_of_name(const struct config_service *service)
{
    const char *name = config_mux_name(service);

    return (struct claim){.service = service,
                          .text = service->name,
                          .group = "mux",
                          .key = name,
                          .key_len = strlen(name)};
}

/* Those of a service that listens there. */
static size_t claim_status(struct reader *reader, struct claim *claims)
{
    const char *const listen[] = {reader->options->status, NULL};
    struct reader_file file = {.name = "--status"};
    struct draft draft = {
        .spec = file.name, .listen = listen, .hosts = "*", .type = SOCK_STREAM, .protocol = "tcp"};

    if (!*listen)
        return 0;
    draft.family = strncmp(*listen, "unix", 4) == 0 ? DRAFT_UNIX : DRAFT_ANY;
    reader->file = &file;
    (void)listen_find(reader, &draft);
    reader->file = NULL;
    for (size_t i = 0; i < draft.service.listens; i++)
        claims[i] = claim_of(NULL, draft.service.listen[i]);
    return draft.service.listens;
}

/* Names behind tcpmux differ by more than case; as for paths, at_odds looks again. */
static int compare(const void *one, const void *other)
{
    const struct claim *a = one, *b = other;
    size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
    int order = strcmp(a->group, b->group);

    order = order ? order : strncasecmp(a->key, b->key, len);
    order = order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
    return order ? order : (a->service > b->service) - (a->service < b->service);
}

static int is_any(const struct claim *claim)
{
    return strncmp(claim->host, "0.0.0.0:", 8) == 0 || strncmp(claim->host, "[::]:", 5) == 0;
}

/* Of two that are alike for compare. */
static int at_odds(const struct claim *a, const struct claim *b)
{
    if (strcmp(a->group, "mux") == 0)
        return 1;
    if (!a->host)
        return memcmp(a->key, b->key, a->key_len) == 0;
    if (strcmp(a->key, "0") == 0)
        return 0;
    return is_any(a) || is_any(b) ||
           (a->host_len == b->host_len && memcmp(a->host, b->host, a->host_len) == 0);
}

/* The BSDs have a line for each family, of which the one that says "tcp" is of IPv4; a service that
 * has both families by such a word leaves to the other line the address that this one names. */
static int yields(struct reader *reader, const struct claim *claim, const struct claim *to)
{
    struct config_service *services = reader->config->services;
    struct config_service *service = &services[claim->service - services];
    const char **listen = (const char **)service->listen;

    if (!claim->host || !service->any_family || to->service->any_family ||
        claim->host_len != to->host_len || memcmp(claim->host, to->host, to->host_len) != 0)
        return 0;
    for (size_t i = 0; i < service->listens && service->listens > 1; i++) {
        if (listen[i] != claim->text)
            continue;
        memmove(listen + i, listen + i + 1, (service->listens - i) * sizeof *listen);
        service->listens--;
        return 1;
    }
    return 0;
}

static int alike(const struct claim *a, const struct claim *b)
{
    return strcmp(a->group, b->group) == 0 && a->key_len == b->key_len &&
           strncasecmp(a->key, b->key, a->key_len) == 0;
}

static void say(struct reader *reader, const struct claim *claim,
                const struct config_service *other)
{
    struct reader_file file = {.name = claim->service->file};
    unsigned line = claim->service->line;

    reader->file = &file;
    if (other && claim->host && strncmp(claim->key, "0,", 2) == 0)
        reader_fault(reader, line,
                     "port 0 under the name %s: %s:%u has it already; the kernel chooses one for "
                     "each name",
                     claim->service->name, other->file, other->line);
    else if (other)
        reader_fault(reader, line, "%s: %s:%u has it already", claim->text, other->file,
                     other->line);
    else
        reader_fault(reader, line, "%s: --status has it already", claim->text);
    reader->file = NULL;
}

/* Each service that is at odds with an earlier one, once, whatever it has in common with it. */
static void compare_run(struct reader *reader, const struct claim *claims, size_t count, char *said)
{
    const struct config_service *first = reader->config->services;

    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct config_service *service = claims[i].service, *other = claims[j].service;
            if (service == other || said[service - first] || !at_odds(&claims[i], &claims[j]) ||
                (other && (yields(reader, &claims[i], &claims[j]) ||
                           yields(reader, &claims[j], &claims[i]))))
                continue;
            said[service - first] = 1;
            say(reader, &claims[i], other);
        }
}

static size_t versions_of(const struct config_service *service)
{
    return service->program_number ? service->version_high - service->version_low + 1 : 0;
}

static size_t collect(struct reader *reader, struct claim *claims)
{
    const struct config *config = reader->config;
    size_t count = claim_status(reader, claims);

    for (size_t i = 0; i < config->count; i++) {
        const struct config_service *service = &config->services[i];
        size_t versions = versions_of(service);
        for (size_t j = 0; j < service->listens && !versions; j++)
            claims[count++] = claim_of(service, service->listen[j]);
        for (size_t j = 0; j < service->listens * versions; j++)
            claims[count++] = claim_of_version(reader, service, service->listen[j / versions],
                                               service->version_low + (unsigned)(j % versions));
        if (service->mux != CONFIG_NO_MUX)
            claims[count++] = claim_of_name(service);
    }
    return count;
}

/* Nobody asks for a service behind tcpmux where there is none. */
static void find_lonely(struct reader *reader)
{
    const struct config *config = reader->config;
    struct reader_file file = {0};

    for (size_t i = 0; i < config->count; i++)
        if (config->services[i].kind == CONFIG_TCPMUX)
            return;
    reader->file = &file;
    for (size_t i = 0; i < config->count; i++) {
        const struct config_service *service = &config->services[i];
        file.name = service->file;
        if (service->mux != CONFIG_NO_MUX)
            reader_warn(reader, service->line, "%s: there is no service tcpmux to ask for it",
                        service->name);
    }
    reader->file = NULL;
}

void conflicts_find(struct reader *reader)
{
    const struct config *config = reader->config;
    size_t room = 0, begin = 0;

    for (size_t i = 0; i < config->count; i++)
        room += config->services[i].listens * (versions_of(&config->services[i]) + 1) + 1;
    struct claim *claims = calloc(room + 2, sizeof *claims);
    char *said = calloc(config->count + 1, 1);
    size_t count = claims && said ? collect(reader, claims) : 0;
    reader->scratch.failed |= !claims || !said;
    if (count)
        qsort(claims, count, sizeof *claims, compare);
    for (size_t i = 1; i <= count; i++)
        if (i == count || !alike(&claims[begin], &claims[i])) {
            compare_run(reader, claims + begin, i - begin, said);
            begin = i;
        }
    free(claims);
    free(said);
    find_lonely(reader);
}
