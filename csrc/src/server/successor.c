/* Ring 3.  A program executes itself anew: the successor's side; see netio/upgrade.h.  Called by
 * the supervisor and by programs without one; it touches the socket to its predecessor, and the set
 * of listeners. */
#include "proc/succession.h"
#include "server/control.h"
#include "server/listeners.h"

#include <netio/fd.h>
#include <netio/parcel.h>
#include <netio/upgrade.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

struct netio_successor {
    pid_t owner; /* a child of fork has another */
    int control; /* -1: the predecessor is gone, or needed no more */
    int ready;
    int extra;                /* what came with go; -1: nothing, or it was taken */
    struct netio_watch watch; /* only wakes the loop */
    struct netio_listeners *listeners;
};

int netio_successor_is(void)
{
    return netio__succession() != NULL;
}

/* ---- what was left -------------------------------------------------------------------------- */

/* "listener DEVICE INODE TEXT", "passed", each with its socket.  What another version may say
 * besides is not needed. */
static int take_one(struct netio_listeners *listeners, const char *text, int fd)
{
    struct netio__legacy legacy = {.fd = fd};
    uintmax_t device, inode;
    int at = 0;

    if (sscanf(text, "listener %" SCNuMAX " %" SCNuMAX " %n", &device, &inode, &at) == 2 && at) {
        legacy.device = (dev_t)device;
        legacy.inode = (ino_t)inode;
        legacy.text = text + at;
    } else if (strcmp(text, "passed") != 0) {
        netio_fd_close(fd);
        return 0;
    }
    return fd < 0 ? -EBADMSG : netio__listeners_left(listeners, &legacy);
}

/* It was sent before this program began. */
static int take_all(struct netio_listeners *listeners, int control)
{
    struct netio_parcel *parcel;
    char kind[16];
    const char *text;
    int fd;
    ssize_t n = netio__control_receive_bytes(control, kind, sizeof kind, &fd);

    if (n < 0)
        return (int)n;
    if (n != 9 || memcmp(kind, "listeners", 9) != 0) {
        netio_fd_close(fd);
        return -EBADMSG;
    }
    int code = fd < 0 ? -EMFILE : netio_parcel_open_take(&parcel, fd); /* there was no number */
    if (code)
        return code;
    while (!code && netio_parcel_next(parcel, &text, &fd))
        code = take_one(listeners, text, fd);
    netio_parcel_free(parcel);
    return code;
}

static void woken(struct netio_watch *watch, unsigned events)
{
    (void)watch;
    (void)events;
}

int netio_successor_new(struct netio_successor **successor, struct netio_loop *loop,
                        struct netio_listeners *listeners, struct netio_error *error)
{
    struct netio__succession *left = netio__succession();

    *successor = NULL;
    if (!left || left->control < 0)
        return 0;
    struct netio_successor *self = calloc(1, sizeof *self);
    int code = self ? take_all(listeners, left->control) : -ENOMEM;
    if (!code) {
        *self = (struct netio_successor){.owner = getpid(),
                                         .control = left->control,
                                         .extra = -1,
                                         .watch.ready = woken,
                                         .listeners = listeners};
        code = netio_watch_start(loop, &self->watch, self->control, NETIO_READ);
    }
    if (code) {
        free(self);
        return netio_error_set(error, NETIO_STAGE_LISTEN, code, NULL, "upgrade");
    }
    /* Of a program that keeps no pid file any more. */
    netio_fd_close(left->pidfile);
    left->pidfile = left->control = -1;
    *successor = self;
    return 0;
}

/* ---- and how it goes on --------------------------------------------------------------------- */

static void part(struct netio_successor *self)
{
    netio_watch_stop(&self->watch);
    netio_fd_close(self->control);
    self->control = -1;
}

static void say(struct netio_successor *self, const char *text)
{
    if (self->control >= 0)
        (void)netio__control_send_bytes(self->control, text, strlen(text), -1);
}

void netio_successor_ready(struct netio_successor *self)
{
    self->ready = 1;
    say(self, "ready");
}

/* Whether it has said go, or can say nothing any more. */
static int may_go(struct netio_successor *self)
{
    char text[MESSAGE_MAX];
    ssize_t n = 1;
    int fd;

    while (self->control >= 0 && n > 0) {
        n = netio__control_receive_bytes(self->control, text, sizeof text, &fd);
        if (n == 2 && memcmp(text, "go", 2) == 0) {
            netio_fd_close(self->extra); /* of one that came before it was ready */
            self->extra = fd;
            return 1;
        }
        netio_fd_close(fd);
        if (n < 0)
            part(self);
    }
    return self->control < 0;
}

int netio_successor_step(struct netio_successor *self)
{
    if (!may_go(self) || !self->ready)
        return -EAGAIN;
    netio__listeners_own(self->listeners, 1);
    netio_listeners_commit(self->listeners);
    return 0;
}

int netio_successor_extra(struct netio_successor *self)
{
    int fd = self->extra;

    self->extra = -1;
    return fd;
}

void netio_successor_done(struct netio_successor *self)
{
    say(self, "done");
    part(self);
}

void netio_successor_fail(struct netio_successor *self, const struct netio_error *error)
{
    char text[MESSAGE_MAX] = "failed ";

    netio_error_str(error, text + strlen(text), sizeof text - strlen(text));
    say(self, text);
}

void netio_successor_free(struct netio_successor *self)
{
    if (!self)
        return;
    if (self->owner == getpid())
        netio_watch_stop(&self->watch);
    netio_fd_close(self->extra);
    netio_fd_close(self->control);
    free(self);
}
