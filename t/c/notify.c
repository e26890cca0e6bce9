/* Tests of netio/notify.h: what the daemon sends, what the manager hears; the socket absent, too
 * long, gone, come again, full. */
#include "descriptors.h"
#include "tap.h"
#include <netio/clock.h>
#include <netio/notify.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static char folder[] = "/tmp/netio-notify-XXXXXX";

static void set(const char *socket, const char *usec, const char *pid)
{
    socket ? setenv("NOTIFY_SOCKET", socket, 1) : unsetenv("NOTIFY_SOCKET");
    usec ? setenv("WATCHDOG_USEC", usec, 1) : unsetenv("WATCHDOG_USEC");
    pid ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID");
}

static int is_clean(void)
{
    return !getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID");
}

static struct netio_notify *notify_to(const char *socket)
{
    struct netio_notify *notify;

    set(socket, NULL, NULL);
    return netio_notify_new(&notify, NULL) == 0 ? notify : NULL;
}

/* A manager's socket at a path, without credentials. */
static int listen_at(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    unlink(path);
    memcpy(un.sun_path, path, strlen(path) + 1);
    return bind(fd, (struct sockaddr *)&un, sizeof un) == 0 ? fd : -1;
}

static const char *next_text(int fd)
{
    static char text[8192];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void no_manager(void)
{
    struct netio_notify *notify = (struct netio_notify *)1;

    set(NULL, "1000000", "1");
    is_int(netio_notify_new(&notify, NULL), 0, "without NOTIFY_SOCKET");
    ok(notify == NULL, "there is none");
    ok(is_clean(), "and the environment is clean");
    is_int(netio_notify_ready(notify), 0, "NULL: ready");
    is_int(netio_notify_reloading(notify), 0, "NULL: reloading");
    is_int(netio_notify_stopping(notify), 0, "NULL: stopping");
    is_int(netio_notify_status(notify, "x"), 0, "NULL: status");
    is_int(netio_notify_watchdog(notify, NULL), 0, "NULL: watchdog");
    netio_notify_free(notify);
    for (size_t i = 0; i < 3; i++) {
        static const char *const nobody[] = {"", "vsock:2:1", "vsock-stream:2:1"};
        set(nobody[i], "1000000", NULL);
        is_int(netio_notify_new(&notify, NULL), 0, "\"%s\"", nobody[i]);
        ok(notify == NULL && is_clean(), "is none");
    }
}

static void wrong_variables(void)
{
    static char long_path[200], long_abstract[200];
    static const struct {
        const char *socket, *usec, *pid, *subject;
        int code;
    } rows[] = {
        {"run/notify", NULL, NULL, "run/notify", NETIO_EBADADDRESS},
        {"@", NULL, NULL, "@", NETIO_EBADADDRESS},
        {"/", NULL, NULL, "/", NETIO_EBADADDRESS},
        {long_path, NULL, NULL, NULL, NETIO_EBADADDRESS},
        {long_abstract, NULL, NULL, NULL, NETIO_EBADADDRESS},
        {"@x", "", NULL, "WATCHDOG_USEC", NETIO_EBADOPTION},
        {"@x", "-1", NULL, "WATCHDOG_USEC", NETIO_EBADOPTION},
        {"@x", "1s", NULL, "WATCHDOG_USEC", NETIO_EBADOPTION},
        {"@x", "99999999999999999999", NULL, "WATCHDOG_USEC", NETIO_EBADOPTION},
        {"@x", "1000", "me", "WATCHDOG_PID", NETIO_EBADOPTION},
        {"@x", "1s", "me", "WATCHDOG_USEC", NETIO_EBADOPTION},
    };

    memset(long_path, 'x', 108);
    long_path[0] = '/';
    memset(long_abstract, 'x', 109);
    long_abstract[0] = '@';
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct netio_notify *notify;
        struct netio_error error;
        set(rows[i].socket, rows[i].usec, rows[i].pid);
        is_int(netio_notify_new(&notify, &error), rows[i].code, "%s %s: no", rows[i].socket,
               rows[i].usec ? rows[i].usec : "");
        ok(notify == NULL && is_clean() && error.stage == NETIO_STAGE_NOTIFY, "and all is clean");
        if (rows[i].subject)
            is_str(error.subject, rows[i].subject, "it says what is wrong");
    }
}

