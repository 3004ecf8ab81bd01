/* The calls that are known, and how more of them are made. */
#include "tool/blueprint_int.h"

#include "base/hash.h"

#include <stdlib.h>

#define CALLS_OF_TOOL_MAX 240U
#define TEMPLATES_MAX     6U
#define VARIED_PARAMS_MAX 24U
#define CHOICES_MAX       8U
#define VALUES_MAX        6U
#define LEAVES_SEEN_MAX   1500U

const struct gen_json *gen_call_args(const struct gen_blueprints *b, size_t call)
{
    return gen_json_root(b->calls[call].args_doc);
}

bool gen_call_is_right(const struct gen_blueprints *b, size_t call)
{
    const struct gen_known_call *c = &b->calls[call];
    if (c->mutation)
        return false;
    return b->tools[c->tool].is_explored ? c->tried == GEN_TRY_WELL : c->tried != GEN_TRY_FAILED;
}

bool gen_call_is_wrong(const struct gen_blueprints *b, size_t call)
{
    const struct gen_known_call *c = &b->calls[call];
    if (c->base == GEN_NONE || !c->mutation || !gen_call_is_right(b, c->base))
        return false;
    if (b->tools[c->tool].is_explored && c->tried != GEN_TRY_FAILED)
        return false;
    return gen_json_get_n(gen_call_args(b, c->base),
                          b->set->tools[c->tool].params[c->parameter].name) != NULL;
}

size_t gen_call_setup(const struct gen_blueprints *b, size_t call, size_t *setup)
{
    size_t found[GEN_SETUP_MAX], n = 0;
    for (size_t s = b->calls[call].setup; s != GEN_NONE && n < GEN_SETUP_MAX; s = b->calls[s].setup)
        found[n++] = s;
    for (size_t i = 0; i < n; i++)
        setup[i] = found[n - 1 - i];
    return n;
}

/* ---- adding ---- */

static bool is_known(const struct gen_blueprints *b, size_t tool, struct gen_str args, size_t setup,
                     size_t *n_of_tool)
{
    *n_of_tool = 0;
    for (size_t i = b->tools[tool].first; i != GEN_NONE; i = b->calls[i].next) {
        ++*n_of_tool;
        if (b->calls[i].setup == setup && gen_str_eq(b->calls[i].text, args))
            return true;
    }
    return false;
}

static int grow_calls(struct gen_blueprints *b, struct gen_error *err)
{
    if (b->n_calls < b->calls_capacity)
        return GEN_OK;
    size_t capacity = b->calls_capacity ? 2 * b->calls_capacity : 256;
    void *grown = realloc(b->calls, capacity * sizeof(*b->calls));
    if (!grown)
        return gen_nomem(err, "calls of tools");
    b->calls = grown;
    b->calls_capacity = capacity;
    return GEN_OK;
}

static void link_call(struct gen_blueprints *b, size_t number)
{
    struct gen_tool_state *t = &b->tools[b->calls[number].tool];
    if (t->first == GEN_NONE)
        t->first = number;
    else
        b->calls[t->last].next = number;
    t->last = number;
}

int gen_world_add(struct gen_blueprints *b, size_t tool, struct gen_str args, size_t setup,
                  enum gen_mutation mutation, size_t *number, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    size_t n_of_tool;
    bool valid = mutation != GEN_MUTATION_NONE;
    *number = GEN_NONE;
    if (is_known(b, tool, args, setup, &n_of_tool) || n_of_tool >= CALLS_OF_TOOL_MAX)
        return GEN_OK;
    int rc = gen_json_parse(&doc, args, err);
    if (rc == GEN_OK && !valid) {
        rc = gen_tool_check(&b->set->tools[tool], gen_json_root(doc), &valid, NULL, err);
        rc = rc == GEN_ELIMIT ? GEN_OK : rc;
    }
    if (rc == GEN_OK && valid)
        rc = grow_calls(b, err);
    struct gen_str text = rc == GEN_OK && valid ? gen_arena_str(&b->arena, args) : GEN_STR("");
    if (rc || !valid || !text.n) {
        gen_json_doc_free(doc);
        return rc || !valid ? rc : gen_nomem(err, "a call");
    }
    b->calls[b->n_calls] = (struct gen_known_call){.tool = tool,
                                                   .setup = setup,
                                                   .next = GEN_NONE,
                                                   .args_doc = doc,
                                                   .text = text,
                                                   .mutation = mutation,
                                                   .base = GEN_NONE,
                                                   .parameter = GEN_NONE};
    *number = b->n_calls++;
    link_call(b, *number);
    return GEN_OK;
}

