#include "conf/option.h"

static const struct gen_option_case *find_case(const struct gen_option *o, int command)
{
    if (!o->cases || command < 0)
        return NULL;
    for (const struct gen_option_case *c = o->cases; c->commands; c++) {
        if (c->commands & (1U << (unsigned)command))
            return c;
    }
    return NULL;
}

const char *gen_option_default(const struct gen_option *o, int command)
{
    const struct gen_option_case *c = find_case(o, command);
    return c && c->default_text ? c->default_text : o->default_text;
}

const char *const *gen_option_choices(const struct gen_option *o, int command)
{
    const struct gen_option_case *c = find_case(o, command);
    return c && c->choices ? c->choices : o->choices;
}

const char *const *gen_option_keys(const struct gen_option *o, int command)
{
    static const char *const none[] = {NULL};
    const struct gen_option_case *c = find_case(o, command);
    if (c && c->config_keys)
        return c->config_keys;
    return o->config_keys ? o->config_keys : none;
}

const char *gen_option_help(const struct gen_option *o, int command)
{
    const struct gen_option_case *c = find_case(o, command);
    return c && c->help ? c->help : o->help;
}

const char *gen_option_group_name(enum gen_option_group group)
{
    switch (group) {
    case GEN_GROUP_FILES:
        return "Files";
    case GEN_GROUP_WORK:
        return "What is made";
    case GEN_GROUP_TOOLS:
        return "Calls of tools";
    case GEN_GROUP_MODEL:
        return "Model";
    case GEN_GROUP_RUN:
        return "Run";
    case GEN_GROUP_MESSAGES:
        return "Messages";
    case GEN_N_GROUPS:
        break;
    }
    return "";
}
