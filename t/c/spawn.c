/* Tests of netio/server.h: programs as children (on_spawn, on_end, adopt) of model FORK. */
#include "scripted.h"

#include "server/engine.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#define HANG_MS 100

static const char *script; /* what the shell is to do */
static int spawn_code;     /* instead */
static struct netio_child last;
static int ended_status;

static int start_shell(struct netio_child *child, int fd)
{
    static char sh[] = "/bin/sh", flag[] = "-c";
    char *argv[] = {sh, flag, (char *)script, NULL};
    const struct netio_child_fd fds[] = {{.from = fd, .to = 0}, {.from = fd, .to = 1}};
    const struct netio_child_plan plan = {.path = sh, .argv = argv, .fds = fds, .fds_count = 2};
    struct netio_error error;
    char text[320];
    int code = netio_child_start(child, &plan, &error);

    if (code)
        fail("%s", netio_error_str(&error, text, sizeof text));
    return code;
}

static int spawn(struct netio_conn *conn, struct netio_child *child)
{
    char peer[NETIO_ADDR_STRLEN];
    const struct netio_addr *addr = netio_conn_peer(conn);

    note("spawn(%s) ", addr->len ? netio_addr_host_str(addr, peer, sizeof peer) : "");
    if (fcntl(netio_conn_fd(conn), F_GETFL) & O_NONBLOCK)
        note("nonblocking ");
    netio_conn_set_data(conn, "data");
    if (spawn_code == -ETIMEDOUT)
        (void)poll(NULL, 0, HANG_MS);
    if (spawn_code)
        return spawn_code;
    int code = start_shell(child, netio_conn_fd(conn));
    last = *child;
    return code;
}

static void tell_end(struct netio_server *which, pid_t pid, int status, void *data)
{
    ended_status = status;
    note("end(%s%s%s) ", which == server ? "" : "another server ",
         pid == last.pid ? "" : "another pid ", (const char *)data);
}

/* on_open and on_line are not for these. */
static const struct netio_server_handlers handlers = {.on_spawn = spawn,
                                                      .on_end = tell_end,
                                                      .on_open = tell_open,
                                                      .on_line = tell_line,
                                                      .on_close = tell_close,
                                                      .on_refused = tell_why,
                                                      .on_trouble = tell_trouble};

static void begin(const char *what, struct netio_server_options *options)
{
    struct netio_server_options forks = {0};

    options = options ? options : &forks;
    options->model = NETIO_MODEL_FORK;
    script = what;
    spawn_code = 0;
    ended_status = -2;
    serve(&handlers, options);
}

static struct netio_limit *new_limit(const struct netio_limit_options *options)
{
    struct netio_limit *limit;

    if (netio_limit_new(&limit, options))
        fail("a limit");
    return limit;
}

static uint64_t accepted(void)
{
    struct netio_server_status status;

    netio_server_status(server, &status);
    return status.accepted;
}

static void test_one(void)
{
    const struct netio_limit_options limits = {.per_source = 1};
    struct netio_server_options options = {.limit = new_limit(&limits)};
    struct client client;

    begin("read line; echo \"<$line>\"; exit 3", &options);
    client_open(&client, 0, 0);
    until_seen("spawn");
    is_int(netio_server_connections(server), 1, "R11: a program counts as a connection");
    is_int(netio_limit_open(options.limit), 1, "R11: and in the limit");
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "a program has the connection");
    until_seen("end");
    is_str(seen, "spawn(127.0.0.1) end(data) ",
           "no handler of connections is called, and it blocks");
    ok(WIFEXITED(ended_status) && WEXITSTATUS(ended_status) == 3, "how it has ended");
    is_int(netio_server_connections(server), 0, "R11: its place is free again");
    is_int(netio_limit_open(options.limit), 0, "R11: and its share of the limit");
    is_int(accepted(), 1, "it was served");
    ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "R12: no zombie is left");
    client_close(&client);
    end_server();
    netio_limit_free(options.limit);
}

