/* hold: connections by the thousand that do nothing.
 *
 *      hold PORT COUNT [LINE]
 *
 * opens COUNT connections to 127.0.0.1:PORT, with LINE asks each of them one question and reads the
 * answer, which is the line, prints "holding COUNT", and keeps them until it is killed; they end by
 * a reset, so that none of them occupies its port for a minute.
 *
 * A process may open some 20,000 descriptors, and there are some 28,000 ports to an address: so
 * there is a process, with a source address of its own, for each 15,000.  Called by
 * NetIO::Bench::Hold. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EACH     15000
#define EX_USAGE 64

static struct sockaddr_in server = {.sin_family = AF_INET};
static char line[1024]; /* with its LF; "": no question */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "hold: ");
    perror(what);
    _exit(1);
}

/* 127.0.0.2 and on. */
static int connect_from(unsigned source)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002 + source)};
    struct linger reset = {.l_onoff = 1};
    struct timeval patience = {.tv_sec = 30};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    /* The port is chosen at connect, when it is known that it must be free for one server only. */
    if (fd == -1 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) == -1 ||
        bind(fd, (struct sockaddr *)&own, sizeof own) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == -1 ||
        connect(fd, (struct sockaddr *)&server, sizeof server) == -1)
        fail("connect");
    return fd;
}

static void ask(int fd)
{
    char answer[sizeof line];
    size_t len = strlen(line);

    if (write(fd, line, len) != (ssize_t)len ||
        recv(fd, answer, len, MSG_WAITALL) != (ssize_t)len || memcmp(answer, line, len) != 0)
        fail("no answer");
}

/* A process with so many, as long as its parent: a byte to ready when all are there. */
static _Noreturn void hold(unsigned source, unsigned long count, int ready)
{
    char byte = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; count > 0; count--) {
        int fd = connect_from(source);
        if (*line)
            ask(fd);
    }
    if (write(ready, &byte, 1) != 1)
        fail("pipe");
    pause();
    _exit(0);
}

int main(int argc, char **argv)
{
    int ready[2];
    char byte;

    if (argc < 3 || argc > 4)
        return fprintf(stderr, "usage: hold PORT COUNT [LINE]\n"), EX_USAGE;
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (argc == 4)
        snprintf(line, sizeof line, "%s\n", argv[3]);
    if (pipe(ready) == -1)
        fail("pipe");
    unsigned source = 0;
    for (unsigned long left = strtoul(argv[2], NULL, 10); left > 0; source++) {
        unsigned long part = left < EACH ? left : EACH;
        pid_t pid = fork();
        if (pid == -1)
            fail("fork");
        if (pid == 0)
            close(ready[0]), hold(source, part, ready[1]);
        left -= part;
    }
    close(ready[1]);
    for (unsigned i = 0; i < source; i++)
        if (read(ready[0], &byte, 1) != 1)
            return 1;
    printf("holding %s\n", argv[2]);
    fflush(stdout);
    while (wait(NULL) > 0)
        ;
    return 0;
}
