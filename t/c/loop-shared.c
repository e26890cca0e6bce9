/* Tests of netio/loop.h: a listening socket that several processes watch.  B3 of the fault
 * catalogue: a client wakes two of them at most. */
#include "tap.h"

#include <netio/addr.h>
#include <netio/loop.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 8, CLIENTS = 50 };

static int listener, told[2], life[2];

/* One client at most, as a busy server would; 'n': somebody else has taken it. */
static void let_in(struct netio_watch *watch, unsigned events)
{
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)events;
    if (write(told[1], fd == -1 ? "n" : "y", 1) != 1)
        _exit(2);
    netio_fd_close(fd);
}

static void end(struct netio_watch *watch, unsigned events)
{
    (void)watch;
    (void)events;
    _exit(0);
}

static void be_woken(unsigned events)
{
    struct netio_watch in = {.ready = let_in}, out = {.ready = end};
    struct netio_loop *loop;

    close(life[1]);
    close(told[0]);
    if (netio_loop_new(&loop, 0) || netio_watch_start(loop, &in, listener, events) ||
        netio_watch_start(loop, &out, life[0], NETIO_READ) || write(told[1], "s", 1) != 1)
        _exit(1);
    (void)netio_loop_run(loop);
    _exit(3);
}

/* Reads what processes tell, up to the first of this kind; how many woke for nothing. */
static int wait_for(char kind)
{
    int for_nothing = 0;
    char byte = 0;

    while (byte != kind && read(told[0], &byte, 1) == 1)
        for_nothing += byte == 'n';
    return for_nothing;
}

static void listen_here(struct netio_addr *address)
{
    netio_addr_parse(address, "127.0.0.1");
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(listener, &address->u.sa, address->len) || listen(listener, 100) ||
        netio_addr_local(address, listener) || pipe(told) || pipe(life))
        fail("a listener: %s", strerror(errno));
}

/* How many wake-ups so many clients lead to, one after the other. */
static int wake_ups(unsigned events)
{
    struct netio_addr address;
    int status, bad = 0, woken = 0;

    listen_here(&address);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            be_woken(events);
    close(life[0]);
    close(told[1]);
    for (int i = 0; i < PROCESSES; i++)
        wait_for('s');
    for (int i = 0; i < CLIENTS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, &address.u.sa, address.len))
            fail("connected: %s", strerror(errno));
        woken += 1 + wait_for('y');
        close(fd);
    }
    close(life[1]);
    woken += wait_for('\0'); /* to the end of file: none lives on */
    for (int i = 0; i < PROCESSES; i++)
        bad += wait(&status) == -1 || status != 0;
    is_int(bad, 0, "%d processes end well", PROCESSES);
    close(told[0]);
    close(listener);
    return woken;
}

static void test_change(void)
{
    struct netio_watch watch = {.ready = let_in};
    struct netio_addr address;
    struct netio_loop *loop;

    listen_here(&address);
    netio_loop_new(&loop, 0);
    is_int(netio_watch_start(loop, &watch, listener, NETIO_READ | NETIO_EXCLUSIVE), 0, "exclusive");
    is_int(netio_watch_change(&watch, NETIO_READ), -EINVAL, "and for good");
    netio_watch_stop(&watch);
    is_int(netio_watch_start(loop, &watch, listener, NETIO_READ), 0, "until it is stopped");
    is_int(netio_watch_change(&watch, NETIO_READ | NETIO_EXCLUSIVE), -EINVAL,
           "one that is not does not become so");
    netio_watch_stop(&watch);
    netio_loop_free(loop);
    for (int i = 0; i < 2; i++) {
        close(told[i]);
        close(life[i]);
    }
    close(listener);
}

int main(void)
{
    alarm(TAP_SECONDS);
    int woken = wake_ups(NETIO_READ | NETIO_EXCLUSIVE);
    ok(woken <= 2 * CLIENTS, "B3: %d clients wake %d times in %d processes", CLIENTS, woken,
       PROCESSES);
    test_change();
    return tap_done();
}
