/* Ring 2.  A child that lives in its parent's memory until it executes its program; see become.h.
 * child.c alone calls it; in the caller it touches the signal mask and, when the child changes its
 * user, the dumpable flag, and puts them back.
 *
 * vfork(2) does this, too, but its wait ends with exec and not before: any process of the user that
 * the child has become could stop the child, and with it a parent that is root.  This wait is the
 * caller's own, and has a deadline: the kernel clears a word, and wakes who waits for that, as soon
 * as the child lets go of the memory, for whatever reason (CLONE_CHILD_CLEARTID).
 *
 * While the child lives there
 *
 *      the caller is in the kernel, but for wait_for, which leaves errno to the child
 *      it handles no signal
 *      nobody but root may trace the child or read its memory: privileges.c sees to it that the
 *      dumpable flag is clear before the child has the uids that would allow it
 *
 * After the deadline, or as soon as it is found stopped, it is killed: only who can kill it starts
 * it here.  One that is out of reach even so, because a file system does not answer, never comes
 * back from the kernel, but the kernel may still write to its stack and clear its word: that memory
 * is left to it. */
#include "become.h"

#include <netio/fd.h>

#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h> /* without AddressSanitizer these do nothing */
#else
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)0)
#endif

#define STACK_SIZE 0x10000
#define GUARD_SIZE 0x10000 /* at least a page, wherever this runs */

/* Where the child runs, kept for the next one.  Only programs with one thread come here. */
struct nursery {
    char guard[GUARD_SIZE];
    char stack[STACK_SIZE]; /* which grows towards the guard */
    int occupied;           /* the word */
};

static struct nursery *nursery;

static int fail(struct netio_error *error, int code, const char *subject)
{
    return netio_error_set(error, NETIO_STAGE_CHILD, code, NULL, subject);
}

/* 0, -errno or NETIO__CHILD_BY_FORK.  A kernel that has no pidfd_open(2), or valgrind in its place,
 * does not know CLONE_PIDFD either, nor would it say so. */
static int make_nursery(void)
{
    if (nursery)
        return 0;
    int pidfd = pidfd_open(getpid(), 0);
    if (pidfd == -1)
        return errno == ENOSYS ? NETIO__CHILD_BY_FORK : -errno;
    netio_fd_close(pidfd);
    void *memory = mmap(NULL, sizeof *nursery, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    if (mprotect(memory, GUARD_SIZE, PROT_NONE) == -1) {
        int code = -errno;
        (void)munmap(memory, sizeof *nursery);
        return code;
    }
    nursery = memory;
    return 0;
}

/* One that runs as another needs the capability. */
static int may_kill(const struct netio_user *user)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    if (!user || user->uid == geteuid())
        return 1;
    return syscall(SYS_capget, &header, data) == 0 && data[0].effective & 1u << CAP_KILL;
}

static int is_occupied(void)
{
    return __atomic_load_n(&nursery->occupied, __ATOMIC_ACQUIRE);
}

