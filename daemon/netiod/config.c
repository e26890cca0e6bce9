/* netiod: reads its configuration; see config.h.  Files and folders, faults, and what holds of all
 * services together; what is in a file is read by config_*.c. */
#include "config_reader.h"

#include <netio/fd.h>
#include <netio/text.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FAULT_MAX 1024

/* ---- faults --------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 0))) static void
say(struct reader *reader, unsigned line, const char *kind, const char *format, va_list args)
{
    char text[FAULT_MAX], shown[FAULT_MAX], whole[2 * FAULT_MAX], where[FAULT_MAX] = "";

    vsnprintf(text, sizeof text, format, args);
    netio_text_safe(text, strlen(text), shown, sizeof shown);
    if (reader->file && line)
        snprintf(where, sizeof where, "%.900s:%u: ", reader->file->name, line);
    else if (reader->file)
        snprintf(where, sizeof where, "%.900s: ", reader->file->name);
    snprintf(whole, sizeof whole, "%s%s%s", where, kind, shown);
    reader->complain(reader->data, whole);
}

int reader_fault(struct reader *reader, unsigned line, const char *format, ...)
{
    va_list args;

    reader->faults++;
    va_start(args, format);
    say(reader, line, "", format, args);
    va_end(args);
    return -1;
}

void reader_warn(struct reader *reader, unsigned line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(reader, line, "warning: ", format, args);
    va_end(args);
}

/* ---- one file ------------------------------------------------------------------------------- */

/* Lines that cannot be read are said, and become comments, so that the others still are. */
static void clear_broken_lines(struct reader *reader, char *text, size_t size)
{
    unsigned line = 1;

    for (char *at = text, *end, *last = text + size; at < last; at = end + 1, line++) {
        end = memchr(at, '\n', (size_t)(last - at));
        if (!end)
            end = last;
        size_t len = (size_t)(end - at);
        int nul = memchr(at, '\0', len) != NULL;
        if (!nul && len <= CONFIG_LINE_MAX)
            continue;
        if (nul)
            reader_fault(reader, line, "a NUL in it");
        else
            reader_fault(reader, line, "longer than %d bytes", CONFIG_LINE_MAX);
        memset(at, '#', len);
    }
}

/* "host:" alone is for the lines that follow; with more behind it, that is the service. */
static char *settle_host(struct reader *reader, struct reader_file *file, char *spec)
{
    size_t len = strlen(spec);
    int fault = 0;

    if (len < 2 || spec[len - 1] != ':' || *spec == '/')
        return spec;
    char *service = words_next(reader, file, &fault);
    if (!service && !fault)
        file->hosts = arena_copy(&reader->config->own->arena, spec, len - 1);
    if (!service)
        return NULL;
    char *whole = arena_get(&reader->scratch, len + strlen(service) + 1);
    if (whole)
        sprintf(whole, "%s%s", spec, service);
    return whole;
}

/* What follows .include, and no more of its line. */
static void read_include(struct reader *reader, struct reader_file *file, unsigned line)
{
    int fault = 0;
    char *path = words_next(reader, file, &fault);

    words_skip(file);
    if (path)
        include_read(reader, path, line);
    else if (!fault)
        reader_fault(reader, line, ".include without a path");
}

static void read_definition(struct reader *reader, struct reader_file *file, char *spec,
                            unsigned line)
{
    int on = words_switch(file);

    if (on < 0)
        classic_read(reader, file, spec, line);
    else
        keys_read(reader, file, spec, line, on);
}

void text_read(struct reader *reader, struct reader_file *file, char *text, size_t size)
{
    unsigned line;
    char *spec;

    clear_broken_lines(reader, text, size);
    file->at = text;
    file->end = text + size;
    while ((spec = words_first(reader, file, &line))) {
        if (strcmp(spec, ".include") == 0)
            read_include(reader, file, line);
        else if (*spec == '.') {
            reader_fault(reader, line, "%s: no such directive", spec);
            words_skip(file);
        } else if ((spec = settle_host(reader, file, spec)))
            read_definition(reader, file, spec, line);
    }
}

/* ---- a configuration ------------------------------------------------------------------------ */

static int begin(struct reader *reader)
{
    reader->config = calloc(1, sizeof *reader->config);
    if (reader->config)
        reader->config->own = calloc(1, sizeof *reader->config->own);
    if (!reader->config || !reader->config->own)
        return reader_fault(reader, 0, "no memory");
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    reader->lacks_ipv6 = fd == -1 && errno == EAFNOSUPPORT;
    netio_fd_close(fd);
    return 0;
}

static int finish(struct reader *reader, struct config **config)
{
    if (!reader->faults && reader->config->count == 0 && !reader->options->allow_empty)
        reader_fault(reader, 0, "no service is configured");
    if (reader->config && reader->config->own &&
        (reader->config->own->arena.failed || reader->scratch.failed))
        reader_fault(reader, 0, "no memory");
    arena_clear(&reader->scratch);
    if (reader->faults) {
        config_free(reader->config);
        return -1;
    }
    *config = reader->config;
    return 0;
}

int config_parse(struct config **config, const struct config_options *options, const char *file,
                 const char *text, size_t size, config_complain *complain, void *data)
{
    struct reader reader = {.options = options, .complain = complain, .data = data, .alone = 1};
    struct reader_file one = {.line = 1};

    *config = NULL;
    if (begin(&reader) < 0)
        return config_free(reader.config), -1;
    char *copy = malloc(size + 1);
    one.name = arena_string(&reader.config->own->arena, file);
    if (copy && one.name) {
        memcpy(copy, text, size);
        reader.file = &one;
        text_read(&reader, &one, copy, size);
        reader.file = NULL;
    } else
        reader.scratch.failed = 1;
    free(copy);
    conflicts_find(&reader);
    return finish(&reader, config);
}

int config_read(struct config **config, const struct config_options *options,
                config_complain *complain, void *data)
{
    struct reader reader = {.options = options, .complain = complain, .data = data};

    *config = NULL;
    if (begin(&reader) < 0)
        return config_free(reader.config), -1;
    for (size_t i = 0; i < options->paths_count; i++)
        sources_read(&reader, options->paths[i]);
    conflicts_find(&reader);
    return finish(&reader, config);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++)
        netio_access_free((struct netio_access *)config->services[i].access);
    if (config->own) {
        values_free_users(config->own);
        arena_clear(&config->own->arena);
    }
    free(config->own);
    free(config->services);
    free(config);
}
