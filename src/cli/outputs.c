#include "cli/outputs.h"

#include "cli/say.h"

#include <stdio.h>

int gen_sink_to_writer(void *writer, const struct gen_item *item, struct gen_error *err)
{
    return gen_record_writer_add(writer, item->record, err);
}

/* `removes` says whether anything was asked for. */
static int make_removal(struct gen_rated_files *f, const struct gen_session *s,
                        struct gen_error *err)
{
    bool is_dedup = gen_settings_flag(s->settings, GEN_OPT_DEDUP);
    size_t n_benchmarks = 0;
    (void)gen_settings_list(s->settings, GEN_OPT_DECONTAMINATE, &n_benchmarks);
    if (!is_dedup && gen_settings_source(s->settings, GEN_OPT_SIMILARITY) == GEN_FROM_COMMAND_LINE)
        gen_log(&s->log, GEN_LOG_WARN, "similarity",
                "--similarity does nothing without --dedup: repetitions stay");
    if (!is_dedup && n_benchmarks == 0)
        return GEN_OK;
    int rc =
        gen_removal_open(&f->removal, s->settings, is_dedup, GEN_COMPARED_QUESTION, &s->log, err);
    f->removes = rc == GEN_OK;
    return rc;
}

static int open_removal(struct gen_rated_files *f, const struct gen_session *s,
                        struct gen_error *err)
{
    int rc = make_removal(f, s, err);
    if (rc || !f->removes)
        return rc;
    rc = gen_session_path(s, "_removed.jsonl", &f->removed_path, err);
    return rc ? rc : gen_record_writer_open(&f->removed, f->removed_path.data, err);
}

int gen_rated_files_check(const struct gen_session *s, struct gen_error *err)
{
    struct gen_rated_files f = {.all = NULL};
    int rc = make_removal(&f, s, err);
    if (f.removes)
        gen_removal_close(&f.removal);
    return rc;
}

int gen_rated_files_open(struct gen_rated_files *f, const struct gen_session *s,
                         struct gen_error *err)
{
    memset(f, 0, sizeof(*f));
    f->all_path = gen_buf_make(8192);
    f->removed_path = gen_buf_make(8192);
    f->line = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = open_removal(f, s, err);
    if (rc == GEN_OK)
        rc = gen_session_path(s, "_all_rated.json", &f->all_path, err);
    return rc ? rc : gen_record_writer_open(&f->all, f->all_path.data, err);
}

/* The record of a removed pair for _all_rated.json, with what it repeats. */
static int mark(struct gen_rated_files *f, const struct gen_json *record,
                const struct gen_removed *removed, struct gen_error *err)
{
    struct gen_buf place = gen_buf_make(8192);
    struct gen_jb *b = f->removal.builder;
    int rc = gen_jb_begin_again(b, err);
    struct gen_jmut *copy = gen_jb_copy(b, record);
    if (rc == GEN_OK && removed->hit.is_hit) {
        rc = gen_removal_place(&removed->hit, &place, err);
        gen_jb_set(b, copy, "contaminated_by", gen_jb_str(b, gen_buf_str(&place)));
    } else {
        gen_jb_set(b, copy, "duplicate_of", gen_jb_int(b, (int64_t)removed->of));
    }
    gen_buf_clear(&f->line);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, copy, GEN_JSON_COMPACT, &f->line, err);
    if (rc == GEN_OK)
        rc = gen_record_writer_add(f->all, gen_buf_str(&f->line), err);
    gen_buf_release(&place);
    return rc;
}

static int remove_pair(struct gen_rated_files *f, struct gen_str text,
                       const struct gen_json *record, const struct gen_removed *removed,
                       uint64_t row, struct gen_error *err)
{
    int64_t *count = removed->hit.is_hit                              ? &f->n_contaminated
                     : strcmp(removed->reason, "near_duplicate") == 0 ? &f->n_near
                                                                      : &f->n_exact;
    ++*count;
    gen_buf_clear(&f->line);
    int rc = gen_removal_line(&f->removal, removed, row, text, &f->line, err);
    if (rc == GEN_OK)
        rc = gen_record_writer_add(f->removed, gen_buf_str(&f->line), err);
    return rc ? rc : mark(f, record, removed, err);
}

/* Of an example of tool use the request is compared. */
static bool view_of(const struct gen_json *record, struct gen_qa_view *qa)
{
    char why[160];
    if (gen_record_kind(record) != GEN_RECORD_TOOL)
        return gen_qa_view(record, qa, why, sizeof(why));
    *qa = (struct gen_qa_view){
        .kind = GEN_RECORD_TOOL,
        .question = gen_json_get_str(record, "instruction"),
        .answer = gen_json_get_str(gen_json_get(record, "solution"), "final_answer"),
    };
    return qa->question.n > 0;
}

/* Of a pair that the judge would keep. */
static int add_kept(struct gen_rated_files *f, struct gen_str text, const char **rule,
                    struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view qa;
    struct gen_removed removed = {0};
    uint64_t row = gen_record_writer_count(f->all) + 1;
    int rc = gen_json_parse(&doc, text, err);
    if (rc)
        return rc;
    if (view_of(gen_json_root(doc), &qa))
        rc = gen_removal_judge(&f->removal, &qa, row, &removed, err);
    if (rc == GEN_OK && removed.rule)
        rc = remove_pair(f, text, gen_json_root(doc), &removed, row, err);
    else if (rc == GEN_OK)
        rc = gen_record_writer_add(f->all, text, err);
    gen_json_doc_free(doc);
    *rule = removed.rule;
    return rc;
}

