/* The test's steps: items are ids, an output's id is its input's with a number, and the number of
 * the answer that it came from. */
#include "engine_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema_text[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"rows\"],"
    "\"properties\":{\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":"
    "[\"id\",\"outs\"],\"properties\":{\"id\":{\"type\":\"string\"},\"outs\":{\"type\":\"array\","
    "\"items\":{\"type\":\"string\"}}}}}}}";

static struct gen_schema *the_schema;

const struct gen_schema *world_schema(void)
{
    struct gen_json_doc *doc = NULL;
    if (!the_schema) {
        assert_int_equal(gen_json_parse(&doc, gen_str_from(schema_text), NULL), GEN_OK);
        assert_int_equal(gen_schema_new(&the_schema, gen_json_root(doc), NULL), GEN_OK);
        gen_json_doc_free(doc);
    }
    return the_schema;
}

void world_schema_free(void)
{
    gen_schema_free(the_schema);
    the_schema = NULL;
}

uint64_t id_base(struct gen_str id)
{
    uint64_t n = 0;
    for (size_t i = 0; i < id.n && id.p[i] >= '0' && id.p[i] <= '9'; i++)
        n = n * 10 + (uint64_t)(id.p[i] - '0');
    return n;
}

static const char *prefilter(void *ud, const struct gen_item *item, bool *is_skip)
{
    const struct world_step *s = ud;
    return s->prefilter && s->prefilter(id_base(item->record), is_skip) ? "by_prefilter" : NULL;
}

static bool may_share(void *ud, const struct gen_item *a, const struct gen_item *b)
{
    const struct world_step *s = ud;
    return s->share_all || a->position == b->position;
}

static const struct gen_llm_stable *stable(void *ud, const struct gen_item *item)
{
    const struct world_step *s = ud;
    (void)item;
    return &s->stable;
}

static const struct gen_schema *schema(void *ud, const struct gen_item *item)
{
    (void)ud;
    (void)item;
    return world_schema();
}

static int ask(void *ud, struct gen_item *const *items, size_t n, struct gen_question *q,
               struct gen_error *err)
{
    const struct world_step *s = ud;
    q->tokens_out_max = 100;
    /* Something in the scratch memory, as the real steps have. */
    if (!gen_arena_dup(q->scratch, GEN_STR("scratch")))
        return gen_nomem(err, "scratch");
    int rc = gen_buf_printf(&q->user, err, "%s|%zu|", s->name, q->n_wanted);
    for (size_t i = 0; i < n && rc == GEN_OK; i++)
        rc = gen_buf_printf(&q->user, err, "%s%.*s", i ? "," : "", GEN_STR_ARG(items[i]->record));
    return rc;
}

/* What is left to do with a record: one '/' in it is one turn done. */
static const char *turn_of(const struct world_step *s, struct gen_str record)
{
    size_t n = 0;
    if (!s->turns || strcmp(s->turns, "*") == 0)
        return s->turns ? "qq" : "q";
    for (size_t i = 0; i < record.n; i++)
        n += record.p[i] == '/';
    return n < strlen(s->turns) ? s->turns + n : "";
}

