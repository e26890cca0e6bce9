/* A question to several servers over UDP: who is asked when, whose answer counts, how it ends.
 * What a question and its options may be is in udp-options.c, the calls themselves in udp-ask.c,
 * and networks that misbehave in t/28-udp-net.t. */
#include "descriptors.h"
#include "planned.h"

static int is_ok(const void *answer, size_t size, const struct netio_addr *server, void *data)
{
    (void)server;
    (void)data;
    return size == 2 && memcmp(answer, "ok", 2) == 0;
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

int main(void)
{
    check_table();
    check_slow();
    return tap_done();
}
