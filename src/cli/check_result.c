#include "cli/check_result.h"

#include "base/utf8.h"
#include "ui/ui.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

#define REASON_CHARS 100

static struct gen_check_rule_count *count_of(struct gen_check_result *r,
                                             const struct gen_finding *finding)
{
    for (size_t i = 0; i < r->n_rules; i++) {
        /* Names are constants, so their addresses tell them apart. */
        if (r->rules[i].rule == finding->rule && r->rules[i].level == finding->level)
            return &r->rules[i];
    }
    if (r->n_rules == GEN_CHECK_RULES_MAX)
        return NULL;
    struct gen_check_rule_count *count = &r->rules[r->n_rules++];
    count->rule = finding->rule;
    count->level = finding->level;
    return count;
}

static int take(void *ud, const struct gen_finding *finding, struct gen_error *err)
{
    struct gen_check_rule_count *count = count_of(ud, finding);
    if (!count)
        return GEN_OK;
    if (count->n < GEN_CHECK_SHOWN_MAX) {
        char *why = gen_str_dup(gen_str_from(finding->why));
        if (!why)
            return gen_nomem(err, "a finding");
        count->first[count->n].row = finding->row;
        count->first[count->n].why = why;
    }
    count->n++;
    return GEN_OK;
}

int gen_check_result_init(struct gen_check_result *r, const struct gen_consumer *c,
                          struct gen_error *err)
{
    *r = (struct gen_check_result){.consumer = c};
    r->rules = calloc(GEN_CHECK_RULES_MAX, sizeof(*r->rules));
    if (!r->rules)
        return gen_nomem(err, "the findings of a check");
    int rc = gen_file_check_new(&r->check, c, take, r, err);
    if (rc)
        gen_check_result_release(r);
    return rc;
}

void gen_check_result_release(struct gen_check_result *r)
{
    for (size_t i = 0; i < r->n_rules; i++) {
        for (size_t k = 0; k < GEN_CHECK_SHOWN_MAX; k++)
            free(r->rules[i].first[k].why);
    }
    free(r->rules);
    gen_file_check_free(r->check);
    *r = (struct gen_check_result){0};
}

static const char *level_name(enum gen_finding_level level)
{
    return level == GEN_FINDING_ERROR ? "error" : "warning";
}

static int add_findings(const struct gen_check_rule_count *count, const char *file,
                        struct gen_buf *out, struct gen_error *err)
{
    size_t n = count->n < GEN_CHECK_SHOWN_MAX ? (size_t)count->n : GEN_CHECK_SHOWN_MAX;
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        rc = gen_buf_printf(out, err, "%s:", file);
        if (rc == GEN_OK && count->first[i].row)
            rc = gen_buf_printf(out, err, "%llu:", (unsigned long long)count->first[i].row);
        if (rc == GEN_OK)
            rc = gen_buf_printf(out, err, " %s: %s%s\n", count->rule,
                                count->level == GEN_FINDING_ERROR ? "" : "(warning) ",
                                count->first[i].why);
    }
    return rc;
}

static int add_counts(const struct gen_check_result *r, enum gen_finding_level level,
                      struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < r->n_rules && rc == GEN_OK; i++) {
        char number[32];
        const struct gen_check_rule_count *count = &r->rules[i];
        gen_ui_number(number, (int64_t)count->n);
        if (count->level == level)
            rc = gen_buf_printf(out, err, "  %-9s %-24s %s\n", level_name(level), count->rule,
                                number);
    }
    return rc;
}

static int add_trouble(const struct gen_file_verdict *v, struct gen_buf *out, struct gen_error *err)
{
    char errors[32];
    char warnings[32];
    gen_ui_number(errors, (int64_t)v->n_errors);
    gen_ui_number(warnings, (int64_t)v->n_warnings);
    if (!v->n_errors && !v->n_warnings)
        return gen_buf_add_c(out, "nothing is wrong", err);
    if (!v->n_errors)
        return gen_buf_printf(out, err, "no errors, %s warning%s", warnings,
                              v->n_warnings == 1 ? "" : "s");
    int rc = gen_buf_printf(out, err, "%s error%s", errors, v->n_errors == 1 ? "" : "s");
    if (rc == GEN_OK && v->n_warnings)
        rc = gen_buf_printf(out, err, ", %s warning%s", warnings, v->n_warnings == 1 ? "" : "s");
    return rc;
}

