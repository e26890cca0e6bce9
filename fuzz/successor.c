/* fuzz/successor.c: what a successor reads from its predecessor (netio/upgrade.h): the parcel with
 * listeners (parcel.h), and words between the two.  Whatever comes, no descriptor is left open, no
 * more is taken than was left, and what was taken reads back the same when it is left in its turn.
 *
 * In an input's first line there are, beside the letters of the parcel,
 *
 *      g j        a go, before it is time, and a word with two descriptors */
#include "parcel.h"

#include "proc/succession.h"
#include "server/bequest.h"
#include "server/control.h"
#include "server/listeners.h"

#include <errno.h>

static struct netio_loop *loop;

/* ---- the listeners -------------------------------------------------------------------------- */

static struct netio_successor *succeed(struct netio_listeners **set, int control, int *code)
{
    struct netio_successor *self;
    struct netio_error error;

    must(netio_listeners_new(set) == 0);
    netio__succession()->control = control;
    *code = netio_successor_new(&self, loop, *set, &error);
    must(*code <= 0 && (*code == 0) == (self != NULL));
    if (*code)
        netio_fd_close(control);
    netio__succession()->control = -1;
    return self;
}

/* Listeners that were left are left once more. */
static void leave_again(struct netio_listeners *set)
{
    struct netio_listeners *again;
    int pair[2], code;
    size_t count = set->entries.count;

    for (size_t i = 0; i < count; i++)
        ((struct netio__entry *)set->entries.at[i])->present = 1;
    must(netio__control_pair(pair) == 0 && netio__bequest_send(pair[0], set) == 0);
    struct netio_successor *self = succeed(&again, pair[1], &code);
    must(code == 0 && again->entries.count == count);
    for (size_t i = 0; i < count; i++) {
        const struct netio__entry *one = set->entries.at[i], *other = again->entries.at[i];
        must((one->text != NULL) == (other->text != NULL));
        must(!one->text || strcmp(one->text, other->text) == 0);
        must(one->listener.device == other->listener.device);
        must(one->listener.inode == other->listener.inode);
        must(is_same_file(one->listener.fd, other->listener.fd));
    }
    netio_successor_free(self);
    netio_listeners_free(again);
    netio_fd_close(pair[0]);
}

/* With the input for listeners. */
static void inherit(const char *script, char *texts, size_t size)
{
    struct made made = {.texts = texts, .size = size};
    struct netio_listeners *set;
    int pair[2], code;
    size_t left = 0;

    must(netio__control_pair(pair) == 0);
    make(&made, script);
    must(netio__control_send_bytes(pair[0], "listeners", 9, made.sealed) == 0);
    struct netio_successor *self = succeed(&set, pair[1], &code);
    must(code != 0 || is_sound(&made));
    for (size_t i = 0; code == 0 && i < made.size; i += strlen(texts + i) + 1)
        left += strncmp(texts + i, "+listener", 9) == 0 || strcmp(texts + i, "+passed") == 0;
    must(code != 0 || set->entries.count <= left);
    if (code == 0)
        leave_again(set);
    netio_successor_free(self);
    netio_listeners_free(set);
    netio_fd_close(pair[0]);
    unmake(&made);
}

/* ---- the words ------------------------------------------------------------------------------ */

static void go(int control, int with)
{
    must(netio__control_send_bytes(control, "go", 2, with) == 0);
}

static void send_words(int control, const char *script)
{
    for (size_t words = 0; *script && words < MESSAGES_MAX; script++, words++) {
        struct made word = {.out = control, .taken_max = TAKEN_MAX};
        if (*script == 'g') {
            go(control, null);
        } else if (*script == 'j') {
            push(&word, null);
            push(&word, listener);
            send_message(&word, 'j');
        }
    }
}

/* Not ready yet: whatever is said, it does not go on; a step reads one go at most. */
static void converse(const char *script)
{
    struct made empty = {0};
    struct netio_listeners *set;
    int pair[2], code;

    must(netio__control_pair(pair) == 0);
    make(&empty, "t");
    must(netio__control_send_bytes(pair[0], "listeners", 9, empty.sealed) == 0);
    unmake(&empty);
    struct netio_successor *self = succeed(&set, pair[1], &code);
    must(code == 0);
    send_words(pair[0], script);
    for (int i = 0; i <= MESSAGES_MAX; i++)
        must(netio_successor_step(self) == -EAGAIN);
    netio_successor_ready(self);
    go(pair[0], other_socket);
    must(netio_successor_step(self) == 0);
    int extra = netio_successor_extra(self);
    must(fcntl(extra, F_GETFD) == FD_CLOEXEC && is_same_file(extra, other_socket));
    must(netio_successor_extra(self) == -1);
    netio_fd_close(extra);
    netio_successor_done(self);
    netio_successor_free(self);
    netio_listeners_free(set);
    netio_fd_close(pair[0]);
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* The kernel is to say that this very process has made the socket. */
static void pose_as_successor(void)
{
    static char variable[NETIO__SUCCESSION_STRLEN];
    int pair[2];

    must(netio__control_pair(pair) == 0);
    const struct netio__succession own = {
        .predecessor = getpid(), .control = pair[0], .pidfile = -1};
    netio__succession_str(variable, sizeof variable, &own);
    must(putenv(variable) == 0 && netio_successor_is());
    netio_fd_close(pair[0]);
    netio_fd_close(pair[1]);
}

static void begin(void)
{
    must(netio_loop_new(&loop, 0) == 0);
    open_descriptors();
    pose_as_successor();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len;

    if (size > SIZE_MAX_IN)
        return 0;
    if (!loop)
        begin();
    size_t before = count_open();
    char *script = first_line(&data, &size), *texts = texts_of(data, size, &len);
    inherit(script, texts, len);
    converse(script);
    must(count_open() == before);
    free(script);
    free(texts);
    return 0;
}
