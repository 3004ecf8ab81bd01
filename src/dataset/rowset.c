#include "dataset/rowset.h"

#include "base/hash.h"
#include "base/prng.h"
#include "dataset/shapes.h"
#include "os/spool.h"

#include <stdlib.h>

#define NAME_BYTES_MAX ((size_t)4 << 20)
#define NO_NAME        UINT32_MAX
#define MOVED_MAX      256U
#define N_SHAPES       4096U

struct source {
    struct gen_split_source share; /* key: of the name */
    uint32_t name_at;              /* in names, NO_NAME */
    uint32_t name_bytes;
    uint32_t joined; /* a source, of a smaller number or this one, whose split it shares */
};

struct gen_rowset {
    struct gen_spool *spool;
    uint64_t *ends; /* in the spool */
    uint32_t *source_of;
    uint16_t *shape_of;
    uint64_t n, n_allocated;
    struct source *sources;
    size_t n_sources, n_sources_allocated;
    uint32_t *slots; /* source number + 1; open addressing, a power of two */
    size_t n_slots;
    bool keeps_names;
    uint64_t n_without_source;
    struct gen_buf names;
    uint32_t *order; /* row numbers, split after split */
    uint64_t split_at[GEN_SPLITS_MAX];
};

int gen_rowset_open(struct gen_rowset **out, const char *near_path, bool keeps_names,
                    struct gen_error *err)
{
    struct gen_rowset *s = calloc(1, sizeof(*s));
    if (!s)
        return gen_nomem(err, "the rows of an export");
    s->names = gen_buf_make(NAME_BYTES_MAX);
    s->keeps_names = keeps_names;
    int rc = gen_spool_open(&s->spool, near_path, err);
    if (rc) {
        gen_rowset_close(s);
        return rc;
    }
    *out = s;
    return GEN_OK;
}

void gen_rowset_close(struct gen_rowset *s)
{
    if (!s)
        return;
    gen_spool_close(s->spool);
    gen_buf_release(&s->names);
    free(s->ends);
    free(s->source_of);
    free(s->shape_of);
    free(s->sources);
    free(s->slots);
    free(s->order);
    free(s);
}

static int grow(void **array, uint64_t n, size_t bytes, struct gen_error *err)
{
    void *p = realloc(*array, (size_t)n * bytes);
    if (!p)
        return gen_nomem(err, "the index of the rows");
    *array = p;
    return GEN_OK;
}

static int make_room(struct gen_rowset *s, struct gen_error *err)
{
    if (s->n < s->n_allocated)
        return GEN_OK;
    uint64_t n = s->n_allocated ? s->n_allocated * 2 : 4096;
    if (n > UINT32_MAX)
        return gen_fail(err, GEN_ELIMIT,
                        "an export that is split or shuffled can have at most 2 billion rows");
    void *arrays[] = {s->ends, s->source_of, s->shape_of};
    static const size_t bytes[] = {sizeof(*s->ends), sizeof(*s->source_of), sizeof(*s->shape_of)};
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < 3; i++)
        rc = grow(&arrays[i], n, bytes[i], err);
    s->ends = arrays[0];
    s->source_of = arrays[1];
    s->shape_of = arrays[2];
    if (rc == GEN_OK)
        s->n_allocated = n;
    return rc;
}

static size_t slot_of(const struct gen_rowset *s, uint64_t key)
{
    size_t i = (size_t)key & (s->n_slots - 1);
    while (s->slots[i] && s->sources[s->slots[i] - 1].share.key != key)
        i = (i + 1) & (s->n_slots - 1);
    return i;
}

