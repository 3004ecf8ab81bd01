/* Records show other choices of the same tools in other orders: what is kept is each tool for
 * itself, found by the bytes of its definition. */
#include "base/utf8.h"
#include "tool/ladder_int.h"
#include "json/memo.h"

#define TOOLS_MAX 512U

/* The function object as a list of one offered tool. */
static int wrap(struct gen_json_doc **doc, const struct gen_json *function, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_add_c(&text, "[{\"type\":\"function\",\"function\":", err);
    if (rc == GEN_OK)
        rc = gen_json_write(&text, function, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&text, "}]", err);
    if (rc == GEN_OK)
        rc = gen_json_parse(doc, gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static int make_tool(void **made, const struct gen_json *function, char *why, size_t why_bytes,
                     struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_toolset *set = NULL;
    struct gen_error said = {.msg = ""};
    int rc = wrap(&doc, function, err);
    if (rc)
        return rc;
    rc = gen_toolset_from_offered(&set, gen_json_root(doc), &said);
    gen_json_doc_free(doc);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a tool of a record");
    if (rc == GEN_OK && set->n_tools == 1) {
        *made = set;
        return GEN_OK;
    }
    gen_utf8_format(why, why_bytes, "%s", rc ? said.msg : "it is no definition of a tool");
    gen_toolset_free(set);
    return GEN_OK;
}

static void free_tool(void *made)
{
    gen_toolset_free(made);
}

int gen_tool_memo_new(struct gen_json_memo **out, struct gen_error *err)
{
    return gen_json_memo_new(out, TOOLS_MAX, make_tool, free_tool, err);
}

int gen_tool_memo_get(struct gen_json_memo *m, const struct gen_json *function,
                      const struct gen_tool **tool, const char **why, struct gen_error *err)
{
    void *made = NULL;
    int rc = gen_json_memo_get(m, function, &made, why, err);
    if (rc)
        return rc;
    const struct gen_toolset *set = made;
    *tool = set ? &set->tools[0] : NULL;
    return GEN_OK;
}
