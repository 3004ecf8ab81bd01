#include "dataset/consumer/rules.h"

bool gen_present(const struct gen_json *v)
{
    return gen_json_type(v) > GEN_JSON_NULL;
}

const char *gen_type_of(const struct gen_json *v)
{
    return v ? gen_json_type_name(gen_json_type(v)) : "missing";
}

bool gen_want_string(struct gen_row_check *c, const struct gen_json *object, const char *where,
                     const char *key)
{
    const struct gen_json *v = gen_json_get(object, key);
    if (gen_json_type(v) == GEN_JSON_STRING)
        return true;
    if (where)
        gen_rule_error(c, GEN_RULE_column_type, "%s.%s is %s, and must be a string", where, key,
                       gen_type_of(v));
    else
        gen_rule_error(c, GEN_RULE_column_type, "\"%s\" is %s, and must be a string", key,
                       gen_type_of(v));
    return false;
}

void gen_allow_string(struct gen_row_check *c, const struct gen_json *object, const char *key)
{
    if (gen_present(gen_json_get(object, key)))
        (void)gen_want_string(c, object, NULL, key);
}

bool gen_is_messages(const struct gen_json *v)
{
    return gen_json_type(v) == GEN_JSON_ARRAY &&
           gen_json_type(gen_json_at(v, 0)) == GEN_JSON_OBJECT;
}
