/* netiod: services of ONC RPC, which have no port of their own but are found through rpcbind(8);
 * see config_reader.h.  Called by config_listen.c; it asks rpc(5) for numbers. */
#include "config_reader.h"

#include <rpc/netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSIONS_MAX 64 /* of one line: each is registered by itself */

/* "100002", or a name or alias of rpc(5); 0: neither. */
static unsigned program_number(const char *name)
{
    unsigned number = 0;

    if (value_number(name, UINT32_MAX, &number) == 0)
        return number;
    const struct rpcent *entry = *name ? getrpcbyname(name) : NULL;
    return entry ? (unsigned)entry->r_number : 0;
}

/* "2" or "1-3" */
static int set_versions(struct reader *reader, struct draft *draft, char *text)
{
    struct config_service *service = &draft->service;
    char *high = strchr(text, '-');
    int len = (int)strlen(text);

    if (high)
        *high++ = '\0';
    int wrong = value_number(text, UINT32_MAX, &service->version_low) < 0 ||
                value_number(high ? high : text, UINT32_MAX, &service->version_high) < 0 ||
                service->version_high < service->version_low;
    if (high)
        high[-1] = '-';
    if (wrong)
        return reader_fault(reader, draft->line, "%s: %.*s is no version, as 2 or 1-3", draft->spec,
                            len, text);
    if (service->version_high - service->version_low >= VERSIONS_MAX)
        return reader_fault(reader, draft->line, "%s: more than %d versions", draft->spec,
                            VERSIONS_MAX);
    return 0;
}

/* What such a service cannot be besides. */
static int check(struct reader *reader, const struct draft *draft)
{
    if (draft->listen)
        return reader_fault(reader, draft->line,
                            "listen: an rpc service has the port that it gets");
    if (!draft->program || strcmp(draft->program, "internal") == 0)
        return reader_fault(reader, draft->line, "%s: netiod has no rpc service itself",
                            draft->spec);
    return 0;
}

/* Programs of root have a port that only root can have, which is what their clients may look at. */
static int is_roots(const struct draft *draft)
{
    const char *user = draft->user ? draft->user : "";
    size_t len = draft->user_dots ? strcspn(user, ".") : strlen(user);

    return geteuid() == 0 &&
           ((len == 4 && memcmp(user, "root", len) == 0) || (len == 1 && *user == '0'));
}

int rpc_find(struct reader *reader, struct draft *draft, const char *name)
{
    struct config_service *service = &draft->service;
    char *program = arena_string(&reader->scratch, name), *choice = arena_get(&reader->scratch, 64);
    char *versions = program ? strchr(program, '/') : NULL;

    if (!program || !choice || check(reader, draft) < 0)
        return -1;
    if (!versions)
        return reader_fault(reader, draft->line,
                            "%s: an rpc service is NAME/VERSION, as rusersd/1-3", draft->spec);
    *versions++ = '\0';
    service->program_number = program_number(program);
    if (!service->program_number)
        return reader_fault(reader, draft->line, "rpc service %s: unknown", program);
    if (set_versions(reader, draft, versions) < 0)
        return -1;
    sprintf(choice, "%s,for=%u.%u", is_roots(draft) ? ",reserved" : "", service->program_number,
            service->version_low);
    draft->choice = choice;
    return 0;
}

int rpc_check(struct reader *reader, const struct draft *draft, const char *const *addresses,
              size_t count)
{
    size_t families[2] = {0};

    for (size_t i = 0; i < count; i++)
        if (++families[strchr(addresses[i], '[') != NULL] > 1)
            return reader_fault(reader, draft->line,
                                "%s: rpcbind(8) can tell of one address of each family",
                                draft->spec);
    return 0;
}
