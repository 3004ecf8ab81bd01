/* hdf5_stream_data, hdf5_aggregate_stats. */
#include "stats.h"
#include "tool.h"

enum stat_bit {
    STAT_MEAN = 1,
    STAT_STD = 2,
    STAT_MIN = 4,
    STAT_MAX = 8,
    STAT_SUM = 16,
    STAT_COUNT = 32,
    STAT_MEDIAN = 64,
};
#define STATS_DEFAULT (STAT_MEAN | STAT_STD | STAT_MIN | STAT_MAX | STAT_SUM | STAT_COUNT)

static void put_real(struct hds_call *c, struct gen_jmut *o, const char *key, double value,
                     bool there)
{
    gen_jb_put(c->jb, o, key, there ? gen_jb_real(c->jb, value) : gen_jb_null(c->jb));
}

static void put_stats(struct hds_call *c, struct gen_jmut *o, const struct hds_stats *s,
                      unsigned wanted)
{
    if (wanted & STAT_MEAN)
        put_real(c, o, "mean", hds_stats_mean(s), s->n > 0);
    if (wanted & STAT_STD)
        put_real(c, o, "std", hds_stats_std(s), s->n > 0);
    if (wanted & STAT_MIN)
        put_real(c, o, "min", s->min, s->n > 0);
    if (wanted & STAT_MAX)
        put_real(c, o, "max", s->max, s->n > 0);
    if (wanted & STAT_SUM)
        put_real(c, o, "sum", hds_stats_sum(s), true);
    if (wanted & STAT_COUNT)
        hds_put_u64(c->jb, o, "count", s->n);
}

static void take_tile(void *ud, const double *values, size_t n)
{
    hds_stats_add(ud, values, n);
}

static int put_pieces(struct hds_call *c, const struct hds_dataset *d, struct gen_error *err)
{
    struct gen_jmut *pieces = gen_jb_array(c->jb);
    struct hds_region r;
    uint64_t length = d->shape.rank ? d->shape.dims[0] : d->shape.n_elements;
    uint64_t step = (uint64_t)hds_arg_int(c, "chunk_size", 1024);
    uint64_t most = (uint64_t)hds_arg_int(c, "max_chunks", 100);
    uint64_t total = length / step + (length % step != 0);
    uint64_t n = total < most ? total : most;
    uint64_t n_not_finite = 0;
    hds_region_whole(d, &r);
    for (uint64_t i = 0; i < n; i++) {
        struct hds_stats s = {0};
        uint64_t start = i * step;
        uint64_t count = length - start < step ? length - start : step;
        if (d->shape.rank) {
            r.start[0] = start;
            r.count[0] = count;
        }
        int rc = hds_tiles(d, &r, take_tile, &s, err);
        if (rc)
            return rc;
        struct gen_jmut *o = gen_jb_object(c->jb);
        hds_put_u64(c->jb, o, "index", i);
        hds_put_u64(c->jb, o, "start", start);
        hds_put_u64(c->jb, o, "count", count);
        hds_put_u64(c->jb, o, "n_values", s.n);
        put_stats(c, o, &s, STAT_MEAN | STAT_STD | STAT_MIN | STAT_MAX);
        gen_jb_append(c->jb, pieces, o);
        n_not_finite += s.n_not_finite;
        hds_progress(c, i + 1, n);
    }
    gen_jb_put(c->jb, c->out, "chunks", pieces);
    hds_put_u64(c->jb, c->out, "n_chunks", n);
    gen_jb_put_bool(c->jb, c->out, "complete", n == total);
    hds_put_not_finite(c, c->out, n_not_finite);
    return GEN_OK;
}

