#include "array20_int.h"

struct parse {
    struct lnc_ctx *cx;
    struct lnc_array20 *a;
    const struct lnc_page_job *job;
};

static int parse_array(struct parse *ps, struct lnc_pb pb, unsigned depth,
                       struct lnc_array_node **out);

static int parse_buffer(struct parse *ps, struct lnc_pb pb, struct lnc_array_node *node)
{
    struct lnc_pb_field f;
    uint64_t index = 0;
    uint64_t kind = 0;
    while (lnc_pb_next(&pb, &f)) {
        if (f.number == 1)
            index = lnc_pb_uint(&pb, &f);
        else if (f.number == 2)
            kind = lnc_pb_uint(&pb, &f);
    }
    int rc = lnc_pb_finish(ps->cx, &pb, "Buffer");
    if (rc != LNC_OK)
        return rc;
    if (kind != 0)
        return lnc_refuse(ps->cx, "the page uses a buffer that is not its own");
    if (index >= LNC_PAGE_BUFFERS_MAX)
        return lnc_bad(ps->cx, "the page has no buffer %llu", (unsigned long long)index);
    if (node->data.size > 0 || node->data.window.data != NULL)
        return lnc_bad(ps->cx, "an array of the page has two buffers");
    return lnc_page_stream(ps->cx, ps->job, (size_t)index, &node->data);
}

/* A compressed buffer is inflated as a whole: its frame has no inner borders. */
static int inflate_buffer(struct parse *ps, struct lnc_array_node *node, struct lnc_span scheme)
{
    enum lnc_scheme id = LNC_SCHEME_NONE;
    if (scheme.size == 0 || (scheme.size == 4 && memcmp(scheme.data, "none", 4) == 0))
        return LNC_OK;
    if (scheme.size == 4 && memcmp(scheme.data, "zstd", 4) == 0)
        id = LNC_SCHEME_ZSTD;
    else if (scheme.size == 3 && memcmp(scheme.data, "lz4", 3) == 0)
        id = LNC_SCHEME_LZ4;
    else
        return lnc_refuse(ps->cx, "the page uses the unknown compression scheme '%.*s'",
                          scheme.size < 40 ? (int)scheme.size : 40, (const char *)scheme.data);
    const uint8_t *bytes;
    size_t size = (size_t)node->data.size;
    int rc = lnc_stream_take(ps->cx, &node->data, node->data.size, &bytes);
    struct lnc_buf plain = {0};
    struct lnc_span in = {.data = rc == LNC_OK ? bytes : NULL, .size = size};
    if (rc == LNC_OK)
        rc = lnc_inflate(ps->cx, &ps->a->decoder.inflater, id, in, &plain);
    if (rc == LNC_OK)
        lnc_stream_become(&node->data, &plain);
    lnc_buf_release(&plain);
    return rc;
}

static int parse_flat(struct parse *ps, struct lnc_pb pb, struct lnc_array_node *node)
{
    struct lnc_pb_field f;
    struct lnc_span scheme = {0};
    bool has_buffer = false;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1) {
            node->bits = lnc_pb_uint(&pb, &f);
        } else if (f.number == 2) {
            has_buffer = true;
            rc = parse_buffer(ps, lnc_pb_sub(&pb, &f), node);
        } else if (f.number == 3) {
            struct lnc_pb compression = lnc_pb_sub(&pb, &f);
            while (lnc_pb_next(&compression, &f)) {
                if (f.number == 1 && f.wire == LNC_PB_BYTES)
                    scheme = (struct lnc_span){.data = f.data, .size = f.size};
            }
            pb.bad = pb.bad || compression.bad;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "Flat");
    bool width_ok =
        node->bits == 1 || (node->bits > 0 && node->bits % 8 == 0 && node->bits <= UINT32_MAX);
    if (rc == LNC_OK && (!has_buffer || !width_ok))
        rc = lnc_bad(ps->cx, "the page describes an impossible Flat array");
    return rc != LNC_OK ? rc : inflate_buffer(ps, node, scheme);
}

