/* The end of a run: the summary, the failures, the account, the exit status. */
#include "cli/advice.h"
#include "cli/say.h"

#include "os/file.h"

#include <stdio.h>

#define STAGES_MAX (GEN_STEPS_MAX + 1)

int gen_file_list_add(struct gen_file_list *l, const char *path, int64_t n_rows,
                      struct gen_error *err)
{
    if (l->n == sizeof(l->rows) / sizeof(l->rows[0]))
        return GEN_OK;
    l->rows[l->n].path = gen_buf_make(16384);
    l->rows[l->n].n_rows = n_rows;
    return gen_buf_add_c(&l->rows[l->n++].path, path, err);
}

int gen_file_list_text(const struct gen_file_list *l, size_t i, struct gen_buf *out,
                       struct gen_error *err)
{
    int64_t n = l->rows[i].n_rows;
    int rc = gen_buf_add_c(out, gen_say_place(l->rows[i].path.data), err);
    if (rc == GEN_OK && n >= 0)
        rc = gen_buf_printf(out, err, " (%lld %s)", (long long)n, n == 1 ? "row" : "rows");
    return rc;
}

void gen_file_list_release(struct gen_file_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        gen_buf_release(&l->rows[i].path);
    l->n = 0;
}

static size_t all_stages(const struct gen_session *s, const struct gen_stage_account **out)
{
    size_t n = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(s->engine, &n);
    for (size_t i = 0; i < n; i++)
        out[i] = &accounts[i];
    if (s->extra)
        out[n++] = s->extra;
    return n;
}

static const char *end_name(enum gen_end end)
{
    switch (end) {
    case GEN_END_DONE:
        return "done";
    case GEN_END_INTERRUPTED:
        return "interrupted";
    case GEN_END_BUDGET:
        return "budget";
    case GEN_END_PROVIDER:
        return "provider_unusable";
    case GEN_END_WAITING:
        return "waiting_for_batch";
    }
    return "unknown";
}

static void put_prompts(const struct gen_session *s, struct gen_jb *b, struct gen_jmut *o)
{
    static const char *const names[] = {"qa_generation",
                                        "code_qa_generation",
                                        "qa_enrichment",
                                        "qa_enrichment_blind",
                                        "cot_generation",
                                        "cot_generation_code",
                                        "cot_enhancement",
                                        "cot_enhancement_blind",
                                        "cot_native",
                                        "cot_native_blind",
                                        "qa_comparison_evaluation",
                                        "qa_comparison_selection",
                                        "qa_rating",
                                        "tool_instruction_generation",
                                        "multi_tool_instruction_generation",
                                        "tool_irrelevance",
                                        "tool_missing_parameter",
                                        "tool_parallel",
                                        "tool_solution_single",
                                        "tool_solution_multi",
                                        "tool_solution_step",
                                        "tool_simulation",
                                        "tool_final_answer",
                                        "tool_quality_rating"};
    struct gen_jmut *prompts = gen_jb_object(b);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char hex[GEN_HEX_CHARS + 1];
        const struct gen_prompt *p = gen_prompt_find(s->prompts, names[i]);
        if (!p)
            continue;
        gen_digest_hex(gen_prompt_digest(p), GEN_SHA256_BYTES, hex);
        gen_jb_put_cstr(b, prompts, names[i], hex);
    }
    gen_jb_put(b, o, "prompts_sha256", prompts);
}

