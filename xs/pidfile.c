/* Perl face.  Daemons by their pid files; see pidfile.h.  Called by the class methods of
 * NetIO::Daemon; it sends signals to whoever the kernel says has the file's lock. */
#include "pidfile.h"

#include "args.h"
#include "error.h"
#include "wait.h"

#include <netio/fd.h>
#include <netio/pidfile.h>

#include <errno.h>

#define LOOK_SECONDS 0.5 /* between two looks whether it is halted */

static const char *path_of(pTHX_ struct xs_text *text, const char *method, SV *path)
{
    xs_path_get(aTHX_ text, path);
    TAINT_PROPER(method);
    if (text->len == 0 || !xs_text_whole(text))
        xs_error_throw_word(aTHX_ method, path, "the path of a pid file");
    return text->text;
}

SV *xs_pidfile_find(pTHX_ SV *path)
{
    struct netio_error error;
    struct xs_text text;
    pid_t pid;
    int code = netio_pidfile_find(path_of(aTHX_ & text, "running", path), &pid, NULL, &error);

    if (code == NETIO_ENOTRUNNING)
        return newSV(0);
    if (code != 0)
        xs_error_throw_failure(aTHX_ "running", &error);
    return newSViv((IV)pid);
}

/* A number, or a name as %SIG has it. */
static int signal_of(pTHX_ SV *signal)
{
    struct xs_text name;
    UV number = NSIG;

    xs_text_get(aTHX_ & name, signal);
    if (SvOK(signal) && xs_count_get(aTHX_ & number, signal) && number < NSIG)
        return (int)number;
    int found =
        xs_text_whole(&name) ? whichsig(name.text + (strnEQ(name.text, "SIG", 3) ? 3 : 0)) : -1;
    if (found < 0)
        xs_error_throw_word(aTHX_ "signal", signal, "a signal");
    return found;
}

void xs_pidfile_signal(pTHX_ SV *path, SV *signal)
{
    struct netio_error error;
    struct xs_text text;
    int number = signal_of(aTHX_ signal);

    if (netio_pidfile_signal(path_of(aTHX_ & text, "signal", path), number, &error) != 0)
        xs_error_throw_failure(aTHX_ "signal", &error);
}

static void close_fd(pTHX_ void *fd)
{
    PERL_UNUSED_CONTEXT;
    netio_fd_close(*(int *)fd);
}

/* Until that process has ended; %SIG handlers run meanwhile.  Now and then it is woken up, should
 * it be halted.  0, -ETIMEDOUT or another -errno. */
static int wait_for_end(pTHX_ pid_t pid, int pidfd, netio_deadline deadline)
{
    netio_deadline look = NETIO_NOW;
    int code = 0;

    do {
        if (netio_deadline_passed(look)) {
            code = netio_pidfile_wait(pid, pidfd, NETIO_NOW);
            look = netio_deadline_sooner(deadline, netio_deadline_in(LOOK_SECONDS));
            if (code != -ETIMEDOUT)
                return code;
        }
        code = xs_wait(aTHX_ pidfd, NETIO_READ, look);
        if (code == -EINTR)
            PERL_ASYNC_CHECK();
    } while (code == -EINTR || (code == -ETIMEDOUT && !netio_deadline_passed(deadline)));
    return code < 0 ? code : 0;
}

void xs_pidfile_stop(pTHX_ SV *path, SV *seconds, bool kill)
{
    struct netio_error error;
    struct xs_text text;
    NV left;
    pid_t pid = 0;
    int pidfd = -1;
    int code;

    if (!xs_seconds_get(aTHX_ & left, seconds))
        xs_error_throw_word(aTHX_ "stop", seconds, "a number of seconds");
    netio_deadline deadline = netio_deadline_in(left);
    code = netio_pidfile_find(path_of(aTHX_ & text, "stop", path), &pid, &pidfd, &error);
    ENTER;
    SAVEDESTRUCTOR_X(close_fd, &pidfd);
    if (code == 0)
        code = netio_pidfile_stop(text.text, NETIO_NOW, 0, &error);
    if (code == -ETIMEDOUT)
        code = netio_error_set(&error, NETIO_STAGE_PIDFILE,
                               wait_for_end(aTHX_ pid, pidfd, deadline), NULL, text.text);
    if (code == -ETIMEDOUT && kill)
        code = netio_pidfile_stop(text.text, NETIO_NOW, 1, &error);
    LEAVE;
    if (code != 0 && code != NETIO_ENOTRUNNING)
        xs_error_throw_failure(aTHX_ "stop", &error);
}
