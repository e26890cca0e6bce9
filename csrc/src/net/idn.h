/* Ring 1, private: host names beyond ASCII. */
#ifndef NETIO_SRC_NET_IDN_H
#define NETIO_SRC_NET_IDN_H

#include <stddef.h>

/* Whether a name has bytes that are not ASCII. */
int netio__idn_needed(const char *host);
/* Writes a UTF-8 name as DNS has it (IDNA2008 after the mappings of UTS 46: case, width, other
 * dots) to out.  0; NETIO_EBADHOST: not UTF-8, or IDNA forbids it; NETIO_ENOIDN: libidn2 is not
 * installed; -ENOMEM.  What comes out is ASCII, but need not be a host name yet. */
int netio__idn_encode(const char *host, char *out, size_t size);

#endif
