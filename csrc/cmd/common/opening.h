/* csrc/cmd/common: opening a connection, for the programs of csrc/cmd that do. */
#ifndef OPENING_H
#define OPENING_H

#include <netio/open.h>

/* Waits for machine, which netio_tcpopen_start or its like has made, and frees it.  A connected
 * descriptor in *fd, and whose it is in *peer; GO_ON, or how to exit after a line of label (may be
 * NULL) as report_error has it. */
int opening_finish(struct netio_open *machine, const char *label, int *fd, struct netio_addr *peer);

#endif
