/* whoisd: what "whois help" says.  Called by answer.c. */
#ifndef WHOISD_HELP_H
#define WHOISD_HELP_H

/* At most 24 lines of 79 columns, each ended by CRLF. */
extern const char help_text[];

#endif
