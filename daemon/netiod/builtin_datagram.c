/* netiod: the built-in services over datagrams, for those who have asked for them.
 * See service.h and builtin.h.
 *
 * Called by service.c and house.c through datagram_kind; a netio_server with on_datagram.  A
 * datagram's source can be forged, so each answer may go to somebody who never asked (CERT
 * CA-1996-01, CVE-1999-0103; inetd.md R1).  So there is none
 *
 *      to a port below 1024, where other inetds' services are, and 0
 *      to a port that one of these services here has, on whatever machine
 *      to a datagram that came to a broadcast or multicast address, or says it comes from one
 *      that is longer than what it answers: nobody gets more than somebody has sent
 *      beyond RATE a second for each source, whatever the configuration says
 *
 * and two machines cannot be made to keep each other busy, nor one of them to flood a third. */
#include "builtin.h"
#include "served.h"

#include <netio/log.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define RATE        16 /* a second from one source */
#define SOURCES     4096
#define CHARGEN_MAX 512 /* RFC 864 */
#define PORT_MIN    1024

enum objection { NONE, LOW_PORT, OWN_PORT, SHARED, TOO_MANY, LONGER, OBJECTIONS };

static const char *const words[OBJECTIONS] = {
    [LOW_PORT] = "its port is below 1024",
    [OWN_PORT] = "its port is a built-in service's",
    [SHARED] = "broadcast or multicast",
    [TOO_MANY] = "too many",
    [LONGER] = "the answer would be longer than the question",
};

struct answers {                 /* service->own */
    struct netio_limit *buckets; /* one for each source, whatever the configuration says */
    struct service_untold untold[OBJECTIONS];
};

/* ---- who gets no answer ---- */

static int is_group(const struct netio_addr *addr)
{
    if (netio_addr_family(addr) == AF_INET) {
        in_addr_t host = ntohl(addr->u.in4.sin_addr.s_addr);
        return IN_MULTICAST(host) || host == INADDR_BROADCAST || host == INADDR_ANY;
    }
    return netio_addr_family(addr) == AF_INET6 && IN6_IS_ADDR_MULTICAST(&addr->u.in6.sin6_addr);
}

static int has_port(const struct service *service, unsigned port)
{
    const struct netio_addr *own;

    for (size_t i = 0; (own = netio_server_address(service->server, i)); i++)
        if (netio_addr_port(own) == port)
            return 1;
    return 0;
}

static int is_own_port(const struct house *house, unsigned port)
{
    for (size_t i = 0; i < house->count; i++)
        if (house->services[i]->kind == &datagram_kind && has_port(house->services[i], port))
            return 1;
    return 0;
}

static enum objection object(const struct service *service, const struct netio_datagram *datagram)
{
    const struct answers *answers = service->own;
    unsigned port = netio_addr_port(datagram->peer);
    enum netio_refused why;

    if (netio_addr_family(datagram->peer) == AF_UNIX)
        return NONE;
    if (port < PORT_MIN)
        return LOW_PORT;
    if (is_own_port(service->house, port))
        return OWN_PORT;
    if (datagram->broadcast || is_group(datagram->local) || is_group(datagram->peer))
        return SHARED;
    if (netio_limit_pass(answers->buckets, datagram->peer, 0, netio_loop_now(service->house->loop),
                         &why) < 0)
        return TOO_MANY;
    return NONE;
}

/* In the log each at most once a second: whoever forges one forges many. */
static void note_objection(struct service *service, const struct netio_addr *peer,
                           enum objection objection)
{
    struct answers *answers = service->own;
    char text[NETIO_ADDR_STRLEN], what[NETIO_ADDR_STRLEN + 64];

    service->counts.unanswered++;
    unsigned long count =
        service_untold(&answers->untold[objection], netio_loop_now(service->house->loop));
    if (count == 0)
        return;
    (void)netio_addr_str(peer, text, sizeof text);
    snprintf(what, sizeof what, "no answer to %s (%s)", text, words[objection]);
    service_log_refused(service, LOG_NOTICE, what, count);
}

/* ---- answers ---- */

static size_t generate(char *out, size_t len)
{
    char line[BUILTIN_LINE];
    unsigned next = 0;
    size_t done = 0;

    if (len > CHARGEN_MAX)
        len = CHARGEN_MAX;
    while (done < len) {
        size_t n = len - done < sizeof line ? len - done : sizeof line;
        next = builtin_chargen(line, next);
        memcpy(out + done, line, n);
        done += n;
    }
    return len;
}

/* Writes it over the datagram, or beside it where that may be too short; its length, 0: none. */
static size_t answer(enum config_builtin builtin, const struct netio_datagram *datagram,
                     char text[BUILTIN_DAYTIME])
{
    switch (builtin) {
    case CONFIG_ECHO:
        return datagram->len;
    case CONFIG_CHARGEN:
        return generate(datagram->data, datagram->len);
    case CONFIG_DAYTIME:
        return builtin_daytime(text, time(NULL));
    case CONFIG_TIME:
        builtin_time((unsigned char *)text, time(NULL));
        return BUILTIN_TIME;
    case CONFIG_DISCARD:
        break;
    }
    return 0;
}

static void on_datagram(const struct netio_datagram *datagram)
{
    struct service *service = netio_server_data(datagram->server);
    enum config_builtin builtin = service->config->builtin;
    int beside = builtin == CONFIG_DAYTIME || builtin == CONFIG_TIME;
    char text[BUILTIN_DAYTIME];

    if (builtin == CONFIG_DISCARD)
        return;
    enum objection objection = object(service, datagram);
    size_t len = objection ? 0 : answer(builtin, datagram, text);
    if (!objection && len > datagram->len)
        objection = LONGER;
    if (objection)
        note_objection(service, datagram->peer, objection);
    else /* one that cannot be sent is lost, as datagrams are */
        (void)netio_datagram_reply(datagram, beside ? text : datagram->data, len);
}

/* ---- the kind ---- */

static int open_datagram(struct service *service, struct netio_error *error)
{
    static const struct netio_limit_options buckets = {.source_rate = {RATE, 1},
                                                       .sources = SOURCES};
    struct netio_server_handlers handlers;
    struct answers *answers = service->own = calloc(1, sizeof *answers);

    int code = answers ? netio_limit_new(&answers->buckets, &buckets) : -ENOMEM;
    if (code != 0)
        return netio_error_set(error, NETIO_STAGE_SERVICE, code, NULL, service->name);
    service_server_handlers(&handlers);
    handlers.on_datagram = on_datagram;
    return served_open(service, &handlers, NULL, error);
}

static int change(struct service *service, const struct config_service *before)
{
    return served_change(service, before, NULL);
}

static void free_datagram(struct service *service)
{
    struct answers *answers = service->own;

    served_free(service);
    if (answers)
        netio_limit_free(answers->buckets);
    free(answers);
}

const struct service_kind datagram_kind = {
    .open = open_datagram,
    .listen = served_listen,
    .ignore = served_ignore,
    .change = change,
    .stop = served_stop,
    .free = free_datagram,
};
