/* What is said of requests that somebody else answers: an offline engine, or a provider's batches.
 */
#include "cli/session.h"
#include "llm/batch.h"

#include <stdio.h>

/* The commands that answer the files, ready to be pasted. */
static int list_commands(const struct gen_session *s, const char *dir,
                         const struct gen_files_waiting *w, struct gen_buf *out,
                         struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < w->n_files && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err,
                            "%s`vllm run-batch -i %s/requests-%04u.jsonl -o %s/answers-%04u.jsonl "
                            "--model %s`",
                            i ? ", " : "", dir, w->files[i], dir, w->files[i], s->model);
    return rc;
}

void gen_session_waiting_line(const struct gen_session *s, char *out, size_t n)
{
    const char *dir = gen_settings_text(s->settings, GEN_OPT_BATCH_FILE);
    struct gen_buf commands = gen_buf_make(n);
    struct gen_files_waiting w;
    gen_channel_files_waiting(&s->channel, &w);
    if (list_commands(s, dir, &w, &commands, NULL) != GEN_OK)
        gen_buf_clear(&commands);
    (void)snprintf(out, n,
                   "waiting: %lld request%s in %s want%s answers; run %s%s, and then this command "
                   "again",
                   (long long)w.n_requests, w.n_requests == 1 ? "" : "s", dir,
                   w.n_requests == 1 ? "s" : "", commands.n ? commands.data : "`vllm run-batch`",
                   w.has_more || commands.n == 0 ? " and so on for the files that are left" : "");
    gen_buf_release(&commands);
}

void gen_session_interrupted_line(const struct gen_session *s, char *out, size_t n)
{
    bool is_left = gen_settings_flag(s->settings, GEN_OPT_BATCH);
    (void)snprintf(out, n,
                   "interrupted: %sall answers are kept in %s; run the same command again %s",
                   is_left ? "what was submitted is left to the provider, " : "",
                   s->ledger_path.data, is_left ? "to collect it and go on" : "to go on");
}