int gen_check_verdict(const struct gen_check_result *r, struct gen_buf *out, struct gen_error *err)
{
    struct gen_file_verdict v;
    char good[32];
    char rows[32];
    int rc;
    gen_file_check_verdict(r->check, &v);
    gen_ui_number(good, (int64_t)v.n_good);
    gen_ui_number(rows, (int64_t)v.n_rows);
    const char *name = gen_consumer_name(r->consumer);
    if (!v.form)
        rc = gen_buf_printf(out, err, "%s: none of the %s rows can be read; ", name, rows);
    else if (v.stops_at)
        rc = gen_buf_printf(out, err,
                            "%s: loading stops at row %llu (%s of %s rows are good, as %s); ", name,
                            (unsigned long long)v.stops_at, good, rows, v.form);
    else if (v.n_file_errors)
        rc = gen_buf_printf(out, err,
                            "%s: does not take the file as it is (%s of %s rows are good, "
                            "as %s); ",
                            name, good, rows, v.form);
    else if (v.n_good == v.n_rows)
        rc = gen_buf_printf(out, err, "%s: all %s rows load as %s; ", name, rows, v.form);
    else
        rc = gen_buf_printf(out, err, "%s: %s of %s rows load as %s; ", name, good, rows, v.form);
    if (rc == GEN_OK)
        rc = add_trouble(&v, out, err);
    return rc ? rc : gen_buf_add_char(out, '\n', err);
}

int gen_check_text(const struct gen_check_result *r, const char *file, bool quiet,
                   struct gen_buf *out, struct gen_error *err)
{
    struct gen_file_verdict v;
    int rc = GEN_OK;
    gen_file_check_verdict(r->check, &v);
    if (quiet && v.n_errors == 0)
        return GEN_OK;
    for (size_t i = 0; i < r->n_rules && rc == GEN_OK && !quiet; i++) {
        if (r->rules[i].level == GEN_FINDING_ERROR)
            rc = add_findings(&r->rules[i], file, out, err);
    }
    for (size_t i = 0; i < r->n_rules && rc == GEN_OK && !quiet; i++) {
        if (r->rules[i].level == GEN_FINDING_WARNING)
            rc = add_findings(&r->rules[i], file, out, err);
    }
    if (rc == GEN_OK && !quiet)
        rc = gen_buf_printf(out, err, "%s%s\n", r->n_rules ? "\n" : "", file);
    if (rc == GEN_OK && !quiet)
        rc = add_counts(r, GEN_FINDING_ERROR, out, err);
    if (rc == GEN_OK && !quiet)
        rc = add_counts(r, GEN_FINDING_WARNING, out, err);
    if (rc == GEN_OK && quiet)
        rc = gen_buf_printf(out, err, "%s: ", file);
    return rc ? rc : gen_check_verdict(r, out, err);
}

static size_t widest_form(const struct gen_check_result *list, size_t n)
{
    size_t width = 11;
    for (size_t i = 0; i < n; i++) {
        struct gen_file_verdict v;
        gen_file_check_verdict(list[i].check, &v);
        if (v.form && strlen(v.form) > width)
            width = strlen(v.form);
    }
    return width;
}

bool gen_check_reads(const struct gen_check_result *r)
{
    struct gen_file_verdict v;
    gen_file_check_verdict(r->check, &v);
    return v.form && v.n_good > 0;
}

static int add_reason(const struct gen_check_result *r, const struct gen_file_verdict *v,
                      struct gen_buf *out, struct gen_error *err)
{
    if (!v->form && v->n_rows && gen_consumer_cure(r->consumer))
        return gen_buf_printf(out, err, "  another form; %s\n", gen_consumer_cure(r->consumer));
    struct gen_str reason = gen_str_from(v->first_reason ? v->first_reason : "");
    struct gen_str shown = gen_utf8_prefix(reason, REASON_CHARS);
    return gen_buf_printf(out, err, "%s%.*s%s\n", reason.n ? "  " : "", GEN_STR_ARG(shown),
                          shown.n < reason.n ? "..." : "");
}

