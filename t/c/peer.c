/* Tests of netio/peer.h: users of a unix socket, as they really are. */
#include "tap.h"
#include <netio/peer.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct sockaddr_un where = {.sun_family = AF_UNIX};
static int listener;

/* Connects as that user, changes to another then, and waits for the end of file. */
static pid_t connect_as(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
    char byte;
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (setgroups(count, groups) == -1 || setresgid(gid, gid, -1) == -1 ||
        setresuid(uid, uid, 0) == -1 ||
        connect(fd, (struct sockaddr *)&where, sizeof where) == -1 || setresuid(0, 0, 0) == -1)
        _exit(1);
    _exit(read(fd, &byte, 1) != 0);
}

static void look(uid_t uid, gid_t gid, const gid_t *groups, size_t count, size_t known)
{
    pid_t pid = connect_as(uid, gid, groups, count);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), status;
    struct netio_peer peer;

    is_int(netio_peer_credentials(&peer, fd), 0, "credentials of uid %d", (int)uid);
    is_int(peer.pid, pid, "the process");
    is_int(peer.uid, uid, "the user of the connect, whoever it is now");
    is_int(peer.gid, gid, "the group");
    is_int(peer.group_count, known, "%zu of %zu groups are known", known, count);
    is_mem((const char *)peer.groups, known * sizeof *groups, (const char *)groups,
           known * sizeof *groups, "which are the first of them");
    close(fd);
    is_int(waitpid(pid, &status, 0), pid, "it ends");
    is_int(status, 0, "and was who it should be");
}

static void test_users(void)
{
    static const gid_t groups[] = {33, 1000, 70000};
    gid_t many[200];

    for (gid_t i = 0; i < 200; i++)
        many[i] = 5000 + i;
    look(0, 0, groups, 0, 0);
    look(65534, 65534, groups, 3, 3);
    look(12345, 23456, many, 200, NETIO_PEER_GROUPS);
    look(12345, 23456, many, NETIO_PEER_GROUPS, NETIO_PEER_GROUPS);
}

static void test_wrong(void)
{
    struct netio_peer peer;
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ends[2];

    is_int(netio_peer_credentials(&peer, tcp), -EOPNOTSUPP, "TCP has no credentials");
    is_int(netio_peer_credentials(&peer, -1), -EBADF, "nor nothing");
    close(tcp);
    if (pipe2(ends, O_CLOEXEC) == -1)
        fail("pipe2");
    is_int(netio_peer_credentials(&peer, ends[0]), -ENOTSOCK, "a pipe is no socket");
    close(ends[0]);
    close(ends[1]);
}

static void test_pair(void)
{
    struct netio_peer peer;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        fail("socketpair");
    is_int(netio_peer_credentials(&peer, ends[0]), 0, "a pair");
    is_int(peer.uid, geteuid(), "is one's own");
    is_int(peer.pid, getpid(), "process");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    char folder[] = "/tmp/netio-peer-XXXXXX";

    test_wrong();
    test_pair();
    if (geteuid() != 0) {
        printf("# users other than one's own need root\n");
        return tap_done();
    }
    if (!mkdtemp(folder) || chmod(folder, 0755) == -1)
        return 1;
    snprintf(where.sun_path, sizeof where.sun_path, "%s/socket", folder);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&where, sizeof where) == -1 ||
        chmod(where.sun_path, 0666) == -1 || listen(listener, 5) == -1)
        fail("%s", where.sun_path);
    test_users();
    close(listener);
    unlink(where.sun_path);
    rmdir(folder);
    return tap_done();
}
