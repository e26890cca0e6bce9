/* Tests of netio/access.h: rules, their order, their files, and what is wrong with them. */
#include "tap.h"
#include <netio/access.h>

#include "net/access_rule.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static const char *const word_of[] = {"deny", "allow", "exempt", "proxy"};

/* What the rules (up to the NULL) say of a peer, as a word. */
static const char *says(const char *const *rules, const char *peer, int declared)
{
    struct netio_access *access;
    struct netio_addr addr = {0};

    if (netio_access_new(&access) < 0)
        return "no memory";
    for (; *rules; rules++)
        if (netio_access_add(access, *rules, NULL) < 0)
            fail("%s", *rules);
    if (*peer && netio_addr_parse(&addr, peer) < 0)
        fail("%s", peer);
    const char *word = word_of[netio_access_judge(access, &addr, NULL, declared)];
    netio_access_free(access);
    return word;
}

static void test_order(void)
{
    static const char *const none[] = {NULL};
    static const char *const list[] = {"deny 192.0.2.66",        "exempt 192.0.2.0/24 # ours",
                                       "allow\t2001:db8::/32",   "proxy 203.0.113.7",
                                       "allow 203.0.113.0/24 #", NULL};
    static const char *const proxies[] = {"proxy 192.0.2.1", "proxy all", "deny 192.0.2.0/24",
                                          NULL};
    static const char *const closed[] = {"allow 192.0.2.1", "deny all", "allow 192.0.2.2", NULL};
    static const char *const denies[] = {"deny 0.0.0.0/0", NULL};

    is_str(says(none, "192.0.2.1", 0), "allow", "without rules everybody may");
    is_str(says(none, "", 0), "allow", "and so may who is not known");
    is_str(says(list, "192.0.2.66", 0), "deny", "the first rule that matches decides");
    is_str(says(list, "192.0.2.67", 0), "exempt", "and then the second");
    is_str(says(list, "2001:db8:1::2", 0), "allow", "IPv6");
    is_str(says(list, "2001:db9::", 0), "deny", "a list that names who may names all of them");
    is_str(says(list, "", 0), "deny", "who is not known is not among them");
    is_str(says(list, "/run/x", 0), "deny", "nor are unix sockets");
    is_str(says(list, "::ffff:192.0.2.66", 0), "deny", "v4-mapped is IPv4");
    is_str(says(list, "::ffff:192.0.2.9", 0), "exempt", "so it is for a network");
    is_str(says(list, "203.0.113.7", 0), "proxy", "a proxy");
    is_str(says(list, "203.0.113.7", 1), "allow", "is passed over in what a proxy declares");
    is_str(says(list, "192.0.2.66", 1), "deny", "R31: and who is declared is judged");
    is_str(says(proxies, "198.51.100.1", 0), "proxy", "all must come through a proxy");
    is_str(says(proxies, "", 0), "proxy", "who is not known, too");
    is_str(says(proxies, "198.51.100.1", 1), "allow", "proxies name nobody who may");
    is_str(says(proxies, "192.0.2.1", 1), "deny", "a rule behind proxy counts for who is declared");
    is_str(says(closed, "192.0.2.2", 0), "deny", "nothing counts behind all");
    is_str(says(closed, "192.0.2.1", 0), "allow", "but what is before it");
    is_str(says(denies, "::ffff:198.51.100.1", 0), "deny", "v4-mapped is in 0.0.0.0/0");
    is_str(says(denies, "2001:db8::1", 0), "allow", "which holds no IPv6");
    is_int(netio_access_judge(NULL, &(struct netio_addr){0}, NULL, 0), NETIO_ALLOW, "no list");
}

static const char *unix_says(const struct netio_access *access, const struct netio_peer *who,
                             int declared)
{
    struct netio_addr nameless = {.len = sizeof(sa_family_t), .u.sa.sa_family = AF_UNIX};

    return word_of[netio_access_judge(access, &nameless, who, declared)];
}

