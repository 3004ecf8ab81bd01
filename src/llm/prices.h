/*
 * What a model costs, from a dated file that people correct by hand (configs/prices.yaml). What is
 * not surely a model's price is unknown, and unknown is never guessed.
 *
 * A pure function of the file's text and of today's date: it reads no file and no clock.
 */
#ifndef GEN_LLM_PRICES_H
#define GEN_LLM_PRICES_H

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

struct gen_price {
    bool known;
    double in_usd_per_mtok, out_usd_per_mtok; /* US dollars for a million tokens */
    double cached_usd_per_mtok; /* input that the server had kept; as `in` where it says none */
    double cache_write_usd_per_mtok; /* input that it keeps from now on; likewise */
    double batch_factor;             /* what a batch costs of these prices: 1 or 0.5 */
    int64_t tokens_in_max; /* the price holds for requests of at most so many; 0: for all */
    char date[16];         /* when it was read, "2026-11-10"; "" when the file does not say */
    char source[64];       /* where it was read; "" likewise */
};

/* The price of what runs on the user's own machine. */
struct gen_price gen_price_nothing(void);

/* A row of the file. Borrowed until the callback returns. */
struct gen_price_row {
    struct gen_str provider, model; /* a model that ends with '*' stands for all that begin so */
    struct gen_price price;         /* known */
    struct gen_str from, until;     /* first and last day, "2026-12-31"; empty: not bounded */
};
typedef int gen_price_fn(void *ud, const struct gen_price_row *row, struct gen_error *err);

/* Calls `fn` for every row, in the file's order; what it returns other than GEN_OK ends the walk.
 * `path` is for messages. GEN_EPARSE when the text is no YAML, GEN_EUSAGE with file, line and
 * column for an unknown key, a missing or negative price, a cached price above the plain one, or a
 * date that is none. */
GEN_MUST_USE int gen_prices_walk(struct gen_str text, const char *path, gen_price_fn *fn, void *ud,
                                 struct gen_error *err);

/* The price of a model on the day `today` ("2026-11-22"): its own row; else the row of the model
 * that it is a dated snapshot of ("gpt-4o-mini-2024-07-18", "claude-haiku-4-5-20251001"); else the
 * longest row with '*' that fits. `known` is false when there is none. The whole file is checked,
 * as by gen_prices_walk. */
GEN_MUST_USE int gen_prices_find(struct gen_str text, const char *path, const char *provider,
                                 const char *model, const char *today, struct gen_price *out,
                                 struct gen_error *err);

#endif
