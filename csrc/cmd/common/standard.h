/* csrc/cmd/common: standard input and output, as programs of csrc/cmd were given them. */
#ifndef STANDARD_H
#define STANDARD_H

/* First of all in main: takes those of the descriptors 0, 1 and 2 that are closed.  A connection
 * must not become one of them: what is written there would go to the peer.  They stay unusable,
 * and are closed again for a program that is executed. */
void standard_begin(void);
/* A descriptor for reading (O_RDONLY) or writing (O_WRONLY) what fd has, whose O_NONBLOCK is set
 * and nobody else's: a pipe or a terminal is opened once more, since the flag belongs to all
 * who share it, a shell among them.  The caller's; or -errno when there can be none, as for
 * files and sockets, which do not need it, and terminals of others, which one may not open. */
int standard_own(int fd, int mode);
/* Last of all: closes standard output, since a disk may be found full only then.  How to exit:
 * status, or EX_IOERR with a line. */
int standard_end(int status);

#endif