static int write_summary_text(const struct gen_session *s, struct gen_jb *b,
                              const struct gen_file_list *files, double seconds,
                              struct gen_buf *out, struct gen_error *err)
{
    const struct gen_stage_account *stages[STAGES_MAX];
    size_t n = all_stages(s, stages);
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_cstr(b, o, "command", gen_settings_command_line(s->settings));
    gen_jb_put_cstr(b, o, "version", GEN_VERSION);
    gen_jb_put_cstr(b, o, "end", end_name(s->end));
    if (s->end != GEN_END_DONE)
        gen_jb_put_cstr(b, o, "reason", gen_engine_stop_reason(s->engine));
    gen_jb_put_cstr(b, o, "provider", s->provider->name);
    gen_jb_put_cstr(b, o, "model", s->model);
    if (s->chosen.base_url)
        gen_jb_put_cstr(b, o, "base_url", s->chosen.base_url);
    if (s->common.has_seed)
        gen_jb_put_int(b, o, "seed", s->common.seed);
    put_prompts(s, b, o);
    gen_jb_put_int(b, o, "finished_unix", gen_time_unix_us() / 1000000);
    gen_jb_put_real(b, o, "seconds", (double)(int64_t)(seconds * 1000.0 + 0.5) / 1000.0);
    if (s->corpus.n_rows) {
        struct gen_jmut *corpus = gen_jb_object(b);
        gen_jb_put_int(b, corpus, "rows", (int64_t)s->corpus.n_rows);
        gen_jb_put_int(b, corpus, "malformed", (int64_t)s->corpus.n_malformed);
        gen_jb_put_int(b, corpus, "cleaned", (int64_t)s->corpus.n_cleaned);
        gen_jb_put(b, o, "corpus", corpus);
    }
    if (gen_settings_int(s->settings, GEN_OPT_TARGET_PAIRS) > 0) {
        gen_jb_put_int(b, o, "target_pairs", gen_settings_int(s->settings, GEN_OPT_TARGET_PAIRS));
        gen_jb_put_int(b, o, "missing_pairs", s->n_missing);
    }
    struct gen_jmut *rows = gen_jb_array(b);
    for (size_t i = 0; i < n; i++)
        gen_jb_append(b, rows, gen_account_json(b, stages[i]));
    gen_jb_put(b, o, "stages", rows);
    if (s->put_summary)
        s->put_summary(s->put_summary_ud, b, o);
    struct gen_jmut *names = gen_jb_array(b);
    for (size_t i = 0; i < files->n; i++) {
        struct gen_jmut *file = gen_jb_object(b);
        gen_jb_put_str(b, file, "path", gen_buf_str(&files->rows[i].path));
        if (files->rows[i].n_rows >= 0)
            gen_jb_put_int(b, file, "rows", files->rows[i].n_rows);
        gen_jb_append(b, names, file);
    }
    gen_jb_put(b, o, "files", names);
    return gen_jb_write(b, o, GEN_JSON_PRETTY, out, err);
}

static int write_summary(struct gen_session *s, const struct gen_file_list *files, double seconds,
                         int status, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf path = gen_buf_make(8192);
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK)
        rc = write_summary_text(s, b, files, seconds, &text, err);
    if (rc == GEN_OK)
        rc = gen_ledger_run_end(s->ledger, s->run_id, status, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&text, '\n', err);
    if (rc == GEN_OK)
        rc = gen_session_path(s, "_summary.json", &path, err);
    if (rc == GEN_OK)
        rc = gen_file_write_all(path.data, gen_buf_str(&text), err);
    gen_jb_free(b);
    gen_buf_release(&text);
    gen_buf_release(&path);
    return rc;
}

/* A failures file of an earlier run would be taken for this one's. */
static int finish_failures(struct gen_session *s, struct gen_file_list *files,
                           struct gen_error *err)
{
    if (s->failures) {
        int failed = gen_record_writer_commit(s->failures, err);
        return failed ? failed
                      : gen_file_list_add(files, s->failures_path.data,
                                          (int64_t)gen_record_writer_count(s->failures), err);
    }
    struct gen_buf path = gen_buf_make(8192);
    int rc = gen_session_path(s, "_failures.jsonl", &path, err);
    if (rc == GEN_OK && gen_session_is_complete(s) &&
        gen_file_kind(path.data) == GEN_FILE_REGULAR && remove(path.data) != 0)
        gen_log(&s->log, GEN_LOG_WARN, "failures",
                "%s is of an earlier run and could not be removed", path.data);
    gen_buf_release(&path);
    return rc;
}