static int make_source_room(struct gen_rowset *s, struct gen_error *err)
{
    if (s->n_sources < s->n_sources_allocated)
        return GEN_OK;
    size_t n = s->n_sources_allocated ? s->n_sources_allocated * 2 : 256;
    void *sources = s->sources;
    int rc = grow(&sources, n, sizeof(*s->sources), err);
    s->sources = sources;
    uint32_t *slots = rc == GEN_OK ? calloc(n * 2, sizeof(*slots)) : NULL;
    if (!slots)
        return rc ? rc : gen_nomem(err, "the index of the sources");
    free(s->slots);
    s->slots = slots;
    s->n_slots = n * 2;
    s->n_sources_allocated = n;
    for (size_t i = 0; i < s->n_sources; i++)
        s->slots[slot_of(s, s->sources[i].share.key)] = (uint32_t)i + 1;
    return GEN_OK;
}

static void keep_name(struct gen_rowset *s, struct source *source, struct gen_str name)
{
    source->name_at = NO_NAME;
    if (!s->keeps_names || !name.n || name.n > s->names.bytes_max - s->names.n)
        return;
    size_t at = s->names.n;
    if (gen_buf_add_str(&s->names, name, NULL) != GEN_OK)
        return; /* a list for people, which may be shorter */
    source->name_at = (uint32_t)at;
    source->name_bytes = (uint32_t)name.n;
}

static int find_source(struct gen_rowset *s, uint64_t key, struct gen_str name, uint32_t *out,
                       struct gen_error *err)
{
    int rc = make_source_room(s, err);
    if (rc)
        return rc;
    size_t slot = slot_of(s, key);
    if (!s->slots[slot]) {
        struct source *fresh = &s->sources[s->n_sources];
        *fresh = (struct source){.share = {.key = key}, .joined = (uint32_t)s->n_sources};
        keep_name(s, fresh, name);
        s->slots[slot] = (uint32_t)++s->n_sources;
    }
    *out = s->slots[slot] - 1;
    return GEN_OK;
}

static uint32_t first_joined(struct gen_rowset *s, uint32_t i)
{
    while (s->sources[i].joined != i) {
        s->sources[i].joined = s->sources[s->sources[i].joined].joined;
        i = s->sources[i].joined;
    }
    return i;
}

/* What its users say, and the calls that are learned from it, as keys. */
static int task_keys(const struct gen_example *e, uint64_t *request, uint64_t *calls,
                     struct gen_error *err)
{
    struct gen_buf said = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf done = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < e->n_turns; i++) {
        const struct gen_turn *turn = &e->turns[i];
        if (turn->role == GEN_ROLE_USER)
            rc = gen_buf_printf(&said, err, "%.*s\n", GEN_STR_ARG(gen_str_trim(turn->content)));
        for (size_t k = 0; rc == GEN_OK && !turn->is_masked && k < turn->n_calls; k++) {
            rc = gen_buf_printf(&done, err, "\n%.*s ", GEN_STR_ARG(turn->calls[k].name));
            if (rc == GEN_OK && turn->calls[k].args)
                rc = gen_json_write(&done, turn->calls[k].args, GEN_JSON_COMPACT, err);
        }
    }
    *request = gen_hash64(gen_buf_str(&said), 2);
    *calls = done.n ? gen_hash64(gen_buf_str(&done), 3) : *request;
    gen_buf_release(&said);
    gen_buf_release(&done);
    return rc;
}

/* Rows about tools come from no document; what must not be in two splits is a task: the same words,
 * or the same calls with the same arguments. */
static int source_of_task(struct gen_rowset *s, const struct gen_example *e, uint32_t *out,
                          struct gen_error *err)
{
    const struct gen_str none = {"", 0};
    uint64_t request = 0;
    uint64_t calls = 0;
    uint32_t other = 0;
    int rc = task_keys(e, &request, &calls, err);
    if (rc == GEN_OK)
        rc = find_source(s, request, none, out, err);
    if (rc == GEN_OK)
        rc = find_source(s, calls, none, &other, err);
    if (rc)
        return rc;
    uint32_t a = first_joined(s, *out);
    uint32_t b = first_joined(s, other);
    s->sources[a > b ? a : b].joined = a > b ? b : a;
    return GEN_OK;
}

