/* Answers about requests and plans, in the profile of prompting.md A.3. Field order is generation
 * order: the situation, then the words, then where they carry the values. */
#include "tool/step/generate_int.h"

#define KEY(name)          "\"" name "\""
#define STRING(name)       KEY(name) ":{\"type\":\"string\"}"
#define CHOICE(values)     "{\"type\":\"string\",\"enum\":[" values "]}"
#define LIST(n_max, items) "{\"type\":\"array\",\"maxItems\":" n_max ",\"items\":" items "}"
#define OBJECT(required, properties)                                                               \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" required                  \
    "],\"properties\":{" properties "}}"
#define NUMBERS "{\"type\":\"integer\",\"enum\":[1,2,3,4,5,6,7,8,9,10]}"

/* The layout shows the nesting. */
/* clang-format off */

#define VALUES(n_max)                                                                              \
    KEY("values") ":" LIST(n_max, OBJECT(                                                          \
        KEY("parameter") "," KEY("value") "," KEY("words"),                                        \
        STRING("parameter") "," STRING("value") "," STRING("words")))

const char gen_schema_tool_request[] = OBJECT(
    KEY("situation") "," KEY("instruction") "," KEY("values"),
    STRING("situation") "," STRING("instruction") "," VALUES("32"));

const char gen_schema_tool_requests[] = OBJECT(
    KEY("goal") "," KEY("usable") "," KEY("hidden") "," KEY("instruction") "," KEY("values"),
    STRING("goal") ","
    KEY("usable") ":" CHOICE(KEY("yes") "," KEY("makes_no_sense")) ","
    KEY("hidden") ":" LIST("8", "{\"type\":\"string\"}") ","
    STRING("instruction") ","
    KEY("values") ":" LIST("64", OBJECT(
        KEY("call") "," KEY("parameter") "," KEY("value") "," KEY("words"),
        KEY("call") ":" NUMBERS ","
        STRING("parameter") "," STRING("value") "," STRING("words"))));

const char gen_schema_tool_irrelevance[] = OBJECT(
    KEY("near_tool") "," KEY("what_is_missing") "," KEY("instruction") "," KEY("reply"),
    STRING("near_tool") "," STRING("what_is_missing") "," STRING("instruction") ","
    STRING("reply"));

const char gen_schema_tool_missing[] = OBJECT(
    KEY("withheld") "," KEY("instruction") "," KEY("values") "," KEY("question_back") ","
    KEY("user_reply"),
    KEY("withheld") ":" LIST("4", "{\"type\":\"string\"}") ","
    STRING("instruction") "," VALUES("32") "," STRING("question_back") "," STRING("user_reply"));

static const char plan_head[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"calls\"],\"properties\":{"
    "\"calls\":{\"type\":\"array\",\"maxItems\":10,\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"turn\",\"thought\",\"tool\",\"arguments\"],"
    "\"properties\":{\"turn\":" NUMBERS ",\"thought\":{\"type\":\"string\"},"
    "\"tool\":{\"type\":\"string\"";

static const char plan_tail[] =
    "},\"arguments\":" LIST("32", OBJECT(
        KEY("name") "," KEY("origin") "," KEY("where") "," KEY("step") "," KEY("value"),
        STRING("name") ","
        KEY("origin") ":" CHOICE(KEY("request") "," KEY("result") "," KEY("conversion") ","
                                 KEY("constant")) ","
        STRING("where") ","
        KEY("step") ":{\"type\":\"integer\",\"enum\":[0,1,2,3,4,5,6,7,8,9,10]},"
        STRING("value"))) "}}}}}";

/* clang-format on */

int gen_schema_tool_plan(const struct gen_toolset *tools, struct gen_buf *out,
                         struct gen_error *err)
{
    int rc = gen_buf_add_c(out, plan_head, err);
    if (rc == GEN_OK)
        rc = gen_schema_add_names(tools, NULL, out, err);
    return rc ? rc : gen_buf_add_c(out, plan_tail, err);
}
