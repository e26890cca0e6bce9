/* fuzz/query.c: whoisd's query parser over any line, and what its users rely on: words and key
 * are clean UTF-8 inside the query's own text, within the limits, and nothing the line leaves
 * out is left over from the line before. */
#include "target.h"

#include "whoisd/query.h"

/* Printable UTF-8 without blanks. */
static void check_text(const char *text, size_t len)
{
    must_be_shown(text, len, "");
    must(memchr(text, ' ', len) == NULL);
}

static void check_words(const struct query *query)
{
    must(query->count > 0 && query->count <= QUERY_WORD_MAX);
    for (size_t i = 0; i < query->count; i++) {
        const struct query_word *word = &query->word[i];
        must(word->text >= query->text && word->len > 0);
        must(word->text + word->len < query->text + sizeof query->text);
        check_text(word->text, word->len);
    }
}

static void check_key(const struct query *query)
{
    size_t len = strlen(query->key);

    must(query->key >= query->text && len > 0);
    must(query->key + len < query->text + sizeof query->text);
    check_text(query->key, len);
    must(strpbrk(query->key, "-:._ ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query query;

    memset(&query, 0xa5, sizeof query);
    query_parse(&query, (const char *)data, size);
    must((query.kind == QUERY_TOO_LONG) == (size > QUERY_LINE_MAX));
    if (query.kind == QUERY_WORDS)
        check_words(&query);
    if (query.kind == QUERY_HANDLE)
        check_key(&query);
    must(query_kind_str(query.kind) != NULL);
    must((query_kind_answer(query.kind) == NULL) == (query.kind <= QUERY_HELP));
    return 0;
}
