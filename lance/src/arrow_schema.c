/* Columns as Arrow's format strings. Specification: Arrow C data interface, "Data type
 * description". */
#include "lnc/lnc_arrow.h"

#include <stdio.h>

#include "arrow_int.h"
#include "dataset_int.h"

#define FORMAT_ROOM 96
#define TYPE_ROOM   160

/* What a schema owns: its texts and its children. */
struct owned_schema {
    char format[FORMAT_ROOM];
    char *name;
    char *metadata;
    struct ArrowSchema *nodes; /* of the children */
    struct ArrowSchema **pointers;
};

static void release_schema(struct ArrowSchema *schema)
{
    struct owned_schema *owned = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
    }
    lnc_free(owned->nodes);
    lnc_free(owned->pointers);
    lnc_free(owned->name);
    lnc_free(owned->metadata);
    lnc_free(owned);
    schema->release = NULL;
}

static char unit_letter(enum lnc_unit unit)
{
    switch (unit) {
    case LNC_UNIT_MILLISECOND:
        return 'm';
    case LNC_UNIT_MICROSECOND:
        return 'u';
    case LNC_UNIT_NANOSECOND:
        return 'n';
    default:
        return 's';
    }
}

static const char *plain_format(enum lnc_kind kind)
{
    static const char *const formats[] = {
        [LNC_KIND_NULL] = "n",     [LNC_KIND_BOOL] = "b",     [LNC_KIND_INT8] = "c",
        [LNC_KIND_INT16] = "s",    [LNC_KIND_INT32] = "i",    [LNC_KIND_INT64] = "l",
        [LNC_KIND_UINT8] = "C",    [LNC_KIND_UINT16] = "S",   [LNC_KIND_UINT32] = "I",
        [LNC_KIND_UINT64] = "L",   [LNC_KIND_HALF] = "e",     [LNC_KIND_FLOAT] = "f",
        [LNC_KIND_DOUBLE] = "g",   [LNC_KIND_STRING] = "U",   [LNC_KIND_BINARY] = "Z",
        [LNC_KIND_DATE32] = "tdD", [LNC_KIND_DATE64] = "tdm", [LNC_KIND_STRUCT] = "+s",
        [LNC_KIND_LIST] = "+L",    [LNC_KIND_MAP] = "+m"};
    return (size_t)kind < sizeof formats / sizeof formats[0] ? formats[kind] : NULL;
}

/* The time zone "-" stands for none. */
static int write_timestamp(const struct lnc_column_info *info, char *format)
{
    /* "timestamp:us:<zone>", which schema.c has checked up to there. */
    const char *zone = strchr(strchr(info->logical_type, ':') + 1, ':') + 1;
    return snprintf(format, FORMAT_ROOM, "ts%c:%s", unit_letter(info->unit),
                    strcmp(zone, "-") == 0 ? "" : zone);
}

static int write_decimal(const struct lnc_column_info *info, char *format)
{
    if (info->byte_width == 16)
        return snprintf(format, FORMAT_ROOM, "d:%d,%d", info->precision, info->scale);
    return snprintf(format, FORMAT_ROOM, "d:%d,%d,%u", info->precision, info->scale,
                    8 * info->byte_width);
}

static const char *small_format(enum lnc_kind kind)
{
    switch (kind) {
    case LNC_KIND_STRING:
        return "u";
    case LNC_KIND_BINARY:
        return "z";
    case LNC_KIND_LIST:
        return "+l";
    default:
        return plain_format(kind);
    }
}

