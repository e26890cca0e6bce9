/* Every call of a listener into the system fails in turn; see t/c/fault.h. */
#include "fault.h"

#include <netio/listener.h>

static char folder[] = "/tmp/netio-fault-listener-XXXXXX";

/* It opens, or says with what it failed and leaves nothing: no descriptor, no path. */
static int open_and_close(const char *text)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX];
    struct netio_error error = {0};
    int n = netio_listener_open(listeners, text, 0, &error);

    if (n < 0)
        return error.code == n && error.stage != NETIO_STAGE_NONE ? 0 : 1;
    while (n > 0)
        netio_listener_close(&listeners[--n]);
    return 0;
}

static int open_any(void)
{
    return open_and_close("*:0");
}

static int open_udp(void)
{
    return open_and_close("udp:0");
}

/* One path, stale at first. */
static int open_path(const char *kind, int type)
{
    char text[160];
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat left;

    fault_off();
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", folder);
    snprintf(text, sizeof text, "%s:%s,mode=0600,owner=%d", kind, un.sun_path, (int)geteuid());
    int stale = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (bind(stale, (struct sockaddr *)&un, sizeof un) == -1)
        return 2;
    close(stale);
    fault_on();
    int code = open_and_close(text);
    fault_off();
    if (fault.call == FAULT_getsockname && stat(un.sun_path, &left) == 0)
        return 5;
    /* What could not be removed, or not be looked at, stays: as a stale path, which the next one
     * takes over. */
    if (!code && stat(un.sun_path, &left) == 0) {
        enum fault_call call = fault.call;
        fault.call = FAULT_NONE;
        code = open_and_close(text);
        code = code ? 3 : stat(un.sun_path, &left) == 0 ? 4 : 0;
        fault.call = call;
    }
    fault_on();
    return code;
}

static int open_stream(void)
{
    return open_path("unix", SOCK_STREAM);
}

static int open_datagram(void)
{
    return open_path("unix-dgram", SOCK_DGRAM);
}

static int take(void)
{
    struct netio_listener listeners[NETIO_LISTENER_MAX], listener;
    int bad = 0;

    fault_off();
    if (netio_listener_open(listeners, "127.0.0.1:0", 0, NULL) != 1)
        return 2;
    fault_on();
    int code = netio_listener_take(&listener, listeners[0].fd);
    fault_off();
    bad = code < 0 ? listener.fd != -1 : listener.fd != listeners[0].fd;
    netio_listener_close(&listeners[0]);
    fault_on();
    return bad;
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    fault_walk("every address of TCP", open_any);
    fault_walk("every address of UDP", open_udp);
    fault_walk("a stale path", open_stream);
    fault_walk("a stale path for datagrams", open_datagram);
    fault_walk("one taken over", take);
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