static void test_credentials(void)
{
    struct netio_access *access;
    struct netio_peer who = {.uid = 7, .gid = 8, .groups = {8, 33}, .group_count = 2};

    is_int(netio_access_new(&access), 0, "a list");
    is_int(netio_access_wants_credentials(access), 0, "an empty one asks for no credentials");
    is_int(netio_access_wants_proxy(access) | netio_access_wants_proxy(NULL) |
               netio_access_wants_credentials(NULL),
           0, "nor for a proxy; no list neither");
    netio_access_add(access, "deny uid 5", NULL);
    netio_access_add(access, "proxy uid 6", NULL);
    netio_access_add(access, "exempt gid 33", NULL);
    netio_access_add(access, "allow uid root", NULL);
    netio_access_add(access, "allow gid 9", NULL);
    is_int(netio_access_wants_credentials(access), 1, "one with uid does");
    is_int(netio_access_wants_proxy(access), 1, "and this one has a proxy");
    is_str(unix_says(access, &who, 0), "exempt", "by a supplementary group");
    who.group_count = 0;
    is_str(unix_says(access, &who, 0), "deny", "which is not the peer's any more");
    who.gid = 9;
    is_str(unix_says(access, &who, 0), "allow", "by the group");
    who.uid = 5;
    is_str(unix_says(access, &who, 0), "deny", "by the user, first match");
    who.uid = 0;
    who.gid = 0;
    is_str(unix_says(access, &who, 0), "allow", "by a user's name");
    is_str(unix_says(access, NULL, 0), "deny", "credentials that nobody knows match no uid");
    who.uid = 6;
    is_str(unix_says(access, &who, 0), "proxy", "a proxy on a unix socket");
    is_str(unix_says(access, &who, 1), "deny", "is passed over, too");
    netio_access_add(access, "allow unix", NULL);
    is_str(unix_says(access, NULL, 0), "allow", "any peer on a unix socket");
    is_int(netio_access_judge(access, &(struct netio_addr){0}, NULL, 0), NETIO_DENY,
           "which one without an address is not");
    netio_access_free(access);
}

static const struct {
    const char *rule;
    int code;
    const char *word;
} wrong[] = {
    {"", NETIO_EBADOPTION, ""},
    {"# nothing", NETIO_EBADOPTION, "# nothing"},
    {"allow", NETIO_EBADOPTION, "allow"},
    {"allow#all", NETIO_EBADOPTION, "allow"},
    {"Allow all", NETIO_EBADOPTION, "Allow"},
    {"permit all", NETIO_EBADOPTION, "permit"},
    {"allow 192.0.2.1 192.0.2.2", NETIO_EBADOPTION, "192.0.2.2"},
    {"deny all all", NETIO_EBADOPTION, "all"},
    {"allow uid", NETIO_EBADOPTION, "uid"},
    {"allow uid 1 2", NETIO_EBADOPTION, "2"},
    {"allow uid nobody-has-this-name", NETIO_ENOUSER, "nobody-has-this-name"},
    {"allow gid nobody-has-this-name", NETIO_ENOGROUP, "nobody-has-this-name"},
    {"allow uid 4294967295", NETIO_ENOUSER, "4294967295"},
    {"allow uid -1", NETIO_ENOUSER, "-1"},
    {"allow host.example", NETIO_EBADNETWORK, "host.example"},
    {"allow 192.0.2.1/24", NETIO_EBADNETWORK, "192.0.2.1/24"},
    {"allow \xff", NETIO_EBADNETWORK, "\\xff"},
    {"allow 192.0.2.1\r", NETIO_EBADNETWORK, "192.0.2.1\\x0d"},
};

