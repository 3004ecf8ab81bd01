#include "nested_int.h"

/*
 * Leaves of 2.1 and 2.2: entries with a repetition and a definition level each (lance-format.md
 * 4.1). Repetition level r > 0 starts a new list of rank r, counted from the inner-most one, and
 * all below it; the highest one a new row. A definition level names the node that is null or empty.
 */

/* The group in hand never spans two pages, since each page has layers of its own. */
struct walk {
    struct lnc_ctx *cx;
    struct lnc_leaf *leaf;
    const struct lnc_layers *layers;
    const struct lnc_slots *slots;
};

static unsigned level_at(const uint8_t *levels, size_t i)
{
    return levels != NULL ? lnc_le16(levels + 2 * i) : 0;
}

/* Puts `n` rows below a list that go on its last row. */
static int extend(const struct walk *w, size_t node, size_t n)
{
    if (node == 0 || !w->leaf->path.is_list[node - 1])
        return LNC_OK;
    return lnc_builder_extend(w->cx, &w->leaf->level[node - 1], n);
}

/* The node is null: so is what lies below it, down to the next list. */
static int push_nulls(const struct walk *w, size_t node)
{
    struct lnc_leaf *leaf = w->leaf;
    for (size_t p = node; p < leaf->path.n; p++) {
        int rc = lnc_builder_append_nulls(w->cx, &leaf->level[p], 1);
        if (rc != LNC_OK || leaf->path.is_list[p])
            return rc;
    }
    return lnc_builder_append_nulls(w->cx, &leaf->values, 1);
}

/* One entry, from the node that is new in it on. */
static int push_entry(const struct walk *w, size_t first, unsigned def)
{
    struct lnc_leaf *leaf = w->leaf;
    size_t node = w->layers->level[def].node;
    int rc = extend(w, first, 1);
    if (def > 0 && node < first)
        return lnc_bad(w->cx, "the levels of the page contradict each other");
    for (size_t p = first; rc == LNC_OK && p < leaf->path.n; p++) {
        bool is_last = def > 0 && node == p;
        if (is_last && !w->layers->level[def].is_empty)
            return push_nulls(w, p);
        rc = lnc_builder_append_nodes(w->cx, &leaf->level[p], 1);
        if (rc != LNC_OK || is_last)
            return rc;
        rc = extend(w, p + 1, 1);
    }
    if (rc != LNC_OK || def > 0)
        return rc != LNC_OK ? rc : lnc_builder_append_nulls(w->cx, &leaf->values, 1);
    return lnc_builder_append(w->cx, &leaf->values, w->slots, leaf->slot, 1, NULL);
}

/* n entries that are present and only add structs and values. A packed struct that is null in all
 * rows of a page has no levels: the page says so itself. */
static int push_run(const struct walk *w, size_t first, size_t n)
{
    struct lnc_leaf *leaf = w->leaf;
    size_t n_present = w->slots->all_null ? leaf->page_path.n : leaf->path.n;
    int rc = extend(w, first, n);
    for (size_t p = first; rc == LNC_OK && p < leaf->path.n; p++)
        rc = p < n_present ? lnc_builder_append_nodes(w->cx, &leaf->level[p], n)
                           : lnc_builder_append_nulls(w->cx, &leaf->level[p], n);
    if (rc == LNC_OK)
        rc = lnc_builder_append(w->cx, &leaf->values, w->slots, leaf->slot, n, NULL);
    return rc;
}

/* How many of the next entries are present and go on the inner-most list (or, without lists, are
 * rows). */
static size_t count_run(const struct walk *w, size_t n_max)
{
    size_t n = 0;
    while (n < n_max && level_at(w->slots->rep, w->leaf->entry + n) == 0 &&
           level_at(w->slots->def, w->leaf->entry + n) == 0)
        n++;
    return n;
}

static bool is_full(const struct lnc_leaf *leaf)
{
    return leaf->n_rows >= LNC_SLOTS_MAX ||
           (leaf->n_rows > 0 && lnc_leaf_bytes(leaf) >= LNC_GROUP_BYTES);
}

