#include "stats.h"

#include <math.h>
#include <stdlib.h>

#define DIGIT_BITS 16U
#define N_DIGITS   (64U / DIGIT_BITS)
#define N_BINS     ((size_t)1 << DIGIT_BITS)

static void add_to_sum(struct hds_stats *s, double x)
{
    double sum = s->sum + x;
    s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - sum) + x : (x - sum) + s->sum;
    s->sum = sum;
}

void hds_stats_add(struct hds_stats *s, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = values[i];
        if (!isfinite(x)) {
            s->n_not_finite++;
            continue;
        }
        if (s->n == 0 || x < s->min)
            s->min = x;
        if (s->n == 0 || x > s->max)
            s->max = x;
        s->n++;
        double delta = x - s->mean;
        s->mean += delta / (double)s->n;
        s->m2 += delta * (x - s->mean);
        add_to_sum(s, x);
    }
}

void hds_stats_merge(struct hds_stats *s, const struct hds_stats *o)
{
    s->n_not_finite += o->n_not_finite;
    if (o->n == 0)
        return;
    if (s->n == 0) {
        uint64_t n_not_finite = s->n_not_finite;
        *s = *o;
        s->n_not_finite = n_not_finite;
        return;
    }
    double n = (double)s->n + (double)o->n;
    double delta = o->mean - s->mean;
    s->m2 += o->m2 + delta * delta * (double)s->n * (double)o->n / n;
    s->mean += delta * (double)o->n / n;
    s->n += o->n;
    add_to_sum(s, o->sum);
    s->lost += o->lost;
    s->min = o->min < s->min ? o->min : s->min;
    s->max = o->max > s->max ? o->max : s->max;
}

double hds_stats_sum(const struct hds_stats *s)
{
    return s->sum + s->lost;
}

double hds_stats_std(const struct hds_stats *s)
{
    return s->n ? sqrt(s->m2 / (double)s->n) : 0;
}

/* The sum has lost less to rounding than the running mean, but may overflow. */
double hds_stats_mean(const struct hds_stats *s)
{
    double mean = s->n ? hds_stats_sum(s) / (double)s->n : 0;
    return isfinite(mean) ? mean : s->mean;
}

/* The lengths of a tile: whole trailing dimensions while they fit. Never longer than the dataset's
 * chunks need: libhdf5's cache keeps those that two tiles share. */
static void tile_shape(const struct hds_region *r, unsigned rank, hsize_t *tile)
{
    hsize_t room = HDS_TILE_ELEMENTS;
    for (unsigned i = rank; i-- > 0;) {
        tile[i] = r->count[i] < room ? r->count[i] : room;
        room /= tile[i];
    }
}

static int read_tiles(const struct hds_dataset *d, const struct hds_region *r, double *buffer,
                      void (*take)(void *ud, const double *values, size_t n), void *ud,
                      struct gen_error *err)
{
    hsize_t tile[H5S_MAX_RANK];
    hsize_t at[H5S_MAX_RANK] = {0};
    unsigned rank = d->shape.rank;
    tile_shape(r, rank, tile);
    for (;;) {
        struct hds_region part;
        for (unsigned i = 0; i < rank; i++) {
            hsize_t left = r->count[i] - at[i];
            part.start[i] = r->start[i] + at[i];
            part.count[i] = left < tile[i] ? left : tile[i];
            part.stride[i] = 1;
        }
        int rc = hds_dataset_read_doubles(d, &part, buffer, HDS_TILE_ELEMENTS, err);
        if (rc)
            return rc;
        take(ud, buffer, (size_t)hds_region_elements(d, &part));
        unsigned i = rank;
        while (i > 0) {
            i--;
            at[i] += tile[i];
            if (at[i] < r->count[i])
                break;
            at[i] = 0;
            if (i == 0)
                return GEN_OK;
        }
        if (rank == 0)
            return GEN_OK;
    }
}

int hds_tiles(const struct hds_dataset *d, const struct hds_region *r,
              void (*take)(void *ud, const double *values, size_t n), void *ud,
              struct gen_error *err)
{
    if (!hds_type_is_number(d->tree)) {
        struct gen_buf name = gen_buf_make(4096);
        int rc = hds_type_name(d->tree, &name, err);
        if (rc == GEN_OK)
            rc = gen_fail(err, GEN_EINPUT, "%.300s is not numeric: its type is %.200s", d->path,
                          name.data);
        gen_buf_release(&name);
        return rc;
    }
    int rc = hds_storage_check(d, err);
    uint64_t n = hds_region_elements(d, r);
    if (rc || n == 0)
        return rc;
    size_t room = n < HDS_TILE_ELEMENTS ? (size_t)n : HDS_TILE_ELEMENTS;
    double *buffer = malloc(room * sizeof(*buffer));
    if (!buffer)
        return gen_nomem(err, "the values");
    rc = read_tiles(d, r, buffer, take, ud, err);
    free(buffer);
    return rc;
}

/* Doubles as unsigned numbers in the same order. */
static uint64_t order_key(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double from_key(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* Radix selection: each pass settles DIGIT_BITS more bits of the two middle values. */
struct selection {
    unsigned shift;
    uint64_t prefix[2]; /* the bits above `shift` + DIGIT_BITS */
    uint64_t rank[2];   /* from 0, among the values with that prefix */
    uint64_t *bins[2];
};

static void count_bins(void *ud, const double *values, size_t n)
{
    struct selection *s = ud;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        uint64_t key = order_key(values[i]);
        uint64_t above = s->shift + DIGIT_BITS == 64 ? 0 : key >> (s->shift + DIGIT_BITS);
        size_t bin = (size_t)(key >> s->shift) & (N_BINS - 1);
        for (unsigned k = 0; k < 2; k++) {
            if (above == s->prefix[k])
                s->bins[k][bin]++;
        }
    }
}

static void settle(struct selection *s)
{
    for (unsigned k = 0; k < 2; k++) {
        size_t bin = 0;
        while (bin + 1 < N_BINS && s->rank[k] >= s->bins[k][bin])
            s->rank[k] -= s->bins[k][bin++];
        s->prefix[k] = s->prefix[k] << DIGIT_BITS | bin;
    }
}

int hds_median(const struct hds_dataset *d, uint64_t n, double *median, struct gen_error *err)
{
    struct hds_region whole;
    struct selection s = {.rank = {(n - 1) / 2, n / 2}};
    uint64_t *bins = calloc(2 * N_BINS, sizeof(*bins));
    if (!bins)
        return gen_nomem(err, "a median");
    s.bins[0] = bins;
    s.bins[1] = bins + N_BINS;
    hds_region_whole(d, &whole);
    int rc = GEN_OK;
    for (unsigned digit = N_DIGITS; rc == GEN_OK && digit-- > 0;) {
        memset(bins, 0, 2 * N_BINS * sizeof(*bins));
        s.shift = digit * DIGIT_BITS;
        rc = hds_tiles(d, &whole, count_bins, &s, err);
        if (rc == GEN_OK)
            settle(&s);
    }
    free(bins);
    if (rc)
        return rc;
    double low = from_key(s.prefix[0]);
    double high = from_key(s.prefix[1]);
    *median = low + (high - low) / 2;
    return GEN_OK;
}
