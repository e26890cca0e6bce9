/* A question to several servers over UDP: who is asked when, whose answer counts, how it ends.
 * The sockets are real, on the loopback; the clock is not: poll(2), here in place of the C
 * library's, lets the servers answer and, when nothing comes of that, moves the clock to where
 * the wait would have ended.  Networks that misbehave are in t/28-udp-net.t. */
#include "descriptors.h"
#include "storm.h"
#include "tap.h"

#include <netio/udp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#define MS      1000000LL
#define SERVERS 4
#define BIG     65507

/* What each of them does with its first request, its second, ...; the last goes on for ever:
 * x nothing, r "ok", i "no", I "no" and then "ok", z nothing in a datagram, b a big one,
 * w "ok" from another port, a "ok" from another address, d "ok" twice, f a hundred "no",
 * l "ok" once another server is asked. */
struct server {
    int fd, requests;
    unsigned port;
    const char *plan;
    struct sockaddr_in late; /* who gets an answer later */
};

static struct server servers[SERVERS];
static int stranger, neighbour; /* other sockets to answer from */
static int64_t fake;            /* nanoseconds; 0: the real clock */
static int64_t began;
static char seen[1024];         /* "A0 B1000 ": server and milliseconds of each request */

int clock_gettime(clockid_t which, struct timespec *now)
{
    if (!fake)
        return (int)syscall(SYS_clock_gettime, which, now);
    now->tv_sec = fake / (1000 * MS);
    now->tv_nsec = fake % (1000 * MS);
    return 0;
}

static int udp_socket(const char *host, unsigned port)
{
    struct netio_addr addr;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (netio_addr_parse(&addr, host) < 0)
        abort();
    netio_addr_set_port(&addr, port);
    if (fd == -1 || bind(fd, &addr.u.sa, addr.len) == -1)
        abort();
    return fd;
}

static unsigned port_of(int fd)
{
    struct netio_addr addr;

    return netio_addr_local(&addr, fd) == 0 ? netio_addr_port(&addr) : 0;
}

static void tell(int fd, const struct sockaddr_in *to, const char *text, size_t len)
{
    (void)sendto(fd, text, len, 0, (const struct sockaddr *)to, sizeof *to);
}

static void act(struct server *server, char what, const struct sockaddr_in *to)
{
    static char big[BIG];

    for (int i = 0; what == 'f' && i < 100; i++)
        tell(server->fd, to, "no", 2);
    if (what == 'i' || what == 'I')
        tell(server->fd, to, "no", 2);
    if (what == 'r' || what == 'I' || what == 'd')
        tell(server->fd, to, "ok", 2);
    if (what == 'd')
        tell(server->fd, to, "ok", 2);
    if (what == 'z')
        tell(server->fd, to, "", 0);
    if (what == 'b')
        tell(server->fd, to, memset(big, 'b', sizeof big), sizeof big);
    if (what == 'w')
        tell(stranger, to, "ok", 2);
    if (what == 'a')
        tell(neighbour, to, "ok", 2);
    if (what == 'l')
        server->late = *to;
}

static void serve_one(struct server *server)
{
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    static char request[BIG + 1];

    while (recvfrom(server->fd, request, sizeof request, 0, (struct sockaddr *)&from, &len) >= 0) {
        size_t used = strlen(seen), last = strlen(server->plan) - 1;
        snprintf(seen + used, sizeof seen - used, "%c%lld ", 'A' + (int)(server - servers),
                 (long long)((netio_clock_now() - began) / MS + 5) / 10 * 10);
        for (size_t i = 0; i < SERVERS; i++)
            if (servers[i].late.sin_port && &servers[i] != server) {
                tell(servers[i].fd, &servers[i].late, "ok", 2);
                servers[i].late.sin_port = 0;
            }
        size_t n = (size_t)server->requests++;
        act(server, server->plan[n < last ? n : last], &from);
    }
}

static void serve(void)
{
    for (size_t i = 0; i < SERVERS; i++)
        if (servers[i].plan)
            serve_one(&servers[i]);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (!fake)
        return (int)syscall(SYS_poll, fds, n, timeout);
    serve();
    int ready = (int)syscall(SYS_poll, fds, n, 0);
    if (ready == 0 && timeout < 0) {
        diag("waits for ever");
        abort();
    }
    if (ready == 0)
        fake += timeout * MS;
    return ready;
}

