#include "engine/item.h"

#include <stdlib.h>

struct gen_item *gen_item_new(struct gen_chunk *chunk, struct gen_str record, uint64_t position)
{
    struct gen_item *item = calloc(1, sizeof(*item) + record.n + 1);
    if (!item)
        return NULL;
    char *text = (char *)(item + 1);
    if (record.n)
        memcpy(text, record.p, record.n);
    item->record = (struct gen_str){text, record.n};
    item->chunk = chunk ? gen_chunk_ref(chunk) : NULL;
    item->position = position;
    item->is_new_input = true;
    return item;
}

void gen_item_free(struct gen_item *item)
{
    if (!item)
        return;
    gen_chunk_unref(item->chunk);
    free(item);
}

int gen_item_queue_push(struct gen_item_queue *q, struct gen_item *item, struct gen_error *err)
{
    if (q->n == q->capacity) {
        size_t capacity = q->capacity ? q->capacity * 2 : 16;
        struct gen_item **items = calloc(capacity, sizeof(struct gen_item *));
        if (!items)
            return gen_nomem(err, "a queue of items");
        for (size_t i = 0; i < q->n; i++)
            items[i] = q->items[(q->first + i) % q->capacity];
        free(q->items);
        q->items = items;
        q->first = 0;
        q->capacity = capacity;
    }
    q->items[(q->first + q->n) % q->capacity] = item;
    q->n++;
    return GEN_OK;
}

struct gen_item *gen_item_queue_pop(struct gen_item_queue *q)
{
    if (q->n == 0)
        return NULL;
    struct gen_item *item = q->items[q->first];
    q->first = (q->first + 1) % q->capacity;
    q->n--;
    return item;
}

struct gen_item *gen_item_queue_at(const struct gen_item_queue *q, size_t i)
{
    return i < q->n ? q->items[(q->first + i) % q->capacity] : NULL;
}

void gen_item_queue_release(struct gen_item_queue *q)
{
    struct gen_item *item;
    while ((item = gen_item_queue_pop(q)))
        gen_item_free(item);
    free(q->items);
    q->items = NULL;
    q->capacity = 0;
}
