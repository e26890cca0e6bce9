/* fuzz/resolvconf.c: resolv.conf(5), and the names that come of it.  The first line of an input is
 * the host that is asked for, the rest is the file. */
#include "target.h"

#include "net/resolvconf.h"

#define HOSTNAME_MAX 253

static void check_conf(const struct netio__resolvconf *conf)
{
    must(conf->ndots <= 15);
    must(conf->timeout >= 1 && conf->timeout <= 30);
    must(conf->attempts >= 1 && conf->attempts <= 5);
    must(conf->used <= sizeof conf->search);
    const char *domain = conf->search;
    for (size_t i = 0; i < conf->domains; i++) {
        size_t len = strnlen(domain, (size_t)(conf->search + conf->used - domain));
        must(len > 0 && len <= HOSTNAME_MAX);
        must(strpbrk(domain, " \t\r\n") == NULL);
        must(domain[len - 1] != '.');
        domain += len + 1;
    }
    must(domain == conf->search + conf->used);
}

/* Each name is the host, or the host in one of the domains; as it is, it comes at most once. */
static void check_names(const struct netio__resolvconf *conf, const char *host, int dotted)
{
    char name[256];
    size_t n = 0, as_is = 0, len = strlen(host);
    int code;

    for (;; n++) {
        code = netio__resolvconf_candidate(conf, host, dotted, n, name, sizeof name);
        if (code == -1)
            break;
        if (code == 0)
            continue;
        must(strlen(name) <= HOSTNAME_MAX && strncmp(name, host, len) == 0);
        must(name[len] == '\0' || (name[len] == '.' && !dotted));
        as_is += name[len] == '\0';
    }
    must(n == (dotted ? 1 : conf->domains + 1));
    must(as_is == (len > 0 && len <= HOSTNAME_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct netio__resolvconf conf;
    char *host = first_line(&data, &size);
    char *text = string_of(data, size);
    FILE *file = fmemopen(text, size + 1, "r");

    must(file != NULL);
    memset(&conf, 0xa5, sizeof conf);
    netio__resolvconf_read(&conf, file);
    check_conf(&conf);
    check_names(&conf, host, 0);
    check_names(&conf, host, 1);
    fclose(file);
    free(text);
    free(host);
    return 0;
}
