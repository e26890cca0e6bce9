/* netiod: one program that runs for a service; see process.h.
 * Called by exec.c, wait.c, seat.c and pool.c; signals and watches programs that are theirs.
 *
 *      runs --longest, process_until--> told (SIGTERM) --a second--> SIGKILL
 *        \______________________________/____________________________/
 *                                 ended
 */
#include "process.h"

#include "handover.h"

#include <netio/clock.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP 4u /* Linux 6.9 */
#endif

/* One that is adopted is no child of this process, of which netio_child_signal would say that it
 * has ended.  Before Linux 6.9 only itself can be reached, not its group. */
static void signal_group(const struct process *process, int signal)
{
    int pidfd = process->child.pidfd;

    if (!process->adopted)
        (void)netio_child_signal(&process->child, signal, 1);
    else if (pidfd_send_signal(pidfd, signal, NULL, PIDFD_SIGNAL_PROCESS_GROUP) == -1 &&
             errno == EINVAL)
        (void)pidfd_send_signal(pidfd, signal, NULL, 0);
}

void process_kill(struct process *process)
{
    netio_timer_stop(&process->timer);
    process->told = 1;
    signal_group(process, SIGKILL);
}

/* Its time is over.  Who cannot be given another second gets none. */
static void expired(struct netio_timer *timer)
{
    struct process *process = timer->data;

    if (!process->told) {
        process->told = 1;
        signal_group(process, SIGTERM);
        if (netio_timer_start(process->service->house->loop, timer,
                              netio_clock_now() + NETIO_SECOND) == 0)
            return;
    }
    process_kill(process);
}

void process_until(struct process *process, netio_deadline deadline)
{
    process->longest = netio_deadline_sooner(process->longest, deadline);
    if (process->told)
        return;
    if (netio_timer_start(process->service->house->loop, &process->timer, process->longest) < 0)
        expired(&process->timer);
}

static void into_house(struct process *process, struct house *house)
{
    process->in_house = house->processes;
    process->house_link = &house->processes;
    if (process->in_house)
        process->in_house->house_link = &process->in_house;
    house->processes = process;
}

static void out_of_house(const struct process *process)
{
    *process->house_link = process->in_house;
    if (process->in_house)
        process->in_house->house_link = process->house_link;
}

static struct process *make(struct process **list, struct service *service)
{
    struct process *process = calloc(1, sizeof *process);

    if (!process)
        return NULL;
    process->service = service;
    process->child.pidfd = -1;
    process->timer = (struct netio_timer){.fire = expired, .data = process};
    process->next = *list;
    process->link = list;
    if (*list)
        (*list)->link = &process->next;
    *list = process;
    into_house(process, service->house);
    return process;
}

static void forget(struct process *process)
{
    netio_timer_stop(&process->timer);
    netio_watch_stop(&process->watch);
    netio_child_forget(&process->child);
    out_of_house(process);
    *process->link = process->next;
    if (process->next)
        process->next->link = process->link;
    free(process);
}

/* The timer first: a program whose life cannot be limited is not started.  Of a pool it is each
 * connection that is limited, by the pool. */
static int limit_life(struct process *process)
{
    const struct config_service *config = process->service->config;
    double seconds = config->total_seconds;

    if (seconds <= 0 || config->kind == CONFIG_POOL)
        return 0;
    process->longest = netio_deadline_in(seconds);
    return netio_timer_start(process->service->house->loop, &process->timer, process->longest);
}

int process_start(struct process **process, struct process **list, const struct launch *how)
{
    struct process *made = *process = make(list, how->service);
    int code = made ? limit_life(made) : -ENOMEM;

    if (code) {
        launch_failed(how, netio_error_text(code));
    } else {
        made->since = netio_clock_now();
        made->uid = launch_uid(how);
        if (how->peer)
            made->peer = *how->peer;
        code = launch(&made->child, how);
    }
    if (code && made)
        forget(made);
    return code;
}

int process_adopt(struct process **process, struct process **list, struct service *service,
                  const struct handover_child *child)
{
    struct process *made = *process = make(list, service);

    if (!made) {
        netio_fd_close(child->pidfd);
        return -ENOMEM;
    }
    made->child = (struct netio_child){child->pid, child->pidfd};
    made->peer = child->peer;
    made->since = netio_clock_now();
    made->adopted = 1;
    service->running++;
    service->adopted++;
    return 0;
}

/* An adopted one is reaped, and its end logged, by its parent.  0: its tracer has yet to hear of
 * it. */
static void ready(struct netio_watch *watch, unsigned events)
{
    struct process *process = watch->data;
    pid_t pid = process->child.pid;
    int status = -1;

    (void)events;
    netio_watch_stop(watch); /* whose descriptor is closed then */
    if (!process->adopted && netio_child_ended(&process->child, &status) == 0 &&
        netio_watch_start(process->service->house->loop, watch, process->child.pidfd, NETIO_READ) ==
            0)
        return;
    process->child.pid = pid; /* for the log */
    process->ended(process, status);
}

/* The end of one that is adopted is for its parent to log. */
void process_over(struct process *process, int status)
{
    struct service *service = process->service;

    if (process->adopted) {
        service->counts.ended++;
        service->running--;
        service->adopted--;
    } else {
        launch_ended(service, process->child.pid, &process->peer, process->uid, process->since,
                     status);
    }
    forget(process);
}

void process_end(struct process *process)
{
    netio_deadline deadline = netio_deadline_in(1);
    int status = -1;

    netio_watch_stop(&process->watch);
    if (!process->adopted) {
        pid_t pid = process->child.pid;
        process_kill(process);
        while (netio_child_wait(&process->child, deadline, &status) == -EINTR)
            continue;
        process->child.pid = pid;
    }
    process_over(process, status);
}

int process_watch(struct process *process, void (*ended)(struct process *process, int status))
{
    process->ended = ended;
    process->watch = (struct netio_watch){.ready = ready, .data = process};
    int code = netio_watch_start(process->service->house->loop, &process->watch,
                                 process->child.pidfd, NETIO_READ);
    if (code)
        process_end(process);
    return code;
}

const struct process *process_describe(const struct process *list, size_t index,
                                       struct handover_child *child)
{
    for (; list && index > 0; list = list->next)
        index--;
    if (list)
        *child = (struct handover_child){
            .pid = list->child.pid, .pidfd = list->child.pidfd, .peer = list->peer};
    return list;
}
