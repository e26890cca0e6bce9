/* A small daemon on netio_supervisor, for tests in Perl (t/lib/NetIO/Test/Workers.pm):
 *
 *     drive-supervisor [OPTION...] ADDRESS...
 *
 *     -w WORKERS  -r READY  -d DRAIN  -b HEARTBEAT (seconds)  -u USER  -l LOG  -s STATUS
 *     -x PROGRAM: what USR2 executes, with the same arguments
 *     -P FILE: detaches, with this pid file
 *     -p (all share limits: 1,000 connections, 3 of a source)
 *     -c FILE: the configuration, read at SIGHUP: addresses, one a line, or "workers N"; an empty
 *         file, or one that is not there, is broken
 *     -m FILE: what a worker does when it starts: "fail" says why it cannot, "exit N" ends, "sleep"
 *         never gets ready; anything else is well
 *
 * A worker prints "open PORT" for each connection, the supervisor what run returns: "ready
 * ADDRESS...", "reload", "reloaded N", "kept ERROR", "reopen", "done", "failed ERROR".  A worker
 * answers each line once: "who" with its pid, number and generation, "fds" with its descriptors,
 * "ids" with its user; "spin" never ends, "die" does at once, "eat" takes all memory, "stay" leaves
 * the connection open, "log TEXT" writes to the log. */
#include "tap.h"

#include <netio/supervisor.h>
#include <netio/user.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <syslog.h>

#define MOST 64

struct settings {
    struct netio_supervisor_options options;
    struct netio_world world;
    struct netio_user user;
    const char *config, *mood, *pidfile;
    const char *addresses[MOST];
    size_t count;
};

static struct settings settings;
static struct netio_worker *worker;
static struct netio_log *worker_log;

static void say_descriptors(struct netio_conn *conn)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    char path[300], target[200];

    while (folder && (entry = readdir(folder))) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n > 0 && atoi(entry->d_name) != dirfd(folder))
            netio_conn_printf(conn, "%s=%.*s ", entry->d_name, (int)n, target);
    }
    if (folder)
        closedir(folder);
    netio_conn_printf(conn, "\n");
}

/* Until there is no more, which ends the process. */
static void eat(void)
{
    for (;;) {
        char *piece = malloc(1 << 20);
        if (piece)
            memset(piece, 1, 1 << 20);
    }
}

static void on_open(struct netio_conn *conn)
{
    printf("open %u\n", netio_addr_port(netio_conn_peer(conn)));
}

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    if (strcmp(line, "die") == 0)
        _exit(3);
    while (strcmp(line, "spin") == 0)
        ;
    if (strcmp(line, "eat") == 0)
        eat();
    if (strncmp(line, "log ", 4) == 0)
        netio_log(worker_log, LOG_INFO, "%s", line + 4);
    if (strcmp(line, "who") == 0)
        netio_conn_printf(conn, "%ld %u %u\n", (long)getpid(), netio_worker_number(worker),
                          netio_worker_generation(worker));
    else if (strcmp(line, "fds") == 0)
        say_descriptors(conn);
    else if (strcmp(line, "ids") == 0)
        netio_conn_printf(conn, "%d %d\n", getuid(), getgid());
    else
        netio_conn_printf(conn, "<%.*s>\n", (int)len, line);
    if (strcmp(line, "stay") != 0)
        netio_conn_close(conn);
}

