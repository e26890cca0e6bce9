/* Ring 1, private: questions to the name servers of resolv.conf(5), through c-ares. */
#ifndef NETIO_SRC_NET_DNS_H
#define NETIO_SRC_NET_DNS_H

#include "addrs.h"

#include <netio/fd.h>

struct netio__dns;

/* What the questions find is added to *found, which must outlive the object.  timeout: how
 * many milliseconds to wait before a question is asked again, doubled with every round;
 * tries: how many rounds; tcp: over TCP from the beginning.  0 or -errno or NETIO_ERESOLVER. */
int netio__dns_new(struct netio__dns **dns, int timeout, int tries, int tcp,
                   struct netio__addrs *found);
/* Cancels what is under way. */
void netio__dns_free(struct netio__dns *dns);

/* Asks for the addresses of a full name in one family, AF_INET or AF_INET6.  One question a
 * family at a time. */
void netio__dns_ask(struct netio__dns *dns, const char *name, int family);
/* Nobody is asked: it counts as a name without an address of that family. */
void netio__dns_pass_over(struct netio__dns *dns, int family);
/* Goes on without waiting. */
void netio__dns_step(struct netio__dns *dns);
void netio__dns_want(const struct netio__dns *dns, struct netio_want *want);
/* What became of the last question in a family: 0: found, or none was asked; -EAGAIN: on its
 * way; -ETIMEDOUT: no server answered in all its rounds; NETIO_ENONAME, NETIO_ENOADDRESS,
 * NETIO_ERESOLVER; -EMFILE, -ENFILE or -ENOMEM: the fault is on this side. */
int netio__dns_result(const struct netio__dns *dns, int family);

#endif
