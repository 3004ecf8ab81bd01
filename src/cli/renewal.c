#include "cli/renewal.h"

#include "cli/cli.h"

struct walk {
    const struct gen_run_info *info;
    int64_t first;
    bool is_over;
};

static int look_at(void *ud, const struct gen_ledger_run *run, struct gen_error *err)
{
    struct walk *w = ud;
    (void)err;
    bool is_same = gen_str_eq(run->info.command, w->info->command) &&
                   gen_str_eq(run->info.arguments, w->info->arguments);
    if (!is_same || w->is_over)
        return GEN_OK;
    w->is_over = run->ended_unix_us != 0 &&
                 (run->exit_status == GEN_EXIT_DONE || run->exit_status == GEN_EXIT_SOME_FAILED);
    if (!w->is_over)
        w->first = run->id;
    return GEN_OK;
}

int gen_renewal_first_run(struct gen_ledger *l, const struct gen_run_info *info, int64_t *run_id,
                          struct gen_error *err)
{
    struct walk w = {.info = info};
    int rc = gen_ledger_runs(l, look_at, &w, err);
    if (rc == GEN_OK)
        *run_id = w.first;
    return rc;
}
