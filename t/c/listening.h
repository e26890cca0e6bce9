/* t/c/listening.h: a set of listeners, and what is seen of it from outside: what it listens on, who
 * can connect, which mode its paths have. */
#ifndef LISTENING_H
#define LISTENING_H

#include "port.h"
#include "tap.h"

#include "server/listeners.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTENING __attribute__((unused)) static

#define LIST(...)                                                                                  \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)

LISTENING struct netio_listeners *new_set(void)
{
    struct netio_listeners *set;

    if (netio_listeners_new(&set) != 0)
        fail("memory");
    return set;
}

/* The addresses of a configuration, one behind the other; types other than streams with "udp:". */
LISTENING const char *listing(const struct netio_listeners *set, enum netio_listeners_which which)
{
    static char text[8192];
    char one[NETIO_ADDR_STRLEN];
    const struct netio_listener *listener;

    *text = '\0';
    for (size_t i = 0; (listener = netio_listeners_at(set, which, i)); i++)
        sprintf(strchr(text, '\0'), "%s%s%s", i ? " " : "",
                listener->type == SOCK_DGRAM ? "udp:" : "",
                netio_addr_str(&listener->address, one, sizeof one));
    return text;
}

LISTENING int fd_of(const struct netio_listeners *set, size_t i)
{
    const struct netio_listener *listener = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, i);

    return listener ? listener->fd : -1;
}

LISTENING void change(struct netio_listeners *set, const char *const *list, size_t n)
{
    struct netio_error error;
    char text[700];

    if (!is_int(netio_listeners_prepare(set, list, n, &error), 0, "prepared"))
        diag("%s", netio_error_str(&error, text, sizeof text));
    netio_listeners_commit(set);
}

LISTENING char *text_of(const char *prefix, unsigned port)
{
    static char texts[16][64];
    static unsigned next;
    char *text = texts[next++ % 16];

    snprintf(text, sizeof *texts, "%s%u", prefix, port);
    return text;
}

/* A client of 127.0.0.1: its descriptor or -errno. */
LISTENING int client(unsigned port)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&in4, sizeof in4) == 0)
        return fd;
    int code = -errno;
    close(fd);
    return code;
}

/* The folder of a test that has paths, which it makes with mkdtemp and removes. */
LISTENING char folder[] = "/tmp/netio-listeners-XXXXXX";

/* -1: there is no such path. */
LISTENING mode_t mode_of(const char *name)
{
    char path[160];
    struct stat st = {0};

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(path, &st) == 0 ? st.st_mode & 0777 : (mode_t)-1;
}

#endif