struct gen_ui_account_stage gen_account_stage(const struct gen_stage_account *a)
{
    return (struct gen_ui_account_stage){
        .name = a->name,
        .unit_in = a->unit_in,
        .unit_out = a->unit_out,
        .n_in = a->n_in,
        .n_produced = a->n_produced,
        .n_out = a->n_out,
        .filtered = &a->filtered,
        .failed = &a->failed,
        .skipped = &a->skipped,
        .out_filtered = &a->out_filtered,
        .notes = &a->notes,
        .n_calls = a->n_calls,
        .n_cached = a->n_cached,
        .n_sent = a->n_sent,
        .n_actions = a->n_actions,
        .n_actions_cached = a->n_actions_cached,
        .by_class = &a->by_class,
    };
}

static void add_stage(struct gen_ui_account *account, struct gen_ui_account_stage *row,
                      const struct gen_stage_account *a)
{
    *row = gen_account_stage(a);
    account->tokens_in += a->tokens_in;
    account->tokens_out += a->tokens_out;
    account->tokens_cached += a->tokens_cached;
    account->tokens_partly_unknown |= a->n_usage_unknown > 0;
    account->cost_microusd = account->cost_microusd < 0 || a->n_cost_unknown
                                 ? -1
                                 : account->cost_microusd + a->cost_microusd;
}

static int show_account(struct gen_session *s, const char *headline,
                        const struct gen_file_list *files, const struct gen_advice_list *advice,
                        const char *const *next, double seconds, struct gen_error *err)
{
    const struct gen_stage_account *stages[STAGES_MAX];
    struct gen_ui_account_stage rows[STAGES_MAX];
    struct gen_buf texts[sizeof(files->rows) / sizeof(files->rows[0])];
    const char *names[sizeof(files->rows) / sizeof(files->rows[0]) + 1] = {NULL};
    struct gen_ui_account account = {
        .headline = headline,
        .stages = rows,
        .n_stages = all_stages(s, stages),
        .is_free = s->provider->is_local,
        .seconds = seconds,
        .details = s->details,
        .files = names,
        .advice = advice->rows,
        .next = next,
    };
    for (size_t i = 0; i < account.n_stages; i++)
        add_stage(&account, &rows[i], stages[i]);
    int rc = GEN_OK;
    for (size_t i = 0; i < files->n; i++) {
        texts[i] = gen_buf_make(16384);
        if (rc == GEN_OK)
            rc = gen_file_list_text(files, i, &texts[i], err);
        names[i] = texts[i].data;
    }
    if (rc == GEN_OK)
        gen_ui_show_account(s->ui, &account);
    for (size_t i = 0; i < files->n; i++)
        gen_buf_release(&texts[i]);
    return rc;
}

static int exit_status(const struct gen_session *s)
{
    const struct gen_stage_account *stages[STAGES_MAX];
    size_t n = all_stages(s, stages);
    int64_t failed = 0;
    for (size_t i = 0; i < n; i++)
        failed += gen_counts_sum(&stages[i]->failed);
    switch (s->end) {
    case GEN_END_DONE:
        return failed ? GEN_EXIT_SOME_FAILED : GEN_EXIT_DONE;
    case GEN_END_INTERRUPTED:
        return GEN_EXIT_INTERRUPTED;
    case GEN_END_BUDGET:
        return GEN_EXIT_BUDGET;
    case GEN_END_PROVIDER:
        return GEN_EXIT_PROVIDER;
    case GEN_END_WAITING:
        return GEN_EXIT_WAITING;
    }
    return GEN_EXIT_MACHINE;
}

/* Rows that never became an input are in no stage's account. */
static void warn_of_corpus(const struct gen_session *s)
{
    if (s->corpus.n_malformed)
        gen_log(&s->log, GEN_LOG_WARN, "corpus",
                "%llu of %llu rows of the corpus are no chunks and were passed over; the first: %s",
                (unsigned long long)s->corpus.n_malformed, (unsigned long long)s->corpus.n_rows,
                s->corpus.first_malformed);
    if (s->corpus.n_cleaned)
        gen_log(&s->log, GEN_LOG_WARN, "corpus",
                "%llu chunks had malformed UTF-8; the bytes became U+FFFD",
                (unsigned long long)s->corpus.n_cleaned);
}

