/* Shared by the ledger's tests: a folder of their own, keys and answers made from numbers. */
#ifndef LEDGER_SUPPORT_H
#define LEDGER_SUPPORT_H

#include "ledger/ledger.h"

struct ledger_fixture {
    char folder[256];
    char path[512]; /* where the test's ledger goes; nothing is there yet */
};

/* cmocka set-up and tear-down of a `struct ledger_fixture`. */
int ledger_fixture_set_up(void **state);
int ledger_fixture_tear_down(void **state);

/* Opens for writing, or fails the test with the message. */
struct gen_ledger *open_writer(const char *path);
struct gen_ledger *open_reader(const char *path);
/* Fails the test with the message unless `rc` is GEN_OK. */
void must(int rc, const struct gen_error *err);

struct gen_digest key_from(uint64_t number);
/* The answer with the number in its text, which is in `text`. */
struct gen_answer answer_from(uint64_t number, int64_t run_id, char text[64]);
int64_t begin_run(struct gen_ledger *l);
/* Sends and answers in the transaction that is open, if one is. */
void put_answer(struct gen_ledger *l, int64_t run_id, uint64_t number);
/* Whether the answer with this number is there; its text is checked. */
bool has_answer(struct gen_ledger *l, uint64_t number);

/* How many names the folder holds, without "." and "..". */
int count_files(const char *folder);

#endif
