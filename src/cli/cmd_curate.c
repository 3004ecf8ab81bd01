#include "cli/outputs.h"
#include "cli/say.h"
#include "cli/sources.h"

#include <stdio.h>

struct curate {
    struct gen_session s;
    struct gen_record_source source;
    struct gen_steps steps;
    struct gen_rated_files rated;
    struct gen_record_writer *writer;
};

static int finish(struct curate *c, int *status, struct gen_error *err)
{
    struct gen_file_list files = {.n = 0};
    char headline[1024];
    char command[1200];
    const char *next[2] = {
        gen_session_next(&c->s, "export", "_training.jsonl -f chatml", command, sizeof(command)),
        NULL};
    const struct gen_rating_stats *stats = gen_qa_rate_stats(c->steps.rate);
    int rc = gen_session_commit(&c->s, c->writer, &files, err);
    if (rc == GEN_OK)
        rc =
            gen_rated_files_finish(&c->rated, &c->s, stats, (int64_t)c->source.n_rows, &files, err);
    (void)snprintf(headline, sizeof(headline), "done: %lld of %lld rated pairs reach %g%s in %s",
                   (long long)gen_record_writer_count(c->writer), (long long)stats->n_rated,
                   gen_settings_real(c->s.settings, GEN_OPT_THRESHOLD),
                   c->rated.removes ? ", stay after the removal of repetitions, and are"
                                    : " and are",
                   gen_say_place(c->s.output));
    if (rc == GEN_OK)
        rc = gen_session_finish(&c->s, headline, &files, next, status, err);
    gen_file_list_release(&files);
    return rc;
}

static int run(struct curate *c, int *status, struct gen_error *err)
{
    struct gen_source items = gen_record_source_of(&c->source);
    int rc = gen_steps_add_rate(&c->steps, &c->s, false, gen_rated_files_add, &c->rated, err);
    if (rc)
        return rc;
    if (gen_settings_flag(c->s.settings, GEN_OPT_DRY_RUN)) {
        rc = gen_rated_files_check(&c->s, err);
        return rc ? rc : gen_session_dry_run(&c->s, &items, err);
    }
    rc = gen_record_writer_open(&c->writer, c->s.output, err);
    if (rc == GEN_OK)
        rc = gen_rated_files_open(&c->rated, &c->s, err);
    if (rc == GEN_OK)
        rc = gen_session_run(&c->s, &items, gen_sink_to_writer, c->writer, err);
    if (rc == GEN_OK) {
        gen_record_source_report(&c->source);
        rc = finish(c, status, err);
    }
    gen_rated_files_close(&c->rated);
    gen_record_writer_close(c->writer);
    return rc;
}

int gen_cmd_curate(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct curate c;
    memset(&c, 0, sizeof(c));
    int rc = gen_session_open(&c.s, app, "curate", err);
    if (rc)
        return rc;
    rc = gen_record_source_open(&c.source, &c.s, gen_settings_argument(c.s.settings), false, err);
    if (rc == GEN_OK) {
        rc = run(&c, status, err);
        gen_record_source_close(&c.source);
    }
    gen_session_close(&c.s);
    gen_steps_release(&c.steps);
    return rc;
}