/* futex(2), FUTEX_WAIT: 0 or -errno.  Not by the C library, whose errno the child is using. */
#if defined __x86_64__
#define LEAVES_ERRNO 1
static long futex_wait(int *word, const long *until)
{
    register const long *timeout __asm__("r10") = until;
    long result = SYS_futex;

    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(word), "S"((long)FUTEX_WAIT), "d"(1L), "r"(timeout)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
#define LEAVES_ERRNO 1
static long futex_wait(int *word, const long *until)
{
    register long number __asm__("x8") = SYS_futex;
    register long result __asm__("x0") = (long)word;
    register long operation __asm__("x1") = FUTEX_WAIT;
    register long expected __asm__("x2") = 1;
    register const long *timeout __asm__("x3") = until;

    __asm__ volatile("svc 0"
                     : "+r"(result)
                     : "r"(number), "r"(operation), "r"(expected), "r"(timeout)
                     : "memory");
    return result;
}
#else
#define LEAVES_ERRNO 0
static long futex_wait(int *word, const long *until)
{
    return syscall(SYS_futex, word, FUTEX_WAIT, 1, until) == -1 ? -errno : 0;
}
#endif

/* Until the child has let go of this memory, or the deadline, but no longer than so many seconds.
 * 0, or -ETIMEDOUT when the deadline has passed.  Where futex(2) is forbidden, by looking now and
 * then. */
static int wait_a_while(netio_deadline deadline, double seconds)
{
    double left = deadline == NETIO_NEVER ? seconds : netio_deadline_left(deadline);

    if (left <= 0)
        return -ETIMEDOUT;
    if (left > seconds)
        left = seconds;
    /* As the call takes it, however wide time_t may be. */
    const long until[2] = {(long)left, (long)((left - (double)(long)left) * 1e9)};
    long code = futex_wait(&nursery->occupied, until);
    if (code < 0 && code != -EAGAIN && code != -EINTR && code != -ETIMEDOUT)
        (void)poll(NULL, 0, 1);
    return 0;
}

static int wait_until(netio_deadline deadline)
{
    int code = 0;

    while (is_occupied() && code == 0)
        code = wait_a_while(deadline, NETIO__STUCK_SECONDS);
    return code;
}

/* The same for one that nobody has stopped: NETIO_EDIED.  Whoever cannot look without touching
 * errno waits for its deadline. */
static int wait_for(const struct netio_child *child, netio_deadline deadline)
{
    if (!LEAVES_ERRNO)
        return wait_until(deadline);
    while (is_occupied()) {
        int code = wait_a_while(deadline, NETIO__LOOK_SECONDS);
        if (code)
            return code;
        if (is_occupied() && netio__child_is_stopped(child->pidfd))
            return NETIO_EDIED;
    }
    return 0;
}

/* It has had its time.  One that no signal can be sent to is waited for as long as it takes: it
 * would go on in memory that is used for other things by then. */
static void end_it(struct netio_child *child)
{
    int sent = pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0) == 0;

    if (wait_until(sent ? netio_deadline_in(NETIO__STUCK_SECONDS) : NETIO_NEVER) == 0)
        return;
    nursery = NULL;
    netio_child_forget(child);
}

/* What to say of it once it has let go. */
static int outcome(const struct netio__birth *birth, struct netio_error *error)
{
    if (birth->said.code == 0)
        return birth->executes ? 0 : fail(error, NETIO_EDIED, birth->plan->path);
    if (error)
        *error = birth->said;
    return birth->said.code;
}

/* All signals are blocked, in the child as well. */
static int give_birth(struct netio_child *child, struct netio__birth *birth,
                      struct netio_error *error)
{
    int dumpable = birth->plan->world.privileges.user ? prctl(PR_GET_DUMPABLE) : -1;

    nursery->occupied = 1;
    ASAN_UNPOISON_MEMORY_REGION(nursery->stack, STACK_SIZE);
    child->pid = clone(netio__become_in_place, nursery->stack + STACK_SIZE,
                       CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD, birth,
                       &child->pidfd, NULL, &nursery->occupied);
    if (child->pid == -1) {
        *child = (struct netio_child){.pidfd = -1};
        return errno == EPERM || errno == ENOSYS || errno == EINVAL ? NETIO__CHILD_BY_FORK
                                                                    : fail(error, -errno, "clone");
    }
    int code = wait_for(child, birth->deadline);
    if (code)
        end_it(child);
    /* Not as long as somebody else is in this memory. */
    if (dumpable >= 0 && nursery)
        (void)prctl(PR_SET_DUMPABLE, (unsigned long)(dumpable == 1), 0UL, 0UL, 0UL);
    if (code == NETIO_EDIED)
        return netio__child_stopped(birth, error);
    return code ? fail(error, code, birth->plan->path) : outcome(birth, error);
}

int netio__child_by_sharing(struct netio_child *child, struct netio__birth *birth,
                            struct netio_error *error)
{
    sigset_t all, before;

    if (!__libc_single_threaded || !may_kill(birth->plan->world.privileges.user))
        return NETIO__CHILD_BY_FORK;
    birth->world.in_shared_memory = 1;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = make_nursery();
    if (code < 0)
        (void)fail(error, code, "mmap");
    else if (code == 0)
        code = give_birth(child, birth, error);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    birth->world.in_shared_memory = 0;
    return code;
}
