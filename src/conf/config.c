#include "conf/internal.h"
#include "conf/prompt.h"
#include "os/file.h"
#include "json/yaml.h"

#include <stdio.h>

#define CONFIG_BYTES_MAX ((size_t)4 << 20)
#define WHAT_BYTES       640U
#define PATH_BYTES       4096U

/* One reading of a configuration file. */
struct reader {
    struct gen_settings *s;
    gen_environ_fn *lookup;
    const char *file;
    const struct gen_yaml *yaml;
    struct gen_buf chosen;      /* the provider whose section counts */
    bool flat_is_of_the_chosen; /* llm.model and its kin belong to it */
};

/* A member on the way down. The pointer is RFC 6901, for gen_yaml_where. */
struct place {
    char key[(GEN_KEY_BYTES_MAX + 1) * (GEN_KEY_DEPTH_MAX + 1)];
    char pointer[(2 * GEN_KEY_BYTES_MAX + 1) * (GEN_KEY_DEPTH_MAX + 1)];
    unsigned depth;
};

/* "configs/config.yaml:12:5: llm.model", in front of every message about a member. */
static void describe(const struct reader *r, const struct place *at, char what[WHAT_BYTES],
                     const char *suffix)
{
    unsigned line = 0;
    unsigned column = 0;
    if (gen_yaml_where(r->yaml, at->pointer, &line, &column))
        (void)snprintf(what, WHAT_BYTES, "%.400s:%u:%u: %s", r->file, line, column, suffix);
    else
        (void)snprintf(what, WHAT_BYTES, "%.400s: %s", r->file, suffix);
}

static bool go_down(const struct place *from, struct gen_str key, struct place *to)
{
    if (key.n > GEN_KEY_BYTES_MAX || from->depth >= GEN_KEY_DEPTH_MAX)
        return false;
    *to = *from;
    to->depth++;
    size_t n = strlen(to->key);
    (void)snprintf(to->key + n, sizeof(to->key) - n, "%s%.*s", n ? "." : "", GEN_STR_ARG(key));
    size_t at = strlen(to->pointer);
    to->pointer[at++] = '/';
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '~' || key.p[i] == '/') {
            to->pointer[at++] = '~';
            to->pointer[at++] = key.p[i] == '~' ? '0' : '1';
        } else {
            to->pointer[at++] = key.p[i];
        }
    }
    to->pointer[at] = '\0';
    return true;
}

static int unknown_key(const struct reader *r, const struct place *at, struct gen_error *err)
{
    char what[WHAT_BYTES];
    describe(r, at, what, "unknown key");
    const char *near = gen_key_nearest(&r->s->arena, gen_str_from(at->key));
    if (near)
        return gen_fail(err, GEN_EUSAGE, "%s \"%s\"; did you mean \"%s\"?", what, at->key, near);
    return gen_fail(err, GEN_EUSAGE,
                    "%s \"%s\"; \"generator COMMAND --help\" and the manual page "
                    "name the keys",
                    what, at->key);
}

static const char *expected_type(const struct gen_option *o, bool inverted)
{
    if (inverted)
        return "true or false";
    switch (o->type) {
    case GEN_TYPE_FLAG:
        return "true or false";
    case GEN_TYPE_INT:
        return "a whole number";
    case GEN_TYPE_REAL:
        return "a number";
    case GEN_TYPE_WORKERS:
        return "a whole number or auto";
    case GEN_TYPE_LIST:
        return "a text or a list of texts";
    case GEN_TYPE_TEXT:
    case GEN_TYPE_PATH:
    case GEN_TYPE_CHOICE:
    case GEN_TYPE_SECRET:
        break;
    }
    return "a text (in quotes when it looks like a number)";
}

const char *gen_type_phrase(const struct gen_json *value)
{
    switch (gen_json_type(value)) {
    case GEN_JSON_BOOL:
        return "true or false";
    case GEN_JSON_INT:
        return "a whole number";
    case GEN_JSON_REAL:
        return "a number";
    case GEN_JSON_STRING:
        return "a text";
    case GEN_JSON_ARRAY:
        return "a list";
    case GEN_JSON_OBJECT:
        return "a section";
    case GEN_JSON_NONE:
    case GEN_JSON_NULL:
        break;
    }
    return "empty";
}

