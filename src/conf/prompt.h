/*
 * Prompt templates: YAML files with `prompt: |` and `{name}` placeholders ({{ and }} for braces). A
 * template is split in two at the last blank line before its first placeholder: what stands before
 * is the stable part (sent as the system message, equal bytes for a whole run, so that prefix
 * caches hit), what follows is rendered per item (sent as the user message). A template without a
 * blank line before its first placeholder, or without any placeholder, has no stable part.
 */
#ifndef GEN_CONF_PROMPT_H
#define GEN_CONF_PROMPT_H

#include "base/buf.h"
#include "base/hash.h"

struct gen_prompt_set;
struct gen_prompt;

/* Loads every *.yaml of the built-in folder, then of `user_dir` (may be NULL), whose files replace
 * prompts of the same name; one that replaces nothing is an error that names the nearest. A file
 * with the key `prompt` gives one prompt named after the file; otherwise each string-valued key is
 * a prompt. Folders are not searched below. GEN_EUSAGE with file, line and column; GEN_EINPUT when
 * the built-in folder cannot be read. */
GEN_MUST_USE int gen_prompt_set_load(struct gen_prompt_set **out, const char *builtin_dir,
                                     const char *user_dir, struct gen_error *err);
void gen_prompt_set_free(struct gen_prompt_set *set);
/* NULL when there is none of that name. Borrowed. */
const struct gen_prompt *gen_prompt_find(const struct gen_prompt_set *set, const char *name);

/* Checks that every placeholder of the prompt is one of `names` and that each of the first
 * `n_required` names occurs. GEN_EUSAGE names prompt, placeholder, nearest name. */
GEN_MUST_USE int gen_prompt_check(const struct gen_prompt *p, const char *const *names,
                                  size_t n_names, size_t n_required, struct gen_error *err);

struct gen_prompt_value {
    const char *name;
    struct gen_str value;
};
/* The stable part. */
struct gen_str gen_prompt_system(const struct gen_prompt *p);
/* Appends the per-item part with its placeholders filled in. Values are not scanned for
 * placeholders. */
GEN_MUST_USE int gen_prompt_render(struct gen_buf *out, const struct gen_prompt *p,
                                   const struct gen_prompt_value *values, size_t n_values,
                                   struct gen_error *err); /* GEN_ESTATE: a value is missing */
/* SHA-256 of the whole template, for the run's account. */
const struct gen_digest *gen_prompt_digest(const struct gen_prompt *p);

/* Appends the folder of built-in configuration: <prefix>/share/generator/configs when the program
 * is in <prefix>/bin, else configs or ../configs beside the program, as in a build tree. The first
 * that holds config.yaml counts. GEN_EINPUT when there is none. */
GEN_MUST_USE int gen_config_dir(struct gen_buf *out, struct gen_error *err);

#endif
