/* t/daemon/drive-directory.c: opens a directory file that is damaged in every way, again and
 * again, in one process; t/73-whoisd-damaged.t says what must come out.
 *
 *      drive-directory GOOD OTHER SCRATCH
 *
 * GOOD and OTHER are directory files, SCRATCH is where the damaged one is put.  Two passes:
 *
 *      as it is    the trailer is the good file's: each one must be refused
 *      resealed    the trailer fits the damage: refused, or any answer that is fit to be sent
 *
 * One line a kind of damage on stdout, its counts in it:
 *
 *      as it is: bytes: 28736 tried, 0 opened
 *      resealed: bytes: 28672 tried, 1200 opened, 8400 answers, 0 unfit
 *
 * Each damage is undone after its turn, so that most turns write a few bytes. */
#include "whoisd/answer.h"

#include <netio/text.h>

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define TRAILER 64
#define BLOCK   4096
#define PIECE   512 /* the smallest page of SQLite */
#define ROUNDS  4000

struct bytes {
    unsigned char *data;
    size_t size;
};

struct count {
    unsigned tried, opened, answers, unfit;
};

static struct bytes good, other;
static const char *scratch;
static char uri[4096];
static int scratch_fd;
static int resealed; /* which pass */
static struct netio_buf text;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    exit(1);
}

static struct bytes slurp(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1 || fstat(fd, &st) == -1)
        die("%s: cannot be opened\n", path);
    struct bytes bytes = {malloc((size_t)st.st_size), (size_t)st.st_size};
    if (!bytes.data || bytes.size < TRAILER ||
        pread(fd, bytes.data, bytes.size, 0) != (ssize_t)bytes.size)
        die("%s: cannot be read\n", path);
    close(fd);
    return bytes;
}

static void put(const void *data, size_t size, size_t at)
{
    if (size > 0 && pwrite(scratch_fd, data, size, (off_t)at) != (ssize_t)size)
        die("%s: cannot be written\n", scratch);
}

/* Writes the trailer that fits these bytes behind them, and ends the file there. */
static void seal(const unsigned char *data, size_t size)
{
    char trailer[TRAILER + 1];

    snprintf(trailer, sizeof trailer, "NetIO directory 1 crc32 %08lx size %025zu\n",
             crc32(crc32(0, NULL, 0), data, (uInt)size), size);
    put(trailer, TRAILER, size);
    if (ftruncate(scratch_fd, (off_t)size + TRAILER) == -1)
        die("%s: cannot be cut\n", scratch);
}

static void put_whole(const struct bytes *bytes)
{
    put(bytes->data, bytes->size, 0);
    if (ftruncate(scratch_fd, (off_t)bytes->size) == -1)
        die("%s: cannot be cut\n", scratch);
}

/* Lines that end with CRLF, of printable UTF-8, and none of 2000 bytes. */
static int is_fit(const char *answer, size_t len)
{
    uint32_t point;
    size_t line = 0;

    if (len < 2 || answer[len - 2] != '\r' || answer[len - 1] != '\n')
        return 0;
    for (size_t at = 0, step; at < len; at += step) {
        step = netio_utf8_get(answer + at, len - at, &point);
        if (at + 1 < len && answer[at] == '\r' && answer[at + 1] == '\n') {
            step = 2;
            line = 0;
        } else if (step == 0 || !netio_utf8_printable(point) || (line += step) > 1997) {
            return 0;
        }
    }
    return 1;
}

static void ask_all(struct directory *directory, struct count *count)
{
    static const char *const lines[] = {"owner",  "owner 7", "o*",         ".own* zo\xc3\xab",
                                        "!A0007", "!same",   "nobody here"};
    struct query query;
    struct answer answer;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        query_parse(&query, lines[i], strlen(lines[i]));
        if (answer_make(&answer, &text, directory, &query) != 0)
            die("no memory for an answer\n");
        count->answers++;
        count->unfit += !is_fit(netio_buf_head(&text), netio_buf_len(&text));
    }
}

/* One turn: opens the scratch file, and asks when it opens. */
static void turn(struct count *count)
{
    struct directory_fault fault = {.code = 0};
    struct directory *directory;

    count->tried++;
    if (directory_open(&directory, uri, &fault) != 0) {
        if (fault.code >= 0 || fault.text[0] == '\0')
            die("refused without a reason\n");
        return;
    }
    count->opened++;
    ask_all(directory, count);
    directory_close(directory);
}

