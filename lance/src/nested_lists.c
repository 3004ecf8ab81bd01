#include "nested_int.h"

/*
 * Leaves of 2.0 and 0.1: lists have columns of their own, which hand out how many items each row
 * has; the items of all rows follow each other in the column below. Pages of 2.0 end where they
 * like; in 0.1 all columns of a batch belong together.
 */

static const struct lnc_phys lengths = {.bits = 64, .n_items = 1, .width = 8, .is_lengths = true};

static bool is_legacy(const struct lnc_leaf *leaf)
{
    return leaf->reader.job.file->footer.is_legacy;
}

static int check_rows(struct lnc_ctx *cx, const struct lnc_column_reader *reader, uint64_t wanted)
{
    uint64_t got = reader->job.file->footer.is_legacy
                       ? lnc_le64(reader->legacy.batch_offsets.data + 8 * reader->n_pages)
                       : reader->pages.n_rows;
    if (got == wanted)
        return LNC_OK;
    return lnc_bad(cx, "the column has %llu rows, its fragment has %llu", (unsigned long long)got,
                   (unsigned long long)wanted);
}

int lnc_leaf_open_lists(struct lnc_ctx *cx, struct lnc_leaf *leaf, struct lnc_files *files,
                        uint64_t n_rows)
{
    leaf->rows_left = n_rows;
    for (size_t k = 0; k < leaf->n_lists; k++) {
        struct lnc_column_job job = {.def = leaf->node[leaf->lists[k]],
                                     .phys = &lengths,
                                     .n_rows = k == 0 ? n_rows : LNC_ANY_ROWS};
        int rc = lnc_files_find(cx, files, job.def->field, &job.file, &job.column);
        if (rc == LNC_OK && job.file != leaf->reader.job.file)
            rc = lnc_refuse(cx, "the list '%.80s' and its items lie in different files",
                            job.def->info.name);
        if (rc == LNC_OK)
            rc = lnc_column_open(cx, &leaf->list_reader[k], files->ds, &job);
        if (rc != LNC_OK)
            return rc;
    }
    if (leaf->n_lists > 0)
        return LNC_OK;
    leaf->reader.job.n_rows = n_rows;
    return check_rows(cx, &leaf->reader, n_rows);
}

static int fill_reader(struct lnc_ctx *cx, struct lnc_column_reader *reader)
{
    if (reader->taken == reader->slots.n && reader->page_left == 0 &&
        reader->job.file->footer.is_legacy)
        return lnc_bad(cx, "a list reaches beyond the items of its batch");
    return lnc_column_fill(cx, reader);
}

static int take_list(struct lnc_ctx *cx, struct lnc_builder *level, bool valid, uint64_t length)
{
    if (!valid)
        return length == 0
                   ? lnc_builder_append_nulls(cx, level, 1)
                   : lnc_bad(cx, "a list that is null has %llu items", (unsigned long long)length);
    int rc = lnc_builder_append_nodes(cx, level, 1);
    return rc != LNC_OK ? rc : lnc_builder_extend(cx, level, length);
}

/* The next n lists, to a level or (NULL) to nowhere, and how many items they have together. */
static int take_lists(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                      struct lnc_builder *level, uint64_t n, uint64_t *n_items)
{
    int rc = LNC_OK;
    *n_items = 0;
    while (rc == LNC_OK && n > 0) {
        rc = fill_reader(cx, reader);
        const struct lnc_slots *slots = &reader->slots;
        while (rc == LNC_OK && n > 0 && reader->taken < slots->n) {
            size_t i = reader->taken++;
            uint64_t length = slots->all_null ? 0 : lnc_le64(slots->fixed + 8 * i);
            bool valid = !slots->all_null && (slots->validity == NULL || slots->validity[i] != 0);
            if (!lnc_add(*n_items, length, n_items))
                return lnc_bad(cx, "a list has %llu items", (unsigned long long)length);
            if (level != NULL)
                rc = take_list(cx, level, valid, length);
            n--;
        }
    }
    return rc;
}

static int take_values(struct lnc_ctx *cx, struct lnc_leaf *leaf, uint64_t n, bool is_kept)
{
    struct lnc_column_reader *reader = &leaf->reader;
    int rc = LNC_OK;
    while (rc == LNC_OK && n > 0) {
        rc = fill_reader(cx, reader);
        if (rc != LNC_OK)
            return rc;
        size_t some = reader->slots.n - reader->taken;
        some = some < n ? some : (size_t)n;
        if (is_kept)
            rc = lnc_builder_append(cx, &leaf->values, &reader->slots, reader->taken, some, NULL);
        reader->taken += some;
        n -= some;
    }
    return rc;
}

static int take_rows(struct lnc_ctx *cx, struct lnc_leaf *leaf, size_t n_rows)
{
    uint64_t n = n_rows;
    size_t k = 0;
    for (size_t p = 0; p < leaf->path.n; p++) {
        int rc = LNC_OK;
        if (leaf->path.is_list[p])
            rc = take_lists(cx, &leaf->list_reader[k++], &leaf->level[p], n, &n);
        else if (n > SIZE_MAX)
            rc = lnc_bad(cx, "too many items in a list");
        else
            rc = lnc_builder_append_nodes(cx, &leaf->level[p], (size_t)n);
        if (rc != LNC_OK)
            return rc;
    }
    leaf->n_rows += n_rows;
    leaf->rows_left -= n_rows;
    return take_values(cx, leaf, n, true);
}

/* Opens the next batch of a 0.1 file in all columns, and skips items that stand before those of its
 * first row. */
static int next_batch(struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    uint64_t skip = 0;
    for (size_t k = 0; k < leaf->n_lists; k++) {
        struct lnc_column_reader *reader = &leaf->list_reader[k];
        uint64_t n_items = 0;
        int rc = lnc_column_next_page(cx, reader);
        if (rc == LNC_OK)
            rc = take_lists(cx, reader, NULL, skip, &n_items);
        if (rc == LNC_OK && !lnc_add(n_items, reader->page->first_item, &skip))
            rc = lnc_bad(cx, "the offsets of a list are damaged");
        if (rc != LNC_OK)
            return rc;
    }
    int rc = lnc_column_next_page(cx, &leaf->reader);
    return rc != LNC_OK ? rc : take_values(cx, leaf, skip, false);
}

int lnc_leaf_fill_lists(struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    struct lnc_column_reader *top = leaf->n_lists > 0 ? &leaf->list_reader[0] : &leaf->reader;
    int rc = LNC_OK;
    lnc_column_place(cx, top);
    while (rc == LNC_OK && leaf->rows_left > 0 && leaf->n_rows < LNC_SLOTS_MAX &&
           lnc_leaf_bytes(leaf) < LNC_GROUP_BYTES) {
        if (is_legacy(leaf) && top->taken == top->slots.n && top->page_left == 0) {
            rc = next_batch(cx, leaf);
            continue;
        }
        rc = lnc_column_fill(cx, top);
        size_t n = top->slots.n - top->taken;
        size_t room = leaf->n_lists > 0 ? 1 : LNC_SLOTS_MAX - leaf->n_rows;
        if (rc == LNC_OK)
            rc = take_rows(cx, leaf, n < room ? n : room);
    }
    return rc;
}
