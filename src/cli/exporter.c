#include "cli/exporter.h"
#include "cli/say.h"

#include "dataset/card.h"
#include "dataset/info.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdlib.h>

#define NAMED_ROWS_MAX 10
#define TOP_SOURCES    50
#define INFO_BYTES_MAX ((size_t)64 << 20)
#define DATASET_INFO   "dataset_info.json"

/* Findings about rows decide over the row; those about the file are told, or refuse it. */
static int on_finding(void *ud, const struct gen_finding *f, struct gen_error *err)
{
    struct gen_exporter *x = ud;
    /* What comes late is put in front, so that it does not. */
    if (strcmp(f->rule, "late_key") == 0 || strcmp(f->rule, "late_type") == 0)
        return GEN_OK;
    /* More rows may follow from elsewhere; what is there is sound. */
    bool lacks_rows = strcmp(f->rule, "too_few_rows") == 0 || strcmp(f->rule, "empty_file") == 0;
    bool is_error = f->level == GEN_FINDING_ERROR && !lacks_rows;
    struct gen_refusal *fault = f->row ? &x->finding : &x->file_fault;
    (void)err;
    if (is_error && !fault->rule)
        gen_refuse(fault, f->rule, "%s", f->why);
    if (is_error || f->row)
        return GEN_OK;
    /* Rows are as they must be there: what is said is which loader to use. */
    bool is_advice = strcmp(f->rule, "keys_come_and_go") == 0;
    if (gen_counts_get(&x->warned, f->rule) == 0)
        gen_log(x->log, is_advice ? GEN_LOG_INFO : GEN_LOG_WARN, f->rule, "%s: %s", x->path,
                f->why);
    gen_counts_add(&x->warned, f->rule, 1);
    return GEN_OK;
}

static int open_checks(struct gen_exporter *x, struct gen_error *err)
{
    int rc = GEN_OK;
    for (const char *const *name = x->request.format->consumers; rc == GEN_OK && *name; name++) {
        const struct gen_consumer *c = gen_consumer_find(*name);
        if (!c || x->n_checks == GEN_EXPORT_CHECKS_MAX)
            return gen_fail(err, GEN_ESTATE, "the rules of %s for the format %s are not known",
                            *name, x->request.format->name);
        rc = gen_file_check_new(&x->checks[x->n_checks], c, on_finding, x, err);
        x->n_checks += rc == GEN_OK;
    }
    return rc;
}

/* The dataset_info.json beside a single file, with the file's entry in it. */
static int merge_info(const struct gen_exporter *x, bool writes, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(16384);
    struct gen_buf text = gen_buf_make(INFO_BYTES_MAX);
    struct gen_str base = gen_path_base(gen_str_from(x->path));
    char *file = gen_str_dup(base);
    char *entry = gen_str_dup(gen_path_stem(base));
    int rc = file && entry ? GEN_OK : gen_nomem(err, "a name");
    if (rc == GEN_OK)
        rc = gen_path_join(&path, gen_path_dir(gen_str_from(x->path)), GEN_STR(DATASET_INFO), err);
    if (rc == GEN_OK)
        rc = gen_info_merge(&text, path.data, entry, file, x->request.format,
                            (struct gen_info_columns){x->has_system, x->has_tools}, err);
    if (rc == GEN_OK && writes)
        rc = gen_file_write_all(path.data, gen_buf_str(&text), err);
    gen_buf_release(&path);
    gen_buf_release(&text);
    free(file);
    free(entry);
    return rc;
}

static bool has_info_beside(const struct gen_exporter *x)
{
    return x->request.format->has_dataset_info && !x->request.is_folder &&
           strcmp(x->path, "-") != 0;
}

static int open_output(struct gen_exporter *x, struct gen_error *err)
{
    const struct gen_export_request *r = &x->request;
    int rc;
    if (r->is_folder)
        rc = gen_dataset_folder_open(&x->folder, x->path, err);
    else if (has_info_beside(x))
        rc = merge_info(x, false, err);
    else
        rc = GEN_OK;
    if (rc == GEN_OK && !r->is_folder)
        rc = gen_record_writer_open(&x->writer, x->path, err);
    if (rc == GEN_OK && (r->is_folder || r->order.shuffles))
        rc = gen_rowset_open(&x->rows, x->path, r->has_card, err);
    if (rc == GEN_OK && r->format->has_dataset_info && strcmp(x->path, "-") == 0)
        gen_log(x->log, GEN_LOG_WARN, "format",
                "rows on standard output have no dataset_info.json beside them");
    return rc;
}

