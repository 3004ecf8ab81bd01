/* The tools of a server: page by page into one document, and what the client must know of each. */
#include "tool/mcp/mcp_int.h"

#include "base/hash.h"

#include <stdlib.h>

#define PAGES_MAX      1000U
#define LIST_BYTES_MAX ((size_t)64 << 20)

struct gen_mcp_pages {
    struct gen_jb *builder;
    struct gen_jmut *tools;
    size_t n_tools;
    uint64_t cursors[PAGES_MAX]; /* hashes of those that were followed */
    size_t n_pages;
};

void gen_mcp_list_release(struct gen_mcp *m)
{
    if (m->pages)
        gen_jb_free(m->pages->builder);
    free(m->pages);
    m->pages = NULL;
}

void gen_mcp_tools_release(struct gen_mcp *m)
{
    for (size_t i = 0; i < m->n_tools; i++)
        gen_schema_free(m->tools[i].output);
    free(m->tools);
    m->tools = NULL;
    m->n_tools = 0;
    gen_json_doc_free(m->tools_doc);
    m->tools_doc = NULL;
}

static int begin(struct gen_mcp *m, struct gen_error *err)
{
    if (m->pages)
        return GEN_OK;
    m->pages = calloc(1, sizeof(*m->pages));
    if (!m->pages)
        return gen_nomem(err, "a list of tools");
    int rc = gen_jb_new(&m->pages->builder, err);
    if (rc == GEN_OK)
        m->pages->tools = gen_jb_array(m->pages->builder);
    return rc;
}

static int add_page(struct gen_mcp *m, const struct gen_json *result, struct gen_error *err)
{
    struct gen_mcp_pages *p = m->pages;
    const struct gen_json *tools = gen_json_get(result, "tools");
    if (gen_json_type(tools) != GEN_JSON_ARRAY)
        return gen_fail(err, GEN_EINPUT,
                        "the server %s answered tools/list without a list of tools", m->o.name);
    struct gen_json_iter it;
    const struct gen_json *tool;
    gen_json_iter_init(&it, tools);
    while (gen_json_iter_next(&it, NULL, &tool)) {
        if (++p->n_tools > m->o.tools_max)
            return gen_fail(err, GEN_ELIMIT, "the server %s lists more than %zu tools", m->o.name,
                            m->o.tools_max);
        gen_jb_append(p->builder, p->tools, gen_jb_copy(p->builder, tool));
    }
    return GEN_OK;
}

/* A cursor that was followed before leads in a circle. */
static int check_cursor(struct gen_mcp *m, struct gen_str cursor, struct gen_error *err)
{
    struct gen_mcp_pages *p = m->pages;
    uint64_t hash = gen_hash64(cursor, 0);
    for (size_t i = 0; i < p->n_pages; i++) {
        if (p->cursors[i] == hash)
            return gen_fail(err, GEN_ELIMIT,
                            "the server %s lists its tools in a circle: page %zu leads back to "
                            "page %zu",
                            m->o.name, p->n_pages + 1, i + 2);
    }
    if (p->n_pages == PAGES_MAX)
        return gen_fail(err, GEN_ELIMIT, "the server %s lists its tools on more than %u pages",
                        m->o.name, PAGES_MAX);
    p->cursors[p->n_pages++] = hash;
    return GEN_OK;
}

static void note_tool(struct gen_mcp *m, struct gen_mcp_tool *t, const struct gen_json *definition)
{
    const struct gen_json *output = gen_json_get(definition, "outputSchema");
    struct gen_error err = {.msg = ""};
    t->definition = definition;
    t->name = gen_json_get_str(definition, "name");
    (void)gen_json_as_bool(gen_json_get(gen_json_get(definition, "annotations"), "readOnlyHint"),
                           &t->is_read_only);
    if (output && gen_schema_new_foreign(&t->output, output, GEN_DRAFT_2020_12, NULL, &err))
        gen_log(m->o.log, GEN_LOG_WARN, "tool",
                "answers of %.*s cannot be checked, its outputSchema is none: %s",
                GEN_STR_ARG(t->name), err.msg);
}

static int index_tools(struct gen_mcp *m, struct gen_error *err)
{
    const struct gen_json *list = gen_json_get(gen_json_root(m->tools_doc), "tools");
    m->tools = calloc(gen_json_count(list) + 1, sizeof(*m->tools));
    if (!m->tools)
        return gen_nomem(err, "a list of tools");
    struct gen_json_iter it;
    const struct gen_json *definition;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, NULL, &definition))
        note_tool(m, &m->tools[m->n_tools++], definition);
    return GEN_OK;
}

static int finish(struct gen_mcp *m, struct gen_error *err)
{
    struct gen_mcp_pages *p = m->pages;
    struct gen_buf text = gen_buf_make(LIST_BYTES_MAX);
    struct gen_jmut *root = gen_jb_object(p->builder);
    gen_jb_put(p->builder, root, "tools", p->tools);
    gen_mcp_tools_release(m);
    int rc = gen_jb_write(p->builder, root, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_json_parse(&m->tools_doc, gen_buf_str(&text), err);
    if (rc == GEN_OK)
        rc = index_tools(m, err);
    if (rc == GEN_OK && m->o.record)
        rc = gen_cassette_add_tools(m->o.record, gen_str_from(m->o.name),
                                    gen_json_root(m->tools_doc), m->o.allow, m->o.url != NULL, err);
    gen_buf_release(&text);
    return rc;
}

void gen_mcp_list_page(struct gen_mcp *m, const struct gen_json *result)
{
    struct gen_error err = {.msg = ""};
    struct gen_str cursor = {NULL, 0};
    int rc = begin(m, &err);
    if (rc == GEN_OK)
        rc = add_page(m, result, &err);
    bool has_more = rc == GEN_OK && gen_json_as_str(gen_json_get(result, "nextCursor"), &cursor);
    if (has_more)
        rc = check_cursor(m, cursor, &err);
    if (rc == GEN_OK && has_more) {
        gen_mcp_ask(m, GEN_MCP_LIST, cursor);
        return;
    }
    if (rc == GEN_OK)
        rc = finish(m, &err);
    gen_mcp_opened(m, rc ? &err : NULL);
}

const struct gen_mcp_tool *gen_mcp_tool(const struct gen_mcp *m, struct gen_str name)
{
    for (size_t i = 0; i < m->n_tools; i++) {
        if (gen_str_eq(m->tools[i].name, name))
            return &m->tools[i];
    }
    return NULL;
}

int gen_mcp_allows(const struct gen_mcp *m, struct gen_str tool, bool *allowed, struct gen_buf *why,
                   struct gen_error *err)
{
    const struct gen_mcp_tool *t = gen_mcp_tool(m, tool);
    bool is_allowed = t && t->is_read_only;
    for (const char *const *a = m->o.allow; a && *a && !is_allowed; a++)
        is_allowed = strcmp(*a, "*") == 0 || (t && gen_str_is(tool, *a));
    *allowed = is_allowed;
    if (is_allowed || !why)
        return GEN_OK;
    struct gen_str shown = gen_str_sub(tool, 0, 128);
    if (!t)
        return gen_buf_printf(why, err, "the server %s has no tool %.*s", m->o.name,
                              GEN_STR_ARG(shown));
    return gen_buf_printf(why, err,
                          "the tool %.*s does not say that it only reads, and is not allowed by "
                          "name",
                          GEN_STR_ARG(shown));
}
