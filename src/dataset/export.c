#include "dataset/export.h"

#include <stdio.h>
#include <string.h>

const struct gen_export_format *gen_export_find(const struct gen_export_format *const *list,
                                                const char *name)
{
    for (; *list; list++) {
        if (strcmp((*list)->name, name) == 0)
            return *list;
    }
    return NULL;
}

static int write_row(const struct gen_export_format *format, const struct gen_json *record,
                     const struct gen_qa_view *qa, const struct gen_export_options *options,
                     struct gen_buf *out, char *why, size_t why_bytes, struct gen_error *err)
{
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *row = gen_jb_object(b);
    if (format->row(record, qa, options, b, row, why, why_bytes)) {
        rc = gen_jb_write(b, row, GEN_JSON_COMPACT, out, err);
        why[0] = '\0';
    }
    gen_jb_free(b);
    return rc;
}

int gen_export_row(const struct gen_export_format *format, struct gen_str record,
                   const struct gen_export_options *options, struct gen_buf *out, char *why,
                   size_t why_bytes, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_qa_view qa;
    struct gen_error parse = {0};
    int rc = gen_json_parse(&doc, record, &parse);
    if (rc == GEN_ENOMEM) {
        if (err)
            *err = parse;
        return rc;
    }
    if (rc) {
        (void)snprintf(why, why_bytes, "it cannot be read as JSON: %s", parse.msg);
        return GEN_OK;
    }
    const struct gen_json *root = gen_json_root(doc);
    if (gen_qa_view(root, &qa, why, why_bytes))
        rc = write_row(format, root, &qa, options, out, why, why_bytes, err);
    gen_json_doc_free(doc);
    return rc;
}
