/* Ring 3, private: what a supervisor and a worker say to each other, over a pair of sockets whose
 * messages stay whole; and the same pair for the words of an upgrade (upgrade.c, successor.c),
 * which are bytes.  Neither end ever waits, and neither trusts the other further than this: a
 * worker may have been taken over by a stranger.  End of file: the other one is gone. */
#ifndef NETIO_SRC_SERVER_CONTROL_H
#define NETIO_SRC_SERVER_CONTROL_H

#include <netio/clock.h>
#include <netio/error.h>
#include <sys/types.h>

enum netio__saying {
    NETIO__SAY_READY,  /* worker: it serves */
    NETIO__SAY_FAIL,   /* worker: it cannot, because of error */
    NETIO__SAY_AWAKE,  /* worker, a single byte (server/board.h): it runs handlers again */
    NETIO__SAY_SCARCE, /* worker, two bytes: clients wait, and it has no descriptor for them */
    NETIO__SAY_STOP,   /* supervisor: drain until deadline */
    NETIO__SAY_LOOK,   /* supervisor: see who waits */
    NETIO__SAY_LOG     /* supervisor: the log goes on in the descriptor that comes with it */
};

struct netio__message {
    enum netio__saying saying;
    netio_deadline deadline;
    struct netio_error error;
};

/* 0 or -errno. */
int netio__control_pair(int ends[2]);
/* pass: a descriptor to go with it, -1 for none.  0 or -errno. */
int netio__control_send(int fd, const struct netio__message *message, int pass);
/* 1 and *message, and *passed: the caller's descriptor, or -1.  0 when none waits; NETIO_EEOF, or
 * another negative code: then nothing will come any more. */
int netio__control_receive(int fd, struct netio__message *message, int *passed);

/* The same for any bytes, one message whole: send is 0 or -errno; receive is how many there were, 0
 * when none waits, or a code as above. */
int netio__control_send_bytes(int fd, const void *bytes, size_t size, int pass);
ssize_t netio__control_receive_bytes(int fd, void *bytes, size_t size, int *passed);

#endif
