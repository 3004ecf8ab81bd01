#include "llm/provider/cloud.h"

#include <stdio.h>

int64_t gen_cloud_thinking_tokens(const char *effort)
{
    static const struct {
        const char *effort;
        int64_t tokens;
    } levels[] = {
        {"none", 0},    {"minimal", 1024}, {"low", 2048},  {"medium", 4096},
        {"high", 8192}, {"xhigh", 16384},  {"max", 24576},
    };
    for (size_t i = 0; effort && i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(effort, levels[i].effort) == 0)
            return levels[i].tokens;
    }
    return 4096;
}

void gen_cloud_unknown_finish(struct gen_llm_result *result)
{
    char text[160];
    (void)snprintf(text, sizeof(text),
                   "the answer ended with \"%.*s\", which is no end that can be used",
                   GEN_STR_ARG(gen_str_sub(result->finish, 0, 60)));
    result->class_code = GEN_CLASS_SERVER_ERROR;
    gen_llm_set_message(result, gen_str_from(text));
}

int gen_cloud_set(struct gen_buf *b, struct gen_str s, struct gen_error *err)
{
    if (s.n == 0)
        return GEN_OK;
    gen_buf_clear(b);
    return gen_buf_add_str(b, s, err);
}

bool gen_cloud_has(const char *model, const char *part)
{
    return strstr(model, part) != NULL;
}
