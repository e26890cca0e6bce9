/* netio-daemon: what a signal would do to a program; see disposition.h. */
#include "disposition.h"

#include <inttypes.h>
#include <stdio.h>

int disposition_survives(pid_t pid, int signal)
{
    char path[40], line[256];
    uint64_t mask, all = 0;
    int known = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return 1;
    while (fgets(line, sizeof line, status)) {
        if (sscanf(line, "SigBlk: %" SCNx64, &mask) == 1 ||
            sscanf(line, "SigIgn: %" SCNx64, &mask) == 1 ||
            sscanf(line, "SigCgt: %" SCNx64, &mask) == 1) {
            all |= mask;
            known = 1;
        }
    }
    fclose(status);
    return !known || (all >> (signal - 1) & 1);
}
