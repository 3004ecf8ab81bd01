/* find_similar_datasets, suggest_next_exploration. */
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SUGGESTIONS_MAX 5

struct ranked {
    double score;
    size_t order; /* as met, so that equal scores keep the order of the walk */
    struct gen_jmut *value;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->score > y->score || x->score < y->score)
        return x->score > y->score ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

struct ranking {
    struct hds_call *call;
    struct ranked *items;
    size_t n;
    size_t n_compared;
    const struct hds_dataset *reference;
    const char *path;
    double threshold;
};

static int ranking_init(struct ranking *r, struct hds_call *c, struct gen_error *err)
{
    *r = (struct ranking){.call = c};
    r->items = calloc(HDS_OBJECTS_MAX, sizeof(r->items[0]));
    return r->items ? GEN_OK : gen_nomem(err, "a ranking");
}

/* The best `most` of them. */
static struct gen_jmut *ranking_array(struct ranking *r, size_t most)
{
    struct gen_jmut *array = gen_jb_array(r->call->jb);
    if (r->n)
        qsort(r->items, r->n, sizeof(r->items[0]), by_score);
    for (size_t i = 0; i < r->n && i < most; i++)
        gen_jb_append(r->call->jb, array, r->items[i].value);
    return array;
}

static double shape_similarity(const struct hds_shape *a, const struct hds_shape *b)
{
    if (a->space != b->space || a->rank != b->rank)
        return 0;
    return memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0])) == 0 ? 1 : 0.5;
}

static double type_similarity(const struct hds_dataset *a, const struct hds_dataset *b)
{
    if (H5Tequal(a->type, b->type) > 0)
        return 1;
    return H5Tget_class(a->type) == H5Tget_class(b->type) ? 0.5 : 0;
}

static double size_similarity(uint64_t a, uint64_t b)
{
    if (a == b)
        return 1;
    return a < b ? (double)a / (double)b : (double)b / (double)a;
}

static int compare(void *ud, const struct hds_met *met, struct gen_error *err)
{
    struct ranking *r = ud;
    struct gen_jb *jb = r->call->jb;
    const struct hds_dataset *d = met->dataset;
    if (!d || strcmp(met->path, r->reference->path) == 0)
        return GEN_OK;
    r->n_compared++;
    double shape = shape_similarity(&d->shape, &r->reference->shape);
    double type = type_similarity(d, r->reference);
    double size = size_similarity(hds_dataset_bytes(d), hds_dataset_bytes(r->reference));
    double similarity = (shape + type + size) / 3;
    if (similarity < r->threshold)
        return GEN_OK;
    struct gen_jmut *o = gen_jb_object(jb);
    hds_put_text(jb, o, "path", met->path);
    gen_jb_put_real(jb, o, "similarity", round(similarity * 1e4) / 1e4);
    gen_jb_put_real(jb, o, "shape_similarity", shape);
    gen_jb_put_real(jb, o, "dtype_similarity", type);
    gen_jb_put_real(jb, o, "size_similarity", round(size * 1e4) / 1e4);
    hds_put_shape(jb, o, "shape", &d->shape);
    r->items[r->n] = (struct ranked){similarity, r->n, o};
    r->n++;
    return hds_put_dtype(jb, o, d->tree, err);
}

int hds_tool_find_similar(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset reference;
    struct ranking r;
    bool truncated = false;
    int rc = hds_dataset_open(c->file, hds_arg_str(c, "reference_path", ""), &reference, err);
    if (rc)
        return rc;
    rc = ranking_init(&r, c, err);
    if (rc == GEN_OK) {
        r.reference = &reference;
        r.threshold = hds_arg_real(c, "similarity_threshold", 0.8);
        rc = hds_walk(c->file, "/", true, compare, &r, &truncated, err);
    }
    if (rc == GEN_OK) {
        hds_put_text(c->jb, c->out, "reference_path", reference.path);
        gen_jb_put_real(c->jb, c->out, "similarity_threshold", r.threshold);
        gen_jb_put(c->jb, c->out, "datasets", ranking_array(&r, r.n));
        hds_put_u64(c->jb, c->out, "n_compared", r.n_compared);
        gen_jb_put_bool(c->jb, c->out, "truncated", truncated);
    }
    free(r.items);
    hds_dataset_close(&reference);
    return rc;
}

