/* The extractive provider's answers to the tasks of tools: from the item's JSON
 * (dataset/trajectory.h), in the shape of each step's schema. */
#ifndef GEN_LLM_PROVIDER_EXTRACTIVE_TOOL_H
#define GEN_LLM_PROVIDER_EXTRACTIVE_TOOL_H

#include "llm/provider/extractive_int.h"

GEN_MUST_USE int gen_extract_tool_request(struct gen_extract *x, struct gen_jb *b,
                                          struct gen_jmut *root, struct gen_error *err);
GEN_MUST_USE int gen_extract_tool_plan(struct gen_extract *x, struct gen_jb *b,
                                       struct gen_jmut *root, struct gen_error *err);
GEN_MUST_USE int gen_extract_tool_step(struct gen_extract *x, struct gen_jb *b,
                                       struct gen_jmut *root, struct gen_error *err);
GEN_MUST_USE int gen_extract_tool_simulate(struct gen_extract *x, struct gen_jb *b,
                                           struct gen_jmut *root, struct gen_error *err);
GEN_MUST_USE int gen_extract_tool_answer(struct gen_extract *x, struct gen_jb *b,
                                         struct gen_jmut *root, struct gen_error *err);
GEN_MUST_USE int gen_extract_tool_rate(struct gen_extract *x, struct gen_jb *b,
                                       struct gen_jmut *root, struct gen_error *err);

#endif
