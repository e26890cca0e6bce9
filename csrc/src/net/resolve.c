/* Ring 1.  Names to addresses, under a deadline; see netio/resolve.h.
 * Called by open.c, udp_server.c and programs; hosts.c, resolvconf.c, dns.c and getent.c do the
 * asking.
 *
 *      start ──► DONE                  numeric, localhost, in /etc/hosts
 *        │
 *        ▼     every question answered, or a fault on this side, or the deadline
 *      ASKING ────────────────────────────────────────────────────────────► DONE
 *      │ ▲ ││                                                                ▲ ▲
 *      │ │ │└─► GROWING   one family found, the other asked for still ───────┘ │
 *      │ │ └──► HELPING   none found, but nsswitch.conf(5) names more sources ─┘
 *      └─┘
 *      next name of the search list; or asked again, no server having answered
 */
#include "addrs.h"
#include "dns.h"
#include "getent.h"
#include "hosts.h"
#include "idn.h"
#include "nsswitch.h"
#include "resolvconf.h"

#include <netio/resolve.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOSTNAME_MAX  253 /* RFC 1035 section 2.3.4: 255 octets on the wire */
#define LABEL_MAX  63
#define MS         1000000LL

/* RFC 8305 section 3: IPv4 addresses in hand wait so long for the IPv6 ones. */
#define AAAA_GRACE (50 * MS)
/* A question that is lost must be repeated while there is time to use the answer: after a
 * fourth of the deadline, if resolv.conf(5) does not say sooner, but not at once. */
#define PATIENCE_SHARE 4
#define PATIENCE_LEAST (100 * MS)

enum state {
    ASKING,  /* dns is set; candidate is the name under way */
    GROWING, /* the same, and answer has what one question has found */
    HELPING, /* dns is gone, getent is set; verdict says what came of the questions */
    DONE,    /* both are gone; code says how it ended, answer is whole if that is 0 */
};

struct netio_resolve {
    enum state state;
    int code;
    int family;
    int dotted;              /* the host was written with a final dot */
    int verdict;             /* the weightiest of what was said of earlier names */
    size_t next;             /* of the search list */
    int64_t patience;        /* nanoseconds before a question is asked again */
    netio_deadline deadline; /* the caller's */
    netio_deadline asking;   /* until then name servers are asked: deadline, if that is all */
    netio_deadline grace;    /* until then one family's addresses wait for the other's */
    struct netio__dns *dns;
    struct netio__getent *getent;
    struct netio__nsswitch sources;
    struct netio__resolvconf conf;
    struct netio__addrs found;  /* as they came */
    struct netio__addrs answer; /* those in order, as they were when state was entered */
    char given[128];             /* the host as given, as far as an error shows it */
    char host[HOSTNAME_MAX + 1]; /* in ASCII, without a final dot */
    char candidate[256];
};

/* Of digits, or in hexadecimal. */
static int is_number(const char *label, size_t len)
{
    if (len > 2 && label[0] == '0' && (label[1] | 0x20) == 'x')
        return strspn(label + 2, "0123456789abcdefABCDEF") == len - 2;
    return strspn(label, "0123456789") == len;
}

/* Letters, digits, hyphen, underscore; 1 to 63 of them between dots.  A last label that is a
 * number is an address gone wrong (256.1.1.1, 127.1, 0x7f.1) that some resolver may take for
 * another one. */
static int valid_host(const char *host, size_t len)
{
    size_t label = 0;

    if (len == 0 || len > HOSTNAME_MAX)
        return 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)host[i];
        if (c == '.' && label == 0)
            return 0;
        if (c == '.') {
            label = 0;
            continue;
        }
        if (!(c >= '0' && c <= '9') && c != '-' && c != '_' &&
            !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return 0;
        if (++label > LABEL_MAX)
            return 0;
    }
    return label != 0 && !is_number(host + len - label, label);
}

/* RFC 6761 section 6.3. */
static int is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t len = strlen(host), tail = sizeof name - 1;

    return len >= tail && strcasecmp(host + len - tail, name) == 0 &&
           (len == tail || host[len - tail - 1] == '.');
}