static int add_made(struct gen_blueprints *b, size_t tool, struct gen_jmut *args, size_t setup,
                    enum gen_mutation mutation, size_t *number, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    int rc = gen_jb_write(b->jb, args, GEN_JSON_COMPACT, &text, err);
    if (rc == GEN_OK)
        rc = gen_world_add(b, tool, gen_buf_str(&text), setup, mutation, number, err);
    gen_buf_release(&text);
    return rc;
}

/* ---- templates ---- */

/* The required arguments, and optional ones as the bits of `chosen` say. */
static int add_invented(struct gen_blueprints *b, size_t tool, size_t variant, uint64_t chosen,
                        size_t *number, struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[tool];
    size_t n_optional = 0;
    *number = GEN_NONE;
    int rc = gen_jb_begin_again(b->jb, err);
    struct gen_jmut *args = gen_jb_object(b->jb);
    for (size_t i = 0; rc == GEN_OK && i < t->n_params; i++) {
        struct gen_jmut *v = NULL;
        bool is_wanted = t->params[i].is_required || ((chosen >> (n_optional++ & 63U)) & 1U) != 0;
        if (is_wanted)
            rc = gen_value_make(b, tool, i, variant, &v, err);
        if (v)
            gen_jb_put_n(b->jb, args, t->params[i].name, v);
    }
    return rc ? rc : add_made(b, tool, args, GEN_NONE, GEN_MUTATION_NONE, number, err);
}

int gen_world_templates(struct gen_blueprints *b, size_t tool, struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[tool];
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    size_t number = GEN_NONE, n = 0;
    int rc = GEN_OK;
    if (b->tools[tool].first != GEN_NONE)
        return GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < t->n_samples && n < TEMPLATES_MAX; i++) {
        gen_buf_clear(&text);
        rc = gen_json_write(&text, t->samples[i].args, GEN_JSON_COMPACT, err);
        if (rc == GEN_OK)
            rc = gen_world_add(b, tool, gen_buf_str(&text), GEN_NONE, GEN_MUTATION_NONE, &number,
                               err);
        if (rc == GEN_OK && number != GEN_NONE) {
            b->calls[number].is_template = true;
            n++;
        }
    }
    for (size_t variant = 0; rc == GEN_OK && n < 2 && variant < 8 && t->n_samples == 0; variant++) {
        rc = add_invented(b, tool, variant, 0, &number, err);
        if (rc == GEN_OK && number != GEN_NONE) {
            b->calls[number].is_template = true;
            n++;
        }
        if (t->n_params == 0)
            break;
    }
    gen_buf_release(&text);
    return rc;
}

/* ---- variations ---- */

struct change {
    size_t base, param;
    struct gen_jmut *value; /* NULL: taken out */
    size_t source;          /* its arguments are taken over where names agree; GEN_NONE */
    size_t setup;
    enum gen_mutation mutation;
};

/* A copy of the arguments of the base with one of them replaced. The builder must have been begun
 * again before the value was made. */
static int add_change(struct gen_blueprints *b, const struct change *h, size_t *number,
                      struct gen_error *err)
{
    const struct gen_known_call *c = &b->calls[h->base];
    struct gen_str name = b->set->tools[c->tool].params[h->param].name;
    struct gen_jmut *args = gen_jb_object(b->jb);
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    bool is_set = false;
    gen_json_iter_init(&it, gen_call_args(b, h->base));
    while (gen_json_iter_next(&it, &key, &v)) {
        bool is_it = gen_str_eq(key, name);
        const struct gen_json *other = is_it || h->source == GEN_NONE
                                           ? NULL
                                           : gen_json_get_n(gen_call_args(b, h->source), key);
        if (is_it && h->value)
            gen_jb_put_n(b->jb, args, key, h->value);
        else if (!is_it)
            gen_jb_put_n(b->jb, args, key, gen_jb_copy(b->jb, other ? other : v));
        is_set = is_set || is_it;
    }
    if (!is_set && h->value)
        gen_jb_put_n(b->jb, args, name, h->value);
    int rc = add_made(b, c->tool, args, h->setup, h->mutation, number, err);
    if (rc == GEN_OK && *number != GEN_NONE) {
        b->calls[*number].base = h->base;
        b->calls[*number].parameter = h->param;
    }
    return rc;
}

