/* netiod: NetBSD's notation, "NAME on KEY = VALUE, ...;", with the keys of our own; see
 * config_reader.h.  Called by config.c; what keys there are is in config_keyset.c. */
#include "config_reader.h"

/* The words behind "KEY =", up to the next sign, which becomes *token.  0 or -1. */
static int read_values(struct reader *reader, struct reader_file *file, struct values *values,
                       struct token *token)
{
    for (;;) {
        token_next(reader, file, token);
        if (token->kind != TOKEN_WORD)
            break;
        values->words = arena_add(&reader->scratch, values->words, values->count, token->text);
        if (!values->words)
            return -1;
        values->count++;
    }
    if (token->kind == TOKEN_EQUALS)
        return reader_fault(reader, token->line,
                            "= in a value: it wants quotes, or a , or ; is missing before it");
    return token->kind == TOKEN_FAULT ? -1 : 0;
}

/* One "KEY = VALUE ...", and the sign behind it.  1: there may be more, 0: that was the last one,
 * -1. */
static int read_key(struct reader *reader, struct reader_file *file, struct draft *draft)
{
    struct values values = {0};
    struct token token;

    token_next(reader, file, &token);
    if (token.kind == TOKEN_SEMICOLON)
        return 0;
    if (token.kind == TOKEN_END)
        return reader_fault(reader, draft->line, "%s: the definition does not end with ;",
                            draft->spec);
    if (token.kind != TOKEN_WORD)
        return token.kind == TOKEN_FAULT
                   ? -1
                   : reader_fault(reader, token.line, "a key is missing before the sign");
    values.key = token.text;
    values.line = token.line;
    token_next(reader, file, &token);
    if (token.kind != TOKEN_EQUALS)
        return token.kind == TOKEN_FAULT
                   ? -1
                   : reader_fault(reader, values.line, "%s: no = behind it", values.key);
    if (read_values(reader, file, &values, &token) < 0)
        return -1;
    key_set(reader, draft, &values);
    if (token.kind == TOKEN_END)
        return reader_fault(reader, draft->line, "%s: the definition does not end with ;",
                            draft->spec);
    return token.kind == TOKEN_COMMA;
}

void keys_read(struct reader *reader, struct reader_file *file, char *spec, unsigned line, int on)
{
    struct draft draft;
    int more;

    draft_begin(reader, &draft, spec, line, 0);
    draft.off = !on;
    while ((more = read_key(reader, file, &draft)) == 1)
        continue;
    if (more < 0)
        tokens_skip(file);
    if (more == 0)
        draft_finish(reader, &draft);
    else
        draft_drop(&draft);
}
