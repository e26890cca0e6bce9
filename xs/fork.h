/* Perl face.  fork(2) for engines in C: what Perl's own fork does around it. */
#ifndef XS_FORK_H
#define XS_FORK_H

#include "perlapi.h"

#include <sys/types.h>

/* As netio_server_options and netio_supervisor_options want it: data is the interpreter.  What is
 * buffered is written before, by the parent; in the child no signal waits that was the parent's,
 * and rand begins anew. */
pid_t xs_fork(void *data);
/* How often this process and its forebears were forked since xs_forks_watch: another number in a
 * child, whoever has forked it, and cheaper to ask for than a pid. */
extern unsigned xs_forks;
void xs_forks_watch(void);
/* The end of a child that has nothing more to do: what it has printed is written; no END block, no
 * destructor, for those are the parent's. */
void xs_fork_end(pTHX) __attribute__((noreturn));

#endif
