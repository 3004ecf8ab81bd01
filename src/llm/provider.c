#include "llm/provider.h"

const struct gen_provider *gen_provider_find(const struct gen_provider *const *list,
                                             const char *name)
{
    for (; *list; list++) {
        if (strcmp((*list)->name, name) == 0)
            return *list;
    }
    return NULL;
}
