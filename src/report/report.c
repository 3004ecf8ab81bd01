#include "report/report_int.h"

#include "base/utf8.h"
#include "dataset/beside.h"
#include "dataset/gates.h"
#include "os/file.h"
#include "os/loop.h"
#include "report/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool gen_report_is_built(void)
{
    return gen_report_page_tail().n > 0;
}

bool gen_report_is_stdin(const struct gen_report *r)
{
    return strcmp(r->options->dataset, "-") == 0;
}

int gen_report_side_path(const struct gen_report *r, const char *ending, struct gen_buf *out,
                         struct gen_error *err)
{
    return gen_beside_path(gen_beside_stem(r->options->dataset, "report"), ending, out, err);
}

void gen_report_put_text(struct gen_report *r, struct gen_jmut *o, const char *key,
                         struct gen_str text)
{
    struct gen_buf clean = gen_buf_make(GEN_BUF_UNLIMITED);
    /* Out of memory here, the builder is so too. */
    if (gen_utf8_clean(&clean, text, NULL, NULL) == GEN_OK)
        gen_jb_put_str(r->facts, o, key, gen_buf_str(&clean));
    gen_buf_release(&clean);
}

void gen_report_missing(struct gen_report *r, const char *name, const char *format, ...)
{
    char why[1400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    struct gen_jmut *o = gen_jb_object(r->facts);
    gen_report_put_text(r, o, "name", gen_path_base(gen_str_from(name)));
    gen_report_put_text(r, o, "why", gen_str_from(why));
    gen_jb_append(r->facts, r->missing, o);
    r->result.n_missing++;
}

static int write_to_file(void *writer, struct gen_str data, struct gen_error *err)
{
    return gen_file_writer_add(writer, data, err);
}

static int put_metrics(struct gen_report *r, struct gen_error *err)
{
    const struct gen_metrics_result *metrics = NULL;
    struct gen_gates gates = {0};
    int rc = gen_metrics_finish(r->metrics, &metrics, err);
    if (rc)
        return rc;
    if (metrics->n_records == 0)
        return metrics->n_malformed == 0
                   ? gen_fail(err, GEN_EINPUT, "%s is empty: there is nothing to report on",
                              r->options->dataset)
                   : gen_fail(err, GEN_EINPUT,
                              "none of the %llu rows of %s is a record; the first: row %llu, %s",
                              (unsigned long long)r->result.n_rows, r->options->dataset,
                              (unsigned long long)metrics->malformed[0].row,
                              metrics->malformed[0].why);
    gen_gates_check(metrics, &gates);
    r->result.n_crossed = gates.n;
    gen_jb_put(r->facts, r->root, "metrics", gen_metrics_write(metrics, r->facts));
    gen_jb_put(r->facts, r->root, "gates", gen_gates_write(&gates, r->facts));
    return GEN_OK;
}

static int put_facts(struct gen_report *r, struct gen_error *err)
{
    struct gen_jb *b = r->facts;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    gen_jb_put_cstr(b, r->root, "version", GEN_VERSION);
    gen_report_put_text(r, r->root, "dataset",
                        gen_report_is_stdin(r) ? GEN_STR("standard input")
                                               : gen_path_base(gen_str_from(r->options->dataset)));
    gen_jb_put_int(b, r->root, "made_ms", gen_time_unix_us() / 1000);
    gen_jb_put_int(b, r->root, "n_rows", (int64_t)r->result.n_rows);
    gen_jb_put_int(b, r->root, "n_malformed", (int64_t)r->result.n_malformed);
    gen_jb_put_int(b, r->root, "n_dropped", (int64_t)r->result.n_dropped);
    gen_jb_put_int(b, r->root, "n_rows_shown", (int64_t)r->result.n_rows_shown);
    gen_jb_put_int(b, r->root, "n_chunks", (int64_t)r->result.n_chunks);
    int rc = gen_jb_write(b, r->root, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_report_put_json(&r->page, "facts", gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static int prepare(struct gen_report *r, struct gen_error *err)
{
    int rc = gen_jb_new(&r->facts, err);
    if (rc == GEN_OK)
        rc = gen_jb_new(&r->row, err);
    if (rc == GEN_OK)
        rc = gen_metrics_new(&r->metrics, NULL, err);
    if (rc == GEN_OK)
        rc = gen_report_columns_init(&r->columns, &r->page, err);
    if (rc)
        return rc;
    r->root = gen_jb_object(r->facts);
    r->missing = gen_jb_array(r->facts);
    r->sources = gen_jb_array(r->facts);
    gen_jb_put(r->facts, r->root, "missing", r->missing);
    gen_jb_put(r->facts, r->root, "sources", r->sources);
    r->rows = gen_report_blocks_make(&r->page, "rows");
    r->chunks = gen_report_blocks_make(&r->page, "chunks");
    return gen_report_open_ledger(r, err);
}

static int write_page(struct gen_report *r, struct gen_error *err)
{
    int rc = gen_report_put(&r->page, gen_report_page_head(), err);
    if (rc == GEN_OK)
        rc = gen_report_collect(r, err);
    if (rc == GEN_OK)
        rc = put_metrics(r, err);
    if (rc == GEN_OK)
        rc = gen_report_read_sides(r, err);
    if (rc == GEN_OK)
        rc = gen_report_read_calls(r, err);
    if (rc == GEN_OK)
        rc = put_facts(r, err);
    return rc ? rc : gen_report_put(&r->page, gen_report_page_tail(), err);
}

static void release(struct gen_report *r)
{
    gen_report_blocks_release(&r->rows);
    gen_report_blocks_release(&r->chunks);
    gen_report_columns_release(&r->columns);
    gen_report_index_release(&r->source_index);
    gen_report_index_release(&r->chunk_index);
    gen_report_index_release(&r->kept);
    gen_metrics_free(r->metrics);
    gen_jb_free(r->row);
    gen_jb_free(r->facts);
    gen_ledger_close(r->ledger);
}

/* The page must not take the place of what it is about. */
static int check_output(const struct gen_report_options *o, struct gen_error *err)
{
    char *output = realpath(o->output, NULL);
    char *dataset = realpath(o->dataset, NULL);
    bool is_same = output && dataset && strcmp(output, dataset) == 0;
    free(output);
    free(dataset);
    return is_same ? gen_fail(err, GEN_EUSAGE,
                              "the page would take the place of the dataset %s; give -o another "
                              "name, report.html for example",
                              o->dataset)
                   : GEN_OK;
}

int gen_report_write(const struct gen_report_options *options, struct gen_report_result *result,
                     struct gen_error *err)
{
    struct gen_file_writer *writer = NULL;
    struct gen_report r = {.options = options};
    r.page_bytes_max = options->page_bytes_max ? options->page_bytes_max : GEN_REPORT_DEFAULT_PAGE;
    if (!gen_report_is_built())
        return gen_fail(err, GEN_ESTATE,
                        "this generator was built without the page of reports (cmake "
                        "-DGEN_REPORT=OFF); run scripts/setup, which installs node and npm, and "
                        "build again with -DGEN_REPORT=ON");
    int rc = check_output(options, err);
    if (rc == GEN_OK)
        rc = prepare(&r, err);
    if (rc == GEN_OK)
        rc = gen_file_writer_open(&writer, options->output, err);
    if (rc == GEN_OK) {
        r.page.write = write_to_file;
        r.page.ud = writer;
        rc = write_page(&r, err);
    }
    if (rc == GEN_OK)
        rc = gen_file_writer_commit(writer, err);
    gen_file_writer_close(writer);
    if (rc == GEN_OK) {
        r.result.page_bytes = r.page.n_bytes;
        *result = r.result;
    }
    release(&r);
    return rc;
}
