/* Ring 1.  The list of rules; see netio/access.h.  One rule is access_rule.c's.
 * Called by programs, which fill it, and by the server's admission, which asks.
 *
 * The first rule that matches decides, and there may be 100,000: so networks are in a hash table,
 * and who asks looks once for each length of prefix that occurs, and takes the earliest of what it
 * finds.  Which networks are in the table is up to the administrator: its hash needs no secret, and
 * is to be cheap, since who is let in pays for it once a length. */
#include "net/access_rule.h"

#include <errno.h>
#include <fcntl.h>
#include <netio/fd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULES_MAX 100000
#define NOTHING   UINT32_MAX
#define WORD_MAX  40 /* bytes of a word that is wrong, where its line is said, too */

/* The first rule of each kind about the same peers, as its number and verdict in one: the least
 * of several is the first.  "proxy" is apart, because it may be passed over. */
struct mark {
    uint32_t plain, proxy;
};

struct entry {
    struct netio__prefix net;
    struct mark mark; /* neither: the entry is free */
};

struct netio_access {
    struct netio__rule *rules;
    size_t count, room;
    struct entry *table;
    size_t size;             /* of the table: a power of two, at least twice the networks */
    uint8_t lengths[2][129]; /* of prefixes, IPv4 and IPv6; each once */
    unsigned length_count[2];
    struct mark all;
    int names_who; /* "allow" or "exempt" */
    int wants_credentials, wants_proxy;
};

static const struct mark no_mark = {NOTHING, NOTHING};

int netio_access_new(struct netio_access **access)
{
    *access = calloc(1, sizeof **access);
    if (!*access)
        return -ENOMEM;
    (*access)->all = no_mark;
    return 0;
}

void netio_access_free(struct netio_access *access)
{
    if (!access)
        return;
    free(access->rules);
    free(access->table);
    free(access);
}

/* Multiplication moves a bit only upwards, so the upper half is folded down after each (the
 * constants are those of SplitMix64; Steele and others, 2014). */
static uint64_t mix(uint64_t word, uint64_t factor)
{
    word *= factor;
    return word ^ word >> 32;
}

static size_t hash_of(const struct netio__prefix *net)
{
    uint64_t half[2], hash;

    memcpy(half, net->bytes, sizeof half);
    hash = mix(half[0], 0xbf58476d1ce4e5b9);
    hash = mix(hash ^ half[1] ^ (unsigned)(net->bits << 1 | net->is6), 0x94d049bb133111eb);
    return (size_t)mix(hash, 0xbf58476d1ce4e5b9);
}

/* The entry of a network, or the free one where it would be; size is not 0. */
static struct entry *entry_of(struct entry *table, size_t size, const struct netio__prefix *net)
{
    size_t at = hash_of(net) & (size - 1);

    while ((table[at].mark.plain != NOTHING || table[at].mark.proxy != NOTHING) &&
           memcmp(&table[at].net, net, sizeof *net) != 0)
        at = (at + 1) & (size - 1);
    return &table[at];
}

static void mark(struct mark *mark, size_t number, unsigned verdict)
{
    uint32_t *first = verdict == NETIO_PROXY ? &mark->proxy : &mark->plain;
    uint32_t word = (uint32_t)number << 2 | verdict;

    if (word < *first)
        *first = word;
}

static void note_length(struct netio_access *access, const struct netio__prefix *net)
{
    uint8_t *lengths = access->lengths[net->is6];
    unsigned *count = &access->length_count[net->is6];

    if (!memchr(lengths, net->bits, *count))
        lengths[(*count)++] = net->bits;
}

/* Rule number i counts from now on; there is room for it. */
static void put_rule(struct netio_access *access, size_t i)
{
    const struct netio__rule *rule = &access->rules[i];

    access->names_who |= rule->verdict == NETIO_ALLOW || rule->verdict == NETIO_EXEMPT;
    access->wants_proxy |= rule->verdict == NETIO_PROXY;
    access->wants_credentials |= rule->kind == NETIO__RULE_UID || rule->kind == NETIO__RULE_GID;
    if (rule->kind == NETIO__RULE_ALL)
        mark(&access->all, i, rule->verdict);
    if (rule->kind != NETIO__RULE_NETWORK)
        return;
    struct entry *entry = entry_of(access->table, access->size, &rule->of.net);
    entry->net = rule->of.net;
    mark(&entry->mark, i, rule->verdict);
    note_length(access, &rule->of.net);
}

