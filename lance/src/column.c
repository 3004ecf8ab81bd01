#include "column_int.h"

/* Strings of the betas of 2.0 are asked for in small groups, since their sizes are not known
 * before.
 */
#define BETA_GROUP_ROWS 32

static int check_rows(const struct lnc_ctx *cx, uint64_t got, uint64_t wanted)
{
    if (got == wanted || wanted == LNC_ANY_ROWS)
        return LNC_OK;
    return lnc_bad(cx, "the column has %llu rows, its fragment has %llu", (unsigned long long)got,
                   (unsigned long long)wanted);
}

static int open_legacy(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                       const struct lnc_dataset *ds)
{
    const struct lnc_field *field = reader->job.def->field;
    struct lnc_open_file *file = reader->job.file;
    int rc =
        lnc_legacy_load(cx, &file->source, &file->footer, file->entry, field->id, &reader->legacy);
    if (rc != LNC_OK)
        return rc;
    reader->n_pages = reader->legacy.n_batches;
    uint64_t last = lnc_le64(reader->legacy.batch_offsets.data + 8 * reader->n_pages);
    rc = check_rows(cx, last, reader->job.n_rows);
    if (rc != LNC_OK || !reader->job.phys->is_dict)
        return rc;
    struct lnc_source manifest = {0};
    struct lnc_ctx here = *cx;
    here.file = ds->manifest_path;
    rc = ds->store->open(ds->store, ds->manifest_path, &manifest, cx->err);
    if (rc == LNC_OK)
        rc = lnc_legacy_dictionary_load(&here, &manifest, field, reader->job.phys,
                                        &reader->dictionary);
    lnc_source_release(&manifest);
    return rc;
}

/* The betas of 2.0 (Lance 0.12) store strings as lists of bytes: the offsets in the column of the
 * field, the bytes in the next one. Everything but strings has other arrays there. */
static int open_letters(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                        const struct lnc_dataset *ds)
{
    static const struct lnc_phys lengths = {
        .bits = 64, .n_items = 1, .width = 8, .is_lengths = true};
    static const struct lnc_phys letter = {.bits = 8, .n_items = 1, .width = 1};
    struct lnc_page page;
    if (!reader->job.phys->is_var || reader->job.phys->is_dict || reader->n_pages == 0)
        return LNC_OK;
    int rc = lnc_page_list_get(cx, &reader->pages, 0, &page);
    if (rc != LNC_OK || page.grammar != LNC_GRAMMAR_20 || !lnc_array20_is_list(&page))
        return rc;
    reader->letters = lnc_calloc(cx, 1, sizeof *reader->letters);
    if (reader->letters == NULL)
        return lnc_no_memory(cx, 0);
    struct lnc_column_job job = reader->job;
    reader->job.phys = &lengths;
    job.phys = &letter;
    job.column++;
    job.n_rows = LNC_ANY_ROWS;
    return lnc_column_open(cx, reader->letters, ds, &job);
}

/* Makes strings of the lengths in hand. */
static int take_letters(struct lnc_ctx *cx, struct lnc_column_reader *reader)
{
    struct lnc_slots *slots = &reader->slots;
    struct lnc_column_reader *letters = reader->letters;
    int rc = lnc_buf_reserve_n(cx, &reader->spans, slots->n, sizeof(struct lnc_span));
    uint64_t left = 0;
    for (size_t i = 0; i < slots->n; i++) {
        if (!lnc_add(left, lnc_le64(slots->fixed + 8 * i), &left))
            return lnc_bad(cx, "the strings of the page are too long");
    }
    reader->text.size = 0;
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &reader->text, left, 1);
    while (rc == LNC_OK && left > 0) {
        rc = lnc_column_fill(cx, letters);
        size_t n = letters->slots.n - letters->taken;
        n = n < left ? n : (size_t)left;
        if (rc == LNC_OK && (letters->slots.all_null || letters->slots.validity != NULL))
            rc = lnc_bad(cx, "bytes of strings are null");
        if (rc == LNC_OK)
            rc = lnc_buf_append(cx, &reader->text, letters->slots.fixed + letters->taken, n);
        letters->taken += n;
        left -= n;
    }
    if (rc != LNC_OK)
        return rc;
    struct lnc_span *spans = (struct lnc_span *)(void *)reader->spans.data;
    const uint8_t *text = reader->text.data;
    for (size_t i = 0; i < slots->n; i++) {
        spans[i] = (struct lnc_span){.data = text, .size = (size_t)lnc_le64(slots->fixed + 8 * i)};
        text += spans[i].size;
    }
    slots->fixed = NULL;
    slots->spans = spans;
    return LNC_OK;
}

int lnc_column_open(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                    const struct lnc_dataset *ds, const struct lnc_column_job *job)
{
    *reader = (struct lnc_column_reader){.name = cx->column, .job = *job};
    if (job->file == NULL) {
        reader->slots = (struct lnc_slots){
            .n = job->n_rows > SIZE_MAX ? SIZE_MAX : (size_t)job->n_rows, .all_null = true};
        return LNC_OK;
    }
    cx->file = job->file->path;
    reader->store = ds->store;
    if (job->file->footer.is_legacy)
        return open_legacy(cx, reader, ds);
    int rc =
        lnc_page_list_load(cx, &job->file->source, &job->file->footer, job->column, &reader->pages);
    if (rc != LNC_OK)
        return rc;
    reader->n_pages = reader->pages.n_pages;
    rc = check_rows(cx, reader->pages.n_rows, job->n_rows);
    return rc != LNC_OK ? rc : open_letters(cx, reader, ds);
}

