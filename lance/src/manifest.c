#include "manifest_int.h"

#include <stdio.h>

#include "pbuf_int.h"

#define FLAG_DELETION_FILES 1u
#define FLAG_STABLE_ROW_IDS 2u
#define FLAG_V2_FORMAT      4u
#define FLAG_CONFIG         8u
#define FLAG_BASE_PATHS     16u
#define FLAG_NO_TXN_FILE    32u
#define FLAG_OVERLAY_FILES  64u
#define FLAG_COVERING_INDEX 128u
#define FLAG_MIXED_VERSIONS 256u
#define FLAGS_READ                                                                                 \
    (FLAG_DELETION_FILES | FLAG_STABLE_ROW_IDS | FLAG_V2_FORMAT | FLAG_CONFIG | FLAG_BASE_PATHS |  \
     FLAG_NO_TXN_FILE | FLAG_COVERING_INDEX | FLAG_MIXED_VERSIONS)

#define TAIL_BYTES 16

/* What a pass over the top level of the message finds, so that arrays can be allocated exactly. */
struct counts {
    size_t n_fields;
    size_t n_fragments;
    size_t n_bases;
};

struct parser {
    const struct lnc_ctx *cx;
    struct lnc_manifest *m;
};

static int take_string(const struct parser *ps, const struct lnc_pb_field *f, const char **out)
{
    if (f->wire != LNC_PB_BYTES)
        return lnc_bad(ps->cx, "the manifest holds a number where a string belongs");
    return lnc_arena_string(ps->cx, &ps->m->arena, f->data, f->size, out);
}

static int copy_bytes(const struct parser *ps, const struct lnc_pb_field *f, const char **out,
                      size_t *size)
{
    void *copy;
    if (f->wire != LNC_PB_BYTES)
        return lnc_bad(ps->cx, "the manifest holds a number where metadata belongs");
    int rc = lnc_arena_alloc(ps->cx, &ps->m->arena, (uint64_t)f->size + 1, 1, &copy);
    if (rc != LNC_OK)
        return rc;
    if (f->size > 0)
        memcpy(copy, f->data, f->size);
    *out = copy;
    *size = f->size;
    return LNC_OK;
}

/* Appends to a list of make_metadata(), which has room for every entry. */
static int parse_metadata_entry(const struct parser *ps, struct lnc_pb entry,
                                struct lnc_metadata *list, size_t *n)
{
    struct lnc_pb_field f;
    struct lnc_metadata pair = {.key = "", .value = ""};
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&entry, &f)) {
        if (f.number == 1)
            rc = copy_bytes(ps, &f, &pair.key, &pair.key_size);
        else if (f.number == 2)
            rc = copy_bytes(ps, &f, &pair.value, &pair.value_size);
    }
    if (rc == LNC_OK && list != NULL)
        list[(*n)++] = pair;
    return rc != LNC_OK ? rc : lnc_pb_finish(ps->cx, &entry, "metadata");
}

/* Room for the entries of the map that is field `number` of a message; none if it has none. */
static int make_metadata(const struct parser *ps, struct lnc_pb pb, uint32_t number,
                         struct lnc_metadata **out)
{
    struct lnc_pb_field f;
    size_t n = 0;
    void *entries = NULL;
    int rc = LNC_OK;
    while (lnc_pb_next(&pb, &f))
        n += f.number == number;
    if (n > 0)
        rc = lnc_arena_alloc(ps->cx, &ps->m->arena, n, sizeof **out, &entries);
    if (rc == LNC_OK)
        *out = entries;
    return rc;
}

static bool bytes_are(const char *bytes, size_t size, const char *text)
{
    return size == strlen(text) && memcmp(bytes, text, size) == 0;
}

