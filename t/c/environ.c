/* Tests of netio/environ.h. */
#include "tap.h"
#include <netio/environ.h>
#include <netio/error.h>

#define MAX 8

/* As one text, each variable followed by "|". */
static const char *joined(char *const *environment)
{
    static char text[512];

    *text = '\0';
    for (; *environment; environment++)
        strcat(strcat(text, *environment), "|");
    return text;
}

static void test_lists(void)
{
    static const struct {
        const char *name;
        char *from[MAX];
        const char *allow[MAX];
        const char *want;
    } table[] = {
        {"nothing is asked for", {"A=1", "LD_PRELOAD=x"}, {NULL}, ""},
        {"a name passes on what is there", {"A=1", "B=2"}, {"A"}, "A=1|"},
        {"and nothing where it is not", {"B=2"}, {"A"}, ""},
        {"a name is not the beginning of one", {"AB=2", "ABC=3"}, {"ABC", "A"}, "ABC=3|"},
        {"an empty value is a value", {"A="}, {"A"}, "A=|"},
        {"a value is set", {"A=1"}, {"B=2"}, "B=2|"},
        {"a value with an equals sign", {NULL}, {"B=2=3"}, "B=2=3|"},
        {"a value that ends with a star", {NULL}, {"B=2*"}, "B=2*|"},
        {"all that begin so", {"LC_B=2", "LC_A=1", "LC=0", "X=1"}, {"LC_*"}, "LC_A=1|LC_B=2|"},
        {"and what is called so", {"LC_=0"}, {"LC_*"}, "LC_=0|"},
        {"a later value wins over an earlier name", {"A=1"}, {"A", "A=2"}, "A=2|"},
        {"a later name wins over an earlier value", {"A=1"}, {"A=2", "A"}, "A=1|"},
        {"which stays where there is none", {"B=1"}, {"A=2", "A"}, "A=2|"},
        {"a later star wins, too", {"A=1"}, {"A=2", "A*"}, "A=1|"},
        {"the last of three", {NULL}, {"A=1", "A=2", "A=3"}, "A=3|"},
        {"of two of one name the first, as for getenv(3)", {"A=1", "A=2"}, {"A"}, "A=1|"},
        {"what is no variable is left behind", {"A", "=B", "", "C=1"}, {"A", "C"}, "C=1|"},
        {"a star within a name is a name", {"A*B=1", "AxB=2"}, {"A*B"}, "A*B=1|"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char **out = NULL;
        is_int(netio_environ_new(&out, table[i].from, table[i].allow), 0, "%s", table[i].name);
        is_str(joined(out), table[i].want, "%s: what it is", table[i].name);
        netio_environ_free(out);
    }
}

static void test_usual(void)
{
    char *from[] = {"PATH=/tmp/evil",
                    "LD_PRELOAD=/tmp/evil.so",
                    "IFS=x",
                    "PERL5OPT=-Mevil",
                    "CREDENTIALS_DIRECTORY=/x",
                    "TZ=UTC",
                    "LC_TIME=C",
                    "LANG=C",
                    "LANGUAGE=de",
                    "NOTIFY_SOCKET=/x",
                    "HOME=/root",
                    NULL};
    char **out;

    is_int(netio_environ_new(&out, from, NULL), 0, "D12: the default");
    is_str(joined(out),
           "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|LANG=C|LANGUAGE=de|"
           "LC_TIME=C|TZ=UTC|",
           "D12: nothing else, and a PATH of its own");
    is_str(netio_environ_get(out, "TZ"), "UTC", "a value is found");
    is_str(netio_environ_get(out, "T"), NULL, "not by half of its name");
    is_str(netio_environ_get(out, "HOME"), NULL, "nor one that is not there");
    netio_environ_free(out);
    is_int(netio_environ_new(&out, NULL, NULL), 0, "from none");
    is_str(joined(out), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|",
           "there is a PATH");
    netio_environ_free(out);
    is_str(netio_environ_get(NULL, "A"), NULL, "after clearenv(3) there is nothing to find");
    netio_environ_free(NULL);
}

static void test_wrong(void)
{
    static const char *const wrong[] = {"", "=x", "=", "*"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *allow[] = {"A", wrong[i], NULL};
        char **out = NULL;
        is_int(netio_environ_new(&out, NULL, allow), NETIO_EBADOPTION, "no entry: \"%s\"",
               wrong[i]);
        ok(!out, "and no environment");
    }
}

/* As large as what execve(2) takes. */
static void test_large(void)
{
    enum { COUNT = 2000, SIZE = 1000 };
    static char text[COUNT][SIZE];
    static char *from[COUNT + 1];
    char **out;

    for (int i = 0; i < COUNT; i++) {
        memset(text[i], 'x', SIZE - 1);
        memcpy(text[i] + sprintf(text[i], "V_%d=", i), "y", 1);
        from[i] = text[i];
    }
    is_int(netio_environ_new(&out, from, (const char *const[]){"V_*", "V_7=seven", NULL}), 0,
           "2 MB in 2,000 variables");
    is_str(netio_environ_get(out, "V_7"), "seven", "one of them set");
    ok(strlen(netio_environ_get(out, "V_1999")) > 900, "the others whole");
    size_t n = 0;
    while (out[n])
        n++;
    is_int(n, COUNT, "each once");
    netio_environ_free(out);
}

int main(void)
{
    test_lists();
    test_usual();
    test_wrong();
    test_large();
    return tap_done();
}
