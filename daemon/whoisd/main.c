/* whoisd: answers whois queries from a directory.
 * Parse, look how it was started, build, run. */
#include "options.h"
#include "service.h"
#include "once.h"

#include "common/report.h"
#include "common/standard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* An address to listen on, or --stdio, is what was asked for, whatever descriptor 0 may be. */
static enum standard_input input_of(const struct options *options)
{
    if (options->test || options->listens > 0)
        return STANDARD_INPUT_OTHER;
    return options->stdio ? STANDARD_INPUT_PIPE : standard_input_kind();
}

/* Where a client may be reading stderr, or somebody his answer, the log is not to be seen. */
static const char *log_of(const struct options *options, enum standard_input input)
{
    if (options->log)
        return options->log;
    return input == STANDARD_INPUT_OTHER ? "stderr" : "syslog";
}

static int open_directory(struct directory **directory, const struct options *options,
                          const struct report *report)
{
    struct directory_fault fault;
    int code = directory_open(directory, options->directory, &fault);

    if (code == 0)
        return EX_OK;
    if (code == NETIO_EBADOPTION)
        return report_fail(report, EX_USAGE, "--directory %s: %s", options->directory, fault.text);
    return report_fail(report, code == -EBADMSG ? EX_CONFIG : EX_NOINPUT, "directory %s: %s",
                       options->directory, fault.text);
}

static int is_socket(enum standard_input input)
{
    return input == STANDARD_INPUT_CONNECTED || input == STANDARD_INPUT_LISTENING;
}

static int run(const struct options *options, enum standard_input input, int fd,
               const struct report *report)
{
    struct directory *directory = NULL;
    int code = open_directory(&directory, options, report);

    if (code == EX_OK && input == STANDARD_INPUT_PIPE)
        code = once_run(options, directory, report);
    else if (code == EX_OK && !options->test)
        code = service_run(options, input, fd, directory, report);
    else if (input == STANDARD_INPUT_CONNECTED)
        service_run(options, input, fd, NULL, report); /* inetd's client is told why */
    directory_close(directory);
    return code;
}

static int start(const struct options *options, struct report *report)
{
    enum standard_input input = input_of(options);
    int fd = is_socket(input) ? standard_input_take() : 0;
    const char *log = log_of(options, input);
    struct netio_error error;

    if (!options->test && report_log(report, log, "whoisd", &error) != 0)
        return report_fail(report, EX_CANTCREAT, "log %s: %s", log, netio_error_text(error.code));
    if (input == STANDARD_INPUT_DATAGRAM)
        return report_fail(report, EX_USAGE, "standard input is a datagram socket");
    if (input == STANDARD_INPUT_GONE)
        return report_fail(report, EX_OK, "the client left before it was served");
    if (fd < 0)
        return report_fail(report, EX_OSERR, "standard input: %s", netio_error_text(fd));
    return run(options, input, fd, report);
}

int main(int argc, char **argv)
{
    struct options options;
    struct report report;
    int code = standard_begin();

    if (code < 0) {
        fprintf(stderr, "whoisd: /dev/null: %s\n", netio_error_text(code));
        return EX_OSERR;
    }
    switch (options_parse(&options, argc, argv)) {
    case OPTIONS_DONE:
        return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
    case OPTIONS_WRONG:
        return EX_USAGE;
    default:
        break;
    }
    if (report_open(&report, "whoisd") != 0)
        return EX_OSERR;
    code = start(&options, &report);
    report_close(&report);
    return code;
}