/* Blobs of version 1 are asked for, those of version 2 are an Arrow extension type. */
static bool is_blob(const struct lnc_field *field)
{
    for (size_t i = 0; field->metadata != NULL && i < field->n_metadata; i++) {
        const struct lnc_metadata *pair = &field->metadata[i];
        if (bytes_are(pair->key, pair->key_size, "lance-encoding:blob") &&
            bytes_are(pair->value, pair->value_size, "true"))
            return true;
        if (bytes_are(pair->key, pair->key_size, "ARROW:extension:name") &&
            bytes_are(pair->value, pair->value_size, "lance.blob.v2"))
            return true;
    }
    return false;
}

static int parse_field(const struct parser *ps, struct lnc_pb pb, struct lnc_field *field)
{
    struct lnc_pb_field f;
    struct lnc_pb sub;
    *field = (struct lnc_field){.name = "", .logical_type = ""};
    int rc = make_metadata(ps, pb, 10, &field->metadata);
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        switch (f.number) {
        case 2:
            rc = take_string(ps, &f, &field->name);
            break;
        case 3:
            field->id = (int32_t)(uint32_t)lnc_pb_uint(&pb, &f);
            break;
        case 4:
            field->parent = (int32_t)(uint32_t)lnc_pb_uint(&pb, &f);
            break;
        case 5:
            rc = take_string(ps, &f, &field->logical_type);
            break;
        case 6:
            field->nullable = lnc_pb_uint(&pb, &f) != 0;
            break;
        case 7:
            field->v1_encoding = lnc_pb_uint(&pb, &f);
            break;
        case 8:
            sub = lnc_pb_sub(&pb, &f);
            while (lnc_pb_next(&sub, &f)) {
                if (f.number == 1)
                    field->v1_dictionary_offset = lnc_pb_uint(&sub, &f);
                else if (f.number == 2)
                    field->v1_dictionary_length = lnc_pb_uint(&sub, &f);
            }
            pb.bad = pb.bad || sub.bad;
            break;
        case 10:
            rc = parse_metadata_entry(ps, lnc_pb_sub(&pb, &f), field->metadata, &field->n_metadata);
            break;
        default:
            break;
        }
    }
    field->is_blob = is_blob(field);
    return rc != LNC_OK ? rc : lnc_pb_finish(ps->cx, &pb, "Field");
}

/* Rule 8: a path of a data file stays below data/ and is one plain relative path. */
static int check_path(const struct parser *ps, const char *path)
{
    bool ok = path[0] != '\0' && path[0] != '/';
    for (const char *p = path; ok && *p != '\0';) {
        size_t n = strcspn(p, "/");
        ok = !(n == 2 && p[0] == '.' && p[1] == '.') && n > 0;
        p += n;
        if (*p == '/')
            p++;
    }
    if (!ok)
        return lnc_bad(
            ps->cx, "the path of a data file, '%.150s', leaves the directory of the table", path);
    return LNC_OK;
}

static int keep_list(const struct parser *ps, const struct lnc_buf *list, const uint64_t **out,
                     size_t *n)
{
    void *copy;
    int rc = lnc_arena_alloc(ps->cx, &ps->m->arena, list->size, 1, &copy);
    if (rc != LNC_OK)
        return rc;
    if (list->size > 0)
        memcpy(copy, list->data, list->size);
    *out = copy;
    *n = list->size / sizeof(uint64_t);
    return LNC_OK;
}

static int parse_data_file_fields(const struct parser *ps, struct lnc_pb *pb,
                                  struct lnc_data_file *file, struct lnc_buf *ids,
                                  struct lnc_buf *columns)
{
    struct lnc_pb_field f;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(pb, &f)) {
        switch (f.number) {
        case 1:
            rc = take_string(ps, &f, &file->path);
            break;
        case 2:
            rc = lnc_pb_append_uints(ps->cx, pb, &f, ids);
            break;
        case 3:
            rc = lnc_pb_append_uints(ps->cx, pb, &f, columns);
            break;
        case 4:
            file->major = (uint32_t)lnc_pb_uint(pb, &f);
            break;
        case 5:
            file->minor = (uint32_t)lnc_pb_uint(pb, &f);
            break;
        case 6:
            file->size = lnc_pb_uint(pb, &f);
            break;
        case 7:
            file->base = (struct lnc_base_ref){true, (uint32_t)lnc_pb_uint(pb, &f)};
            break;
        default:
            break;
        }
    }
    return rc != LNC_OK ? rc : lnc_pb_finish(ps->cx, pb, "DataFile");
}

