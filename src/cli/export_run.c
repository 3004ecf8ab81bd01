/* The export as the last stage of a run of model calls. */
#include "cli/exporter.h"

int gen_sink_to_exporter(void *exporter, const struct gen_item *item, struct gen_error *err)
{
    struct gen_exporter *x = exporter;
    return gen_exporter_add_text(x, item->record, (uint64_t)x->account.n_in + 1, err);
}

/* What the card of a dataset folder says of this run, which has no summary file yet. */
static int write_origin(const struct gen_session *s, struct gen_buf *out, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    size_t n_stages = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(s->engine, &n_stages);
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *stages = gen_jb_array(b);
    gen_jb_put_cstr(b, o, "command", gen_settings_command_line(s->settings));
    gen_jb_put_cstr(b, o, "version", GEN_VERSION);
    gen_jb_put_cstr(b, o, "provider", s->provider->name);
    gen_jb_put_cstr(b, o, "model", s->model);
    if (s->common.has_seed)
        gen_jb_put_int(b, o, "seed", s->common.seed);
    gen_jb_put_real(b, o, "threshold", gen_settings_real(s->settings, GEN_OPT_THRESHOLD));
    for (size_t i = 0; i < n_stages; i++)
        gen_jb_append(b, stages, gen_account_json(b, &accounts[i]));
    gen_jb_put(b, o, "stages", stages);
    rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}

int gen_exporter_commit_run(struct gen_exporter *x, const struct gen_session *s,
                            struct gen_file_list *files, struct gen_error *err)
{
    bool is_empty = x->account.n_out == 0;
    /* A folder of no rows is no dataset, and a budget that was used up before the first row must
     * not replace an earlier file by an empty one. */
    if (!gen_session_is_complete(s) || (is_empty && (x->folder || s->end == GEN_END_BUDGET)))
        return GEN_OK;
    struct gen_json_doc *doc = NULL;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = write_origin(s, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&doc, gen_buf_str(&text), err);
    const struct gen_json *root = gen_json_root(doc);
    const struct gen_export_origin origin = {root, root};
    if (rc == GEN_OK)
        rc = gen_exporter_commit(x, &origin, err);
    if (rc == GEN_OK)
        rc = gen_file_list_add(files, s->output, x->account.n_out, err);
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return rc;
}
