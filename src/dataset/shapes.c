#include "dataset/shapes.h"

#include "base/hash.h"

#include <stdlib.h>

#define SHAPES_MAX      4096U
#define SLOTS           16384U /* a power of two, well above SHAPES_MAX and MEMBERS_MAX */
#define MEMBERS_MAX     8192U  /* told apart over all rows */
#define ROW_MEMBERS_MAX 128U   /* told apart in one row */
#define DEPTH_MAX       8U

struct gen_shapes {
    uint64_t members[SLOTS]; /* open addressing; 0 is free */
    size_t n_members;
    uint64_t shapes[SLOTS];
    uint16_t numbers[SLOTS];
    size_t n_shapes;
    /* The row being looked at. */
    uint64_t row[ROW_MEMBERS_MAX];
    size_t n_row;
    uint64_t sum; /* of its members, in any order */
};

int gen_shapes_new(struct gen_shapes **out, struct gen_error *err)
{
    *out = calloc(1, sizeof(**out));
    return *out ? GEN_OK : gen_nomem(err, "the shapes of rows");
}

void gen_shapes_free(struct gen_shapes *s)
{
    free(s);
}

static uint64_t mix(uint64_t path, uint64_t with)
{
    return gen_hash_mix((path ^ with) * UINT64_C(0x9E3779B97F4A7C15)) | 1U; /* never 0 */
}

static void note(struct gen_shapes *s, uint64_t member)
{
    for (size_t i = 0; i < s->n_row; i++) {
        if (s->row[i] == member)
            return;
    }
    if (s->n_row == ROW_MEMBERS_MAX)
        return;
    s->row[s->n_row++] = member;
    s->sum += member;
}

/* Recurses at most DEPTH_MAX deep; what lies below is no column of its own anywhere. */
static void walk(struct gen_shapes *s, const struct gen_json *v, uint64_t path, unsigned depth)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *member;
    enum gen_json_type type = gen_json_type(v);
    if (type != GEN_JSON_NULL)
        note(s, mix(path, (uint64_t)type));
    if ((type != GEN_JSON_OBJECT && type != GEN_JSON_ARRAY) || depth == DEPTH_MAX)
        return;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, &key, &member))
        walk(s, member, mix(path, key.p ? gen_hash64(key, 0) : 7), depth + 1);
}

static size_t slot_of(const uint64_t *slots, uint64_t value)
{
    size_t i = (size_t)(value >> 20) & (SLOTS - 1);
    while (slots[i] && slots[i] != value)
        i = (i + 1) & (SLOTS - 1);
    return i;
}

uint16_t gen_shapes_of(struct gen_shapes *s, const struct gen_json *row, bool *is_new)
{
    s->n_row = 0;
    s->sum = 0;
    *is_new = false;
    walk(s, row, 1, 0);
    size_t at = slot_of(s->shapes, s->sum | 1U);
    if (s->shapes[at])
        return s->numbers[at];
    for (size_t i = 0; i < s->n_row; i++) {
        size_t member = slot_of(s->members, s->row[i]);
        if (s->members[member] || s->n_members == MEMBERS_MAX)
            continue;
        s->members[member] = s->row[i];
        s->n_members++;
        *is_new = true;
    }
    if (s->n_shapes == SHAPES_MAX)
        return (uint16_t)(SHAPES_MAX - 1);
    s->shapes[at] = s->sum | 1U;
    s->numbers[at] = (uint16_t)s->n_shapes++;
    return s->numbers[at];
}
