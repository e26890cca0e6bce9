/* load: a load generator that checks what it gets.
 *
 *      load [--count-losses] MODE CLIENTS COUNT PORT FILE
 *
 * CLIENTS at a time send the lines of FILE, COUNT in all (the file is begun again when it is
 * shorter), to 127.0.0.1:PORT.  MODE says how, and what a complete answer is (answer.h):
 *
 *      whois   a connection a line; the answer has as many rows as it says, and its last line,
 *              or says that the search took too long
 *      http    a connection a line, which is the path of a GET; 200, and a whole HTML page
 *      ask     a connection a line; the answer is the line, or what stands behind a tab in it,
 *              and the end of file
 *      echo    one connection a client, which stays open; the answer is the line
 *
 * It prints a line "seconds rows bytes slow median 99th longest" (rows of whois answers; those
 * that took too long; the last three in microseconds, from the connect, or in echo from the
 * write, to the end of the answer).  An answer that is not complete, or ten seconds in which
 * nothing happens, end it with exit code 1.
 *
 * --count-losses: goes on after an answer that is not complete, and after COUNT, until SIGTERM has
 * come, too; says to standard error what became of the first few, and puts "answered refused lost"
 * before its line: answered in full; no connection; a connection without a complete answer, those
 * without one for ten seconds at the end among them.  The times are those of the last COUNT.
 *
 * Called by NetIO::Bench::Load, and by the soak (t/lib/NetIO/Test/Soak.pm). */
#include "answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 4096
#define EVENTS      256
#define LINE_MAX    1100
#define ANSWER_MAX  (1 << 18)
#define PATIENCE    10000 /* milliseconds */
#define TOLD_MAX    10    /* losses that are worth a line */
#define EX_USAGE    64

struct client {
    int fd; /* -1: has nothing to do any more */
    int has_sent;
    const char *line;
    int64_t began;
    char sent[LINE_MAX + 64];
    size_t sent_len;
    char expected[LINE_MAX + 64];
    size_t expected_len;
    size_t got_len;
    char got[ANSWER_MAX + 1];
};

static const struct mode *mode;
static char **lines;
static size_t line_count, total, begun, answered, refused, lost, rows, slow, bytes;
static int64_t *latency;
static struct sockaddr_in server = {.sin_family = AF_INET};
static struct client *clients;
static int epoll, count_losses;
static volatile sig_atomic_t stopped;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static size_t ended(void)
{
    return answered + refused + lost;
}

static int wanted(void)
{
    return begun < total || (count_losses && !stopped);
}

/* --- A client's turn: connect (once, when it stays open), send, read. */

static void close_connection(struct client *client)
{
    if (client->fd != -1)
        close(client->fd);
    client->fd = -1;
}

/* This one has no complete answer: the end of everything, or one that counts. */
static void lose(struct client *client, const char *what)
{
    if (!count_losses || refused + lost < TOLD_MAX)
        fprintf(stderr, "load: '%s' got no complete answer, but %zu bytes: '%.300s' (%s: %s)\n",
                client->line, client->got_len, client->got, what, strerror(errno));
    if (!count_losses)
        exit(1);
    if (client->has_sent)
        lost++;
    else
        refused++;
    close_connection(client);
}

static int open_connection(struct client *client)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (fd == -1)
        fail("socket");
    client->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) == -1 && errno != EINPROGRESS)
        return -1;
    return 0;
}

static int watch(struct client *client, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};

    return epoll_ctl(epoll, how, client->fd, &event);
}

/* On the loopback a connection is there at once, unless the backlog is full: so it is tried, and
 * waited for only if need be.  0: sent, or waited for. */
static int send_line(struct client *client, int is_new)
{
    ssize_t n = write(client->fd, client->sent, client->sent_len);

    if (n == -1 && errno == EAGAIN)
        return is_new ? watch(client, EPOLL_CTL_ADD, EPOLLOUT) : 0;
    if (n != (ssize_t)client->sent_len)
        return -1;
    if (is_new)
        return client->has_sent = 1, watch(client, EPOLL_CTL_ADD, EPOLLIN);
    if (!client->has_sent)
        return client->has_sent = 1, watch(client, EPOLL_CTL_MOD, EPOLLIN);
    return 0;
}

static void prepare(struct client *client)
{
    const char *line = client->line = lines[begun++ % line_count];
    size_t len = strcspn(line, "\t");
    const char *answer = line[len] ? line + len + 1 : line;

    client->sent_len = (size_t)snprintf(client->sent, sizeof client->sent, "%s%.*s%s", mode->before,
                                        (int)len, line, mode->after);
    client->expected_len =
        (size_t)snprintf(client->expected, sizeof client->expected, "%s%s", answer, mode->after);
    client->got[client->got_len = 0] = '\0';
    client->began = now();
}

