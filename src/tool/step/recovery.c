/* What is thought around a call that is made to fail: the plan knows only the right one. */
#include "tool/step/recovery.h"
#include "tool/step/generate_int.h"

#include <ctype.h>

/* Whether `c` may go on a path, a name or a number: /hard is not in /hard_1. */
static bool goes_on(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '/' || c == '.' || c == '-' || c < 0;
}

static bool stands_in(struct gen_str text, struct gen_str value)
{
    size_t at = value.n ? gen_str_find(text, value, 0) : SIZE_MAX;
    for (; at != SIZE_MAX; at = gen_str_find(text, value, at + 1)) {
        size_t end = at + value.n;
        if ((at == 0 || !goes_on(text.p[at - 1])) && (end == text.n || !goes_on(text.p[end])))
            return true;
    }
    return false;
}

/* A string as it is, anything else as JSON; appended. */
static int add_text(const struct gen_json *v, struct gen_buf *out, struct gen_error *err)
{
    struct gen_str text;
    return gen_json_as_str(v, &text) ? gen_buf_add_str(out, text, err)
                                     : gen_json_write(out, v, GEN_JSON_COMPACT, err);
}

struct look {
    struct gen_str thought, failed; /* the argument of the failed call; empty: it has none */
    bool is_named, is_kept;         /* in the thought; in the failed argument */
};

static int look_at(struct look *l, const struct gen_json *value, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = add_text(value, &text, err);
    if (rc == GEN_OK) {
        l->is_named |= gen_str_find(l->thought, gen_buf_str(&text), 0) != SIZE_MAX;
        l->is_kept &= stands_in(l->failed, gen_buf_str(&text));
    }
    gen_buf_release(&text);
    return rc;
}

/* A list's elements and an object's members are told one by one. */
static int look_into(struct look *l, const struct gen_json *value, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    enum gen_json_type type = gen_json_type(value);
    if (type != GEN_JSON_ARRAY && type != GEN_JSON_OBJECT)
        return look_at(l, value, err);
    int rc = GEN_OK;
    gen_json_iter_init(&it, value);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &v))
        rc = look_at(l, v, err);
    return rc;
}

/* "chunk_size", or "chunk size". */
static int names_parameter(struct gen_str thought, struct gen_str name, bool *names,
                           struct gen_error *err)
{
    struct gen_buf words = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_buf_add_str(&words, name, err);
    for (size_t i = 0; rc == GEN_OK && i < words.n; i++)
        words.data[i] = words.data[i] == '_' ? ' ' : words.data[i];
    *names = rc == GEN_OK && (gen_str_find_nocase(thought, name, 0) != SIZE_MAX ||
                              gen_str_find_nocase(thought, gen_buf_str(&words), 0) != SIZE_MAX);
    gen_buf_release(&words);
    return rc;
}

/* Whether the thought speaks of an argument that the failed call does not have so. A value that is
 * only of another type ("5" for 5) is the same to the one who thinks it. */
static int contradicts(struct gen_str thought, struct gen_str name, const struct gen_json *value,
                       const struct gen_json *failed, bool *does, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct look l = {.thought = thought, .is_kept = true};
    bool names = false;
    int rc = failed ? add_text(failed, &text, err) : GEN_OK;
    l.failed = gen_buf_str(&text);
    if (rc == GEN_OK)
        rc = look_into(&l, value, err);
    if (rc == GEN_OK)
        rc = names_parameter(thought, name, &names, err);
    *does = !l.is_kept && (l.is_named || names);
    gen_buf_release(&text);
    return rc;
}

int gen_recovery_first(const struct gen_draft *d, struct gen_str thought, struct gen_buf *out,
                       struct gen_error *err)
{
    static const char *const neutral[][2] = {
        {"", " is the tool for this, so I call it."},
        {"This is what ", " does, so I begin with it."},
        {"What is asked for is the work of ", "."},
        {"", " fits what is asked for; I call it at once."},
    };
    const struct gen_json *call = gen_json_get(d->mutation, "call");
    const struct gen_json *args = gen_json_get(call, "args");
    struct gen_str tool = gen_json_get_str(call, "tool");
    bool does = !gen_str_eq(tool, d->calls[0].tool->name);
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    int rc = GEN_OK;
    gen_json_iter_init(&it, d->calls[0].args);
    while (rc == GEN_OK && !does && gen_json_iter_next(&it, &name, &v)) {
        const struct gen_json *failed = gen_json_get_n(args, name);
        if (!failed || !gen_json_equal(failed, v))
            rc = contradicts(thought, name, v, failed, &does, err);
    }
    if (rc || !does)
        return rc ? rc : gen_buf_add_str(out, thought, err);
    const char *const *frame = neutral[d->instruction.n % (sizeof(neutral) / sizeof(neutral[0]))];
    return gen_buf_printf(out, err, "%s%.*s%s", frame[0], GEN_STR_ARG(tool), frame[1]);
}

/* "The call failed because of path. The request says "/results", so I call again with that." */
static int name_value(const struct gen_draft *d, struct gen_str request, struct gen_str name,
                      const struct gen_json *value, bool is_missing, struct gen_buf *out,
                      struct gen_error *err)
{
    enum gen_origin origin = GEN_ORIGIN_NONE;
    struct gen_buf json = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc =
        gen_origin_find(d->calls[0].tool, name, value, request, NULL, 0, &origin, NULL, NULL, err);
    if (rc == GEN_OK)
        rc = gen_json_write(&json, value, GEN_JSON_COMPACT, err);
    /* A constant is looked for in no request; yet "." may stand there, in quotes. */
    bool is_said = origin == GEN_ORIGIN_REQUEST ||
                   (origin == GEN_ORIGIN_CONSTANT && stands_in(request, gen_buf_str(&json)));
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "The call failed%s%.*s. %s %.*s, so I call again with that.",
                            is_missing ? ": it lacks " : " because of ", GEN_STR_ARG(name),
                            is_said ? "The request says" : "It has to be",
                            GEN_STR_ARG(gen_buf_str(&json)));
    gen_buf_release(&json);
    return rc;
}

int gen_recovery_second(const struct gen_draft *d, struct gen_str request, struct gen_buf *out,
                        struct gen_error *err)
{
    const struct gen_json *failed = gen_json_get(d->mutation, "call");
    const struct gen_json *args = gen_json_get(failed, "args");
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *v;
    if (!gen_str_eq(gen_json_get_str(failed, "tool"), d->calls[0].tool->name))
        return gen_buf_printf(out, err, "That was not the right tool; %.*s does what is asked for.",
                              GEN_STR_ARG(d->calls[0].tool->name));
    gen_json_iter_init(&it, d->calls[0].args);
    while (gen_json_iter_next(&it, &name, &v)) {
        const struct gen_json *other = gen_json_get_n(args, name);
        if (!other || !gen_json_equal(other, v))
            return name_value(d, request, name, v, !other, out, err);
    }
    return gen_buf_add_c(out, "The call failed; I call again with only what the tool takes.", err);
}
