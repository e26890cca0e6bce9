/* Tests of netio/error.h. */
#include "tap.h"
#include <netio/error.h>

#include <errno.h>

static void test_codes(void)
{
    static const struct {
        int code;
        const char *name, *text;
        int sys;
    } table[] = {
        {-ECONNREFUSED, "ECONNREFUSED", "Connection refused", ECONNREFUSED},
        {-ETIMEDOUT, "ETIMEDOUT", "Connection timed out", ETIMEDOUT},
        {NETIO_EEOF, "NETIO_EEOF", "closed by the other end", ECONNRESET},
        {NETIO_ENONAME, "NETIO_ENONAME", "host not found", EHOSTUNREACH},
        {NETIO_EBADSERVICE, "NETIO_EBADSERVICE", "unknown service", EINVAL},
        {NETIO_EFULL, "NETIO_EFULL", "no room left", ENOBUFS},
        {NETIO_ENOIDN, "NETIO_ENOIDN", "host names beyond ASCII need libidn2", ELIBACC},
        {NETIO_ERUNNING, "NETIO_ERUNNING", "already running", EEXIST},
        {NETIO_ENOTRUNNING, "NETIO_ENOTRUNNING", "not running", ESRCH},
        {NETIO_ESTARTING, "NETIO_ESTARTING", "starting, and not ready yet", EAGAIN},
        {NETIO_EBADPIDFILE, "NETIO_EBADPIDFILE", "not a pid file", EINVAL},
        {NETIO_EUNSAFE, "NETIO_EUNSAFE", "not safe: others may change it", EPERM},
        {NETIO_EDIED, "NETIO_EDIED", "ended before it was ready", ECHILD},
        {NETIO_ENOUSER, "NETIO_ENOUSER", "no such user", ENOENT},
        {NETIO_ENOGROUP, "NETIO_ENOGROUP", "no such group", ENOENT},
        {NETIO_ELIED, "NETIO_ELIED", "reported success without effect", EPERM},
        {NETIO_EREGAIN, "NETIO_EREGAIN", "privileges given up could be regained", EPERM},
        {NETIO_ENOSANDBOX, "NETIO_ENOSANDBOX", "not offered by this kernel", ENOSYS},
        {NETIO_ELEFT, "NETIO_ELEFT", "held by what a daemon has left behind", EBUSY},
        {NETIO_EINIT, "NETIO_EINIT", "process 1 has no successor: all others end with it", EPERM},
        {NETIO_ENOTFILE, "NETIO_ENOTFILE", "not a regular file", EINVAL},
        {NETIO_ENORULE, "NETIO_ENORULE", "no rule in it", ENODATA},
        {-999, "UNKNOWN", "unknown error", 999},
        {-1999, "UNKNOWN", "unknown error", EINVAL},
        {7, "UNKNOWN", "unknown error", 0},
        {0, "UNKNOWN", "no error", 0},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        is_str(netio_error_name(table[i].code), table[i].name, "name of %d", table[i].code);
        is_str(netio_error_text(table[i].code), table[i].text, "text of %d", table[i].code);
        is_int(netio_error_errno(table[i].code), table[i].sys, "errno of %d", table[i].code);
    }
#define NETIO_X(name, code, sys, text)                                                             \
    is_int(NETIO_E##name, code, "NETIO_E" #name);                                                  \
    ok((sys) > 0 && strlen(text) < 60, "NETIO_E" #name " has an errno and a short text");
    NETIO_ERROR_LIST(NETIO_X)
#undef NETIO_X
}

static void test_str(void)
{
    struct netio_addr addr;
    struct netio_error error;
    char out[640], tiny[12];

    netio_addr_parse_port(&addr, "127.0.0.1:79");
    is_int(netio_error_set(&error, NETIO_STAGE_CONNECT, -ECONNREFUSED, &addr, "here"),
           -ECONNREFUSED, "set returns the code");
    is_str(netio_error_str(&error, out, sizeof out), "connect 127.0.0.1:79: Connection refused",
           "the address is named");
    netio_error_str(&error, tiny, sizeof tiny);
    is_str(tiny, "connect 127", "cut to the room there is");
    netio_error_set(&error, NETIO_STAGE_RESOLVE, NETIO_ENONAME, NULL, "a\nb\033\xff");
    is_str(netio_error_str(&error, out, sizeof out), "resolve a\\x0ab\\x1b\\xff: host not found",
           "a hostile subject is made safe");
    netio_error_set(&error, NETIO_STAGE_NONE, -EMFILE, NULL, NULL);
    is_str(netio_error_str(&error, out, sizeof out), "Too many open files", "nothing but a code");
    netio_error_set(&error, NETIO_STAGE_READ, -EIO, NULL, NULL);
    is_str(netio_error_str(&error, out, sizeof out), "read: Input/output error", "a stage alone");
    netio_error_set(&error, NETIO_STAGE_PIDFILE, NETIO_ERUNNING, NULL, "/run/x.pid");
    is_str(netio_error_str(&error, out, sizeof out), "pid file /run/x.pid: already running",
           "a stage of two words");
    char giant[5000];
    memset(giant, '\1', sizeof giant - 1);
    giant[sizeof giant - 1] = '\0';
    netio_error_set(&error, NETIO_STAGE_OPTION, NETIO_EBADOPTION, NULL, giant);
    is_int(strlen(error.subject) % 4, 0, "a giant subject is cut between escapes");
    is_int(netio_error_set(NULL, NETIO_STAGE_READ, -EIO, NULL, NULL), -EIO, "no struct is fine");
    is_str(netio_stage_str((enum netio_stage)99), "", "no such stage");
}

int main(void)
{
    test_codes();
    test_str();
    return tap_done();
}
