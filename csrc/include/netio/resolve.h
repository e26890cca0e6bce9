/* netio/resolve.h: names to addresses, under a deadline (ring 1).
 *
 * A machine: start it; while step says -EAGAIN, wait for what want says; take the
 * answer; free it.  Freeing early cancels.  Numeric addresses (zones included) and
 * "localhost" (RFC 6761: 127.0.0.1 and ::1) are done at once and touch no resolver;
 * names go to /etc/hosts, and those it does not have to DNS through c-ares, A and AAAA as
 * two questions, with the search domains of resolv.conf(5).  IPv6 addresses are given out as
 * soon as they are known; IPv4 ones that come first wait 50 ms for them (RFC 8305 section 3).
 * The answer is then pending: what the other question finds still joins it.
 *
 * A name that those two do not have is asked of the C library if nsswitch.conf(5) names more
 * sources of hosts than them (mdns4_minimal, myhostname, resolve, ldap, ...), so that what
 * "getent ahosts" finds is found here; or if resolv.conf(5) names a server on a link
 * (fe80::1%eth0), to which c-ares before 1.24 does not speak.  They come last, wherever they
 * stand in nsswitch.conf, and without "dns" in it name servers are not asked.  That takes a
 * process, getent(1), which ends with the machine or the program, at the deadline at the latest;
 * the program gets no SIGCHLD of it and no wait() finds it, unless it waits with
 * __WALL.  Starting it copies the page tables, as fork(2) does: some 20 ms for a GiB.  Silent name
 * servers leave it half of the time.
 *
 * A host name is letters, digits, hyphens and underscores between dots, a final dot if you
 * like.  Its last part is no number: 127.1, 0x7f.1 and 256.1.1.1 are no names, whatever other
 * resolvers make of them.  One in UTF-8 that goes beyond ASCII is asked for as IDNA2008 has
 * it, after the mappings of UTS 46, by libidn2, which is loaded then: it need not be installed
 * for other names.  Errors show the name as it was given.
 *
 * Fork: finish or free a machine in the process that started it.  One thread each.
 * Not async-signal-safe.
 */
#ifndef NETIO_RESOLVE_H
#define NETIO_RESOLVE_H

#include <netio/error.h>
#include <netio/fd.h>

struct netio_resolve;

#define NETIO_RESOLVE_MAX 64 /* addresses in an answer, at most half of them of one family */

/* family: AF_UNSPEC, AF_INET or AF_INET6.  0 and *resolve (perhaps done already), or a
 * negative code with *error and *resolve NULL: NETIO_EBADHOST for an empty name, one of
 * over 253 bytes, or one that is no host name; NETIO_ENOIDN for one beyond ASCII without
 * libidn2; NETIO_EBADOPTION for another family;
 * NETIO_ERESOLVER; -EMFILE, -ENFILE, -ENOMEM. */
int netio_resolve_start(struct netio_resolve **resolve, const char *host, int family,
                        netio_deadline deadline, struct netio_error *error);
/* Goes on without waiting.  0: there are addresses; -EAGAIN: wait and call again; else failed
 * for good: -ETIMEDOUT, NETIO_ENONAME, NETIO_ENOADDRESS, NETIO_ERESOLVER, -EMFILE, -ENFILE,
 * -ENOMEM.
 * One family that fails does not spoil what the other one found: after the first 0 all others
 * are 0 too. */
int netio_resolve_step(struct netio_resolve *resolve, struct netio_error *error);
/* What to wait for; when nothing more will come, not at all (fd -1, deadline NETIO_NOW). */
void netio_resolve_want(const struct netio_resolve *resolve, struct netio_want *want);
/* After 0: whether the other family may still come.  Who does without it takes the answer and
 * frees the machine; who does not, waits for what want says and steps again, until this is 0. */
int netio_resolve_pending(const struct netio_resolve *resolve);
/* The answer after 0: its addresses, port 0, no doubles, in the order in which to try them:
 * sorted by RFC 6724 with its table or that of gai.conf(5) (private IPv6 addresses of one's own
 * /48 first, all others of fc00::/7 after IPv4), then IPv6 and IPv4 taking turns,
 * beginning with the family of the first one (RFC 8305 section 4); those that this machine has
 * no route to come last.  They live until the next step, which keeps all of them in the answer,
 * though not in their places. */
size_t netio_resolve_answer(const struct netio_resolve *resolve, const struct netio_addr **addrs);
void netio_resolve_free(struct netio_resolve *resolve);

#endif
