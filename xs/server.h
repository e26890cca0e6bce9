/* Perl face.  NetIO::Server: the engine of netio/server.h with handlers in Perl.
 *
 * An object is a hash, for subclasses to keep their things in, and has a struct xs_server by magic.
 * It is made of options, opens its addresses when it starts (run, step and fileno see to that), and
 * is one process's and one thread's: a fork's child or a thread has nothing of it.  The engine and
 * what the handlers need outlive the object if it goes while the engine runs. */
#ifndef XS_SERVER_H
#define XS_SERVER_H

#include "event.h"
#include "perlapi.h"

#include <netio/server.h>

struct xs_connection;
struct xs_timer;

struct xs_server {
    struct netio_server *engine; /* NULL: not started */
    HV *object;                  /* not counted; NULL once it has gone */
    void *perl;                  /* the interpreter */
    pid_t process;
    unsigned forks; /* xs_forks of that process */
    CV *on[XS_EVENTS];
    void (*serve)(struct netio_conn *conn, int fd); /* in the place of on_serve's code; NULL */
    HV *connections;                                /* the class of their objects */
    SV *argument;                                   /* the text of an event, used again and again */
    const struct xs_connection *speaking;           /* whose line or octets argument is */
    size_t unread;                                  /* of the octets that on_data has got */
    unsigned users; /* the object, and calls of the engine that are running */
    bool exiting;   /* code has called exit: none is called any more */
    struct xs_timer *timers;
    struct netio_server_options options;
    struct netio_access *access;
    struct netio_access *access_before; /* to go back to, if access_begun */
    bool access_begun;
    struct netio_limit_options limits;
    struct netio_limit *limit;
    AV *held; /* owns the texts of the options */
};

/* NetIO::Server->new(OPTION => VALUE, ...): the items of the stack from ax on, the class first. */
SV *xs_server_new(pTHX_ I32 ax, I32 items);
/* Of a method's object; croaks when it is none. */
struct xs_server *xs_server_get(pTHX_ SV *self);

/* Each throws what went wrong. */
void xs_server_open(pTHX_ SV *self);
void xs_server_listen(pTHX_ SV *self, SV *address);
/* Connection or listener: the engine owns the descriptor from now on. */
void xs_server_listen_take(pTHX_ SV *self, int fd);
void xs_server_serve_take(pTHX_ SV *self, int fd);
/* Until all is done. */
void xs_server_run(pTHX_ SV *self);
/* seconds: at most so long; NULL: what is to be done now.  How many handlers ran. */
int xs_server_step(pTHX_ SV *self, SV *seconds);
/* Model signal: runs the handlers of what has come since; how many.  The first one has SIGIO raised
 * from then on, of which $SIG{IO} hears as well. */
int xs_server_safepoint(pTHX_ SV *self);
int xs_server_fileno(pTHX_ SV *self);
void xs_server_stop(pTHX_ SV *self, SV *seconds);
AV *xs_server_addresses(pTHX_ SV *self); /* mortal */
SV *xs_server_status(pTHX_ SV *self);

/* The started server of a method's object. */
struct xs_server *xs_server_started(pTHX_ SV *self);

/* --- server_access.c */

/* Other rules from now on: options as new has them, from the stack. */
void xs_server_set_access(pTHX_ I32 ax, I32 items);
/* Rules that are set after begin are the rules when they are kept, and otherwise were none. */
void xs_server_access_begin(pTHX_ SV *self);
void xs_server_access_end(pTHX_ SV *self, bool keep);

#endif
