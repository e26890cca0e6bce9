/* netio-daemon: what is said, and where; see diary.h. */
#include "diary.h"

#include "common/report.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

static int open_two(struct netio_log **own, struct netio_log **program, const char *target,
                    const char *name, struct netio_error *error)
{
    int code = netio_log_open(own, target, program_name, error);

    return code ? code : netio_log_open(program, target, name, error);
}

int diary_open(struct diary *diary, const char *target, const char *name, struct netio_error *error)
{
    *diary = (struct diary){.name = name};
    int code = open_two(&diary->own, &diary->program, target, name, error);

    if (code == 0 && strcmp(target, "stderr") != 0)
        code = open_two(&diary->own_screen, &diary->program_screen, "stderr", name, error);
    if (code)
        diary_close(diary);
    return code;
}

void diary_leave_screen(struct diary *diary)
{
    netio_log_free(diary->own_screen);
    netio_log_free(diary->program_screen);
    diary->own_screen = diary->program_screen = NULL;
}

void diary_close(struct diary *diary)
{
    diary_leave_screen(diary);
    netio_log_free(diary->own);
    netio_log_free(diary->program);
    diary->own = diary->program = NULL;
}

void diary_say(const struct diary *diary, int priority, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    netio_log(diary->own, priority, "%s: %s", diary->name, text);
    if (priority <= LOG_WARNING)
        netio_log(diary->own_screen, priority, "%s: %s", diary->name, text);
}

void diary_quote(const struct diary *diary, int priority, const char *text)
{
    netio_log(diary->program, priority, "%s", text);
    netio_log(diary->program_screen, priority, "%s", text);
}

void diary_reopen(struct diary *diary)
{
    struct netio_error error;
    int code = netio_log_reopen(diary->own, &error);

    if (code == 0)
        code = netio_log_reopen(diary->program, &error);
    if (code)
        diary_say(diary, LOG_ERR, "log %s: %s; the one before stays in use", error.subject,
                  netio_error_text(code));
}
