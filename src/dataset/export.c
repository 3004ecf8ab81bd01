#include "dataset/export.h"

#include <string.h>

static const char *const reasoning_names[] = {
    [GEN_REASONING_AUTO] = "auto",         [GEN_REASONING_FIELD] = "field",
    [GEN_REASONING_THINKING] = "thinking", [GEN_REASONING_INLINE] = "inline",
    [GEN_REASONING_DROP] = "drop",
};
#define N_REASONINGS (sizeof(reasoning_names) / sizeof(reasoning_names[0]))

const char *gen_reasoning_name(enum gen_reasoning r)
{
    return reasoning_names[r];
}

enum gen_reasoning gen_reasoning_from(const char *name)
{
    for (size_t i = 0; name && i < N_REASONINGS; i++) {
        if (strcmp(name, reasoning_names[i]) == 0)
            return (enum gen_reasoning)i;
    }
    return GEN_REASONING_AUTO;
}

const struct gen_export_format *gen_export_find(const struct gen_export_format *const *list,
                                                const char *name)
{
    for (; *list; list++) {
        if (strcmp((*list)->name, name) == 0)
            return *list;
    }
    return NULL;
}

enum gen_reasoning gen_export_reasoning(const struct gen_export_format *format,
                                        const struct gen_export_options *options)
{
    return options->reasoning == GEN_REASONING_AUTO ? format->reasoning : options->reasoning;
}

int gen_export_check_options(const struct gen_export_format *format,
                             const struct gen_export_options *options, struct gen_error *err)
{
    enum gen_reasoning asked = gen_export_reasoning(format, options);
    if (format->reasonings >> asked & 1U)
        return GEN_OK;
    struct gen_buf places = gen_buf_make(256);
    for (size_t i = 1; i < N_REASONINGS; i++) {
        if ((format->reasonings >> i & 1U) &&
            gen_buf_printf(&places, NULL, "%s%s", places.n ? ", " : "", reasoning_names[i]))
            break;
    }
    int rc = gen_fail(err, GEN_EUSAGE,
                      "the format %s has no place for --reasoning %s; it knows %s (auto is %s)",
                      format->name, reasoning_names[asked], places.data ? places.data : "none",
                      reasoning_names[format->reasoning]);
    gen_buf_release(&places);
    return rc;
}

static struct gen_export_dress dress_for(const struct gen_export_format *format,
                                         const struct gen_example *e,
                                         const struct gen_export_options *options)
{
    struct gen_export_dress d = {.reasoning = gen_export_reasoning(format, options),
                                 .folds = options->folds_system,
                                 .masking =
                                     options->learns_errors ? GEN_MASKING_NONE : format->masking,
                                 .is_sequential = options->calls_max == 1};
    struct gen_str system = gen_str_from(options->system_prompt);
    bool is_named = options->system_prompt || e->system.n;
    if (!options->system_prompt)
        system = e->system.n ? e->system : GEN_STR(GEN_DEFAULT_SYSTEM_PROMPT);
    if (options->folds_system)
        d.folded = system;
    else if (format->has_system && (is_named || !format->omits_default_system))
        d.system = system;
    return d;
}

/* Why the format cannot hold the example. */
static void check_fit(const struct gen_export_format *format, const struct gen_example *e,
                      struct gen_refusal *refusal)
{
    if (format->without_tools && (e->n_tools || e->n_calls))
        gen_refuse(refusal, "tools_not_supported", "the format %s has no place for tools; %s",
                   format->name, format->without_tools);
    else if (format->n_turns_max && e->n_turns > format->n_turns_max)
        gen_refuse(refusal, "too_many_turns",
                   "a conversation of %zu turns does not fit %s, which holds one question and one "
                   "answer",
                   e->n_turns, format->name);
    else if (format->fits)
        format->fits(e, refusal);
}

static size_t smaller(size_t a, size_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

int gen_export_row(const struct gen_export_format *format, struct gen_example *e,
                   const struct gen_export_options *options, struct gen_buf *out,
                   struct gen_refusal *refusal, struct gen_error *err)
{
    refusal->rule = NULL;
    check_fit(format, e, refusal);
    if (refusal->rule)
        return GEN_OK;
    int rc =
        gen_example_limit_calls(e, smaller(format->calls_max, options->calls_max), refusal, err);
    if (rc || refusal->rule)
        return rc;
    const struct gen_export_dress dress = dress_for(format, e, options);
    size_t before = out->n;
    struct gen_jt t = gen_jt_make(out, err);
    gen_jt_object(&t, NULL);
    format->row(e, &dress, &t);
    gen_jt_end_object(&t);
    if (t.rc)
        out->n = before;
    return t.rc;
}