static void test_wrong(void)
{
    struct netio_access *access;
    struct netio_error error;
    char longest[NETIO__RULE_TEXT + 2];

    netio_access_new(&access);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        is_int(netio_access_add(access, wrong[i].rule, &error), wrong[i].code, "'%s' is refused",
               wrong[i].rule);
        is_str(error.subject, wrong[i].word, "for this word");
        is_int(error.stage, NETIO_STAGE_OPTION, "as an option");
    }
    memset(longest, ' ', sizeof longest);
    memcpy(longest, "deny all", 8);
    longest[NETIO__RULE_TEXT + 1] = '\0';
    is_int(netio_access_add(access, longest, NULL), NETIO_ETOOLONG, "a rule too long");
    is_int(netio_access_judge(access, &(struct netio_addr){0}, NULL, 0), NETIO_ALLOW,
           "and the list is as before");
    longest[NETIO__RULE_TEXT] = '\0';
    is_int(netio_access_add(access, longest, NULL), 0, "the longest rule");
    netio_access_free(access);
}

/* D9: what is an address here is what netio_cidr_parse says (t/c/cidr.c has the oracle). */
static void test_forms(void)
{
    static const char *const start[] = {"",      "0",     "010.", "1.", "::", "::ffff:1.2.3.",
                                        "0x7f.", "fe80::"};
    static const char *const middle[] = {"",  "0.0.", "2.3.4",    "127.1",
                                         "1", "1%lo", "\xd9\xa3", "256"};
    static const char *const end[] = {"", "/0", "/00", "/8", "/33", "/128", "/129", "/-1", "/32\n"};
    int wrong_ones = 0, forms = 0;

    for (int i = 0; i < 8 * 8 * 9; i++) {
        struct netio_access *access;
        struct netio_cidr cidr;
        char text[64], rule[80];

        snprintf(text, sizeof text, "%s%s%s", start[i / 72], middle[i / 9 % 8], end[i % 9]);
        snprintf(rule, sizeof rule, "deny %s", text);
        netio_access_new(&access);
        int refused = *text ? netio_cidr_parse(&cidr, text) : NETIO_EBADOPTION;
        if (netio_access_add(access, rule, NULL) != refused)
            wrong_ones++;
        netio_access_free(access);
        forms++;
    }
    is_int(wrong_ones, 0, "D9: %d forms are networks here as everywhere", forms);
}

static char folder[] = "/tmp/netio-access-XXXXXX";
static char path[64];

static void write_file(const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd == -1 || write(fd, text, len) != (ssize_t)len)
        fail("%s: %s", path, strerror(errno));
    close(fd);
}

static const struct {
    const char *text;
    int code;
    const char *where; /* behind the path */
} files[] = {
    {"allow 192.0.2.1\n", 0, NULL},
    {"# all\r\n\r\n  deny all  \r\n", 0, NULL},
    {"deny all", 0, NULL},
    {"allow 192.0.2.1\n\nalow 192.0.2.2\n", NETIO_EBADOPTION, ":3: alow"},
    {"allow 192.0.2.1\nallow 192.0.2.300", NETIO_EBADNETWORK, ":2: 192.0.2.300"},
    {"allow uid nobody-has-this-name\n", NETIO_ENOUSER, ":1: nobody-has-this-name"},
    {"allow all\rdeny all\n", NETIO_EBADNETWORK, NULL},
    {"", NETIO_ENORULE, ""},
    {"# nothing\n\n", NETIO_ENORULE, ""},
};

static void test_files(void)
{
    struct netio_addr peer;

    netio_addr_parse(&peer, "198.51.100.1");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct netio_access *access;
        struct netio_error error;
        char where[128];

        netio_access_new(&access);
        write_file(files[i].text, strlen(files[i].text));
        is_int(netio_access_read(access, path, &error), files[i].code, "file %zu", i);
        snprintf(where, sizeof where, "%s%s", path, files[i].where ? files[i].where : "");
        if (files[i].code && files[i].where)
            is_str(error.subject, where, "which place is wrong");
        is_int(netio_access_judge(access, &peer, NULL, 0), files[i].code ? NETIO_ALLOW : NETIO_DENY,
               "all of the file or nothing");
        netio_access_free(access);
    }
}

