/* t/daemon/netiod-config.c: what netiod makes of a configuration, for t/81-netiod-config*.t.
 *
 *      netiod-config [-e] [-R RATE] [-a ADDRESS] PATH...
 *                                      what --show shows, and on stderr the faults
 *      netiod-config -c ONE OTHER      whether their services are the same, in their order
 *      netiod-config -m COUNT PATH     memory of a service in bytes, of one that is read COUNT
 *                                      times in all, and how long reading took
 *
 * Exit 1: it is wrong. */
#include "netiod/config.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(void *data, const char *fault)
{
    (void)data;
    fprintf(stderr, "%s\n", fault);
}

static struct config *read_one(const char *path)
{
    struct config_options options = {.paths = &path, .paths_count = 1, .allow_empty = 1};
    struct config *config;

    config_read(&config, &options, say, NULL);
    return config;
}

static int compare(const char *one, const char *other)
{
    struct config *a = read_one(one), *b = read_one(other);

    for (size_t i = 0; a && b && i < a->count && i < b->count; i++)
        printf("%s %s\n", a->services[i].name,
               config_same(&a->services[i], &b->services[i]) ? "same" : "differs");
    int failed = !a || !b;
    config_free(a);
    config_free(b);
    return failed;
}

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* Once before it counts: the C library keeps what it has read, too. */
static int measure(int count, const char *path)
{
    config_free(read_one(path));
    size_t before = in_use();
    clock_t begin = clock();
    struct config *config = NULL;
    for (int i = 0; i < count; i++) {
        config_free(config);
        config = read_one(path);
    }
    double spent = (double)(clock() - begin) * 1000 / CLOCKS_PER_SEC / count;
    size_t services = config ? config->count : 0, bytes = in_use() - before;
    config_free(config);
    ssize_t left = (ssize_t)(in_use() - before);
    printf("services %zu\nbytes %zu\ncpu %.1f ms\nleft %zd\n", services,
           services ? bytes / services : 0, spent, left);
    return services == 0;
}

int main(int argc, char **argv)
{
    struct config_options options = {0};
    struct config *config;
    int option;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 4 && strcmp(argv[1], "-c") == 0)
        return compare(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "-m") == 0)
        return measure(atoi(argv[2]), argv[3]);
    while ((option = getopt(argc, argv, "ea:R:")) != -1) {
        if (option == 'e')
            options.allow_empty = 1;
        else if (option == 'a')
            options.bind = optarg;
        else if (option == 'R')
            options.rate = (unsigned)atoi(optarg);
        else
            return 2;
    }
    options.paths = (const char *const *)argv + optind;
    options.paths_count = (size_t)(argc - optind);
    if (config_read(&config, &options, say, NULL) < 0)
        return 1;
    config_show(config, stdout);
    config_free(config);
    return 0;
}
