/* --dry-run: what a run would ask, what it may cost and how long it may take; nothing is sent. What
 * was never measured is said to be unknown, with the bound that there is. */
#include "cli/say.h"
#include "cli/survey.h"

#include "os/file.h"

#include <math.h>
#include <stdio.h>

/* A number that may not be known: then `most` bounds it, or is below 0 as well. */
struct amount {
    double about, most;
};

struct estimate {
    const char *name;
    bool at_most;      /* fewer requests may do */
    double n_calls;    /* questions */
    double n_answered; /* of those: in the ledger already, free */
    double tokens_in;  /* of what is sent */
    struct amount tokens_out, usd, seconds;
};

struct plan {
    struct estimate stages[GEN_STEPS_MAX];
    struct estimate total;
    double bytes_a_token;
    double usd_a_token_in, usd_a_token_out; /* below 0: the price is not known */
    double window;
    double longest_in;                         /* of the sample, in tokens */
    double requests_a_second, tokens_a_second; /* the user's limits; 0: none */
    bool is_batch;
};

static struct amount known(double value)
{
    return (struct amount){value, value};
}

static double sum(double a, double b)
{
    return a < 0 || b < 0 ? -1 : a + b;
}

static struct amount add(struct amount a, struct amount b)
{
    return (struct amount){sum(a.about, b.about), sum(a.most, b.most)};
}

static void first_stage(const struct gen_survey *v, struct plan *p, struct estimate *e)
{
    double n_answered = 0, bytes = 0, tokens_out_max = 0, n = (double)v->n_sample;
    for (size_t i = 0; i < v->n_sample; i++) {
        const struct gen_sampled *row = &v->sample[i];
        n_answered += row->is_answered;
        bytes += row->is_answered ? 0 : (double)row->bytes_in;
        p->longest_in = fmax(p->longest_in, (double)row->bytes_in / p->bytes_a_token);
        tokens_out_max += row->is_answered ? 0 : (double)row->tokens_out_max;
    }
    double scale = n > 0 ? (double)v->n_calls / n : 0;
    e->n_calls = (double)v->n_calls;
    e->n_answered = n_answered * scale;
    e->tokens_in = bytes * scale / p->bytes_a_token;
    e->tokens_out.most = tokens_out_max * scale;
}

/* Later steps work on pairs that do not exist yet: at most as many as are asked for. Their answers
 * in the ledger are taken to be about the inputs whose first answers are there. */
static void later_stage(const struct gen_survey *v, size_t i, struct plan *p, struct estimate *e)
{
    double n_calls = 0, bytes = 0, tokens_out_max = 0, n = (double)v->n_sample;
    for (size_t k = 0; k < v->n_sample; k++) {
        n_calls += (double)v->sample[k].later[i].n_calls;
        bytes += (double)v->sample[k].later[i].bytes_in;
        tokens_out_max += (double)v->sample[k].later[i].tokens_out_max;
    }
    double scale = n > 0 ? (double)v->n_calls / n : 0;
    const struct estimate *first = &p->stages[0];
    double share = first->n_calls > 0 ? first->n_answered / first->n_calls : 0;
    e->at_most = true;
    e->n_calls = n_calls * scale;
    e->n_answered = fmin((double)v->rates[i].n_answers, share * e->n_calls);
    double left = e->n_calls > 0 ? 1 - e->n_answered / e->n_calls : 0;
    e->tokens_in = bytes * scale / p->bytes_a_token * left;
    e->tokens_out.most = tokens_out_max * scale * left;
}

static struct amount cost_of(const struct plan *p, const struct estimate *e)
{
    if (p->usd_a_token_in < 0)
        return known(-1);
    double in = e->tokens_in * p->usd_a_token_in;
    return (struct amount){e->tokens_out.about < 0 ? -1
                                                   : in + e->tokens_out.about * p->usd_a_token_out,
                           in + e->tokens_out.most * p->usd_a_token_out};
}

/* The slowest of: the server's answers through the window, and the user's limits. */
static struct amount time_of(const struct plan *p, const struct estimate *e, double latency_s)
{
    double n = e->n_calls - e->n_answered;
    double tokens_out = e->tokens_out.about < 0 ? 0 : e->tokens_out.about;
    if (n <= 0)
        return known(0);
    if (p->is_batch || (latency_s < 0 && p->requests_a_second <= 0 && p->tokens_a_second <= 0))
        return known(-1);
    double seconds = latency_s < 0 ? 0 : fmax(n * latency_s / p->window, latency_s);
    if (p->requests_a_second > 0)
        seconds = fmax(seconds, n / p->requests_a_second);
    if (p->tokens_a_second > 0)
        seconds = fmax(seconds, (e->tokens_in + tokens_out) / p->tokens_a_second);
    return known(seconds);
}

