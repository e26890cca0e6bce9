/* For t/38-upgrade*.t: a supervisor without workers, which serves by itself.
 *
 *      drive-upgrade -o FIFO -l ADDRESS... [-n COUNT] [-e] [-d|-f] [-p PIDFILE] [-x PROGRAM]
 *          [-b FILE] [-t SECONDS]
 *
 * It answers every connection with its pid.  SIGUSR2: it executes PROGRAM anew, which has SECONDS
 * to become ready; SIGTERM: it ends.  -d: as a daemon, -f: as one in the foreground, with the pid
 * file.  -n: it listens to so many addresses more.  -e: it hands a parcel over.  To FIFO it writes
 * "PID WORD ...", one line for each of
 *
 *      ready       it serves; "clean" or "dirty": whether its environment is; -e: what it was
 * handed starting    an upgrade is under way upgraded    its successor serves kept        the
 * upgrade has failed, and why failed      it cannot start, and why stopped     it ends
 *
 * "refuse" in FILE: it has nothing to hand over.  A successor behaves as the first word of FILE
 * says: exit, crash, hang, words, stop (before it is ready), orphan (kills its predecessor), late,
 * mute (between go and done). */
#include <netio/fd.h>
#include <netio/parcel.h>
#include <netio/signals.h>
#include <netio/upgrade.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESSES 4096

static struct {
    const char *addresses[ADDRESSES];
    size_t count;
    const char *fifo, *pidfile, *program, *behaviour;
    double seconds;
    int daemon, foreground, extra;
} config = {.program = "/proc/self/exe", .seconds = 20};

static const int signals[] = {SIGUSR2, SIGTERM, 0};

static struct netio_loop *loop;
static struct netio_daemon *daemon_;
static struct netio_listeners *set;
static struct netio_upgrade *upgrade;
static struct netio_successor *successor;
static struct netio_watch watches[2 * ADDRESSES];
static int fifo, asked, stopping;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char text[900];
    va_list args;
    int n = snprintf(text, sizeof text, "%d ", (int)getpid());

    va_start(args, format);
    n += vsnprintf(text + n, sizeof text - 2 - (size_t)n, format, args);
    va_end(args);
    text[n++] = '\n';
    (void)!write(fifo, text, (size_t)n);
}

static int failed(const struct netio_error *error)
{
    char text[700];

    say("failed %s", netio_error_str(error, text, sizeof text));
    if (successor)
        netio_successor_fail(successor, error);
    return 1;
}

static int behaves(const char *word)
{
    char text[32] = "";
    FILE *file = config.behaviour ? fopen(config.behaviour, "re") : NULL;

    if (!file)
        return 0;
    (void)!fscanf(file, "%31s", text);
    fclose(file);
    return strcmp(text, word) == 0;
}

static void wait_for_ever(void)
{
    for (;;)
        pause();
}

static void answer(struct netio_watch *watch, unsigned events)
{
    char text[32];
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);

    (void)events;
    if (fd == -1)
        return;
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    (void)netio_fd_send(fd, text, (size_t)n);
    netio_fd_close(fd);
}

static void serve(enum netio_listeners_which which)
{
    const struct netio_listener *listener;

    for (size_t i = 0; (listener = netio_listeners_at(set, which, i)); i++) {
        if (listener->type != SOCK_STREAM)
            continue;
        watches[i].ready = answer;
        (void)netio_watch_start(loop, &watches[i], listener->fd, NETIO_READ);
    }
}

static void told(struct netio_watch *watch, unsigned events)
{
    int number;

    (void)events;
    while ((number = netio_signals_next(watch->fd)) > 0) {
        asked |= number == SIGUSR2;
        stopping |= number == SIGTERM;
    }
}

static int hand_over(void *data)
{
    struct netio_parcel *parcel;

    if (behaves("refuse"))
        return -ENOSPC;
    if (netio_parcel_new(&parcel) != 0 ||
        netio_parcel_add(parcel, fifo, "%s of %d", (const char *)data, (int)getpid()) != 0)
        return -ENOMEM;
    int sealed = netio_parcel_seal(parcel);
    netio_parcel_free(parcel);
    return sealed;
}

/* What it was handed, for a line; "nothing". */
static const char *unpack(struct netio_successor *from)
{
    static char text[64];
    struct netio_parcel *parcel;
    const char *said = "nothing";
    int sealed = netio_successor_extra(from), fd = -1;

    if (sealed < 0 || netio_successor_extra(from) != -1)
        return "nothing";
    if (netio_parcel_open_take(&parcel, sealed) != 0)
        return "no parcel";
    (void)netio_parcel_next(parcel, &said, &fd);
    snprintf(text, sizeof text, "%s%s", said, fd < 0 ? ", no descriptor" : "");
    netio_fd_close(fd);
    netio_parcel_free(parcel);
    return text;
}

static void begin_upgrade(char **argv)
{
    struct netio_upgrade_plan plan = {.program = config.program,
                                      .argv = argv,
                                      .daemon = daemon_,
                                      .listeners = set,
                                      .ready_seconds = config.seconds,
                                      .hand_over = config.extra ? hand_over : NULL,
                                      .data = "gift"};
    struct netio_error error;
    char text[700];

    asked = 0;
    if (netio_upgrade_start(&upgrade, loop, &plan, &error) == 0)
        say("starting %d", (int)netio_upgrade_pid(upgrade));
    else
        say("kept %s", netio_error_str(&error, text, sizeof text));
}

