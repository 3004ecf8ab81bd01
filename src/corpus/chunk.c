#include "base/num.h"
#include "base/utf8.h"
#include "corpus/corpus_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define N_TEXTS 6

static void texts_of(struct gen_chunk *c, struct gen_str *texts[N_TEXTS])
{
    texts[0] = &c->id;
    texts[1] = &c->content;
    texts[2] = &c->source;
    texts[3] = &c->title;
    texts[4] = &c->section;
    texts[5] = &c->language;
}

struct gen_chunk *gen_chunk_new(const struct gen_chunk *model)
{
    struct gen_chunk views = *model;
    struct gen_str *texts[N_TEXTS];
    texts_of(&views, texts);
    size_t n_bytes = sizeof(struct gen_chunk);
    for (size_t i = 0; i < N_TEXTS; i++)
        n_bytes = gen_size_add(n_bytes, gen_size_add(texts[i]->n, 1));
    if (n_bytes == SIZE_MAX)
        return NULL;
    struct gen_chunk *chunk = malloc(n_bytes);
    if (!chunk)
        return NULL;
    char *at = (char *)(chunk + 1);
    for (size_t i = 0; i < N_TEXTS; i++) {
        if (texts[i]->n)
            memcpy(at, texts[i]->p, texts[i]->n);
        at[texts[i]->n] = '\0';
        texts[i]->p = at;
        at += texts[i]->n + 1;
    }
    *chunk = views;
    chunk->n_refs = 1;
    return chunk;
}

struct gen_chunk *gen_chunk_ref(struct gen_chunk *c)
{
    if (c)
        c->n_refs++;
    return c;
}

void gen_chunk_unref(struct gen_chunk *c)
{
    if (c && --c->n_refs == 0)
        free(c);
}

static bool needs_cleaning(struct gen_str s, bool *malformed)
{
    if (!gen_utf8_valid(s)) {
        *malformed = true;
        return true;
    }
    return s.n && memchr(s.p, '\0', s.n);
}

int gen_chunk_clean(struct gen_chunk **out, const struct gen_chunk *model,
                    struct gen_corpus_counts *counts, struct gen_error *err)
{
    struct gen_chunk views = *model;
    struct gen_str *texts[N_TEXTS];
    struct gen_buf clean[N_TEXTS];
    bool malformed = false;
    int rc = GEN_OK;
    texts_of(&views, texts);
    for (size_t i = 0; i < N_TEXTS; i++)
        clean[i] = gen_buf_make(GEN_BUF_UNLIMITED);
    for (size_t i = 0; i < N_TEXTS && rc == GEN_OK; i++) {
        if (!needs_cleaning(*texts[i], &malformed))
            continue;
        rc = gen_utf8_clean(&clean[i], *texts[i], NULL, err);
        *texts[i] = gen_buf_str(&clean[i]);
    }
    if (rc == GEN_OK) {
        struct gen_chunk *chunk = gen_chunk_new(&views);
        if (chunk) {
            *out = chunk;
            counts->n_cleaned += malformed;
        } else {
            rc = gen_nomem(err, "a chunk");
        }
    }
    for (size_t i = 0; i < N_TEXTS; i++)
        gen_buf_release(&clean[i]);
    return rc;
}

void gen_counts_malformed(struct gen_corpus_counts *counts, const char *format, ...)
{
    if (counts->n_malformed++ > 0)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(counts->first_malformed, sizeof(counts->first_malformed), format, args);
    va_end(args);
}

static bool is_blank_code_point(uint32_t cp)
{
    return cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0 || cp == 0x85 || cp == 0xA0 ||
           cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200D) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202F || cp == 0x205F || cp == 0x2060 || cp == 0x3000 || cp == 0xFEFF;
}

bool gen_text_is_blank(struct gen_str s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t cp = 0;
        i += gen_utf8_next(gen_str_sub(s, i, s.n - i), &cp);
        if (!is_blank_code_point(cp))
            return false;
    }
    return true;
}