/* Servers with those plans; one that is NULL refuses. */
static void begin(const char *const plans[SERVERS])
{
    const struct sockaddr_in nobody = {
        .sin_family = AF_INET, .sin_port = 9, .sin_addr.s_addr = htonl(0x7f000009)};

    seen[0] = '\0';
    for (size_t i = 0; i < SERVERS; i++) {
        servers[i] = (struct server){.fd = udp_socket("127.0.0.1", 0), .plan = plans[i]};
        servers[i].port = port_of(servers[i].fd);
        /* Connected to somebody else, it makes the kernel refuse what others send. */
        if (!plans[i] && connect(servers[i].fd, (const void *)&nobody, sizeof nobody) == -1)
            abort();
    }
    stranger = udp_socket("127.0.0.1", 0);
    neighbour = udp_socket("127.0.0.2", servers[0].port);
    fake = began = 1000000 * MS;
}

static void end(void)
{
    fake = 0;
    for (size_t i = 0; i < SERVERS; i++)
        close(servers[i].fd);
    close(stranger);
    close(neighbour);
}

static char names[SERVERS][32];
static const char *list[SERVERS];

static struct netio_udp_question question(size_t count)
{
    for (size_t i = 0; i < SERVERS; i++) {
        snprintf(names[i], sizeof names[i], "127.0.0.1:%u", servers[i].port);
        list[i] = names[i];
    }
    return (struct netio_udp_question){.servers = list, .count = count, .request = "?", .size = 1};
}

static int is_ok(const void *answer, size_t size, const struct netio_addr *server, void *data)
{
    (void)server;
    (void)data;
    return size == 2 && memcmp(answer, "ok", 2) == 0;
}

/* Runs the machine, and writes down how it ended: who answered or why not, and when. */
static void run(const struct netio_udp_question *asked, const struct netio_udp_options *options,
                char *out, size_t size)
{
    const struct netio_udp_attempt *attempts;
    struct netio_error error = {0};
    struct netio_udp_ask *ask;
    struct netio_addr from = {0};
    struct netio_want want;
    const char *answer = "";
    ssize_t n = netio_udp_ask_start(&ask, asked, options, &error);

    while (n == 0 && (n = netio_udp_ask_step(ask, &answer, &from, &error)) == -EAGAIN) {
        netio_udp_ask_want(ask, &want);
        n = netio_want_poll(&want);
    }
    int used = snprintf(out, size, "%s@%lld", n >= 0 ? "answer" : netio_error_name((int)n),
                        (long long)((netio_clock_now() - began) / MS + 5) / 10 * 10);
    size_t count = ask ? netio_udp_ask_attempts(ask, &attempts) : 0;
    for (size_t i = 0; i < count; i++)
        used += snprintf(out + used, size - (size_t)used, " %s%s",
                         attempts[i].code ? netio_error_name(attempts[i].code) : "it",
                         attempts[i].invalid ? "!" : "");
    if (n >= 0)
        snprintf(out + used, size - (size_t)used, " %.*s", n > 9 ? 9 : (int)n, answer);
    netio_udp_ask_free(ask);
}

