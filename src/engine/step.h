/*
 * A step: how a question is put and what is made of the answer. It knows no network, no ledger, no
 * provider. Steps live in qa/ and tool/; the engine runs them. All functions are called on the loop
 * thread, and must depend on their arguments and on the step's configuration alone: the same items
 * give the same requests and the same records, whatever the timing.
 */
#ifndef GEN_ENGINE_STEP_H
#define GEN_ENGINE_STEP_H

#include "base/arena.h"
#include "engine/account.h"
#include "engine/item.h"
#include "llm/llm.h"
#include "json/schema.h"

/* Asked of a step by the engine for one call. */
struct gen_question {
    struct gen_buf user; /* rendered into; emptied by the engine */
    int64_t tokens_out_max;
    struct gen_task_inputs inputs; /* views into the items or into `scratch` */
    struct gen_arena *scratch;     /* lives until the request is built */
    size_t n_wanted; /* in: 0, or a smaller number of outputs to ask for after a truncated answer */
};

struct gen_outcome;

/* What a step makes of an answer. Every input must be settled exactly once: by outputs or a
 * rule. Inputs that the step leaves unsettled fail as "malformed". Outputs are copied; a
 * record made from an answer whose JSON had to be repaired gets "json_repairs", the names of the
 * steps (json/repair.h), after those of earlier steps of the pipeline. */
GEN_MUST_USE int gen_outcome_produce(struct gen_outcome *o, size_t input, struct gen_str record,
                                     struct gen_error *err);
void gen_outcome_filter(struct gen_outcome *o, size_t input,
                        const char *rule); /* no output from this input */
void gen_outcome_filter_output(struct gen_outcome *o,
                               const char *rule);               /* one proposed output less */
void gen_outcome_note(struct gen_outcome *o, const char *name); /* counted in notes */
/* The answer must be asked for again for the inputs not yet settled, with these faults told to the
 * model. After the last try they fail with the message. */
GEN_MUST_USE int gen_outcome_ask_again(struct gen_outcome *o, struct gen_str faults,
                                       struct gen_error *err);
/* The step has not finished with this input: its record becomes `record` (copied), and the step is
 * asked about it once more, for a further question or action (a turn of a dialogue with tools).
 * After GEN_TURNS_MAX turns the input fails as "too_many_turns". */
GEN_MUST_USE int gen_outcome_continue(struct gen_outcome *o, size_t input, struct gen_str record,
                                      struct gen_error *err);
#define GEN_TURNS_MAX 64U
/* This input fails with this class (a constant name) and message, and is not asked about again:
 * another answer would be no better. */
void gen_outcome_fail(struct gen_outcome *o, size_t input, const char *class_name,
                      const char *message);
/* What the model thought before it answered, as far as the provider hands it out (llm/llm.h);
 * empty: nothing. Borrowed for the life of accept(). The same for an answer from the ledger. */
struct gen_str gen_outcome_reasoning(const struct gen_outcome *o);
/* True when no further try will be made: settle what can be settled. */
bool gen_outcome_is_last_try(const struct gen_outcome *o);

/* The outputs of one call on their way out. */
struct gen_release;
size_t gen_release_count(const struct gen_release *r);
const struct gen_item *gen_release_item(const struct gen_release *r, size_t i);
/* Output `i` goes no further. An input all of whose outputs are dropped counts as filtered by the
 * rule. */
void gen_release_drop(struct gen_release *r, size_t i, const char *rule);
/* Puts other bytes in the place of the record (copied). */
GEN_MUST_USE int gen_release_replace(struct gen_release *r, size_t i, struct gen_str record,
                                     struct gen_error *err);

/*
 * An action: work outside of the model that a step needs before it goes on with an item, such as
 * the call of a tool. What comes back, the observation, is a text; like an answer it is committed
 * to the ledger before anything uses it, under the SHA-256 of the action's text, and found there by
 * a later run. Actions take no room of the endpoint's.
 */
struct gen_action;
/* More than that fails as "observation_too_large". */
#define GEN_OBSERVATION_BYTES_MAX ((size_t)64 << 20)
/* It is done; the observation is copied. Once, from the loop thread; also from inside of act(). */
void gen_action_done(struct gen_action *a, struct gen_str observation);
/* It could not be carried out, by no fault of the item (the server died): nothing is stored, and
 * the input fails with this class (a constant name) and message. As above. */
void gen_action_failed(struct gen_action *a, const char *class_name, const char *message);

struct gen_step {
    const char *name;
    const char *unit_in, *unit_out;
    size_t group_max;         /* inputs in one call */
    bool keep_failed_inputs;  /* a failed input goes on unchanged (rewriting), else it goes no
                                 further */
    bool keep_skipped_inputs; /* an input that the prefilter skips (not: filters) goes on unchanged
                               */
    void *ud;

    /* NULL: the item is asked about. Else a rule's or reason's name: it is filtered or skipped and
     * nothing is paid. */
    const char *(*prefilter)(void *ud, const struct gen_item *item, bool *is_skip);
    /* True when two neighbouring items may share a call. NULL: never. */
    bool (*may_share)(void *ud, const struct gen_item *a, const struct gen_item *b);
    /* The stable part of the requests about this item (a step may have several prompts). */
    const struct gen_llm_stable *(*stable)(void *ud, const struct gen_item *item);
    const struct gen_schema *(*schema)(void *ud, const struct gen_item *item);
    int (*ask)(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err);
    int (*accept)(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err);
    /* The four below: NULL in a step without actions. A step that has them has group_max 1, and one
     * that never asks a model has neither stable, schema, ask nor accept.
     * Writes the canonical text of all that the observation depends on into `text`: what is done,
     * to what, after what, for which item. Nothing written: no action is due, the model is asked.
     */
    int (*action)(void *ud, const struct gen_item *item, struct gen_buf *text,
                  struct gen_error *err);
    /* Begins it. `item` and `a` live until gen_action_done, gen_action_failed or abandon(). Any
     * number of actions may be under way; the step queues what it cannot do at once. */
    int (*act)(void *ud, const struct gen_item *item, struct gen_action *a, struct gen_error *err);
    /* Makes of an observation what accept() makes of an answer. `item` is the only input, 0. */
    int (*observe)(void *ud, struct gen_item *item, struct gen_str observation,
                   struct gen_outcome *o, struct gen_error *err);
    /* The run ends without it: it must not be reported any more. */
    void (*abandon)(void *ud, struct gen_action *a);
    /* Called in input order just before the outputs of one call go on; may look at them and drop
     * some. NULL: all go on.
     * `*stop_input` = true: the stage wants no further input. */
    int (*release)(void *ud, struct gen_release *r, bool *stop_input, struct gen_error *err);
};

#endif
