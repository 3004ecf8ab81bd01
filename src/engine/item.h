/* What flows between steps: a record as JSON text, and the chunk it comes from. Self-contained. */
#ifndef GEN_ENGINE_ITEM_H
#define GEN_ENGINE_ITEM_H

#include "base/error.h"
#include "corpus/corpus.h"

struct gen_item {
    uint64_t position;       /* of the input it comes from, from 0 */
    struct gen_chunk *chunk; /* one reference; NULL when the source is not known */
    struct gen_str
        record;      /* JSON object; empty for an item that is a bare chunk; lives in this item */
    unsigned round;  /* 0, or the number of the extra pass that asked for it (--target-pairs) */
    bool ends_group; /* last of the items that came from one chunk: no later item shares a call with
                        it */
    bool is_new_input; /* counted in the account of the first step; false in extra rounds */
};

/* Copies `record`; takes its own reference of `chunk` (may be NULL). NULL when out of memory. */
struct gen_item *gen_item_new(struct gen_chunk *chunk, struct gen_str record, uint64_t position);
void gen_item_free(struct gen_item *item); /* NULL is fine */

/* A growable queue of owned items. */
struct gen_item_queue {
    struct gen_item **items;
    size_t first, n, capacity; /* a ring */
};
GEN_MUST_USE int gen_item_queue_push(struct gen_item_queue *q, struct gen_item *item,
                                     struct gen_error *err);
struct gen_item *gen_item_queue_pop(struct gen_item_queue *q); /* NULL when empty */
struct gen_item *gen_item_queue_at(const struct gen_item_queue *q,
                                   size_t i); /* borrowed; NULL beyond the end */
void gen_item_queue_release(struct gen_item_queue *q);

#endif
