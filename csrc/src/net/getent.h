/* Ring 1, private: names that only the C library finds, asked of getent(1) in a process of its
 * own.
 *
 * The host program does not see that process: no SIGCHLD comes of it, no wait() finds it, and it
 * has none of the program's descriptors, signals or environment.  It is ended with the object,
 * or with the program. */
#ifndef NETIO_SRC_NET_GETENT_H
#define NETIO_SRC_NET_GETENT_H

#include "addrs.h"

#include <netio/fd.h>

struct netio__getent;

/* Starts it.  What it finds is added to *found, which must outlive the object.  name: letters,
 * digits, hyphens, underscores and dots.  0, -EMFILE, -ENFILE, -ENOMEM, or NETIO_ERESOLVER when
 * there can be no process. */
int netio__getent_new(struct netio__getent **getent, const char *name, int family,
                      struct netio__addrs *found);
/* Ends it, if it has not ended. */
void netio__getent_free(struct netio__getent *getent);

/* Goes on without waiting.  -EAGAIN; 0: it has said everything; NETIO_ERESOLVER: it did not come
 * to its end, or not to its beginning. */
int netio__getent_step(struct netio__getent *getent);
void netio__getent_want(const struct netio__getent *getent, struct netio_want *want);

/* Its output: lines that begin with an address and a blank. */
struct netio__getent_text {
    char word[64]; /* longer than any address with its zone */
    size_t used;   /* sizeof word: no address, or already taken: up to the end of the line */
};

/* Takes the next n bytes of it, in pieces of any size. */
void netio__getent_read(struct netio__getent_text *text, const char *bytes, size_t n, int family,
                        struct netio__addrs *found);

#endif
