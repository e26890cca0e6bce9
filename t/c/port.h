/* t/c/port.h: ports for tests that close one and open it again, or that nobody shall listen on.
 * The kernel's own choice, for port 0, can be another test's the moment it is closed. */
#ifndef PORT_H
#define PORT_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PORT_FIRST = 11000, PORT_LAST = 31000 }; /* below those the kernel chooses */

#define PORT __attribute__((unused)) static

PORT int ports_locked;

PORT int port_is_bound(int type, unsigned port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int failed = fd == -1 || bind(fd, (struct sockaddr *)&in, sizeof in) == -1;

    close(fd);
    return failed;
}

/* The descriptor of the lock; -1: another test has that port. */
PORT int port_lock(unsigned port)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int len = snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "netio-port-%u", port) + 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&un,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A port that nobody has, TCP or UDP, and no other test gets as long as this process lives: it
 * keeps one descriptor for each.  The name of the lock is NetIO::Test::Port's, too; it comes first,
 * or whoever has the port would find it in use for the moment of the look. */
PORT unsigned free_port(void)
{
    static unsigned seed;

    seed = seed ? seed : (unsigned)getpid();
    for (int tries = 0; tries < 1000; tries++) {
        unsigned port = PORT_FIRST + (unsigned)rand_r(&seed) % (PORT_LAST - PORT_FIRST);
        int lock = port_lock(port);
        if (lock == -1)
            continue;
        if (!port_is_bound(SOCK_STREAM, port) && !port_is_bound(SOCK_DGRAM, port))
            return ports_locked++, port;
        close(lock);
    }
    fprintf(stderr, "no free port\n");
    exit(1);
}

#endif
