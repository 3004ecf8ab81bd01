#include "cli/tool_steps.h"

int gen_tool_steps_add_generate(struct gen_tool_steps *steps, const struct gen_tool_world *w,
                                const struct gen_blueprint_source *source, bool for_agent,
                                struct gen_error *err)
{
    struct gen_session *s = w->session;
    bool is_chain_first = gen_settings_flag(s->settings, GEN_OPT_CHAIN_FIRST);
    const struct gen_tool_generate_options o = {
        .blueprints = source->blueprints,
        .tools = w->tools,
        .executor = is_chain_first ? w->executor : NULL,
        .chain_first = is_chain_first && w->executor,
        .request_only = for_agent,
        .steps_max = (size_t)gen_settings_int(s->settings, GEN_OPT_MAX_STEPS),
        .language = gen_settings_text(s->settings, GEN_OPT_LANGUAGE),
    };
    int rc = gen_tool_generate_new(&steps->generate, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

static enum gen_tool_execution execution_of(enum gen_tool_mode mode)
{
    if (mode == GEN_TOOL_MODE_SIMULATED)
        return GEN_TOOL_SIMULATED;
    return mode == GEN_TOOL_MODE_REPLAY ? GEN_TOOL_REPLAY : GEN_TOOL_REAL;
}

int gen_tool_steps_add_execute(struct gen_tool_steps *steps, const struct gen_tool_world *w,
                               struct gen_error *err)
{
    struct gen_session *s = w->session;
    bool is_agent = gen_settings_flag(s->settings, GEN_OPT_AGENT);
    const struct gen_tool_execute_options o = {
        .mode = execution_of(w->mode),
        .executor = w->executor,
        .tools = w->tools,
        .is_agent = is_agent,
        .steps_max = (size_t)gen_settings_int(s->settings, GEN_OPT_MAX_STEPS),
        .seed = (uint64_t)s->common.seed,
    };
    int rc = gen_tool_execute_new(&steps->execute, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

int gen_tool_steps_add_rate(struct gen_tool_steps *steps, const struct gen_tool_world *w,
                            bool needs_execution, gen_rated_fn *on_rated, void *ud,
                            struct gen_error *err)
{
    struct gen_session *s = w->session;
    const struct gen_tool_rate_options o = {
        .threshold = gen_settings_real(s->settings, GEN_OPT_THRESHOLD),
        .needs_execution = needs_execution,
        .tools = w->tools,
        .on_rated = on_rated,
        .on_rated_ud = ud,
    };
    int rc = gen_tool_rate_new(&steps->rate, &s->common, &o, &s->steps[s->n_steps], err);
    s->n_steps += rc == GEN_OK;
    return rc;
}

void gen_tool_steps_release(struct gen_tool_steps *steps)
{
    gen_tool_generate_free(steps->generate);
    gen_tool_execute_free(steps->execute);
    gen_tool_rate_free(steps->rate);
}
