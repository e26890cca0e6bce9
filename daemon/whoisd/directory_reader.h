/* whoisd: one SQLite file that has been checked, open for questions.
 *
 * Called by directory_sqlite.c.  Its statements are prepared once; a question that passes its
 * deadline is interrupted.
 */
#ifndef WHOISD_DIRECTORY_READER_H
#define WHOISD_DIRECTORY_READER_H

#include "directory_file.h"

struct directory_reader;

/* Takes the file, which has passed its check, also on error.  0 and *reader, or a code with
 * *fault. */
int directory_reader_open_take(struct directory_reader **reader, struct directory_file *file,
                               struct directory_fault *fault);
void directory_reader_close(struct directory_reader *reader);

const struct directory_identity *directory_reader_identity(const struct directory_reader *reader);
uint64_t directory_reader_entries(const struct directory_reader *reader);
/* As directory_find and directory_read; the text of an -EIO is in directory_reader_trouble. */
int directory_reader_find(struct directory_reader *reader, const struct query *query, size_t max,
                          const struct directory_hearer *hearer, netio_deadline deadline);
int directory_reader_read(struct directory_reader *reader, int64_t id, const char **fields,
                          netio_deadline deadline);
const char *directory_reader_trouble(const struct directory_reader *reader);

#endif