static int finish(struct netio_resolve *resolve, int code)
{
    netio__dns_free(resolve->dns);
    resolve->dns = NULL;
    netio__getent_free(resolve->getent);
    resolve->getent = NULL;
    resolve->state = DONE;
    resolve->code = code;
    if (!code)
        netio__addrs_order(&resolve->found, &resolve->answer);
    return code;
}

static void add_text(struct netio_resolve *resolve, const char *text)
{
    struct netio_addr addr;

    if (netio_addr_parse(&addr, text) == 0 &&
        (resolve->family == AF_UNSPEC || resolve->family == netio_addr_family(&addr)))
        netio__addrs_add(&resolve->found, &addr);
}

static int64_t patience_of(const struct netio_resolve *resolve)
{
    int64_t patience = resolve->conf.timeout * 1000 * MS;

    if (resolve->asking == NETIO_NEVER)
        return patience;
    int64_t share = (resolve->asking - netio_clock_now()) / PATIENCE_SHARE;
    if (share > patience)
        return patience;
    return share > PATIENCE_LEAST ? share : PATIENCE_LEAST;
}

static void ask(struct netio_resolve *resolve, int family)
{
    if (family == AF_INET6 && resolve->conf.no_aaaa)
        netio__dns_pass_over(resolve->dns, family);
    else if (resolve->family == AF_UNSPEC || resolve->family == family)
        netio__dns_ask(resolve->dns, resolve->candidate, family);
}

/* Asks for the next name of the search list; 0 at its end. */
static int ask_next(struct netio_resolve *resolve)
{
    int more;

    do
        more = netio__resolvconf_candidate(&resolve->conf, resolve->host, resolve->dotted,
                                           resolve->next++, resolve->candidate,
                                           sizeof resolve->candidate);
    while (more == 0);
    if (more < 0)
        return 0;
    ask(resolve, AF_INET6);
    ask(resolve, AF_INET);
    return 1;
}

static int is_ours(int code)
{
    return code != NETIO_ENONAME && code != NETIO_ENOADDRESS && code != NETIO_ERESOLVER &&
           code != -ETIMEDOUT;
}

/* Name servers and hosts(5) come to nothing.  The sources that only the C library knows may have
 * the name; if not, it stays at that.  -EAGAIN, or how it ended. */
static int turn_to_others(struct netio_resolve *resolve, int code)
{
    char name[sizeof resolve->host + 1];

    if (!resolve->sources.other || is_ours(code) || netio_deadline_passed(resolve->deadline))
        return finish(resolve, code);
    netio__dns_free(resolve->dns);
    resolve->dns = NULL;
    resolve->verdict = code;
    snprintf(name, sizeof name, "%s%s", resolve->host, resolve->dotted ? "." : "");
    code = netio__getent_new(&resolve->getent, name, resolve->family, &resolve->found);
    if (code)
        return finish(resolve, code);
    resolve->state = HELPING;
    return -EAGAIN;
}

/* Who else is there to ask; 0, or what makes start fail.  c-ares 1.18 passes over a name server on a
 * link (fe80::1%eth0), and would ask 127.0.0.1 when there is no other; the C library knows it. */
static int load_sources(struct netio_resolve *resolve)
{
    int code = netio__nsswitch_load(&resolve->sources);

    if (code || !resolve->sources.dns)
        return code;
    code = netio__resolvconf_load(&resolve->conf);
    if (!code && resolve->conf.on_link) {
        resolve->sources.other = 1;
        resolve->sources.dns = resolve->conf.anywhere;
    }
    return code;
}

/* Begins to ask name servers; 0, or what makes start fail.  Silent ones leave half of the time to
 * other sources. */
static int ask_first(struct netio_resolve *resolve)
{
    resolve->asking = resolve->deadline;
    if (resolve->sources.other && resolve->deadline != NETIO_NEVER)
        resolve->asking -= (resolve->deadline - netio_clock_now()) / 2;
    resolve->patience = patience_of(resolve);
    int code = netio__dns_new(&resolve->dns, (int)(resolve->patience / MS),
                              (int)resolve->conf.attempts, resolve->conf.tcp, &resolve->found);
    if (!code)
        ask_next(resolve);
    return code;
}