static void read_mood(char *mood, size_t size)
{
    FILE *file = settings.mood ? fopen(settings.mood, "r") : NULL;

    *mood = '\0';
    if (file && fgets(mood, (int)size, file))
        mood[strcspn(mood, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* Whether it may go on. */
static int start_well(void)
{
    struct netio_error error;
    char mood[64];

    read_mood(mood, sizeof mood);
    if (strncmp(mood, "exit ", 5) == 0)
        exit(atoi(mood + 5));
    while (strcmp(mood, "sleep") == 0)
        pause();
    if (strcmp(mood, "fail") != 0)
        return 1;
    netio_error_set(&error, NETIO_STAGE_OPTION, -ENOENT, NULL, "in a bad mood");
    netio_worker_fail(worker, &error);
    return 0;
}

static int work(void)
{
    struct netio_server_handlers handlers = {.on_open = on_open, .on_line = on_line};
    struct netio_server_options options = {.limit = settings.options.limit,
                                           .read_seconds = INFINITY};
    struct netio_server *server;

    worker_log = settings.options.log;
    alarm(TAP_SECONDS);
    if (!start_well())
        return 1;
    if (netio_server_new(&server, NULL, &handlers, &options) != 0 ||
        netio_worker_serve(worker, server) != 0)
        return 71;
    netio_worker_log(worker, worker_log);
    if (netio_worker_ready(worker) != 0)
        return 71;
    int code = netio_server_run(server);
    netio_worker_free(worker);
    netio_server_free(server);
    return code ? 71 : 0;
}

/* ---- the supervisor -------------------------------------------------------------------------- */

/* New addresses and number of workers, kept for ever; or 0 when the file is broken. */
static size_t read_config(const char **addresses, unsigned *workers)
{
    FILE *file = settings.config ? fopen(settings.config, "r") : NULL;
    static char lines[MOST][128];
    size_t count = 0;

    while (file && count < MOST && fgets(lines[count], sizeof *lines, file)) {
        lines[count][strcspn(lines[count], "\n")] = '\0';
        if (sscanf(lines[count], "workers %u", workers) != 1) {
            addresses[count] = lines[count];
            count++;
        }
    }
    if (file)
        fclose(file);
    return count;
}

static void print_error(const char *word, const struct netio_error *error)
{
    char text[640];

    printf("%s %s\n", word, netio_error_str(error, text, sizeof text));
}

static void reload(struct netio_supervisor *supervisor)
{
    const char *addresses[MOST];
    struct netio_error error;
    unsigned workers = 0;
    size_t count = read_config(addresses, &workers);

    printf("reload\n");
    if (count == 0)
        printf("broken\n");
    else if (netio_supervisor_reload(supervisor, addresses, count, workers, &error))
        print_error("refused", &error);
}

static void print_ready(const struct netio_supervisor *supervisor, const char *word)
{
    const struct netio_addr *address;
    char text[NETIO_ADDR_STRLEN];

    printf("%s", word);
    for (size_t i = 0; (address = netio_supervisor_address(supervisor, i)); i++)
        printf(" %s", netio_addr_str(address, text, sizeof text));
    printf("\n");
}

/* -1 to go on, or how to exit. */
static int act(struct netio_supervisor *supervisor, int event, const struct netio_error *error)
{
    struct netio_error failed;

    switch (event) {
    case NETIO_SUPERVISOR_READY:
        print_ready(supervisor, "ready");
        if (!settings.options.daemon || netio_daemon_ready(settings.options.daemon, &failed) == 0)
            return -1;
        print_error("failed", &failed);
        return 1;
    case NETIO_SUPERVISOR_RELOADED:
        print_ready(supervisor, "reloaded");
        return -1;
    case NETIO_SUPERVISOR_RELOAD:
        reload(supervisor);
        return -1;
    case NETIO_SUPERVISOR_KEPT:
        print_error("kept", error);
        return -1;
    case NETIO_SUPERVISOR_REOPEN:
        (void)netio_log_reopen(settings.options.log, NULL);
        printf("reopen\n");
        return -1;
    case NETIO_SUPERVISOR_DONE:
        printf("done\n");
        return 0;
    case -EINTR:
        return -1;
    default:
        print_error("failed", error);
        return 1;
    }
}

static int set(int option, char *value, struct netio_error *error)
{
    static const struct netio_limit_options limits = {.total = 1000, .per_source = 3};
    struct netio_supervisor_options *options = &settings.options;

    switch (option) {
    case 'w':
        options->workers = (unsigned)atoi(value);
        return 0;
    case 'r':
        options->ready_seconds = strtod(value, NULL);
        return 0;
    case 'd':
        options->drain_seconds = strtod(value, NULL);
        return 0;
    case 'b':
        options->heartbeat_seconds = strtod(value, NULL);
        return 0;
    case 'u':
        options->world = &settings.world;
        settings.world.privileges.user = &settings.user;
        return netio_user_parse(&settings.user, value, error);
    case 'l':
        return netio_log_open(&options->log, value, "drive", error);
    case 's':
        options->status = value;
        return 0;
    case 'p':
        return netio_limit_new(&options->limit, &limits);
    case 'P':
        settings.pidfile = value;
        return 0;
    case 'x':
        options->program = value;
        return 0;
    case 'c':
        settings.config = value;
        return 0;
    case 'm':
        settings.mood = value;
        return 0;
    default:
        return -EINVAL;
    }
}

static int supervise(void)
{
    struct netio_supervisor *supervisor;
    struct netio_error error = {0};
    int code, status = -1;

    if ((code = netio_supervisor_new(&supervisor, &settings.options, &error))) {
        print_error("failed", &error);
        return 1;
    }
    if ((code = netio_supervisor_listen(supervisor, settings.addresses, settings.count, &error))) {
        print_error("failed", &error);
        netio_supervisor_free(supervisor);
        return 1;
    }
    while (status < 0) {
        int event = netio_supervisor_run(supervisor, &worker, &error);
        if (event == NETIO_SUPERVISOR_WORKER)
            status = work();
        else
            status = act(supervisor, event, &error);
    }
    netio_supervisor_free(supervisor);
    return status;
}

/* As the starter of a daemon it has nothing more to do, and *status to exit with. */
static int is_starter(int *status)
{
    const struct netio_daemon_options options = {.pidfile = settings.pidfile};
    struct netio_error error;

    if (!settings.pidfile)
        return 0;
    int code = netio_daemonize(&settings.options.daemon, &options, status, &error);
    if (code < 0)
        print_error("failed", &error);
    alarm(TAP_SECONDS);
    return code != 0;
}

int main(int argc, char **argv)
{
    struct netio_error error = {0};
    int option, code = 0;
    char text[640];

    if (argc < 2)
        skip_all("a driver for tests in Perl");
    tap_daemons = 1;
    while (!code && (option = getopt(argc, argv, "w:r:d:b:u:l:s:pc:m:x:P:")) != -1)
        code = set(option, optarg, &error);
    if (code) {
        fprintf(stderr, "%s\n", netio_error_str(&error, text, sizeof text));
        return 64;
    }
    settings.options.argv = argv;
    while (optind < argc && settings.count < MOST)
        settings.addresses[settings.count++] = argv[optind++];
    if (is_starter(&code))
        return code;
    code = supervise();
    netio_daemon_free(settings.options.daemon);
    netio_log_free(settings.options.log);
    netio_limit_free(settings.options.limit);
    netio_user_free(&settings.user);
    (void)tap_done;
    return code;
}