static int parse_data_file(const struct parser *ps, struct lnc_pb pb, struct lnc_data_file *file)
{
    struct lnc_buf ids = {0};
    struct lnc_buf columns = {0};
    *file = (struct lnc_data_file){.path = ""};
    int rc = parse_data_file_fields(ps, &pb, file, &ids, &columns);
    if (rc == LNC_OK)
        rc = check_path(ps, file->path);
    if (rc == LNC_OK)
        rc = keep_list(ps, &ids, &file->field_ids, &file->n_fields);
    if (rc == LNC_OK)
        rc = keep_list(ps, &columns, &file->column_indices, &file->n_columns);
    if (rc == LNC_OK && file->n_columns != 0 && file->n_columns != file->n_fields)
        rc = lnc_bad(ps->cx, "data file '%.150s' lists %zu fields but %zu columns", file->path,
                     file->n_fields, file->n_columns);
    lnc_buf_release(&ids);
    lnc_buf_release(&columns);
    return rc;
}

static int parse_deletion(const struct parser *ps, struct lnc_pb pb,
                          struct lnc_deletion_file *deletion)
{
    struct lnc_pb_field f;
    *deletion = (struct lnc_deletion_file){.present = true};
    uint64_t type = 0;
    while (lnc_pb_next(&pb, &f)) {
        switch (f.number) {
        case 1:
            type = lnc_pb_uint(&pb, &f);
            break;
        case 2:
            deletion->read_version = lnc_pb_uint(&pb, &f);
            break;
        case 3:
            deletion->id = lnc_pb_uint(&pb, &f);
            break;
        case 4:
            deletion->n_rows = lnc_pb_uint(&pb, &f);
            break;
        case 7:
            deletion->base = (struct lnc_base_ref){true, (uint32_t)lnc_pb_uint(&pb, &f)};
            break;
        default:
            break;
        }
    }
    if (type > 1)
        return lnc_refuse(ps->cx, "a deletion file has the unknown type %llu",
                          (unsigned long long)type);
    deletion->is_bitmap = type == 1;
    return lnc_pb_finish(ps->cx, &pb, "DeletionFile");
}

static int parse_fragment(const struct parser *ps, struct lnc_pb pb, struct lnc_fragment *fragment)
{
    struct lnc_pb_field f;
    size_t n_files = 0;
    void *files;
    *fragment = (struct lnc_fragment){0};
    for (struct lnc_pb count = pb; lnc_pb_next(&count, &f);)
        n_files += f.number == 2;
    int rc = lnc_arena_alloc(ps->cx, &ps->m->arena, n_files, sizeof *fragment->files, &files);
    if (rc != LNC_OK)
        return rc;
    fragment->files = files;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        switch (f.number) {
        case 1:
            fragment->id = lnc_pb_uint(&pb, &f);
            break;
        case 2:
            rc = parse_data_file(ps, lnc_pb_sub(&pb, &f), &fragment->files[fragment->n_files++]);
            break;
        case 3:
            rc = parse_deletion(ps, lnc_pb_sub(&pb, &f), &fragment->deletion);
            break;
        case 4:
            fragment->physical_rows = lnc_pb_uint(&pb, &f);
            break;
        case 11:
            rc = lnc_refuse(ps->cx, "fragment %llu has data overlay files (Lance 11 and later)",
                            (unsigned long long)fragment->id);
            break;
        default:
            break;
        }
    }
    return rc != LNC_OK ? rc : lnc_pb_finish(ps->cx, &pb, "DataFragment");
}