/* Finds what needs no network, or begins to ask for it; 0, or what makes start fail. */
static int look_up(struct netio_resolve *resolve)
{
    if (is_localhost(resolve->host)) {
        add_text(resolve, "::1");
        add_text(resolve, "127.0.0.1");
        return finish(resolve, 0);
    }
    int code = netio__hosts_find(resolve->host, resolve->family, &resolve->found);
    if (code || resolve->found.count)
        return finish(resolve, code);
    code = load_sources(resolve);
    if (code)
        return code;
    if (resolve->sources.dns)
        return ask_first(resolve);
    code = turn_to_others(resolve, NETIO_ENONAME);
    return is_ours(code) && code != -EAGAIN ? code : 0;
}

/* A number: done at once; else 1. */
static int begin_number(struct netio_resolve *resolve, const char *host)
{
    struct netio_addr addr;

    if (netio_addr_parse(&addr, host) != 0)
        return 1;
    if (netio_addr_family(&addr) == AF_UNIX)
        return NETIO_EBADHOST;
    add_text(resolve, host);
    finish(resolve, resolve->found.count ? 0 : NETIO_ENOADDRESS);
    return 0;
}

static int begin(struct netio_resolve *resolve, const char *host)
{
    char ascii[sizeof resolve->host + 1];
    int code = begin_number(resolve, host);

    if (code <= 0)
        return code;
    if (netio__idn_needed(host)) {
        code = netio__idn_encode(host, ascii, sizeof ascii);
        if (code)
            return code;
        host = ascii;
    }
    size_t len = strlen(host);
    resolve->dotted = len > 0 && host[len - 1] == '.';
    len -= (size_t)resolve->dotted;
    if (!valid_host(host, len))
        return NETIO_EBADHOST;
    memcpy(resolve->host, host, len);
    return look_up(resolve);
}

int netio_resolve_start(struct netio_resolve **out, const char *host, int family,
                        netio_deadline deadline, struct netio_error *error)
{
    struct netio_resolve *resolve = NULL;
    int code = 0;

    *out = NULL;
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return netio_error_set(error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, "family");
    resolve = calloc(1, sizeof *resolve);
    if (resolve) {
        resolve->family = family;
        resolve->deadline = deadline;
        snprintf(resolve->given, sizeof resolve->given, "%s", host);
        code = begin(resolve, host);
    }
    if (resolve && !code) {
        *out = resolve;
        return 0;
    }
    netio_resolve_free(resolve);
    return netio_error_set(error, NETIO_STAGE_RESOLVE, resolve ? code : -ENOMEM, NULL, host);
}

/* The weightier of two results: what is known of a name yields to a server that failed, and
 * that to a fault on this side. */
static int weightier(int a, int b)
{
    static const int rising[] = {0, NETIO_ENONAME, NETIO_ENOADDRESS, NETIO_ERESOLVER, -ETIMEDOUT};
    size_t i = 0;

    while (i < sizeof rising / sizeof *rising && rising[i] != a && rising[i] != b)
        i++;
    if (i == sizeof rising / sizeof *rising)
        return a;
    return rising[i] == a ? b : a;
}

/* Whether the addresses of one family are to be used without those of the other: IPv6 at
 * once, IPv4 when it has waited long enough. */
static int enough(struct netio_resolve *resolve, int missing)
{
    if (missing == AF_INET)
        return 1;
    if (!resolve->grace)
        resolve->grace = netio_clock_now() + AAAA_GRACE;
    return netio_deadline_passed(resolve->grace);
}

/* What the answers on one name come to: 0 found, -EAGAIN, or why not. */
static int weigh(struct netio_resolve *resolve)
{
    int in4 = netio__dns_result(resolve->dns, AF_INET);
    int in6 = netio__dns_result(resolve->dns, AF_INET6);
    int found = resolve->found.count != 0;

    if (in4 != -EAGAIN && in6 != -EAGAIN)
        return found ? 0 : weightier(in4, in6);
    if (found && enough(resolve, in4 == -EAGAIN ? AF_INET : AF_INET6))
        return 0;
    if (netio_deadline_passed(resolve->asking))
        return found ? 0 : -ETIMEDOUT;
    return -EAGAIN;
}

