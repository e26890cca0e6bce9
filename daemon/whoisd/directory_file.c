/* whoisd: the file of a SQLite directory; see directory_file.h.
 * Called by directory_sqlite.c and directory_reader.c; opens and reads the file, and writes
 * nothing. */
#include "directory_file.h"

#include "common/path.h"

#include <netio/error.h>
#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define APPLICATION_ID 0x4e744944u /* "NtID" */
#define SCHEMA_VERSION 1u
#define UTF_8          1u
#define HEADER_SIZE    100
#define TRAILER_SIZE   64
#define TRAILER_FORMAT "NetIO directory 1 crc32 %08x size %025lld\n"
#define SLICE          (256 * 1024) /* one read(2) */

static void identify(struct directory_identity *identity, const struct stat *st)
{
    identity->device = st->st_dev;
    identity->inode = st->st_ino;
    identity->size = st->st_size;
    identity->changed = st->st_mtim;
    identity->status = st->st_ctim;
}

int directory_identity_get(struct directory_identity *identity, const char *path)
{
    struct stat st;

    memset(identity, 0, sizeof *identity);
    if (lstat(path, &st) == -1)
        return -errno;
    identify(identity, &st);
    return 0;
}

static int same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int directory_identity_same(const struct directory_identity *a, const struct directory_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(&a->changed, &b->changed);
}

int directory_identity_untouched(const struct directory_identity *a,
                                 const struct directory_identity *b)
{
    return directory_identity_same(a, b) && same_time(&a->status, &b->status);
}

static int set_errno(struct directory_fault *fault, int code)
{
    return directory_fault_set(fault, code, "%s", netio_error_text(code));
}

/* Who owns the folder of path can put there what he likes. */
static int owns_folder(const char *path, uid_t uid)
{
    char *folder = path_folder(path);
    struct stat st;
    int owns = folder && stat(folder, &st) == 0 && st.st_uid == uid;

    free(folder);
    return owns;
}

/* A file that a stranger can write would let him put words into the directory's mouth. */
static int check_kind(struct directory_file *file, const char *path, struct directory_fault *fault)
{
    struct stat st;

    if (fstat(file->fd, &st) == -1)
        return set_errno(fault, -errno);
    identify(&file->identity, &st);
    if (!S_ISREG(st.st_mode))
        return directory_fault_set(fault, -EBADMSG, "%s, not a file",
                                   S_ISDIR(st.st_mode)    ? "a folder"
                                   : S_ISFIFO(st.st_mode) ? "a FIFO"
                                                          : "a device");
    if (st.st_mode & S_IWOTH)
        return directory_fault_set(fault, -EBADMSG, "everybody may write to it");
    if (st.st_uid != 0 && st.st_uid != geteuid() && !owns_folder(path, st.st_uid))
        return directory_fault_set(fault, -EBADMSG,
                                   "belongs to user %lu, who is neither root, nor whoisd's user, "
                                   "nor the owner of its folder",
                                   (unsigned long)st.st_uid);
    return 0;
}

/* Reads exactly size bytes at the offset; 0, -errno, or -EBADMSG when the file is shorter. */
static int read_at(int fd, void *data, size_t size, off_t at)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = pread(fd, (char *)data + got, size - got, at + (off_t)got);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -errno;
        if (n == 0)
            return -EBADMSG;
        got += (size_t)n;
    }
    return 0;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* https://sqlite.org/fileformat.html section 1.3: the text at 0, the encoding at 56, user_version
 * at 60, application_id at 68. */
static int check_header(struct directory_file *file, struct directory_fault *fault)
{
    unsigned char header[HEADER_SIZE];
    int code = read_at(file->fd, header, sizeof header, 0);

    if (code != 0 && code != -EBADMSG)
        return set_errno(fault, code);
    if (code == -EBADMSG || memcmp(header, "SQLite format 3", 16) != 0)
        return directory_fault_set(fault, -EBADMSG, "not a SQLite file");
    if (big_endian(header + 68) != APPLICATION_ID)
        return directory_fault_set(fault, -EBADMSG,
                                   "a SQLite file, but not a directory made by whois-load");
    if (big_endian(header + 60) != SCHEMA_VERSION)
        return directory_fault_set(fault, -EBADMSG,
                                   "schema version %lu, but this whoisd reads version %u",
                                   (unsigned long)big_endian(header + 60), SCHEMA_VERSION);
    if (big_endian(header + 56) != UTF_8)
        return directory_fault_set(fault, -EBADMSG, "its text is not in UTF-8");
    return 0;
}

