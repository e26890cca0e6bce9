/* netiod: what is said to rpcbind(8), byte by byte: RFC 1833 (its version 3) in calls of RFC 5531,
 * on a stream.
 *
 * Called by rpc.c; it touches only what it is given.
 */
#ifndef NETIOD_RPCBIND_H
#define NETIOD_RPCBIND_H

#include <stddef.h>
#include <stdint.h>

#define RPCBIND_PATH    "/run/rpcbind.sock"
#define RPCBIND_CALL    256 /* bytes; a call is shorter */
#define RPCBIND_ANSWER  512 /* so is an answer that is of use */
#define RPCBIND_NETID   5   /* "tcp6" and a NUL */
#define RPCBIND_ADDRESS 64  /* "0.0.0.0.3.20": the last two are the port's bytes */

enum rpcbind_procedure { RPCBIND_SET = 1, RPCBIND_UNSET = 2 };

struct rpcbind_entry {
    uint32_t program, version;
    char netid[RPCBIND_NETID];
    char address[RPCBIND_ADDRESS];
};

/* Returns how long the call is. */
size_t rpcbind_call(unsigned char call[RPCBIND_CALL], uint32_t id, enum rpcbind_procedure procedure,
                    const struct rpcbind_entry *entry);

/* Of size bytes that have come: how many of them the answer has, which is *yes or not; 0 when it is
 * not all there; -EPROTO when it is none to that call; -ENOTSUP when rpcbind says no to it. */
int rpcbind_answer(const unsigned char *bytes, size_t size, uint32_t id, int *yes);

#endif
