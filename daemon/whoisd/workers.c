/* whoisd: its supervisor; see workers.h.
 * Called by start.c.  It keeps the privileges and has no directory: what it does is read the
 * configuration, bind, start workers and log what became of them. */
#include "workers.h"
#include "directory.h"
#include "guise.h"
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/* What workers go by. */
struct setting {
    struct options options;
    char *uri;
};

struct supervision {
    const struct workers *workers;
    struct netio_supervisor *supervisor;
    struct netio_log *log;
    struct setting present, next; /* next: while a reload goes on */
    int reloading;
    int is_own;          /* present is not that of the start */
    unsigned generation; /* the latest of which workers serve */
};

static void setting_free(struct setting *setting)
{
    options_free(&setting->options);
    free(setting->uri);
    *setting = (struct setting){.uri = NULL};
}

/* Without any, the default, unless sockets were passed. */
static const char *const *addresses_of(const struct supervision *self,
                                       const struct options *options, size_t *count)
{
    static const char *const standard[] = {"whois"};

    *count = options->listens;
    if (options->listens > 0 || self->workers->passed)
        return options->listen;
    *count = 1;
    return standard;
}

static int open_supervisor(struct supervision *self)
{
    const struct workers *workers = self->workers;
    const struct options *options = workers->options;
    static const char *const environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG",
        "LANGUAGE",
        "LC_*",
        "TZ",
        WORKERS_PASSED "=1",
        NULL};
    struct netio_supervisor_options wanted = {
        .workers = options->workers,
        .world = workers->world,
        .daemon = workers->daemon,
        .log = self->log,
        .limit = workers->limit,
        .status = options->status,
        .drain_seconds = options->stop_seconds,
        .program = workers->program,
        .argv = options->argv,
        .directory = options->folder,
        .environment = workers->passed ? environment : NULL,
    };
    struct netio_error error;

    if (netio_supervisor_new(&self->supervisor, &wanted, &error) == 0)
        return EX_OK;
    if (options->status && strcmp(error.subject, options->status) == 0)
        return service_cannot_listen(workers->report, options->status, &error);
    return report_error(workers->report, &error);
}

static int listen_on_all(struct supervision *self)
{
    const struct workers *workers = self->workers;
    const struct sockets *sockets = workers->sockets;
    struct netio_error error;
    size_t count;

    for (size_t i = 0; i < sockets->count; i++) {
        int code = netio_supervisor_listen_take(self->supervisor, sockets->fd[i]);
        if (code != 0)
            return report_fail(workers->report, EX_OSERR, "the socket it was started with: %s",
                               netio_error_text(code));
    }
    const char *const *addresses = addresses_of(self, workers->options, &count);
    if (count > 0 && netio_supervisor_listen(self->supervisor, addresses, count, &error) != 0)
        return service_cannot_listen(workers->report, error.subject, &error);
    return EX_OK;
}

/* ---- events ---- */

static void log_addresses(const struct supervision *self, unsigned count)
{
    const struct netio_addr *address;
    char text[NETIO_ADDR_STRLEN];

    for (size_t i = 0; (address = netio_supervisor_address(self->supervisor, i)); i++)
        netio_log(self->log, LOG_NOTICE, "listening on %s, %u worker%s",
                  netio_addr_str(address, text, sizeof text), count, count == 1 ? "" : "s");
}

static void note_generation(struct supervision *self)
{
    struct netio_worker_status status;

    for (size_t i = 0; netio_supervisor_worker(self->supervisor, i, &status); i++)
        if (status.generation > self->generation)
            self->generation = status.generation;
}

static int ready(struct supervision *self)
{
    struct netio_error error;

    note_generation(self);
    log_addresses(self, self->present.options.workers);
    if (netio_daemon_ready(self->workers->daemon, &error) == 0)
        return EX_OK;
    int code = report_error(self->workers->report, &error);
    netio_supervisor_stop(self->supervisor, 1);
    return code;
}

static void keep(struct supervision *self, const char *why)
{
    netio_log(self->log, LOG_ERR, "configuration: %s; the one before stays in use", why);
    (void)netio_limit_change(self->workers->limit, &self->present.options.limits);
    setting_free(&self->next);
    self->reloading = 0;
}

/* A path of the configuration is as the folder of the start has it. */
static int locate(struct setting *setting, struct directory_fault *fault)
{
    int there = chdir(setting->options.folder);
    int code = directory_locate(&setting->uri, setting->options.directory, fault);

    return chdir("/") == -1 || (there == -1 && code == 0) ? -errno : code;
}

