/* whoisd: from a query to the text of its answer; see answer.h.
 * Called by session.c and once.c; touches the directory and the buffer it is given. */
#include "answer.h"
#include "help.h"
#include "layout.h"

#include <netio/error.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define HEAD_MAX 64 /* bytes of the lines before a listing */

struct search {
    struct directory *directory;
    const struct query *query;
    netio_deadline deadline;
    struct netio_buf *out;
    size_t found;
    int64_t id[ANSWER_RECORD_MAX]; /* of the first ones */
    char first[LAYOUT_LABEL_MAX + 1]; /* handle of the first, clean */
};

static const char no_match[] = "There were no matches on your request.\r\n\r\n";
static const char more_help[] = "For more information try 'whois help'.\r\n";

/* The first lines, and how many bytes they are. */
static size_t head_of(size_t found, char out[HEAD_MAX])
{
    if (found > ANSWER_LIST_MAX)
        return (size_t)sprintf(out, "There were more than %d matches on your request.\r\n\r\n",
                               ANSWER_LIST_MAX);
    return (size_t)sprintf(out, "There were %zu matches on your request.\r\n\r\n", found);
}

static int put_head(struct netio_buf *out, size_t found)
{
    char head[HEAD_MAX];

    return netio_buf_add(out, head, head_of(found, head));
}

static int put_literal(struct netio_buf *out, const char *text)
{
    return netio_buf_add(out, text, strlen(text));
}

static void empty(struct netio_buf *out)
{
    netio_buf_take(out, netio_buf_len(out));
}

/* One "Label<TAB>value<LF>" line after the other. */
static int put_fields(struct netio_buf *out, const char *fields)
{
    int code = 0;

    while (code == 0 && *fields) {
        const char *end = strchrnul(fields, '\n');
        size_t len = (size_t)(end - fields);
        const char *tab = memchr(fields, '\t', len);
        size_t label = tab ? (size_t)(tab - fields) : len;
        size_t skip = tab ? label + 1 : label;
        code = layout_pair(out, fields, label, fields + skip, len - skip);
        fields = *end ? end + 1 : end;
    }
    return code != 0 ? code : put_literal(out, "\r\n");
}

/* All entries found, in full. */
static int put_records(struct search *search)
{
    struct netio_buf *out = search->out;
    const char *fields;
    size_t bytes = 0;
    int code;

    empty(out);
    code = put_head(out, search->found);
    for (size_t i = 0; code == 0 && i < search->found; i++) {
        code = directory_read(search->directory, search->id[i], &fields, search->deadline);
        if (code == 0 && (bytes += strlen(fields)) > ANSWER_FIELDS_MAX)
            code = NETIO_ETOOLONG;
        if (code == 0)
            code = put_fields(out, fields);
    }
    return code != 0 ? code : put_literal(out, more_help);
}

/* How many there are is known behind the last one only, so its line fills a gap that was left
 * for it. */
static int begin_list(struct netio_buf *out)
{
    char *gap;
    int code = netio_buf_room(out, HEAD_MAX, &gap);

    if (code == 0)
        netio_buf_added(out, HEAD_MAX);
    return code;
}

static int end_list(struct search *search)
{
    char head[HEAD_MAX];
    size_t len = head_of(search->found, head);

    netio_buf_take(search->out, HEAD_MAX - len);
    memcpy(netio_buf_head(search->out), head, len);
    return layout_line(search->out, "\r\nTo see one of them, ask for its handle: whois '!%s'%s",
                       search->first, search->found > ANSWER_LIST_MAX ? ", or add a word" : "");
}

/* An entry was found. */
static int take_entry(void *data, const struct directory_entry *entry)
{
    struct search *search = data;
    size_t n = search->found++;

    if (n == 0)
        layout_clean(entry->handle, strlen(entry->handle), search->first, sizeof search->first);
    if (n < ANSWER_RECORD_MAX)
        search->id[n] = entry->id;
    if (n == ANSWER_LIST_MAX)
        return 0;
    return layout_listing(search->out, entry->handle, entry->name, entry->summary);
}

/* Several entries of one handle are shown like one; several that share words are listed. */
static int put_found(struct search *search)
{
    size_t full = search->query->kind == QUERY_HANDLE ? ANSWER_RECORD_MAX : 1;

    if (search->found > full)
        return end_list(search);
    if (search->found > 0)
        return put_records(search);
    empty(search->out);
    int code = put_literal(search->out, no_match);
    return code != 0 ? code : put_literal(search->out, more_help);
}

static int look_up(struct answer *answer, struct netio_buf *out, struct directory *directory,
                   const struct query *query)
{
    struct search search = {.directory = directory, .query = query, .out = out};
    struct directory_hearer hearer = {.entry = take_entry, .data = &search};
    int code = directory ? begin_list(out) : -EIO;

    if (code != 0)
        return code;
    search.deadline = netio_deadline_in(ANSWER_SECONDS_MAX);
    code = directory_find(directory, query, ANSWER_LIST_MAX + 1, &hearer, search.deadline);
    answer->matches = search.found;
    return code != 0 ? code : put_found(&search);
}

static const char *sorry(const struct answer *answer)
{
    static const char *const text[] = {
#define ANSWER_X(name, text, code, sorry) sorry,
        ANSWER_OUTCOME_LIST(ANSWER_X)
#undef ANSWER_X
    };

    return answer->outcome == ANSWER_REFUSED ? query_kind_answer(answer->kind)
                                             : text[answer->outcome];
}

static enum answer_outcome outcome_of(int code)
{
    switch (code) {
    case 0:
        return ANSWER_MATCHES;
    case -ETIMEDOUT:
        return ANSWER_SLOW;
    case NETIO_ETOOLONG:
    case NETIO_EFULL:
        return ANSWER_HUGE;
    default:
        return ANSWER_TROUBLE;
    }
}

int answer_make(struct answer *answer, struct netio_buf *out, struct directory *directory,
                const struct query *query)
{
    int code = 0;

    *answer = (struct answer){.outcome = ANSWER_REFUSED, .kind = query->kind};
    empty(out);
    out->limit = ANSWER_MAX;
    if (query->kind == QUERY_HELP) {
        answer->outcome = ANSWER_HELP;
        return netio_buf_add(out, help_text, strlen(help_text));
    }
    if (!query_kind_answer(query->kind)) {
        code = look_up(answer, out, directory, query);
        answer->outcome = outcome_of(code);
    }
    if (code == -ENOMEM || answer->outcome == ANSWER_MATCHES)
        return code;
    empty(out);
    return layout_line(out, "Sorry, %s", sorry(answer));
}

char *answer_str(const struct answer *answer, char *out, size_t size)
{
    static const char *const text[] = {
#define ANSWER_X(name, text, code, sorry) text,
        ANSWER_OUTCOME_LIST(ANSWER_X)
#undef ANSWER_X
    };

    if (answer->outcome == ANSWER_REFUSED)
        snprintf(out, size, "%s", query_kind_str(answer->kind));
    else if (answer->outcome != ANSWER_MATCHES)
        snprintf(out, size, "%s", text[answer->outcome]);
    else if (answer->matches > ANSWER_LIST_MAX)
        snprintf(out, size, "more than %d matches", ANSWER_LIST_MAX);
    else
        snprintf(out, size, "%zu matches", answer->matches);
    return out;
}

int answer_exit_code(const struct answer *answer)
{
    static const int code[] = {
#define ANSWER_X(name, text, code, sorry) code,
        ANSWER_OUTCOME_LIST(ANSWER_X)
#undef ANSWER_X
    };

    return code[answer->outcome];
}
