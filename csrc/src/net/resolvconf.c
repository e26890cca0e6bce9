/* Ring 1.  resolv.conf(5): the search list and how patient to be; see resolvconf.h.
 * Called by resolve.c; it reads one file and two environment variables.
 *
 * c-ares 1.18 knows neither timeout: nor attempts:, and walks the search list for A and AAAA
 * apart, which can join the IPv4 address of one host and the IPv6 address of another. */
#include "resolvconf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESOLVCONF_PATH "/etc/resolv.conf"
#define BLANKS          " \t\r\n"
#define HOSTNAME_MAX    253

/* resolv.conf(5): the defaults, and the caps that glibc silently applies. */
#define NDOTS_DEFAULT    1
#define NDOTS_CAP        15
#define TIMEOUT_DEFAULT  5
#define TIMEOUT_CAP      30
#define ATTEMPTS_DEFAULT 2
#define ATTEMPTS_CAP     5

static void add_domain(struct netio__resolvconf *conf, const char *domain)
{
    size_t len = strlen(domain);

    while (len && domain[len - 1] == '.')
        len--;
    if (len == 0 || len > HOSTNAME_MAX || len >= sizeof conf->search - conf->used)
        return;
    memcpy(conf->search + conf->used, domain, len);
    conf->used += len;
    conf->search[conf->used++] = '\0';
    conf->domains++;
}

static const char *domain_at(const struct netio__resolvconf *conf, size_t n)
{
    const char *domain = conf->search;

    while (n--)
        domain += strlen(domain) + 1;
    return domain;
}

/* Words up to the end: as search has them; max 1: as domain has it. */
static void read_domains(struct netio__resolvconf *conf, char *text, size_t max)
{
    char *rest = NULL, *word = strtok_r(text, BLANKS, &rest);

    conf->listed = 1;
    conf->domains = conf->used = 0;
    for (; word && conf->domains < max; word = strtok_r(NULL, BLANKS, &rest))
        add_domain(conf, word);
}

static void read_option(struct netio__resolvconf *conf, const char *word)
{
    const struct {
        const char *name;
        unsigned *value, least, cap;
    } options[] = {
        {"ndots:", &conf->ndots, 0, NDOTS_CAP},
        {"timeout:", &conf->timeout, 1, TIMEOUT_CAP},
        {"attempts:", &conf->attempts, 1, ATTEMPTS_CAP},
    };

    conf->tcp |= strcmp(word, "use-vc") == 0;
    conf->no_aaaa |= strcmp(word, "no-aaaa") == 0;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        size_t len = strlen(options[i].name);
        if (strncmp(word, options[i].name, len) != 0 || word[len] < '0' || word[len] > '9')
            continue;
        unsigned long value = strtoul(word + len, NULL, 10);
        if (value > options[i].cap)
            value = options[i].cap;
        *options[i].value = value < options[i].least ? options[i].least : (unsigned)value;
    }
}

static void read_options(struct netio__resolvconf *conf, char *text)
{
    char *rest = NULL, *word = strtok_r(text, BLANKS, &rest);

    for (; word; word = strtok_r(NULL, BLANKS, &rest))
        read_option(conf, word);
}

static void read_line(struct netio__resolvconf *conf, char *line)
{
    char *rest = line + strcspn(line, BLANKS);

    if (*rest)
        *rest++ = '\0';
    if (strcmp(line, "search") == 0)
        read_domains(conf, rest, SIZE_MAX);
    else if (strcmp(line, "domain") == 0)
        read_domains(conf, rest, 1);
    else if (strcmp(line, "options") == 0)
        read_options(conf, rest);
    else if (strcmp(line, "nameserver") == 0)
        *(strchr(rest, '%') ? &conf->on_link : &conf->anywhere) = 1;
}

/* Without search and domain, the domain is what follows the first dot of the host's name. */
static void default_domain(struct netio__resolvconf *conf)
{
    char host[256];

    if (gethostname(host, sizeof host) == -1)
        return;
    host[sizeof host - 1] = '\0';
    char *dot = strchr(host, '.');
    if (dot)
        add_domain(conf, dot + 1);
}

void netio__resolvconf_read(struct netio__resolvconf *conf, FILE *file)
{
    char *line = NULL;
    size_t size = 0;

    conf->ndots = NDOTS_DEFAULT;
    conf->timeout = TIMEOUT_DEFAULT;
    conf->attempts = ATTEMPTS_DEFAULT;
    conf->tcp = conf->no_aaaa = 0;
    conf->anywhere = conf->on_link = conf->listed = 0;
    conf->domains = conf->used = 0;
    while (file && getline(&line, &size, file) != -1)
        read_line(conf, line);
    free(line);
}

/* Reads one environment variable with one of the functions above, which take it to pieces. */
static int read_variable(struct netio__resolvconf *conf, const char *name,
                         void (*use)(struct netio__resolvconf *, char *))
{
    const char *value = secure_getenv(name);

    if (!value)
        return 0;
    char *copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    use(conf, copy);
    free(copy);
    return 0;
}

static void use_search(struct netio__resolvconf *conf, char *text)
{
    read_domains(conf, text, SIZE_MAX);
}

int netio__resolvconf_load(struct netio__resolvconf *conf)
{
    FILE *file = fopen(RESOLVCONF_PATH, "re");

    if (!file && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return -errno;
    netio__resolvconf_read(conf, file);
    if (file)
        fclose(file);
    int code = read_variable(conf, "LOCALDOMAIN", use_search);
    if (!code)
        code = read_variable(conf, "RES_OPTIONS", read_options);
    if (!code && !conf->listed)
        default_domain(conf);
    return code;
}

int netio__resolvconf_candidate(const struct netio__resolvconf *conf, const char *host, int dotted,
                                size_t n, char *out, size_t size)
{
    size_t dots = 0, domains = dotted ? 0 : conf->domains;

    for (const char *p = host; *p; p++)
        dots += *p == '.';
    /* The host as it is comes first or last. */
    size_t as_is = dots >= conf->ndots ? 0 : domains;
    if (n > domains)
        return -1;
    int len = n == as_is
                  ? snprintf(out, size, "%s", host)
                  : snprintf(out, size, "%s.%s", host, domain_at(conf, n > as_is ? n - 1 : n));
    return len > 0 && len <= HOSTNAME_MAX && (size_t)len < size;
}