/* B11: no program to be had. */
static void test_none(void)
{
    const struct netio_limit_options limits = {.per_source = 1};
    struct netio_server_options options = {.limit = new_limit(&limits), .full_text = "busy"};
    struct client client;

    begin("exit 0", &options);
    spawn_code = -ENOENT;
    client_open(&client, 0, 0);
    hears(&client, "busy\r\n", NETIO_EEOF, "B11: no program: the client is told at once");
    is_str(seen, "spawn(127.0.0.1) refused(fork) ",
           "B11: so is the caller, who knows why, once; nothing has ended");
    is_int(netio_server_connections(server), 0, "B11: no place is taken");
    is_int(netio_limit_open(options.limit), 0, "B11: and nothing held");
    is_int(accepted(), 0, "it was not served");
    client_close(&client);
    spawn_code = 0;
    client_open(&client, 0, 0);
    hears(&client, "", NETIO_EEOF, "the next one is");
    until_seen("end");
    client_close(&client);
    end_server();
    netio_limit_free(options.limit);
}

/* Who has had all others wait for it waits nine times as long, whichever way its clients come. */
static void test_hung(void)
{
    struct client client;
    int ends[2];

    begin("echo ok", NULL);
    spawn_code = -ETIMEDOUT;
    int64_t since = netio_clock_now();
    client_open(&client, 0, 0);
    hears(&client, "", NETIO_EEOF, "a start that hangs");
    client_close(&client);
    spawn_code = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        fail("socketpair");
    is_int(netio_server_serve_take(server, ends[1]), -EAGAIN, "then nothing is handed over");
    close(ends[0]);
    client_open(&client, 0, 0);
    hears(&client, "ok\n", NETIO_EEOF, "who comes is served");
    ok(netio_clock_now() - since > (int64_t)HANG_MS * 9 * 1000000, "but later");
    until_seen("end");
    client_close(&client);
    end_server();
}

