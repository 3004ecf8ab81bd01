#include "cli/removal.h"

#include "base/utf8.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INDEX_BYTES_MIN ((size_t)1 << 30)

/* Half of the machine's memory, but no less than what a million questions need. */
static size_t index_bytes_max(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    size_t bytes = 0;
    if (pages <= 0 || page <= 0 || __builtin_mul_overflow((size_t)pages / 2, (size_t)page, &bytes))
        return INDEX_BYTES_MIN;
    return bytes > INDEX_BYTES_MIN ? bytes : INDEX_BYTES_MIN;
}

/* Names are cut at a character. */
static void name_rule(char rule[GEN_COUNT_NAME_BYTES], const char *path)
{
    struct gen_str base = gen_path_base(gen_str_from(path));
    size_t room = GEN_COUNT_NAME_BYTES - sizeof("contaminated ");
    if (base.n > room) {
        base.n = room;
        while (base.n && ((unsigned char)base.p[base.n] & 0xC0U) == 0x80U)
            base.n--;
    }
    (void)snprintf(rule, GEN_COUNT_NAME_BYTES, "contaminated %.*s", GEN_STR_ARG(base));
}

static int read_benchmarks(struct gen_removal *r, const struct gen_log *log, struct gen_error *err)
{
    if (r->n_paths == 0)
        return GEN_OK;
    r->rules = calloc(r->n_paths, sizeof(*r->rules));
    int rc = r->rules ? gen_contamination_new(&r->benchmarks, err)
                      : gen_nomem(err, "the names of benchmarks");
    for (size_t i = 0; rc == GEN_OK && i < r->n_paths; i++) {
        struct gen_benchmark_stats stats = {0};
        name_rule(r->rules[i], r->paths[i]);
        rc = gen_contamination_add_file(r->benchmarks, r->paths[i], &stats, err);
        if (rc == GEN_OK)
            gen_log(log, GEN_LOG_INFO, "benchmark", "looking for what %s has in %llu %s",
                    r->paths[i], (unsigned long long)stats.n_rows,
                    stats.n_rows == 1 ? "row" : "rows");
        if (rc == GEN_OK && stats.n_malformed)
            gen_log(log, GEN_LOG_WARN, "benchmark",
                    "%llu of %llu rows of %s cannot be read and are not looked for",
                    (unsigned long long)stats.n_malformed, (unsigned long long)stats.n_rows,
                    r->paths[i]);
    }
    return rc;
}

int gen_removal_open(struct gen_removal *r, const struct gen_settings *set, bool is_dedup,
                     enum gen_compared by, const struct gen_log *log, struct gen_error *err)
{
    const struct gen_dedup_options options = {gen_settings_real(set, GEN_OPT_SIMILARITY),
                                              index_bytes_max()};
    memset(r, 0, sizeof(*r));
    r->by = by;
    r->text = gen_buf_make(GEN_BUF_UNLIMITED);
    r->paths = gen_settings_list(set, GEN_OPT_DECONTAMINATE, &r->n_paths);
    int rc = gen_jb_new(&r->builder, err);
    if (rc == GEN_OK)
        rc = read_benchmarks(r, log, err);
    if (rc == GEN_OK && is_dedup)
        rc = gen_dedup_new(&r->dedup, &options, err);
    if (rc)
        gen_removal_close(r);
    return rc;
}

void gen_removal_close(struct gen_removal *r)
{
    gen_dedup_free(r->dedup);
    gen_contamination_free(r->benchmarks);
    gen_jb_free(r->builder);
    gen_buf_release(&r->text);
    free(r->rules);
    memset(r, 0, sizeof(*r));
}

static const char *rule_of(const struct gen_removal *r, const char *path)
{
    size_t i = 0;
    while (i + 1 < r->n_paths && strcmp(r->paths[i], path) != 0)
        i++;
    return r->rules[i];
}

int gen_removal_contaminated(struct gen_removal *r, const struct gen_qa_view *qa,
                             struct gen_removed *out, struct gen_error *err)
{
    const struct gen_str texts[] = {qa->question, qa->answer, qa->reasoning};
    *out = (struct gen_removed){0};
    for (size_t i = 0; r->benchmarks && i < sizeof(texts) / sizeof(texts[0]); i++) {
        int rc = gen_contamination_find(r->benchmarks, texts[i], i == 0, &out->hit, err);
        if (rc)
            return rc;
        if (out->hit.is_hit) {
            out->rule = rule_of(r, out->hit.path);
            out->reason = "contaminated";
            return GEN_OK;
        }
    }
    return GEN_OK;
}

