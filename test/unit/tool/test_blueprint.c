/* What is drawn: counts, coverage, values, order of calls; and that the same seed draws the same.
 */
#include "tool/blueprint_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct gen_toolset *load(const char *path)
{
    struct gen_toolset *t = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_toolset_load(&t, path, NULL, NULL, &err))
        fail_msg("%s: %s", path, err.msg);
    return t;
}

static struct gen_blueprints *begin(const struct gen_toolset *t, struct gen_blueprint_options o)
{
    struct gen_blueprints *b = NULL;
    struct gen_error err = {.msg = ""};
    o.tools = t;
    if (!o.target)
        o.target = 100;
    if (!o.steps_max)
        o.steps_max = 5;
    if (!o.offered_max)
        o.offered_max = 8;
    if (gen_blueprints_new(&b, &o, &err))
        fail_msg("%s", err.msg);
    return b;
}

/* ---- a record looked at ---- */

struct tally {
    int64_t n, category[GEN_TOOL_N_CATEGORIES], n_setup, n_references;
    int64_t calls_of[64];
};

static const struct gen_json *offered_schema(const struct gen_json *record, struct gen_str name)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    gen_json_iter_init(&it, gen_json_get(record, "tools"));
    while (gen_json_iter_next(&it, NULL, &v)) {
        const struct gen_json *f = gen_json_get(v, "function");
        if (gen_str_eq(gen_json_get_str(f, "name"), name))
            return gen_json_get(f, "parameters");
    }
    return NULL;
}

/* Literal arguments pass the schema; references lead to earlier steps. */
static void check_call(const struct gen_toolset *t, const struct gen_json *record,
                       const struct gen_json *call, int64_t number, struct tally *sum)
{
    const struct gen_tool *tool = gen_toolset_find(t, gen_json_get_str(call, "tool"));
    const struct gen_json *args = gen_json_get(call, "args");
    struct gen_json_iter it;
    const struct gen_json *v;
    struct gen_buf faults = gen_buf_make(4096);
    bool valid = false, has_reference = false;
    assert_non_null(tool);
    assert_non_null(offered_schema(record, tool->name));
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, NULL, &v)) {
        int64_t step;
        struct gen_str pointer;
        if (!gen_result_reference(v, &step, &pointer))
            continue;
        has_reference = true;
        sum->n_references++;
        assert_true(step >= 1 && step < number);
    }
    assert_int_equal(gen_tool_check(tool, args, &valid, &faults, NULL), GEN_OK);
    if (!valid && !has_reference)
        fail_msg("%.*s: %s", GEN_STR_ARG(tool->name), faults.data);
    if (tool - t->tools < 64)
        sum->calls_of[tool - t->tools]++;
    gen_buf_release(&faults);
}

static void check_record(const struct gen_toolset *t, const struct gen_json *record,
                         size_t offered_max, struct tally *sum)
{
    const struct gen_json *metadata = gen_json_get(record, "metadata");
    const struct gen_json *blueprint = gen_json_get(metadata, "blueprint");
    const struct gen_json *calls = gen_json_get(blueprint, "calls");
    size_t n_calls = gen_json_count(calls),
           n_offered = gen_json_count(gen_json_get(record, "tools"));
    enum gen_tool_category c = gen_tool_category_from(gen_json_get_str(metadata, "category"));
    struct gen_json_iter it;
    const struct gen_json *call;
    int64_t number = 0;
    assert_true(c < GEN_TOOL_N_CATEGORIES);
    assert_true(gen_str_is(gen_json_get_str(record, "format"), "tool"));
    assert_true(n_offered >= 1 && (n_offered >= 2 || t->n_tools < 3));
    assert_true(n_offered <= offered_max + n_calls);
    gen_json_iter_init(&it, calls);
    while (gen_json_iter_next(&it, NULL, &call))
        check_call(t, record, call, ++number, sum);
    if (c == GEN_TOOL_CHAIN || c == GEN_TOOL_PARALLEL)
        assert_true(n_calls >= 2 && n_calls <= 10);
    else
        assert_int_equal(n_calls, c == GEN_TOOL_IRRELEVANCE ? 0 : 1);
    assert_true((c == GEN_TOOL_MISSING_PARAM) == (gen_json_get(blueprint, "withheld") != NULL));
    assert_true((c == GEN_TOOL_ERROR_RECOVERY) == (gen_json_get(blueprint, "mutation") != NULL));
    assert_true((c == GEN_TOOL_IRRELEVANCE) == (gen_json_get(blueprint, "gap") != NULL));
    struct gen_str missing = gen_json_get_str(gen_json_get(blueprint, "missing"), "tool");
    if (missing.n)
        assert_null(offered_schema(record, missing));
    sum->n_setup += gen_json_get(blueprint, "setup") != NULL;
    sum->category[c]++;
    sum->n++;
}

