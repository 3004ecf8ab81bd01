#include "page_int.h"

/* Full-zip pages: one entry after the other, [control word][length][bytes], for long values
 * (lance-format.md 4.3). */

struct fullzip {
    struct lnc_page_reader base;
    struct lnc_phys phys;
    struct lnc_enc_pool pool;
    const struct lnc_enc *value;
    uint64_t bits_rep;
    uint64_t bits_def;
    uint64_t bits_value;  /* fixed width, or 0 */
    uint64_t bits_length; /* variable width, or 0 */
    uint64_t n_items;
    uint64_t n_taken;
    const struct lnc_enc *structs; /* of which a field is handed out, or NULL */
    size_t field_index;
    bool has_entries; /* lies in lists or structs */
    size_t control_size;
    size_t length_size;
    size_t value_size;  /* of a fixed-width entry without its control word */
    size_t bitmap_size; /* of the validity of a vector's items, which lies in front of them */
    size_t packed_size; /* of the values without it: fewer than phys.width bytes if they are bits */
    bool is_absent;     /* no values but null */
    bool is_bits;       /* a vector of bools; then packed_size * 8 is its dimension */
    struct lnc_stream data;
    struct lnc_decoder decoder;
    struct lnc_buf validity; /* one byte a value */
    struct lnc_buf items_valid;
    struct lnc_buf levels; /* repetition of all entries of a group, then definition */
    struct lnc_buf values; /* fixed width: values without their control words; variable: spans */
    struct lnc_buf text;   /* decompressed values */
    struct lnc_buf picked; /* fields of fixed width */
};

static void fullzip_free(struct lnc_page_reader *reader)
{
    struct fullzip *fz = (struct fullzip *)reader;
    lnc_stream_release(&fz->data);
    lnc_decoder_release(&fz->decoder);
    lnc_buf_release(&fz->validity);
    lnc_buf_release(&fz->items_valid);
    lnc_buf_release(&fz->levels);
    lnc_buf_release(&fz->values);
    lnc_buf_release(&fz->text);
    lnc_buf_release(&fz->picked);
    lnc_free(fz);
}

