#include "cli/say.h"
#include "os/loop.h"
#include "report/report.h"

#include <stdio.h>

#define NUMBER_BYTES 32

static void warn(const struct gen_app *app, const struct gen_report_result *r)
{
    if (r->n_rows_shown < r->n_rows - r->n_malformed + r->n_dropped)
        gen_log(app->log, GEN_LOG_WARN, "table",
                "the table of the page has only %llu rows, because browsers do not open files "
                "without end; the plots are of all",
                (unsigned long long)r->n_rows_shown);
    if (r->n_missing)
        gen_log(
            app->log, GEN_LOG_INFO, "missing",
            "%llu %s not found or not readable; the page says which, and what it lacks for that",
            (unsigned long long)r->n_missing,
            r->n_missing == 1 ? "side file was" : "side files were");
}

/* "12.3 MB" */
static void size_text(char out[NUMBER_BYTES], uint64_t n)
{
    if (n < 1000000)
        (void)snprintf(out, NUMBER_BYTES, "%llu KB", (unsigned long long)((n + 999) / 1000));
    else
        (void)snprintf(out, NUMBER_BYTES, "%.1f MB", (double)n / 1e6);
}

/* "1 row", "2,000 rows" */
static void count_text(char out[NUMBER_BYTES + 24], uint64_t n, const char *what)
{
    char number[NUMBER_BYTES];
    gen_ui_number(number, (int64_t)n);
    (void)snprintf(out, NUMBER_BYTES + 24, "%s %s%s", number, what, n == 1 ? "" : "s");
}

static void headline_text(const struct gen_report_result *r, const char *output, char *out,
                          size_t n)
{
    char rows[NUMBER_BYTES + 24], dropped[NUMBER_BYTES + 24], chunks[NUMBER_BYTES + 24];
    char size[NUMBER_BYTES];
    count_text(rows, r->n_rows - r->n_malformed, "row");
    count_text(dropped, r->n_dropped, "dropped row");
    count_text(chunks, r->n_chunks, "source chunk");
    size_text(size, r->page_bytes);
    (void)snprintf(out, n, "done: a page of %s%s%s, %s in %s (%s)", rows, r->n_dropped ? ", " : "",
                   r->n_dropped ? dropped : "", chunks, gen_say_place(output), size);
}

static int show(const struct gen_app *app, const struct gen_report_result *r, const char *output,
                uint64_t start_us, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1400], notes[2][160];
    const char *advice[3] = {NULL};
    size_t n = 0;
    headline_text(r, output, headline, sizeof(headline));
    warn(app, r);
    if (r->n_crossed) {
        (void)snprintf(notes[n], sizeof(notes[n]),
                       "%llu %s; the page and generator stats say which",
                       (unsigned long long)r->n_crossed,
                       r->n_crossed == 1 ? "figure is beyond its usual limit"
                                         : "figures are beyond their usual limits");
        advice[n] = notes[n];
        n++;
    }
    if (r->n_malformed) {
        (void)snprintf(
            notes[n], sizeof(notes[n]), "%llu %s passed over", (unsigned long long)r->n_malformed,
            r->n_malformed == 1 ? "row is no record and was" : "rows are no records and were");
        advice[n] = notes[n];
    }
    int rc = gen_file_list_add(&files, output, -1, err);
    const struct gen_plain_end end = {
        .headline = headline, .files = &files, .advice = advice, .start_us = start_us};
    if (rc == GEN_OK)
        rc = gen_say_end(app, &end, err);
    gen_file_list_release(&files);
    return rc;
}

int gen_cmd_report(const struct gen_app *app, int *status, struct gen_error *err)
{
    const char *output = gen_settings_text(app->settings, GEN_OPT_OUTPUT);
    uint64_t start_us = gen_loop_now_us();
    struct gen_report_result result;
    const struct gen_report_options options = {
        .dataset = gen_settings_argument(app->settings),
        .output = output,
        .ledger_path = gen_settings_text(app->settings, GEN_OPT_LEDGER),
        .ledger = app->drivers->ledger,
        .log = app->log,
    };
    int rc = gen_report_write(&options, &result, err);
    if (rc == GEN_OK)
        rc = show(app, &result, output, start_us, err);
    *status = GEN_EXIT_DONE;
    return rc;
}
