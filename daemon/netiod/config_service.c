/* netiod: what is asked of one service of a configuration; see config.h.  Pure.  Called by who
 * matches services (reload.c, handover.c), by pool.c, and for names by tcpmux.c and others. */
#include "config.h"

#include <string.h>
#include <strings.h>

/* ---- its names ---- */

static const char *const builtins[] = {
    [CONFIG_ECHO] = "echo", [CONFIG_DISCARD] = "discard", [CONFIG_DAYTIME] = "daytime",
    [CONFIG_TIME] = "time", [CONFIG_CHARGEN] = "chargen",
};

const char *config_builtin_str(enum config_builtin builtin)
{
    return builtins[builtin];
}

int config_builtin_find(const char *name)
{
    for (int i = 0; i < (int)(sizeof builtins / sizeof *builtins); i++)
        if (strcmp(builtins[i], name) == 0)
            return i;
    return -1;
}

const char *config_first_address(const struct config_service *service)
{
    return service->listens > 0 ? service->listen[0] : "";
}

const char *config_mux_name(const struct config_service *service)
{
    size_t len = strlen(CONFIG_MUX_PREFIX);

    return service->name + (strncasecmp(service->name, CONFIG_MUX_PREFIX, len) == 0 ? len : 0);
}

/* ---- whether it is the same ---- */

static int same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

/* NULL-ended lists; NULL is none. */
static int same_list(const char *const *one, const char *const *other)
{
    if (!one || !other)
        return one == other;
    while (*one && *other && strcmp(*one, *other) == 0)
        one++, other++;
    return *one == *other;
}

static int same_user(const struct netio_user *one, const struct netio_user *other)
{
    if (!one || !other)
        return one == other;
    return one->uid == other->uid && one->gid == other->gid &&
           one->groups_count == other->groups_count &&
           memcmp(one->groups, other->groups, one->groups_count * sizeof *one->groups) == 0 &&
           same_text(one->name, other->name) && same_text(one->home, other->home) &&
           same_text(one->shell, other->shell);
}

static int same_rate(struct netio_rate one, struct netio_rate other)
{
    return one.count == other.count && one.seconds == other.seconds;
}

static int same_limits(const struct netio_limit_options *one,
                       const struct netio_limit_options *other)
{
    return one->total == other->total && one->per_source == other->per_source &&
           same_rate(one->rate, other->rate) && same_rate(one->source_rate, other->source_rate) &&
           one->ipv4_bits == other->ipv4_bits && one->ipv6_bits == other->ipv6_bits &&
           one->sources == other->sources;
}

static int same_socket(const struct config_service *one, const struct config_service *other)
{
    if (one->type != other->type || one->listens != other->listens ||
        one->receive_buffer != other->receive_buffer || one->send_buffer != other->send_buffer ||
        one->backlog != other->backlog || one->program_number != other->program_number ||
        one->version_low != other->version_low || one->version_high != other->version_high)
        return 0;
    for (size_t i = 0; i < one->listens; i++)
        if (strcmp(one->listen[i], other->listen[i]) != 0)
            return 0;
    return same_text(one->name, other->name) && same_text(one->protocol, other->protocol);
}

static int same_rlimits(const struct config_service *one, const struct config_service *other)
{
    if (one->rlimits_count != other->rlimits_count)
        return 0;
    for (size_t i = 0; i < one->rlimits_count; i++)
        if (one->rlimits[i].resource != other->rlimits[i].resource ||
            one->rlimits[i].value.rlim_cur != other->rlimits[i].value.rlim_cur ||
            one->rlimits[i].value.rlim_max != other->rlimits[i].value.rlim_max)
            return 0;
    return 1;
}

static int same_program(const struct config_service *one, const struct config_service *other)
{
    return one->kind == other->kind && one->builtin == other->builtin && one->mux == other->mux &&
           same_text(one->program, other->program) && same_list(one->argv, other->argv) &&
           same_user(one->user, other->user) && same_list(one->environment, other->environment) &&
           same_text(one->directory, other->directory) && one->umask == other->umask &&
           same_rlimits(one, other) && one->more_privileges == other->more_privileges &&
           one->socket_errors == other->socket_errors && one->names == other->names &&
           one->pool == other->pool;
}

/* A file of rules may say something else by now without a change here. */
static int has_file(const char *const *rules)
{
    while (rules && *rules && strncmp(*rules, "access ", 7) != 0)
        rules++;
    return rules && *rules;
}

static int same_policy(const struct config_service *one, const struct config_service *other)
{
    return same_list(one->rules, other->rules) && !has_file(one->rules) &&
           same_limits(&one->limits, &other->limits) && one->max == other->max &&
           same_text(one->refused_text, other->refused_text) &&
           same_text(one->full_text, other->full_text) &&
           one->first_seconds == other->first_seconds && one->idle_seconds == other->idle_seconds &&
           one->total_seconds == other->total_seconds;
}

int config_same(const struct config_service *one, const struct config_service *other)
{
    return same_socket(one, other) && same_program(one, other) && same_policy(one, other);
}
