/* optimize_access_pattern: what one access costs, as a count of chunks and bytes. */
#include "tool.h"

#include <stdio.h>

#define CHUNK_TARGET  ((uint64_t)256 * 1024) /* bytes of a recommended chunk */
#define RANDOM_TARGET ((uint64_t)16 * 1024)  /* single elements pay for all of their chunk */
#define BLOCK_TARGET  ((uint64_t)64 * 1024)  /* bytes of the block of the pattern "block" */

enum pattern { SEQUENTIAL = 0, RANDOM, ROW, COLUMN, BLOCK };

static enum pattern pattern_of(struct gen_str name)
{
    static const char *const names[] = {"sequential", "random", "row", "column", "block"};
    for (int i = 0; i < 5; i++) {
        if (gen_str_is(name, names[i]))
            return (enum pattern)i;
    }
    return SEQUENTIAL;
}

/* Doubles the shortest side until the bytes are reached: a compact block. */
static void grow_block(const struct hds_dataset *d, uint64_t target, hsize_t *block)
{
    unsigned rank = d->shape.rank;
    uint64_t bytes = d->tree->size;
    for (unsigned i = 0; i < rank; i++)
        block[i] = 1;
    while (bytes <= target / 2) {
        unsigned best = rank;
        for (unsigned i = 0; i < rank; i++) {
            if (block[i] < d->shape.dims[i] && (best == rank || block[i] <= block[best]))
                best = i;
        }
        if (best == rank)
            break;
        block[best] = block[best] * 2 < d->shape.dims[best] ? block[best] * 2 : d->shape.dims[best];
        bytes = d->tree->size;
        for (unsigned i = 0; i < rank; i++)
            bytes *= block[i];
    }
}

/* Fills whole dimensions, from the last backwards or from the first forwards. */
static void grow_line(const struct hds_dataset *d, uint64_t target, bool from_last, hsize_t *chunk)
{
    unsigned rank = d->shape.rank;
    uint64_t room = target / d->tree->size;
    for (unsigned k = 0; k < rank; k++) {
        unsigned i = from_last ? rank - 1 - k : k;
        uint64_t take = room < 1 ? 1 : room;
        chunk[i] = d->shape.dims[i] < take ? d->shape.dims[i] : take;
        room = chunk[i] ? room / chunk[i] : 0;
    }
}

static void access_shape(const struct hds_dataset *d, enum pattern p, hsize_t *shape)
{
    unsigned rank = d->shape.rank;
    for (unsigned i = 0; i < rank; i++)
        shape[i] = p == SEQUENTIAL ? d->shape.dims[i] : 1;
    if (p == ROW)
        shape[rank - 1] = d->shape.dims[rank - 1];
    if (p == COLUMN)
        shape[0] = d->shape.dims[0];
    if (p == BLOCK)
        grow_block(d, BLOCK_TARGET, shape);
}

static void recommend(const struct hds_dataset *d, enum pattern p, hsize_t *chunk)
{
    if (p == RANDOM || p == BLOCK)
        grow_block(d, p == RANDOM ? RANDOM_TARGET : CHUNK_TARGET / 2, chunk);
    else
        grow_line(d, CHUNK_TARGET, p != COLUMN, chunk);
}

struct cost {
    hsize_t chunk[H5S_MAX_RANK];
    uint64_t chunk_bytes, chunks, bytes, cache;
    double amplification;
};

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* An access that begins at a chunk's edge touches this many chunks. */
static void count_chunks(const struct hds_dataset *d, const hsize_t *access, struct cost *cost)
{
    uint64_t wanted = d->tree->size;
    cost->chunk_bytes = d->tree->size;
    cost->chunks = 1;
    for (unsigned i = 0; i < d->shape.rank; i++) {
        uint64_t along = access[i] / cost->chunk[i] + (access[i] % cost->chunk[i] != 0);
        cost->chunks = times(cost->chunks, along);
        cost->chunk_bytes = times(cost->chunk_bytes, cost->chunk[i]);
        wanted = times(wanted, access[i]);
    }
    cost->bytes = times(cost->chunks, cost->chunk_bytes);
    cost->amplification = wanted ? (double)cost->bytes / (double)wanted : 0;
}

/* What keeps chunks from being read twice: those of one access, or, when everything is read in
 * order, those across all dimensions but the first. */
static void size_cache(const struct hds_dataset *d, enum pattern p, const hsize_t *access,
                       struct cost *cost)
{
    uint64_t n = 1;
    for (unsigned i = p == SEQUENTIAL ? 1 : 0; i < d->shape.rank; i++)
        n = times(n, access[i] / cost->chunk[i] + (access[i] % cost->chunk[i] != 0));
    cost->cache = times(n, cost->chunk_bytes);
}

/* A seek and a look into the chunk index cost about as much as reading 4 KiB. */
static double weight(const struct cost *cost)
{
    return (double)cost->bytes + 4096.0 * (double)cost->chunks;
}

/* Contiguous data is read in runs along the last dimensions, and nothing else is touched. */
static void count_runs(const struct hds_dataset *d, const hsize_t *access, struct cost *cost)
{
    unsigned i = d->shape.rank;
    cost->chunk_bytes = d->tree->size;
    cost->chunks = 1;
    cost->amplification = 1;
    bool whole = true;
    while (i > 0) {
        i--;
        cost->chunk[i] = whole ? access[i] : 1;
        if (whole)
            cost->chunk_bytes = times(cost->chunk_bytes, access[i]);
        else
            cost->chunks = times(cost->chunks, access[i]);
        whole = whole && access[i] == d->shape.dims[i];
    }
    cost->bytes = times(cost->chunks, cost->chunk_bytes);
}

