#include "expect.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "lnc/lnc.h"

struct json {
    const char *p;
    const char *end;
};

/* One value: a string is decoded, everything else is its text. */
struct value {
    char type; /* 's' string, 'n' number, 't' true, 'f' false, '0' null, '['
                  array, '{' object with one string member */
    char key[8];
    char *text;
    size_t size;
};

static void value_free(struct value *value)
{
    free(value->text);
    *value = (struct value){0};
}

static void skip_space(struct json *json)
{
    while (json->p < json->end &&
           (*json->p == ' ' || *json->p == '\n' || *json->p == '\r' || *json->p == '\t'))
        json->p++;
}

static bool take_char(struct json *json, char wanted)
{
    skip_space(json);
    if (json->p == json->end || *json->p != wanted)
        return false;
    json->p++;
    return true;
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return (unsigned)((c | 32) - 'a' + 10);
}

static unsigned hex4(const char *p)
{
    return hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 | hex_digit(p[3]);
}

static size_t put_utf8(char *dst, unsigned c)
{
    if (c < 0x80) {
        dst[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        dst[0] = (char)(0xc0 | c >> 6);
        dst[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        dst[0] = (char)(0xe0 | c >> 12);
        dst[1] = (char)(0x80 | (c >> 6 & 63));
        dst[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    dst[0] = (char)(0xf0 | c >> 18);
    dst[1] = (char)(0x80 | (c >> 12 & 63));
    dst[2] = (char)(0x80 | (c >> 6 & 63));
    dst[3] = (char)(0x80 | (c & 63));
    return 4;
}

static size_t put_escape(struct json *json, char *dst)
{
    char c = *json->p++;
    const char *names = "nrtbf";
    const char *codes = "\n\r\t\b\f";
    const char *found = strchr(names, c);
    if (found != NULL && c != '\0') {
        *dst = codes[found - names];
        return 1;
    }
    if (c != 'u') {
        *dst = c;
        return 1;
    }
    unsigned code = hex4(json->p);
    json->p += 4;
    if (code >= 0xd800 && code < 0xdc00 && json->p[0] == '\\' && json->p[1] == 'u') {
        code = 0x10000 + ((code - 0xd800) << 10) + (hex4(json->p + 2) - 0xdc00);
        json->p += 6;
    }
    return put_utf8(dst, code);
}

static bool take_string(struct json *json, struct value *out)
{
    if (!take_char(json, '"'))
        return false;
    const char *close = json->p;
    while (close < json->end && *close != '"')
        close += *close == '\\' ? 2 : 1;
    out->type = 's';
    out->text = malloc((size_t)(close - json->p) + 1);
    out->size = 0;
    while (out->text != NULL && json->p < close) {
        if (*json->p != '\\') {
            out->text[out->size++] = *json->p++;
            continue;
        }
        json->p++;
        out->size += put_escape(json, out->text + out->size);
    }
    if (out->text != NULL)
        out->text[out->size] = '\0';
    json->p = close + 1;
    return out->text != NULL;
}

/* The text of a value that is not a string, up to its end. */
static bool take_raw(struct json *json, struct value *out)
{
    const char *start = json->p;
    int depth = 0;
    bool in_string = false;
    for (; json->p < json->end; json->p++) {
        char c = *json->p;
        if (in_string && c == '\\') {
            json->p++;
            continue;
        }
        if (c == '"')
            in_string = !in_string;
        if (in_string)
            continue;
        if ((c == ',' || c == '}' || c == ']') && depth == 0)
            break;
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
    }
    out->size = (size_t)(json->p - start);
    out->text = malloc(out->size + 1);
    if (out->text == NULL)
        return false;
    memcpy(out->text, start, out->size);
    out->text[out->size] = '\0';
    char first = out->text[0];
    out->type = first == 'n'                                                   ? '0'
                : first == 't' || first == 'f' || first == '[' || first == '{' ? first
                                                                               : 'n';
    return true;
}

static bool take_value(struct json *json, struct value *out)
{
    skip_space(json);
    if (json->p < json->end && *json->p == '"')
        return take_string(json, out);
    if (json->p + 2 < json->end && json->p[0] == '{' && json->p[1] == '"' && json->p[2] == '$') {
        struct value key = {0};
        json->p++;
        bool ok = take_string(json, &key) && take_char(json, ':') && take_string(json, out) &&
                  take_char(json, '}');
        out->type = '{';
        (void)snprintf(out->key, sizeof out->key, "%s", key.text != NULL ? key.text : "");
        value_free(&key);
        return ok;
    }
    return take_raw(json, out);
}

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
    uint32_t w[80];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (size_t i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0];
    uint32_t b = h[1];
    uint32_t c = h[2];
    uint32_t d = h[3];
    uint32_t e = h[4];
    for (size_t i = 0; i < 80; i++) {
        static const uint32_t constant[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t f = i < 20              ? (b & c) | (~b & d)
                     : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
                                         : b ^ c ^ d;
        uint32_t next = rotate(a, 5) + f + e + constant[i / 20] + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void sha1_hex(const uint8_t *data, size_t size, char out[41])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t tail[128] = {0};
    size_t full = size / 64;
    size_t rest = size % 64;
    for (size_t i = 0; i < full; i++)
        sha1_block(h, data + 64 * i);
    memcpy(tail, data + 64 * full, rest);
    tail[rest] = 0x80;
    size_t tail_size = rest < 56 ? 64 : 128;
    for (size_t i = 0; i < 8; i++)
        tail[tail_size - 1 - i] = (uint8_t)((uint64_t)size * 8 >> (8 * i));
    for (size_t i = 0; i < tail_size; i += 64)
        sha1_block(h, tail + i);
    for (size_t i = 0; i < 5; i++)
        (void)snprintf(out + 8 * i, 9, "%08" PRIx32, h[i]);
}

static bool same_hex(const uint8_t *data, size_t size, const struct value *value)
{
    if (value->size != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if ((hex_digit(value->text[2 * i]) << 4 | hex_digit(value->text[2 * i + 1])) != data[i])
            return false;
    }
    return true;
}

static bool same_number(double got, const struct value *value)
{
    if (value->type == '{') {
        if (strcmp(value->text, "nan") == 0)
            return isnan(got);
        if (strcmp(value->text, "-0") == 0)
            return got == 0 && signbit(got);
        return isinf(got) && (got < 0) == (value->text[0] == '-');
    }
    return value->type == 'n' && got == strtod(value->text, NULL) &&
           !signbit(got * 0 + (got == 0 ? got : 0));
}

static bool same_integer(const struct lnc_column *column, size_t row, const struct value *value)
{
    char text[32];
    int64_t got = lnc_column_int64(column, row);
    if (column->kind == LNC_KIND_UINT64)
        (void)snprintf(text, sizeof text, "%" PRIu64, (uint64_t)got);
    else
        (void)snprintf(text, sizeof text, "%" PRId64, got);
    return (value->type == 'n' || value->type == '{') && strcmp(text, value->text) == 0;
}

static bool same_value(const struct lnc_column *column, size_t row, const struct value *value);

/* Items of a short vector or of a list stand as an array: n of them, from row
 * `first` of `items`. */
static bool same_items(const struct lnc_column *items, size_t first, size_t n,
                       const struct value *value)
{
    struct json json = {.p = value->text + 1, .end = value->text + value->size};
    bool same = value->type == '[';
    for (size_t i = 0; same && i < n; i++) {
        struct value item = {0};
        same = (i == 0 || take_char(&json, ',')) && take_value(&json, &item) &&
               same_value(items, first + i, &item);
        value_free(&item);
    }
    return same && take_char(&json, ']');
}

/* The items of a vector as a column. */
static struct lnc_column vector_items(const struct lnc_column *column)
{
    return (struct lnc_column){.kind = column->item_kind,
                               .validity = column->items_valid,
                               .values = column->values,
                               .byte_width = column->byte_width / column->n_items};
}

static const struct lnc_column *find_child(const struct lnc_column *column, const char *name)
{
    for (size_t i = 0; i < column->n_children; i++) {
        if (strcmp(column->children[i].name, name) == 0)
            return &column->children[i];
    }
    return NULL;
}

/* Fields of a struct stand as an object. */
static bool same_fields(const struct lnc_column *column, size_t row, const struct value *value)
{
    struct json json = {.p = value->text + 1, .end = value->text + value->size};
    bool same = value->type == '{' && value->key[0] == '\0';
    for (size_t i = 0; same && i < column->n_children; i++) {
        struct value name = {0};
        struct value field = {0};
        same = (i == 0 || take_char(&json, ',')) && take_string(&json, &name) &&
               take_char(&json, ':') && take_value(&json, &field);
        const struct lnc_column *child = same ? find_child(column, name.text) : NULL;
        same = child != NULL && same_value(child, row, &field);
        value_free(&name);
        value_free(&field);
    }
    return same && take_char(&json, '}');
}

static bool same_vector(const struct lnc_column *column, size_t row, const struct value *value)
{
    char hex[41];
    struct lnc_column items = vector_items(column);
    if (value->type == '[')
        return same_items(&items, row * column->n_items, column->n_items, value);
    sha1_hex((const uint8_t *)column->values + row * column->byte_width, column->byte_width, hex);
    return strcmp(hex, value->text) == 0;
}

/* The JavaScript client reads where a blob lies, not the blob: {"position":N,"size":N}. Of 2.0 it
 * shows the mark of a null as it is. */
static bool is_null(const struct value *value)
{
    return value->type == '0' ||
           (value->type == '{' && strcmp(value->text, "{\"position\":1,\"size\":0}") == 0);
}

static bool same_place(size_t size, const struct value *value)
{
    char end[64];
    (void)snprintf(end, sizeof end, "\"size\":%zu}", size);
    size_t n = strlen(end);
    return value->size > n && strcmp(value->text + value->size - n, end) == 0;
}

static bool same_value(const struct lnc_column *column, size_t row, const struct value *value)
{
    size_t size = 0;
    const char *text;
    char hex[41];
    if (lnc_column_is_null(column, row) || is_null(value))
        return lnc_column_is_null(column, row) && is_null(value);
    switch (column->kind) {
    case LNC_KIND_BOOL:
        return value->type == (lnc_column_int64(column, row) != 0 ? 't' : 'f');
    case LNC_KIND_STRING:
        text = lnc_column_string(column, row, &size);
        if (strcmp(value->key, "$s") == 0) {
            sha1_hex((const uint8_t *)text, size, hex);
            return strcmp(hex, value->text) == 0;
        }
        return value->type == 's' && size == value->size && memcmp(text, value->text, size) == 0;
    case LNC_KIND_BINARY:
        text = lnc_column_string(column, row, &size);
        if (value->type == '{' && value->key[0] == '\0')
            return same_place(size, value);
        return same_hex((const uint8_t *)text, size, value);
    case LNC_KIND_DECIMAL:
    case LNC_KIND_BYTES:
        return same_hex((const uint8_t *)column->values + row * column->byte_width,
                        column->byte_width, value);
    case LNC_KIND_HALF:
    case LNC_KIND_FLOAT:
    case LNC_KIND_DOUBLE:
        return same_number(lnc_column_double(column, row), value);
    case LNC_KIND_VECTOR:
        return same_vector(column, row, value);
    case LNC_KIND_STRUCT:
        return same_fields(column, row, value);
    case LNC_KIND_LIST:
    case LNC_KIND_MAP:
        return same_items(&column->children[0], (size_t)column->offsets[row],
                          (size_t)(column->offsets[row + 1] - column->offsets[row]), value);
    default:
        return same_integer(column, row, value);
    }
}

static const struct lnc_column *find_column(const struct lnc_batch *batch, const char *name)
{
    for (size_t i = 0; i < batch->n_columns; i++) {
        if (strcmp(batch->columns[i].name, name) == 0)
            return &batch->columns[i];
    }
    return NULL;
}

/* Compares one row with one line. */
static bool same_row(const struct lnc_batch *batch, size_t row, const char *line, size_t size,
                     struct expect_result *result)
{
    struct json json = {.p = line, .end = line + size};
    size_t n_compared = 0;
    bool same = take_char(&json, '{');
    skip_space(&json);
    while (same && json.p < json.end && *json.p != '}') {
        struct value name = {0};
        struct value value = {0};
        same = take_string(&json, &name) && take_char(&json, ':') && take_value(&json, &value);
        const struct lnc_column *column = same ? find_column(batch, name.text) : NULL;
        if (column != NULL) {
            n_compared++;
            same = same_value(column, row, &value);
        }
        if (!same && result->message[0] == '\0')
            (void)snprintf(
                result->message, sizeof result->message, "row %llu column '%s': expected %.300s",
                (unsigned long long)batch->first_row + row, name.text != NULL ? name.text : "?",
                value.text != NULL ? value.text : "?");
        value_free(&name);
        value_free(&value);
        (void)take_char(&json, ',');
    }
    if (same && n_compared != batch->n_columns) {
        (void)snprintf(result->message, sizeof result->message,
                       "the expected row has %zu of %zu columns", n_compared, batch->n_columns);
        return false;
    }
    return same;
}

static bool compare_rows(struct lnc_scan *scan, FILE *file, struct expect_result *result)
{
    struct lnc_error err;
    char *line = NULL;
    size_t room = 0;
    bool same = true;
    for (;;) {
        struct lnc_batch batch = {0};
        if (lnc_scan_next(scan, &batch, &err) != LNC_OK) {
            (void)snprintf(result->message, sizeof result->message, "%s", err.message);
            same = false;
        }
        for (size_t row = 0; same && row < batch.n_rows; row++) {
            ssize_t size = getline(&line, &room, file);
            if (size <= 0) {
                (void)snprintf(result->message, sizeof result->message, "more rows than expected");
                same = false;
            }
            same = same && same_row(&batch, row, line, (size_t)size, result);
        }
        result->n_rows += batch.n_rows;
        bool is_last = batch.n_rows == 0;
        lnc_batch_release(&batch);
        if (!same || is_last)
            break;
    }
    if (same && getline(&line, &room, file) > 0) {
        (void)snprintf(result->message, sizeof result->message, "rows are missing after row %llu",
                       result->n_rows);
        same = false;
    }
    free(line);
    return same;
}

static bool compare_table(const struct lnc_dataset *ds, FILE *file, size_t batch_rows,
                          struct expect_result *result)
{
    struct lnc_error err;
    struct lnc_scan *scan = NULL;
    size_t n = lnc_dataset_n_columns(ds);
    const char **names = calloc(n + 1, sizeof *names);
    if (names == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct lnc_column_info *info = lnc_dataset_column(ds, i);
        if (info->kind == LNC_KIND_UNREADABLE)
            result->n_skipped++;
        else
            names[result->n_columns++] = info->name;
    }
    struct lnc_scan_options options = {
        .columns = names, .n_columns = result->n_columns, .batch_rows = batch_rows};
    bool same = lnc_scan_open(ds, &options, &scan, &err) == LNC_OK;
    if (!same)
        (void)snprintf(result->message, sizeof result->message, "%s", err.message);
    same = same && compare_rows(scan, file, result);
    lnc_scan_close(scan);
    free(names);
    uint64_t count = 0;
    if (same && (lnc_dataset_count_rows(ds, &count, &err) != LNC_OK || count != result->n_rows)) {
        (void)snprintf(result->message, sizeof result->message,
                       "the manifest counts %" PRIu64 " rows, the scan %llu", count,
                       result->n_rows);
        same = false;
    }
    return same;
}

int expect_table(const char *path, const char *jsonl_path, size_t batch_rows,
                 struct expect_result *result)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_error err;
    *result = (struct expect_result){0};
    if (lnc_dataset_open(path, NULL, &ds, &err) != LNC_OK) {
        (void)snprintf(result->message, sizeof result->message, "%s", err.message);
        return -1;
    }
    FILE *file = fopen(jsonl_path, "re");
    bool same = false;
    if (file == NULL)
        (void)snprintf(result->message, sizeof result->message, "%s: cannot open the expected rows",
                       jsonl_path);
    else
        same = compare_table(ds, file, batch_rows, result);
    if (file != NULL)
        (void)fclose(file);
    lnc_dataset_close(ds);
    return same ? 0 : -1;
}
