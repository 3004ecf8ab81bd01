#include "corpus/lance_table.h"

bool gen_lance_is_integer(enum lnc_kind kind)
{
    return kind >= LNC_KIND_INT8 && kind <= LNC_KIND_UINT64;
}

static bool fits(enum gen_field field, enum lnc_kind kind)
{
    return kind == LNC_KIND_STRING || (field == GEN_FIELD_ID && gen_lance_is_integer(kind));
}

/* A column, or a member of a struct column. */
struct place {
    const struct lnc_column_info *column; /* NULL: there is none of that name */
    const struct lnc_column_info *info;   /* of what holds the values */
    size_t member;                        /* GEN_NO_COLUMN: the column itself */
};

/* A column of that name comes first: its name may have a dot. */
static struct place find_column(const struct lnc_dataset *ds, const char *name)
{
    struct place found = {NULL, NULL, GEN_NO_COLUMN};
    const char *dot = strchr(name, '.');
    struct gen_str head = {name, dot ? (size_t)(dot - name) : 0};
    for (size_t i = 0; i < lnc_dataset_n_columns(ds); i++) {
        const struct lnc_column_info *info = lnc_dataset_column(ds, i);
        if (strcmp(info->name, name) == 0)
            return (struct place){info, info, GEN_NO_COLUMN};
        if (!dot || info->kind != LNC_KIND_STRUCT || !gen_str_is(head, info->name))
            continue;
        for (size_t k = 0; k < info->n_children; k++) {
            if (strcmp(info->children[k].name, dot + 1) == 0)
                found = (struct place){info, &info->children[k], k};
        }
    }
    return found;
}

static int fail_missing(const struct lnc_dataset *ds, const char *what, struct gen_error *err)
{
    struct gen_buf names = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; i < lnc_dataset_n_columns(ds) && i < GEN_LISTED_MAX && rc == GEN_OK; i++)
        rc = gen_buf_printf(&names, err, "%s%s", i ? ", " : "", lnc_dataset_column(ds, i)->name);
    if (rc == GEN_OK)
        rc = gen_fail(err, GEN_EINPUT, "table %s has no column %s; its columns are: %s",
                      lnc_dataset_name(ds), what, names.n ? names.data : "(none)");
    gen_buf_release(&names);
    return rc;
}

static void project(struct gen_lance_table *t, enum gen_field field, const struct place *place)
{
    const char *name = place->column->name;
    t->column_of[field] = t->n_columns;
    t->member_of[field] = place->member;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i], name) == 0)
            t->column_of[field] = i;
    }
    if (t->column_of[field] == t->n_columns)
        t->columns[t->n_columns++] = name;
}

static int find_given(struct gen_lance_table *t, enum gen_field field, const char *name,
                      struct gen_error *err)
{
    struct place place = find_column(t->dataset, name);
    if (!place.column)
        return fail_missing(t->dataset, name, err);
    if (!fits(field, place.info->kind))
        return gen_fail(err, GEN_EINPUT, "column %s of table %s has type %s, but %s is needed",
                        name, lnc_dataset_name(t->dataset), place.info->logical_type,
                        field == GEN_FIELD_ID ? "text or an integer" : "text");
    project(t, field, &place);
    return GEN_OK;
}

/* Where LangChain, LlamaIndex and Haystack keep what they know of a chunk's document. */
static const char *const *nested_names(enum gen_field field)
{
    static const char *const names[GEN_N_FIELDS][8] = {
        [GEN_FIELD_SOURCE] = {"metadata.source_file", "metadata.source", "metadata.path",
                              "metadata.file_path", "metadata.file_name", "meta.file_path",
                              "meta.source", NULL},
        [GEN_FIELD_TITLE] = {"metadata.title", "meta.title", NULL},
        [GEN_FIELD_SECTION] = {"metadata.section_path", "metadata.section", NULL},
        [GEN_FIELD_LANGUAGE] = {"metadata.language", "metadata.lang", NULL},
    };
    return names[field];
}

/* Projects the first of the names that fits; *unfit is the first that is there and does not. */
static bool find_among(struct gen_lance_table *t, enum gen_field field, const char *const *names,
                       const struct lnc_column_info **unfit)
{
    for (; *names; names++) {
        struct place place = find_column(t->dataset, *names);
        if (place.column && fits(field, place.info->kind)) {
            project(t, field, &place);
            return true;
        }
        if (place.column && !*unfit)
            *unfit = place.info;
    }
    return false;
}

static int find_by_name(struct gen_lance_table *t, enum gen_field field, struct gen_error *err)
{
    const struct lnc_column_info *unfit = NULL;
    if (find_among(t, field, gen_field_names(field), &unfit) ||
        find_among(t, field, nested_names(field), &unfit) || field != GEN_FIELD_CONTENT)
        return GEN_OK;
    if (unfit)
        return gen_fail(err, GEN_EINPUT,
                        "column %s of table %s has type %s, but text is needed (name the one with "
                        "the text with --content-column)",
                        unfit->name, lnc_dataset_name(t->dataset), unfit->logical_type);
    return fail_missing(t->dataset,
                        "content or text (name the one with the text with --content-column)", err);
}

int gen_lance_table_choose(struct gen_lance_table *t, const struct gen_columns *given,
                           struct gen_error *err)
{
    for (int f = 0; f < GEN_N_FIELDS; f++)
        t->column_of[f] = t->member_of[f] = GEN_NO_COLUMN;
    for (int f = 0; f < GEN_N_FIELDS; f++) {
        int rc = given->given[f] ? find_given(t, (enum gen_field)f, given->given[f], err)
                                 : find_by_name(t, (enum gen_field)f, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}
