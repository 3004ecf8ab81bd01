#include "dataset/export/common.h"

/* Most readers of alpaca know no system text: only one that somebody named is worth a column. */
static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    gen_export_content(e, dress, 0, "instruction", t);
    gen_jt_str(t, "input", GEN_STR(""));
    gen_export_content(e, dress, 1, "output", t);
    if (dress->system.n)
        gen_jt_str(t, "system", dress->system);
}

const struct gen_export_format gen_export_alpaca = {
    .name = "alpaca",
    .summary = "instruction, input, output: LLaMA-Factory, Axolotl, Unsloth",
    .consumers = (const char *const[]){"llamafactory", "unsloth", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_ALPACA,
    .n_turns_max = 2,
    .without_tools = "export with -f llamafactory, which LLaMA-Factory reads as well",
    .has_system = true,
    .omits_default_system = true,
    .row = row,
};
