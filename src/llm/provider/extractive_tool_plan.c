/* The plan of a request: the blueprint's own calls, each with a reason from the tool's description.
 */
#include "base/hash.h"
#include "llm/provider/extractive_tool_phrase.h"

static void put_argument(struct gen_jb *b, struct gen_jmut *list, struct gen_str name,
                         const struct gen_json *value, struct gen_error *err, int *rc)
{
    struct gen_jmut *row = gen_jb_object(b);
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_str words, pointer;
    int64_t step = 0;
    bool is_reference =
        gen_json_type(value) == GEN_JSON_OBJECT && gen_extract_reference(value, &step, &pointer);
    bool is_str = gen_json_as_str(value, &words);
    gen_jb_put_str(b, row, "name", name);
    gen_jb_put_cstr(b, row, "origin", is_reference ? "result" : "request");
    gen_jb_put_str(b, row, "where", is_reference ? pointer : is_str ? words : GEN_STR(""));
    gen_jb_put_int(b, row, "step", is_reference && step <= 10 ? step : 0);
    if (!is_reference && !is_str && *rc == GEN_OK)
        *rc = gen_json_write(&text, value, GEN_JSON_COMPACT, err);
    gen_jb_put_str(b, row, "value",
                   is_reference ? GEN_STR("")
                   : is_str     ? words
                                : gen_buf_str(&text));
    gen_jb_append(b, list, row);
    gen_buf_release(&text);
}

/* The first argument that is a text, and where a reference leads to. */
struct given {
    struct gen_str value, name, list, before; /* `before`: the tool of the call before */
    int64_t step;                             /* of the reference; 0: none */
};

static struct given read_given(const struct gen_json *args)
{
    struct given g = {.value = GEN_STR(""), .name = GEN_STR(""), .list = GEN_STR("")};
    struct gen_json_iter it;
    struct gen_str name, pointer;
    const struct gen_json *v;
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, &name, &v)) {
        int64_t step = 0;
        struct gen_str text = GEN_STR("");
        const struct gen_json *item = gen_json_type(v) == GEN_JSON_ARRAY ? gen_json_at(v, 0) : v;
        if (gen_json_type(v) == GEN_JSON_OBJECT && gen_extract_reference(v, &step, &pointer)) {
            size_t end = gen_str_find(pointer, GEN_STR("/"), 1);
            g.step = step;
            g.name = name;
            g.list =
                pointer.n ? gen_str_sub(pointer, 1, end == SIZE_MAX ? end : end - 1) : GEN_STR("");
        } else if (!g.value.n && !g.step && gen_json_as_str(item, &text) && text.n > 1 &&
                   text.n <= 120) {
            g.value = text;
            g.name = g.step ? g.name : name;
        }
        if (!g.name.n)
            g.name = name;
    }
    return g;
}

/* "%" is the order, "@" the tool, "~" the one before, "$" the value, "&" what it is the value of,
 * "#" the list that a result has it in. */
static void put_reason(struct gen_extract_line *l, const char *frame, struct gen_str order,
                       struct gen_str tool, const struct given *g)
{
    for (const char *p = frame; *p; p++) {
        if (*p == '%')
            gen_extract_put(l, order);
        else if (*p == '@')
            gen_extract_put(l, tool);
        else if (*p == '$')
            gen_extract_put(l, g->value);
        else if (*p == '~')
            gen_extract_put(l, g->before);
        else if (*p == '&')
            gen_extract_put_words(l, g->name);
        else if (*p == '#')
            gen_extract_put_words(l, g->list.n ? g->list : GEN_STR("result"));
        else
            gen_extract_put(l, (struct gen_str){p, 1});
    }
}

