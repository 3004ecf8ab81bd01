/* The embedded baseline: answers each step by rules from the structured inputs of the request. No
 * model, no network, no chance: the same inputs give the same answer. */
#include "llm/provider/extractive_tool.h"

#include <stdlib.h>

/* A chunk needs some tens of kilobytes. */
#define ARENA_BYTES_MAX ((size_t)64 << 20)

static int write_task(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                      struct gen_error *err)
{
    switch (x->in->task) {
    case GEN_TASK_QA:
        return gen_extract_qa(x, b, root, err);
    case GEN_TASK_CODE_QA:
        return gen_extract_code(x, b, root, err);
    case GEN_TASK_ENRICH:
        return gen_extract_enrich(x, b, root, err);
    case GEN_TASK_RATE:
        return gen_extract_rate(x, b, root, err);
    case GEN_TASK_COT:
        return gen_extract_cot(x, b, root, err);
    case GEN_TASK_CODE_COT:
        return gen_extract_code_cot(x, b, root, err);
    case GEN_TASK_ENHANCE:
        return gen_extract_enhance(x, b, root, err);
    case GEN_TASK_DESCRIBE_SET:
        return gen_extract_describe_set(x, b, root, err);
    case GEN_TASK_CHOOSE_SET:
        return gen_extract_choose_set(x, b, root, err);
    case GEN_TASK_TOOL_REQUEST:
        return gen_extract_tool_request(x, b, root, err);
    case GEN_TASK_TOOL_PLAN:
        return gen_extract_tool_plan(x, b, root, err);
    case GEN_TASK_TOOL_STEP:
        return gen_extract_tool_step(x, b, root, err);
    case GEN_TASK_TOOL_SIMULATE:
        return gen_extract_tool_simulate(x, b, root, err);
    case GEN_TASK_TOOL_ANSWER:
        return gen_extract_tool_answer(x, b, root, err);
    case GEN_TASK_TOOL_RATE:
        return gen_extract_tool_rate(x, b, root, err);
    case GEN_TASK_NONE:
        break;
    }
    return GEN_OK;
}

static int write_answer(const struct gen_task_inputs *in, struct gen_buf *out,
                        struct gen_error *err)
{
    struct gen_jb *b = NULL;
    struct gen_extract *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "the extractive provider");
    x->arena = gen_arena_make(ARENA_BYTES_MAX);
    x->in = in;
    x->domain = x->topic = (struct gen_str){"", 0};
    int rc = gen_jb_new(&b, err);
    if (rc == GEN_OK) {
        struct gen_jmut *root = gen_jb_object(b);
        rc = write_task(x, b, root, err);
        if (rc == GEN_OK)
            rc = gen_jb_write(b, root, GEN_JSON_COMPACT, out, err);
    }
    gen_jb_free(b);
    gen_arena_release(&x->arena);
    free(x);
    return rc;
}

static int answer(const struct gen_llm_request *r, struct gen_llm_result *result,
                  struct gen_error *err)
{
    if (!r->inputs || r->inputs->task == GEN_TASK_NONE) {
        result->class_code = GEN_CLASS_BAD_REQUEST;
        gen_llm_set_message(
            result, GEN_STR("the embedded provider has no rules for this step: choose a model"));
        return GEN_OK;
    }
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = write_answer(r->inputs, &out, err);
    if (rc) {
        gen_buf_release(&out);
        return rc;
    }
    size_t n = 0;
    result->owned = gen_buf_take(&out, &n);
    result->text = (struct gen_str){result->owned, n};
    result->class_code = GEN_CLASS_OK;
    result->finish = GEN_STR("stop");
    result->model = GEN_STR("extractive-1");
    result->usage = (struct gen_usage){0, 0, 0, 0, 0, 0};
    return GEN_OK;
}

const struct gen_provider gen_provider_extractive = {
    .name = "extractive",
    .title = "the embedded rule-based baseline: no model, no network",
    .setup = "nothing to set up; for data worth training on, choose a model",
    .default_model = "extractive-1",
    .is_local = true,
    .in_flight_start = 64,
    .in_flight_max = 64,
    .answer = answer,
};
