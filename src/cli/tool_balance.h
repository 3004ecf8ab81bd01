/*
 * --balance: rows that passed are held back, in a temporary file, until all are known; then those
 * of categories that have too many are left out, the lowest rated first. Without the option rows go
 * on at once.
 */
#ifndef GEN_CLI_TOOL_BALANCE_H
#define GEN_CLI_TOOL_BALANCE_H

#include "cli/session.h"
#include "os/spool.h"
#include "tool/balance.h"

/* Takes a row of the output. */
typedef int gen_row_fn(void *ud, struct gen_str record, struct gen_error *err);

struct gen_tool_balance {
    gen_row_fn *fn;
    void *ud;
    struct gen_spool *spool; /* NULL: rows go on at once; likewise private, what follows */
    uint64_t *ends;
    unsigned char *categories;
    double *ratings;
    size_t n, n_allocated;
    struct gen_balance chosen; /* after gen_tool_balance_finish */
};

GEN_MUST_USE int gen_tool_balance_open(struct gen_tool_balance *b, const struct gen_session *s,
                                       gen_row_fn *fn, void *ud, struct gen_error *err);
GEN_MUST_USE int gen_tool_balance_add(struct gen_tool_balance *b, struct gen_str record,
                                      struct gen_error *err);
/* Hands on what stays, in input order. */
GEN_MUST_USE int gen_tool_balance_finish(struct gen_tool_balance *b, struct gen_error *err);
void gen_tool_balance_close(struct gen_tool_balance *b);

#endif
