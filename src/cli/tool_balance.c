#include "cli/tool_balance.h"

#include "dataset/trajectory.h"

#include <stdlib.h>

#define ROWS_FIRST 1024U
/* No category may have more than this many times the rows of the rarest. */
#define RATIO_MAX 2.0

int gen_tool_balance_open(struct gen_tool_balance *b, const struct gen_session *s, gen_row_fn *fn,
                          void *ud, struct gen_error *err)
{
    memset(b, 0, sizeof(*b));
    b->fn = fn;
    b->ud = ud;
    if (!gen_settings_flag(s->settings, GEN_OPT_BALANCE))
        return GEN_OK;
    return gen_spool_open(&b->spool, s->output, err);
}

static int make_room(struct gen_tool_balance *b, struct gen_error *err)
{
    if (b->n < b->n_allocated)
        return GEN_OK;
    size_t n = b->n_allocated ? b->n_allocated * 2 : ROWS_FIRST;
    uint64_t *ends = realloc(b->ends, n * sizeof(*ends));
    if (ends)
        b->ends = ends;
    double *ratings = realloc(b->ratings, n * sizeof(*ratings));
    if (ratings)
        b->ratings = ratings;
    unsigned char *categories = realloc(b->categories, n);
    if (categories)
        b->categories = categories;
    if (!ends || !ratings || !categories)
        return gen_nomem(err, "the rows to balance");
    b->n_allocated = n;
    return GEN_OK;
}

int gen_tool_balance_add(struct gen_tool_balance *b, struct gen_str record, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    double rating = 0;
    if (!b->spool)
        return b->fn(b->ud, record, err);
    int rc = make_room(b, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, record, err);
    if (rc == GEN_OK)
        rc = gen_spool_add(b->spool, record, err);
    if (rc == GEN_OK) {
        const struct gen_json *root = gen_json_root(doc);
        (void)gen_json_as_real(gen_json_get(root, "rating"), &rating);
        b->categories[b->n] = (unsigned char)gen_tool_category_from(
            gen_json_get_str(gen_json_get(root, "metadata"), "category"));
        b->ratings[b->n] = rating;
        b->ends[b->n++] = gen_spool_bytes(b->spool);
    }
    gen_json_doc_free(doc);
    return rc;
}

static int hand_on(struct gen_tool_balance *b, const bool *keep, struct gen_error *err)
{
    struct gen_buf row = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < b->n; i++) {
        uint64_t begin = i ? b->ends[i - 1] : 0;
        if (!keep[i])
            continue;
        gen_buf_clear(&row);
        rc = gen_spool_read(b->spool, begin, (size_t)(b->ends[i] - begin), &row, err);
        if (rc == GEN_OK)
            rc = b->fn(b->ud, gen_buf_str(&row), err);
    }
    gen_buf_release(&row);
    return rc;
}

int gen_tool_balance_finish(struct gen_tool_balance *b, struct gen_error *err)
{
    if (!b->spool || b->n == 0)
        return GEN_OK;
    struct gen_str *labels = calloc(b->n, sizeof(*labels));
    bool *keep = calloc(b->n, sizeof(*keep));
    int rc = labels && keep ? GEN_OK : gen_nomem(err, "the rows to balance");
    for (size_t i = 0; rc == GEN_OK && i < b->n; i++) {
        enum gen_tool_category c = (enum gen_tool_category)b->categories[i];
        labels[i] =
            c < GEN_TOOL_N_CATEGORIES ? gen_str_from(gen_tool_category_name(c)) : GEN_STR("");
    }
    if (rc == GEN_OK)
        rc = gen_balance_choose(&b->chosen, labels, b->ratings, b->n, 0, RATIO_MAX, keep, err);
    if (rc == GEN_OK)
        rc = hand_on(b, keep, err);
    free(labels);
    free(keep);
    return rc;
}

void gen_tool_balance_close(struct gen_tool_balance *b)
{
    gen_spool_close(b->spool);
    free(b->ends);
    free(b->ratings);
    free(b->categories);
    b->spool = NULL;
    b->ends = NULL;
    b->ratings = NULL;
    b->categories = NULL;
}
