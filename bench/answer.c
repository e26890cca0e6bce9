/* answer.c: see answer.h.  Called by load.c. */
#include "answer.h"

#include <stdio.h>
#include <string.h>

/* Lines such as "    !00-00-0C: Cisco Systems, Inc". */
static long count_listed(const char *text)
{
    long listed = 0;

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \n");
        listed += *line == '!';
    }
    return listed;
}

/* The last line, when it has its end; else "". */
static const char *last_line(const char *text, size_t len)
{
    const char *line = text + len;

    if (len < 3 || line[-1] != '\n')
        return "";
    for (line--; line > text && line[-1] != '\n';)
        line--;
    return line;
}

static long check_whois(const struct answer *answer, int *slow)
{
    const char *text = answer->text, *last = last_line(text, answer->len);
    long said = -1, listed = count_listed(text);

    if (strncmp(text, "Sorry, the search took too long", 31) == 0 && last == text) {
        *slow = 1;
        return 0;
    }
    if (strncmp(text, "There were no matches", 21) == 0)
        said = 0;
    else if (sscanf(text, "There were more than %ld matches", &said) != 1 &&
             sscanf(text, "There were %ld matches", &said) != 1)
        return -1;
    if (strncmp(last, "For more information ", 21) == 0)
        return listed == 0 ? said : -1;
    return strncmp(last, "To see one ", 11) == 0 && listed == said ? said : -1;
}

static long check_http(const struct answer *answer, int *slow)
{
    const char *text = answer->text;

    (void)slow;
    if (strncmp(text, "HTTP/1.", 7) != 0 || strncmp(text + 8, " 200", 4) != 0)
        return -1;
    const char *end = strstr(text, "</html>");
    return end && end[7 + strspn(end + 7, "\r\n")] == '\0' ? 0 : -1;
}

static long check_echo(const struct answer *answer, int *slow)
{
    (void)slow;
    return answer->len == answer->expected_len &&
                   memcmp(answer->text, answer->expected, answer->len) == 0
               ? 0
               : -1;
}

static const struct mode modes[] = {
    {"whois", "", "\r\n", 0, check_whois},
    {"http", "GET ", " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 0, check_http},
    {"ask", "", "\n", 0, check_echo},
    {"echo", "", "\n", 1, check_echo},
};

const struct mode *mode_named(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}
