/* whoisd: the bytes of a query as clean UTF-8 (pure).  Called by query.c only. */
#ifndef WHOISD_QUERY_TEXT_H
#define WHOISD_QUERY_TEXT_H

#include "query.h"

#include <stdint.h>

/* Writes the line to out as UTF-8 words, one blank between two, with a NUL at the end, and
 * returns its length.  Control characters, blanks of every kind and what cannot be printed part
 * words.  len is at most QUERY_LINE_MAX. */
size_t query_text_clean(char out[QUERY_TEXT], const char *line, size_t len);

/* Whether a directory's index can know the point: a letter, a digit or the like.  Beyond
 * Latin-1 only the blocks that hold nothing but punctuation and symbols are left out; a word
 * that slips through finds nothing. */
int query_text_indexed(uint32_t point);

#endif
