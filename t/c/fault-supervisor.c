/* Every call of a supervisor and of its workers into the system fails in turn; see t/c/fault.h.
 * B11 to B13 of the fault catalogue: whatever fails, it ends with a code or goes on as it was, and
 * no process and no descriptor is left. */
#include "fault.h"

#include <netio/supervisor.h>

#include <sys/wait.h>

#define PATIENCE 15 /* seconds that one run may take */

static const struct netio_world world;

static void answer(struct netio_conn *conn, char *line, size_t len)
{
    (void)netio_conn_write(conn, line, len);
    netio_conn_close(conn);
}

/* In the new process: no way leads back. */
static void work(struct netio_worker *worker)
{
    static const struct netio_server_handlers handlers = {.on_line = answer};
    struct netio_server *server;

    alarm(PATIENCE);
    if (netio_server_new(&server, NULL, &handlers, NULL) == 0 &&
        netio_worker_serve(worker, server) == 0 && netio_worker_ready(worker) == 0)
        (void)netio_server_run(server);
    _exit(0);
}

static int reloaded; /* in this run */

/* 1 to go on.  Whoever got ready is asked to reload; whatever comes of that, to end. */
static int act(struct netio_supervisor *supervisor, int event)
{
    const char *const addresses[] = {"127.0.0.1:0", "127.0.0.1:0"};

    switch (event) {
    case NETIO_SUPERVISOR_READY:
        if (netio_supervisor_reload(supervisor, addresses, 2, 2, NULL) == 0)
            return 1;
        /* fallthrough */
    case NETIO_SUPERVISOR_RELOADED:
        reloaded = event == NETIO_SUPERVISOR_RELOADED;
        /* fallthrough */
    case NETIO_SUPERVISOR_KEPT:
        netio_supervisor_stop(supervisor, 0);
        return 1;
    default:
        return event == -EINTR;
    }
}

/* All that were started end by themselves, also those of a supervisor that has given up. */
static int all_ended(void)
{
    netio_deadline deadline = netio_deadline_in(PATIENCE);
    pid_t pid;

    fault_off();
    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && !netio_deadline_passed(deadline))
        if (pid == 0)
            (void)poll(NULL, 0, 1);
    fault_on();
    return pid == -1;
}

static int supervise_within(double ready_seconds)
{
    const struct netio_supervisor_options options = {
        .world = &world, .ready_seconds = ready_seconds, .drain_seconds = 0.2};
    const char *const addresses[] = {"127.0.0.1:0"};
    netio_deadline deadline = netio_deadline_in(PATIENCE);
    struct netio_supervisor *supervisor;
    struct netio_worker *worker;
    int event = 0;

    reloaded = 0;
    if (netio_supervisor_new(&supervisor, &options, NULL) != 0)
        return supervisor ? 1 : 0;
    if (netio_supervisor_listen(supervisor, addresses, 1, NULL) == 0)
        do {
            event = netio_supervisor_run(supervisor, &worker, NULL);
            if (event == NETIO_SUPERVISOR_WORKER)
                work(worker);
        } while (act(supervisor, event) && !netio_deadline_passed(deadline));
    netio_supervisor_free(supervisor);
    if (netio_deadline_passed(deadline))
        return 2;
    if (*fault_hits == 0 && (event != NETIO_SUPERVISOR_DONE || !reloaded))
        return 4;
    return all_ended() ? 0 : 3;
}

/* Short, for a worker that fails may hang.  One that nothing keeps may be slow, though. */
static int supervise(void)
{
    int code = supervise_within(0.3);

    if (code == 4) {
        fault_off();
        code = supervise_within(PATIENCE);
        fault_on();
    }
    return code;
}

int main(void)
{
    fault_walk("a supervisor", supervise);
    return tap_done();
}
