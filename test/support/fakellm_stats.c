#include "fakellm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void insert(uint64_t *keys, uint32_t *counts, size_t cap, uint64_t key, uint32_t count)
{
    size_t i = key & (cap - 1);
    while (keys[i] != 0) {
        i = (i + 1) & (cap - 1);
    }
    keys[i] = key;
    counts[i] = count;
}

static bool grow(struct fake_seen *seen)
{
    size_t cap = seen->cap == 0 ? 1024 : seen->cap * 2;
    uint64_t *keys = calloc(cap, sizeof(*keys));
    uint32_t *counts = calloc(cap, sizeof(*counts));
    if (keys == NULL || counts == NULL) {
        free(keys);
        free(counts);
        return false;
    }
    for (size_t i = 0; i < seen->cap; i++) {
        if (seen->keys[i] != 0) {
            insert(keys, counts, cap, seen->keys[i], seen->counts[i]);
        }
    }
    free(seen->keys);
    free(seen->counts);
    seen->keys = keys;
    seen->counts = counts;
    seen->cap = cap;
    return true;
}

unsigned fake_seen_add(struct fake_seen *seen, uint64_t key)
{
    key = key == 0 ? 1 : key; /* 0 marks an empty place */
    if (seen->n * 2 >= seen->cap && !grow(seen)) {
        return 0;
    }
    size_t i = key & (seen->cap - 1);
    while (seen->keys[i] != 0) {
        if (seen->keys[i] == key) {
            return seen->counts[i]++;
        }
        i = (i + 1) & (seen->cap - 1);
    }
    seen->keys[i] = key;
    seen->counts[i] = 1;
    seen->n++;
    return 0;
}

void fake_seen_release(struct fake_seen *seen)
{
    free(seen->keys);
    free(seen->counts);
    *seen = (struct fake_seen){0};
}

/* Prices are thousandths of a cent for a million tokens, which is 10 pico-dollars a token. A read
 * from the cache costs a tenth, a write a quarter more (providers.md §4). */
uint64_t fake_price_pico(const struct fake_config *c, const struct fake_answer *a)
{
    uint64_t plain = a->tokens_in - a->tokens_cached - a->tokens_written;
    uint64_t in = plain * 20 + a->tokens_cached * 2 + a->tokens_written * 25;
    return in * c->price_in_millicent / 2 + (uint64_t)a->tokens_out * c->price_out_millicent * 10;
}

void fake_stats_charge(struct fake_stats *s, const struct fake_config *c,
                       const struct fake_answer *a)
{
    s->tokens_in += a->tokens_in;
    s->tokens_out += a->tokens_out;
    fake_stats_pay(s, fake_price_pico(c, a));
}

void fake_stats_pay(struct fake_stats *s, uint64_t pico_usd)
{
    s->pico_usd_rest += pico_usd;
    s->micro_usd += s->pico_usd_rest / 1000000U;
    s->pico_usd_rest %= 1000000U;
}

static void put_member(struct fake_buf *out, const char *name, uint64_t value)
{
    if (out->p[out->len - 1] != '{') {
        fake_buf_char(out, ',');
    }
    fake_buf_char(out, '"');
    fake_buf_puts(out, name);
    fake_buf_puts(out, "\":");
    fake_buf_uint(out, value);
}

void fake_stats_write(struct fake_buf *out, const struct fake_stats *s, size_t n_distinct)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    int64_t cpu_us = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
        {"requests", s->n_requests},
        {"other_requests", s->n_other},
        {"distinct", n_distinct},
        {"repeated", s->n_repeated},
        {"max_same_body", s->max_same_body},
        {"in_flight", s->in_flight},
        {"max_concurrent", s->max_in_flight},
        {"abandoned", s->n_abandoned},
        {"accepted", s->n_connections},
        {"connections", s->connections},
        {"max_connections", s->max_connections},
        {"bytes_in", s->bytes_in},
        {"bytes_out", s->bytes_out},
        {"tokens_in", s->tokens_in},
        {"tokens_out", s->tokens_out},
        {"tokens_cached", s->tokens_cached},
        {"tokens_cache_written", s->tokens_written},
        {"cache_reads", s->n_cache_reads},
        {"cache_writes", s->n_cache_writes},
        {"cache_parallel_misses", s->n_cache_misses},
        {"paid_again", s->n_paid_again},
        {"streamed", s->n_streamed},
        {"limited", s->n_limited},
        {"truncated_prompts", s->n_truncated},
        {"keys_in_url", s->n_key_in_url},
        {"micro_usd", s->micro_usd},
        {"files", s->n_files},
        {"batches", s->n_batches},
        {"batch_lines", s->n_batch_lines},
        {"batches_canceled", s->n_batches_canceled},
        {"batch_polls", s->n_batch_polls},
        {"trap_hits", s->n_trap},
        {"trap_hits_with_key", s->n_trap_with_key},
        {"cpu_us", (uint64_t)cpu_us},
        {"peak_rss_kb", (uint64_t)usage.ru_maxrss},
    };
    fake_buf_char(out, '{');
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !out->failed; i++) {
        put_member(out, members[i].name, members[i].value);
    }
    fake_buf_puts(out, ",\"by_status\":{");
    for (unsigned i = 0; i < FAKE_STATUS_MAX && !out->failed; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%u", i);
        if (s->by_status[i] > 0) {
            put_member(out, name, s->by_status[i]);
        }
    }
    fake_buf_puts(out, "},\"by_fault\":{");
    for (unsigned i = 0; i < FAKE_N_FAULTS && !out->failed; i++) {
        if (s->by_fault[i] > 0) {
            put_member(out, fake_fault_name((enum fake_fault)i), s->by_fault[i]);
        }
    }
    fake_buf_puts(out, "}}\n");
}
