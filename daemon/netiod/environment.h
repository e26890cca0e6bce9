/* netiod: the variables that a program is started with.
 *
 * Called by launch.c; by service.c for a service that ends or changes.  They are those that the
 * configuration passes on or sets and those of the user, which are made once for a service, and,
 * which nothing there can replace, what is known of the connection:
 *
 *      PROTO                                    TCP, UDP or UNIX
 *      TCPLOCALIP TCPLOCALPORT                  UCSPI's, with a connection over TCP
 *      TCPREMOTEIP TCPREMOTEPORT
 *      REMOTE_ADDR REMOTE_PORT                  the same, under the names that CGI has for them
 *      UNIXLOCALPATH                            with a connection over a unix socket
 *      UNIXREMOTEEUID UNIXREMOTEEGID UNIXREMOTEPID
 *
 * Addresses are numbers; IPv4 is never written as IPv6.  Nothing in them comes from the peer's
 * bytes.
 */
#ifndef NETIOD_ENVIRONMENT_H
#define NETIOD_ENVIRONMENT_H

#include "launch.h"

#define ENVIRONMENT_TEXT 1536 /* all of ours: six of them with an address, one with a path */

struct environment {
    const char **list; /* as execve(2) takes it */
    size_t count, used;
    char text[ENVIRONMENT_TEXT];
};

/* 0 or -ENOMEM.  What launch points to, and its service, is still in use by the list. */
int environment_make(struct environment *environment, const struct launch *launch);
void environment_free(struct environment *environment);
/* What was made for a service: there is none, or another configuration. */
void environment_forget(struct service *service);

#endif
