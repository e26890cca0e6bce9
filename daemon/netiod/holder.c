/* netiod: who has an address that is in use; see holder.h.
 * Called by reload_sockets.c; reads /proc: the tables of sockets (proc_net(5)), which have inodes,
 * and the descriptors of processes, which name them. */
#include "holder.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENS   0x0a /* TCP_LISTEN */
#define WORDS     4    /* of an address, as the tables have them */
#define WORD_TEXT 8

struct wanted {
    char address[WORDS * WORD_TEXT + 1], any[WORDS * WORD_TEXT + 1];
    unsigned port;
    int type;
};

static const char *table_of(struct wanted *wanted, const struct netio_addr *address)
{
    uint32_t words[WORDS] = {0};
    size_t count = 0;

    if (netio_addr_family(address) == AF_INET)
        count = 1, words[0] = address->u.in4.sin_addr.s_addr;
    else if (netio_addr_family(address) == AF_INET6)
        count = WORDS, memcpy(words, &address->u.in6.sin6_addr, sizeof words);
    for (size_t i = 0; i < count; i++) {
        snprintf(wanted->address + i * WORD_TEXT, WORD_TEXT + 1, "%08" PRIX32, words[i]);
        snprintf(wanted->any + i * WORD_TEXT, WORD_TEXT + 1, "%08X", 0u);
    }
    wanted->port = netio_addr_port(address);
    if (wanted->type == SOCK_STREAM)
        return count == 0 ? NULL : count == 1 ? "/proc/net/tcp" : "/proc/net/tcp6";
    return count == 0 ? NULL : count == 1 ? "/proc/net/udp" : "/proc/net/udp6";
}

/* Its inode; 0: it is not in the way. */
static unsigned long long look_at(const struct wanted *wanted, const char *line)
{
    char address[WORDS * WORD_TEXT + 1];
    unsigned port, state;
    unsigned long long inode;

    if (sscanf(line, " %*u: %32[0-9A-F]:%x %*s %x %*s %*s %*s %*u %*u %llu", address, &port, &state,
               &inode) != 4 ||
        port != wanted->port || (wanted->type == SOCK_STREAM && state != LISTENS))
        return 0;
    if (strcmp(address, wanted->address) != 0 && strcmp(address, wanted->any) != 0 &&
        strcmp(wanted->any, wanted->address) != 0)
        return 0;
    return inode;
}

static unsigned long long find_inode(const struct wanted *wanted, const char *table)
{
    FILE *file = fopen(table, "re");
    char line[512];
    unsigned long long inode = 0;

    if (!file)
        return 0;
    while (!inode && fgets(line, sizeof line, file))
        inode = look_at(wanted, line);
    (void)fclose(file);
    return inode;
}

static int has(pid_t pid, const char *name)
{
    char path[64], link[64];
    struct dirent *entry;
    int found = 0;

    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    while (!found && (entry = readdir(folder))) {
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        if (length <= 0)
            continue;
        link[length] = '\0';
        found = strcmp(link, name) == 0;
    }
    (void)closedir(folder);
    return found;
}

pid_t holder_of(const struct netio_addr *address, int type)
{
    struct wanted wanted = {.type = type};
    const char *table = table_of(&wanted, address);
    unsigned long long inode = table ? find_inode(&wanted, table) : 0;
    DIR *processes = inode ? opendir("/proc") : NULL;
    struct dirent *entry;
    char name[64];
    pid_t holder = 0;

    if (!processes)
        return 0;
    snprintf(name, sizeof name, "socket:[%llu]", inode);
    while (!holder && (entry = readdir(processes))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && pid != getpid() && has(pid, name))
            holder = pid;
    }
    (void)closedir(processes);
    return holder;
}
