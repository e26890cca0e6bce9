/* netiod: services whose programs could not be started as things are: their user, a limit or the
 * program is out of reach; see config.h.  Called by start.c and reload.c; it asks the kernel, and
 * tries limits, which are as before then. */
#include "config.h"
#include "self.h"

#include <netio/names.h>
#include <netio/text.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct reach {
    const struct config_service *service;
    const struct self *self;
    config_complain *complain;
    void *data;
};

static void warn(const struct reach *reach, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(const struct reach *reach, const char *format, ...)
{
    char what[1024], shown[1024], text[1800];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    netio_text_safe(what, strlen(what), shown, sizeof shown);
    snprintf(text, sizeof text, "%.640s:%u: warning: %s: no program can be started",
             reach->service->file, reach->service->line, shown);
    reach->complain(reach->data, text);
}

static const char *name_of(const struct netio_user *user, char number[16])
{
    snprintf(number, 16, "%lu", (unsigned long)user->uid);
    return user->name ? user->name : number;
}

/* ---- limits --------------------------------------------------------------------------------- */

/* Who may allow more than there was is known to the kernel alone: of root in a container, too. */
static int is_too_much(const struct netio_rlimit *limit)
{
    __rlimit_resource_t resource = (__rlimit_resource_t)limit->resource;
    struct rlimit before, more;

    if (getrlimit(resource, &before) == -1 || limit->value.rlim_max <= before.rlim_max)
        return 0;
    more = (struct rlimit){.rlim_cur = before.rlim_cur, .rlim_max = limit->value.rlim_max};
    if (setrlimit(resource, &more) == -1)
        return 1;
    (void)setrlimit(resource, &before);
    return 0;
}

static void reach_limits(const struct reach *reach)
{
    const struct config_service *service = reach->service;

    for (size_t i = 0; i < service->rlimits_count; i++)
        if (is_too_much(&service->rlimits[i]))
            warn(reach, "rlimit %s: more than who runs netiod may allow",
                 netio_resource_str(service->rlimits[i].resource));
}

/* ---- the program ---------------------------------------------------------------------------- */

static int is_of(const struct netio_user *user, gid_t gid)
{
    for (size_t i = 0; i < user->groups_count; i++)
        if (user->groups[i] == gid)
            return 1;
    return user->gid == gid;
}

/* bit: of S_IRWXO.  What cannot be asked, and what a longer list of access says (acl(5)), is not
 * known here: then he may. */
static int may(const struct netio_user *user, const char *path, mode_t bit)
{
    struct stat st;

    if (stat(path, &st) == -1 || getxattr(path, "system.posix_acl_access", NULL, 0) > 0)
        return 1;
    if (st.st_uid == user->uid)
        bit <<= 6;
    else if (is_of(user, st.st_gid))
        bit <<= 3;
    return (st.st_mode & bit) != 0;
}

/* Through all of its folders. */
static int may_reach(const struct netio_user *user, const char *path, mode_t bit)
{
    char folder[PATH_MAX];

    for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(end - path), path);
        if (!may(user, folder, S_IXOTH))
            return 0;
    }
    return may(user, path, bit);
}

static void reach_program(const struct reach *reach, const struct netio_user *user)
{
    const struct config_service *service = reach->service;
    int is_pool = service->kind == CONFIG_POOL;
    mode_t bit = is_pool ? S_IROTH : S_IXOTH;
    char whole[PATH_MAX], number[16];

    if (user->uid == 0 || !realpath(service->program, whole))
        return;
    /* Links may lead out of folders that are closed, and into some. */
    if (!may_reach(user, service->program, bit) ||
        (strcmp(service->program, whole) != 0 && !may_reach(user, whole, bit)))
        warn(reach, "program %.640s: user %.64s may not %s it", service->program,
             name_of(user, number), is_pool ? "read" : "execute");
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void reach_service(const struct reach *reach)
{
    const struct netio_user *user = reach->service->user;
    const struct self *self = reach->self;
    const char *step = user ? self_refused(self, user) : NULL;
    const struct netio_user own = {.uid = self->uid[1],
                                   .gid = self->gid[1],
                                   .groups = self->groups,
                                   .groups_count = self->groups_count};
    char number[16];

    if (step) {
        warn(reach, "user %.64s: uid %lu, who runs netiod, may not become it (%s)",
             name_of(user, number), (unsigned long)self->uid[1], step);
        return;
    }
    reach_limits(reach);
    reach_program(reach, user ? user : &own);
}

void config_reach(const struct config *config, const struct self *self, config_complain *complain,
                  void *data)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct reach reach = {&config->services[i], self, complain, data};
        if (reach.service->program)
            reach_service(&reach);
    }
}
