#include "conf/settings.h"

#include "base/nearest.h"
#include "base/num.h"
#include "base/utf8.h"
#include "conf/help.h"
#include "conf/internal.h"
#include "os/term.h"

#include <stdlib.h>
#include <unistd.h>

#define HELP_COLUMNS_MAX   100U
#define HELP_COLUMNS_MIN   40U
#define N_CHOICES_MAX      16U
#define NOTICE_BYTES_MAX   65536U
#define ENV_VALUE_MAX      ((size_t)1 << 20)
#define COMMAND_LINE_BYTES ((size_t)8 << 20)

bool gen_option_applies(const struct gen_option *o, enum gen_command_id command)
{
    return (o->commands & (1U << (unsigned)command)) != 0;
}

static const char *keep(struct gen_settings *s, struct gen_str text, struct gen_error *err)
{
    const char *copy = gen_arena_dup(&s->arena, text);
    if (!copy)
        (void)gen_nomem(err, "a setting");
    return copy;
}

static int check_text(const struct gen_option *o, struct gen_str value, const char *what,
                      struct gen_error *err)
{
    bool is_path = o->type == GEN_TYPE_PATH;
    size_t n_min = is_path && o->min < 1 ? 1 : (size_t)o->min;
    if (value.n < n_min)
        return gen_fail(err, GEN_EUSAGE, "%s is empty; it needs a value (%s)", what,
                        o->unit ? o->unit : "text");
    if (value.n && memchr(value.p, '\0', value.n))
        return gen_fail(err, GEN_EUSAGE, "%s holds a NUL byte", what);
    /* A path is bytes to the system; everything else is text that goes into JSON. */
    if (!is_path && !gen_utf8_valid(value))
        return gen_fail(err, GEN_EUSAGE, "%s is not valid UTF-8", what);
    return GEN_OK;
}

static int check_url(struct gen_str url, const char *what, struct gen_error *err)
{
    size_t scheme = 0;
    if (gen_str_starts(url, GEN_STR("http://")))
        scheme = 7;
    else if (gen_str_starts(url, GEN_STR("https://")))
        scheme = 8;
    if (scheme == 0 || url.n == scheme)
        return gen_fail(err, GEN_EUSAGE,
                        "%s is not a web address; it starts with http:// or https:// and a host "
                        "follows, as in http://localhost:11434",
                        what);
    struct gen_str host = gen_str_sub(url, scheme, url.n);
    size_t slash = gen_str_find(host, GEN_STR("/"), 0);
    host = gen_str_sub(host, 0, slash == SIZE_MAX ? host.n : slash);
    /* The address is stored and shown; a password must not be in it. */
    if (gen_str_find(host, GEN_STR("@"), 0) != SIZE_MAX)
        return gen_fail(err, GEN_EUSAGE,
                        "%s carries a user name or password; keys go into llm.api_key as ${NAME} "
                        "of an environment variable",
                        what);
    return GEN_OK;
}

