#include "corpus/corpus_int.h"
#include "os/file.h"

struct language {
    const char *name;
    const char *extensions; /* each with its dot, separated by blanks */
    const char *aliases;    /* other names, separated by blanks; may be NULL */
};

static const struct language languages[] = {
    {"c", ".c .h", NULL},
    {"cpp", ".cpp .cc .cxx .hpp .hh .hxx", "c++ cplusplus"},
    {"cuda", ".cu .cuh", NULL},
    {"python", ".py .pyi", "py"},
    {"javascript", ".js .mjs .cjs .jsx", "js"},
    {"typescript", ".ts .tsx", "ts"},
    {"go", ".go", "golang"},
    {"rust", ".rs", "rs"},
    {"java", ".java", NULL},
    {"kotlin", ".kt .kts", NULL},
    {"scala", ".scala", NULL},
    {"csharp", ".cs", "c#"},
    {"swift", ".swift", NULL},
    {"fortran", ".f90 .f .f95 .f03 .f08 .for", "f90"},
    {"shell", ".sh .bash .zsh", "bash sh"},
    {"julia", ".jl", NULL},
    {"ruby", ".rb", NULL},
    {"matlab", ".m", NULL},
    {"php", ".php", NULL},
    {"perl", ".pl .pm", NULL},
    {"lua", ".lua", NULL},
    {"r", ".r", NULL},
    {"haskell", ".hs", NULL},
    {"sql", ".sql", NULL},
    {"zig", ".zig", NULL},
};

#define N_LANGUAGES (sizeof(languages) / sizeof(languages[0]))

static bool list_has(const char *list, struct gen_str word)
{
    struct gen_str rest = gen_str_from(list);
    if (word.n == 0)
        return false;
    while (rest.n) {
        size_t end = gen_str_find(rest, GEN_STR(" "), 0);
        size_t n = end < rest.n ? end : rest.n;
        if (gen_str_eq_nocase(gen_str_sub(rest, 0, n), word))
            return true;
        rest = gen_str_sub(rest, n + 1, rest.n);
    }
    return false;
}

const char *gen_language_of_path(struct gen_str path)
{
    struct gen_str ext = gen_path_ext(path);
    for (size_t i = 0; i < N_LANGUAGES; i++) {
        if (list_has(languages[i].extensions, ext))
            return languages[i].name;
    }
    return NULL;
}

const char *gen_language_named(struct gen_str name)
{
    for (size_t i = 0; i < N_LANGUAGES; i++) {
        if (gen_str_eq_nocase(gen_str_from(languages[i].name), name) ||
            list_has(languages[i].aliases, name))
            return languages[i].name;
    }
    return NULL;
}

int gen_language_extensions(struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < N_LANGUAGES && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err, "%s%s", i ? " " : "", languages[i].extensions);
    return rc;
}

void gen_chunk_set_language(struct gen_chunk *chunk, bool is_code, struct gen_str source_type,
                            struct gen_str language)
{
    const char *by_type = gen_language_named(source_type);
    if (!is_code && !by_type &&
        gen_str_find_nocase(source_type, GEN_STR("code"), 0) == (size_t)-1) {
        chunk->kind = GEN_CHUNK_TEXT;
        return;
    }
    chunk->kind = GEN_CHUNK_CODE;
    const char *known = gen_language_named(language);
    if (!known && language.n == 0)
        known = by_type ? by_type : gen_language_of_path(chunk->source);
    chunk->language = known ? gen_str_from(known) : language;
}
