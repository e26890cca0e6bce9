/* load: a load generator that checks what it gets.
 *
 *      load MODE CLIENTS COUNT PORT FILE
 *
 * CLIENTS at a time send the lines of FILE, COUNT in all (the file is begun again when it is
 * shorter), to 127.0.0.1:PORT.  MODE says how, and what a complete answer is:
 *
 *      whois   a connection a line; the answer has as many rows as it says, and its last line,
 *              or says that the search took too long
 *      http    a connection a line, which is the path of a GET; 200, and a whole HTML page
 *      echo    one connection a client, which stays open; the answer is the line
 *
 * It prints a line "seconds rows bytes slow median 99th longest" (rows of whois answers; those
 * that took too long; the last three in microseconds, from the connect, or in echo from the
 * write, to the end of the answer).  An answer that is not complete, or ten seconds in which
 * nothing happens, end it with exit code 1.  Called by NetIO::Bench::Load. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 256
#define LINE_MAX    1100
#define ANSWER_MAX  (1 << 20)
#define PATIENCE    10000 /* milliseconds */
#define EX_USAGE    64

struct client {
    int fd; /* -1: has nothing to do any more */
    size_t index;
    int64_t began;
    char sent[LINE_MAX + 64];
    size_t sent_len;
    size_t got_len;
    char got[ANSWER_MAX + 1];
};

struct mode {
    const char *name, *before, *after; /* what is sent before and after a line of the file */
    int stays_open;
    long (*check)(const struct client *client); /* rows of a complete answer, or -1 */
};

static const struct mode *mode;
static char **lines;
static size_t line_count, total, begun, ended, rows, slow, bytes;
static int64_t *latency;
static struct sockaddr_in server = {.sin_family = AF_INET};
static struct client *clients;
static int epoll;

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

/* --- What is complete. */

/* Lines such as "    !00-00-0C: Cisco Systems, Inc". */
static long count_listed(const char *text)
{
    long listed = 0;

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \n");
        listed += *line == '!';
    }
    return listed;
}

/* The last line, when it has its end; else "". */
static const char *last_line(const char *text, size_t len)
{
    const char *line = text + len;

    if (len < 3 || line[-1] != '\n')
        return "";
    for (line--; line > text && line[-1] != '\n';)
        line--;
    return line;
}

static long check_whois(const struct client *client)
{
    const char *text = client->got, *last = last_line(text, client->got_len);
    long said = -1, listed = count_listed(text);

    if (strncmp(text, "Sorry, the search took too long", 31) == 0 && last == text) {
        slow++;
        return 0;
    }
    if (strncmp(text, "There were no matches", 21) == 0)
        said = 0;
    else if (sscanf(text, "There were more than %ld matches", &said) != 1 &&
             sscanf(text, "There were %ld matches", &said) != 1)
        return -1;
    if (strncmp(last, "For more information ", 21) == 0)
        return listed == 0 ? said : -1;
    return strncmp(last, "To see one ", 11) == 0 && listed == said ? said : -1;
}

static long check_http(const struct client *client)
{
    const char *text = client->got;

    if (strncmp(text, "HTTP/1.", 7) != 0 || strncmp(text + 8, " 200", 4) != 0)
        return -1;
    const char *end = strstr(text, "</html>");
    return end && end[7 + strspn(end + 7, "\r\n")] == '\0' ? 0 : -1;
}

static long check_echo(const struct client *client)
{
    return client->got_len == client->sent_len &&
                   memcmp(client->got, client->sent, client->got_len) == 0
               ? 0
               : -1;
}

static const struct mode modes[] = {
    {"whois", "", "\r\n", 0, check_whois},
    {"http", "GET ", " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 0, check_http},
    {"echo", "", "\n", 1, check_echo},
};

/* --- A client's turn: connect (once, when it stays open), send, read. */

static void open_connection(struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    /* Blocking: on the loopback it is done at once. */
    if (fd == -1 || connect(fd, (struct sockaddr *)&server, sizeof server) == -1)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        fail("epoll_ctl");
    client->fd = fd;
}

static void close_connection(struct client *client)
{
    close(client->fd);
    client->fd = -1;
}

static void begin(struct client *client)
{
    if (begun == total) {
        if (client->fd != -1)
            close_connection(client);
        return;
    }
    client->index = begun++;
    client->got_len = 0;
    client->sent_len = (size_t)snprintf(client->sent, sizeof client->sent, "%s%s%s", mode->before,
                                        lines[client->index % line_count], mode->after);
    client->began = now();
    if (client->fd == -1)
        open_connection(client);
    if (write(client->fd, client->sent, client->sent_len) != (ssize_t)client->sent_len)
        fail("write");
}

static void end(struct client *client)
{
    long found;

    latency[client->index] = now() - client->began;
    client->got[client->got_len] = '\0';
    found = mode->check(client);
    if (found == -1) {
        fprintf(stderr, "load: '%s' got no complete answer, but %zu bytes: '%.300s'\n",
                lines[client->index % line_count], client->got_len, client->got);
        exit(1);
    }
    rows += (size_t)found;
    bytes += client->got_len;
    ended++;
    if (!mode->stays_open)
        close_connection(client);
    begin(client);
}

static void proceed(struct client *client)
{
    ssize_t n = read(client->fd, client->got + client->got_len, ANSWER_MAX - client->got_len);

    if (n == -1)
        fail("read");
    client->got_len += (size_t)n;
    if (n == 0 || (mode->stays_open && client->got[client->got_len - 1] == '\n'))
        end(client);
}

static void run(size_t count)
{
    struct epoll_event events[CLIENTS_MAX];

    for (size_t i = 0; i < count; i++) {
        clients[i].fd = -1;
        begin(&clients[i]);
    }
    while (ended < total) {
        int n = epoll_wait(epoll, events, CLIENTS_MAX, PATIENCE);
        if (n == -1 && errno == EINTR)
            continue;
        errno = n ? errno : ETIMEDOUT;
        if (n <= 0)
            fail("epoll_wait");
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

static double microseconds(size_t rank)
{
    return (double)latency[rank < total ? rank : total - 1] / 1000;
}

static void report(int64_t elapsed)
{
    qsort(latency, total, sizeof *latency, by_value);
    printf("%.6f %zu %zu %zu %.1f %.1f %.1f\n", (double)elapsed / 1e9, rows, bytes, slow,
           microseconds(total / 2), microseconds(total * 99 / 100), microseconds(total - 1));
}

/* 1 to most, or 0. */
static unsigned long number(const char *text, unsigned long most)
{
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);

    return *text && !*rest && value <= most ? value : 0;
}

static const struct mode *mode_named(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
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
    size_t count = parse(argc, argv);

    if (!count) {
        fprintf(stderr, "usage: load whois|http|echo CLIENTS COUNT PORT FILE\n");
        return EX_USAGE;
    }
    read_lines(argv[5]);
    epoll = epoll_create1(0);
    latency = calloc(total, sizeof *latency);
    clients = calloc(count, sizeof *clients);
    if (!line_count || epoll == -1 || !latency || !clients)
        fail(argv[5]);
    int64_t began = now();
    run(count);
    report(now() - began);
    return 0;
}
