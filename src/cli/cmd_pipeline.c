/* generate -> enrich -> curate -> export as one streaming run. */
#include "cli/exporter.h"
#include "cli/sources.h"

struct pipeline {
    struct gen_session s;
    struct gen_corpus_source source;
    struct gen_steps steps;
    struct gen_rated_files rated;
    struct gen_exporter exporter;
};

static int finish(struct pipeline *p, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    struct gen_buf headline = gen_buf_make(32768);
    const char *next[1] = {NULL};
    size_t n_stages = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(p->s.engine, &n_stages);
    int rc = gen_exporter_commit_run(&p->exporter, &p->s, &files, err);
    if (rc == GEN_OK)
        rc = gen_rated_files_finish(&p->rated, &p->s, gen_qa_rate_stats(p->steps.rate),
                                    accounts[n_stages - 1].n_in, &files, err);
    p->s.n_missing = gen_qa_generate_missing(p->steps.generate);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&headline, "done: ", err);
    if (rc == GEN_OK)
        rc = gen_exporter_tell(&p->exporter, &headline, err);
    if (rc == GEN_OK && p->s.n_missing > 0)
        rc = gen_buf_printf(&headline, err,
                            "; of the %lld pairs wanted %lld could not be generated, also in "
                            "further passes",
                            (long long)gen_settings_int(p->s.settings, GEN_OPT_TARGET_PAIRS),
                            (long long)p->s.n_missing);
    if (rc == GEN_OK)
        rc = gen_session_finish(&p->s, headline.data, &files, next, status, err);
    gen_buf_release(&headline);
    gen_file_list_release(&files);
    return rc;
}

static int add_steps(struct pipeline *p, struct gen_error *err)
{
    int rc = gen_steps_add_generate(&p->steps, &p->s, p->source.n_chunks, err);
    if (rc == GEN_OK && !gen_settings_flag(p->s.settings, GEN_OPT_SKIP_ENRICHMENT))
        rc = gen_steps_add_enrich(&p->steps, &p->s, err);
    if (rc == GEN_OK)
        rc = gen_steps_add_rate(&p->steps, &p->s, false, gen_rated_files_add, &p->rated, err);
    p->source.generate = p->steps.generate;
    return rc;
}

/* What the run would refuse after its start is refused here as well. */
static int dry_run(struct pipeline *p, const struct gen_source *items, struct gen_error *err)
{
    struct gen_export_request request;
    int rc = gen_export_request_read(&request, p->s.app, p->s.output, &p->s.log, err);
    if (rc == GEN_OK)
        rc = gen_rated_files_check(&p->s, err);
    return rc ? rc : gen_session_dry_run(&p->s, items, err);
}

static int run(struct pipeline *p, int *status, struct gen_error *err)
{
    struct gen_source items = gen_corpus_source_of(&p->source);
    int rc = add_steps(p, err);
    if (rc)
        return rc;
    if (gen_settings_flag(p->s.settings, GEN_OPT_DRY_RUN))
        return dry_run(p, &items, err);
    rc = gen_exporter_open(&p->exporter, p->s.app, p->s.output, &p->s.log, err);
    if (rc == GEN_OK)
        rc = gen_rated_files_open(&p->rated, &p->s, err);
    p->s.extra = &p->exporter.account;
    if (rc == GEN_OK)
        rc = gen_session_run(&p->s, &items, gen_sink_to_exporter, &p->exporter, err);
    if (rc == GEN_OK)
        rc = finish(p, status, err);
    gen_rated_files_close(&p->rated);
    gen_exporter_close(&p->exporter);
    return rc;
}

int gen_cmd_pipeline(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct pipeline p;
    memset(&p, 0, sizeof(p));
    int rc = gen_session_open(&p.s, app, "pipeline", err);
    if (rc)
        return rc;
    rc = gen_corpus_source_open(&p.source, &p.s, err);
    if (rc == GEN_OK) {
        rc = run(&p, status, err);
        gen_corpus_source_close(&p.source);
    }
    gen_session_close(&p.s);
    gen_steps_release(&p.steps);
    return rc;
}
