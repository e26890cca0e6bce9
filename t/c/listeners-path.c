/* Tests of netio/listeners.h: unix paths of a set, their mode, and whose they are.  B28 of the
 * fault catalogue; R30 of the facts about inetds. */
#include "listening.h"

static void test_paths(void)
{
    struct netio_listeners *set = new_set();
    struct netio_error error;
    char plain[160], open_[160], wrong[160], text[700];

    snprintf(plain, sizeof plain, "unix:%s/p,mode=0600", folder);
    snprintf(open_, sizeof open_, "unix:%s/p,mode=0666", folder);
    snprintf(wrong, sizeof wrong, "unix:%s/none/p", folder);
    change(set, LIST(plain));
    int fd = fd_of(set, 0);
    is_int(netio_listeners_prepare(set, LIST(open_, wrong), &error), -ENOENT, "a missing folder");
    snprintf(text, sizeof text, "bind %s: No such file or directory", wrong);
    char said[700];
    is_str(netio_error_str(&error, said, sizeof said), text, "B28: says which");
    is_int(mode_of("p"), 0600, "the mode is as it was");
    is_int(netio_listeners_prepare(set, LIST(open_), &error), 0, "another mode");
    is_int(mode_of("p"), 0666, "is the path's");
    netio_listeners_cancel(set);
    is_int(mode_of("p"), 0600, "cancelled: the old one");
    change(set, LIST(open_));
    is_int(mode_of("p"), 0666, "committed: the new one");
    is_int(fd_of(set, 0), fd, "the same socket");
    change(set, NULL, 0);
    is_int(mode_of("p"), (mode_t)-1, "a path that goes is removed");
    netio_listeners_free(set);
}

/* R30: somebody else's socket by then at our path is left alone. */
static void test_replaced(void)
{
    struct netio_listeners *set = new_set();
    struct netio_listener other[NETIO_LISTENER_MAX];
    char address[160], open_[160];

    snprintf(address, sizeof address, "unix:%s/r,mode=0600", folder);
    snprintf(open_, sizeof open_, "unix:%s/r,mode=0666", folder);
    change(set, LIST(address));
    unlink(strchr(netio_addr_str(&netio_listeners_at(set, NETIO_LISTENERS_PRESENT, 0)->address,
                                 (char[NETIO_ADDR_STRLEN]){0}, NETIO_ADDR_STRLEN),
                  '/'));
    is_int(netio_listener_open(other, address, 0, NULL), 1, "another server has the path by now");
    change(set, LIST(open_));
    is_int(mode_of("r"), 0600, "R30: its mode is not ours to change");
    change(set, NULL, 0);
    is_int(mode_of("r"), 0600, "R30: nor is it ours to remove");
    netio_listener_close(other);
    netio_listeners_free(set);
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    test_paths();
    test_replaced();
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
