#include "tool/step/shared.h"

#include "base/utf8.h"

#include <stdarg.h>

struct gen_faults gen_faults_make(void)
{
    return (struct gen_faults){.text = gen_buf_make(GEN_BUF_UNLIMITED)};
}

void gen_faults_release(struct gen_faults *f)
{
    gen_buf_release(&f->text);
}

int gen_faults_add(struct gen_faults *f, const char *rule, struct gen_error *err,
                   const char *format, ...)
{
    char line[GEN_FAULT_BYTES_MAX];
    va_list args;
    if (!f->rule)
        f->rule = rule;
    if (f->n++ >= GEN_FAULTS_TOLD_MAX)
        return GEN_OK;
    va_start(args, format);
    gen_utf8_vformat(line, sizeof(line), format, args);
    va_end(args);
    return gen_buf_printf(&f->text, err, "%s%s", f->n > 1 ? "\n" : "", line);
}

int gen_faults_settle(const struct gen_faults *f, struct gen_outcome *o, struct gen_error *err)
{
    if (!gen_outcome_is_last_try(o))
        return gen_outcome_ask_again(o, gen_buf_str(&f->text), err);
    gen_outcome_filter(o, 0, f->rule);
    return GEN_OK;
}

bool gen_text_has_left_overs(struct gen_str text)
{
    return gen_step_has_defused(text) || gen_text_has_placeholder(text);
}

struct gen_jmut *gen_source_json(struct gen_jb *b, enum gen_origin origin, struct gen_str where,
                                 int64_t step)
{
    struct gen_jmut *source = gen_jb_object(b);
    gen_jb_put_cstr(b, source, "origin", gen_origin_name(origin));
    if (origin == GEN_ORIGIN_RESULT) {
        gen_jb_put_int(b, source, "step", step);
        gen_jb_put_str(b, source, "pointer", where);
    } else if (where.n) {
        gen_jb_put_str(b, source, "where", where);
    }
    return source;
}

int gen_schema_add_names(const struct gen_toolset *tools, const char *first, struct gen_buf *out,
                         struct gen_error *err)
{
    struct gen_jb *b = NULL;
    if (tools->n_tools == 0 || tools->n_tools > GEN_TOOL_NAMES_MAX)
        return GEN_OK;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *names = gen_jb_array(b);
    if (first)
        gen_jb_append(b, names, gen_jb_str(b, gen_str_from(first)));
    for (size_t i = 0; i < tools->n_tools; i++)
        gen_jb_append(b, names, gen_jb_str(b, tools->tools[i].name));
    rc = gen_buf_add_c(out, ",\"enum\":", err);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, names, GEN_JSON_COMPACT, out, err);
    gen_jb_free(b);
    return rc;
}
