/* A source of hosts for nsswitch.conf(5), as anybody may write one; t/26-resolve-nss.t builds it as
 * libnss_netiotest.so.2.  It knows
 *
 *      known.nss       192.0.2.77, 2001:db8::77
 *      four.nss        192.0.2.4
 *      hang.nss        for which it waits for ever
 *      many.nss        4,000 addresses
 *      half.nss        192.0.2.79, said at once, after which it waits for ever
 *      noisy.nss       192.0.2.78, after noise on both outputs
 *      inside.nss      192.0.2.N, where N says what is wrong with the process it runs in
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int trouble(void)
{
    struct sigaction action;
    sigset_t mask;
    int bits = 0, variables = 0;
    char cwd[8];

    while (environ[variables])
        variables++;
    if (variables != 2)
        bits |= 1;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < NSIG; i++) {
        if (sigismember(&mask, i) == 1)
            bits |= 2;
        if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            bits |= 4;
    }
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) != -1)
            bits |= 8;
    if (isatty(0) || isatty(2) || getsid(0) != getppid())
        bits |= 16;
    if (!getcwd(cwd, sizeof cwd) || strcmp(cwd, "/") != 0)
        bits |= 32;
    return bits;
}

/* The nth address of a name: 1, or 0 when there is none. */
static int nth(const char *name, int n, int family, uint32_t addr[4])
{
    char text[64];

    memset(addr, 0, 16);
    if (strcmp(name, "hang.nss") == 0)
        for (;;)
            pause();
    if (strcmp(name, "half.nss") == 0)
        while (write(1, "192.0.2.79 STREAM\n", 18) > 0)
            pause();
    if (strcmp(name, "noisy.nss") == 0) {
        static const char noise[] = "noise\n192.0.2.99\n192.0.2.9\0 x\n 192.0.2.9 x\n";
        if (n == 0 && (write(1, noise, sizeof noise - 1) == -1 || write(2, "x\n", 2) == -1))
            return 0;
        snprintf(text, sizeof text, "192.0.2.78");
    } else if (strcmp(name, "inside.nss") == 0)
        snprintf(text, sizeof text, "192.0.2.%d", trouble());
    else if (strcmp(name, "four.nss") == 0)
        snprintf(text, sizeof text, "192.0.2.4");
    else if (strcmp(name, "known.nss") == 0)
        snprintf(text, sizeof text, "%s", family == AF_INET6 ? "2001:db8::77" : "192.0.2.77");
    else if (strcmp(name, "many.nss") == 0 && n < 4000)
        snprintf(text, sizeof text, family == AF_INET6 ? "2001:db8::%d:%d" : "10.9.%d.%d", n / 250,
                 n % 250);
    else
        return 0;
    if (n > 0 && strcmp(name, "many.nss") != 0)
        return 0;
    return inet_pton(family, text, addr) == 1;
}

enum nss_status _nss_netiotest_gethostbyname2_r(const char *name, int family,
                                                struct hostent *result, char *buffer,
                                                size_t size, int *error, int *herror)
{
    size_t len = family == AF_INET6 ? 16 : 4, count = 0, used;
    uint32_t addr[4];

    while (nth(name, (int)count, family, addr))
        count++;
    if (count == 0) {
        *herror = HOST_NOT_FOUND;
        return NSS_STATUS_NOTFOUND;
    }
    used = (count + 2) * sizeof(char *) + count * len + strlen(name) + 1;
    if (used > size) {
        *error = ERANGE;
        *herror = NETDB_INTERNAL;
        return NSS_STATUS_TRYAGAIN;
    }
    char **list = (char **)buffer, *data = (char *)(list + count + 2);
    result->h_aliases = list + count + 1;
    result->h_aliases[0] = NULL;
    result->h_addr_list = list;
    for (size_t i = 0; i < count; i++, data += len) {
        nth(name, (int)i, family, addr);
        list[i] = memcpy(data, addr, len);
    }
    list[count] = NULL;
    result->h_name = strcpy(data, name);
    result->h_addrtype = family;
    result->h_length = (int)len;
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_netiotest_gethostbyname_r(const char *name, struct hostent *result,
                                               char *buffer, size_t size, int *error, int *herror)
{
    return _nss_netiotest_gethostbyname2_r(name, AF_INET, result, buffer, size, error, herror);
}
