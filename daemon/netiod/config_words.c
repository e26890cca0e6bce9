/* netiod: words of a configuration's lines; see config_reader.h.  Called by config.c and the files
 * of the two notations; it touches the text of one file. */
#include "config_reader.h"

#include <string.h>

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Blanks, and the CR of a line that ends with CRLF. */
static const char *past_blanks(const struct reader_file *file, const char *at)
{
    while (at < file->end &&
           (is_blank(*at) || (*at == '\r' && (at + 1 == file->end || at[1] == '\n'))))
        at++;
    return at;
}

static const char *line_end(const struct reader_file *file, const char *at)
{
    const char *end = memchr(at, '\n', (size_t)(file->end - at));

    return end ? end : file->end;
}

/* IPsec policies stand in a comment; who wrote one thinks that it holds. */
static void pass_comment(struct reader *reader, struct reader_file *file)
{
    const char *end = line_end(file, file->at);

    if (reader && file->end - file->at > 2 && file->at[1] == '@') {
        file->at += 2;
        file->at = past_blanks(file, file->at);
        if (file->at < end)
            reader_warn(reader, file->line, "IPsec policies are not netiod's: no effect");
    }
    file->at = end;
}

/* To the first byte of the next definition: 1, or 0 at the end. */
static int find_first(struct reader *reader, struct reader_file *file)
{
    for (;;) {
        file->at = past_blanks(file, file->at);
        if (file->at == file->end)
            return 0;
        if (*file->at == '#')
            pass_comment(reader, file);
        else if (*file->at == '\n') {
            file->at++;
            file->line++;
        } else
            return 1;
    }
}

/* At the end of a line: goes to the one that continues it, if there is one.  Empty lines with a
 * blank in them, and comments that are indented, are passed over. */
static int find_continuation(struct reader_file *file)
{
    const char *at = file->at;
    unsigned line = file->line;

    while (at < file->end) {
        line++;
        if (++at == file->end || !is_blank(*at))
            return 0;
        at = past_blanks(file, at);
        if (at < file->end && *at != '\n' && *at != '#') {
            file->at = at;
            file->line = line;
            return 1;
        }
        at = line_end(file, at);
    }
    return 0;
}

/* As the BSDs have it: quotes count at the beginning of a word, and reach to the same one. */
static char *quoted(struct reader *reader, struct reader_file *file, int *fault)
{
    const char *begin = file->at + 1, *line = line_end(file, begin);
    const char *end = memchr(begin, *file->at, (size_t)(line - begin));

    if (!end) {
        *fault = reader_fault(reader, file->line, "a quote that does not end on its line");
        file->at = line;
        return NULL;
    }
    file->at = end + 1;
    if (file->at < file->end && !is_blank(*file->at) && *file->at != '\r' && *file->at != '\n') {
        *fault = reader_fault(reader, file->line, "a quoted word goes on behind the quote");
        return NULL;
    }
    return arena_copy(&reader->scratch, begin, (size_t)(end - begin));
}

static char *take_word(struct reader *reader, struct reader_file *file, int *fault)
{
    const char *begin = file->at;

    if (*begin == '"' || *begin == '\'')
        return quoted(reader, file, fault);
    while (file->at < file->end && *file->at != '\n' && !is_blank(*file->at) &&
           file->at == past_blanks(file, file->at))
        file->at++;
    return arena_copy(&reader->scratch, begin, (size_t)(file->at - begin));
}

char *words_next(struct reader *reader, struct reader_file *file, int *fault)
{
    file->at = past_blanks(file, file->at);
    if (file->at == file->end || (*file->at == '\n' && !find_continuation(file)))
        return NULL;
    return take_word(reader, file, fault);
}

char *words_first(struct reader *reader, struct reader_file *file, unsigned *line)
{
    arena_clear(&reader->scratch);
    while (find_first(reader, file)) {
        int fault = 0;
        *line = file->line;
        char *word = take_word(reader, file, &fault);
        if (!fault)
            return word;
        words_skip(file);
    }
    return NULL;
}

int words_switch(struct reader_file *file)
{
    static const char *const words[] = {"off", "on"};
    const char *at = past_blanks(file, file->at);

    for (int i = 0; i < 2; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(file->end - at) < len || memcmp(at, words[i], len) != 0)
            continue;
        const char *after = at + len;
        if (after < file->end && !strchr(" \t\r\n;#", *after))
            continue;
        file->at = after;
        return i;
    }
    return -1;
}

void words_skip(struct reader_file *file)
{
    do
        file->at = line_end(file, file->at);
    while (file->at < file->end && find_continuation(file));
}
