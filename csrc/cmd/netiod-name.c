/* netiod-name: finds the names of both ends of a connection, and becomes the program.
 *
 * Started by netiod in the place of a service's program (names = yes), as the service's user, with
 * its environment and its connection; touches variables of the environment and asks the name
 * services.
 *
 * Whoever has an address says what it is called, and may say anything, or nothing for a long time.
 * So a name counts only if it is a host name and its own addresses lead back (inetd.md R5, R20),
 * and all of it is over after SECONDS (R23).  The C library asks, since it knows all sources of
 * nsswitch.conf(5), and in a process of its own, since nothing else can end what it does: the
 * connection waits, and nobody else. */
#include "common/report.h"
#include "common/standard.h"

#include <netio/addr.h>
#include <netio/fd.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

const char program_name[] = "netiod-name";

#define SECONDS   6 /* one name server that is silent costs resolv.conf's 5 */
#define HOST_MAX  253
#define LABEL_MAX 63

static const char usage[] = "usage: netiod-name PROGRAM NAME [ARGUMENT ...]\n"
                            "netiod(8) starts it.  See netiod-name(8).\n";

/* The two ends: whose address it is, and the variables that get its name. */
static const struct {
    const char *address, *variables[2];
} ends[] = {
    {"TCPREMOTEIP", {"TCPREMOTEHOST", "REMOTE_HOST"}},
    {"TCPLOCALIP", {"TCPLOCALHOST", NULL}},
};
#define ENDS (sizeof ends / sizeof *ends)

struct found { /* what the process that asks says, each in one write */
    size_t end;
    char name[HOST_MAX + 1];
};

/* ---- names ---- */

/* Letters, digits and hyphens between dots, in small letters from now on; a last part of digits
 * would be an address. */
static int is_name(char *name)
{
    size_t label = 0;
    int digits = 1;

    for (char *at = name; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '.' ? label == 0 || at[-1] == '-'
                     : c > 126 || !(isalnum(c) || (c == '-' && label)))
            return 0;
        label = c == '.' ? 0 : label + 1;
        digits = c == '.' ? 1 : digits && isdigit(c);
        if (label > LABEL_MAX)
            return 0;
        *at = (char)tolower(c);
    }
    return label > 0 && !digits && name[strlen(name) - 1] != '-';
}

/* Another port or zone is no other host. */
static void plain(struct netio_addr *addr)
{
    netio_addr_unmap(addr);
    netio_addr_set_port(addr, 0);
    if (netio_addr_family(addr) == AF_INET6)
        addr->u.in6.sin6_scope_id = 0;
}

static int leads_back(const char *name, const struct netio_addr *addr)
{
    const struct addrinfo hints = {.ai_family = netio_addr_family(addr),
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *list, *one;
    struct netio_addr other;
    int found = 0;

    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return 0;
    for (one = list; one && !found; one = one->ai_next) {
        if (netio_addr_from(&other, one->ai_addr, one->ai_addrlen) != 0)
            continue;
        plain(&other);
        found = netio_addr_compare(&other, addr) == 0;
    }
    freeaddrinfo(list);
    return found;
}

/* Whether there is one that can be believed. */
static int find(char name[HOST_MAX + 1], const char *text)
{
    char said[NI_MAXHOST];
    struct netio_addr addr;

    if (netio_addr_parse(&addr, text) != 0 || netio_addr_family(&addr) == AF_UNIX)
        return 0;
    plain(&addr);
    if (getnameinfo(&addr.u.sa, addr.len, said, sizeof said, NULL, 0, NI_NAMEREQD) != 0)
        return 0;
    size_t len = strlen(said);
    if (len > HOST_MAX || !is_name(said) || !leads_back(said, &addr))
        return 0;
    memcpy(name, said, len + 1);
    return 1;
}

/* ---- two processes ---- */

static void ask(int to)
{
    for (size_t i = 0; i < ENDS; i++) {
        struct found found = {.end = i};
        const char *address = getenv(ends[i].address);
        if (address && find(found.name, address))
            (void)netio_fd_write(to, &found, sizeof found);
    }
    _exit(EX_OK);
}

static int tell(const struct found *found)
{
    for (size_t i = 0; i < 2 && ends[found->end].variables[i]; i++)
        if (setenv(ends[found->end].variables[i], found->name, 1) == -1)
            return -errno;
    return 0;
}

static void hear(int from)
{
    netio_deadline deadline = netio_deadline_in(SECONDS);
    struct found found;

    while (netio_fd_poll(from, NETIO_READ, deadline) > 0)
        if (netio_fd_read(from, &found, sizeof found) != sizeof found || tell(&found) < 0)
            return;
}

/* Without a process or a descriptor there are no names. */
static void find_names(void)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) == -1)
        return;
    pid_t pid = fork();
    if (pid == 0)
        ask(pair[1]);
    netio_fd_close(pair[1]);
    if (pid > 0) {
        hear(pair[0]);
        (void)kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
            continue;
    }
    netio_fd_close(pair[0]);
}

int main(int argc, char **argv)
{
    standard_begin();
    if (argc < 3) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    for (size_t i = 0; i < ENDS; i++)
        for (size_t k = 0; k < 2 && ends[i].variables[k]; k++)
            (void)unsetenv(ends[i].variables[k]);
    find_names();
    execv(argv[1], argv + 2);
    int code = -errno;
    report_wrong("%s: %s", report_safe(argv[1]), netio_error_text(code));
    return EX_UNAVAILABLE;
}
