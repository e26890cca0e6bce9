/* t/c/drive-world: the probe.  A program that prints the world it was started into, for the tests
 * of everything that starts programs; they compare it field by field.
 *
 *      drive-world FILE|- [ARG...]
 *
 * writes one line "field value" each to FILE, which appears under its name when it is complete, or
 * to standard output.  Nothing is opened before it has looked at its descriptors.  It uses no code
 * of libnetio, so that one mistake cannot hide in both.  Lists are sorted and separated by blanks;
 * "-" is an empty one; what cannot be known here is "?".
 *
 *      fds       those that are open, then each as fd.N: what it is, and the mode it is open in
 *      blocked pending ignored caught      signals, by number
 *      pid sid pgrp session_leader group_leader tty tpgid gains_tty    (tpgid: -1 without a
 * terminal) umask cwd root groups uid gid       uid and gid: real, effective, saved, of the file
 * system try.*     what each attempt to be root again gave: an error, or 0 for success cap_eff
 * cap_prm cap_inh cap_amb cap_bnd no_new_privs dumpable rlimit.* nice env       one line for each
 * variable, argv.N one for each argument
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS 65536 /* looked at */
#define SIGNALS     64

extern char **environ;
static FILE *out;
static char open_fds[DESCRIPTORS];

static void note_descriptors(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        open_fds[fd] = fcntl(fd, F_GETFD) != -1;
}

static void text(const char *field, const char *value)
{
    fprintf(out, "%s ", field);
    for (; *value; value++)
        if ((unsigned char)*value < ' ' || *value == 0x7f || *value == '\\')
            fprintf(out, "\\x%02x", (unsigned char)*value);
        else
            fputc(*value, out);
    fputc('\n', out);
}

static void number(const char *field, long value)
{
    fprintf(out, "%s %ld\n", field, value);
}

static const char *link_of(const char *path, char name[PATH_MAX])
{
    ssize_t n = readlink(path, name, PATH_MAX - 1);

    name[n > 0 ? n : 0] = '\0';
    return n > 0 ? name : "?";
}

/* ---- descriptors ------------------------------------------------------------------------- */

static void print_descriptor(int fd)
{
    static const char *const modes[] = {"rdonly", "wronly", "rdwr", "path"};
    char path[64], name[PATH_MAX];
    struct stat st;

    fprintf(out, "fd.%d ", fd);
    if (fstat(fd, &st) == -1) {
        fprintf(out, "? %s\n", strerrorname_np(errno));
        return;
    }
    sprintf(path, "/proc/self/fd/%d", fd);
    if (S_ISCHR(st.st_mode))
        fprintf(out, "chr %u:%u", major(st.st_rdev), minor(st.st_rdev));
    else if (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode))
        fprintf(out, S_ISSOCK(st.st_mode) ? "sock" : "fifo");
    else
        fprintf(out, "%s %s",
                S_ISDIR(st.st_mode)   ? "dir"
                : S_ISREG(st.st_mode) ? "reg"
                                      : "other",
                link_of(path, name));
    fprintf(out, " %s\n", modes[fcntl(fd, F_GETFL) & O_ACCMODE]);
}

static void print_descriptors(void)
{
    fprintf(out, "fds");
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (open_fds[fd])
            fprintf(out, " %d", fd);
    fputc('\n', out);
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (open_fds[fd])
            print_descriptor(fd);
}

/* ---- signals: asked of the kernel, since the C library hides two of them ----------------- */

struct action {
#ifdef __mips__
    unsigned flags;
#endif
    void (*handler)(int);
    unsigned long rest[32];
};

static void print_set(const char *field, const unsigned char member[SIGNALS + 1])
{
    int empty = 1;

    fprintf(out, "%s", field);
    for (int i = 1; i <= SIGNALS; i++)
        if (member[i]) {
            fprintf(out, " %d", i);
            empty = 0;
        }
    fprintf(out, empty ? " -\n" : "\n");
}

static void members(unsigned long long set, unsigned char member[SIGNALS + 1])
{
    for (int i = 1; i <= SIGNALS; i++)
        member[i] = set >> (i - 1) & 1;
}