static int parse_layout(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_path *path,
                        struct lnc_pb pb)
{
    struct lnc_pb_field f;
    struct lnc_buf layers = {0};
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        switch (f.number) {
        case 1:
            fz->bits_rep = lnc_pb_uint(&pb, &f);
            break;
        case 2:
            fz->bits_def = lnc_pb_uint(&pb, &f);
            break;
        case 3:
            fz->bits_value = lnc_pb_uint(&pb, &f);
            break;
        case 4:
            fz->bits_length = lnc_pb_uint(&pb, &f);
            break;
        case 5:
            fz->n_items = lnc_pb_uint(&pb, &f);
            break;
        case 7:
            rc = lnc_enc_parse(cx, &fz->pool, lnc_pb_sub(&pb, &f), &fz->value);
            break;
        case 8:
            rc = lnc_pb_append_uints(cx, &pb, &f, &layers);
            break;
        default:
            break;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(cx, &pb, "FullZipLayout");
    if (rc == LNC_OK)
        rc = lnc_layers_parse(cx, &layers, path, &fz->base.layers);
    lnc_buf_release(&layers);
    return rc;
}

/* Which chains of encodings a full-zip page may have, for each of the two shapes. */
static bool is_variable_chain(const struct lnc_enc *enc)
{
    if (enc->kind == LNC_ENC_FSST || enc->kind == LNC_ENC_GENERAL)
        enc = enc->values;
    return enc->kind == LNC_ENC_VARIABLE;
}

/* Where all values are null, or all items of all vectors, there are the levels and the bitmaps of
 * the items alone. Lance before 4 does not count the bitmaps. */
static int check_absent(struct lnc_ctx *cx, struct fullzip *fz, uint64_t n_items)
{
    if (fz->phys.width == 0 || (fz->bitmap_size > 0 && n_items != fz->phys.n_items))
        return lnc_refuse(cx, "the full-zip page has no values of the column's type");
    if (fz->bits_value != 0 && fz->bits_value != 8 * fz->bitmap_size)
        return lnc_bad(cx, "the full-zip page has bitmaps of %zu bytes in entries of %llu bits",
                       fz->bitmap_size, (unsigned long long)fz->bits_value);
    fz->is_absent = true;
    fz->value_size = fz->bitmap_size;
    return LNC_OK;
}

static int check_fixed(struct lnc_ctx *cx, struct fullzip *fz)
{
    const struct lnc_enc *enc = fz->value;
    uint64_t n_items = 1;
    if (enc->kind == LNC_ENC_FIXED_SIZE_LIST) {
        n_items = enc->n_items;
        fz->bitmap_size = enc->has_validity ? (size_t)(n_items / 8 + (n_items % 8 != 0)) : 0;
        enc = enc->values;
    }
    if (enc->kind == LNC_ENC_PACKED_STRUCT)
        enc = enc->values;
    fz->is_bits = enc->kind == LNC_ENC_FLAT && enc->bits == 1 && n_items % 8 == 0;
    if (enc->kind == LNC_ENC_CONSTANT && enc->bytes.size == 0)
        return check_absent(cx, fz, n_items);
    if (enc->kind != LNC_ENC_FLAT || (enc->bits % 8 != 0 && !fz->is_bits))
        return lnc_refuse(cx, "the full-zip page holds values of fixed width that are not plain");
    struct lnc_values shape = {.bits = enc->bits * n_items, .is_bits = fz->is_bits};
    /* A single bool takes a byte here. */
    bool is_bool = fz->phys.bits == 1 && fz->phys.n_items == 1 && shape.bits == 8;
    int rc = is_bool ? LNC_OK : lnc_values_check(cx, &fz->phys, &shape);
    /* Writers count the bitmap of the items or do not. */
    if (rc == LNC_OK && shape.bits != fz->bits_value &&
        shape.bits + 8 * fz->bitmap_size != fz->bits_value)
        rc = lnc_bad(cx, "the full-zip page has values of %llu bits in entries of %llu",
                     (unsigned long long)shape.bits, (unsigned long long)fz->bits_value);
    fz->packed_size = fz->is_bits ? (size_t)(n_items / 8) : fz->phys.width;
    fz->value_size = fz->bitmap_size + fz->packed_size;
    return rc;
}

/* Structs whose descriptions of blobs (version 2) are handed out whole: kind, position, size,
 * number of the file, URI. */
static int check_blobs(struct lnc_ctx *cx, const struct fullzip *fz)
{
    static const struct lnc_enc_field wanted[] = {
        {.bits = 8}, {.bits = 64}, {.bits = 64}, {.bits = 32}, {.length_bits = 32}};
    size_t n = sizeof wanted / sizeof wanted[0];
    const struct lnc_enc *enc = fz->value;
    bool same = enc->n_fields == n;
    for (size_t i = 0; same && i < n; i++)
        same = enc->fields[i].bits == wanted[i].bits &&
               enc->fields[i].length_bits == wanted[i].length_bits &&
               enc->fields[i].value->kind == (i + 1 < n ? LNC_ENC_FLAT : LNC_ENC_VARIABLE);
    return same ? LNC_OK : lnc_refuse(cx, "the page describes blobs in a way that is not read");
}

/* Structs of which one field is wanted. */
static int check_structs(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_page_job *job)
{
    const struct lnc_enc *enc = fz->value;
    if (job->field == NULL || enc->n_fields != job->n_fields)
        return lnc_bad(cx, "the page packs structs of %zu fields, the type of the column has %zu",
                       enc->n_fields, job->n_fields);
    const struct lnc_enc_field *field = &enc->fields[job->field_index];
    const struct lnc_enc *value = field->value;
    struct lnc_values shape = {.is_var = field->length_bits > 0};
    fz->structs = enc;
    fz->field_index = job->field_index;
    fz->phys = *job->field;
    fz->value = value;
    fz->base.hands_out_field = true;
    if (shape.is_var) {
        if (!is_variable_chain(value))
            return lnc_refuse(cx, "the page packs strings in an encoding that is not read");
        return lnc_values_check(cx, &fz->phys, &shape);
    }
    uint64_t n_items = 1;
    if (value->kind == LNC_ENC_FIXED_SIZE_LIST && !value->has_validity) {
        n_items = value->n_items;
        value = value->values;
    }
    if (value->kind != LNC_ENC_FLAT || value->bits % 8 != 0)
        return lnc_refuse(cx, "the page packs values of fixed width that are not plain");
    shape.bits = value->bits * n_items;
    if (shape.bits != field->bits)
        return lnc_bad(cx, "the page packs values of %llu bits in fields of %llu",
                       (unsigned long long)shape.bits, (unsigned long long)field->bits);
    return lnc_values_check(cx, &fz->phys, &shape);
}

static int check_variable(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_page_job *job)
{
    struct lnc_values shape = {.is_var = true};
    if (fz->bits_length != 32 && fz->bits_length != 64)
        return lnc_bad(cx, "the full-zip page has lengths of %llu bits",
                       (unsigned long long)fz->bits_length);
    fz->length_size = (size_t)fz->bits_length / 8;
    if (fz->value->kind == LNC_ENC_VARIABLE_PACKED_STRUCT)
        return fz->phys.is_blob_text ? check_blobs(cx, fz) : check_structs(cx, fz, job);
    if (!is_variable_chain(fz->value))
        return lnc_refuse(
            cx, "the full-zip page holds values of variable width in an encoding that is not read");
    if (fz->phys.is_blob_text)
        return lnc_refuse(cx, "the page describes blobs in a way that is not read");
    return lnc_values_check(cx, &fz->phys, &shape);
}

static int check_layout(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_page_job *job)
{
    const struct lnc_page *page = job->page;
    if (fz->value == NULL)
        return lnc_bad(cx, "the page has no value encoding");
    const struct lnc_layers *layers = &fz->base.layers;
    if (fz->bits_rep > 16 || (fz->bits_rep != 0) != (layers->max_rep > 0))
        return lnc_bad(cx, "the page has repetition levels of %llu bits for %u lists",
                       (unsigned long long)fz->bits_rep, layers->max_rep);
    if (fz->bits_def > 16 || (layers->n_def > 0 && fz->bits_def == 0))
        return lnc_bad(cx, "the page has definition levels of %llu bits",
                       (unsigned long long)fz->bits_def);
    if (layers->max_rep == 0 && fz->n_items != page->n_rows)
        return lnc_bad(cx, "the page has %llu rows but %llu items",
                       (unsigned long long)page->n_rows, (unsigned long long)fz->n_items);
    uint64_t bits = fz->bits_rep + fz->bits_def;
    fz->control_size = bits == 0 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
    bool is_fixed = fz->bits_value != 0 || fz->value->kind == LNC_ENC_FIXED_SIZE_LIST ||
                    fz->value->kind == LNC_ENC_CONSTANT;
    return is_fixed ? check_fixed(cx, fz) : check_variable(cx, fz, job);
}

/* What the control word in front of an entry says. */
struct control {
    unsigned rep;
    unsigned def;
    bool has_slot;
};

static int read_control(struct lnc_ctx *cx, const struct fullzip *fz, const uint8_t *p,
                        struct control *out)
{
    const struct lnc_layers *layers = &fz->base.layers;
    unsigned word = fz->control_size == 0 ? 0 : (unsigned)lnc_load_uint(p, fz->control_size, 0);
    out->def = word & ((1u << fz->bits_def) - 1u);
    out->rep = (word >> fz->bits_def) & ((1u << fz->bits_rep) - 1u);
    out->has_slot = out->def <= layers->max_visible;
    if (out->rep > layers->max_rep || out->def > layers->n_def)
        return lnc_bad(cx, "the page has the levels %u and %u, the highest are %u and %u", out->rep,
                       out->def, layers->max_rep, layers->n_def);
    return LNC_OK;
}

/* Room for a group of n entries, and for values of a width. */
static int make_room(struct lnc_ctx *cx, struct fullzip *fz, size_t n, size_t width)
{
    int rc = lnc_buf_reserve_n(cx, &fz->validity, n, 1);
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &fz->values, n, width);
    if (rc == LNC_OK && fz->has_entries)
        rc = lnc_buf_reserve_n(cx, &fz->levels, n, 2 * sizeof(uint16_t));
    if (rc == LNC_OK && fz->bitmap_size > 0)
        rc = lnc_buf_reserve_n(cx, &fz->items_valid, n, fz->phys.n_items);
    return rc;
}

