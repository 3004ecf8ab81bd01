/* Batches as Arrow arrays. Specification: Arrow C data interface, "The ArrowArray structure", and
 * Arrow columnar format for the buffers of each layout. */
#include <stdatomic.h>

#include "arrow_int.h"
#include "batch_int.h"
#include "lnc/lnc_arrow.h"

/* The batch, held by every array that points into it: consumers move children out of their parent
 * and release them whenever they like, in any thread. */
struct holder {
    atomic_size_t n_holders;
    struct lnc_batch batch;
};

struct owned_array {
    struct holder *holder;
    const void *buffers[3];
    void *packed[2]; /* made for this array: bits of validity, bits or offsets of values */
    struct ArrowArray *nodes;
    struct ArrowArray **pointers;
};

static void let_go(struct holder *holder)
{
    if (atomic_fetch_sub_explicit(&holder->n_holders, 1, memory_order_acq_rel) != 1)
        return;
    lnc_batch_release(&holder->batch);
    lnc_free(holder);
}

static void release_array(struct ArrowArray *array)
{
    struct owned_array *owned = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release != NULL)
            array->children[i]->release(array->children[i]);
    }
    lnc_free(owned->packed[0]);
    lnc_free(owned->packed[1]);
    lnc_free(owned->nodes);
    lnc_free(owned->pointers);
    let_go(owned->holder);
    lnc_free(owned);
    array->release = NULL;
}

static int new_node(struct holder *holder, size_t length, size_t n_children, struct ArrowArray *out,
                    struct lnc_error *err)
{
    struct lnc_memory *memory = lnc_memory_of(holder);
    struct owned_array *owned = lnc_memory_calloc(memory, 1, sizeof *owned);
    if (owned != NULL) {
        owned->nodes = lnc_memory_calloc(memory, n_children + 1, sizeof *owned->nodes);
        owned->pointers = lnc_memory_calloc(memory, n_children + 1, sizeof(struct ArrowArray *));
    }
    if (owned == NULL || owned->nodes == NULL || owned->pointers == NULL) {
        if (owned != NULL) {
            lnc_free(owned->nodes);
            lnc_free(owned->pointers);
        }
        lnc_free(owned);
        return lnc_memory_fail(memory, n_children * sizeof *out, err);
    }
    for (size_t i = 0; i < n_children; i++)
        owned->pointers[i] = &owned->nodes[i];
    owned->holder = holder;
    atomic_fetch_add_explicit(&holder->n_holders, 1, memory_order_relaxed);
    *out = (struct ArrowArray){.length = (int64_t)length,
                               .n_children = (int64_t)n_children,
                               .buffers = owned->buffers,
                               .children = owned->pointers,
                               .release = release_array,
                               .private_data = owned};
    return LNC_OK;
}

/* Bytes of 0 and 1 as bits, least significant first. Arrow asks for room in multiples of 8
 * bytes. */
static int pack_bits(const struct holder *holder, const uint8_t *bytes, size_t n, void **out,
                     struct lnc_error *err)
{
    struct lnc_memory *memory = lnc_memory_of(holder);
    uint8_t *bits = lnc_memory_calloc(memory, n / 64 + 1, 8);
    if (bits == NULL)
        return lnc_memory_fail(memory, n / 8, err);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0)
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    *out = bits;
    return LNC_OK;
}

/* Offsets of 32 bits, which is all that maps and types that are not declared large have. */
static int narrow_offsets(const struct holder *holder, const struct lnc_column *column, void **out,
                          struct lnc_error *err)
{
    struct lnc_memory *memory = lnc_memory_of(holder);
    if (column->offsets[column->n_rows] > INT32_MAX)
        return lnc_fail(err, LNC_ELIMIT,
                        "column '%.80s' has more in one batch than the offsets of its type can "
                        "count (2^31 - 1): ask for fewer rows or bytes in a batch",
                        column->name);
    int32_t *offsets = lnc_memory_calloc(memory, column->n_rows + 1, sizeof *offsets);
    if (offsets == NULL)
        return lnc_memory_fail(memory, column->n_rows * sizeof *offsets, err);
    for (size_t i = 0; i <= column->n_rows; i++)
        offsets[i] = (int32_t)column->offsets[i];
    *out = offsets;
    return LNC_OK;
}

static int set_offsets(const struct lnc_column *column, struct owned_array *owned,
                       struct lnc_error *err)
{
    owned->buffers[1] = column->offsets;
    if (column->is_large)
        return LNC_OK;
    int rc = narrow_offsets(owned->holder, column, &owned->packed[1], err);
    owned->buffers[1] = owned->packed[1];
    return rc;
}