static int choice_error(const char *const *choices, struct gen_str value, const char *what,
                        struct gen_error *err)
{
    struct gen_buf list = gen_buf_make(1024);
    size_t n = 0;
    while (n < N_CHOICES_MAX && choices[n])
        n++;
    int rc = GEN_OK;
    for (size_t i = 0; i < n && rc == GEN_OK; i++)
        rc = gen_buf_printf(&list, err, "%s%s",
                            i == 0      ? ""
                            : i + 1 < n ? ", "
                                        : " or ",
                            choices[i]);
    if (rc == GEN_OK) {
        const char *near = gen_nearest(value, choices, n);
        rc = gen_fail(err, GEN_EUSAGE, "%s is \"%.*s\", but must be %s%s%s%s", what,
                      GEN_STR_ARG(gen_str_sub(value, 0, 40)), list.data,
                      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    gen_buf_release(&list);
    return rc;
}

static int store_choice(struct gen_settings *s, const struct gen_option *o, struct gen_str value,
                        struct gen_setting *to, const char *what, struct gen_error *err)
{
    const char *const *choices = gen_option_choices(o, (int)s->command);
    for (size_t i = 0; choices[i]; i++) {
        if (gen_str_is(value, choices[i])) {
            to->text = choices[i];
            return GEN_OK;
        }
    }
    return choice_error(choices, value, what, err);
}

static int store_workers(const struct gen_option *o, struct gen_str value, struct gen_setting *to,
                         const char *what, struct gen_error *err)
{
    if (gen_str_is(value, "auto")) {
        to->integer = 0;
        return GEN_OK;
    }
    if (gen_num_i64(value, (int64_t)o->min, (int64_t)o->max, what, &to->integer, NULL) != GEN_OK)
        return gen_fail(
            err, GEN_EUSAGE, "%s is \"%.*s\", but must be a number from %lld to %lld, or auto",
            what, GEN_STR_ARG(gen_str_sub(value, 0, 40)), (long long)o->min, (long long)o->max);
    return GEN_OK;
}

static int store_item(struct gen_settings *s, struct gen_str value, struct gen_setting *to,
                      const char *what, struct gen_error *err)
{
    if (to->n_items >= GEN_LIST_ITEMS_MAX)
        return gen_fail(err, GEN_EUSAGE, "%s is given more than %u times", what,
                        GEN_LIST_ITEMS_MAX);
    const char **items = gen_arena_array(&s->arena, to->n_items + 2, sizeof(*items));
    const char *item = keep(s, value, err);
    if (!items || !item)
        return gen_nomem(err, "a list of settings");
    if (to->n_items)
        memcpy(items, to->items, to->n_items * sizeof(*items));
    items[to->n_items] = item;
    to->items = items;
    to->n_items++;
    return GEN_OK;
}

static int store_text(struct gen_settings *s, const struct gen_option *o, struct gen_str value,
                      struct gen_setting *to, const char *what, struct gen_error *err)
{
    int rc = check_text(o, value, what, err);
    if (rc == GEN_OK && o->id == GEN_OPT_BASE_URL)
        rc = check_url(value, what, err);
    if (rc != GEN_OK)
        return rc;
    to->text = keep(s, value, err);
    return to->text ? GEN_OK : GEN_ENOMEM;
}

static int store_secret(const struct gen_option *o, struct gen_str value, struct gen_setting *to,
                        const char *what, struct gen_error *err)
{
    struct gen_secret *secret = NULL;
    int rc = check_text(o, value, what, err);
    if (rc == GEN_OK) {
        rc = gen_secret_new(&secret, value, err);
        if (rc != GEN_OK)
            rc = gen_wrap(err, rc, "%s", what);
    }
    if (rc == GEN_OK) {
        gen_secret_free(to->secret);
        to->secret = secret;
    }
    return rc;
}

static int store_typed(struct gen_settings *s, const struct gen_option *o, struct gen_str value,
                       struct gen_setting *to, const char *what, struct gen_error *err)
{
    switch (o->type) {
    case GEN_TYPE_FLAG:
        to->integer = gen_str_is(value, "true");
        return GEN_OK;
    case GEN_TYPE_INT:
        return gen_num_i64(value, (int64_t)o->min, (int64_t)o->max, what, &to->integer, err);
    case GEN_TYPE_REAL:
        return gen_num_f64(value, o->min, o->max, what, &to->real, err);
    case GEN_TYPE_TEXT:
    case GEN_TYPE_PATH:
        return store_text(s, o, value, to, what, err);
    case GEN_TYPE_CHOICE:
        return store_choice(s, o, value, to, what, err);
    case GEN_TYPE_LIST: {
        int rc = check_text(o, value, what, err);
        return rc == GEN_OK ? store_item(s, value, to, what, err) : rc;
    }
    case GEN_TYPE_WORKERS:
        return store_workers(o, value, to, what, err);
    case GEN_TYPE_SECRET:
        return store_secret(o, value, to, what, err);
    }
    return gen_fail(err, GEN_ESTATE, "the option %s has no type", what);
}

int gen_setting_store(struct gen_settings *s, const struct gen_option *o, struct gen_str value,
                      enum gen_setting_source source, const char *what, struct gen_error *err)
{
    struct gen_setting *to = &s->values[o->id];
    if (o->type == GEN_TYPE_LIST && to->set && to->source != source)
        to->n_items = 0;
    int rc = store_typed(s, o, value, to, what, err);
    if (rc == GEN_OK) {
        to->set = true;
        to->source = source;
    }
    return rc;
}

static int store_defaults(struct gen_settings *s, struct gen_error *err)
{
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        const char *text = gen_option_default(o, (int)s->command);
        if (!text || s->values[i].set || !gen_option_applies(o, s->command))
            continue;
        int rc = gen_setting_store(s, o, gen_str_from(text), GEN_FROM_DEFAULT, o->name, err);
        if (rc != GEN_OK)
            return rc;
    }
    return GEN_OK;
}

static int store_environment(struct gen_settings *s, gen_environ_fn *lookup, struct gen_error *err)
{
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        if (!o->env || s->values[i].set || !gen_option_applies(o, s->command))
            continue;
        const char *value = lookup(o->env);
        if (!value || !*value)
            continue;
        if (strnlen(value, ENV_VALUE_MAX) == ENV_VALUE_MAX)
            return gen_fail(err, GEN_EUSAGE, "the environment variable %s is too long", o->env);
        int rc = gen_setting_store(s, o, gen_str_from(value), GEN_FROM_ENVIRONMENT, o->env, err);
        if (rc != GEN_OK)
            return rc;
    }
    return GEN_OK;
}

