/* A server of any model, for tests in Perl (t/39-models-*.t):
 *
 *     drive-models MODEL line|serve [OPTION=VALUE]... ADDRESS...
 *
 * It prints the addresses it listens on, one a line, and answers lines:
 *
 *     pid       the process that serves it          peer    who it is
 *     fds       what that process has open          bye     ends the connection
 *     exit      that process exits with 3           hang    serves nobody until it is killed
 *     LINE      "<LINE>"
 *
 * and datagrams, "DATAGRAM" with "<DATAGRAM>".  With serve the connection begins with "ready".
 * What happens goes to stderr, a line each.  TERM stops it within "drain" seconds, INT at once,
 * USR1 has it print its numbers.  Options: max, full, read, total, drain; rule, of netio/access.h;
 * open and source, limits of netio/limit.h; hook=1, a fork of its own; ignore=1, SIGCHLD is
 * ignored; processes=N, the limit of user 65534, which it becomes. */
#include "tap.h"

#include <netio/server.h>
#include <netio/signals.h>

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>

static struct {
    struct netio_server_options server;
    struct netio_limit_options limit;
    struct netio_access *access;
    double drain;
    int ignore, processes;
} options;

/* "0=/dev/null 1=pipe:[123] ...", without the one that reads it. */
static const char *descriptors(void)
{
    static char text[65536];
    char path[64], target[256];
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    size_t len = 0;

    while (folder && (entry = readdir(folder))) {
        snprintf(path, sizeof path, "/proc/self/fd/%.20s", entry->d_name);
        ssize_t n = readlink(path, target, sizeof target);
        if (n > 0 && atoi(entry->d_name) != dirfd(folder))
            len += (size_t)snprintf(text + len, sizeof text - len, "%.20s=%.*s ", entry->d_name,
                                    (int)n, target);
    }
    if (folder)
        closedir(folder);
    return text;
}

/* The answer; NULL: the connection ends. */
static const char *answer_to(struct netio_conn *conn, const char *line)
{
    static char text[65600];
    char peer[NETIO_ADDR_STRLEN];

    if (strcmp(line, "bye") == 0)
        return NULL;
    if (strcmp(line, "exit") == 0)
        _exit(3);
    while (strcmp(line, "hang") == 0)
        pause();
    if (strcmp(line, "pid") == 0)
        snprintf(text, sizeof text, "%d\n", (int)getpid());
    else if (strcmp(line, "fds") == 0)
        snprintf(text, sizeof text, "%s\n", descriptors());
    else if (strcmp(line, "peer") == 0)
        snprintf(text, sizeof text, "%s\n",
                 netio_addr_str(netio_conn_peer(conn), peer, sizeof peer));
    else
        snprintf(text, sizeof text, "<%s>\n", line);
    return text;
}

static void on_line(struct netio_conn *conn, char *line, size_t len)
{
    const char *answer = answer_to(conn, line);

    (void)len;
    if (answer)
        netio_conn_printf(conn, "%s", answer);
    else
        netio_conn_close(conn);
}

static void put(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) == -1)
        fprintf(stderr, "write: %s\n", strerrorname_np(errno));
}

/* Octet by octet, so that nothing of the next line is taken. */
static int read_line(int fd, char *line, size_t size)
{
    for (size_t len = 0; len < size; len++) {
        ssize_t n = read(fd, &line[len], 1);
        if (n <= 0) {
            fprintf(stderr, "read: %s\n", n ? strerrorname_np(errno) : "end");
            return 0;
        }
        if (line[len] == '\n') {
            line[len] = '\0';
            return 1;
        }
    }
    return 0;
}

static void on_serve(struct netio_conn *conn, int fd)
{
    const char *answer = "ready\n";
    char line[256];

    for (; answer; answer = answer_to(conn, line)) {
        put(fd, answer);
        if (!read_line(fd, line, sizeof line))
            return;
    }
}

static void on_datagram(const struct netio_datagram *datagram)
{
    char text[300];
    int len = snprintf(text, sizeof text, "<%.256s>", datagram->data);

    netio_datagram_reply(datagram, text, (size_t)len);
}

static void on_close(struct netio_conn *conn, enum netio_close why)
{
    (void)conn;
    fprintf(stderr, "closed: %s\n", netio_close_str(why));
}

static void on_refused(struct netio_server *server, const struct netio_addr *peer,
                       enum netio_refused why, unsigned long count)
{
    (void)server;
    (void)peer;
    (void)count;
    fprintf(stderr, "refused: %s\n", netio_refused_str(why));
}

static void on_trouble(struct netio_server *server, const struct netio_error *error)
{
    (void)server;
    fprintf(stderr, "trouble: %s\n", netio_error_name(error->code));
}

static pid_t fork_hook(void *data)
{
    fprintf(stderr, "hook: %s\n", (const char *)data);
    return fork();
}

