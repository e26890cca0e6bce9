/* Messages between a supervisor and its workers, one of which a stranger may have taken over: what
 * he says does no harm. */
#include "server/control.h"

#include "descriptors.h"
#include "tap.h"

#include <errno.h>
#include <netio/fd.h>
#include <stddef.h>
#include <sys/socket.h>

static int pair[2];

/* The same descriptor that many times, with one byte. */
static void send_many(int count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control = {0};
    struct iovec part = {"", 1};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
    int fds[8] = {pair[0], pair[0], pair[0], pair[0], pair[0], pair[0], pair[0], pair[0]};

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
    is_int(sendmsg(pair[0], &header, 0), 1, "%d descriptors at once", count);
}

static void test_descriptors(void)
{
    struct netio__message message;
    int before = open_descriptors(), passed;

    for (int count = 1; count <= 8; count++) {
        send_many(count);
        is_int(netio__control_receive(pair[1], &message, &passed), 1, "are heard");
        is_int(passed >= 0, count == 1, "and kept when there is one");
        netio_fd_close(passed);
        is_int(open_descriptors(), before, "no other is left behind");
    }
}

static void receive_error(struct netio__message *message, const struct netio_error *error)
{
    struct netio__message said;
    int passed;

    memset(&said, 0, sizeof said);
    said.saying = NETIO__SAY_FAIL;
    said.error = *error;
    is_int(netio__control_send(pair[0], &said, -1), 0, "an error is sent");
    is_int(netio__control_receive(pair[1], message, &passed), 1, "and heard");
}

static void test_errors(void)
{
    struct netio__message message;
    struct netio_error error;
    char text[640];

    memset(&error, 0, sizeof error);
    netio_error_set(&error, NETIO_STAGE_OPTION, -ENOENT, NULL, "/x");
    receive_error(&message, &error);
    is_str(netio_error_str(&message.error, text, sizeof text),
           "option /x: No such file or directory", "an honest one as it was");

    memset(&error.address, 'x', sizeof error.address);
    error.address.u.sa.sa_family = AF_UNIX;
    error.address.len = 1u << 30;
    receive_error(&message, &error);
    is_int(message.error.address.len, 0, "an address longer than any is none");

    error.address.len = 4;
    error.address.u.sa.sa_family = AF_INET6;
    receive_error(&message, &error);
    is_int(message.error.address.len, 0, "nor one cut short");

    memset(error.subject, 'y', sizeof error.subject);
    memcpy(error.subject, "a\nb", 3);
    error.stage = (enum netio_stage)0x7fffffff;
    receive_error(&message, &error);
    ok(strlen(message.error.subject) < sizeof message.error.subject, "a subject without an end");
    ok(!strchr(message.error.subject, '\n'), "and with lines of its own: made printable");
    ok(netio_error_str(&message.error, text, sizeof text), "a stage that there is not");
}

int main(void)
{
    is_int(netio__control_pair(pair), 0, "a pair");
    test_descriptors();
    test_errors();
    return tap_done();
}
