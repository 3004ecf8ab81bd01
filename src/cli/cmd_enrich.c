/* enrich and enhance-cot: a file of pairs through one step, each pair with its source in view. */
#include "cli/outputs.h"
#include "cli/say.h"
#include "cli/sources.h"

#include <stdio.h>

typedef int add_step_fn(struct gen_steps *steps, struct gen_session *s, struct gen_error *err);

/* What the two differ in. */
struct rewriting {
    const char *command;
    const char *made; /* of the headline */
    add_step_fn *add_step;
};

static int finish(struct gen_session *s, const struct rewriting *what,
                  struct gen_record_writer *writer, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    char command[1200];
    const char *next[2] = {gen_session_next(s, "curate", "_curated.json", command, sizeof(command)),
                           NULL};
    int rc = gen_session_commit(s, writer, &files, err);
    (void)snprintf(headline, sizeof(headline), "done: %lld %s in %s",
                   (long long)gen_record_writer_count(writer), what->made,
                   gen_say_place(s->output));
    if (rc == GEN_OK)
        rc = gen_session_finish(s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int run(struct gen_session *s, const struct rewriting *what, struct gen_steps *steps,
               struct gen_record_source *source, int *status, struct gen_error *err)
{
    struct gen_record_writer *writer = NULL;
    struct gen_source items = gen_record_source_of(source);
    int rc = what->add_step(steps, s, err);
    if (rc)
        return rc;
    if (gen_settings_flag(s->settings, GEN_OPT_DRY_RUN))
        return gen_session_dry_run(s, &items, err);
    rc = gen_record_writer_open(&writer, s->output, err);
    if (rc == GEN_OK)
        rc = gen_session_run(s, &items, gen_sink_to_writer, writer, err);
    if (rc == GEN_OK) {
        gen_record_source_report(source);
        rc = finish(s, what, writer, status, err);
    }
    gen_record_writer_close(writer);
    return rc;
}

static int rewrite(const struct gen_app *app, const struct rewriting *what, int *status,
                   struct gen_error *err)
{
    struct gen_session s;
    struct gen_record_source source;
    struct gen_steps steps = {.enrich = NULL};
    int rc = gen_session_open(&s, app, what->command, err);
    if (rc)
        return rc;
    rc = gen_record_source_open(&source, &s, gen_settings_argument(s.settings), false, err);
    if (rc == GEN_OK) {
        rc = run(&s, what, &steps, &source, status, err);
        gen_record_source_close(&source);
    }
    gen_session_close(&s);
    gen_steps_release(&steps);
    return rc;
}

int gen_cmd_enrich(const struct gen_app *app, int *status, struct gen_error *err)
{
    static const struct rewriting what = {"enrich", "pairs", gen_steps_add_enrich};
    return rewrite(app, &what, status, err);
}

int gen_cmd_enhance_cot(const struct gen_app *app, int *status, struct gen_error *err)
{
    static const struct rewriting what = {"enhance-cot", "pairs with reasoning",
                                          gen_steps_add_enhance};
    return rewrite(app, &what, status, err);
}