/* Draws a round; `out` may be NULL. */
static struct tally draw(struct gen_blueprints *b, const struct gen_toolset *t, size_t offered_max,
                         struct gen_buf *out)
{
    struct tally sum = {0};
    struct gen_buf record = gen_buf_make((size_t)1 << 24);
    struct gen_error err = {.msg = ""};
    bool more = true;
    while (more) {
        struct gen_json_doc *doc = NULL;
        gen_buf_clear(&record);
        if (gen_blueprints_next(b, &record, &more, &err))
            fail_msg("%s", err.msg);
        if (!more)
            break;
        assert_int_equal(gen_json_parse(&doc, gen_buf_str(&record), NULL), GEN_OK);
        check_record(t, gen_json_root(doc), offered_max, &sum);
        gen_json_doc_free(doc);
        if (out) {
            assert_int_equal(gen_buf_add_str(out, gen_buf_str(&record), NULL), GEN_OK);
            assert_int_equal(gen_buf_add_char(out, '\n', NULL), GEN_OK);
        }
    }
    gen_buf_release(&record);
    return sum;
}

/* ---- the bundled file, without a server ---- */

static void quotas_add_up(void **state)
{
    (void)state;
    struct gen_toolset *t = load(PROJECT_DIR "/configs/hdf5_tools.json");
    for (int64_t target = 1; target <= 301; target += 20) {
        struct gen_blueprints *b =
            begin(t, (struct gen_blueprint_options){.target = target, .seed = 7});
        struct tally sum = draw(b, t, 8, NULL);
        size_t n;
        const struct gen_blueprint_quota *q = gen_blueprints_quotas(b, &n);
        int64_t wanted = 0;
        for (size_t i = 0; i < n; i++) {
            wanted += q[i].n_wanted;
            assert_int_equal(q[i].n_wanted, sum.category[q[i].category]);
        }
        assert_int_equal(sum.n, target);
        assert_int_equal(wanted, target);
        gen_blueprints_free(b);
    }
    gen_toolset_free(t);
}

static void every_tool_in_turn(void **state)
{
    (void)state;
    struct gen_toolset *t = load(PROJECT_DIR "/configs/hdf5_tools.json");
    struct gen_blueprints *b = begin(
        t,
        (struct gen_blueprint_options){.target = 100, .seed = 3, .mix = {{1, 0, 0, 0, 0, 0, 0}}});
    struct tally sum = draw(b, t, 8, NULL);
    for (size_t i = 0; i < t->n_tools; i++)
        assert_int_equal(sum.calls_of[i], 4);
    gen_blueprints_free(b);
    gen_toolset_free(t);
}

