/* The program's commands. The only folder besides main.c that sees all others. */
#ifndef GEN_CLI_CLI_H
#define GEN_CLI_CLI_H

#include "conf/settings.h"
#include "corpus/corpus.h"
#include "dataset/export.h"
#include "ledger/ledger.h"
#include "llm/provider.h"

/* Exit statuses (design.md §4). */
enum {
    GEN_EXIT_DONE = 0,
    GEN_EXIT_MACHINE = 1,
    GEN_EXIT_USAGE = 2,
    GEN_EXIT_SOME_FAILED = 3,
    GEN_EXIT_BUDGET = 4,
    GEN_EXIT_PROVIDER = 5,
    GEN_EXIT_WAITING = 6, /* requests lie in files for another program (--batch-file) */
    GEN_EXIT_INTERRUPTED = 130,
};

/* The concrete drivers, named in main.c alone. All lists end with NULL. */
struct gen_drivers {
    const struct gen_provider *const *providers;
    const struct gen_corpus_driver *const *corpora;
    const struct gen_export_format *const *formats;
    const struct gen_ledger_driver *ledger;
};

struct gen_app {
    const struct gen_drivers *drivers;
    const struct gen_settings *settings;
    struct gen_log *log;
};

/* Runs the command line; returns the exit status. Prints everything that is to be said. */
int gen_cli_main(const struct gen_drivers *drivers, int argc, char *const *argv);

/* One function a command: GEN_OK with `*status`, or an error that is printed once by gen_cli_main.
 */
int gen_cmd_list_providers(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_generate(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_generate_cot(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_enhance_cot(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_dedup(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_compare(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_stats(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_check(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_report(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_tool_parse(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_tool_generate(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_tool_execute(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_tool_curate(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_tool_pipeline(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_enrich(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_curate(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_export(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_pipeline(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_status(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_batches(const struct gen_app *app, int *status, struct gen_error *err);
int gen_cmd_doctor(const struct gen_app *app, int *status, struct gen_error *err);

#endif
