/* t/daemon/netiod-fault-look.c: each call fails that "netiod -t" and "--show" make; see
 * ../c/fault.h.  Whatever fails: what is said is what is always said, or there is an exit code, and
 * a line that says why. */
#include "../c/fault.h"
#include "netiod/start.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <sysexits.h>

#define SAID_MAX 4096

static char folder[] = "/tmp/netiod-look-XXXXXX", path[sizeof folder + 8];
static char always[SAID_MAX]; /* what is said when nothing fails */
static struct report report;
static int show;

/* What comes on standard output and error while it runs. */
static int capture(int (*run)(void), char said[SAID_MAX])
{
    fault_off();
    int file = memfd_create("said", MFD_CLOEXEC);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    fflush(stdout);
    if (dup2(file, STDOUT_FILENO) == -1 || dup2(file, STDERR_FILENO) == -1)
        exit(1);
    fault_on();
    int code = run();
    fault_off();
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    ssize_t len = pread(file, said, SAID_MAX - 1, 0);
    said[len > 0 ? len : 0] = '\0';
    close(file);
    close(out);
    close(err);
    fault_on();
    return code;
}

static int look(void)
{
    const char *paths[] = {path};
    const struct options options = {
        .config = {.paths = paths, .paths_count = 1}, .test = !show, .show = show};

    return start(&options, &report);
}

static int try_look(void)
{
    char said[SAID_MAX];
    int lost = fault.call == FAULT_write; /* a line on standard error: nowhere is left to say so */
    int code = capture(look, said);

    if (code == EX_OK ? lost || strcmp(said, always) == 0 : strncmp(said, "netiod: ", 8) == 0)
        return 0;
    diag("exit code %d: %s", code, said);
    return 1;
}

/* Root may not become anybody any more, either: then there is always a warning. */
static void give_up(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) == -1)
        exit(1);
    data[0].effective &= ~(1u << CAP_SETUID | 1u << CAP_SETGID);
    if (syscall(SYS_capset, &header, data) == -1)
        exit(1);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/conf", folder);
    FILE *file = fopen(path, "w");
    if (!file || fputs("127.0.0.1:7001 stream tcp nowait nobody /bin/cat cat\n", file) < 0 ||
        fclose(file) != 0 || report_open(&report, "netiod") != 0)
        return 1;
    give_up();
    for (show = 0; show < 2; show++) {
        is_int(capture(look, always), EX_OK, "%s", show ? "--show" : "-t");
        ok(strstr(always, "may not become it (setgroups)") != NULL, "... with a warning");
        ok(!strstr(always, "\n    listen ") == !show, "... and what was read, if asked for");
        fault_walk(show ? "--show" : "-t", try_look);
    }
    report_close(&report);
    unlink(path);
    rmdir(folder);
    return tap_done();
}
