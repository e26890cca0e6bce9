/* Ring 0.  The kernel's names; see netio/names.h.  Called by whoever reads options of a daemon; it
 * touches nothing but its arguments. */
#include <netio/names.h>

#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#define MODE_DIGITS 4

static const struct {
    const char *name;
    int number;
} resources[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

/* In the order of their numbers. */
static const char *const capabilities[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};
_Static_assert(sizeof capabilities / sizeof *capabilities == CAP_LAST_CAP + 1,
               "a name for each number");

int netio_resource_number(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
        if (strlen(resources[i].name) == len && memcmp(resources[i].name, name, len) == 0)
            return resources[i].number;
    return -1;
}

const char *netio_resource_str(int resource)
{
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
        if (resources[i].number == resource)
            return resources[i].name;
    return NULL;
}

int netio_capability_number(const char *name, size_t len)
{
    static const char prefix[] = "cap_";
    size_t skip =
        len > strlen(prefix) && strncasecmp(name, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;

    for (int i = 0; i <= CAP_LAST_CAP; i++)
        if (strlen(capabilities[i]) == len - skip &&
            strncasecmp(capabilities[i], name + skip, len - skip) == 0)
            return i;
    return -1;
}

int netio_mode_number(const char *text, size_t len)
{
    int mode = 0;

    if (len == 0 || len > MODE_DIGITS)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '7')
            return -1;
        mode = mode * 8 + (text[i] - '0');
    }
    return mode <= 0777 ? mode : -1;
}
