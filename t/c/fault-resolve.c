/* Every call of a look-up fails in turn (A25, A26).  It needs a name server that answers for
 * the name in $NETIO_TEST_HOST: t/26-resolve-net.t runs it beside one. */
#include "fault.h"

#include <netio/resolve.h>

#include <stdlib.h>

static const char *host;

static int look_up(void)
{
    netio_deadline deadline = netio_deadline_in(0.1);
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
    return code ? code != error.code || count != 0 : count == 0;
}

int main(void)
{
    host = getenv("NETIO_TEST_HOST");
    if (!host)
        skip_all("t/26-resolve-net.t runs this beside a name server");
    look_up(); /* what c-ares and the C library keep for good */
    fault_walk("a name", look_up);
    return tap_done();
}
