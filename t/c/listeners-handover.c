/* Tests of netio/listeners.h: sockets of a set that a manager has passed, that a worker is given,
 * and that a predecessor leaves.  B24, C24 of the fault catalogue; R30 of the facts about
 * inetds. */
#include "descriptors.h"
#include "listening.h"

#include <netio/fd.h>

#include <fcntl.h>
#include <sys/wait.h>

static void test_passed(void)
{
    struct netio_listeners *set = new_set();
    struct netio_listener own[NETIO_LISTENER_MAX];
    unsigned port = free_port();
    int pipes[2];

    netio_listener_open(own, text_of("127.0.0.1:", port), 0, NULL);
    is_int(netio_listeners_pass(set, own[0].fd), 0, "one that a manager has passed");
    change(set, LIST("udp:127.0.0.1:0"));
    is_int(fd_of(set, 0), own[0].fd, "stays at a reload");
    change(set, LIST(text_of("127.0.0.1:", port)));
    is_str(listing(set, NETIO_LISTENERS_PRESENT), text_of("127.0.0.1:", port),
           "named by the configuration as well it is one");
    change(set, NULL, 0);
    is_int(fd_of(set, 0), own[0].fd, "stays when that is no more");
    is_int(netio_listeners_prepare(set, LIST("nosuchservice"), NULL), NETIO_EBADSERVICE, "wrong");
    is_int(fd_of(set, 0), own[0].fd, "and through an error");
    if (pipe(pipes) == -1)
        fail("pipe");
    is_int(netio_listeners_pass(set, pipes[0]), -ENOTSOCK, "C24: no socket");
    is_int(close(pipes[0]) + close(pipes[1]), 0, "is left alone");
    netio_listeners_free(set);
}

static void test_give(void)
{
    struct netio_listeners *set = new_set();
    unsigned a = free_port(), b = free_port();
    int status = 0;

    change(set, LIST(text_of("127.0.0.1:", a)));
    int old = fd_of(set, 0);
    is_int(netio_listeners_prepare(set, LIST(text_of("127.0.0.1:", b)), NULL), 0, "a reload");
    pid_t pid = fork();
    if (pid == 0) {
        static const struct netio_server_handlers none;
        struct netio_server *server;
        if (netio_server_new(&server, NULL, &none, NULL) != 0 ||
            netio_listeners_give(set, NETIO_LISTENERS_NEXT, server) != 0)
            _exit(1);
        const struct netio_addr *addr = netio_server_address(server, 0);
        _exit(!addr || netio_addr_port(addr) != b ? 2
              : netio_server_address(server, 1)   ? 3
              : fcntl(old, F_GETFD) != -1         ? 4
                                                  : 0);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "B24: a new worker has the new listener, and not the old one");
    netio_listeners_cancel(set);
    int fd = client(a);
    ok(fd >= 0, "the supervisor has its own");
    netio_fd_close(fd);
    netio_listeners_free(set);
}

/* A predecessor's set to a successor's, as in an upgrade. */
static struct netio_listeners *leave(struct netio_listeners *set)
{
    struct netio_listeners *next = new_set();
    struct netio__legacy legacy;

    for (size_t at = 0; netio__listeners_legacy(set, &at, &legacy);) {
        legacy.fd = fcntl(legacy.fd, F_DUPFD_CLOEXEC, 0);
        is_int(netio__listeners_left(next, &legacy), 0, "left");
    }
    return next;
}

/* A program that has the socket, too, is not to be told that there is nothing for it. */
static void test_left_blocking(void)
{
    struct netio_listeners *set = new_set();

    change(set, LIST("udp:127.0.0.1:0", "127.0.0.1:0"));
    netio_fd_nonblock(fd_of(set, 0), 0);
    struct netio_listeners *next = leave(set);
    is_int(netio_listeners_prepare(next, LIST("udp:127.0.0.1:0", "127.0.0.1:0"), NULL), 0,
           "what was left");
    netio_listeners_commit(next);
    is_int(fcntl(fd_of(set, 0), F_GETFL) & O_NONBLOCK, 0, "R30: what blocks still does");
    is_int(fcntl(fd_of(next, 1), F_GETFL) & O_NONBLOCK, O_NONBLOCK, "what does not, does not");
    netio_listeners_free(next);
    netio_listeners_free(set);
}

