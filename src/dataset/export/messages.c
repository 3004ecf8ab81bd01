/* The formats whose rows are lists of messages with role and content. */
#include "dataset/export/common.h"

/* How the messages of a format differ from those of another. */
struct style {
    const char *system_role;
    bool args_as_text, tools_as_text;
    bool names_answers;   /* a tool's message has the function's name */
    bool says_sequential; /* that calls come one by one, where that was asked for */
    unsigned schema;      /* GEN_SCHEMA_* */
};

static const char *role_of(const struct gen_turn *turn)
{
    if (turn->role == GEN_ROLE_TOOL)
        return "tool";
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

static void put_calls(const struct gen_turn *turn, const struct style *style, struct gen_jt *t)
{
    gen_jt_array(t, "tool_calls");
    for (size_t i = 0; i < turn->n_calls; i++) {
        const struct gen_call *call = &turn->calls[i];
        gen_jt_object(t, NULL);
        gen_jt_str(t, "id", call->id);
        gen_jt_str(t, "type", GEN_STR("function"));
        gen_jt_object(t, "function");
        gen_jt_str(t, "name", call->name);
        if (style->args_as_text)
            gen_export_args_text(call, "arguments", t);
        else
            gen_export_args(call, "arguments", t);
        gen_jt_end_object(t);
        gen_jt_end_object(t);
    }
    gen_jt_end_array(t);
}

static void put_turn(const struct gen_example *e, const struct gen_export_dress *dress,
                     const struct style *style, size_t i, struct gen_jt *t)
{
    const struct gen_turn *turn = &e->turns[i];
    struct gen_str reasoning = turn->reasoning;
    gen_jt_object(t, NULL);
    gen_jt_str(t, "role", gen_str_from(role_of(turn)));
    if (turn->answers && style->names_answers)
        gen_jt_str(t, "name", turn->answers->name);
    if (turn->answers)
        gen_jt_str(t, "tool_call_id", turn->answers->id);
    if (reasoning.n && dress->reasoning == GEN_REASONING_FIELD)
        gen_jt_str(t, "reasoning_content", reasoning);
    if (reasoning.n && dress->reasoning == GEN_REASONING_THINKING)
        gen_jt_str(t, "thinking", reasoning);
    gen_export_content(e, dress, i, "content", t);
    if (turn->n_calls)
        put_calls(turn, style, t);
    gen_export_masking(e, dress, i, t);
    gen_jt_end_object(t);
}

static void put_tools(const struct gen_example *e, const struct gen_export_dress *dress,
                      const struct style *style, struct gen_jt *t)
{
    if (style->tools_as_text)
        gen_export_tools_text(e, style->schema, t);
    else
        gen_export_tools(e, style->schema, t);
    if (e->n_tools && style->says_sequential && dress->is_sequential)
        gen_export_literal(t, "parallel_tool_calls", "false");
}

static void put_list(const struct gen_example *e, const struct gen_export_dress *dress,
                     const struct style *style, struct gen_jt *t)
{
    gen_jt_array(t, "messages");
    put_system(style->system_role, dress->system, t);
    for (size_t i = 0; i < e->n_turns; i++)
        put_turn(e, dress, style, i, t);
    gen_jt_end_array(t);
    put_tools(e, dress, style, t);
}

static const struct style plain = {.system_role = "system", .names_answers = true};

static void chatml_row(const struct gen_example *e, const struct gen_export_dress *dress,
                       struct gen_jt *t)
{
    put_list(e, dress, &plain, t);
}

static void portable_row(const struct gen_example *e, const struct gen_export_dress *dress,
                         struct gen_jt *t)
{
    static const struct style style = {.system_role = "system",
                                       .names_answers = true,
                                       .args_as_text = true,
                                       .tools_as_text = true};
    put_list(e, dress, &style, t);
}

static void openai_row(const struct gen_example *e, const struct gen_export_dress *dress,
                       struct gen_jt *t)
{
    static const struct style style = {.system_role = "system",
                                       .args_as_text = true,
                                       .says_sequential = true,
                                       .schema = GEN_SCHEMA_ITEMS};
    put_list(e, dress, &style, t);
}

/* The templates of gpt-oss call the one who sets the rules the developer. */
static void harmony_row(const struct gen_example *e, const struct gen_export_dress *dress,
                        struct gen_jt *t)
{
    static const struct style style = {.system_role = "developer", .names_answers = true};
    put_list(e, dress, &style, t);
}

#define FUNCTION_GEMMA "You are a model that can do function calling with the following functions"

/* FunctionGemma calls functions when the developer says this line, word for word. */
static void functiongemma_row(const struct gen_example *e, const struct gen_export_dress *dress,
                              struct gen_jt *t)
{
    static const struct style style = {.system_role = "developer", .names_answers = true};
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_export_dress own = *dress;
    if (e->n_tools) {
        if (t->rc == GEN_OK)
            t->rc = gen_buf_add_c(&text, FUNCTION_GEMMA, t->err);
        if (t->rc == GEN_OK && own.system.n)
            t->rc = gen_buf_printf(&text, t->err, "\n%.*s", GEN_STR_ARG(own.system));
        own.system = gen_buf_str(&text);
    }
    put_list(e, &own, &style, t);
    gen_buf_release(&text);
}

static void prompt_completion_row(const struct gen_example *e, const struct gen_export_dress *dress,
                                  struct gen_jt *t)
{
    gen_jt_array(t, "prompt");
    put_system("system", dress->system, t);
    for (size_t i = 0; i + 1 < e->n_turns; i++)
        put_turn(e, dress, &plain, i, t);
    gen_jt_end_array(t);
    gen_jt_array(t, "completion");
    put_turn(e, dress, &plain, e->n_turns - 1, t);
    gen_jt_end_array(t);
    put_tools(e, dress, &plain, t);
}

/* The rules of datasets, and for messages those of Unsloth, are among TRL's. */
#define READERS(...)                                                                               \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

const struct gen_export_format gen_export_chatml = {
    .name = "chatml",
    .summary = "messages with role and content, tools as a list: TRL, Axolotl, Unsloth, NeMo-RL",
    .consumers = READERS("trl", "axolotl"),
    .reasonings = GEN_PLACES_MESSAGE,
    .reasoning = GEN_REASONING_FIELD,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .masking = GEN_MASKING_TRAIN,
    .has_system = true,
    .row = chatml_row,
};

const struct gen_export_format gen_export_chatml_portable = {
    .name = "chatml-portable",
    .summary = "chatml with tools and arguments as text, for datasets before 4.7: Axolotl",
    .consumers = READERS("datasets", "axolotl"),
    .reasonings = GEN_PLACES_MESSAGE,
    .reasoning = GEN_REASONING_FIELD,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .masking = GEN_MASKING_TRAIN,
    .has_system = true,
    .row = portable_row,
};

const struct gen_export_format gen_export_openai = {
    .name = "openai",
    .summary = "messages and tools, arguments as text, nothing else: OpenAI, Azure, Together",
    .consumers = READERS("openai"), /* Together takes no parallel_tool_calls, and else the same */
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_DROP,
    .llamafactory = GEN_LLAMAFACTORY_MESSAGES,
    .masking = GEN_MASKING_WEIGHT,
    .has_system = true,
    .is_lines_only = true,
    .row = openai_row,
};

const struct gen_export_format gen_export_prompt_completion = {
    .name = "prompt-completion",
    .summary = "prompt and completion as messages: TRL with loss on the last turn alone",
    .consumers = READERS("trl"),
    .reasonings = GEN_PLACES_MESSAGE,
    .reasoning = GEN_REASONING_FIELD,
    .masking = GEN_MASKING_FORM,
    .has_system = true,
    .row = prompt_completion_row,
};

const struct gen_export_format gen_export_harmony = {
    .name = "harmony",
    .summary = "messages of developer, user, assistant and tool with thinking: gpt-oss by TRL",
    .consumers = READERS("trl"),
    .reasonings = 1U << GEN_REASONING_THINKING | 1U << GEN_REASONING_DROP,
    .reasoning = GEN_REASONING_THINKING,
    .calls_max = 1, /* its template renders the first of a turn's calls alone */
    .has_system = true,
    .row = harmony_row,
};

const struct gen_export_format gen_export_functiongemma = {
    .name = "functiongemma",
    .summary = "messages with the developer's line, tools as a list: FunctionGemma by TRL",
    .consumers = READERS("trl"),
    .reasonings = 1U << GEN_REASONING_DROP,
    .reasoning = GEN_REASONING_DROP,
    .has_system = true,
    .omits_default_system = true,
    .row = functiongemma_row,
};
