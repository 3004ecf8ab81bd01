/*
 * What the steps of qa/ and tool/ share: a prompt with its answer's schema made ready to be asked,
 * the guards around text that comes from outside, and the room for an answer.
 */
#ifndef GEN_STEP_PROMPT_H
#define GEN_STEP_PROMPT_H

#include "conf/prompt.h"
#include "engine/step.h"
#include "llm/dialect.h"

/* What all steps need. Borrowed for the life of the steps. */
struct gen_step_common {
    const struct gen_prompt_set *prompts;
    const char *provider, *model;
    enum gen_dialect dialect; /* of schemas, as the provider takes them */
    bool sends_temperature;   /* the provider takes the steps' own temperatures */
    bool has_temperature;     /* the user's own, for all steps */
    double temperature;
    bool temperature_is_default; /* from llm.temperature: a step's own key of the configuration goes
                                    before it */
    bool has_seed;
    int64_t seed;
    int64_t tokens_out_max; /* 0: computed per call */
    const char *topic;      /* NULL: none */
};

/* A prompt with its schema, ready to be asked. */
struct gen_step_prompt {
    const struct gen_prompt *prompt;
    struct gen_json_doc *schema_doc;
    struct gen_schema *schema;
    struct gen_buf system_json, wire_schema;
    struct gen_llm_stable stable;
};

/* The first of `names` must occur in the prompt, the others may.
 * Temperature: the command line's, else the step's own key of the configuration (`has_own`), else
 * llm.temperature, else `own_temperature`, the step's default. GEN_EUSAGE when the prompt is
 * missing, does not have the first of `names`, or has placeholders other than `names`. */
GEN_MUST_USE int gen_step_prompt_init(struct gen_step_prompt *p,
                                      const struct gen_step_common *common, const char *prompt_name,
                                      const char *schema_name, const char *schema_text,
                                      bool has_own, double own_temperature,
                                      const char *const *names, size_t n_names,
                                      struct gen_error *err);
void gen_step_prompt_release(struct gen_step_prompt *p);

/* Eight hex digits that mark a chunk's fence lines, so that the chunk cannot contain them. */
void gen_step_fence(struct gen_str text, char out[9]);

/* Copy of `text` in the arena in which special tokens of chat templates ("<|im_end|>", "[INST]",
 * "</s>") and our own marks ("=== end of source", "[p1]") are split by a zero-width space: inside a
 * prompt they would end the message. The view is `text` itself when it has none. */
struct gen_str gen_step_defuse(struct gen_arena *arena, struct gen_str text);

/* True when the model copied a token that gen_step_defuse split: with the invisible character in
 * it, the text is no training data. */
bool gen_step_has_defused(struct gen_str text);

/* A number as text in the arena. */
struct gen_str gen_step_number(struct gen_arena *arena, int64_t n);

/* Tokens to allow for an answer: a fixed part, `n` times `per_item`, and room for a model that
 * thinks first. */
int64_t gen_step_tokens(const struct gen_step_common *common, size_t n, int64_t per_item);

/* "(not known)" in the place of an empty text. */
struct gen_str gen_step_or_unknown(struct gen_str s);

#endif
