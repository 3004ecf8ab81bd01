/* What the files of conf/ share among themselves; not for other folders. */
#ifndef GEN_CONF_INTERNAL_H
#define GEN_CONF_INTERNAL_H

#include "base/arena.h"
#include "conf/expand.h"
#include "conf/settings.h"
#include "json/json.h"

#define GEN_SETTINGS_BYTES_MAX ((size_t)16 << 20)
#define GEN_LIST_ITEMS_MAX     256U
#define GEN_KEY_BYTES_MAX      63U
#define GEN_KEY_DEPTH_MAX      3U

/* Numbers of the configuration that belong to a step. */
enum {
    GEN_STEP_GENERATION_TEMPERATURE = 0,
    GEN_STEP_ENRICH_TEMPERATURE,
    GEN_STEP_ENRICH_BATCH_SIZE,
    GEN_STEP_COT_TEMPERATURE,
    GEN_STEP_CURATE_TEMPERATURE,
    GEN_STEP_CURATE_BATCH_SIZE,
    GEN_N_STEP_NUMBERS,
};

struct gen_step_number {
    const char *key;
    double min, max;
    bool whole;
};
extern const struct gen_step_number gen_step_numbers[GEN_N_STEP_NUMBERS];

/* A key of the Python original that is accepted and means nothing here. */
struct gen_ignored_key {
    const char *pattern;
    const char *reason;
};
extern const struct gen_ignored_key gen_ignored_keys[]; /* ends with pattern NULL */

/* The values of one option. */
struct gen_setting {
    bool set;
    enum gen_setting_source source;
    unsigned rank; /* within the configuration: 2 is a provider's own section, 1 the rest */
    int64_t integer;
    double real;
    const char *text;
    const char **items;
    size_t n_items;
    struct gen_secret *secret;
};

struct gen_settings {
    enum gen_command_id command;
    const char **arguments; /* in the arena */
    size_t n_arguments;
    const char *config_path;
    struct gen_setting values[GEN_N_OPTIONS];
    bool step_set[GEN_N_STEP_NUMBERS];
    double step_values[GEN_N_STEP_NUMBERS];
    struct gen_arena arena;
    struct gen_buf notices;
    struct gen_buf command_line;
};

/* settings.c */
/* Empty settings, freed with gen_settings_free; NULL when out of memory. */
struct gen_settings *gen_settings_scratch(void);
bool gen_option_applies(const struct gen_option *o, enum gen_command_id command);
/* Checks `value` against the row and stores it. `what` names it in messages ("--workers"). A list
 * grows while the source stays the same and starts anew when a higher one comes. */
GEN_MUST_USE int gen_setting_store(struct gen_settings *s, const struct gen_option *o,
                                   struct gen_str value, enum gen_setting_source source,
                                   const char *what, struct gen_error *err);

/* argv.c. On GEN_PARSED_COMMAND command, argument and the command line's values are set. */
struct gen_request {
    enum gen_parse_result result;
    int help_command; /* for GEN_PARSED_HELP: -1 is the program */
};
GEN_MUST_USE int gen_argv_parse(struct gen_settings *s, struct gen_request *request, int argc,
                                char *const *argv, struct gen_error *err);

/* config.c */
GEN_MUST_USE int gen_config_read(struct gen_settings *s, gen_environ_fn *environ_lookup,
                                 struct gen_error *err);

/* "an integer", "a list": what a value is, in words of the user. */
const char *gen_type_phrase(const struct gen_json *value);

/* keys.c: patterns of configuration keys. '*' stands for one provider's name. */
bool gen_key_matches(const char *pattern, struct gen_str key);
/* True when some known key lies below `key`. */
bool gen_key_is_section(struct gen_str key);
/* The option and the commands that read the key; NULL when it is none of an option's. */
struct gen_key_use {
    const struct gen_option *option;
    uint32_t commands;
    bool inverted;
    bool of_provider; /* the pattern has a '*' */
};
bool gen_key_find(struct gen_str key, struct gen_key_use *use);
/* The known key nearest to an unknown one, in the arena; NULL when none is near. */
const char *gen_key_nearest(struct gen_arena *arena, struct gen_str key);
/* "openai" and "claude-cli" equal "openai" and "claude_cli". */
bool gen_provider_name_eq(struct gen_str a, struct gen_str b);

/* help.c */
/* "generator enrich INPUT -o PATH [options]", or the program's when command is -1. */
GEN_MUST_USE int gen_usage_line(struct gen_buf *out, int command, struct gen_error *err);

#endif
