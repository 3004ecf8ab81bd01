#include "cli/outputs.h"
#include "cli/say.h"
#include "cli/sources.h"

#include <stdio.h>

static int finish(struct gen_session *s, struct gen_record_writer *writer, int *status,
                  struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    char command[1200];
    const char *next[2] = {gen_session_next(s, "curate", "_curated.json", command, sizeof(command)),
                           NULL};
    int rc = gen_session_commit(s, writer, &files, err);
    (void)snprintf(headline, sizeof(headline), "done: %lld pairs with reasoning in %s",
                   (long long)gen_record_writer_count(writer), gen_say_place(s->output));
    if (rc == GEN_OK)
        rc = gen_session_finish(s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int run(struct gen_session *s, struct gen_steps *steps, struct gen_record_source *source,
               int *status, struct gen_error *err)
{
    struct gen_record_writer *writer = NULL;
    struct gen_source items = gen_record_source_of(source);
    int rc = gen_steps_add_enhance(steps, s, err);
    if (rc)
        return rc;
    if (gen_settings_flag(s->settings, GEN_OPT_DRY_RUN))
        return gen_session_dry_run(s, &items, err);
    rc = gen_record_writer_open(&writer, s->output, err);
    if (rc == GEN_OK)
        rc = gen_session_run(s, &items, gen_sink_to_writer, writer, err);
    if (rc == GEN_OK) {
        gen_record_source_report(source);
        rc = finish(s, writer, status, err);
    }
    gen_record_writer_close(writer);
    return rc;
}

int gen_cmd_enhance_cot(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct gen_session s;
    struct gen_record_source source;
    struct gen_steps steps = {.enhance = NULL};
    int rc = gen_session_open(&s, app, "enhance-cot", err);
    if (rc)
        return rc;
    rc = gen_record_source_open(&source, &s, gen_settings_argument(s.settings), err);
    if (rc == GEN_OK) {
        rc = run(&s, &steps, &source, status, err);
        gen_record_source_close(&source);
    }
    gen_session_close(&s);
    gen_steps_release(&steps);
    return rc;
}
