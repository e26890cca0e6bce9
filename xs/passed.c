/* Perl face.  Sockets passed; see passed.h.  Called by NetIO::Server::Processes and by daemon.c; it
 * touches descriptor 0 when that is a socket, and the environment. */
#include "passed.h"

#include "error.h"
#include "handle.h"
#include "request.h"

#include <netio/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Many a shell or remote command has one end of a socketpair for its input: that has no address.
 * Inside of a request, input is the peer. */
static bool is_given(void)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;

    if (xs_request_runs() || getsockname(STDIN_FILENO, (struct sockaddr *)&address, &len) == -1)
        return false;
    if (address.ss_family != AF_UNIX)
        return netio_activation_check(STDIN_FILENO) != -EINVAL;
    return len > offsetof(struct sockaddr_un, sun_path);
}

static int take_input(void)
{
    return is_given() ? netio_activation_input_take() : -ENOTSOCK;
}

AV *xs_passed_take(pTHX)
{
    AV *list = (AV *)sv_2mortal((SV *)newAV());
    struct netio_activation passed;
    struct netio_error error;

    if (netio_activation_take(&passed, &error) != 0)
        xs_error_throw_failure(aTHX_ "run", &error);
    for (size_t i = 0; i < passed.count; i++)
        av_push(list, newSViv(NETIO_ACTIVATION_FIRST + (IV)i));
    if (passed.count > 0)
        return list;
    int fd = take_input();
    if (fd >= 0)
        av_push(list, newSViv(fd));
    else if (fd != -ENOTSOCK)
        xs_error_throw_code(aTHX_ "run", NETIO_STAGE_LISTEN, fd, "standard input");
    return list;
}

int xs_passed_copy(pTHX_ int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    if (copy == -1)
        croak("descriptor %d: %s", fd, Strerror(errno));
    return copy;
}

bool xs_passed_listens(int fd)
{
    int code = netio_activation_check(fd);

    return code == 0 || code == -ESOCKTNOSUPPORT;
}

AV *xs_passed_handles(pTHX_ struct netio_activation *passed, const struct xs_text *wanted)
{
    AV *handles = (AV *)sv_2mortal((SV *)newAV());

    for (size_t i = 0; i < passed->count; i++) {
        int fd = NETIO_ACTIVATION_FIRST + (int)i;
        char *own = passed->names[i];
        if (!*own || (wanted && !xs_text_is(wanted, own)))
            continue;
        *own = '\0';
        (void)netio_fd_nonblock(fd, 0); /* as all of Perl's are */
        SV *handle = xs_handle_empty(aTHX_ gv_stashpvs("NetIO::Socket", GV_ADD));
        av_push(handles, handle);
        xs_handle_open_take(aTHX_ xs_handle_gv(aTHX_ handle), fd);
    }
    return handles;
}
