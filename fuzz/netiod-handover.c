/* fuzz/netiod-handover.c: what netiod's successor hears of programs that run, of rates, and of what
 * rpcbind knows.  Whatever comes in its parcel (parcel.h), no descriptor is left open, and what is
 * taken is worked out here, by other means, from texts that are whole.  It reads back the same when
 * it is written in its turn. */
#include "parcel.h"

#include "netiod/handover.h"
#include "netiod/rpc.h"

/* ---- the house ------------------------------------------------------------------------------ */

static const char *const listens[][1] = {{"127.0.0.1:7"}, {"[::1]:7"}, {"udp:127.0.0.1:9"}};
#define PROGRAM(given) .name = given, .type = SOCK_STREAM, .kind = CONFIG_EXEC, .max = 1000
static const struct config_service configs[] = {
    {PROGRAM("echo"), .listen = listens[0], .listens = 1, .limits = {.rate = {3, 60}}},
    {PROGRAM("echo"), .listen = listens[1], .listens = 1},
    {.name = "a talk", .type = SOCK_DGRAM, .kind = CONFIG_WAIT, .listen = listens[2], .listens = 1},
    {PROGRAM("tcpmux/x"), .mux = CONFIG_MUX},
    {.name = "time",
     .type = SOCK_STREAM,
     .kind = CONFIG_BUILTIN,
     .listen = listens[0],
     .limits = {.total = 5}},
};
#define SERVICES (sizeof configs / sizeof *configs)
#define WAIT     2

static struct service *services[2][SERVICES];
static struct house houses[2] = {{.services = services[0]}, {.services = services[1]}};

struct child {
    size_t service;
    long pid;
    uintmax_t socket;
    struct netio_addr peer;
    int from; /* the descriptor that was sent */
};

static struct {
    struct child all[SIZE_MAX_IN];
    size_t count;
} taken, wanted;

static void note(const struct service *service, const struct handover_child *child)
{
    struct child *last = &taken.all[taken.count++];

    must(fcntl(child->pidfd, F_GETFD) == FD_CLOEXEC);
    *last = (struct child){
        .pid = child->pid, .socket = child->socket, .peer = child->peer, .from = child->pidfd};
    while (service->house->services[last->service] != service)
        last->service++;
    for (size_t i = 0; i < taken.count - 1; i++)
        must(taken.all[i].from != child->pidfd);
    if (taken.count <= wanted.count)
        must(is_same_file(child->pidfd, wanted.all[taken.count - 1].from));
}

static int adopt_exec(struct service *service, const struct handover_child *child)
{
    note(service, child);
    return exec_kind.adopt(service, child);
}

static int adopt_wait(struct service *service, const struct handover_child *child)
{
    note(service, child);
    return wait_kind.adopt(service, child);
}

static struct service_kind noted_exec, noted_wait;

static void open_house(struct house *house)
{
    struct netio_error error;

    for (house->count = 0; house->count < SERVICES; house->count++) {
        struct service **service = &house->services[house->count];
        must(service_open(service, house, &configs[house->count], &error) == 0);
        if ((*service)->kind == &exec_kind)
            (*service)->kind = &noted_exec;
        else if ((*service)->kind == &wait_kind)
            (*service)->kind = &noted_wait;
    }
    must(service_listen(house->services[WAIT], other_socket) == 0);
}

static void close_house(struct house *house)
{
    while (house->count > 0)
        service_free(house->services[--house->count]);
    rpc_free(house);
}

/* ---- what should be taken ------------------------------------------------------------------- */

/* Digits and a blank behind them. */
static int number(const char **text, uintmax_t max, uintmax_t *value)
{
    const char *at = *text;

    for (*value = 0; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (*value > (max - digit) / 10)
            return 0;
        *value = *value * 10 + digit;
    }
    if (at == *text || *at != ' ')
        return 0;
    *text = at + 1;
    return 1;
}

static int is_text(const char **text, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*text, word, len) != 0)
        return 0;
    *text += len;
    return 1;
}

static struct {
    struct rpcbind_entry all[SIZE_MAX_IN];
    size_t count;
} wanted_rpc;

static void expect_rpc(const char *text)
{
    struct rpcbind_entry *entry = &wanted_rpc.all[wanted_rpc.count];
    uintmax_t program, version;

    if (!number(&text, UINT32_MAX, &program) || !number(&text, UINT32_MAX, &version))
        return;
    size_t netid = strcspn(text, " "), address = strlen(text) - netid - 1;
    if (netid == 0 || netid > 4 || !text[netid] || address == 0 || address > 63 ||
        strchr(text + netid + 1, ' '))
        return;
    *entry = (struct rpcbind_entry){.program = (uint32_t)program, .version = (uint32_t)version};
    memcpy(entry->netid, text, netid);
    memcpy(entry->address, text + netid + 1, address);
    wanted_rpc.count++;
}

static int service_of(uintmax_t kind, const char *name, const char *address)
{
    int first = -1;

    for (size_t i = SERVICES; i-- > 0;) {
        if (configs[i].kind != kind || strcmp(configs[i].name, name) != 0)
            continue;
        if (strcmp(configs[i].listens ? configs[i].listen[0] : "", address) == 0)
            return (int)i;
        first = (int)i;
    }
    return first;
}

