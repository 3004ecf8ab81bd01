/* What to do about the failures of a run, for the account: one line for each class. */
#ifndef GEN_CLI_ADVICE_H
#define GEN_CLI_ADVICE_H

#include "cli/session.h"
#include "llm/advice.h"

#define GEN_ADVICE_ROWS_MAX 12

struct gen_advice_list {
    const char *rows[GEN_ADVICE_ROWS_MAX + 1]; /* into `texts`; NULL-terminated */
    size_t n;
    char texts[GEN_ADVICE_ROWS_MAX][GEN_ADVICE_BYTES + 160];
};

/* For each class that inputs failed of in `stages`, and for the one that stopped the run, which
 * comes first: "truncated (asked again once, for less): raise --max-tokens ...". */
void gen_advice_list_fill(struct gen_advice_list *l, const struct gen_session *s,
                          const struct gen_stage_account *const *stages, size_t n_stages);

#endif
