/* Ring 2, private.  A pid file, between pidfile.c (a daemon's own) and pidfile_find.c (anybody's);
 * and what a successor takes over, for daemonize.c (succession.h). */
#ifndef NETIO_PROC_PIDFILE_H
#define NETIO_PROC_PIDFILE_H

#include <netio/pidfile.h>
#include <sys/stat.h>

/* Of what may be in a pid file: other programs fill with blanks. */
#define NETIO__PIDFILE_LONGEST 64
/* The file was replaced under our hands; no code is positive. */
#define NETIO__PIDFILE_AGAIN 1
/* At each that is in vain, somebody else came on. */
#define NETIO__PIDFILE_TRIES 1000

struct netio_pidfile {
    struct netio_pidfile *next; /* in the list of those written */
    pid_t writer; /* the process that has byte WRITER, if it is this one; 0: not written */
    int fd;
    int made;      /* there was no file before */
    int inherited; /* until it is written, it is the predecessor's to remove */
    struct stat file;
    char before[NETIO__PIDFILE_LONGEST + 1]; /* what was in it */
    size_t before_size;
    char path[];
};

static inline int netio__is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The one that this process has written, if file is that; else NULL. */
const struct netio_pidfile *netio__pidfile_own(const struct stat *file);

/* The folder of an absolute path, for the *at calls, and the name in it; or a code. */
int netio__pidfile_folder(const char *path, const char **name);
/* The file that is there: 0 and *opened, a code, or NETIO__PIDFILE_AGAIN; NETIO_ERUNNING for one's
 * own. */
int netio__pidfile_open(int *opened, int folder, const char *name, int flags, struct stat *file);

#endif