int gen_exporter_open(struct gen_exporter *x, const struct gen_app *app, const char *path,
                      const struct gen_log *log, struct gen_error *err)
{
    memset(x, 0, sizeof(*x));
    x->path = path;
    x->log = log;
    x->row = gen_buf_make(GEN_BUF_UNLIMITED);
    x->account.name = "export";
    x->account.unit_in = "pairs";
    x->account.unit_out = "rows";
    x->account.n_expected = -1;
    int rc = gen_export_request_read(&x->request, app, path, log, err);
    if (rc)
        return rc;
    const struct gen_export_options *o = &x->request.options;
    x->has_system =
        x->request.format->has_system && !o->folds_system &&
        (o->system_prompt ? *o->system_prompt != '\0' : !x->request.format->omits_default_system);
    rc = open_checks(x, err);
    if (rc == GEN_OK)
        rc = gen_shapes_new(&x->shapes, err);
    return rc ? rc : open_output(x, err);
}

static void leave_out(struct gen_exporter *x, const char *rule, uint64_t row, const char *verb,
                      const char *why)
{
    x->account.n_in++;
    int64_t n = gen_counts_get(&x->account.filtered, rule);
    gen_counts_add(&x->account.filtered, rule, 1);
    if (n < NAMED_ROWS_MAX)
        gen_log(x->log, GEN_LOG_WARN, "row", "row %" PRIu64 " %s: %s", row, verb, why);
    else if (n == NAMED_ROWS_MAX)
        gen_log(x->log, GEN_LOG_WARN, "row", "further rows left out by %s are counted, not named",
                rule);
}

void gen_exporter_leave_out(struct gen_exporter *x, uint64_t row, const char *why)
{
    leave_out(x, "malformed_row", row, "is no record", why);
}

/* The row as it will stand in the file, read back and put before its readers' rules. */
static int check_row(struct gen_exporter *x, struct gen_error *err)
{
    struct gen_error parse = {0};
    gen_json_doc_free(x->doc);
    x->doc = NULL;
    x->finding.rule = NULL;
    int rc = gen_json_parse(&x->doc, gen_buf_str(&x->row), &parse);
    if (rc == GEN_ENOMEM || rc == GEN_ELIMIT) {
        if (err)
            *err = parse;
        return rc;
    }
    uint64_t n_errors = 0;
    const char *malformed = rc ? parse.msg : NULL;
    const struct gen_json *row = gen_json_root(x->doc);
    rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < x->n_checks && !x->finding.rule; i++)
        rc = gen_file_check_row(x->checks[i], (uint64_t)x->account.n_out + 1, gen_buf_str(&x->row),
                                row, malformed, &n_errors, err);
    return rc;
}

/* The members of most formats are known from the example; only where they are the record's own is
 * the row looked at. */
static uint16_t shape_of(struct gen_exporter *x, bool *is_new)
{
    const struct gen_example *e = &x->example;
    if (x->request.format->has_own_members || e->n_tools || e->n_calls)
        return gen_shapes_of(x->shapes, gen_json_root(x->doc), is_new);
    unsigned shape = gen_example_has_reasoning(e) | (unsigned)(e->system.n > 0) << 1;
    *is_new = !(x->seen_shapes >> shape & 1U);
    x->seen_shapes |= 1U << shape;
    return (uint16_t)shape;
}

/* Loaders learn the columns from the start of a file: a row that shows something new after that is
 * put in front, where the output can still be changed. */
static int stream_row(struct gen_exporter *x, uint64_t row, bool is_new, struct gen_error *err)
{
    bool is_late = is_new && x->n_bytes > GEN_SHAPES_LEARNED_BYTES;
    bool is_moved = false;
    int rc = is_late ? gen_record_writer_add_first(x->writer, gen_buf_str(&x->row), &is_moved, err)
                     : GEN_OK;
    if (rc == GEN_OK && is_moved)
        gen_counts_add(&x->account.notes, "moved_to_front", 1);
    if (rc || is_moved)
        return rc;
    bool is_array = gen_str_eq_nocase(gen_path_ext(gen_str_from(x->path)), GEN_STR(".json"));
    if (is_late && !is_array && gen_counts_get(&x->warned, "late_key") == 0) {
        gen_counts_add(&x->warned, "late_key", 1);
        gen_log(x->log, GEN_LOG_WARN, "late_key",
                "row %" PRIu64 " is the first with one of its fields, or a type of it, but loaders "
                "learn the columns from the first megabytes; a file can be put in the right order "
                "(-o FILE), or shuffled (--shuffle SEED)",
                row);
    }
    return gen_record_writer_add_row(x->writer, gen_buf_str(&x->row), err);
}