static void test_proxy(void)
{
    struct netio_access *access;
    struct netio_server_options options = {0};
    struct client client;

    if (netio_access_new(&access) || netio_access_add(access, "proxy 127.0.0.1", NULL) ||
        netio_access_add(access, "allow 192.0.2.0/24", NULL))
        fail("rules");
    options.access = access;
    begin("read line; echo \"<$line>\"", &options);
    client_open(&client, 0, 0);
    say(&client, "PROXY TCP4 192.0.2.7 192.0.2.1 4000 79\r\nhello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "R31: a program begins behind the header");
    until_seen("end");
    is_str(seen, "spawn(192.0.2.7) end(data) ", "R31: and is started for whom that declares");
    client_close(&client);
    forget();
    client_open(&client, 0, 0);
    say(&client, "PROXY TCP4 198.51.100.7 192.0.2.1 4000 79\r\n");
    hears(&client, "", NETIO_EEOF, "R31: rules are for whom it declares");
    is_str(seen, "refused(access) ", "R31: no program");
    client_close(&client);
    end_server();
    netio_access_free(access);
}

/* As tcpmux does it. */
static void test_serve_take(void)
{
    struct netio_server_options options = {.max_connections = 1};
    struct client client;
    int ends[2];

    begin("read line; echo \"<$line>\"", &options);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        fail("socketpair");
    client_take(&client, ends[0]);
    is_int(netio_server_serve_take(server, ends[1]), 0, "one connection is handed over");
    say(&client, "hello\n");
    hears(&client, "<hello>\n", NETIO_EEOF, "a program serves it");
    until_seen("end");
    is_str(seen, "spawn() end(data) ", "as any other");
    client_close(&client);
    end_server();
}

static void test_places(void)
{
    struct netio_server_options options = {.max_connections = 1};
    struct client one, two;

    begin("echo ready; read line; echo \"<$line>\"", &options);
    client_open(&one, 0, 0);
    hears(&one, "ready\n", 0, "one is served");
    client_open(&two, 0, 0);
    say(&two, "second\n");
    until_seen("trouble(NETIO_EFULL)");
    is_int(netio_server_connections(server), 1, "the other waits");
    say(&one, "first\n");
    hears(&one, "<first>\n", NETIO_EEOF, "one ends");
    hears(&two, "ready\n<second>\n", NETIO_EEOF, "R8: then the other is served");
    client_close(&one);
    client_close(&two);
    end_server();
}

/* A client cannot tell whether what the program has left behind is gone but by the end of file. */
#define LEAVES_ONE_BEHIND "trap '' TERM; sleep 1000 & echo ready; wait; wait"

static void test_stop(void)
{
    struct client client;

    begin("echo ready; read line; echo \"<$line>\"", NULL);
    client_open(&client, 0, 0);
    hears(&client, "ready\n", 0, "one is served");
    netio_server_stop(server, netio_deadline_in(60));
    say(&client, "still\n");
    hears(&client, "<still>\n", NETIO_EEOF, "a stop lets it finish");
    is_int(netio_server_run(server), 0, "and ends behind it");
    is_str(seen, "spawn(127.0.0.1) end(data) ", "the end was told");
    client_close(&client);
    end_server();

    begin(LEAVES_ONE_BEHIND, NULL);
    client_open(&client, 0, 0);
    hears(&client, "ready\n", 0, "one that does not end");
    netio_server_stop(server, NETIO_NOW);
    is_int(netio_server_run(server), 0, "does at the deadline");
    ok(WIFSIGNALED(ended_status) && WTERMSIG(ended_status) == SIGKILL, "killed");
    client.fd = dup(client.fd); /* the loop is gone, but not what it has to say */
    is_int(netio_fd_poll(client.fd, NETIO_READ, netio_deadline_in(10)), NETIO_READ,
           "and all of its group");
    client_close(&client);
    end_server();
}

static void test_free(void)
{
    struct client client;

    begin(LEAVES_ONE_BEHIND, NULL);
    client_open(&client, 0, 0);
    hears(&client, "ready\n", 0, "one is there");
    netio_server_free(server);
    is_str(seen, "spawn(127.0.0.1) end(data) ", "its end is told in netio_server_free");
    ok(WIFSIGNALED(ended_status) && WTERMSIG(ended_status) == SIGKILL, "killed");
    client_close(&client);
    netio_loop_free(loop);
}

/* A host that waits for whatever ends. */
static int spawn_and_reap(struct netio_conn *conn, struct netio_child *child)
{
    int code = spawn(conn, child);

    if (code == 0 && waitpid(child->pid, NULL, 0) != child->pid)
        fail("reaped");
    return code;
}

static void test_reaped(void)
{
    const struct netio_server_handlers reap = {.on_spawn = spawn_and_reap, .on_end = tell_end};
    const struct netio_server_options options = {.model = NETIO_MODEL_FORK};
    struct client client;

    script = "exit 1";
    serve(&reap, &options);
    client_open(&client, 0, 0);
    until_seen("end");
    is_int(ended_status, -1, "R12: whom somebody else has reaped has ended, too");
    is_int(netio_server_connections(server), 0, "and is not counted any more");
    client_close(&client);
    end_server();
}

static void stop_here(struct netio_server *which, pid_t pid, int status, void *data)
{
    tell_end(which, pid, status, data);
    netio_server_stop(which, NETIO_NOW);
}

static int spawn_and_stop(struct netio_conn *conn, struct netio_child *child)
{
    int code = spawn(conn, child);

    netio_server_stop(netio_conn_server(conn), netio_deadline_in(60));
    return code;
}

static void test_stop_within(void)
{
    static const struct netio_server_handlers within[] = {
        {.on_spawn = spawn, .on_end = stop_here},
        {.on_spawn = spawn_and_stop, .on_end = tell_end},
    };
    const struct netio_server_options options = {.model = NETIO_MODEL_FORK};

    for (size_t i = 0; i < 2; i++) {
        struct client client;
        script = "exit 0";
        serve(&within[i], &options);
        client_open(&client, 0, 0);
        is_int(netio_server_run(server), 0, "%s may stop the server", i ? "on_spawn" : "on_end");
        is_str(seen, "spawn(127.0.0.1) end(data) ", "and what runs ends");
        client_close(&client);
        end_server();
    }
}

/* The pid that a shell says is a process of its own; of another's child there is no status. */
static int grandchild(struct netio_child *child, const int pipes[2])
{
    char line[32] = "";
    struct netio_child shell;

    script = "sleep 1000 >/dev/null & echo $!";
    if (start_shell(&shell, pipes[1]))
        return -1;
    netio_child_wait(&shell, netio_deadline_in(10), &(int){0});
    ssize_t n = read(pipes[0], line, sizeof line - 1);
    last.pid = child->pid = n > 0 ? atoi(line) : 0;
    child->pidfd = pidfd_open(child->pid, 0);
    return child->pidfd;
}

static void test_adopt(void)
{
    const struct netio_limit_options limits = {.total = 1};
    struct netio_server_options options = {.limit = new_limit(&limits), .max_connections = 2};
    struct netio_child child;
    int pipes[2];

    begin("", &options);
    if (pipe(pipes) == -1 || grandchild(&child, pipes) == -1)
        fail("a process that is not our child: %s", strerror(errno));
    is_int(netio_server_adopt(server, &child, NULL, "adopted"), 0, "one is adopted");
    is_int(netio_server_connections(server), 1, "R11: it is counted");
    is_int(netio_limit_open(options.limit), 1, "R11: and in the limit");
    struct client client;
    client_open(&client, 0, 0);
    hears(&client, "", NETIO_EEOF, "R11: which has no place for another");
    client_close(&client);
    kill(child.pid, SIGKILL);
    until_seen("end");
    is_str(seen, "refused(full) end(adopted) ", "its end is told");
    is_int(ended_status, -1, "as one of which only its parent knows how");
    is_int(netio_limit_open(options.limit), 0, "R11: the limit is free again");

    forget();
    script = "exit 7";
    if (start_shell(&child, pipes[1]))
        return;
    last = child;
    is_int(netio_server_adopt(server, &child, NULL, "own"), 0, "one's own child");
    until_seen("end");
    is_int(ended_status, W_EXITCODE(7, 0), "of which is known how");
    end_server();
    netio_limit_free(options.limit);
    close(pipes[0]);
    close(pipes[1]);

    const struct netio_server_handlers lines = {.on_line = answer_line};
    serve(&lines, NULL);
    is_int(netio_server_adopt(server, &child, NULL, NULL), -EINVAL, "only where programs are");
    end_server();
    is_int(netio_server_new(&server, NULL, &handlers, NULL), -EINVAL, "on_spawn is for FORK alone");
}

static void test_change_wrong(void)
{
    const struct netio_limit_options limits = {0};
    struct netio_limit *limit = new_limit(&limits), *other = new_limit(&limits);
    struct netio_server_options options = {.full_text = "full", .max_connections = 1};
    struct client one, two;

    begin("echo ready; read line", &options);
    client_open(&one, 0, 0);
    hears(&one, "ready\n", 0, "one is there");
    struct netio_server_options wrong = options;
    wrong.full_text = "other";
    wrong.max_connections = 2;
    wrong.drain_seconds = -1;
    is_int(netio_server_change(server, &wrong), -EINVAL, "negative seconds");
    client_open(&two, 0, 0);
    hears(&two, "full\r\n", NETIO_EEOF, "and nothing has changed");
    client_close(&two);
    wrong = options;
    wrong.model = NETIO_MODEL_EVENT;
    is_int(netio_server_change(server, &wrong), -EINVAL, "another model");
    wrong = options;
    wrong.data = &wrong;
    is_int(netio_server_change(server, &wrong), -EINVAL, "other data");
    options.limit = limit;
    is_int(netio_server_change(server, &options), 0, "a first limit");
    client_close(&one);
    until_seen("end");
    is_int(netio_limit_open(limit), 0, "who was there before is not of it");
    client_open(&one, 0, 0);
    hears(&one, "ready\n", 0, "the next one is");
    is_int(netio_limit_open(limit), 1, "counted");
    options.limit = other;
    is_int(netio_server_change(server, &options), -EINVAL, "another limit");
    options.limit = NULL;
    is_int(netio_server_change(server, &options), -EINVAL, "or none");
    options.limit = limit;
    options.max_connections = 3;
    is_int(netio_server_change(server, &options), 0, "the same");
    client_close(&one);
    end_server();
    netio_limit_free(limit);
    netio_limit_free(other);
}

/* 1,000 services in one process. */
static void test_small(void)
{
    static struct netio_server *servers[1000];
    const struct netio_server_options options = {.model = NETIO_MODEL_FORK};
    int code = 0;

    netio_loop_new(&loop, 0);
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < 1000; i++)
        code |= netio_server_new(&servers[i], loop, &handlers, &options);
    size_t each = (mallinfo2().uordblks - before) / 1000;
    is_int(code, 0, "1,000 servers in one loop");
    ok(each < 1024 || getenv("NETIO_TEST_SANITIZED"), "of less than 1 KiB each: %zu", each);
    for (size_t i = 0; i < 1000; i++)
        netio_server_free(servers[i]);
    netio_loop_free(loop);
}

int main(void)
{
    int pidfd = pidfd_open(getpid(), 0);

    if (pidfd == -1 && errno == ENOSYS) /* valgrind 3.19 */
        skip_all("nobody here knows pidfd_open(2)");
    netio_fd_close(pidfd);
    test_one();
    test_none();
    test_proxy();
    test_hung();
    test_serve_take();
    test_places();
    test_stop();
    test_free();
    test_reaped();
    test_stop_within();
    test_adopt();
    test_change_wrong();
    test_small();
    return tap_done();
}
