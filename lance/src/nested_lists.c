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

/*
 * A list that is null may have items all the same: Arrow lets anything lie below a null, and 2.0
 * stores what it was given. They are taken from the columns below and given to nobody. Runs of
 * them, in order, stand for what of a level is not there.
 */
struct run {
    uint64_t first;
    uint64_t end;
};

static int hide(struct lnc_ctx *cx, struct lnc_buf *hidden, uint64_t first, uint64_t n)
{
    struct run run = {first, first + n};
    if (n == 0)
        return LNC_OK;
    struct run *last = hidden->size > 0
                           ? (struct run *)(void *)hidden->data + (hidden->size / sizeof run - 1)
                           : NULL;
    if (last == NULL || last->end != first)
        return lnc_buf_append(cx, hidden, &run, sizeof run);
    last->end = run.end;
    return LNC_OK;
}

/* How many of the next n, from `at` on, are alike; *is_kept says whether they are there. Passes
 * the runs that end before. */
static uint64_t next_alike(const struct lnc_buf *hidden, size_t *run, uint64_t at, uint64_t n,
                           bool *is_kept)
{
    const struct run *runs = (const void *)hidden->data;
    size_t n_runs = hidden->size / sizeof *runs;
    while (*run < n_runs && runs[*run].end <= at)
        ++*run;
    *is_kept = *run == n_runs || at < runs[*run].first;
    uint64_t end = *run == n_runs ? at + n : *is_kept ? runs[*run].first : runs[*run].end;
    return end - at < n ? end - at : n;
}

static int take_list(struct lnc_ctx *cx, struct lnc_builder *level, bool valid, uint64_t length)
{
    if (!valid)
        return lnc_builder_append_nulls(cx, level, 1);
    int rc = lnc_builder_append_nodes(cx, level, 1);
    return rc != LNC_OK ? rc : lnc_builder_extend(cx, level, length);
}

/* The next n lists, to a level or (NULL) to nowhere, and how many items they have together; of the
 * lists those in `hidden` are not there, of the items those in `below`. */
static int take_lists(struct lnc_ctx *cx, struct lnc_column_reader *reader,
                      struct lnc_builder *level, uint64_t n, uint64_t *n_items,
                      const struct lnc_buf *hidden, struct lnc_buf *below)
{
    int rc = LNC_OK;
    uint64_t at = 0;
    size_t run = 0;
    *n_items = 0;
    below->size = 0;
    while (rc == LNC_OK && at < n) {
        rc = fill_reader(cx, reader);
        const struct lnc_slots *slots = &reader->slots;
        while (rc == LNC_OK && at < n && reader->taken < slots->n) {
            size_t i = reader->taken++;
            uint64_t first = *n_items;
            uint64_t length = slots->all_null ? 0 : lnc_le64(slots->fixed + 8 * i);
            bool valid = !slots->all_null && (slots->validity == NULL || slots->validity[i] != 0);
            bool is_kept;
            (void)next_alike(hidden, &run, at++, 1, &is_kept);
            if (!lnc_add(first, length, n_items))
                return lnc_bad(cx, "a list has %llu items", (unsigned long long)length);
            if (level != NULL && is_kept)
                rc = take_list(cx, level, valid, length);
            if (rc == LNC_OK && !(is_kept && valid))
                rc = hide(cx, below, first, length);
        }
    }
    return rc;
}

static int take_values(struct lnc_ctx *cx, struct lnc_leaf *leaf, uint64_t n, bool is_kept,
                       const struct lnc_buf *hidden)
{
    struct lnc_column_reader *reader = &leaf->reader;
    int rc = LNC_OK;
    uint64_t at = 0;
    size_t run = 0;
    while (rc == LNC_OK && at < n) {
        rc = fill_reader(cx, reader);
        if (rc != LNC_OK)
            return rc;
        size_t some = reader->slots.n - reader->taken;
        bool is_there;
        some = (size_t)next_alike(hidden, &run, at, some < n - at ? some : n - at, &is_there);
        if (is_kept && is_there)
            rc = lnc_builder_append(cx, &leaf->values, &reader->slots, reader->taken, some, NULL);
        reader->taken += some;
        at += some;
    }
    return rc;
}

/* Structs have nothing in the file: as many as the level above says, without the hidden ones. */
static int take_structs(struct lnc_ctx *cx, struct lnc_builder *level, uint64_t n,
                        const struct lnc_buf *hidden)
{
    const struct run *runs = (const void *)hidden->data;
    for (size_t i = 0; i < hidden->size / sizeof *runs; i++)
        n -= runs[i].end - runs[i].first;
    if (n > SIZE_MAX)
        return lnc_bad(cx, "too many items in a list");
    return lnc_builder_append_nodes(cx, level, (size_t)n);
}

static int take_rows(struct lnc_ctx *cx, struct lnc_leaf *leaf, size_t n_rows)
{
    struct lnc_buf *hidden = &leaf->hidden[0];
    struct lnc_buf *below = &leaf->hidden[1];
    uint64_t n = n_rows;
    size_t k = 0;
    hidden->size = 0;
    for (size_t p = 0; p < leaf->path.n; p++) {
        int rc;
        if (leaf->path.is_list[p]) {
            struct lnc_buf *above = hidden;
            rc = take_lists(cx, &leaf->list_reader[k++], &leaf->level[p], n, &n, above, below);
            hidden = below;
            below = above;
        } else {
            rc = take_structs(cx, &leaf->level[p], n, hidden);
        }
        if (rc != LNC_OK)
            return rc;
    }
    leaf->n_rows += n_rows;
    leaf->rows_left -= n_rows;
    return take_values(cx, leaf, n, true, hidden);
}

/* Opens the next batch of a 0.1 file in all columns, and skips items that stand before those of its
 * first row. */
static int next_batch(struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    const struct lnc_buf none = {0};
    uint64_t skip = 0;
    for (size_t k = 0; k < leaf->n_lists; k++) {
        struct lnc_column_reader *reader = &leaf->list_reader[k];
        uint64_t n_items = 0;
        int rc = lnc_column_next_page(cx, reader);
        if (rc == LNC_OK)
            rc = take_lists(cx, reader, NULL, skip, &n_items, &none, &leaf->hidden[1]);
        if (rc == LNC_OK && !lnc_add(n_items, reader->page->first_item, &skip))
            rc = lnc_bad(cx, "the offsets of a list are damaged");
        if (rc != LNC_OK)
            return rc;
    }
    int rc = lnc_column_next_page(cx, &leaf->reader);
    return rc != LNC_OK ? rc : take_values(cx, leaf, skip, false, &none);
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
