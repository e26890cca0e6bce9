/* netio_child: a program on a file system that does not answer.  Whoever executes it is in the
 * kernel, where no signal reaches him; who has started him goes on at the deadline. */
#include "descriptors.h"
#include "tap.h"

#include <netio/child.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/netio-hung-XXXXXX", hung[64];

/* ---- the file system --------------------------------------------------------------------- */

static void answer(int fuse, const struct fuse_in_header *question, int error, const void *data,
                   size_t size)
{
    char text[512];
    struct fuse_out_header head = {
        .len = (uint32_t)(sizeof head + size), .error = error, .unique = question->unique};

    memcpy(text, &head, sizeof head);
    memcpy(text + sizeof head, data, size);
    if (write(fuse, text, head.len) == -1)
        _exit(1);
}

/* Whatever one looks up in it is a program. */
static struct fuse_attr attributes_of(uint64_t node)
{
    return (struct fuse_attr){.ino = node,
                              .size = 1,
                              .nlink = 1,
                              .mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0755};
}

/* Answers until somebody opens a file. */
static void serve(int fuse)
{
    static char text[1 << 17];
    struct fuse_in_header question;

    while (read(fuse, text, sizeof text) >= (ssize_t)sizeof question) {
        memcpy(&question, text, sizeof question);
        if (question.opcode == FUSE_INIT) {
            const struct fuse_init_out init = {
                .major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};
            answer(fuse, &question, 0, &init, sizeof init);
        } else if (question.opcode == FUSE_LOOKUP) {
            const struct fuse_entry_out entry = {.nodeid = 2, .attr = attributes_of(2)};
            answer(fuse, &question, 0, &entry, sizeof entry);
        } else if (question.opcode == FUSE_GETATTR) {
            const struct fuse_attr_out attr = {.attr = attributes_of(question.nodeid)};
            answer(fuse, &question, 0, &attr, sizeof attr);
        } else if (question.opcode != FUSE_OPEN && question.opcode != FUSE_FORGET &&
                   question.opcode != FUSE_INTERRUPT) {
            answer(fuse, &question, -ENOSYS, "", 0);
        }
    }
    _exit(0);
}

/* The process that serves it; -1 when there can be none here. */
static pid_t mount_hung(void)
{
    char options[128];
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fuse == -1)
        return -1;
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    if (mount("hung", folder, "fuse", 0, options) == -1) {
        close(fuse);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0)
        serve(fuse);
    close(fuse);
    return pid;
}

/* ---- its users --------------------------------------------------------------------------- */

static int start(const char *path, double seconds, int *status)
{
    char *argv[] = {"program", NULL};
    const struct netio_child_plan plan = {
        .path = path, .argv = argv, .deadline = netio_deadline_in(seconds)};
    struct netio_child child;
    int code = netio_child_start(&child, &plan, NULL);

    if (code == 0 && netio_child_wait(&child, NETIO_NEVER, status) != 1)
        return -1;
    return code;
}

static void test_hung(const char *name)
{
    int before = open_descriptors(), status = -1;
    pid_t server = mount_hung();

    if (server == -1) {
        ok(1, "# SKIP no FUSE here: %s", strerror(errno));
        return;
    }
    is_int(start(hung, 2, &status), -ETIMEDOUT, "%s: at the deadline it is given up", name);
    is_int(waitpid(-1, &status, WNOHANG), 0, "who is in execve is not dead yet");
    for (int i = 0; i < 3; i++)
        is_int(start("/bin/true", 60, &status), 0, "others are started meanwhile");
    kill(server, SIGKILL);
    is_int(waitpid(server, &status, 0), server, "the file system goes away");
    ok(waitpid(-1, &status, 0) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
       "and who was in it dies of the signal that he was sent");
    is_int(start("/bin/true", 60, &status), 0, "others are started after it");
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "as if nothing had happened");
    is_int(open_descriptors(), before, "no descriptor is left");
    umount2(folder, MNT_DETACH);
}

static void *end(void *data)
{
    return data;
}

int main(void)
{
    pthread_t thread;
    int pidfd = pidfd_open(getpid(), 0);

    if (pidfd == -1)
        skip_all("no pidfd_open(2) here: valgrind 3.19 knows none");
    close(pidfd);
    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1)
        skip_all("no mounts of one's own here: %s", strerror(errno));
    alarm(TAP_SECONDS);
    if (!mkdtemp(folder))
        return 1;
    snprintf(hung, sizeof hung, "%s/program", folder);
    ok(__libc_single_threaded, "a program with one thread");
    test_hung("in shared memory");
    pthread_create(&thread, NULL, end, NULL);
    pthread_join(thread, NULL);
    test_hung("by fork");
    rmdir(folder);
    return tap_done();
}