/* The buffers behind that of validity. */
static int set_values(const struct lnc_column *column, struct ArrowArray *out,
                      struct lnc_error *err)
{
    struct owned_array *owned = out->private_data;
    int rc = LNC_OK;
    switch (column->kind) {
    case LNC_KIND_NULL:
        out->n_buffers = 0;
        break;
    case LNC_KIND_STRUCT:
    case LNC_KIND_VECTOR:
        out->n_buffers = 1;
        break;
    case LNC_KIND_STRING:
    case LNC_KIND_BINARY:
        out->n_buffers = 3;
        rc = set_offsets(column, owned, err);
        owned->buffers[2] = column->bytes;
        break;
    case LNC_KIND_LIST:
    case LNC_KIND_MAP:
        out->n_buffers = 2;
        rc = set_offsets(column, owned, err);
        break;
    case LNC_KIND_BOOL:
        out->n_buffers = 2;
        rc = pack_bits(owned->holder, column->values, column->n_rows, &owned->packed[1], err);
        owned->buffers[1] = owned->packed[1];
        break;
    default:
        out->n_buffers = 2;
        owned->buffers[1] = column->values;
        break;
    }
    return rc;
}

static int export_column(struct holder *holder, const struct lnc_column *column, unsigned depth,
                         struct ArrowArray *out, struct lnc_error *err);

static size_t count_zeros(const uint8_t *bytes, size_t n)
{
    size_t zeros = 0;
    for (size_t i = 0; bytes != NULL && i < n; i++)
        zeros += bytes[i] == 0;
    return zeros;
}

/* The numbers of a vector, as a column of their own. */
static int export_items(struct holder *holder, const struct lnc_column *column, unsigned depth,
                        struct ArrowArray *out, struct lnc_error *err)
{
    size_t n = 0;
    if (__builtin_mul_overflow(column->n_rows, (size_t)column->n_items, &n))
        return lnc_fail(err, LNC_ELIMIT, "column '%.80s' has too many numbers in one batch",
                        column->name);
    const struct lnc_column items = {.name = "item",
                                     .kind = column->item_kind,
                                     .unit = column->unit,
                                     .byte_width = column->byte_width / column->n_items,
                                     .values = column->values,
                                     .validity = column->items_valid,
                                     .n_nulls = count_zeros(column->items_valid, n),
                                     .n_rows = n};
    return export_column(holder, &items, depth, out, err);
}

static int export_column(struct holder *holder, const struct lnc_column *column, unsigned depth,
                         struct ArrowArray *out, struct lnc_error *err)
{
    bool is_vector = column->kind == LNC_KIND_VECTOR;
    if (depth > LNC_ARROW_DEPTH_MAX)
        return lnc_fail(err, LNC_ELIMIT, "column '%.80s' is nested more than %d levels deep",
                        column->name, LNC_ARROW_DEPTH_MAX);
    int rc = new_node(holder, column->n_rows, is_vector ? 1 : column->n_children, out, err);
    if (rc != LNC_OK)
        return rc;
    struct owned_array *owned = out->private_data;
    out->null_count = (int64_t)column->n_nulls;
    rc = set_values(column, out, err);
    if (rc == LNC_OK && column->validity != NULL && out->n_buffers > 0) {
        rc = pack_bits(holder, column->validity, column->n_rows, &owned->packed[0], err);
        owned->buffers[0] = owned->packed[0];
    }
    if (rc == LNC_OK && is_vector)
        rc = export_items(holder, column, depth + 1, out->children[0], err);
    for (size_t i = 0; rc == LNC_OK && i < column->n_children; i++)
        rc = export_column(holder, &column->children[i], depth + 1, out->children[i], err);
    if (rc != LNC_OK)
        out->release(out);
    return rc;
}

int lnc_arrow_array(struct lnc_batch *batch, struct ArrowArray *out, struct lnc_error *err)
{
    struct lnc_memory *memory = lnc_batch_memory(batch);
    struct holder *holder = lnc_memory_calloc(memory, 1, sizeof *holder);
    struct ArrowArray root = {.release = NULL};
    if (holder == NULL)
        return lnc_memory_fail(memory, sizeof *holder, err);
    atomic_init(&holder->n_holders, 1);
    int rc = new_node(holder, batch->n_rows, batch->n_columns, &root, err);
    if (rc == LNC_OK)
        root.n_buffers = 1; /* validity: none */
    for (size_t i = 0; rc == LNC_OK && i < batch->n_columns; i++)
        rc = export_column(holder, &batch->columns[i], 1, root.children[i], err);
    if (rc == LNC_OK) {
        holder->batch = *batch;
        *batch = (struct lnc_batch){.release = NULL};
        *out = root;
    } else if (root.release != NULL) {
        root.release(&root);
    }
    let_go(holder);
    return rc;
}