/* The inner arrays repeat what the schema says; the buffer holds whole structs. */
static int parse_packed_struct(struct parse *ps, struct lnc_pb pb, struct lnc_array_node *node)
{
    struct lnc_pb_field f;
    bool has_buffer = false;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number != 2)
            continue;
        has_buffer = true;
        rc = parse_buffer(ps, lnc_pb_sub(&pb, &f), node);
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "PackedStruct");
    const struct lnc_phys *phys = ps->job->phys;
    uint64_t size;
    node->bits = phys->bits;
    if (rc == LNC_OK && (!has_buffer || !phys->is_packed))
        rc = lnc_bad(ps->cx, "the page describes a packed struct where there is none");
    if (rc == LNC_OK && (!lnc_mul(ps->job->page->n_rows, phys->width, &size) ||
                         size != lnc_stream_left(&node->data)))
        rc = lnc_bad(ps->cx, "the page has %llu bytes for %llu structs of %u",
                     (unsigned long long)lnc_stream_left(&node->data),
                     (unsigned long long)ps->job->page->n_rows, phys->width);
    return rc;
}

static int parse_bitpacked(struct parse *ps, struct lnc_pb pb, struct lnc_array_node *node)
{
    struct lnc_pb_field f;
    bool has_buffer = false;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if (f.number == 1) {
            node->bits = lnc_pb_uint(&pb, &f);
        } else if (f.number == 2) {
            node->uncompressed = lnc_pb_uint(&pb, &f);
        } else if (f.number == 3) {
            has_buffer = true;
            rc = parse_buffer(ps, lnc_pb_sub(&pb, &f), node);
        } else if (f.number == 4) {
            node->is_signed = lnc_pb_uint(&pb, &f) != 0;
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "Bitpacked");
    uint64_t word = node->uncompressed;
    bool may_be_zero = node->kind == LNC_ARRAY_BITPACKED_NON_NEG;
    bool ok = has_buffer && (node->bits > 0 || may_be_zero) && node->bits <= word &&
              (word == 8 || word == 16 || word == 32 || word == 64);
    if (rc == LNC_OK && !ok)
        rc = lnc_bad(ps->cx, "the page describes an impossible Bitpacked array");
    return rc;
}

/* {1: no nulls {1: values}} | {2: some nulls {1: validity, 2: values}} | {3: all null} */
static int parse_nullable(struct parse *ps, struct lnc_pb pb, unsigned depth,
                          struct lnc_array_node *node)
{
    struct lnc_pb_field f;
    int rc = LNC_OK;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        uint32_t member = f.number;
        struct lnc_pb sub = lnc_pb_sub(&pb, &f);
        if (member == 3)
            node->kind = LNC_ARRAY_ALL_NULL;
        else if (member == 2)
            node->kind = LNC_ARRAY_SOME_NULL;
        else if (member != 1)
            return lnc_refuse(ps->cx, "the page has an unknown kind of nulls (member %u)", member);
        while (rc == LNC_OK && member != 3 && lnc_pb_next(&sub, &f)) {
            bool is_validity = member == 2 && f.number == 1;
            if (f.number == member || is_validity)
                rc =
                    parse_array(ps, lnc_pb_sub(&sub, &f), depth, &node->child[is_validity ? 1 : 0]);
        }
        pb.bad = pb.bad || sub.bad;
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "Nullable");
    bool ok =
        node->kind == LNC_ARRAY_ALL_NULL ||
        (node->child[0] != NULL && (node->kind != LNC_ARRAY_SOME_NULL || node->child[1] != NULL));
    if (rc == LNC_OK && !ok)
        rc = lnc_bad(ps->cx, "the page describes an impossible Nullable array");
    return rc;
}

/* Members 1 and 2 are arrays or numbers, depending on the kind. */
static int parse_composite(struct parse *ps, struct lnc_pb pb, unsigned depth,
                           struct lnc_array_node *node)
{
    struct lnc_pb_field f;
    int rc = LNC_OK;
    enum lnc_array_kind k = node->kind;
    while (rc == LNC_OK && lnc_pb_next(&pb, &f)) {
        if ((f.number == 1 && k == LNC_ARRAY_FIXED_SIZE_LIST) ||
            (f.number == 3 && (k == LNC_ARRAY_DICTIONARY || k == LNC_ARRAY_LIST))) {
            node->n_items = lnc_pb_uint(&pb, &f);
        } else if (f.number == 1 || (f.number == 2 && k == LNC_ARRAY_FIXED_SIZE_LIST)) {
            rc = parse_array(ps, lnc_pb_sub(&pb, &f), depth, &node->child[0]);
        } else if ((f.number == 2 && k == LNC_ARRAY_LIST) ||
                   (f.number == 3 && k == LNC_ARRAY_BINARY)) {
            node->null_adjustment = lnc_pb_uint(&pb, &f);
        } else if (f.number == 2 && k == LNC_ARRAY_FSST) {
            struct lnc_pb table = lnc_pb_sub(&pb, &f);
            node->table = (struct lnc_span){.data = table.p, .size = (size_t)(table.end - table.p)};
        } else if (f.number == 2 && k == LNC_ARRAY_FIXED_SIZE_BINARY) {
            node->bits = lnc_pb_uint(&pb, &f);
        } else if (f.number == 2) {
            rc = parse_array(ps, lnc_pb_sub(&pb, &f), depth, &node->child[1]);
        }
    }
    if (rc == LNC_OK)
        rc = lnc_pb_finish(ps->cx, &pb, "ArrayEncoding");
    bool ok = node->child[0] != NULL;
    if (k == LNC_ARRAY_BINARY || k == LNC_ARRAY_DICTIONARY)
        ok = ok && node->child[1] != NULL;
    else if (k == LNC_ARRAY_FIXED_SIZE_LIST)
        ok = ok && node->n_items > 0 && node->n_items <= UINT32_MAX;
    else if (k == LNC_ARRAY_FIXED_SIZE_BINARY)
        ok = ok && node->bits > 0 && node->bits <= UINT32_MAX;
    if (rc == LNC_OK && !ok)
        rc = lnc_bad(ps->cx, "the page describes an impossible array (member %u)", (unsigned)k);
    return rc;
}

