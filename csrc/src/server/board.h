/* Ring 3, private.  What one worker writes and its supervisor reads, in memory that both share: no
 * lock, one writer for each word, and nothing in it that a death at any instruction could spoil.
 *
 *      supervisor    makes one for every worker it may have, before it forks
 *      worker.c      hands it to the server (netio__server_use_board)
 *      the engine    counts; begins and ends a beat around whatever runs handlers
 *
 * Heartbeat: beat is odd while handlers run.  The supervisor looks a few times in
 * heartbeat_seconds, and a worker whose beat is the same odd number all the time is stuck.  It
 * looks only while somebody is busy, so that an idle server makes no system call: when it stops
 * looking it sets asleep, and a worker that begins a beat and finds it set clears it and writes a
 * byte to wake.  A handler that has its socket to itself may wait as long as it likes: it says so
 * in alone, and is stuck only if it computes, or is stopped, all the time, or when its connection's
 * time has long been over (until).
 *
 * The kernel wakes one worker alone for a client (EPOLLEXCLUSIVE).  One that cannot take him,
 * having no descriptor, writes two bytes to wake: the supervisor has the others look. */
#ifndef NETIO_SRC_SERVER_BOARD_H
#define NETIO_SRC_SERVER_BOARD_H

#include <netio/server.h>

struct netio__board {
    struct netio_server_status status;
    uint64_t beat;        /* by __atomic builtins, relaxed */
    int alone;            /* the handler of this beat is on_serve ... */
    netio_deadline until; /* ... which is to be over by then; relaxed */
    int asleep;           /* the supervisor's, of this worker; exchanged, sequentially consistent */
    int wake;             /* the worker's own descriptor to write to; -1: none */
};

/* server.c: count there from now on (its own until then); board outlives the server. */
void netio__server_use_board(struct netio_server *server, struct netio__board *board);

#endif
