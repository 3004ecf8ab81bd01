#include "dataset/trajectory.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdarg.h>

#define OBSERVATION_JSON_BYTES_MAX ((size_t)64 << 20)

static const char *const category_names[GEN_TOOL_N_CATEGORIES] = {
    [GEN_TOOL_SINGLE] = "single",
    [GEN_TOOL_MULTIPLE] = "multiple",
    [GEN_TOOL_PARALLEL] = "parallel",
    [GEN_TOOL_CHAIN] = "chain",
    [GEN_TOOL_IRRELEVANCE] = "irrelevance",
    [GEN_TOOL_MISSING_PARAM] = "missing-param",
    [GEN_TOOL_ERROR_RECOVERY] = "error-recovery",
};

const char *gen_tool_category_name(enum gen_tool_category c)
{
    return (size_t)c < GEN_TOOL_N_CATEGORIES ? category_names[c] : "unknown";
}

enum gen_tool_category gen_tool_category_from(struct gen_str name)
{
    for (size_t i = 0; i < GEN_TOOL_N_CATEGORIES; i++) {
        if (gen_str_is(name, category_names[i]))
            return (enum gen_tool_category)i;
    }
    return GEN_TOOL_CATEGORY_UNKNOWN;
}

struct why {
    char *text;
    size_t bytes;
    bool is_refused;
};

static void refuse(struct why *why, const char *format, ...) GEN_PRINTF(2, 3);

static void refuse(struct why *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    gen_utf8_vformat(why->text, why->bytes, format, args);
    va_end(args);
    why->is_refused = true;
}

bool gen_result_reference(const struct gen_json *v, int64_t *step, struct gen_str *pointer)
{
    const struct gen_json *result = gen_json_get(v, "$result");
    int64_t n = 0;
    if (gen_json_count(v) != 1 || gen_json_type(result) != GEN_JSON_OBJECT ||
        !gen_json_as_int(gen_json_get(result, "step"), &n))
        return false;
    *step = n;
    *pointer = gen_json_get_str(result, "pointer");
    return true;
}

/* Recurses at most GEN_JSON_DEPTH_MAX deep: parsed values are no deeper. */
static bool holds_reference(const struct gen_json *v)
{
    struct gen_json_iter it;
    const struct gen_json *member;
    int64_t step;
    struct gen_str pointer;
    enum gen_json_type type = gen_json_type(v);
    if (type != GEN_JSON_OBJECT && type != GEN_JSON_ARRAY)
        return false;
    if (gen_result_reference(v, &step, &pointer))
        return true;
    gen_json_iter_init(&it, v);
    while (gen_json_iter_next(&it, NULL, &member)) {
        if (holds_reference(member))
            return true;
    }
    return false;
}

/* The text of a result: a string as it is, every other type as its JSON. */
static int read_observation(const struct gen_json *result, struct gen_arena *arena,
                            struct gen_str *out, struct gen_error *err)
{
    if (gen_json_as_str(result, out) || gen_json_type(result) <= GEN_JSON_NULL)
        return GEN_OK;
    struct gen_buf text = gen_buf_make(OBSERVATION_JSON_BYTES_MAX);
    int rc = gen_json_write(&text, result, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK) {
        *out = gen_arena_str(arena, gen_buf_str(&text));
        rc = out->p ? GEN_OK : gen_nomem(err, "an observation");
    }
    gen_buf_release(&text);
    return rc;
}

/* Rows that name no status have one all the same: a call with a result was made. */
static bool read_status(const struct gen_json *step, struct gen_tool_step *out)
{
    static const char *const names[] = {[GEN_CALL_PENDING] = "pending",
                                        [GEN_CALL_SUCCESS] = "success",
                                        [GEN_CALL_FAILURE] = "failure"};
    struct gen_str status = gen_json_get_str(step, "status");
    bool has_result = gen_json_type(gen_json_get(step, "actual_result")) > GEN_JSON_NULL;
    bool has_error = gen_json_get_str(step, "error_message").n > 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(status, names[i])) {
            out->status = (enum gen_call_status)i;
            return true;
        }
    }
    out->status = has_result ? GEN_CALL_SUCCESS : GEN_CALL_PENDING;
    if (has_error)
        out->status = GEN_CALL_FAILURE;
    return status.n == 0;
}