static void same_seed_same_bytes(void **state)
{
    (void)state;
    struct gen_toolset *t = load(PROJECT_DIR "/configs/hdf5_tools.json");
    struct gen_buf text[3];
    for (size_t i = 0; i < 3; i++) {
        struct gen_blueprints *b =
            begin(t, (struct gen_blueprint_options){.seed = i < 2 ? 11 : 12, .target = 60});
        text[i] = gen_buf_make((size_t)1 << 26);
        (void)draw(b, t, 8, &text[i]);
        gen_blueprints_free(b);
    }
    assert_true(gen_str_eq(gen_buf_str(&text[0]), gen_buf_str(&text[1])));
    assert_false(gen_str_eq(gen_buf_str(&text[0]), gen_buf_str(&text[2])));
    if (getenv("SHOW"))
        (void)fwrite(text[0].data, 1, text[0].n, stderr);
    for (size_t i = 0; i < 3; i++)
        gen_buf_release(&text[i]);
    gen_toolset_free(t);
}

static void rounds_reach_the_target(void **state)
{
    (void)state;
    struct gen_toolset *t = load(PROJECT_DIR "/configs/hdf5_tools.json");
    struct gen_blueprints *b = begin(t, (struct gen_blueprint_options){.target = 40, .seed = 1});
    struct gen_prng random = gen_prng_make(5);
    do {
        struct tally sum = draw(b, t, 8, NULL);
        for (size_t c = 0; c < GEN_TOOL_N_CATEGORIES; c++) {
            for (int64_t i = 0; i < sum.category[c]; i++) {
                /* Irrelevance never comes out: the others take over. */
                if (c != GEN_TOOL_IRRELEVANCE && gen_prng_below(&random, 4))
                    gen_blueprints_done(b, (enum gen_tool_category)c);
            }
        }
    } while (gen_blueprints_next_round(b));
    assert_int_equal(gen_blueprints_missing(b), 0);
    gen_blueprints_free(b);
    b = begin(t, (struct gen_blueprint_options){.target = 10, .seed = 1});
    size_t n_rounds = 0;
    do {
        (void)draw(b, t, 8, NULL);
        n_rounds++;
    } while (gen_blueprints_next_round(b));
    assert_true(n_rounds <= 3);
    assert_int_equal(gen_blueprints_missing(b), 10);
    gen_blueprints_free(b);
    gen_toolset_free(t);
}

/* ---- schemas of all kinds ---- */

static struct gen_toolset *make(const char *text)
{
    struct gen_toolset *t = NULL;
    struct gen_error err = {.msg = ""};
    if (gen_toolset_new(&t, gen_str_from(text), &err))
        fail_msg("%s: %s", text, err.msg);
    return t;
}

