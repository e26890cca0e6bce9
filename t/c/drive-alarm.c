/* For t/29-c-alarm-net.t: looks a name up with the C library, under a deadline.
 *
 *      drive-alarm SECONDS HOST        prints what netio_alarm_call and getaddrinfo returned
 */
#include <netio/alarm.h>
#include <netio/error.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

static int look_up(void *data)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET};
    struct addrinfo *list;
    int code = getaddrinfo(data, "whois", &hints, &list);

    if (code == 0)
        freeaddrinfo(list);
    return code;
}

int main(int argc, char **argv)
{
    int result = 0;

    if (argc != 3)
        return puts("1..0 # SKIP a driver for tests in Perl") == EOF;
    const struct netio_alarm_options options = {.deadline = netio_deadline_in(atof(argv[1]))};
    int64_t began = netio_clock_now();
    int code = netio_alarm_call(look_up, argv[2], &options, &result);
    printf("%s %s %.1f\n", netio_error_name(code), result ? gai_strerror(result) : "found",
           (double)(netio_clock_now() - began) / 1e9);
    return 0;
}