static int wrong_type(const char *what, const char *expected, const struct gen_json *value,
                      struct gen_error *err)
{
    return gen_fail(err, GEN_EUSAGE, "%s must be %s, but is %s", what, expected,
                    gen_type_phrase(value));
}

/* A scalar as it would be typed on the command line. False when its type does not fit. */
static bool scalar_text(const struct gen_option *o, const struct gen_json *value, char number[32],
                        struct gen_str *text)
{
    int64_t integer = 0;
    double real = 0;
    bool flag = false;
    bool is_number = o->type == GEN_TYPE_INT || o->type == GEN_TYPE_REAL;
    switch (gen_json_type(value)) {
    case GEN_JSON_BOOL:
        (void)gen_json_as_bool(value, &flag);
        *text = flag ? GEN_STR("true") : GEN_STR("false");
        return o->type == GEN_TYPE_FLAG;
    case GEN_JSON_INT:
        (void)gen_json_as_int(value, &integer);
        (void)snprintf(number, 32, "%lld", (long long)integer);
        *text = gen_str_from(number);
        return is_number || o->type == GEN_TYPE_WORKERS;
    case GEN_JSON_REAL:
        (void)gen_json_as_real(value, &real);
        (void)snprintf(number, 32, "%.15g", real);
        *text = gen_str_from(number);
        return is_number || o->type == GEN_TYPE_WORKERS;
    case GEN_JSON_STRING:
        (void)gen_json_as_str(value, text);
        /* "7.0" is a text, but "${THRESHOLD}" is whatever the variable holds. */
        return !(is_number || o->type == GEN_TYPE_FLAG) ||
               (is_number && gen_expand_has_reference(*text));
    case GEN_JSON_NONE:
    case GEN_JSON_NULL:
    case GEN_JSON_ARRAY:
    case GEN_JSON_OBJECT:
        break;
    }
    return false;
}

static int add_notice(struct gen_settings *s, const char *what, const char *reason,
                      struct gen_error *err)
{
    return gen_buf_printf(&s->notices, err, "%s%s", what, reason);
}

/* A relative folder of prompts is meant from where the file stands, not from where one works. */
static int from_the_file(const struct reader *r, struct gen_buf *path, struct gen_error *err)
{
    if (path->n == 0 || path->data[0] == '/')
        return GEN_OK;
    struct gen_buf joined = gen_buf_make(path->bytes_max);
    int rc = gen_path_join(&joined, gen_path_dir(gen_str_from(r->file)), gen_buf_str(path), err);
    if (rc != GEN_OK) {
        gen_buf_release(&joined);
        return rc;
    }
    gen_buf_wipe(path);
    *path = joined;
    return GEN_OK;
}

static int store_scalar(struct reader *r, const struct gen_key_use *use, const char *what,
                        struct gen_str text, struct gen_error *err)
{
    const struct gen_option *o = use->option;
    struct gen_buf value = gen_buf_make(CONFIG_BYTES_MAX);
    int rc = gen_expand(&value, text, r->lookup, what, err);
    if (rc == GEN_OK && o->id == GEN_OPT_PROMPTS)
        rc = from_the_file(r, &value, err);
    if (rc == GEN_OK && o->type == GEN_TYPE_SECRET && !gen_expand_has_reference(text))
        rc = add_notice(r->s, what,
                        " is written out; ${NAME} of an environment variable keeps it "
                        "out of the file\n",
                        err);
    if (rc == GEN_OK)
        rc = gen_setting_store(r->s, o, gen_buf_str(&value), GEN_FROM_CONFIG, what, err);
    gen_buf_wipe(&value);
    return rc;
}