/* Makes room in the table for count rules; those that are in it stay. */
static int grow_table(struct netio_access *access, size_t count)
{
    size_t size = access->size ? access->size : 16;

    while (size < 2 * count)
        size *= 2;
    if (size == access->size)
        return 0;
    struct entry *table = malloc(size * sizeof *table);
    if (!table)
        return -ENOMEM;
    for (size_t i = 0; i < size; i++)
        table[i].mark = no_mark;
    for (size_t i = 0; i < access->size; i++)
        if (memcmp(&access->table[i].mark, &no_mark, sizeof no_mark) != 0)
            *entry_of(table, size, &access->table[i].net) = access->table[i];
    free(access->table);
    access->table = table;
    access->size = size;
    return 0;
}

/* Behind the others, but it does not count yet. */
static int append(struct netio_access *access, size_t at, const struct netio__rule *rule)
{
    if (at == RULES_MAX)
        return NETIO_EFULL;
    if (at == access->room) {
        size_t room = at ? 2 * at : 16;
        struct netio__rule *rules = realloc(access->rules, room * sizeof *rules);
        if (!rules)
            return -ENOMEM;
        access->rules = rules;
        access->room = room;
    }
    access->rules[at] = *rule;
    return 0;
}

/* The rules appended so far count, all of them or none. */
static int commit(struct netio_access *access, size_t count)
{
    int code = grow_table(access, count);

    while (code == 0 && access->count < count)
        put_rule(access, access->count++);
    return code;
}

int netio_access_add(struct netio_access *access, const char *text, struct netio_error *error)
{
    char word[NETIO__RULE_TEXT + 1];
    struct netio__rule rule;
    int code = netio__rule_parse(&rule, text, word);

    if (code == 0)
        code = NETIO_EBADOPTION;
    if (code == 1)
        code = append(access, access->count, &rule);
    if (code == 0)
        code = commit(access, access->count + 1);
    return code ? netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, word) : 0;
}

/* A line without its end: 1; 0 at the end of the file; or a code, with the line in part. */
static int get_line(FILE *file, char line[NETIO__RULE_TEXT + 1])
{
    int c, code = 1;
    size_t n = 0;

    errno = 0;
    while (code == 1 && (c = getc_unlocked(file)) != EOF && c != '\n') {
        if (n == NETIO__RULE_TEXT)
            code = NETIO_ETOOLONG;
        else if (c == '\0')
            code = NETIO_EBADOPTION;
        else
            line[n++] = (char)c;
    }
    if (code == 1 && c == EOF && ferror(file))
        code = errno ? -errno : -EIO;
    else if (code == 1 && c == EOF && n == 0)
        code = 0;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return code;
}

