/* What is made of a committed answer: accepted, asked again, tried later, narrowed down, or given
 * up. */
#include "base/utf8.h"
#include "engine/engine_int.h"

#include <stdio.h>
#include <stdlib.h>

/* A failure that concerns some inputs of the call only is narrowed down by asking about fewer at a
 * time. */
static bool split(struct gen_call *call, enum gen_class c)
{
    bool can_be_one_inputs = c == GEN_CLASS_BLOCKED || c == GEN_CLASS_CONTEXT_OVERFLOW ||
                             c == GEN_CLASS_TRUNCATED || c == GEN_CLASS_MALFORMED ||
                             c == GEN_CLASS_BAD_REQUEST;
    if (!can_be_one_inputs || call->n_asked < 2)
        return false;
    call->ask_limit = call->n_asked / 2;
    gen_call_new_question(call);
    gen_call_make_ready(call);
    return true;
}

static bool all_settled(const struct gen_call *call)
{
    for (size_t i = 0; i < call->n_items; i++) {
        if (call->settled[i].state == GEN_ITEM_OPEN)
            return false;
    }
    return true;
}

/* The next turn is about the record that this one made; what the call was given stays, for those
 * that get it back unchanged. */
static void open_continued(struct gen_call *call)
{
    for (size_t i = 0; i < call->n_items; i++) {
        struct gen_settled *s = &call->settled[i];
        if (s->state != GEN_ITEM_CONTINUED)
            continue;
        if (!s->given)
            s->given = call->items[i];
        else
            gen_item_free(call->items[i]);
        call->items[i] = s->next;
        s->next = NULL;
        s->state = GEN_ITEM_OPEN;
    }
}

void gen_call_finish_question(struct gen_call *call)
{
    open_continued(call);
    gen_call_new_question(call);
    if (all_settled(call))
        call->state = GEN_CALL_DONE;
    else
        gen_call_make_ready(call);
}

/* Failures that come from the ledger alone: --retry-failed wants another answer, under the next
 * sample number. A run without it looks whether an earlier one with it has paid for one, so that
 * both give the same records. */
static bool ask_next_sample(const struct gen_engine *e, struct gen_call *call)
{
    if (call->any_sent || (call->sample + 1) % GEN_SAMPLES_A_ROUND == 0)
        return false;
    bool any = false;
    for (size_t i = 0; i < call->n_asked; i++) {
        struct gen_settled *s = &call->settled[call->asked[i]];
        any |= s->state == GEN_ITEM_FAILED;
        if (s->state == GEN_ITEM_FAILED)
            s->state = GEN_ITEM_OPEN;
    }
    if (!any)
        return false;
    unsigned next = call->sample + 1;
    bool is_question = call->is_question;
    gen_call_new_question(call);
    call->is_question = is_question;
    call->keep_asked = true;
    call->sample = next;
    call->ledger_only = !e->o.retry_failed;
    gen_call_make_ready(call);
    return true;
}

int gen_call_end_question(struct gen_engine *e, struct gen_call *call, const char *class_name,
                          const char *message, struct gen_error *err)
{
    bool is_open = false, is_again = false;
    for (size_t i = 0; i < call->n_asked; i++) {
        enum gen_item_state state = call->settled[call->asked[i]].state;
        is_open |= state == GEN_ITEM_OPEN || state == GEN_ITEM_FAILED;
    }
    int rc = is_open ? gen_call_try_older(e, call, &is_again, err) : GEN_OK;
    if (rc || is_again)
        return rc;
    for (size_t i = 0; i < call->n_asked; i++)
        gen_call_settle(call, call->asked[i], GEN_ITEM_FAILED, class_name, message);
    if (!ask_next_sample(e, call))
        gen_call_finish_question(call);
    return GEN_OK;
}

/* `item_class` is what the inputs are told to have failed of, `c` what it is to the lane. */
static int give_up_as(struct gen_engine *e, struct gen_call *call, enum gen_class c,
                      enum gen_class item_class, const char *message, struct gen_error *err)
{
    bool is_again = false;
    int rc = gen_call_try_older(e, call, &is_again, err);
    if (rc || is_again || split(call, c))
        return rc;
    if (call->any_sent && gen_lane_gave_up(&e->lane, c, message) == GEN_LANE_STOP)
        gen_engine_stop(e, GEN_END_PROVIDER, e->lane.stop_reason);
    return gen_call_end_question(e, call, gen_class_name(item_class), message, err);
}

static int give_up(struct gen_engine *e, struct gen_call *call, enum gen_class c,
                   const char *message, struct gen_error *err)
{
    return give_up_as(e, call, c, c, message, err);
}

/* Servers without a sign for a refusal: the model says so in its words. */
static enum gen_class class_of_rejected(const struct gen_call *call)
{
    return gen_llm_text_refuses(call->result.text) ? GEN_CLASS_BLOCKED : GEN_CLASS_MALFORMED;
}

