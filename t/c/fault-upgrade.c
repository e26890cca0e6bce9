/* Every call of an upgrade into the system fails in turn, on both sides; see t/c/fault.h. */
#include "fault.h"

#include "proc/succession.h"
#include "server/control.h"
#include "server/listeners.h"

#include <netio/fd.h>
#include <netio/parcel.h>
#include <netio/upgrade.h>

static const char *const addresses[] = {"127.0.0.1:0"};

static struct netio_listeners *new_set(void)
{
    struct netio_listeners *set;

    fault_off();
    if (netio_listeners_new(&set) != 0 || netio_listeners_prepare(set, addresses, 1, NULL) != 0)
        set = NULL;
    else
        netio_listeners_commit(set);
    fault_on();
    return set;
}

/* Whether the set is as it was, with nothing of a next configuration. */
static int is_unchanged(const struct netio_listeners *set)
{
    const struct netio_listener *present = netio_listeners_at(set, NETIO_LISTENERS_PRESENT, 0);

    return present && present->fd >= 0 &&
           present == netio_listeners_at(set, NETIO_LISTENERS_NEXT, 0);
}

/* The program ends without a word; all is as before, and says why. */
static int predecessor(void)
{
    char *argv[] = {"true", NULL};
    struct netio_listeners *set = new_set();
    struct netio_upgrade_plan plan = {
        .program = "/bin/true", .argv = argv, .listeners = set, .ready_seconds = 20};
    struct netio_upgrade *upgrade;
    struct netio_error error = {0};
    struct netio_loop *loop;
    netio_deadline deadline = netio_deadline_in(20);

    fault_off();
    int wrong = netio_loop_new(&loop, 0);
    fault_on();
    int code = netio_upgrade_start(&upgrade, loop, &plan, &error);
    if (!code) {
        while ((code = netio_upgrade_step(upgrade, &error)) == -EAGAIN &&
               !netio_deadline_passed(deadline))
            (void)netio_loop_step(loop, netio_deadline_in(0.01));
        wrong += code == -EAGAIN;
        netio_upgrade_free(upgrade);
    }
    fault_off();
    wrong += code == 0 || error.code != code || !is_unchanged(set);
    netio_listeners_free(set);
    netio_loop_free(loop);
    wrong += waitpid(-1, NULL, WNOHANG) != -1;
    fault_on();
    return wrong;
}

/* As a predecessor has it: the socket with a listener in it. */
static int leave(struct netio_listeners *set, int *end)
{
    struct netio_parcel *parcel;
    struct netio__legacy legacy;
    size_t at = 0;
    int ends[2];

    if (netio__control_pair(ends) != 0 || !netio__listeners_legacy(set, &at, &legacy) ||
        netio_parcel_new(&parcel) != 0)
        return 1;
    *end = ends[0];
    netio__succession()->control = ends[1];
    int wrong = netio_parcel_add(parcel, legacy.fd, "listener 0 0 %s", legacy.text) != 0;
    int sealed = netio_parcel_seal(parcel);
    wrong += netio__control_send_bytes(ends[0], "listeners", 9, sealed) != 0;
    netio_fd_close(sealed);
    netio_parcel_free(parcel);
    return wrong;
}

static int successor(void)
{
    struct netio_listeners *set = new_set(), *own = NULL;
    struct netio_successor *self;
    struct netio_error error = {0};
    struct netio_loop *loop = NULL;
    int end = -1;

    fault_off();
    int wrong = netio_loop_new(&loop, 0) || netio_listeners_new(&own) || leave(set, &end);
    fault_on();
    int code = netio_successor_new(&self, loop, own, &error);
    if (!code) {
        code = netio_listeners_prepare(own, addresses, 1, &error);
        netio_successor_ready(self);
        fault_off();
        (void)netio__control_send_bytes(end, "go", 2, -1);
        fault_on();
        int went = netio_successor_step(self);
        fault_off();
        if (went == -EAGAIN)
            went = netio_successor_step(self);
        fault_on();
        wrong += went != 0;
        netio_successor_done(self);
        netio_successor_free(self);
    } else {
        wrong += error.code != code;
        netio_fd_close(netio__succession()->control);
    }
    fault_off();
    netio_listeners_free(own);
    netio_listeners_free(set);
    netio_loop_free(loop);
    netio_fd_close(end);
    fault_on();
    return wrong;
}

/* This process becomes a successor by a socket of its own making. */
static int become_successor(void)
{
    char text[64];
    int ends[2];

    if (netio__control_pair(ends) != 0)
        return 0;
    snprintf(text, sizeof text, "%d:%d::0", (int)getpid(), ends[1]);
    setenv("NETIO_UPGRADE", text, 1);
    int is = netio_successor_is();
    netio_fd_close(ends[0]);
    netio_fd_close(ends[1]);
    return is;
}

/* A child of fork is not what its parent is. */
static int child_is_successor(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(netio_successor_is());
    waitpid(pid, &status, 0);
    return status;
}

int main(void)
{
    fault_walk("a predecessor", predecessor);
    ok(become_successor(), "a successor of itself");
    is_int(child_is_successor(), 0, "its children are none");
    ok(getenv("NETIO_UPGRADE") == NULL, "nobody else will take himself for one");
    fault_walk("a successor", successor);
    return tap_done();
}
