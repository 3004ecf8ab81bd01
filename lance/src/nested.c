#include "nested_int.h"

static size_t count_leaves(const struct lnc_column_def *def)
{
    size_t n = def->n_children == 0;
    for (size_t i = 0; i < def->n_children; i++)
        n += count_leaves(&def->children[i]);
    return n;
}

/* Takes over the path so far. Recursion depth is that of the schema, at most LNC_NEST_MAX. */
static void add_leaves(struct lnc_nested *nested, struct lnc_leaf *path,
                       const struct lnc_column_def *def)
{
    if (def->n_children == 0) {
        struct lnc_leaf *leaf = &nested->leaf[nested->n_leaves++];
        *leaf = *path;
        leaf->def = def;
        return;
    }
    bool is_list = lnc_is_list(def);
    size_t depth = path->path.n++;
    path->node[depth] = def;
    path->path.is_list[depth] = is_list;
    path->lists[path->n_lists] = depth;
    path->n_lists += is_list;
    for (size_t i = 0; i < def->n_children; i++) {
        path->child[depth] = i;
        add_leaves(nested, path, &def->children[i]);
    }
    path->n_lists -= is_list;
    path->path.n--;
}

static int prepare_leaf(const struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    leaf->level = lnc_calloc(cx, leaf->path.n + 1, sizeof *leaf->level);
    leaf->list_reader = lnc_calloc(cx, leaf->n_lists + 1, sizeof *leaf->list_reader);
    if (leaf->level == NULL || leaf->list_reader == NULL)
        return lnc_no_memory(cx, 0);
    for (size_t i = 0; i < leaf->path.n; i++)
        leaf->level[i].def = leaf->node[i];
    leaf->values.def = leaf->def;
    return LNC_OK;
}

int lnc_nested_new(const struct lnc_ctx *cx, const struct lnc_column_def *def,
                   struct lnc_nested **out)
{
    struct lnc_nested *nested = lnc_calloc(cx, 1, sizeof *nested);
    struct lnc_leaf path = {0};
    if (nested == NULL)
        return lnc_no_memory(cx, 0);
    nested->def = def;
    nested->leaf = lnc_calloc(cx, count_leaves(def), sizeof *nested->leaf);
    if (nested->leaf == NULL) {
        lnc_free(nested);
        return lnc_no_memory(cx, 0);
    }
    add_leaves(nested, &path, def);
    int rc = LNC_OK;
    for (size_t i = 0; rc == LNC_OK && i < nested->n_leaves; i++)
        rc = prepare_leaf(cx, &nested->leaf[i]);
    if (rc != LNC_OK) {
        lnc_nested_free(nested);
        return rc;
    }
    *out = nested;
    return LNC_OK;
}

static void close_leaf(struct lnc_leaf *leaf)
{
    lnc_column_close(&leaf->reader);
    for (size_t i = 0; leaf->list_reader != NULL && i < leaf->n_lists; i++)
        lnc_column_close(&leaf->list_reader[i]);
    leaf->is_present = false;
    leaf->entry = 0;
    leaf->slot = 0;
    leaf->n_rows = 0;
    leaf->taken = 0;
}

void lnc_nested_close(struct lnc_nested *nested)
{
    for (size_t i = 0; i < nested->n_leaves; i++)
        close_leaf(&nested->leaf[i]);
}

void lnc_nested_free(struct lnc_nested *nested)
{
    if (nested == NULL)
        return;
    lnc_nested_close(nested);
    for (size_t i = 0; i < nested->n_leaves; i++) {
        struct lnc_leaf *leaf = &nested->leaf[i];
        for (size_t k = 0; leaf->level != NULL && k < leaf->path.n; k++)
            lnc_builder_release(&leaf->level[k]);
        lnc_builder_release(&leaf->values);
        lnc_buf_release(&leaf->hidden[0]);
        lnc_buf_release(&leaf->hidden[1]);
        lnc_free(leaf->level);
        lnc_free(leaf->list_reader);
    }
    lnc_free(nested->leaf);
    lnc_free(nested);
}