int gen_rated_files_add(void *files, struct gen_str record, const char **rule,
                        struct gen_error *err)
{
    struct gen_rated_files *f = files;
    return f->removes && !*rule ? add_kept(f, record, rule, err)
                                : gen_record_writer_add(f->all, record, err);
}

static int write_json(const struct gen_session *s, const char *suffix, struct gen_jb *b,
                      const struct gen_jmut *root, struct gen_file_list *list,
                      struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(8192);
    int rc = gen_session_path(s, suffix, &path, err);
    if (rc == GEN_OK)
        rc = gen_say_json_file(b, root, path.data, err);
    if (rc == GEN_OK)
        rc = gen_file_list_add(list, path.data, -1, err);
    gen_buf_release(&path);
    return rc;
}

static double rounded(double x)
{
    return (double)(int64_t)(x * 1000.0 + 0.5) / 1000.0;
}

static void put_removed(const struct gen_rated_files *f, struct gen_jb *b, struct gen_jmut *o)
{
    if (f->removal.dedup) {
        gen_jb_put_int(b, o, "exact_duplicates", f->n_exact);
        gen_jb_put_int(b, o, "near_duplicates", f->n_near);
    }
    if (f->removal.benchmarks)
        gen_jb_put_int(b, o, "contaminated_pairs", f->n_contaminated);
}

static int write_metrics(const struct gen_rated_files *f, const struct gen_session *s,
                         const struct gen_rating_stats *stats, int64_t n_in,
                         struct gen_file_list *list, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    double n = stats->n_rated ? (double)stats->n_rated : 1.0;
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "total_pairs", n_in);
    gen_jb_put_int(b, o, "rated_pairs", stats->n_rated);
    gen_jb_put_int(b, o, "filtered_pairs", stats->n_kept);
    gen_jb_put_real(b, o, "retention_rate", rounded((double)stats->n_kept / n));
    gen_jb_put_real(b, o, "avg_score", rounded(stats->sum / n));
    gen_jb_put_real(b, o, "threshold", gen_settings_real(s->settings, GEN_OPT_THRESHOLD));
    put_removed(f, b, o);
    if (f->put_metrics)
        f->put_metrics(f->put_metrics_ud, b, o);
    rc = write_json(s, "_metrics.json", b, o, list, err);
    gen_jb_free(b);
    return rc;
}

static int write_distribution(const struct gen_session *s, const struct gen_rating_stats *stats,
                              struct gen_file_list *list, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *histogram = gen_jb_object(b);
    if (stats->n_rated) {
        gen_jb_put_real(b, o, "min", stats->min);
        gen_jb_put_real(b, o, "max", stats->max);
        gen_jb_put_real(b, o, "avg", rounded(stats->sum / (double)stats->n_rated));
    }
    for (int i = 0; i <= 10; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", i);
        gen_jb_put_int(b, histogram, key, stats->histogram[i]);
    }
    gen_jb_put(b, o, "histogram", histogram);
    rc = write_json(s, "_distribution.json", b, o, list, err);
    gen_jb_free(b);
    return rc;
}

/* A judge that gives one value to most rows tells little (prompting.md A.1 rule 5). */
static void warn_of_flat_ratings(const struct gen_session *s, const struct gen_rating_stats *stats)
{
    int top = 0;
    for (int i = 1; i <= 10; i++)
        top = stats->histogram[i] > stats->histogram[top] ? i : top;
    if (stats->n_rated < 50 || stats->histogram[top] * 5 <= stats->n_rated * 2)
        return;
    gen_log(&s->log, GEN_LOG_WARN, "flat_ratings",
            "the judge gave the rating %d to %lld of %lld rows: its verdicts may tell little; try "
            "another judge model",
            top, (long long)stats->histogram[top], (long long)stats->n_rated);
}

static int finish_removed(struct gen_rated_files *f, const struct gen_session *s,
                          struct gen_file_list *list, struct gen_error *err)
{
    int64_t n_rows = -1;
    if (!f->removes)
        return GEN_OK;
    int rc = gen_removed_file_commit(f->removed, f->removed_path.data, &n_rows, &s->log, err);
    if (rc || n_rows < 0)
        return rc;
    return gen_file_list_add(list, f->removed_path.data, n_rows, err);
}

int gen_rated_files_finish(struct gen_rated_files *f, const struct gen_session *s,
                           const struct gen_rating_stats *stats, int64_t n_in,
                           struct gen_file_list *list, struct gen_error *err)
{
    if (!gen_session_is_complete(s) ||
        (s->end == GEN_END_BUDGET && gen_record_writer_count(f->all) == 0))
        return GEN_OK;
    int rc = gen_record_writer_commit(f->all, err);
    if (rc == GEN_OK)
        rc = gen_file_list_add(list, f->all_path.data, (int64_t)gen_record_writer_count(f->all),
                               err);
    if (rc == GEN_OK)
        rc = finish_removed(f, s, list, err);
    if (rc == GEN_OK)
        rc = write_metrics(f, s, stats, n_in, list, err);
    if (rc == GEN_OK)
        rc = write_distribution(s, stats, list, err);
    if (rc == GEN_OK)
        warn_of_flat_ratings(s, stats);
    return rc;
}

void gen_rated_files_close(struct gen_rated_files *f)
{
    gen_record_writer_close(f->all);
    gen_record_writer_close(f->removed);
    gen_removal_close(&f->removal);
    gen_buf_release(&f->all_path);
    gen_buf_release(&f->removed_path);
    gen_buf_release(&f->line);
    f->all = NULL;
    f->removed = NULL;
    f->removes = false;
}
