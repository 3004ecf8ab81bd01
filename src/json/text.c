#include "json/text.h"

#include <stdint.h>

#define WORD_BYTES       sizeof(uint64_t)
#define ESCAPE_BYTES_MAX 6U

/* Room for `n` bytes and a NUL behind what there is: without a call while there is, which is nearly
 * always. NULL after a failure. */
static inline char *room(struct gen_jt *t, size_t n)
{
    struct gen_buf *out = t->out;
    if (t->rc == GEN_OK && out->capacity - out->n <= n)
        t->rc = gen_buf_reserve(out, n, t->err);
    return t->rc == GEN_OK ? out->data + out->n : NULL;
}

static inline void put(struct gen_jt *t, const char *data, size_t n)
{
    char *to = room(t, n);
    if (!to)
        return;
    memcpy(to, data, n);
    to[n] = '\0';
    t->out->n += n;
}

/* The comma where one is due, the key, and the first character of the value; 0: it comes later. */
static void begin(struct gen_jt *t, const char *key, char first)
{
    size_t n = key ? strlen(key) : 0;
    char *to = room(t, n + 5);
    if (!to)
        return;
    if (t->comma)
        *to++ = ',';
    if (key) {
        *to++ = '"';
        memcpy(to, key, n);
        to += n;
        *to++ = '"';
        *to++ = ':';
    }
    if (first)
        *to++ = first;
    *to = '\0';
    t->out->n = (size_t)(to - t->out->data);
}

static void open_container(struct gen_jt *t, const char *key, char bracket)
{
    begin(t, key, bracket);
    t->comma = false;
}

static void close_container(struct gen_jt *t, const char *bracket)
{
    put(t, bracket, 1);
    t->comma = true;
}

void gen_jt_object(struct gen_jt *t, const char *key)
{
    open_container(t, key, '{');
}

void gen_jt_end_object(struct gen_jt *t)
{
    close_container(t, "}");
}

void gen_jt_array(struct gen_jt *t, const char *key)
{
    open_container(t, key, '[');
}

void gen_jt_end_array(struct gen_jt *t)
{
    close_container(t, "]");
}

#define EVERY(byte) (0x0101010101010101ULL * (byte))

/* High bits of the bytes that are zero; exact as to whether there are any. */
static inline uint64_t zero_bytes(uint64_t w)
{
    return (w - EVERY(1)) & ~w & EVERY(0x80);
}

/* Whether one of eight bytes may need an escape: control characters, quotes, backslashes, and the
 * first bytes of U+0085 (C2) and of U+2028 (E2), which differ in one bit. */
static inline bool is_special(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    uint64_t controls = (w - EVERY(0x20)) & ~w & EVERY(0x80);
    return (controls | zero_bytes(w ^ EVERY('"')) | zero_bytes(w ^ EVERY('\\')) |
            zero_bytes((w & EVERY(0xDF)) ^ EVERY(0xC2))) != 0;
}

static size_t plain_run(struct gen_str s, size_t from)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = from;
    while (s.n - i >= WORD_BYTES && !is_special(s.p + i))
        i += WORD_BYTES;
    while (i < s.n && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && p[i] != 0xC2 && p[i] != 0xE2)
        i++;
    return i;
}

/* Writes the escape of the character at the start of `s`, or the one byte as it is. Gives the bytes
 * written; `*used` are those of `s`. */
static size_t escape(char *to, struct gen_str s, size_t *used)
{
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    static const char hex[] = "0123456789ABCDEF";
    unsigned char c = (unsigned char)s.p[0];
    *used = 1;
    if (c == '"' || c == '\\' || (c < 0x20 && letters[c])) {
        to[0] = '\\';
        to[1] = c < 0x20 ? letters[c] : (char)c;
        return 2;
    }
    unsigned code = c;
    if (c == 0xC2 && s.n >= 2 && s.p[1] == '\x85') {
        code = 0x85;
        *used = 2;
    } else if (c == 0xE2 && s.n >= 3 && s.p[1] == '\x80' &&
               (s.p[2] == '\xA8' || s.p[2] == '\xA9')) {
        code = s.p[2] == '\xA8' ? 0x2028 : 0x2029;
        *used = 3;
    } else if (c >= 0x20) {
        to[0] = (char)c;
        return 1;
    }
    to[0] = '\\';
    to[1] = 'u';
    for (unsigned i = 0; i < 4; i++)
        to[2 + i] = hex[code >> (12 - 4 * i) & 15U];
    return ESCAPE_BYTES_MAX;
}

void gen_jt_text(struct gen_jt *t, struct gen_str s)
{
    size_t i = 0;
    while (t->rc == GEN_OK && i < s.n) {
        size_t end = plain_run(s, i);
        put(t, s.p + i, end - i);
        i = end;
        if (i < s.n) {
            char text[ESCAPE_BYTES_MAX];
            size_t used = 0;
            size_t n = escape(text, (struct gen_str){s.p + i, s.n - i}, &used);
            put(t, text, n);
            i += used;
        }
    }
}

void gen_jt_text_begin(struct gen_jt *t, const char *key)
{
    begin(t, key, '"');
}

void gen_jt_text_end(struct gen_jt *t)
{
    put(t, "\"", 1);
    t->comma = true;
}

void gen_jt_str(struct gen_jt *t, const char *key, struct gen_str s)
{
    gen_jt_text_begin(t, key);
    gen_jt_text(t, s);
    gen_jt_text_end(t);
}

static void put_any_key(struct gen_jt *t, struct gen_str key)
{
    begin(t, NULL, '\0');
    if (!key.p)
        return;
    put(t, "\"", 1);
    gen_jt_text(t, key);
    put(t, "\":", 2);
}

void gen_jt_key(struct gen_jt *t, struct gen_str key)
{
    put_any_key(t, key);
    t->comma = false;
}

/* Recurses at most GEN_JSON_DEPTH_MAX deep: parsing admits no more. */
void gen_jt_value(struct gen_jt *t, struct gen_str key, const struct gen_json *v, bool drops_nulls)
{
    enum gen_json_type type = gen_json_type(v);
    bool is_object = type == GEN_JSON_OBJECT;
    struct gen_str text;
    put_any_key(t, key);
    if (gen_json_as_str(v, &text)) {
        t->comma = false;
        gen_jt_str(t, NULL, text);
    } else if (is_object || type == GEN_JSON_ARRAY) {
        struct gen_json_iter it;
        struct gen_str name;
        const struct gen_json *member;
        put(t, is_object ? "{" : "[", 1);
        t->comma = false;
        gen_json_iter_init(&it, v);
        while (t->rc == GEN_OK && gen_json_iter_next(&it, &name, &member)) {
            if (!drops_nulls || !is_object || gen_json_type(member) != GEN_JSON_NULL)
                gen_jt_value(t, name, member, drops_nulls);
        }
        close_container(t, is_object ? "}" : "]");
    } else {
        if (t->rc == GEN_OK)
            t->rc = gen_json_write(t->out, v, GEN_JSON_COMPACT, t->err);
        t->comma = true;
    }
}