/* Whether the value counts in this run; when it does not, its type is checked all the same. */
static bool counts(const struct reader *r, const struct gen_key_use *use, const struct place *at)
{
    const struct gen_option *o = use->option;
    const struct gen_setting *now = &r->s->values[o->id];
    if (!(use->commands & (1U << (unsigned)r->s->command)) || o->id == GEN_OPT_PROVIDER)
        return false;
    if (now->set && now->source > GEN_FROM_CONFIG)
        return false;
    if (use->of_provider) {
        struct gen_str section =
            gen_str_sub(gen_str_from(at->key), strlen("llm."), sizeof(at->key));
        size_t dot = gen_str_find(section, GEN_STR("."), 0);
        return gen_provider_name_eq(gen_str_sub(section, 0, dot), gen_buf_str(&r->chosen));
    }
    if (now->set && now->rank > 1)
        return false;
    bool is_of_the_provider =
        o->id == GEN_OPT_MODEL || o->id == GEN_OPT_BASE_URL || o->id == GEN_OPT_API_KEY;
    return !is_of_the_provider || r->flat_is_of_the_chosen;
}

static int store_list(struct reader *r, const struct gen_key_use *use, const char *what,
                      const struct gen_json *list, bool count_it, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *item = NULL;
    gen_json_iter_init(&it, list);
    while (gen_json_iter_next(&it, &key, &item)) {
        struct gen_str text;
        if (!gen_json_as_str(item, &text))
            return wrong_type(what, "a list of texts", item, err);
        int rc = count_it ? store_scalar(r, use, what, text, err) : GEN_OK;
        if (rc != GEN_OK)
            return rc;
    }
    return GEN_OK;
}

/* Bounds of a value that this command does not use: a wrong file is wrong for all commands. */
static int check_unused(const struct gen_option *o, struct gen_str text, const char *what,
                        struct gen_error *err)
{
    if (gen_expand_has_reference(text) || o->type == GEN_TYPE_SECRET)
        return GEN_OK;
    struct gen_settings *scratch = gen_settings_scratch();
    if (!scratch)
        return gen_nomem(err, "checking a setting");
    int rc = gen_setting_store(scratch, o, text, GEN_FROM_CONFIG, what, err);
    gen_settings_free(scratch);
    return rc;
}

static int take_option_key(struct reader *r, const struct gen_key_use *use, const struct place *at,
                           const struct gen_json *value, struct gen_error *err)
{
    const struct gen_option *o = use->option;
    char what[WHAT_BYTES];
    char number[32];
    struct gen_str text;
    bool count_it = counts(r, use, at);
    describe(r, at, what, at->key);
    if (o->type == GEN_TYPE_LIST && gen_json_type(value) == GEN_JSON_ARRAY)
        return store_list(r, use, what, value, count_it, err);
    if (!scalar_text(o, value, number, &text))
        return wrong_type(what, expected_type(o, use->inverted), value, err);
    if (use->inverted)
        text = gen_str_is(text, "true") ? GEN_STR("false") : GEN_STR("true");
    if (!count_it)
        return check_unused(o, text, what, err);
    int rc = store_scalar(r, use, what, text, err);
    if (rc == GEN_OK)
        r->s->values[o->id].rank = use->of_provider ? 2 : 1;
    return rc;
}

/* True when the key is a step's number; it may be an option's as well. */
static bool take_step_number(struct reader *r, const struct place *at, const struct gen_json *value,
                             int *rc, struct gen_error *err)
{
    for (size_t i = 0; i < GEN_N_STEP_NUMBERS; i++) {
        const struct gen_step_number *n = &gen_step_numbers[i];
        if (strcmp(n->key, at->key) != 0)
            continue;
        char what[WHAT_BYTES];
        describe(r, at, what, at->key);
        double real = 0;
        *rc = GEN_OK;
        if (!gen_json_as_real(value, &real) || (n->whole && gen_json_type(value) != GEN_JSON_INT))
            *rc = wrong_type(what, n->whole ? "a whole number" : "a number", value, err);
        else if (!(real >= n->min && real <= n->max))
            *rc = gen_fail(err, GEN_EUSAGE, "%s is %g, allowed is %g to %g", what, real, n->min,
                           n->max);
        if (*rc == GEN_OK) {
            r->s->step_set[i] = true;
            r->s->step_values[i] = real;
        }
        return true;
    }
    return false;
}

static int take_ignored(struct reader *r, const struct place *at, bool *taken,
                        struct gen_error *err)
{
    for (const struct gen_ignored_key *k = gen_ignored_keys; k->pattern; k++) {
        if (!gen_key_matches(k->pattern, gen_str_from(at->key)))
            continue;
        char what[WHAT_BYTES];
        describe(r, at, what, at->key);
        *taken = true;
        return gen_buf_printf(&r->s->notices, err, "%s has no effect: %s\n", what, k->reason);
    }
    *taken = false;
    return GEN_OK;
}

