/* Tests of netio/parcel.h: texts and descriptors for another process.  R30 of the facts about
 * inetds: no number of descriptors is too much for it. */
#include "descriptors.h"
#include "tap.h"

#include <netio/fd.h>
#include <netio/parcel.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct netio_parcel *new_parcel(void)
{
    struct netio_parcel *parcel;

    if (netio_parcel_new(&parcel) != 0)
        fail("memory");
    return parcel;
}

/* A file whose content is the number. */
static int numbered(int number)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    if (fd == -1 || write(fd, &number, sizeof number) != sizeof number)
        fail("a file of memory");
    return fd;
}

static int number_of(int fd)
{
    int number = -1;

    return pread(fd, &number, sizeof number, 0) == sizeof number ? number : -2;
}

/* n texts, of which every fifth has no descriptor, with a long one among them; or a code. */
static int seal(int n)
{
    struct netio_parcel *parcel = new_parcel();
    int *fds = calloc((size_t)n + 1, sizeof *fds), wrong = 0;

    for (int i = 0; i < n; i++) {
        fds[i] = i % 5 == 4 ? -1 : numbered(i);
        wrong |= netio_parcel_add(parcel, fds[i], "item %d%*s", i, i == 3 ? 100000 : 1, "");
    }
    int sealed = wrong ? wrong : netio_parcel_seal(parcel);
    for (int i = 0; i < n; i++)
        netio_fd_close(fds[i]);
    netio_parcel_free(parcel);
    free(fds);
    return sealed;
}

/* How many come out as they should. */
static int count_right(struct netio_parcel *parcel)
{
    const char *text;
    int fd, right = 0, number;

    for (int i = 0; netio_parcel_next(parcel, &text, &fd); i++) {
        int is = sscanf(text, "item %d", &number) == 1 && number == i &&
                 strlen(text) > (i == 3 ? 100000 : 5) &&
                 (i % 5 == 4 ? fd == -1 : number_of(fd) == i && fcntl(fd, F_GETFD) == FD_CLOEXEC);
        right += is;
        netio_fd_close(fd);
    }
    return right;
}

static void test_many(int n)
{
    struct netio_parcel *parcel;
    int before = open_descriptors(), sealed = seal(n);

    is_int(open_descriptors(), before + 1, "one descriptor has them all");
    is_int(fcntl(sealed, F_GETFD), FD_CLOEXEC, "close-on-exec");
    is_int(netio_parcel_open_take(&parcel, sealed), 0, "opened");
    is_int(count_right(parcel), n, "R30: all %d are there, in order", n);
    netio_parcel_free(parcel);
    is_int(open_descriptors(), before, "nothing is left open");
}

static void test_left_over(void)
{
    struct netio_parcel *parcel;
    const char *text;
    int before = open_descriptors(), fd = -1;

    is_int(netio_parcel_open_take(&parcel, seal(7)), 0, "opened");
    is_int(netio_parcel_next(parcel, &text, &fd), 1, "one is taken out");
    is_int(netio_parcel_add(parcel, -1, "x"), -EINVAL, "none is put in");
    netio_parcel_free(parcel);
    is_int(number_of(fd), 0, "the one is its taker's");
    netio_fd_close(fd);
    is_int(open_descriptors(), before, "the others are closed");
}

/* Another process, after the one that made it has ended. */
static void test_processes(void)
{
    int ends[2], status = -1, passed = -1;
    char byte;
    struct netio_parcel *parcel;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {&byte, 1};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == -1)
        fail("socketpair");
    pid_t pid = fork();
    if (pid == 0) {
        int sealed = seal(300);
        byte = 'x';
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof sealed);
        memcpy(CMSG_DATA(&control.header), &sealed, sizeof sealed);
        _exit(sendmsg(ends[0], &header, 0) != 1);
    }
    waitpid(pid, &status, 0);
    (void)!recvmsg(ends[1], &header, MSG_CMSG_CLOEXEC);
    memcpy(&passed, CMSG_DATA(&control.header), sizeof passed);
    is_int(status, 0, "a process makes one, and ends");
    is_int(netio_parcel_open_take(&parcel, passed), 0, "another opens it");
    is_int(count_right(parcel), 300, "all is there");
    netio_parcel_free(parcel);
    close(ends[0]);
    close(ends[1]);
}

static void test_scarce(void)
{
    struct netio_parcel *parcel;
    struct rlimit before, few;

    if (strstr(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "", "vgpreload")) {
        skip(2, "valgrind keeps the limit, but not of what a message brings");
        return;
    }
    int count = open_descriptors(), sealed = seal(500);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &few);
    is_int(netio_parcel_open_take(&parcel, sealed), -EMFILE, "too few numbers are left");
    setrlimit(RLIMIT_NOFILE, &before);
    is_int(open_descriptors(), count, "then nothing is open");
}

static void test_no_parcel(void)
{
    struct netio_parcel *parcel;
    int ends[2], before = open_descriptors();

    is_int(netio_parcel_open_take(&parcel, numbered(1)), -EBADMSG, "a file is no parcel");
    (void)!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
    is_int(netio_parcel_open_take(&parcel, ends[1]), -EBADMSG,
           "nor is a socket with nothing in it");
    close(ends[0]);
    (void)!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
    (void)!write(ends[0], "t", 1);
    is_int(netio_parcel_open_take(&parcel, ends[1]), -EBADMSG, "nor one with a word in it");
    close(ends[0]);
    is_int(open_descriptors(), before, "nothing is left open");
}

int main(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    alarm(TAP_SECONDS);
    test_many(0);
    test_many(1);
    test_many(250);
    test_many(251);
    if (limit.rlim_max >= 9000)
        test_many(5000);
    else
        skip(1, "needs more descriptors");
    test_left_over();
    test_processes();
    test_scarce();
    test_no_parcel();
    return tap_done();
}
