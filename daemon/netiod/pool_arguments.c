/* netiod: the command line of a pool; see pool_arguments.h.
 * Called by pool.c. */
#include "pool_arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN "1000000" /* seconds: how long a pool may drain is said by netiod */

static void add(struct pool_arguments *arguments, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* text is owned; NULL: there was no memory for it. */
static void add_text(struct pool_arguments *arguments, char *text)
{
    size_t size = (arguments->count + 2) * sizeof *arguments->list;
    char **list = text ? realloc(arguments->list, size) : NULL;

    if (!list) {
        arguments->failed = 1;
        free(text);
        return;
    }
    list[arguments->count++] = text;
    list[arguments->count] = NULL;
    arguments->list = list;
}

static void add(struct pool_arguments *arguments, const char *name, const char *format, ...)
{
    char *text;
    va_list args;

    add_text(arguments, strdup(name));
    va_start(args, format);
    if (vasprintf(&text, format, args) == -1)
        text = NULL;
    va_end(args);
    add_text(arguments, text);
}

static void add_number(struct pool_arguments *arguments, const char *name, double number)
{
    if (number > 0)
        add(arguments, name, "%.10g", number);
}

static void add_rate(struct pool_arguments *arguments, const char *name,
                     const struct netio_rate *rate)
{
    if (rate->count)
        add(arguments, name, "%u/%.10g", rate->count, rate->seconds > 0 ? rate->seconds : 1);
}

static void add_limits(struct pool_arguments *arguments, const struct netio_limit_options *limits)
{
    add_number(arguments, "--total", limits->total);
    add_number(arguments, "--per-source", limits->per_source);
    add_rate(arguments, "--rate", &limits->rate);
    add_rate(arguments, "--source-rate", &limits->source_rate);
    add_number(arguments, "--ipv4-bits", limits->ipv4_bits);
    add_number(arguments, "--ipv6-bits", limits->ipv6_bits);
}

static void add_policy(struct pool_arguments *arguments, const struct service *service)
{
    const struct config_service *config = service->config;
    struct netio_server_options options;

    service_server_options(service, &options);
    add_limits(arguments, &config->limits);
    if (config->refused_text)
        add(arguments, "--refused-text", "%s", config->refused_text);
    if (config->full_text)
        add(arguments, "--full-text", "%s", config->full_text);
    add_number(arguments, "--first-seconds", options.first_seconds);
    add_number(arguments, "--read-seconds", options.read_seconds);
    add_number(arguments, "--total-seconds", options.total_seconds);
    if (config->access)
        add(arguments, "--rule", "access /proc/self/fd/%zu", POOL_RULES_FD(service));
}

void pool_arguments_free(struct pool_arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        free(arguments->list[i]);
    free(arguments->list);
}

int pool_arguments_make(struct pool_arguments *arguments, const struct service *service)
{
    const struct config_service *config = service->config;

    *arguments = (struct pool_arguments){.list = NULL};
    add_text(arguments, strdup("netiod-pool"));
    add(arguments, "--workers", "%u", config->pool);
    add(arguments, "--sockets", "%zu", service->fds_count);
    add(arguments, "--ready", "%zu", POOL_READY_FD(service));
    add(arguments, "--stop-seconds", DRAIN);
    add_policy(arguments, service);
    add(arguments, "--", "%s", config->program);
    for (size_t i = 1; config->argv[i]; i++)
        add_text(arguments, strdup(config->argv[i]));
    if (!arguments->failed)
        return 0;
    pool_arguments_free(arguments);
    return -ENOMEM;
}