static void test_files_wrong(void)
{
    struct netio_access *access;
    struct netio_error error;
    char line[1100], where[256];

    netio_access_new(&access);
    is_int(netio_access_read(access, folder, &error), NETIO_ENOTFILE, "a folder is no file");
    is_str(error.subject, folder, "and it is named");
    unlink(path);
    is_int(netio_access_read(access, path, &error), -ENOENT, "no file");
    mkfifo(path, 0600);
    is_int(netio_access_read(access, path, &error), NETIO_ENOTFILE, "a FIFO is not waited for");
    unlink(path);
    write_file("deny all\0\n", 10);
    is_int(netio_access_read(access, path, &error), NETIO_EBADOPTION, "a NUL in it");
    snprintf(where, sizeof where, "%s:1: deny all", path);
    is_str(error.subject, where, "the line is named");
    memset(line, ' ', sizeof line);
    memcpy(line, "deny all", 8);
    line[1024] = '\n';
    write_file(line, 1025);
    is_int(netio_access_read(access, path, NULL), NETIO_ETOOLONG, "a line too long");
    line[1023] = '\n';
    write_file(line, 1024);
    is_int(netio_access_read(access, path, NULL), 0, "the longest line");
    netio_access_free(access);
}

/* What is too long to be said is cut where it says least; file and line are always there. */
static void test_files_long(void)
{
    struct netio_access *access;
    struct netio_error error;
    char deep[256], rules[300], line[900] = "deny ", where[128];

    snprintf(deep, sizeof deep, "%s/%0200d", folder, 0);
    snprintf(rules, sizeof rules, "%s/rules", deep);
    memset(line + 5, 'x', sizeof line - 5);
    write_file(line, sizeof line);
    is_int(mkdir(deep, 0700) + rename(path, rules), 0, "a path that is long");
    netio_access_new(&access);
    is_int(netio_access_read(access, rules, &error), NETIO_EBADNETWORK, "a word that is long");
    snprintf(where, sizeof where, "...%s:1: %.40s...", rules + strlen(rules) - 77, line + 5);
    is_str(error.subject, where, "the end of the path, the line, the beginning of the word");
    unlink(rules);
    is_int(netio_access_read(access, rules, &error), -ENOENT, "no file");
    snprintf(where, sizeof where, "...%s", rules + strlen(rules) - 124);
    is_str(error.subject, where, "the end of the path");
    rmdir(deep);
    netio_access_free(access);
}

/* The first rule that matches, looked for one after the other. */
static int oracle(const struct netio_cidr *nets, const int *verdicts, int count,
                  const struct netio_addr *peer, int declared)
{
    int names_who = 0;

    for (int i = 0; i < count; i++) {
        names_who |= verdicts[i] == NETIO_ALLOW || verdicts[i] == NETIO_EXEMPT;
        if ((!declared || verdicts[i] != NETIO_PROXY) && netio_cidr_match(&nets[i], peer))
            return verdicts[i];
    }
    return names_who ? NETIO_DENY : NETIO_ALLOW;
}

static void make_net(struct netio_cidr *net, char *text, size_t size)
{
    static const char *const four[] = {"192.0.2.", "::ffff:192.0.2."};
    unsigned bits = 24 + (unsigned)(random() % 9), host = (unsigned)random() % 256;
    int mapped = random() % 2;

    if (random() % 2) {
        host = host >> (32 - bits) << (32 - bits);
        snprintf(text, size, "%s%u/%u", four[mapped], host, bits + (mapped ? 96 : 0));
    } else {
        host = (bits == 24 ? 0 : host >> (32 - bits) << (32 - bits));
        snprintf(text, size, "2001:db8::%x/%u", host, bits + 96);
    }
    if (netio_cidr_parse(net, text) < 0)
        fail("%s", text);
}

