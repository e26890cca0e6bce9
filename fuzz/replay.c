/* fuzz/replay.c: runs a fuzz target over the files it is given, with no fuzzer in it, so that
 * the seeds are ordinary tests (t/80-fuzz-seeds.t).  Linked with one of the other files here.
 * Says the name of each file before it runs, for the one that crashes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The copy is exactly as long as the file, so that valgrind and ASan see a read past its end. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long size = -1;
    int done = 0;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size >= 0)
        data = malloc((size_t)size + (size == 0));
    if (data != NULL) {
        rewind(file);
        done = fread(data, 1, (size_t)size, file) == (size_t)size;
    }
    if (done)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    else
        perror(path);
    free(data);
    if (file != NULL)
        fclose(file);
    return done;
}

int main(int argc, char **argv)
{
    int failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        puts(argv[i]);
        failed += !replay(argv[i]);
    }
    return failed == 0 ? 0 : 1;
}