static void note_levels(const struct fullzip *fz, const struct control *control, size_t i,
                        size_t room)
{
    uint16_t rep = (uint16_t)control->rep;
    uint16_t def = (uint16_t)control->def;
    if (!fz->has_entries)
        return;
    memcpy(fz->levels.data + sizeof rep * i, &rep, sizeof rep);
    memcpy(fz->levels.data + sizeof def * (room + i), &def, sizeof def);
}

/* The slots of a group: n_entries, of which n have a slot. */
static void hand_out(const struct fullzip *fz, size_t n_entries, size_t n, size_t room,
                     struct lnc_slots *out)
{
    *out = (struct lnc_slots){.n = n};
    if (fz->control_size > 0)
        out->validity = fz->validity.data;
    if (!fz->has_entries)
        return;
    out->n_entries = n_entries;
    out->rep = fz->levels.data;
    out->def = fz->levels.data + sizeof(uint16_t) * room;
}

/* Most entries that may follow in a page that is not to end before its last row. */
static size_t bound(struct fullzip *fz, size_t n, size_t n_max)
{
    if (!fz->has_entries || fz->base.layers.max_rep == 0) {
        uint64_t left = fz->n_items - fz->n_taken;
        n_max = left < n_max ? (size_t)left : n_max;
    }
    return n < n_max ? n : n_max;
}