static int parse_array(struct parse *ps, struct lnc_pb pb, unsigned depth,
                       struct lnc_array_node **out)
{
    struct lnc_pb_field f;
    struct lnc_pb member = {0};
    uint32_t kind = 0;
    while (lnc_pb_next(&pb, &f)) {
        kind = f.number;
        member = lnc_pb_sub(&pb, &f);
    }
    int rc = lnc_pb_finish(ps->cx, &pb, "ArrayEncoding");
    if (rc != LNC_OK)
        return rc;
    if (depth >= LNC_ARRAY_DEPTH_MAX || ps->a->n_nodes == LNC_ARRAY_NODES_MAX)
        return lnc_bad(ps->cx, "the arrays of the page are nested too deeply");
    struct lnc_array_node *node = &ps->a->node[ps->a->n_nodes++];
    node->kind = (enum lnc_array_kind)kind;
    *out = node;
    switch (kind) {
    case LNC_ARRAY_FLAT:
        return parse_flat(ps, member, node);
    case LNC_ARRAY_NULLABLE:
        return parse_nullable(ps, member, depth + 1, node);
    case LNC_ARRAY_PACKED_STRUCT:
        return parse_packed_struct(ps, member, node);
    case LNC_ARRAY_BITPACKED:
    case LNC_ARRAY_BITPACKED_NON_NEG:
        return parse_bitpacked(ps, member, node);
    case LNC_ARRAY_FIXED_SIZE_LIST:
    case LNC_ARRAY_LIST:
    case LNC_ARRAY_BINARY:
    case LNC_ARRAY_DICTIONARY:
    case LNC_ARRAY_FSST:
    case LNC_ARRAY_FIXED_SIZE_BINARY:
        return parse_composite(ps, member, depth + 1, node);
    default:
        return lnc_refuse(
            ps->cx, "the page has an array encoding that is not read (member %u of ArrayEncoding)",
            kind);
    }
}

int lnc_array20_parse(struct lnc_ctx *cx, struct lnc_array20 *a, const struct lnc_page_job *job)
{
    struct parse ps = {.cx = cx, .a = a, .job = job};
    struct lnc_pb pb = lnc_pb_over(job->page->encoding.data, job->page->encoding.size);
    int rc = parse_array(&ps, pb, 0, &a->root);
    if (rc == LNC_OK && (a->root->kind == LNC_ARRAY_LIST) != a->phys.is_lengths)
        rc = lnc_bad(cx, "the page %s the offsets of lists",
                     a->phys.is_lengths ? "does not hold" : "holds");
    return rc;
}

/* Member of the outermost ArrayEncoding, or 0. */
static uint32_t outermost(const struct lnc_page *page)
{
    struct lnc_pb pb = lnc_pb_over(page->encoding.data, page->encoding.size);
    struct lnc_pb_field f;
    uint32_t member = 0;
    while (lnc_pb_next(&pb, &f))
        member = f.number;
    return member;
}

bool lnc_array20_is_header(const struct lnc_page *page)
{
    return outermost(page) == LNC_ARRAY_STRUCT;
}

bool lnc_array20_is_packed(const struct lnc_page *page)
{
    return outermost(page) == LNC_ARRAY_PACKED_STRUCT;
}

bool lnc_array20_is_list(const struct lnc_page *page)
{
    return outermost(page) == LNC_ARRAY_LIST;
}
