/* Ring 3.  The options of a supervisor, checked and copied.  Called by supervisor.c; it allocates,
 * and touches nothing else. */
#include "server/supervisor.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define READY_SECONDS     30
#define DRAIN_SECONDS     30
#define HEARTBEAT_SECONDS 30

static int bad_option(struct netio_error *error, const char *subject)
{
    return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, subject);
}

/* Whether it is a time; 0 becomes fallback. */
static int set_seconds(double *seconds, double fallback)
{
    if (isnan(*seconds) || *seconds < 0)
        return 0;
    if (*seconds == 0)
        *seconds = fallback;
    return 1;
}

static int check(struct netio_supervisor_options *options, struct netio_error *error)
{
    if (options->workers > NETIO_WORKERS_MAX)
        return bad_option(error, "workers");
    if (!set_seconds(&options->ready_seconds, READY_SECONDS))
        return bad_option(error, "ready_seconds");
    if (!set_seconds(&options->drain_seconds, DRAIN_SECONDS))
        return bad_option(error, "drain_seconds");
    if (!set_seconds(&options->heartbeat_seconds, HEARTBEAT_SECONDS))
        return bad_option(error, "heartbeat_seconds");
    if (options->program && (!strchr(options->program, '/') || !options->argv || !options->argv[0]))
        return bad_option(error, "program");
    return 0;
}

/* The list and its texts in one piece; NULL of NULL, or without memory. */
static char **copy_list(const char *const *list)
{
    size_t count = 0, size = 0;

    for (; list && list[count]; count++)
        size += strlen(list[count]) + 1;
    char **copy = list ? malloc((count + 1) * sizeof *copy + size) : NULL;
    char *text = copy ? (char *)(copy + count + 1) : NULL;
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = text;
        text = stpcpy(text, list[i]) + 1;
    }
    if (copy)
        copy[count] = NULL;
    return copy;
}

/* Whether there was memory. */
static int copy_text(const char **text)
{
    if (*text && !(*text = strdup(*text)))
        return 0;
    return 1;
}

static int copy_texts(struct netio_supervisor_options *own)
{
    const struct netio_supervisor_options theirs = *own;

    own->argv = copy_list((const char *const *)theirs.argv);
    own->environment = (const char *const *)copy_list(theirs.environment);
    int whole = copy_text(&own->status);
    whole &= copy_text(&own->program);
    whole &= copy_text(&own->directory);
    return whole && !own->argv == !theirs.argv && !own->environment == !theirs.environment
               ? 0
               : -ENOMEM;
}

int netio__options_set(struct netio_supervisor *supervisor,
                       const struct netio_supervisor_options *options, struct netio_error *error)
{
    struct netio_supervisor_options *own = &supervisor->options;
    struct netio_supervisor_options checked = *options;
    int code = check(&checked, error);

    if (code)
        return code;
    *own = checked;
    code = copy_texts(own);
    if (code)
        return netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, "supervisor");
    supervisor->workers = own->workers ? own->workers : 1;
    return own->world
               ? netio__world_prepare(&supervisor->world, own->world, NETIO_STAGE_CHILD, error)
               : 0;
}

void netio__options_free(struct netio_supervisor *supervisor)
{
    struct netio_supervisor_options *own = &supervisor->options;

    free((char *)own->status);
    free((char *)own->program);
    free((char *)own->directory);
    free((char **)own->argv);
    free((char **)own->environment);
    netio__world_done(&supervisor->world);
}
