/* whoisd: its configuration file (whoisd.conf(5)).  Called by options.c. */
#ifndef WHOISD_CONFIG_H
#define WHOISD_CONFIG_H

#include "options.h"

/* Sets what the file options->config says.  0; or -1, and fault says where it is wrong: "FILE:LINE:
 * ...". */
int config_read(struct options *options, char fault[OPTIONS_FAULT_MAX]);

#endif
