/* t/c/tap.h: the C tests speak TAP with this and nothing else.
 *
 *      int main(void)
 *      {
 *          is_int(netio_deadline_ms(NETIO_NEVER), -1, "no deadline waits for ever");
 *          return tap_done();
 *      }
 *
 * Every check takes a printf format as the name of the test, returns whether it passed, and
 * says file, line and both values when it failed.  A program that has not finished after two
 * minutes is killed by SIGALRM, and its children die with it.  A forked child may check
 * nothing: it says with its exit code what it found.
 */
#ifndef TAP_H
#define TAP_H

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define TAP_SECONDS 300
#define TAP_FORMAT(n) __attribute__((unused, format(printf, n, n + 1)))

static int tap_count, tap_failed;

#define ok(condition, ...) tap_ok(!!(condition), __FILE__, __LINE__, __VA_ARGS__)
#define pass(...) tap_ok(1, __FILE__, __LINE__, __VA_ARGS__)
#define fail(...) tap_ok(0, __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                                     \
    tap_is_int((long long)(got), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)
/* Bytes and their number, NULs included. */
#define is_mem(got, got_len, want, want_len, ...)                                                  \
    tap_is_mem((got), (got_len), (want), (want_len), __FILE__, __LINE__, __VA_ARGS__)

/* A child that outlived its test would hold the pipe to prove, and prove would wait for it.  A test of
 * daemons, whose parents end, sees to that itself. */
static int tap_daemons;

static void tap_child(void)
{
    if (!tap_daemons)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Lines are flushed one by one, so that a fork never prints one twice. */
__attribute__((constructor)) static void tap_begin(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_atfork(NULL, NULL, tap_child);
    alarm(TAP_SECONDS);
}

__attribute__((format(printf, 4, 0)))
static int tap_vok(int passed, const char *file, int line, const char *format, va_list args)
{
    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    vprintf(format, args);
    putchar('\n');
    if (!passed) {
        tap_failed++;
        printf("#   failed at %s:%d\n", file, line);
    }
    return passed;
}

TAP_FORMAT(4) static int tap_ok(int passed, const char *file, int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_vok(passed, file, line, format, args);
    va_end(args);
    return passed;
}

TAP_FORMAT(5)
static int tap_is_int(long long got, long long want, const char *file, int line,
                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!tap_vok(got == want, file, line, format, args))
        printf("#   got %lld, expected %lld\n", got, want);
    va_end(args);
    return got == want;
}

/* Prints bytes as a C string would have them, so that no test output breaks the TAP. */
static void tap_bytes(const char *word, const void *data, size_t len)
{
    const unsigned char *p = data;

    printf("#   %s ", word);
    if (data == NULL)
        printf("NULL\n");
    else {
        putchar('"');
        for (; len > 0; len--, p++)
            if (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
                putchar(*p);
            else
                printf("\\x%02x", *p);
        printf("\"\n");
    }
}

TAP_FORMAT(7)
static int tap_is_mem(const void *got, size_t got_len, const void *want, size_t want_len,
                      const char *file, int line, const char *format, ...)
{
    int same = got == want || (got != NULL && want != NULL);
    va_list args;

    same = same && got_len == want_len && (got == want || memcmp(got, want, want_len) == 0);
    va_start(args, format);
    if (!tap_vok(same, file, line, format, args)) {
        tap_bytes("got     ", got, got_len);
        tap_bytes("expected", want, want_len);
    }
    va_end(args);
    return same;
}

TAP_FORMAT(5)
static int tap_is_str(const char *got, const char *want, const char *file, int line,
                      const char *format, ...)
{
    size_t got_len = got == NULL ? 0 : strlen(got);
    size_t want_len = want == NULL ? 0 : strlen(want);
    int same = got_len == want_len && (got == NULL) == (want == NULL);
    va_list args;

    same = same && (got == NULL || memcmp(got, want, want_len) == 0);
    va_start(args, format);
    if (!tap_vok(same, file, line, format, args)) {
        tap_bytes("got     ", got, got_len);
        tap_bytes("expected", want, want_len);
    }
    va_end(args);
    return same;
}

/* A remark in the output. */
TAP_FORMAT(1) static void diag(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("# ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

/* n tests that cannot be run here, and why. */
TAP_FORMAT(2) static void skip(int n, const char *format, ...)
{
    va_list args;

    for (; n > 0; n--) {
        va_start(args, format);
        printf("ok %d # SKIP ", ++tap_count);
        vprintf(format, args);
        putchar('\n');
        va_end(args);
    }
}

/* The whole program cannot be run here; call it before the first check. */
TAP_FORMAT(1) static void skip_all(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("1..0 # SKIP ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    exit(0);
}

/* Prints the plan; main returns what it returns. */
static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed == 0 ? 0 : 1;
}

#endif
