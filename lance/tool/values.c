#include "values.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX    64
#define SAFE_INTEGER (INT64_C(1) << 53)

/* Length of the UTF-8 sequence at p (Unicode 15, table 3-7), 0 if it is none. */
static size_t sequence_size(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high, size;
    } forms[] = {
        {0x00, 0x7f, 0x80, 0xbf, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
            continue;
        size_t size = forms[i].size;
        if (size > left ||
            (size > 1 && (p[1] < forms[i].second_low || p[1] > forms[i].second_high)))
            return 0;
        for (size_t k = 2; k < size; k++) {
            if (p[k] < 0x80 || p[k] > 0xbf)
                return 0;
        }
        return size;
    }
    return 0;
}

/* Number of bytes from the beginning that a JSON string takes as they are. */
static size_t plain_size(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        unsigned char c = (unsigned char)text[i];
        size_t n = c < 0x80 ? 1 : sequence_size((const unsigned char *)text + i, size - i);
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f || n == 0)
            break;
        i += n;
    }
    return i;
}

static bool is_utf8(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        unsigned char c = (unsigned char)text[i];
        size_t n = c < 0x80 ? 1 : sequence_size((const unsigned char *)text + i, size - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

static void print_escaped(FILE *out, const char *text, size_t size)
{
    putc('"', out);
    for (size_t i = 0; i < size; i++) {
        size_t n = plain_size(text + i, size - i);
        (void)fwrite(text + i, 1, n, out);
        i += n;
        if (i == size)
            break;
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            (void)fprintf(out, "\\%c", c);
        else if (c == '\n')
            (void)fputs("\\n", out);
        else if (c < 0x80)
            (void)fprintf(out, "\\u%04x", c);
        else
            (void)fputs("\\ufffd", out);
    }
    putc('"', out);
}

static void print_hex(FILE *out, const char *key, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    (void)fprintf(out, "{\"%s\":\"", key);
    for (size_t i = 0; i < size; i++)
        (void)fprintf(out, "%02x", p[i]);
    (void)fputs("\"}", out);
}

void print_text(FILE *out, const char *text, size_t size)
{
    if (is_utf8(text, size))
        print_escaped(out, text, size);
    else
        print_hex(out, "$b", text, size);
}

void print_key(FILE *out, const char *text)
{
    print_escaped(out, text, strlen(text));
}

/* The shortest digits that read back as the same number. */
static void print_number(FILE *out, double value, bool is_double)
{
    char text[40] = "";
    if (isnan(value) || isinf(value)) {
        (void)fprintf(out, "{\"$f\":\"%s\"}", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    if (value == 0 && signbit(value)) {
        (void)fputs("{\"$f\":\"-0\"}", out);
        return;
    }
    bool same = false;
    for (int digits = is_double ? 15 : 6; !same && digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        double back = is_double ? strtod(text, NULL) : (double)strtof(text, NULL);
        same = !(back < value) && !(back > value);
    }
    (void)fputs(text, out);
}

static void print_integer(FILE *out, const struct lnc_column *column, size_t row)
{
    int64_t value = lnc_column_int64(column, row);
    if (column->kind == LNC_KIND_UINT64 && (value < 0 || value > SAFE_INTEGER))
        (void)fprintf(out, "{\"$i\":\"%" PRIu64 "\"}", (uint64_t)value);
    else if (value > SAFE_INTEGER || value < -SAFE_INTEGER)
        (void)fprintf(out, "{\"$i\":\"%" PRId64 "\"}", value);
    else
        (void)fprintf(out, "%" PRId64, value);
}

#define DECIMAL_WORDS_MAX 8
#define DECIMAL_DIGITS    80

/* Divides by ten; gives what is left. */
static unsigned divide(uint32_t *words, size_t n)
{
    uint64_t rest = 0;
    for (size_t i = n; i > 0; i--) {
        uint64_t value = rest << 32 | words[i - 1];
        words[i - 1] = (uint32_t)(value / 10);
        rest = value % 10;
    }
    return (unsigned)rest;
}

/* {"$d":"-12.340"}: all digits, as many behind the point as the scale says. A number with a
 * negative scale ends in that many zeros. */
static void print_decimal(FILE *out, const unsigned char *bytes, size_t size, int scale)
{
    uint32_t words[DECIMAL_WORDS_MAX] = {0};
    char digits[DECIMAL_DIGITS];
    size_t n_words = size / sizeof words[0];
    int n = 0;
    if (n_words == 0 || n_words > DECIMAL_WORDS_MAX)
        return;
    memcpy(words, bytes, n_words * sizeof words[0]);
    bool is_negative = words[n_words - 1] >> 31 != 0;
    uint64_t carry = 1;
    for (size_t i = 0; is_negative && i < n_words; i++) {
        carry += (uint32_t)~words[i];
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    bool more = true;
    while (more && n < DECIMAL_DIGITS) {
        digits[n++] = (char)('0' + divide(words, n_words));
        more = false;
        for (size_t i = 0; i < n_words; i++)
            more = more || words[i] != 0;
    }
    bool is_zero = n == 1 && digits[0] == '0';
    (void)fprintf(out, "{\"$d\":\"%s", is_negative ? "-" : "");
    if (scale >= n)
        putc('0', out);
    for (int i = scale > n ? scale : n; i > 0; i--) {
        if (i == scale)
            putc('.', out);
        putc(i > n ? '0' : digits[i - 1], out);
    }
    for (int i = scale; i < 0 && !is_zero; i++)
        putc('0', out);
    (void)fputs("\"}", out);
}

static int print_value(FILE *out, const struct lnc_column *column, size_t row, unsigned depth);

static int print_items(FILE *out, const struct lnc_column *items, size_t first, size_t end,
                       unsigned depth)
{
    int rc = 0;
    putc('[', out);
    for (size_t i = first; rc == 0 && i < end; i++) {
        if (i > first)
            putc(',', out);
        rc = print_value(out, items, i, depth);
    }
    putc(']', out);
    return rc;
}

static int print_vector(FILE *out, const struct lnc_column *column, size_t row, unsigned depth)
{
    const struct lnc_column items = {.name = column->name,
                                     .kind = column->item_kind,
                                     .unit = column->unit,
                                     .scale = column->scale,
                                     .byte_width = column->byte_width / column->n_items,
                                     .validity = column->items_valid,
                                     .values = column->values,
                                     .n_rows = column->n_rows * column->n_items};
    return print_items(out, &items, row * column->n_items, (row + 1) * column->n_items, depth);
}

static int print_fields(FILE *out, const struct lnc_column *columns, size_t n, size_t row,
                        unsigned depth)
{
    int rc = 0;
    putc('{', out);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (i > 0)
            putc(',', out);
        print_key(out, columns[i].name);
        putc(':', out);
        rc = print_value(out, &columns[i], row, depth);
    }
    putc('}', out);
    return rc;
}

static void print_bytes(FILE *out, const struct lnc_column *column, size_t row)
{
    size_t size = 0;
    const char *text = lnc_column_string(column, row, &size);
    if (column->kind == LNC_KIND_STRING)
        print_text(out, text, size);
    else
        print_hex(out, "$b", text, size);
}

static int print_value(FILE *out, const struct lnc_column *column, size_t row, unsigned depth)
{
    const char *fixed = column->values;
    if (depth > DEPTH_MAX)
        return -1;
    if (lnc_column_is_null(column, row)) {
        (void)fputs("null", out);
        return 0;
    }
    switch (column->kind) {
    case LNC_KIND_BOOL:
        (void)fputs(lnc_column_int64(column, row) != 0 ? "true" : "false", out);
        return 0;
    case LNC_KIND_HALF:
    case LNC_KIND_FLOAT:
    case LNC_KIND_DOUBLE:
        print_number(out, lnc_column_double(column, row), column->kind == LNC_KIND_DOUBLE);
        return 0;
    case LNC_KIND_STRING:
    case LNC_KIND_BINARY:
        print_bytes(out, column, row);
        return 0;
    case LNC_KIND_DATE32:
    case LNC_KIND_DATE64:
    case LNC_KIND_TIME32:
    case LNC_KIND_TIME64:
    case LNC_KIND_TIMESTAMP:
    case LNC_KIND_DURATION:
        (void)fprintf(out, "{\"$t\":\"%" PRId64 "\"}", lnc_column_int64(column, row));
        return 0;
    case LNC_KIND_DECIMAL:
        print_decimal(out, (const unsigned char *)fixed + row * column->byte_width,
                      column->byte_width, column->scale);
        return 0;
    case LNC_KIND_BYTES:
        print_hex(out, "$b", fixed + row * column->byte_width, column->byte_width);
        return 0;
    case LNC_KIND_VECTOR:
        return print_vector(out, column, row, depth + 1);
    case LNC_KIND_STRUCT:
        return print_fields(out, column->children, column->n_children, row, depth + 1);
    case LNC_KIND_LIST:
    case LNC_KIND_MAP:
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): lists always have offsets. */
        return print_items(out, &column->children[0], (size_t)column->offsets[row],
                           (size_t)column->offsets[row + 1], depth + 1);
    default:
        print_integer(out, column, row);
        return 0;
    }
}

int print_row(FILE *out, const struct lnc_batch *batch, size_t row)
{
    int rc = print_fields(out, batch->columns, batch->n_columns, row, 0);
    putc('\n', out);
    return rc;
}