static int source_of(struct gen_rowset *s, const struct gen_example *e, uint32_t *out,
                     struct gen_error *err)
{
    int rc;
    if (e->source.n) {
        rc = find_source(s, gen_hash64(e->source, 0), e->source, out, err);
    } else if (e->chunk_id.n) {
        rc = find_source(s, gen_hash64(e->chunk_id, 1), e->source, out, err);
        s->n_without_source++;
    } else if (e->n_tools || e->n_calls) {
        rc = source_of_task(s, e, out, err);
    } else {
        struct gen_prng own = gen_prng_make(s->n);
        rc = find_source(s, gen_prng_next(&own), e->source, out, err);
        s->n_without_source++;
    }
    if (rc == GEN_OK)
        s->sources[*out].share.n_rows++;
    return rc;
}

int gen_rowset_add(struct gen_rowset *s, struct gen_str text, const struct gen_example *e,
                   uint16_t shape, struct gen_error *err)
{
    int rc = make_room(s, err);
    if (rc == GEN_OK)
        rc = source_of(s, e, &s->source_of[s->n], err);
    if (rc == GEN_OK)
        rc = gen_spool_add(s->spool, text, err);
    if (rc)
        return rc;
    s->shape_of[s->n] = shape;
    s->ends[s->n++] = gen_spool_bytes(s->spool);
    return GEN_OK;
}

uint64_t gen_rowset_count(const struct gen_rowset *s)
{
    return s->n;
}

uint64_t gen_rowset_source_count(const struct gen_rowset *s)
{
    return s->n_sources;
}

uint64_t gen_rowset_without_source(const struct gen_rowset *s)
{
    return s->n_without_source;
}

static int assign_sources(struct gen_rowset *s, struct gen_splits *splits, uint8_t *split_of,
                          uint64_t seed, struct gen_error *err)
{
    size_t n_slots = s->n_sources + 1; /* none is empty */
    struct gen_split_source *shares = calloc(n_slots, sizeof(*shares));
    uint32_t *share_of = calloc(n_slots, sizeof(*share_of));
    size_t n = 0;
    int rc = shares && share_of ? GEN_OK : gen_nomem(err, "the sources of the splits");
    for (uint32_t i = 0; rc == GEN_OK && i < s->n_sources; i++) {
        uint32_t first = first_joined(s, i);
        share_of[i] = first == i ? (uint32_t)n++ : share_of[first];
        if (first == i)
            shares[share_of[i]] = s->sources[i].share;
        else
            shares[share_of[i]].n_rows += s->sources[i].share.n_rows;
    }
    if (rc == GEN_OK)
        rc = gen_splits_assign(splits, shares, n, seed, err);
    for (uint64_t i = 0; rc == GEN_OK && i < s->n; i++)
        split_of[i] = (uint8_t)shares[share_of[s->source_of[i]]].split;
    free(shares);
    free(share_of);
    return rc;
}

static uint64_t row_bytes(const struct gen_rowset *s, uint32_t row)
{
    return s->ends[row] - (row ? s->ends[row - 1] : 0);
}

/* Moves the rows at `at` (ascending) to the front, all others keep their order. */
static void move_to_front(uint32_t *order, uint64_t n, const uint64_t *at, size_t n_at)
{
    uint32_t moved[MOVED_MAX];
    for (size_t i = 0; i < n_at; i++)
        moved[i] = order[at[i]];
    uint64_t to = n;
    size_t left = n_at;
    for (uint64_t i = n; i > 0; i--) {
        if (left && at[left - 1] == i - 1)
            left--;
        else
            order[--to] = order[i - 1];
    }
    for (size_t i = 0; i < n_at; i++)
        order[i] = moved[i];
}