/* What only shows when all values are known. */
static int settle(struct gen_settings *s, struct gen_error *err)
{
    struct gen_setting *n_pairs = &s->values[GEN_OPT_N_PAIRS];
    const struct gen_setting *target = &s->values[GEN_OPT_TARGET_PAIRS];
    /* A target asked for now must not be thwarted by a count that lies in a file. */
    if (n_pairs->set && target->set && n_pairs->source < target->source)
        *n_pairs = (struct gen_setting){.set = false};
    const struct gen_setting *size = &s->values[GEN_OPT_CHUNK_SIZE];
    const struct gen_setting *overlap = &s->values[GEN_OPT_CHUNK_OVERLAP];
    if (size->set && overlap->set && overlap->integer >= size->integer)
        return gen_fail(err, GEN_EUSAGE,
                        "--chunk-overlap is %lld, but must be smaller than --chunk-size, which "
                        "is %lld",
                        (long long)overlap->integer, (long long)size->integer);
    return GEN_OK;
}

static int check_required(const struct gen_settings *s, struct gen_error *err)
{
    const struct gen_command_info *c = &gen_commands[s->command];
    if (c->argument && !c->argument_is_optional && !s->n_arguments)
        return gen_fail(err, GEN_EUSAGE, "%s needs %s: generator %s %s%s", c->name, c->argument,
                        c->name, c->argument,
                        gen_option_applies(&gen_options[GEN_OPT_OUTPUT], s->command) ? " -o PATH"
                                                                                     : "");
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        if (!(o->required & (1U << (unsigned)s->command)) || s->values[i].set)
            continue;
        /* In --help it is a sentence; behind a colon it goes on in lower case. */
        char first = (char)(o->help[0] | ('a' - 'A'));
        if (o->short_name)
            return gen_fail(err, GEN_EUSAGE, "%s needs -%c %s (--%s): %c%s", c->name, o->short_name,
                            o->unit, o->name, first, o->help + 1);
        return gen_fail(err, GEN_EUSAGE, "%s needs --%s %s: %c%s", c->name, o->name, o->unit, first,
                        o->help + 1);
    }
    return GEN_OK;
}

static bool is_plain_word(const char *arg)
{
    if (!*arg)
        return false;
    for (; *arg; arg++) {
        bool alnum = (*arg >= 'a' && *arg <= 'z') || (*arg >= 'A' && *arg <= 'Z') ||
                     (*arg >= '0' && *arg <= '9');
        if (!alnum && !strchr("_-./:=,@%+", *arg))
            return false;
    }
    return true;
}

