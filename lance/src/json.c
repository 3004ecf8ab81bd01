#include "json_int.h"

struct scanner {
    const struct lnc_ctx *cx;
    const uint8_t *p;
    const uint8_t *end;
};

static int damaged(const struct scanner *s, const char *what)
{
    return lnc_bad(s->cx, "is no JSON that describes a tag or a branch: %s", what);
}

static void skip_space(struct scanner *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool take(struct scanner *s, char c)
{
    skip_space(s);
    if (s->p == s->end || *s->p != (uint8_t)c)
        return false;
    s->p++;
    return true;
}

/* Behind the opening quote; *plain tells whether there is no escape in it. */
static int take_text(struct scanner *s, struct lnc_span *out, bool *plain)
{
    const uint8_t *start = s->p;
    *plain = true;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p == '\\') {
            *plain = false;
            s->p++;
        }
        if (s->p == s->end || *s->p < 0x20)
            return damaged(s, "a string does not end");
        s->p++;
    }
    if (s->p == s->end)
        return damaged(s, "a string does not end");
    *out = (struct lnc_span){.data = start, .size = (size_t)(s->p - start)};
    s->p++;
    return LNC_OK;
}

static bool is_word_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

/* A number, true, false or null. */
static int take_word(struct scanner *s, struct lnc_span *out)
{
    const uint8_t *start = s->p;
    while (s->p < s->end && is_word_byte(*s->p))
        s->p++;
    if (s->p == start)
        return damaged(s, "a value is missing");
    *out = (struct lnc_span){.data = start, .size = (size_t)(s->p - start)};
    return LNC_OK;
}

/* Arrays and objects by their brackets: what is in them does not matter. */
static int skip_nested(struct scanner *s)
{
    unsigned depth = 0;
    struct lnc_span text;
    bool plain;
    do {
        skip_space(s);
        if (s->p == s->end)
            return damaged(s, "a bracket is not closed");
        uint8_t c = *s->p++;
        if (c == '"') {
            int rc = take_text(s, &text, &plain);
            if (rc != LNC_OK)
                return rc;
        } else if (c == '[' || c == '{') {
            if (++depth > LNC_JSON_DEPTH_MAX)
                return damaged(s, "it is nested too deeply");
        } else if (c == ']' || c == '}') {
            depth--;
        } else if (!is_word_byte(c) && c != ',' && c != ':') {
            return damaged(s, "there is a byte that belongs nowhere");
        }
    } while (depth > 0);
    return LNC_OK;
}

static bool read_integer(struct lnc_span word, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9' || !lnc_mul(value, 10, &value) ||
            !lnc_add(value, (uint64_t)(word.data[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

static int take_value(struct scanner *s, struct lnc_json_member *member)
{
    struct lnc_json_member ignored = {.type = LNC_JSON_ABSENT};
    struct lnc_json_member *m = member != NULL ? member : &ignored;
    struct lnc_span word;
    bool plain = true;
    int rc;
    skip_space(s);
    if (s->p < s->end && (*s->p == '[' || *s->p == '{')) {
        if (member != NULL)
            return damaged(s, "a member has another type than expected");
        return skip_nested(s);
    }
    if (take(s, '"')) {
        m->type = LNC_JSON_STRING;
        rc = take_text(s, &m->text, &plain);
        if (rc == LNC_OK && member != NULL && !plain)
            rc = damaged(s, "a name has an escape in it");
        return rc;
    }
    rc = take_word(s, &word);
    if (rc != LNC_OK || member == NULL)
        return rc;
    m->type = LNC_JSON_NULL;
    if (word.size == 4 && memcmp(word.data, "null", 4) == 0)
        return LNC_OK;
    m->type = LNC_JSON_INTEGER;
    return read_integer(word, &m->integer) ? LNC_OK
                                           : damaged(s, "a member has another type than expected");
}

static struct lnc_json_member *find_member(struct lnc_json_member *members, size_t n,
                                           struct lnc_span key)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(members[i].key) == key.size && memcmp(members[i].key, key.data, key.size) == 0)
            return &members[i];
    }
    return NULL;
}

int lnc_json_members(const struct lnc_ctx *cx, struct lnc_span text,
                     struct lnc_json_member *members, size_t n)
{
    struct scanner s = {.cx = cx, .p = text.data, .end = text.data + text.size};
    struct lnc_span key;
    bool plain;
    for (size_t i = 0; i < n; i++)
        members[i].type = LNC_JSON_ABSENT;
    if (!take(&s, '{'))
        return damaged(&s, "it does not begin with a brace");
    bool more = !take(&s, '}');
    while (more) {
        if (!take(&s, '"'))
            return damaged(&s, "a key is missing");
        int rc = take_text(&s, &key, &plain);
        if (rc == LNC_OK && !take(&s, ':'))
            rc = damaged(&s, "a colon is missing");
        if (rc == LNC_OK)
            rc = take_value(&s, plain ? find_member(members, n, key) : NULL);
        if (rc != LNC_OK)
            return rc;
        more = take(&s, ',');
        if (!more && !take(&s, '}'))
            return damaged(&s, "it does not end with a brace");
    }
    skip_space(&s);
    return s.p == s.end ? LNC_OK : damaged(&s, "something follows behind it");
}
