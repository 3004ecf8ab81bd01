#include "cli/advice.h"

#include "engine/decide.h"
#include "engine/step.h"

#include <stdio.h>

/* Whether inputs that failed of a class had been asked about again. */
static void retries_of(enum gen_class c, char *out, size_t n)
{
    switch (c) {
    case GEN_CLASS_RATE_LIMIT:
    case GEN_CLASS_OVERLOAD:
        (void)snprintf(out, n, "asked again up to %d times, later each time", GEN_RETRY_WAITS - 1);
        break;
    case GEN_CLASS_SERVER_ERROR:
    case GEN_CLASS_TRANSPORT:
    case GEN_CLASS_CONTINUE:
        (void)snprintf(out, n, "asked again up to %d times", GEN_RETRY_FAILURES - 1);
        break;
    case GEN_CLASS_MALFORMED:
        (void)snprintf(out, n, "asked again up to %d times, with what was wrong",
                       GEN_ASK_TRIES - 1);
        break;
    case GEN_CLASS_TRUNCATED:
        (void)snprintf(out, n, "asked again once, for less");
        break;
    case GEN_CLASS_BLOCKED:
        (void)snprintf(out, n, "asked again only where chance may have decided");
        break;
    default:
        (void)snprintf(out, n, "not asked again");
        break;
    }
}

static void add_row(struct gen_advice_list *l, const char *text)
{
    if (l->n == GEN_ADVICE_ROWS_MAX)
        return;
    (void)snprintf(l->texts[l->n], sizeof(l->texts[0]), "%s", text);
    l->rows[l->n] = l->texts[l->n];
    l->rows[++l->n] = NULL;
}

static void add_class(struct gen_advice_list *l, const struct gen_session *s, enum gen_class c)
{
    char advice[GEN_ADVICE_BYTES];
    char retries[80];
    char text[GEN_ADVICE_BYTES + 160];
    gen_class_advice(c, s->provider, advice);
    if (!advice[0])
        return;
    retries_of(c, retries, sizeof(retries));
    /* How often was asked before the run was stopped is in the reason of the stop. */
    if (c == gen_engine_stop_class(s->engine))
        (void)snprintf(text, sizeof(text), "%s: %s", gen_class_name(c), advice);
    else
        (void)snprintf(text, sizeof(text), "%s (%s): %s", gen_class_name(c), retries, advice);
    add_row(l, text);
}

void gen_advice_list_fill(struct gen_advice_list *l, const struct gen_session *s,
                          const struct gen_stage_account *const *stages, size_t n_stages)
{
    enum gen_class stop_class = gen_engine_stop_class(s->engine);
    int64_t n_failed = 0;
    l->n = 0;
    l->rows[0] = NULL;
    add_class(l, s, stop_class);
    for (int k = GEN_CLASS_OK; k < GEN_N_CLASSES; k++) {
        enum gen_class c = (enum gen_class)k;
        int64_t n = 0;
        for (size_t i = 0; i < n_stages; i++)
            n += gen_counts_get(&stages[i]->failed, gen_class_name(c));
        n_failed += n;
        if (n && c != stop_class)
            add_class(l, s, c);
    }
    if (n_failed && s->end == GEN_END_DONE)
        add_row(l, "then the same command with --retry-failed asks again for what failed");
}
