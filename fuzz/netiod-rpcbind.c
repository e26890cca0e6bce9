/* fuzz/netiod-rpcbind.c: answers of rpcbind(8).  What follows an answer changes nothing about it,
 * no part of one is taken for the whole, and what it says is worked out here the other way round.
 *
 * An input is an answer to the call whose number it has; to any other call it is none. */
#include "target.h"

#include "netiod/rpcbind.h"

#include <errno.h>

#define MARK 4 /* bytes that say how long it is */

static uint32_t number(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Of a whole answer without its mark: what is to come. */
static int expect_of(const uint8_t *body, size_t len, uint32_t id, int *yes)
{
    if (len < 12 || number(body) != id || number(body + 4) != 1)
        return -EPROTO;
    if (number(body + 8) != 0)
        return -ENOTSUP;
    uint64_t verifier = len < 20 ? UINT32_MAX : number(body + 16);
    uint64_t status = 20 + (verifier + 3) / 4 * 4;
    if (len < status + 4)
        return -EPROTO;
    if (number(body + status) != 0)
        return -ENOTSUP;
    if (len < status + 8)
        return -EPROTO;
    *yes = number(body + status + 4) != 0;
    return (int)(MARK + len);
}

static int expect(const uint8_t *data, size_t size, uint32_t id, int *yes)
{
    size_t len = size < MARK ? 0 : number(data) & 0x7fffffff;

    if (size < MARK)
        return 0;
    if (!(data[0] & 0x80) || MARK + len > RPCBIND_ANSWER)
        return -EPROTO;
    return size < MARK + len ? 0 : expect_of(data + MARK, len, id, yes);
}

static int parse(const uint8_t *data, size_t size, uint32_t id)
{
    /* Of exactly that size, so that a byte read behind it is seen. */
    uint8_t *bytes = malloc(size ? size : 1);
    int yes = -1, wanted_yes = -1;

    must(bytes != NULL);
    memcpy(bytes, data, size);
    int code = rpcbind_answer(bytes, size, id, &yes);
    free(bytes);
    must(code == expect(data, size, id, &wanted_yes));
    must(code <= 0 || yes == wanted_yes);
    must(code != 0 || size < RPCBIND_ANSWER);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t id = size < MARK + 4 ? 0 : number(data + MARK);
    int before = 0;

    for (size_t part = 0; part <= size && part <= RPCBIND_ANSWER; part++) {
        int code = parse(data, part, id);
        must(before == 0 ? code <= 0 || (size_t)code == part : code == before);
        before = code;
    }
    int other = parse(data, size, id + 1);
    must(other == (before == 0 ? 0 : -EPROTO));
    return 0;
}
