/* What the command line asks of an export, checked. */
#include "cli/exporter.h"

#include "os/file.h"

static int unknown_format(const struct gen_app *app, const char *name, struct gen_error *err)
{
    struct gen_buf list = gen_buf_make(4096);
    for (const struct gen_export_format *const *f = app->drivers->formats; *f; f++) {
        if (gen_buf_printf(&list, err, "%s%s", list.n ? ", " : "", (*f)->name) != GEN_OK)
            break;
    }
    int rc = gen_fail(err, GEN_EUSAGE, "there is no format \"%s\"; the formats are %s", name,
                      list.data ? list.data : "");
    gen_buf_release(&list);
    return rc;
}

/* Else a run would pay for its calls before each row is found not to fit. */
static int check_kind(const struct gen_export_format *f, enum gen_command_id command,
                      struct gen_error *err)
{
    if (command == GEN_CMD_TOOL_PIPELINE && f->without_tools)
        return gen_fail(err, GEN_EUSAGE, "the format %s has no place for tools; %s", f->name,
                        f->without_tools);
    if (command == GEN_CMD_PIPELINE && f->needs_tools)
        return gen_fail(err, GEN_EUSAGE,
                        "the format %s holds requests to tools, and pipeline makes none; export "
                        "with -f chatml",
                        f->name);
    return GEN_OK;
}

/* --system is words, or what is done with those of --system-prompt. */
static int read_system(struct gen_export_request *r, const struct gen_settings *s,
                       const struct gen_log *log, struct gen_error *err)
{
    const char *system = gen_settings_text(s, GEN_OPT_SYSTEM);
    r->options.system_prompt = gen_settings_text(s, GEN_OPT_SYSTEM_PROMPT);
    bool is_words = system && strcmp(system, "none") != 0 && strcmp(system, "fold") != 0;
    if (is_words && r->options.system_prompt &&
        gen_settings_source(s, GEN_OPT_SYSTEM) == gen_settings_source(s, GEN_OPT_SYSTEM_PROMPT))
        return gen_fail(err, GEN_EUSAGE,
                        "--system and --system-prompt both give the words of the system message; "
                        "leave one out");
    if (is_words)
        r->options.system_prompt = system;
    else if (system && strcmp(system, "none") == 0)
        r->options.system_prompt = "";
    r->options.folds_system = system && strcmp(system, "fold") == 0;
    if (!r->format->has_system && !r->options.folds_system && r->options.system_prompt &&
        *r->options.system_prompt)
        gen_log(log, GEN_LOG_WARN, "system",
                "%s has no place for a system message: it is left out (--system fold puts it in "
                "front of the first user turn)",
                r->format->name);
    if (strcmp(r->format->name, "jsonl") == 0 && r->options.folds_system)
        return gen_fail(err, GEN_EUSAGE,
                        "the format jsonl keeps questions as they are: --system fold is not for "
                        "it");
    return GEN_OK;
}

static int read_splits(struct gen_export_request *r, const struct gen_settings *s,
                       const struct gen_log *log, struct gen_error *err)
{
    const char *text = gen_settings_text(s, GEN_OPT_SPLIT);
    const char *by = gen_settings_text(s, GEN_OPT_SPLIT_BY);
    r->splits = gen_splits_whole();
    r->order.by_row = by && strcmp(by, "row") == 0;
    r->order.shuffles = gen_settings_has(s, GEN_OPT_SHUFFLE);
    r->order.seed = (uint64_t)gen_settings_int(s, GEN_OPT_SHUFFLE);
    int rc = text ? gen_splits_parse(&r->splits, text, err) : GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < r->splits.n; i++) {
        if (!gen_split_is_usual(r->splits.rows[i].name))
            gen_log(log, GEN_LOG_WARN, "split",
                    "most readers look for the splits train, validation and test; \"%s\" must be "
                    "named to them",
                    r->splits.rows[i].name);
    }
    return rc;
}

static int check_path(const struct gen_export_request *r, const char *path,
                      const struct gen_log *log, struct gen_error *err)
{
    struct gen_str ext = gen_path_ext(gen_str_from(path));
    bool is_array = gen_str_eq_nocase(ext, GEN_STR(".json"));
    if (r->is_folder && strcmp(path, "-") == 0)
        return gen_fail(err, GEN_EUSAGE,
                        "--split, --shards and --card make a folder, which cannot go to standard "
                        "output; name it with -o");
    if (r->is_folder && (is_array || gen_str_eq_nocase(ext, GEN_STR(".jsonl"))))
        return gen_fail(err, GEN_EUSAGE,
                        "--split, --shards and --card make a folder, but %s is the name of a file; "
                        "use -o %.*s",
                        path, GEN_STR_ARG(gen_path_stem(gen_str_from(path))));
    if (is_array && r->format->is_lines_only)
        gen_log(log, GEN_LOG_WARN, "format",
                "those who read %s take JSON Lines, not an array: use a name that ends in .jsonl",
                r->format->name);
    return GEN_OK;
}

int gen_export_request_read(struct gen_export_request *r, const struct gen_app *app,
                            const char *path, const struct gen_log *log, struct gen_error *err)
{
    const struct gen_settings *s = app->settings;
    const char *name = gen_settings_text(s, GEN_OPT_FORMAT);
    *r = (struct gen_export_request){.format = gen_export_find(app->drivers->formats, name)};
    if (!r->format)
        return unknown_format(app, name, err);
    r->options.reasoning = gen_reasoning_from(gen_settings_text(s, GEN_OPT_REASONING));
    r->options.learns_errors = gen_settings_flag(s, GEN_OPT_LEARN_ERRORS);
    if (gen_settings_has(s, GEN_OPT_MAX_CALLS_PER_TURN))
        r->options.calls_max = (size_t)gen_settings_int(s, GEN_OPT_MAX_CALLS_PER_TURN);
    r->has_card = gen_settings_flag(s, GEN_OPT_CARD);
    r->license = gen_settings_text(s, GEN_OPT_LICENSE);
    r->is_folder =
        r->has_card || gen_settings_has(s, GEN_OPT_SPLIT) || gen_settings_has(s, GEN_OPT_SHARDS);
    r->n_shards =
        gen_settings_has(s, GEN_OPT_SHARDS) ? (uint64_t)gen_settings_int(s, GEN_OPT_SHARDS) : 1;
    int rc = check_kind(r->format, gen_settings_command(s), err);
    if (rc == GEN_OK)
        rc = gen_export_check_options(r->format, &r->options, err);
    if (rc == GEN_OK)
        rc = read_system(r, s, log, err);
    if (rc == GEN_OK)
        rc = read_splits(r, s, log, err);
    return rc ? rc : check_path(r, path, log, err);
}