static int write_format(const struct lnc_column_info *info, char *format)
{
    const char *plain = info->is_large ? plain_format(info->kind) : small_format(info->kind);
    if (plain != NULL)
        return snprintf(format, FORMAT_ROOM, "%s", plain);
    switch (info->kind) {
    case LNC_KIND_TIME32:
    case LNC_KIND_TIME64:
        return snprintf(format, FORMAT_ROOM, "tt%c", unit_letter(info->unit));
    case LNC_KIND_DURATION:
        return snprintf(format, FORMAT_ROOM, "tD%c", unit_letter(info->unit));
    case LNC_KIND_TIMESTAMP:
        return write_timestamp(info, format);
    case LNC_KIND_DECIMAL:
        return write_decimal(info, format);
    case LNC_KIND_BYTES:
        return snprintf(format, FORMAT_ROOM, "w:%u", info->byte_width);
    case LNC_KIND_VECTOR:
        return snprintf(format, FORMAT_ROOM, "+w:%u", info->n_items);
    default:
        return -1;
    }
}

/* Makes a node with room for n children, which are empty. */
static int new_node(const struct lnc_ctx *cx, const char *name, size_t n_children,
                    struct ArrowSchema *out)
{
    struct owned_schema *owned = lnc_calloc(cx, 1, sizeof *owned);
    if (owned != NULL) {
        owned->name = lnc_calloc(cx, strlen(name) + 1, 1);
        owned->nodes = lnc_calloc(cx, n_children + 1, sizeof *owned->nodes);
        owned->pointers = lnc_calloc(cx, n_children + 1, sizeof(struct ArrowSchema *));
    }
    if (owned == NULL || owned->name == NULL || owned->nodes == NULL || owned->pointers == NULL) {
        if (owned != NULL) {
            lnc_free(owned->name);
            lnc_free(owned->nodes);
            lnc_free(owned->pointers);
        }
        lnc_free(owned);
        return lnc_no_memory(cx, n_children * sizeof *out);
    }
    memcpy(owned->name, name, strlen(name) + 1);
    for (size_t i = 0; i < n_children; i++)
        owned->pointers[i] = &owned->nodes[i];
    *out = (struct ArrowSchema){.format = owned->format,
                                .name = owned->name,
                                .n_children = (int64_t)n_children,
                                .children = owned->pointers,
                                .release = release_schema,
                                .private_data = owned};
    return LNC_OK;
}

/* Arrow's form: a number of pairs, then size and bytes of each key and value, in int32_t. */
static char *put_sized(char *p, const char *bytes, size_t size)
{
    int32_t n = (int32_t)size;
    memcpy(p, &n, sizeof n);
    if (size > 0)
        memcpy(p + sizeof n, bytes, size);
    return p + sizeof n + size;
}

static int set_metadata(const struct lnc_ctx *cx, const struct lnc_metadata *pairs, size_t n,
                        struct ArrowSchema *out)
{
    struct owned_schema *owned = out->private_data;
    uint64_t size = sizeof(int32_t);
    void *memory;
    if (n == 0)
        return LNC_OK;
    /* They lie in the manifest, so that the sum does not overflow. */
    for (size_t i = 0; i < n; i++)
        size += 2 * sizeof(int32_t) + pairs[i].key_size + pairs[i].value_size;
    if (size > INT32_MAX)
        return lnc_fail_ctx(cx, LNC_ELIMIT, "there is more metadata than Arrow can hold");
    int rc = lnc_alloc(cx, (size_t)size, &memory);
    if (rc != LNC_OK)
        return rc;
    owned->metadata = memory;
    out->metadata = owned->metadata;
    int32_t count = (int32_t)n;
    memcpy(owned->metadata, &count, sizeof count);
    char *p = owned->metadata + sizeof count;
    for (size_t i = 0; i < n; i++) {
        p = put_sized(p, pairs[i].key, pairs[i].key_size);
        p = put_sized(p, pairs[i].value, pairs[i].value_size);
    }
    return LNC_OK;
}

static char *format_of(const struct ArrowSchema *schema)
{
    return ((struct owned_schema *)schema->private_data)->format;
}

static int refuse(const struct lnc_column_info *info, struct lnc_error *err)
{
    return lnc_fail(err, LNC_EUNSUPPORTED,
                    "column '%.80s' has the type %.80s, which is not read: "
                    "leave it out",
                    info->name, info->logical_type);
}