struct reasons {
    struct gen_jb *jb;
    struct gen_jmut *array;
    double score;
};

static void earn(struct reasons *r, double points, const char *why)
{
    char text[120];
    (void)snprintf(text, sizeof(text), "%s: +%g", why, points);
    r->score += points;
    gen_jb_append(r->jb, r->array, gen_jb_str(r->jb, gen_str_from(text)));
}

static void judge_dataset(struct reasons *r, const struct hds_dataset *d)
{
    char text[80];
    uint64_t bytes = hds_dataset_bytes(d);
    unsigned rank = d->shape.rank;
    if (bytes > (uint64_t)100 << 20)
        earn(r, 2, "over 100 MB");
    else if (bytes >= (uint64_t)1 << 20)
        earn(r, 3, "1 to 100 MB");
    else if (bytes >= 1024)
        earn(r, 1, "1 KB to 1 MB");
    if (rank >= 2) {
        (void)snprintf(text, sizeof(text), "%u dimensions", rank);
        earn(r, rank == 2 ? 2 : 1, text);
    }
    if (hds_type_is_number(d->tree))
        earn(r, 1, "numeric");
    if (d->tree->kind == HDS_COMPOUND)
        earn(r, 1, "records with several fields");
}

static bool names_a_result(const char *name)
{
    static const char *const words[] = {"data", "result", "output", "value", "measure"};
    struct gen_str text = gen_str_from(name);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (gen_str_find_nocase(text, gen_str_from(words[i]), 0) != SIZE_MAX)
            return true;
    }
    return false;
}

static int suggest(void *ud, const struct hds_met *met, struct gen_error *err)
{
    struct ranking *r = ud;
    struct gen_jb *jb = r->call->jb;
    struct reasons why = {jb, gen_jb_array(jb), 0};
    char text[80];
    (void)err;
    r->n_compared++;
    bool group = strcmp(met->kind, "group") == 0;
    if (met->dataset)
        judge_dataset(&why, met->dataset);
    if (group && met->n_members > 0) {
        double points = met->n_members >= 15 ? 3 : (double)met->n_members / 5;
        (void)snprintf(text, sizeof(text), "%lld members", (long long)met->n_members);
        earn(&why, points, text);
    }
    if (met->n_attributes > 0) {
        (void)snprintf(text, sizeof(text), "%lld attributes", (long long)met->n_attributes);
        earn(&why, 0.5, text);
    }
    if ((met->dataset || group) && names_a_result(met->name))
        earn(&why, 1, "its name tells of data");
    if (why.score <= 0)
        return GEN_OK;
    struct gen_jmut *o = gen_jb_object(jb);
    hds_put_text(jb, o, "path", met->path);
    hds_put_text(jb, o, "type", met->kind);
    gen_jb_put_real(jb, o, "score", why.score);
    gen_jb_put(jb, o, "reasons", why.array);
    bool small =
        met->dataset && met->dataset->shape.n_elements <= r->call->file->limits.elements_max;
    gen_jb_put_cstr(jb, o, "next_tool",
                    group                                    ? "list_keys"
                    : !met->dataset                          ? "get_by_path"
                    : small                                  ? "read_full_dataset"
                    : hds_type_is_number(met->dataset->tree) ? "hdf5_stream_data"
                                                             : "read_partial_dataset");
    r->items[r->n] = (struct ranked){why.score, r->n, o};
    r->n++;
    return GEN_OK;
}

int hds_tool_suggest_next(struct hds_call *c, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    struct ranking r;
    bool truncated = false;
    int rc = hds_path_normal(hds_arg_str(c, "current_path", "/"), path, err);
    if (rc == GEN_OK)
        rc = ranking_init(&r, c, err);
    if (rc)
        return rc;
    rc = hds_walk(c->file, path, false, suggest, &r, &truncated, err);
    if (rc == GEN_OK) {
        hds_put_text(c->jb, c->out, "current_path", path);
        gen_jb_put(c->jb, c->out, "suggestions", ranking_array(&r, SUGGESTIONS_MAX));
        hds_put_u64(c->jb, c->out, "n_members", r.n_compared);
    }
    free(r.items);
    return rc;
}
