/* Ring 1, private: resolv.conf(5). */
#ifndef NETIO_SRC_NET_RESOLVCONF_H
#define NETIO_SRC_NET_RESOLVCONF_H

#include <stddef.h>
#include <stdio.h>

#define NETIO__SEARCH_MAX 2560 /* bytes; Kubernetes allows 32 domains, 2048 bytes of them */

/* What decides how a name is asked; the name servers themselves are c-ares' affair. */
struct netio__resolvconf {
    unsigned ndots;    /* a name with that many dots is asked as it is first */
    unsigned timeout;  /* seconds before a question is asked again */
    unsigned attempts; /* how often each server is asked */
    int tcp;           /* use-vc: servers are asked over TCP from the beginning */
    int no_aaaa;       /* no-aaaa: they are not asked for IPv6 addresses */
    int anywhere;      /* there are name servers, though not on a link of a name */
    int on_link;       /* there are such ones: fe80::1%eth0 */
    int listed;        /* the file has a search list, perhaps an empty one ("search .") */
    size_t domains, used;
    char search[NETIO__SEARCH_MAX]; /* the search list, without final dots, each ended by NUL */
};

/* Reads a file (NULL: an empty one), on top of the defaults of resolv.conf(5). */
void netio__resolvconf_read(struct netio__resolvconf *conf, FILE *file);
/* Reads /etc/resolv.conf, then $LOCALDOMAIN and $RES_OPTIONS, which the program ignores when
 * it has more rights than its user.  0, -EMFILE, -ENFILE or -ENOMEM. */
int netio__resolvconf_load(struct netio__resolvconf *conf);

/* Writes the n-th full name to ask for host into out, 256 bytes, without a final dot.  1; 0
 * when that one would be too long: go on with the next; -1 at the end of the list.  dotted:
 * host was written with a final dot, so it is asked as it is and not otherwise. */
int netio__resolvconf_candidate(const struct netio__resolvconf *conf, const char *host, int dotted,
                                size_t n, char *out, size_t size);

#endif
