/* Where a run that wants answers of its own (--fresh, --record) begins. */
#ifndef GEN_CLI_RENEWAL_H
#define GEN_CLI_RENEWAL_H

#include "ledger/ledger.h"

/*
 * The first of the runs of this ledger that the same command line has begun since it was last
 * finished (exit status 0 or 3), so that what they have paid for is not paid again; 0: there is
 * none, and the run that begins now is the first.
 */
GEN_MUST_USE int gen_renewal_first_run(struct gen_ledger *l, const struct gen_run_info *info,
                                       int64_t *run_id, struct gen_error *err);

#endif
