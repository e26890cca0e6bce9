/* whoisd: serving sockets until a signal, or its supervisor, ends it; see service.h.
 * Called by start.c and workers.c; owns the server and, where it is alone, the process's signals.
 */
#include "service.h"
#include "session.h"

#include <netio/server.h>
#include <netio/signals.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <syslog.h>

#define CONNECTIONS_MAX 65536
#define SPARE           64 /* descriptors for everything that is not a connection */

struct service {
    const struct options *options;
    const struct report *report;
    struct netio_limit *limit;
    struct options renewed; /* whose rules are in use; access NULL: those of options are */
    struct session session;
    struct netio_server *server;
    struct netio_watch signals; /* fd -1: not open */
    struct netio_notify *notify;
    int stopping;
    int reloading; /* the manager has been told so, and waits for the end of it */
};

static void tell_status(struct service *service)
{
    char text[64];

    snprintf(text, sizeof text, "%" PRIu64 " entries",
             directory_entries(service->session.directory));
    netio_notify_status(service->notify, text);
}

static void stop(struct service *service, int now)
{
    netio_notify_stopping(service->notify);
    netio_server_stop(service->server,
                      now ? NETIO_NOW : netio_deadline_in(service->options->stop_seconds));
    service->stopping = 1;
}

/* Rules and limits as they are written now.  The rest of a configuration is for a start, or for
 * workers. */
static void renew_policy(struct service *service)
{
    char fault[OPTIONS_FAULT_MAX];
    struct options renewed;

    if (options_again(&renewed, service->options, fault) != OPTIONS_RUN) {
        netio_log(service->session.log, LOG_ERR, "%s; rules and limits stay as they were", fault);
        options_free(&renewed);
        return;
    }
    netio_server_set_access(service->server, renewed.access);
    (void)netio_limit_change(service->limit, &renewed.limits);
    options_free(&service->renewed);
    service->renewed = renewed;
}

static void reload(struct service *service)
{
    renew_policy(service);
    if (!service->session.directory)
        return;
    if (!service->stopping) {
        netio_notify_reloading(service->notify);
        service->reloading = 1;
    }
    directory_recheck(service->session.directory);
}

/* A directory has been checked. */
static void settled(void *data)
{
    struct service *service = data;

    if (service->reloading && !service->stopping)
        netio_notify_ready(service->notify);
    service->reloading = 0;
    tell_status(service);
}

static void reopen_log(struct service *service)
{
    struct netio_log *log = service->session.log;

    report_reopened(log, service->options->log, netio_log_reopen(log, NULL));
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
    int code =
        netio_watch_start(netio_server_loop(service->server), &service->signals, fd, NETIO_READ);
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
        .first_seconds = service->options->first_seconds,
        .total_seconds = service->options->total_seconds,
        .access = service->options->access,
        .limit = service->limit,
        .refused_text = service->options->refused_text,
        .full_text = service->options->full_text,
        .data = &service->session,
    };

    int code = netio_server_new(&service->server, NULL, &session_handlers, &options);
    if (code != 0)
        return report_fail(service->report, EX_OSERR, "cannot start: %s", netio_error_text(code));
    return EX_OK;
}

int service_cannot_listen(const struct report *report, const char *address,
                          const struct netio_error *error)
{
    char text[NETIO_ADDR_STRLEN];

    /* A service alone means two sockets: say which of them it was. */
    if (error->address.len > 0)
        address = netio_addr_str(&error->address, text, sizeof text);
    return report_fail(report, error->code == -EACCES ? EX_NOPERM : EX_UNAVAILABLE, "listen %s: %s",
                       address, netio_error_text(error->code));
}

static int listen_on(struct service *service, const char *address)
{
    struct netio_error error;

    if (netio_server_listen(service->server, address, &error) == 0)
        return EX_OK;
    return service_cannot_listen(service->report, address, &error);
}

static int listen_on_all(struct service *service)
{
    const struct options *options = service->options;
    int code = options->listens == 0 ? listen_on(service, "whois") : EX_OK;

    for (size_t i = 0; code == EX_OK && i < options->listens; i++)
        code = listen_on(service, options->listen[i]);
    return code;
}

