/* t/c/drive.h: what the drivers for tests in Perl have in common: options, and what a call left. */
#ifndef DRIVE_H
#define DRIVE_H

#include "descriptors.h"
#include "late.h"
#include "storm.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct drive {
    double seconds; /* -t; 0: no deadline */
    int family;     /* -4, -6 */
    int times;      /* -r */
    rlim_t files;   /* -n, descriptors at most; 0: no limit */
    int before;     /* drive_begin's */
    int64_t started;
    struct rlimit limit;
};

/* One option of getopt(3); -s begins a storm of signals.  0, or -1 for one that is not common. */
static int drive_option(struct drive *drive, int option)
{
    switch (option) {
    case '4':
        drive->family = AF_INET;
        return 0;
    case '6':
        drive->family = AF_INET6;
        return 0;
    case 't':
        drive->seconds = atof(optarg);
        return 0;
    case 'n':
        drive->files = (rlim_t)atoi(optarg);
        return 0;
    case 'r':
        drive->times = atoi(optarg);
        return 0;
    case 's':
        storm_begin(200);
        return 0;
    default:
        return -1;
    }
}

static netio_deadline drive_deadline(const struct drive *drive)
{
    return drive->seconds > 0 ? netio_deadline_in(drive->seconds) : NETIO_NEVER;
}

static void drive_begin(struct drive *drive)
{
    struct rlimit few;

    drive->before = open_descriptors();
    drive->started = netio_clock_now();
    getrlimit(RLIMIT_NOFILE, &drive->limit);
    few = drive->limit;
    if (drive->files)
        few.rlim_cur = drive->files;
    setrlimit(RLIMIT_NOFILE, &few);
}

/* "elapsed MICROSECONDS", and "left N" for descriptors that were not closed. */
static void drive_end(const struct drive *drive)
{
    (void)tap_done;
    setrlimit(RLIMIT_NOFILE, &drive->limit);
    printf("elapsed %lld\n", late(drive->started, 0));
    printf("left %d\n", open_descriptors() - drive->before);
}

#endif