/* What else the user has to know than that the calls are masked. */
static void note_masking(struct gen_exporter *x)
{
    enum gen_masking masking = x->request.format->masking;
    if (masking == GEN_MASKING_NONE)
        gen_counts_add(&x->account.notes, "failed_calls_not_masked", 1);
    if (masking == GEN_MASKING_TRAIN)
        gen_counts_add(&x->account.notes, "failed_calls_masked_by_train_key", 1);
}

static int put_row(struct gen_exporter *x, uint64_t row, struct gen_error *err)
{
    const struct gen_example *e = &x->example;
    bool is_new = false;
    uint16_t shape = shape_of(x, &is_new);
    int rc = x->rows ? gen_rowset_add(x->rows, gen_buf_str(&x->row), e, shape, err)
                     : stream_row(x, row, is_new, err);
    if (rc)
        return rc;
    x->n_bytes += x->row.n + 1;
    if (!x->account.n_in && e->kind == GEN_RECORD_TOOL && strcmp(x->account.unit_in, "pairs") == 0)
        x->account.unit_in = "examples";
    x->account.n_in++;
    x->account.n_produced++;
    x->account.n_out++;
    x->has_system |= e->system.n && x->request.format->omits_default_system &&
                     !x->request.options.system_prompt && !x->request.options.folds_system;
    x->has_tools |= e->n_tools > 0;
    x->n_tool_rows += e->n_tools > 0;
    if (e->n_masked && !x->request.format->has_own_members && !x->request.options.learns_errors)
        note_masking(x);
    if (gen_example_has_reasoning(e)) {
        x->n_reasoning++;
        if (gen_export_reasoning(x->request.format, &x->request.options) == GEN_REASONING_DROP)
            gen_counts_add(&x->account.notes, "reasoning_dropped", 1);
    }
    return GEN_OK;
}

int gen_exporter_add(struct gen_exporter *x, const struct gen_json *record, uint64_t row,
                     struct gen_error *err)
{
    struct gen_refusal refusal;
    int rc = gen_example_read(&x->example, record, &refusal, err);
    gen_buf_clear(&x->row);
    if (rc == GEN_OK && !refusal.rule)
        rc = gen_export_row(x->request.format, &x->example, &x->request.options, &x->row, &refusal,
                            err);
    if (rc == GEN_OK && !refusal.rule) {
        rc = check_row(x, err);
        refusal = x->finding;
    }
    if (rc)
        return rc;
    if (!refusal.rule)
        return put_row(x, row, err);
    leave_out(x, refusal.rule, row, "cannot be exported", refusal.why);
    return GEN_OK;
}

int gen_exporter_add_text(struct gen_exporter *x, struct gen_str record, uint64_t row,
                          struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, record, err);
    if (rc == GEN_OK)
        rc = gen_exporter_add(x, gen_json_root(doc), row, err);
    gen_json_doc_free(doc);
    return rc;
}

static int check_file(struct gen_exporter *x, struct gen_error *err)
{
    uint64_t n_errors = 0;
    int rc = GEN_OK;
    /* Who asks for an array by the name has been warned of that. */
    struct gen_str ext = gen_path_ext(gen_str_from(x->path));
    bool is_array = gen_str_eq_nocase(ext, GEN_STR(".json"));
    bool is_named = !x->folder && !is_array && strcmp(x->path, "-") != 0;
    for (size_t i = 0; rc == GEN_OK && i < x->n_checks; i++)
        rc = gen_file_check_end(x->checks[i], is_named ? x->path : NULL, &n_errors, err);
    if (rc == GEN_OK && x->file_fault.rule)
        rc = gen_fail(err, GEN_EINPUT, "%s is not written: %s", x->path, x->file_fault.why);
    return rc;
}

