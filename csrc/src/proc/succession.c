/* Ring 2.  Whether this process is the successor of one that is being upgraded; see succession.h.
 * Called by daemonize.c and by the supervisor; it touches one variable of the environment and the
 * descriptors that this names. */
#include "proc/succession.h"
#include "proc/number.h"

#include <netio/fd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VARIABLE "NETIO_UPGRADE"

/* Of the process that has asked first: a child of fork is no successor. */
static struct {
    pid_t asked; /* 0: nobody has */
    int is;
    struct netio__succession left;
} own;

/* The next field as a number; -1 for none. */
static int field(char **text)
{
    char *word = strsep(text, ":");
    int64_t value = word ? netio__number(word) : -1;

    return value > INT32_MAX ? -1 : (int)value;
}

/* Whether that process has made the pair of sockets of which fd is one. */
static int is_from(int fd, pid_t predecessor)
{
    struct ucred peer = {.pid = 0};
    int type = 0;
    socklen_t len = sizeof peer, type_len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_SEQPACKET &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == predecessor;
}

static int read_variable(struct netio__succession *left)
{
    const char *value = getenv(VARIABLE);
    char copy[NETIO__SUCCESSION_STRLEN] = "", *text = copy;

    if (!value || strlen(value) >= sizeof copy)
        return 0;
    strcpy(copy, value);
    left->predecessor = field(&text);
    left->control = field(&text);
    left->pidfile = field(&text);
    left->detached = field(&text);
    if (left->predecessor <= 0 || left->control < 0 || !is_from(left->control, left->predecessor))
        return 0;
    return netio_fd_cloexec(left->control, 1) == 0 && netio_fd_nonblock(left->control, 1) == 0 &&
           (left->pidfile < 0 || netio_fd_cloexec(left->pidfile, 1) == 0);
}

struct netio__succession *netio__succession(void)
{
    if (!own.asked) {
        own.asked = getpid();
        own.is = read_variable(&own.left);
        unsetenv(VARIABLE);
    }
    return own.is && own.asked == getpid() ? &own.left : NULL;
}

void netio__succession_str(char *out, size_t size, const struct netio__succession *succession)
{
    char pidfile[16] = "";

    if (succession->pidfile >= 0)
        snprintf(pidfile, sizeof pidfile, "%d", succession->pidfile);
    snprintf(out, size, VARIABLE "=%ld:%d:%s:%d", (long)succession->predecessor,
             succession->control, pidfile, succession->detached);
}
