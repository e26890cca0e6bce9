/* A question to several servers over UDP: what it and its options may be.  Servers as texts,
 * those that are wrong and those beside them, options that are refused, and this end. */
#include "planned.h"
#include "port.h"

/* Servers as texts: what the first attempt says. */
static const struct {
    const char *server, *service;
    int family, code;
    const char *text;
} texts[] = {
    {"127.0.0.1", "9", 0, 0, "127.0.0.1:9"},
    {"127.0.0.1:domain", "9", 0, 0, "127.0.0.1:53"},
    {"127.0.0.1:10", NULL, 0, 0, "127.0.0.1:10"},
    {"127.0.0.1", "nothing(11)", 0, 0, "127.0.0.1:11"},
    {"::1", "9", 0, 0, "[::1]:9"},
    {"[::1]", "9", 0, 0, "[::1]:9"},
    {"[::1]:10", "9", 0, 0, "[::1]:10"},
    {"[127.0.0.1]:10", "9", 0, 0, "127.0.0.1:10"},
    {"localhost:10", "9", AF_INET, 0, "127.0.0.1:10"},
    {"localhost", "9", AF_INET6, 0, "[::1]:9"},
    {"::1", "9", AF_INET, NETIO_ENOADDRESS, "-"},
    {"127.0.0.1", "9", AF_INET6, NETIO_ENOADDRESS, "-"},
    {"127.0.0.1", NULL, 0, NETIO_EBADSERVICE, "-"},
    {"127.0.0.1:", "9", 0, NETIO_EBADSERVICE, "-"},
    {"127.0.0.1:0", "9", 0, NETIO_EBADSERVICE, "-"},
    {"127.0.0.1:65536", "9", 0, NETIO_EBADSERVICE, "-"},
    {"127.0.0.1:80x", "9", 0, NETIO_EBADSERVICE, "-"},
    {"127.0.0.1", "no such service", 0, NETIO_EBADSERVICE, "-"},
    {"", "9", 0, NETIO_EBADHOST, "-"},
    {":10", "9", 0, NETIO_EBADHOST, "-"},
    {"[::1", "9", 0, NETIO_EBADHOST, "-"},
    {"[::1]x", "9", 0, NETIO_EBADHOST, "-"},
    {"[]:9", "9", 0, NETIO_EBADHOST, "-"},
    {"a b", "9", 0, NETIO_EBADHOST, "-"},
    {"a\nb", "9", 0, NETIO_EBADHOST, "-"},
    {"/run/acl", "9", 0, NETIO_EBADHOST, "-"},
    {"1:2:3", "9", 0, NETIO_EBADHOST, "-"},
};

static void check_texts(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct netio_udp_question asked = {
            .servers = &texts[i].server, .count = 1, .service = texts[i].service};
        struct netio_udp_options options = {.deadline = NETIO_NOW, .family = texts[i].family};
        const struct netio_udp_attempt *attempts;
        struct netio_udp_ask *ask;
        const char *answer;
        char text[NETIO_ADDR_STRLEN];
        if (netio_udp_ask_start(&ask, &asked, &options, NULL) < 0)
            abort();
        ssize_t n = netio_udp_ask_step(ask, &answer, NULL, NULL);
        size_t count = netio_udp_ask_attempts(ask, &attempts);
        is_str(count ? netio_addr_str(&attempts[0].address, text, sizeof text) : "none",
               texts[i].text, "server \"%s\"", *texts[i].server == 'a' ? "a?b" : texts[i].server);
        if (texts[i].code) {
            is_int(attempts[0].code, texts[i].code, "and what is wrong with it");
            is_int(n, texts[i].code, "and with all of it");
            is_int(attempts[0].stage,
                   texts[i].code == NETIO_EBADSERVICE ? NETIO_STAGE_SERVICE : NETIO_STAGE_RESOLVE,
                   "and at which stage");
            ok(attempts[0].server != texts[i].server &&
                   strcmp(attempts[0].server, texts[i].server) == 0,
               "and how it was given");
        }
        netio_udp_ask_free(ask);
    }
}

/* One that is wrong spoils nothing. */
static void check_company(void)
{
    char host[300], nobody[32], result[256];
    const char *mixed[] = {"no such host:9", "127.0.0.1:none", host, NULL, nobody};

    memset(host, 'h', sizeof host);
    host[sizeof host - 1] = '\0';
    snprintf(nobody, sizeof nobody, "localhost:%u", free_port());
    begin((const char *const[SERVERS]){"xr"});
    struct netio_udp_question asked = question(1);
    mixed[3] = names[0];
    asked.servers = mixed;
    asked.count = 5;
    run(&asked, NULL, result, sizeof result);
    is_str(result,
           "answer@1000 NETIO_EBADHOST NETIO_EBADSERVICE NETIO_EBADHOST it "
           "ECONNREFUSED ECONNREFUSED ok",
           "servers that are wrong in themselves do not spoil the others");
    end();
}