/* The grammar of its pages tells how a leaf is stored: the unstable 2.1 of Lance 0.17 is written
 * like 2.0. */
static int find_grammar(struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    const struct lnc_footer *footer = &leaf->reader.job.file->footer;
    struct lnc_page page;
    leaf->is_pulled = footer->is_legacy || footer->major == 0;
    if (footer->is_legacy || leaf->reader.n_pages == 0)
        return LNC_OK;
    int rc = lnc_page_list_get(cx, &leaf->reader.pages, 0, &page);
    if (rc == LNC_OK)
        leaf->is_pulled = page.grammar == LNC_GRAMMAR_20;
    return rc;
}

/* The shape of a packed struct: its fields one behind the other. Strings among them are for the
 * page to find. */
static int describe_packed(struct lnc_ctx *cx, struct lnc_leaf *leaf,
                           const struct lnc_column_def *parent, struct lnc_column_job *job)
{
    uint64_t total = 0;
    bool all_fixed = true;
    for (size_t i = 0; i < parent->n_children; i++) {
        const struct lnc_column_def *child = &parent->children[i];
        bool is_fixed = child->phys.width > 0 && child->phys.bits % 8 == 0;
        if (child->n_children > 0 || (!is_fixed && !child->phys.is_var) || child->phys.is_blob)
            return lnc_refuse(
                cx,
                "the struct '%.60s' is stored packed and has the field '%.60s' of type "
                "%.60s",
                parent->info.name, child->info.name, child->info.logical_type);
        if (child == leaf->def) {
            job->field_at = (size_t)total;
            job->field_index = i;
        }
        all_fixed = all_fixed && is_fixed;
        total += child->phys.width;
    }
    if (!all_fixed)
        total = 0;
    job->n_fields = parent->n_children;
    if (total > UINT32_MAX / 8)
        return lnc_bad(cx, "the struct '%.80s' has %llu bytes", parent->info.name,
                       (unsigned long long)total);
    leaf->packed = (struct lnc_phys){
        .bits = (uint32_t)total * 8, .n_items = 1, .width = (uint32_t)total, .is_packed = true};
    leaf->page_path.n--;
    job->def = parent;
    job->phys = &leaf->packed;
    job->field = &leaf->def->phys;
    return LNC_OK;
}

/* Where a file lacks a leaf it may hold the struct around it in one column (packed). The header
 * column that 2.0 has for each struct is something else. */
static int find_packed(struct lnc_ctx *cx, struct lnc_leaf *leaf, struct lnc_files *files,
                       struct lnc_column_job *job)
{
    const struct lnc_column_def *parent = leaf->node[leaf->path.n - 1];
    if (parent->info.kind != LNC_KIND_STRUCT)
        return LNC_OK;
    int rc = lnc_files_find(cx, files, parent->field, &job->file, &job->column);
    if (rc != LNC_OK || job->file == NULL)
        return rc;
    struct lnc_page_list pages = {0};
    struct lnc_page page = {0};
    bool is_header = job->file->footer.is_legacy;
    if (!is_header) {
        rc = lnc_page_list_load(cx, &job->file->source, &job->file->footer, job->column, &pages);
        if (rc != LNC_OK)
            return rc;
        is_header = pages.n_pages == 0;
        if (!is_header)
            rc = lnc_page_list_get(cx, &pages, 0, &page);
        is_header = is_header || (rc == LNC_OK && page.grammar == LNC_GRAMMAR_20 &&
                                  lnc_array20_is_header(&page));
        lnc_page_list_release(&pages);
    }
    if (is_header)
        job->file = NULL;
    return rc != LNC_OK || is_header ? rc : describe_packed(cx, leaf, parent, job);
}

