/* A network that is slow and loses packets, for tests in Perl: what tc-netem(8) would do, where
 * the kernel has none.
 *
 *     drive-relay [-d MS] [-l PERCENT] [-u PERCENT] [-s SEED] NETNS NETNS
 *
 * makes a tun device nio1 in both network namespaces (names of ip-netns(8)), says "ready", and
 * carries packets from one to the other: each after MS milliseconds; PERCENT of them not at all
 * (-l) or twice (-u), which the seed decides, so that a run can be repeated.  The test gives
 * the devices their addresses.  It ends with its standard input, and says how many packets it
 * "carried", "lost" and "doubled". */
#include "tap.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MS     1000000LL
#define QUEUED 8192 /* a packet more is lost, as in any queue */
#define SIZE   1600

struct packet {
    int64_t due;
    int to;
    ssize_t len;
    unsigned char data[SIZE];
};

/* Every packet waits equally long: they leave in the order in which they came. */
static struct packet queue[QUEUED];
static size_t head, queued;

static struct {
    int64_t delay;
    double loss, doubled;
} plan;

static long carried, lost, doubled;

static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

static void enter(int netns)
{
    if (setns(netns, CLONE_NEWNET) == -1)
        give_up("setns");
}

/* A tun device in the namespace of that name. */
static int make_device(const char *name, int home)
{
    struct ifreq request = {.ifr_name = "nio1", .ifr_flags = IFF_TUN | IFF_NO_PI};
    char path[128];

    snprintf(path, sizeof path, "/run/netns/%s", name);
    int netns = open(path, O_RDONLY | O_CLOEXEC);
    if (netns == -1)
        give_up(path);
    enter(netns);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1 || ioctl(fd, TUNSETIFF, &request) == -1)
        give_up("/dev/net/tun");
    netio_fd_close(netns);
    enter(home);
    return fd;
}

static int chance(double percent)
{
    return drand48() * 100 < percent;
}

static void put(const unsigned char *data, ssize_t len, int to, int64_t now)
{
    struct packet *packet = &queue[(head + queued) % QUEUED];

    if (queued == QUEUED) {
        lost++;
        return;
    }
    *packet = (struct packet){.due = now + plan.delay, .to = to, .len = len};
    memcpy(packet->data, data, (size_t)len);
    queued++;
}

static void take_in(int from, int to)
{
    unsigned char data[SIZE];
    int64_t now = netio_clock_now();
    ssize_t len;

    while ((len = netio_fd_read(from, data, sizeof data)) > 0) {
        if (chance(plan.loss)) {
            lost++;
            continue;
        }
        put(data, len, to, now);
        if (chance(plan.doubled)) {
            doubled++;
            put(data, len, to, now);
        }
    }
}

static void give_out(void)
{
    int64_t now = netio_clock_now();

    for (; queued > 0 && queue[head].due <= now; head = (head + 1) % QUEUED, queued--) {
        /* A device that is down takes none: that is a loss, too. */
        if (netio_fd_write(queue[head].to, queue[head].data, (size_t)queue[head].len) < 0)
            lost++;
        else
            carried++;
    }
}

static void carry(int a, int b)
{
    struct pollfd fds[3] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {0, POLLIN, 0}};
    char byte;

    for (;;) {
        netio_deadline next = queued ? queue[head].due : NETIO_NEVER;
        if (poll(fds, 3, netio_deadline_ms(next)) == -1 && errno != EINTR)
            give_up("poll");
        if (fds[2].revents && netio_fd_read(0, &byte, 1) <= 0)
            return;
        take_in(a, b);
        take_in(b, a);
        give_out();
    }
}

static int read_option(int option)
{
    switch (option) {
    case 'd':
        plan.delay = atoi(optarg) * MS;
        return 0;
    case 'l':
        plan.loss = atof(optarg);
        return 0;
    case 'u':
        plan.doubled = atof(optarg);
        return 0;
    case 's':
        srand48(atol(optarg));
        return 0;
    default:
        return -1;
    }
}

int main(int argc, char **argv)
{
    int option, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    while ((option = getopt(argc, argv, "d:l:u:s:")) != -1)
        if (read_option(option) == -1)
            return 64;
    if (argc - optind != 2)
        skip_all("a driver for tests in Perl");
    int a = make_device(argv[optind], home), b = make_device(argv[optind + 1], home);
    printf("ready\n");
    carry(a, b);
    printf("carried %ld, lost %ld, doubled %ld\n", carried, lost, doubled);
    netio_fd_close(a);
    netio_fd_close(b);
    netio_fd_close(home);
    (void)tap_done;
    return 0;
}