static const struct {
    const char *name;
    const char *plans[SERVERS];
    size_t count;
    double deadline; /* seconds; 0: none */
    int judged;      /* only "ok" is an answer */
    const char *asked, *result;
} table[] = {
    {"one server that answers", {"r"}, 1, 0, 0, "A0 ", "answer@0 it ok"},
    {"a request is lost, and another", {"xxr"}, 1, 0, 0, "A0 A1000 A3000 ", "answer@3000 it ok"},
    {"one that is silent, no deadline", {"x"}, 1, 0, 0, "A0 A1000 A3000 A7000 ",
     "ETIMEDOUT@15000 ETIMEDOUT"},
    {"one that is silent, a short deadline", {"x"}, 1, 1, 0, "A0 A500 ",
     "ETIMEDOUT@1000 ETIMEDOUT"},
    {"the second one answers", {"x", "r"}, 2, 0, 0, "A0 B1000 ", "answer@1000 ECANCELED it ok"},
    {"three that are silent, no deadline", {"x", "x", "x"}, 3, 0, 0,
     "A0 B1000 C2000 A3000 B5000 C7000 A9000 B13000 C17000 A21000 B29000 C37000 ",
     "ETIMEDOUT@45000 ETIMEDOUT ETIMEDOUT ETIMEDOUT"},
    {"two that are silent, until the deadline", {"x", "x"}, 2, 5.5, 0, "A0 B1000 A2000 B4000 ",
     "ETIMEDOUT@5500 ETIMEDOUT ETIMEDOUT"},
    {"four that are silent share a short deadline", {"x", "x", "x", "x"}, 4, 1, 0,
     "A0 B250 C500 D750 ", "ETIMEDOUT@1000 ETIMEDOUT ETIMEDOUT ETIMEDOUT ETIMEDOUT"},
    {"a long deadline has more rounds than none", {"xxxxxr"}, 1, 60, 0,
     "A0 A1000 A3000 A7000 A15000 A31000 ", "answer@31000 it ok"},
    {"the answer is late, another one has been asked", {"l", "x"}, 2, 0, 0, "A0 B1000 ",
     "answer@1000 it ECANCELED ok"},
    {"refused: the next one at once", {NULL, "r"}, 2, 0, 0, "B0 ", "answer@0 ECONNREFUSED it ok"},
    {"all refuse", {NULL, NULL, NULL}, 3, 9, 0, "",
     "ECONNREFUSED@0 ECONNREFUSED ECONNREFUSED ECONNREFUSED"},
    {"one is silent, one refuses: asked no more", {"xxr", NULL}, 2, 0, 0, "A0 A1000 A3000 ",
     "answer@3000 it ECONNREFUSED ok"},
    {"an answer from another port", {"wr"}, 1, 0, 0, "A0 A1000 ", "answer@1000 it ok"},
    {"an answer from another address", {"ar"}, 1, 0, 0, "A0 A1000 ", "answer@1000 it ok"},
    {"only strangers answer", {"w"}, 1, 2, 0, "A0 A1000 ", "ETIMEDOUT@2000 ETIMEDOUT"},
    {"no answer, then one", {"I"}, 1, 0, 1, "A0 ", "answer@0 it! ok"},
    {"no answer, asked again", {"ir"}, 1, 0, 1, "A0 A1000 ", "answer@1000 it! ok"},
    {"no answer, another one has it", {"i", "r"}, 2, 0, 1, "A0 B1000 ",
     "answer@1000 ECANCELED! it ok"},
    {"never an answer", {"i"}, 1, 2, 1, "A0 A1000 ", "ETIMEDOUT@2000 EBADMSG!"},
    {"a hundred that are no answer", {"f", "r"}, 2, 0, 1, "A0 B1000 ",
     "answer@1000 ECANCELED! it ok"},
    {"an answer twice", {"d"}, 1, 0, 0, "A0 ", "answer@0 it ok"},
    {"an empty datagram is none", {"zr"}, 1, 0, 0, "A0 A1000 ", "answer@1000 it! ok"},
    {"a big one", {"b"}, 1, 0, 0, "A0 ", "answer@0 it bbbbbbbbb"},
};

static void check_table(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char result[256];
        int before = open_descriptors();
        begin(table[i].plans);
        struct netio_udp_question asked = question(table[i].count);
        struct netio_udp_options options = {.valid = table[i].judged ? is_ok : NULL};
        if (table[i].deadline > 0)
            options.deadline = netio_deadline_in(table[i].deadline);
        run(&asked, &options, result, sizeof result);
        serve();
        end();
        is_str(result, table[i].result, "%s", table[i].name);
        is_str(seen, table[i].asked, "%s: who was asked when", table[i].name);
        is_int(open_descriptors(), before, "%s: nothing left open", table[i].name);
    }
}

static int accept_all(const void *answer, size_t size, const struct netio_addr *server, void *data)
{
    (void)answer;
    (void)size;
    *(unsigned *)data = netio_addr_port(server);
    return 1;
}

static int refuse_all(const void *answer, size_t size, const struct netio_addr *server, void *data)
{
    (void)answer;
    (void)size;
    (void)server;
    (void)data;
    return -EDOM;
}