static void print_signals(void)
{
    unsigned char ignored[SIGNALS + 1] = {0}, caught[SIGNALS + 1] = {0}, member[SIGNALS + 1];
    unsigned long long set = 0;

    if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &set, sizeof set) == 0) {
        members(set, member);
        print_set("blocked", member);
    }
    if (syscall(SYS_rt_sigpending, &set, sizeof set) == 0) {
        members(set, member);
        print_set("pending", member);
    }
    for (int i = 1; i <= SIGNALS; i++) {
        struct action action = {0};
        if (syscall(SYS_rt_sigaction, i, NULL, &action, sizeof set) == -1)
            continue;
        ignored[i] = action.handler == SIG_IGN;
        caught[i] = action.handler != SIG_IGN && action.handler != SIG_DFL;
    }
    print_set("ignored", ignored);
    print_set("caught", caught);
}

/* ---- session and terminal ---------------------------------------------------------------- */

static int has_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Opens a terminal that nobody has, as any log file might turn out to be one.  The master stays
 * open: a hang-up would end the probe. */
static const char *gains_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (master == -1 || grantpt(master) == -1 || unlockpt(master) == -1)
        return "?";
    const char *name = ptsname(master);
    if (!name || open(name, O_RDWR | O_CLOEXEC) == -1)
        return "?";
    return has_terminal() ? "yes" : "no";
}