/* Cuts at most `room` entries out of the window; each may be without a value. */
static int cut_fixed(struct lnc_ctx *cx, struct fullzip *fz, struct lnc_span window, size_t room,
                     struct lnc_slots *out)
{
    size_t width = fz->phys.width;
    size_t position = 0;
    size_t n_entries = 0;
    size_t n = 0;
    while (n_entries < room && position < window.size) {
        const uint8_t *p = window.data + position;
        struct control control;
        if (window.size - position < fz->control_size)
            break;
        int rc = read_control(cx, fz, p, &control);
        if (rc != LNC_OK)
            return rc;
        size_t size = fz->control_size + (control.has_slot ? fz->value_size : 0);
        if (size > window.size - position)
            break;
        if (fz->is_absent && fz->bitmap_size == 0 && control.def == 0)
            return lnc_bad(cx, "a value of the page that is not null has no bytes");
        if (control.has_slot) {
            if (fz->bitmap_size > 0)
                lnc_expand_bits(p + fz->control_size, 0, fz->phys.n_items,
                                fz->items_valid.data + n * fz->phys.n_items);
            fz->validity.data[n] = (uint8_t)(control.def == 0);
            const uint8_t *value = p + size - fz->packed_size;
            if (fz->is_absent)
                memset(fz->values.data + n * width, 0, width);
            else if (fz->is_bits)
                lnc_expand_bits(value, 0, width, fz->values.data + n * width);
            else
                memcpy(fz->values.data + n * width, value, width);
            n++;
        }
        note_levels(fz, &control, n_entries++, room);
        position += size;
    }
    if (n_entries == 0)
        return lnc_bad(cx, "the last entry of the page is cut off");
    hand_out(fz, n_entries, n, room, out);
    out->fixed = fz->values.data;
    out->items_valid = fz->bitmap_size > 0 ? fz->items_valid.data : NULL;
    lnc_stream_skip(&fz->data, position);
    fz->n_taken += n_entries;
    return LNC_OK;
}

