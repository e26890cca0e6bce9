/* daemon/common: values of options, on a command line or in a file.
 *
 * Called by the options of each daemon.  Each returns NULL, or what is wrong with the text.
 */
#ifndef DAEMON_VALUES_H
#define DAEMON_VALUES_H

#include <netio/limit.h>

/* Digits, and a point among them; above 0, up to a day. */
const char *values_seconds(double *seconds, const char *text);
/* From 1 to a million. */
const char *values_count(unsigned *count, const char *text);
/* "10" a second, "100/60" in as many seconds. */
const char *values_rate(struct netio_rate *rate, const char *text);
/* "32/64": of IPv4, and of IPv6. */
const char *values_bits(struct netio_limit_options *limits, const char *text);
/* Digits from 1 to most, up to the character end or the end of the text; whether it is that. */
int values_parse(unsigned *count, const char *text, char end, unsigned most);
/* A listen address (netio/listener.h) of streams. */
const char *values_stream(const char *text);
/* Where to log to: syslog, stderr, or a path. */
const char *values_log(const char **log, const char *text);
/* Whether such a target, or NULL, is a path. */
int values_is_path(const char *log);

#endif
