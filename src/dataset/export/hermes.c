/* Tools, calls and results as plain text, in the words of the Hermes models that Qwen took over:
 * for chat templates that know no tools. Users and assistants keep taking turns: what tools gave
 * comes from the user. */
#include "dataset/export/common.h"

static const char before_tools[] =
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are "
    "provided with function signatures within <tools></tools> XML tags:\n<tools>\n";
static const char after_tools[] =
    "</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, "
    "\"arguments\": <args-json-object>}\n</tool_call>";

/* The system's text with the tools behind it. */
static int add_tools(const struct gen_example *e, struct gen_str system, struct gen_buf *out,
                     struct gen_error *err)
{
    int rc = gen_buf_add_str(out, system, err);
    if (rc == GEN_OK && system.n)
        rc = gen_buf_add_c(out, "\n\n", err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, before_tools, err);
    for (size_t i = 0; rc == GEN_OK && i < e->n_tools; i++) {
        struct gen_jt line = gen_jt_make(out, err);
        gen_jt_object(&line, NULL);
        gen_jt_str(&line, "type", GEN_STR("function"));
        gen_export_function(&e->tools[i], "function", 0, &line);
        gen_jt_end_object(&line);
        rc = line.rc ? line.rc : gen_buf_add_c(out, "\n", err);
    }
    return rc ? rc : gen_buf_add_c(out, after_tools, err);
}

static void put_calls(const struct gen_turn *turn, struct gen_jt *t)
{
    struct gen_buf json = gen_buf_make(GEN_BUF_UNLIMITED);
    for (size_t i = 0; t->rc == GEN_OK && i < turn->n_calls; i++) {
        struct gen_jt inner = gen_jt_make(&json, t->err);
        gen_buf_clear(&json);
        gen_export_bare_call(&turn->calls[i], &inner);
        t->rc = inner.rc;
        gen_jt_text(t,
                    i || turn->content.n ? GEN_STR("\n<tool_call>\n") : GEN_STR("<tool_call>\n"));
        gen_jt_text(t, gen_buf_str(&json));
        gen_jt_text(t, GEN_STR("\n</tool_call>"));
    }
    gen_buf_release(&json);
}

static void put_answer(const struct gen_turn *turn, bool is_first, struct gen_jt *t)
{
    struct gen_buf json = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_jt inner = gen_jt_make(&json, t->err);
    gen_jt_object(&inner, NULL);
    gen_jt_str(&inner, "name", turn->answers->name);
    gen_jt_str(&inner, "content", turn->content);
    gen_jt_end_object(&inner);
    if (t->rc == GEN_OK)
        t->rc = inner.rc;
    gen_jt_text(t, is_first ? GEN_STR("<tool_response>\n") : GEN_STR("\n<tool_response>\n"));
    gen_jt_text(t, gen_buf_str(&json));
    gen_jt_text(t, GEN_STR("\n</tool_response>"));
    gen_buf_release(&json);
}

/* Writes the message that begins with turn `i`; gives the turns in it. */
static size_t put_message(const struct gen_example *e, const struct gen_export_dress *dress,
                          size_t i, struct gen_jt *t)
{
    bool is_assistant = e->turns[i].role == GEN_ROLE_ASSISTANT;
    size_t n = 1;
    gen_jt_object(t, NULL);
    gen_jt_str(t, "role", is_assistant ? GEN_STR("assistant") : GEN_STR("user"));
    gen_jt_text_begin(t, "content");
    if (e->turns[i].role == GEN_ROLE_TOOL) {
        put_answer(&e->turns[i], true, t);
        while (i + n < e->n_turns && e->turns[i + n].role == GEN_ROLE_TOOL)
            put_answer(&e->turns[i + n++], false, t);
    } else {
        gen_export_words(e, dress, i, t);
        put_calls(&e->turns[i], t);
    }
    gen_jt_text_end(t);
    gen_jt_end_object(t);
    return n;
}

static void put_list(const struct gen_example *e, const struct gen_export_dress *dress,
                     struct gen_jt *t)
{
    gen_jt_array(t, "messages");
    if (dress->system.n) {
        gen_jt_object(t, NULL);
        gen_jt_str(t, "role", GEN_STR("system"));
        gen_jt_str(t, "content", dress->system);
        gen_jt_end_object(t);
    }
    for (size_t i = 0; i < e->n_turns;)
        i += put_message(e, dress, i, t);
    gen_jt_end_array(t);
}

static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_export_dress own = *dress;
    if (e->n_tools && t->rc == GEN_OK) {
        t->rc = add_tools(e, dress->folds ? dress->folded : dress->system, &text, t->err);
        *(dress->folds ? &own.folded : &own.system) = gen_buf_str(&text);
    }
    put_list(e, &own, t);
    gen_buf_release(&text);
}

const struct gen_export_format gen_export_hermes_text = {
    .name = "hermes-text",
    .summary = "messages of nothing but text: templates without tools or a field for reasoning",
    .consumers = (const char *const[]){"trl", "axolotl", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .has_system = true,
    .row = row,
};