static size_t show_shapes_early(struct gen_rowset *s, uint32_t *order, uint64_t n)
{
    uint64_t at[MOVED_MAX];
    size_t n_at = 0;
    uint64_t bytes = 0;
    bool seen[N_SHAPES] = {false};
    for (uint64_t i = 0; i < n && n_at < MOVED_MAX; i++) {
        uint16_t shape = s->shape_of[order[i]];
        bytes += row_bytes(s, order[i]);
        if (!seen[shape % N_SHAPES] && bytes > GEN_SHAPES_LEARNED_BYTES / 2)
            at[n_at++] = i;
        seen[shape % N_SHAPES] = true;
    }
    if (n_at)
        move_to_front(order, n, at, n_at);
    return n_at;
}

static void shuffle(uint32_t *rows, uint64_t n, uint64_t seed)
{
    struct gen_prng g = gen_prng_make(seed);
    for (uint64_t i = n; i > 1; i--) {
        uint64_t j = gen_prng_below(&g, i);
        uint32_t row = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = row;
    }
}

int gen_rowset_arrange(struct gen_rowset *s, struct gen_splits *splits,
                       const struct gen_rowset_order *order, uint64_t *n_moved,
                       struct gen_error *err)
{
    uint64_t next[GEN_SPLITS_MAX] = {0};
    uint64_t at = 0;
    size_t n_slots = (size_t)s->n + 1; /* none is empty */
    uint8_t *split_of = calloc(n_slots, 1);
    uint32_t *rows = calloc(n_slots, sizeof(*rows));
    free(s->order);
    s->order = calloc(n_slots, sizeof(*s->order));
    int rc = split_of && rows && s->order ? GEN_OK : gen_nomem(err, "the order of the rows");
    if (rc == GEN_OK && (order->by_row || splits->n == 1))
        rc = gen_splits_assign_rows(splits, split_of, s->n, order->seed, err);
    else if (rc == GEN_OK)
        rc = assign_sources(s, splits, split_of, order->seed, err);
    for (uint32_t i = 0; rc == GEN_OK && i < s->n; i++)
        rows[i] = i;
    if (rc == GEN_OK && order->shuffles)
        shuffle(rows, s->n, order->seed);
    for (size_t i = 0; rc == GEN_OK && i < splits->n; i++) {
        s->split_at[i] = next[i] = at;
        at += splits->rows[i].n_rows;
    }
    for (uint64_t i = 0; rc == GEN_OK && i < s->n; i++)
        s->order[next[split_of[rows[i]]]++] = rows[i];
    *n_moved = 0;
    for (size_t i = 0; rc == GEN_OK && i < splits->n; i++)
        *n_moved += show_shapes_early(s, s->order + s->split_at[i], splits->rows[i].n_rows);
    free(split_of);
    free(rows);
    return rc;
}

int gen_rowset_read(struct gen_rowset *s, size_t split, uint64_t i, struct gen_buf *out,
                    struct gen_error *err)
{
    uint32_t row = s->order[s->split_at[split] + i];
    gen_buf_clear(out);
    return gen_spool_read(s->spool, row ? s->ends[row - 1] : 0, (size_t)row_bytes(s, row), out,
                          err);
}

static bool comes_before(const struct gen_rowset_source *a, const struct gen_rowset_source *b)
{
    if (a->n_rows != b->n_rows)
        return a->n_rows > b->n_rows;
    int order = memcmp(a->name.p, b->name.p, a->name.n < b->name.n ? a->name.n : b->name.n);
    return order ? order < 0 : a->name.n < b->name.n;
}

size_t gen_rowset_top_sources(const struct gen_rowset *s, struct gen_rowset_source *out,
                              size_t n_max)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct source *source = &s->sources[i];
        if (source->name_at == NO_NAME)
            continue;
        const struct gen_rowset_source this = {
            {s->names.data + source->name_at, source->name_bytes}, source->share.n_rows};
        size_t at = n;
        while (at && comes_before(&this, &out[at - 1]))
            at--;
        if (at == n_max)
            continue;
        size_t last = n < n_max ? n++ : n_max - 1;
        memmove(&out[at + 1], &out[at], (last - at) * sizeof(*out));
        out[at] = this;
    }
    return n;
}
