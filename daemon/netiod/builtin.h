/* netiod: what its built-in services say.
 *
 * Called by builtin.c and builtin_datagram.c, and by tests.  Pure: no clock, no I/O; the zone of
 * daytime is the process's.
 */
#ifndef NETIOD_BUILTIN_H
#define NETIOD_BUILTIN_H

#include <stddef.h>
#include <time.h>

#define BUILTIN_DAYTIME 64 /* room for any of its answers */
#define BUILTIN_TIME    4
/* The printing characters of ASCII, which lines of chargen begin with in turn. */
#define BUILTIN_CHARS 95
#define BUILTIN_LINE  74 /* bytes of such a line: 72 and its end */

/* RFC 867: "Sun Nov 22 15:04:05 2026", as other inetds write it, and CRLF.  Its length; 0 for a
 * time that is none. */
size_t builtin_daytime(char out[BUILTIN_DAYTIME], time_t now);
/* RFC 868: seconds since 1900, big-endian, of which the last 32 bits are sent: in 2036 they begin
 * anew, and a client that knows the century goes on. */
void builtin_time(unsigned char out[BUILTIN_TIME], time_t now);
/* RFC 864: the line of chargen that begins with character number first; the number of the next
 * one. */
unsigned builtin_chargen(char out[BUILTIN_LINE], unsigned first);

#endif
