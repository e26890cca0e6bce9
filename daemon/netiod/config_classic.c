/* netiod: lines of seven fields, in the dialect of Debian's openbsd-inetd with what others add; see
 * config_reader.h.  Called by config.c. */
#include "config_reader.h"

#include <netio/names.h>

#include <string.h>

#define FIELDS 5 /* behind the service, before the arguments: all must be there */

/* The user's field: "user", "user:group", "user.group", FreeBSD's "/login-class" behind it. */
static void set_user(struct reader *reader, struct draft *draft, char *text)
{
    char *login = strchr(text, '/');

    if (login) {
        *login++ = '\0';
        reader_warn(reader, draft->line, "login class %s: this system has none", login);
    }
    draft->user = strsep(&text, ":");
    draft->group = text;
    draft->user_dots = 1;
}

/* FreeBSD's ":user:group:mode:/path", of which each may be empty. */
static void set_owner(struct reader *reader, struct draft *draft, char *spec)
{
    const char **const parts[] = {&draft->owner, &draft->owner_group, &draft->mode};
    char *rest = spec + 1;

    for (size_t i = 0; i < 3 && rest; i++) {
        const char *part = strsep(&rest, ":");
        *parts[i] = *part ? part : NULL;
    }
    draft->spec = rest ? rest : "";
    if (draft->mode && netio_mode_number(draft->mode, strlen(draft->mode)) < 0) {
        reader_fault(reader, draft->line, "mode %s: not an octal number up to 0777", draft->mode);
        draft->mode = NULL;
    }
}

/* All words of the line.  Returns how many, or -1 after a fault. */
static int collect(struct reader *reader, struct reader_file *file, char ***words)
{
    size_t count = 0;
    int fault = 0;

    for (char *word; (word = words_next(reader, file, &fault)); count++) {
        *words = arena_add(&reader->scratch, *words, count, word);
        if (!*words)
            return -1;
    }
    return fault ? -1 : (int)count;
}

void classic_read(struct reader *reader, struct reader_file *file, char *spec, unsigned line)
{
    struct draft draft;
    char **words = NULL;
    int count = collect(reader, file, &words);

    if (count < 0) {
        words_skip(file);
        return;
    }
    if (count < FIELDS) {
        reader_fault(reader, line,
                     "%s: %d fields of at least %d: service, type, protocol, wait or nowait, user, "
                     "program, arguments",
                     spec, count + 1, FIELDS + 1);
        return;
    }
    draft_begin(reader, &draft, spec, line, 1);
    value_type(reader, &draft, words[0]);
    value_protocol(reader, &draft, words[1]);
    value_wait(reader, &draft, words[2]);
    set_user(reader, &draft, words[3]);
    draft.program = words[4];
    draft.args = words + FIELDS;
    draft.args_count = (size_t)(count - FIELDS);
    if (draft.family == DRAFT_UNIX && *spec == ':')
        set_owner(reader, &draft, spec);
    draft_finish(reader, &draft);
}
