#include "dataset/consumer.h"

#include "base/utf8.h"
#include "dataset/consumer/rules.h"

#include <stdarg.h>
#include <stdlib.h>

#define WHY_BYTES 480

const struct gen_consumer *const gen_consumers[] = {
    &gen_consumer_datasets, &gen_consumer_trl,
    &gen_consumer_axolotl,  &gen_consumer_llamafactory,
    &gen_consumer_unsloth,  &gen_consumer_openai,
    &gen_consumer_together, &gen_consumer_gemini,
    &gen_consumer_bedrock,  NULL,
};

static const char *const rule_names[GEN_N_RULES + 1] = {
#define X(name) #name,
    GEN_CHECK_RULES(X)
#undef X
        NULL,
};

struct gen_file_check {
    const struct gen_consumer *consumer;
    gen_finding_fn *on_finding;
    void *ud;
    struct gen_columns *columns;     /* NULL: not read through Arrow */
    const struct gen_row_form *form; /* of the first row that has one */
    const struct gen_file_facts *facts;
    struct gen_json_memo *schemas; /* NULL: nothing was held against one yet */
    struct gen_file_verdict verdict;
    bool said[GEN_N_RULES]; /* rules that are reported once */
    bool has_reason;
    char reason[WHY_BYTES + 96];
};

const struct gen_consumer *gen_consumer_find(const char *name)
{
    for (size_t i = 0; gen_consumers[i]; i++) {
        if (strcmp(gen_consumers[i]->name, name) == 0)
            return gen_consumers[i];
    }
    return NULL;
}

const char *gen_consumer_name(const struct gen_consumer *c)
{
    return c->name;
}

const char *gen_consumer_cure(const struct gen_consumer *c)
{
    return c->cure;
}

const char *const *gen_check_rule_names(void)
{
    return rule_names;
}

static void remember_reason(struct gen_file_check *f, const struct gen_finding *finding)
{
    if (f->has_reason)
        return;
    f->has_reason = true;
    if (finding->row)
        gen_utf8_format(f->reason, sizeof(f->reason), "row %llu: %s: %s",
                        (unsigned long long)finding->row, finding->rule, finding->why);
    else
        gen_utf8_format(f->reason, sizeof(f->reason), "%s: %s", finding->rule, finding->why);
}

/* datasets loads all rows or none: at these, Arrow gives up. */
static bool stops_arrow(enum gen_check_rule rule)
{
    switch (rule) {
    case GEN_RULE_broken_json:
    case GEN_RULE_not_an_object:
    case GEN_RULE_invalid_utf8:
    case GEN_RULE_lone_surrogate:
    case GEN_RULE_duplicate_key:
    case GEN_RULE_agent_trace:
    case GEN_RULE_late_type:
    case GEN_RULE_late_key:
        return true;
    default:
        return false;
    }
}

GEN_PRINTF(4, 0)
static void report(struct gen_row_check *c, enum gen_finding_level level, enum gen_check_rule rule,
                   const char *format, va_list args)
{
    char why[WHY_BYTES];
    if (c->rc)
        return;
    gen_utf8_vformat(why, sizeof(why), format, args);
    const struct gen_finding finding = {
        .level = level, .row = c->number, .rule = rule_names[rule], .why = why};
    if (level == GEN_FINDING_ERROR) {
        c->n_errors++;
        remember_reason(c->file, &finding);
        if (!c->file->verdict.stops_at && c->file->consumer->traits & GEN_READS_BY_DATASETS &&
            stops_arrow(rule))
            c->file->verdict.stops_at = c->number;
    } else {
        c->n_warnings++;
    }
    c->rc = c->file->on_finding(c->file->ud, &finding, c->err);
}

void gen_rule(struct gen_row_check *c, enum gen_finding_level level, enum gen_check_rule rule,
              const char *format, ...)
{
    if (!level)
        return;
    va_list args;
    va_start(args, format);
    report(c, level, rule, format, args);
    va_end(args);
}

void gen_rule_once(struct gen_row_check *c, enum gen_finding_level level, enum gen_check_rule rule,
                   const char *format, ...)
{
    if (!level || c->file->said[rule])
        return;
    c->file->said[rule] = true;
    va_list args;
    va_start(args, format);
    report(c, level, rule, format, args);
    va_end(args);
}

int gen_file_check_new(struct gen_file_check **out, const struct gen_consumer *c,
                       gen_finding_fn *on_finding, void *ud, struct gen_error *err)
{
    struct gen_file_check *f = calloc(1, sizeof(*f));
    if (!f)
        return gen_nomem(err, "the check of a file");
    f->consumer = c;
    f->on_finding = on_finding;
    f->ud = ud;
    if (c->traits & GEN_READS_BY_DATASETS) {
        int rc = gen_columns_new(&f->columns, err);
        if (rc) {
            free(f);
            return rc;
        }
    }
    *out = f;
    return GEN_OK;
}

void gen_file_check_free(struct gen_file_check *f)
{
    if (!f)
        return;
    gen_columns_free(f->columns);
    gen_json_memo_free(f->schemas);
    free(f);
}

struct gen_json_memo *gen_row_schemas(struct gen_row_check *c)
{
    struct gen_file_check *f = c->file;
    if (!f->schemas && c->rc == GEN_OK)
        c->rc = gen_schema_memo_new(&f->schemas, c->err);
    return f->schemas;
}

