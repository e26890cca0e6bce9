/* Services to ports: numbers, names, names with a number to fall back on. */
#include "tap.h"

#include <netio/error.h>
#include <netio/service.h>
#include <netio/text.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#define SERVICE_ROOM 64

static const struct {
    const char *service;
    int port;
} numbers[] = {
    {"1", 1},
    {"43", 43},
    {"65535", 65535},
    {"0", NETIO_EBADSERVICE},
    {"65536", NETIO_EBADSERVICE},
    {"99999", NETIO_EBADSERVICE},
    {"4294967339", NETIO_EBADSERVICE}, /* 43 in 32 bits */
    {"043", NETIO_EBADSERVICE},
    {"+43", NETIO_EBADSERVICE},
    {"-43", NETIO_EBADSERVICE},
    {" 43", NETIO_EBADSERVICE},
    {"43 ", NETIO_EBADSERVICE},
    {"43\n", NETIO_EBADSERVICE},
    {"0x2b", NETIO_EBADSERVICE},
    {"4.3", NETIO_EBADSERVICE},
    {"", NETIO_EBADSERVICE},
    {"no-such-service-netio", NETIO_EBADSERVICE},
    {"no-such-service-netio(4343)", 4343},
    {"no-such-service-netio(0)", NETIO_EBADSERVICE},
    {"no-such-service-netio(65536)", NETIO_EBADSERVICE},
    {"80x", NETIO_EBADSERVICE},
    {"80(81)x", NETIO_EBADSERVICE},
    {"80(81)", 81}, /* a name, though an odd one */
    {"-1", NETIO_EBADSERVICE},
    {"\n", NETIO_EBADSERVICE},
    {"whois\n", NETIO_EBADSERVICE},
    {"no-such-service-netio(-1)", NETIO_EBADSERVICE},
    {"no-such-service-netio(80x)", NETIO_EBADSERVICE},
    {"no-such-service-netio( 80)", NETIO_EBADSERVICE},
    {"no-such-service-netio()", NETIO_EBADSERVICE},
    {"no-such-service-netio(", NETIO_EBADSERVICE},
    {"no-such-service-netio(4343", NETIO_EBADSERVICE},
    {"no-such-service-netio(4343)x", NETIO_EBADSERVICE},
    {"no-such-service-netio(43)(44)", NETIO_EBADSERVICE},
    {"(4343)", NETIO_EBADSERVICE},
    {"two words", NETIO_EBADSERVICE},
    {"who\001is", NETIO_EBADSERVICE},
    {"who\xc3\xafs", NETIO_EBADSERVICE},
    {"a-name-that-is-much-longer-than-any-service-could-ever-be-in-a-file", NETIO_EBADSERVICE},
};

static void check_names(void)
{
    if (!getservbyname("whois", "tcp") || !getservbyname("domain", "udp")) {
        skip(4, "no services(5) here");
        return;
    }
    is_int(netio_service_port("whois", "tcp"), 43, "whois, as services(5) has it");
    is_int(netio_service_port("domain", "udp"), 53, "domain over udp");
    is_int(netio_service_port("whois(4343)", "tcp"), 43, "the file's number before the other");
    is_int(netio_service_port("whois", "no-such-protocol"), NETIO_EBADSERVICE,
           "a service is one of its protocol");
}

/* Every name and alias that services(5) has, as getent(1) lists them. */
static void check_all(void)
{
    char names[2048][SERVICE_ROOM], protocols[2048][8];
    size_t count = 0, wrong = 0;

    setservent(1);
    for (struct servent *entry; (entry = getservent());) {
        const char *name = entry->s_name;
        for (char **alias = entry->s_aliases; name && count < 2048; name = *alias++) {
            if (strlen(name) >= SERVICE_ROOM || strlen(entry->s_proto) >= sizeof *protocols)
                continue;
            strcpy(names[count], name);
            strcpy(protocols[count++], entry->s_proto);
        }
    }
    endservent();
    for (size_t i = 0; i < count; i++) {
        const struct servent *entry = getservbyname(names[i], protocols[i]);
        if (!entry || netio_service_port(names[i], protocols[i]) != ntohs((uint16_t)entry->s_port)) {
            diag("%s over %s", names[i], protocols[i]);
            wrong++;
        }
    }
    is_int(wrong, 0, "all of the %zu names in services(5)", count);
}

int main(void)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *service = numbers[i].service;
        char name[128];
        netio_text_safe(service, strlen(service), name, sizeof name);
        is_int(netio_service_port(service, "tcp"), numbers[i].port, "\"%s\" gives %d", name,
               numbers[i].port);
    }
    check_names();
    check_all();
    return tap_done();
}