static void test_left(void)
{
    struct netio_listeners *set = new_set();
    struct netio_listener own[NETIO_LISTENER_MAX];
    unsigned a = free_port(), b = free_port();
    char stays[160], goes[160], chmods[160];
    int before = open_descriptors();

    snprintf(stays, sizeof stays, "unix:%s/stays,mode=0600", folder);
    snprintf(chmods, sizeof chmods, "unix:%s/stays,mode=0666", folder);
    snprintf(goes, sizeof goes, "unix:%s/goes", folder);
    netio_listener_open(own, "udp:127.0.0.1:0", 0, NULL);
    netio_listeners_pass(set, own[0].fd);
    change(set, LIST(text_of("127.0.0.1:", a), stays, goes, "127.0.0.1:0"));
    struct netio_listeners *next = leave(set);
    is_int(fd_of(next, 1), -1, "what was left is not in use yet, but what was passed");
    is_int(netio_listeners_prepare(
               next,
               LIST(text_of("127.0.0.1:", b), chmods, text_of("127.0.0.1:", a), "127.0.0.1:0"),
               NULL),
           0, "a successor with another configuration");
    is_int(mode_of("stays"), 0666, "and another mode");
    netio_listeners_cancel(set);
    is_int(mode_of("stays"), 0600, "which the predecessor takes back when it fails");
    netio_listeners_free(next);
    is_int(mode_of("stays"), 0600, "a successor that fails removes no path");
    is_int(mode_of("goes") != (mode_t)-1, 1, "not even of those it would not use");

    next = leave(set);
    change(set, LIST(text_of("127.0.0.1:", a), stays, goes, "127.0.0.1:0"));
    is_int(netio_listeners_prepare(
               next,
               LIST(text_of("127.0.0.1:", b), chmods, text_of("127.0.0.1:", a), "127.0.0.1:0"),
               NULL),
           0, "the next one");
    int chosen = fd_of(set, 4);
    struct netio_addr chosen_addr;
    netio_addr_local(&chosen_addr, chosen);
    netio__listeners_own(set, 0);
    netio__listeners_own(next, 1);
    netio_listeners_commit(next);
    netio_listeners_free(set);
    is_int(mode_of("stays"), 0666, "succeeds: the path is there when its predecessor has gone");
    is_int(mode_of("goes"), (mode_t)-1, "what it does not use is removed");
    int fd = client(a);
    ok(fd >= 0, "what both have listens");
    close(fd);
    fd = client(netio_addr_port(&chosen_addr));
    ok(fd >= 0, "so does the port that the kernel chose");
    close(fd);
    is_int(open_descriptors(), before + 5, "R30: what is not used is closed");
    netio_listeners_free(next);
    is_int(mode_of("stays"), (mode_t)-1, "its path is its own to remove");
    is_int(open_descriptors(), before, "all closed");
}

/* A successor knows what was said last, not what was said when the path came to be. */
static void test_left_mode(void)
{
    struct netio_listeners *set = new_set();
    char plain[160], open_[160], fresh[160];

    snprintf(plain, sizeof plain, "unix:%s/m", folder);
    snprintf(open_, sizeof open_, "unix:%s/m,mode=0666", folder);
    snprintf(fresh, sizeof fresh, "unix:%s/n", folder);
    change(set, LIST(plain, fresh));
    change(set, LIST(open_, fresh));
    struct netio_listeners *next = leave(set);
    is_int(netio_listeners_prepare(next, LIST(plain, fresh), NULL), 0, "a successor");
    is_int(mode_of("m"), mode_of("n"), "for whom a mode is said no more");
    netio_listeners_free(next);
    netio_listeners_free(set);
}

int main(void)
{
    if (!mkdtemp(folder))
        skip_all("no folder for temporary files");
    test_passed();
    test_give();
    test_left_blocking();
    test_left();
    test_left_mode();
    if (rmdir(folder) == -1)
        fail("something is left behind in %s", folder);
    return tap_done();
}
