/* The test's steps: items are ids, an output's id is its input's with a number, and the number of
 * the answer that it came from. */
#include "engine_world.h"

#include <stdio.h>
#include <stdlib.h>

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
        int rc = produce(s, o, input, out, err);
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
        .stable = stable,
        .schema = schema,
        .ask = ask,
        .accept = accept,
        .release = s->drop || s->target ? release : NULL,
    };
}
