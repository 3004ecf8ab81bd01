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

static int export_item(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct pipeline *p = ud;
    return gen_exporter_add_text(&p->exporter, item->record, (uint64_t)p->exporter.account.n_in + 1,
                                 err);
}

/* What the card of a dataset folder says of this run, which has no summary file yet. */
static int write_origin(const struct pipeline *p, struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    size_t n_stages = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(p->s.engine, &n_stages);
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *stages = gen_jb_array(b);
    gen_jb_put_cstr(b, o, "command", gen_settings_command_line(p->s.settings));
    gen_jb_put_cstr(b, o, "version", GEN_VERSION);
    gen_jb_put_cstr(b, o, "provider", p->s.provider->name);
    gen_jb_put_cstr(b, o, "model", p->s.model);
    if (p->s.common.has_seed)
        gen_jb_put_int(b, o, "seed", p->s.common.seed);
    gen_jb_put_real(b, o, "threshold", gen_settings_real(p->s.settings, GEN_OPT_THRESHOLD));
    for (size_t i = 0; i < n_stages; i++)
        gen_jb_append(b, stages, gen_account_json(b, &accounts[i]));
    gen_jb_put(b, o, "stages", stages);
    rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

/* Gives the rows their name when the run is complete; else leaves what was there. */
static int commit(struct pipeline *p, struct gen_file_list *files, struct gen_error *err)
{
    struct gen_exporter *x = &p->exporter;
    bool is_empty = x->account.n_out == 0;
    /* A folder of no rows is no dataset, and a budget that was used up before the first row must
     * not replace an earlier file by an empty one. */
    if (!gen_session_is_complete(&p->s) || (is_empty && (x->folder || p->s.end == GEN_END_BUDGET)))
        return GEN_OK;
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    int rc = write_origin(p, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, gen_buf_str(&text), err);
    const struct gen_json *root = gen_json_root(doc);
    const struct gen_export_origin origin = {root, root};
    if (rc == GEN_OK)
        rc = gen_exporter_commit(x, &origin, err);
    if (rc == GEN_OK)
        rc = gen_file_list_add(files, p->s.output, x->account.n_out, err);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return rc;
}

static int finish(struct pipeline *p, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    struct gen_buf headline = gen_buf_make(32768);
    const char *next[1] = {NULL};
    size_t n_stages = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(p->s.engine, &n_stages);
    int rc = commit(p, &files, err);
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
        rc = gen_session_run(&p->s, &items, export_item, p, err);
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
