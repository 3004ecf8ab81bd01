/*
 * Private to dataset/: the turns of a conversation, in either of its two spellings:
 * messages/role/content (OpenAI, ChatML) and conversations/from/value (ShareGPT).
 */
#ifndef GEN_DATASET_TURNS_H
#define GEN_DATASET_TURNS_H

#include "dataset/record.h"

enum gen_turn_role { GEN_ROLE_SYSTEM, GEN_ROLE_USER, GEN_ROLE_ASSISTANT, GEN_ROLE_OTHER };

/* Views into the record. */
struct gen_turn_text {
    enum gen_turn_role role;
    struct gen_str content, reasoning;
};

/* The list of turns, or NULL. */
const struct gen_json *gen_turns_of(const struct gen_json *record);
/* False with `why` when the turn is no object, has no string as its content, or calls tools. */
bool gen_turn_read(const struct gen_json *turn, struct gen_turn_text *out, char *why,
                   size_t why_bytes);

#endif
