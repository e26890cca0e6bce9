/* whoisd: from a line to a query; see query.h.
 * Called by session.c, once.c and fuzz/query.c; touches nothing but its arguments. */
#include "query.h"
#include "query_text.h"

#include <netio/text.h>

#include <string.h>
#include <strings.h>

/* RIPE's flags that take a word of their own: -T person, -i mnt-by, -V client, ... */
#define FLAGS_WITH_WORD "CgiqstTvVZ"

struct word {
    char *text;
    size_t len;
};

/* The word at *rest, which moves behind it; 0 at the end. */
static int next_word(char **rest, struct word *word)
{
    char *at = *rest + strspn(*rest, " ");

    word->text = at;
    word->len = strcspn(at, " ");
    *rest = at + word->len;
    return word->len > 0;
}

static int is(const struct word *word, const char *text)
{
    return word->len == strlen(text) && strncasecmp(word->text, text, word->len) == 0;
}

/* Whether a flag as getopt(3) has it, "-T" or "-rBT", wants the next word. */
static int flag_wants_word(const struct word *flag)
{
    for (size_t i = 1; i < flag->len; i++)
        if (strchr(FLAGS_WITH_WORD, flag->text[i]))
            return i + 1 == flag->len;
    return 0;
}

/* Where the query proper begins: behind "whois" words, which people type into a whois client,
 * and flags that mean something to another server. */
static char *skip_preamble(char *text)
{
    struct word word, ignored;

    for (char *rest = text; next_word(&rest, &word); text = rest) {
        if (is(&word, "whois"))
            continue;
        if (word.text[0] != '-' || word.len < 2)
            break;
        if (is(&word, "--"))
            return rest;
        if (word.text[1] != '-' && flag_wants_word(&word))
            next_word(&rest, &ignored);
    }
    return text + strspn(text, " ");
}

/* As whois-load folds the keys: ASCII letters in lower case, without blanks and - : . _ */
static void fold_handle(char *text)
{
    char *to = text;

    for (; *text; text++)
        if (!strchr("-:._ ", *text))
            *to++ = (char)(*text >= 'A' && *text <= 'Z' ? *text + ('a' - 'A') : *text);
    *to = '\0';
}

/* Runs of letters and digits in the word: what the directory's index will look up one by one. */
static size_t count_parts(const struct word *word)
{
    size_t parts = 0;
    int inside = 0;
    uint32_t point;

    for (size_t i = 0, step; i < word->len; i += step) {
        step = netio_utf8_get(word->text + i, word->len - i, &point);
        if (step == 0)
            step = 1; /* cannot be: the text was made of whole characters */
        int indexed = query_text_indexed(point);
        parts += indexed && !inside;
        inside = indexed;
    }
    return parts;
}

/* Cuts the sign of a prefix, "*" or "...", off the word. */
static int take_prefix_sign(struct word *word)
{
    size_t len = word->len;

    while (word->len > 0 && word->text[word->len - 1] == '*')
        word->len--;
    if (word->len >= 3 && memcmp(word->text + word->len - 3, "...", 3) == 0)
        word->len -= 3;
    return word->len < len;
}

static enum query_kind parse_words(struct query *query, char *rest)
{
    struct word word;
    size_t parts = 0;

    /* "Last,First" is two words, in any order like others. */
    for (char *comma = rest; (comma = strchr(comma, ',')) != NULL;)
        *comma = ' ';
    while (next_word(&rest, &word)) {
        int prefix = take_prefix_sign(&word);
        size_t n = count_parts(&word);
        if (n == 0)
            continue; /* nothing but punctuation: no index knows it */
        parts += n;
        if (query->count == QUERY_WORD_MAX || parts > QUERY_PART_MAX)
            return QUERY_TOO_MANY;
        query->word[query->count++] = (struct query_word){word.text, word.len, prefix};
    }
    return query->count > 0 ? QUERY_WORDS : QUERY_NO_WORD;
}

static enum query_kind parse(struct query *query, char *text)
{
    char *rest = text;
    struct word first;

    if (next_word(&rest, &first) && (is(&first, "help") || is(&first, "?")))
        return QUERY_HELP;
    size_t signs = strspn(text, "!.");
    if (memchr(text, '!', signs)) {
        query->key = text + signs;
        fold_handle(text + signs);
        return *query->key ? QUERY_HANDLE : QUERY_NO_HANDLE;
    }
    query->names_only = signs > 0;
    return parse_words(query, text + signs);
}

void query_parse(struct query *query, const char *line, size_t len)
{
    query->names_only = 0;
    query->count = 0;
    query->key = NULL;
    query->kind = QUERY_TOO_LONG;
    if (len > QUERY_LINE_MAX)
        return;
    query_text_clean(query->text, line, len);
    query->kind = parse(query, skip_preamble(query->text));
}

const char *query_kind_str(enum query_kind kind)
{
    static const char *const word[] = {
#define QUERY_X(name, word, text) word,
        QUERY_KIND_LIST(QUERY_X)
#undef QUERY_X
    };

    return word[kind];
}

const char *query_kind_answer(enum query_kind kind)
{
    static const char *const answer[] = {
#define QUERY_X(name, word, text) text,
        QUERY_KIND_LIST(QUERY_X)
#undef QUERY_X
    };

    return answer[kind];
}
