/* Amazon's tuning services: messages with blocks of content (formats.md §1.8). */
#include "dataset/export/common.h"

static void put_system(struct gen_str text, struct gen_jt *t)
{
    gen_jt_array(t, "system");
    gen_jt_object(t, NULL);
    gen_jt_str(t, "text", text);
    gen_jt_end_object(t);
    gen_jt_end_array(t);
}

static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    gen_jt_str(t, "schemaVersion", GEN_STR("bedrock-conversation-2024"));
    if (dress->system.n)
        put_system(dress->system, t);
    gen_jt_array(t, "messages");
    for (size_t i = 0; i < e->n_turns; i++) {
        bool is_user = e->turns[i].role == GEN_ROLE_USER;
        gen_jt_object(t, NULL);
        gen_jt_str(t, "role", is_user ? GEN_STR("user") : GEN_STR("assistant"));
        gen_jt_array(t, "content");
        gen_jt_object(t, NULL);
        gen_export_content(e, dress, i, "text", t);
        gen_jt_end_object(t);
        gen_jt_end_array(t);
        gen_jt_end_object(t);
    }
    gen_jt_end_array(t);
}

const struct gen_export_format gen_export_bedrock = {
    .name = "bedrock",
    .summary = "messages with content blocks: Bedrock, SageMaker Nova",
    .consumers = (const char *const[]){"bedrock", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_DROP,
    .has_system = true,
    .is_lines_only = true,
    .without_tools = "Amazon's guides contradict each other on whether training reads toolUse: "
                     "export with -f openai or -f chatml",
    .row = row,
};
