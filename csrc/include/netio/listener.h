/* netio/listener.h: addresses to listen on (ring 1).
 *
 * A listen address is written
 *
 *      whois   4343   *:79   127.0.0.1:4343   [::1]:whois      TCP
 *      [fe80::1%eth0]:79                                       of a link: never without it
 *      udp:4343   udp:127.0.0.1:4343                           UDP ("tcp:" may be written, too)
 *      unix:/path   unix:/path,mode=0660,owner=www,group=www-data
 *      unix-dgram:/path,...
 *
 * A service alone, and "*", mean every address: two sockets, one IPv6 and one IPv4 (IPV6_V6ONLY
 * always set), or the one family that the machine has.  Port 0 lets the kernel choose one port (the
 * same for both), which is bound as if it had been asked for: neither shutdown(2) nor a connection
 * that is undone loses it.  Behind it may stand ",reserved", for a port from 600 to 1023 to which
 * services(5) gives no name, as rpc services of root have one, and ",for=WORD" (printable ASCII
 * without spaces and commas), which means nothing but that two such addresses are not the same
 * (netio/listeners.h).  A unix socket has its mode (without one: what the umask leaves), owner and
 * group before anybody can connect.
 *
 * owner and group: a name or a number, looked up when it is opened or checked (netio/user.h).
 *
 * Fork: a child may use a listener that it inherits; closing it removes nothing.
 */
#ifndef NETIO_LISTENER_H
#define NETIO_LISTENER_H

#include <netio/error.h>
#include <sys/types.h>

struct netio_listener {
    int fd;                    /* bound, listening if it is a stream; close-on-exec, non-blocking */
    int type;                  /* SOCK_STREAM or SOCK_DGRAM */
    struct netio_addr address; /* as bound: with the real port */
    pid_t owner;               /* who removes a unix path at close; 0: nobody, it was taken over */
    dev_t device;              /* the file that was bound there: another's is left alone */
    ino_t inode;
};

#define NETIO_LISTENER_MAX 2 /* sockets that one listen address can mean */

/* Opens the sockets of one listen address into listeners and returns how many, or a negative code
 * with *error (stage option, service, user, group, socket, bind or listen, and the address), with
 * nothing left open.  backlog 0: 1024.  Several copies of a server never share a port: SO_REUSEADDR
 * is set (not for UDP, where it would share), SO_REUSEPORT is not.  A unix path whose server is
 * gone is taken over; one that is served, or is no socket, is -EADDRINUSE. */
int netio_listener_open(struct netio_listener listeners[NETIO_LISTENER_MAX], const char *text,
                        int backlog, struct netio_error *error);
/* Only looks whether the text is a listen address; 0 or a code with *error. */
int netio_listener_check(const char *text, struct netio_error *error);
/* Takes over a descriptor that listens already, or is a bound datagram socket (inetd "wait", socket
 * activation, a predecessor); 0, or -ENOTSOCK, -ESOCKTNOSUPPORT for another type, -EISCONN for one
 * that is connected, -EINVAL for one that does neither, and fd is left alone.  owner is 0: whose
 * predecessor leaves a path to it sets owner, device and inode. */
int netio_listener_take(struct netio_listener *listener, int fd);
/* Closes it, and removes the path of a unix socket of which this process is the owner, if it is
 * still that socket.  A fork's child that closes it removes nothing. */
void netio_listener_close(struct netio_listener *listener);

#endif
