/* C15: system calls that return 0 and do nothing, each by itself and in every combination, the
 * calls that would tell among them, as a seccomp filter makes it.  netio_privileges_drop sees
 * through it, or nothing was missing: /proc/PID, which the parent reads, knows the truth. */
#include "tap.h"
#include <netio/privileges.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SYS_newfstatat
#define SYS_newfstatat SYS_fstatat64
#endif

static const int calls[] = {
    SYS_chroot,    SYS_chdir,     SYS_newfstatat, SYS_setgroups, SYS_getgroups, SYS_setresgid,
    SYS_getresgid, SYS_setresuid, SYS_getresuid,  SYS_capget,    SYS_capset,    SYS_prctl,
};

#define CALLS ((int)(sizeof calls / sizeof *calls))

static char root[] = "/tmp/netio-lies-XXXXXX";
static gid_t groups[] = {4201, 4301};
static const struct netio_user user = {
    .uid = 4201, .gid = 4201, .groups = groups, .groups_count = 2};
static const struct netio_privileges plan = {.user = &user, .root = root};

/* From now on the calls of the set return 0. */
static int lie(unsigned set)
{
    struct sock_filter code[CALLS + 4] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    unsigned short n = 1, count = (unsigned short)__builtin_popcount(set);

    for (int i = 0; i < CALLS; i++)
        if (set >> i & 1) {
            code[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
                                                   (unsigned char)(count - n + 1), 0);
            n++;
        }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO);
    const struct sock_fprog program = {.len = n, .filter = code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* What /proc says of a process, each field as it is to be. */
static int is_dropped(pid_t pid)
{
    static const char *const lines[] = {
        "\nUid:\t4201\t4201\t4201\t4201\n", "\nGid:\t4201\t4201\t4201\t4201\n",
        "\nGroups:\t4201 4301 \n",          "\nCapPrm:\t0000000000000000\n",
        "\nCapEff:\t0000000000000000\n",    "\nCapBnd:\t0000000000000000\n",
        "\nCapAmb:\t0000000000000000\n",    "\nNoNewPrivs:\t1\n",
    };
    char path[64], text[8192] = "", place[64] = "";
    int right = 1;

    sprintf(path, "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    right &= read(fd, text, sizeof text - 1) > 0;
    close(fd);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        right &= strstr(text, lines[i]) != NULL;
    sprintf(path, "/proc/%d/root", (int)pid);
    right &= readlink(path, place, sizeof place - 1) > 0 && strcmp(place, root) == 0;
    sprintf(path, "/proc/%d/cwd", (int)pid);
    memset(place, 0, sizeof place);
    return right && readlink(path, place, sizeof place - 1) > 0 && strcmp(place, root) == 0;
}

enum result { REFUSED, DROPPED, DECEIVED };

static enum result drop(unsigned set)
{
    int pair[2], code = -1;

    if (pipe2(pair, O_CLOEXEC) != 0)
        return DECEIVED;
    pid_t pid = fork();
    if (pid == -1) /* which kill(2) would take for all processes */
        abort();
    if (pid == 0) {
        code = lie(set) != 0 ? -errno : netio_privileges_drop(&plan, NULL);
        while (write(pair[1], &code, sizeof code) == sizeof code)
            pause();
    }
    close(pair[1]);
    enum result result = DECEIVED;
    if (read(pair[0], &code, sizeof code) == sizeof code)
        result = code ? REFUSED : is_dropped(pid) ? DROPPED : DECEIVED;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pair[0]);
    return result;
}

int main(void)
{
    int refused = 0, deceived = 0;

    if (geteuid() != 0 || lie(0) != 0)
        skip_all("needs root and seccomp: %s", strerror(errno));
    if (!mkdtemp(root) || chmod(root, 0755) != 0)
        skip_all("no folder %s: %s", root, strerror(errno));
    is_int(drop(0), DROPPED, "nothing lies");
    for (int i = 0; i < CALLS; i++)
        is_int(drop(1u << i), REFUSED, "C15: system call %d lies", calls[i]);
    for (unsigned set = 1; set < 1u << CALLS; set++) {
        enum result result = drop(set);
        refused += result == REFUSED;
        if (result == DECEIVED && deceived++ < 10)
            diag("set %#x", set);
    }
    is_int(deceived, 0, "C15: no combination of them deceives");
    is_int(refused, (1 << CALLS) - 1, "C15: all %d are refused", (1 << CALLS) - 1);
    rmdir(root);
    return tap_done();
}