static void test_oracle(void)
{
    static const char *const hosts[] = {"192.0.2.", "::ffff:192.0.2.", "2001:db8::"};
    struct netio_cidr nets[40];
    int verdicts[40], wrong_ones = 0;

    srandom(20261122);
    for (int round = 0; round < 500; round++) {
        struct netio_access *access;
        int count = (int)(random() % 40) + 1;

        netio_access_new(&access);
        for (int i = 0; i < count; i++) {
            char text[80], rule[100];
            make_net(&nets[i], text, sizeof text);
            verdicts[i] = (int)(random() % 4);
            snprintf(rule, sizeof rule, "%s %s", word_of[verdicts[i]], text);
            if (netio_access_add(access, rule, NULL) < 0)
                wrong_ones++;
        }
        for (int i = 0; i < 30; i++) {
            struct netio_addr peer;
            char text[64];
            snprintf(text, sizeof text, "%s%d", hosts[i % 3], (int)(random() % 256));
            netio_addr_parse(&peer, text);
            if ((int)netio_access_judge(access, &peer, NULL, i & 1) !=
                oracle(nets, verdicts, count, &peer, i & 1))
                wrong_ones++;
        }
        netio_access_free(access);
    }
    is_int(wrong_ones, 0, "15,000 peers are judged as one rule after the other would");
}

/* What is written says the same when it is read, in numbers. */
static void test_written(void)
{
    static const char said[] = "deny ::ffff:192.0.2.66\nexempt 192.0.2.0/24 # ours\n\n"
                               "proxy 2001:db8::/33\nallow uid root\ndeny gid 7\nallow unix\n"
                               "deny 0.0.0.0/0\nallow ::/0\nproxy all\n";
    static const char written[] = "deny 192.0.2.66/32\nexempt 192.0.2.0/24\n"
                                  "proxy 2001:db8::/33\nallow uid 0\ndeny gid 7\nallow unix\n"
                                  "deny 0.0.0.0/0\nallow ::/0\nproxy all\n";
    struct netio_access *access;
    char text[sizeof written + 1] = "";
    int fd, ends[2];

    netio_access_new(&access);
    write_file(said, sizeof said - 1);
    is_int(netio_access_read(access, path, NULL), 0, "rules");
    fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
    is_int(netio_access_write(access, fd), 0, "are written");
    is_int((int)pread(fd, text, sizeof text - 1, 0), (int)sizeof written - 1, "all of them");
    is_str(text, written, "as they are read");
    close(fd);
    if (pipe2(ends, O_CLOEXEC) == 0) {
        is_int(netio_access_write(access, ends[0]), -EBADF, "what cannot be written to says so");
        close(ends[0]);
        close(ends[1]);
    }
    netio_access_free(access);
}

/* As many as there may be, of the file and one by one. */
static void test_many(void)
{
    struct netio_access *access;
    struct netio_addr peer;
    FILE *file = fopen(path, "w");

    for (int i = 0; file && i < 99999; i++)
        fprintf(file, "%s 10.%d.%d.%d\n", i % 2 ? "deny" : "allow", i >> 16, i >> 8 & 255, i & 255);
    fclose(file);
    netio_access_new(&access);
    is_int(netio_access_read(access, path, NULL), 0, "99,999 rules");
    is_int(netio_access_add(access, "allow 198.51.100.0/24", NULL), 0, "one more");
    is_int(netio_access_add(access, "deny all", NULL), NETIO_EFULL, "but no more");
    is_int(netio_access_read(access, path, NULL), NETIO_EFULL, "nor a file of them");
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    is_int(netio_access_write(access, fd), 0, "all are written");
    close(fd);
    netio_access_free(access);
    netio_access_new(&access);
    is_int(netio_access_read(access, path, NULL), 0, "and read");
    netio_addr_parse(&peer, "10.1.134.159");
    is_int(netio_access_judge(access, &peer, NULL, 0), NETIO_DENY, "the last of the file is in");
    netio_addr_parse(&peer, "198.51.100.77");
    is_int(netio_access_judge(access, &peer, NULL, 0), NETIO_ALLOW, "and the last of all");
    netio_access_free(access);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/rules", folder);
    test_order();
    test_credentials();
    test_wrong();
    test_forms();
    test_files();
    test_files_wrong();
    test_files_long();
    test_oracle();
    test_written();
    test_many();
    unlink(path);
    rmdir(folder);
    netio_access_free(NULL);
    return tap_done();
}