/* Serves what whoisd was started with. */
static int take(struct service *service, const struct sockets *sockets)
{
    int code = 0;

    for (size_t i = 0; code >= 0 && i < sockets->count; i++)
        code = sockets->input == STANDARD_INPUT_LISTENING
                   ? netio_server_listen_take(service->server, sockets->fd[i])
                   : netio_server_serve_take(service->server, sockets->fd[i]);
    if (code == -EACCES && sockets->input == STANDARD_INPUT_CONNECTED)
        return EX_OK; /* the client was refused, and the log has it */
    if (code < 0)
        return report_fail(service->report, EX_OSERR, "the socket it was started with: %s",
                           netio_error_text(code));
    return EX_OK;
}

static int open_one(struct service **service, const struct options *options,
                    struct netio_limit *limit, const struct report *report)
{
    struct service *made = *service = calloc(1, sizeof *made);

    if (!made)
        return report_fail(report, EX_OSERR, "cannot start: %s", netio_error_text(-ENOMEM));
    made->options = options;
    made->limit = limit;
    made->report = report;
    made->session.log = report_to(report);
    made->signals.fd = -1;
    return make_server(made);
}

int service_open(struct service **service, const struct options *options, struct netio_limit *limit,
                 const struct sockets *sockets, const struct report *report)
{
    int code = open_one(service, options, limit, report);
    if (code != EX_OK)
        return code;
    int failed = watch_signals(*service);
    if (failed)
        return report_fail(report, EX_OSERR, "cannot start: %s", netio_error_text(failed));
    return sockets->count > 0 ? take(*service, sockets) : listen_on_all(*service);
}

int service_work(const struct options *options, struct netio_limit *limit,
                 struct directory *directory, struct netio_worker *worker,
                 const struct report *report)
{
    struct service *service;
    int code = open_one(&service, options, limit, report), failed = 0;

    if (code == EX_OK) {
        failed = netio_worker_serve(worker, service->server);
        netio_worker_log(worker, report->log);
    }
    if (code == EX_OK && failed == 0) {
        service_use(service, directory);
        failed = netio_worker_ready(worker);
    }
    if (code == EX_OK && failed == 0)
        failed = netio_server_run(service->server);
    if (failed)
        code = report_fail(report, EX_OSERR, "worker: %s", netio_error_text(failed));
    netio_worker_free(worker);
    service_close(service);
    return code;
}

/* Without a listener there is one connection, which is over before a change could matter. */
void service_use(struct service *service, struct directory *directory)
{
    struct directory_follower follower = {
        .loop = netio_server_loop(service->server),
        .log = report_to(service->report),
        .settled = settled,
        .data = service,
    };

    service->session.log = follower.log;
    service->session.directory = directory;
    if (!netio_server_address(service->server, 0))
        return;
    int code = directory_follow(directory, &follower);
    if (code != 0)
        netio_log(follower.log, LOG_WARNING,
                  "directory %s: cannot watch its folder (%s): changes are seen at the next query",
                  directory_place(directory), netio_error_text(code));
}

/* What a supervisor, or a test, waits for. */
static void log_addresses(struct service *service)
{
    const struct netio_addr *address;
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; (address = netio_server_address(service->server, i)); i++)
        netio_log(service->session.log, LOG_NOTICE, "listening on %s, %" PRIu64 " entries",
                  netio_addr_str(address, text, sizeof text),
                  directory_entries(service->session.directory));
}

int service_run(struct service *service, struct netio_daemon *daemon)
{
    struct netio_error error;

    log_addresses(service);
    if (netio_daemon_ready(daemon, &error) != 0)
        return report_error(service->report, &error);
    service->notify = netio_daemon_notify(daemon);
    if (service->session.directory)
        tell_status(service);
    int code = netio_notify_watchdog(service->notify, netio_server_loop(service->server));
    if (code != 0) /* the manager may be gone: no reason to be gone, too */
        netio_log(service->session.log, LOG_WARNING, "watchdog: %s", netio_error_text(code));
    code = netio_server_run(service->server);
    if (code != 0)
        return report_fail(service->report, EX_OSERR, "%s", netio_error_text(code));
    return EX_OK;
}

void service_close(struct service *service)
{
    if (!service)
        return;
    int fd = service->signals.fd;
    if (service->session.directory)
        directory_follow(service->session.directory, NULL);
    netio_server_free(service->server);
    netio_fd_close(fd);
    netio_buf_free(&service->session.text);
    options_free(&service->renewed);
    free(service);
}
