/* netio/open.h: opens a connection over TCP, UDP or a unix socket (ring 1).
 *
 * One absolute deadline covers names, every address and every handshake.  The
 * addresses of a host race, as RFC 8305 has it: the first one is tried at once, the
 * next one 250 ms later, or as soon as one has failed, while those before it go on;
 * the first that connects serves, and the others are closed.  When the deadline would
 * pass before the last one's turn, the turns come sooner: they share the time that is
 * left, but are at least 10 ms apart, so that a very short deadline may end it before
 * the last ones are tried.  Addresses that are known are tried while a name server
 * still owes those of the other family, which join in when they come.
 *
 * Each attempt is a descriptor, and while there are several, there is one more (epoll)
 * to wait for all of them.  Where no more are to be had, the attempts are made with
 * those there are, in the end one by one, each with a fair share of the time.
 *
 * The machine: start; while step says -EAGAIN, wait for what want says; at the end step
 * gives the descriptor or the error.  Freeing early cancels and closes everything.
 * netio_tcpopen() and its like do all that and block.
 *
 * What want says may change with every step.  A step, and freeing, may close the descriptor
 * that want named, and the next one may have the same number and be another one.  So whoever
 * keeps it registered (epoll, netio_loop) takes it out before each step and before freeing,
 * and puts in what want says afterwards, even if the number is the same.
 *
 * Fork: a machine belongs to the process that started it; in a child its copy may be freed,
 * and nothing else.  One thread each.  Not async-signal-safe; a signal handler that leaves
 * by longjmp leaks the machine.
 */
#ifndef NETIO_OPEN_H
#define NETIO_OPEN_H

#include <netio/error.h>
#include <netio/fd.h>

struct netio_open;

struct netio_open_options {  /* zero: all defaults */
    netio_deadline deadline;    /* NETIO_NEVER: as long as the kernel takes */
    int family;                 /* AF_UNSPEC, AF_INET, AF_INET6 */
    /* This end, in numbers; NULL: the kernel chooses.  Addresses of the other family are
     * passed over. */
    const char *source;
    /* The port of this end; 0: the kernel chooses.  TCP shares it between connections to
     * different peers, and takes it again while an old connection to another one is in
     * TIME-WAIT; UDP shares nothing. */
    unsigned source_port;
    /* The port of this end is the first that is free from 1023 down to 512, as rcmd(3) has it.
     * It needs CAP_NET_BIND_SERVICE, or net.ipv4.ip_unprivileged_port_start at 512 or below:
     * NETIO_EPRIVILEGE.  NETIO_ERESERVED: all are taken.  Not together with source_port. */
    int reserved;
    int keepalive;              /* SO_KEEPALIVE; TCP only */
    int nodelay;                /* TCP_NODELAY; TCP only */
    /* Called for every socket after it was made and before it is bound, for options that have
     * no name here; 0, or -errno, which ends that attempt at the stage socket.  It may not close
     * fd, nor leave by longjmp.  May be NULL. */
    int (*prepare)(int fd, const struct netio_addr *to, void *data);
    void *data;
};

/* One address that was tried, in the order of trying. */
struct netio_attempt {
    struct netio_addr address;
    enum netio_stage stage; /* at which it failed: socket, bind or connect */
    int code;               /* why it failed; 0: the one that serves, or still on its way;
                             * -ECANCELED: another one was sooner */
    int64_t elapsed;        /* nanoseconds from its start to its end, or to now */
};

/* Blocks until connected or failed.  service as netio_service_port has it.  Returns a
 * connected descriptor, the caller's, close-on-exec and non-blocking; or a negative
 * code with *error.  Goes on after signals; use the machine to act on them. */
int netio_tcpopen(const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error);
/* A UDP socket connected to the first address that this machine has a way to: nothing is sent,
 * the kernel keeps what others send away, and ICMP errors become those of the socket. */
int netio_udpopen(const char *host, const char *service,
                  const struct netio_open_options *options, struct netio_error *error);
/* A stream to the socket at a path, absolute or relative, of up to 107 bytes (-ENAMETOOLONG);
 * "@name" is an abstract one, "./@name" a file of that name.  While the listener's queue is
 * full it is tried again, after 1 ms first and every 16 ms in the end: there is nothing to
 * poll.  Of the options, family, source, source_port and reserved mean nothing here:
 * NETIO_EBADOPTION.  -ENOENT: no such path; -ECONNREFUSED: nobody listens, or it is no socket;
 * -EPROTOTYPE: a datagram socket; -EACCES: no permission. */
int netio_unixopen(const char *path, const struct netio_open_options *options,
                   struct netio_error *error);

/* options may be NULL.  host: a name or an address.  0 and *open, or a negative code
 * with *error and *open NULL (bad host, service, path or option; no memory). */
int netio_tcpopen_start(struct netio_open **open, const char *host, const char *service,
                        const struct netio_open_options *options, struct netio_error *error);
int netio_udpopen_start(struct netio_open **open, const char *host, const char *service,
                        const struct netio_open_options *options, struct netio_error *error);
int netio_unixopen_start(struct netio_open **open, const char *path,
                         const struct netio_open_options *options, struct netio_error *error);
/* Addresses that somebody else has looked up, ports included; they are copied.  Tried in this
 * order: the first NETIO_RESOLVE_MAX of those that family and source allow.  NETIO_ENOADDRESS:
 * none of them. */
int netio_tcpopen_start_addrs(struct netio_open **open, const struct netio_addr *addrs,
                              size_t count, const struct netio_open_options *options,
                              struct netio_error *error);
/* Goes on without waiting: a descriptor (the caller's from now on), -EAGAIN, or the
 * failure: -ETIMEDOUT when the deadline passed, else what the last address said (the
 * attempts have them all; one that this machine has no way to does not outweigh another), or
 * what netio_resolve says.  NETIO_ESELFCONNECT: the kernel joined the socket to itself, as it
 * can on a free ephemeral port.  An error at the stage bind names this end.  After its end step
 * repeats the failure; -EINVAL when the descriptor was handed over. */
int netio_open_step(struct netio_open *open, struct netio_error *error);
void netio_open_want(const struct netio_open *open, struct netio_want *want);
/* What has been tried so far; lives until the next step. */
size_t netio_open_attempts(const struct netio_open *open,
                           const struct netio_attempt **attempts);
void netio_open_free(struct netio_open *open);

#endif
