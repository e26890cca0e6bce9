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

static void path_of(const char *name, char path[160])
{
    snprintf(path, 160, "%s/%s", folder, name);
}

/* What is said of a path no more is as if it had never been; what was never said is left alone. */
static void test_said_no_more(void)
{
    struct netio_listeners *set = new_set();
    char all[160], plain[160], other[160], other_all[160], fresh[160], path[160];
    struct stat st;

    snprintf(plain, sizeof plain, "unix:%s/u", folder);
    snprintf(all, sizeof all, "unix:%s/u,mode=0610%s", folder,
             geteuid() ? "" : ",owner=1,group=1");
    snprintf(other, sizeof other, "unix:%s/o", folder);
    snprintf(other_all, sizeof other_all, "unix:%s/o,mode=0600", folder);
    snprintf(fresh, sizeof fresh, "unix:%s/n", folder);
    path_of("u", path);
    change(set, LIST(all, other, fresh));
    is_int(mode_of("u"), 0610, "a mode");
    is_int(netio_listeners_prepare(set, LIST(plain, other_all, fresh), NULL), 0, "none");
    is_int(mode_of("u"), mode_of("n"), "is that of a new path");
    is_int(mode_of("o"), 0600, "what has changed places has the mode of its own");
    if (lstat(path, &st) == -1)
        fail("%s: %s", path, strerror(errno));
    is_int(st.st_uid, geteuid(), "so is its owner");
    is_int(st.st_gid, getegid(), "and its group");
    netio_listeners_cancel(set);
    is_int(mode_of("u"), 0610, "cancelled: the old mode");
    is_int(lstat(path, &st) == 0 && st.st_uid == (geteuid() ? geteuid() : 1), 1, "and owner");
    change(set, LIST(plain, fresh));
    is_int(mode_of("u"), mode_of("n"), "committed: the new one");
    if (chmod(path, 0640) == -1)
        fail("%s: %s", path, strerror(errno));
    change(set, LIST(plain));
    is_int(mode_of("u"), 0640, "what somebody has done to it is left, as long as nothing is said");
    netio_listeners_free(set);
}

/* Whether a client can come to the listener of which fd is the descriptor. */
static int is_reached(const char *name, int fd)
{
    struct netio_addr addr;
    char path[160];
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), served = -1;

    path_of(name, path);
    if (netio_addr_parse(&addr, path) == 0 && connect(client, &addr.u.sa, addr.len) == 0)
        served = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    netio_fd_close(client);
    netio_fd_close(served);
    return served >= 0;
}

/* A path that was removed comes back, all or nothing; one that is there is left alone. */
static void test_removed(void)
{
    struct netio_listeners *set = new_set();
    char kept[160], lost[160], wrong[160], other[160], path[160];
    int fds[NETIO_LISTENER_MAX];

    snprintf(kept, sizeof kept, "unix:%s/k,mode=0600", folder);
    snprintf(lost, sizeof lost, "unix:%s/l,mode=0600", folder);
    snprintf(other, sizeof other, "unix:%s/l,mode=0666", folder);
    snprintf(wrong, sizeof wrong, "unix:%s/none/p", folder);
    path_of("l", path);
    change(set, LIST(kept, lost));
    int kept_fd = fd_of(set, 0), lost_fd = fd_of(set, 1);
    is_int(unlink(path), 0, "somebody removes a path");
    is_int(netio_listeners_prepare(set, LIST(kept, lost, wrong), NULL), -ENOENT, "it fails");
    is_int(mode_of("l"), (mode_t)-1, "nothing has changed");
    is_int(netio_listeners_prepare(set, LIST(kept, lost), NULL), 0, "and does not");
    is_int(mode_of("l"), 0600, "the path is there again");
    is_int(netio_listeners_find(set, NETIO_LISTENERS_PRESENT, lost, fds), 1, "there is one");
    is_int(fds[0], lost_fd, "the old one yet");
    netio_listeners_cancel(set);
    is_int(mode_of("l"), (mode_t)-1, "cancelled: gone again");
    is_int(fd_of(set, 1), lost_fd, "the old one is as it was");
    is_int(netio_listeners_prepare(set, LIST(lost, other, kept), NULL), 0, "two of one path");
    is_int(mode_of("l"), 0666, "are one socket");
    netio_listeners_commit(set);
    is_int(netio_listeners_find(set, NETIO_LISTENERS_PRESENT, other, fds), 1, "and no more");
    ok(is_reached("l", fds[0]), "which can be reached");
    is_int(fd_of(set, 0), kept_fd, "the other path has kept its socket");
    ok(is_reached("k", kept_fd), "and can be reached");
    change(set, LIST(lost, kept));
    is_int(fd_of(set, 1), fds[0], "what was opened anew stays from then on");
    netio_listeners_free(set);
    is_int(mode_of("l"), (mode_t)-1, "and is removed in the end");
}

/* R30: somebody else's socket by then at our path is left alone; when it is gone, ours is back. */
static void test_replaced(void)
{
    struct netio_listeners *set = new_set();
    struct netio_listener other[NETIO_LISTENER_MAX];
    char address[160], open_[160], path[160];

    snprintf(address, sizeof address, "unix:%s/r,mode=0600", folder);
    snprintf(open_, sizeof open_, "unix:%s/r,mode=0666", folder);
    path_of("r", path);
    change(set, LIST(address));
    unlink(path);
    is_int(netio_listener_open(other, address, 0, NULL), 1, "another server has the path by now");
    is_int(netio_listeners_prepare(set, LIST(open_), NULL), -EADDRINUSE, "R30: it is his");
    is_int(mode_of("r"), 0600, "R30: its mode is not ours to change");
    ok(is_reached("r", other[0].fd), "R30: nor is it taken from him");
    change(set, NULL, 0);
    is_int(mode_of("r"), 0600, "R30: nor is it ours to remove");
    netio_listener_close(other);
    change(set, LIST(open_));
    is_int(mode_of("r"), 0666, "when he has gone it is ours again");
    netio_listeners_free(set);
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    test_paths();
    test_said_no_more();
    test_removed();
    test_replaced();
    is_int(rmdir(folder), 0, "nothing is left behind");
    return tap_done();
}