static void use_rates(const struct gen_survey *v, size_t i, struct plan *p, struct estimate *e)
{
    const struct gen_step_rate *r = &v->rates[i];
    double n = e->n_calls - e->n_answered;
    e->tokens_out.about = n <= 0 ? 0 : r->tokens_out < 0 ? -1 : r->tokens_out * n;
    if (e->tokens_out.about >= 0)
        e->tokens_out.most = e->tokens_out.about;
    e->usd = cost_of(p, e);
    e->seconds = time_of(p, e, r->latency_s);
}

static void set_prices(struct plan *p, const struct gen_session *s)
{
    double factor = p->is_batch ? s->price.batch_factor : 1;
    bool is_known = s->price.known;
    p->usd_a_token_in = is_known ? s->price.in_usd_per_mtok * factor / 1e6 : -1;
    p->usd_a_token_out = is_known ? s->price.out_usd_per_mtok * factor / 1e6 : -1;
}

static void make_plan(const struct gen_session *s, const struct gen_survey *v, struct plan *p)
{
    const struct gen_settings *set = s->settings;
    p->is_batch = gen_settings_flag(set, GEN_OPT_BATCH);
    p->bytes_a_token =
        v->answered_tokens_in > 0 ? v->answered_bytes / v->answered_tokens_in : GEN_BYTES_TOKEN;
    p->window = (double)gen_session_window_max(s);
    p->requests_a_second = (double)gen_settings_int(set, GEN_OPT_MAX_RPM) / 60;
    p->tokens_a_second = (double)gen_settings_int(set, GEN_OPT_MAX_TPM) / 60;
    set_prices(p, s);
    for (size_t i = 0; i < s->n_steps; i++) {
        struct estimate *e = &p->stages[i];
        struct estimate *t = &p->total;
        e->name = s->steps[i].name;
        if (i == 0)
            first_stage(v, p, e);
        else
            later_stage(v, i, p, e);
        e->at_most |= gen_settings_int(set, GEN_OPT_TARGET_PAIRS) > 0;
        use_rates(v, i, p, e);
        t->at_most |= e->at_most;
        t->n_calls += e->n_calls;
        t->n_answered += e->n_answered;
        t->tokens_in += e->tokens_in;
        t->tokens_out = add(t->tokens_out, e->tokens_out);
        t->usd = add(t->usd, e->usd);
        t->seconds = add(t->seconds, e->seconds);
    }
    p->total.name = "total";
}

static void write_number(char *out, size_t n, const char *prefix, double value)
{
    char number[32];
    gen_ui_number(number, (int64_t)llround(value));
    (void)snprintf(out, n, "%s%s", prefix, number);
}

static void write_tokens(char *out, size_t n, bool at_most, struct amount a)
{
    if (a.most < 0)
        (void)snprintf(out, n, "unknown");
    else
        write_number(out, n, at_most || a.about < 0 ? "<= " : "", a.most);
}

static void write_money(char *out, size_t n, bool at_most, struct amount usd)
{
    char text[32];
    if (usd.most < 0) {
        (void)snprintf(out, n, "unknown");
        return;
    }
    if (usd.most == 0) {
        (void)snprintf(out, n, "0");
        return;
    }
    gen_ui_money(text, (int64_t)llround(usd.most * 1e6));
    (void)snprintf(out, n, "%s%s", at_most || usd.about < 0 ? "<= " : "", text);
}

static void write_time(char *out, size_t n, bool at_most, struct amount seconds)
{
    char text[32];
    if (seconds.about < 0) {
        (void)snprintf(out, n, "unknown");
        return;
    }
    gen_ui_duration(text, seconds.about);
    (void)snprintf(out, n, "%s%s", at_most ? "<= " : "", text);
}

static int print_row(const struct estimate *e, struct gen_buf *out, struct gen_error *err)
{
    char calls[48], answered[48], in[48], tokens_out[48], usd[48], seconds[48];
    const char *prefix = e->at_most ? "<= " : "";
    write_number(calls, sizeof(calls), prefix, e->n_calls);
    write_number(answered, sizeof(answered), "", e->n_answered);
    write_number(in, sizeof(in), prefix, e->tokens_in);
    write_tokens(tokens_out, sizeof(tokens_out), e->at_most, e->tokens_out);
    write_money(usd, sizeof(usd), e->at_most, e->usd);
    write_time(seconds, sizeof(seconds), e->at_most, e->seconds);
    return gen_buf_printf(out, err, "  %-12s %14s %14s %16s %16s %13s %11s\n", e->name, calls,
                          answered, in, tokens_out, usd, seconds);
}

