/* tcpopen: runs a program on a connection; see ucspi.h.
 *
 * The interface is UCSPI-1996.  The environment is that of its protocols TCP and UNIX; IPv6
 * addresses go by the names of TCP, as s6-tcpclient has them, and UDP has TCP's names with another
 * beginning.  What a protocol names and we do not know is unset: whoever called us may be a
 * program of that kind, and what it had says nothing of this connection. */
#include "ucspi.h"

#include "common/report.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define FD_READ  6
#define FD_WRITE 7

/* PROTOCOL and word, joined; text NULL: not to be there.  0 or -errno. */
static int put(const char *protocol, const char *word, const char *text)
{
    char name[32];

    snprintf(name, sizeof name, "%s%s", protocol, word);
    return (text ? setenv(name, text, 1) : unsetenv(name)) == -1 ? -errno : 0;
}

static int put_number(const char *protocol, const char *word, long number)
{
    char text[24];

    snprintf(text, sizeof text, "%ld", number);
    return put(protocol, word, text);
}

/* "REMOTE" or "LOCAL", address and port. */
static int put_end(const char *protocol, const char *end, const struct netio_addr *addr)
{
    char word[16], text[NETIO_ADDR_STRLEN];
    struct netio_addr plain = *addr;

    netio_addr_unmap(&plain);
    snprintf(word, sizeof word, "%sIP", end);
    int code = put(protocol, word, netio_addr_host_str(&plain, text, sizeof text));
    snprintf(word, sizeof word, "%sPORT", end);
    return code ? code : put_number(protocol, word, netio_addr_port(&plain));
}

/* The name that was asked for, in small letters, is the peer's; an address is no name.  Nobody is
 * asked for a name: the answer would be the peer's word, and might take its time. */
static int put_host(const char *protocol, const char *host)
{
    struct netio_addr addr;
    char name[256];
    size_t i;

    if (netio_addr_parse(&addr, host) == 0)
        return put(protocol, "REMOTEHOST", NULL);
    for (i = 0; i < sizeof name - 1 && host[i]; i++)
        name[i] = (char)tolower((unsigned char)host[i]);
    name[i] = '\0';
    return put(protocol, "REMOTEHOST", name);
}

static int describe_internet(const struct ucspi_call *call, int fd)
{
    const char *protocol = call->protocol;
    struct netio_addr local;
    int code = netio_addr_local(&local, fd);

    if (!code)
        code = put_end(protocol, "LOCAL", &local);
    if (!code)
        code = put_end(protocol, "REMOTE", &call->peer);
    if (!code)
        code = put_host(protocol, call->host);
    if (!code)
        code = put(protocol, "LOCALHOST", NULL);
    return code ? code : put(protocol, "REMOTEINFO", NULL);
}

/* The path is that of the socket, whichever end one calls local. */
static int describe_unix(const struct ucspi_call *call, int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    int code = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ? -errno : 0;
    const struct {
        const char *word;
        long number;
    } table[] = {
        {"LOCALUID", getuid()},      {"LOCALGID", getgid()},      {"LOCALPID", getpid()},
        {"REMOTEEUID", peer.uid},    {"REMOTEEGID", peer.gid},    {"REMOTEPID", peer.pid},
    };

    if (!code)
        code = put(call->protocol, "LOCALPATH", call->host);
    if (!code)
        code = put(call->protocol, "REMOTEPATH", call->host);
    for (size_t i = 0; !code && i < sizeof table / sizeof *table; i++)
        code = put_number(call->protocol, table[i].word, table[i].number);
    return code;
}

/* fd may be one of the two itself: dup2 then leaves it as it is, close-on-exec. */
static int hand_over(int fd)
{
    int code = netio_fd_nonblock(fd, 0);

    if (!code && (dup2(fd, FD_READ) == -1 || dup2(fd, FD_WRITE) == -1))
        code = -errno;
    if (!code)
        code = netio_fd_cloexec(FD_READ, 0);
    return code ? code : netio_fd_cloexec(FD_WRITE, 0);
}

int ucspi_run(const struct ucspi_call *call, int fd)
{
    int code = put("PROTO", "", call->protocol);

    if (!code)
        code = netio_addr_family(&call->peer) == AF_UNIX ? describe_unix(call, fd)
                                                         : describe_internet(call, fd);
    if (code) {
        report_wrong("environment: %s", netio_error_text(code));
        return EX_OSERR;
    }
    code = hand_over(fd);
    if (code) {
        report_wrong("descriptors %d and %d: %s", FD_READ, FD_WRITE, netio_error_text(code));
        return EX_OSERR;
    }
    /* A program expects to end when it writes to nobody, whatever our caller ignores. */
    signal(SIGPIPE, SIG_DFL);
    execvp(call->program[0], call->program);
    report_wrong("%s: %s", report_safe(call->program[0]), netio_error_text(-errno));
    return EX_OSERR;
}
