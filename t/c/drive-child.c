/* Starts a program as a child and says what came of it, for tests in Perl (t/37-child-*.t):
 *
 *     drive-child [OPTION...] PROGRAM [ARG...]
 *
 *     -u USER[:GROUP]  -r ROOT  -d FOLDER  -m UMASK (octal)  -e ENTRY  -k CAPABILITIES (a mask)
 *     -c CORE (a limit)  -f FROM:TO  -s (same session)  -p (may gain privileges)  -t SECONDS
 *     -D: dies with us
 *     -B: has begun with its signals, some of them ignored (NETIO_CHILD_SIGNALS_BEGUN)
 *     -n FILES: opens so many descriptors first, all of them inherited
 *     -x: closes its own 0 to 2 before
 *     -g SIGNAL: sends it to the child's process group
 *     -w: the child says "born PID" and reads an octet, for a tracer to come, before it has done
 *         anything
 *     -W: the same, when it waits for nothing more from its parent
 *     -T: has had a thread before
 *
 * It prints "code NAME", the error as netio_error_str has it, and "pid N" and "status N" of a child
 * that was started and has ended. */
#include <netio/child.h>
#include <netio/signals.h>
#include <netio/user.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 64

static struct netio_child_fd fds[MOST];
static const char *entries[MOST + 1];
static int group_signal;
static struct netio_rlimit core = {.resource = RLIMIT_CORE};
static struct netio_user user;
static int waits, waits_late;

static int say(FILE *out, int code, const struct netio_error *error)
{
    char text[640];

    fprintf(out, "code %s\n", code ? netio_error_name(code) : "0");
    if (code)
        fprintf(out, "%s\n", netio_error_str(error, text, sizeof text));
    return code;
}

static void open_many(long count)
{
    for (long i = 0; i < count; i++)
        if (open("/etc/passwd", O_RDONLY) == -1) {
            perror("open");
            exit(1);
        }
}

static FILE *close_standard(void)
{
    FILE *out = fdopen(fcntl(1, F_DUPFD, 3), "w");

    for (int fd = 0; fd <= 2; fd++)
        close(fd);
    return out;
}

/* In the child, as the last part of its fork, or as the first of its life.  One that stopped would
 * be ended. */
static void wait_for_tracer(void)
{
    char text[32];
    int n = sprintf(text, "born %d\n", getpid());

    if (write(1, text, (size_t)n) != n || read(0, text, 1) != 1)
        _exit(1);
}

/* The C library's, with which the child throws old signals away: its parent has nothing more to
 * tell it then. */
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    if (waits_late)
        wait_for_tracer();
    waits_late = 0;
    return (int)syscall(SYS_rt_sigtimedwait, set, info, timeout, _NSIG / 8);
}

static int (*run_traced)(void *data);

static int wait_and_run(void *data)
{
    wait_for_tracer();
    return run_traced(data);
}

/* The C library's, for a child that shares our memory. */
int clone(int (*run)(void *), void *stack, int flags, void *data, ...)
{
    int (*next)(int (*)(void *), void *, int, void *, ...);
    void *symbol = dlsym(RTLD_NEXT, "clone");
    va_list more;

    memcpy(&next, &symbol, sizeof next);
    va_start(more, data);
    pid_t *parent = va_arg(more, pid_t *);
    void *tls = va_arg(more, void *);
    pid_t *child = va_arg(more, pid_t *);
    va_end(more);
    run_traced = run;
    return next(waits ? wait_and_run : run, stack, flags, data, parent, tls, child);
}

static void *end(void *data)
{
    return data;
}

static int have_thread(void)
{
    pthread_t thread;

    return -pthread_create(&thread, NULL, end, NULL) || -pthread_join(thread, NULL);
}

static int set(struct netio_child_plan *plan, int option, char *value, struct netio_error *error)
{
    static size_t count;
    struct netio_world *world = &plan->world;

    switch (option) {
    case 'u':
        world->privileges.user = &user;
        return netio_user_parse(&user, value, error);
    case 'r':
        world->privileges.root = value;
        break;
    case 'd':
        world->directory = value;
        break;
    case 'm':
        world->umask = (mode_t)strtol(value, NULL, 8);
        break;
    case 'k':
        world->privileges.capabilities = strtoull(value, NULL, 0);
        break;
    case 'p':
        world->privileges.flags |= NETIO_PRIVILEGES_MORE;
        break;
    case 's':
        plan->flags |= NETIO_CHILD_SAME_SESSION;
        break;
    case 'D':
        plan->flags |= NETIO_CHILD_DIE_WITH_PARENT;
        break;
    case 'B':
        plan->flags |= NETIO_CHILD_SIGNALS_BEGUN;
        return netio_signals_begin((const int[]){SIGHUP, SIGTTOU, SIGXFSZ, 0}, 0);
    case 't':
        plan->deadline = netio_deadline_in(strtod(value, NULL));
        break;
    case 'g':
        group_signal = atoi(value);
        break;
    case 'W':
        waits_late = 1;
        break;
    case 'w':
        waits = 1;
        return -pthread_atfork(NULL, NULL, wait_for_tracer);
    case 'T':
        return have_thread();
    case 'n':
        open_many(atol(value));
        break;
    case 'e':
        world->environment = entries;
        entries[count++ % MOST] = value;
        break;
    case 'c':
        core.value.rlim_cur = core.value.rlim_max = strtoul(value, NULL, 10);
        world->limits = &core;
        world->limits_count = 1;
        break;
    case 'f':
        plan->fds = fds;
        if (sscanf(value, "%d:%d", &fds[plan->fds_count].from, &fds[plan->fds_count].to) != 2)
            return -EINVAL;
        plan->fds_count++;
        break;
    default:
        return -EINVAL;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct netio_child_plan plan = {0};
    struct netio_child child;
    struct netio_error error = {0};
    FILE *out = stdout;
    int option, code = 0, status = 0, closed = 0;

    if (argc < 2) {
        puts("1..0 # SKIP a driver for tests in Perl");
        return 0;
    }
    alarm(300);
    while (!code && (option = getopt(argc, argv, "+u:r:d:m:e:k:c:f:sDBt:pn:g:xwWT")) != -1)
        if (option == 'x')
            closed = 1;
        else
            code = set(&plan, option, optarg, &error);
    if (code)
        return say(out, code, &error) != 0;
    if (closed)
        out = close_standard();
    plan.path = argv[optind];
    plan.argv = argv + optind;
    code = netio_child_start(&child, &plan, &error);
    say(out, code, &error);
    int started = code == 0;
    if (started) {
        fprintf(out, "pid %d\n", child.pid);
        fflush(out);
        if (group_signal)
            fprintf(out, "signal %d\n", netio_child_signal(&child, group_signal, 1));
        code = netio_child_wait(&child, NETIO_NEVER, &status);
        fprintf(out, code == 1 ? "status %d\n" : "wait %d\n", code == 1 ? status : code);
    }
    /* One that could not be started has left nothing. */
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        fprintf(out, "left a child\n");
    fclose(out);
    netio_user_free(&user);
    return !started;
}
