/* The events of a stream are the same however it is cut: whole, byte by byte, and in pieces whose
 * sizes come from the input. The first byte chooses the format, the second the limit. */
#include "fuzz.h"

#include "net/sse.h"

struct heard {
    uint64_t sum;
    size_t n;
};

static void mix(struct heard *h, struct gen_str s)
{
    for (size_t i = 0; i < s.n; i++)
        h->sum = (h->sum ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    h->sum = (h->sum ^ s.n) * UINT64_C(1099511628211);
}

static int on_event(void *ud, const struct gen_sse_event *event, struct gen_error *err)
{
    (void)err;
    struct heard *h = ud;
    h->n++;
    mix(h, event->name);
    mix(h, event->data);
    return GEN_OK;
}

/* Pieces of `step` bytes; when it is 0, of as many as the byte at their start says. */
static int run(struct gen_str text, enum gen_sse_format format, size_t limit, size_t step,
               struct heard *h, bool *is_cut)
{
    struct gen_sse s = gen_sse_make(format, limit);
    int rc = GEN_OK;
    while (rc == GEN_OK && text.n) {
        size_t n = step ? step : 1 + (size_t)(unsigned char)text.p[0] % 11;
        struct gen_str piece = gen_str_sub(text, 0, n);
        rc = gen_sse_feed(&s, piece, on_event, h, NULL);
        text = gen_str_sub(text, piece.n, text.n);
    }
    if (rc == GEN_OK)
        rc = gen_sse_end(&s, on_event, h, is_cut, NULL);
    FUZZ_CHECK(s.line.n <= limit && s.name.n <= limit && s.data.n <= limit);
    gen_sse_release(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum gen_sse_format format = data[0] & 1 ? GEN_SSE_LINES : GEN_SSE_EVENTS;
    size_t limit = 1 + (size_t)data[1];
    struct gen_str text = {(const char *)data + 2, size - 2};
    struct heard whole = {0, 0};
    bool whole_is_cut = false;
    int rc = run(text, format, limit, size, &whole, &whole_is_cut);
    FUZZ_CHECK(rc == GEN_OK || rc == GEN_ELIMIT);
    for (size_t step = 0; step < 4; step++) {
        struct heard split = {0, 0};
        bool is_cut = false;
        FUZZ_CHECK(run(text, format, limit, step, &split, &is_cut) == rc);
        FUZZ_CHECK(split.n == whole.n && split.sum == whole.sum && is_cut == whole_is_cut);
    }
    return 0;
}
