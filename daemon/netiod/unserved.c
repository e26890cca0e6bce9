/* netiod: why a client is not served, in the log; see unserved.h.
 * Called by exec.c and pool_down.c, and as on_refused of their servers; writes to the log. */
#include "unserved.h"

#include <syslog.h>

/* Of the last client that could not be served: on_refused follows at once, or the next try does. */
static struct {
    struct netio_addr peer;
    char text[LAUNCH_FAULT];
} fault;

char *unserved_why(const struct netio_addr *peer)
{
    fault.peer = *peer;
    return fault.text;
}

/* Without memory one is refused before there is anything to start. */
void unserved_log(struct netio_server *server, const struct netio_addr *peer,
                  enum netio_refused why, unsigned long count)
{
    struct netio_server_handlers usual;

    service_server_handlers(&usual);
    if (why == NETIO_REFUSED_FORK && *fault.text && netio_addr_compare(&fault.peer, peer) == 0)
        service_log_refused(netio_server_data(server), LOG_ERR, fault.text, count);
    else
        usual.on_refused(server, peer, why, count);
    *fault.text = '\0';
}