int gen_session_commit(const struct gen_session *s, struct gen_record_writer *writer,
                       struct gen_file_list *files, struct gen_error *err)
{
    /* A budget that was used up before the first row must not replace an earlier file by an empty
     * one. */
    bool is_nothing = s->end == GEN_END_BUDGET && gen_record_writer_count(writer) == 0;
    if (!gen_session_is_complete(s) || is_nothing)
        return GEN_OK;
    int rc = gen_record_writer_commit(writer, err);
    return rc ? rc
              : gen_file_list_add(files, s->output, (int64_t)gen_record_writer_count(writer), err);
}

const char *gen_session_next(const struct gen_session *s, const char *command, const char *suffix,
                             char *out, size_t n)
{
    size_t n_stages = 0;
    const struct gen_stage_account *stages = gen_engine_accounts(s->engine, &n_stages);
    bool is_empty = n_stages == 0 || stages[n_stages - 1].n_out == 0;
    if (!gen_session_is_complete(s) || is_empty)
        return NULL;
    return gen_say_next(s->output, command, suffix, out, n);
}

/* What is said about a run that did not come to its end. Servers end their sentences with a stop.
 */
static void stop_line(const struct gen_session *s, const char *headline, bool has_output, char *out,
                      size_t n)
{
    const char *ledger = s->ledger_path.data;
    static const char done[] = "done: ";
    bool is_done = strncmp(headline, done, strlen(done)) == 0;
    struct gen_str why = gen_str_from(gen_engine_stop_reason(s->engine));
    if (why.n && why.p[why.n - 1] == '.')
        why.n--;
    if (s->end == GEN_END_INTERRUPTED)
        gen_session_interrupted_line(s, out, n);
    else if (s->end == GEN_END_BUDGET && !has_output)
        (void)snprintf(out, n,
                       "stopped before the first row was finished: %.*s; with a larger one the "
                       "same command goes on",
                       GEN_STR_ARG(why));
    else if (s->end == GEN_END_BUDGET)
        (void)snprintf(out, n, "stopped, %.*s: %s; with a larger one the same command goes on",
                       GEN_STR_ARG(why), headline + (is_done ? strlen(done) : 0));
    else if (s->end == GEN_END_WAITING)
        gen_session_waiting_line(s, out, n);
    else
        (void)snprintf(out, n,
                       "stopped: %.*s; what was answered is kept in %s, the same command goes on "
                       "from there",
                       GEN_STR_ARG(why), ledger);
}

int gen_session_finish(struct gen_session *s, const char *headline, struct gen_file_list *files,
                       const char *const *next, int *status, struct gen_error *err)
{
    const struct gen_stage_account *stages[STAGES_MAX];
    double seconds = (double)(gen_loop_now_us() - s->start_us) / 1e6;
    struct gen_advice_list advice;
    char line[1200];
    *status = exit_status(s);
    bool has_output = files->n > 0;
    warn_of_corpus(s);
    int rc = finish_failures(s, files, err);
    if (rc == GEN_OK)
        rc = write_summary(s, files, seconds, *status, err);
    if (rc)
        return rc;
    if (s->end == GEN_END_DONE)
        (void)snprintf(line, sizeof(line), "%s", headline);
    else
        stop_line(s, headline, has_output, line, sizeof(line));
    gen_advice_list_fill(&advice, s, stages, all_stages(s, stages));
    /* Who reads the messages as JSON has the account in the summary file. */
    bool is_json = gen_settings_flag(s->settings, GEN_OPT_LOG_JSON);
    bool is_quiet = gen_settings_flag(s->settings, GEN_OPT_QUIET);
    if (is_json)
        gen_log(&s->log, GEN_LOG_INFO, "end", "%s", line);
    else
        rc = show_account(s, line, files, &advice, next, seconds, err);
    if (is_quiet && s->end != GEN_END_DONE)
        gen_log(&s->log, GEN_LOG_ERROR, "stopped", "%s", line);
    if (is_json || is_quiet) {
        for (size_t i = 0; i < advice.n; i++)
            gen_log(&s->log, is_quiet ? GEN_LOG_ERROR : GEN_LOG_INFO, "advice", "%s",
                    advice.rows[i]);
    }
    return rc;
}
