/*
 * Private to dataset/: what the metrics count with. All of it has a ceiling of memory. Samples are
 * drawn by a hash: a row (or text) whose hash ends in `level` zero bits or more is in the sample,
 * and when the sample grows too large the level rises, so that half of it goes. Which rows are in
 * it at the end does not depend on their order.
 */
#ifndef GEN_DATASET_METRICS_INT_H
#define GEN_DATASET_METRICS_INT_H

#include "base/arena.h"
#include "base/hash.h"
#include "dataset/metrics.h"

#define GEN_LEVELS 64

static inline uint64_t gen_metrics_row_hash(uint64_t row, uint64_t seed)
{
    return gen_hash_mix(row * 0x9E3779B97F4A7C15ULL + gen_hash_mix(seed));
}

static inline unsigned gen_metrics_level(uint64_t hash)
{
    return hash ? (unsigned)__builtin_ctzll(hash) : GEN_LEVELS - 1;
}

/* Who is in a sample of at most `n_max`. */
struct gen_sampler {
    uint64_t n_max, n;
    unsigned level;
    uint64_t n_at[GEN_LEVELS]; /* taken, by the level of their hash */
};
static inline bool gen_sampler_wants(const struct gen_sampler *s, uint64_t hash)
{
    return gen_metrics_level(hash) >= s->level;
}
/* Takes one that is wanted; the level may rise above its own. */
void gen_sampler_take(struct gen_sampler *s, uint64_t hash);

/* Numbers of words, to be asked for percentiles. */
#define GEN_HISTOGRAM_EXACT   4096U
#define GEN_HISTOGRAM_PARTS   128U /* of the numbers from one power of two to the next */
#define GEN_HISTOGRAM_BUCKETS (GEN_HISTOGRAM_EXACT + 52U * GEN_HISTOGRAM_PARTS)
struct gen_histogram {
    uint64_t n, min, max;
    double sum;
    uint64_t counts[GEN_HISTOGRAM_BUCKETS];
};
void gen_histogram_add(struct gen_histogram *h, uint64_t value);
void gen_histogram_read(const struct gen_histogram *h, struct gen_metrics_lengths *out);

/* Hashes seen before. Above GEN_FINGERPRINT_SLOTS_MAX * 3/4 different ones those of a higher level
 * alone. Zeroed to begin with. */
#define GEN_FINGERPRINT_SLOTS_MAX ((size_t)1 << 22)
struct gen_fingerprints {
    uint64_t *slots; /* open addressing; 0 is free */
    size_t n_slots, n;
    size_t n_slots_max; /* 0: GEN_FINGERPRINT_SLOTS_MAX */
    unsigned level;
    uint64_t rows[GEN_LEVELS], repeats[GEN_LEVELS];
};
GEN_MUST_USE int gen_fingerprints_add(struct gen_fingerprints *f, uint64_t hash,
                                      struct gen_error *err);
/* Repeats among the rows at or above the level. */
void gen_fingerprints_read(const struct gen_fingerprints *f, struct gen_metrics_share *out);
uint64_t gen_fingerprints_distinct(const struct gen_fingerprints *f);
void gen_fingerprints_release(struct gen_fingerprints *f);

/* Names with their counts, up to a number of names. */
#define GEN_TALLY_NAMES_MAX 65536U
struct gen_tally {
    struct gen_tally_entry {
        uint64_t hash;
        uint64_t count;
        const char *name;
    } * entries;
    uint32_t *slots; /* 1 + place of the entry; 0 is free */
    size_t n_slots, n, capacity;
    struct gen_arena names;
    uint64_t n_rows;
    bool is_partial;
};
static inline struct gen_tally gen_tally_make(void)
{
    return (struct gen_tally){.names = gen_arena_make((size_t)16 << 20)};
}
/* Counts the name with this hash; `*is_new` when it must be given with gen_tally_name. */
GEN_MUST_USE int gen_tally_add(struct gen_tally *t, uint64_t hash, bool *is_new,
                               struct gen_error *err);
GEN_MUST_USE int gen_tally_name(struct gen_tally *t, struct gen_str name, struct gen_error *err);
GEN_MUST_USE int gen_tally_add_name(struct gen_tally *t, struct gen_str name,
                                    struct gen_error *err);
void gen_tally_read(const struct gen_tally *t, struct gen_metrics_names *out);
void gen_tally_release(struct gen_tally *t);