static int read_step(struct gen_trajectory *t, size_t i, const struct gen_json *v,
                     struct gen_arena *arena, struct why *why, struct gen_error *err)
{
    struct gen_tool_step *s = &t->steps[i];
    int64_t last_turn = i ? t->steps[i - 1].turn : 0;
    if (gen_json_type(v) != GEN_JSON_OBJECT) {
        refuse(why, "step %zu of its reasoning_path is no object", i + 1);
        return GEN_OK;
    }
    if (!gen_json_as_int(gen_json_get(v, "step"), &s->step))
        s->step = (int64_t)i + 1;
    if (!gen_json_as_int(gen_json_get(v, "turn"), &s->turn))
        s->turn = last_turn < INT64_MAX ? last_turn + 1 : last_turn;
    s->thought = gen_str_trim(gen_json_get_str(v, "thought"));
    s->tool = gen_json_get_str(v, "tool");
    if (!s->tool.n) {
        refuse(why, "step %zu has no \"tool\"", i + 1);
        return GEN_OK;
    }
    const struct gen_json *args = gen_json_get(v, "args");
    const struct gen_json *sources = gen_json_get(v, "sources");
    s->args = gen_json_type(args) == GEN_JSON_OBJECT ? args : NULL;
    s->sources = gen_json_type(sources) == GEN_JSON_OBJECT ? sources : NULL;
    s->has_reference = holds_reference(s->args);
    if (!gen_json_as_bool(gen_json_get(v, "is_mutation"), &s->is_mutation))
        s->is_mutation = false;
    if (!read_status(v, s)) {
        refuse(why, "the status \"%.*s\" of step %zu is none of pending, success and failure",
               GEN_STR_ARG(gen_str_sub(gen_json_get_str(v, "status"), 0, 40)), i + 1);
        return GEN_OK;
    }
    if (s->status == GEN_CALL_PENDING)
        return GEN_OK;
    int rc = read_observation(gen_json_get(v, "actual_result"), arena, &s->observation, err);
    if (rc == GEN_OK && s->status == GEN_CALL_FAILURE && !s->observation.n)
        s->observation = gen_json_get_str(v, "error_message");
    return rc;
}

static int read_steps(struct gen_trajectory *t, const struct gen_json *path,
                      struct gen_arena *arena, struct why *why, struct gen_error *err)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    size_t n = gen_json_count(path);
    if (!n)
        return GEN_OK;
    t->steps = gen_arena_array(arena, n, sizeof(*t->steps));
    if (!t->steps)
        return gen_nomem(err, "the steps of a tool record");
    int rc = GEN_OK;
    gen_json_iter_init(&it, path);
    while (rc == GEN_OK && !why->is_refused && gen_json_iter_next(&it, NULL, &v)) {
        rc = read_step(t, t->n_steps, v, arena, why, err);
        t->n_steps++;
    }
    return rc;
}

static enum gen_tool_category category_of_steps(const struct gen_trajectory *t)
{
    bool is_parallel = t->n_steps > 1;
    bool recovers = false;
    if (t->question_back.n)
        return GEN_TOOL_MISSING_PARAM;
    for (size_t i = 0; i < t->n_steps; i++) {
        const struct gen_tool_step *s = &t->steps[i];
        is_parallel = is_parallel && s->turn == t->steps[0].turn;
        recovers = recovers || s->is_mutation ||
                   (s->status == GEN_CALL_FAILURE && i + 1 < t->n_steps &&
                    t->steps[t->n_steps - 1].status == GEN_CALL_SUCCESS);
    }
    if (recovers)
        return GEN_TOOL_ERROR_RECOVERY;
    if (is_parallel)
        return GEN_TOOL_PARALLEL;
    if (t->n_steps)
        return t->n_steps > 1 ? GEN_TOOL_CHAIN : GEN_TOOL_SINGLE;
    return t->final_answer.n ? GEN_TOOL_IRRELEVANCE : GEN_TOOL_CATEGORY_UNKNOWN;
}

static void read_around(struct gen_trajectory *t, const struct gen_json *solution)
{
    const struct gen_json *clarification = gen_json_get(solution, "clarification");
    const struct gen_json *metadata = gen_json_get(t->record, "metadata");
    const struct gen_json *tools = gen_json_get(t->record, "tools");
    const struct gen_json *blueprint = gen_json_get(metadata, "blueprint");
    t->id = gen_json_get_str(t->record, "id");
    t->question_back = gen_json_get_str(clarification, "question");
    t->user_reply = gen_json_get_str(clarification, "reply");
    t->final_answer = gen_json_get_str(solution, "final_answer");
    t->documentation = gen_json_get_str(solution, "api_documentation");
    t->tools = gen_json_type(tools) == GEN_JSON_ARRAY ? tools : NULL;
    t->blueprint = gen_json_type(blueprint) == GEN_JSON_OBJECT ? blueprint : NULL;
    t->is_simulated = gen_str_is(
        gen_json_get_str(gen_json_get(t->record, "execution_result"), "mode"), "simulated");
    t->is_executed = true;
    for (size_t i = 0; i < t->n_steps; i++)
        t->is_executed = t->is_executed && t->steps[i].status != GEN_CALL_PENDING;
    t->category = gen_tool_category_from(gen_json_get_str(metadata, "category"));
    if (t->category == GEN_TOOL_CATEGORY_UNKNOWN)
        t->category = category_of_steps(t);
}

/* A part of the row that must have one type where it is there at all. */
static bool is_wanted(const struct gen_json *v, enum gen_json_type type, const char *name,
                      bool is_required, struct why *why)
{
    enum gen_json_type given = gen_json_type(v);
    if (given == type || (given <= GEN_JSON_NULL && !is_required))
        return true;
    if (given <= GEN_JSON_NULL)
        refuse(why, "no \"%s\"", name);
    else
        refuse(why, "\"%s\" is of type %s, not %s", name, gen_json_type_name(given),
               gen_json_type_name(type));
    return false;
}