static int print_input(const struct gen_session *s, const struct gen_survey *v, struct gen_buf *out,
                       struct gen_error *err)
{
    char inputs[32], dropped[32], sampled[32], calls[32];
    gen_ui_number(inputs, v->n_inputs);
    gen_ui_number(dropped, v->n_prefiltered);
    gen_ui_number(sampled, (int64_t)v->n_sample);
    gen_ui_number(calls, v->n_calls);
    int rc = gen_buf_printf(out, err,
                            "dry run: nothing is sent\n"
                            "%s %s read, %s of them filtered or skipped before asking; ",
                            inputs, s->steps[0].unit_in, dropped);
    if (rc == GEN_OK && (int64_t)v->n_sample < v->n_calls)
        return gen_buf_printf(out, err, "%s of %s prompts rendered, drawn with seed %llu\n\n",
                              sampled, calls, (unsigned long long)v->seed);
    return rc ? rc : gen_buf_printf(out, err, "all %s prompts rendered\n\n", calls);
}

static int print_money_note(const struct gen_session *s, const struct plan *p, struct gen_buf *out,
                            struct gen_error *err)
{
    const struct gen_price *price = &s->price;
    if (s->provider->is_local)
        return gen_buf_printf(out, err, "cost: nothing, %s runs on your own machine\n",
                              s->provider->name);
    if (!price->known && s->provider->tells_cost)
        return gen_buf_printf(out, err, "cost: unknown before; %s tells it with each answer\n",
                              s->provider->name);
    if (!price->known)
        return gen_buf_printf(out, err, "cost: unknown, the price of %s %s is not in prices.yaml\n",
                              s->provider->name, s->model);
    int rc = gen_buf_printf(out, err,
                            "cost: $%g in, $%g out for a million tokens, as of %s; what a cache "
                            "saves is not counted\n",
                            price->in_usd_per_mtok, price->out_usd_per_mtok,
                            price->date[0] ? price->date : "an unknown day");
    if (rc == GEN_OK && price->tokens_in_max && p->longest_in > (double)price->tokens_in_max)
        rc = gen_buf_printf(out, err,
                            "      some prompts are over %lld tokens, for which it is dearer\n",
                            (long long)price->tokens_in_max);
    if (rc == GEN_OK && p->is_batch)
        rc = gen_buf_printf(out, err, "      --batch: %g times that, which is counted here\n",
                            price->batch_factor);
    return rc;
}

/* What comes after an answer or an action depends on it. */
static int print_turns_note(const struct gen_session *s, const struct gen_survey *v,
                            struct gen_buf *out, struct gen_error *err)
{
    bool any = false;
    for (size_t i = 0; i < s->n_steps; i++)
        any |= s->steps[i].action != NULL;
    if (!any)
        return GEN_OK;
    int rc = gen_buf_printf(out, err,
                            "stages with tools: counted is the first question about each input, as "
                            "far as it is known; further turns depend on answers and on what the "
                            "tools bring\n");
    if (rc == GEN_OK && v->n_actions)
        rc = gen_buf_printf(out, err,
                            "%lld of the %s begin with a call of a tool: their questions are not "
                            "counted\n",
                            (long long)v->n_actions, s->steps[0].unit_in);
    return rc;
}

static int print_source_note(const struct gen_session *s, const struct gen_survey *v,
                             const struct plan *p, struct gen_buf *out, struct gen_error *err)
{
    int64_t n_answers = 0;
    bool all = true;
    char number[32];
    for (size_t i = 0; i < s->n_steps; i++) {
        n_answers += v->rates[i].n_answers;
        all = all && v->rates[i].tokens_out >= 0;
    }
    gen_ui_number(number, n_answers);
    int rc = GEN_OK;
    if (n_answers)
        rc = gen_buf_printf(out, err, "measured: %s answers in %s%s\n", number, s->ledger_path.data,
                            all ? "" : ", not of every stage");
    if (rc == GEN_OK && !all)
        rc = gen_buf_printf(out, err,
                            "tokens out and times are not known before some answers are in the "
                            "ledger; \"<=\" is the most that may be written\n");
    if (rc == GEN_OK && s->n_steps > 1)
        rc = gen_buf_printf(out, err,
                            "later stages: as if every pair asked for were made, each taken as "
                            "%zu bytes\n",
                            sizeof(GEN_PAIR_STAND_IN) - 1);
    if (rc == GEN_OK && v->answered_tokens_in <= 0)
        rc = gen_buf_printf(out, err, "tokens in: estimated as a quarter of the bytes\n");
    else if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "tokens in: at %.2f bytes a token, as measured\n",
                            p->bytes_a_token);
    return rc;
}

