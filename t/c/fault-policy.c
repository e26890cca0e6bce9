/* Every call that rules, limits and credentials make into the system fails in turn: there is an
 * error, with the file or the word, and the list is as before; or all is as it should be. */
#include "fault.h"
#include <netio/access.h>
#include <netio/limit.h>

#include <fcntl.h>

static char path[] = "/tmp/netio-fault-policy-XXXXXX";
static struct netio_addr stranger;

/* An empty list lets everybody in, and one that names somebody does not. */
static int is_whole(const struct netio_access *access, int code, const struct netio_error *error)
{
    int verdict = (int)netio_access_judge(access, &stranger, NULL, 0);

    return verdict == (code ? NETIO_ALLOW : NETIO_DENY) && error->code == code &&
           (code == 0 || *error->subject);
}

static int read_rules(void)
{
    struct netio_access *access;
    struct netio_error error = {0};
    int code = netio_access_new(&access);

    if (code)
        return code == -ENOMEM && !access ? 0 : 1;
    code = netio_access_read(access, path, &error);
    int wrong = !is_whole(access, code, &error);
    netio_access_free(access);
    return wrong ? 2 : 0;
}

static int add_rule(const char *rule)
{
    struct netio_access *access;
    struct netio_error error = {0};

    if (netio_access_new(&access) < 0)
        return 0;
    int code = netio_access_add(access, rule, &error);
    int wrong = !is_whole(access, code, &error);
    netio_access_free(access);
    return wrong;
}

static int add_network(void)
{
    return add_rule("allow 192.0.2.0/24");
}

static int add_user(void)
{
    return add_rule("allow uid root");
}

static int make_limit(void)
{
    const struct netio_limit_options options = {.total = 1, .sources = 1};
    struct netio_hold hold, other;
    enum netio_refused why;
    struct netio_limit *limit;
    int code = netio_limit_new(&limit, &options);

    if (code)
        return limit ? 1 : 0;
    int wrong = netio_limit_take(limit, &hold, &stranger, 0, 0, &why) != 0 ||
                netio_limit_take(limit, &other, &stranger, 0, 0, &why) != -1;
    netio_limit_free(limit);
    return wrong;
}

static int pair[2];

static int ask_peer(void)
{
    struct netio_peer peer;
    int code = netio_peer_credentials(&peer, pair[0]);

    return code < 0 || (peer.uid == geteuid() && peer.pid == getpid()) ? 0 : 1;
}

int main(void)
{
    static const char rules[] = "# some\nallow 192.0.2.0/24\nallow gid root\ndeny all\n";
    int fd = mkstemp(path);

    if (fd == -1 || write(fd, rules, sizeof rules - 1) == -1 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
        return 1;
    close(fd);
    (void)netio_addr_parse(&stranger, "198.51.100.1");
    /* What the C library keeps of the name services from the first look-up on is not ours. */
    (void)add_user();
    fault_walk("a file of rules", read_rules);
    fault_walk("a network", add_network);
    fault_walk("a user", add_user);
    fault_walk("limits", make_limit);
    fault_walk("credentials", ask_peer);
    unlink(path);
    return tap_done();
}
