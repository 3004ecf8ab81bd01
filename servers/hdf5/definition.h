/*
 * The tools as configs/hdf5_tools.json defines them. That file is part of the program: the server's
 * schemas and what `tools/list` says are made of it, so that the two cannot differ.
 */
#ifndef HDS_DEFINITION_H
#define HDS_DEFINITION_H

#include "json/json.h"
#include "json/schema.h"

#define HDS_TOOLS_MAX 64

struct hds_definition {
    const char *name;          /* the definitions' */
    struct gen_schema *input;  /* of the arguments */
    struct gen_schema *output; /* of the result */
};

struct hds_definitions {
    struct gen_json_doc *doc;
    struct hds_definition tools[HDS_TOOLS_MAX];
    char *names[HDS_TOOLS_MAX];
    size_t n;
    struct gen_buf list; /* the JSON array of `tools/list` */
};

/* Reads the definitions in the program. An error is a fault of the program. */
GEN_MUST_USE int hds_definitions_init(struct hds_definitions *d, struct gen_error *err);
void hds_definitions_release(struct hds_definitions *d);

/* NULL when there is no such tool; `*near` is then the nearest name or NULL. */
const struct hds_definition *hds_definitions_find(const struct hds_definitions *d,
                                                  struct gen_str name, const char **near);

/* The text of configs/hdf5_tools.json. */
struct gen_str hds_definitions_text(void);

#endif
