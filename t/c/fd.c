/* Tests of netio/fd.h. */
#include "birth.h"
#include <netio/error.h>
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
    /* Again and again: the first may come before anybody waits. */
    struct itimerval soon = {.it_value = {.tv_usec = 5000}, .it_interval = {.tv_usec = 5000}};

    sigaction(SIGVTALRM, &act, NULL);
    sigaction(SIGALRM, &act, &old);
    unsigned left = alarm(0);
    setitimer(ITIMER_REAL, &soon, NULL);
    is_int(netio_fd_poll(a, NETIO_READ, netio_deadline_in(60)), -EINTR,
           "A15: a signal is reported, for a host to act on");
    alarm(left);
    signal(SIGALRM, SIG_IGN); /* one that is on its way is dropped */
    sigaction(SIGALRM, &old, NULL);
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

/* Descriptors from 3 to 20 and some far above; which of them are open, as a text. */
static int open_some(void)
{
    for (int fd = 3; fd <= 20; fd++)
        NEED(dup2(0, fd) == fd);
    NEED(dup2(0, 500) == 500 && dup2(0, 501) == 501 && dup2(0, 800) == 800);
    return 0;
}

static int is_left(const int *wanted, size_t count)
{
    for (int fd = 3, i; fd < 900; fd++) { /* in_child() has 900 */
        for (i = 0; i < (int)count && wanted[i] != fd; i++)
            ;
        if ((fcntl(fd, F_GETFD) != -1) != (i < (int)count))
            return 0;
    }
    return 1;
}

static int closes_all(void)
{
    NEED(open_some() == 0 && netio_fd_close_others((const int[]){900}, 1) == 0);
    NEED(is_left(NULL, 0) && fcntl(0, F_GETFD) != -1 && fcntl(2, F_GETFD) != -1);
    NEED(netio_fd_close_others((const int[]){900}, 1) == 0);
    return 0;
}

/* Out of order, twice, side by side, below 3, not open, negative. */
static int keeps_some(void)
{
    static const int keep[] = {501, 3, 900, 7, 8, 501, 800, 1, 600, -1};
    static const int left[] = {3, 7, 8, 501, 800};

    NEED(open_some() == 0 && netio_fd_close_others(keep, 10) == 0 && is_left(left, 5));
    return 0;
}

/* Where the three that it would try the call on are closed. */
static int without_standard(void)
{
    NEED(open_some() == 0);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    NEED(netio_fd_close_others((const int[]){900, 9}, 2) == 0);
    NEED(is_left((const int[]){9}, 1));
    NEED(fcntl(0, F_GETFD) == -1 && fcntl(1, F_GETFD) == -1 && fcntl(2, F_GETFD) == -1);
    return 0;
}

static int marks_others(void)
{
    static const int all[] = {3,  4,  5,  6,  7,  8,  9,  10,  11,  12, 13,
                              14, 15, 16, 17, 18, 19, 20, 500, 501, 800};

    NEED(netio_fd_close_others((const int[]){900}, 1) == 0 && open_some() == 0);
    NEED(netio_fd_cloexec_others((const int[]){900, 5}, 2) == 0);
    NEED(is_left(all, sizeof all / sizeof *all));
    NEED(fcntl(5, F_GETFD) == 0 && fcntl(4, F_GETFD) == FD_CLOEXEC);
    NEED(fcntl(0, F_GETFD) == 0 && fcntl(800, F_GETFD) == FD_CLOEXEC);
    return 0;
}

static int fills_standard(void)
{
    char byte;

    close(0);
    close(2);
    NEED(netio_fd_standard() == 0 && netio_fd_standard() == 0);
    NEED(fcntl(0, F_GETFD) == 0 && fcntl(2, F_GETFD) == 0);
    NEED(read(0, &byte, 1) == 0 && write(2, "x", 1) == 1);
    return 0;
}

static void test_birth(void)
{
    is_int(in_child(closes_all), 0, "C9: all others closed");
    is_int(in_child(keeps_some), 0, "C9: but those to keep, in any order");
    is_int(in_child(without_standard), 0, "C9: without 0 to 2");
    is_int(in_child(marks_others), 0, "marked, and not closed");
    is_int(in_child(fills_standard), 0, "C6: standard descriptors that were closed");
    int null = netio_fd_null();
    ok(null > 2 && fcntl(null, F_GETFD) == FD_CLOEXEC, "C7: /dev/null, close-on-exec");
    is_int(write(null, "x", 1), 1, "takes what is written");
    netio_fd_close(null);
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
    test_birth();
    (void)diag;
    return tap_done();
}
