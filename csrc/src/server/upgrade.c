/* Ring 3.  A program executes itself anew: the predecessor's side; see netio/upgrade.h.  Called by
 * the supervisor, in a worker only to be freed, and by programs without one.  It has one child
 * started (bequest.c), and gives up and takes back paths and pid file. */
#include "proc/succession.h"
#include "server/bequest.h"
#include "server/control.h"
#include "server/listeners.h"

#include <netio/child.h>
#include <netio/fd.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_WAIT  60 /* seconds for a successor whose plan has no time of its own */
#define END_WAIT    1  /* seconds for who has closed the socket, or failed, to end by itself */
#define MESSAGE_MAX 1024

enum state { STARTING, TAKING }; /* before go, after it: what was given up is to be taken back */

struct netio_upgrade {
    pid_t owner; /* a child of fork has another */
    struct netio_child child;
    int control;
    enum state state;
    double seconds; /* from start to ready, and again from go to done */
    netio_deadline deadline;
    struct netio_daemon *daemon;
    struct netio_listeners *listeners;
    int (*hand_over)(void *data);
    void *data;
    struct netio_loop *loop;
    struct netio_watch talks, ends; /* of control and of the child: they only wake the loop */
    struct netio_timer late;
    char program[128];
    char said[128]; /* why it failed, in its own words */
};

static void woken(struct netio_watch *watch, unsigned events)
{
    (void)watch;
    (void)events;
}

static void is_late(struct netio_timer *timer)
{
    (void)timer;
}

static int watch(struct netio_upgrade *self)
{
    self->talks.ready = self->ends.ready = woken;
    self->late.fire = is_late;
    int code = netio_watch_start(self->loop, &self->talks, self->control, NETIO_READ);
    if (!code)
        code = netio_watch_start(self->loop, &self->ends, self->child.pidfd, NETIO_READ);
    if (!code)
        code = netio_timer_start(self->loop, &self->late, self->deadline);
    return code;
}

static void unwatch(struct netio_upgrade *self)
{
    netio_watch_stop(&self->talks);
    netio_watch_stop(&self->ends);
    netio_timer_stop(&self->late);
}

/* Earlier than it was to be, but not later. */
static void hurry(struct netio_upgrade *self, double seconds)
{
    self->deadline = netio_deadline_sooner(self->deadline, netio_deadline_in(seconds));
    (void)netio_timer_start(self->loop, &self->late, self->deadline);
}

static struct netio_notify *notify_of(const struct netio_upgrade *self)
{
    return self->daemon ? netio_daemon_notify(self->daemon) : NULL;
}

/* Nothing runs yet. */
static void begin(struct netio_upgrade *self, const struct netio_upgrade_plan *plan, int control,
                  struct netio_loop *loop)
{
    double seconds = plan->ready_seconds > 0 ? plan->ready_seconds : READY_WAIT;

    *self = (struct netio_upgrade){.owner = getpid(),
                                   .child.pidfd = -1,
                                   .control = control,
                                   .seconds = seconds,
                                   .deadline = netio_deadline_in(seconds),
                                   .daemon = plan->daemon,
                                   .listeners = plan->listeners,
                                   .hand_over = plan->hand_over,
                                   .data = plan->data,
                                   .loop = loop};
    snprintf(self->program, sizeof self->program, "%s", plan->program);
}

int netio_upgrade_start(struct netio_upgrade **upgrade, struct netio_loop *loop,
                        const struct netio_upgrade_plan *plan, struct netio_error *error)
{
    /* As it drains and ends the kernel would kill the successor, and all else of its namespace. */
    if (getpid() == 1)
        return netio_error_set(error, NETIO_STAGE_EXEC, NETIO_EINIT, NULL, plan->program);
    struct netio_upgrade *self = calloc(1, sizeof *self);
    int ends[2] = {-1, -1};
    int code = self ? netio__control_pair(ends) : -ENOMEM;

    if (!code)
        code = netio__bequest_send(ends[0], plan->listeners);
    if (code) {
        netio_error_set(error, NETIO_STAGE_EXEC, code, NULL, plan->program);
        goto failed;
    }
    begin(self, plan, ends[0], loop);
    code = netio__bequest_start(&self->child, plan, ends[1], error);
    if (code)
        goto failed;
    netio_fd_close(ends[1]);
    (void)netio_notify_reloading(notify_of(self));
    code = watch(self);
    if (code) {
        netio_upgrade_free(self);
        return netio_error_set(error, NETIO_STAGE_EXEC, code, NULL, plan->program);
    }
    *upgrade = self;
    return 0;
failed:
    netio_listeners_cancel(plan->listeners);
    netio_fd_close(ends[0]);
    netio_fd_close(ends[1]);
    free(self);
    return code;
}

