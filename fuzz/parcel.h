/* fuzz/parcel.h: parcels (netio/parcel.h) as an input has them, sound or not, for the targets that
 * read what a predecessor has left.
 *
 * An input's first line says what is in the parcel, a letter each; without any it is "=t".
 *
 *      p e l s n  a descriptor for the next message: of a process that runs, of one that has ended,
 *                 a listener, another socket, /dev/null
 *      *          ten more of the last one
 *      =          those that the texts want, as netio_parcel_seal sends them
 *      d t T x    a message: descriptors; they and the texts; without the texts; of no kind
 *      k o        its socket asks for credentials; its other end stays open
 *
 * The rest are the texts; a line feed stands for the NUL, "$" for the other socket's inode. */
#ifndef FUZZ_PARCEL_H
#define FUZZ_PARCEL_H

#include "target.h"

#include <netio/fd.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE_MAX_IN  2048
#define MESSAGES_MAX 64  /* what a socket holds */
#define SENT_MAX     450 /* descriptors in a parcel: below the limit of most */
#define MESSAGE_MAX  250 /* in one message: below what the kernel takes */
#define TAKEN_MAX    200 /* what a parcel takes in one message ... */
#define TAKEN_MAX_K  192 /* ... where credentials take some of the room */

/* ---- descriptors ---------------------------------------------------------------------------- */

static int running, ended, listener, other_socket, null;

static inline int bind_to(int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    must(type == SOCK_DGRAM || listen(fd, 1) == 0);
    return fd;
}

static inline void open_descriptors(void)
{
    running = pidfd_open(getpid(), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    ended = pidfd_open(pid, 0);
    listener = bind_to(SOCK_STREAM);
    other_socket = bind_to(SOCK_DGRAM);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    must(pid > 0 && waitpid(pid, NULL, 0) == pid);
    must(running >= 0 && ended >= 0 && null >= 0);
}

static inline size_t count_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    must(folder != NULL);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static inline int is_same_file(int fd, int other)
{
    struct stat one, two;

    must(fstat(fd, &one) == 0 && fstat(other, &two) == 0);
    return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* ---- the parcel ----------------------------------------------------------------------------- */

struct made {
    char *texts;
    size_t size;
    int file;        /* with the texts */
    int out, sealed; /* the ends of its socket */
    int pending[MESSAGE_MAX];
    size_t pending_count;
    int sent[SENT_MAX];
    size_t count; /* of them, those that are read */
    size_t sent_count, messages, taken_max;
    int is_over, is_wrong; /* no message more is read; it is no parcel */
};

static inline void push(struct made *made, int fd)
{
    if (made->pending_count < MESSAGE_MAX && made->sent_count < SENT_MAX) {
        made->pending[made->pending_count++] = fd;
        made->sent_count++;
    }
}

static inline void judge_message(struct made *made, char kind)
{
    if (made->is_over)
        return;
    made->is_wrong = (kind != 'd' && kind != 't') || made->pending_count == 0 ||
                     made->pending_count > made->taken_max;
    made->is_over = made->is_wrong || kind == 't';
    memcpy(made->sent + made->count, made->pending, made->pending_count * sizeof(int));
    made->count += made->pending_count;
}

static inline void send_message(struct made *made, char kind)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(MESSAGE_MAX * sizeof(int))];
    } control = {0};
    size_t size = made->pending_count * sizeof(int);
    struct iovec part = {&kind, 1};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

    if (made->messages++ >= MESSAGES_MAX)
        return;
    if (size > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(size);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.header), made->pending, size);
    }
    must(sendmsg(made->out, &header, MSG_DONTWAIT | MSG_NOSIGNAL) == 1);
    judge_message(made, kind);
    made->pending_count = 0;
}

static inline void push_wanted(struct made *made)
{
    const char *end = made->texts + made->size;

    for (const char *text = made->texts; text < end; text += strlen(text) + 1) {
        if (*text != '+')
            continue;
        push(made, strncmp(text + 1, "child", 5) == 0 ? running : listener);
        if (made->pending_count == TAKEN_MAX)
            send_message(made, 'd');
    }
    if (made->pending_count > 0)
        send_message(made, 'd');
}

static inline void follow(struct made *made, char letter, int *last)
{
    static const char letters[] = "pelsn";
    const int fds[] = {running, ended, listener, other_socket, null};
    const char *found = strchr(letters, letter);

    if (found)
        push(made, *last = fds[found - letters]);
    else if (letter == '*')
        for (int i = 0; i < 10; i++)
            push(made, *last);
    else if (letter == '=')
        push_wanted(made);
    else if (letter == 't' || letter == 'T' || letter == 'd' || letter == 'x') {
        if (letter == 't')
            push(made, made->file);
        send_message(made, letter == 'T' ? 't' : letter);
    }
}

/* Whether texts and descriptors go together; judged when all is sent. */
static inline int is_sound(struct made *made)
{
    if (!made->is_over || made->is_wrong)
        return 0;
    int last = made->sent[--made->count];
    if (last == null)
        made->size = 0;
    else if (last != made->file)
        return 0;
    size_t full = 0, first = 1;
    for (size_t i = 0; i < made->size; i++) {
        if (first && made->texts[i] != '+' && made->texts[i] != '-')
            return 0;
        full += first && made->texts[i] == '+';
        first = made->texts[i] == '\0';
    }
    return first && full == made->count;
}

static inline void make(struct made *made, const char *script)
{
    int ends[2], on = 1, last = null;

    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    made->out = ends[0];
    made->sealed = ends[1];
    made->taken_max = strchr(script, 'k') ? TAKEN_MAX_K : TAKEN_MAX;
    if (strchr(script, 'k'))
        must(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
    made->file = memfd_create("texts", MFD_CLOEXEC);
    must(made->file >= 0 && write(made->file, made->texts, made->size) == (ssize_t)made->size);
    for (const char *at = *script ? script : "=t"; *at; at++)
        follow(made, *at, &last);
    if (!strchr(script, 'o')) {
        netio_fd_close(made->out);
        made->out = -1;
    }
}

static inline void unmake(struct made *made)
{
    netio_fd_close(made->out);
    netio_fd_close(made->sealed);
    netio_fd_close(made->file);
}

static inline char *texts_of(const uint8_t *data, size_t size, size_t *len)
{
    char *texts = malloc(size * 24 + 1);
    struct stat st;

    must(texts != NULL && fstat(other_socket, &st) == 0);
    *len = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '$')
            *len += (size_t)sprintf(texts + *len, "%ju", (uintmax_t)st.st_ino);
        else
            texts[(*len)++] = data[i] == '\n' ? '\0' : (char)data[i];
    }
    texts[*len] = '\0';
    return texts;
}

#endif
