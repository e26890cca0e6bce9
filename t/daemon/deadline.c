/* t/daemon/deadline.c: when a search is given up, counted in the processor's time, which a busy
 * machine does not change; t/74-whoisd-deadline.t makes the directory.
 *
 *      deadline DIRECTORY PHRASE
 *
 * PHRASE is a query that would work on for seconds, "easy" one that ends soon. */
#include "../c/tap.h"
#include "whoisd/directory.h"

#include <errno.h>
#include <time.h>

#define MS ((int64_t)1000000)

static struct directory *directory;
static int heard;

static int hear(void *data, const struct directory_entry *entry)
{
    (void)data;
    (void)entry;
    heard++;
    return 0;
}

static int64_t work(void)
{
    struct timespec spent;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return spent.tv_sec * 1000 * MS + spent.tv_nsec;
}

/* Searches with a deadline that passed so long ago; how long it worked, in milliseconds. */
static int search(const char *line, int64_t ago, int *code)
{
    static const struct directory_hearer hearer = {.entry = hear};
    struct query query;

    heard = 0;
    query_parse(&query, line, strlen(line));
    int64_t begin = work();
    *code = directory_find(directory, &query, 250, &hearer, netio_clock_now() - ago);
    return (int)((work() - begin) / MS);
}

int main(int argc, char **argv)
{
    struct directory_fault fault;
    char uri[4096];
    int code;

    snprintf(uri, sizeof uri, "sqlite:%s", argc == 3 ? argv[1] : "");
    is_int(directory_open(&directory, uri, &fault), 0, "a directory");
    if (!directory)
        return tap_done();

    search("easy", 1 * MS, &code);
    is_int(code, 0, "what a busy machine has kept from working is not late");
    is_int(heard, 1, "and finds");
    int worked = search(argv[2], 1 * MS, &code);
    is_int(code, -ETIMEDOUT, "a long search is");
    ok(worked >= 25, "after 25 ms of work");
    worked = search(argv[2], 500 * MS, &code);
    is_int(code, -ETIMEDOUT, "half a second after the deadline it is");
    ok(worked < 25, "before that");
    search("easy", 1 * MS, &code);
    is_int(code, 0, "and the next begins anew");
    directory_close(directory);
    return tap_done();
}