/* Kills what is left of it, and takes back what it was given.  0 or a code with *error. */
static int take_back(struct netio_upgrade *self, struct netio_error *error)
{
    int status, code = 0;

    if (self->child.pidfd >= 0) {
        (void)netio_child_signal(&self->child, SIGKILL, 0);
        if (netio_child_wait(&self->child, netio_deadline_in(END_WAIT), &status) != 1)
            netio_child_forget(&self->child);
    }
    netio__listeners_own(self->listeners, 1);
    netio_listeners_cancel(self->listeners);
    if (self->state == TAKING && self->daemon)
        code = netio__daemon_take_back(self->daemon, error);
    (void)netio_notify_ready(notify_of(self));
    self->state = STARTING;
    return code;
}

/* It is over, and this is why; a pid file that cannot be had back is worse. */
static int give_up(struct netio_upgrade *self, int code, const char *subject,
                   struct netio_error *error)
{
    netio_error_set(error, NETIO_STAGE_EXEC, code, NULL, subject);
    int worse = take_back(self, error);
    self->owner = 0; /* free has nothing left to do */
    return worse ? worse : code;
}

static int has_ended(struct netio_upgrade *self, int status, struct netio_error *error)
{
    char how[sizeof self->program + 32];

    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "%s (signal %d)", self->program, WTERMSIG(status));
    else
        snprintf(how, sizeof how, "%s (exit code %d)", self->program, WEXITSTATUS(status));
    return give_up(self, NETIO_EDIED, *self->said ? self->said : how, error);
}

/* 0 or -errno: there is nothing to hand over, or no way to. */
static int let_go(struct netio_upgrade *self)
{
    int extra = -1;

    if (self->state == TAKING)
        return 0;
    self->state = TAKING;
    if (self->hand_over && (extra = self->hand_over(self->data)) < 0)
        return extra;
    netio__listeners_own(self->listeners, 0);
    if (self->daemon)
        netio__daemon_hand_over(self->daemon, self->child.pid);
    self->deadline = netio_deadline_in(self->seconds);
    (void)netio_timer_start(self->loop, &self->late, self->deadline);
    int code = netio__control_send_bytes(self->control, "go", 2, extra);
    netio_fd_close(extra);
    return code == -EPIPE ? 0 : code; /* it has ended, and how is still to be seen */
}

/* 1: it is done; 0: nothing more for now; or the code of what failed here. */
static int listen_to(struct netio_upgrade *self)
{
    char text[MESSAGE_MAX];
    ssize_t n;
    int fd, code;

    while ((n = netio__control_receive_bytes(self->control, text, sizeof text - 1, &fd)) > 0) {
        netio_fd_close(fd);
        text[n] = '\0';
        if (strcmp(text, "ready") == 0) {
            if ((code = let_go(self)) < 0)
                return code;
        } else if (strcmp(text, "done") == 0 && self->state == TAKING)
            return 1;
        else if (strncmp(text, "failed ", 7) == 0) {
            snprintf(self->said, sizeof self->said, "%.127s", text + 7);
            hurry(self, END_WAIT);
        }
    }
    if (n < 0) {
        netio_watch_stop(&self->talks);
        hurry(self, END_WAIT);
    }
    return 0;
}

/* It serves: this process has nothing more to say. */
static int is_over(struct netio_upgrade *self)
{
    if (self->daemon)
        netio__daemon_over(self->daemon);
    self->owner = 0;
    return 0;
}

int netio_upgrade_step(struct netio_upgrade *self, struct netio_error *error)
{
    int status;
    int heard = self->talks.loop ? listen_to(self) : 0;

    if (heard)
        return heard == 1 ? is_over(self) : give_up(self, heard, self->program, error);
    int ended = netio_child_ended(&self->child, &status);
    if (ended == 1)
        return has_ended(self, status, error);
    if (ended < 0)
        return give_up(self, ended, self->program, error);
    if (netio_deadline_passed(self->deadline))
        return give_up(self, *self->said ? NETIO_EDIED : -ETIMEDOUT,
                       *self->said ? self->said : self->program, error);
    return -EAGAIN;
}

pid_t netio_upgrade_pid(const struct netio_upgrade *self)
{
    return self->child.pid;
}

void netio_upgrade_child_take(struct netio_upgrade *self, struct netio_child *child)
{
    netio_watch_stop(&self->ends);
    *child = self->child;
    self->child = (struct netio_child){.pidfd = -1};
}

void netio_upgrade_free(struct netio_upgrade *self)
{
    struct netio_error unwanted;

    if (!self)
        return;
    /* In a worker the loop is a copy, whose watches nobody will look at. */
    if (self->owner == getpid() || !self->owner)
        unwatch(self);
    if (self->owner == getpid())
        (void)take_back(self, &unwanted);
    netio_child_forget(&self->child);
    netio_fd_close(self->control);
    free(self);
}