/* The rows with the lowest hashes, with their texts: in the order of their hashes any prefix of it
 * is a random sample too. */
#define GEN_SAMPLE_TEXT_BYTES 8192U
struct gen_sample_row {
    uint64_t hash, row;
    struct gen_str texts[2]; /* by enum gen_metrics_text; own memory, cut at a character */
};
struct gen_sample {
    struct gen_sample_row *rows; /* a heap, the highest hash first, until it is sorted */
    size_t n, n_max;
};
GEN_MUST_USE int gen_sample_new(struct gen_sample *s, size_t n_max, struct gen_error *err);
GEN_MUST_USE int gen_sample_offer(struct gen_sample *s, uint64_t hash, uint64_t row,
                                  struct gen_str question, struct gen_str answer,
                                  struct gen_error *err);
void gen_sample_sort(struct gen_sample *s);
void gen_sample_release(struct gen_sample *s);

/* Figures of one kind of text of the first `n_rows` rows. */
GEN_MUST_USE int gen_sample_diversity(const struct gen_sample *s, enum gen_metrics_text text,
                                      size_t n_rows, size_t n_bleu, size_t compress_bytes,
                                      struct gen_metrics_diversity *out, struct gen_error *err);

/* Questions kept for the search for near duplicates at the end. `hash` is of what they are like, so
 * that those that are alike are in a sample together, mostly. */
struct gen_near {
    struct gen_sampler sampler;
    uint64_t n_after; /* n_max of the sampler once not all rows fit */
    struct gen_near_text {
        uint64_t hash, row;
        uint32_t offset, n;
    } * texts;
    size_t n, capacity;
    struct gen_buf bytes;
    uint64_t n_offered;
};
GEN_MUST_USE int gen_near_add(struct gen_near *s, uint64_t hash, uint64_t row,
                              struct gen_str question, struct gen_error *err);
GEN_MUST_USE int gen_near_read(const struct gen_near *s, double similarity,
                               struct gen_metrics_duplicates *out, struct gen_error *err);
void gen_near_release(struct gen_near *s);

/* Tool records. NULL until the first one. */
struct gen_tool_figures;
GEN_MUST_USE int gen_tool_figures_add(struct gen_tool_figures **f, const struct gen_json *record,
                                      struct gen_error *err);
void gen_tool_figures_read(const struct gen_tool_figures *f, struct gen_metrics_tools *out);
void gen_tool_figures_free(struct gen_tool_figures *f);

/* The fields of a record that are looked at, found in one reading of its keys. */
enum gen_metrics_field {
    GEN_FIELD_FORMAT,
    GEN_FIELD_QUESTION,
    GEN_FIELD_ANSWER,
    GEN_FIELD_REASONING,
    GEN_FIELD_MESSAGES,
    GEN_FIELD_CONVERSATIONS,
    GEN_FIELD_CONTENTS,
    GEN_FIELD_PROMPT,
    GEN_FIELD_COMPLETION,
    GEN_FIELD_INSTRUCTION,
    GEN_FIELD_OUTPUT,
    GEN_FIELD_RESPONSE,
    GEN_FIELD_SOLUTION,
    GEN_FIELD_TEXT,
    GEN_FIELD_METADATA,
    /* From here on also out of "metadata". */
    GEN_FIELD_RATING,
    GEN_FIELD_CLARITY, /* four criteria */
    GEN_FIELD_ACCURACY,
    GEN_FIELD_USEFULNESS,
    GEN_FIELD_DIFFICULTY,
    GEN_FIELD_RATING_REASONING,
    GEN_FIELD_CHUNK_ID,
    GEN_FIELD_SOURCE,
    GEN_FIELD_SOURCE_FILE,
    GEN_FIELD_TOPIC,
    GEN_FIELD_TOPIC_RELEVANT,
    GEN_FIELD_KIND,
    GEN_FIELD_QUESTION_TYPE,
    GEN_FIELD_CATEGORY,
    GEN_FIELD_GROUNDING,
    GEN_N_FIELDS,
};
struct gen_metrics_fields {
    const struct gen_json *at[GEN_N_FIELDS]; /* NULL: the record has none */
};
void gen_metrics_fields_read(const struct gen_json *record, struct gen_metrics_fields *out);
bool gen_metrics_view_read(const struct gen_metrics_fields *f, struct gen_metrics_view *out,
                           char *why, size_t why_bytes);

#endif
