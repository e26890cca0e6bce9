/* netio-daemon: whose folders a path leads through.  Called by prepare.c; looks, and touches
 * nothing. */
#ifndef NETIO_DAEMON_FOLDERS_H
#define NETIO_DAEMON_FOLDERS_H

#include <netio/user.h>

/* Root opens its log again after rotation.  A user who could put a link there by then would have
 * root write into any file (CVE-2016-1247 of nginx's package).  path: absolute.  0; NETIO_EUNSAFE
 * when user may change the folder of path, or what leads there; or -errno. */
int folders_check(const char *path, const struct netio_user *user);

#endif
