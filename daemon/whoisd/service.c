/* whoisd: serving sockets until a signal ends it; see service.h.
 * Called by main.c; owns the server, and the process's signals. */
#include "service.h"
#include "session.h"

#include <netio/server.h>
#include <netio/signals.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sysexits.h>
#include <syslog.h>

#define CONNECTIONS_MAX 65536
#define SPARE           64 /* descriptors for everything that is not a connection */
#define STOP_SECONDS    5.0

struct service {
    const struct options *options;
    const struct report *report;
    struct session session;
    struct netio_server *server;
    struct netio_watch signals; /* fd -1: not open */
    int stopping;
};

static void stop(struct service *service, int now)
{
    netio_server_stop(service->server, now ? NETIO_NOW : netio_deadline_in(STOP_SECONDS));
    service->stopping = 1;
}

static void reload(struct service *service)
{
    if (service->session.directory)
        directory_recheck(service->session.directory);
}

static void reopen_log(struct service *service)
{
    struct netio_error error;

    if (netio_log_reopen(service->session.log, &error) != 0)
        netio_log(service->session.log, LOG_ERR, "log %s: %s; the one before stays in use",
                  service->options->log, netio_error_text(error.code));
}

static void signal_ready(struct netio_watch *watch, unsigned events)
{
    struct service *service = watch->data;

    (void)events;
    for (int number; (number = netio_signals_next(watch->fd)) > 0;)
        switch (number) {
        case SIGTERM:
        case SIGQUIT:
            stop(service, service->stopping);
            break;
        case SIGINT:
            stop(service, 1);
            break;
        case SIGHUP:
            reload(service);
            break;
        case SIGUSR1:
            reopen_log(service);
            break;
        default:
            break;
        }
}

static int watch_signals(struct service *service)
{
    static const int numbers[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, 0};
    int fd = netio_signals_open(numbers);

    if (fd < 0)
        return fd;
    service->signals = (struct netio_watch){.ready = signal_ready, .data = service};
    int code = netio_watch_start(netio_server_loop(service->server), &service->signals, fd,
                                 NETIO_READ);
    if (code != 0) {
        netio_fd_close(fd);
        service->signals.fd = -1;
    }
    return code;
}

static int make_server(struct service *service)
{
    size_t descriptors = standard_descriptors(CONNECTIONS_MAX + SPARE);
    struct netio_server_options options = {
        .line_max = QUERY_LINE_MAX,
        .write_max = ANSWER_MAX,
        .max_connections = (unsigned)(descriptors > 2 * SPARE ? descriptors - SPARE : SPARE),
        .read_seconds = service->options->query_seconds,
        .write_seconds = service->options->answer_seconds,
        .data = &service->session,
    };

    int code = netio_server_new(&service->server, NULL, &session_handlers, &options);
    if (code == 0)
        code = watch_signals(service);
    if (code != 0)
        return report_fail(service->report, EX_OSERR, "cannot start: %s", netio_error_text(code));
    return EX_OK;
}

static int listen_on(struct service *service, const char *address)
{
    struct netio_error error;
    char text[NETIO_ADDR_STRLEN];

    if (netio_server_listen(service->server, address, &error) == 0)
        return EX_OK;
    /* A service alone means two sockets: say which of them it was. */
    if (error.address.len > 0)
        address = netio_addr_str(&error.address, text, sizeof text);
    return report_fail(service->report, error.code == -EACCES ? EX_NOPERM : EX_UNAVAILABLE,
                       "listen %s: %s", address, netio_error_text(error.code));
}

static int listen_on_all(struct service *service)
{
    const struct options *options = service->options;
    int code = options->listens == 0 ? listen_on(service, "whois") : EX_OK;

    for (size_t i = 0; code == EX_OK && i < options->listens; i++)
        code = listen_on(service, options->listen[i]);
    return code;
}

/* Serves the descriptor whoisd was started with. */
static int take(struct service *service, enum standard_input input, int fd)
{
    int code = input == STANDARD_INPUT_LISTENING ? netio_server_listen_take(service->server, fd)
                                                 : netio_server_serve_take(service->server, fd);

    if (code < 0)
        return report_fail(service->report, EX_OSERR, "standard input: %s", netio_error_text(code));
    return EX_OK;
}

/* What a supervisor, or a test, waits for. */
static void tell_ready(struct service *service)
{
    const struct netio_addr *address;
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; (address = netio_server_address(service->server, i)); i++)
        netio_log(service->session.log, LOG_NOTICE, "listening on %s, %" PRIu64 " entries",
                  netio_addr_str(address, text, sizeof text),
                  directory_entries(service->session.directory));
}

/* One connection is over before a change of the directory could matter. */
static int begin(struct service *service, enum standard_input input, int fd)
{
    struct directory *directory = service->session.directory;
    int code;

    if (input == STANDARD_INPUT_CONNECTED)
        return take(service, input, fd);
    code = directory_follow(directory, netio_server_loop(service->server), service->session.log);
    if (code != 0)
        netio_log(service->session.log, LOG_WARNING,
                  "directory %s: cannot watch its folder (%s): changes are seen at the next query",
                  directory_place(directory), netio_error_text(code));
    code = input == STANDARD_INPUT_LISTENING ? take(service, input, fd) : listen_on_all(service);
    if (code == EX_OK)
        tell_ready(service);
    return code;
}

static void end(struct service *service)
{
    int fd = service->signals.fd;

    if (service->session.directory)
        directory_follow(service->session.directory, NULL, NULL);
    netio_server_free(service->server);
    netio_fd_close(fd);
    netio_buf_free(&service->session.text);
}

int service_run(const struct options *options, enum standard_input input, int fd,
                struct directory *directory, const struct report *report)
{
    struct service service = {
        .options = options,
        .report = report,
        .session = {.directory = directory, .log = report_to(report)},
        .signals = {.fd = -1},
    };
    int code = make_server(&service);

    if (code == EX_OK)
        code = begin(&service, input, fd);
    if (code == EX_OK) {
        int ran = netio_server_run(service.server);
        if (ran != 0)
            code = report_fail(report, EX_OSERR, "%s", netio_error_text(ran));
    }
    end(&service);
    return code;
}
