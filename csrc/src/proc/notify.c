/* Ring 2.  The protocol of sd_notify(3), both ends; see netio/notify.h.  Called by daemonize.c, by
 * daemons and by who supervises them; it touches three variables of the environment and sockets of
 * its own.
 *
 * The daemon's socket is connected as early as possible: later there may be a root without the
 * manager's path, a user who may not search it, a sandbox.  It is connected again when that address
 * has got another socket meanwhile. */
#include "proc/number.h"
#include "proc/succession.h"

#include <netio/clock.h>
#include <netio/fd.h>
#include <netio/notify.h>
#include <netio/text.h>

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READY_SECONDS 2.0  /* that the first READY waits for a manager that does not read */
#define MESSAGE_MAX   4096 /* bytes; longer ones are no message: what systemd says, too */
#define STATUS_MAX    1024 /* bytes of STATUS that are sent */
#define FDS_MAX       253  /* SCM_MAX_FD: more do not come in one message */
#define WATCHDOG_MAX  (100LL * 366 * 86400 * 1000000) /* microseconds; longer is never */

struct netio_notify {
    int fd;
    int connected;
    int told;      /* READY, once */
    int stopping;  /* the manager knows */
    int64_t pause; /* nanoseconds between two signs of life; 0: none are wanted */
    pid_t owner;
    struct netio_loop *loop;
    struct netio_timer timer;
    socklen_t len;
    struct sockaddr_un address;
};

/* ---- the daemon's end ---------------------------------------------------------------------- */

static int parse_address(struct netio_notify *notify, const char *text)
{
    struct sockaddr_un *un = &notify->address;
    size_t len = strlen(text);

    /* A path keeps its NUL; an abstract address has one in front, and may fill all there is. */
    if ((text[0] != '/' && text[0] != '@') || len < 2 ||
        len > sizeof un->sun_path - (text[0] == '/'))
        return NETIO_EBADADDRESS;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, text, len);
    if (text[0] == '@')
        un->sun_path[0] = '\0';
    notify->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
    return 0;
}

static int parse_watchdog(struct netio_notify *notify, const char *usec, const char *pid,
                          const char **subject)
{
    int64_t value = netio__number(usec), owner = pid ? netio__number(pid) : notify->owner;

    if (value < 0 || owner < 0) {
        *subject = value < 0 ? "WATCHDOG_USEC" : "WATCHDOG_PID";
        return NETIO_EBADOPTION;
    }
    if (owner == notify->owner && value > 0 && value < WATCHDOG_MAX)
        notify->pause = value > 2000 ? value * 1000 / 2 : 1000000;
    return 0;
}

static int make_socket(struct netio_notify *notify)
{
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return notify->fd == -1 ? -errno : 0;
}

static int connect_to(struct netio_notify *notify)
{
    const struct sockaddr *sa = (const struct sockaddr *)&notify->address;

    notify->connected = connect(notify->fd, sa, notify->len) == 0;
    return notify->connected ? 0 : -errno;
}

static int build(struct netio_notify **out, const char *address, const char *usec, const char *pid,
                 struct netio_error *error)
{
    struct netio_notify *notify = calloc(1, sizeof *notify);
    const char *subject = address;
    int code = -ENOMEM;

    if (notify) {
        notify->fd = -1;
        notify->owner = getpid();
        code = parse_address(notify, address);
    }
    if (code == 0 && usec)
        code = parse_watchdog(notify, usec, pid, &subject);
    if (code == 0)
        code = make_socket(notify);
    if (code) {
        netio_notify_free(notify);
        return netio_error_set(error, NETIO_STAGE_NOTIFY, code, NULL, subject);
    }
    (void)connect_to(notify); /* whether the manager is there is the calls' to say */
    *out = notify;
    return 0;
}

/* The manager of a machine that runs virtual ones; it has nothing to say here. */
static int is_vsock(const char *address)
{
    return strncmp(address, "vsock", 5) == 0;
}

