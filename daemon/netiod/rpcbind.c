/* netiod: calls of rpcbind(8), and its answers; see rpcbind.h.  Called by rpc.c. */
#include "rpcbind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define LAST_FRAGMENT 0x80000000u
#define CALL          0
#define REPLY         1
#define RPC_VERSION   2
#define PROGRAM       100000 /* rpcbind itself */
#define VERSION       3
#define ACCEPTED      0
#define SUCCESS       0

/* ---- calls ---------------------------------------------------------------------------------- */

static unsigned char *put(unsigned char *at, uint32_t number)
{
    uint32_t wire = htonl(number);

    memcpy(at, &wire, sizeof wire);
    return at + sizeof wire;
}

/* Its length, and it, filled up with zeros to a multiple of 4. */
static unsigned char *put_text(unsigned char *at, const char *text)
{
    size_t len = strlen(text), whole = (len + 3) / 4 * 4;

    at = put(at, (uint32_t)len);
    memset(at, 0, whole);
    memcpy(at, text, len);
    return at + whole;
}

size_t rpcbind_call(unsigned char call[RPCBIND_CALL], uint32_t id, enum rpcbind_procedure procedure,
                    const struct rpcbind_entry *entry)
{
    /* Neither credentials nor a verifier: it asks the socket who this is. */
    const uint32_t head[] = {id, CALL, RPC_VERSION, PROGRAM, VERSION, procedure, 0, 0, 0, 0};
    unsigned char *at = call + sizeof(uint32_t);

    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        at = put(at, head[i]);
    at = put(at, entry->program);
    at = put(at, entry->version);
    at = put_text(at, entry->netid);
    at = put_text(at, entry->address);
    at = put_text(at, ""); /* the owner, whom it knows better */
    put(call, LAST_FRAGMENT | (uint32_t)((size_t)(at - call) - sizeof(uint32_t)));
    return (size_t)(at - call);
}

/* ---- answers -------------------------------------------------------------------------------- */

struct rest { /* of an answer; what is beyond its end is 0, and noted */
    const unsigned char *at;
    size_t size;
    int short_of;
};

static uint32_t take(struct rest *rest)
{
    uint32_t wire = 0;

    if (rest->size < sizeof wire) {
        rest->short_of = 1;
        return 0;
    }
    memcpy(&wire, rest->at, sizeof wire);
    rest->at += sizeof wire;
    rest->size -= sizeof wire;
    return ntohl(wire);
}

/* With what fills it up; 64 bits, or the longest would be rounded up to none. */
static void pass(struct rest *rest, uint64_t len)
{
    len = (len + 3) / 4 * 4;
    rest->short_of |= len > rest->size;
    size_t step = len > rest->size ? rest->size : (size_t)len;
    rest->at += step;
    rest->size -= step;
}

static int read_answer(struct rest *rest, uint32_t id, int *yes)
{
    if (take(rest) != id || take(rest) != REPLY)
        return -EPROTO;
    if (take(rest) != ACCEPTED)
        return rest->short_of ? -EPROTO : -ENOTSUP;
    (void)take(rest); /* a verifier */
    pass(rest, take(rest));
    if (take(rest) != SUCCESS)
        return rest->short_of ? -EPROTO : -ENOTSUP;
    *yes = take(rest) != 0;
    return rest->short_of ? -EPROTO : 0;
}

int rpcbind_answer(const unsigned char *bytes, size_t size, uint32_t id, int *yes)
{
    struct rest rest = {.at = bytes, .size = size};
    uint32_t mark = take(&rest);

    if (rest.short_of)
        return 0;
    /* An answer could come in pieces, but one this short never does. */
    if (!(mark & LAST_FRAGMENT) || (mark & ~LAST_FRAGMENT) > RPCBIND_ANSWER - sizeof mark)
        return -EPROTO;
    size_t len = mark & ~LAST_FRAGMENT;
    if (rest.size < len)
        return 0;
    rest.size = len;
    int code = read_answer(&rest, id, yes);
    return code ? code : (int)(len + sizeof mark);
}