static void print_numbers(const struct netio_server *server)
{
    struct netio_server_status status;

    netio_server_status(server, &status);
    fprintf(stderr,
            "numbers: open=%llu accepted=%llu datagrams=%llu held=%u fork=%llu full=%llu "
            "source=%llu\n",
            (unsigned long long)status.connections, (unsigned long long)status.accepted,
            (unsigned long long)status.datagrams,
            options.server.limit ? netio_limit_open(options.server.limit) : 0,
            (unsigned long long)status.refused[NETIO_REFUSED_FORK],
            (unsigned long long)status.refused[NETIO_REFUSED_FULL],
            (unsigned long long)status.refused[NETIO_REFUSED_SOURCE]);
}

/* Of two that wait INT is read first, whichever came first: TERM may not take it back. */
static void on_signal(struct netio_watch *watch, unsigned events)
{
    static int at_once;
    int number = netio_signals_next(watch->fd);

    (void)events;
    at_once |= number == SIGINT;
    if (number == SIGUSR1)
        print_numbers(watch->data);
    else if (number)
        netio_server_stop(watch->data, at_once ? NETIO_NOW : netio_deadline_in(options.drain));
}

static int take_option(const char *name, const char *value)
{
    struct netio_server_options *server = &options.server;

    if (strcmp(name, "max") == 0)
        server->max_connections = (unsigned)atoi(value);
    else if (strcmp(name, "full") == 0)
        server->full_text = value;
    else if (strcmp(name, "read") == 0)
        server->read_seconds = atof(value);
    else if (strcmp(name, "total") == 0)
        server->total_seconds = atof(value);
    else if (strcmp(name, "drain") == 0)
        options.drain = atof(value);
    else if (strcmp(name, "rule") == 0)
        return (options.access || !netio_access_new(&options.access)) &&
               netio_access_add(options.access, value, NULL) == 0;
    else if (strcmp(name, "open") == 0)
        options.limit.total = (unsigned)atoi(value);
    else if (strcmp(name, "source") == 0)
        options.limit.per_source = (unsigned)atoi(value);
    else if (strcmp(name, "hook") == 0)
        server->fork = fork_hook;
    else if (strcmp(name, "ignore") == 0)
        options.ignore = 1;
    else if (strcmp(name, "processes") == 0)
        options.processes = atoi(value);
    else
        return 0;
    return 1;
}

static struct netio_server *new_server(const char *model, const char *handler)
{
    struct netio_server_handlers handlers = {.on_datagram = on_datagram,
                                             .on_close = on_close,
                                             .on_refused = on_refused,
                                             .on_trouble = on_trouble};
    struct netio_server *server = NULL;

    if (strcmp(handler, "serve") == 0)
        handlers.on_serve = on_serve;
    else
        handlers.on_line = on_line;
    options.server.data = "called";
    options.server.access = options.access;
    if (netio_limit_new(&options.server.limit, &options.limit) ||
        netio_model_parse(&options.server.model, model) ||
        netio_server_new(&server, NULL, &handlers, &options.server))
        fprintf(stderr, "no server of model %s\n", model);
    return server;
}

static int listen_on(struct netio_server *server, const char *address)
{
    struct netio_error error;
    char text[640];

    if (netio_server_listen(server, address, &error) == 0)
        return 1;
    fprintf(stderr, "%s\n", netio_error_str(&error, text, sizeof text));
    return 0;
}

static void print_addresses(const struct netio_server *server)
{
    const struct netio_addr *addr;
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; (addr = netio_server_address(server, i)); i++)
        printf("%s\n", netio_addr_str(addr, text, sizeof text));
    printf("listening\n");
}

/* Root is exempt from the limit of processes. */
static void become_nobody(void)
{
    const struct rlimit limit = {(rlim_t)options.processes, (rlim_t)options.processes};

    if (options.processes && (setrlimit(RLIMIT_NPROC, &limit) == -1 || setuid(65534) == -1))
        fprintf(stderr, "processes: %s\n", strerror(errno));
    if (options.ignore)
        signal(SIGCHLD, SIG_IGN);
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, 0};
    struct netio_watch watch = {.ready = on_signal};
    int i = 3;

    if (argc < 4)
        skip_all("a driver for tests in Perl");
    options.drain = 2;
    for (char *value; i < argc && (value = strchr(argv[i], '=')); i++) {
        *value = '\0';
        if (!take_option(argv[i], value + 1))
            return 64;
    }
    struct netio_server *server = new_server(argv[1], argv[2]);
    int ready = server != NULL, fd = netio_signals_open(signals);
    for (; ready && i < argc; i++)
        ready = listen_on(server, argv[i]);
    watch.data = server;
    if (!ready || netio_watch_start(netio_server_loop(server), &watch, fd, NETIO_READ) < 0)
        return 69;
    become_nobody();
    print_addresses(server);
    int code = netio_server_run(server);
    netio_watch_stop(&watch);
    netio_fd_close(fd);
    netio_server_free(server);
    netio_limit_free(options.server.limit);
    netio_access_free(options.access);
    (void)tap_done;
    return code == 0 || code == NETIO_SERVER_CHILD ? 0 : 71;
}