int netio_notify_new(struct netio_notify **notify, struct netio_error *error)
{
    const char *address = getenv("NOTIFY_SOCKET");
    int code = 0;

    *notify = NULL;
    if (address && *address && !is_vsock(address))
        code = build(notify, address, getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), error);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return code;
}

void netio_notify_free(struct netio_notify *notify)
{
    if (!notify)
        return;
    netio_timer_stop(&notify->timer);
    netio_fd_close(notify->fd);
    free(notify);
}

static int send_once(struct netio_notify *notify, const char *text)
{
    int code = notify->connected ? 0 : connect_to(notify);

    if (code)
        return code;
    ssize_t n = netio_fd_send(notify->fd, text, strlen(text));
    return n < 0 ? (int)n : 0;
}

static int tell(struct netio_notify *notify, const char *text)
{
    if (!notify)
        return 0;
    int code = send_once(notify, text);
    /* A manager that was restarted is another socket at the same address. */
    if (code == -ECONNREFUSED || code == -ENOTCONN || code == -ECONNRESET) {
        notify->connected = 0;
        code = send_once(notify, text);
    }
    return code;
}

int netio_notify_ready(struct netio_notify *notify)
{
    netio_deadline deadline = netio_deadline_in(READY_SECONDS);
    int code = tell(notify, "READY=1");

    /* Nobody is served yet, so nobody waits; and a start that went unheard is a start that failed.
     * The queue may have been filled by others: it is one for all services of a manager. */
    while (code == -EAGAIN && !notify->told && !netio_deadline_passed(deadline)) {
        int ready = netio_fd_poll(notify->fd, NETIO_WRITE, deadline);
        if (ready < 0 && ready != -EINTR)
            break;
        code = tell(notify, "READY=1");
    }
    if (notify)
        notify->told = 1;
    return code;
}

int netio_notify_reloading(struct netio_notify *notify)
{
    char text[64];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, netio_clock_now() / 1000);
    return tell(notify, text);
}

int netio_notify_stopping(struct netio_notify *notify)
{
    if (!notify || notify->stopping)
        return 0;
    int code = tell(notify, "STOPPING=1");
    notify->stopping = code == 0;
    return code;
}

int netio__notify_mainpid(struct netio_notify *notify, pid_t pid)
{
    char text[64];

    snprintf(text, sizeof text, "MAINPID=%ld", (long)pid);
    return tell(notify, text);
}

size_t netio__notify_pass(const struct netio_notify *notify, char variables[2][128])
{
    size_t count = 0;

    if (!notify)
        return 0;
    const char *path = notify->address.sun_path;
    int abstract = !path[0];
    int n = (int)(notify->len - offsetof(struct sockaddr_un, sun_path)) - 1;
    snprintf(variables[count++], sizeof variables[0], "NOTIFY_SOCKET=%s%.*s", abstract ? "@" : "",
             n, path + abstract);
    if (notify->pause > 0)
        snprintf(variables[count++], sizeof variables[0], "WATCHDOG_USEC=%" PRId64,
                 notify->pause * 2 / 1000);
    return count;
}

/* One line of UTF-8 without anything that is not shown; a line end would begin a new variable. */
static void make_line(const char *bytes, size_t n, char *out, size_t size)
{
    size_t used;

    netio_text_shown(bytes, n, out, size, &used);
    for (; *out; out++)
        if (*out == '\n' || *out == '\t')
            *out = ' ';
}

int netio_notify_status(struct netio_notify *notify, const char *text)
{
    char message[sizeof "STATUS=" + STATUS_MAX] = "STATUS=";

    make_line(text, strlen(text), message + strlen(message), STATUS_MAX);
    return tell(notify, message);
}

static void sign_of_life(struct netio_timer *timer)
{
    struct netio_notify *notify = timer->data;

    /* A child of fork that goes on with the loop speaks for itself, not for the service. */
    if (notify->owner != getpid())
        return;
    (void)tell(notify, "WATCHDOG=1");
    /* Lack of memory is the one reason to fail: not in a handler, where the place is still there.
     */
    (void)netio_timer_start(notify->loop, timer, netio_clock_now() + notify->pause);
}

