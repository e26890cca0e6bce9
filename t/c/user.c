/* Tests of netio/user.h: on users and groups of its own, which a mount namespace shows to this
 * process alone. */
#include "tap.h"
#include <netio/error.h>
#include <netio/user.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#define MEMBERS 20000 /* of one group: a line of 160 kB */
#define GROUPS  200   /* of one user */

static char folder[] = "/tmp/netio-user-XXXXXX";

static FILE *create(const char *name)
{
    char path[64];

    sprintf(path, "%s/%s", folder, name);
    return fopen(path, "we");
}

/* Closes the file and puts it in the place of /etc/NAME. */
static int install(FILE *file, const char *name)
{
    char path[64], there[64];

    sprintf(path, "%s/%s", folder, name);
    sprintf(there, "/etc/%s", name);
    int bad = fclose(file) != 0 || mount(path, there, "none", MS_BIND, NULL) != 0;
    unlink(path);
    return bad;
}

static int write_files(void)
{
    FILE *file = create("passwd");

    fputs("root:x:0:0:root:/root:/bin/sh\n"
          "one:x:4201:4201::/home/one:/bin/sh\n"
          "many:x:4202:4202::/home/many:/bin/sh\n"
          "4203:x:4204:4204::/home/digits:/bin/sh\n"
          "minus:x:4294967295:4201::/:/bin/sh\n"
          "minusgroup:x:4205:4294967295::/:/bin/sh\n"
          "bare:x:4206:4206:::\n",
          file);
    if (install(file, "passwd"))
        return -1;
    file = create("group");
    fputs("root:x:0:\none:x:4201:\nmany:x:4202:many\nlarge:x:4300:", file);
    for (int i = 0; i < MEMBERS; i++)
        fprintf(file, "user%d,", i);
    fputs("one\nmanyfold:x:4301:one\nagain:x:4301:one\nnone:x:4294967295:\n4400:x:4401:\n", file);
    for (int i = 0; i < GROUPS; i++)
        fprintf(file, "group%d:x:%d:many\n", i, 5000 + i);
    if (install(file, "group"))
        return -1;
    file = create("nsswitch.conf");
    fputs("passwd: files\ngroup: files\n", file);
    return install(file, "nsswitch.conf");
}

static const char *groups_text(const struct netio_user *user)
{
    static char text[256];
    size_t used = 0;

    *text = '\0';
    for (size_t i = 0; i < user->groups_count && i < 8; i++)
        used += (size_t)sprintf(text + used, "%s%u", i ? " " : "", user->groups[i]);
    return text;
}

