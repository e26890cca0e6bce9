/* netio/proxy.h: the PROXY protocol, versions 1 and 2 (ring 1).
 *
 * A proxy says with its first bytes on whose behalf it connects (HAProxy's proxy-protocol.txt).
 * Only a parser: who may say such a thing is the business of netio/access.h.
 *
 * Fork and signals: no state; async-signal-safe.
 */
#ifndef NETIO_PROXY_H
#define NETIO_PROXY_H

#include <netio/addr.h>
#include <stddef.h>
#include <sys/types.h>

#define NETIO_PROXY_MAX 552 /* bytes: the longest header that is taken (version 2 with TLVs) */

/* Reads a header at the beginning of bytes.  Its length, with the source in *peer (unset for
 * UNKNOWN, LOCAL and families that are no IP) and the destination in *local (may be NULL);
 * -EAGAIN when it is not there as a whole yet; -EBADMSG for what is no header: a version 1 line of
 * more than 107 bytes, a version 2 of more than NETIO_PROXY_MAX, a command or family that is not
 * defined, addresses that are not strict.  TLVs are passed over. */
ssize_t netio_proxy_parse(const char *bytes, size_t size, struct netio_addr *peer,
                          struct netio_addr *local);

#endif