static int take_members(struct reader *r, const struct place *at, const struct gen_json *object,
                        struct gen_error *err);

static int take_member(struct reader *r, const struct place *at, const struct gen_json *value,
                       struct gen_error *err)
{
    struct gen_key_use use;
    struct gen_str key = gen_str_from(at->key);
    bool taken = false;
    int rc = take_ignored(r, at, &taken, err);
    if (rc != GEN_OK || taken)
        return rc;
    bool is_null = gen_json_type(value) == GEN_JSON_NULL;
    bool is_option = gen_key_find(key, &use);
    if (is_option && is_null)
        return GEN_OK;
    if (!is_null && take_step_number(r, at, value, &rc, err) && (rc != GEN_OK || !is_option))
        return rc;
    if (is_option)
        return take_option_key(r, &use, at, value, err);
    for (size_t i = 0; i < GEN_N_STEP_NUMBERS && is_null; i++) {
        if (gen_str_is(key, gen_step_numbers[i].key))
            return GEN_OK;
    }
    bool is_section = gen_key_is_section(key);
    if (is_section && gen_json_type(value) == GEN_JSON_OBJECT)
        return take_members(r, at, value, err);
    /* "llm.x: 1" is a misspelt key; "curate: 1" is a section without its keys. */
    if (is_section && (at->depth == 1 || is_null)) {
        char what[WHAT_BYTES];
        describe(r, at, what, at->key);
        return is_null ? GEN_OK : wrong_type(what, "a section with keys below it", value, err);
    }
    return unknown_key(r, at, err);
}

static int take_members(struct reader *r, const struct place *at, const struct gen_json *object,
                        struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value = NULL;
    gen_json_iter_init(&it, object);
    while (gen_json_iter_next(&it, &key, &value)) {
        struct place below;
        bool fits = go_down(at, key, &below);
        /* A dot in a key would make it look like a nested one. */
        bool has_dot = gen_str_find(key, GEN_STR("."), 0) != SIZE_MAX;
        if (key.n == 0 || has_dot || !fits) {
            char what[WHAT_BYTES];
            describe(r, fits ? &below : at, what, "unknown key");
            return gen_fail(
                err, GEN_EUSAGE, "%s \"%.*s\"%s", what, GEN_STR_ARG(gen_str_sub(key, 0, 80)),
                has_dot ? "; write a key with a dot as a section with a key below it" : "");
        }
        int rc = take_member(r, &below, value, err);
        if (rc != GEN_OK)
            return rc;
    }
    return GEN_OK;
}

/* The provider decides which sections count, so it is found before all else. */
static int choose_provider(struct reader *r, const struct gen_json *root, struct gen_error *err)
{
    const struct gen_option *o = &gen_options[GEN_OPT_PROVIDER];
    struct gen_setting *setting = &r->s->values[GEN_OPT_PROVIDER];
    const struct gen_json *value = gen_json_get(gen_json_get(root, "llm"), "provider");
    struct gen_str written;
    bool is_written = gen_json_as_str(value, &written);
    if (!is_written || !gen_option_applies(o, r->s->command)) {
        r->flat_is_of_the_chosen = true;
        return gen_buf_add_c(&r->chosen, setting->set ? setting->text : o->default_text, err);
    }
    struct place top = {.depth = 0};
    struct place llm;
    struct place at;
    char what[WHAT_BYTES];
    if (!go_down(&top, GEN_STR("llm"), &llm) || !go_down(&llm, GEN_STR("provider"), &at))
        return gen_fail(err, GEN_ESTATE, "the key llm.provider is too long");
    describe(r, &at, what, at.key);
    struct gen_buf in_file = gen_buf_make(CONFIG_BYTES_MAX);
    /* Given elsewhere, a ${NAME} here need not be set; then nothing flat is taken for another's. */
    int rc = gen_expand(&in_file, written, r->lookup, what, setting->set ? NULL : err);
    if (rc != GEN_OK && setting->set) {
        gen_buf_clear(&in_file);
        rc = GEN_OK;
    }
    if (rc == GEN_OK && !setting->set)
        rc = gen_setting_store(r->s, o, gen_buf_str(&in_file), GEN_FROM_CONFIG, what, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&r->chosen, setting->text, err);
    if (rc == GEN_OK)
        r->flat_is_of_the_chosen =
            gen_provider_name_eq(gen_buf_str(&in_file), gen_buf_str(&r->chosen));
    gen_buf_release(&in_file);
    return rc;
}

