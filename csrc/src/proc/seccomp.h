/* Ring 2, private: the half of the sandbox that is seccomp's.  See seccomp.c; sandbox.c alone
 * calls it. */
#ifndef SECCOMP_H
#define SECCOMP_H

#include <netio/error.h>

/* Makes the filter: 0 and *filter, or a code and what that is about. */
int netio__seccomp_prepare(void **filter, const char **step);
/* Puts it in force, for good and for all threads, and tries whether it is: 0, or a code. */
int netio__seccomp_enforce(void *filter);
void netio__seccomp_done(void *filter);

#endif
