/*
 * fuzz_arrow.c - a table (input as for lnc_fuzz_table) handed out as an Arrow stream; every buffer
 * is touched and the structures are released in an order that a consumer may choose.
 */
#include "fuzz_store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 70

static void promise(int kept)
{
    if (!kept)
        abort();
}

static unsigned touch(const void *bytes, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; bytes != NULL && i < n; i++)
        sum = sum * 31 + ((const uint8_t *)bytes)[i];
    return sum;
}

/* Offsets of a string or list: ascending; returns the last one. */
static uint64_t check_offsets(const struct ArrowArray *array, bool is_large)
{
    uint64_t last = 0;
    for (int64_t i = 0; array->buffers[1] != NULL && i <= array->length; i++) {
        uint64_t next = is_large ? ((const uint64_t *)array->buffers[1])[i]
                                 : ((const uint32_t *)array->buffers[1])[i];
        promise(next >= last && (i > 0 || next == 0));
        last = next;
    }
    promise(array->length == 0 || array->buffers[1] != NULL);
    return last;
}

static size_t width_of(const char *format)
{
    static const char letters[] = "cCsSiIlLefg";
    static const size_t widths[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
    const char *found = strchr(letters, format[0]);
    if (found != NULL && format[1] == '\0')
        return widths[found - letters];
    if (format[0] == 't')
        return strcmp(format, "tdD") == 0 || strcmp(format, "tts") == 0 ||
                       strcmp(format, "ttm") == 0
                   ? 4
                   : 8;
    if (format[0] == 'w')
        return strtoul(format + 2, NULL, 10);
    return format[0] == 'd' ? (strstr(format, ",256") != NULL ? 32 : 16) : 0;
}

/* Metadata in Arrow's form, walked to its end. */
static unsigned touch_metadata(const char *p)
{
    int32_t n = 0;
    unsigned sum = 0;
    if (p == NULL)
        return 0;
    memcpy(&n, p, sizeof n);
    p += sizeof n;
    for (int64_t i = 0; i < 2 * (int64_t)n; i++) {
        int32_t size = 0;
        memcpy(&size, p, sizeof size);
        promise(size >= 0);
        p += sizeof size;
        sum += touch(p, (size_t)size);
        p += size;
    }
    return sum;
}

static unsigned touch_array(const struct ArrowSchema *schema, const struct ArrowArray *array,
                            unsigned depth)
{
    const char *format = schema->format;
    size_t n = (size_t)array->length;
    unsigned sum = touch_metadata(schema->metadata);
    promise(depth < DEPTH_MAX && array->length >= 0 && array->offset == 0);
    promise(array->n_children == schema->n_children && array->null_count <= array->length);
    if (format[0] != 'n' && array->n_buffers > 0)
        sum += touch(array->buffers[0], (n + 7) / 8);
    if (format[0] != '\0' && format[1] == '\0' && strchr("uUzZ", format[0]) != NULL)
        sum += touch(array->buffers[2],
                     (size_t)check_offsets(array, format[0] == 'U' || format[0] == 'Z'));
    else if (strcmp(format, "+l") == 0 || strcmp(format, "+L") == 0 || strcmp(format, "+m") == 0)
        promise(check_offsets(array, format[1] == 'L') <= (uint64_t)array->children[0]->length);
    else if (strcmp(format, "b") == 0)
        sum += touch(array->buffers[1], (n + 7) / 8);
    else if (format[0] != '+' && format[0] != 'n') {
        promise(width_of(format) > 0);
        sum += touch(array->buffers[1], n * width_of(format));
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        const struct ArrowArray *child = array->children[i];
        if (strcmp(format, "+s") == 0)
            promise(child->length == array->length);
        else if (strncmp(format, "+w:", 3) == 0)
            promise((uint64_t)child->length >= n * strtoul(format + 3, NULL, 10));
        sum += touch_array(schema->children[i], child, depth + 1);
    }
    return sum;
}

static void read_stream(struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema = {0};
    if (stream->get_schema(stream, &schema) != 0) {
        promise(stream->get_last_error(stream) != NULL);
        return;
    }
    for (int64_t total = 0; total < (int64_t)FUZZ_ROWS_MAX;) {
        struct ArrowArray array = {0};
        if (stream->get_next(stream, &array) != 0) {
            promise(stream->get_last_error(stream) != NULL);
            break;
        }
        if (array.release == NULL)
            break;
        fuzz_use(touch_array(&schema, &array, 0));
        total += array.length;
        if (array.n_children > 0) { /* a child that is moved out outlives its parent */
            struct ArrowArray moved = *array.children[0];
            array.children[0]->release = NULL;
            array.release(&array);
            moved.release(&moved);
        } else {
            array.release(&array);
        }
    }
    schema.release(&schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {.data = data, .size = size};
    struct fuzz_table table = {0};
    struct lnc_store store;
    struct ArrowArrayStream stream = {0};
    size_t manifest = fuzz_take(&in, 4);
    size_t file = fuzz_take(&in, 4);
    table.version = fuzz_take(&in, 1);
    table.manifest = fuzz_take_part(&in, manifest);
    table.data = fuzz_take_part(&in, file);
    table.deletion = fuzz_take_part(&in, in.size);
    struct lnc_dataset *ds = fuzz_open(&table, &store);
    if (ds != NULL && lnc_arrow_stream(ds, NULL, &stream, NULL) == LNC_OK) {
        read_stream(&stream);
        stream.release(&stream);
    }
    lnc_dataset_close(ds);
    return 0;
}
