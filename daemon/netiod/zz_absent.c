/* netiod: in the place of parts that other rooms are still writing; goes with the last of them. */
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WEAK __attribute__((weak))

/* One line "PORT stream tcp nowait USER PROGRAM ARGS..." a service, on 127.0.0.1. */
WEAK int config_read(struct config **config, const struct config_options *options,
                     config_complain *complain, void *data)
{
    FILE *file = fopen(options->paths[0], "re");
    char line[1000];
    unsigned number = 0;

    *config = NULL;
    if (!file) {
        complain(data, "no file");
        return -1;
    }
    struct config *made = *config = calloc(1, sizeof *made);
    made->services = calloc(2000, sizeof *made->services);
    while (fgets(line, sizeof line, file)) {
        struct config_service *service = &made->services[made->count];
        char *words[20] = {NULL}, *rest = strdup(line), *listen;
        int count = 0;
        number++;
        while (count < 19 && (words[count] = strtok_r(rest, " \t\n", &rest)))
            count++;
        if (count == 0)
            continue;
        if (count < 6) {
            if (asprintf(&listen, "%s:%u: not a service", options->paths[0], number) > 0)
                complain(data, listen);
            fclose(file);
            return -1;
        }
        made->count++;
        service->file = options->paths[0];
        service->line = number;
        service->name = words[0];
        service->protocol = "tcp";
        service->type = SOCK_STREAM;
        if (asprintf(&listen, "127.0.0.1:%s", words[0]) < 0)
            abort();
        const char **list = calloc(2, sizeof *list);
        list[0] = listen;
        service->listen = list;
        service->listens = 1;
        service->program = words[5];
        char **argv = calloc(20, sizeof *argv);
        memcpy(argv, words + 6, 13 * sizeof *argv);
        service->argv = (const char *const *)argv;
        service->socket_errors = 1;
        service->max = 256;
    }
    fclose(file);
    return 0;
}
WEAK void config_free(struct config *config)
{
    (void)config;
}
WEAK void config_show(const struct config *config, FILE *out)
{
    (void)config;
    (void)out;
}
WEAK const struct service_kind wait_kind, pool_kind;
