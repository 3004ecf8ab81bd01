/* export_dataset. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_FACTOR    100U /* a file may hold so many times more than an answer */
#define TEXT_BYTES_MAX ((size_t)8 << 20)
#define FILE_BYTES_MAX ((size_t)256 << 20)

struct table {
    struct gen_jb *jb; /* for single cells */
    struct gen_buf *out;
    const struct hds_values *v;
    hid_t loc;
    struct gen_error *err;
};

static int add_quoted(struct gen_buf *out, struct gen_str s, struct gen_error *err)
{
    bool plain = true;
    for (size_t i = 0; i < s.n; i++)
        plain = plain && !strchr(",\"\r\n", s.p[i]);
    if (plain && s.n)
        return gen_buf_add_str(out, s, err);
    int rc = gen_buf_add_char(out, '"', err);
    for (size_t i = 0; rc == GEN_OK && i < s.n; i++) {
        if (s.p[i] == '"')
            rc = gen_buf_add_char(out, '"', err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, s.p[i], err);
    }
    return rc ? rc : gen_buf_add_char(out, '"', err);
}

/* Text as it is; everything else as its JSON. Null is an empty cell. */
static int add_cell(const struct table *t, const struct hds_type *type, const unsigned char *p)
{
    struct hds_writer w = {t->jb, t->loc, 0, SIZE_MAX, false};
    struct gen_buf text = gen_buf_make(TEXT_BYTES_MAX);
    struct gen_json_doc *doc = NULL;
    struct gen_str cell = {NULL, 0};
    int rc = gen_jb_begin_again(t->jb, t->err);
    if (rc == GEN_OK)
        rc = gen_jb_write(t->jb, hds_write_element(&w, type, p), GEN_JSON_COMPACT, &text, t->err);
    if (rc == GEN_OK && text.data[0] == '"') {
        rc = gen_json_parse(&doc, gen_buf_str(&text), t->err);
        if (rc == GEN_OK && gen_json_as_str(gen_json_root(doc), &cell))
            rc = add_quoted(t->out, cell, t->err);
    } else if (rc == GEN_OK && strcmp(text.data, "null") != 0) {
        rc = add_quoted(t->out, gen_buf_str(&text), t->err);
    }
    gen_json_doc_free(doc);
    gen_buf_release(&text);
    return rc;
}

/* The cells of one element: one for each field of a record, else one. */
static int add_element(const struct table *t, const unsigned char *p)
{
    const struct hds_type *type = t->v->tree;
    if (type->kind != HDS_COMPOUND)
        return add_cell(t, type, p);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < type->n_members; i++) {
        if (i)
            rc = gen_buf_add_char(t->out, ',', t->err);
        if (rc == GEN_OK)
            rc = add_cell(t, type->members[i].type, p + type->members[i].offset);
    }
    return rc;
}

static int add_header(const struct table *t, bool indexed)
{
    const struct hds_type *type = t->v->tree;
    int rc = GEN_OK;
    for (unsigned i = 0; rc == GEN_OK && indexed && i < t->v->rank; i++)
        rc = gen_buf_printf(t->out, t->err, "i%u,", i);
    if (type->kind != HDS_COMPOUND)
        return rc ? rc : gen_buf_add_c(t->out, "value\n", t->err);
    for (size_t i = 0; rc == GEN_OK && i < type->n_members; i++) {
        if (i)
            rc = gen_buf_add_char(t->out, ',', t->err);
        if (rc == GEN_OK)
            rc = add_quoted(t->out, gen_str_from(type->members[i].name), t->err);
    }
    return rc ? rc : gen_buf_add_char(t->out, '\n', t->err);
}

static int add_index(const struct table *t, size_t element)
{
    size_t at[H5S_MAX_RANK];
    int rc = GEN_OK;
    for (unsigned i = t->v->rank; i-- > 0;) {
        at[i] = element % (size_t)t->v->dims[i];
        element /= (size_t)t->v->dims[i];
    }
    for (unsigned i = 0; rc == GEN_OK && i < t->v->rank; i++)
        rc = gen_buf_printf(t->out, t->err, "%zu,", at[i]);
    return rc;
}

/* A plain table has its rows as lines and no header. Everything else has a line for each element
 * under a header, with its indices in front when there are several. */