static int next_fixed(struct lnc_ctx *cx, struct fullzip *fz, size_t n_max, struct lnc_slots *out)
{
    size_t entry = fz->control_size + fz->value_size;
    size_t n =
        bound(fz, LNC_GROUP_BYTES / (entry > fz->phys.width ? entry : fz->phys.width) + 1, n_max);
    uint64_t wanted = (uint64_t)n * entry;
    if (fz->has_entries && wanted > lnc_stream_left(&fz->data))
        wanted = lnc_stream_left(&fz->data);
    *out = (struct lnc_slots){0};
    if (n == 0 || wanted == 0)
        return LNC_OK;
    struct lnc_span window;
    int rc = lnc_stream_peek(cx, &fz->data, wanted, &window);
    if (rc != LNC_OK)
        return rc;
    if (fz->control_size == 0 && fz->bitmap_size == 0 && !fz->is_bits) {
        n = fz->has_entries ? (size_t)wanted / entry : n;
        if (n == 0)
            return lnc_bad(cx, "the last entry of the page is cut off");
        *out = (struct lnc_slots){.n = n, .fixed = window.data, .n_entries = n};
        lnc_stream_skip(&fz->data, n * entry);
        fz->n_taken += n;
        return LNC_OK;
    }
    window.size = (size_t)wanted;
    rc = make_room(cx, fz, n, fz->phys.width);
    return rc != LNC_OK ? rc : cut_fixed(cx, fz, window, n, out);
}

/* A bool is 0 or 1; where it is null its byte is arbitrary. */
static int check_bools(struct lnc_ctx *cx, const struct fullzip *fz, const struct lnc_slots *slots)
{
    for (size_t i = 0; !fz->is_bits && i < slots->n; i++) {
        if (slots->fixed[i] > 1 && (slots->validity == NULL || slots->validity[i] != 0))
            return lnc_bad(cx, "a bool of the page is %u", slots->fixed[i]);
    }
    return LNC_OK;
}

/* A group of entries of variable width while it is cut. */
struct cut {
    size_t n_entries;
    size_t n; /* of them with a slot */
    size_t position;
    uint64_t needed; /* bytes that the entry has at least which reached beyond the window */
};

/* The entry at the position: false if it reaches beyond the window. */
static int cut_entry(struct lnc_ctx *cx, struct fullzip *fz, struct lnc_span window,
                     struct cut *cut, bool *taken)
{
    struct lnc_span *spans = (struct lnc_span *)(void *)fz->values.data;
    const uint8_t *p = window.data + cut->position;
    size_t left = window.size - cut->position;
    struct control control;
    *taken = false;
    cut->needed = fz->control_size + fz->length_size;
    if (left < fz->control_size || left == 0)
        return LNC_OK;
    int rc = read_control(cx, fz, p, &control);
    if (rc != LNC_OK)
        return rc;
    uint64_t length = 0;
    if (control.def == 0) {
        if (left < cut->needed)
            return LNC_OK;
        length = lnc_load_uint(p + fz->control_size, fz->length_size, 0);
        if (length > lnc_stream_left(&fz->data))
            return lnc_bad(cx, "value %zu after this byte has %llu bytes, more than the page",
                           cut->n_entries, (unsigned long long)length);
        cut->needed += length;
        if (left < cut->needed)
            return LNC_OK;
    } else {
        cut->needed = fz->control_size;
    }
    if (control.has_slot) {
        fz->validity.data[cut->n] = (uint8_t)(control.def == 0);
        spans[cut->n++] =
            (struct lnc_span){.data = p + (cut->needed - length), .size = (size_t)length};
    }
    note_levels(fz, &control, cut->n_entries++, LNC_SLOTS_MAX);
    cut->position += (size_t)cut->needed;
    *taken = true;
    return LNC_OK;
}