static int add_changed(struct gen_blueprints *b, size_t base, size_t param, struct gen_jmut *value,
                       enum gen_mutation mutation, struct gen_error *err)
{
    const struct change h = {base, param, value, GEN_NONE, b->calls[base].setup, mutation};
    size_t number = GEN_NONE;
    return add_change(b, &h, &number, err);
}

/* Other values from the schema, the pool and the inventor. */
static int vary_by_schema(struct gen_blueprints *b, size_t base, size_t param, size_t n_values,
                          struct gen_error *err)
{
    size_t tool = b->calls[base].tool;
    int rc = GEN_OK;
    for (size_t v = 0; rc == GEN_OK && v < n_values; v++) {
        struct gen_jmut *value = NULL;
        rc = gen_jb_begin_again(b->jb, err);
        if (rc == GEN_OK)
            rc = gen_value_make(b, tool, param, v, &value, err);
        if (rc == GEN_OK && value)
            rc = add_changed(b, base, param, value, GEN_MUTATION_NONE, err);
    }
    return rc;
}

/* How well a value of a result might do where `like` stands: 2 by its name or look, 1 as a name in
 * a list, 0 not at all. */
static unsigned alikeness(const struct gen_leaf *leaf, uint64_t name_bits, struct gen_str like)
{
    struct gen_str s;
    if (!gen_json_as_str(leaf->value, &s) || s.n < 2 || s.n > 200 || memchr(s.p, '\n', s.n))
        return 0;
    bool is_item = leaf->pointer.n && leaf->pointer.p[leaf->pointer.n - 1] >= '0' &&
                   leaf->pointer.p[leaf->pointer.n - 1] <= '9';
    bool by_look = like.n > 1 && like.p[0] == s.p[0] && (s.p[0] == '/' || s.p[0] == '#');
    if (by_look || (gen_name_bits(leaf->key) & name_bits) != 0)
        return 2;
    bool is_name = gen_str_is(leaf->key, "name") || gen_str_is(leaf->key, "id");
    return (is_item || is_name) && !memchr(s.p, ' ', s.n) && s.n <= 80 ? 1 : 0;
}

/* "l*.h5" of "layouts.h5": what a pattern of files may be. */
static struct gen_jmut *pattern_of(struct gen_jb *jb, struct gen_str s)
{
    struct gen_buf text = gen_buf_make(64);
    struct gen_jmut *v = NULL;
    size_t dot = s.n;
    while (dot > 1 && s.p[dot - 1] != '.')
        dot--;
    bool is_file =
        dot > 1 && s.n - dot <= 5 && dot < s.n && !memchr(s.p, '/', s.n) && !memchr(s.p, ' ', s.n);
    if (is_file && gen_buf_printf(&text, NULL, "%c*.%.*s", s.p[0],
                                  GEN_STR_ARG(gen_str_sub(s, dot, s.n))) == GEN_OK)
        v = gen_jb_str(jb, gen_buf_str(&text));
    gen_buf_release(&text);
    return v;
}

/* A value of a result in the form that the parameter takes, or NULL. */
static struct gen_jmut *value_of_leaf(struct gen_blueprints *b, const struct gen_leaf *leaf,
                                      struct gen_str name, bool is_list)
{
    struct gen_str s = GEN_STR("");
    (void)gen_json_as_str(leaf->value, &s);
    if (gen_name_bits(name) & (gen_name_bits(GEN_STR("pattern")) | gen_name_bits(GEN_STR("glob"))))
        return pattern_of(b->jb, s);
    struct gen_jmut *value = gen_jb_copy(b->jb, leaf->value);
    if (!is_list)
        return value;
    struct gen_jmut *list = gen_jb_array(b->jb);
    gen_jb_append(b->jb, list, value);
    return list;
}

static struct gen_str bare_name(const struct gen_json *v)
{
    struct gen_str s = GEN_STR("");
    (void)gen_json_as_str(v, &s);
    return s.n > 1 && s.p[0] == '/' ? gen_str_sub(s, 1, s.n) : s;
}

/* Whether some result says that what the leaf names is enormous. */
static bool names_something_huge(const struct gen_blueprints *b, const struct gen_leaf *leaf)
{
    bool found = leaf->is_huge;
    for (size_t i = 0; i < b->n_leaves && !found; i++)
        found = b->leaves[i].is_huge &&
                gen_str_eq(bare_name(b->leaves[i].value), bare_name(leaf->value));
    return found;
}

