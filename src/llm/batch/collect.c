/* Lines of results become answers: for the exchange that waits for them, or straight into the
 * ledger when this run has not asked yet. */
#include "llm/batch/batch_int.h"
#include "llm/record.h"

#include <stdio.h>

/* It is an answer of the run that submitted the batch, whichever collects it, and however often. */
static int keep_answer(const struct batch *b, const struct gen_digest *key,
                       struct gen_llm_result *result, struct gen_error *err)
{
    struct batch_channel *c = b->channel;
    if (!gen_llm_is_answer(result))
        return GEN_OK;
    result->usage.cost_microusd = gen_llm_cost(&c->b.price, &result->usage);
    struct gen_answer a = gen_llm_answer(result, b->run_id, gen_time_unix_us());
    a.is_renewed = true;
    int rc = gen_ledger_begin(c->b.ledger, err);
    return rc ? rc : gen_ledger_answer_put(c->b.ledger, key, &a, err);
}

/* Reads a line as if the answer had come live. */
static int read_answer(const struct batch_channel *c, const struct gen_batch_line *line,
                       struct gen_llm_result *result, struct gen_error *err)
{
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_write(&body, line->body, GEN_JSON_COMPACT, err);
    if (rc == GEN_OK) {
        struct gen_http_response response = {
            .transport = GEN_TRANSPORT_OK,
            .status = line->status,
            .body = gen_buf_str(&body),
            .detail = "",
        };
        rc = c->o.provider->parse(&response, result, err);
    }
    gen_buf_release(&body);
    return rc;
}

/* What somebody waits for goes to him, the rest into the ledger. */
static int take_answer(const struct batch *b, struct batch_entry *entry,
                       const struct gen_digest *key, struct gen_llm_result *result,
                       struct gen_error *err)
{
    if (entry && entry->exchange) {
        gen_batch_deliver(entry->exchange, result, NULL);
        return GEN_OK;
    }
    int rc = keep_answer(b, key, result, err);
    if (entry)
        entry->is_answered = rc == GEN_OK;
    gen_llm_result_release(result);
    return rc;
}

static int collect(struct batch *b, const struct gen_json *json, struct gen_error *err)
{
    struct batch_channel *c = b->channel;
    struct gen_batch_line line;
    struct gen_digest key;
    /* What is not ours is not our answer. */
    if (!c->protocol->read_line(json, &line) || !gen_digest_parse(line.name, &key))
        return GEN_OK;
    struct batch_entry *entry = gen_batch_find(c, &key, b);
    bool is_own = entry != NULL;
    b->n_lines++;
    b->n_own += is_own;
    b->is_canceled |= line.is_canceled;
    if (!is_own)
        entry = gen_batch_find(c, &key, NULL);
    if ((entry && entry->is_answered) || line.status == 0 || !line.body)
        return GEN_OK;
    struct gen_llm_result result = gen_llm_result_make();
    int rc = read_answer(c, &line, &result, err);
    /* A batch that was taken for another: its answers are good, its failures another batch's. */
    if (rc == GEN_OK && (is_own || gen_llm_is_answer(&result)))
        return take_answer(b, entry, &key, &result, err);
    gen_llm_result_release(&result);
    return rc;
}

static int collect_line(struct batch *b, struct gen_str line, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error why = {.msg = ""};
    int parsed = gen_json_parse(&doc, line, &why);
    if (parsed == GEN_ENOMEM)
        return gen_nomem(err, "a line of a batch");
    if (parsed) {
        b->n_broken++;
        gen_log(b->channel->o.log, GEN_LOG_DEBUG, "batch",
                "batch %s: a line of its results is no JSON: %s", gen_batch_name(b), why.msg);
        return GEN_OK;
    }
    int rc = collect(b, gen_json_root(doc), err);
    gen_json_doc_free(doc);
    return rc;
}

int gen_batch_collect_text(struct batch *b, struct gen_str lines, struct gen_error *err)
{
    struct gen_str line;
    int rc = GEN_OK;
    while (rc == GEN_OK && gen_str_next_line(&lines, &line)) {
        if (gen_str_trim(line).n)
            rc = collect_line(b, line, err);
    }
    return rc;
}

int gen_batch_collect_json(struct batch *b, const struct gen_json *lines, struct gen_error *err)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *line;
    int rc = GEN_OK;
    gen_json_iter_init(&it, lines);
    while (rc == GEN_OK && gen_json_iter_next(&it, &key, &line))
        rc = collect(b, line, err);
    return rc;
}

static size_t count_missing(const struct batch *b)
{
    size_t n = 0;
    for (const struct batch_entry *e = b->entries; e; e = e->next_in_batch)
        n += !e->is_answered;
    return n;
}

int gen_batch_finish(struct batch *b, struct gen_error *err)
{
    struct batch_channel *c = b->channel;
    struct gen_llm_result why = gen_llm_result_make();
    char text[400];
    size_t n_missing = count_missing(b);
    bool is_stop = b->is_canceled && b->was_seen_alive;
    why.class_code = is_stop ? GEN_CLASS_CANCELED : GEN_CLASS_OVERLOAD;
    why.stop_provider = is_stop;
    (void)snprintf(text, sizeof(text),
                   is_stop ? "batch %s was canceled, %zu of its %zu requests are not answered"
                           : "batch %s ended without an answer to %zu of its %zu requests",
                   gen_batch_name(b), n_missing, b->n_entries);
    gen_llm_set_message(&why, gen_str_from(text));
    gen_log(c->o.log, GEN_LOG_INFO, "batch",
            "batch %s has ended (%s): %zu of %zu requests answered", gen_batch_name(b), b->word,
            b->n_entries - n_missing, b->n_entries);
    int rc = gen_ledger_begin(c->b.ledger, err);
    if (rc == GEN_OK)
        rc = gen_ledger_batch_update(c->b.ledger, b->row, GEN_BATCH_COLLECTED,
                                     (struct gen_str){NULL, 0}, err);
    gen_batch_refuse(b, &why);
    gen_llm_result_release(&why);
    return rc;
}
