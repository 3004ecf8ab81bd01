#include "report_page.h"

#include "base/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include <cmocka.h>

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static void from_base64(struct gen_str text, struct gen_buf *out)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
        int digit = digit_of(text.p[i]);
        assert_int_not_equal(digit, -1);
        bits = (bits << 6 | (uint32_t)digit) & 0xFFFFFF;
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        assert_int_equal(gen_buf_add_char(out, (char)(bits >> n_bits), NULL), GEN_OK);
    }
}

static void inflate_to(const struct gen_buf *packed, struct gen_buf *out)
{
    unsigned char room[4096];
    z_stream z = {0};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (const Bytef *)packed->data;
    z.avail_in = (uInt)packed->n;
    int state = Z_OK;
    while (state == Z_OK) {
        z.next_out = room;
        z.avail_out = sizeof(room);
        state = inflate(&z, Z_NO_FLUSH);
        assert_int_equal(gen_buf_add(out, room, sizeof(room) - z.avail_out, NULL), GEN_OK);
    }
    assert_int_equal(state, Z_STREAM_END);
    assert_int_equal(inflateEnd(&z), Z_OK);
}

struct gen_buf page_data(struct gen_str page, const char *kind, size_t nth, size_t *n_items)
{
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf packed = gen_buf_make(GEN_BUF_UNLIMITED);
    char name[64];
    size_t at = 0;
    (void)snprintf(name, sizeof(name), " data-kind=\"%s\"", kind);
    for (size_t i = 0; i <= nth; i++) {
        at = gen_str_find(page, gen_str_from(name), i ? at + 1 : 0);
        if (at == SIZE_MAX)
            return out;
    }
    size_t from = gen_str_find(page, GEN_STR(">"), at) + 1;
    size_t to = gen_str_find(page, GEN_STR("</script>"), from);
    size_t count = gen_str_find(page, GEN_STR("data-n=\""), at);
    struct gen_str content = gen_str_sub(page, from, to - from);
    if (count < from) {
        int64_t n = 0;
        size_t end = gen_str_find(page, GEN_STR("\">"), count);
        assert_int_equal(gen_num_i64(gen_str_sub(page, count + 8, end - count - 8), 1, 1 << 30,
                                     "data-n", &n, NULL),
                         GEN_OK);
        if (n_items)
            *n_items = (size_t)n;
        from_base64(content, &packed);
        inflate_to(&packed, &out);
    } else {
        assert_int_equal(gen_buf_add_str(&out, content, NULL), GEN_OK);
    }
    gen_buf_release(&packed);
    return out;
}