static void longest_addresses(void)
{
    char path[109] = "", abstract[110] = "";
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    snprintf(path, sizeof path, "%s/%0*d", folder, 107 - (int)strlen(folder) - 1, 0);
    int fd = listen_at(path);
    struct netio_notify *notify = notify_to(path);
    is_int(netio_notify_ready(notify), 0, "a path of 107 bytes");
    is_str(next_text(fd), "READY=1", "is reached");
    netio_notify_free(notify);
    close(fd);
    unlink(path);
    memset(abstract, 'n', 108);
    memcpy(un.sun_path, abstract, 108);
    un.sun_path[0] = '\0';
    abstract[0] = '@';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    is_int(bind(fd, (struct sockaddr *)&un, sizeof un), 0, "an abstract one of 108");
    notify = notify_to(abstract);
    is_int(netio_notify_ready(notify), 0, "is an address");
    is_str(next_text(fd), "READY=1", "and is reached");
    netio_notify_free(notify);
    close(fd);
}

static void what_is_sent(const char *path)
{
    int fd = listen_at(path);
    struct netio_notify *notify = notify_to(path);
    int64_t before = netio_clock_now() / 1000, usec = 0;
    char end;

    is_int(netio_notify_ready(notify), 0, "ready");
    is_str(next_text(fd), "READY=1", "READY, and no MAINPID");
    is_int(netio_notify_reloading(notify), 0, "reloading");
    is_int(sscanf(next_text(fd), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64 "%c", &usec, &end), 1,
           "RELOADING with a time stamp, and nothing behind it");
    ok(usec >= before && usec <= netio_clock_now() / 1000, "of CLOCK_MONOTONIC, in microseconds");
    is_int(netio_notify_stopping(notify), 0, "stopping");
    is_str(next_text(fd), "STOPPING=1", "STOPPING");
    is_int(netio_notify_stopping(notify), 0, "stopping once more");
    is_int(netio_notify_status(notify, "3 clients \"\xc3\xa9\""), 0, "status");
    is_str(next_text(fd), "STATUS=3 clients \"\xc3\xa9\"", "STATUS, in UTF-8");
    netio_notify_status(notify, "a\nREADY=1\tb\x1b[2J\xff");
    is_str(next_text(fd), "STATUS=a READY=1 b\\x1b[2J\\xff", "one line, made printable");
    char longer[5000];
    memset(longer, 'y', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    is_int(netio_notify_status(notify, longer), 0, "a long one");
    is_int(strlen(next_text(fd)), sizeof "STATUS=" - 1 + 1023, "is cut");
    netio_notify_free(notify);
    close(fd);
    unlink(path);
}

static void manager_absent(const char *path)
{
    int before = open_descriptors();
    struct netio_notify *notify = notify_to(path);

    ok(notify != NULL, "the socket is absent: no error yet");
    is_int(netio_notify_ready(notify), -ENOENT, "it is when something is to be told");
    int fd = listen_at(path);
    is_int(netio_notify_ready(notify), 0, "once it is there, it is told");
    is_str(next_text(fd), "READY=1", "READY");
    close(fd);
    is_int(netio_notify_status(notify, "x"), -ECONNREFUSED, "gone, though its path is there");
    unlink(path);
    is_int(netio_notify_status(notify, "x"), -ENOENT, "gone with its path");
    fd = listen_at(path);
    is_int(netio_notify_status(notify, "y"), 0, "a manager that was restarted is told again");
    is_str(next_text(fd), "STATUS=y", "as before");
    netio_notify_free(notify);
    close(fd);
    unlink(path);
    is_int(open_descriptors(), before, "no descriptor is left");
}

static int fill(struct netio_notify *notify)
{
    int code;

    while ((code = netio_notify_status(notify, "x")) == 0)
        ;
    return code;
}

static void manager_that_does_not_read(const char *path)
{
    int fd = listen_at(path), status;
    struct netio_notify *filler = notify_to(path), *notify = notify_to(path);

    is_int(fill(filler), -EAGAIN, "a full queue: it does not wait");
    pid_t pid = fork();
    if (pid == 0)
        _exit(next_text(fd)[0] == 'S' ? 0 : 1);
    is_int(netio_notify_ready(notify), 0, "but the first ready does, until there is room");
    waitpid(pid, &status, 0);
    is_int(netio_notify_ready(notify), -EAGAIN, "the second does not");
    netio_notify_free(notify);
    notify = notify_to(path);
    is_int(netio_notify_ready(notify), -EAGAIN, "nor does the first wait for ever");
    netio_notify_free(notify);
    netio_notify_free(filler);
    close(fd);
    unlink(path);
}

static void both_ends(void)
{
    struct netio_notify_message message;
    char name[64];
    int fd = netio_notify_listen(name, sizeof name), status;

    ok(fd >= 0 && name[0] == '@', "the manager's socket: %s", name);
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK, "with its flags");
    is_int(netio_notify_receive(fd, &message), 0, "nothing was said");
    pid_t pid = fork();
    if (pid == 0) {
        struct netio_notify *child = notify_to(name);
        int code = netio_notify_reloading(child) | netio_notify_stopping(child) |
                   netio_notify_status(child, "\x1b[31mred") | netio_notify_ready(child);
        _exit(code ? 1 : 0);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "a child says four things");
    is_int(netio_notify_receive(fd, &message), 1, "one");
    ok(message.reloading && !message.ready && message.pid == pid, "it reloads, and who says so");
    is_int(netio_notify_receive(fd, &message), 1, "two");
    ok(message.stopping && !message.reloading, "it stops");
    is_int(netio_notify_receive(fd, &message), 1, "three");
    is_str(message.status, "\\x1b[31mred", "its status, printable");
    is_int(netio_notify_receive(fd, &message), 1, "four");
    ok(message.ready && !message.status[0], "it is ready");
    close(fd);
    is_int(netio_notify_receive(fd, &message), -EBADF, "a closed one");
    is_int(netio_notify_listen(name, 3), -ENAMETOOLONG, "no room for the name");
}

