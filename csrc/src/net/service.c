/* Ring 1.  Services to ports; see netio/service.h.
 * Called by open.c, udp_server.c and programs; it reads services(5) through the C library. */
#include <netio/error.h>
#include <netio/service.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX    65535
#define SERVICE_MAX 64    /* RFC 6335 section 5.1 allows 15; services(5) has longer ones */
#define ENTRY_FIRST 1024  /* room for one entry of services(5) and its aliases ... */
#define ENTRY_LAST  65536 /* ... and where to stop asking with more */

/* A number from 1 to 65535 of len digits, without sign or leading zero; 0 for anything else. */
static int port_number(const char *text, size_t len)
{
    int port = 0;

    if (len == 0 || len > 5 || text[0] == '0')
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        port = port * 10 + (text[i] - '0');
    }
    return port <= PORT_MAX ? port : 0;
}

/* The port of a name in services(5), 0 for none. */
static int port_named(const char *name, const char *protocol)
{
    char first[ENTRY_FIRST], *room = first;
    struct servent entry, *found = NULL;
    size_t size = sizeof first;
    int code;

    while ((code = getservbyname_r(name, protocol, &entry, room, size, &found)) == ERANGE &&
           size < ENTRY_LAST) {
        char *more = realloc(room == first ? NULL : room, size *= 2);
        if (!more)
            break;
        room = more;
    }
    int port = code == 0 && found ? ntohs((uint16_t)found->s_port) : 0;
    if (room != first)
        free(room);
    return port;
}

static int is_name(const char *text, size_t len)
{
    if (len == 0 || len >= SERVICE_MAX)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~' || strchr("()#", text[i]))
            return 0;
    return 1;
}

int netio_service_port(const char *service, const char *protocol)
{
    char name[SERVICE_MAX];
    size_t whole = strlen(service);
    int port = port_number(service, whole);

    if (port)
        return port;
    size_t len = strcspn(service, "(");
    int fallback = 0;
    if (len < whole) {
        if (service[whole - 1] != ')')
            return NETIO_EBADSERVICE;
        fallback = port_number(service + len + 1, whole - len - 2);
        if (!fallback)
            return NETIO_EBADSERVICE;
    }
    if (!is_name(service, len))
        return NETIO_EBADSERVICE;
    memcpy(name, service, len);
    name[len] = '\0';
    port = port_named(name, protocol);
    if (!port)
        port = fallback;
    return port ? port : NETIO_EBADSERVICE;
}
