/* Every call of a supervisor's set of listeners into the system fails in turn; see t/c/fault.h. */
#include "fault.h"

#include "server/listeners.h"

#include <netio/fd.h>

static char folder[] = "/tmp/netio-fault-listeners-XXXXXX";
static struct netio_addr first; /* an address of the present configuration */

/* Whether a client gets into the queue of the first listener. */
static int listens(void)
{
    fault_off();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = connect(fd, &first.u.sa, first.len) == -1;
    netio_fd_close(fd);
    fault_on();
    return !code;
}

/* The first listener, a path that gets another mode, and one more. */
static int reload(struct netio_listeners *set, const char *const *old, const char *const *new)
{
    struct netio_error error = {0};

    fault_off();
    if (netio_listeners_prepare(set, old, 2, NULL) != 0)
        return 2;
    netio_listeners_commit(set);
    first = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, 0)->address;
    fault_on();
    int code = netio_listeners_prepare(set, new, 3, &error);
    fault_off();
    int wrong = !code ? 0 : error.code != code || error.stage == NETIO_STAGE_NONE;
    for (size_t i = 0; i < 2; i++)
        wrong += !netio_listeners_at(set, NETIO_LISTENERS_PRESENT, i);
    wrong += code && netio_listeners_at(set, NETIO_LISTENERS_NEXT, 2);
    netio_listeners_commit(set);
    wrong += !listens();
    fault_on();
    return wrong;
}

static int to(const char *options)
{
    struct netio_listeners *set;
    char path[96], open_[96], other[96];

    snprintf(path, sizeof path, "unix:%s/p,mode=0600", folder);
    snprintf(open_, sizeof open_, "unix:%s/p%s", folder, options);
    snprintf(other, sizeof other, "unix:%s/q", folder);
    const char *old[] = {"127.0.0.1:0", path}, *new[] = {"127.0.0.1:0", open_, other};

    if (netio_listeners_new(&set) != 0)
        return 0;
    int wrong = reload(set, old, new);
    fault_off();
    netio_listeners_free(set);
    fault_on();
    return wrong;
}

static int prepare(void)
{
    return to(",mode=0666");
}

static int say_no_more(void)
{
    return to("");
}

/* From every address to one, beside it. */
static int narrow(void)
{
    struct netio_listeners *set;
    char any[64], one[64];
    const char *list[] = {any}, *next[] = {one};

    if (netio_listeners_new(&set) != 0)
        return 0;
    fault_off();
    snprintf(any, sizeof any, "0.0.0.0:0");
    int wrong = netio_listeners_prepare(set, list, 1, NULL) != 0;
    netio_listeners_commit(set);
    first = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, 0)->address;
    snprintf(one, sizeof one, "127.0.0.1:%u", netio_addr_port(&first));
    fault_on();
    (void)netio_listeners_prepare(set, next, 1, NULL);
    wrong += !listens();
    fault_off();
    netio_listeners_free(set);
    fault_on();
    return wrong;
}

static int left(void)
{
    struct netio_listeners *set;
    struct netio_listener own[NETIO_LISTENER_MAX];

    if (netio_listeners_new(&set) != 0)
        return 0;
    fault_off();
    netio_listener_open(own, "127.0.0.1:0", 0, NULL);
    struct netio__legacy legacy = {.fd = own[0].fd, .text = "127.0.0.1:0"};
    fault_on();
    int code = netio__listeners_left(set, &legacy);
    int wrong = !code ? netio_listeners_prepare(set, &legacy.text, 1, NULL) : 0;
    fault_off();
    netio_listeners_free(set);
    fault_on();
    return wrong;
}

/* On error the descriptor is still the caller's. */
static int passed(void)
{
    struct netio_listeners *set;
    struct netio_listener own[NETIO_LISTENER_MAX];

    if (netio_listeners_new(&set) != 0)
        return 0;
    fault_off();
    netio_listener_open(own, "127.0.0.1:0", 0, NULL);
    fault_on();
    int code = netio_listeners_pass(set, own[0].fd);
    fault_off();
    const struct netio_listener *in = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, 0);
    int wrong = code ? in != NULL : !in || in->fd != own[0].fd;
    if (code)
        netio_listener_close(own);
    netio_listeners_free(set);
    fault_on();
    return wrong;
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    fault_walk("a reload", prepare);
    fault_walk("a mode that is said no more", say_no_more);
    fault_walk("from every address to one", narrow);
    fault_walk("left by a predecessor", left);
    fault_walk("passed by a manager", passed);
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
