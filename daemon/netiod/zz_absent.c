/* netiod: in the place of pool.c, which is being written; goes with it. */
#include "service.h"

__attribute__((weak)) const struct service_kind pool_kind;