static void hard_schemas(void **state)
{
    static const struct {
        const char *schema;
        bool can;
    } cases[] = {
        {"{\"type\":\"object\",\"properties\":{}}", true},
        {"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":40,"
         "\"maximum\":41,\"multipleOf\":41}},\"required\":[\"n\"]}",
         true},
        {"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"number\",\"exclusiveMinimum\":0,"
         "\"exclusiveMaximum\":1}},\"required\":[\"n\"]}",
         true},
        {"{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\",\"pattern\":"
         "\"^[A-Z]{2}-\\\\d{4}$\"}},\"required\":[\"s\"]}",
         true},
        {"{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\",\"minLength\":40,"
         "\"maxLength\":40}},\"required\":[\"s\"]}",
         true},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"minItems\":3,"
         "\"uniqueItems\":true,\"items\":{\"type\":\"string\"}}},\"required\":[\"a\"]}",
         true},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"prefixItems\":[{\"type\":\"integer\"},{"
         "\"type\":\"string\"}],\"type\":\"array\",\"minItems\":2}},\"required\":[\"a\"]}",
         true},
        {"{\"type\":\"object\",\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{"
         "\"type\":\"integer\"},\"next\":{\"$ref\":\"#/$defs/n\"}},\"required\":[\"v\"]}},"
         "\"properties\":{\"x\":{\"$ref\":\"#/$defs/n\"}},\"required\":[\"x\"]}",
         true},
        {"{\"type\":\"object\",\"properties\":{\"u\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":"
         "\"integer\",\"enum\":[4,5]}]}},\"required\":[\"u\"]}",
         true},
        {"{\"type\":\"object\",\"properties\":{\"o\":{\"allOf\":[{\"type\":\"object\","
         "\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]},{\"type\":\"object\","
         "\"properties\":{\"b\":{\"const\":7}},\"required\":[\"b\"]}]}},\"required\":[\"o\"]}",
         true},
        /* Nothing passes these: without end, and a contradiction. */
        {"{\"type\":\"object\",\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"next\":{"
         "\"$ref\":\"#/$defs/n\"}},\"required\":[\"next\"]}},\"properties\":{\"x\":{\"$ref\":"
         "\"#/$defs/n\"}},\"required\":[\"x\"]}",
         false},
        {"{\"type\":\"object\",\"properties\":{\"x\":{\"allOf\":[{\"type\":\"string\"},{\"type\":"
         "\"integer\"}]}},\"required\":[\"x\"]}",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf text = gen_buf_make((size_t)1 << 16);
        struct gen_buf undrawn = gen_buf_make((size_t)1 << 16);
        assert_int_equal(gen_buf_printf(&text, NULL,
                                        "{\"tools\":[%s,{\"name\":\"hard\",\"tool_id\":\"h\","
                                        "\"description\":\"d\",\"input_schema\":%s}]}",
                                        "{\"name\":\"other\",\"tool_id\":\"o\",\"description\":"
                                        "\"d\",\"parameters\":[]}",
                                        cases[i].schema),
                         GEN_OK);
        struct gen_toolset *t = make(text.data);
        assert_int_equal(t->n_tools, 2);
        struct gen_blueprints *b =
            begin(t, (struct gen_blueprint_options){
                         .target = 12, .seed = i, .mix = {{1, 0, 0, 0, 0, 0, 0}}});
        struct tally sum = draw(b, t, 8, NULL);
        assert_int_equal(sum.n, 12);
        if ((sum.calls_of[1] > 0) != cases[i].can)
            fail_msg("case %zu", i);
        assert_int_equal(gen_blueprints_undrawn(b, &undrawn, NULL), GEN_OK);
        assert_true((undrawn.n == 0) == cases[i].can);
        gen_blueprints_free(b);
        gen_toolset_free(t);
        gen_buf_release(&text);
        gen_buf_release(&undrawn);
    }
}

