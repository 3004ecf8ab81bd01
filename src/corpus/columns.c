#include "corpus/corpus_int.h"

#include <stdlib.h>

const char *const *gen_field_names(enum gen_field field)
{
    static const char *const names[GEN_N_FIELDS][GEN_FIELD_NAMES_MAX + 1] = {
        [GEN_FIELD_ID] = {"id", "chunk_id", NULL},
        [GEN_FIELD_CONTENT] = {"content", "text", "page_content", NULL},
        [GEN_FIELD_SOURCE] = {"source_file", "source", "path", NULL},
        [GEN_FIELD_TITLE] = {"title", NULL},
        [GEN_FIELD_SECTION] = {"section_path", "section", NULL},
        [GEN_FIELD_LANGUAGE] = {"language", "lang", NULL},
        [GEN_FIELD_SOURCE_TYPE] = {"source_type", NULL},
    };
    return names[field];
}

static int copy_name(char **out, const char *name, struct gen_error *err)
{
    if (!name)
        return GEN_OK;
    if (name[0] == '\0')
        return gen_fail(err, GEN_EUSAGE, "a column name is empty");
    *out = gen_str_dup(gen_str_from(name));
    return *out ? GEN_OK : gen_nomem(err, "a column name");
}

int gen_columns_init(struct gen_columns *c, const struct gen_corpus_options *options,
                     struct gen_error *err)
{
    struct gen_columns columns = {{NULL}};
    int rc = copy_name(&columns.given[GEN_FIELD_ID], options->id_column, err);
    if (rc == GEN_OK)
        rc = copy_name(&columns.given[GEN_FIELD_CONTENT], options->content_column, err);
    if (rc == GEN_OK)
        rc = copy_name(&columns.given[GEN_FIELD_SOURCE], options->source_column, err);
    if (rc) {
        gen_columns_release(&columns);
        return rc;
    }
    *c = columns;
    return GEN_OK;
}

void gen_columns_release(struct gen_columns *c)
{
    for (size_t i = 0; i < GEN_N_FIELDS; i++) {
        free(c->given[i]);
        c->given[i] = NULL;
    }
}
