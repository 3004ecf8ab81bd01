/*
 * Tools in memory, from the program's own form (tool/parse.h): views for drawing and showing, a
 * compiled schema for each tool's arguments. Read-only after loading; lives on one thread.
 */
#ifndef GEN_TOOL_TOOLSET_H
#define GEN_TOOL_TOOLSET_H

#include "base/arena.h"
#include "tool/parse.h"
#include "json/schema.h"

struct gen_tool_param {
    struct gen_str name, type, description; /* type: the simple one of the own form */
    bool is_required;
    const struct gen_json *schema;        /* of the value, $refs kept */
    const struct gen_json *default_value; /* NULL: none */
    const struct gen_json *choices;       /* enum, an array; NULL: none */
};

/* A call that somebody wrote down: an example of a definition. */
struct gen_tool_sample {
    const struct gen_json *args; /* an object that passes the schema */
    struct gen_str
        instruction; /* of examples that are objects {instruction,input,output}; or empty */
};

struct gen_tool {
    struct gen_str id, name, category, description, complexity;
    struct gen_tool_param *params;
    size_t n_params;
    struct gen_tool_sample
        *samples; /* those that could be read and pass the schema; the first 256 */
    size_t n_samples;
    const struct gen_json *definition;    /* own form */
    const struct gen_json *input_schema;  /* always an object schema */
    const struct gen_json *output_schema; /* NULL: not known */
    struct gen_schema *arguments;
    /* "name(path: string, mode: string = r): what it does", then a line for each parameter:
     * "  path: Path of the file", "  mode: Access mode (one of r, r+)". */
    struct gen_str documentation;
    bool is_read_only; /* annotations.readOnlyHint */
};

struct gen_toolset {
    struct gen_str name, description;
    struct gen_str server; /* "server" of the own form: the bundled MCP server that runs these
                              tools; or empty */
    struct gen_tool *tools;
    size_t n_tools;
    size_t n_samples_refused; /* examples that could not be read or do not pass the schema */
    struct gen_arena arena;   /* private, like what follows */
    struct gen_json_doc *doc;
    void *index;
};

/* Reads a file of definitions of any shape that tool/parse.h knows (JSON; YAML by its ending) and
 * appends the own form: what tool-parse does, and the first half of gen_toolset_load. */
GEN_MUST_USE int gen_tools_read(const char *path, struct gen_buf *own_form,
                                struct gen_tools_parsed *parsed, gen_tool_finding_fn *fn, void *ud,
                                struct gen_error *err);

/* Reads a file of any shape that tool/parse.h knows (JSON or YAML). `fn` gets what a user should
 * know; may be NULL. GEN_EINPUT, GEN_EPARSE: with file and place. */
GEN_MUST_USE int gen_toolset_load(struct gen_toolset **out, const char *path,
                                  gen_tool_finding_fn *fn, void *ud, struct gen_error *err);
/* From JSON text in the own form (or any other that tool/parse.h knows), copied. */
GEN_MUST_USE int gen_toolset_new(struct gen_toolset **out, struct gen_str own_form,
                                 struct gen_error *err);
/* From the "tools" of tool records (OpenAI's form), for commands that have no file of tools. */
GEN_MUST_USE int gen_toolset_from_offered(struct gen_toolset **out, const struct gen_json *tools,
                                          struct gen_error *err);
void gen_toolset_free(struct gen_toolset *t);
/* By name, or by the name that the tool had in its definition. O(1). */
const struct gen_tool *gen_toolset_find(const struct gen_toolset *t, struct gen_str name);
/* NULL: the tool has no such parameter. */
const struct gen_tool_param *gen_tool_param_find(const struct gen_tool *tool, struct gen_str name);

/* The tool as a model is shown it: {"type":"function","function":{...}}, schema verbatim. */
struct gen_jmut *gen_tool_offered(const struct gen_tool *tool, struct gen_jb *b);
/* The documentation of the tools that `names` lists, in that order, blank lines between. */
GEN_MUST_USE int gen_toolset_document(const struct gen_toolset *t, const struct gen_str *names,
                                      size_t n_names, struct gen_buf *out, struct gen_error *err);

/*
 * Arguments as a model writes them under strict schemas: a list of {"name","value"} in which each
 * value is a string (prompting.md A.5). Makes the object, each value coerced by the tool's own
 * schema: numbers, booleans, arrays and objects are read from the string; null, "null" and "" for a
 * parameter that is optional leave it out. An unknown name is kept as a string, so that the check
 * names it.
 */
GEN_MUST_USE int gen_tool_coerce(const struct gen_tool *tool, const struct gen_json *pairs,
                                 struct gen_jb *b, struct gen_jmut **args, struct gen_error *err);
/* Whether the object passes the tool's schema; faults as gen_schema_check (`faults` may be NULL).
 * What cannot be checked, because the schema leads in circles, does not pass. Members that are null
 * where the schema takes none, and that are optional, must have been dropped before. GEN_ENOMEM. */
GEN_MUST_USE int gen_tool_check(const struct gen_tool *tool, const struct gen_json *args,
                                bool *valid, struct gen_buf *faults, struct gen_error *err);

#endif