static int open_file(FILE **file, const char *path)
{
    /* Not blocking: a FIFO would keep a server from its work until somebody writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
    struct stat st;
    int code = fd == -1 || fstat(fd, &st) == -1 ? -errno : S_ISREG(st.st_mode) ? 0 : NETIO_ENOTFILE;

    *file = code ? NULL : fdopen(fd, "r");
    if (!*file && code == 0)
        code = -errno;
    if (code)
        netio_fd_close(fd);
    return code;
}

/* The rules of a file, appended behind *count others; the number of the line is in *line. */
static int read_rules(struct netio_access *access, FILE *file, size_t *count, unsigned long *line,
                      char word[NETIO__RULE_TEXT + 1])
{
    char text[NETIO__RULE_TEXT + 1];
    struct netio__rule rule;
    int code;

    while ((code = get_line(file, text)) == 1) {
        ++*line;
        code = netio__rule_parse(&rule, text, word);
        if (code == 1)
            code = append(access, (*count)++, &rule);
        if (code < 0)
            return code;
    }
    if (code < 0) {
        ++*line;
        snprintf(word, NETIO__RULE_TEXT + 1, "%s", text);
    }
    return code;
}

/* FILE:LINE: word, for what is wrong with a line; else the file alone.  There is room for all of
 * the line's number: a word loses its end, a path its beginning, which says less than its end. */
static int refuse(struct netio_error *error, int code, const char *path, unsigned long line,
                  const char *word)
{
    char subject[sizeof error->subject], place[WORD_MAX + 32] = "";
    size_t len = strlen(path);

    if (line > 0)
        snprintf(place, sizeof place, ":%lu: %.*s%s", line, WORD_MAX, word,
                 strlen(word) > WORD_MAX ? "..." : "");
    size_t room = sizeof subject - 1 - strlen(place);
    if (len > room)
        snprintf(subject, sizeof subject, "...%s%s", path + len - (room - strlen("...")), place);
    else
        snprintf(subject, sizeof subject, "%s%s", path, place);
    return netio_error_set(error, NETIO_STAGE_OPTION, code, NULL, subject);
}

int netio_access_read(struct netio_access *access, const char *path, struct netio_error *error)
{
    char word[NETIO__RULE_TEXT + 1] = "";
    size_t count = access->count;
    unsigned long line = 0;
    FILE *file;
    int code = open_file(&file, path);

    if (code)
        return refuse(error, code, path, 0, "");
    code = read_rules(access, file, &count, &line, word);
    fclose(file);
    if (code)
        return refuse(error, code, path, line, word);
    /* A file cut to nothing must not let everybody in: that is "allow all". */
    if (count == access->count)
        code = NETIO_ENORULE;
    else
        code = commit(access, count);
    return code ? refuse(error, code, path, 0, "") : 0;
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = netio_fd_write(fd, text, size);
        if (n < 0)
            return (int)n;
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

int netio_access_write(const struct netio_access *access, int fd)
{
    char text[64 * NETIO__RULE_STRLEN];
    size_t used = 0;
    int code = 0;

    for (size_t i = 0; code == 0 && i < access->count; i++) {
        used += netio__rule_str(&access->rules[i], text + used);
        if (sizeof text - used < NETIO__RULE_STRLEN) {
            code = write_all(fd, text, used);
            used = 0;
        }
    }
    return code ? code : write_all(fd, text, used);
}

/* The earlier of the two kinds; "proxy" does not count in what a proxy has declared. */
static uint32_t earlier(uint32_t first, const struct mark *mark, int declared)
{
    if (mark->plain < first)
        first = mark->plain;
    return !declared && mark->proxy < first ? mark->proxy : first;
}

static uint32_t judge_network(const struct netio_access *access, const struct netio_addr *peer,
                              int declared, uint32_t first)
{
    struct netio__prefix net;

    for (int is6 = 0; is6 < 2; is6++)
        for (unsigned i = 0; i < access->length_count[is6]; i++) {
            unsigned bits = access->lengths[is6][i];
            if (!netio__prefix_of(&net, peer, bits, bits) || net.is6 != is6)
                break;
            first = earlier(first, &entry_of(access->table, access->size, &net)->mark, declared);
        }
    return first;
}

static int in_group(const struct netio_peer *who, gid_t gid)
{
    for (size_t i = 0; i < who->group_count; i++)
        if (who->groups[i] == gid)
            return 1;
    return who->gid == gid;
}

static int matches_unix(const struct netio__rule *rule, const struct netio_peer *who)
{
    switch (rule->kind) {
    case NETIO__RULE_ALL:
    case NETIO__RULE_UNIX:
        return 1;
    case NETIO__RULE_UID:
        return who && who->uid == rule->of.id;
    case NETIO__RULE_GID:
        return who && in_group(who, rule->of.id);
    default:
        return 0;
    }
}

static uint32_t judge_unix(const struct netio_access *access, const struct netio_peer *who,
                           int declared)
{
    for (size_t i = 0; i < access->count; i++) {
        const struct netio__rule *rule = &access->rules[i];
        if (matches_unix(rule, who) && !(declared && rule->verdict == NETIO_PROXY))
            return (uint32_t)i << 2 | rule->verdict;
    }
    return NOTHING;
}

enum netio_verdict netio_access_judge(const struct netio_access *access,
                                      const struct netio_addr *peer,
                                      const struct netio_peer *credentials, int declared)
{
    uint32_t first;

    if (!access)
        return NETIO_ALLOW;
    if (netio_addr_family(peer) == AF_UNIX)
        first = judge_unix(access, credentials, declared);
    else
        first = judge_network(access, peer, declared, earlier(NOTHING, &access->all, declared));
    if (first == NOTHING)
        return access->names_who ? NETIO_DENY : NETIO_ALLOW;
    return (enum netio_verdict)(first & 3);
}

int netio_access_wants_credentials(const struct netio_access *access)
{
    return access && access->wants_credentials;
}

int netio_access_wants_proxy(const struct netio_access *access)
{
    return access && access->wants_proxy;
}