static int ask_again(struct gen_engine *e, struct gen_call *call, const char *why,
                     struct gen_error *err)
{
    char words[320];
    if (call->n_tries < GEN_ASK_TRIES) {
        gen_log(e->o.log, GEN_LOG_DEBUG, "ask_again", "%s: %s; asked again with that said",
                gen_class_name(class_of_rejected(call)), why);
        gen_counts_add(&call->notes, "asked_again", 1);
        gen_call_make_ready(call);
        return GEN_OK;
    }
    enum gen_class c = class_of_rejected(call);
    (void)snprintf(words, sizeof(words), "the model refused in words: \"%.*s\"",
                   GEN_STR_ARG(gen_utf8_prefix(gen_str_trim(call->result.text), 60)));
    return give_up_as(e, call, GEN_CLASS_MALFORMED, c, c == GEN_CLASS_BLOCKED ? words : why, err);
}

static int reject_answer(struct gen_engine *e, struct gen_call *call, struct gen_str faults,
                         struct gen_error *err)
{
    char why[512];
    (void)snprintf(why, sizeof(why), "%.*s",
                   GEN_STR_ARG(gen_str_sub(gen_str_trim(faults), 0, sizeof(why) - 1)));
    for (char *c = why; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    gen_counts_add(&call->stage->account->by_class, gen_class_name(class_of_rejected(call)), 1);
    gen_buf_clear(&call->faults);
    int rc = gen_buf_add_str(&call->faults, gen_str_sub(faults, 0, 4000), err);
    return rc ? rc : ask_again(e, call, why, err);
}

static int count_repairs(struct gen_call *call, unsigned steps, struct gen_error *err)
{
    if (steps == 0)
        return GEN_OK;
    struct gen_buf names = gen_buf_make(256);
    int rc = gen_buf_add_c(&names, "repaired_", err);
    if (rc == GEN_OK)
        rc = gen_repair_names(&names, steps, err);
    if (rc == GEN_OK)
        gen_counts_add(&call->notes, names.data, 1);
    gen_buf_release(&names);
    return rc;
}

static int let_step_accept(struct gen_engine *e, struct gen_call *call,
                           const struct gen_json *answer, struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    struct gen_item *few[16];
    struct gen_item **items =
        call->n_asked <= 16 ? few : calloc(call->n_asked, sizeof(struct gen_item *));
    if (!items)
        return gen_nomem(err, "an answer");
    for (size_t i = 0; i < call->n_asked; i++)
        items[i] = call->items[call->asked[i]];
    gen_lane_accepted(&e->lane);
    struct gen_outcome o = {.call = call,
                            .asked = call->asked,
                            .n_asked = call->n_asked,
                            .is_last_try = call->n_tries >= GEN_ASK_TRIES};
    gen_buf_clear(&call->faults);
    int rc = step->accept(step->ud, items, call->n_asked, answer, &o, err);
    if (items != few)
        free(items);
    if (rc)
        return rc;
    call->stage->account->n_calls++;
    call->stage->account->n_cached += call->from_ledger;
    if (o.ask_again && !o.is_last_try) {
        gen_counts_add(&call->notes, "asked_again", 1);
        gen_call_make_ready(call);
        return GEN_OK;
    }
    char why[512];
    (void)snprintf(why, sizeof(why), "%s",
                   call->faults.n ? call->faults.data : "the answer left this input out");
    return gen_call_end_question(e, call, gen_class_name(GEN_CLASS_MALFORMED), why, err);
}

static int check_answer(struct gen_engine *e, struct gen_call *call, const struct gen_json_doc *doc,
                        struct gen_error *err)
{
    const struct gen_step *step = call->stage->step;
    const struct gen_schema *schema = step->schema(step->ud, call->items[call->asked[0]]);
    bool valid = false;
    struct gen_buf faults = gen_buf_make(8192);
    int rc = gen_schema_check(schema, gen_json_root(doc), &valid, &faults, err);
    if (rc == GEN_OK)
        rc = valid ? let_step_accept(e, call, gen_json_root(doc), err)
                   : reject_answer(e, call, gen_buf_str(&faults), err);
    gen_buf_release(&faults);
    return rc;
}

static int accept_answer(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error parse_error = {.msg = ""};
    unsigned steps = 0;
    call->n_tries++;
    /* The provider's own program has looked, and says what is wrong. */
    if (call->result.class_code == GEN_CLASS_MALFORMED)
        return reject_answer(e, call, gen_str_from(call->result.message), err);
    int rc = gen_json_repair(&doc, call->result.text, &steps, &parse_error);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "an answer");
    if (rc)
        return reject_answer(e, call, gen_str_from(parse_error.msg), err);
    call->repairs = steps;
    rc = count_repairs(call, steps, err);
    if (rc == GEN_OK && (steps & GEN_REPAIR_TRUNCATED))
        rc = reject_answer(e, call, GEN_STR("the JSON ended before it was complete"), err);
    else if (rc == GEN_OK)
        rc = check_answer(e, call, doc, err);
    gen_json_doc_free(doc);
    return rc;
}