int gen_trajectory_read(struct gen_trajectory *t, const struct gen_json *record,
                        struct gen_arena *arena, bool *usable, char *why, size_t why_bytes,
                        struct gen_error *err)
{
    struct gen_trajectory read = {.record = record, .category = GEN_TOOL_CATEGORY_UNKNOWN};
    struct why said = {why, why_bytes, false};
    const struct gen_json *solution = gen_json_get(record, "solution");
    const struct gen_json *path = gen_json_get(solution, "reasoning_path");
    *usable = false;
    if (gen_json_type(record) != GEN_JSON_OBJECT) {
        refuse(&said, "it is no JSON object");
        return GEN_OK;
    }
    if (!gen_text_read(gen_json_get(record, "instruction"), "instruction", &read.instruction, why,
                       why_bytes) ||
        !is_wanted(solution, GEN_JSON_OBJECT, "solution", true, &said) ||
        !is_wanted(path, GEN_JSON_ARRAY, "reasoning_path", false, &said) ||
        !is_wanted(gen_json_get(record, "tools"), GEN_JSON_ARRAY, "tools", false, &said))
        return GEN_OK;
    int rc = read_steps(&read, path, arena, &said, err);
    if (rc || said.is_refused)
        return rc;
    read_around(&read, solution);
    *t = read;
    *usable = true;
    return GEN_OK;
}

const struct gen_json *gen_trajectory_tool(const struct gen_trajectory *t, struct gen_str name)
{
    struct gen_json_iter it;
    const struct gen_json *tool;
    gen_json_iter_init(&it, t->tools);
    while (gen_json_iter_next(&it, NULL, &tool)) {
        const struct gen_json *function = gen_json_get(tool, "function");
        struct gen_str its_name;
        if (gen_json_as_str(gen_json_get(function, "name"), &its_name) &&
            gen_str_eq(its_name, name))
            return function;
    }
    return NULL;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t skip_words(struct gen_str s, size_t at, const char *also)
{
    while (at < s.n && (is_word_byte(s.p[at]) || (s.p[at] && strchr(also, s.p[at]))))
        at++;
    return at;
}

static bool is_letter(struct gen_str s, size_t at)
{
    return at < s.n && is_word_byte(s.p[at]) && !(s.p[at] >= '0' && s.p[at] <= '9');
}

/* "<path>", "<your file>": the whole text is the name of what belongs there. */
static bool is_slot(struct gen_str s)
{
    return s.n > 2 && s.p[0] == '<' && is_letter(s, 1) && skip_words(s, 1, " -") == s.n - 1 &&
           s.p[s.n - 1] == '>';
}

/* "$step_1_result", "${step_1}", "$step1.keys" */
static bool is_step_reference(struct gen_str s, size_t at)
{
    at++;
    if (at < s.n && s.p[at] == '{')
        at++;
    if (!gen_str_starts(gen_str_sub(s, at, s.n), GEN_STR("step")))
        return false;
    at += 4;
    if (at < s.n && s.p[at] == '_')
        at++;
    return at < s.n && s.p[at] >= '0' && s.p[at] <= '9';
}

/* "{{path}}" */
static bool is_double_brace(struct gen_str s, size_t at)
{
    if (!is_letter(s, at + 2))
        return false;
    size_t end = skip_words(s, at + 2, ".");
    return end + 1 < s.n && s.p[end] == '}' && s.p[end + 1] == '}';
}

/* {"$result":..., written as text */
static bool is_result_text(struct gen_str s, size_t at)
{
    at++;
    while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\n'))
        at++;
    return gen_str_starts(gen_str_sub(s, at, s.n), GEN_STR("\"$result\""));
}

bool gen_text_has_placeholder(struct gen_str text)
{
    struct gen_str whole = gen_str_trim(text);
    if (is_slot(whole))
        return true;
    for (size_t i = 0; i < whole.n; i++) {
        char c = whole.p[i];
        if (c == '$' && is_step_reference(whole, i))
            return true;
        if (c != '{')
            continue;
        if (is_result_text(whole, i) ||
            (i + 1 < whole.n && whole.p[i + 1] == '{' && is_double_brace(whole, i)))
            return true;
    }
    return false;
}

/* Recurses at most GEN_JSON_DEPTH_MAX deep: parsed values are no deeper. */
bool gen_args_have_placeholder(const struct gen_json *args)
{
    struct gen_json_iter it;
    const struct gen_json *member;
    struct gen_str text;
    int64_t step;
    if (gen_json_as_str(args, &text))
        return gen_text_has_placeholder(text);
    if (gen_result_reference(args, &step, &text))
        return true;
    if (gen_json_type(args) != GEN_JSON_OBJECT && gen_json_type(args) != GEN_JSON_ARRAY)
        return false;
    gen_json_iter_init(&it, args);
    while (gen_json_iter_next(&it, NULL, &member)) {
        if (gen_args_have_placeholder(member))
            return true;
    }
    return false;
}