static void close_page(struct lnc_column_reader *reader)
{
    if (reader->page != NULL)
        reader->page->free(reader->page);
    reader->page = NULL;
}

void lnc_column_place(struct lnc_ctx *cx, const struct lnc_column_reader *reader)
{
    cx->file = reader->job.file->path;
    cx->column = reader->name;
    cx->page = reader->next_page > 0 ? reader->next_page - 1 : 0;
}

int lnc_column_next_page(struct lnc_ctx *cx, struct lnc_column_reader *reader)
{
    close_page(reader);
    if (reader->next_page == reader->n_pages)
        return lnc_bad(cx, "the column ends before its fragment");
    uint64_t i = reader->next_page++;
    struct lnc_open_file *file = reader->job.file;
    cx->page = i;
    cx->at = LNC_NO_OFFSET;
    if (file->footer.is_legacy) {
        struct lnc_legacy_job job = {
            .source = &file->source,
            .legacy = &reader->legacy,
            .batch = i,
            .phys = reader->job.phys,
            .nullable = reader->job.def->field->nullable,
            .is_large = strncmp(reader->job.def->info.logical_type, "large", 5) == 0,
            .any_rows = reader->job.n_rows == LNC_ANY_ROWS,
            .dictionary = reader->job.phys->is_dict ? &reader->dictionary : NULL};
        return lnc_legacy_open(cx, &job, &reader->page_left, &reader->page);
    }
    struct lnc_page page;
    int rc = lnc_page_list_get(cx, &reader->pages, i, &page);
    if (rc != LNC_OK)
        return rc;
    reader->page_left = page.n_rows;
    struct lnc_page_job job = {.source = &file->source,
                               .page = &page,
                               .phys = reader->job.phys,
                               .path = reader->job.path,
                               .field = reader->job.field,
                               .field_index = reader->job.field_index,
                               .n_fields = reader->job.n_fields,
                               .store = reader->store};
    return lnc_page_open(cx, &job, &reader->page);
}

/* Takes the bytes of one field out of packed structs. */
static int cut_field(struct lnc_ctx *cx, struct lnc_column_reader *reader)
{
    const struct lnc_column_job *job = &reader->job;
    size_t width = job->field->width;
    struct lnc_slots *slots = &reader->slots;
    if (job->phys->width == 0)
        return lnc_refuse(cx, "the struct '%.80s' is packed in a way that is not read",
                          job->def->info.name);
    int rc = lnc_buf_reserve_n(cx, &reader->fields, slots->n, width);
    if (rc != LNC_OK)
        return rc;
    for (size_t i = 0; i < slots->n; i++)
        memcpy(reader->fields.data + i * width, slots->fixed + i * job->phys->width + job->field_at,
               width);
    slots->fixed = reader->fields.data;
    return LNC_OK;
}

int lnc_column_next_slots(struct lnc_ctx *cx, struct lnc_column_reader *reader, size_t n_max)
{
    reader->slots = (struct lnc_slots){0};
    reader->taken = 0;
    if (reader->letters != NULL && n_max > BETA_GROUP_ROWS)
        n_max = BETA_GROUP_ROWS;
    int rc = reader->page->next(reader->page, cx, n_max, &reader->slots);
    if (rc == LNC_OK && reader->letters != NULL)
        rc = take_letters(cx, reader);
    if (rc == LNC_OK && reader->job.field != NULL && reader->slots.fixed != NULL &&
        !reader->page->hands_out_field)
        rc = cut_field(cx, reader);
    if (rc != LNC_OK)
        reader->slots = (struct lnc_slots){0};
    return rc;
}

int lnc_column_fill(struct lnc_ctx *cx, struct lnc_column_reader *reader)
{
    if (reader->taken < reader->slots.n)
        return LNC_OK;
    lnc_column_place(cx, reader);
    reader->slots = (struct lnc_slots){0};
    reader->taken = 0;
    while (reader->page_left == 0) {
        int rc = lnc_column_next_page(cx, reader);
        if (rc != LNC_OK)
            return rc;
    }
    size_t n_max = reader->page_left > SIZE_MAX ? SIZE_MAX : (size_t)reader->page_left;
    int rc = lnc_column_next_slots(cx, reader, n_max);
    if (rc != LNC_OK)
        return rc;
    reader->page_left -= reader->slots.n;
    return LNC_OK;
}

void lnc_column_close(struct lnc_column_reader *reader)
{
    close_page(reader);
    lnc_page_list_release(&reader->pages);
    lnc_legacy_release(&reader->legacy);
    lnc_legacy_dictionary_release(&reader->dictionary);
    lnc_buf_release(&reader->fields);
    lnc_buf_release(&reader->text);
    lnc_buf_release(&reader->spans);
    if (reader->letters != NULL)
        lnc_column_close(reader->letters);
    lnc_free(reader->letters);
    *reader = (struct lnc_column_reader){0};
}
