/* Ring 3.  The options of a server, with their defaults; see netio/server.h.  Called by server.c;
 * it fills a server's fields, and asks the system for its limits only. */
#include "net/loop.h"
#include "server/models.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define LINE_MAX_DEFAULT  1024
#define WRITE_MAX_DEFAULT (1024 * 1024)
#define HIGH_WATER        (64 * 1024)
#define READ_SECONDS      30
#define WRITE_SECONDS     60
#define DRAIN_SECONDS     2
#define FD_RESERVE        32      /* for listeners, logs, directories, ... */
#define CONNECTIONS_MAX   1000000 /* where RLIMIT_NOFILE names no number */

/* What descriptors there are for connections. */
static size_t descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur > CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    return limit.rlim_cur > FD_RESERVE ? limit.rlim_cur - FD_RESERVE : 1;
}

static size_t places(enum netio_model model, unsigned wanted)
{
    if (netio__model_is_serial(model))
        return 1;
    return wanted ? wanted : descriptors();
}

/* Seconds as a span of nanoseconds, 0 for longer than any deadline; -1 for nonsense. */
static int64_t span_of(double seconds, double fallback)
{
    if (isnan(seconds) || seconds < 0)
        return -1;
    if (seconds == 0)
        seconds = fallback;
    return seconds > 100 * 366 * 86400.0 ? 0 : (int64_t)ceil(seconds * 1e9);
}

/* The line as it is sent; 0 or -ENOMEM. */
static int set_text(char **line, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (!text)
        return 0;
    if (!(*line = malloc(len + sizeof "\r\n")))
        return -ENOMEM;
    memcpy(*line, text, len);
    memcpy(*line + len, "\r\n", sizeof "\r\n");
    return 0;
}

static int set_texts(struct netio_server *server, const struct netio_server_options *options)
{
    char *refused = NULL, *full = NULL;
    int code = set_text(&refused, options->refused_text);

    if (!code)
        code = set_text(&full, options->full_text);
    if (code) {
        free(refused);
        return code;
    }
    free(server->refused_text);
    free(server->full_text);
    server->refused_text = refused;
    server->full_text = full;
    return 0;
}

enum span { FIRST, READ, TOTAL, WRITE, DRAIN, SPANS };

/* 0, or -EINVAL for seconds that make no sense. */
static int get_spans(int64_t spans[SPANS], const struct netio_server_options *options)
{
    const struct {
        double seconds, fallback;
    } wanted[SPANS] = {
        [FIRST] = {options->first_seconds, (double)INFINITY},
        [READ] = {options->read_seconds, READ_SECONDS},
        [TOTAL] = {options->total_seconds, (double)INFINITY},
        [WRITE] = {options->write_seconds, WRITE_SECONDS},
        [DRAIN] = {options->drain_seconds, DRAIN_SECONDS},
    };

    for (int i = 0; i < SPANS; i++)
        if ((spans[i] = span_of(wanted[i].seconds, wanted[i].fallback)) < 0)
            return -EINVAL;
    if (options->first_seconds == 0)
        spans[FIRST] = spans[READ];
    return 0;
}

int netio__server_set_options(struct netio_server *server,
                              const struct netio_server_options *options)
{
    int64_t spans[SPANS];
    int code = get_spans(spans, options);

    if (!code)
        code = set_texts(server, options);
    if (code)
        return code;
    server->first_span = spans[FIRST];
    server->read_span = spans[READ];
    server->total_span = spans[TOTAL];
    server->write_span = spans[WRITE];
    server->drain_span = spans[DRAIN];
    server->model = options->model;
    server->line_max = options->line_max ? options->line_max : LINE_MAX_DEFAULT;
    server->read_max = options->read_max && options->read_max < NETIO__SCRATCH ? options->read_max
                                                                               : NETIO__SCRATCH;
    server->write_max = options->write_max ? options->write_max : WRITE_MAX_DEFAULT;
    server->high_water = options->high_water ? options->high_water : HIGH_WATER;
    server->max_connections = places(options->model, options->max_connections);
    server->draining_max = descriptors();
    server->access = options->access;
    server->limit = options->limit;
    server->data = options->data;
    server->fork = options->fork;
    return 0;
}
