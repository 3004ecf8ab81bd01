/*
 * The values of all options for one command, with the place each came from. Made once in main from
 * the command line, the environment and the configuration file; read-only afterwards. It does not
 * know which providers there are, nor whether a path exists.
 */
#ifndef GEN_CONF_SETTINGS_H
#define GEN_CONF_SETTINGS_H

#include "conf/option.h"

struct gen_settings;

enum gen_setting_source {
    GEN_FROM_DEFAULT = 0,
    GEN_FROM_CONFIG,
    GEN_FROM_ENVIRONMENT,
    GEN_FROM_COMMAND_LINE
};

enum gen_parse_result {
    GEN_PARSED_COMMAND = 0, /* run it */
    GEN_PARSED_HELP,        /* `text` holds the help that was asked for; print it, exit 0 */
    GEN_PARSED_VERSION,     /* `text` holds "generator 0.4.0 ..." */
};

/*
 * Parses argv and, when the command reads it, the configuration: --config, else
 * ./configs/config.yaml or ./config.yaml when there, else the installed
 * share/generator/configs/config.yaml, else defaults alone. `${VAR}` in values is replaced from
 * `environ_lookup` (getenv's shape, injected for tests); an unset one is GEN_EUSAGE with file, line
 * and column; `$$` is a dollar sign, `$` before anything else stays. Only the chosen provider's
 * `llm.<provider>` section is expanded, so that a key for another provider need not be set; '-' and
 * '_' are alike in its name.
 *
 * Rules beyond the precedence:
 * - Keys of the provider's section count before the flat ones. llm.model, llm.base_url and
 *   llm.api_key belong to the file's own llm.provider: with another provider they are not used.
 * - An environment variable that is empty is unset; so is a key without a value.
 * - A scalar given twice: the last one counts. A list of a higher source replaces a lower one's.
 * - --target-pairs from a higher source than --n-pairs unsets the latter.
 * - Every known key is checked for type and range, also when this command does not read it.
 * - --help anywhere wins over all other arguments, faulty ones too; then `*out` is untouched.
 *
 * `*out` is the caller's (gen_settings_free); `text` is appended to. All faults of the user are
 * GEN_EUSAGE.
 */
GEN_MUST_USE int gen_settings_parse(struct gen_settings **out, enum gen_parse_result *result,
                                    struct gen_buf *text, int argc, char *const *argv,
                                    const char *(*environ_lookup)(const char *name),
                                    struct gen_error *err);
void gen_settings_free(struct gen_settings *s);

enum gen_command_id gen_settings_command(const struct gen_settings *s);
const char *
gen_settings_argument(const struct gen_settings *s); /* the first positional argument, or NULL */
/* All of them, for commands that take several (gen_command_info.n_arguments_max). Borrowed. */
const char *const *gen_settings_arguments(const struct gen_settings *s, size_t *n);
const char *
gen_settings_config_path(const struct gen_settings *s); /* the file that was read, or NULL */

bool gen_settings_has(const struct gen_settings *s,
                      enum gen_option_id id); /* set anywhere, or has a default */
enum gen_setting_source gen_settings_source(const struct gen_settings *s, enum gen_option_id id);
bool gen_settings_flag(const struct gen_settings *s, enum gen_option_id id);
int64_t gen_settings_int(const struct gen_settings *s, enum gen_option_id id); /* 0 when unset */
double gen_settings_real(const struct gen_settings *s, enum gen_option_id id); /* 0 when unset */
const char *gen_settings_text(const struct gen_settings *s,
                              enum gen_option_id id); /* NULL when unset */
const char *const *gen_settings_list(const struct gen_settings *s, enum gen_option_id id,
                                     size_t *n);
const struct gen_secret *gen_settings_secret(const struct gen_settings *s,
                                             enum gen_option_id id); /* NULL when unset */

/* A number of the configuration that belongs to a step rather than to an option:
 * "generation.temperature", "enrich.temperature", "cot.temperature", "curate.temperature", and, for
 * the pipeline, whose
 * --batch-size is one for all, "enrich.batch_size" and "curate.batch_size". False when it is not
 * set. It counts before llm.temperature, but not before what the command line or the environment
 * say (gen_settings_source). */
bool gen_settings_step_real(const struct gen_settings *s, const char *key, double *out);

/* Warnings gathered while parsing (keys of the Python original that mean nothing here, and why),
 * one a line; "" when none. */
const char *gen_settings_notices(const struct gen_settings *s);

/* The command line as it may be stored and shown: no secrets in it by construction. Borrowed. */
const char *gen_settings_command_line(const struct gen_settings *s);

#endif