static int put_card(struct gen_exporter *x, const struct gen_export_origin *origin,
                    struct gen_error *err)
{
    struct gen_rowset_source top[TOP_SOURCES];
    struct gen_buf text = gen_buf_make((size_t)4 << 20);
    const struct gen_card card = {
        .name = gen_dataset_folder_name(x->folder),
        .license = x->request.license ? x->request.license : "other",
        .format = x->request.format,
        .options = &x->request.options,
        .splits = &x->request.splits,
        .order = &x->request.order,
        .n_rows = gen_rowset_count(x->rows),
        .n_reasoning = x->n_reasoning,
        .n_tools = x->n_tool_rows,
        .n_sources = gen_rowset_source_count(x->rows),
        .top = top,
        .n_top = gen_rowset_top_sources(x->rows, top, TOP_SOURCES),
        .n_in = x->account.n_in,
        .filtered = &x->account.filtered,
        .summary = origin->summary,
        .metrics = origin->metrics,
    };
    int rc = gen_card_write(&text, &card, err);
    if (rc == GEN_OK)
        rc = gen_dataset_folder_file(x->folder, "README.md", gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static int write_folder(struct gen_exporter *x, const struct gen_export_origin *origin,
                        struct gen_error *err)
{
    const struct gen_export_request *r = &x->request;
    int rc = gen_dataset_folder_rows(x->folder, x->rows, &r->splits, r->n_shards, err);
    if (rc == GEN_OK && (r->has_card || r->format->has_dataset_info))
        rc = gen_dataset_folder_info(x->folder, r->format,
                                     (struct gen_info_columns){x->has_system, x->has_tools},
                                     &r->splits, r->n_shards, err);
    if (rc == GEN_OK && r->has_card)
        rc = put_card(x, origin, err);
    return rc ? rc : gen_dataset_folder_commit(x->folder, err);
}

static int write_file(struct gen_exporter *x, struct gen_error *err)
{
    int rc = GEN_OK;
    uint64_t n = x->rows ? gen_rowset_count(x->rows) : 0;
    for (uint64_t i = 0; rc == GEN_OK && i < n; i++) {
        rc = gen_rowset_read(x->rows, 0, i, &x->row, err);
        if (rc == GEN_OK)
            rc = gen_record_writer_add_row(x->writer, gen_buf_str(&x->row), err);
    }
    if (rc == GEN_OK)
        rc = gen_record_writer_commit(x->writer, err);
    return rc == GEN_OK && has_info_beside(x) ? merge_info(x, true, err) : rc;
}

static int arrange(struct gen_exporter *x, struct gen_error *err)
{
    uint64_t n_moved = 0;
    const struct gen_rowset_order *order = &x->request.order;
    uint64_t n_alone = gen_rowset_without_source(x->rows);
    if (n_alone && x->request.splits.n > 1 && !order->by_row)
        gen_log(x->log, GEN_LOG_WARN, "split",
                "%" PRIu64 " rows name no source: they are kept together by chunk_id, and without "
                "one each stands for itself",
                n_alone);
    int rc = gen_rowset_arrange(x->rows, &x->request.splits, order, &n_moved, err);
    if (rc == GEN_OK && n_moved)
        gen_counts_add(&x->account.notes, "moved_to_front", (int64_t)n_moved);
    return rc;
}

int gen_exporter_commit(struct gen_exporter *x, const struct gen_export_origin *origin,
                        struct gen_error *err)
{
    int rc = check_file(x, err);
    if (rc == GEN_OK && x->rows)
        rc = arrange(x, err);
    if (rc == GEN_OK)
        rc = x->folder ? write_folder(x, origin, err) : write_file(x, err);
    x->is_done = rc == GEN_OK;
    return rc;
}

int gen_exporter_tell(const struct gen_exporter *x, struct gen_buf *out, struct gen_error *err)
{
    const struct gen_splits *splits = &x->request.splits;
    double n = x->account.n_out ? (double)x->account.n_out : 1.0;
    int rc = gen_buf_printf(out, err, "%" PRId64 " rows of %s in %s", x->account.n_out,
                            x->request.format->name, gen_say_place(x->path));
    for (size_t i = 0; rc == GEN_OK && x->is_done && splits->n > 1 && i < splits->n; i++)
        rc = gen_buf_printf(out, err, "%s %s %" PRIu64 " (%.1f %%)", i ? "," : ":",
                            splits->rows[i].name, splits->rows[i].n_rows,
                            100.0 * (double)splits->rows[i].n_rows / n);
    return rc;
}

void gen_exporter_close(struct gen_exporter *x)
{
    for (size_t i = 0; i < x->n_checks; i++)
        gen_file_check_free(x->checks[i]);
    gen_shapes_free(x->shapes);
    gen_rowset_close(x->rows);
    gen_dataset_folder_close(x->folder);
    gen_record_writer_close(x->writer);
    gen_json_doc_free(x->doc);
    gen_example_release(&x->example);
    gen_buf_release(&x->row);
}
