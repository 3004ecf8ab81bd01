/* Runs a fuzz target over every file of the directories named, without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -1;
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(FILE_BYTES_MAX);
    if (!f || !data) {
        if (f)
            (void)fclose(f);
        free(data);
        return -1;
    }
    size_t size = fread(data, 1, FILE_BYTES_MAX, f);
    (void)fclose(f);
    uint8_t *exact = realloc(data, size ? size : 1);
    if (exact)
        (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact ? exact : data);
    return 0;
}

int main(int argc, char **argv)
{
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            (void)fprintf(stderr, "cannot open %s\n", argv[i]);
            return 1;
        }
        for (const struct dirent *e = readdir(folder); e; e = readdir(folder)) {
            if (e->d_name[0] == '.')
                continue;
            if (replay_file(argv[i], e->d_name)) {
                (void)closedir(folder);
                return 1;
            }
            n++;
        }
        (void)closedir(folder);
    }
    (void)printf("%zu inputs\n", n);
    return n ? 0 : 1;
}
