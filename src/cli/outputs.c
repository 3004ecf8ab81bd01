#include "cli/outputs.h"

#include "os/file.h"

#include <stdio.h>

int gen_sink_to_writer(void *writer, const struct gen_item *item, struct gen_error *err)
{
    return gen_record_writer_add(writer, item->record, err);
}

int gen_rated_files_open(struct gen_rated_files *f, const struct gen_session *s,
                         struct gen_error *err)
{
    f->all = NULL;
    f->all_path = gen_buf_make(8192);
    int rc = gen_session_path(s, "_all_rated.json", &f->all_path, err);
    return rc ? rc : gen_record_writer_open(&f->all, f->all_path.data, err);
}

int gen_rated_files_add(void *files, struct gen_str record, bool kept, struct gen_error *err)
{
    struct gen_rated_files *f = files;
    (void)kept;
    return gen_record_writer_add(f->all, record, err);
}

static int write_json(const struct gen_session *s, const char *suffix, struct gen_jb *b,
                      const struct gen_jmut *root, struct gen_file_list *list,
                      struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(8192);
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    int rc = gen_session_path(s, suffix, &path, err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, root, GEN_JSON_PRETTY, &text, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&text, '\n', err);
    if (rc == GEN_OK)
        rc = gen_file_write_all(path.data, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        rc = gen_file_list_add(list, path.data, -1, err);
    gen_buf_release(&path);
    gen_buf_release(&text);
    return rc;
}

static double rounded(double x)
{
    return (double)(int64_t)(x * 1000.0 + 0.5) / 1000.0;
}

static int write_metrics(const struct gen_session *s, const struct gen_qa_rate_stats *stats,
                         int64_t n_in, struct gen_file_list *list, struct gen_error *err)
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
    rc = write_json(s, "_metrics.json", b, o, list, err);
    gen_jb_free(b);
    return rc;
}

static int write_distribution(const struct gen_session *s, const struct gen_qa_rate_stats *stats,
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
static void warn_of_flat_ratings(const struct gen_session *s, const struct gen_qa_rate_stats *stats)
{
    int top = 0;
    for (int i = 1; i <= 10; i++)
        top = stats->histogram[i] > stats->histogram[top] ? i : top;
    if (stats->n_rated < 50 || stats->histogram[top] * 5 <= stats->n_rated * 2)
        return;
    gen_log(&s->log, GEN_LOG_WARN, "flat_ratings",
            "the judge gave the rating %d to %lld of %lld pairs: its verdicts may tell little; try "
            "another judge model",
            top, (long long)stats->histogram[top], (long long)stats->n_rated);
}

int gen_rated_files_finish(struct gen_rated_files *f, const struct gen_session *s,
                           const struct gen_qa_rate_stats *stats, int64_t n_in,
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
        rc = write_metrics(s, stats, n_in, list, err);
    if (rc == GEN_OK)
        rc = write_distribution(s, stats, list, err);
    if (rc == GEN_OK)
        warn_of_flat_ratings(s, stats);
    return rc;
}

void gen_rated_files_close(struct gen_rated_files *f)
{
    gen_record_writer_close(f->all);
    gen_buf_release(&f->all_path);
    f->all = NULL;
}