/* {1: name, 2: version} of the writer and of the data format have the same shape. */
static int parse_name_version(const struct parser *ps, struct lnc_pb pb, const char **name,
                              const char **version)
{
    struct lnc_pb_field f;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1)
            rc = take_string(ps, &f, name);
        else if (f.number == 2)
            rc = take_string(ps, &f, version);
    }
    return rc != LNC_OK ? rc : lnc_pb_finish(ps->cx, &pb, "version");
}

static int parse_writer(const struct parser *ps, struct lnc_pb pb)
{
    const char *name = "";
    const char *version = "";
    int rc = parse_name_version(ps, pb, &name, &version);
    if (rc != LNC_OK)
        return rc;
    size_t size = strlen(name) + strlen(version) + 2;
    void *text;
    rc = lnc_arena_alloc(ps->cx, &ps->m->arena, size, 1, &text);
    if (rc != LNC_OK)
        return rc;
    (void)snprintf(text, size, "%s%s%s", name, name[0] != '\0' ? " " : "", version);
    ps->m->writer = text;
    ps->m->rows_trusted = true;
    return LNC_OK;
}

static int parse_base(const struct parser *ps, struct lnc_pb pb, struct lnc_base *base)
{
    struct lnc_pb_field f;
    int rc = LNC_OK;
    *base = (struct lnc_base){.path = ""};
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1)
            base->id = (uint32_t)lnc_pb_uint(&pb, &f);
        else if (f.number == 3)
            base->is_dataset_root = lnc_pb_uint(&pb, &f) != 0;
        else if (f.number == 4)
            rc = take_string(ps, &f, &base->path);
    }
    return rc != LNC_OK ? rc : lnc_pb_finish(ps->cx, &pb, "BasePath");
}

/* google.protobuf.Timestamp. Times that do not fit are as good as none. */
static int parse_timestamp(const struct parser *ps, struct lnc_pb pb)
{
    struct lnc_pb_field f;
    int64_t seconds = 0;
    int64_t nanos = 0;
    int64_t us;
    while (lnc_pb_next(&pb, &f)) {
        if (f.number == 1)
            seconds = (int64_t)lnc_pb_uint(&pb, &f);
        else if (f.number == 2)
            nanos = (int32_t)(uint32_t)lnc_pb_uint(&pb, &f);
    }
    if (!__builtin_mul_overflow(seconds, (int64_t)1000000, &us) &&
        !__builtin_add_overflow(us, nanos / 1000, &us))
        ps->m->timestamp_us = us;
    return lnc_pb_finish(ps->cx, &pb, "Timestamp");
}

static int check_flags(const struct parser *ps, uint64_t flags)
{
    if ((flags & FLAG_OVERLAY_FILES) != 0)
        return lnc_refuse(ps->cx, "the table needs data overlay files (reader flag "
                                  "64, Lance 11 and later)");
    uint64_t unknown = flags & ~(uint64_t)FLAGS_READ;
    if (unknown == 0)
        return LNC_OK;
    return lnc_refuse(ps->cx,
                      "the table needs features that this reader does not know (reader flags "
                      "0x%llx, written by %s)",
                      (unsigned long long)unknown,
                      ps->m->writer[0] != '\0' ? ps->m->writer : "an unnamed writer");
}

static int parse_top_field(const struct parser *ps, struct lnc_pb *pb, const struct lnc_pb_field *f,
                           uint64_t *flags)
{
    struct lnc_manifest *m = ps->m;
    const char *format_name = "";
    switch (f->number) {
    case 1:
        return parse_field(ps, lnc_pb_sub(pb, f), &m->fields[m->n_fields++]);
    case 2:
        return parse_fragment(ps, lnc_pb_sub(pb, f), &m->fragments[m->n_fragments++]);
    case 3:
        m->version = lnc_pb_uint(pb, f);
        return LNC_OK;
    case 5:
        return parse_metadata_entry(ps, lnc_pb_sub(pb, f), m->metadata, &m->n_metadata);
    case 7:
        return parse_timestamp(ps, lnc_pb_sub(pb, f));
    case 9:
        *flags = lnc_pb_uint(pb, f);
        return LNC_OK;
    case 13:
        return parse_writer(ps, lnc_pb_sub(pb, f));
    case 15:
        return parse_name_version(ps, lnc_pb_sub(pb, f), &format_name, &m->storage_version);
    case 18:
        return parse_base(ps, lnc_pb_sub(pb, f), &m->bases[m->n_bases++]);
    default:
        return LNC_OK;
    }
}

