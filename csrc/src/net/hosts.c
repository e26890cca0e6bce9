/* Ring 1.  Looks a name up in hosts(5); see hosts.h.
 * Called by resolve.c before it asks the network; it reads one file.
 *
 * c-ares could read the file too, but as part of a question about one family: a name that
 * the file gives an IPv4 address only would go on to the name servers for its AAAA. */
#include "hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOSTS_PATH "/etc/hosts"
#define BLANKS     " \t\r\n\v\f"

/* Whether one of the names behind the address is the one looked for; a final dot is none of it. */
static int names_it(char **rest, const char *name)
{
    size_t len = strlen(name);
    char *word;

    while ((word = strtok_r(NULL, BLANKS, rest)))
        if (strncasecmp(word, name, len) == 0 &&
            (word[len] == '\0' || (word[len] == '.' && word[len + 1] == '\0')))
            return 1;
    return 0;
}

/* As the C library does it: where only IPv4 is wanted, ::1 stands for 127.0.0.1, since many files
 * have "::1 ip6-localhost" and no such line for IPv4. */
static void narrow(struct netio_addr *addr, int family)
{
    if (family != AF_INET || netio_addr_family(addr) != AF_INET6)
        return;
    if (IN6_IS_ADDR_LOOPBACK(&addr->u.in6.sin6_addr))
        (void)netio_addr_parse(addr, "127.0.0.1");
    else
        netio_addr_unmap(addr);
}

static void read_line(char *line, const char *name, int family, struct netio__addrs *addrs)
{
    char *rest = NULL;
    struct netio_addr addr;

    line[strcspn(line, "#")] = '\0';
    char *text = strtok_r(line, BLANKS, &rest);
    if (!text || !names_it(&rest, name) || netio_addr_parse(&addr, text) < 0)
        return;
    narrow(&addr, family);
    int found = netio_addr_family(&addr);
    if ((found == AF_INET || found == AF_INET6) && (family == AF_UNSPEC || family == found))
        netio__addrs_add(addrs, &addr);
}

int netio__hosts_read(FILE *file, const char *name, int family, struct netio__addrs *addrs)
{
    char *line = NULL;
    size_t size = 0;
    int code = 0;

    errno = 0;
    while (getline(&line, &size, file) != -1)
        read_line(line, name, family, addrs);
    if (errno == ENOMEM)
        code = -ENOMEM;
    free(line);
    return code;
}

int netio__hosts_find(const char *name, int family, struct netio__addrs *addrs)
{
    FILE *file = fopen(HOSTS_PATH, "re");

    if (!file)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
    int code = netio__hosts_read(file, name, family, addrs);
    fclose(file);
    return code;
}