/* Finds the file: `*path` is empty when there is none. */
static int find_file(struct gen_settings *s, struct gen_buf *path, struct gen_error *err)
{
    const struct gen_setting *given = &s->values[GEN_OPT_CONFIG];
    static const char *const here[] = {"configs/config.yaml", "config.yaml"};
    if (given->set) {
        const char *what = given->source == GEN_FROM_ENVIRONMENT ? "GENERATOR_CONFIG" : "--config";
        switch (gen_file_kind(given->text)) {
        case GEN_FILE_NONE:
            return gen_fail(err, GEN_EUSAGE, "%s %s: no such file", what, given->text);
        case GEN_FILE_DIRECTORY:
            return gen_fail(err, GEN_EUSAGE, "%s %s: is a folder, not a file", what, given->text);
        case GEN_FILE_REGULAR:
        case GEN_FILE_OTHER:
            return gen_buf_add_c(path, given->text, err);
        }
    }
    for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
        if (gen_file_kind(here[i]) == GEN_FILE_REGULAR)
            return gen_buf_add_c(path, here[i], err);
    }
    struct gen_buf dir = gen_buf_make(PATH_BYTES);
    int rc = GEN_OK;
    /* Nothing installed is no fault: then the defaults alone count. */
    if (gen_config_dir(&dir, NULL) == GEN_OK)
        rc = gen_path_join(path, gen_buf_str(&dir), GEN_STR("config.yaml"), err);
    gen_buf_release(&dir);
    return rc;
}

static int usage_error(int rc, struct gen_error *err)
{
    if (rc == GEN_OK || rc == GEN_ENOMEM)
        return rc;
    if (err)
        err->code = GEN_EUSAGE;
    return GEN_EUSAGE;
}

static int take_tree(struct gen_settings *s, gen_environ_fn *lookup, const struct gen_yaml *yaml,
                     struct gen_error *err)
{
    struct reader r = {.s = s,
                       .lookup = lookup,
                       .file = s->config_path,
                       .yaml = yaml,
                       .chosen = gen_buf_make(CONFIG_BYTES_MAX)};
    const struct gen_json *root = gen_yaml_root(yaml);
    struct place top = {.depth = 0};
    int rc = GEN_OK;
    if (gen_json_type(root) != GEN_JSON_OBJECT)
        rc = wrong_type(s->config_path, "a mapping of keys such as \"llm:\"", root, err);
    if (rc == GEN_OK)
        rc = choose_provider(&r, root, err);
    if (rc == GEN_OK)
        rc = take_members(&r, &top, root, err);
    gen_buf_release(&r.chosen);
    return rc;
}

int gen_config_read(struct gen_settings *s, gen_environ_fn *environ_lookup, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(PATH_BYTES);
    struct gen_buf text = gen_buf_make(CONFIG_BYTES_MAX);
    struct gen_yaml *yaml = NULL;
    int rc = find_file(s, &path, err);
    if (rc != GEN_OK || path.n == 0)
        goto out;
    s->config_path = gen_arena_dup(&s->arena, gen_buf_str(&path));
    if (!s->config_path) {
        rc = gen_nomem(err, "the path of the configuration");
        goto out;
    }
    rc = usage_error(gen_file_read_all(&text, s->config_path, err), err);
    if (rc == GEN_OK)
        rc = usage_error(gen_yaml_parse(&yaml, gen_buf_str(&text), s->config_path, err), err);
    if (rc == GEN_OK)
        rc = take_tree(s, environ_lookup, yaml, err);
    gen_yaml_free(yaml);
out:
    gen_buf_wipe(&text);
    gen_buf_release(&path);
    return rc;
}
