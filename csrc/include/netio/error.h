/* netio/error.h: how every call of libnetio says that it failed (ring 0).
 *
 * A call returns 0 or a descriptor, or a negative code: -errno, or one of the
 * codes below -1000 in NETIO_ERROR_LIST.  Calls that take a struct netio_error
 * also fill in where it failed and at which address; the pointer may be NULL.
 * The library prints nothing and never exits.
 *
 * Fork and signals: no state; every function here but netio_error_str is
 * async-signal-safe.
 */
#ifndef NETIO_ERROR_H
#define NETIO_ERROR_H

#include <netio/addr.h>
#include <stddef.h>

/* The one list: X(name, code, nearest errno, text).  The enum below, the names
 * and texts, the Perl constants and the table in the manual all come from it. */
#define NETIO_ERROR_LIST(X)                                                                        \
    X(EOF, -1001, ECONNRESET, "closed by the other end")                                           \
    X(TOOLONG, -1002, EMSGSIZE, "longer than the limit")                                           \
    X(NONAME, -1003, EHOSTUNREACH, "host not found")                                               \
    X(NOADDRESS, -1004, EHOSTUNREACH, "host has no address of the wanted family")                  \
    X(RESOLVER, -1005, EHOSTUNREACH, "name service failed")                                        \
    X(BADHOST, -1006, EINVAL, "not a valid host name")                                             \
    X(BADSERVICE, -1007, EINVAL, "unknown service")                                                \
    X(BADADDRESS, -1008, EINVAL, "not a valid address")                                            \
    X(BADNETWORK, -1009, EINVAL, "not a valid network")                                            \
    X(BADOPTION, -1010, EINVAL, "not a valid option")                                              \
    X(SELFCONNECT, -1011, ECONNREFUSED, "connected to itself")                                     \
    X(FULL, -1012, ENOBUFS, "no room left")                                                        \
    X(PRIVILEGE, -1013, EACCES, "reserved ports need the privilege CAP_NET_BIND_SERVICE")          \
    X(RESERVED, -1014, EADDRINUSE, "all reserved ports, 1023 down to 512, are taken")              \
    X(NOIDN, -1015, ELIBACC, "host names beyond ASCII need libidn2")                               \
    X(RUNNING, -1016, EEXIST, "already running")                                                   \
    X(NOTRUNNING, -1017, ESRCH, "not running")                                                     \
    X(STARTING, -1018, EAGAIN, "starting, and not ready yet")                                      \
    X(BADPIDFILE, -1019, EINVAL, "not a pid file")                                                 \
    X(UNSAFE, -1020, EPERM, "not safe: others may change it")                                      \
    X(DIED, -1021, ECHILD, "ended before it was ready")                                            \
    X(NOUSER, -1022, ENOENT, "no such user")                                                       \
    X(NOGROUP, -1023, ENOENT, "no such group")                                                     \
    X(LIED, -1024, EPERM, "reported success without effect")                                       \
    X(REGAIN, -1025, EPERM, "privileges given up could be regained")                               \
    X(NOSANDBOX, -1026, ENOSYS, "not offered by this kernel")                                      \
    X(LEFT, -1027, EBUSY, "held by what a daemon has left behind")                                 \
    X(INIT, -1028, EPERM, "process 1 has no successor: all others end with it")                    \
    X(NOTFILE, -1029, EINVAL, "not a regular file")                                                \
    X(NORULE, -1030, ENODATA, "no rule in it")

enum netio_code {
#define NETIO_X(name, code, sys, text) NETIO_E##name = code,
    NETIO_ERROR_LIST(NETIO_X)
#undef NETIO_X
};

/* What was being done when it failed: X(name, word). */
#define NETIO_STAGE_LIST(X)                                                                        \
    X(NONE, "")                                                                                    \
    X(OPTION, "option")                                                                            \
    X(RESOLVE, "resolve")                                                                          \
    X(SERVICE, "service")                                                                          \
    X(SOCKET, "socket")                                                                            \
    X(BIND, "bind")                                                                                \
    X(LISTEN, "listen")                                                                            \
    X(ACCEPT, "accept")                                                                            \
    X(CONNECT, "connect")                                                                          \
    X(READ, "read")                                                                                \
    X(WRITE, "write")                                                                              \
    X(CLOSE, "close")                                                                              \
    X(TIMEOUT, "timeout")                                                                          \
    X(USER, "user")                                                                                \
    X(GROUP, "group")                                                                              \
    X(PRIVILEGES, "privileges")                                                                    \
    X(SANDBOX, "sandbox")                                                                          \
    X(PIDFILE, "pid file")                                                                         \
    X(DAEMONIZE, "daemonize")                                                                      \
    X(NOTIFY, "notify")                                                                            \
    X(CHILD, "child")                                                                              \
    X(EXEC, "exec")

enum netio_stage {
#define NETIO_X(name, word) NETIO_STAGE_##name,
    NETIO_STAGE_LIST(NETIO_X)
#undef NETIO_X
};

struct netio_error {
    int code;                  /* negative; 0: nothing failed */
    enum netio_stage stage;    /* what was being done */
    struct netio_addr address; /* the address it was done to; len 0: none */
    char subject[128];         /* the host, service, option or path at fault, made printable */
};

/* Fills *error (which may be NULL) and returns code, so that a caller can
 * `return netio_error_set(...)`.  address and subject may be NULL.  subject is
 * cut to fit, and made printable as netio_text_safe does. */
int netio_error_set(struct netio_error *error, enum netio_stage stage, int code,
                    const struct netio_addr *address, const char *subject);

/* Fixed English text of a code, "Connection refused" or "host not found"; never NULL. */
const char *netio_error_text(int code);
/* Symbol of a code, "ECONNREFUSED" or "NETIO_ENONAME"; "UNKNOWN" for none; never NULL. */
const char *netio_error_name(int code);
/* The errno nearest to a code: -code for a system error, the list's otherwise. */
int netio_error_errno(int code);
/* "connect", "resolve", ...; "" for NETIO_STAGE_NONE; never NULL. */
const char *netio_stage_str(enum netio_stage stage);
/* Writes "connect 127.0.0.1:79: Connection refused" to out, cut to size bytes
 * with its NUL; returns out.  640 bytes hold every text. */
char *netio_error_str(const struct netio_error *error, char *out, size_t size);

#endif