static int start_rows(const struct walk *w, size_t n)
{
    struct lnc_column_reader *reader = &w->leaf->reader;
    if (reader->page_left < n)
        return lnc_bad(w->cx, "the page has more rows than it says");
    reader->page_left -= n;
    w->leaf->n_rows += n;
    return LNC_OK;
}

static int take_run(const struct walk *w)
{
    struct lnc_leaf *leaf = w->leaf;
    bool has_lists = w->layers->max_rep > 0;
    size_t left = w->slots->n_entries - leaf->entry;
    size_t room = has_lists ? LNC_SLOTS_MAX : LNC_SLOTS_MAX - leaf->n_rows;
    size_t n = count_run(w, left < room ? left : room);
    int rc = has_lists ? LNC_OK : start_rows(w, n);
    if (rc == LNC_OK && n > 0)
        rc = push_run(w, has_lists ? leaf->lists[leaf->n_lists - 1] + 1 : 0, n);
    leaf->entry += n;
    leaf->slot += n;
    return rc;
}

static int take_entry(const struct walk *w)
{
    struct lnc_leaf *leaf = w->leaf;
    unsigned rep = level_at(w->slots->rep, leaf->entry);
    unsigned def = level_at(w->slots->def, leaf->entry);
    int rc = LNC_OK;
    size_t first = 0;
    if (rep == w->layers->max_rep)
        rc = start_rows(w, 1);
    else if (leaf->n_rows == 0)
        rc = lnc_bad(w->cx, "the page does not start with a row");
    else
        first = leaf->lists[leaf->n_lists - 1 - rep] + 1;
    if (rc == LNC_OK)
        rc = push_entry(w, first, def);
    leaf->entry++;
    leaf->slot += def <= w->layers->max_visible;
    return rc;
}

/* Takes entries until the group is full, which can only be where a row starts. */
static int take_entries(const struct walk *w, bool *full)
{
    struct lnc_leaf *leaf = w->leaf;
    int rc = LNC_OK;
    *full = false;
    while (rc == LNC_OK && leaf->entry < w->slots->n_entries) {
        unsigned rep = level_at(w->slots->rep, leaf->entry);
        bool is_row = rep == w->layers->max_rep;
        if (is_row && is_full(leaf)) {
            *full = true;
            return LNC_OK;
        }
        bool goes_on = rep == 0 && level_at(w->slots->def, leaf->entry) == 0 &&
                       (w->layers->max_rep == 0 || leaf->n_rows > 0);
        rc = goes_on ? take_run(w) : take_entry(w);
    }
    return rc;
}

static int next_entries(struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    struct lnc_column_reader *reader = &leaf->reader;
    leaf->entry = 0;
    leaf->slot = 0;
    int rc = lnc_column_next_slots(cx, reader, SIZE_MAX);
    if (rc == LNC_OK && reader->slots.n_entries == 0 && reader->page_left > 0)
        rc =
            lnc_bad(cx, "the page ends %llu rows too early", (unsigned long long)reader->page_left);
    return rc;
}

int lnc_leaf_fill_entries(struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    struct lnc_column_reader *reader = &leaf->reader;
    bool full = false;
    int rc = LNC_OK;
    lnc_column_place(cx, reader);
    while (rc == LNC_OK && !full) {
        if (leaf->entry < reader->slots.n_entries) {
            struct walk w = {
                .cx = cx, .leaf = leaf, .layers = &reader->page->layers, .slots = &reader->slots};
            rc = take_entries(&w, &full);
            continue;
        }
        if (reader->page != NULL) {
            rc = next_entries(cx, leaf);
            if (rc != LNC_OK || reader->slots.n_entries > 0)
                continue;
            reader->page->free(reader->page);
            reader->page = NULL;
            full = leaf->n_rows > 0;
            continue;
        }
        rc = lnc_column_next_page(cx, reader);
    }
    return rc;
}
