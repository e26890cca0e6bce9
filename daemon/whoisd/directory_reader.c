/* whoisd: one SQLite file open for questions; see directory_reader.h.
 * Called by directory_sqlite.c; touches SQLite and nothing else. */
#include "directory_reader.h"
#include "directory_vfs.h"

#include <netio/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK_STEPS  50   /* steps of SQLite's machine between two looks at the clock */
#define WORK_MIN     ((int64_t)25000000)  /* nanoseconds of work, before which no search is late */
#define WORK_FROM    ((int64_t)40000000)  /* nanoseconds before the deadline that work counts from:
                                           * most searches have ended by then */
#define WAIT_MAX     ((int64_t)500000000) /* and nanoseconds after which every search is */
#define OPEN_SECONDS 5.0  /* to prepare the statements, which reads a few pages */

#define VALUE_MAX    (1024 * 1024) /* bytes of a value that is read: whois-load makes none as long,
                                    * and no answer shows one */

/* A word as an FTS5 string: in quotes, with every quote doubled, a sign for a prefix, a blank. */
#define MATCH_SIZE (2 * QUERY_TEXT + QUERY_WORD_MAX * 4 + sizeof "name : ()")

/* The statements: X(name, text).  FTS5 finds in the order of its rowids, which is the order of
 * listing, so that LIMIT ends the work early.  A join reads the entries of a listing with one
 * cursor, for which the next entry is mostly on the page where it stands already. */
#define STATEMENT_LIST(X)                                                                          \
    X(WORDS, "SELECT id, handle, entry.name, summary FROM word CROSS JOIN entry "                   \
             "ON id = word.rowid WHERE word MATCH ?1 ORDER BY word.rowid LIMIT ?2")                \
    X(HANDLE, "SELECT id, handle, name, summary FROM entry WHERE key = ?1 ORDER BY id LIMIT ?2")   \
    X(READ, "SELECT fields FROM entry WHERE id = ?1")                                              \
    X(COUNT, "SELECT value FROM meta WHERE name = 'entries'")

enum statement {
#define READER_X(name, text) STATEMENT_##name,
    STATEMENT_LIST(READER_X)
#undef READER_X
    STATEMENTS
};

struct directory_reader {
    struct directory_file file;
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
    netio_deadline deadline; /* of the question that runs */
    int64_t work_begun;      /* the process's time when that began to count; 0: not yet */
    uint64_t entries;
};

/* What the process has worked so far: unlike the clock this stands still while it has to wait. */
static int64_t work(void)
{
    struct timespec spent;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == -1)
        return INT64_MAX;
    return spent.tv_sec * NETIO_SECOND + spent.tv_nsec;
}

static void set_deadline(struct directory_reader *reader, netio_deadline deadline)
{
    reader->deadline = deadline;
    reader->work_begun = 0;
}

/* SQLite's machine runs below FTS5 too, each time it reads a page of its index, so that a search
 * that finds nothing for seconds is stopped as well.  On a busy machine the deadline alone would
 * end searches that had hardly had the processor: they get it first, within reason. */
static int is_late(void *data)
{
    struct directory_reader *reader = data;

    if (!netio_deadline_passed(reader->deadline - WORK_FROM))
        return 0;
    if (reader->work_begun == 0)
        reader->work_begun = work();
    if (!netio_deadline_passed(reader->deadline))
        return 0;
    return work() - reader->work_begun >= WORK_MIN ||
           netio_deadline_passed(reader->deadline + WAIT_MAX);
}

/* The file is as good as its checksum, but who made it is not known: nothing in its schema may
 * call out, and no value of it fill the memory. */