static void send_descriptors(int to, const struct sockaddr_un *un, socklen_t len)
{
    int fds[3] = {0, 1, 2};
    char text[] = "READY=1\n", room[CMSG_SPACE(sizeof fds)] = "";
    struct iovec part = {.iov_base = text, .iov_len = 8};
    struct msghdr header = {.msg_name = (void *)un,
                            .msg_namelen = len,
                            .msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = room,
                            .msg_controllen = sizeof room};
    struct cmsghdr *control = CMSG_FIRSTHDR(&header);

    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(control), fds, sizeof fds);
    is_int(sendmsg(to, &header, 0), 8, "a message with three descriptors");
}

static void strange_messages(const char *path)
{
    struct netio_notify_message message;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char name[64], big[5000];
    int fd = netio_notify_listen(name, sizeof name);
    int from = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), before = open_descriptors();

    strcpy(un.sun_path, name);
    un.sun_path[0] = '\0';
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    send_descriptors(from, &un, len);
    is_int(netio_notify_receive(fd, &message), 1, "is one");
    ok(message.ready, "that says READY");
    is_int(open_descriptors(), before, "the three are closed");
    memset(big, '\n', sizeof big);
    memcpy(big, "READY=1", 7);
    sendto(from, big, sizeof big, 0, (struct sockaddr *)&un, len);
    is_int(netio_notify_receive(fd, &message), 0, "one that is cut off is none");
    sendto(from, big, 0, 0, (struct sockaddr *)&un, len);
    is_int(netio_notify_receive(fd, &message), 1, "an empty one");
    ok(!message.ready && message.pid == getpid(), "says nothing");
    close(fd);
    fd = listen_at(path);
    struct netio_notify *notify = notify_to(path);
    netio_notify_ready(notify);
    is_int(netio_notify_receive(fd, &message), 0, "without credentials it is none");
    ok(!message.ready, "at all");
    netio_notify_free(notify);
    close(fd);
    close(from);
    unlink(path);
}

