/* Perl face.  Descriptors 0 to 2, above all of a program that becomes a daemon.
 *
 * netio_daemon_ready puts /dev/null in the place of the starter's input, output and error.  In Perl
 * a number below 3 may belong to something else: to a file that was opened when STDOUT was closed
 * or in memory, to DATA where the starter had closed standard input, to the log that STDERR was
 * opened on meanwhile.  Those stay. */
#ifndef XS_STANDARD_H
#define XS_STANDARD_H

#include "perlapi.h"

#include <sys/types.h>

struct xs_standard_file {
    bool open;
    dev_t dev, rdev;
    ino_t ino;
};

/* When NetIO is loaded: what the program was started with. */
void xs_standard_boot(pTHX);
/* Whether fd, of 0 to 2, is not STDIN's, STDOUT's or STDERR's: daemonize is to keep it. */
bool xs_standard_is_foreign(pTHX_ int fd);

/* What the three are. */
void xs_standard_look(struct xs_standard_file files[3]);
/* Around a call that replaces them: makes copies of those that are something else by now, 0 or
 * -errno; and puts them back.  saved: -1 for the others. */
int xs_standard_keep(const struct xs_standard_file files[3], int saved[3]);
void xs_standard_put_back(const int saved[3]);

/* Puts an open descriptor in the place of another, which is open, too. */
void xs_standard_put(int from, int to);
/* Whether it is /dev/null. */
bool xs_standard_is_null(int fd);
/* Makes all three /dev/null; 0 or -errno. */
int xs_standard_put_null(void);

#endif