static void add_random_schema(struct gen_prng *r, struct gen_buf *out, unsigned depth)
{
    static const char *const simple[] = {
        "{\"type\":\"string\"}",
        "{\"type\":\"integer\",\"minimum\":-3,\"maximum\":9}",
        "{\"type\":\"number\",\"exclusiveMinimum\":2}",
        "{\"type\":\"boolean\"}",
        "{\"enum\":[\"a\",\"b\",3]}",
        "{\"type\":\"string\",\"format\":\"date\"}",
        "{\"type\":[\"integer\",\"null\"]}",
        "{\"type\":\"string\",\"maxLength\":3}",
        "{\"const\":true}",
        "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}",
        "{\"type\":\"string\",\"pattern\":\"^[a-f0-9]{8}$\"}",
        "{}"};
    uint64_t kind = depth > 2 ? 0 : gen_prng_below(r, 4);
    if (kind == 1) {
        assert_int_equal(gen_buf_add_c(out, "{\"type\":\"array\",\"minItems\":2,\"items\":", NULL),
                         GEN_OK);
        add_random_schema(r, out, depth + 1);
        assert_int_equal(gen_buf_add_c(out, "}", NULL), GEN_OK);
    } else if (kind == 2) {
        assert_int_equal(
            gen_buf_add_c(out,
                          "{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":", NULL),
            GEN_OK);
        add_random_schema(r, out, depth + 1);
        assert_int_equal(gen_buf_add_c(out, ",\"user_email\":", NULL), GEN_OK);
        add_random_schema(r, out, depth + 1);
        assert_int_equal(gen_buf_add_c(out, "}}", NULL), GEN_OK);
    } else {
        assert_int_equal(gen_buf_add_c(out, simple[gen_prng_below(r, 12)], NULL), GEN_OK);
    }
}

/* Tools of random schemas: check_record says when a drawn call does not pass. */
static void random_schemas(void **state)
{
    struct gen_prng r = gen_prng_make(99);
    (void)state;
    for (size_t i = 0; i < 30; i++) {
        struct gen_buf text = gen_buf_make((size_t)1 << 20);
        assert_int_equal(gen_buf_add_c(&text, "{\"tools\":[", NULL), GEN_OK);
        for (size_t k = 0; k < 6; k++) {
            assert_int_equal(
                gen_buf_printf(&text, NULL,
                               "%s{\"tool_id\":\"t%zu\",\"name\":\"t%zu\",\"description\":\"d\","
                               "\"input_schema\":{\"type\":\"object\",\"properties\":{\"id\":",
                               k ? "," : "", k, k),
                GEN_OK);
            add_random_schema(&r, &text, 0);
            assert_int_equal(gen_buf_add_c(&text, ",\"path\":", NULL), GEN_OK);
            add_random_schema(&r, &text, 0);
            assert_int_equal(gen_buf_add_c(&text, "},\"required\":[\"id\"]}}", NULL), GEN_OK);
        }
        assert_int_equal(gen_buf_add_c(&text, "]}", NULL), GEN_OK);
        struct gen_toolset *t = make(text.data);
        struct gen_blueprints *b =
            begin(t, (struct gen_blueprint_options){.target = 60, .seed = i, .can_execute = true});
        struct tally sum = draw(b, t, 8, NULL);
        assert_int_equal(sum.n, 60);
        for (size_t k = 0; k < 6; k++)
            assert_true(sum.calls_of[k] > 0);
        gen_blueprints_free(b);
        gen_toolset_free(t);
        gen_buf_release(&text);
    }
}

static void ten_thousand_tools(void **state)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 26);
    (void)state;
    assert_int_equal(gen_buf_add_c(&text, "{\"tools\":[", NULL), GEN_OK);
    for (size_t k = 0; k < 10000; k++)
        assert_int_equal(
            gen_buf_printf(&text, NULL,
                           "%s{\"tool_id\":\"t%zu\",\"name\":\"get_thing_%zu\",\"category\":"
                           "\"c%zu\",\"description\":\"Get thing number %zu.\",\"parameters\":[{"
                           "\"name\":\"id\",\"type\":\"string\"}]}",
                           k ? "," : "", k, k, k % 50, k),
            GEN_OK);
    assert_int_equal(gen_buf_add_c(&text, "]}", NULL), GEN_OK);
    struct gen_toolset *t = make(text.data);
    assert_int_equal(t->n_tools, 10000);
    assert_ptr_equal(gen_toolset_find(t, GEN_STR("get_thing_7777")), &t->tools[7777]);
    clock_t before = clock();
    struct gen_blueprints *b = begin(t, (struct gen_blueprint_options){.target = 500, .seed = 1});
    struct tally sum = draw(b, t, 8, NULL);
    assert_int_equal(sum.n, 500);
    assert_true((clock() - before) / CLOCKS_PER_SEC < 20);
    gen_blueprints_free(b);
    gen_toolset_free(t);
    gen_buf_release(&text);
}

/* ---- a world with a state ---- */

static const char stateful[] =
    "{\"tools\":[{\"tool_id\":\"o\",\"name\":\"open_box\",\"description\":\"Open a box.\","
    "\"parameters\":[{\"name\":\"box\",\"type\":\"string\"}],\"examples\":[\"open_box(box='red')\","
    "\"open_box(box='blue')\"]},"
    "{\"tool_id\":\"l\",\"name\":\"list_items\",\"description\":\"List.\",\"parameters\":[],"
    "\"examples\":[\"list_items()\"]},"
    "{\"tool_id\":\"w\",\"name\":\"weigh\",\"description\":\"Weigh.\",\"parameters\":[{\"name\":"
    "\"item\",\"type\":\"string\"}],\"examples\":[\"weigh(item='nail')\"]},"
    "{\"tool_id\":\"s\",\"name\":\"shut\",\"description\":\"Shut.\",\"parameters\":[],"
    "\"examples\":[\"shut()\"]},"
    "{\"tool_id\":\"n\",\"name\":\"never\",\"description\":\"Fails.\",\"parameters\":[]}]}";

