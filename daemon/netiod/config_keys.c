/* netiod: NetBSD's notation, "NAME on KEY = VALUE, ...;", with the keys of our own; see
 * config_reader.h.  Called by config.c. */
#include "config_reader.h"

void keys_read(struct reader *reader, struct reader_file *file, char *spec, unsigned line, int on)
{
    (void)on;
    reader_fault(reader, line, "%s: keys are not read", spec);
    words_skip(file);
}