static void test_found(void)
{
    static const struct {
        const char *text, *name, *home, *groups;
        uid_t uid;
        gid_t gid;
    } table[] = {
        {"one", "one", "/home/one", "4201 4300 4301", 4201, 4201},
        {"4201", "one", "/home/one", "4201 4300 4301", 4201, 4201},
        {"one:root", "one", "/home/one", "0 4300 4301", 4201, 0},
        {"one:4300", "one", "/home/one", "4300 4301", 4201, 4300},
        {"one:7777", "one", "/home/one", "4300 4301 7777", 4201, 7777},
        {"root", "root", "/root", "0", 0, 0},
        {"0", "root", "/root", "0", 0, 0},
        {"7777:one", NULL, NULL, "4201", 7777, 4201},
        {"7777:7778", NULL, NULL, "7778", 7777, 7778},
        {"4203", "4203", "/home/digits", "4204", 4204, 4204},
        {"4203:4400", "4203", "/home/digits", "4401", 4204, 4401},
        {"4294967294:1", NULL, NULL, "1", 4294967294u, 1},
        {"minusgroup:one", "minusgroup", "/", "4201", 4205, 4201},
        {"bare", "bare", "/", "4206", 4206, 4206},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct netio_user user;
        struct netio_error error;
        is_int(netio_user_parse(&user, table[i].text, &error), 0, "%s", table[i].text);
        ok(user.uid == table[i].uid && user.gid == table[i].gid, "%s: the ids", table[i].text);
        is_str(user.name, table[i].name, "%s: the name", table[i].text);
        is_str(user.home, table[i].home, "%s: the home", table[i].text);
        is_str(groups_text(&user), table[i].groups, "C17 %s: the groups", table[i].text);
        is_str(user.shell, table[i].name ? "/bin/sh" : NULL, "%s: the shell", table[i].text);
        netio_user_free(&user);
        ok(!user.name && !user.groups, "%s: freed", table[i].text);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *text, *subject;
        int code;
    } table[] = {
        {"nosuch", "nosuch", NETIO_ENOUSER},
        {"nosuch:one", "nosuch", NETIO_ENOUSER},
        {"one:nosuch", "nosuch", NETIO_ENOGROUP},
        {"one:", "", NETIO_ENOGROUP},
        {"", "", NETIO_ENOUSER},
        {":one", "", NETIO_ENOUSER},
        {"one:one:one", "one:one", NETIO_ENOGROUP},
        {"7777", "7777", NETIO_ENOUSER},
        {"-1:1", "-1", NETIO_ENOUSER},
        {"+1:1", "+1", NETIO_ENOUSER},
        {" 1:1", " 1", NETIO_ENOUSER},
        {"1 :1", "1 ", NETIO_ENOUSER},
        {"0x1:1", "0x1", NETIO_ENOUSER},
        {"4294967295:1", "4294967295", NETIO_ENOUSER},
        {"4294967296:1", "4294967296", NETIO_ENOUSER},
        {"18446744073709551617:1", "18446744073709551617", NETIO_ENOUSER},
        {"one:-1", "-1", NETIO_ENOGROUP},
        {"one:4294967295", "4294967295", NETIO_ENOGROUP},
        {"one:none", "none", NETIO_ENOGROUP},
        {"minus", "minus", NETIO_ENOUSER},
        {"minus:one", "minus", NETIO_ENOUSER},
        {"minusgroup", "minusgroup", NETIO_ENOGROUP},
        {"a\nb", "a\\x0ab", NETIO_ENOUSER},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct netio_user user;
        struct netio_error error = {0};
        int is_group = table[i].code == NETIO_ENOGROUP && strchr(table[i].text, ':');
        is_int(netio_user_parse(&user, table[i].text, &error), table[i].code, "refused: \"%s\"",
               table[i].subject);
        is_str(error.subject, table[i].subject, "with its name");
        is_int(error.stage, is_group ? NETIO_STAGE_GROUP : NETIO_STAGE_USER, "and stage");
        ok(!user.name && !user.groups, "nothing is held");
        is_int(netio_user_parse(&user, table[i].text, NULL), table[i].code, "without an error");
    }
}

static void test_large(void)
{
    struct netio_user user;

    is_int(netio_user_find(&user, "many", NULL, NULL), 0, "a user in %d groups", GROUPS);
    is_int(user.groups_count, GROUPS + 1, "C17: has them all, each once");
    int sorted = 1;
    for (size_t i = 1; i < user.groups_count; i++)
        sorted &= user.groups[i - 1] < user.groups[i];
    ok(sorted, "in order");
    netio_user_free(&user);
    is_int(netio_user_find(&user, "root", "large", NULL), 0, "a group of %d members", MEMBERS);
    is_int(user.gid, 4300, "is found");
    netio_user_free(&user);
}

/* C20: as in a jail that has no /etc. */
static void test_without_files(void)
{
    struct netio_user user;
    struct netio_error error;
    char text[640];

    if (mount("none", "/etc", "tmpfs", 0, NULL) != 0) {
        fail("no tmpfs over /etc: %s", strerror(errno));
        return;
    }
    is_int(netio_user_find(&user, "one", NULL, &error), NETIO_ENOUSER, "C20: without /etc/passwd");
    is_str(netio_error_str(&error, text, sizeof text), "user one: no such user", "is said so");
    is_int(netio_user_find(&user, "7777", "7778", NULL), 0, "C20: numbers do without");
    is_str(groups_text(&user), "7778", "and have one group");
    netio_user_free(&user);
}

int main(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
        skip_all("needs root and a mount namespace: %s", strerror(errno));
    if (!mkdtemp(folder) || write_files() != 0 || rmdir(folder) != 0) {
        fail("no files in %s: %s", folder, strerror(errno));
        return tap_done();
    }
    test_found();
    test_refused();
    test_large();
    test_without_files();
    return tap_done();
}
