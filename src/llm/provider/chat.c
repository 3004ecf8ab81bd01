#include "llm/provider/chat.h"

static void put_message(struct gen_jb *b, struct gen_jmut *messages, const char *role,
                        struct gen_jmut *content)
{
    struct gen_jmut *message = gen_jb_object(b);
    gen_jb_put_cstr(b, message, "role", role);
    gen_jb_put(b, message, "content", content);
    gen_jb_append(b, messages, message);
}

void gen_chat_put_messages(struct gen_jb *b, struct gen_jmut *body, const struct gen_llm_request *r,
                           bool fold_system)
{
    struct gen_jmut *messages = gen_jb_array(b);
    struct gen_str system = r->stable->system;
    if (system.n && fold_system) {
        struct gen_buf both = gen_buf_make(GEN_BUF_UNLIMITED);
        struct gen_jmut *text = NULL;
        if (gen_buf_add_str(&both, system, NULL) == GEN_OK &&
            gen_buf_add_c(&both, "\n\n", NULL) == GEN_OK &&
            gen_buf_add_str(&both, r->user, NULL) == GEN_OK)
            text = gen_jb_str(b, gen_buf_str(&both));
        gen_buf_release(&both);
        put_message(b, messages, "user", text);
    } else {
        struct gen_str rendered = r->stable->system_json;
        if (system.n)
            put_message(b, messages, "system",
                        rendered.n ? gen_jb_raw(b, rendered) : gen_jb_str_view(b, system));
        put_message(b, messages, "user", gen_jb_str_view(b, r->user));
    }
    gen_jb_put(b, body, "messages", messages);
}

struct gen_jmut *gen_chat_schema(struct gen_jb *b, const struct gen_llm_stable *s)
{
    return s->schema.n ? gen_jb_raw(b, s->schema) : gen_jb_copy(b, s->schema_json);
}

void gen_chat_finish(struct gen_llm_result *result, bool is_complete, bool is_length)
{
    if (is_length) {
        result->class_code = GEN_CLASS_TRUNCATED;
        gen_llm_set_message(
            result, GEN_STR("the model ran into its token limit before the answer was complete"));
    } else if (!is_complete) {
        result->class_code = GEN_CLASS_SERVER_ERROR;
        gen_llm_set_message(
            result, GEN_STR("the answer has no end mark: the server stopped in the middle of it"));
    } else {
        result->class_code = GEN_CLASS_OK;
    }
}
