/* whoisd: the storage interface; see directory.h.
 * Chooses the engine and passes every call on to it. */
#include "directory.h"

#include <netio/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct directory_engine *const engines[] = {&directory_sqlite};

int directory_fault_set(struct directory_fault *fault, int code, const char *format, ...)
{
    va_list args;

    fault->code = code;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return code;
}

int directory_open(struct directory **directory, const char *uri, struct directory_fault *fault)
{
    *directory = NULL;
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        size_t len = strlen(engines[i]->scheme);
        if (strncmp(uri, engines[i]->scheme, len) == 0 && uri[len] != '\0')
            return engines[i]->open(directory, uri + len, fault);
    }
    return directory_fault_set(fault, NETIO_EBADOPTION, "not a directory URI (sqlite:PATH)");
}

void directory_close(struct directory *directory)
{
    if (directory)
        directory->engine->close(directory);
}

const char *directory_place(const struct directory *directory)
{
    return directory->place;
}

uint64_t directory_entries(const struct directory *directory)
{
    return directory->engine->entries(directory);
}

int directory_follow(struct directory *directory, struct netio_loop *loop, struct netio_log *log)
{
    return directory->engine->follow(directory, loop, log);
}

void directory_recheck(struct directory *directory)
{
    directory->engine->recheck(directory);
}

int directory_find(struct directory *directory, const struct query *query, size_t max,
                   const struct directory_hearer *hearer, netio_deadline deadline)
{
    return directory->engine->find(directory, query, max, hearer, deadline);
}

int directory_read(struct directory *directory, int64_t id, const char **fields,
                   netio_deadline deadline)
{
    return directory->engine->read(directory, id, fields, deadline);
}
