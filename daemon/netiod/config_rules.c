/* netiod: rules of access among the keys of a definition; see config_reader.h.  Called by
 * config_keyset.c; it reads files of rules, and may ask who a user is. */
#include "config_reader.h"

#include <stdio.h>
#include <string.h>

#define RULE_MAX 1024

/* For config_same and --show, in the order in which they are written. */
static int keep_rule(struct reader *reader, struct draft *draft, const char *text)
{
    struct rule *rule = arena_get(&reader->scratch, sizeof *rule);

    if (!rule || !(rule->text = arena_string(&reader->config->own->arena, text)))
        return -1;
    *draft->rules_end = rule;
    draft->rules_end = &rule->next;
    draft->rules_count++;
    return 0;
}

static int add_rule(struct reader *reader, struct draft *draft, const struct values *values,
                    const char *who, const char *name)
{
    char rule[RULE_MAX];
    size_t len = (size_t)snprintf(rule, sizeof rule, "%s %s%s%s", values->key, who, name ? " " : "",
                                  name ? name : "");

    if (!draft->access && netio_access_new(&draft->access) < 0)
        return -1;
    int code = len < sizeof rule ? netio_access_add(draft->access, rule, NULL) : NETIO_ETOOLONG;
    if (code)
        return reader_fault(reader, values->line, "%.200s: %s", rule, netio_error_text(code));
    return keep_rule(reader, draft, rule);
}

/* "uid" and "gid" have a word more, whether or not they are quoted. */
int rules_set(struct reader *reader, struct draft *draft, const struct values *values)
{
    int code = 0;

    for (size_t i = 0; i < values->count; i++) {
        const char *who = values->words[i];
        int two = (strcmp(who, "uid") == 0 || strcmp(who, "gid") == 0) && i + 1 < values->count;
        if (add_rule(reader, draft, values, who, two ? values->words[++i] : NULL) < 0)
            code = -1;
    }
    return code;
}

/* The rules of a file, in the place where it is named. */
int rules_read(struct reader *reader, struct draft *draft, const struct values *values)
{
    struct netio_error error = {0};
    const char *path = values->words[0];
    char rule[RULE_MAX];

    if (*path != '/' || strlen(path) > RULE_MAX - sizeof "access ")
        return value_wrong(reader, values, 0, "not an absolute path");
    if (!draft->access && netio_access_new(&draft->access) < 0)
        return -1;
    int code = netio_access_read(draft->access, path, &error);
    if (code)
        return reader_fault(reader, values->line, "%s = %s: %s", values->key,
                            *error.subject ? error.subject : path, netio_error_text(code));
    snprintf(rule, sizeof rule, "access %s", path);
    return keep_rule(reader, draft, rule);
}
