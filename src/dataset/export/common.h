/* Private to dataset/export/: what formats share. */
#ifndef GEN_DATASET_EXPORT_COMMON_H
#define GEN_DATASET_EXPORT_COMMON_H

#include "dataset/export.h"

#define GEN_PLACES_MESSAGE                                                                         \
    (1U << GEN_REASONING_FIELD | 1U << GEN_REASONING_THINKING | 1U << GEN_REASONING_INLINE |       \
     1U << GEN_REASONING_DROP)
#define GEN_PLACES_TEXT (1U << GEN_REASONING_INLINE | 1U << GEN_REASONING_DROP)

/* Writes the words of turn `i` as a string: with the folded system text in front of the first, and
 * the chain of thought in think tags in front of an answer where it goes there. */
void gen_export_content(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                        const char *key, struct gen_jt *t);
/* The same as parts of a string that the caller has begun. */
void gen_export_words(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                      struct gen_jt *t);
/* Writes the member that tells readers not to learn from turn `i`, where that was asked for. */
void gen_export_masking(const struct gen_example *e, const struct gen_export_dress *dress, size_t i,
                        struct gen_jt *t);

/* ---- schema.c: tools and arguments ---- */

/* What a reader wants of schemas; the rest stays as it was written. */
enum {
    GEN_SCHEMA_STRING_ENUMS = 1, /* LLaMA-Factory joins the values as strings */
    GEN_SCHEMA_ITEMS = 2,        /* OpenAI: every array says what is in it */
};

/* One tool {"name","description","parameters"}, whose parameters always have properties. */
void gen_export_function(const struct gen_offered *tool, const char *key, unsigned schema,
                         struct gen_jt *t);
/* The list in OpenAI's form, or as a string that holds it. Nothing when there are none. */
void gen_export_tools(const struct gen_example *e, unsigned schema, struct gen_jt *t);
void gen_export_tools_text(const struct gen_example *e, unsigned schema, struct gen_jt *t);
/* {"name","arguments"} with arguments as an object, for readers of text. */
void gen_export_bare_call(const struct gen_call *call, struct gen_jt *t);
/* The arguments as an object, or as a string that holds one. */
void gen_export_args(const struct gen_call *call, const char *key, struct gen_jt *t);
void gen_export_args_text(const struct gen_call *call, const char *key, struct gen_jt *t);
/* A number or truth value as it stands in `json`. */
void gen_export_literal(struct gen_jt *t, const char *key, const char *json);
/* A string of JSON: what was written into `inner` (made over `text`) becomes the member `key`. */
void gen_export_embed(struct gen_jt *t, const char *key, const struct gen_jt *inner,
                      struct gen_buf *text);

#endif