/* Limits that would end the run before its input does. */
static int print_limits(const struct gen_session *s, const struct plan *p, struct gen_buf *out,
                        struct gen_error *err)
{
    const struct gen_settings *set = s->settings;
    const struct estimate *t = &p->total;
    double max_usd = gen_settings_real(set, GEN_OPT_MAX_COST);
    double max_requests = (double)gen_settings_int(set, GEN_OPT_MAX_REQUESTS);
    double max_tokens = (double)gen_settings_int(set, GEN_OPT_MAX_TOKENS_TOTAL);
    const char *may = t->at_most || t->tokens_out.about < 0 ? "may end" : "ends";
    int rc = GEN_OK;
    if (max_usd > 0 && t->usd.most > max_usd)
        rc = gen_buf_printf(out, err, "--max-cost %g %s the run early\n", max_usd, may);
    if (rc == GEN_OK && max_requests > 0 && t->n_calls - t->n_answered > max_requests)
        rc = gen_buf_printf(out, err, "--max-requests %.0f %s the run early\n", max_requests, may);
    if (rc == GEN_OK && max_tokens > 0 && t->tokens_in + t->tokens_out.most > max_tokens)
        rc =
            gen_buf_printf(out, err, "--max-tokens-total %.0f %s the run early\n", max_tokens, may);
    return rc;
}

static int print_notes(const struct gen_session *s, const struct gen_survey *v,
                       const struct plan *p, struct gen_buf *out, struct gen_error *err)
{
    int rc = print_money_note(s, p, out, err);
    if (rc == GEN_OK && p->is_batch)
        rc = gen_buf_printf(out, err,
                            "time: unknown, a provider takes up to 24 hours for a batch\n");
    else if (rc == GEN_OK && p->total.seconds.about >= 0)
        rc = gen_buf_printf(
            out, err, "time: with %.0f requests in flight%s\n", p->window,
            p->requests_a_second > 0 || p->tokens_a_second > 0 ? " and your limits a minute" : "");
    if (rc == GEN_OK)
        rc = print_source_note(s, v, p, out, err);
    if (rc == GEN_OK)
        rc = print_turns_note(s, v, out, err);
    /* Records of tool use have no chunks. */
    if (rc == GEN_OK && v->n_without_chunk && strncmp(s->command, "tool-", 5) != 0)
        rc = gen_buf_printf(out, err,
                            "the source chunks of %lld records are not known here: with them the "
                            "prompts are longer\n",
                            (long long)v->n_without_chunk);
    return rc ? rc : print_limits(s, p, out, err);
}

static int print_plan(const struct gen_session *s, const struct gen_survey *v, const struct plan *p,
                      struct gen_error *err)
{
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    int rc = print_input(s, v, &out, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&out, err, "  %-12s %14s %14s %16s %16s %13s %11s\n", "stage",
                            "requests", "in the ledger", "tokens in", "tokens out", "cost", "time");
    for (size_t i = 0; i < s->n_steps && rc == GEN_OK; i++)
        rc = print_row(&p->stages[i], &out, err);
    if (rc == GEN_OK && s->n_steps > 1)
        rc = print_row(&p->total, &out, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&out, "\n", err);
    if (rc == GEN_OK)
        rc = print_notes(s, v, p, &out, err);
    if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&out), err);
    gen_buf_release(&out);
    return rc;
}

/* A ledger that cannot be read makes the estimate worse, not impossible. */
static int look_at_ledger(struct gen_session *s, struct gen_error *err)
{
    const char *given = gen_settings_text(s->settings, GEN_OPT_LEDGER);
    int rc = given ? gen_buf_add_c(&s->ledger_path, given, err)
                   : gen_session_path(s, ".ledger", &s->ledger_path, err);
    if (rc || gen_file_kind(s->ledger_path.data) != GEN_FILE_REGULAR)
        return rc;
    struct gen_error why = {.msg = ""};
    if (gen_ledger_open(&s->ledger, s->app->drivers->ledger, s->ledger_path.data, true, &why) !=
        GEN_OK)
        gen_log(&s->log, GEN_LOG_WARN, "ledger", "estimated without the ledger: %s", why.msg);
    return GEN_OK;
}

int gen_session_dry_run(struct gen_session *s, const struct gen_source *source,
                        struct gen_error *err)
{
    struct gen_survey v = {.n_calls = 0};
    struct plan p = {.bytes_a_token = GEN_BYTES_TOKEN};
    int rc = s->ledger ? GEN_OK : look_at_ledger(s, err);
    if (rc == GEN_OK)
        rc = gen_survey_take(&v, s, source, err);
    if (rc == GEN_OK) {
        make_plan(s, &v, &p);
        rc = print_plan(s, &v, &p, err);
    }
    gen_survey_release(&v);
    return rc;
}
