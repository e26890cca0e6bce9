/* Many starters of one daemon (C3, libdaemon 2): 1,000 times two at once, of whom exactly one wins,
 * whatever the last one left; and a crowd that starts and ends without a pause, of whom never two
 * have the file. */
#include "tap.h"
#include <netio/pidfile.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROUNDS 1000
#define CROWD  4
#define TURNS  1000

static char folder[] = "/tmp/netio-race-XXXXXX";
static char path[64];

struct outcome {
    pid_t pid;
    int code;
};

/* Waits until the other end is closed. */
static void wait_for(const int wires[2])
{
    char c;

    close(wires[1]);
    if (read(wires[0], &c, 1) != 0)
        _exit(2);
}

/* Tells who has won; the winner goes on until he may end. */
static void race(const int go[2], const int end[2], int tell)
{
    struct netio_pidfile *file = NULL;
    struct outcome outcome = {.pid = getpid()};

    wait_for(go);
    outcome.code = netio_pidfile_lock(&file, path, NULL);
    if (!outcome.code)
        outcome.code = netio_pidfile_write(file, NULL);
    if (write(tell, &outcome, sizeof outcome) != sizeof outcome)
        _exit(3);
    wait_for(end);
    netio_pidfile_remove(file);
    _exit(0);
}

/* What is there before the round. */
static void prepare(int round)
{
    /* 0, 1: nothing, or what the one before left when it was killed; 2, 3: another program's. */
    if (round % 4 < 2)
        return;
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd == -1 || write(fd, "4194303\n", round % 4 == 2 ? 0 : 8) == -1)
        abort();
    close(fd);
}

/* Whether it went as it should. */
static int one_round(int round)
{
    struct outcome outcomes[2];
    int go[2], end[2], tell[2], winners = 0, good = 0;
    pid_t racers[2], found = 0;

    prepare(round);
    if (pipe(go) == -1 || pipe(end) == -1 || pipe(tell) == -1)
        abort();
    for (int i = 0; i < 2; i++)
        if ((racers[i] = fork()) == 0)
            race(go, end, tell[1]);
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < 2; i++)
        if (read(tell[0], &outcomes[i], sizeof *outcomes) != sizeof *outcomes)
            abort();
    int asked = netio_pidfile_find(path, &found, NULL, NULL);
    for (int i = 0; i < 2; i++)
        if (outcomes[i].code == 0) {
            winners++;
            good += asked == 0 && found == outcomes[i].pid;
        } else
            good += outcomes[i].code == NETIO_ERUNNING || outcomes[i].code == NETIO_ESTARTING;
    if (round % 2)
        kill(found, SIGKILL);
    for (int i = 0; i < 2; i++) {
        close(tell[i]);
        close(end[i]);
    }
    for (int i = 0; i < 2; i++)
        waitpid(racers[i], NULL, 0);
    if (winners == 1 && good == 2)
        return 1;
    diag("round %d: %s and %s; find says %s", round, netio_error_name(outcomes[0].code),
         netio_error_name(outcomes[1].code), netio_error_name(asked));
    return 0;
}

struct count {
    atomic_int inside, wins, double_wins, strange;
};

/* Starts and ends again and again, each time in another way. */
static void crowd(struct count *count)
{
    for (int turn = 0; turn < TURNS; turn++) {
        struct netio_pidfile *file = NULL;
        struct stat mine, there;
        int code = netio_pidfile_lock(&file, path, NULL);
        if (code) {
            count->strange += code != NETIO_ERUNNING && code != NETIO_ESTARTING;
            continue;
        }
        count->double_wins += atomic_fetch_add(&count->inside, 1) != 0;
        count->wins++;
        count->strange += turn % 3 && netio_pidfile_write(file, NULL) != 0;
        count->strange += fstat(netio_pidfile_fd(file), &mine) == -1 || lstat(path, &there) == -1 ||
                          mine.st_ino != there.st_ino;
        atomic_fetch_sub(&count->inside, 1);
        if (turn % 5 == 0)
            netio_pidfile_forget(file);
        else
            netio_pidfile_remove(file);
    }
    _exit(0);
}

static void test_crowd(void)
{
    struct count *count =
        mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[CROWD];
    int ended = 0;

    if (count == MAP_FAILED)
        abort();
    for (int i = 0; i < CROWD; i++)
        if ((pids[i] = fork()) == 0)
            crowd(count);
    for (int i = 0, status; i < CROWD; i++)
        ended += waitpid(pids[i], &status, 0) == pids[i] && status == 0;
    is_int(ended, CROWD, "a crowd of %d, %d times each", CROWD, TURNS);
    ok(count->wins > 0, "some got the file");
    is_int(count->double_wins, 0, "never two at a time");
    is_int(count->strange, 0, "no other error, and always the file that is there");
    diag("%d times", (int)count->wins);
    munmap(count, sizeof *count);
}

int main(void)
{
    int good = 0;

    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/x.pid", folder);
    for (int round = 0; round < ROUNDS; round++)
        good += one_round(round);
    is_int(good, ROUNDS, "C3 libdaemon 2: two starters, %d times: exactly one wins", ROUNDS);
    test_crowd();
    unlink(path);
    is_int(rmdir(folder), 0, "nothing is left");
    return tap_done();
}
