/* The steps of the commands, made from the settings. */
#ifndef GEN_CLI_STEPS_H
#define GEN_CLI_STEPS_H

#include "cli/session.h"

/* What a run may need; all may be NULL. */
struct gen_steps {
    struct gen_qa_generate *generate;
    struct gen_qa_enrich *enrich;
    struct gen_qa_enhance *enhance;
    struct gen_qa_rate *rate;
    struct gen_filters *skip_question, *skip_source; /* of --skip-question, --skip-source */
};

/* Each adds a step to the session. generate makes pairs with reasoning when the command is
 * generate-cot. */
GEN_MUST_USE int gen_steps_add_generate(struct gen_steps *steps, struct gen_session *s,
                                        uint64_t n_chunks, struct gen_error *err);
GEN_MUST_USE int gen_steps_add_enrich(struct gen_steps *steps, struct gen_session *s,
                                      struct gen_error *err);
GEN_MUST_USE int gen_steps_add_enhance(struct gen_steps *steps, struct gen_session *s,
                                       struct gen_error *err);
/* Whether --reasoning model was chosen: GEN_EUSAGE when the provider cannot think. */
GEN_MUST_USE int gen_steps_native_reasoning(const struct gen_session *s, bool *yes,
                                            struct gen_error *err);
/* `on_rated`: NULL with topic_only. */
GEN_MUST_USE int gen_steps_add_rate(struct gen_steps *steps, struct gen_session *s, bool topic_only,
                                    gen_rated_fn *on_rated, void *ud, struct gen_error *err);
void gen_steps_release(struct gen_steps *steps);

#endif