static const struct {
    struct netio_udp_options options;
    size_t count;
    int code;
    const char *text;
} bad[] = {
    {{0}, 0, NETIO_EBADOPTION, "option servers: not a valid option"},
    {{0}, 65, NETIO_EBADOPTION, "option servers: not a valid option"},
    {{.family = AF_UNIX}, 1, NETIO_EBADOPTION, "option family: not a valid option"},
    {{.first_wait = -1}, 1, NETIO_EBADOPTION, "option first_wait: not a valid option"},
    {{.first_wait = MS - 1}, 1, NETIO_EBADOPTION, "option first_wait: not a valid option"},
    {{.first_wait = INT64_MAX}, 1, NETIO_EBADOPTION, "option first_wait: not a valid option"},
    {{.source_port = 65536}, 1, NETIO_EBADOPTION, "option source_port: not a valid option"},
    {{.source = "localhost"}, 1, NETIO_EBADADDRESS, "option localhost: not a valid address"},
    {{.source = "::1", .family = AF_INET}, 1, NETIO_EBADOPTION,
     "option source: not a valid option"},
};

static void check_options(void)
{
    static const char *many[65];
    struct netio_udp_ask *ask;
    char text[640];

    for (size_t i = 0; i < 65; i++)
        many[i] = "127.0.0.1:9";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct netio_udp_question asked = {.servers = many, .count = bad[i].count};
        struct netio_error error = {0};
        is_int(netio_udp_ask_start(&ask, &asked, &bad[i].options, &error), bad[i].code, "%s",
               bad[i].text);
        is_str(netio_error_str(&error, text, sizeof text), bad[i].text, "it says so");
        ok(ask == NULL, "and there is no machine");
    }
    netio_udp_ask_free(NULL);
    pass("freeing none is legal");
}

static int note_port(const void *answer, size_t size, const struct netio_addr *server, void *data)
{
    (void)answer;
    (void)server;
    *(int *)data = 1;
    return size == 2;
}

/* At which stage the first server failed. */
static void check_stage(const struct netio_udp_question *asked,
                        const struct netio_udp_options *options, enum netio_stage stage)
{
    const struct netio_udp_attempt *attempts;
    struct netio_udp_ask *ask;
    const char *answer;

    if (netio_udp_ask_start(&ask, asked, options, NULL) < 0)
        abort();
    netio_udp_ask_step(ask, &answer, NULL, NULL);
    netio_udp_ask_attempts(ask, &attempts);
    is_str(netio_stage_str(attempts[0].stage), netio_stage_str(stage), "the stage is known");
    netio_udp_ask_free(ask);
}

/* This end: what the servers see of it.  All use the one port, at the same time. */
static void check_source(void)
{
    char result[256];
    int told = 0, probe = udp_socket("127.0.0.3", free_port());
    struct netio_udp_options options = {
        .source = "127.0.0.3", .source_port = port_of(probe), .valid = note_port, .data = &told};

    begin((const char *const[SERVERS]){"l", "x", "x"});
    struct netio_udp_question asked = question(3);
    run(&asked, &options, result, sizeof result);
    is_str(result, "EADDRINUSE@0 EADDRINUSE EADDRINUSE EADDRINUSE", "a port that is taken");
    check_stage(&asked, &options, NETIO_STAGE_BIND);
    close(probe);
    run(&asked, &options, result, sizeof result);
    options.deadline = NETIO_NOW;
    check_stage(&asked, &options, NETIO_STAGE_READ);
    options.deadline = NETIO_NEVER;
    is_str(result, "answer@1000 it ECANCELED ECANCELED ok", "one port for several servers");
    is_int(told, 1, "valid got its data");
    end();
    begin((const char *const[SERVERS]){"x", "r"});
    asked = question(2);
    options = (struct netio_udp_options){.reserved = 1};
    run(&asked, &options, result, sizeof result);
    if (geteuid() == 0)
        is_str(result, "answer@1000 ECANCELED it ok", "reserved ports");
    else
        skip(1, "reserved ports need root");
    end();
}

int main(void)
{
    check_texts();
    check_company();
    check_options();
    check_source();
    return tap_done();
}
