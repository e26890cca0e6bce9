/* netio-daemon: what is said, by the supervisor and by the program, and where.
 *
 * The log has both, the supervisor as "netio-daemon", the program under its own name, so that
 * neither can be taken for the other.  Until the starter is told, he sees on standard error what
 * the program says, and what the supervisor says is wrong. Nothing here waits: see netio/log.h.
 */
#ifndef NETIO_DAEMON_DIARY_H
#define NETIO_DAEMON_DIARY_H

#include <netio/log.h>

struct diary {
    const char *name;
    struct netio_log *own, *program;
    struct netio_log *own_screen, *program_screen; /* NULL: the log is on the screen, or
                                                      nobody looks there any more */
};

/* target: as netio_log_open has it.  0 or a code with *error. */
int diary_open(struct diary *diary, const char *target, const char *name,
               struct netio_error *error);
void diary_close(struct diary *diary);
void diary_leave_screen(struct diary *diary);
/* The file again, after rotation. */
void diary_reopen(struct diary *diary);
/* "netio-daemon: NAME: ...". */
void diary_say(const struct diary *diary, int priority, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line of the program, which is text without a NUL. */
void diary_quote(const struct diary *diary, int priority, const char *text);

#endif
