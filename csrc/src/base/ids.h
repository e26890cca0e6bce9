/* Ring 0, private.  Users and groups by name or number, as the name services have them: listeners,
 * rules and netio_user ask.  A name of digits comes before the number.  1 found, 0 not, -errno. */
#ifndef NETIO_SRC_BASE_IDS_H
#define NETIO_SRC_BASE_IDS_H

#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NETIO__NO_ID UINT32_MAX /* what setresuid(2) takes for "as it is" */

/* What an entry points into: zero at first, bytes freed by the caller. */
struct netio__room {
    char *bytes;
    size_t size;
};

/* The entry of a user. */
int netio__find_user(const char *text, struct passwd *user, struct netio__room *room);
/* The number alone, which nobody need have; never NETIO__NO_ID. */
int netio__find_uid(const char *text, uid_t *uid);
int netio__find_gid(const char *text, gid_t *gid);
/* Whether text is a number that can be an id. */
int netio__is_id(const char *text, uint32_t *number);

#endif