static const char *cure_of(unsigned bit, const char *param)
{
    switch (bit) {
    case GEN_PARAM_SCHEMA:
        return "any JSON is asked for, and checked against the schema here";
    case GEN_PARAM_JSON_MODE:
        return "JSON is asked for in words alone, and checked against the schema here";
    case GEN_PARAM_MAX_TOKENS:
        return strcmp(param, "max_tokens") == 0 ? "max_completion_tokens is sent instead"
                                                : "max_tokens is sent instead";
    case GEN_PARAM_SYSTEM_ROLE:
        return "the system text is put in front of the question";
    default:
        return "it is left out";
    }
}

static int drop_param(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    /* The complaint is about what this call was sent with, not about what was dropped since. */
    unsigned bit = gen_param_to_drop(call->result.param, call->sent_dropped);
    if (bit == 0)
        return give_up(e, call, GEN_CLASS_UNSUPPORTED_PARAM, call->result.message, err);
    gen_call_make_ready(call);
    /* Calls that were under way when the first of them found it out come back with the same
     * complaint. */
    if (e->dropped & bit)
        return GEN_OK;
    e->dropped |= bit;
    gen_log(e->o.log, GEN_LOG_WARN, "dropped_param",
            "the server does not take \"%s\"; from now on %s (%s)", call->result.param,
            cure_of(bit, call->result.param), call->result.message);
    char name[1200];
    char value[32];
    int n =
        snprintf(name, sizeof(name), "dropped %s %s", e->o.endpoint_name ? e->o.endpoint_name : "",
                 call->stage->step->stable(call->stage->step->ud, call->items[0])->model);
    int m = snprintf(value, sizeof(value), "%u", e->dropped);
    return gen_ledger_note_put(
        e->o.ledger, (struct gen_str){name, n > 0 && n < (int)sizeof(name) ? (size_t)n : 0},
        (struct gen_str){value, (size_t)m}, err);
}

static void delay(struct gen_engine *e, struct gen_call *call, uint64_t delay_ms)
{
    enum gen_class c = call->result.class_code;
    call->is_yielding =
        (c == GEN_CLASS_RATE_LIMIT || c == GEN_CLASS_OVERLOAD) && call->result.retry_after_ms <= 0;
    call->ready_at_ms = gen_loop_now_ms(e->o.loop) + delay_ms;
    call->state = GEN_CALL_DELAYED;
    if (call->ready_at_ms < e->delayed_until_ms)
        e->delayed_until_ms = call->ready_at_ms;
    gen_call_list_push(&e->delayed, call);
}

int gen_call_use(struct gen_engine *e, struct gen_call *call, struct gen_error *err)
{
    struct gen_llm_result *r = &call->result;
    if (call->is_action)
        return gen_action_use(e, call, err);
    if (r->class_code == GEN_CLASS_CANCELED) {
        gen_call_make_ready(call);
        return GEN_OK;
    }
    struct gen_decision d = gen_decide(r, &call->history, gen_lane_is_down(&e->lane), &e->random);
    int rc = GEN_OK;
    switch (d.action) {
    case GEN_ACT_ACCEPT:
        rc = accept_answer(e, call, err);
        break;
    case GEN_ACT_RETRY:
        gen_log(e->o.log, GEN_LOG_DEBUG, "retry", "%s: %s; again in %llu ms",
                gen_class_name(r->class_code), r->message, (unsigned long long)d.delay_ms);
        delay(e, call, d.delay_ms);
        break;
    case GEN_ACT_OTHER_SEED:
        gen_log(e->o.log, GEN_LOG_DEBUG, "retry", "%s: %s; again with another seed",
                gen_class_name(r->class_code), r->message);
        call->reseed++;
        gen_call_make_ready(call);
        break;
    case GEN_ACT_DROP_PARAM:
        rc = drop_param(e, call, err);
        break;
    case GEN_ACT_FEWER:
        gen_log(e->o.log, GEN_LOG_DEBUG, "retry", "%s: %s; again for less in one answer",
                gen_class_name(r->class_code), r->message);
        if (call->n_asked > 1) {
            (void)split(call, GEN_CLASS_TRUNCATED);
        } else {
            call->n_wanted = 1;
            gen_call_make_ready(call);
        }
        break;
    case GEN_ACT_GIVE_UP:
        rc = give_up(e, call, r->class_code, r->message, err);
        break;
    }
    gen_llm_result_release(r);
    return rc;
}
