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
#define BLANKS     " \t\r\n"

/* Whether one of the names behind the address is the one looked for. */
static int names_it(char **rest, const char *name)
{
    char *word;

    while ((word = strtok_r(NULL, BLANKS, rest)))
        if (strcasecmp(word, name) == 0)
            return 1;
    return 0;
}

static void read_line(char *line, const char *name, int family, struct netio__addrs *addrs)
{
    char *rest = NULL;
    struct netio_addr addr;

    line[strcspn(line, "#")] = '\0';
    char *text = strtok_r(line, BLANKS, &rest);
    if (!text || !names_it(&rest, name) || netio_addr_parse(&addr, text) < 0)
        return;
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
