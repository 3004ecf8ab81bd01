/*
 * YAML (1.1 syntax by libyaml) into the same tree as JSON. Scalars are typed by the core rules of
 * YAML 1.2: only true/false, null/~/empty, decimal integers and floats are not strings ("no",
 * "yes", "on" and 012 stay strings). Quoted scalars are always strings. Aliases, several documents
 * and duplicate keys are errors; limits: 4 MB, 64 levels.
 */
#ifndef GEN_JSON_YAML_H
#define GEN_JSON_YAML_H

#include "json/json.h"

struct gen_yaml; /* the tree, and where each of its mapping keys stands */

/* `name` (a path) is used in messages: "configs/config.yaml:12:5: ...". GEN_EPARSE / GEN_ELIMIT. */
GEN_MUST_USE int gen_yaml_parse(struct gen_yaml **out, struct gen_str text, const char *name,
                                struct gen_error *err);
void gen_yaml_free(struct gen_yaml *y);

/* Root of the tree (an empty file is an empty object). Borrowed until gen_yaml_free. */
const struct gen_json *gen_yaml_root(const struct gen_yaml *y);

/* Line and column (from 1) of the member at `pointer` (RFC 6901, "/llm/model"). False when there is
 * none. */
bool gen_yaml_where(const struct gen_yaml *y, const char *pointer, unsigned *line,
                    unsigned *column);

#endif
