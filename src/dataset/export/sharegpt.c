#include "dataset/export/common.h"

static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    gen_jt_array(t, "conversations");
    for (size_t i = 0; i < e->n_turns; i++) {
        bool is_user = e->turns[i].role == GEN_ROLE_USER;
        gen_jt_object(t, NULL);
        gen_jt_str(t, "from", is_user ? GEN_STR("human") : GEN_STR("gpt"));
        gen_export_content(e, dress, i, "value", t);
        gen_jt_end_object(t);
    }
    gen_jt_end_array(t);
    if (dress->system.n)
        gen_jt_str(t, "system", dress->system);
}

#define READERS                                                                                    \
    (const char *const[])                                                                          \
    {                                                                                              \
        "llamafactory", "unsloth", NULL                                                            \
    }

const struct gen_export_format gen_export_sharegpt = {
    .name = "sharegpt",
    .summary = "conversations of human and gpt: LLaMA-Factory, Unsloth",
    .consumers = READERS,
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_SHAREGPT,
    .has_system = true,
    .row = row,
};

const struct gen_export_format gen_export_llamafactory = {
    .name = "llamafactory",
    .summary = "sharegpt with its dataset_info.json: LLaMA-Factory",
    .consumers = READERS,
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_SHAREGPT,
    .has_system = true,
    .has_dataset_info = true,
    .row = row,
};
