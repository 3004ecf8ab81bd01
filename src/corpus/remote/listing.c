#include "corpus/remote/listing.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX 8192U
#define DEPTH_MAX      16U

enum element { ELEMENT_OTHER = 0, ELEMENT_KEY, ELEMENT_PREFIX, ELEMENT_TOKEN, ELEMENT_TRUNCATED };

struct reader {
    XML_Parser parser;
    unsigned depth;
    bool is_listing;
    bool in_contents, in_prefixes;
    enum element element;
    struct gen_buf text;
    gen_listed_fn *each;
    void *ud;
    struct gen_buf *token;
    bool is_truncated;
    int failure;
    struct gen_error *err;
};

static void stop(struct reader *r, int code)
{
    r->failure = code;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void on_doctype(void *ud, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal)
{
    struct reader *r = ud;
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal;
    stop(r, gen_fail(r->err, GEN_EPARSE, "the listing has a document type"));
}

static void on_start(void *ud, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = ud;
    (void)attributes;
    if (++r->depth > DEPTH_MAX) {
        stop(r, gen_fail(r->err, GEN_EPARSE, "the listing is nested too deeply"));
        return;
    }
    r->element = ELEMENT_OTHER;
    if (r->depth == 1)
        r->is_listing = strcmp(name, "ListBucketResult") == 0;
    if (r->depth == 2) {
        r->in_contents = strcmp(name, "Contents") == 0;
        r->in_prefixes = strcmp(name, "CommonPrefixes") == 0;
        if (strcmp(name, "NextContinuationToken") == 0)
            r->element = ELEMENT_TOKEN;
        if (strcmp(name, "IsTruncated") == 0)
            r->element = ELEMENT_TRUNCATED;
    }
    if (r->depth == 3 && r->in_contents && strcmp(name, "Key") == 0)
        r->element = ELEMENT_KEY;
    if (r->depth == 3 && r->in_prefixes && strcmp(name, "Prefix") == 0)
        r->element = ELEMENT_PREFIX;
    gen_buf_clear(&r->text);
}

static void on_text(void *ud, const XML_Char *text, int n)
{
    struct reader *r = ud;
    if (r->element == ELEMENT_OTHER)
        return;
    int rc = gen_buf_add(&r->text, text, (size_t)n, r->err);
    if (rc)
        stop(r, rc);
}

static void on_end(void *ud, const XML_Char *name)
{
    struct reader *r = ud;
    int rc = GEN_OK;
    (void)name;
    r->depth--;
    if (r->element == ELEMENT_KEY || r->element == ELEMENT_PREFIX)
        rc = r->each(r->ud, gen_buf_str(&r->text), r->element == ELEMENT_PREFIX, r->err);
    else if (r->element == ELEMENT_TOKEN)
        rc = gen_buf_add_str(r->token, gen_buf_str(&r->text), r->err);
    else if (r->element == ELEMENT_TRUNCATED)
        r->is_truncated = gen_str_is(gen_str_trim(gen_buf_str(&r->text)), "true");
    r->element = ELEMENT_OTHER;
    if (rc)
        stop(r, rc);
}

static int parse(struct reader *r, struct gen_str xml)
{
    r->parser = XML_ParserCreate(NULL);
    if (!r->parser)
        return gen_nomem(r->err, "a listing");
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    int rc = GEN_OK;
    if (xml.n > (size_t)1 << 30)
        rc = gen_fail(r->err, GEN_ELIMIT, "the listing is larger than 1 GiB");
    else if (XML_Parse(r->parser, xml.p, (int)xml.n, XML_TRUE) != XML_STATUS_OK)
        rc = r->failure ? r->failure
                        : gen_fail(r->err, GEN_EPARSE, "the listing is no XML: line %lu: %s",
                                   (unsigned long)XML_GetCurrentLineNumber(r->parser),
                                   XML_ErrorString(XML_GetErrorCode(r->parser)));
    XML_ParserFree(r->parser);
    return rc;
}

int gen_listing_read(struct gen_str xml, gen_listed_fn *each, void *ud, struct gen_buf *token,
                     struct gen_error *err)
{
    struct reader r = {
        .each = each, .ud = ud, .token = token, .err = err, .text = gen_buf_make(TEXT_BYTES_MAX)};
    gen_buf_clear(token);
    int rc = parse(&r, xml);
    if (rc == GEN_OK && !r.is_listing)
        rc = gen_fail(err, GEN_EPARSE, "the server does not answer with a listing of a bucket");
    if (rc == GEN_OK && r.is_truncated && token->n == 0)
        rc = gen_fail(err, GEN_EPARSE,
                      "the listing goes on, but the server does not say where (it does not know "
                      "ListObjectsV2)");
    if (rc == GEN_OK && !r.is_truncated)
        gen_buf_clear(token);
    gen_buf_release(&r.text);
    return rc;
}

struct finder {
    XML_Parser parser;
    const char *name;
    bool is_inside, is_found;
    char *out;
    size_t size, used;
};

static void find_doctype(void *ud, const XML_Char *name, const XML_Char *system_id,
                         const XML_Char *public_id, int has_internal)
{
    struct finder *f = ud;
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal;
    (void)XML_StopParser(f->parser, XML_FALSE);
}

static void find_start(void *ud, const XML_Char *name, const XML_Char **attributes)
{
    struct finder *f = ud;
    (void)attributes;
    f->is_inside = !f->is_found && strcmp(name, f->name) == 0;
}

static void find_text(void *ud, const XML_Char *text, int n)
{
    struct finder *f = ud;
    for (int i = 0; f->is_inside && i < n && f->used + 1 < f->size; i++)
        f->out[f->used++] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : ' ';
    f->out[f->used] = '\0';
}

static void find_end(void *ud, const XML_Char *name)
{
    struct finder *f = ud;
    (void)name;
    f->is_found = f->is_found || f->is_inside;
    f->is_inside = false;
}

bool gen_xml_text(struct gen_str xml, const char *name, char *out, size_t size)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    struct finder f = {.parser = parser, .name = name, .out = out, .size = size};
    out[0] = '\0';
    if (!parser)
        return false;
    XML_SetUserData(parser, &f);
    XML_SetElementHandler(parser, find_start, find_end);
    XML_SetCharacterDataHandler(parser, find_text);
    XML_SetStartDoctypeDeclHandler(parser, find_doctype);
    /* Bodies that are cut or no XML at all say as much as was understood. */
    if (xml.n <= (size_t)1 << 20)
        (void)XML_Parse(parser, xml.p, (int)xml.n, XML_TRUE);
    XML_ParserFree(parser);
    return f.is_found;
}
