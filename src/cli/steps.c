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

/* Both lists, once. */
static int open_filters(struct gen_steps *steps, const struct gen_settings *set,
                        struct gen_error *err)
{
    size_t n = 0;
    const char *const *patterns = gen_settings_list(set, GEN_OPT_SKIP_QUESTION, &n);
    int rc = steps->skip_question
                 ? GEN_OK
                 : gen_filters_new(&steps->skip_question, "skip-question", patterns, n, err);
    patterns = gen_settings_list(set, GEN_OPT_SKIP_SOURCE, &n);
    if (rc == GEN_OK && !steps->skip_source)
        rc = gen_filters_new(&steps->skip_source, "skip-source", patterns, n, err);
    return rc;
}

static struct gen_qa_grounding grounding_of(const struct gen_settings *set)
{
    return (struct gen_qa_grounding){
        .is_given = gen_settings_source(set, GEN_OPT_MIN_GROUNDING) != GEN_FROM_DEFAULT,
        .min = gen_settings_real(set, GEN_OPT_MIN_GROUNDING),
    };
}

int gen_steps_add_generate(struct gen_steps *steps, struct gen_session *s, uint64_t n_chunks,
                           struct gen_error *err)
{
    const struct gen_settings *set = s->settings;
    bool is_cot = gen_settings_command(set) == GEN_CMD_GENERATE_COT;
    int rc = open_filters(steps, set, err);
    if (rc)
        return rc;
    struct gen_qa_generate_options o = {
        .with_reasoning = is_cot,
        .n_pairs = gen_settings_int(set, GEN_OPT_N_PAIRS),
        .target_pairs = gen_settings_int(set, GEN_OPT_TARGET_PAIRS),
        .n_chunks = n_chunks,
        .min_chunk_chars = (size_t)gen_settings_int(set, GEN_OPT_MIN_CHUNK),
        .grounding = grounding_of(set),
        .skip_question = steps->skip_question,
        .skip_source = steps->skip_source,
        .log = &s->log,
    };
    o.has_temperature = gen_settings_step_real(
        set, is_cot ? "cot.temperature" : "generation.temperature", &o.temperature);
    rc = gen_qa_generate_new(&steps->generate, &s->common, &o, &s->steps[s->n_steps], err);
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

int gen_steps_native_reasoning(const struct gen_session *s, bool *yes, struct gen_error *err)
{
    const char *kind = gen_settings_text(s->settings, GEN_OPT_REASONING);
    *yes = kind && strcmp(kind, "model") == 0;
    if (*yes && s->provider->answer)
        return gen_fail(err, GEN_EUSAGE,
                        "--reasoning model: provider %s has no thinking of its own; leave it out, "
                        "or choose a model that thinks",
                        s->provider->name);
    return GEN_OK;
}

int gen_steps_add_enhance(struct gen_steps *steps, struct gen_session *s, struct gen_error *err)
{
    struct gen_qa_enhance_options o = {.batch_size = batch_size(s, "cot.batch_size")};
    int rc = gen_steps_native_reasoning(s, &o.native, err);
    if (rc)
        return rc;
    o.has_temperature = gen_settings_step_real(s->settings, "cot.temperature", &o.temperature);
    rc = gen_qa_enhance_new(&steps->enhance, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

int gen_steps_add_rate(struct gen_steps *steps, struct gen_session *s, bool topic_only,
                       gen_rated_fn *on_rated, void *ud, struct gen_error *err)
{
    int rc = open_filters(steps, s->settings, err);
    if (rc)
        return rc;
    struct gen_qa_rate_options o = {
        .threshold = gen_settings_real(s->settings, GEN_OPT_THRESHOLD),
        /* generate's batch size counts chunks, not pairs. */
        .batch_size = topic_only ? 5 : batch_size(s, "curate.batch_size"),
        .topic_only = topic_only,
        .drop_context_references = !topic_only,
        .log = &s->log,
        .on_rated = on_rated,
        .on_rated_ud = ud,
    };
    /* What the generate step of the same run has looked at already. */
    if (!topic_only && !steps->generate) {
        o.skip_question = steps->skip_question;
        o.skip_source = steps->skip_source;
    }
    if (!topic_only)
        o.grounding = grounding_of(s->settings);
    o.has_temperature = gen_settings_step_real(s->settings, "curate.temperature", &o.temperature);
    rc = gen_qa_rate_new(&steps->rate, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

void gen_steps_release(struct gen_steps *steps)
{
    gen_qa_generate_free(steps->generate);
    gen_qa_enrich_free(steps->enrich);
    gen_qa_enhance_free(steps->enhance);
    gen_qa_rate_free(steps->rate);
    gen_filters_free(steps->skip_question);
    gen_filters_free(steps->skip_source);
}
