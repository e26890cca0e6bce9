/* For t/38-pidfile*.t: a daemon of nothing but its pid file, and those who ask for it.
 *
 *      drive-pidfile hold PATH             prints "running PID", waits for the end of its input
 *      drive-pidfile try PATH              the same, and ends at once
 *      drive-pidfile find PATH             prints "pid PID"
 *      drive-pidfile stop PATH             within a second, by SIGKILL if need be
 *
 * Each prints one line, "running ...", "pid ...", "stopped", or what went wrong, and exits 0 or 1.
 */
#include <netio/pidfile.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int hold(const char *path, int wait, struct netio_error *error)
{
    struct netio_pidfile *file;
    char byte;
    int code = netio_pidfile_lock(&file, path, error);

    if (code)
        return code;
    code = netio_pidfile_write(file, error);
    if (!code) {
        printf("running %d\n", (int)getpid());
        fflush(stdout);
        if (wait)
            (void)!read(0, &byte, 1);
    }
    netio_pidfile_remove(file);
    return code;
}

static int find(const char *path, struct netio_error *error)
{
    pid_t pid;
    int code = netio_pidfile_find(path, &pid, NULL, error);

    if (!code)
        printf("pid %d\n", (int)pid);
    return code;
}

static int stop(const char *path, struct netio_error *error)
{
    int code = netio_pidfile_stop(path, netio_deadline_in(1), 1, error);

    if (!code)
        puts("stopped");
    return code;
}

int main(int argc, char **argv)
{
    struct netio_error error;
    char text[640];
    int code;

    if (argc != 3)
        return puts("1..0 # SKIP a driver for tests in Perl") == EOF;
    if (strcmp(argv[1], "find") == 0)
        code = find(argv[2], &error);
    else if (strcmp(argv[1], "stop") == 0)
        code = stop(argv[2], &error);
    else
        code = hold(argv[2], strcmp(argv[1], "hold") == 0, &error);
    if (code)
        puts(netio_error_str(&error, text, sizeof text));
    return code != 0;
}
