/* Every call of a look-up fails in turn (A25, A26).  It needs a name server that answers for
 * the name in $NETIO_TEST_HOST: t/26-resolve-net.t
 * and t/26-resolve-nss.t run it beside one. */
#include "fault.h"

#include <netio/resolve.h>

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char *host;

/* Processes of which something is left. */
static int children(void)
{
    int count = 0;

    fault_off();
    while (waitpid(-1, NULL, WNOHANG | __WALL) >= 0)
        count++;
    fault_on();
    return count;
}

static int look_up(void)
{
    netio_deadline deadline = netio_deadline_in(1);
    const struct netio_addr *addrs;
    struct netio_resolve *resolve;
    struct netio_error error = {0};
    struct netio_want want;
    int code = netio_resolve_start(&resolve, host, AF_UNSPEC, deadline, &error);

    if (code)
        return code != error.code || resolve != NULL;
    for (;;) {
        code = netio_resolve_step(resolve, &error);
        if (code ? code != -EAGAIN : !netio_resolve_pending(resolve))
            break;
        netio_resolve_want(resolve, &want);
        fault_off();
        netio_want_poll(&want);
        fault_on();
    }
    size_t count = netio_resolve_answer(resolve, &addrs);
    netio_resolve_free(resolve);
    if (children() > 0)
        return 1;
    return code ? code != error.code || count != 0 : count == 0;
}

int main(void)
{
    host = getenv("NETIO_TEST_HOST");
    if (!host)
        skip_all("t/26-resolve-*.t run this beside a name server");
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what an orphan leaves behind is found here */
    look_up(); /* what c-ares and the C library keep for good */
    fault_walk("a name", look_up);
    return tap_done();
}
