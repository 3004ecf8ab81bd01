/* Records lie in the input where their offsets say, in order, however the bytes come in. */
#include "fuzz.h"

#include "json/stream.h"

struct source {
    struct gen_str text;
    size_t at;
    size_t step;
};

static int read_source(void *ud, void *data, size_t n, size_t *got, struct gen_error *err)
{
    (void)err;
    struct source *s = ud;
    struct gen_str part = gen_str_sub(s->text, s->at, n < s->step ? n : s->step);
    if (part.n)
        memcpy(data, part.p, part.n);
    s->at += part.n;
    *got = part.n;
    return GEN_OK;
}

static uint64_t run(struct gen_str text, size_t step, int *rc)
{
    struct source source = {text, 0, step};
    struct gen_json_stream *s = NULL;
    FUZZ_CHECK(gen_json_stream_new(&s, read_source, &source, "x", NULL) == GEN_OK);
    uint64_t end = 0;
    uint64_t sum = 0;
    for (uint64_t row = 1;; row++) {
        struct gen_json_record r;
        bool more = false;
        *rc = gen_json_stream_next(s, &r, &more, NULL);
        if (*rc || !more)
            break;
        FUZZ_CHECK(r.row == row && r.text.n && r.offset >= end);
        end = r.offset + r.text.n;
        FUZZ_CHECK(end <= text.n && memcmp(text.p + r.offset, r.text.p, r.text.n) == 0);
        sum = sum * 31 + end;
    }
    gen_json_stream_free(s);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gen_str text = {(const char *)data, size};
    int whole = 0;
    int split = 0;
    FUZZ_CHECK(run(text, size + 1, &whole) == run(text, 1 + size % 7, &split));
    FUZZ_CHECK(whole == split);
    return 0;
}
