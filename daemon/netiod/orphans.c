/* netiod: children that it has not started; see orphans.h.
 * Called by run.c; reaps, and touches nothing else.
 *
 * The kernel tells of one that has ended, always the same until that is reaped.  If it is one of
 * ours its pidfd is readable as well: the next step of the loop does not wait, and reaps it. */
#include "orphans.h"
#include "process.h"

#include <netio/upgrade.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* waitid(2) fails where there is no child at all. */
int orphans_may_come(void)
{
    siginfo_t info;
    int is_subreaper = 0;

    (void)prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
    return getpid() == 1 || is_subreaper ||
           waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Of an adopted one only the end is waited for: reaped it can be by anyone whose child it is. */
static int is_own(const struct house *house, pid_t pid)
{
    if (house->upgrade && netio_upgrade_pid(house->upgrade) == pid)
        return 1;
    if (house->left && house->successor.pid == pid)
        return 1;
    for (const struct process *process = house->processes; process; process = process->in_house)
        if (process->child.pid == pid)
            return !process->adopted;
    return 0;
}

int orphans_reap(const struct house *house)
{
    siginfo_t info = {.si_pid = 0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        if (is_own(house, info.si_pid))
            return 1;
        (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        info.si_pid = 0;
    }
    return 0;
}