static int open_leaf(struct lnc_ctx *cx, struct lnc_leaf *leaf, struct lnc_files *files,
                     uint64_t n_rows)
{
    struct lnc_column_job job = {.def = leaf->def,
                                 .phys = &leaf->def->phys,
                                 .path = &leaf->page_path,
                                 .n_rows = LNC_ANY_ROWS};
    leaf->page_path = leaf->path;
    int rc = lnc_files_find(cx, files, leaf->def->field, &job.file, &job.column);
    if (rc == LNC_OK && job.file == NULL)
        rc = find_packed(cx, leaf, files, &job);
    if (rc != LNC_OK || job.file == NULL)
        return rc;
    leaf->is_present = true;
    rc = lnc_column_open(cx, &leaf->reader, files->ds, &job);
    if (rc == LNC_OK)
        rc = find_grammar(cx, leaf);
    if (rc != LNC_OK)
        return rc;
    if (leaf->is_pulled) {
        leaf->reader.job.path = NULL;
        return lnc_leaf_open_lists(cx, leaf, files, n_rows);
    }
    if (leaf->reader.pages.n_rows != n_rows)
        return lnc_bad(cx, "the column has %llu rows, its fragment has %llu",
                       (unsigned long long)leaf->reader.pages.n_rows, (unsigned long long)n_rows);
    return LNC_OK;
}

int lnc_nested_open(struct lnc_ctx *cx, struct lnc_nested *nested, struct lnc_files *files,
                    uint64_t n_rows)
{
    const struct lnc_leaf *previous = NULL;
    nested->rows_left = n_rows;
    for (size_t i = 0; i < nested->n_leaves; i++) {
        struct lnc_leaf *leaf = &nested->leaf[i];
        int rc = open_leaf(cx, leaf, files, n_rows);
        if (rc != LNC_OK)
            return rc;
        if (!leaf->is_present)
            continue;
        leaf->n_verified = 0;
        while (previous != NULL && leaf->n_verified < leaf->path.n &&
               leaf->n_verified < previous->path.n &&
               leaf->node[leaf->n_verified] == previous->node[leaf->n_verified])
            leaf->n_verified++;
        previous = leaf;
    }
    return LNC_OK;
}

size_t lnc_leaf_bytes(const struct lnc_leaf *leaf)
{
    size_t bytes = leaf->values.bytes.size + leaf->values.n_rows * (leaf->def->phys.width + 8u);
    for (size_t i = 0; i < leaf->path.n; i++)
        bytes += leaf->level[i].n_rows * sizeof(uint64_t);
    return bytes;
}

static int fill_leaf(struct lnc_ctx *cx, struct lnc_leaf *leaf)
{
    if (leaf->taken < leaf->n_rows)
        return LNC_OK;
    for (size_t i = 0; i < leaf->path.n; i++)
        lnc_builder_clear(&leaf->level[i]);
    lnc_builder_clear(&leaf->values);
    leaf->n_rows = 0;
    leaf->taken = 0;
    return leaf->is_pulled ? lnc_leaf_fill_lists(cx, leaf) : lnc_leaf_fill_entries(cx, leaf);
}

int lnc_nested_fill(struct lnc_ctx *cx, struct lnc_nested *nested, size_t *in_hand)
{
    uint64_t n = nested->rows_left;
    for (size_t i = 0; i < nested->n_leaves; i++) {
        struct lnc_leaf *leaf = &nested->leaf[i];
        if (!leaf->is_present)
            continue;
        int rc = fill_leaf(cx, leaf);
        if (rc != LNC_OK)
            return rc;
        if (leaf->n_rows - leaf->taken < n)
            n = leaf->n_rows - leaf->taken;
    }
    *in_hand = n < SIZE_MAX ? (size_t)n : SIZE_MAX;
    return LNC_OK;
}

struct range {
    size_t first;
    size_t n;
};

/* What a range of rows of a node is in the node below it. */
static struct range step_in(const struct lnc_builder *level, struct range rows)
{
    if (!lnc_is_list(level->def))
        return rows;
    size_t first = (size_t)lnc_builder_offset(level, rows.first);
    size_t end = (size_t)lnc_builder_offset(level, rows.first + rows.n);
    return (struct range){.first = first, .n = end - first};
}