static int add_line(const struct gen_check_result *r, int width, struct gen_buf *out,
                    struct gen_error *err)
{
    struct gen_file_verdict v;
    char good[32];
    char errors[32];
    char warnings[32];
    gen_file_check_verdict(r->check, &v);
    gen_ui_number(good, (int64_t)v.n_good);
    gen_ui_number(errors, (int64_t)v.n_errors);
    gen_ui_number(warnings, (int64_t)v.n_warnings);
    int rc =
        gen_buf_printf(out, err, "  %-13s %-*s %12s %9s %9s", gen_consumer_name(r->consumer), width,
                       v.form ? v.form : "-", good, v.form ? errors : "-", v.form ? warnings : "-");
    return rc ? rc : add_reason(r, &v, out, err);
}

int gen_check_table(const struct gen_check_result *list, size_t n, const char *file,
                    struct gen_buf *out, struct gen_error *err)
{
    struct gen_file_verdict v;
    char rows[32];
    int width = (int)widest_form(list, n);
    bool is_trouble = false;
    gen_file_check_verdict(list[0].check, &v);
    gen_ui_number(rows, (int64_t)v.n_rows);
    int rc = gen_buf_printf(out, err, "%s (%s rows)\n  %-13s %-*s %12s %9s %9s  %s\n", file, rows,
                            "consumer", width, "reads it as", "good rows", "errors", "warnings",
                            "first error");
    for (size_t i = 0; i < n && rc == GEN_OK; i++) {
        rc = add_line(&list[i], width, out, err);
        is_trouble |= gen_check_reads(&list[i]) && list[i].n_rules;
    }
    if (rc == GEN_OK && is_trouble)
        rc = gen_buf_add_c(out, "  each finding: generator check FILE --for CONSUMER\n", err);
    return rc;
}

static struct gen_jmut *rule_json(struct gen_jb *b, const struct gen_check_rule_count *count)
{
    struct gen_jmut *rule = gen_jb_object(b);
    struct gen_jmut *first = gen_jb_array(b);
    gen_jb_put_cstr(b, rule, "rule", count->rule);
    gen_jb_put_cstr(b, rule, "level", level_name(count->level));
    gen_jb_put_int(b, rule, "count", (int64_t)count->n);
    for (size_t i = 0; i < GEN_CHECK_SHOWN_MAX && i < count->n; i++) {
        struct gen_jmut *finding = gen_jb_object(b);
        if (count->first[i].row)
            gen_jb_put_int(b, finding, "row", (int64_t)count->first[i].row);
        gen_jb_put_cstr(b, finding, "why", count->first[i].why);
        gen_jb_append(b, first, finding);
    }
    gen_jb_put(b, rule, "first", first);
    return rule;
}

static struct gen_jmut *consumer_json(struct gen_jb *b, const struct gen_check_result *r)
{
    struct gen_file_verdict v;
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *rules = gen_jb_array(b);
    gen_file_check_verdict(r->check, &v);
    gen_jb_put_cstr(b, o, "consumer", gen_consumer_name(r->consumer));
    gen_jb_put(b, o, "reads_as", v.form ? gen_jb_str(b, gen_str_from(v.form)) : gen_jb_null(b));
    gen_jb_put_int(b, o, "rows", (int64_t)v.n_rows);
    gen_jb_put_int(b, o, "good_rows", (int64_t)v.n_good);
    gen_jb_put(b, o, "stops_at_row",
               v.stops_at ? gen_jb_int(b, (int64_t)v.stops_at) : gen_jb_null(b));
    gen_jb_put_int(b, o, "errors", (int64_t)v.n_errors);
    gen_jb_put_int(b, o, "warnings", (int64_t)v.n_warnings);
    for (size_t i = 0; i < r->n_rules; i++)
        gen_jb_append(b, rules, rule_json(b, &r->rules[i]));
    gen_jb_put(b, o, "rules", rules);
    return o;
}

struct gen_jmut *gen_check_json(struct gen_jb *b, const struct gen_check_result *list, size_t n,
                                const char *file)
{
    struct gen_jmut *o = gen_jb_object(b);
    struct gen_jmut *consumers = gen_jb_array(b);
    gen_jb_put_cstr(b, o, "file", file);
    for (size_t i = 0; i < n; i++)
        gen_jb_append(b, consumers, consumer_json(b, &list[i]));
    gen_jb_put(b, o, "consumers", consumers);
    return o;
}
