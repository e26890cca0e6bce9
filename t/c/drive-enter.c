/* t/c/drive-enter: enters a world and executes a program there, for tests in Perl that let the
 * calls on the way fail and lie.
 *
 *      drive-enter [-u USER[:GROUP]] [-r ROOT] [-d FOLDER] [-c CAPABILITY] [-l CORE] [-n UMASK]
 *                  [-e ENTRY]... [-k FD]... [-m] PROGRAM ARG...
 *
 * "error TEXT" and status 1 when a step fails; nothing is executed then. */
#include "proc/world.h"
#include "tap.h"
#include <netio/environ.h>
#include <netio/error.h>
#include <netio/fd.h>
#include <netio/signals.h>

#include <errno.h>

#define MAX 16

struct choice {
    struct netio_world world;
    struct netio_user user;
    struct netio_rlimit core;
    const char *entries[MAX + 1];
    int keep[MAX];
    size_t entry_count, keep_count;
};

/* At once: half-way into a world it can neither exit nor be searched for leaks. */
_Noreturn static void refuse_with(const struct netio_error *error)
{
    char text[640];

    printf("error %s\n", netio_error_str(error, text, sizeof text));
    fflush(stdout);
    _exit(1);
}

_Noreturn static void refuse(const char *step, int code)
{
    struct netio_error error;

    netio_error_set(&error, NETIO_STAGE_NONE, code, NULL, step);
    refuse_with(&error);
}

static int read_option(struct choice *choice, int option, struct netio_error *error)
{
    struct netio_world *world = &choice->world;

    switch (option) {
    case 'u':
        world->privileges.user = &choice->user;
        return netio_user_parse(&choice->user, optarg, error);
    case 'r':
        world->privileges.root = optarg;
        return 0;
    case 'd':
        world->directory = optarg;
        return 0;
    case 'c':
        world->privileges.capabilities |= 1ULL << atoi(optarg);
        return 0;
    case 'l':
        choice->core = (struct netio_rlimit){RLIMIT_CORE, {(rlim_t)atol(optarg), RLIM_INFINITY}};
        world->limits = &choice->core;
        world->limits_count = 1;
        return 0;
    case 'n':
        world->umask = (mode_t)strtol(optarg, NULL, 8);
        world->umask |= world->umask ? 0 : NETIO_UMASK_NONE;
        return 0;
    case 'e':
        choice->entries[choice->entry_count++] = optarg;
        world->environment = choice->entries;
        return 0;
    case 'k':
        choice->keep[choice->keep_count++] = atoi(optarg);
        return 0;
    case 'm':
        world->privileges.flags |= NETIO_PRIVILEGES_MORE;
        return 0;
    default:
        return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, optarg);
    }
}

_Noreturn static void enter(const struct choice *choice, char **argv)
{
    struct netio__world world;
    struct netio_error error;
    int code;

    if (netio__world_prepare(&world, &choice->world, NETIO_STAGE_CHILD, &error))
        refuse_with(&error);
    if ((code = netio_signals_reset()) != 0)
        refuse("signals", code);
    if ((code = netio_fd_standard()) != 0)
        refuse("standard", code);
    if ((code = netio_fd_close_others(choice->keep, choice->keep_count)) != 0)
        refuse("others", code);
    if (netio__world_enter(&world, &error) || netio__world_drop(&world, &error))
        refuse_with(&error);
    execve(argv[0], argv, world.environment);
    refuse(argv[0], -errno);
}

int main(int argc, char **argv)
{
    struct choice choice = {0};
    struct netio_error error;
    int option;

    while ((option = getopt(argc, argv, "+u:r:d:c:l:n:e:k:m")) != -1)
        if (read_option(&choice, option, &error))
            refuse_with(&error);
    if (optind == argc)
        skip_all("a driver for tests in Perl");
    (void)tap_done;
    enter(&choice, argv + optind);
}