static int harden(struct directory_reader *reader)
{
    sqlite3_db_config(reader->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(reader->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(reader->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    sqlite3_progress_handler(reader->db, CHECK_STEPS, is_late, reader);
    /* One transaction for good, as the file does not change: each step would begin its own. */
    return sqlite3_exec(reader->db, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -20480; BEGIN",
                        NULL, NULL, NULL);
}

/* A view, or a column that is made of others, would let the file say what there is to work at
 * each row, and a single step of that can take a minute.  First the text of the schema, before a
 * virtual table begins to live: SQLite makes of a text that begins so nothing else.  Then what
 * SQLite made of it. */
static const char *const foreign[] = {
    "SELECT 1 FROM sqlite_schema WHERE sql NOT LIKE 'CREATE TABLE %' "
    "AND sql NOT LIKE 'CREATE INDEX %' AND sql NOT LIKE 'CREATE VIRTUAL TABLE word USING fts5(%'",
    "SELECT 1 FROM pragma_table_list AS t, pragma_table_xinfo(t.name) AS c WHERE c.hidden > 1",
};

/* SQLITE_AUTH when there is something in the file that whois-load does not make. */
static int check_schema(struct directory_reader *reader)
{
    sqlite3_stmt *statement;
    int code = SQLITE_DONE;

    for (size_t i = 0; code == SQLITE_DONE && i < sizeof foreign / sizeof *foreign; i++) {
        code = sqlite3_prepare_v2(reader->db, foreign[i], -1, &statement, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_step(statement);
        sqlite3_finalize(statement);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code == SQLITE_ROW ? SQLITE_AUTH : code;
}

static int prepare(struct directory_reader *reader)
{
    static const char *const text[] = {
#define READER_X(name, text) text,
        STATEMENT_LIST(READER_X)
#undef READER_X
    };
    int code = SQLITE_OK;

    for (int i = 0; code == SQLITE_OK && i < STATEMENTS; i++)
        code = sqlite3_prepare_v3(reader->db, text[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &reader->statement[i], NULL);
    return code;
}

/* Ends a statement; what it was bound to need not live any longer. */
static void rest(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static int count_entries(struct directory_reader *reader)
{
    sqlite3_stmt *statement = reader->statement[STATEMENT_COUNT];
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW)
        reader->entries = (uint64_t)sqlite3_column_int64(statement, 0);
    rest(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int open_fault(const struct directory_reader *reader, int code,
                      struct directory_fault *fault)
{
    if (code == SQLITE_NOMEM)
        return directory_fault_set(fault, -ENOMEM, "%s", netio_error_text(-ENOMEM));
    if (code == SQLITE_AUTH)
        return directory_fault_set(fault, -EBADMSG, "its tables are not those of a directory");
    return directory_fault_set(fault, -EBADMSG, "damaged: %s",
                               reader->db ? sqlite3_errmsg(reader->db) : sqlite3_errstr(code));
}

int directory_reader_open_take(struct directory_reader **out, struct directory_file *file,
                               struct directory_fault *fault)
{
    struct directory_reader *reader = calloc(1, sizeof *reader);

    *out = NULL;
    if (!reader) {
        directory_file_close(file);
        return directory_fault_set(fault, -ENOMEM, "%s", netio_error_text(-ENOMEM));
    }
    reader->file = *file;
    file->fd = -1;
    set_deadline(reader, netio_deadline_in(OPEN_SECONDS));
    int code = directory_vfs_open(&reader->db, reader->file.fd, reader->file.size);
    if (code == SQLITE_OK)
        code = harden(reader);
    if (code == SQLITE_OK)
        code = check_schema(reader);
    if (code == SQLITE_OK)
        code = prepare(reader);
    if (code == SQLITE_OK)
        code = count_entries(reader);
    if (code != SQLITE_OK) {
        code = open_fault(reader, code, fault);
        directory_reader_close(reader);
        return code;
    }
    *out = reader;
    return 0;
}

void directory_reader_close(struct directory_reader *reader)
{
    if (!reader)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(reader->statement[i]);
    sqlite3_close(reader->db);
    directory_file_close(&reader->file);
    free(reader);
}

const struct directory_identity *directory_reader_identity(const struct directory_reader *reader)
{
    return &reader->file.identity;
}

uint64_t directory_reader_entries(const struct directory_reader *reader)
{
    return reader->entries;
}

const char *directory_reader_trouble(const struct directory_reader *reader)
{
    return sqlite3_errmsg(reader->db);
}

/* Writes the query's words in FTS5's language, where the words of a list must all be there. */
static int match_text(const struct query *query, char out[MATCH_SIZE])
{
    char *to = out;

    if (query->names_only)
        to = stpcpy(to, "name : (");
    for (size_t i = 0; i < query->count; i++) {
        const struct query_word *word = &query->word[i];
        *to++ = '"';
        for (size_t k = 0; k < word->len; k++) {
            if (word->text[k] == '"')
                *to++ = '"';
            *to++ = word->text[k];
        }
        *to++ = '"';
        if (word->prefix)
            *to++ = '*';
        *to++ = ' ';
    }
    if (query->names_only)
        *to++ = ')';
    return (int)(to - out);
}

static int code_of(int code)
{
    return code == SQLITE_INTERRUPT ? -ETIMEDOUT : code == SQLITE_TOOBIG ? NETIO_ETOOLONG : -EIO;
}

static const char *column(sqlite3_stmt *statement, int i)
{
    const char *text = (const char *)sqlite3_column_text(statement, i);

    return text ? text : "";
}

/* Steps to the end, or until the hearer has had enough. */
static int tell(sqlite3_stmt *statement, const struct directory_hearer *hearer)
{
    struct directory_entry entry;
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        entry.id = sqlite3_column_int64(statement, 0);
        entry.handle = column(statement, 1);
        entry.name = column(statement, 2);
        entry.summary = column(statement, 3);
        code = hearer->entry(hearer->data, &entry);
        if (code != 0)
            return code;
    }
    return code == SQLITE_DONE ? 0 : code_of(code);
}

int directory_reader_find(struct directory_reader *reader, const struct query *query, size_t max,
                          const struct directory_hearer *hearer, netio_deadline deadline)
{
    int handle = query->kind == QUERY_HANDLE;
    sqlite3_stmt *statement = reader->statement[handle ? STATEMENT_HANDLE : STATEMENT_WORDS];
    char match[MATCH_SIZE];
    int code;

    set_deadline(reader, deadline);
    if (handle)
        code = sqlite3_bind_text(statement, 1, query->key, -1, SQLITE_STATIC);
    else
        code = sqlite3_bind_text(statement, 1, match, match_text(query, match), SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, (sqlite3_int64)max);
    code = code == SQLITE_OK ? tell(statement, hearer) : code_of(code);
    rest(statement);
    return code;
}

int directory_reader_read(struct directory_reader *reader, int64_t id, const char **fields,
                          netio_deadline deadline)
{
    sqlite3_stmt *statement = reader->statement[STATEMENT_READ];

    sqlite3_reset(statement); /* only now: the record read before was in its row */
    set_deadline(reader, deadline);
    int code = sqlite3_bind_int64(statement, 1, id);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? -EIO : code_of(code);
    *fields = column(statement, 0);
    return 0;
}
