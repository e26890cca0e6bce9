/* fuzz/directory.c: the check of a directory file over any bytes.  It says of every file exactly
 * what the format says, worked out here the other way round; and it can say why. */
#include "scratch.h"

#include "whoisd/directory_file.h"

#include <zlib.h>

#define TRAILER 64

static uint32_t number_at(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

/* The trailer that the bytes before it ought to have is made, and compared. */
static int is_directory(const uint8_t *data, size_t size)
{
    char trailer[2 * TRAILER];

    if (size < 100 || memcmp(data, "SQLite format 3", 16) != 0)
        return 0;
    if (number_at(data + 56) != 1 || number_at(data + 60) != 1)
        return 0;
    if (memcmp(data + 68, "NtID", 4) != 0)
        return 0;
    size -= TRAILER;
    snprintf(trailer, sizeof trailer, "NetIO directory 1 crc32 %08lx size %025zu\n",
             crc32(0, data, (uInt)size), size);
    return memcmp(data + size, trailer, TRAILER) == 0;
}

/* 1 or 0 for right or wrong; reads the file in slices, the last of which is cut short. */
static int passes(size_t slice)
{
    struct directory_fault fault = {0};
    struct directory_file file;
    int code = directory_file_open(&file, scratch_path, &fault);

    if (code == 0) {
        while ((code = directory_file_check(&file, slice, &fault)) == 0)
            continue;
        must(code < 0 || (file.done == file.size && file.crc == file.trailer_crc));
        directory_file_close(&file);
    }
    must(file.fd == -1 && code != 0 && (code == 1 || code == fault.code));
    must_be_shown(fault.text, strlen(fault.text), "");
    must((code == 1) == (fault.text[0] == '\0'));
    return code == 1;
}

/* A fuzzer does not guess a checksum: so once as it is, and once with a trailer that fits. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *whole = malloc(size + TRAILER + 1);

    must(whole != NULL);
    scratch_write(data, size);
    must(passes(1 + size / 3) == is_directory(data, size));
    memcpy(whole, data, size);
    sprintf(whole + size, "NetIO directory 1 crc32 %08lx size %025zu\n",
            crc32(0, data, (uInt)size), size);
    scratch_write((uint8_t *)whole, size + TRAILER);
    must(passes(size + 1) == is_directory((uint8_t *)whole, size + TRAILER));
    free(whole);
    return 0;
}
