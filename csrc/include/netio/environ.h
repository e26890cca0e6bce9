/* netio/environ.h: an environment built from nothing (ring 0).
 *
 * Daemons and children get what a list names, and nothing that whoever started them had besides:
 * LD_PRELOAD, IFS, PERL5OPT, CREDENTIALS_DIRECTORY stay behind.
 *
 * Fork and signals: no state; not async-signal-safe (it allocates): build before the fork.
 */
#ifndef NETIO_ENVIRON_H
#define NETIO_ENVIRON_H

/* *out becomes a NULL-ended array for execve(2), one allocation.  Entries of allow, which ends with
 * NULL: "NAME" passes on NAME of from, if it is there; "NAME*" all whose names begin so;
 * "NAME=VALUE" sets it.  A later entry wins over an earlier one.  allow NULL: the default, which is
 * PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin, LANG, LANGUAGE, LC_*, TZ.
 * from: environ(7), or NULL for none.  0, -ENOMEM, or NETIO_EBADOPTION for an entry without a
 * name. */
int netio_environ_new(char ***out, char *const *from, const char *const *allow);
void netio_environ_free(char **environment);
/* The value of name in environment (which may be NULL), NULL when it has none. */
const char *netio_environ_get(char *const *environment, const char *name);

#endif