static int add_quoted(struct gen_buf *out, const char *arg, struct gen_error *err)
{
    if (is_plain_word(arg))
        return gen_buf_add_c(out, arg, err);
    int rc = gen_buf_add_char(out, '\'', err);
    for (; *arg && rc == GEN_OK; arg++)
        rc = *arg == '\'' ? gen_buf_add_c(out, "'\\''", err) : gen_buf_add_char(out, *arg, err);
    return rc == GEN_OK ? gen_buf_add_char(out, '\'', err) : rc;
}

/* Where in argv[i] the value of an option begins that may hold a key; NULL: it has none. */
static const char *sensitive_value(int i, char *const *argv)
{
    for (size_t k = 0; k < GEN_N_OPTIONS; k++) {
        const struct gen_option *o = &gen_options[k];
        if (!o->is_sensitive)
            continue;
        size_t n = strlen(o->name);
        const char *self = strncmp(argv[i], "--", 2) == 0 ? argv[i] + 2 : "";
        if (strncmp(self, o->name, n) == 0 && self[n] == '=')
            return self + n + 1;
        if (i > 1 && strncmp(argv[i - 1], "--", 2) == 0 && strcmp(argv[i - 1] + 2, o->name) == 0)
            return argv[i];
    }
    return NULL;
}

/* "Authorization: secret" is kept as "Authorization:...". */
static int add_argument(struct gen_buf *out, int i, char *const *argv, struct gen_error *err)
{
    const char *value = sensitive_value(i, argv);
    size_t n_name = value ? strcspn(value, ":=") : 0;
    if (!value || value[n_name] == '\0')
        return add_quoted(out, argv[i], err);
    size_t n_kept = (size_t)(value - argv[i]) + n_name + 1;
    struct gen_buf kept = gen_buf_make(COMMAND_LINE_BYTES);
    int rc = gen_buf_add(&kept, argv[i], n_kept, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(&kept, "...", err);
    if (rc == GEN_OK)
        rc = add_quoted(out, kept.data, err);
    gen_buf_release(&kept);
    return rc;
}

static int keep_command_line(struct gen_settings *s, int argc, char *const *argv,
                             struct gen_error *err)
{
    struct gen_buf raw = gen_buf_make(COMMAND_LINE_BYTES);
    int rc = gen_buf_add_c(&raw, "generator", err);
    for (int i = 1; i < argc && rc == GEN_OK; i++) {
        rc = gen_buf_add_char(&raw, ' ', err);
        if (rc == GEN_OK)
            rc = add_argument(&raw, i, argv, err);
    }
    /* Paths are bytes; what is kept goes into JSON. */
    if (rc == GEN_OK)
        rc = gen_utf8_clean(&s->command_line, gen_buf_str(&raw), NULL, err);
    gen_buf_release(&raw);
    return rc;
}

struct gen_settings *gen_settings_scratch(void)
{
    struct gen_settings *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->arena = gen_arena_make(GEN_SETTINGS_BYTES_MAX);
    s->notices = gen_buf_make(NOTICE_BYTES_MAX);
    /* Cleaning may make three bytes of one. */
    s->command_line = gen_buf_make(3 * COMMAND_LINE_BYTES);
    return s;
}

static int help_or_version(const struct gen_request *request, struct gen_buf *text,
                           struct gen_error *err)
{
    if (request->result == GEN_PARSED_VERSION)
        return gen_buf_add_c(text, "generator " GEN_VERSION "\n", err);
    size_t columns = gen_term_columns(STDOUT_FILENO);
    columns = columns > HELP_COLUMNS_MAX ? HELP_COLUMNS_MAX : columns;
    columns = columns < HELP_COLUMNS_MIN ? HELP_COLUMNS_MIN : columns;
    return gen_help_text(text, request->help_command, columns, err);
}

static int gather(struct gen_settings *s, int argc, char *const *argv, gen_environ_fn *lookup,
                  struct gen_error *err)
{
    int rc = store_environment(s, lookup, err);
    if (rc == GEN_OK)
        rc = gen_config_read(s, lookup, err);
    if (rc == GEN_OK)
        rc = store_defaults(s, err);
    if (rc == GEN_OK)
        rc = settle(s, err);
    if (rc == GEN_OK)
        rc = check_required(s, err);
    if (rc == GEN_OK)
        rc = keep_command_line(s, argc, argv, err);
    return rc;
}

int gen_settings_parse(struct gen_settings **out, enum gen_parse_result *result,
                       struct gen_buf *text, int argc, char *const *argv,
                       const char *(*environ_lookup)(const char *name), struct gen_error *err)
{
    struct gen_settings *s = gen_settings_scratch();
    if (!s)
        return gen_nomem(err, "the settings");
    struct gen_request request = {.result = GEN_PARSED_COMMAND, .help_command = -1};
    int rc = gen_argv_parse(s, &request, argc, argv, err);
    if (rc == GEN_OK && request.result != GEN_PARSED_COMMAND) {
        rc = help_or_version(&request, text, err);
        if (rc == GEN_OK)
            *result = request.result;
        gen_settings_free(s);
        return rc;
    }
    if (rc == GEN_OK)
        rc = gather(s, argc, argv, environ_lookup, err);
    if (rc != GEN_OK) {
        gen_settings_free(s);
        return rc;
    }
    *result = GEN_PARSED_COMMAND;
    *out = s;
    return GEN_OK;
}

void gen_settings_free(struct gen_settings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < GEN_N_OPTIONS; i++)
        gen_secret_free(s->values[i].secret);
    gen_arena_release(&s->arena);
    gen_buf_release(&s->notices);
    gen_buf_release(&s->command_line);
    free(s);
}