void gen_file_check_facts(struct gen_file_check *f, const struct gen_file_facts *facts)
{
    f->facts = facts;
}

static const struct gen_row_form *form_of(const struct gen_consumer *consumer,
                                          const struct gen_json *row)
{
    for (const struct gen_row_form *form = consumer->forms; form && form->name; form++) {
        bool has = true;
        for (size_t i = 0; form->columns[i] && has; i++)
            has = gen_present(gen_json_get(row, form->columns[i]));
        if (has)
            return form;
    }
    return NULL;
}

/* "messages; prompt + completion; text", each set of columns once. */
static void name_columns(const struct gen_row_form *forms, struct gen_buf *out)
{
    for (const struct gen_row_form *form = forms; form->name; form++) {
        int rc = out->n ? gen_buf_add_c(out, "; ", NULL) : GEN_OK;
        for (size_t i = 0; form->columns[i] && rc == GEN_OK; i++)
            rc = gen_buf_printf(out, NULL, "%s%s", i ? " + " : "", form->columns[i]);
        if (rc)
            return;
    }
}

static void name_found(const struct gen_json *row, struct gen_buf *out)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, row);
    while (gen_json_iter_next(&it, &key, &value)) {
        if (gen_buf_printf(out, NULL, "%s%.*s", out->n ? ", " : "", GEN_STR_ARG(key)))
            return;
    }
}

static void no_form(struct gen_row_check *c, const struct gen_consumer *consumer)
{
    struct gen_buf known = gen_buf_make(240); /* a list that is longer is cut */
    struct gen_buf found = gen_buf_make(160);
    name_columns(consumer->forms, &known);
    name_found(c->row, &found);
    gen_rule_error(c, GEN_RULE_no_known_columns, "no columns that %s knows: %s; found: %s; %s",
                   consumer->title, known.n ? known.data : "", found.n ? found.data : "none",
                   consumer->cure);
    gen_buf_release(&found);
    gen_buf_release(&known);
}

static bool in_list(const char *const *list, struct gen_str name)
{
    for (; *list; list++) {
        if (gen_str_is(name, *list))
            return true;
    }
    return false;
}

static void extra_columns(struct gen_row_check *c, const struct gen_consumer *consumer,
                          const struct gen_row_form *form)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    gen_json_iter_init(&it, c->row);
    while (form->others && gen_json_iter_next(&it, &key, &value)) {
        if (!in_list(form->columns, key) && !in_list(form->others, key))
            gen_rule_error(c, GEN_RULE_extra_column,
                           "the column \"%.*s\" is none that %s takes beside %s; leave it out",
                           GEN_STR_ARG(key), consumer->title, form->columns[0]);
    }
}

static void check_form(struct gen_row_check *c, const struct gen_consumer *consumer)
{
    struct gen_file_check *f = c->file;
    if (!consumer->forms)
        return;
    const struct gen_row_form *form = form_of(consumer, c->row);
    if (!form) {
        no_form(c, consumer);
        return;
    }
    if (!f->form)
        f->form = form;
    if (form != f->form)
        gen_rule_error(c, GEN_RULE_form_changes,
                       "this row is %s and the first one %s; %s takes one form a file: split them",
                       form->name, f->form->name, consumer->title);
    extra_columns(c, consumer, form);
    form->check(c);
}

static int settle(struct gen_file_check *f, const struct gen_row_check *c, uint64_t *n_errors)
{
    f->verdict.n_errors += c->n_errors;
    f->verdict.n_warnings += c->n_warnings;
    if (c->number == 0)
        f->verdict.n_file_errors += c->n_errors;
    if (n_errors)
        *n_errors += c->n_errors;
    return c->rc;
}

int gen_file_check_row(struct gen_file_check *f, uint64_t number, struct gen_str text,
                       const struct gen_json *row, const char *malformed, uint64_t *n_errors,
                       struct gen_error *err)
{
    struct gen_row_check c = {.file = f, .row = row, .number = number, .err = err};
    const struct gen_consumer *consumer = f->consumer;
    bool in_lines = !f->facts || !f->facts->is_array;
    f->verdict.n_rows++;
    if (f->schemas)
        gen_json_memo_trim(f->schemas);
    gen_rules_bytes(&c, consumer, text, in_lines);
    if (gen_json_type(row) != GEN_JSON_OBJECT) {
        gen_rules_malformed(&c, consumer, text, malformed);
    } else {
        gen_rules_keys(&c, (consumer->traits & GEN_READS_BY_DATASETS) != 0);
        if (f->columns)
            gen_columns_row(f->columns, &c, in_lines ? text.n + 1 : 0);
        check_form(&c, consumer);
    }
    if (c.n_errors == 0)
        f->verdict.n_good++;
    return settle(f, &c, n_errors);
}

int gen_file_check_end(struct gen_file_check *f, const char *path, uint64_t *n_errors,
                       struct gen_error *err)
{
    struct gen_row_check c = {.file = f, .err = err};
    gen_rules_file(&c, f->consumer, path, f->facts, f->verdict.n_rows);
    if (f->columns)
        gen_columns_end(f->columns, &c);
    return settle(f, &c, n_errors);
}

void gen_file_check_verdict(const struct gen_file_check *f, struct gen_file_verdict *out)
{
    *out = f->verdict;
    out->first_reason = f->has_reason ? f->reason : NULL;
    if (f->form)
        out->form = f->form->name;
    else if (!f->consumer->forms && out->n_good)
        out->form = "a table";
}