/* The call that blocks, and what is special about lengths. */
static void check_call(void)
{
    static char reply[BIG + 1], request[BIG + 1];
    struct netio_error error = {0};
    struct netio_udp_options options = {.valid = accept_all};
    struct netio_addr from;
    unsigned port = 0;
    char text[640];

    options.data = &port;
    begin((const char *const[SERVERS]){"zbbbr", "x"});
    struct netio_udp_question asked = question(2);
    is_int(netio_udp_ask(&asked, reply, sizeof reply, &from, &options, &error), 0,
           "an empty answer, if somebody wants it");
    is_int(port, servers[0].port, "valid is told who sent it");
    is_int(netio_addr_port(&from), servers[0].port, "and so is the caller");
    asked.request = memset(request, 'q', sizeof request);
    asked.size = BIG;
    is_int(netio_udp_ask(&asked, reply, sizeof reply, NULL, NULL, NULL), BIG,
           "65,507 bytes there and back");
    ok(reply[0] == 'b' && reply[BIG - 1] == 'b', "all of them");
    is_int(netio_udp_ask(&asked, reply, BIG, NULL, NULL, NULL), BIG, "they just fit");
    reply[BIG - 1] = '!';
    is_int(netio_udp_ask(&asked, reply, BIG - 1, NULL, NULL, &error), NETIO_ETOOLONG,
           "an answer that does not fit");
    ok(reply[BIG - 2] == 'b' && reply[BIG - 1] == '!', "its first part is there, and no more");
    asked.size = BIG + 1;
    is_int(netio_udp_ask(&asked, reply, sizeof reply, NULL, NULL, &error), -EMSGSIZE,
           "a request that no datagram holds");
    is_str(netio_error_str(&error, text, sizeof text), "option request: Message too long",
           "and why");
    asked.size = 0;
    is_int(netio_udp_ask(&asked, reply, sizeof reply, NULL, NULL, NULL), 2, "an empty request");
    options.valid = refuse_all;
    is_int(netio_udp_ask(&asked, reply, sizeof reply, NULL, &options, &error), -EDOM,
           "valid can end it");
    is_int(error.code, -EDOM, "with its code");
    end();
}

static int judge_slowly(const void *answer, size_t size, const struct netio_addr *server,
                        void *data)
{
    (void)answer;
    (void)size;
    (void)server;
    ++*(int *)data;
    fake += 300 * MS;
    return 0;
}

/* One deadline over all, judging included: the servers send a hundred each. */
static void check_slow(void)
{
    char result[256];
    int judged = 0;
    struct netio_udp_options options = {.valid = judge_slowly, .data = &judged};

    begin((const char *const[SERVERS]){"f", "f"});
    struct netio_udp_question asked = question(2);
    options.deadline = netio_deadline_in(1);
    run(&asked, &options, result, sizeof result);
    is_str(result, "ETIMEDOUT@1200 EBADMSG! ETIMEDOUT", "judging is slow: the deadline");
    is_int(judged, 4, "is looked at after each");
    end();
}

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
    char host[300], result[256];
    const char *mixed[] = {"no such host:9", "127.0.0.1:none", host, NULL, "localhost:1"};

    memset(host, 'h', sizeof host);
    host[sizeof host - 1] = '\0';
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
    int told = 0, probe = udp_socket("127.0.0.3", 0);
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

