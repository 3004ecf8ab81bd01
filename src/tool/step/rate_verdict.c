/* From the judge's yes and no to scores. */
#include "tool/step/rate_int.h"

#include "tool/phrases.h"

const char gen_rate_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"better_alternative\","
    "\"weakest_point\",\"t2_no_better_tool\",\"t3_no_superfluous_or_missing_step\","
    "\"p3_values_mean_what_was_asked\",\"r1_thoughts_explain_choice\","
    "\"r2_thoughts_use_earlier_results\",\"f1_results_answer_request\"],\"properties\":{"
    "\"better_alternative\":{\"type\":\"string\"},\"weakest_point\":{\"type\":\"string\"},"
    "\"t2_no_better_tool\":{\"type\":\"boolean\"},"
    "\"t3_no_superfluous_or_missing_step\":{\"type\":\"boolean\"},"
    "\"p3_values_mean_what_was_asked\":{\"type\":\"boolean\"},"
    "\"r1_thoughts_explain_choice\":{\"type\":\"boolean\"},"
    "\"r2_thoughts_use_earlier_results\":{\"type\":\"boolean\"},"
    "\"f1_results_answer_request\":{\"type\":\"boolean\"}}}";

static bool yes(const struct gen_json *answer, const char *key)
{
    bool value = false;
    return gen_json_as_bool(gen_json_get(answer, key), &value) && value;
}

static bool is_called(const struct gen_trajectory *t, struct gen_str name)
{
    for (size_t i = 0; i < t->n_steps; i++) {
        if (gen_str_eq(t->steps[i].tool, name))
            return true;
    }
    return false;
}

/* Naming a tool that was not called says that another is better; naming those that were, that the
 * order or number of calls is not right. */
static void find_contradictions(struct gen_rate_verdict *v, const struct gen_trajectory *t)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *tool;
    bool names_other = false;
    bool names_called = false;
    gen_json_iter_init(&it, t->tools);
    while (t->tools && gen_json_iter_next(&it, &key, &tool)) {
        struct gen_str name = gen_json_get_str(gen_json_get(tool, "function"), "name");
        /* "list" is not named by "list_keys". */
        if (!gen_text_has_word(v->better, name))
            continue;
        names_called = names_called || is_called(t, name);
        names_other = names_other || !is_called(t, name);
    }
    v->contradicts_tool = v->t2 && v->t3 && names_other;
    v->contradicts_order = v->t2 && v->t3 && names_called && !names_other && t->n_steps > 1;
}

void gen_rate_read(struct gen_rate_verdict *v, const struct gen_trajectory *t,
                   const struct gen_json *answer)
{
    bool has_thought = t->n_steps == 0; /* a refusal explains itself in its words */
    bool has_earlier = false;
    for (size_t i = 0; i < t->n_steps; i++) {
        has_thought = has_thought || gen_str_trim(t->steps[i].thought).n > 0;
        has_earlier = has_earlier || t->steps[i].turn != t->steps[0].turn;
    }
    *v = (struct gen_rate_verdict){
        .t1 = true,
        .t2 = yes(answer, "t2_no_better_tool"),
        .t3 = yes(answer, "t3_no_superfluous_or_missing_step"),
        .p1 = true,
        .p2 = true,
        .p3 = yes(answer, "p3_values_mean_what_was_asked"),
        .r1 = yes(answer, "r1_thoughts_explain_choice") && has_thought,
        .r2 = yes(answer, "r2_thoughts_use_earlier_results") && has_thought,
        .f1 = yes(answer, "f1_results_answer_request"),
        .f2 = (t->n_steps == 0 || t->is_executed) && gen_str_trim(t->final_answer).n > 0,
        .better = gen_str_trim(gen_json_get_str(answer, "better_alternative")),
        .weakest = gen_str_trim(gen_json_get_str(answer, "weakest_point")),
    };
    if (!has_earlier) /* there was nothing earlier to use */
        v->r2 = v->r1;
    find_contradictions(v, t);
}

struct gen_rate_scores gen_rate_score(const struct gen_rate_verdict *v)
{
    struct gen_rate_scores s = {
        .selection = v->t1 + v->t2 + v->t3,
        .parameters = v->p1 ? v->p1 + v->p2 + v->p3 : 0,
        .reasoning = v->r1 + v->r2,
        .usefulness = v->f1 + v->f2,
    };
    s.rating = s.selection + s.parameters + s.reasoning + s.usefulness;
    return s;
}
