#include "dataset/export/common.h"

void gen_export_words(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                      struct gen_jt *t)
{
    const struct gen_turn *turn = &e->turns[i];
    if (i == 0 && dress->folded.n) {
        gen_jt_text(t, dress->folded);
        gen_jt_text(t, GEN_STR("\n\n"));
    }
    if (turn->reasoning.n && dress->reasoning == GEN_REASONING_INLINE) {
        /* As LLaMA-Factory and the templates of reasoning models spell it. */
        gen_jt_text(t, GEN_STR("<think>\n"));
        gen_jt_text(t, turn->reasoning);
        gen_jt_text(t, GEN_STR("\n</think>\n\n"));
    }
    gen_jt_text(t, turn->content);
}

void gen_export_content(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                        const char *key, struct gen_jt *t)
{
    gen_jt_text_begin(t, key);
    gen_export_words(e, dress, i, t);
    gen_jt_text_end(t);
}

void gen_export_masking(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                        struct gen_jt *t)
{
    if (!e->turns[i].is_masked)
        return;
    if (dress->masking == GEN_MASKING_WEIGHT)
        gen_export_literal(t, "weight", "0");
    if (dress->masking == GEN_MASKING_TRAIN)
        gen_export_literal(t, "train", "false");
}
