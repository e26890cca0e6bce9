/* netio/names.h: what the kernel has numbers for, as its manuals write them (ring 0).
 *
 * Fork and signals: no state; async-signal-safe.
 */
#ifndef NETIO_NAMES_H
#define NETIO_NAMES_H

#include <stddef.h>

/* "nofile" is RLIMIT_NOFILE: the limits of getrlimit(2) in small letters, but for those that Linux
 * no longer heeds (locks, rss).  name: len bytes of it; -1: no such limit. */
int netio_resource_number(const char *name, size_t len);
/* "nofile"; NULL for what has no name above. */
const char *netio_resource_str(int resource);
/* "net_bind_service", or with "cap_" before it, in capital or small letters: the number of
 * capabilities(7), as CAP_NET_BIND_SERVICE; name: len bytes of it; -1: no such capability. */
int netio_capability_number(const char *name, size_t len);
/* "22", "0660": a mode of chmod(1) or umask(2), in one to four octal digits; text: len bytes of it;
 * -1: no such mode, or one beyond 0777. */
int netio_mode_number(const char *text, size_t len);

#endif