int hds_tool_stream_data(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    struct hds_region none = {{0}, {0}, {0}};
    struct hds_stats unused = {0};
    int rc = hds_dataset_open(c->file, hds_arg_str(c, "path", ""), &d, err);
    if (rc)
        return rc;
    hds_put_text(c->jb, c->out, "path", d.path);
    hds_put_shape(c->jb, c->out, "shape", &d.shape);
    rc = hds_put_dtype(c->jb, c->out, d.tree, err);
    /* An empty dataset of text has no pieces that would tell. */
    if (rc == GEN_OK && d.shape.n_elements == 0)
        rc = hds_tiles(&d, &none, take_tile, &unused, err);
    if (rc == GEN_OK)
        rc = put_pieces(c, &d, err);
    hds_dataset_close(&d);
    return rc;
}

static unsigned wanted_stats(const struct hds_call *c)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {{"mean", STAT_MEAN},    {"std", STAT_STD}, {"min", STAT_MIN},
                 {"max", STAT_MAX},      {"sum", STAT_SUM}, {"count", STAT_COUNT},
                 {"median", STAT_MEDIAN}};
    const struct gen_json *stats = gen_json_get(c->args, "stats");
    struct gen_json_iter it;
    const struct gen_json *v;
    unsigned wanted = 0;
    gen_json_iter_init(&it, stats);
    while (gen_json_iter_next(&it, NULL, &v)) {
        struct gen_str name = {NULL, 0};
        (void)gen_json_as_str(v, &name);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (gen_str_is(name, names[i].name))
                wanted |= names[i].bit;
        }
    }
    return wanted ? wanted : STATS_DEFAULT;
}

static int put_dataset(struct hds_call *c, struct gen_jmut *o, struct gen_str path, unsigned wanted,
                       struct hds_stats *s, struct gen_error *err)
{
    struct hds_dataset d;
    struct hds_region whole;
    double median = 0;
    int rc = hds_dataset_open(c->file, path, &d, err);
    if (rc)
        return rc;
    hds_region_whole(&d, &whole);
    rc = hds_tiles(&d, &whole, take_tile, s, err);
    if (rc == GEN_OK && (wanted & STAT_MEDIAN) && s->n)
        rc = hds_median(&d, s->n, &median, err);
    hds_dataset_close(&d);
    if (rc)
        return rc;
    put_stats(c, o, s, wanted);
    if (wanted & STAT_MEDIAN)
        put_real(c, o, "median", median, s->n > 0);
    hds_put_not_finite(c, o, s->n_not_finite);
    return GEN_OK;
}

int hds_tool_aggregate_stats(struct hds_call *c, struct gen_error *err)
{
    const struct gen_json *paths = gen_json_get(c->args, "paths");
    struct gen_jmut *array = gen_jb_array(c->jb);
    struct gen_jmut *combined = gen_jb_object(c->jb);
    struct hds_stats all = {0};
    unsigned wanted = wanted_stats(c);
    size_t n = gen_json_count(paths);
    size_t n_ok = 0;
    size_t done = 0;
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_error first = {.msg = ""};
    gen_json_iter_init(&it, paths);
    while (gen_json_iter_next(&it, NULL, &v)) {
        struct gen_error why;
        struct hds_stats s = {0};
        struct gen_str path = {NULL, 0};
        struct gen_jmut *o = gen_jb_object(c->jb);
        (void)gen_json_as_str(v, &path);
        gen_jb_put_str(c->jb, o, "path", path);
        int rc = put_dataset(c, o, path, wanted, &s, &why);
        gen_jb_put_bool(c->jb, o, "ok", rc == GEN_OK);
        if (rc)
            hds_put_text(c->jb, o, "error", why.msg);
        else
            hds_stats_merge(&all, &s);
        n_ok += rc == GEN_OK;
        if (rc && done == 0)
            first = why;
        gen_jb_append(c->jb, array, o);
        hds_progress(c, ++done, n);
    }
    if (n && n_ok == 0)
        return hds_none_worked(n, "datasets could be read", &first, err);
    gen_jb_put(c->jb, c->out, "datasets", array);
    hds_put_u64(c->jb, combined, "n_datasets", n_ok);
    put_stats(c, combined, &all, wanted & ~(unsigned)STAT_MEDIAN);
    gen_jb_put(c->jb, c->out, "combined", combined);
    return GEN_OK;
}
