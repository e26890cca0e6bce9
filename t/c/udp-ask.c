/* A question to several servers over UDP: the call that blocks and the machine under it.  Lengths,
 * what the machine says again and again, leaving it in the middle, signals, descriptors. */
#include "descriptors.h"
#include "planned.h"
#include "storm.h"

#include <fcntl.h>
#include <sys/resource.h>

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
    struct netio_udp_options options = {.first_wait = 5 * MS};
    char reply[8];

    begin((const char *const[SERVERS]){"x", "x"});
    struct netio_udp_question asked = question(2);
    fake = 0;
    options.deadline = netio_deadline_in(0.5);
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
    check_call();
    check_machine();
    check_storm();
    check_descriptors();
    return tap_done();
}
