/* t/data/intruder.c: what somebody would try who has taken a server over.  A test preloads it; the
 * first accept4(2), which comes when the server is ready, tries each, and says on stderr what came
 * of it: "intruder: NAME ERROR", 0 for success. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(const char *name, long result)
{
    dprintf(STDERR_FILENO, "intruder: %s %s\n", name, result == -1 ? strerrorname_np(errno) : "0");
}

static char *port, *folder; /* of the test: where it listens, and what it would miss */

/* Before the program takes its environment away. */
__attribute__((constructor)) static void prepare(void)
{
    port = getenv("INTRUDER_PORT") ? strdup(getenv("INTRUDER_PORT")) : NULL;
    folder = getenv("INTRUDER_FOLDER") ? strdup(getenv("INTRUDER_FOLDER")) : NULL;
}

static int reach(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd == -1 ? -1 : connect(fd, (struct sockaddr *)&to, sizeof to);
}

static void try_all(void)
{
    char *argv[] = {"true", NULL}, path[4096];

    say("shadow", open("/etc/shadow", O_RDONLY));
    say("passwd", open("/etc/passwd", O_RDONLY));
    snprintf(path, sizeof path, "%s/made", folder);
    say("make", open(path, O_WRONLY | O_CREAT, 0600));
    snprintf(path, sizeof path, "%s/a.db", folder);
    say("write", open(path, O_WRONLY));
    say("unlink", unlink(path));
    say("connect", reach());
    say("exec", execve("/bin/true", argv, argv + 1));
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    static int (*real)(int, struct sockaddr *, socklen_t *, int);

    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "accept4");
        try_all();
    }
    return real(fd, address, size, flags);
}
