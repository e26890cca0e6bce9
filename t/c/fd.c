/* Tests of netio/fd.h. */
#include "tap.h"
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

static void no_op(int sig)
{
    (void)sig;
}

static void test_flags(void)
{
    int pair[2];

    ok(pipe(pair) == 0, "a pipe");
    is_int(netio_fd_nonblock(pair[0], 1), 0, "non-blocking");
    ok(fcntl(pair[0], F_GETFL) & O_NONBLOCK, "and it is");
    is_int(netio_fd_nonblock(pair[0], 0), 0, "blocking again");
    ok(!(fcntl(pair[0], F_GETFL) & O_NONBLOCK), "and it is");
    is_int(netio_fd_cloexec(pair[0], 1), 0, "close-on-exec");
    ok(fcntl(pair[0], F_GETFD) & FD_CLOEXEC, "and it is");
    errno = EXDEV;
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
    netio_fd_close(pair[1]);
    netio_fd_close(-1);
    is_int(errno, EXDEV, "errno survives a close, a failing one too");
    is_int(netio_fd_nonblock(pair[0], 1), -EBADF, "flags of a closed descriptor");
    is_int(netio_fd_poll(pair[0], NETIO_READ, NETIO_NEVER), -EBADF, "waiting for a closed one");
}

static void test_poll(int a, int b)
{
    struct netio_want want = {.fd = a, .events = NETIO_READ, .deadline = NETIO_NOW};

    is_int(netio_fd_poll(a, NETIO_READ, NETIO_NOW), -ETIMEDOUT, "nothing to read");
    is_int(netio_fd_poll(a, NETIO_READ | NETIO_WRITE, NETIO_NEVER), NETIO_WRITE, "room to write");
    is_int(netio_want_poll(&want), 0, "a want that timed out asks for a step");
    is_int(netio_fd_poll(a, NETIO_READ, netio_deadline_in(0.02)), -ETIMEDOUT, "20 ms pass");
    is_int(netio_fd_send(b, "x", 1), 1, "a byte is sent");
    is_int(netio_fd_poll(a, NETIO_READ, NETIO_NOW), NETIO_READ, "looked at once when passed");
    char byte[4];
    is_int(netio_fd_recv(a, byte, sizeof byte), 1, "it arrives");
    is_int(netio_fd_recv(a, byte, sizeof byte), -EAGAIN, "and there is no more");
}

/* Both descriptors are blocking ones. */
static void test_never_waits(int a, int b)
{
    static char much[65536];
    ssize_t n, sent = 0;

    while ((n = netio_fd_send(a, much, sizeof much)) > 0)
        sent += n;
    is_int(n, -EAGAIN, "a socket that is full does not keep send waiting");
    while ((n = netio_fd_recv(b, much, sizeof much)) > 0)
        sent -= n;
    is_int(n, -EAGAIN, "nor does an empty one recv");
    is_int(sent, 0, "and all that was sent has come");
}

static void test_signal(int a)
{
    struct sigaction act = {.sa_handler = no_op}, old;
    struct itimerval soon = {.it_value = {.tv_usec = 5000}};

    sigaction(SIGVTALRM, &act, NULL);
    sigaction(SIGALRM, &act, &old);
    unsigned left = alarm(0);
    setitimer(ITIMER_REAL, &soon, NULL);
    is_int(netio_fd_poll(a, NETIO_READ, netio_deadline_in(60)), -EINTR,
           "A15: a signal is reported, for a host to act on");
    sigaction(SIGALRM, &old, NULL);
    alarm(left);
}

static void test_peer_gone(int a, int b)
{
    char byte;

    netio_fd_close(b);
    is_int(netio_fd_poll(a, NETIO_READ, NETIO_NOW), NETIO_READ, "the end of file can be read");
    is_int(netio_fd_recv(a, &byte, 1), 0, "and is 0");
    is_int(netio_fd_send(a, "x", 1), -EPIPE, "A10: EPIPE without its signal");
    netio_fd_close(a);
}

static void test_high(void)
{
    struct rlimit limit;
    int pair[2];

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 3000) {
        skip(2, "the hard limit of descriptors is %ld", (long)limit.rlim_max);
        return;
    }
    limit.rlim_cur = 3000;
    setrlimit(RLIMIT_NOFILE, &limit);
    ok(pipe(pair) == 0 && dup2(pair[0], 2500) == 2500, "a descriptor above FD_SETSIZE");
    is_int(netio_fd_poll(2500, NETIO_READ, NETIO_NOW), -ETIMEDOUT, "A28: waits as any other");
    netio_fd_close(2500);
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void test_files(void)
{
    int pair[2];
    char text[8];

    ok(pipe(pair) == 0, "no socket: a pipe");
    is_int(netio_fd_send(pair[1], "abc", 3), 3, "send falls back to write");
    is_int(netio_fd_recv(pair[0], text, sizeof text), 3, "recv to read");
    netio_fd_close(pair[1]);
    is_int(netio_fd_poll(pair[0], NETIO_READ, NETIO_NOW), NETIO_READ,
           "a hang-up and nothing else is ready to be read");
    is_int(netio_fd_read(pair[0], text, sizeof text), 0, "end of file");
    is_int(netio_fd_write(pair[0], text, 1), -EBADF, "not open for writing");
    netio_fd_close(pair[0]);
}

int main(void)
{
    int pair[2];

    test_flags();
    ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "a pair of sockets");
    test_poll(pair[0], pair[1]);
    test_never_waits(pair[0], pair[1]);
    test_signal(pair[0]);
    test_peer_gone(pair[0], pair[1]);
    test_high();
    test_files();
    return tap_done();
}
