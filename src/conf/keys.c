#include "base/nearest.h"
#include "conf/internal.h"

#include <stdio.h>

#define N_KEYS_MAX 256U

const struct gen_step_number gen_step_numbers[GEN_N_STEP_NUMBERS] = {
    [GEN_STEP_GENERATION_TEMPERATURE] = {"generation.temperature", 0, 2, false},
    [GEN_STEP_ENRICH_TEMPERATURE] = {"enrich.temperature", 0, 2, false},
    [GEN_STEP_ENRICH_BATCH_SIZE] = {"enrich.batch_size", 1, 1000, true},
    [GEN_STEP_COT_TEMPERATURE] = {"cot.temperature", 0, 2, false},
    [GEN_STEP_CURATE_TEMPERATURE] = {"curate.temperature", 0, 2, false},
    [GEN_STEP_CURATE_BATCH_SIZE] = {"curate.batch_size", 1, 1000, true},
};

const struct gen_ignored_key gen_ignored_keys[] = {
    {"rate_limit", "rate limits are learned from the server's answers"},
    {"output",
     "answers are kept in the ledger, and the files beside the output are always written"},
    {"generation.max_retries", "what is asked again, and when, follows from the server's answers"},
    {"generation.retry_delay", "what is asked again, and when, follows from the server's answers"},
    {"generation.workers", "llm.workers limits the requests in flight"},
    {"filtering.enabled", "a pattern that is not listed filters nothing"},
    {"filtering.min_chunk_length", "see generation.min_chunk_chars"},
    {"prompts_file", "prompts_dir names a folder with prompt files of your own"},
    {"curate.provider", "all steps use llm.provider; give --provider to curate"},
    {"llm.max_connections", "llm.workers limits the requests in flight"},
    {"llm.*.max_connections", "llm.workers limits the requests in flight"},
    {NULL, NULL},
};

static struct gen_str next_segment(struct gen_str *rest)
{
    size_t dot = gen_str_find(*rest, GEN_STR("."), 0);
    struct gen_str segment = *rest;
    if (dot == SIZE_MAX) {
        rest->n = 0;
        return segment;
    }
    segment.n = dot;
    *rest = gen_str_sub(*rest, dot + 1, rest->n);
    return segment;
}

/* Walks both names segment by segment and tells which of them ended first. */
static bool segments_match(struct gen_str pattern, struct gen_str key, bool *key_ended,
                           bool *pattern_ended)
{
    while (pattern.n && key.n) {
        struct gen_str p = next_segment(&pattern);
        struct gen_str k = next_segment(&key);
        if (!gen_str_eq(p, k) && !gen_str_is(p, "*"))
            return false;
    }
    *key_ended = key.n == 0;
    *pattern_ended = pattern.n == 0;
    return true;
}

bool gen_key_matches(const char *pattern, struct gen_str key)
{
    bool key_ended = false;
    bool pattern_ended = false;
    return segments_match(gen_str_from(pattern), key, &key_ended, &pattern_ended) && key_ended &&
           pattern_ended;
}

struct key_list {
    const char *keys[N_KEYS_MAX];
    size_t n;
};

static void list_add(struct key_list *list, const char *key)
{
    if (*key == '!')
        key++;
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->keys[i], key) == 0)
            return;
    }
    if (list->n < N_KEYS_MAX)
        list->keys[list->n++] = key;
}

static void list_known_keys(struct key_list *list)
{
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        for (const char *const *k = gen_option_keys(o, -1); *k; k++)
            list_add(list, *k);
        for (const struct gen_option_case *c = o->cases; c && c->commands; c++) {
            for (const char *const *k = c->config_keys; k && *k; k++)
                list_add(list, *k);
        }
    }
    for (size_t i = 0; i < GEN_N_STEP_NUMBERS; i++)
        list_add(list, gen_step_numbers[i].key);
}

bool gen_key_is_section(struct gen_str key)
{
    struct gen_key_use use;
    struct key_list list = {.n = 0};
    /* "llm.model" would match the front of "llm.*.model". */
    if (gen_key_find(key, &use))
        return false;
    list_known_keys(&list);
    for (size_t i = 0; i < list.n; i++) {
        bool key_ended = false;
        bool pattern_ended = false;
        if (segments_match(gen_str_from(list.keys[i]), key, &key_ended, &pattern_ended) &&
            key_ended && !pattern_ended)
            return true;
    }
    return false;
}

static bool use_key(const struct gen_option *o, const char *const *keys, uint32_t commands,
                    struct gen_str key, struct gen_key_use *use)
{
    for (; keys && *keys; keys++) {
        const char *pattern = *keys;
        bool inverted = *pattern == '!';
        if (inverted)
            pattern++;
        if (!gen_key_matches(pattern, key))
            continue;
        *use = (struct gen_key_use){.option = o,
                                    .commands = commands,
                                    .inverted = inverted,
                                    .of_provider = strchr(pattern, '*') != NULL};
        return true;
    }
    return false;
}

bool gen_key_find(struct gen_str key, struct gen_key_use *use)
{
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        uint32_t rest = o->commands;
        for (const struct gen_option_case *c = o->cases; c && c->commands; c++) {
            if (!c->config_keys)
                continue;
            rest &= ~c->commands;
            if (use_key(o, c->config_keys, c->commands, key, use))
                return true;
        }
        if (use_key(o, o->config_keys, rest, key, use))
            return true;
    }
    return false;
}

/* The pattern with the section name that the user wrote in the place of its '*'. */
static const char *fill_pattern(struct gen_arena *arena, const char *pattern, struct gen_str key)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return pattern;
    (void)next_segment(&key);
    struct gen_str section = key.n ? next_segment(&key) : GEN_STR("openai");
    if (!key.n)
        return NULL;
    char filled[2 * GEN_KEY_BYTES_MAX];
    int n = snprintf(filled, sizeof(filled), "%.*s%.*s%s", (int)(star - pattern), pattern,
                     GEN_STR_ARG(section), star + 1);
    if (n < 0 || (size_t)n >= sizeof(filled))
        return NULL;
    return gen_arena_dup(arena, gen_str_from(filled));
}

static struct gen_str last_segment(struct gen_str key)
{
    struct gen_str last = key;
    while (key.n)
        last = next_segment(&key);
    return last;
}

const char *gen_key_nearest(struct gen_arena *arena, struct gen_str key)
{
    struct key_list known = {.n = 0};
    struct key_list list = {.n = 0};
    list_known_keys(&known);
    for (size_t i = 0; i < known.n; i++) {
        const char *filled = fill_pattern(arena, known.keys[i], key);
        if (!filled)
            continue;
        list_add(&list, filled);
        const char *dot = strchr(filled, '.');
        const char *section =
            dot ? gen_arena_dup(arena, (struct gen_str){filled, (size_t)(dot - filled)}) : NULL;
        if (section)
            list_add(&list, section);
    }
    const char *near = gen_nearest(key, list.keys, list.n);
    if (near)
        return near;
    /* The right name in the wrong section. */
    for (size_t i = 0; i < list.n; i++) {
        if (gen_str_eq(last_segment(gen_str_from(list.keys[i])), last_segment(key)))
            return list.keys[i];
    }
    return NULL;
}

static bool is_dash(char c)
{
    return c == '-' || c == '_';
}

bool gen_provider_name_eq(struct gen_str a, struct gen_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (a.p[i] != b.p[i] && !(is_dash(a.p[i]) && is_dash(b.p[i])))
            return false;
    }
    return true;
}
