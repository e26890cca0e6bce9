/* netio-daemon: what options say in words, as numbers.  Called by options.c; touches nothing. */
#ifndef NETIO_DAEMON_WORDS_H
#define NETIO_DAEMON_WORDS_H

#include <netio/world.h>

/* All of these: 0, or -EINVAL for what it cannot be. */

/* "nofile=1024", "core=unlimited", "stack=8388608:unlimited" (soft:hard). */
int words_limit(const char *text, struct netio_rlimit *limit);
/* "net_bind_service", "CAP_NET_BIND_SERVICE": *bit is 1 << CAP_NET_BIND_SERVICE. */
int words_capability(const char *text, uint64_t *bit);
/* "022", as umask(2) of a struct netio_world has it. */
int words_umask(const char *text, mode_t *mask);
/* "10", "0.5": a positive number of seconds, a day at most. */
int words_seconds(const char *text, double *seconds);
/* A name of a daemon: letters, digits, and "_.@+-" but not in front; 64 at most. */
int words_name(const char *text);

#endif
