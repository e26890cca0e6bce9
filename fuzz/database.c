/* fuzz/database.c: whoisd over a directory that is damaged or made by an enemy, but sealed as if
 * whois-load had written it.  It answers in lines that are fit to be sent, or apologizes. */
#include "scratch.h"

#include "whoisd/answer.h"

#include <zlib.h>

#define HEADER  100
#define TRAILER 64

/* The bytes with what makes them a directory: encoding, application_id and user_version in the
 * header, and the trailer. */
static void seal(const uint8_t *data, size_t size)
{
    uint8_t *whole = malloc(size + TRAILER + 1);

    must(whole != NULL);
    memcpy(whole, data, size);
    memcpy(whole, "SQLite format 3", 16);
    memcpy(whole + 56, (uint8_t[]){0, 0, 0, 1, 0, 0, 0, 1}, 8);
    memcpy(whole + 68, "NtID", 4);
    sprintf((char *)whole + size, "NetIO directory 1 crc32 %08lx size %025zu\n",
            crc32(0, whole, (uInt)size), size);
    scratch_write(whole, size + TRAILER);
    free(whole);
}

static void check_lines(const char *line, size_t len)
{
    while (len > 0) {
        const char *end = memmem(line, len, "\r\n", 2);
        must(end != NULL && end - line < 1998);
        must_be_shown(line, (size_t)(end - line), "");
        len -= (size_t)(end - line) + 2;
        line = end + 2;
    }
}

static void check_answer(struct directory *directory, const char *line)
{
    struct netio_buf out = {0};
    struct answer answer;
    struct query query;

    query_parse(&query, line, strlen(line));
    must(answer_make(&answer, &out, directory, &query) == 0);
    must(netio_buf_len(&out) > 2 && netio_buf_len(&out) <= ANSWER_MAX);
    must(answer.outcome == ANSWER_MATCHES || strncmp(netio_buf_head(&out), "Sorry, ", 7) == 0);
    must(answer.matches <= ANSWER_LIST_MAX + 1);
    check_lines(netio_buf_head(&out), netio_buf_len(&out));
    netio_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const question[] = {"harbour", "har* sys*", ".abacus", "!02-00-0C",
                                           "malmo storgatan"};
    struct directory *directory = NULL;
    struct directory_fault fault = {0};
    char uri[sizeof scratch_path + 8];

    if (size < HEADER)
        return 0;
    seal(data, size);
    sprintf(uri, "sqlite:%s", scratch_path);
    int code = directory_open(&directory, uri, &fault);
    must((code == 0) == (fault.text[0] == '\0') && code == fault.code);
    for (size_t i = 0; code == 0 && i < sizeof question / sizeof *question; i++)
        check_answer(directory, question[i]);
    directory_close(directory);
    return 0;
}