static void parsing(void)
{
    static const struct {
        const char *text;
        int ready, reloading, stopping, watchdog;
        const char *status;
    } rows[] = {
        {"READY=1", 1, 0, 0, 0, ""},
        {"READY=1\nSTATUS=on", 1, 0, 0, 0, "on"},
        {"READY=0\nREADY=11\nREADY=1x\nREADY\n=1\nXREADY=1\n", 0, 0, 0, 0, ""},
        {"STATUS=a\nSTATUS=b\nWATCHDOG=1\n", 0, 0, 0, 1, "b"},
        {"\n\nSTOPPING=1\n\nRELOADING=1\r\n", 0, 0, 1, 0, ""},
        {"WATCHDOG=trigger\nRELOADING=1", 0, 1, 0, 0, ""},
        {"STATUS=", 0, 0, 0, 0, ""},
        {"STATUS", 0, 0, 0, 0, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct netio_notify_message message;
        netio_notify_parse(&message, rows[i].text, strlen(rows[i].text));
        ok(message.ready == rows[i].ready && message.reloading == rows[i].reloading &&
               message.stopping == rows[i].stopping && message.watchdog == rows[i].watchdog,
           "row %zu: its flags", i);
        is_str(message.status, rows[i].status, "row %zu: its status", i);
    }
}

static void child_in_the_loop(struct netio_loop *loop)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        /* The timer fires, and says nothing: nor does it start itself again. */
        while (netio_loop_next(loop) != NETIO_NEVER)
            if (netio_loop_step(loop, NETIO_NEVER) < 0)
                _exit(1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "a child that goes on with the loop gives no sign of life");
}

static void watchdog(void)
{
    struct netio_notify_message message;
    struct netio_notify *notify;
    struct netio_loop *loop;
    char name[64], pid[16];
    int fd = netio_notify_listen(name, sizeof name), seen = 0;

    netio_loop_new(&loop, 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    set(name, "20000", pid);
    is_int(netio_notify_new(&notify, NULL), 0, "a watchdog of 20 ms");
    is_int(netio_notify_watchdog(notify, loop), 0, "in a loop");
    ok(netio_loop_next(loop) <= netio_clock_now() + 10000000, "gives a sign twice in that time");
    is_int(netio_notify_receive(fd, &message), 1, "and the first");
    ok(message.watchdog, "at once");
    child_in_the_loop(loop);
    while (seen < 3 && netio_loop_step(loop, NETIO_NEVER) >= 0)
        for (; netio_notify_receive(fd, &message) == 1; seen++)
            if (!message.watchdog || message.pid != getpid())
                seen = 1000;
    is_int(seen, 3, "one after the other");
    is_int(netio_notify_watchdog(notify, NULL), 0, "without a loop");
    is_int(netio_loop_next(loop), NETIO_NEVER, "it ends");
    netio_notify_watchdog(notify, loop);
    netio_notify_free(notify);
    is_int(netio_loop_next(loop), NETIO_NEVER, "and when it is freed");
    static const char *const none[][2] = {
        {"0", NULL}, {NULL, NULL}, {"20000", "1"}, {"9000000000000000000", NULL}};
    for (int i = 0; i < 4; i++) {
        set(name, none[i][0], none[i][1]);
        is_int(netio_notify_new(&notify, NULL), 0, "WATCHDOG_USEC %s", none[i][0]);
        is_int(netio_notify_watchdog(notify, loop), 0, "is no watchdog");
        is_int(netio_loop_next(loop), NETIO_NEVER, "of this process");
        netio_notify_free(notify);
    }
    netio_loop_free(loop);
    close(fd);
}

int main(void)
{
    char path[64];

    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/notify", folder);
    no_manager();
    wrong_variables();
    longest_addresses();
    what_is_sent(path);
    manager_absent(path);
    manager_that_does_not_read(path);
    both_ends();
    strange_messages(path);
    parsing();
    watchdog();
    is_int(rmdir(folder), 0, "nothing is left in the folder");
    return tap_done();
}
