/* The formats of the tuning services of Google and Amazon: contents in parts and blocks. */
#include "dataset/export/common.h"

static void put_text(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                     const char *key, struct gen_jt *t)
{
    gen_jt_array(t, key);
    gen_jt_object(t, NULL);
    gen_export_content(e, dress, i, "text", t);
    gen_jt_end_object(t);
    gen_jt_end_array(t);
}

static void put_system(const char *key, struct gen_str text, struct gen_jt *t)
{
    gen_jt_array(t, key);
    gen_jt_object(t, NULL);
    gen_jt_str(t, "text", text);
    gen_jt_end_object(t);
    gen_jt_end_array(t);
}

static void gemini_row(const struct gen_example *e, const struct gen_export_dress *dress,
                       struct gen_jt *t)
{
    if (dress->system.n) {
        gen_jt_object(t, "systemInstruction");
        put_system("parts", dress->system, t);
        gen_jt_end_object(t);
    }
    gen_jt_array(t, "contents");
    for (size_t i = 0; i < e->n_turns; i++) {
        bool is_user = e->turns[i].role == GEN_ROLE_USER;
        gen_jt_object(t, NULL);
        gen_jt_str(t, "role", is_user ? GEN_STR("user") : GEN_STR("model"));
        put_text(e, dress, i, "parts", t);
        gen_jt_end_object(t);
    }
    gen_jt_end_array(t);
}

static void bedrock_row(const struct gen_example *e, const struct gen_export_dress *dress,
                        struct gen_jt *t)
{
    gen_jt_str(t, "schemaVersion", GEN_STR("bedrock-conversation-2024"));
    if (dress->system.n)
        put_system("system", dress->system, t);
    gen_jt_array(t, "messages");
    for (size_t i = 0; i < e->n_turns; i++) {
        bool is_user = e->turns[i].role == GEN_ROLE_USER;
        gen_jt_object(t, NULL);
        gen_jt_str(t, "role", is_user ? GEN_STR("user") : GEN_STR("assistant"));
        put_text(e, dress, i, "content", t);
        gen_jt_end_object(t);
    }
    gen_jt_end_array(t);
}

const struct gen_export_format gen_export_gemini = {
    .name = "gemini",
    .summary = "contents with parts: Vertex AI tuning",
    .consumers = (const char *const[]){"gemini", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_DROP,
    .has_system = true,
    .is_lines_only = true,
    .row = gemini_row,
};

const struct gen_export_format gen_export_bedrock = {
    .name = "bedrock",
    .summary = "messages with content blocks: Bedrock, SageMaker Nova",
    .consumers = (const char *const[]){"bedrock", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_DROP,
    .has_system = true,
    .is_lines_only = true,
    .row = bedrock_row,
};