static void put_thought(struct gen_extract *x, const struct gen_json *function,
                        const struct gen_json *args, struct gen_str before, size_t i, size_t n,
                        bool is_parallel)
{
    static const char *const named[] = {
        "The request names $, so @ can % right away.",
        "To % is what @ is for; the & is $, as the request says.",
        "Only $ has to be looked at, and @ is the tool to %.",
        "@ fits because it can %; it needs the &, which is $.",
        "Since the & $ is known, nothing else has to come before @.",
        "What is wanted of $ is to %, so I call @."};
    static const char *const bare[] = {"@ is the tool to %, and it needs no further value here.",
                                       "Nothing has to be given for this: @ can % as it is.",
                                       "To % no value is needed, so @ is called as it stands.",
                                       "The request is to %, so @ is called with its defaults."};
    static const char *const begin[] = {
        "Everything else depends on $, so @ comes before it.",
        "The later steps need what @ gives for $, so I begin there.",
        "Before the rest can be answered I have to % with $."};
    static const char *const bare_begin[] = {"The later steps need what @ gives, so I begin there.",
                                             "Where to look is not known yet, so I % to find out."};
    static const char *const fed[] = {
        "The # of the result before say which & to take, so now I can %.",
        "With the # at hand the & is known, and @ can %.",
        "I take the & from the # that came back, because the request leaves it open, and call @.",
        "The request does not name the &; the # found before do, so @ comes next."};
    static const char *const after[] = {
        "Once ~ is done, @ can % for $.", "After ~ there is $ to look at, and @ is the tool to %.",
        "~ was only the start; $ is named in the request, so @ follows."};
    static const char *const bare_after[] = {"After ~ it is known what to work on, so @ can %.",
                                             "~ was only the start: now @ can %.",
                                             "With ~ done, @ can %, as the request wants."};
    static const char *const beside[] = {
        "This does not depend on the other calls: @ can % for $.",
        "Independent of the rest, $ needs @.",
        "$ can be looked at in the same turn, so I call @ as well."};
    static const char *const bare_beside[] = {
        "This does not depend on the other calls, so @ goes into the same turn.",
        "Independent of the rest, @ can %, so it goes into the same turn."};
    struct given g = read_given(args);
    g.before = before;
    static const char *const at_root[] = {
        "The request is to %, so I call @ with the & that it names.",
        "@ is the tool to %; it needs the &, which the request names."};
    size_t k = (size_t)(gen_hash_mix(x->in->seed + i) % 12);
    const char *frame;
    gen_extract_put_call(&x->line, function, NULL, NULL);
    if (g.step)
        frame = fed[k % 4];
    else if (is_parallel)
        frame = g.value.n ? beside[k % 3] : bare_beside[k % 2];
    else if (i == 0 && n > 1)
        frame = g.value.n ? begin[k % 3] : bare_begin[k % 2];
    else if (i > 0)
        frame = g.value.n ? after[k % 3] : bare_after[k % 3];
    else
        frame = g.value.n ? named[k % 6] : g.name.n ? at_root[k % 2] : bare[k % 4];
    gen_extract_line_clear(&x->line2);
    put_reason(&x->line2, frame, gen_extract_line_str(&x->line), gen_json_get_str(function, "name"),
               &g);
}

static int write_calls(struct gen_extract *x, const struct gen_json *record, struct gen_jb *b,
                       struct gen_jmut *root, struct gen_error *err)
{
    const struct gen_json *blueprint = gen_json_get(gen_json_get(record, "metadata"), "blueprint");
    const struct gen_json *calls = gen_json_get(blueprint, "calls");
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_json_iter it, args;
    struct gen_str key, name, before = GEN_STR("");
    const struct gen_json *call, *value;
    size_t n = gen_json_count(calls);
    bool is_parallel =
        gen_str_is(gen_json_get_str(gen_json_get(record, "metadata"), "category"), "parallel");
    int64_t i = 0;
    int rc = GEN_OK;
    gen_json_iter_init(&it, calls);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &call)) {
        struct gen_jmut *row = gen_jb_object(b);
        struct gen_jmut *arguments = gen_jb_array(b);
        struct gen_str tool = gen_json_get_str(call, "tool");
        int64_t turn = i + 1;
        (void)gen_json_as_int(gen_json_get(call, "turn"), &turn);
        put_thought(x, gen_extract_offered(record, tool), gen_json_get(call, "args"), before,
                    (size_t)i, n, is_parallel);
        gen_json_iter_init(&args, gen_json_get(call, "args"));
        while (gen_json_iter_next(&args, &name, &value))
            put_argument(b, arguments, name, value, err, &rc);
        gen_jb_put_int(b, row, "turn", turn < 1 ? 1 : turn > 10 ? 10 : turn);
        gen_jb_put_str(b, row, "thought", gen_extract_line_str(&x->line2));
        gen_jb_put_str(b, row, "tool", tool);
        gen_jb_put(b, row, "arguments", arguments);
        gen_jb_append(b, list, row);
        before = tool;
        i++;
    }
    gen_jb_put(b, root, "calls", list);
    return rc;
}

int gen_extract_tool_plan(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                          struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, x->in->record, err);
    if (rc == GEN_OK)
        rc = write_calls(x, gen_json_root(doc), b, root, err);
    gen_json_doc_free(doc);
    return rc;
}