static struct gen_jmut *write_cost(struct gen_jb *jb, const struct hds_dataset *d,
                                   const struct cost *cost)
{
    struct gen_jmut *o = gen_jb_object(jb);
    hds_put_dims(jb, o, "chunk_shape", cost->chunk, d->shape.rank);
    hds_put_u64(jb, o, "chunk_bytes", cost->chunk_bytes);
    hds_put_u64(jb, o, "chunks_touched", cost->chunks);
    hds_put_u64(jb, o, "bytes_read", cost->bytes);
    gen_jb_put_real(jb, o, "amplification", cost->amplification);
    hds_put_u64(jb, o, "cache_bytes", cost->cache);
    return o;
}

static void advise(struct hds_call *c, const struct hds_dataset *d, const struct hds_storage *s,
                   const struct cost *now, const struct cost *then)
{
    struct gen_jmut *advice = gen_jb_array(c->jb);
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    bool chunked = s->layout == H5D_CHUNKED;
    if (weight(now) > weight(then) * 1.25 && chunked) {
        rc = gen_buf_printf(
            &text, NULL,
            "rewrite it with the recommended chunk shape: h5repack -l %.300s:CHUNK=", d->path);
        for (unsigned i = 0; rc == GEN_OK && i < d->shape.rank; i++)
            rc = gen_buf_printf(&text, NULL, "%s%llu", i ? "x" : "",
                                (unsigned long long)then->chunk[i]);
        if (rc == GEN_OK)
            rc = gen_buf_printf(&text, NULL,
                                "; one access then reads %llu bytes in %llu chunks instead of %llu "
                                "bytes in %llu",
                                (unsigned long long)then->bytes, (unsigned long long)then->chunks,
                                (unsigned long long)now->bytes, (unsigned long long)now->chunks);
    } else {
        rc =
            gen_buf_add_c(&text,
                          chunked ? "keep the layout: another chunk shape would not make this "
                                    "pattern much cheaper"
                          : now->chunks > 64
                              ? "contiguous layout needs many small reads for this pattern; "
                                "chunks of the recommended shape would bundle them"
                              : "keep the layout: contiguous data reads nothing but what is wanted",
                          NULL);
    }
    if (rc == GEN_OK)
        gen_jb_append(c->jb, advice, hds_write_text(c->jb, gen_buf_str(&text)));
    if (chunked && now->cache > (uint64_t)1 << 20) {
        gen_buf_clear(&text);
        rc = gen_buf_printf(&text, NULL,
                            "until then set a chunk cache of at least %llu bytes "
                            "(H5Pset_chunk_cache; rdcc_nbytes in h5py), so that neighbouring "
                            "accesses do not read the same chunks again",
                            (unsigned long long)now->cache);
        if (rc == GEN_OK)
            gen_jb_append(c->jb, advice, hds_write_text(c->jb, gen_buf_str(&text)));
    }
    gen_buf_release(&text);
    gen_jb_put(c->jb, c->out, "advice", advice);
}

static void weigh(struct hds_call *c, const struct hds_dataset *d, const struct hds_storage *s)
{
    struct gen_str name = hds_arg_str(c, "access_pattern", "sequential");
    enum pattern p = pattern_of(name);
    hsize_t access[H5S_MAX_RANK];
    struct cost now = {.amplification = 0};
    struct cost then = {.amplification = 0};
    uint64_t wanted = d->tree->size;
    access_shape(d, p, access);
    for (unsigned i = 0; i < d->shape.rank; i++)
        wanted = times(wanted, access[i]);
    recommend(d, p, then.chunk);
    count_chunks(d, access, &then);
    size_cache(d, p, access, &then);
    if (s->layout == H5D_CHUNKED) {
        memcpy(now.chunk, s->chunk, sizeof(now.chunk));
        count_chunks(d, access, &now);
        size_cache(d, p, access, &now);
        if (weight(&now) <= weight(&then) * 1.25)
            then = now;
    } else {
        count_runs(d, access, &now);
    }
    hds_put_text(c->jb, c->out, "dataset_path", d->path);
    gen_jb_put_str(c->jb, c->out, "access_pattern", name);
    gen_jb_put_cstr(c->jb, c->out, "layout", hds_layout_name(s->layout));
    hds_put_dims(c->jb, c->out, "access_shape", access, d->shape.rank);
    hds_put_u64(c->jb, c->out, "access_bytes", wanted);
    gen_jb_put(c->jb, c->out, "current", write_cost(c->jb, d, &now));
    gen_jb_put(c->jb, c->out, "recommended", write_cost(c->jb, d, &then));
    advise(c, d, s, &now, &then);
}

int hds_tool_optimize_access(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    struct hds_storage s;
    int rc = hds_dataset_open(c->file, hds_arg_str(c, "dataset_path", ""), &d, err);
    if (rc)
        return rc;
    rc = hds_storage_read(&d, &s, NULL, NULL, err);
    if (rc == GEN_OK && (d.shape.rank == 0 || d.shape.n_elements == 0))
        rc = gen_fail(err, GEN_EINPUT,
                      "%.300s has no elements along any dimension: there is no access to optimize",
                      d.path);
    if (rc == GEN_OK)
        weigh(c, &d, &s);
    hds_dataset_close(&d);
    return rc;
}
