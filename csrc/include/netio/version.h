/* netio/version.h: which NetIO this is (ring 0).
 *
 * The one place for C programs and libraries; a test holds $NetIO::VERSION against it.
 */
#ifndef NETIO_VERSION_H
#define NETIO_VERSION_H

#define NETIO_VERSION "0.01"

#endif