/* Whether a successor serves in our place. */
static int follow_upgrade(void)
{
    struct netio_error error;
    char text[700];
    int code = netio_upgrade_step(upgrade, &error);

    if (code == -EAGAIN)
        return 0;
    netio_upgrade_free(upgrade);
    upgrade = NULL;
    if (code == 0)
        return 1;
    say("kept %s", netio_error_str(&error, text, sizeof text));
    return 0;
}

static int follow_predecessor(struct netio_error *error)
{
    if (netio_successor_step(successor) == -EAGAIN)
        return 0;
    if (behaves("late"))
        _exit(4);
    if (behaves("mute"))
        wait_for_ever();
    int code = daemon_ ? netio_daemon_ready(daemon_, error) : 0;
    if (code)
        return code;
    const char *handed = config.extra ? unpack(successor) : "";
    say("ready %s%s%s", getenv("NETIO_UPGRADE") ? "dirty" : "clean", *handed ? " " : "", handed);
    netio_successor_done(successor);
    netio_successor_free(successor);
    successor = NULL;
    return 0;
}

static int begin(struct netio_error *error)
{
    struct netio_watch *signal_watch = calloc(1, sizeof *signal_watch);
    int code = netio_loop_new(&loop, 0);

    if (!code)
        code = netio_listeners_new(&set);
    if (!code)
        code = netio_successor_new(&successor, loop, set, error);
    if (!code)
        code = netio_listeners_prepare(set, config.addresses, config.count, error);
    if (code)
        return code;
    signal_watch->ready = told;
    code = netio_watch_start(loop, signal_watch, netio_signals_open(signals), NETIO_READ);
    if (code)
        return netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, "signals");
    if (successor) {
        serve(NETIO_LISTENERS_NEXT);
        return 0;
    }
    netio_listeners_commit(set);
    serve(NETIO_LISTENERS_PRESENT);
    code = daemon_ ? netio_daemon_ready(daemon_, error) : 0;
    if (!code)
        say("ready %s", getenv("NETIO_UPGRADE") ? "dirty" : "clean");
    return code;
}

static void misbehave(void)
{
    struct netio_error error;

    if (behaves("hang"))
        wait_for_ever();
    if (behaves("stop"))
        exit(0);
    if (behaves("words")) {
        netio_error_set(&error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, "my.conf:17");
        netio_successor_fail(successor, &error);
        wait_for_ever();
    }
    if (behaves("orphan"))
        kill(getppid(), SIGKILL);
}

static int end(const char *word)
{
    netio_upgrade_free(upgrade);
    netio_listeners_free(set);
    netio_daemon_free(daemon_);
    say("%s", word);
    return 0;
}

static int run(char **argv)
{
    struct netio_error error = {0};

    if (begin(&error) != 0)
        return failed(&error);
    if (successor) {
        misbehave();
        netio_successor_ready(successor);
    }
    for (;;) {
        if (netio_loop_step(loop, NETIO_NEVER) < 0)
            return 70;
        if (successor && follow_predecessor(&error) != 0)
            return failed(&error);
        if (asked && !upgrade && !successor)
            begin_upgrade(argv);
        if (upgrade && follow_upgrade())
            return end("upgraded");
        if (stopping)
            return end("stopped");
    }
}

static void listen_to_many(int count)
{
    static char texts[ADDRESSES][24];
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < count && config.count < ADDRESSES; i++) {
        snprintf(texts[i], sizeof *texts, "127.0.%d.%d:0", 1 + i / 250, 1 + i % 250);
        config.addresses[config.count++] = texts[i];
    }
}

static int parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "o:l:n:p:x:b:t:def")) != -1)
        switch (option) {
        case 'o':
            config.fifo = optarg;
            break;
        case 'l':
            config.addresses[config.count++] = optarg;
            break;
        case 'n':
            listen_to_many(atoi(optarg));
            break;
        case 'e':
            config.extra = 1;
            break;
        case 'p':
            config.pidfile = optarg;
            break;
        case 'x':
            config.program = optarg;
            break;
        case 'b':
            config.behaviour = optarg;
            break;
        case 't':
            config.seconds = atof(optarg);
            break;
        case 'd':
            config.daemon = 1;
            break;
        case 'f':
            config.daemon = config.foreground = 1;
            break;
        default:
            return -1;
        }
    return config.fifo ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct netio_error error;
    char text[700];
    int status;

    if (parse(argc, argv) != 0)
        return 64;
    if (netio_successor_is() && behaves("exit"))
        return 3;
    if (netio_successor_is() && behaves("crash"))
        raise(SIGKILL);
    if (config.daemon) {
        struct netio_daemon_options options = {.pidfile = config.pidfile};
        options.flags = config.foreground ? NETIO_DAEMON_FOREGROUND : 0;
        int code = netio_daemonize(&daemon_, &options, &status, &error);
        if (code == NETIO_DAEMON_STARTER)
            return status;
        if (code)
            return fprintf(stderr, "%s\n", netio_error_str(&error, text, sizeof text)), 1;
    }
    fifo = open(config.fifo, O_WRONLY | O_APPEND | O_CLOEXEC);
    return run(argv);
}