/* Other values from results under the same setup. */
static int widen_param(struct gen_blueprints *b, size_t base, size_t setup, size_t param,
                       struct gen_error *err)
{
    const struct gen_tool_param *p = &b->set->tools[b->calls[base].tool].params[param];
    const struct gen_json *old = gen_json_get_n(gen_call_args(b, base), p->name);
    bool is_list = gen_str_is(p->type, "array");
    bool is_pattern = (gen_name_bits(p->name) & gen_name_bits(GEN_STR("pattern"))) != 0;
    struct gen_str like = GEN_STR("");
    uint64_t bits = gen_name_bits(p->name);
    size_t n_added = 0;
    int rc = GEN_OK;
    (void)gen_json_as_str(is_list ? gen_json_at(old, 0) : old, &like);
    if (is_list && old && !like.n)
        return GEN_OK; /* of numbers */
    for (unsigned wanted = is_pattern ? 1 : 2; rc == GEN_OK && wanted > 0; wanted--) {
        size_t n_seen = 0;
        for (size_t i = 0;
             rc == GEN_OK && i < b->n_leaves && n_added < VALUES_MAX && n_seen < LEAVES_SEEN_MAX;
             i++) {
            struct gen_leaf leaf = b->leaves[i];
            size_t of = b->calls[leaf.source].setup;
            size_t number = GEN_NONE;
            if (of != setup && (leaf.source != setup || setup == GEN_NONE))
                continue;
            n_seen++;
            if ((!is_pattern && alikeness(&leaf, bits, like) != wanted) ||
                names_something_huge(b, &leaf))
                continue;
            rc = gen_jb_begin_again(b->jb, err);
            struct gen_jmut *value = rc ? NULL : value_of_leaf(b, &leaf, p->name, is_list);
            const struct change h = {base, param, value, leaf.source, setup, GEN_MUTATION_NONE};
            if (value)
                rc = add_change(b, &h, &number, err);
            n_added += number != GEN_NONE;
        }
    }
    return rc;
}

int gen_world_widen(struct gen_blueprints *b, size_t base, size_t setup, struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[b->calls[base].tool];
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < t->n_params && i < VARIED_PARAMS_MAX; i++) {
        const struct gen_tool_param *p = &t->params[i];
        bool is_text = gen_str_is(p->type, "string") || gen_str_is(p->type, "array");
        if (is_text && !p->choices && (p->is_required || !gen_str_starts(p->name, GEN_STR("out"))))
            rc = widen_param(b, base, setup, i, err);
    }
    return rc;
}

int gen_world_vary(struct gen_blueprints *b, size_t base, bool only_optional, struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[b->calls[base].tool];
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < t->n_params && i < VARIED_PARAMS_MAX; i++) {
        const struct gen_tool_param *p = &t->params[i];
        size_t pooled = gen_values_pooled(b, p->name);
        if (only_optional && p->is_required)
            continue;
        size_t n = p->choices ? gen_json_count(p->choices) : 2;
        /* Nobody guesses the strings of a world: those that somebody wrote down will do. */
        if (pooled && !p->choices)
            n = gen_str_is(p->type, "string") || gen_str_is(p->type, "array") ? pooled : pooled + 1;
        rc = vary_by_schema(b, base, i, n < CHOICES_MAX ? n : CHOICES_MAX, err);
    }
    return rc;
}

/* ---- made wrong ---- */

/* A slip of the pen in the last part: a letter left out ("temprature"), two exchanged, the last one
 * missing, one doubled; "/x" becomes "/x_1". */
static int misspell(struct gen_jb *jb, struct gen_str s, struct gen_jmut **out,
                    struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(s.n + 16);
    size_t slash = s.n, end = s.n;
    while (slash > 0 && s.p[slash - 1] != '/')
        slash--;
    for (size_t i = slash + 1; i < s.n; i++)
        end = s.p[i] == '.' ? i : end;
    bool is_ascii = true;
    for (size_t i = slash; i < end; i++)
        is_ascii = is_ascii && (unsigned char)s.p[i] < 0x80;
    uint64_t how = gen_hash64(s, 5);
    size_t at = end > slash + 4 ? slash + 1 + (size_t)(how >> 8) % (end - slash - 2) : end;
    bool can_swap = at + 1 < end && s.p[at] != s.p[at + 1];
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < s.n + 1; i++) {
        if (i == end && (at == end || !is_ascii))
            rc = gen_buf_add_c(&text, "_1", err);
        if (rc || i == s.n)
            break;
        if (i == at && is_ascii && at < end) {
            if (how % 4 == 0 && can_swap) {
                rc = gen_buf_add_char(&text, s.p[at + 1], err);
                rc = rc ? rc : gen_buf_add_char(&text, s.p[at], err);
                i++;
                continue;
            }
            if (how % 4 != 1)
                continue;
            rc = gen_buf_add_char(&text, s.p[i], err);
        }
        rc = rc ? rc : gen_buf_add_char(&text, s.p[i], err);
    }
    if (rc == GEN_OK)
        *out = gen_jb_str(jb, gen_buf_str(&text));
    gen_buf_release(&text);
    return rc;
}

