/* Ring 0.  Texts and descriptors for another process; see netio/parcel.h.  Called by upgrade.c and
 * successor.c, and by daemons that have more to leave than listeners.
 *
 * A sealed parcel is a unix socket whose other end is closed.  In it are messages with descriptors,
 * in order, at most 200 each (the kernel takes 253, some C libraries 252), and then one with a
 * memfd, where the texts are, each behind FULL or EMPTY: so however long they are, what is in the
 * socket fits. */
#include <netio/buf.h>
#include <netio/fd.h>
#include <netio/parcel.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 200
#define FULL  '+' /* the first byte of a text with a descriptor ... */
#define EMPTY '-' /* ... and of one without */

struct netio_parcel {
    struct netio_buf texts; /* a mark, a text and a NUL, for each */
    int *fds;
    size_t count, room; /* of fds */
    int opened;
    size_t given; /* of fds, when it was opened */
};

union rights {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(BATCH * sizeof(int))];
};

int netio_parcel_new(struct netio_parcel **parcel)
{
    *parcel = calloc(1, sizeof **parcel);
    return *parcel ? 0 : -ENOMEM;
}

void netio_parcel_free(struct netio_parcel *parcel)
{
    if (!parcel)
        return;
    while (parcel->opened && parcel->given < parcel->count)
        netio_fd_close(parcel->fds[parcel->given++]);
    netio_buf_free(&parcel->texts);
    free(parcel->fds);
    free(parcel);
}

static int reserve(struct netio_parcel *parcel, size_t more)
{
    size_t room = parcel->room ? parcel->room : BATCH;

    while (room < parcel->count + more)
        room *= 2;
    if (room == parcel->room)
        return 0;
    int *fds = realloc(parcel->fds, room * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    parcel->fds = fds;
    parcel->room = room;
    return 0;
}

/* ---- to send it ----------------------------------------------------------------------------- */

int netio_parcel_add(struct netio_parcel *parcel, int fd, const char *format, ...)
{
    struct netio_buf *texts = &parcel->texts;
    size_t before = texts->end;
    va_list args;

    if (parcel->opened)
        return -EINVAL;
    int code = reserve(parcel, 1);
    if (!code)
        code = netio_buf_addf(texts, "%c", fd < 0 ? EMPTY : FULL);
    va_start(args, format);
    if (!code)
        code = netio_buf_vaddf(texts, format, args);
    va_end(args);
    if (!code)
        code = netio_buf_add(texts, "", 1);
    if (code)
        texts->end = before;
    else if (fd >= 0)
        parcel->fds[parcel->count++] = fd;
    return code;
}

static int send_fds(int to, const char *kind, const int *fds, size_t count)
{
    union rights control = {0};
    struct iovec part = {(void *)kind, 1};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
    ssize_t n;

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(count * sizeof *fds);
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
    do
        n = sendmsg(to, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : 0;
}

/* A memfd with the texts; or -errno. */
static int write_texts(const struct netio_buf *texts)
{
    int fd = memfd_create("netio-parcel", MFD_CLOEXEC);
    size_t done = 0, size = netio_buf_len(texts);

    if (fd == -1)
        return -errno;
    while (done < size) {
        ssize_t n = netio_fd_write(fd, netio_buf_head(texts) + done, size - done);
        if (n <= 0) {
            netio_fd_close(fd);
            return n ? (int)n : -EIO;
        }
        done += (size_t)n;
    }
    return fd;
}

static int send_all(int to, const struct netio_parcel *parcel)
{
    int code = 0;

    for (size_t i = 0; i < parcel->count && !code; i += BATCH) {
        size_t left = parcel->count - i;
        code = send_fds(to, "d", parcel->fds + i, left < BATCH ? left : BATCH);
    }
    int texts = code ? code : write_texts(&parcel->texts);
    if (texts < 0)
        return texts;
    code = send_fds(to, "t", &texts, 1);
    netio_fd_close(texts);
    return code;
}

int netio_parcel_seal(const struct netio_parcel *parcel)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1)
        return -errno;
    int code = send_all(ends[0], parcel);
    netio_fd_close(ends[0]);
    if (!code)
        return ends[1];
    netio_fd_close(ends[1]);
    return code;
}

/* ---- to open it ----------------------------------------------------------------------------- */

/* Credentials stand before them, where the socket was told to ask for those. */
static size_t take_fds(int *fds, struct msghdr *header)
{
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);

    while (rights && (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS))
        rights = CMSG_NXTHDR(header, rights);
    if (!rights)
        return 0;
    memcpy(fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
    return (rights->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
}

/* One message: *kind, and its descriptors behind the others; or a code. */
static int receive(struct netio_parcel *parcel, int from, char *kind)
{
    union rights control;
    struct iovec part = {kind, 1};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n;

    if (reserve(parcel, BATCH) != 0)
        return -ENOMEM;
    do
        n = recvmsg(from, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n == -1 && errno == EINTR);
    if (n <= 0)
        return n == 0 || errno == EAGAIN || errno == ENOTSOCK ? -EBADMSG : -errno;
    size_t count = take_fds(parcel->fds + parcel->count, &header);
    parcel->count += count;
    return header.msg_flags & MSG_CTRUNC ? -EMFILE : count > 0 ? 0 : -EBADMSG;
}

/* From the memfd, which is the last descriptor. */
static int read_texts(struct netio_parcel *parcel)
{
    int fd = parcel->fds[--parcel->count];
    off_t at = 0;
    ssize_t n = 0;
    int code = 0;
    char *room;

    while (!code && !(code = netio_buf_room(&parcel->texts, 4096, &room))) {
        do
            n = pread(fd, room, 4096, at);
        while (n == -1 && errno == EINTR);
        if (n <= 0)
            break;
        netio_buf_added(&parcel->texts, (size_t)n);
        at += n;
    }
    if (n == -1)
        code = -errno;
    netio_fd_close(fd);
    return code;
}

/* Whether the texts are whole, and as many of them as there are descriptors have one. */
static int is_sound(const struct netio_parcel *parcel)
{
    const char *text = netio_buf_head(&parcel->texts);
    const char *end = text + netio_buf_len(&parcel->texts);
    size_t full = 0;

    if (text == end)
        return parcel->count == 0;
    if (end[-1] != '\0')
        return 0;
    for (; text < end; text += strlen(text) + 1) {
        if (*text != FULL && *text != EMPTY)
            return 0;
        full += *text == FULL;
    }
    return full == parcel->count;
}

int netio_parcel_open_take(struct netio_parcel **parcel, int sealed)
{
    struct netio_parcel *self = NULL;
    char kind = 'd';
    int code = netio_parcel_new(&self);

    if (!code)
        self->opened = 1;
    while (!code && kind == 'd')
        code = receive(self, sealed, &kind);
    if (!code)
        code = kind == 't' ? read_texts(self) : -EBADMSG;
    if (!code && !is_sound(self))
        code = -EBADMSG;
    netio_fd_close(sealed);
    if (code)
        netio_parcel_free(self);
    else
        *parcel = self;
    return code;
}

int netio_parcel_next(struct netio_parcel *parcel, const char **text, int *fd)
{
    struct netio_buf *texts = &parcel->texts;

    *fd = -1;
    if (!parcel->opened || netio_buf_len(texts) == 0)
        return 0;
    *text = netio_buf_head(texts) + 1;
    if (netio_buf_head(texts)[0] == FULL)
        *fd = parcel->fds[parcel->given++];
    netio_buf_take(texts, strlen(*text) + 2);
    return 1;
}
