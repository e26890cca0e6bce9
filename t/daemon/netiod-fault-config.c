/* t/daemon/netiod-fault-config.c: each call fails that reading netiod's configuration makes; see
 * ../c/fault.h.  Whatever fails: all of it or nothing, never nothing without a word. */
#include "../c/fault.h"
#include "netiod/config.h"

static char folder[] = "/tmp/netiod-fault-XXXXXX";

static const char *const texts[] = {
    "127.0.0.1:7001 stream tcp nowait root.adm /bin/cat cat 'a b'\n"
    "localhost:7002 dgram udp wait nobody /bin/cat\n"
    "/run/x stream unix nowait root /bin/cat\n"
    ".include more\n",
    "tcpmux/+x stream tcp nowait root /bin/cat\n"
    "7003 on user = nobody, exec = /bin/cat, args = cat x, allow = 127.0.0.1 uid 0, deny = all,\n"
    "    env = PATH, rlimit = nofile:64, bind = 127.0.0.1 ::1, refused_text = no;\n",
};

static char *path_of(const char *name)
{
    static char path[sizeof folder + 16];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        exit(1);
}

static void hear(void *data, const char *said)
{
    *(int *)data += strstr(said, "warning: ") == NULL;
}

static int read_all(void)
{
    const char *path = path_of("main");
    struct config_options options = {.paths = &path, .paths_count = 1};
    struct config *config;
    int faults = 0;
    int code = config_read(&config, &options, hear, &faults);

    if (code < 0)
        return config != NULL || faults == 0;
    int wrong = faults > 0 || config->count != 5;
    config_free(config);
    return wrong;
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    write_text("main", texts[0]);
    write_text("more", texts[1]);
    /* What the C library keeps of the name services from the first look-up on is not ours. */
    (void)read_all();
    fault_walk("reading a configuration", read_all);
    unlink(path_of("main"));
    unlink(path_of("more"));
    rmdir(folder);
    return tap_done();
}
