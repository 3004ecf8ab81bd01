#include "engine/engine_int.h"
#include "json/repair.h"

#include <stdio.h>

static struct gen_settled *settled_of(struct gen_outcome *o, size_t input)
{
    return &o->call->settled[o->asked[input]];
}

#define REPAIRS_MEMBER "json_repairs"

/* The record's list of repairs, as far as it is one, with the names of `steps` that it lacks. */
static int list_repairs(struct gen_jb *b, struct gen_jmut *list, const struct gen_json *before,
                        unsigned steps, struct gen_error *err)
{
    for (size_t i = 0; i < gen_json_count(before); i++) {
        struct gen_str name;
        if (gen_json_as_str(gen_json_at(before, i), &name))
            gen_jb_append(b, list, gen_jb_str(b, name));
    }
    for (unsigned bit = 1; bit && bit <= steps; bit <<= 1) {
        struct gen_buf name = gen_buf_make(64);
        int rc = gen_repair_names(&name, steps & bit, err);
        bool known = name.n == 0;
        for (size_t i = 0; i < gen_json_count(before); i++) {
            struct gen_str s;
            known |=
                gen_json_as_str(gen_json_at(before, i), &s) && gen_str_eq(s, gen_buf_str(&name));
        }
        if (rc == GEN_OK && !known)
            gen_jb_append(b, list, gen_jb_str(b, gen_buf_str(&name)));
        gen_buf_release(&name);
        if (rc)
            return rc;
    }
    return GEN_OK;
}

/* What no object is stays as it is. */
static int tell_repairs(struct gen_str record, unsigned steps, struct gen_buf *out,
                        struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    struct gen_jb *b = NULL;
    int rc = gen_json_parse(&doc, record, err);
    if (rc == GEN_EPARSE || rc == GEN_ELIMIT)
        return gen_buf_add_str(out, record, err);
    if (rc)
        return rc;
    const struct gen_json *root = gen_json_root(doc);
    if (gen_json_type(root) != GEN_JSON_OBJECT) {
        rc = gen_buf_add_str(out, record, err);
        goto done;
    }
    rc = gen_jb_new(&b, err);
    if (rc)
        goto done;
    struct gen_jmut *copy = gen_jb_copy(b, root);
    struct gen_jmut *list = gen_jb_array(b);
    rc = list_repairs(b, list, gen_json_get(root, REPAIRS_MEMBER), steps, err);
    gen_jb_set(b, copy, REPAIRS_MEMBER, list);
    if (rc == GEN_OK)
        rc = gen_jb_write(b, copy, GEN_JSON_COMPACT, out, err);
done:
    gen_jb_free(b);
    gen_json_doc_free(doc);
    return rc;
}

static int produce(struct gen_outcome *o, size_t input, struct gen_str record,
                   struct gen_error *err)
{
    struct gen_settled *s = settled_of(o, input);
    const struct gen_item *from = o->call->items[o->asked[input]];
    struct gen_item *item = gen_item_new(from->chunk, record, from->position);
    if (!item)
        return gen_nomem(err, "a record");
    item->round = from->round;
    int rc = gen_item_queue_push(&s->outputs, item, err);
    if (rc) {
        gen_item_free(item);
        return rc;
    }
    s->state = GEN_ITEM_PRODUCED;
    return GEN_OK;
}

int gen_outcome_produce(struct gen_outcome *o, size_t input, struct gen_str record,
                        struct gen_error *err)
{
    unsigned repairs = o->call->repairs | settled_of(o, input)->repairs;
    if (repairs == 0)
        return produce(o, input, record, err);
    struct gen_buf told = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = tell_repairs(record, repairs, &told, err);
    if (rc == GEN_OK)
        rc = produce(o, input, gen_buf_str(&told), err);
    gen_buf_release(&told);
    return rc;
}

void gen_outcome_filter(struct gen_outcome *o, size_t input, const char *rule)
{
    gen_call_settle(o->call, o->asked[input], GEN_ITEM_FILTERED, rule, NULL);
}

void gen_outcome_filter_output(struct gen_outcome *o, const char *rule)
{
    gen_counts_add(&o->call->out_filtered, rule, 1);
}

void gen_outcome_note(struct gen_outcome *o, const char *name)
{
    gen_counts_add(&o->call->notes, name, 1);
}

int gen_outcome_ask_again(struct gen_outcome *o, struct gen_str faults, struct gen_error *err)
{
    o->ask_again = true;
    gen_buf_clear(&o->call->faults);
    return gen_buf_add_str(&o->call->faults, faults, err);
}

int gen_outcome_continue(struct gen_outcome *o, size_t input, struct gen_str record,
                         struct gen_error *err)
{
    struct gen_settled *s = settled_of(o, input);
    const struct gen_item *from = o->call->items[o->asked[input]];
    if (s->state != GEN_ITEM_OPEN)
        return GEN_OK;
    if (++s->n_turns >= GEN_TURNS_MAX) {
        char words[80];
        (void)snprintf(words, sizeof(words), "it had not come to an end after %u turns",
                       GEN_TURNS_MAX);
        gen_outcome_fail(o, input, "too_many_turns", words);
        return GEN_OK;
    }
    struct gen_item *next = gen_item_new(from->chunk, record, from->position);
    if (!next)
        return gen_nomem(err, "a record");
    next->round = from->round;
    next->ends_group = from->ends_group;
    next->is_new_input = from->is_new_input;
    s->repairs |= o->call->repairs;
    s->next = next;
    s->state = GEN_ITEM_CONTINUED;
    return GEN_OK;
}

void gen_outcome_fail(struct gen_outcome *o, size_t input, const char *class_name,
                      const char *message)
{
    gen_call_settle(o->call, o->asked[input], GEN_ITEM_FAILED, class_name, message);
}

struct gen_str gen_outcome_reasoning(const struct gen_outcome *o)
{
    const struct gen_llm_result *r = &o->call->result;
    if (gen_str_trim(r->reasoning).n)
        return r->reasoning;
    /* Servers that know no field for it leave the thinking in front of the answer. */
    struct gen_str text = gen_str_trim(r->text);
    size_t end = gen_str_find(text, GEN_STR("</think>"), 0);
    if (end == SIZE_MAX || !gen_str_starts(text, GEN_STR("<think>")))
        return GEN_STR("");
    return gen_str_trim(gen_str_sub(text, 7, end - 7));
}

bool gen_outcome_is_last_try(const struct gen_outcome *o)
{
    return o->is_last_try;
}
