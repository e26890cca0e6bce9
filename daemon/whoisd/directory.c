/* whoisd: the storage interface; see directory.h.
 * Chooses the engine and passes every call on to it. */
#include "directory.h"

#include "common/path.h"

#include <netio/error.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The engine of the URI, and where its place begins; or NULL with *fault. */
static const struct directory_engine *engine_of(const char *uri, const char **place,
                                                struct directory_fault *fault)
{
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        size_t len = strlen(engines[i]->scheme);
        *place = uri + len;
        if (strncmp(uri, engines[i]->scheme, len) == 0 && **place)
            return engines[i];
    }
    directory_fault_set(fault, NETIO_EBADOPTION, "not a directory URI (sqlite:PATH)");
    return NULL;
}

int directory_locate(char **absolute, const char *uri, struct directory_fault *fault)
{
    const char *place;
    const struct directory_engine *engine = engine_of(uri, &place, fault);

    *absolute = NULL;
    if (!engine)
        return fault->code;
    char *path = path_absolute(place);
    if (!path || asprintf(absolute, "%s%s", engine->scheme, path) == -1) {
        int code = errno ? -errno : -ENOMEM;
        *absolute = NULL;
        free(path);
        return directory_fault_set(fault, code, "%s", netio_error_text(code));
    }
    free(path);
    return 0;
}

int directory_open(struct directory **directory, const char *uri, struct directory_fault *fault)
{
    const char *place;
    const struct directory_engine *engine = engine_of(uri, &place, fault);

    *directory = NULL;
    return engine ? engine->open(directory, place, fault) : fault->code;
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

int directory_follow(struct directory *directory, const struct directory_follower *follower)
{
    return directory->engine->follow(directory, follower);
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
