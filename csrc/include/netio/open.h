/* netio/open.h: opens a TCP connection (ring 1).
 *
 * One absolute deadline covers names, every address and every handshake.  The
 * addresses are tried in turn; each gets a fair share of what is left of the
 * deadline, the last one all of it.
 *
 * The machine: start; while step says -EAGAIN, wait for what want says (it may change
 * with every step); at the end step gives the descriptor or the error.  Freeing early
 * cancels and closes everything.  netio_tcpopen() does all that and blocks.
 *
 * Fork: a machine belongs to the process that started it.  One thread each.  Not
 * async-signal-safe; a signal handler that leaves by longjmp leaks the machine.
 */
#ifndef NETIO_OPEN_H
#define NETIO_OPEN_H

#include <netio/error.h>
#include <netio/fd.h>

struct netio_open;

struct netio_open_options {  /* zero: all defaults */
    netio_deadline deadline;    /* NETIO_NEVER: as long as the kernel takes */
    int family;                 /* AF_UNSPEC, AF_INET, AF_INET6 */
};

/* One address that was tried, in the order of trying. */
struct netio_attempt {
    struct netio_addr address;
    int code;         /* why it failed; 0: the one that serves, or still on its way */
    int64_t elapsed;  /* nanoseconds from its start to its end, or to now */
};

/* Blocks until connected or failed.  service as netio_service_port has it.  Returns a
 * connected descriptor, the caller's, close-on-exec and non-blocking; or a negative
 * code with *error.  Goes on after signals; use the machine to act on them. */
int netio_tcpopen(const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error);

/* options may be NULL.  host: a name or an address.  0 and *open, or a negative code
 * with *error and *open NULL (bad host, service or option; no memory). */
int netio_tcpopen_start(struct netio_open **open, const char *host, const char *service,
                        const struct netio_open_options *options, struct netio_error *error);
/* Goes on without waiting: a descriptor (the caller's from now on), -EAGAIN, or the
 * failure: -ETIMEDOUT when the deadline passed, else what the last address said (the
 * attempts have them all; one that this machine has no way to does not outweigh another), or
 * what netio_resolve says.  NETIO_ESELFCONNECT: the kernel joined the socket to itself, as it
 * can on a free ephemeral port.  After its end step repeats the failure; -EINVAL when the
 * descriptor was handed over. */
int netio_open_step(struct netio_open *open, struct netio_error *error);
void netio_open_want(const struct netio_open *open, struct netio_want *want);
/* What has been tried so far; lives as long as the machine. */
size_t netio_open_attempts(const struct netio_open *open,
                           const struct netio_attempt **attempts);
void netio_open_free(struct netio_open *open);

#endif
