/* Ring 0.  Codes to names and texts; see netio/error.h.
 * Called by everything that fails; it touches nothing but its arguments. */
#include <netio/error.h>
#include <netio/text.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct code_entry {
    int code;
    int sys;
    const char *name;
    const char *text;
};

static const struct code_entry codes[] = {
#define NETIO_X(name, code, sys, text) {code, sys, "NETIO_E" #name, text},
    NETIO_ERROR_LIST(NETIO_X)
#undef NETIO_X
};

static const char *const stages[] = {
#define NETIO_X(name, word) word,
    NETIO_STAGE_LIST(NETIO_X)
#undef NETIO_X
};

static const struct code_entry *find_code(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code)
            return &codes[i];
    return NULL;
}

const char *netio_error_text(int code)
{
    if (code == 0)
        return "no error";
    if (code <= -1000) {
        const struct code_entry *entry = find_code(code);
        return entry ? entry->text : "unknown error";
    }
    const char *text = code < 0 ? strerrordesc_np(-code) : NULL;
    return text ? text : "unknown error";
}

const char *netio_error_name(int code)
{
    if (code <= -1000) {
        const struct code_entry *entry = find_code(code);
        return entry ? entry->name : "UNKNOWN";
    }
    const char *name = code < 0 ? strerrorname_np(-code) : NULL;
    return name ? name : "UNKNOWN";
}

int netio_error_errno(int code)
{
    if (code > -1000)
        return code < 0 ? -code : 0;
    const struct code_entry *entry = find_code(code);
    return entry ? entry->sys : EINVAL;
}

const char *netio_stage_str(enum netio_stage stage)
{
    return (size_t)stage < sizeof stages / sizeof *stages ? stages[stage] : "";
}

int netio_error_set(struct netio_error *error, enum netio_stage stage, int code,
                    const struct netio_addr *address, const char *subject)
{
    if (!error)
        return code;
    error->code = code;
    error->stage = stage;
    if (address)
        error->address = *address;
    else
        memset(&error->address, 0, sizeof error->address);
    netio_text_safe(subject ? subject : "", subject ? strlen(subject) : 0, error->subject,
                    sizeof error->subject);
    return code;
}

char *netio_error_str(const struct netio_error *error, char *out, size_t size)
{
    char where[NETIO_ADDR_STRLEN] = "";
    const char *stage = netio_stage_str(error->stage);

    if (error->address.len)
        netio_addr_str(&error->address, where, sizeof where);
    else
        snprintf(where, sizeof where, "%s", error->subject);
    snprintf(out, size, "%s%s%s%s%s", stage, *stage && *where ? " " : "", where,
             *stage || *where ? ": " : "", netio_error_text(error->code));
    return out;
}
