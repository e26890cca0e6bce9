/* netiod: the files of its configuration, and the folders that hold them; see config_reader.h.
 * Called by config.c and, for .include, by itself. */
#include "config_reader.h"

#include "common/slurp.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  ((size_t)16 << 20) /* bytes */
#define DEPTH_MAX 16                 /* files that include each other */

/* What editors and package managers leave behind. */
static int is_left_over(const char *name)
{
    size_t len = strlen(name);

    return *name == '.' || (len && name[len - 1] == '~') || strstr(name, ".dpkg-") ||
           strstr(name, ".rpm");
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int includes_itself(const struct reader_file *file)
{
    for (const struct reader_file *above = file->above; above; above = above->above)
        if (above->device == file->device && above->inode == file->inode)
            return 1;
    return 0;
}

/* What it is that cannot be read, if that is no file; a socket cannot even be opened. */
static const char *no_file(const char *path)
{
    struct stat st;

    if (stat(path, &st) == -1 || S_ISREG(st.st_mode))
        return NULL;
    return S_ISFIFO(st.st_mode)   ? "a FIFO; a file or a folder is wanted"
           : S_ISSOCK(st.st_mode) ? "a socket; a file or a folder is wanted"
           : S_ISDIR(st.st_mode)  ? "a folder; a file is wanted"
                                  : "a device; a file or a folder is wanted";
}

/* line: of the one that includes it; 0 when it was named to netiod. */
static void read_file(struct reader *reader, const char *path, unsigned line)
{
    const struct reader_file *above = reader->file;
    struct reader_file file = {.above = above,
                               .depth = above ? above->depth + 1 : 0,
                               .hosts = above ? above->hosts : NULL,
                               .line = 1};
    struct stat st;
    size_t size;

    file.name = arena_string(&reader->config->own->arena, path);
    char *text = file.name ? slurp(path, FILE_MAX, &size, &st) : NULL;
    if (!text) {
        const char *error = strerror(errno), *what = no_file(path);
        reader_fault(reader, line, "%s: %s", path, what ? what : error);
        return;
    }
    file.device = st.st_dev;
    file.inode = st.st_ino;
    reader->no_more |= includes_itself(&file) || file.depth > DEPTH_MAX;
    if (includes_itself(&file))
        reader_fault(reader, line, "%s includes itself", path);
    else if (file.depth > DEPTH_MAX)
        reader_fault(reader, line, "%s: more than %d files deep", path, DEPTH_MAX);
    else {
        reader->file = &file;
        if (size == 0)
            reader_warn(reader, 0, "the file is empty");
        text_read(reader, &file, text, size);
        reader->file = above;
    }
    free(text);
}

/* All that match, in the order of their names.  Returns how many. */
static size_t read_matches(struct reader *reader, const char *pattern, unsigned line)
{
    glob_t found = {0};
    size_t count = 0;
    int code = glob(pattern, GLOB_MARK, NULL, &found);

    if (code == GLOB_NOSPACE)
        reader->scratch.failed = 1;
    for (size_t i = 0; code == 0 && i < found.gl_pathc && !reader->no_more; i++) {
        const char *path = found.gl_pathv[i];
        if (path[strlen(path) - 1] == '/' || is_left_over(last_part(path)))
            continue;
        read_file(reader, path, line);
        count++;
    }
    globfree(&found);
    return count;
}

/* "path" relative to the file that says it. */
static char *beside(struct reader *reader, const char *path)
{
    const char *name = reader->file->name, *slash = strrchr(name, '/');
    size_t len = *path == '/' || !slash ? 0 : (size_t)(slash - name) + 1;
    char *whole = arena_get(&reader->scratch, len + strlen(path) + 1);

    if (whole)
        sprintf(whole, "%.*s%s", (int)len, name, path);
    return whole;
}

void include_read(struct reader *reader, const char *path, unsigned line)
{
    char *whole = beside(reader, path);

    if (reader->no_more)
        return;
    if (reader->alone)
        reader_fault(reader, line, ".include is not for this file");
    else if (!*path)
        reader_fault(reader, line, ".include without a path");
    else if (whole && read_matches(reader, whole, line) == 0 && !strpbrk(path, "*?["))
        reader_fault(reader, line, "%s: nothing there to include", path);
}

/* ---- what was named to netiod --------------------------------------------------------------- */

static int is_wanted(const struct dirent *entry)
{
    return !is_left_over(entry->d_name);
}

static int by_name(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

static void read_folder(struct reader *reader, const char *path)
{
    struct dirent **entries;
    char whole[PATH_MAX];
    struct stat st;
    int count = scandir(path, &entries, is_wanted, by_name);

    if (count < 0)
        reader_fault(reader, 0, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        snprintf(whole, sizeof whole, "%s/%s", path, entries[i]->d_name);
        if (stat(whole, &st) == -1 || !S_ISDIR(st.st_mode))
            read_file(reader, whole, 0);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

void sources_read(struct reader *reader, const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        read_folder(reader, path);
    else
        read_file(reader, path, 0);
}
