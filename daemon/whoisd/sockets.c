/* whoisd: the sockets that whoever started it has passed to it; see sockets.h.
 * Called by start.c; it looks at descriptors and at the environment. */
#include "sockets.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

static int fail(struct sockets *sockets, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct sockets *sockets, int exit_code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(sockets->fault, sizeof sockets->fault, format, args);
    va_end(args);
    return exit_code;
}

static const char *why_not(int code)
{
    switch (code) {
    case -ENOTSOCK:
        return "not a socket";
    case -ESOCKTNOSUPPORT:
        return "a datagram socket";
    case -EISCONN:
        return "a connection, but not the only socket";
    case -EINVAL:
        return "a socket that neither listens nor is connected";
    default:
        return netio_error_text(code);
    }
}

/* A connection alone is what systemd.socket(5) passes with Accept=yes. */
static int take_passed(struct sockets *sockets, const struct netio_activation *passed)
{
    sockets->manager = 1;
    sockets->input = STANDARD_INPUT_LISTENING;
    for (size_t i = 0; i < passed->count; i++) {
        int fd = NETIO_ACTIVATION_FIRST + (int)i, code = netio_activation_check(fd);
        if (code == -EISCONN && passed->count == 1)
            sockets->input = STANDARD_INPUT_CONNECTED;
        else if (code != 0)
            return fail(sockets, EX_USAGE, "descriptor %d (%s) of the service manager: %s", fd,
                        passed->names[i], why_not(code));
        sockets->fd[sockets->count++] = fd;
    }
    return EX_OK;
}

static int take_input(struct sockets *sockets)
{
    int fd;

    sockets->input = standard_input_kind();
    switch (sockets->input) {
    case STANDARD_INPUT_DATAGRAM:
        return fail(sockets, EX_USAGE, "standard input is a datagram socket");
    case STANDARD_INPUT_GONE:
        return fail(sockets, EX_OK, "the client left before it was served");
    case STANDARD_INPUT_CONNECTED:
    case STANDARD_INPUT_LISTENING:
        fd = netio_activation_input_take();
        if (fd < 0)
            return fail(sockets, EX_OSERR, "standard input: %s", netio_error_text(fd));
        sockets->fd[sockets->count++] = fd;
        return EX_OK;
    default:
        return EX_OK;
    }
}

int sockets_take(struct sockets *sockets, int own)
{
    struct netio_activation passed;
    struct netio_error error;
    char text[640];

    *sockets = (struct sockets){.input = STANDARD_INPUT_OTHER};
    if (netio_activation_take(&passed, &error) != 0)
        return fail(sockets, EX_USAGE, "%s", netio_error_str(&error, text, sizeof text));
    if (passed.count > 0 && own)
        return fail(sockets, EX_USAGE, "--listen: the service manager has passed sockets to serve");
    if (passed.count > 0)
        return take_passed(sockets, &passed);
    return own ? EX_OK : take_input(sockets);
}
