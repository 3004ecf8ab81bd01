/* generate and generate-cot: what is made of a chunk differs, not how the run goes. */
#include "cli/outputs.h"
#include "cli/say.h"
#include "cli/sources.h"

#include <stdio.h>

static void headline_of(const struct gen_session *s, const struct gen_qa_generate *g,
                        int64_t n_rows, char *out, size_t n)
{
    int64_t target = gen_settings_int(s->settings, GEN_OPT_TARGET_PAIRS);
    int64_t missing = gen_qa_generate_missing(g);
    if (target > 0 && missing > 0)
        (void)snprintf(out, n,
                       "done: %lld pairs in %s; %lld of the %lld wanted are missing: the chunks "
                       "gave no more that passed the checks, "
                       "also in further passes",
                       (long long)n_rows, gen_say_place(s->output), (long long)missing,
                       (long long)target);
    else
        (void)snprintf(out, n, "done: %lld pairs in %s", (long long)n_rows,
                       gen_say_place(s->output));
}

static int finish(struct gen_session *s, const struct gen_steps *steps,
                  struct gen_record_writer *writer, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    char command[1200];
    bool is_cot = gen_settings_command(s->settings) == GEN_CMD_GENERATE_COT;
    const char *next[2] = {
        is_cot ? gen_session_next(s, "curate", "_curated.json", command, sizeof(command))
               : gen_session_next(s, "enrich", "_enriched.json", command, sizeof(command)),
        NULL};
    int rc = gen_session_commit(s, writer, &files, err);
    s->n_missing = gen_qa_generate_missing(steps->generate);
    headline_of(s, steps->generate, (int64_t)gen_record_writer_count(writer), headline,
                sizeof(headline));
    if (rc == GEN_OK)
        rc = gen_session_finish(s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int run(struct gen_session *s, struct gen_steps *steps, struct gen_corpus_source *source,
               int *status, struct gen_error *err)
{
    struct gen_record_writer *writer = NULL;
    struct gen_source items = gen_corpus_source_of(source);
    bool native = false;
    int rc = gen_steps_native_reasoning(s, &native, err);
    if (rc == GEN_OK)
        rc = gen_steps_add_generate(steps, s, source->n_chunks, err);
    if (rc == GEN_OK && native)
        rc = gen_steps_add_enhance(steps, s, err);
    if (rc == GEN_OK && s->common.topic)
        rc = gen_steps_add_rate(steps, s, true, NULL, NULL, err);
    if (rc)
        return rc;
    source->generate = steps->generate;
    if (gen_settings_flag(s->settings, GEN_OPT_DRY_RUN))
        return gen_session_dry_run(s, &items, err);
    rc = gen_record_writer_open(&writer, s->output, err);
    if (rc == GEN_OK)
        rc = gen_session_run(s, &items, gen_sink_to_writer, writer, err);
    if (rc == GEN_OK)
        rc = finish(s, steps, writer, status, err);
    gen_record_writer_close(writer);
    return rc;
}

static int generate(const struct gen_app *app, const char *command, int *status,
                    struct gen_error *err)
{
    struct gen_session s;
    struct gen_corpus_source source;
    struct gen_steps steps = {.generate = NULL};
    int rc = gen_session_open(&s, app, command, err);
    if (rc)
        return rc;
    rc = gen_corpus_source_open(&source, &s, err);
    if (rc == GEN_OK) {
        rc = run(&s, &steps, &source, status, err);
        gen_corpus_source_close(&source);
    }
    gen_session_close(&s);
    gen_steps_release(&steps);
    return rc;
}

int gen_cmd_generate(const struct gen_app *app, int *status, struct gen_error *err)
{
    return generate(app, "generate", status, err);
}

int gen_cmd_generate_cot(const struct gen_app *app, int *status, struct gen_error *err)
{
    return generate(app, "generate-cot", status, err);
}
