/* Tests of netio/names.h. */
#include "tap.h"
#include <netio/names.h>

#include <linux/capability.h>
#include <sys/resource.h>

static void test_resources(void)
{
    is_int(netio_resource_number("nofile=1", 6), RLIMIT_NOFILE, "a limit, by its length");
    is_int(netio_resource_number("nofile", 5), -1, "the beginning of one");
    is_int(netio_resource_number("nofiles", 7), -1, "and more than one");
    is_int(netio_resource_number("NOFILE", 6), -1, "in capital letters");
    is_int(netio_resource_number("", 0), -1, "nothing");
    is_int(netio_resource_number("rss", 3), -1, "one that Linux does not heed");
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        const char *name = netio_resource_str(i);
        int heeded = i != RLIMIT_RSS && i != RLIMIT_LOCKS;
        ok(heeded == (name != NULL), "limit %d", i);
        if (name)
            is_int(netio_resource_number(name, strlen(name)), i, "%s and back", name);
    }
    is_str(netio_resource_str(RLIM_NLIMITS), NULL, "a number that is none");
    is_str(netio_resource_str(-1), NULL, "and a negative one");
}

static void test_capabilities(void)
{
    static const struct {
        const char *name;
        int number;
    } table[] = {
        {"chown", CAP_CHOWN},
        {"net_bind_service", CAP_NET_BIND_SERVICE},
        {"CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE},
        {"Cap_Kill", CAP_KILL},
        {"checkpoint_restore", CAP_CHECKPOINT_RESTORE},
        {"cap_", -1},
        {"cap", -1},
        {"", -1},
        {"cap_cap_kill", -1},
        {"kil", -1},
        {"kills", -1},
        {"root", -1},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        is_int(netio_capability_number(table[i].name, strlen(table[i].name)), table[i].number,
               "'%s'", table[i].name);
    is_int(netio_capability_number("kill,chown", 4), CAP_KILL, "by its length");
}

static void test_modes(void)
{
    static const struct {
        const char *text;
        int number;
    } table[] = {
        {"0", 0},      {"0000", 0},   {"22", 022},   {"022", 022},   {"0660", 0660}, {"777", 0777},
        {"0777", 0777}, {"1000", -1}, {"7777", -1},  {"00000", -1},  {"00022", -1},  {"8", -1},
        {"028", -1},   {"", -1},      {" 22", -1},   {"22 ", -1},    {"+22", -1},    {"-22", -1},
        {"0x1", -1},   {"o22", -1},   {"u=rw", -1},  {"/", -1},      {":", -1},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        is_int(netio_mode_number(table[i].text, strlen(table[i].text)), table[i].number,
               "mode '%s'", table[i].text);
    is_int(netio_mode_number("0222", 3), 022, "by its length");
}

int main(void)
{
    test_resources();
    test_capabilities();
    test_modes();
    return tap_done();
}
