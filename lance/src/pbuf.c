#include "pbuf_int.h"

static bool read_varint(struct lnc_pb *pb, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (pb->p == pb->end)
            break;
        uint8_t byte = *pb->p++;
        /* The tenth byte carries one bit only. */
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    pb->bad = true;
    return false;
}

bool lnc_pb_next(struct lnc_pb *pb, struct lnc_pb_field *field)
{
    uint64_t key;
    if (pb->bad || pb->p == pb->end || !read_varint(pb, &key))
        return false;
    *field = (struct lnc_pb_field){.wire = (enum lnc_pb_wire)(key & 7)};
    pb->bad = true; /* until proved otherwise, so that each early return below is an error */
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff)
        return false;
    field->number = (uint32_t)(key >> 3);
    size_t left = (size_t)(pb->end - pb->p);
    uint64_t size;
    switch (key & 7) {
    case LNC_PB_VARINT:
        pb->bad = false;
        return read_varint(pb, &field->value);
    case LNC_PB_I64:
        if (left < 8)
            return false;
        field->value = lnc_le64(pb->p);
        pb->p += 8;
        break;
    case LNC_PB_BYTES:
        if (!read_varint(pb, &size) || size > (size_t)(pb->end - pb->p))
            return false;
        field->data = pb->p;
        field->size = (size_t)size;
        pb->p += size;
        break;
    case LNC_PB_I32:
        if (left < 4)
            return false;
        field->value = lnc_le32(pb->p);
        pb->p += 4;
        break;
    default:
        return false;
    }
    pb->bad = false;
    return true;
}

struct lnc_pb lnc_pb_sub(struct lnc_pb *pb, const struct lnc_pb_field *field)
{
    if (field->wire == LNC_PB_BYTES)
        return lnc_pb_over(field->data, field->size);
    pb->bad = true;
    return lnc_pb_over(pb->p, 0);
}

uint64_t lnc_pb_uint(struct lnc_pb *pb, const struct lnc_pb_field *field)
{
    if (field->wire == LNC_PB_BYTES)
        pb->bad = true;
    return field->value;
}

int lnc_pb_append_uints(const struct lnc_ctx *cx, struct lnc_pb *pb,
                        const struct lnc_pb_field *field, struct lnc_buf *list)
{
    if (field->wire == LNC_PB_VARINT)
        return lnc_buf_append(cx, list, &field->value, sizeof field->value);
    struct lnc_pb packed = lnc_pb_sub(pb, field);
    int rc = LNC_OK;
    uint64_t value;
    while (rc == LNC_OK && packed.p != packed.end && read_varint(&packed, &value))
        rc = lnc_buf_append(cx, list, &value, sizeof value);
    pb->bad = pb->bad || packed.bad;
    return rc;
}

int lnc_pb_finish(const struct lnc_ctx *cx, const struct lnc_pb *pb, const char *message)
{
    return pb->bad ? lnc_bad(cx, "the protobuf message %s is damaged", message) : LNC_OK;
}
