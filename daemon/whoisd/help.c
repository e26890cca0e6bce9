/* whoisd: what "whois help" says; see help.h. */
#include "help.h"

const char help_text[] =
    "This server looks things up in a directory.  Ask it for\r\n"
    "\r\n"
    "  whois cisco             entries with this word\r\n"
    "  whois cisco san jose    entries with all of these words, in any order\r\n"
    "  whois 'cis*'            words that begin with cis (or cis...)\r\n"
    "  whois .cisco            entries with this word in their name\r\n"
    "  whois '!00-00-0C'       the entry with this handle\r\n"
    "  whois help              this text (or ?)\r\n"
    "\r\n"
    "Capitals, accents and punctuation make no difference: malmo finds Malm\303\266, and\r\n"
    "!00000c finds 00-00-0C.  A * has a meaning only at the end of a word.\r\n"
    "\r\n"
    "When one entry matches, all of it is shown.  When several match, each gets\r\n"
    "one line with its handle; ask again for one of them with a ! before the\r\n"
    "handle.  At most 250 are listed: give another word to find fewer.\r\n"
    "\r\n"
    "A query is one line of at most 1024 bytes and 16 words.  Answers are UTF-8.\r\n";