/* The machine says what it did, again and again; and can be left at any time. */
static void check_machine(void)
{
    struct netio_udp_ask *ask;
    struct netio_error error = {0};
    const struct netio_udp_attempt *attempts;
    struct netio_addr from;
    struct netio_want want;
    const char *answer = NULL, *again = NULL;
    int before = open_descriptors();

    begin((const char *const[SERVERS]){"xr", "x"});
    struct netio_udp_question asked = question(2);
    netio_udp_ask_start(&ask, &asked, NULL, NULL);
    is_int(netio_udp_ask_step(ask, &answer, NULL, NULL), -EAGAIN, "asked");
    netio_udp_ask_want(ask, &want);
    ok(want.fd >= 0 && want.events == NETIO_READ, "one socket: it is what to wait for");
    is_int(want.deadline - fake, 1000 * MS, "until the next one's turn");
    int flags = fcntl(want.fd, F_GETFL), closing = fcntl(want.fd, F_GETFD);
    ok(flags & O_NONBLOCK && closing & FD_CLOEXEC, "non-blocking and close-on-exec");
    fake += 1500 * MS;
    is_int(netio_udp_ask_attempts(ask, &attempts), 2, "two attempts");
    is_int(attempts[0].elapsed / MS, 1500, "the first one for so long now");
    is_int(attempts[1].elapsed + attempts[1].asked, 0, "the second one not yet");
    is_int(netio_udp_ask_step(ask, &answer, NULL, NULL), -EAGAIN, "asked the second one");
    int one = want.fd;
    netio_udp_ask_want(ask, &want);
    ok(want.fd >= 0 && want.fd != one && want.events == NETIO_READ, "two: another descriptor");
    netio_udp_ask_free(ask);
    is_int(open_descriptors(), before + SERVERS + 2, "left in the middle: nothing is open");

    netio_udp_ask_start(&ask, &asked, NULL, NULL);
    while (netio_udp_ask_step(ask, &answer, &from, NULL) == -EAGAIN) {
        netio_udp_ask_want(ask, &want);
        netio_want_poll(&want);
    }
    is_int(netio_udp_ask_step(ask, &again, &from, NULL), 2, "the answer is there again");
    ok(again == answer && netio_addr_port(&from) == servers[0].port, "the same one");
    netio_udp_ask_want(ask, &want);
    ok(want.fd == -1 && want.deadline == NETIO_NOW, "there is nothing to wait for");
    netio_udp_ask_free(ask);

    asked = question(0);
    asked.count = 1;
    asked.servers = &(const char *){"127.0.0.1:none"};
    netio_udp_ask_start(&ask, &asked, NULL, NULL);
    netio_udp_ask_step(ask, &answer, NULL, NULL);
    is_int(netio_udp_ask_step(ask, &answer, NULL, &error), NETIO_EBADSERVICE, "so is a failure");
    is_int(error.stage, NETIO_STAGE_SERVICE, "with all it says");
    netio_udp_ask_free(ask);
    end();
}

/* A15: signals all the while, by the real clock. */
static void check_storm(void)
{
    struct netio_udp_options options = {.first_wait = 50 * MS};
    char reply[8];

    begin((const char *const[SERVERS]){"x", "x"});
    struct netio_udp_question asked = question(2);
    fake = 0;
    options.deadline = netio_deadline_in(0.2);
    storm_begin(200);
    is_int(netio_udp_ask(&asked, reply, sizeof reply, NULL, &options, NULL), -ETIMEDOUT,
           "A15 the deadline comes in a storm of signals");
    storm_end();
    began = netio_clock_now();
    serve();
    ok(strlen(seen) >= 6, "A15 and the servers were asked");
    end();
}

/* A28: descriptors above FD_SETSIZE; A16: none left. */
static void check_descriptors(void)
{
    struct rlimit limit, wide, none;
    char result[256];
    int low[1024], n = 0;

    begin((const char *const[SERVERS]){"x", "r"});
    struct netio_udp_question asked = question(2);
    getrlimit(RLIMIT_NOFILE, &limit);
    wide = limit;
    if (wide.rlim_cur < 2048 && wide.rlim_max >= 2048)
        wide.rlim_cur = 2048;
    setrlimit(RLIMIT_NOFILE, &wide);
    while (n < 1024 && (low[n] = dup(0)) >= 0 && low[n] < 1023)
        n++;
    run(&asked, NULL, result, sizeof result);
    is_str(result, "answer@1000 ECANCELED it ok", "A28 descriptors above 1023");
    none = wide;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    began = fake;
    run(&asked, NULL, result, sizeof result);
    is_str(result, "EMFILE@0 EMFILE EMFILE", "A16 no descriptor");
    setrlimit(RLIMIT_NOFILE, &limit);
    while (n >= 0)
        close(low[n--]);
    /* One, and no second for another server. */
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur++);
    setrlimit(RLIMIT_NOFILE, &none);
    servers[0].plan = "xxr";
    servers[0].requests = 0;
    began = fake;
    run(&asked, NULL, result, sizeof result);
    is_str(result, "answer@3000 it EMFILE ok", "A16 one descriptor");
    setrlimit(RLIMIT_NOFILE, &limit);
    end();
}

int main(void)
{
    check_table();
    check_call();
    check_slow();
    check_texts();
    check_company();
    check_options();
    check_source();
    check_machine();
    check_storm();
    check_descriptors();
    return tap_done();
}