/* One turn more in the record. */
static int go_on(const struct world_step *s, struct gen_outcome *o, size_t input,
                 struct gen_str record, struct gen_str more, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    bool is_last = turn_of(s, record)[1] == '\0';
    bool as_object = is_last && s->as_object;
    int rc = gen_buf_printf(&text, err, "%s%.*s/%.*s%s", as_object ? "{\"r\":\"" : "",
                            GEN_STR_ARG(record), GEN_STR_ARG(more), as_object ? "\"}" : "");
    if (rc == GEN_OK && is_last)
        rc = gen_outcome_produce(o, input, gen_buf_str(&text), err);
    else if (rc == GEN_OK)
        rc = gen_outcome_continue(o, input, gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static int action(void *ud, const struct gen_item *item, struct gen_buf *text,
                  struct gen_error *err)
{
    const struct world_step *s = ud;
    if (*turn_of(s, item->record) != 'a')
        return GEN_OK;
    return gen_buf_printf(text, err, "%s does %.*s", s->name, GEN_STR_ARG(item->record));
}

static void report_one(struct world *w, size_t i)
{
    struct gen_action *a = w->acting[i];
    const struct deed d = w->deeds[i];
    uint64_t hash = w->acting_hash[i];
    char seen[64];
    w->n_acting--;
    w->acting[i] = w->acting[w->n_acting];
    w->deeds[i] = w->deeds[w->n_acting];
    w->acting_hash[i] = w->acting_hash[w->n_acting];
    (void)snprintf(seen, sizeof(seen), "%06x",
                   (unsigned)(w->same_answers ? hash : (uint64_t)w->n_acted_ever) & 0xFFFFFF);
    if (d.failed)
        gen_action_failed(a, d.failed, "scripted failure of an action");
    else
        gen_action_done(a, gen_str_from(d.seen ? d.seen : seen));
}

/* Some of them, in any order. */
static void on_acting(void *ud)
{
    struct world *w = ud;
    bool any = false;
    for (size_t i = w->n_acting; i-- > 0;) {
        if (w->deeds[i].hangs)
            continue;
        if (gen_prng_below(&w->random, 3) > 0)
            report_one(w, i);
        else
            any = true;
    }
    if (any)
        gen_timer_start(w->acting_timer, 0, 0);
}

static int act(void *ud, const struct gen_item *item, struct gen_action *a, struct gen_error *err)
{
    struct world_step *s = ud;
    struct world *w = s->world;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(action(ud, item, &text, err), GEN_OK);
    assert_true(text.n > 0 && w->n_acting < WORLD_ACTING_MAX);
    struct deed d = {.n_before = world_count_asked(w, gen_buf_str(&text))};
    w->n_acted++;
    w->n_acted_ever++;
    if (w->deed)
        w->deed(w, item->record, &d);
    w->acting_hash[w->n_acting] = gen_hash64(gen_buf_str(&text), 3);
    w->deeds[w->n_acting] = d;
    w->acting[w->n_acting++] = a;
    w->acting_peak = w->n_acting > w->acting_peak ? w->n_acting : w->acting_peak;
    gen_buf_release(&text);
    if (!w->acting_timer)
        assert_int_equal(gen_timer_new(&w->acting_timer, w->loop, on_acting, w, NULL), GEN_OK);
    gen_timer_start(w->acting_timer, 0, 0);
    world_interrupt_acting(w);
    return GEN_OK;
}

static int observe(void *ud, struct gen_item *item, struct gen_str observation,
                   struct gen_outcome *o, struct gen_error *err)
{
    const struct world_step *s = ud;
    if (s->world->on_observe)
        s->world->on_observe(s->world);
    if (s->bad_sight && gen_str_is(observation, s->bad_sight)) {
        gen_outcome_fail(o, 0, "bad_sight", "what was seen is of no use");
        return GEN_OK;
    }
    return go_on(s, o, 0, item->record, observation, err);
}

static void abandon(void *ud, struct gen_action *a)
{
    const struct world_step *s = ud;
    struct world *w = s->world;
    for (size_t i = 0; i < w->n_acting; i++) {
        if (w->acting[i] != a)
            continue;
        w->n_acting--;
        w->acting[i] = w->acting[w->n_acting];
        w->deeds[i] = w->deeds[w->n_acting];
        w->acting_hash[i] = w->acting_hash[w->n_acting];
        w->n_abandoned++;
        return;
    }
    fail_msg("an action was abandoned that is not under way");
}

static int produce(const struct world_step *s, struct gen_outcome *o, size_t input,
                   struct gen_str out, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(4096);
    struct gen_str thought = gen_outcome_reasoning(o);
    int rc = gen_buf_printf(&text, err, "%.*s%s%.*s", GEN_STR_ARG(out),
                            s->keep_reasoning ? " because " : "",
                            s->keep_reasoning ? (int)thought.n : 0, thought.p ? thought.p : "");
    if (rc == GEN_OK)
        rc = gen_outcome_produce(o, input, gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

static int take_row(const struct world_step *s, struct gen_outcome *o, size_t input,
                    const struct gen_json *row, struct gen_error *err)
{
    const struct gen_json *outs = gen_json_get(row, "outs");
    size_t n = gen_json_count(outs);
    if (n == 0 && s->refuse)
        gen_outcome_fail(o, input, "refused", s->refuse);
    else if (n == 0)
        gen_outcome_filter(o, input, "empty");
    for (size_t i = 0; i < n; i++) {
        struct gen_str out;
        assert_true(gen_json_as_str(gen_json_at(outs, i), &out));
        struct gen_str id = gen_json_get_str(row, "id");
        int rc = s->turns ? go_on(s, o, input, id, gen_str_sub(out, id.n, out.n), err)
                          : produce(s, o, input, out, err);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

static int accept(void *ud, struct gen_item *const *items, size_t n, const struct gen_json *answer,
                  struct gen_outcome *o, struct gen_error *err)
{
    const struct world_step *s = ud;
    bool missing = false;
    for (size_t i = 0; i < n; i++) {
        struct gen_json_iter it;
        struct gen_str key;
        const struct gen_json *row;
        bool found = false;
        gen_json_iter_init(&it, gen_json_get(answer, "rows"));
        while (!found && gen_json_iter_next(&it, &key, &row)) {
            found = gen_str_eq(gen_json_get_str(row, "id"), items[i]->record);
            int rc = found ? take_row(s, o, i, row, err) : GEN_OK;
            if (rc)
                return rc;
        }
        missing |= !found;
    }
    if (missing && s->ask_again)
        return gen_outcome_ask_again(o, GEN_STR("ids are missing"), err);
    return GEN_OK;
}

static int release(void *ud, struct gen_release *r, bool *stop_input, struct gen_error *err)
{
    struct world_step *s = ud;
    for (size_t i = 0; i < gen_release_count(r); i++) {
        const struct gen_item *item = gen_release_item(r, i);
        if (s->target && s->n_released >= s->target)
            gen_release_drop(r, i, "over_target");
        else if (s->drop && s->drop(s->world, item->record.p))
            gen_release_drop(r, i, "dropped");
        else
            s->n_released++;
    }
    (void)err;
    *stop_input = s->target && s->n_released >= s->target;
    return GEN_OK;
}

void world_make_step(struct world_step *s, struct gen_step *out)
{
    bool acts = s->turns && strchr(s->turns, 'a');
    bool asks = !s->turns || strpbrk(s->turns, "q*");
    *out = (struct gen_step){
        .name = s->name,
        .unit_in = "things",
        .unit_out = s->unit_same ? "things" : "others",
        .group_max = s->group_max,
        .keep_failed_inputs = s->keep_failed,
        .keep_skipped_inputs = s->keep_skipped,
        .ud = s,
        .prefilter = s->prefilter ? prefilter : NULL,
        .may_share = s->group_max > 1 ? may_share : NULL,
        .stable = asks ? stable : NULL,
        .schema = asks ? schema : NULL,
        .ask = asks ? ask : NULL,
        .accept = asks ? accept : NULL,
        .action = acts ? action : NULL,
        .act = acts ? act : NULL,
        .observe = acts ? observe : NULL,
        .abandon = acts ? abandon : NULL,
        .release = s->drop || s->target ? release : NULL,
    };
}
