#include "cli/tool_blueprints.h"

#define UNDRAWN_SHOWN 5U

static int options_of(struct gen_blueprint_options *o, const struct gen_tool_world *w,
                      struct gen_error *err)
{
    const struct gen_settings *set = w->session->settings;
    const char *mix = gen_settings_text(set, GEN_OPT_MIX);
    bool is_single = gen_settings_flag(set, GEN_OPT_SINGLE_STEP);
    bool is_multi = gen_settings_flag(set, GEN_OPT_MULTI_STEP);
    *o = (struct gen_blueprint_options){
        .tools = w->tools,
        .steps = is_single  ? GEN_TOOL_STEPS_ONE
                 : is_multi ? GEN_TOOL_STEPS_SEVERAL
                            : GEN_TOOL_STEPS_ANY,
        .can_execute = w->mode != GEN_TOOL_MODE_NONE,
        .target = gen_settings_int(set, GEN_OPT_TARGET_PAIRS),
        .steps_max = (size_t)gen_settings_int(set, GEN_OPT_MAX_STEPS),
        .offered_max = (size_t)gen_settings_int(set, GEN_OPT_DISTRACTORS) + 1,
        .seed = (uint64_t)w->session->common.seed,
    };
    if (is_single && is_multi)
        return gen_fail(err, GEN_EUSAGE, "--single-step and --multi-step exclude each other");
    if (gen_settings_flag(set, GEN_OPT_CHAIN_FIRST) &&
        (w->mode == GEN_TOOL_MODE_NONE || w->mode == GEN_TOOL_MODE_SIMULATED))
        return gen_fail(err, GEN_EUSAGE,
                        "--chain-first executes chains before their request is written, and "
                        "nothing is executed here: give --mcp, --mcp-url or --api-url");
    return mix ? gen_tool_mix_parse(&o->mix, mix, err) : GEN_OK;
}

static int tell_undrawn(const struct gen_blueprint_source *s, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    int rc = gen_blueprints_undrawn(s->blueprints, &text, err);
    struct gen_str rest = gen_buf_str(&text);
    struct gen_str line;
    size_t n = 0;
    while (rc == GEN_OK && gen_str_next_line(&rest, &line)) {
        if (n++ < UNDRAWN_SHOWN)
            gen_log(&s->session->log, GEN_LOG_WARN, "not_drawn", "%.*s", GEN_STR_ARG(line));
    }
    if (n > UNDRAWN_SHOWN)
        gen_log(&s->session->log, GEN_LOG_WARN, "not_drawn", "%zu more tools are in no example",
                n - UNDRAWN_SHOWN);
    gen_buf_release(&text);
    return rc;
}

int gen_blueprint_source_open(struct gen_blueprint_source *s, struct gen_tool_world *w,
                              struct gen_error *err)
{
    struct gen_blueprint_options options;
    memset(s, 0, sizeof(*s));
    s->session = w->session;
    s->record = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = options_of(&options, w, err);
    if (rc == GEN_OK)
        rc = gen_blueprints_new(&s->blueprints, &options, err);
    if (rc == GEN_OK)
        rc = gen_session_open_ledger(w->session, err);
    if (rc == GEN_OK)
        rc = gen_tool_explore(w, s->blueprints, err);
    if (rc == GEN_OK)
        rc = tell_undrawn(s, err);
    if (rc) {
        gen_blueprint_source_close(s);
        return rc;
    }
    s->session->n_expected = options.target;
    return GEN_OK;
}

void gen_blueprint_source_close(struct gen_blueprint_source *s)
{
    gen_blueprints_free(s->blueprints);
    gen_buf_release(&s->record);
    s->blueprints = NULL;
}

static void next_round(struct gen_blueprint_source *s, bool drained, enum gen_pull *what)
{
    int64_t missing = gen_blueprints_missing(s->blueprints);
    *what = GEN_PULL_END;
    if (!drained)
        *what = GEN_PULL_WAIT;
    else if (missing > 0 && gen_blueprints_next_round(s->blueprints))
        *what = GEN_PULL_ITEM;
    if (*what == GEN_PULL_ITEM) {
        s->round++;
        gen_log(&s->session->log, GEN_LOG_INFO, "round",
                "%lld examples are still missing: round %u of blueprints", (long long)missing,
                s->round + 1);
    }
}

static int pull_blueprint(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                          struct gen_error *err)
{
    struct gen_blueprint_source *s = ud;
    bool more = false;
    gen_buf_clear(&s->record);
    int rc = gen_blueprints_next(s->blueprints, &s->record, &more, err);
    if (rc == GEN_OK && !more) {
        next_round(s, drained, what);
        if (*what != GEN_PULL_ITEM)
            return GEN_OK;
        rc = gen_blueprints_next(s->blueprints, &s->record, &more, err);
    }
    if (rc)
        return rc;
    if (!more) {
        *what = GEN_PULL_END;
        return GEN_OK;
    }
    struct gen_item *item = gen_item_new(NULL, gen_buf_str(&s->record), s->n_drawn);
    if (!item)
        return gen_nomem(err, "a blueprint");
    s->n_drawn++;
    item->round = s->round;
    item->is_new_input = true;
    if (s->session->n_expected < (int64_t)s->n_drawn)
        s->session->n_expected = (int64_t)s->n_drawn;
    *out = item;
    *what = GEN_PULL_ITEM;
    return GEN_OK;
}

struct gen_source gen_blueprint_source_of(struct gen_blueprint_source *s)
{
    return (struct gen_source){pull_blueprint, s};
}
