#include "dataset/beside.h"

#include "os/file.h"

bool gen_beside_is_stream(const char *dataset)
{
    return strcmp(dataset, "-") == 0 || strcmp(dataset, "/dev/stdout") == 0;
}

struct gen_str gen_beside_stem(const char *dataset, const char *stand_in)
{
    return gen_beside_is_stream(dataset) ? gen_str_from(stand_in)
                                         : gen_path_stem(gen_str_from(dataset));
}

int gen_beside_path(struct gen_str stem, const char *ending, struct gen_buf *out,
                    struct gen_error *err)
{
    int rc = gen_buf_add_str(out, stem, err);
    return rc ? rc : gen_buf_add_c(out, ending, err);
}

int gen_beside_find_ledger(const char *dataset, struct gen_buf *out, struct gen_error *err)
{
    struct gen_str path = gen_str_from(dataset);
    struct gen_str stem = gen_path_stem(path);
    size_t n_folder = path.n - gen_path_base(path).n;
    gen_buf_clear(out);
    if (gen_beside_is_stream(dataset))
        return GEN_OK;
    while (stem.n > n_folder) {
        int rc = gen_beside_path(stem, ".ledger", out, err);
        if (rc || gen_file_kind(out->data) == GEN_FILE_REGULAR)
            return rc;
        gen_buf_clear(out);
        while (stem.n > n_folder && stem.p[stem.n - 1] != '_' && stem.p[stem.n - 1] != '-')
            stem.n--;
        stem.n -= stem.n > n_folder;
    }
    return GEN_OK;
}
