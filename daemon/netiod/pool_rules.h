/* netiod: the rules of access of a pool, as it is handed them: those that netiod itself has.
 *
 * Called by pool.c.  A path would let it read what no reload has taken, or what its user may not
 * read.
 */
#ifndef NETIOD_POOL_RULES_H
#define NETIOD_POOL_RULES_H

#include "config.h"

/* *fd: a file in memory with all rules of the service, which nobody can change any more; -1: it has
 * none.  0 or a code. */
int pool_rules_open(const struct config_service *config, int *fd);

#endif
