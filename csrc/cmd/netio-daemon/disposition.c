/* netio-daemon: what a signal would do to a program; see disposition.h. */
#include "disposition.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

/* A shell blocks all signals until what it starts runs, and unblocks them then: only who blocks one
 * each time it is looked at reads it from a descriptor. */
#define LOOKS    10
#define AGAIN_MS 2

enum fate { FATE_ENDS, FATE_WAITS, FATE_LIVES };

static enum fate look(pid_t pid, int signal)
{
    char path[40], line[256];
    uint64_t mask, blocked = 0, handled = 0;
    int known = 0;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return FATE_LIVES;
    while (fgets(line, sizeof line, status)) {
        if (sscanf(line, "SigBlk: %" SCNx64, &mask) == 1)
            blocked = mask;
        else if (sscanf(line, "SigIgn: %" SCNx64, &mask) == 1 ||
                 sscanf(line, "SigCgt: %" SCNx64, &mask) == 1)
            handled |= mask;
        else
            continue;
        known = 1;
    }
    fclose(status);
    if (!known || handled >> (signal - 1) & 1)
        return FATE_LIVES;
    return blocked >> (signal - 1) & 1 ? FATE_WAITS : FATE_ENDS;
}

int disposition_survives(pid_t pid, int signal)
{
    enum fate fate = look(pid, signal);

    for (int n = 1; n < LOOKS && fate == FATE_WAITS; n++) {
        (void)poll(NULL, 0, AGAIN_MS);
        fate = look(pid, signal);
    }
    return fate != FATE_ENDS;
}