static int parse_message(const struct parser *ps, struct lnc_pb pb)
{
    struct lnc_manifest *m = ps->m;
    struct lnc_pb_field f;
    struct counts counts = {0};
    void *fields;
    void *fragments;
    void *bases;
    for (struct lnc_pb count = pb; lnc_pb_next(&count, &f);) {
        counts.n_fields += f.number == 1;
        counts.n_fragments += f.number == 2;
        counts.n_bases += f.number == 18;
    }
    int rc = lnc_arena_alloc(ps->cx, &m->arena, counts.n_fields, sizeof *m->fields, &fields);
    if (rc == LNC_OK)
        rc = lnc_arena_alloc(ps->cx, &m->arena, counts.n_fragments, sizeof *m->fragments,
                             &fragments);
    if (rc == LNC_OK)
        rc = lnc_arena_alloc(ps->cx, &m->arena, counts.n_bases, sizeof *m->bases, &bases);
    if (rc == LNC_OK)
        rc = make_metadata(ps, pb, 5, &m->metadata);
    if (rc != LNC_OK)
        return rc;
    m->fields = fields;
    m->fragments = fragments;
    m->bases = bases;
    m->timestamp_us = LNC_NO_TIME;
    m->writer = "";
    m->storage_version = "0.1"; /* what tables without a data format are */
    uint64_t flags = 0;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f))
        rc = parse_top_field(ps, &pb, &f, &flags);
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "Manifest");
    return rc != LNC_OK ? rc : check_flags(ps, flags);
}

int lnc_manifest_parse(const struct lnc_ctx *cx, const uint8_t *bytes, size_t size,
                       struct lnc_manifest *out)
{
    struct lnc_ctx here = *cx;
    here.at = 0;
    if (size < TAIL_BYTES + 4)
        return lnc_bad(&here, "the manifest is cut off: it has %zu bytes", size);
    here.at = size - TAIL_BYTES;
    if (memcmp(bytes + size - 4, "LANC", 4) != 0)
        return lnc_bad(&here, "the manifest does not end with the magic \"LANC\": "
                              "it is cut off or no manifest");
    uint64_t position = lnc_le64(bytes + size - TAIL_BYTES);
    if (position > size - TAIL_BYTES - 4)
        return lnc_bad(&here,
                       "the manifest's message lies outside of the file (at byte %llu of %zu)",
                       (unsigned long long)position, size);
    here.at = position;
    uint64_t length = lnc_le32(bytes + position);
    if (position + 4 + length + TAIL_BYTES != size)
        return lnc_bad(&here, "the manifest's message has %llu bytes where %llu are left",
                       (unsigned long long)length,
                       (unsigned long long)(size - TAIL_BYTES - 4 - position));
    struct lnc_manifest m = {0};
    struct parser ps = {.cx = &here, .m = &m};
    int rc = parse_message(&ps, lnc_pb_over(bytes + position + 4, (size_t)length));
    if (rc != LNC_OK) {
        lnc_manifest_release(&m);
        return rc;
    }
    *out = m;
    return LNC_OK;
}

void lnc_manifest_release(struct lnc_manifest *manifest)
{
    lnc_arena_release(&manifest->arena);
    *manifest = (struct lnc_manifest){0};
}

bool lnc_manifest_name_version(const char *name, uint64_t *version)
{
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 20 || strcmp(name + digits, ".manifest") != 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!lnc_mul(value, 10, &value) || !lnc_add(value, (uint64_t)(name[i] - '0'), &value))
            return false;
    }
    /* Naming scheme V2 counts down, so that a sorted listing of an object store starts with the
     * newest. */
    *version = digits == 20 ? UINT64_MAX - value : value;
    return true;
}
