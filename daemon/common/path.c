/* daemon/common: paths that stay true when the daemon works in another folder; see path.h.
 * Called by daemons; path_absolute reads the folder they are in. */
#include "path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *path_absolute(const char *path)
{
    char *absolute = NULL;

    if (path[0] == '/')
        return strdup(path);
    char *folder = getcwd(NULL, 0);
    if (folder && asprintf(&absolute, "%s/%s", folder, path) == -1)
        absolute = NULL;
    free(folder);
    return absolute;
}

char *path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

char *path_program(void)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    return len > 0 ? strndup(path, (size_t)len) : NULL;
}