/* The logical type of the items of a vector: what stands between "fixed_size_list:" and the
 * dimension. */
static bool write_item_type(const struct lnc_column_info *info, char type[TYPE_ROOM])
{
    const char *inner = strchr(info->logical_type, ':') + 1;
    size_t size = (size_t)(strrchr(inner, ':') - inner);
    if (size >= TYPE_ROOM)
        return false;
    memcpy(type, inner, size);
    type[size] = '\0';
    return true;
}

static int export_column(const struct lnc_ctx *cx, const struct lnc_column_info *info,
                         unsigned depth, struct ArrowSchema *out)
{
    bool is_vector = info->kind == LNC_KIND_VECTOR;
    if (depth > LNC_ARROW_DEPTH_MAX)
        return lnc_fail(cx->err, LNC_ELIMIT, "column '%.80s' is nested more than %d levels deep",
                        info->name, LNC_ARROW_DEPTH_MAX);
    int rc = new_node(cx, info->name, is_vector ? 1 : info->n_children, out);
    if (rc != LNC_OK)
        return rc;
    int size = write_format(info, format_of(out));
    if (size < 0 || size >= FORMAT_ROOM)
        rc = refuse(info, cx->err);
    if (rc == LNC_OK)
        rc = set_metadata(cx, info->metadata, info->n_metadata, out);
    out->flags = info->nullable || info->kind == LNC_KIND_NULL ? ARROW_FLAG_NULLABLE : 0;
    if (rc == LNC_OK && is_vector) {
        char type[TYPE_ROOM];
        if (!write_item_type(info, type)) {
            out->release(out);
            return refuse(info, cx->err);
        }
        struct lnc_column_info item = {.name = "item",
                                       .logical_type = type,
                                       .kind = info->item_kind,
                                       .unit = info->unit,
                                       .precision = info->precision,
                                       .scale = info->scale,
                                       .byte_width = info->byte_width / info->n_items,
                                       .nullable = true};
        rc = export_column(cx, &item, depth + 1, out->children[0]);
    }
    for (size_t i = 0; rc == LNC_OK && i < info->n_children; i++)
        rc = export_column(cx, &info->children[i], depth + 1, out->children[i]);
    if (rc != LNC_OK)
        out->release(out);
    return rc;
}

int lnc_arrow_schema(const struct lnc_dataset *ds, const char *const *columns, size_t n_columns,
                     struct ArrowSchema *out, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    size_t room = columns != NULL ? n_columns : ds->n_columns;
    size_t *chosen = lnc_calloc(&cx, room + 1, sizeof *chosen);
    size_t n = 0;
    int rc = chosen == NULL ? lnc_no_memory(&cx, room * sizeof *chosen) : LNC_OK;
    for (size_t i = 0; rc == LNC_OK && columns != NULL && i < n_columns; i++)
        rc = lnc_dataset_find_column(ds, columns[i], &chosen[n++], err);
    for (size_t i = 0; rc == LNC_OK && columns == NULL && i < ds->n_columns; i++) {
        if (ds->columns[i].info.kind != LNC_KIND_UNREADABLE)
            chosen[n++] = i;
    }
    struct ArrowSchema root = {.release = NULL};
    if (rc == LNC_OK)
        rc = new_node(&cx, "", n, &root);
    if (rc == LNC_OK) {
        (void)snprintf(format_of(&root), FORMAT_ROOM, "+s");
        rc = set_metadata(&cx, ds->manifest.metadata, ds->manifest.n_metadata, &root);
    }
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        rc = export_column(&cx, &ds->columns[chosen[i]].info, 1, root.children[i]);
    if (rc == LNC_OK)
        *out = root;
    else if (root.release != NULL)
        root.release(&root);
    lnc_free(chosen);
    return rc;
}