enum gen_command_id gen_settings_command(const struct gen_settings *s)
{
    return s->command;
}

const char *gen_settings_argument(const struct gen_settings *s)
{
    return s->n_arguments ? s->arguments[0] : NULL;
}

const char *const *gen_settings_arguments(const struct gen_settings *s, size_t *n)
{
    *n = s->n_arguments;
    return s->arguments;
}

const char *gen_settings_config_path(const struct gen_settings *s)
{
    return s->config_path;
}

bool gen_settings_has(const struct gen_settings *s, enum gen_option_id id)
{
    return s->values[id].set;
}

enum gen_setting_source gen_settings_source(const struct gen_settings *s, enum gen_option_id id)
{
    return s->values[id].source;
}

bool gen_settings_flag(const struct gen_settings *s, enum gen_option_id id)
{
    return s->values[id].set && s->values[id].integer != 0;
}

int64_t gen_settings_int(const struct gen_settings *s, enum gen_option_id id)
{
    return s->values[id].integer;
}

double gen_settings_real(const struct gen_settings *s, enum gen_option_id id)
{
    return s->values[id].real;
}

const char *gen_settings_text(const struct gen_settings *s, enum gen_option_id id)
{
    return s->values[id].text;
}

const char *const *gen_settings_list(const struct gen_settings *s, enum gen_option_id id, size_t *n)
{
    *n = s->values[id].n_items;
    return s->values[id].items;
}

const struct gen_secret *gen_settings_secret(const struct gen_settings *s, enum gen_option_id id)
{
    return s->values[id].secret;
}

bool gen_settings_step_real(const struct gen_settings *s, const char *key, double *out)
{
    for (size_t i = 0; i < GEN_N_STEP_NUMBERS; i++) {
        if (s->step_set[i] && strcmp(gen_step_numbers[i].key, key) == 0) {
            *out = s->step_values[i];
            return true;
        }
    }
    return false;
}

const char *gen_settings_notices(const struct gen_settings *s)
{
    return s->notices.data ? s->notices.data : "";
}

const char *gen_settings_command_line(const struct gen_settings *s)
{
    return s->command_line.data ? s->command_line.data : "";
}
