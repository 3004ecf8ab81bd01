#include "corpus/lance_table.h"

bool gen_lance_is_integer(enum lnc_kind kind)
{
    return kind >= LNC_KIND_INT8 && kind <= LNC_KIND_UINT64;
}

static bool fits(enum gen_field field, enum lnc_kind kind)
{
    return kind == LNC_KIND_STRING || (field == GEN_FIELD_ID && gen_lance_is_integer(kind));
}

static const struct lnc_column_info *find_column(const struct lnc_dataset *ds, const char *name)
{
    for (size_t i = 0; i < lnc_dataset_n_columns(ds); i++) {
        const struct lnc_column_info *info = lnc_dataset_column(ds, i);
        if (strcmp(info->name, name) == 0)
            return info;
    }
    return NULL;
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

static void project(struct gen_lance_table *t, enum gen_field field, const char *name)
{
    t->column_of[field] = t->n_columns;
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
    const struct lnc_column_info *info = find_column(t->dataset, name);
    if (!info)
        return fail_missing(t->dataset, name, err);
    if (!fits(field, info->kind))
        return gen_fail(err, GEN_EINPUT, "column %s of table %s has type %s, but %s is needed",
                        name, lnc_dataset_name(t->dataset), info->logical_type,
                        field == GEN_FIELD_ID ? "text or an integer" : "text");
    project(t, field, info->name);
    return GEN_OK;
}

static int find_by_name(struct gen_lance_table *t, enum gen_field field, struct gen_error *err)
{
    const struct lnc_column_info *unfit = NULL;
    for (const char *const *name = gen_field_names(field); *name; name++) {
        const struct lnc_column_info *info = find_column(t->dataset, *name);
        if (info && fits(field, info->kind)) {
            project(t, field, info->name);
            return GEN_OK;
        }
        if (info && !unfit)
            unfit = info;
    }
    if (field != GEN_FIELD_CONTENT)
        return GEN_OK;
    if (unfit)
        return gen_fail(err, GEN_EINPUT, "column %s of table %s has type %s, but text is needed",
                        unfit->name, lnc_dataset_name(t->dataset), unfit->logical_type);
    return fail_missing(t->dataset,
                        "content or text (name the one with the text with --content-column)", err);
}

int gen_lance_table_choose(struct gen_lance_table *t, const struct gen_columns *given,
                           struct gen_error *err)
{
    for (int f = 0; f < GEN_N_FIELDS; f++)
        t->column_of[f] = GEN_NO_COLUMN;
    for (int f = 0; f < GEN_N_FIELDS; f++) {
        int rc = given->given[f] ? find_given(t, (enum gen_field)f, given->given[f], err)
                                 : find_by_name(t, (enum gen_field)f, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}
