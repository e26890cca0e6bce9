/* fuzz/access.c: files of rules.  The first line of an input is an address that is judged, the rest
 * is the file: it is taken as a whole or not at all, what is wrong can be shown, and its rules
 * taken one by one say the same, and so do those that are written and read again. */
#include "scratch.h"

#include <netio/access.h>

#include <errno.h>

/* Adds what stands in the lines; whether all of them could be. */
static int add_lines(struct netio_access *access, char *text)
{
    int added = 0;

    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        size_t len = strlen(line);
        if (len && line[len - 1] == '\r')
            line[len - 1] = '\0';
        if (line[strspn(line, " \t")] == '\0' || line[strspn(line, " \t")] == '#')
            continue;
        if (netio_access_add(access, line, NULL) < 0)
            return 0;
        added = 1;
    }
    return added;
}

static void compare(const struct netio_access *a, const struct netio_access *b, const char *host)
{
    static const struct netio_addr nameless = {.len = 2, .u.sa.sa_family = AF_UNIX};
    static const struct netio_peer who = {.uid = 1, .gid = 2, .groups = {3}, .group_count = 1};
    struct netio_addr peer;

    (void)netio_addr_parse(&peer, host);
    for (int declared = 0; declared < 2; declared++) {
        must(netio_access_judge(a, &peer, &who, declared) ==
             netio_access_judge(b, &peer, &who, declared));
        must(netio_access_judge(a, &nameless, &who, declared) ==
             netio_access_judge(b, &nameless, &who, declared));
        must(!declared || netio_access_judge(a, &peer, &who, declared) != NETIO_PROXY);
    }
    must(netio_access_wants_proxy(a) == netio_access_wants_proxy(b));
    must(netio_access_wants_credentials(a) == netio_access_wants_credentials(b));
}

/* The rules in another list, through the file. */
static struct netio_access *written(const struct netio_access *access)
{
    struct netio_access *other;
    struct netio_error error;

    must(netio_access_new(&other) == 0);
    must(ftruncate(scratch_fd, 0) == 0 && lseek(scratch_fd, 0, SEEK_SET) == 0);
    must(netio_access_write(access, scratch_fd) == 0);
    must(netio_access_read(other, scratch_path, &error) == 0);
    return other;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *host = first_line(&data, &size), *text = string_of(data, size);
    struct netio_access *whole, *lines;
    struct netio_error error = {0};
    char out[640];

    must(netio_access_new(&whole) == 0 && netio_access_new(&lines) == 0);
    scratch_write(data, size);
    int code = netio_access_read(whole, scratch_path, &error);
    must(code <= 0 && error.code == code);
    if (code < 0) {
        netio_error_str(&error, out, sizeof out);
        must_be_shown(out, strlen(out), "");
        /* Nothing of it counts. */
        netio_access_free(lines);
        must(netio_access_new(&lines) == 0);
    } else {
        must(add_lines(lines, text));
        struct netio_access *again = written(whole);
        compare(whole, again, host);
        netio_access_free(again);
    }
    compare(whole, lines, host);
    netio_access_free(whole);
    netio_access_free(lines);
    free(text);
    free(host);
    return 0;
}
