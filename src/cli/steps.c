#include "cli/steps.h"

static size_t batch_size(const struct gen_session *s, const char *key)
{
    double value = 0;
    /* The pipeline has one --batch-size for two steps; each step's own key goes before its default.
     */
    if (gen_settings_source(s->settings, GEN_OPT_BATCH_SIZE) == GEN_FROM_DEFAULT &&
        gen_settings_step_real(s->settings, key, &value) && value >= 1)
        return (size_t)value;
    int64_t n = gen_settings_int(s->settings, GEN_OPT_BATCH_SIZE);
    return n > 0 ? (size_t)n : 5;
}

int gen_steps_add_generate(struct gen_steps *steps, struct gen_session *s, uint64_t n_chunks,
                           struct gen_error *err)
{
    const struct gen_settings *set = s->settings;
    struct gen_qa_generate_options o = {
        .n_pairs = gen_settings_int(set, GEN_OPT_N_PAIRS),
        .target_pairs = gen_settings_int(set, GEN_OPT_TARGET_PAIRS),
        .n_chunks = n_chunks,
        .min_chunk_chars = (size_t)gen_settings_int(set, GEN_OPT_MIN_CHUNK),
    };
    o.has_temperature = gen_settings_step_real(set, "generation.temperature", &o.temperature);
    int rc = gen_qa_generate_new(&steps->generate, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

int gen_steps_add_enrich(struct gen_steps *steps, struct gen_session *s, struct gen_error *err)
{
    struct gen_qa_enrich_options o = {
        .preserve_original = !gen_settings_flag(s->settings, GEN_OPT_NO_PRESERVE_ORIGINAL),
        .batch_size = batch_size(s, "enrich.batch_size"),
    };
    o.has_temperature = gen_settings_step_real(s->settings, "enrich.temperature", &o.temperature);
    int rc = gen_qa_enrich_new(&steps->enrich, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

int gen_steps_add_rate(struct gen_steps *steps, struct gen_session *s, bool topic_only,
                       int (*on_rated)(void *ud, struct gen_str record, bool kept,
                                       struct gen_error *err),
                       void *ud, struct gen_error *err)
{
    struct gen_qa_rate_options o = {
        .threshold = gen_settings_real(s->settings, GEN_OPT_THRESHOLD),
        /* generate's batch size counts chunks, not pairs. */
        .batch_size = topic_only ? 5 : batch_size(s, "curate.batch_size"),
        .topic_only = topic_only,
        .on_rated = on_rated,
        .on_rated_ud = ud,
    };
    o.has_temperature = gen_settings_step_real(s->settings, "curate.temperature", &o.temperature);
    int rc = gen_qa_rate_new(&steps->rate, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

void gen_steps_release(struct gen_steps *steps)
{
    gen_qa_generate_free(steps->generate);
    gen_qa_enrich_free(steps->enrich);
    gen_qa_rate_free(steps->rate);
}
