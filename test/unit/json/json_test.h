/* What the tests of json/ share. */
#ifndef JSON_TEST_H
#define JSON_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the four above. */
#include <cmocka.h>

#include "json/json.h"

static inline struct gen_json_doc *parse_ok(const char *text)
{
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {0};
    if (gen_json_parse(&doc, gen_str_from(text), &err))
        fail_msg("%s: %s", text, err.msg);
    return doc;
}

/* The compact text; to be freed. */
static inline char *text_of(const struct gen_json *v)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    assert_int_equal(gen_json_write(&out, v, GEN_JSON_COMPACT, NULL), GEN_OK);
    return gen_buf_take(&out, NULL);
}

static inline void assert_json(const struct gen_json *v, const char *expected)
{
    char *text = text_of(v);
    assert_string_equal(text, expected);
    free(text);
}

#endif