/* What the box says; `open` is its state. */
static bool answer(const struct gen_json *call, bool *open, const char **text)
{
    struct gen_str tool = gen_json_get_str(call, "tool");
    const struct gen_json *args = gen_json_get(call, "args");
    struct gen_str item = gen_json_get_str(args, "item"), box = gen_json_get_str(args, "box");
    *text = "no";
    if (gen_str_is(tool, "open_box") && (gen_str_is(box, "red") || gen_str_is(box, "blue"))) {
        *open = true;
        *text = "{\"ok\":true}";
        return true;
    }
    if (!*open || gen_str_is(tool, "never") || gen_str_is(tool, "open_box"))
        return false;
    if (gen_str_is(tool, "shut")) {
        *open = false;
        *text = "{}";
        return true;
    }
    if (gen_str_is(tool, "list_items")) {
        *text = "{\"items\":[\"nail\",\"screw\"],\"item\":\"hammer\"}";
        return true;
    }
    *text = "{\"grams\":12}";
    return gen_str_is(item, "nail") || gen_str_is(item, "hammer");
}

static void explore(struct gen_blueprints *b)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 24);
    for (size_t round = 0; round < 100; round++) {
        struct gen_json_doc *doc = NULL;
        gen_buf_clear(&text);
        assert_int_equal(gen_blueprints_explore(b, 2000, &text, NULL), GEN_OK);
        assert_int_equal(gen_json_parse(&doc, gen_buf_str(&text), NULL), GEN_OK);
        size_t n = gen_json_count(gen_json_root(doc));
        for (size_t s = 0; s < n; s++) {
            const struct gen_json *session = gen_json_at(gen_json_root(doc), s);
            bool open = false;
            for (size_t c = 0; c < gen_json_count(session); c++) {
                const char *said;
                bool well = answer(gen_json_at(session, c), &open, &said);
                assert_int_equal(gen_blueprints_learn(b, s, c, gen_str_from(said), !well, NULL),
                                 GEN_OK);
            }
        }
        gen_json_doc_free(doc);
        if (n == 0)
            break;
        assert_true(round < 99);
    }
    assert_int_equal(gen_blueprints_learn(b, 0, 0, GEN_STR("x"), false, NULL), GEN_ESTATE);
    gen_buf_release(&text);
}

