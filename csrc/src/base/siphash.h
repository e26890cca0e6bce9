/* Ring 0, private.  SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that nobody can steer who
 * does not know its key.  Limits hash what strangers choose with it. */
#ifndef NETIO_SRC_BASE_SIPHASH_H
#define NETIO_SRC_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t netio__siphash(const uint64_t key[2], const void *data, size_t size);

#endif
