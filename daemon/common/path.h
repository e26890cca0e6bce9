/* daemon/common: paths that stay true when the daemon works in another folder.
 *
 * Called by daemons; path_absolute before netio_daemonize takes them to /.
 */
#ifndef DAEMON_PATH_H
#define DAEMON_PATH_H

/* path as it is called from everywhere, the caller's to free; NULL with errno. */
char *path_absolute(const char *path);
/* The folder that holds it, the caller's to free; NULL with errno. */
char *path_folder(const char *path);
/* Where this program is, or the one that has taken its place when an upgrade comes: the caller's to
 * free; NULL where /proc is not. */
char *path_program(void);

#endif