/* Takes as many whole entries as lie in the window, at least one and at most n_max; none at the end
 * of a page with entries. */
static int take_entries(struct lnc_ctx *cx, struct fullzip *fz, size_t n_max, struct cut *cut)
{
    n_max = bound(fz, LNC_SLOTS_MAX, n_max);
    int rc = make_room(cx, fz, LNC_SLOTS_MAX, sizeof(struct lnc_span));
    *cut = (struct cut){.needed = 1};
    if (fz->has_entries && (n_max == 0 || lnc_stream_left(&fz->data) == 0))
        return rc;
    /* At most three rounds: the window, then the length, then the whole value. */
    while (rc == LNC_OK && cut->n_entries == 0) {
        struct lnc_span window;
        bool taken = true;
        rc = lnc_stream_peek(cx, &fz->data, cut->needed, &window);
        while (rc == LNC_OK && taken && cut->n_entries < n_max)
            rc = cut_entry(cx, fz, window, cut, &taken);
    }
    if (rc == LNC_OK) {
        lnc_stream_skip(&fz->data, cut->position);
        fz->n_taken += cut->n_entries;
    }
    return rc;
}

static int decode_fsst(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_enc *enc, size_t n)
{
    struct lnc_span *spans = (struct lnc_span *)(void *)fz->values.data;
    int rc = lnc_decoder_load_fsst(cx, &fz->decoder, enc->bytes);
    uint64_t packed = 0;
    for (size_t i = 0; rc == LNC_OK && i < n; i++)
        packed += spans[i].size;
    uint64_t room = packed * 8;
    /* Eight times is the worst case; for long values the true size is worth a look. */
    if (packed > LNC_GROUP_BYTES) {
        room = 0;
        for (size_t i = 0; rc == LNC_OK && i < n; i++) {
            size_t size = 0;
            rc = lnc_fsst_measure(cx, fz->decoder.fsst, spans[i], &size);
            room += size;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &fz->text, room + LNC_FSST_SLACK, 1);
    uint8_t *dst = fz->text.data;
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        size_t size = 0;
        rc = lnc_fsst_decode(cx, fz->decoder.fsst, spans[i], dst, &size);
        spans[i] = (struct lnc_span){.data = dst, .size = size};
        dst += size;
    }
    return rc;
}

/* Each value is a compressed block of its own. */
static int decode_general(struct lnc_ctx *cx, struct fullzip *fz, const struct lnc_enc *enc,
                          size_t n)
{
    struct lnc_span *spans = (struct lnc_span *)(void *)fz->values.data;
    uint64_t room = 0;
    int rc = LNC_OK;
    if (enc->scheme == LNC_SCHEME_NONE)
        return LNC_OK;
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        size_t size = 0;
        bool known = true;
        rc = lnc_inflate_size(cx, enc->scheme, spans[i], &size, &known);
        if (rc == LNC_OK && !known)
            rc = lnc_bad(cx, "a compressed value does not say how long it is");
        room += size;
    }
    fz->text.size = 0;
    /* One byte for the slack that lnc_inflate() asks for, so that the buffer never moves below the
     * spans. */
    if (rc == LNC_OK)
        rc = lnc_buf_reserve_n(cx, &fz->text, room + 1, 1);
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        size_t start = fz->text.size;
        rc = lnc_inflate(cx, &fz->decoder.inflater, enc->scheme, spans[i], &fz->text);
        spans[i] = (struct lnc_span){.data = fz->text.data + start, .size = fz->text.size - start};
    }
    return rc;
}

