/* identify_io_bottlenecks. */
#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define KIB                ((uint64_t)1024)
#define MIB                (KIB * 1024)
#define DEFAULT_CACHE      (1 * MIB) /* libhdf5's chunk cache of a dataset, if nobody asks for more */
#define SMALL_CHUNK        (16 * KIB) /* the HDF Group advises chunks of 10 KiB to 1 MiB */
#define SMALL_CHUNK_COUNT  64
#define TINY_DATASET       (4 * KIB)
#define TINY_COUNT         100
#define UNCOMPRESSED_BYTES MIB
#define FINDINGS_MAX       1000

struct finding {
    int severity; /* 2 high, 1 medium, 0 low */
    size_t order;
    struct gen_jmut *value;
};

struct diagnosis {
    struct hds_call *call;
    struct finding *findings;
    size_t n;
    uint64_t n_analyzed;
    uint64_t n_tiny;
    bool truncated;
};

static void report(struct diagnosis *g, const char *path, const char *issue, int severity,
                   const char *recommendation, const char *format, ...) GEN_PRINTF(6, 7);

static void report(struct diagnosis *g, const char *path, const char *issue, int severity,
                   const char *recommendation, const char *format, ...)
{
    static const char *const names[] = {"low", "medium", "high"};
    struct gen_jb *jb = g->call->jb;
    char detail[400];
    va_list args;
    if (g->n == FINDINGS_MAX) {
        g->truncated = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    struct gen_jmut *o = gen_jb_object(jb);
    hds_put_text(jb, o, "path", path);
    gen_jb_put_cstr(jb, o, "issue", issue);
    gen_jb_put_cstr(jb, o, "severity", names[severity]);
    hds_put_text(jb, o, "detail", detail);
    gen_jb_put_cstr(jb, o, "recommendation", recommendation);
    g->findings[g->n] = (struct finding){severity, g->n, o};
    g->n++;
}

static int by_severity(const void *a, const void *b)
{
    const struct finding *x = a;
    const struct finding *y = b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int size_class(uint64_t bytes)
{
    return bytes >= 100 * MIB ? 2 : bytes >= MIB ? 1 : 0;
}

static void look_at_chunks(struct diagnosis *g, const struct hds_dataset *d,
                           const struct hds_storage *s, uint64_t bytes)
{
    if (s->chunk_bytes < SMALL_CHUNK && s->n_chunks >= SMALL_CHUNK_COUNT)
        report(g, d->path, "small_chunks", s->n_chunks >= 10000 ? 2 : 1,
               "rewrite it with chunks of 64 KiB to 1 MiB (h5repack -l), as "
               "optimize_access_pattern computes",
               "%llu chunks of %llu bytes: each costs an index entry, a seek and a filter call",
               (unsigned long long)s->n_chunks, (unsigned long long)s->chunk_bytes);
    if (s->chunk_bytes > DEFAULT_CACHE && s->n_chunks > 1)
        report(g, d->path, "chunk_exceeds_cache", s->n_filters ? 2 : 1,
               "read whole chunks, or set a chunk cache larger than one chunk "
               "(H5Pset_chunk_cache), or rewrite with smaller chunks",
               "a chunk of %llu bytes does not fit the default chunk cache of 1 MiB: %s",
               (unsigned long long)s->chunk_bytes,
               s->n_filters ? "every partial read decompresses whole chunks again"
                            : "chunks are not cached at all");
    if (bytes > 0 && s->chunk_bytes / 2 >= bytes && s->chunk_bytes > 4 * KIB)
        report(g, d->path, "chunk_exceeds_dataset", 0,
               "choose a chunk no longer than the dataset in each dimension",
               "a chunk of %llu bytes holds %llu bytes of data", (unsigned long long)s->chunk_bytes,
               (unsigned long long)bytes);
}

static void look_at_filters(struct diagnosis *g, const struct hds_dataset *d,
                            const struct hds_storage *s, uint64_t bytes)
{
    double ratio = s->stored_bytes ? (double)bytes / (double)s->stored_bytes : 0;
    if (s->missing_filter[0])
        report(g, d->path, "filter_unavailable", 2,
               "install the filter's plugin for other programs, or rewrite it with gzip",
               "the filter %s is not in this libhdf5, so the values cannot be read",
               s->missing_filter);
    if (s->n_filters == 0 && s->stored_bytes >= UNCOMPRESSED_BYTES && !d->tree->has_vlen &&
        s->layout != H5D_VIRTUAL)
        report(g, d->path, "uncompressed", size_class(s->stored_bytes),
               "rewrite it chunked with shuffle and gzip level 4 (h5repack -f SHUF -f GZIP=4), "
               "if the data is not random",
               "%llu bytes in %s layout without a filter", (unsigned long long)s->stored_bytes,
               hds_layout_name(s->layout));
    if (s->deflate_level > 0 && s->stored_bytes >= KIB && bytes >= KIB && ratio < 1.1)
        report(g, d->path, "compression_ineffective", size_class(bytes),
               "leave gzip out, or put shuffle or scaleoffset before it",
               "gzip level %d makes %llu bytes of %llu: a ratio of %.2f", s->deflate_level,
               (unsigned long long)s->stored_bytes, (unsigned long long)bytes, ratio);
    if (s->deflate_level > 0 && !s->shuffle && d->tree->size > 1 && hds_type_is_number(d->tree))
        report(g, d->path, "no_shuffle", size_class(bytes),
               "put shuffle before gzip: it costs little and helps numbers of several bytes",
               "gzip level %d on elements of %zu bytes without shuffle; ratio now %.2f",
               s->deflate_level, d->tree->size, ratio);
    if (s->deflate_level > 6)
        report(g, d->path, "costly_gzip_level", 0,
               "level 4 to 6 compresses nearly as well and writes faster",
               "gzip level %d; ratio %.2f", s->deflate_level, ratio);
}

static int look_at(struct diagnosis *g, const struct hds_dataset *d, struct gen_error *err)
{
    struct hds_storage s;
    int rc = hds_storage_read(d, &s, NULL, NULL, err);
    if (rc)
        return rc;
    uint64_t bytes = hds_dataset_bytes(d);
    g->n_analyzed++;
    g->n_tiny += bytes < TINY_DATASET;
    if (s.layout == H5D_CHUNKED)
        look_at_chunks(g, d, &s, bytes);
    look_at_filters(g, d, &s, bytes);
    if (d->tree->has_vlen && d->shape.n_elements >= 1000)
        report(g, d->path, "variable_length", d->shape.n_elements >= 1000000 ? 2 : 1,
               "store strings of similar length as fixed-length strings, and sequences as one flat "
               "dataset with an index",
               "%llu variable-length elements: each is a separate piece of a heap, which filters "
               "do not compress",
               (unsigned long long)d->shape.n_elements);
    return GEN_OK;
}

static int look_at_met(void *ud, const struct hds_met *met, struct gen_error *err)
{
    return met->dataset && !met->again ? look_at(ud, met->dataset, err) : GEN_OK;
}

static int look_at_path(struct diagnosis *g, struct gen_str given, struct gen_error *err)
{
    char path[HDS_PATH_MAX];
    struct hds_dataset d;
    H5O_type_t type;
    bool truncated = false;
    int rc = hds_path_normal(given, path, err);
    if (rc == GEN_OK)
        rc = hds_object_type(g->call->file, path, &type, err);
    if (rc)
        return rc;
    if (type == H5O_TYPE_GROUP) {
        g->n_tiny = 0;
        rc = hds_walk(g->call->file, path, true, look_at_met, g, &truncated, err);
        g->truncated = g->truncated || truncated;
        if (rc == GEN_OK && g->n_tiny >= TINY_COUNT)
            report(g, path, "many_small_datasets", g->n_tiny >= 10000 ? 2 : 1,
                   "put what belongs together into one dataset, with another dimension or as "
                   "records of a compound type",
                   "%llu datasets of less than 4 KiB: reading them is mostly metadata",
                   (unsigned long long)g->n_tiny);
        return rc;
    }
    rc = hds_dataset_open(g->call->file, given, &d, err);
    if (rc)
        return rc;
    rc = look_at(g, &d, err);
    hds_dataset_close(&d);
    return rc;
}

/* Fails when there is nothing that could be looked at. */
static int look_at_all(struct diagnosis *g, const struct gen_json *paths, struct gen_jmut *skipped,
                       struct gen_error *err)
{
    struct gen_jb *jb = g->call->jb;
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_error first = {.msg = ""};
    size_t n = 0, n_skipped = 0;
    gen_json_iter_init(&it, paths);
    for (; gen_json_iter_next(&it, NULL, &v); n++) {
        struct gen_error why;
        struct gen_str path = {NULL, 0};
        (void)gen_json_as_str(v, &path);
        if (look_at_path(g, path, &why) == GEN_OK)
            continue;
        struct gen_jmut *o = gen_jb_object(jb);
        gen_jb_put_str(jb, o, "path", path);
        hds_put_text(jb, o, "error", why.msg);
        gen_jb_append(jb, skipped, o);
        if (n_skipped++ == 0)
            first = why;
    }
    return n && n_skipped == n ? hds_none_worked(n, "paths could be looked at", &first, err)
                               : GEN_OK;
}

int hds_tool_identify_bottlenecks(struct hds_call *c, struct gen_error *err)
{
    const struct gen_json *paths = gen_json_get(c->args, "analysis_paths");
    struct diagnosis g = {.call = c};
    struct gen_jmut *skipped = gen_jb_array(c->jb);
    g.findings = calloc(FINDINGS_MAX, sizeof(g.findings[0]));
    if (!g.findings)
        return gen_nomem(err, "findings");
    int rc = GEN_OK;
    if (paths)
        rc = look_at_all(&g, paths, skipped, err);
    else
        rc = look_at_path(&g, GEN_STR("/"), err);
    if (rc == GEN_OK) {
        struct gen_jmut *array = gen_jb_array(c->jb);
        if (g.n)
            qsort(g.findings, g.n, sizeof(g.findings[0]), by_severity);
        for (size_t i = 0; i < g.n; i++)
            gen_jb_append(c->jb, array, g.findings[i].value);
        hds_put_u64(c->jb, c->out, "n_analyzed", g.n_analyzed);
        gen_jb_put(c->jb, c->out, "findings", array);
        gen_jb_put(c->jb, c->out, "skipped", skipped);
        gen_jb_put_bool(c->jb, c->out, "truncated", g.truncated);
    }
    free(g.findings);
    return rc;
}