static int add_csv(const struct table *t)
{
    bool record = t->v->tree->kind == HDS_COMPOUND;
    bool plain = t->v->rank == 2 && !record;
    bool indexed = t->v->rank > 1 && !plain;
    int rc = plain ? GEN_OK : add_header(t, indexed);
    for (size_t i = 0; rc == GEN_OK && i < t->v->n; i++) {
        if (indexed)
            rc = add_index(t, i);
        if (rc == GEN_OK)
            rc = add_element(t, t->v->data + i * t->v->tree->size);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(
                t->out, plain && (i + 1) % (size_t)t->v->dims[1] != 0 ? ',' : '\n', t->err);
    }
    return rc;
}

static int add_json(const struct table *t, const struct hds_dataset *d)
{
    struct hds_writer w = {t->jb, t->loc, 0, HDS_BYTES_MAX, false};
    struct gen_jmut *o = gen_jb_object(t->jb);
    hds_put_text(t->jb, o, "path", d->path);
    hds_put_shape(t->jb, o, "shape", &d->shape);
    int rc = hds_put_dtype(t->jb, o, d->tree, t->err);
    gen_jb_put(t->jb, o, "values", hds_write_values(&w, t->v));
    if (rc == GEN_OK)
        rc = gen_jb_write(t->jb, o, GEN_JSON_COMPACT, t->out, t->err);
    return rc ? rc : gen_buf_add_char(t->out, '\n', t->err);
}

static int write_file(const char *real, const struct gen_buf *text, struct gen_error *err)
{
    int fd = open(real, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return gen_fail_errno(err, GEN_EIO, errno, "%.300s could not be created", real);
    int rc = GEN_OK;
    for (size_t at = 0; rc == GEN_OK && at < text->n;) {
        ssize_t n = write(fd, text->data + at, text->n - at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            rc = gen_fail_errno(err, GEN_EIO, n == 0 ? ENOSPC : errno,
                                "%.300s could not be written", real);
    }
    if (close(fd) != 0 && rc == GEN_OK)
        rc = gen_fail_errno(err, GEN_EIO, errno, "%.300s could not be written", real);
    if (rc)
        (void)unlink(real);
    return rc;
}

static int make_text(struct hds_call *c, const struct hds_dataset *d, size_t elements_max,
                     struct gen_buf *text, struct gen_error *err)
{
    struct hds_values v;
    struct hds_region whole;
    struct table t = {NULL, text, &v, c->file->id, err};
    hds_region_whole(d, &whole);
    int rc = hds_dataset_read(d, &whole, elements_max, &v, err);
    if (rc)
        return rc;
    hds_put_u64(c->jb, c->out, "n_elements", v.n);
    rc = gen_jb_new(&t.jb, err);
    if (rc == GEN_OK)
        rc = gen_str_is(hds_arg_str(c, "format", "csv"), "json") ? add_json(&t, d) : add_csv(&t);
    gen_jb_free(t.jb);
    hds_values_release(&v);
    return rc;
}

int hds_tool_export_dataset(struct hds_call *c, struct gen_error *err)
{
    struct hds_dataset d;
    char real[PATH_MAX];
    bool to_file = gen_json_get(c->args, "output_path") != NULL;
    if (to_file && !c->file->limits.writable)
        return gen_fail(err, GEN_EINPUT,
                        "this server writes no files: it was started without "
                        "--writable; leave output_path out to get the text");
    int rc = to_file
                 ? hds_roots_new_file(c->file->roots, hds_arg_str(c, "output_path", ""), real, err)
                 : GEN_OK;
    if (rc == GEN_OK)
        rc = hds_dataset_open(c->file, hds_arg_str(c, "path", ""), &d, err);
    if (rc)
        return rc;
    struct gen_buf text = gen_buf_make(to_file ? FILE_BYTES_MAX : TEXT_BYTES_MAX);
    hds_put_text(c->jb, c->out, "path", d.path);
    gen_jb_put_str(c->jb, c->out, "format", hds_arg_str(c, "format", "csv"));
    size_t most = c->file->limits.elements_max;
    rc = make_text(c, &d, to_file && most <= SIZE_MAX / FILE_FACTOR ? most * FILE_FACTOR : most,
                   &text, err);
    if (rc == GEN_OK && to_file)
        rc = write_file(real, &text, err);
    if (rc == GEN_OK) {
        hds_put_u64(c->jb, c->out, "n_bytes", text.n);
        if (to_file)
            hds_put_text(c->jb, c->out, "output_path", real);
        else
            gen_jb_put(c->jb, c->out, "text", hds_write_text(c->jb, gen_buf_str(&text)));
    }
    gen_buf_release(&text);
    hds_dataset_close(&d);
    return rc;
}
