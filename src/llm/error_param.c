/* Which parameter a server complains about, and what it wants in its place. */
#include "llm/error_body.h"

#include <ctype.h>
#include <stdio.h>

struct param_row {
    const char *name;
    unsigned bit;
    bool is_word; /* also an English word: counts only where it is plainly a name */
};

static const struct param_row rows[] = {
    {"temperature", GEN_PARAM_TEMPERATURE, false},
    {"top_p", 0, false},
    {"top_k", 0, false},
    {"seed", GEN_PARAM_SEED, true},
    {"response_format", GEN_PARAM_SCHEMA, false},
    {"json_schema", GEN_PARAM_SCHEMA, false},
    {"output_format", GEN_PARAM_SCHEMA, false},
    {"format", GEN_PARAM_SCHEMA, true},
    {"responseJsonSchema", GEN_PARAM_SCHEMA, false},
    {"response_json_schema", GEN_PARAM_SCHEMA, false},
    {"responseSchema", GEN_PARAM_SCHEMA, false},
    {"response_schema", GEN_PARAM_SCHEMA, false},
    {"responseMimeType", GEN_PARAM_SCHEMA, false},
    {"response_mime_type", GEN_PARAM_SCHEMA, false},
    {"structured_outputs", GEN_PARAM_SCHEMA, false},
    {"output_config", GEN_PARAM_SCHEMA, false},
    {"schema", GEN_PARAM_SCHEMA, true},
    {"max_tokens", GEN_PARAM_MAX_TOKENS, false},
    {"max_completion_tokens", GEN_PARAM_MAX_TOKENS, false},
    {"system", GEN_PARAM_SYSTEM_ROLE, true},
    {"developer", GEN_PARAM_SYSTEM_ROLE, true},
    {"role", GEN_PARAM_SYSTEM_ROLE, true},
    {"think", GEN_PARAM_THINKING, true},
    {"thinking", GEN_PARAM_THINKING, true},
    {"thinking_config", GEN_PARAM_THINKING, false},
    {"thinkingConfig", GEN_PARAM_THINKING, false},
    {"thinking_level", GEN_PARAM_THINKING, false},
    {"thinkingLevel", GEN_PARAM_THINKING, false},
    {"thinking_budget", GEN_PARAM_THINKING, false},
    {"thinkingBudget", GEN_PARAM_THINKING, false},
    {"budget_tokens", GEN_PARAM_THINKING, false},
    {"reasoning_effort", GEN_PARAM_THINKING, false},
    {"reasoning", GEN_PARAM_THINKING, true},
    {"effort", GEN_PARAM_THINKING, true},
    {"chat_template_kwargs", GEN_PARAM_THINKING, false},
    {"enable_thinking", GEN_PARAM_THINKING, false},
    {"truncate", GEN_PARAM_TRUNCATE, true},
    {"shift", GEN_PARAM_TRUNCATE, true},
    {"prompt_cache_key", GEN_PARAM_CACHE, false},
    {"cache_control", GEN_PARAM_CACHE, false},
    {"stream_options", GEN_PARAM_STREAM, false},
    {"include_usage", GEN_PARAM_STREAM, false},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

unsigned gen_param_bit(const char *name)
{
    struct gen_str s = gen_str_from(name);
    /* From the inside out: "system.0.cache_control" is about cache_control. */
    for (size_t end = s.n; end > 0;) {
        size_t start = end;
        while (start > 0 && is_name_char(s.p[start - 1]))
            start--;
        struct gen_str part = gen_str_sub(s, start, end - start);
        for (size_t i = 0; i < N_ROWS; i++) {
            if (rows[i].bit && gen_str_is(part, rows[i].name))
                return rows[i].bit;
        }
        end = start < end ? start : end - 1;
    }
    return 0;
}

static bool ends_with_any(struct gen_str s, const char *const *words)
{
    for (; *words; words++) {
        struct gen_str w = gen_str_from(*words);
        if (s.n >= w.n && gen_str_eq_nocase(gen_str_sub(s, s.n - w.n, w.n), w))
            return true;
    }
    return false;
}

static bool starts_with_any(struct gen_str s, const char *const *words)
{
    for (; *words; words++) {
        struct gen_str w = gen_str_from(*words);
        if (gen_str_eq_nocase(gen_str_sub(s, 0, w.n), w))
            return true;
    }
    return false;
}

/* In quotes, in front of a colon, in a path, or beside a word that makes it a name: "think" in
 * "does not support think", not in "I think". */
static bool is_plainly_a_name(struct gen_str text, size_t at, size_t n)
{
    static const char *const before[] = {
        "support ",   "supports ",  "parameter ", "parameter: ", "field ", "field: ", "argument ",
        "supplied: ", "argument: ", "'",          "\"",          "`",      ".",       NULL};
    static const char *const after[] = {
        ":",        "=",      " parameter",   " field",  " role",
        " is not ", " is un", " not support", " option", " is deprecated",
        NULL};
    struct gen_str rest = gen_str_sub(text, at + n, 2);
    if (rest.n == 2 && rest.p[0] == '.' && is_name_char(rest.p[1]))
        return true;
    return ends_with_any(gen_str_sub(text, 0, at), before) ||
           starts_with_any(gen_str_sub(text, at + n, text.n), after);
}

/* Where `name` stands in the text as a whole word. */
static size_t find_name(struct gen_str text, const struct param_row *row)
{
    struct gen_str name = gen_str_from(row->name);
    for (size_t at = 0; (at = gen_str_find(text, name, at)) != SIZE_MAX; at += name.n) {
        bool starts = at == 0 || !is_name_char(text.p[at - 1]);
        bool ends = at + name.n == text.n || !is_name_char(text.p[at + name.n]);
        if (starts && ends && (!row->is_word || is_plainly_a_name(text, at, name.n)))
            return at;
    }
    return SIZE_MAX;
}

static void copy(char *out, size_t n, struct gen_str s)
{
    (void)snprintf(out, n, "%.*s", GEN_STR_ARG(gen_str_sub(s, 0, n - 1)));
}

/* The first of our parameters that the text names, with the path around it
 * ("output_config.format"). */
static struct gen_str first_name(struct gen_str text)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < N_ROWS; i++) {
        size_t at = find_name(text, &rows[i]);
        best = at < best ? at : best;
    }
    if (best == SIZE_MAX)
        return (struct gen_str){NULL, 0};
    size_t start = best;
    size_t end = best;
    while (start > 0 && (is_name_char(text.p[start - 1]) || text.p[start - 1] == '.'))
        start--;
    while (end < text.n && (is_name_char(text.p[end]) || strchr(".[]", text.p[end])) && text.p[end])
        end++;
    while (end > best && text.p[end - 1] == '.')
        end--;
    return gen_str_sub(text, start, end - start);
}

