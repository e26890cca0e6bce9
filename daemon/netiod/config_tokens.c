/* netiod: words and signs of the notation with keys; see config_reader.h.  Called by config_keys.c;
 * it touches the text of one file. Lines mean nothing here, and "#" begins a comment wherever a
 * word could. */
#include "config_reader.h"

#include <stdlib.h>
#include <string.h>

/* Blanks, ends of lines, comments. */
static void pass_space(struct reader_file *file)
{
    while (file->at < file->end) {
        if (*file->at == '#') {
            const char *end = memchr(file->at, '\n', (size_t)(file->end - file->at));
            file->at = end ? end : file->end;
        } else if (*file->at == '\n')
            file->line++, file->at++;
        else if (strchr(" \t\r", *file->at))
            file->at++;
        else
            break;
    }
}

/* One escape, *at behind its backslash: the byte, or -1. */
static int escape(const char **at)
{
    static const char letters[] = "\\ntr'\"", bytes[] = "\\\n\t\r'\"";
    char digits[3] = {0};
    const char *letter = **at ? strchr(letters, **at) : NULL;

    if (letter) {
        (*at)++;
        return (unsigned char)bytes[letter - letters];
    }
    if (**at != 'x' || strspn(*at + 1, "0123456789abcdefABCDEF") < 2)
        return -1;
    memcpy(digits, *at + 1, 2);
    *at += 3;
    return (int)strtol(digits, NULL, 16);
}

/* In place: what comes out is never longer.  0 or -1. */
static int unescape(char *text)
{
    const char *at = text;
    char *out = text;

    while (*at) {
        int byte = (unsigned char)*at++;
        if (byte == '\\')
            byte = escape(&at);
        if (byte <= 0)
            return -1;
        *out++ = (char)byte;
    }
    *out = '\0';
    return 0;
}

/* A word that is wrong is said, and is one all the same: what follows is read on. */
static void quoted(struct reader *reader, struct reader_file *file, struct token *token)
{
    const char *begin = file->at + 1, *end = begin;

    while (end < file->end && *end != *file->at && *end != '\n')
        end += *end == '\\' && end + 1 < file->end && end[1] != '\n' ? 2 : 1;
    if (end >= file->end || *end == '\n') {
        file->at = end < file->end ? end : file->end;
        reader_fault(reader, file->line, "a quote that does not end on its line");
        return;
    }
    token->text = arena_copy(&reader->scratch, begin, (size_t)(end - begin));
    file->at = end + 1;
    if (token->text && unescape(token->text) < 0)
        reader_fault(reader, file->line,
                     "a backslash goes before n, t, r, xXX, a quote or a backslash; no NULs");
    if (file->at < file->end && !strchr(" \t\r\n,;=#", *file->at))
        reader_fault(reader, file->line, "a quoted word goes on behind the quote");
}

static void plain(struct reader *reader, struct reader_file *file, struct token *token)
{
    const char *begin = file->at;

    while (file->at < file->end && !strchr(" \t\r\n,;='\"", *file->at))
        file->at++;
    token->text = arena_copy(&reader->scratch, begin, (size_t)(file->at - begin));
    if (file->at < file->end && strchr("'\"", *file->at))
        reader_fault(reader, file->line, "a quote in the middle of a word");
}

void token_next(struct reader *reader, struct reader_file *file, struct token *token)
{
    static const char signs[] = "=,;";
    static const enum token_kind kinds[] = {TOKEN_EQUALS, TOKEN_COMMA, TOKEN_SEMICOLON};

    pass_space(file);
    *token = (struct token){.kind = TOKEN_WORD, .line = file->line};
    const char *sign = file->at < file->end && *file->at ? strchr(signs, *file->at) : NULL;
    if (file->at == file->end)
        token->kind = TOKEN_END;
    else if (sign) {
        token->kind = kinds[sign - signs];
        file->at++;
    } else if (*file->at == '"' || *file->at == '\'')
        quoted(reader, file, token);
    else
        plain(reader, file, token);
    if (token->kind == TOKEN_WORD && !token->text)
        token->kind = TOKEN_FAULT;
}

/* "NAME on", "NAME stream" at the beginning of a line: the definition before it lacks its ";". */
static int begins_definition(const struct reader_file *file)
{
    struct reader_file ahead = *file;

    while (ahead.at < ahead.end && !strchr(" \t\r\n#", *ahead.at))
        ahead.at++;
    if (ahead.at == file->at)
        return 0;
    if (words_switch(&ahead) >= 0)
        return 1;
    while (ahead.at < ahead.end && (*ahead.at == ' ' || *ahead.at == '\t'))
        ahead.at++;
    return ahead.end - ahead.at > 6 &&
           (memcmp(ahead.at, "stream", 6) == 0 || memcmp(ahead.at, "dgram", 5) == 0);
}

/* One byte on, or to the end of what it begins: a word in quotes, a comment. */
static void pass_one(struct reader_file *file)
{
    char first = *file->at++;

    if (!strchr("\"'#", first))
        return;
    while (file->at < file->end && *file->at != '\n') {
        if (*file->at == first && first != '#') {
            file->at++;
            return;
        }
        file->at +=
            first != '#' && *file->at == '\\' && file->at + 1 < file->end && file->at[1] != '\n'
                ? 2
                : 1;
    }
}

void tokens_skip(struct reader_file *file)
{
    while (file->at < file->end) {
        char first = *file->at;
        pass_one(file);
        if (first == '\n') {
            file->line++;
            if (begins_definition(file))
                return;
        } else if (first == ';')
            return;
    }
}
