/* The formats whose rows are lists of messages with role and content. */
#include "dataset/export/common.h"

static const char *role_of(const struct gen_turn *turn)
{
    return turn->role == GEN_ROLE_USER ? "user" : "assistant";
}

static void put_system(const char *role, struct gen_str text, struct gen_jt *t)
{
    if (!text.n)
        return;
    gen_jt_object(t, NULL);
    gen_jt_str(t, "role", gen_str_from(role));
    gen_jt_str(t, "content", text);
    gen_jt_end_object(t);
}

static void put_turn(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                     struct gen_jt *t)
{
    struct gen_str reasoning = e->turns[i].reasoning;
    gen_jt_object(t, NULL);
    gen_jt_str(t, "role", gen_str_from(role_of(&e->turns[i])));
    if (reasoning.n && dress->reasoning == GEN_REASONING_FIELD)
        gen_jt_str(t, "reasoning_content", reasoning);
    if (reasoning.n && dress->reasoning == GEN_REASONING_THINKING)
        gen_jt_str(t, "thinking", reasoning);
    gen_export_content(e, dress, i, "content", t);
    gen_jt_end_object(t);
}

static void put_list(const struct gen_example *e, const struct gen_export_dress *dress,
                     const char *system_role, struct gen_jt *t)
{
    gen_jt_array(t, "messages");
    put_system(system_role, dress->system, t);
    for (size_t i = 0; i < e->n_turns; i++)
        put_turn(e, dress, i, t);
    gen_jt_end_array(t);
}

static void chatml_row(const struct gen_example *e, const struct gen_export_dress *dress,
                       struct gen_jt *t)
{
    put_list(e, dress, "system", t);
}

/* The templates of gpt-oss call the one who sets the rules the developer. */
static void harmony_row(const struct gen_example *e, const struct gen_export_dress *dress,
                        struct gen_jt *t)
{
    put_list(e, dress, "developer", t);
}

static void prompt_completion_row(const struct gen_example *e, const struct gen_export_dress *dress,
                                  struct gen_jt *t)
{
    gen_jt_array(t, "prompt");
    put_system("system", dress->system, t);
    for (size_t i = 0; i + 1 < e->n_turns; i++)
        put_turn(e, dress, i, t);
    gen_jt_end_array(t);
    gen_jt_array(t, "completion");
    put_turn(e, dress, e->n_turns - 1, t);
    gen_jt_end_array(t);
}

/* The rules of datasets, and for messages those of Unsloth, are among TRL's. */
#define READERS(...)                                                                               \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

const struct gen_export_format gen_export_chatml = {
    .name = "chatml",
    .summary = "messages with role and content: TRL, Axolotl, Unsloth, NeMo-RL",
    .consumers = READERS("trl", "axolotl"),
    .reasonings = GEN_PLACES_MESSAGE,
    .reasoning = GEN_REASONING_FIELD,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .has_system = true,
    .row = chatml_row,
};

const struct gen_export_format gen_export_chatml_portable = {
    .name = "chatml-portable",
    .summary = "chatml with tools as text, for datasets before 4.7: Axolotl, TRL",
    .consumers = READERS("trl", "axolotl"),
    .reasonings = GEN_PLACES_MESSAGE,
    .reasoning = GEN_REASONING_FIELD,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .has_system = true,
    .row = chatml_row,
};

const struct gen_export_format gen_export_openai = {
    .name = "openai",
    .summary = "messages with role and content and nothing else: OpenAI, Azure, Together",
    .consumers = READERS("openai", "together"),
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_DROP,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .has_system = true,
    .is_lines_only = true,
    .row = chatml_row,
};

const struct gen_export_format gen_export_prompt_completion = {
    .name = "prompt-completion",
    .summary = "prompt and completion as messages: TRL with loss on the answer alone",
    .consumers = READERS("trl"),
    .reasonings = GEN_PLACES_MESSAGE,
    .reasoning = GEN_REASONING_FIELD,
    .has_system = true,
    .row = prompt_completion_row,
};

const struct gen_export_format gen_export_hermes_text = {
    .name = "hermes-text",
    .summary = "messages of nothing but text: templates without tools or a field for reasoning",
    .consumers = READERS("trl", "axolotl"),
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .has_system = true,
    .row = chatml_row,
};

const struct gen_export_format gen_export_harmony = {
    .name = "harmony",
    .summary = "messages of developer, user and assistant with thinking: gpt-oss by TRL, Unsloth",
    .consumers = READERS("trl"),
    .reasonings = 1U << GEN_REASONING_THINKING | 1U << GEN_REASONING_DROP,
    .reasoning = GEN_REASONING_THINKING,
    .has_system = true,
    .row = harmony_row,
};