static void reload(struct supervision *self)
{
    char why[OPTIONS_FAULT_MAX];
    struct directory_fault fault = {.code = 0};
    struct netio_error error;
    size_t count;

    self->next = (struct setting){.uri = NULL};
    if (options_again(&self->next.options, self->workers->options, why) != OPTIONS_RUN) {
        keep(self, why);
        return;
    }
    if (self->next.options.workers == 0) {
        keep(self, "no workers: that takes another start");
        return;
    }
    if (locate(&self->next, &fault) != 0) {
        keep(self, fault.text);
        return;
    }
    (void)netio_limit_change(self->workers->limit, &self->next.options.limits);
    const char *const *addresses = addresses_of(self, &self->next.options, &count);
    if (netio_supervisor_reload(self->supervisor, addresses, count, self->next.options.workers,
                                &error) == 0)
        self->reloading = 1;
    else
        keep(self, netio_error_str(&error, why, sizeof why));
}

static int differ(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) != 0 : one != other;
}

/* What only a start looks at: who changes it should hear that nothing comes of it. */
static void log_ignored(const struct supervision *self)
{
    const struct options *was = self->workers->options, *is = &self->present.options;
    const struct {
        const char *name;
        int differs;
    } option[] = {
        {"log", differ(was->log, is->log)},
        {"pidfile", differ(was->pidfile, is->pidfile)},
        {"user", differ(was->user, is->user)},
        {"status", differ(was->status, is->status)},
        {"stop-seconds", was->stop_seconds != is->stop_seconds},
    };

    for (size_t i = 0; i < sizeof option / sizeof *option; i++)
        if (option[i].differs)
            netio_log(self->log, LOG_WARNING, "configuration: %s stays as it was until USR2",
                      option[i].name);
}

static void reloaded(struct supervision *self)
{
    if (self->is_own)
        setting_free(&self->present);
    self->present = self->next;
    self->is_own = 1;
    self->reloading = 0;
    note_generation(self);
    netio_log(self->log, LOG_NOTICE, "configuration: read again, generation %u", self->generation);
    log_ignored(self);
    log_addresses(self, self->present.options.workers);
}

static int reopen(void *log)
{
    return netio_log_reopen(log, NULL);
}

static void reopen_log(struct supervision *self)
{
    const struct netio_user *user = self->workers->world->privileges.user;

    report_reopened(self->log, self->workers->options->log, guise_act(user, reopen, self->log));
}

/* The first workers did not get ready.  What ails their directory they have said themselves. */
static int failed(const struct supervision *self, const struct netio_error *error)
{
    if (error->stage == NETIO_STAGE_READ)
        return error->code == -EBADMSG ? EX_CONFIG : EX_NOINPUT;
    return report_error(self->workers->report, error);
}

/* Those of the present generation that died are replaced during a reload, too. */
static int work(struct supervision *self, struct netio_worker *worker)
{
    const struct setting *setting =
        self->reloading && netio_worker_generation(worker) > self->generation ? &self->next
                                                                              : &self->present;

    return self->workers->work(self->workers->data, &setting->options, setting->uri, worker);
}

/* -1: go on; or the exit code. */
static int handle(struct supervision *self, int event, const struct netio_error *error)
{
    char text[640];

    switch (event) {
    case NETIO_SUPERVISOR_READY:
        return ready(self) == EX_OK ? -1 : EX_OSERR;
    case NETIO_SUPERVISOR_RELOAD:
        reload(self);
        return -1;
    case NETIO_SUPERVISOR_RELOADED:
        reloaded(self);
        return -1;
    case NETIO_SUPERVISOR_KEPT:
        keep(self, netio_error_str(error, text, sizeof text));
        return -1;
    case NETIO_SUPERVISOR_REOPEN:
        reopen_log(self);
        return -1;
    case NETIO_SUPERVISOR_DONE:
        return EX_OK;
    default:
        return event == -EINTR ? -1 : failed(self, error);
    }
}

static int run(struct supervision *self)
{
    struct netio_worker *worker;
    struct netio_error error = {.code = 0};
    int code = -1;

    while (code == -1) {
        int event = netio_supervisor_run(self->supervisor, &worker, &error);
        code = event == NETIO_SUPERVISOR_WORKER ? work(self, worker) : handle(self, event, &error);
    }
    return code;
}

int workers_run(const struct workers *workers)
{
    struct supervision self = {
        .workers = workers,
        .log = report_to(workers->report),
        .present = {.options = *workers->options, .uri = (char *)workers->uri},
    };
    int code = open_supervisor(&self);

    if (code == EX_OK)
        code = listen_on_all(&self);
    if (code == EX_OK)
        code = run(&self);
    netio_supervisor_free(self.supervisor);
    if (self.reloading)
        setting_free(&self.next);
    if (self.is_own)
        setting_free(&self.present);
    return code;
}
