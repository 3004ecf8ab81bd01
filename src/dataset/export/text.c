#include "dataset/export/common.h"

/* For continued pre-training: the turns as paragraphs, without names of who speaks. */
static void row(const struct gen_example *e, const struct gen_export_dress *dress, struct gen_jt *t)
{
    gen_jt_text_begin(t, "text");
    for (size_t i = 0; i < e->n_turns; i++) {
        if (i)
            gen_jt_text(t, GEN_STR("\n\n"));
        gen_export_words(e, dress, i, t);
    }
    gen_jt_text_end(t);
}

const struct gen_export_format gen_export_text = {
    .name = "text",
    .summary = "question and answer in one text: continued pre-training",
    .consumers = (const char *const[]){"trl", NULL},
    .reasonings = GEN_PLACES_TEXT,
    .reasoning = GEN_REASONING_INLINE,
    .llamafactory = GEN_LLAMAFACTORY_TEXT,
    .without_tools = "export with -f hermes-text, which writes calls as text",
    .row = row,
};
