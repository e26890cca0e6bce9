/* netio/access.h: who may connect (ring 1).
 *
 * Rules, in the order in which they are written; the first that matches a peer decides.
 *
 *      deny   192.0.2.66            # from here on a comment
 *      exempt 192.0.2.0/24          # may, and is not counted per source (netio/limit.h)
 *      allow  2001:db8::/32
 *      proxy  203.0.113.7           # must begin with a PROXY header; its source is judged then
 *      allow  uid 33                # a peer on a unix socket, by its credentials
 *      allow  gid www-data          # the same, by any of its groups
 *      allow  unix                  # any peer on a unix socket
 *      deny   all
 *
 * A peer that no rule matches may connect, unless a rule says "allow" or "exempt": a list that
 * names who may names all of them.  Without rules everybody may.  IPv4 addresses that come as
 * ::ffff:a.b.c.d are IPv4.  Addresses are numbers: names would make the answer depend on whoever
 * answers for the name.  Users and groups may be names; they are looked up when the rules are read.
 * The source that a PROXY header declares is judged by the same rules, "proxy" passed over; if it
 * is unknown (LOCAL, UNKNOWN), the proxy itself is.
 *
 * Fork: a child may use it.  Threads: reading one is safe from all.
 */
#ifndef NETIO_ACCESS_H
#define NETIO_ACCESS_H

#include <netio/error.h>
#include <netio/peer.h>

struct netio_access;

enum netio_verdict { NETIO_DENY, NETIO_ALLOW, NETIO_EXEMPT, NETIO_PROXY };

/* An empty list: everybody may.  0 or -ENOMEM. */
int netio_access_new(struct netio_access **access);
/* One rule, as above, without its line's end; may be called for every --allow of a command line.
 * 0; NETIO_EBADOPTION, NETIO_EBADNETWORK, NETIO_ENOUSER, NETIO_ENOGROUP with the word at fault as
 * subject, or -ENOMEM: then the list is as before. */
int netio_access_add(struct netio_access *access, const char *rule, struct netio_error *error);
/* All rules of a file behind those that are there.  Empty lines and comments ("#") are passed over,
 * CRLF ends a line as well.  All or nothing: 0, or a code with "FILE:LINE: word" as subject (of
 * what is too long for it, the end of FILE and the beginning of the word), or -errno with the file:
 * NETIO_ENOTFILE, NETIO_ENORULE when there is no rule in it, comments or not (a file cut to nothing
 * must not open the door: "allow all" does); NETIO_ETOOLONG for a line of more than 1,023 bytes,
 * NETIO_EFULL beyond 100,000 rules. */
int netio_access_read(struct netio_access *access, const char *path, struct netio_error *error);
/* Writes the rules to fd, as netio_access_read takes them, users and groups as numbers: for another
 * process that is to have the same ones.  0 or -errno; -EAGAIN for an fd that does not block. */
int netio_access_write(const struct netio_access *access, int fd);
void netio_access_free(struct netio_access *access);

/* What the first rule says that matches.  peer: of accept(2), v4-mapped or not, len 0 when unknown
 * (only "all" matches it).  credentials: of a peer on a unix socket, or NULL.  declared: peer is
 * what a PROXY header says, and "proxy" rules are passed over.  access NULL: NETIO_ALLOW.  In
 * constant memory, without a system call. */
enum netio_verdict netio_access_judge(const struct netio_access *access,
                                      const struct netio_addr *peer,
                                      const struct netio_peer *credentials, int declared);
/* Whether some rule asks for credentials (else nobody needs to ask the kernel for them), or says
 * "proxy". */
int netio_access_wants_credentials(const struct netio_access *access);
int netio_access_wants_proxy(const struct netio_access *access);

#endif