static const struct gen_json *resolved(struct gen_jb *jb, const struct gen_json *call,
                                       char observations[10][200], struct gen_json_doc **doc)
{
    struct gen_json_iter it;
    struct gen_str key, pointer;
    const struct gen_json *v;
    struct gen_buf text = gen_buf_make(4096), value = gen_buf_make(4096);
    struct gen_jmut *o = gen_jb_object(jb), *args = gen_jb_object(jb);
    int64_t step;
    bool found = false;
    gen_jb_put_str(jb, o, "tool", gen_json_get_str(call, "tool"));
    gen_jb_put(jb, o, "args", args);
    gen_json_iter_init(&it, gen_json_get(call, "args"));
    while (gen_json_iter_next(&it, &key, &v)) {
        if (!gen_result_reference(v, &step, &pointer)) {
            gen_jb_put_n(jb, args, key, gen_jb_copy(jb, v));
            continue;
        }
        assert_int_equal(gen_reference_resolve(gen_str_from(observations[step - 1]), pointer,
                                               &value, &found, NULL),
                         GEN_OK);
        assert_true(found);
        gen_jb_put_n(jb, args, key, gen_jb_raw(jb, gen_buf_str(&value)));
    }
    assert_int_equal(gen_jb_write(jb, o, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
    assert_int_equal(gen_json_parse(doc, gen_buf_str(&text), NULL), GEN_OK);
    gen_buf_release(&text);
    gen_buf_release(&value);
    return gen_json_root(*doc);
}

/* Every drawn call goes well in the world, every mutation fails in it. */
static void run_in_world(const struct gen_json *record)
{
    const struct gen_json *blueprint = gen_json_get(gen_json_get(record, "metadata"), "blueprint");
    bool is_parallel =
        gen_str_is(gen_json_get_str(gen_json_get(record, "metadata"), "category"), "parallel");
    const struct gen_json *mutation = gen_json_get(gen_json_get(blueprint, "mutation"), "call");
    struct gen_json_iter it;
    const struct gen_json *call;
    char observations[10][200];
    const char *said;
    bool open = false;
    size_t n = 0;
    gen_json_iter_init(&it, gen_json_get(blueprint, "setup"));
    while (gen_json_iter_next(&it, NULL, &call))
        assert_true(answer(call, &open, &said));
    if (gen_json_get(blueprint, "setup"))
        assert_true(gen_json_get_str(blueprint, "context").n > 0);
    if (mutation)
        assert_false(answer(mutation, &open, &said));
    gen_json_iter_init(&it, gen_json_get(blueprint, "calls"));
    while (gen_json_iter_next(&it, NULL, &call)) {
        struct gen_jb *jb = NULL;
        struct gen_json_doc *doc = NULL;
        assert_int_equal(gen_jb_new(&jb, NULL), GEN_OK);
        if (is_parallel)
            assert_false(gen_str_is(gen_json_get_str(call, "tool"), "shut"));
        assert_true(answer(resolved(jb, call, observations, &doc), &open, &said));
        (void)snprintf(observations[n++], sizeof(observations[0]), "%s", said);
        gen_json_doc_free(doc);
        gen_jb_free(jb);
    }
}

static void explored_world(void **state)
{
    struct gen_toolset *t = make(stateful);
    struct gen_blueprints *b =
        begin(t, (struct gen_blueprint_options){.target = 120, .seed = 4, .can_execute = true});
    struct gen_buf text = gen_buf_make((size_t)1 << 24);
    struct gen_str line;
    size_t n_setup = 0;
    (void)state;
    explore(b);
    struct tally sum = draw(b, t, 8, &text);
    assert_int_equal(sum.n, 120);
    assert_true(sum.n_references > 0);
    assert_true(sum.n_setup > 0);
    assert_int_equal(sum.calls_of[4], 0);
    for (size_t i = 0; i < 4; i++)
        assert_true(sum.calls_of[i] >= 5);
    struct gen_str rest = gen_buf_str(&text);
    while (gen_str_next_line(&rest, &line)) {
        struct gen_json_doc *doc = NULL;
        assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
        run_in_world(gen_json_root(doc));
        n_setup += gen_str_find(line, GEN_STR("has been opened"), 0) != SIZE_MAX;
        gen_json_doc_free(doc);
    }
    assert_true(n_setup > 0);
    gen_buf_clear(&text);
    assert_int_equal(gen_blueprints_undrawn(b, &text, NULL), GEN_OK);
    assert_string_equal(text.data, "never: none of its calls went well: no\n");
    gen_buf_release(&text);
    gen_blueprints_free(b);
    gen_toolset_free(t);
}

/* ---- chains by names, references, mixes ---- */

static void chains_by_names(void **state)
{
    (void)state;
    struct gen_toolset *t = make(
        "{\"tools\":[{\"tool_id\":\"a\",\"name\":\"create_pipeline\",\"description\":\"d\","
        "\"parameters\":[{\"name\":\"title\",\"type\":\"string\"}],\"output_schema\":{\"type\":"
        "\"object\",\"properties\":{\"id\":{\"type\":\"string\"}}}},"
        "{\"tool_id\":\"b\",\"name\":\"run_it\",\"description\":\"d\",\"parameters\":[{\"name\":"
        "\"pipeline_id\",\"type\":\"string\"}]}]}");
    struct gen_blueprints *b = begin(
        t, (struct gen_blueprint_options){.target = 6, .seed = 1, .mix = {{0, 0, 0, 1, 0, 0, 0}}});
    struct tally sum = draw(b, t, 8, NULL);
    assert_int_equal(sum.n, 6);
    assert_int_equal(sum.n_references, 6);
    gen_blueprints_free(b);
    gen_toolset_free(t);
}

static void nothing_to_draw(void **state)
{
    struct gen_blueprints *b = NULL;
    struct gen_error err = {.msg = ""};
    (void)state;
    struct gen_toolset *t = make("{\"tools\":[{\"tool_id\":\"a\",\"name\":\"a\",\"description\":"
                                 "\"d\",\"parameters\":[]}]}");
    const struct gen_blueprint_options o = {
        .tools = t, .target = 5, .mix = {{0, 0, 0, 0, 0, 1, 0}}};
    assert_int_equal(gen_blueprints_new(&b, &o, &err), GEN_EUSAGE);
    assert_non_null(strstr(err.msg, "missing-param"));
    gen_toolset_free(t);
}

static void mixes(void **state)
{
    static const struct {
        const char *text, *fault;
    } bad[] = {{"singel=1", "did you mean \"single\""},
               {"single", "has no share"},
               {"single=x", "--mix"},
               {"single=-1", "--mix"},
               {"single=0", "no category a share"},
               {"", "no category a share"},
               {"single=1,single=2", "twice"}};
    struct gen_tool_mix mix;
    struct gen_error err;
    (void)state;
    assert_int_equal(gen_tool_mix_parse(&mix, "single=.4, chain = .3,irrelevance=.1,", &err), 0);
    assert_true(mix.share[GEN_TOOL_SINGLE] > .39 && mix.share[GEN_TOOL_CHAIN] > .29);
    assert_true(mix.share[GEN_TOOL_MULTIPLE] == 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(gen_tool_mix_parse(&mix, bad[i].text, &err), GEN_EUSAGE);
        if (!strstr(err.msg, bad[i].fault))
            fail_msg("%s: %s", bad[i].text, err.msg);
    }
}

static void references(void **state)
{
    static const struct {
        const char *observation, *pointer, *value; /* NULL: leads nowhere */
    } cases[] = {
        {"{\"keys\":[\"a\",\"b\"]}", "/keys/1", "\"b\""},
        {"{\"a/b\":{\"c%\":7}}", "/a~1b/c%", "7"},
        {"plain text", "", "\"plain text\""},
        {"{\"a\":1}", "", "\"{\\\"a\\\":1}\""},
        {"{\"a\":1}", "/b", NULL},
        {"plain text", "/a", NULL},
        {"{\"a\":1}", "a", NULL},
        {"[[1,2]]", "/0", "[1,2]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_buf value = gen_buf_make(1000);
        bool found = false;
        assert_int_equal(gen_reference_resolve(gen_str_from(cases[i].observation),
                                               gen_str_from(cases[i].pointer), &value, &found,
                                               NULL),
                         GEN_OK);
        assert_int_equal(found, cases[i].value != NULL);
        if (found)
            assert_string_equal(value.data, cases[i].value);
        gen_buf_release(&value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_add_up),
        cmocka_unit_test(every_tool_in_turn),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(rounds_reach_the_target),
        cmocka_unit_test(hard_schemas),
        cmocka_unit_test(random_schemas),
        cmocka_unit_test(ten_thousand_tools),
        cmocka_unit_test(explored_world),
        cmocka_unit_test(chains_by_names),
        cmocka_unit_test(nothing_to_draw),
        cmocka_unit_test(mixes),
        cmocka_unit_test(references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