/* Takes the trailer's two numbers.  Written again they must give the same 64 bytes: no other
 * spelling of them is a trailer. */
static int check_trailer(struct directory_file *file, struct directory_fault *fault)
{
    char trailer[TRAILER_SIZE + 1] = "", again[2 * TRAILER_SIZE];
    off_t size = file->identity.size - TRAILER_SIZE;
    unsigned crc = 0;
    long long said = -1;

    int code = size < 0 ? -EBADMSG : read_at(file->fd, trailer, TRAILER_SIZE, size);
    if (code != 0 && code != -EBADMSG)
        return set_errno(fault, code);
    if (code == 0 && sscanf(trailer, "NetIO directory 1 crc32 %8x size %25lld", &crc, &said) == 2)
        snprintf(again, sizeof again, TRAILER_FORMAT, crc, said);
    else
        again[0] = '\0';
    if (strlen(again) != TRAILER_SIZE || memcmp(again, trailer, TRAILER_SIZE) != 0)
        return directory_fault_set(fault, -EBADMSG, "truncated: it does not end with its trailer");
    if (said != size)
        return directory_fault_set(fault, -EBADMSG,
                                   "damaged: %lld bytes, but its trailer says %lld",
                                   (long long)size, said);
    file->size = size;
    file->trailer_crc = crc;
    file->crc = (uint32_t)crc32(0, NULL, 0);
    return 0;
}

int directory_file_open(struct directory_file *file, const char *path,
                        struct directory_fault *fault)
{
    *file = (struct directory_file)DIRECTORY_FILE_CLOSED;
    /* O_NONBLOCK: a FIFO must not make whoisd wait for its other end.  O_NOFOLLOW: the change
     * from one file to the next must be one rename, seen in one lstat. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (file->fd == -1 && errno == ELOOP)
        return directory_fault_set(fault, -EBADMSG, "a symbolic link, not a file");
    if (file->fd == -1 && errno == ENXIO)
        return directory_fault_set(fault, -EBADMSG, "a socket, not a file");
    if (file->fd == -1)
        return set_errno(fault, -errno);
    int code = check_kind(file, path, fault);
    if (code == 0)
        code = check_header(file, fault);
    if (code == 0)
        code = check_trailer(file, fault);
    if (code != 0)
        directory_file_close(file);
    return code;
}

/* All of it has been read: it must be the file that was opened, and what its trailer says. */
static int check_end(struct directory_file *file, struct directory_fault *fault)
{
    struct directory_identity now;
    struct stat st;

    if (fstat(file->fd, &st) == -1)
        return set_errno(fault, -errno);
    identify(&now, &st);
    if (!directory_identity_same(&now, &file->identity))
        return directory_fault_set(fault, -EBADMSG, "changed while it was being checked");
    if (file->crc != file->trailer_crc)
        return directory_fault_set(fault, -EBADMSG,
                                   "damaged: checksum %08lx, but its trailer says %08lx",
                                   (unsigned long)file->crc, (unsigned long)file->trailer_crc);
    return 1;
}

int directory_file_check(struct directory_file *file, size_t max, struct directory_fault *fault)
{
    static unsigned char data[SLICE];

    for (size_t want; max > 0 && file->done < file->size; max -= want) {
        want = max < sizeof data ? max : sizeof data;
        if ((off_t)want > file->size - file->done)
            want = (size_t)(file->size - file->done);
        int code = read_at(file->fd, data, want, file->done);
        if (code == -EBADMSG)
            return directory_fault_set(fault, code, "changed while it was being checked");
        if (code != 0)
            return set_errno(fault, code);
        file->crc = (uint32_t)crc32(file->crc, data, (uInt)want);
        file->done += (off_t)want;
    }
    return file->done < file->size ? 0 : check_end(file, fault);
}

void directory_file_close(struct directory_file *file)
{
    netio_fd_close(file->fd);
    file->fd = -1;
}
