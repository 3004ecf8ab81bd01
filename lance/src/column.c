#include "column_int.h"

static int check_rows(const struct lnc_ctx *cx, uint64_t got, uint64_t wanted)
{
    if (got == wanted)
        return LNC_OK;
    return lnc_bad(cx, "the column has %llu rows, its fragment has %llu", (unsigned long long)got,
                   (unsigned long long)wanted);
}

static int open_legacy(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                       const struct lnc_dataset *ds, uint64_t n_rows)
{
    const struct lnc_field *field = reader->def->field;
    struct lnc_open_file *file = reader->file;
    int rc =
        lnc_legacy_load(cx, &file->source, &file->footer, file->entry, field->id, &reader->legacy);
    if (rc != LNC_OK)
        return rc;
    reader->n_pages = reader->legacy.n_batches;
    uint64_t last = lnc_le64(reader->legacy.batch_offsets.data + 8 * reader->n_pages);
    rc = check_rows(cx, last, n_rows);
    if (rc != LNC_OK || !reader->def->phys.is_dict)
        return rc;
    if (!reader->def->phys.is_var)
        return lnc_refuse(cx,
                          "the column is a dictionary of numbers in a file of storage version 0.1");
    struct lnc_source manifest = {0};
    struct lnc_ctx here = *cx;
    here.file = ds->manifest_path;
    rc = ds->store->open(ds->store, ds->manifest_path, &manifest, cx->err);
    if (rc == LNC_OK)
        rc = lnc_legacy_dictionary_load(&here, &manifest, field, &reader->dictionary);
    lnc_source_release(&manifest);
    return rc;
}

int lnc_column_open(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                    const struct lnc_dataset *ds, const struct lnc_column_def *def,
                    struct lnc_open_file *file, uint64_t column, uint64_t n_rows)
{
    *reader = (struct lnc_column_reader){.def = def, .file = file};
    if (file == NULL) {
        reader->slots = (struct lnc_slots){.n = n_rows > SIZE_MAX ? SIZE_MAX : (size_t)n_rows,
                                           .all_null = true};
        return LNC_OK;
    }
    if (file->footer.is_legacy)
        return open_legacy(cx, reader, ds, n_rows);
    int rc = lnc_page_list_load(cx, &file->source, &file->footer, column, &reader->pages);
    if (rc != LNC_OK)
        return rc;
    reader->n_pages = reader->pages.n_pages;
    return check_rows(cx, reader->pages.n_rows, n_rows);
}

static void close_page(struct lnc_column_reader *reader)
{
    if (reader->page != NULL)
        reader->page->free(reader->page);
    reader->page = NULL;
}

static int open_next_page(struct lnc_ctx *cx, struct lnc_column_reader *reader)
{
    close_page(reader);
    if (reader->next_page == reader->n_pages)
        return lnc_bad(cx, "the column ends before its fragment");
    uint64_t i = reader->next_page++;
    cx->page = i;
    cx->at = LNC_NO_OFFSET;
    if (reader->file->footer.is_legacy) {
        reader->page_left = lnc_legacy_rows(&reader->legacy, i);
        return lnc_legacy_open(cx, &reader->file->source, &reader->legacy, i, &reader->def->phys,
                               reader->def->field->nullable,
                               reader->def->phys.is_dict ? &reader->dictionary : NULL,
                               &reader->page);
    }
    struct lnc_page page;
    int rc = lnc_page_list_get(cx, &reader->pages, i, &page);
    if (rc != LNC_OK)
        return rc;
    reader->page_left = page.n_rows;
    struct lnc_page_job job = {
        .source = &reader->file->source, .page = &page, .phys = &reader->def->phys};
    return lnc_page_open(cx, &job, &reader->page);
}

int lnc_column_fill(struct lnc_ctx *cx, struct lnc_column_reader *reader)
{
    if (reader->taken < reader->slots.n)
        return LNC_OK;
    cx->file = reader->file->path;
    cx->column = reader->def->info.name;
    cx->page = reader->next_page > 0 ? reader->next_page - 1 : 0;
    reader->slots = (struct lnc_slots){0};
    reader->taken = 0;
    while (reader->page_left == 0) {
        int rc = open_next_page(cx, reader);
        if (rc != LNC_OK)
            return rc;
    }
    size_t n_max = reader->page_left > SIZE_MAX ? SIZE_MAX : (size_t)reader->page_left;
    int rc = reader->page->next(reader->page, cx, n_max, &reader->slots);
    if (rc != LNC_OK) {
        reader->slots = (struct lnc_slots){0};
        return rc;
    }
    reader->page_left -= reader->slots.n;
    return LNC_OK;
}

void lnc_column_close(struct lnc_column_reader *reader)
{
    close_page(reader);
    lnc_page_list_release(&reader->pages);
    lnc_legacy_release(&reader->legacy);
    lnc_legacy_dictionary_release(&reader->dictionary);
    *reader = (struct lnc_column_reader){0};
}