size_t lnc_nested_row_bytes(const struct lnc_nested *nested, size_t i)
{
    size_t total = 0;
    for (size_t k = 0; k < nested->n_leaves; k++) {
        const struct lnc_leaf *leaf = &nested->leaf[k];
        struct range rows = {.first = leaf->taken + i, .n = 1};
        if (!leaf->is_present)
            continue;
        for (size_t p = 0; p < leaf->path.n; p++) {
            rows = step_in(&leaf->level[p], rows);
            total += rows.n * sizeof(uint64_t);
        }
        total += rows.n * leaf->def->phys.width;
        if (leaf->def->phys.is_var)
            total += (size_t)(lnc_builder_offset(&leaf->values, rows.first + rows.n) -
                              lnc_builder_offset(&leaf->values, rows.first));
    }
    return total;
}

/* Appends a run of rows of one leaf. `at` tells for each node that an earlier leaf has filled where
 * its rows start, and moves on. */
static int append_run(const struct lnc_ctx *cx, const struct lnc_leaf *leaf,
                      struct lnc_builder *builder, struct range rows, size_t *at)
{
    for (size_t p = 0; p < leaf->path.n; p++) {
        const struct lnc_builder *level = &leaf->level[p];
        if (p >= leaf->n_verified) {
            int rc = lnc_builder_copy(cx, builder, level, rows.first, rows.n);
            if (rc != LNC_OK)
                return rc;
        } else if (!lnc_builder_same(builder, at[p], level, rows.first, rows.n)) {
            return lnc_bad(cx,
                           "the fields of '%.80s' do not agree on what is null or how long the "
                           "lists are",
                           level->def->info.name);
        } else {
            at[p] += rows.n;
        }
        rows = step_in(level, rows);
        builder = &builder->children[leaf->child[p]];
    }
    return lnc_builder_copy(cx, builder, &leaf->values, rows.first, rows.n);
}

static int append_leaf(const struct lnc_ctx *cx, const struct lnc_leaf *leaf,
                       struct lnc_builder *builder, size_t n, const uint8_t *keep)
{
    size_t at[LNC_NEST_MAX];
    const struct lnc_builder *b = builder;
    for (size_t p = 0; p < leaf->path.n; p++) {
        at[p] = b->n_taken;
        b = &b->children[leaf->child[p]];
    }
    for (size_t i = 0; i < n;) {
        size_t run = 0;
        while (i + run < n && (keep == NULL || keep[i + run] != 0))
            run++;
        struct range rows = {.first = leaf->taken + i, .n = run};
        int rc = run > 0 ? append_run(cx, leaf, builder, rows, at) : LNC_OK;
        if (rc != LNC_OK)
            return rc;
        i += run > 0 ? run : 1;
    }
    return LNC_OK;
}

/* Fields that the files of the fragment lack are null. Recursion as deep as the schema. */
static int complete(const struct lnc_ctx *cx, struct lnc_builder *builder, uint64_t n_rows)
{
    if (builder->n_rows > n_rows)
        return lnc_bad(cx, "the field '%.80s' has more rows than what it lies in",
                       builder->def->info.name);
    int rc = lnc_builder_append_nulls(cx, builder, (size_t)n_rows - builder->n_rows);
    uint64_t n_items =
        lnc_is_list(builder->def) ? lnc_builder_offset(builder, builder->n_rows) : n_rows;
    for (size_t i = 0; rc == LNC_OK && i < builder->n_children; i++)
        rc = complete(cx, &builder->children[i], n_items);
    builder->n_taken = builder->n_rows;
    return rc;
}

int lnc_nested_append(const struct lnc_ctx *cx, struct lnc_nested *nested,
                      struct lnc_builder *builder, size_t n, const uint8_t *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept += keep == NULL || keep[i] != 0;
    uint64_t n_rows = builder->n_rows + kept;
    for (size_t i = 0; i < nested->n_leaves; i++) {
        struct lnc_leaf *leaf = &nested->leaf[i];
        if (!leaf->is_present)
            continue;
        int rc = append_leaf(cx, leaf, builder, n, keep);
        if (rc != LNC_OK)
            return rc;
        leaf->taken += n;
    }
    nested->rows_left -= n;
    return complete(cx, builder, n_rows);
}
