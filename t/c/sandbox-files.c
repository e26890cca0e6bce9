/* Tests of netio/sandbox.h: what can be done with files in it, and what cannot. */
#include "tries.h"

#include <netio/fd.h>

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    netio_fd_close(fd);
    return of(fd);
}

static int try_shadow(void)
{
    return try_open("/etc/shadow", O_RDONLY);
}

static int try_read(void)
{
    return try_open(in(readable, "file"), O_RDONLY);
}

static int try_read_outside(void)
{
    return try_open(in(outside, "file"), O_RDONLY);
}

static int try_read_dots(void)
{
    return try_open(in(readable, "../outside/file"), O_RDONLY);
}

static int try_read_link(void)
{
    return try_open(in(readable, "link"), O_RDONLY);
}

static int try_list_root(void)
{
    return try_open("/", O_RDONLY | O_DIRECTORY);
}

static int try_write_readable(void)
{
    return try_open(in(readable, "file"), O_WRONLY);
}

static int try_create_readable(void)
{
    return try_open(in(readable, "new"), O_WRONLY | O_CREAT);
}

static int try_unlink_readable(void)
{
    return of(unlink(in(readable, "spare")));
}

static int try_truncate_readable(void)
{
    return of(truncate(in(readable, "spare"), 0));
}

static int try_empty_readable(void)
{
    return try_open(in(readable, "spare"), O_RDONLY | O_TRUNC);
}

static int try_unlink_outside(void)
{
    return of(unlink(in(outside, "file")));
}

static int try_mkdir_outside(void)
{
    int code = of(mkdir(in(outside, "new"), 0700));

    rmdir(in(outside, "new"));
    return code;
}

static int try_rename_outside(void)
{
    return of(rename(in(outside, "file"), in(outside, "spare")));
}

static int try_rename_from_outside(void)
{
    return of(rename(in(outside, "file"), in(writable, "file")));
}

/* All that a loader or a log does. */
static int try_writable(void)
{
    const char *a = in(writable, "a"), *b = in(writable, "b");

    if (make_file(a) == -1 || rename(a, b) == -1 || truncate(b, 1) == -1 || unlink(b) == -1)
        return errno;
    return of(mkdir(a, 0700)) ? errno : of(rmdir(a));
}

static int try_symlink(void)
{
    int code = of(symlink("/etc/shadow", in(writable, "link")));

    unlink(in(writable, "link"));
    return code;
}

static int try_fifo(void)
{
    int code = of(mkfifo(in(writable, "fifo"), 0600));

    unlink(in(writable, "fifo"));
    return code;
}

static int try_link_from_outside(void)
{
    int code = of(link(in(outside, "file"), in(writable, "link")));

    unlink(in(writable, "link"));
    return code;
}

static int try_chmod(void)
{
    return of(chmod(in(outside, "file"), 0600));
}

static const struct row table[] = {
    {"/etc/shadow", try_shadow, ANY, EACCES, FILES},
    {"to read a readable file", try_read, 0, 0, 0},
    {"to read another", try_read_outside, 0, EACCES, FILES},
    {"the same by ..", try_read_dots, 0, EACCES, FILES},
    {"the same by a symbolic link", try_read_link, 0, EACCES, FILES},
    {"to list the root", try_list_root, 0, EACCES, FILES},
    {"to write a readable file", try_write_readable, 0, EACCES, FILES},
    {"to make one there", try_create_readable, 0, EACCES, FILES},
    {"to remove one there", try_unlink_readable, 0, EACCES, FILES},
    {"to cut one there", try_truncate_readable, 0, EACCES, FILES_SINCE(3)},
    {"to empty one by opening it", try_empty_readable, 0, EACCES, FILES_SINCE(3)},
    {"to remove a file elsewhere", try_unlink_outside, 0, EACCES, FILES},
    {"to make a folder there", try_mkdir_outside, 0, EACCES, FILES},
    {"to rename a file there", try_rename_outside, 0, EACCES, FILES},
    {"to rename it to where that is allowed", try_rename_from_outside, 0, EACCES, FILES},
    {"to make, cut, rename, remove files where they are writable", try_writable, 0, 0, 0},
    {"a symbolic link", try_symlink, 0, EPERM, SYSCALLS},
    {"a FIFO", try_fifo, 0, EPERM, SYSCALLS},
    {"a link to a file outside", try_link_from_outside, 0, EXDEV, FILES},
    {"chmod of a file outside", try_chmod, 0, EPERM, SYSCALLS},
};

int main(void)
{
    ok(make_folders(), "three folders");
    unsigned offered = offered_here();
    ok(offered < 8, "in force here: %s", netio_sandbox_str(offered));
    test_tries(table, sizeof table / sizeof *table, offered, NULL);
    ok(remove_folders(), "nothing is left behind");
    return tap_done();
}