int gen_removal_text(struct gen_removal *r, const struct gen_qa_view *qa, struct gen_str *text,
                     struct gen_error *err)
{
    *text = r->by == GEN_COMPARED_ANSWER ? qa->answer : qa->question;
    if (r->by != GEN_COMPARED_PAIR)
        return GEN_OK;
    gen_buf_clear(&r->text);
    int rc = gen_buf_add_str(&r->text, qa->question, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(&r->text, '\n', err);
    if (rc == GEN_OK)
        rc = gen_buf_add_str(&r->text, qa->answer, err);
    *text = gen_buf_str(&r->text);
    return rc;
}

int gen_removal_repeated(struct gen_removal *r, struct gen_str text, uint64_t row,
                         struct gen_removed *out, struct gen_error *err)
{
    struct gen_duplicate found = {0};
    int rc = r->dedup ? gen_dedup_add(r->dedup, text, row, &found, err) : GEN_OK;
    if (rc)
        return rc;
    *out = (struct gen_removed){0};
    if (found.is_duplicate) {
        out->reason = found.is_exact ? "exact_duplicate" : "near_duplicate";
        out->rule = out->reason;
        out->of = found.of;
        out->similarity = found.similarity;
    }
    return GEN_OK;
}

int gen_removal_judge(struct gen_removal *r, const struct gen_qa_view *qa, uint64_t row,
                      struct gen_removed *out, struct gen_error *err)
{
    struct gen_str text;
    int rc = gen_removal_contaminated(r, qa, out, err);
    if (rc || out->rule)
        return rc;
    rc = gen_removal_text(r, qa, &text, err);
    return rc ? rc : gen_removal_repeated(r, text, row, out, err);
}

int gen_removal_place(const struct gen_contamination_hit *hit, struct gen_buf *out,
                      struct gen_error *err)
{
    int rc = gen_buf_add_str(out, gen_path_base(gen_str_from(hit->path)), err);
    return rc ? rc : gen_buf_printf(out, err, ":%llu", (unsigned long long)hit->row);
}

int gen_removal_line(struct gen_removal *r, const struct gen_removed *removed, uint64_t row,
                     struct gen_str record, struct gen_buf *out, struct gen_error *err)
{
    struct gen_buf place = gen_buf_make(8192);
    struct gen_jb *b = r->builder;
    int rc = gen_jb_begin_again(b, err);
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "row", (int64_t)row);
    gen_jb_put_cstr(b, o, "reason", removed->reason);
    if (removed->hit.is_hit) {
        if (rc == GEN_OK)
            rc = gen_removal_place(&removed->hit, &place, err);
        gen_jb_put_str(b, o, "of", gen_buf_str(&place));
        gen_jb_put_str(b, o, "words", removed->hit.words);
    } else {
        gen_jb_put_int(b, o, "of", (int64_t)removed->of);
        gen_jb_put_real(b, o, "similarity",
                        (double)(int64_t)(removed->similarity * 1000.0 + 0.5) / 1000.0);
    }
    gen_jb_put(b, o, "record", gen_jb_raw(b, gen_str_trim(record)));
    if (rc == GEN_OK)
        rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    gen_buf_release(&place);
    return rc;
}

int gen_removal_malformed_line(struct gen_removal *r, const char *why, uint64_t row,
                               struct gen_str record, bool is_json, struct gen_buf *out,
                               struct gen_error *err)
{
    struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jb *b = r->builder;
    int rc = gen_jb_begin_again(b, err);
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_int(b, o, "row", (int64_t)row);
    gen_jb_put_cstr(b, o, "reason", "malformed_row");
    if (rc == GEN_OK)
        rc = gen_utf8_clean(&clean, gen_str_from(why), NULL, err);
    gen_jb_put_str(b, o, "why", gen_buf_str(&clean));
    gen_buf_clear(&clean);
    if (rc == GEN_OK && !is_json)
        rc = gen_utf8_clean(&clean, record, NULL, err);
    gen_jb_put(b, o, is_json ? "record" : "text",
               is_json ? gen_jb_raw(b, gen_str_trim(record)) : gen_jb_str(b, gen_buf_str(&clean)));
    if (rc == GEN_OK)
        rc = gen_jb_write(b, o, GEN_JSON_COMPACT, out, err);
    gen_buf_release(&clean);
    return rc;
}

int gen_removed_file_commit(struct gen_record_writer *writer, const char *path, int64_t *n_rows,
                            const struct gen_log *log, struct gen_error *err)
{
    *n_rows = -1;
    if (gen_record_writer_count(writer) > 0) {
        *n_rows = (int64_t)gen_record_writer_count(writer);
        return gen_record_writer_commit(writer, err);
    }
    if (gen_file_kind(path) == GEN_FILE_REGULAR && remove(path) != 0)
        gen_log(log, GEN_LOG_WARN, "removed", "%s is of an earlier run and could not be removed",
                path);
    return GEN_OK;
}
