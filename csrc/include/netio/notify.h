/* netio/notify.h: the protocol of sd_notify(3), both ends (ring 2).
 *
 * Datagrams of lines NAME=VALUE to the socket that NOTIFY_SOCKET names: a path, or with "@" an
 * abstract address.  A manager that is gone or does not read never holds the daemon up.
 *
 * Fork: in a child, only free it.  Not async-signal-safe.
 */
#ifndef NETIO_NOTIFY_H
#define NETIO_NOTIFY_H

#include <netio/error.h>
#include <netio/loop.h>
#include <sys/types.h>

/* ---- the daemon's end ---- */

struct netio_notify;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child
 * takes itself for the service.  Without NOTIFY_SOCKET, or with one of vsock(7), which is
 * not spoken to: 0 and *notify NULL, with which every call below is legal and does nothing.  A
 * manager that is not there is no error yet.  NETIO_EBADADDRESS for what is no address or too long
 * a one, NETIO_EBADOPTION for a WATCHDOG_USEC or _PID that is no number, -ENOMEM; stage notify. */
int netio_notify_new(struct netio_notify **notify, struct netio_error *error);
void netio_notify_free(struct netio_notify *notify);
/* 0, or -errno when the manager could not be told; then nothing else is wrong.  None of them waits,
 * but the first ready: up to two seconds for a manager that does not read (-EAGAIN).  MAINPID is
 * not sent: who is started by the manager has no need, and in a pid namespace it would name
 * another (an upgrade sends it, where it cannot be helped). */
int netio_notify_ready(struct netio_notify *notify); /* READY=1 */
/* RELOADING=1 and MONOTONIC_USEC; when it is done, ready. */
int netio_notify_reloading(struct netio_notify *notify);
/* STOPPING=1, until the manager has taken it: once, whoever says it again. */
int netio_notify_stopping(struct netio_notify *notify);
/* One line, made printable. */
int netio_notify_status(struct netio_notify *notify, const char *text);
/* Sends WATCHDOG=1 from the loop itself, at once and then twice in the time that the manager
 * allows, so that a loop that is stuck is noticed; nothing without WATCHDOG_USEC, or where
 * WATCHDOG_PID is another.  0 or -errno.  Ends with netio_notify_free, or with loop NULL: one of
 * them before the loop is freed. */
int netio_notify_watchdog(struct netio_notify *notify, struct netio_loop *loop);

/* ---- the manager's end ---- */

struct netio_notify_message {
    pid_t pid;                                /* who sent it, as the kernel says */
    int ready, reloading, stopping, watchdog; /* 1: it says so */
    char status[256];                         /* printable; empty: none */
};

/* A socket of an abstract address, "@..." into name: what NOTIFY_SOCKET of a child is to be. Close-
 * on-exec, non-blocking; or -errno. */
int netio_notify_listen(char *name, size_t size);
/* One message: 1, 0 when none waits, or -errno.  Descriptors that come with it are closed; a
 * message without credentials, or that is cut off, is none (0, though another may wait: the
 * descriptor is readable then).  Anybody can write to the address: look at pid. */
int netio_notify_receive(int fd, struct netio_notify_message *message);
/* The parser alone; bytes need not end with NUL. */
void netio_notify_parse(struct netio_notify_message *message, const char *bytes, size_t size);

#endif