/* Field 8 of proc_pid_stat(5). */
static void print_foreground(void)
{
    char line[1024] = "";
    long tpgid;
    FILE *file = fopen("/proc/self/stat", "re");

    if (file && fgets(line, sizeof line, file) && strrchr(line, ')') &&
        sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %ld", &tpgid) == 1)
        number("tpgid", tpgid);
    else
        text("tpgid", "?");
    if (file)
        fclose(file);
}

static void print_session(void)
{
    number("pid", getpid());
    number("sid", getsid(0));
    number("pgrp", getpgrp());
    text("session_leader", getsid(0) == getpid() ? "yes" : "no");
    text("group_leader", getpgrp() == getpid() ? "yes" : "no");
    text("tty", has_terminal() ? "yes" : "no");
    print_foreground();
    text("gains_tty", has_terminal() ? "has" : gains_terminal());
}

/* ---- places and persons ------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

    return x < y ? -1 : x > y;
}

static void print_groups(void)
{
    static gid_t groups[NGROUPS_MAX];
    int n = getgroups(NGROUPS_MAX, groups);

    qsort(groups, n > 0 ? (size_t)n : 0, sizeof *groups, by_number);
    fprintf(out, n > 0 ? "groups" : "groups -");
    for (int i = 0; i < n; i++)
        fprintf(out, " %u", groups[i]);
    fputc('\n', out);
}

static void print_place(void)
{
    char name[PATH_MAX];
    mode_t mask = umask(0);

    umask(mask);
    fprintf(out, "umask %04o\n", mask);
    text("cwd", getcwd(name, sizeof name) ? name : strerrorname_np(errno));
    text("root", link_of("/proc/self/root", name));
}

static void print_persons(void)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;

    if (getresuid(&r, &e, &s) == 0)
        fprintf(out, "uid %u %u %u %d\n", r, e, s, setfsuid((uid_t)-1));
    if (getresgid(&gr, &ge, &gs) == 0)
        fprintf(out, "gid %u %u %u %d\n", gr, ge, gs, setfsgid((gid_t)-1));
    print_groups();
}

/* ---- the way back ------------------------------------------------------------------------ */

/* These two say nothing of success. */
static int become_fsuid(void)
{
    setfsuid(0);
    errno = EPERM;
    return setfsuid((uid_t)-1) == 0 ? 0 : -1;
}

static int become_fsgid(void)
{
    setfsgid(0);
    errno = EPERM;
    return setfsgid((gid_t)-1) == 0 ? 0 : -1;
}

#define ATTEMPTS(X)                                                                                \
    X(setuid, setuid(0))                                                                           \
    X(seteuid, seteuid(0))                                                                         \
    X(setreuid, setreuid(0, 0))                                                                    \
    X(setresuid, setresuid(0, 0, 0))                                                               \
    X(setfsuid, become_fsuid())                                                                    \
    X(setgid, setgid(0))                                                                           \
    X(setegid, setegid(0))                                                                         \
    X(setresgid, setresgid(0, 0, 0))                                                               \
    X(setfsgid, become_fsgid())                                                                    \
    X(setgroups, setgroups(1, (const gid_t[]){0}))

#define ATTEMPT(name, call)                                                                        \
    static int try_##name(void)                                                                    \
    {                                                                                              \
        return call;                                                                               \
    }
ATTEMPTS(ATTEMPT)
#undef ATTEMPT

/* In a process of its own: what one gains shall not help the next. */
static void attempt(const char *name, int (*run)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(run() == 0 ? 0 : errno);
    fprintf(out, "try.%s ", name);
    if (pid == -1 || waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
        fputs("?\n", out);
    else
        fprintf(out, "%s\n", WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "0");
}

static void print_attempts(void)
{
#define ATTEMPT(name, call) attempt(#name, try_##name);
    ATTEMPTS(ATTEMPT)
#undef ATTEMPT
}

/* ---- capabilities and limits ------------------------------------------------------------- */

static void print_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    unsigned long long ambient = 0, bounding = 0;

    if (syscall(SYS_capget, &header, data) == 0) {
        fprintf(out, "cap_eff %08x%08x\n", data[1].effective, data[0].effective);
        fprintf(out, "cap_prm %08x%08x\n", data[1].permitted, data[0].permitted);
        fprintf(out, "cap_inh %08x%08x\n", data[1].inheritable, data[0].inheritable);
    }
    for (unsigned cap = 0; cap < 64; cap++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
            ambient |= 1ULL << cap;
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            bounding |= 1ULL << cap;
    }
    fprintf(out, "cap_amb %016llx\ncap_bnd %016llx\n", ambient, bounding);
    number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    number("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

static void print_limits(void)
{
    static const struct {
        const char *name;
        int resource;
    } table[] = {
        {"as", RLIMIT_AS},         {"core", RLIMIT_CORE},   {"cpu", RLIMIT_CPU},
        {"data", RLIMIT_DATA},     {"fsize", RLIMIT_FSIZE}, {"memlock", RLIMIT_MEMLOCK},
        {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}, {"stack", RLIMIT_STACK},
        {"rtprio", RLIMIT_RTPRIO}, {"nice", RLIMIT_NICE},   {"sigpending", RLIMIT_SIGPENDING},
    };
    struct rlimit limit;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (getrlimit(table[i].resource, &limit) == 0)
            fprintf(out, "rlimit.%s %lld %lld\n", table[i].name, (long long)limit.rlim_cur,
                    (long long)limit.rlim_max);
    number("nice", getpriority(PRIO_PROCESS, 0));
}

/* ---- what it was told -------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_environment(void)
{
    size_t n = 0;

    while (environ && environ[n])
        n++;
    qsort(environ, n, sizeof *environ, by_text);
    for (size_t i = 0; i < n; i++)
        text("env", environ[i]);
}

static void print_arguments(int argc, char **argv)
{
    char field[32];

    for (int i = 0; i < argc; i++) {
        sprintf(field, "argv.%d", i);
        text(field, argv[i]);
    }
}

static void print_world(int argc, char **argv)
{
    print_descriptors();
    print_signals();
    print_session();
    print_place();
    print_persons();
    print_attempts();
    print_capabilities();
    print_limits();
    print_environment();
    print_arguments(argc, argv);
}

static int save(const char *file, const char *world, size_t size)
{
    char temporary[PATH_MAX];
    int fd = STDOUT_FILENO, standard = strcmp(file, "-") == 0;

    snprintf(temporary, sizeof temporary, "%s.new", file);
    if (!standard)
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd == -1 || write(fd, world, size) != (ssize_t)size)
        return -1;
    return standard ? 0 : rename(temporary, file);
}

int main(int argc, char **argv)
{
    char *world;
    size_t size;

    note_descriptors();
    if (argc < 2) {
        puts("1..0 # SKIP a driver for tests in Perl");
        return 0;
    }
    /* All of it before any is written: the terminal that it may gain can end it. */
    out = open_memstream(&world, &size);
    if (!out)
        return 1;
    print_world(argc, argv);
    if (fclose(out) != 0)
        return 1;
    int saved = save(argv[1], world, size);
    free(world);
    return saved == 0 ? 0 : 1;
}