/* A turn with these bytes at that place of the good file. */
static void turn_with(const void *data, size_t size, size_t at, struct count *count)
{
    unsigned char *kept = malloc(size);

    if (!kept)
        die("no memory\n");
    memcpy(kept, good.data + at, size);
    if (memcmp(kept, data, size) != 0) {
        put(data, size, at);
        memcpy(good.data + at, data, size);
        if (resealed)
            seal(good.data, good.size - TRAILER);
        turn(count);
        memcpy(good.data + at, kept, size);
        put(kept, size, at);
    }
    free(kept);
}

static void say(const char *kind, const struct count *count)
{
    printf("%s: %s: %u tried, %u opened", resealed ? "resealed" : "as it is", kind, count->tried,
           count->opened);
    if (resealed)
        printf(", %u answers, %u unfit", count->answers, count->unfit);
    printf("\n");
    put_whole(&good);
}

/* Every byte: all of its bits, or one of them. */
static void change_bytes(void)
{
    size_t end = resealed ? good.size - TRAILER : good.size;
    struct count count = {0};

    for (size_t at = 0; at < end; at++) {
        unsigned char bits = at % 2 ? 0xff : (unsigned char)(1 << at / 2 % 8);
        bits ^= good.data[at];
        turn_with(&bits, 1, at, &count);
    }
    say("bytes", &count);
}

/* From the end, as each cut takes something away. */
static void cut(void)
{
    struct count count = {0};
    size_t step = resealed ? PIECE / 2 : 1;

    for (size_t size = good.size - TRAILER; size >= step; size -= step) {
        if (resealed)
            seal(good.data, size - step);
        else if (ftruncate(scratch_fd, (off_t)(size + TRAILER - step)) == -1)
            die("%s: cannot be cut\n", scratch);
        turn(&count);
        if (resealed)
            put(good.data + size - step, step, size - step);
    }
    say("cuts", &count);
}

static void change_blocks(size_t block)
{
    size_t end = good.size - TRAILER, elsewhere;
    struct count zeros = {0}, strange = {0}, moved = {0};
    static const unsigned char nothing[BLOCK];
    unsigned char copy[BLOCK];

    for (size_t at = 0; at + block <= end; at += block) {
        turn_with(nothing, block, at, &zeros);
        if (at + block <= other.size - TRAILER)
            turn_with(other.data + at, block, at, &strange);
        elsewhere = (at + block) % end;
        if (elsewhere + block > end)
            elsewhere = 0;
        memcpy(copy, good.data + elsewhere, block);
        turn_with(copy, block, at, &moved);
    }
    say("blocks of zeros", &zeros);
    say("blocks of another file", &strange);
    say("blocks of another place", &moved);
}

/* Several bytes at once, at places and of values that are the same each time. */
static void scatter(void)
{
    struct count count = {0};
    unsigned long seed = 4343;

    for (int round = 0; round < ROUNDS; round++) {
        unsigned char data[64];
        size_t size = 1;
        for (size_t i = 0; i < sizeof data; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            data[i] = (unsigned char)(seed >> 56);
        }
        size += data[0] % sizeof data;
        turn_with(data, size, (seed >> 20) % (good.size - TRAILER - sizeof data), &count);
    }
    say("scattered", &count);
}

int main(int argc, char **argv)
{
    struct count whole = {0};

    if (argc != 4)
        die("usage: drive-directory GOOD OTHER SCRATCH\n");
    good = slurp(argv[1]);
    other = slurp(argv[2]);
    scratch = argv[3];
    snprintf(uri, sizeof uri, "sqlite:%s", scratch);
    scratch_fd = open(scratch, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (scratch_fd == -1)
        die("%s: cannot be opened\n", scratch);
    put_whole(&good);
    for (resealed = 0; resealed <= 1; resealed++) {
        turn(&whole);
        change_bytes();
        cut();
        change_blocks(BLOCK);
        change_blocks(PIECE);
        if (resealed)
            scatter();
    }
    resealed = 0;
    say("good", &whole);
    netio_buf_free(&text);
    free(good.data);
    free(other.data);
    close(scratch_fd);
    return 0;
}