/* Whether a question is on its way for which there is time. */
static int may_grow(const struct netio_resolve *resolve)
{
    return (netio__dns_result(resolve->dns, AF_INET) == -EAGAIN ||
            netio__dns_result(resolve->dns, AF_INET6) == -EAGAIN) &&
           !netio_deadline_passed(resolve->deadline);
}

static int succeed(struct netio_resolve *resolve)
{
    if (!may_grow(resolve))
        return finish(resolve, 0);
    resolve->state = GROWING;
    netio__addrs_order(&resolve->found, &resolve->answer);
    return 0;
}

/* c-ares gives up when no server answers; with time left, the question is asked again. */
static int ask_again(struct netio_resolve *resolve)
{
    if (resolve->asking == NETIO_NEVER || netio_deadline_passed(resolve->asking))
        return 0;
    if (netio__dns_result(resolve->dns, AF_INET6) == -ETIMEDOUT)
        ask(resolve, AF_INET6);
    if (netio__dns_result(resolve->dns, AF_INET) == -ETIMEDOUT)
        ask(resolve, AF_INET);
    return 1;
}

static int go_on(struct netio_resolve *resolve)
{
    int code;

    netio__dns_step(resolve->dns);
    for (;;) {
        code = weigh(resolve);
        if (code == -EAGAIN)
            return code;
        if (code == -ETIMEDOUT && ask_again(resolve))
            continue;
        if (!code)
            return succeed(resolve);
        if (is_ours(code) || code == -ETIMEDOUT)
            return turn_to_others(resolve, code);
        resolve->verdict = weightier(resolve->verdict, code);
        if (!ask_next(resolve))
            return turn_to_others(resolve, resolve->verdict);
    }
}

/* A question brings all of its addresses at once: as long as it is open, the answer stays. */
static int grow(struct netio_resolve *resolve)
{
    netio__dns_step(resolve->dns);
    return may_grow(resolve) ? 0 : finish(resolve, 0);
}

static int be_helped(struct netio_resolve *resolve)
{
    int code = netio__getent_step(resolve->getent);

    if (code == -EAGAIN && !netio_deadline_passed(resolve->deadline))
        return code;
    if (code == -EAGAIN)
        code = -ETIMEDOUT;
    return finish(resolve, resolve->found.count ? 0 : weightier(resolve->verdict, code));
}

static int go_on_from(struct netio_resolve *resolve)
{
    switch (resolve->state) {
    case ASKING:
        return go_on(resolve);
    case GROWING:
        return grow(resolve);
    case HELPING:
        return be_helped(resolve);
    case DONE:
        break;
    }
    return resolve->code;
}

int netio_resolve_step(struct netio_resolve *resolve, struct netio_error *error)
{
    int code = go_on_from(resolve);

    if (code == 0 || code == -EAGAIN)
        return code;
    return netio_error_set(error, NETIO_STAGE_RESOLVE, code, NULL, resolve->given);
}

void netio_resolve_want(const struct netio_resolve *resolve, struct netio_want *want)
{
    if (resolve->state == DONE) {
        *want = (struct netio_want){.fd = -1, .deadline = NETIO_NOW};
        return;
    }
    if (resolve->state == HELPING)
        netio__getent_want(resolve->getent, want);
    else
        netio__dns_want(resolve->dns, want);
    want->deadline = netio_deadline_sooner(want->deadline, resolve->deadline);
    if (resolve->state != ASKING)
        return;
    want->deadline = netio_deadline_sooner(want->deadline, resolve->asking);
    want->deadline = netio_deadline_sooner(want->deadline, resolve->grace);
}

int netio_resolve_pending(const struct netio_resolve *resolve)
{
    return resolve->state == GROWING;
}

size_t netio_resolve_answer(const struct netio_resolve *resolve, const struct netio_addr **addrs)
{
    *addrs = resolve->answer.at;
    return resolve->answer.count;
}

void netio_resolve_free(struct netio_resolve *resolve)
{
    if (!resolve)
        return;
    netio__dns_free(resolve->dns);
    netio__getent_free(resolve->getent);
    free(resolve);
}