static int begin(struct client *client)
{
    int is_new = client->fd == -1;

    prepare(client);
    if (is_new) {
        client->has_sent = 0;
        if (open_connection(client) == -1)
            return lose(client, "connect"), -1;
    }
    if (send_line(client, is_new) == -1)
        return lose(client, "write"), -1;
    return 0;
}

static void go_on(struct client *client)
{
    while (wanted())
        if (begin(client) == 0)
            return;
    close_connection(client);
}

static void end(struct client *client)
{
    struct answer answer = {client->got, client->got_len, client->expected, client->expected_len};
    int was_slow = 0;
    long found = mode->check(&answer, &was_slow);

    errno = 0;
    if (found == -1) {
        lose(client, "read");
    } else {
        latency[answered++ % total] = now() - client->began;
        rows += (size_t)found;
        slow += (size_t)was_slow;
        bytes += client->got_len;
        if (!mode->stays_open)
            close_connection(client);
    }
    go_on(client);
}

static void receive(struct client *client)
{
    ssize_t n = read(client->fd, client->got + client->got_len, ANSWER_MAX - client->got_len);

    if (n == -1) {
        lose(client, "read");
        go_on(client);
        return;
    }
    client->got_len += (size_t)n;
    client->got[client->got_len] = '\0';
    if (n == 0 || (mode->stays_open && client->got[client->got_len - 1] == '\n'))
        end(client);
}

static void proceed(struct client *client)
{
    if (client->has_sent) {
        receive(client);
    } else if (send_line(client, 0) == -1) {
        lose(client, "connect");
        go_on(client);
    }
}

/* Those that are still without an answer. */
static void lose_rest(size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (clients[i].fd != -1)
            lose(&clients[i], "waited for");
}

static void run(size_t count)
{
    struct epoll_event events[EVENTS];

    for (size_t i = 0; i < count; i++) {
        clients[i].fd = -1;
        go_on(&clients[i]);
    }
    while (ended() < begun || wanted()) {
        int n = epoll_wait(epoll, events, EVENTS, PATIENCE);
        if (n == -1 && errno == EINTR)
            continue;
        errno = n ? errno : ETIMEDOUT;
        if (n <= 0 && !count_losses)
            fail("epoll_wait");
        if (n <= 0)
            return lose_rest(count);
        for (int i = 0; i < n; i++)
            proceed(events[i].data.ptr);
    }
}

/* --- Before and after. */

static void add_line(const char *line)
{
    if (line_count % 1024 == 0) {
        char **more = realloc(lines, (line_count + 1024) * sizeof *lines);
        if (!more)
            fail("lines");
        lines = more;
    }
    if (!(lines[line_count++] = strdup(line)))
        fail("lines");
}

static void read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[LINE_MAX];

    if (!file)
        fail(path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        add_line(line);
    }
    fclose(file);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void report(int64_t elapsed)
{
    size_t known = answered < total ? answered : total;
    const size_t ranks[] = {known / 2, known * 99 / 100, known ? known - 1 : 0};

    qsort(latency, known, sizeof *latency, by_value);
    if (count_losses)
        printf("%zu %zu %zu ", answered, refused, lost);
    printf("%.6f %zu %zu %zu", (double)elapsed / 1e9, rows, bytes, slow);
    for (size_t i = 0; i < 3; i++)
        printf(" %.1f", (double)latency[ranks[i]] / 1000);
    printf("\n");
}

/* 1 to most, or 0. */
static unsigned long number(const char *text, unsigned long most)
{
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);

    return *text && !*rest && value <= most ? value : 0;
}

/* How many clients, or 0 for a wrong call. */
static size_t parse(int argc, char **argv)
{
    if (argc != 6 || !(mode = mode_named(argv[1])))
        return 0;
    total = number(argv[3], 100000000);
    server.sin_port = htons((uint16_t)number(argv[4], 65535));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return total && server.sin_port ? number(argv[2], CLIENTS_MAX) : 0;
}

int main(int argc, char **argv)
{
    count_losses = argc > 1 && strcmp(argv[1], "--count-losses") == 0;
    argc -= count_losses;
    argv += count_losses;
    size_t count = parse(argc, argv);

    if (!count) {
        fputs("usage: load [--count-losses] whois|http|ask|echo CLIENTS COUNT PORT FILE\n", stderr);
        return EX_USAGE;
    }
    read_lines(argv[5]);
    epoll = epoll_create1(0);
    latency = calloc(total, sizeof *latency);
    clients = calloc(count, sizeof *clients);
    if (!line_count || epoll == -1 || !latency || !clients)
        fail(argv[5]);
    if (count_losses)
        signal(SIGTERM, stop);
    int64_t began = now();
    run(count);
    report(now() - began);
    return 0;
}
