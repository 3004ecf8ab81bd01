#include "tool/step/execute_int.h"

/* Field order is generation order: material first, then the text, then decisions. */

/* The layout shows the nesting. */
/* clang-format off */

const char gen_exec_schema_simulation[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"status\",\"content\",\"new_facts\"],\"properties\":{"
      "\"status\":{\"type\":\"string\",\"enum\":[\"ok\",\"error\"]},"
      "\"content\":{\"type\":\"string\"},"
      "\"new_facts\":{\"type\":\"array\",\"maxItems\":12,\"items\":"
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"name\",\"value\"],\"properties\":{"
          "\"name\":{\"type\":\"string\"},\"value\":{\"type\":\"string\"}}}}}}";

const char gen_exec_schema_answer[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"used\",\"complete\",\"missing\",\"answer\"],\"properties\":{"
      "\"used\":{\"type\":\"array\",\"maxItems\":6,\"items\":"
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"step\",\"quote\"],\"properties\":{"
          "\"step\":{\"type\":\"integer\",\"enum\":[1,2,3,4,5,6,7,8,9,10]},"
          "\"quote\":{\"type\":\"string\"}}}},"
      "\"complete\":{\"type\":\"string\",\"enum\":[\"yes\",\"partly\",\"no\"]},"
      "\"missing\":{\"type\":\"string\"},"
      "\"answer\":{\"type\":\"string\"}}}";

static const char step_head[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"thought\",\"action\",\"tool\",\"arguments\",\"message\"],\"properties\":{"
      "\"thought\":{\"type\":\"string\"},"
      "\"action\":{\"type\":\"string\","
        "\"enum\":[\"call\",\"finish\",\"ask_user\",\"cannot_do\"]},"
      "\"tool\":{\"type\":\"string\"";

static const char step_tail[] =
      "},"
      "\"arguments\":{\"type\":\"array\",\"maxItems\":16,\"items\":"
        "{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"name\",\"value\",\"origin\",\"step\",\"where\"],\"properties\":{"
          "\"name\":{\"type\":\"string\"},\"value\":{\"type\":\"string\"},"
          "\"origin\":{\"type\":\"string\","
            "\"enum\":[\"request\",\"result\",\"conversion\",\"constant\"]},"
          "\"step\":{\"type\":\"integer\",\"enum\":[0,1,2,3,4,5,6,7,8,9,10]},"
          "\"where\":{\"type\":\"string\"}}}},"
      "\"message\":{\"type\":\"string\"}}}";

/* clang-format on */

int gen_exec_step_schema(const struct gen_toolset *tools, struct gen_buf *out,
                         struct gen_error *err)
{
    int rc = gen_buf_add_c(out, step_head, err);
    if (rc == GEN_OK && tools)
        rc = gen_schema_add_names(tools, "none", out, err);
    return rc ? rc : gen_buf_add_c(out, step_tail, err);
}
