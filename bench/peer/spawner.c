/* spawner: the least that a super-server can be: it accepts, and vfork(2) and execve(2) make a
 * program of each connection.  No user, no limit, no log, no environment of its own.
 *
 *      spawner PROGRAM [ARGUMENT...]
 *
 * Called by part/inetd.pm. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_listener(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1 || bind(fd, (struct sockaddr *)&addr, size) == -1 || listen(fd, 4096) == -1 ||
        getsockname(fd, (struct sockaddr *)&addr, &size) == -1)
        return -1;
    printf("listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

static _Noreturn void become(int fd, char **argv)
{
    for (int standard = 0; standard <= 2; standard++)
        if (dup2(fd, standard) == -1)
            _exit(127);
    execve(argv[0], argv, environ);
    _exit(127);
}

int main(int argc, char **argv)
{
    int listener = argc > 1 ? open_listener() : -1;

    if (listener == -1) {
        perror("spawner");
        return 1;
    }
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd == -1)
            continue;
        if (vfork() == 0)
            become(fd, argv + 1);
        close(fd);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}