/* "Use 'max_completion_tokens' instead", "did you mean `x`", "renamed to x". */
static struct gen_str wanted_name(struct gen_str text)
{
    static const char *const leads[] = {"use ",         "did you mean ", "renamed to ",
                                        "replaced by ", "in favor of ",  "in favour of "};
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        struct gen_str lead = gen_str_from(leads[i]);
        for (size_t at = 0; (at = gen_str_find_nocase(text, lead, at)) != SIZE_MAX; at++) {
            size_t start = at + lead.n;
            bool is_quoted = start < text.n && strchr("'\"`", text.p[start]) && text.p[start];
            start += is_quoted;
            size_t end = start;
            while (end < text.n && (is_name_char(text.p[end]) || text.p[end] == '.'))
                end++;
            while (end > start && text.p[end - 1] == '.')
                end--;
            struct gen_str name = gen_str_sub(text, start, end - start);
            bool has_underscore = gen_str_find(name, GEN_STR("_"), 0) != SIZE_MAX;
            if (name.n > 2 && (is_quoted || has_underscore) && !isdigit((unsigned char)name.p[0]))
                return name;
        }
    }
    return (struct gen_str){NULL, 0};
}

bool gen_error_names_param(const struct gen_error_body *e, struct gen_llm_result *result)
{
    static const char *const codes[] = {"unsupported_value", "unsupported_parameter",
                                        "unknown_parameter", "extra_forbidden", NULL};
    static const char *const words[] = {"unsupported",       "not support",
                                        "unrecognized",      "unknown parameter",
                                        "unknown field",     "unknown name",
                                        "unknown arg",       "not permitted",
                                        "extra inputs",      "unexpected",
                                        "not allowed",       "deprecated",
                                        "cannot find field", "not available",
                                        "unavailable",       "only the default",
                                        "not enabled",       "incompatible",
                                        "may only be set",   "not compatible",
                                        "no longer",         NULL};
    bool says_so = gen_error_body_says(e, words);
    for (size_t i = 0; codes[i] && !says_so; i++)
        says_so = gen_str_is(e->code, codes[i]) || gen_str_is(e->type, codes[i]);
    if (!says_so)
        return false;
    struct gen_str name = e->param;
    if (name.n == 0)
        name = first_name(e->message);
    if (name.n == 0)
        name = first_name(e->raw);
    if (name.n == 0)
        return false;
    copy(result->param, sizeof(result->param), name);
    struct gen_str wanted = wanted_name(e->message);
    if (!gen_str_eq(wanted, name) && wanted.n)
        copy(result->rename, sizeof(result->rename), wanted);
    return true;
}

bool gen_error_is_about_schema(const struct gen_error_body *e)
{
    static const char *const sure[] = {"invalid schema",
                                       "schema error",
                                       "unrecognized type",
                                       "generate parser",
                                       "invalid json schema",
                                       "json schema is invalid",
                                       "levels of nesting",
                                       "invalid grammar",
                                       "compile grammar",
                                       "compiling grammar",
                                       "failed to parse grammar",
                                       "grammar compil",
                                       "compiled grammar",
                                       "schema keyword",
                                       "schema is too complex",
                                       "schema contains",
                                       NULL};
    static const char *const keywords[] = {
        "additionalproperties", "minlength",          "maxlength", "minitems",      "maxitems",
        "uniqueitems",          "multipleof",         "anyof",     "oneof",         "allof",
        "patternproperties",    "exclusivem",         "$ref",      "minproperties", "maxproperties",
        "properties maximum",   "properties minimum", NULL};
    static const char *const schema[] = {"schema", "format", NULL};
    if (gen_error_body_says(e, sure))
        return true;
    return gen_error_body_says(e, schema) && gen_error_body_says(e, keywords);
}

unsigned gen_param_to_drop(const char *name, unsigned dropped)
{
    unsigned bit = gen_param_bit(name);
    if (bit == GEN_PARAM_SCHEMA && (dropped & GEN_PARAM_SCHEMA))
        bit = GEN_PARAM_JSON_MODE;
    return bit & ~dropped;
}
