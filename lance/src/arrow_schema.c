/* Columns as Arrow's format strings. Specification: Arrow C data interface, "Data type
 * description". */
#include "lnc/lnc_arrow.h"

#include <stdio.h>
#include <stdlib.h>

#include "arrow_int.h"
#include "dataset_int.h"

#define FORMAT_ROOM 96

/* What a schema owns: its texts and its children. */
struct owned_schema {
    char format[FORMAT_ROOM];
    char *name;
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

/* What stands behind the n-th colon of a logical type. */
static const char *part_of(const char *type, unsigned n)
{
    for (; n > 0 && type != NULL; n--) {
        type = strchr(type, ':');
        type = type != NULL ? type + 1 : NULL;
    }
    return type != NULL ? type : "";
}

/* The time zone "-" stands for none. */
static int write_timestamp(const struct lnc_column_info *info, char *format)
{
    const char *zone = part_of(info->logical_type, 2);
    return snprintf(format, FORMAT_ROOM, "ts%c:%s", unit_letter(info->unit),
                    strcmp(zone, "-") == 0 ? "" : zone);
}

static int write_decimal(const struct lnc_column_info *info, char *format)
{
    int precision = 0;
    int scale = 0;
    char *end = NULL;
    const char *text = part_of(info->logical_type, 2);
    precision = (int)strtol(text, &end, 10);
    scale = (int)strtol(part_of(info->logical_type, 3), &end, 10);
    if (info->byte_width == 16)
        return snprintf(format, FORMAT_ROOM, "d:%d,%d", precision, scale);
    return snprintf(format, FORMAT_ROOM, "d:%d,%d,%u", precision, scale, 8 * info->byte_width);
}

static int write_format(const struct lnc_column_info *info, char *format)
{
    const char *plain = plain_format(info->kind);
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
    out->flags = info->nullable || info->kind == LNC_KIND_NULL ? ARROW_FLAG_NULLABLE : 0;
    if (rc == LNC_OK && is_vector) {
        struct lnc_column_info item = {.name = "item",
                                       .logical_type = "",
                                       .kind = info->item_kind,
                                       .unit = info->unit,
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
    if (rc == LNC_OK)
        (void)snprintf(format_of(&root), FORMAT_ROOM, "+s");
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        rc = export_column(&cx, &ds->columns[chosen[i]].info, 1, root.children[i]);
    if (rc == LNC_OK)
        *out = root;
    else if (root.release != NULL)
        root.release(&root);
    lnc_free(chosen);
    return rc;
}
