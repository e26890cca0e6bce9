/* Perl face.  Throwing a NetIO::Error.
 *
 * The object is a blessed hash: message, file, line; what (the call that failed), host,
 * service; stage, code, errno, address, elapsed, attempts, as far as they are known.
 * Its accessors and overloads are native, so that it works where no file can be read any
 * more, because no descriptor is left, say. */
#ifndef XS_ERROR_H
#define XS_ERROR_H

#include "perlapi.h"

#include <netio/error.h>

/* A hash with stage, code, errno and, if there is one, address. */
HV *xs_error_new(pTHX_ enum netio_stage stage, int code, const struct netio_addr *address);

/* Adds what failed to a message: "connect 192.0.2.1:43: Connection refused".  A system error wants
 * to know what was being done; NetIO's own codes say it themselves. */
void xs_error_describe(pTHX_ SV *message, enum netio_stage stage, int code,
                       const struct netio_addr *address);

/* One element of attempts; nanoseconds. */
HV *xs_error_attempt(pTHX_ enum netio_stage stage, int code, const struct netio_addr *address,
                     int64_t elapsed);

/* Text from C or from a stranger as a value: characters where it is UTF-8, else bytes. */
SV *xs_error_text(pTHX_ const char *text, STRLEN len);

/* Stores message, file and line of the first caller outside of NetIO, sets $! and dies.
 * Takes hash and message over. */
void xs_error_throw(pTHX_ HV *hash, SV *message) __attribute__((noreturn));

/* Throws of a wrong call: nothing was tried.  what: the function. */
void xs_error_throw_argument(pTHX_ const char *what, enum netio_stage stage, int code, SV *message)
    __attribute__((noreturn));

/* The same of what a call of the library said: "ready: notify: ...". */
void xs_error_throw_failure(pTHX_ const char *what, const struct netio_error *error)
    __attribute__((noreturn));
/* The same where the library has returned nothing but a code.  text: what of, or NULL. */
void xs_error_throw_code(pTHX_ const char *what, enum netio_stage stage, int code, const char *text)
    __attribute__((noreturn));

/* The same of an argument: "signal: 'HOP' is not a signal". */
void xs_error_throw_word(pTHX_ const char *what, SV *word, const char *expected)
    __attribute__((noreturn));

/* What the layer throws: "read 127.0.0.1:43: Connection timed out". */
void xs_error_throw_io(pTHX_ enum netio_stage stage, int code, const struct netio_addr *peer)
    __attribute__((noreturn));

/* NetIO::Error->throw(FIELD => VALUE ...): the items of Perl's stack from ax on, the class
 * first, which the object gets if it is one of errors.  Where errno is not given it comes from
 * code, and message from its text. */
void xs_error_throw_list(pTHX_ I32 ax, I32 items) __attribute__((noreturn));

/* The hash of a method's object; croaks when it is no NetIO::Error. */
HV *xs_error_hash(pTHX_ SV *self);

enum xs_error_field {
    XS_ERROR_MESSAGE,
    XS_ERROR_FILE,
    XS_ERROR_LINE,
    XS_ERROR_WHAT,
    XS_ERROR_HOST,
    XS_ERROR_SERVICE,
    XS_ERROR_STAGE,
    XS_ERROR_CODE,
    XS_ERROR_ERRNO,
    XS_ERROR_ADDRESS,
    XS_ERROR_ELAPSED,
};

/* A new value: the field, or undef. */
SV *xs_error_field(pTHX_ HV *hash, enum xs_error_field field);
int xs_error_code(pTHX_ HV *hash);
/* What was tried, if only an empty array; mortal, or the object's own. */
AV *xs_error_attempts(pTHX_ HV *hash);
/* A new value: "MESSAGE at FILE line N.\n". */
SV *xs_error_string(pTHX_ HV *hash);
/* A new value: "550:Cannot connect(SERVICE://HOST)", as printable ASCII. */
SV *xs_error_reply(pTHX_ HV *hash);

#endif
