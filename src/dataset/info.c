#include "dataset/info.h"

#include "os/file.h"

#define INFO_BYTES_MAX ((size_t)64 << 20)

static void put_columns(struct gen_jb *b, struct gen_jmut *entry, const char *const (*pairs)[2],
                        struct gen_info_columns has)
{
    struct gen_jmut *columns = gen_jb_object(b);
    for (; (*pairs)[0]; pairs++)
        gen_jb_put_cstr(b, columns, (*pairs)[0], (*pairs)[1]);
    if (has.has_system)
        gen_jb_put_cstr(b, columns, "system", "system");
    if (has.has_tools)
        gen_jb_put_cstr(b, columns, "tools", "tools");
    gen_jb_put(b, entry, "columns", columns);
}

/* Tags that are not named are none to it, those of tools too. */
static void put_tags(struct gen_jb *b, struct gen_jmut *entry, bool is_sharegpt, bool has_tools)
{
    struct gen_jmut *tags = gen_jb_object(b);
    gen_jb_put_cstr(b, tags, "role_tag", is_sharegpt ? "from" : "role");
    gen_jb_put_cstr(b, tags, "content_tag", is_sharegpt ? "value" : "content");
    gen_jb_put_cstr(b, tags, "user_tag", is_sharegpt ? "human" : "user");
    gen_jb_put_cstr(b, tags, "assistant_tag", is_sharegpt ? "gpt" : "assistant");
    if (has_tools) {
        gen_jb_put_cstr(b, tags, "observation_tag", is_sharegpt ? "observation" : "tool");
        gen_jb_put_cstr(b, tags, "function_tag", "function_call");
    }
    if (!is_sharegpt || has_tools)
        gen_jb_put_cstr(b, tags, "system_tag", "system");
    gen_jb_put(b, entry, "tags", tags);
}

void gen_info_put(struct gen_jb *b, struct gen_jmut *info, const char *name, const char *file_name,
                  const struct gen_export_format *format, struct gen_info_columns columns)
{
    static const char *const alpaca[][2] = {
        {"prompt", "instruction"}, {"query", "input"}, {"response", "output"}, {NULL, NULL}};
    static const char *const sharegpt[][2] = {{"messages", "conversations"}, {NULL, NULL}};
    static const char *const messages[][2] = {{"messages", "messages"}, {NULL, NULL}};
    static const char *const text[][2] = {{"prompt", "text"}, {NULL, NULL}};
    struct gen_jmut *entry = gen_jb_object(b);
    gen_jb_put_cstr(b, entry, "file_name", file_name);
    switch (format->llamafactory) {
    case GEN_LLAMAFACTORY_NONE:
        return;
    case GEN_LLAMAFACTORY_ALPACA:
        put_columns(b, entry, alpaca, columns);
        break;
    case GEN_LLAMAFACTORY_SHAREGPT:
        gen_jb_put_cstr(b, entry, "formatting", "sharegpt");
        put_columns(b, entry, sharegpt, columns);
        put_tags(b, entry, true, columns.has_tools);
        break;
    case GEN_LLAMAFACTORY_MESSAGES:
        /* The system's words are a message of their own. */
        columns.has_system = false;
        gen_jb_put_cstr(b, entry, "formatting", columns.has_tools ? "openai" : "sharegpt");
        put_columns(b, entry, messages, columns);
        put_tags(b, entry, false, columns.has_tools);
        break;
    case GEN_LLAMAFACTORY_TEXT:
        put_columns(b, entry, text, (struct gen_info_columns){false, false});
        break;
    }
    gen_jb_set(b, info, name, entry);
}

static int read_existing(struct gen_json_doc **doc, const char *path, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(INFO_BYTES_MAX);
    struct gen_error parse = {0};
    int rc = gen_file_read_all(&text, path, err);
    if (rc == GEN_OK && gen_json_parse(doc, gen_buf_str(&text), &parse) != GEN_OK)
        rc = gen_fail(err, GEN_EINPUT, "%s, into which the entry of the new file is to go: %s",
                      path, parse.msg);
    if (rc == GEN_OK && gen_json_type(gen_json_root(*doc)) != GEN_JSON_OBJECT)
        rc = gen_fail(err, GEN_EINPUT,
                      "%s, into which the entry of the new file is to go, is no JSON object; move "
                      "it away, or use --format sharegpt, which writes none",
                      path);
    gen_buf_release(&text);
    return rc;
}

static int build(struct gen_buf *out, const struct gen_json *existing, const char *path,
                 const char *name, const char *file_name, const struct gen_export_format *format,
                 struct gen_info_columns columns, struct gen_error *err)
{
    const struct gen_json *entry = gen_json_get(existing, name);
    if (entry && !gen_str_is(gen_json_get_str(entry, "file_name"), file_name))
        return gen_fail(err, GEN_EINPUT,
                        "%s has the entry \"%s\" for something else than %s; give the output "
                        "another name, so that the entry stays",
                        path, name, file_name);
    struct gen_jb *b = NULL;
    int rc = gen_jb_new(&b, err);
    if (rc)
        return rc;
    struct gen_jmut *info = existing ? gen_jb_copy(b, existing) : gen_jb_object(b);
    gen_info_put(b, info, name, file_name, format, columns);
    rc = gen_jb_write(b, info, GEN_JSON_PRETTY, out, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(out, '\n', err);
    gen_jb_free(b);
    return rc;
}

int gen_info_merge(struct gen_buf *out, const char *path, const char *name, const char *file_name,
                   const struct gen_export_format *format, struct gen_info_columns columns,
                   struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_file_kind(path) == GEN_FILE_NONE ? GEN_OK : read_existing(&doc, path, err);
    if (rc == GEN_OK)
        rc = build(out, gen_json_root(doc), path, name, file_name, format, columns, err);
    gen_json_doc_free(doc);
    return rc;
}
