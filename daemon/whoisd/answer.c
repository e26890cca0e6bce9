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

#define LISTING_MAX 900 /* bytes of a name or a summary in a listing: two fit a line */

struct search {
    struct directory *directory;
    const struct query *query;
    netio_deadline deadline;
    int64_t id[ANSWER_LIST_MAX + 1];
    size_t found;
};

static const char more_help[] = "For more information try 'whois help'.";

static int put_count(struct netio_buf *out, size_t found)
{
    int code;

    if (found == 0)
        code = layout_line(out, "There were no matches on your request.");
    else if (found > ANSWER_LIST_MAX)
        code = layout_line(out, "There were more than %d matches on your request.",
                           ANSWER_LIST_MAX);
    else
        code = layout_line(out, "There were %zu matches on your request.", found);
    return code != 0 ? code : layout_line(out, "%s", "");
}

/* "           !00-00-0C: Cisco Systems, Inc (San Jose, US)" */
static int put_listing(struct netio_buf *out, const struct directory_entry *entry)
{
    char handle[LAYOUT_LABEL_MAX + 2] = "!", text[2 * LISTING_MAX + 8];
    size_t len = layout_clean(entry->handle, strlen(entry->handle), handle + 1, sizeof handle - 1);
    size_t used = layout_clean(entry->name, strlen(entry->name), text, LISTING_MAX);

    if (*entry->summary) {
        used += (size_t)sprintf(text + used, " (");
        used += layout_clean(entry->summary, strlen(entry->summary), text + used, LISTING_MAX);
        text[used++] = ')';
    }
    return layout_pair(out, handle, 1 + len, text, used);
}

static int put_list(struct netio_buf *out, struct search *search)
{
    struct directory_entry entry;
    char first[LAYOUT_LABEL_MAX + 1] = "";
    size_t listed = search->found < ANSWER_LIST_MAX ? search->found : ANSWER_LIST_MAX;
    int code = put_count(out, search->found);

    for (size_t i = 0; code == 0 && i < listed; i++) {
        code = directory_read(search->directory, search->id[i], &entry, search->deadline);
        if (code == 0 && i == 0)
            layout_clean(entry.handle, strlen(entry.handle), first, sizeof first);
        if (code == 0)
            code = put_listing(out, &entry);
    }
    if (code == 0)
        code = layout_line(out, "%s", "");
    if (code == 0)
        code = layout_line(out, "To see one of them, ask for its handle: whois '!%s'%s", first,
                           search->found > listed ? ", or add a word" : "");
    return code;
}

/* One "Label<TAB>value<LF>" line after the other. */
static int put_fields(struct netio_buf *out, const char *fields)
{
    int code = 0;

    while (code == 0 && *fields) {
        size_t len = strcspn(fields, "\n");
        const char *tab = memchr(fields, '\t', len);
        size_t label = tab ? (size_t)(tab - fields) : len;
        size_t skip = tab ? label + 1 : label;
        code = layout_pair(out, fields, label, fields + skip, len - skip);
        fields += len + (fields[len] == '\n');
    }
    return code != 0 ? code : layout_line(out, "%s", "");
}

/* All entries found, in full. */
static int put_records(struct netio_buf *out, struct search *search)
{
    struct directory_entry entry;
    size_t bytes = 0;
    int code = put_count(out, search->found);

    for (size_t i = 0; code == 0 && i < search->found; i++) {
        code = directory_read(search->directory, search->id[i], &entry, search->deadline);
        if (code == 0 && (bytes += strlen(entry.fields)) > ANSWER_FIELDS_MAX)
            code = NETIO_ETOOLONG;
        if (code == 0)
            code = put_fields(out, entry.fields);
    }
    return code != 0 ? code : layout_line(out, "%s", more_help);
}

static int put_none(struct netio_buf *out)
{
    int code = put_count(out, 0);

    return code != 0 ? code : layout_line(out, "%s", more_help);
}

/* Several entries of one handle are shown like one; several that share words are listed. */
static int put_found(struct netio_buf *out, struct search *search)
{
    size_t full = search->query->kind == QUERY_HANDLE ? ANSWER_RECORD_MAX : 1;

    if (search->found == 0)
        return put_none(out);
    return search->found <= full ? put_records(out, search) : put_list(out, search);
}

static int look_up(struct answer *answer, struct netio_buf *out, struct directory *directory,
                   const struct query *query)
{
    struct search search = {.directory = directory, .query = query};

    if (!directory)
        return -EIO;
    search.deadline = netio_deadline_in(ANSWER_SECONDS_MAX);
    int found = directory_find(directory, query, search.id, ANSWER_LIST_MAX + 1, search.deadline);
    if (found < 0)
        return found;
    search.found = answer->matches = (size_t)found;
    return put_found(out, &search);
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
    netio_buf_take(out, netio_buf_len(out));
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
    netio_buf_take(out, netio_buf_len(out));
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