/* Narrows a struct to one of its fields; checks that the fields fill it. */
static int pick_field(struct lnc_ctx *cx, const struct fullzip *fz, struct lnc_span *value)
{
    const uint8_t *p = value->data;
    size_t left = value->size;
    for (size_t i = 0; i < fz->structs->n_fields; i++) {
        const struct lnc_enc_field *field = &fz->structs->fields[i];
        size_t prefix = (size_t)field->length_bits / 8;
        uint64_t size = field->bits / 8;
        if (prefix > left)
            return lnc_bad(cx, "a packed struct of %zu bytes ends in field %zu", value->size, i);
        if (prefix > 0)
            size = lnc_load_uint(p, prefix, 0);
        p += prefix;
        left -= prefix;
        if (size > left)
            return lnc_bad(cx, "a packed struct of %zu bytes ends in field %zu", value->size, i);
        if (i == fz->field_index)
            *value = (struct lnc_span){.data = p, .size = (size_t)size};
        p += size;
        left -= (size_t)size;
    }
    if (left > 0)
        return lnc_bad(cx, "a packed struct has %zu bytes behind its fields", left);
    return LNC_OK;
}

static int pick_fields(struct lnc_ctx *cx, struct fullzip *fz, size_t n)
{
    struct lnc_span *spans = (struct lnc_span *)(void *)fz->values.data;
    size_t width = fz->phys.width;
    int rc = lnc_buf_reserve_n(cx, &fz->picked, n, width);
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        if (fz->validity.data[i] != 0)
            rc = pick_field(cx, fz, &spans[i]);
        if (rc == LNC_OK && width > 0 && fz->validity.data[i] != 0)
            memcpy(fz->picked.data + i * width, spans[i].data, width);
        else if (rc == LNC_OK && width > 0)
            memset(fz->picked.data + i * width, 0, width);
    }
    return rc;
}

static int next_variable(struct lnc_ctx *cx, struct fullzip *fz, size_t n_max,
                         struct lnc_slots *out)
{
    struct cut cut;
    int rc = take_entries(cx, fz, n_max, &cut);
    if (rc == LNC_OK && fz->structs != NULL)
        rc = pick_fields(cx, fz, cut.n);
    if (rc == LNC_OK && fz->value->kind == LNC_ENC_FSST)
        rc = decode_fsst(cx, fz, fz->value, cut.n);
    else if (rc == LNC_OK && fz->value->kind == LNC_ENC_GENERAL)
        rc = decode_general(cx, fz, fz->value, cut.n);
    if (rc != LNC_OK)
        return rc;
    hand_out(fz, cut.n_entries, cut.n, LNC_SLOTS_MAX, out);
    if (fz->phys.width > 0)
        out->fixed = fz->picked.data;
    else
        out->spans = (const struct lnc_span *)(const void *)fz->values.data;
    return LNC_OK;
}

static int fullzip_next(struct lnc_page_reader *reader, struct lnc_ctx *cx, size_t n_max,
                        struct lnc_slots *out)
{
    struct fullzip *fz = (struct fullzip *)reader;
    if (fz->bits_value == 0)
        return next_variable(cx, fz, n_max, out);
    int rc = next_fixed(cx, fz, n_max, out);
    return rc == LNC_OK && fz->phys.bits == 1 ? check_bools(cx, fz, out) : rc;
}

int lnc_fullzip_open(struct lnc_ctx *cx, const struct lnc_page_job *job, struct lnc_pb message,
                     struct lnc_page_reader **out)
{
    struct fullzip *fz = lnc_calloc(cx, 1, sizeof *fz);
    if (fz == NULL)
        return lnc_no_memory(cx, sizeof *fz);
    fz->base = (struct lnc_page_reader){.next = fullzip_next, .free = fullzip_free};
    fz->phys = *job->phys;
    fz->has_entries = job->path != NULL;
    int rc = parse_layout(cx, fz, job->path, message);
    if (rc == LNC_OK)
        rc = check_layout(cx, fz, job);
    if (rc == LNC_OK)
        rc = lnc_page_stream(cx, job, 0, &fz->data);
    if (rc != LNC_OK) {
        fullzip_free(&fz->base);
        return rc;
    }
    *out = &fz->base;
    return LNC_OK;
}