static int wrong_value(struct gen_blueprints *b, const struct gen_json *right,
                       struct gen_jmut **out, struct gen_error *err)
{
    struct gen_str s;
    *out = NULL;
    if (gen_json_as_str(right, &s) && s.n > 1)
        return misspell(b->jb, s, out, err);
    if (gen_json_type(right) == GEN_JSON_ARRAY && gen_json_as_str(gen_json_at(right, 0), &s) &&
        s.n > 1) {
        struct gen_jmut *first = NULL;
        struct gen_jmut *list = gen_jb_array(b->jb);
        int rc = misspell(b->jb, s, &first, err);
        gen_jb_append(b->jb, list, first);
        *out = list;
        return rc;
    }
    return GEN_OK;
}

static int wrong_type(struct gen_blueprints *b, const struct gen_json *right, struct gen_jmut **out,
                      struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 16);
    int rc = GEN_OK;
    *out = NULL;
    switch (gen_json_type(right)) {
    case GEN_JSON_INT:
    case GEN_JSON_REAL:
    case GEN_JSON_ARRAY:
    case GEN_JSON_OBJECT:
        rc = gen_json_write(&text, right, GEN_JSON_COMPACT, err);
        if (rc == GEN_OK)
            *out = gen_jb_str(b->jb, gen_buf_str(&text));
        break;
    case GEN_JSON_BOOL:
        *out = gen_jb_str(b->jb, GEN_STR("yes"));
        break;
    default:
        break;
    }
    gen_buf_release(&text);
    return rc;
}

int gen_world_mutate(struct gen_blueprints *b, size_t base, struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[b->calls[base].tool];
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < t->n_params && i < VARIED_PARAMS_MAX; i++) {
        const struct gen_json *right = gen_json_get_n(gen_call_args(b, base), t->params[i].name);
        struct gen_jmut *wrong = NULL;
        if (!right)
            continue;
        rc = gen_jb_begin_again(b->jb, err);
        if (rc == GEN_OK)
            rc = wrong_value(b, right, &wrong, err);
        if (rc == GEN_OK && wrong)
            rc = add_changed(b, base, i, wrong, GEN_WRONG_VALUE, err);
        if (rc == GEN_OK)
            rc = gen_jb_begin_again(b->jb, err);
        if (rc == GEN_OK)
            rc = wrong_type(b, right, &wrong, err);
        if (rc == GEN_OK && wrong)
            rc = add_changed(b, base, i, wrong, GEN_WRONG_TYPE, err);
        if (rc == GEN_OK)
            rc = gen_jb_begin_again(b->jb, err);
        if (rc == GEN_OK && t->params[i].is_required)
            rc = add_changed(b, base, i, NULL, GEN_MISSING_ARGUMENT, err);
    }
    return rc;
}

/* ---- without a world ---- */

int gen_world_candidates(struct gen_blueprints *b, size_t tool, struct gen_error *err)
{
    struct gen_tool_state *t = &b->tools[tool];
    if (t->has_candidates || t->is_explored)
        return GEN_OK;
    t->has_candidates = true;
    int rc = gen_world_templates(b, tool, err);
    size_t base = t->first;
    if (rc == GEN_OK && base != GEN_NONE)
        rc = gen_world_vary(b, base, false, err);
    if (rc == GEN_OK && base != GEN_NONE && b->options.can_execute)
        rc = gen_world_mutate(b, base, err);
    return rc;
}

int gen_world_fresh(struct gen_blueprints *b, size_t tool, size_t *number, struct gen_error *err)
{
    struct gen_tool_state *t = &b->tools[tool];
    int rc = GEN_OK;
    *number = GEN_NONE;
    if (t->is_explored || b->set->tools[tool].n_params == 0)
        return GEN_OK;
    for (size_t i = 0; rc == GEN_OK && *number == GEN_NONE && i < 6; i++) {
        t->n_fresh++;
        rc = add_invented(b, tool, t->n_fresh, gen_hash_mix(t->n_fresh * 31 + tool) & 0x5b, number,
                          err);
    }
    return rc;
}
