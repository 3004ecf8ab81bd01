/*
 * replay.c - runs the fuzz target over files, and over all files below folders. Ends with status 0
 * if none crashes and there is one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <fts.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path, size_t size)
{
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rbe");
    int rc = bytes != NULL && file != NULL && fread(bytes, 1, size, file) == size ? 0 : -1;
    if (rc == 0)
        (void)LLVMFuzzerTestOneInput(bytes, size);
    if (file != NULL)
        (void)fclose(file);
    free(bytes);
    return rc;
}

int main(int argc, char **argv)
{
    unsigned long n = 0;
    int rc = 0;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: lnc_replay_<target> PATH...\n");
        return 2;
    }
    FTS *fts = fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (fts == NULL)
        return 2;
    for (FTSENT *entry = fts_read(fts); rc == 0 && entry != NULL; entry = fts_read(fts)) {
        if (entry->fts_info != FTS_F)
            continue;
        rc = run_file(entry->fts_path, (size_t)entry->fts_statp->st_size);
        n++;
    }
    (void)fts_close(fts);
    printf("%lu inputs\n", n);
    return rc == 0 && n > 0 ? 0 : 1;
}
