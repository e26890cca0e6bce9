/* t/c/drive-daemonize: a daemon that does what its arguments say, for t/34-*.t.
 *
 *      drive-daemonize [-p PIDFILE] [-f] [-H] [-t SECONDS] [-u USER] [-k FD]... [-e ENTRY]...
 *                      [-r ROOT] [-d DIRECTORY] [--] STEP...
 *
 * The options are those of netio_daemonize (-f in the foreground, -H in a host, -k to keep, -e of
 * the environment).  The starter exits as it is told to, and prints what it is told; 99 for an
 * error before anything was started.  Steps of the daemon, in order:
 *
 *      say:TEXT        on standard error               drop ready free
 *      fail:N exit:N raise:N fork hang                 what goes wrong
 *      wait:FD         for one byte
 *      tell:FD         "PID CODE" of the last step; CODE is the symbol, or 0
 *      status:TEXT reloading watchdog  to the manager; watchdog: runs a loop for ever
 *      take            sockets of a manager: "N NAME..." to standard output
 *      loud:N          writes N bytes to standard output
 *      exec:PROGRAM    with the words that follow as its arguments, unless the last step has failed
 */
#include <netio/activation.h>
#include <netio/daemonize.h>
#include <netio/loop.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 64

static struct netio_daemon *daemon_;
static const char *last = "0";

static void complain(const struct netio_error *error)
{
    char text[640];

    if (error->code)
        dprintf(STDERR_FILENO, "drive: %s\n", netio_error_str(error, text, sizeof text));
}

static void note(int code)
{
    last = code ? netio_error_name(code) : "0";
}

static void wait_byte(int fd)
{
    char c;

    while (read(fd, &c, 1) == -1)
        ;
}

static void run_watchdog(void)
{
    struct netio_loop *loop;

    if (netio_loop_new(&loop, 0) == 0 &&
        netio_notify_watchdog(netio_daemon_notify(daemon_), loop) == 0)
        (void)netio_loop_run(loop);
}

static void take_sockets(void)
{
    struct netio_activation activation;
    struct netio_error error = {.code = 0};

    note(netio_activation_take(&activation, &error));
    complain(&error);
    printf("%zu", activation.count);
    for (size_t i = 0; i < activation.count; i++)
        printf(" %s", activation.names[i]);
    printf(" %s %s\n", getenv("LISTEN_FDS") ? "there" : "gone",
           getenv("NOTIFY_SOCKET") ? "there" : "gone");
    fflush(stdout);
}

static void be_loud(int n)
{
    for (char c = 'x'; n > 0 && write(STDOUT_FILENO, &c, 1) == 1; n--)
        ;
}

static void be_ready(int (*call)(struct netio_daemon *, struct netio_error *))
{
    struct netio_error error = {.code = 0};

    note(call(daemon_, &error));
    complain(&error);
}

static int is(const char *step, const char *word)
{
    return strcmp(step, word) == 0;
}

/* Of a step with a value; NULL for another one. */
static const char *value_of(const char *step, const char *word)
{
    size_t n = strlen(word);

    return strncmp(step, word, n) == 0 && step[n] == ':' ? step + n + 1 : NULL;
}

static int simple_step(const char *step)
{
    if (is(step, "drop"))
        be_ready(netio_daemon_drop);
    else if (is(step, "ready"))
        be_ready(netio_daemon_ready);
    else if (is(step, "free"))
        netio_daemon_free(daemon_), daemon_ = NULL;
    else if (is(step, "fork")) {
        if (fork() != 0)
            _exit(0);
    } else if (is(step, "reloading"))
        note(netio_notify_reloading(netio_daemon_notify(daemon_)));
    else if (is(step, "watchdog"))
        run_watchdog();
    else if (is(step, "take"))
        take_sockets();
    else
        return 0;
    return 1;
}

static void run_step(const char *step)
{
    const char *value;

    if (simple_step(step))
        return;
    if ((value = value_of(step, "say")))
        dprintf(STDERR_FILENO, "%s\n", value);
    else if ((value = value_of(step, "fail")))
        netio_daemon_fail(daemon_, atoi(value));
    else if ((value = value_of(step, "exit")))
        exit(atoi(value));
    else if ((value = value_of(step, "raise")))
        raise(atoi(value));
    else if ((value = value_of(step, "wait")))
        wait_byte(atoi(value));
    else if ((value = value_of(step, "tell")))
        dprintf(atoi(value), "%d %s\n", (int)getpid(), last);
    else if ((value = value_of(step, "status")))
        note(netio_notify_status(netio_daemon_notify(daemon_), value));
    else if ((value = value_of(step, "loud")))
        be_loud(atoi(value));
    else if (is(step, "hang"))
        for (;;)
            pause();
    else
        exit(98);
}

static void run(char **steps)
{
    const char *program;

    alarm(300); /* nothing outlives its test by more */
    for (; *steps; steps++) {
        if ((program = value_of(*steps, "exec"))) {
            if (!is(last, "0"))
                exit(96);
            *steps = (char *)program;
            execv(program, steps);
            exit(97);
        }
        run_step(*steps);
    }
}

/* What getopt fills in; zero: nothing. */
static struct netio_daemon_options options;
static const char *entries[MOST];
static int keep[MOST];
static struct netio_user user;

static void take_option(int option, size_t *entry)
{
    struct netio_error error = {.code = 0};

    switch (option) {
    case 'p':
        options.pidfile = optarg;
        break;
    case 'f':
        options.flags |= NETIO_DAEMON_FOREGROUND;
        break;
    case 'H':
        options.flags |= NETIO_DAEMON_HOST;
        break;
    case 't':
        options.ready_seconds = atof(optarg);
        break;
    case 'd':
        options.world.directory = optarg;
        break;
    case 'r':
        options.world.privileges.root = optarg;
        break;
    case 'k':
        keep[options.keep_count++] = atoi(optarg);
        break;
    case 'e':
        entries[(*entry)++] = optarg;
        break;
    case 'u':
        if (netio_user_parse(&user, optarg, &error) == 0)
            options.world.privileges.user = &user;
        complain(&error);
        break;
    default:
        exit(96);
    }
}

int main(int argc, char **argv)
{
    struct netio_error error;
    size_t entry = 0;
    int option, status;

    while ((option = getopt(argc, argv, "+p:fHt:u:k:e:r:d:")) != -1)
        take_option(option, &entry);
    options.keep = keep;
    if (entry)
        options.world.environment = entries;
    int code = netio_daemonize(&daemon_, &options, &status, &error);
    if (code)
        complain(&error);
    if (code == NETIO_DAEMON_STARTER)
        return status;
    if (code)
        return 99;
    run(argv + optind);
    netio_daemon_free(daemon_);
    netio_user_free(&user);
    return 0;
}