static void expect_child(const char *text, int service, int fd)
{
    struct child *child = &wanted.all[wanted.count];
    uintmax_t pid, socket;

    if (fd == -1 || service == -1 || configs[service].kind == CONFIG_BUILTIN ||
        !number(&text, INT32_MAX, &pid) || pid == 0 || !number(&text, UINTMAX_MAX, &socket))
        return;
    *child = (struct child){.pid = (long)pid, .socket = socket, .from = fd};
    child->service = (size_t)service;
    if (netio_addr_parse_port(&child->peer, text) != 0 ||
        netio_addr_family(&child->peer) == AF_UNIX)
        child->peer.len = 0;
    wanted.count++;
}

static netio_deadline wanted_due[SERVICES];

static void expect_rate(const char *text, int service)
{
    uintmax_t due;

    if (service != -1 && services[0][service]->limit && number(&text, INT64_MAX, &due) &&
        strcmp(text, "ns") == 0)
        wanted_due[service] = (netio_deadline)due;
}

static void expect(const struct made *made)
{
    const char *name = "";
    uintmax_t kind = 0;
    int service = -1;
    size_t given = 0;

    for (const char *at = made->texts; at < made->texts + made->size; at += strlen(at) + 1) {
        const char *text = at + 1;
        int fd = *at == '+' ? made->sent[given++] : -1;
        if (is_text(&text, "service ")) {
            service = -1;
            name = number(&text, INT32_MAX, &kind) ? text : "";
        } else if (is_text(&text, "address ")) {
            service = service_of(kind, name, text);
        } else if (is_text(&text, "child ")) {
            expect_child(text, service, fd);
        } else if (is_text(&text, "rate ")) {
            expect_rate(text, service);
        } else if (is_text(&text, "rpcbind ")) {
            expect_rpc(text);
        }
    }
}

static int is_same_child(const struct child *one, const struct child *other)
{
    return one->service == other->service && one->pid == other->pid &&
           one->socket == other->socket && one->peer.len == other->peer.len &&
           (one->peer.len == 0 || netio_addr_compare(&one->peer, &other->peer) == 0);
}

static void check_rpc(const struct house *house)
{
    struct rpcbind_entry entry;

    for (size_t i = 0; i < wanted_rpc.count; i++) {
        const struct rpcbind_entry *want = &wanted_rpc.all[i];
        must(rpc_known(house, i, &entry));
        must(entry.program == want->program && entry.version == want->version);
        must(strcmp(entry.netid, want->netid) == 0 && strcmp(entry.address, want->address) == 0);
    }
    must(!rpc_known(house, wanted_rpc.count, &entry));
}

static void check_rates(const struct house *house)
{
    for (size_t i = 0; i < house->count; i++)
        if (house->services[i]->limit)
            must(netio_limit_due(house->services[i]->limit) == wanted_due[i]);
}

static void check_taken(const struct house *house)
{
    check_rates(house);
    must(taken.count == wanted.count);
    for (size_t i = 0; i < taken.count; i++)
        must(is_same_child(&taken.all[i], &wanted.all[i]));
    check_rpc(house);
}

/* ---- from one to the next ------------------------------------------------------------------- */

/* Written is what a house has, service by service, in the order in which its kinds say it. */
static void expect_again(const struct house *house)
{
    struct handover_child child;

    wanted.count = taken.count = 0;
    for (size_t i = 0; i < house->count; i++) {
        const struct service *service = house->services[i];
        for (size_t k = 0; service->kind->child && service->kind->child(service, k, &child); k++)
            wanted.all[wanted.count++] = (struct child){.service = i,
                                                        .pid = child.pid,
                                                        .socket = child.socket,
                                                        .peer = child.peer,
                                                        .from = child.pidfd};
    }
}

static void hand_on(void)
{
    expect_again(&houses[0]);
    int sealed = handover_write(&houses[0]);
    must(sealed >= 0 && handover_read_take(&houses[1], sealed) == 0);
    check_taken(&houses[1]);
}

/* What has ended is noticed, and nothing else. */
static void run_dry(const struct house *house)
{
    while (netio_loop_step(house->loop, NETIO_NOW) > 0)
        continue;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void begin(void)
{
    noted_exec = exec_kind;
    noted_exec.adopt = adopt_exec;
    noted_wait = wait_kind;
    noted_wait.adopt = adopt_wait;
    must(netio_loop_new(&houses[0].loop, 0) == 0 && netio_loop_new(&houses[1].loop, 0) == 0);
    open_descriptors();
}

static void hand_over(struct made *made)
{
    int sealed = made->sealed, sound = is_sound(made);

    if (sound)
        expect(made);
    made->sealed = -1;
    must((handover_read_take(&houses[0], sealed) == 0) == sound);
    check_taken(&houses[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct made made = {0};

    if (size > SIZE_MAX_IN)
        return 0;
    if (!houses[0].loop)
        begin();
    size_t before = count_open();
    char *script = first_line(&data, &size);
    made.texts = texts_of(data, size, &made.size);
    taken.count = wanted.count = wanted_rpc.count = 0;
    memset(wanted_due, 0, sizeof wanted_due);
    make(&made, script);
    open_house(&houses[0]);
    open_house(&houses[1]);
    hand_over(&made);
    hand_on();
    run_dry(&houses[0]);
    run_dry(&houses[1]);
    close_house(&houses[0]);
    close_house(&houses[1]);
    unmake(&made);
    must(count_open() == before);
    free(made.texts);
    free(script);
    return 0;
}