int netio_notify_watchdog(struct netio_notify *notify, struct netio_loop *loop)
{
    if (!notify || notify->pause == 0)
        return 0;
    netio_timer_stop(&notify->timer);
    if (!loop)
        return 0;
    notify->loop = loop;
    notify->timer.fire = sign_of_life;
    notify->timer.data = notify;
    int code = netio_timer_start(loop, &notify->timer, netio_clock_now() + notify->pause);
    return code ? code : tell(notify, "WATCHDOG=1");
}

/* ---- the manager's end --------------------------------------------------------------------- */

int netio_notify_listen(char *name, size_t size)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t len = sizeof un;
    int on = 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd == -1)
        return -errno;
    /* An address of nothing but the family: the kernel finds one that is free. */
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1 ||
        bind(fd, (struct sockaddr *)&un, sizeof un.sun_family) == -1 ||
        getsockname(fd, (struct sockaddr *)&un, &len) == -1) {
        int code = -errno;
        netio_fd_close(fd);
        return code;
    }
    size_t length = len - offsetof(struct sockaddr_un, sun_path);
    if (length == 0 || length >= size) {
        netio_fd_close(fd);
        return -ENAMETOOLONG;
    }
    memcpy(name, un.sun_path, length);
    name[0] = '@';
    name[length] = '\0';
    return fd;
}

static void close_all(const struct cmsghdr *part)
{
    const unsigned char *data = CMSG_DATA(part);
    int fd;

    for (size_t left = part->cmsg_len - CMSG_LEN(0); left >= sizeof fd; left -= sizeof fd) {
        memcpy(&fd, data, sizeof fd);
        netio_fd_close(fd);
        data += sizeof fd;
    }
}

/* The sender's pid, 0 when the kernel names none: one of another pid namespace. */
static pid_t read_control(struct msghdr *header)
{
    struct ucred who = {.pid = 0};

    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET)
            continue;
        if (part->cmsg_type == SCM_RIGHTS)
            close_all(part);
        else if (part->cmsg_type == SCM_CREDENTIALS)
            memcpy(&who, CMSG_DATA(part), sizeof who);
    }
    return who.pid;
}

int netio_notify_receive(int fd, struct netio_notify_message *message)
{
    char bytes[MESSAGE_MAX];
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    ssize_t n;

    memset(message, 0, sizeof *message);
    do
        n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return errno == EAGAIN ? 0 : -errno;
    pid_t pid = read_control(&header);
    if (pid <= 0 || header.msg_flags & MSG_TRUNC)
        return 0;
    netio_notify_parse(message, bytes, (size_t)n);
    message->pid = pid;
    return 1;
}

static int is_set(const char *line, size_t n, const char *name)
{
    size_t len = strlen(name);

    return n == len + 2 && memcmp(line, name, len) == 0 && memcmp(line + len, "=1", 2) == 0;
}

static void parse_line(struct netio_notify_message *message, const char *line, size_t n)
{
    static const char status[] = "STATUS=";
    const size_t len = sizeof status - 1;

    message->ready |= is_set(line, n, "READY");
    message->reloading |= is_set(line, n, "RELOADING");
    message->stopping |= is_set(line, n, "STOPPING");
    message->watchdog |= is_set(line, n, "WATCHDOG");
    if (n >= len && memcmp(line, status, len) == 0)
        make_line(line + len, n - len, message->status, sizeof message->status);
}

void netio_notify_parse(struct netio_notify_message *message, const char *bytes, size_t size)
{
    memset(message, 0, sizeof *message);
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        size_t n = end ? (size_t)(end - bytes) : size;
        parse_line(message, bytes, n);
        n += end != NULL;
        bytes += n;
        size -= n;
    }
}
