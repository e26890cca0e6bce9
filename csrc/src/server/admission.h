/* Ring 3, private.  Rules and limits, before any handler.  Called by accept.c (and serve_take), by
 * the connection when a PROXY header has come, and by datagram.c; it counts, tells on_refused and
 * sends the line of text for those who are refused. */
#ifndef NETIO_SRC_SERVER_ADMISSION_H
#define NETIO_SRC_SERVER_ADMISSION_H

#include "server/engine.h"

enum netio__admission {
    NETIO__ADMITTED,  /* counted, in *hold */
    NETIO__PROXY_DUE, /* a PROXY header must come first; nothing is counted yet */
    NETIO__REFUSED    /* *why */
};

/* Of a connection: fd to ask for credentials if the rules want them; declared: peer is what a PROXY
 * header says. */
enum netio__admission netio__admit(struct netio_server *server, int fd,
                                   const struct netio_addr *peer, int declared,
                                   struct netio_hold *hold, enum netio_refused *why);
/* Of a datagram: whether to serve it; one that is refused has been counted and told of. */
int netio__admit_datagram(struct netio_server *server, const struct netio_addr *peer);
/* Counts a refusal and tells on_refused.  fd: of who is refused; -1: it was a datagram. */
void netio__tell_refused(struct netio_server *server, int fd, const struct netio_addr *peer,
                         enum netio_refused why);
/* That, the text for who is refused (never waiting), and the end of fd. */
void netio__refuse(struct netio_server *server, int fd, const struct netio_addr *peer,
                   enum netio_refused why);

#endif
