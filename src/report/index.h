/* Private to report/: a map from names to small numbers, by 128 bits of hash, so that the names
 * need not be held. */
#ifndef GEN_REPORT_INDEX_H
#define GEN_REPORT_INDEX_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

struct gen_report_key {
    uint64_t high, low;
};
/* Of two texts; ("ab", "c") is another key than ("a", "bc"). */
struct gen_report_key gen_report_key_of(struct gen_str a, struct gen_str b);

struct gen_report_entry {
    struct gen_report_key key;
    uint32_t value;
    bool is_used, is_marked;
};

struct gen_report_index {
    struct gen_report_entry *places;
    size_t n_places; /* a power of two, or 0 */
    uint32_t n;
};

/* The entry of the key, or NULL; good until the next add. */
struct gen_report_entry *gen_report_index_find(const struct gen_report_index *x,
                                               struct gen_report_key key);
/* Finds or makes the entry; a new one gets the number of those before it. GEN_ENOMEM. */
GEN_MUST_USE int gen_report_index_add(struct gen_report_index *x, struct gen_report_key key,
                                      uint32_t *value, bool *is_new, struct gen_error *err);
void gen_report_index_release(struct gen_report_index *x);

#endif
