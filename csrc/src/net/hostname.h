/* Ring 1, private: host names in ASCII. */
#ifndef NETIO_SRC_NET_HOSTNAME_H
#define NETIO_SRC_NET_HOSTNAME_H

#include <stddef.h>

#define NETIO__HOSTNAME_MAX 253 /* RFC 1035 section 2.3.4: 255 octets on the wire */

/* Letters, digits, hyphen, underscore; 1 to 63 of them between dots.  A last label that is a
 * number is an address gone wrong (256.1.1.1, 127.1, 0x7f.1) that some resolver may take for
 * another one.  len: without a final dot. */
int netio__hostname_valid(const char *host, size_t len);
/* localhost, or a name below it (RFC 6761 section 6.3). */
int netio__hostname_is_localhost(const char *host);

#endif
