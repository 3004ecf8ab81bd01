/*
 * What the commands for tool use say beyond the account of the stages: the categories wanted and
 * had, the rungs of the verification ladder, which tools and parameters the rows use, and how the
 * calls were carried out. For people, for <stem>_summary.json and for <stem>_metrics.json.
 */
#ifndef GEN_CLI_TOOL_ACCOUNT_H
#define GEN_CLI_TOOL_ACCOUNT_H

#include "cli/outputs.h"
#include "cli/tool_balance.h"
#include "cli/tool_steps.h"

#define GEN_TOOL_DETAILS_MAX 8

struct gen_tool_account {
    const struct gen_tool_world *world;
    const struct gen_tool_steps *steps;
    const struct gen_blueprints *blueprints; /* NULL: none were drawn */
    const struct gen_tool_balance *balance;  /* NULL: the command has none */
    bool executes;                           /* the command carries out calls */
    struct gen_tool_coverage *coverage;      /* of the rows; NULL: the tools are not known */
    uint64_t n_not_executed;                 /* rows with calls that were not carried out */
    struct gen_arena arena;
    struct gen_buf texts[GEN_TOOL_DETAILS_MAX];
    struct gen_ui_detail details[GEN_TOOL_DETAILS_MAX + 1];
    size_t n_details;
};

GEN_MUST_USE int gen_tool_account_open(struct gen_tool_account *a, const struct gen_tool_world *w,
                                       const struct gen_tool_steps *steps, struct gen_error *err);
void gen_tool_account_close(struct gen_tool_account *a);

/* A row of the output. */
GEN_MUST_USE int gen_tool_account_add(struct gen_tool_account *a, struct gen_str record,
                                      struct gen_error *err);

/* Hands lines and members to the session, before gen_session_finish. */
GEN_MUST_USE int gen_tool_account_show(struct gen_tool_account *a, struct gen_session *s,
                                       struct gen_error *err);
/* The put_metrics of outputs.h: "ladder" and "coverage"; `account` is a struct gen_tool_account. */
void gen_tool_account_put_metrics(void *account, struct gen_jb *b, struct gen_jmut *metrics);

#endif
