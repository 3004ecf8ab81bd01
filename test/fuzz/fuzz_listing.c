/* The answers of an object store: what is read out of a listing is never more than what came, no
 * document type is taken, and a text of an error fits its place and is printable. */
#include "fuzz.h"

#include "corpus/remote/listing.h"
#include "corpus/remote/refusal.h"

struct seen {
    size_t n, n_bytes;
};

static int see(void *ud, struct gen_str key, bool is_prefix, struct gen_error *err)
{
    struct seen *s = ud;
    (void)is_prefix;
    (void)err;
    s->n++;
    s->n_bytes += key.n;
    FUZZ_CHECK(key.n == 0 || !memchr(key.p, '\0', key.n));
    return GEN_OK;
}

static void check_text(const char *text, size_t size)
{
    size_t n = strnlen(text, size);
    FUZZ_CHECK(n < size);
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(text[i] >= 0x20 && text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gen_str xml = {(const char *)data, size};
    struct gen_buf token = gen_buf_make(4096);
    struct gen_error err = {.msg = ""};
    struct seen s = {0, 0};
    int rc = gen_listing_read(xml, see, &s, &token, &err);
    FUZZ_CHECK(rc == GEN_OK || err.msg[0] != '\0');
    /* A UTF-8 text of Latin-1 input has twice its bytes at most. */
    FUZZ_CHECK(s.n_bytes <= 2 * size && token.n <= 2 * size);
    FUZZ_CHECK(rc != GEN_OK || !memmem(data, size, "<!DOCTYPE", 9) ||
               memmem(data, size, "<!--", 4) || memmem(data, size, "<![CDATA[", 9) ||
               memmem(data, size, "<?", 2));
    gen_buf_release(&token);
    struct gen_s3_error e;
    gen_s3_error_read(&e, xml);
    check_text(e.code, sizeof(e.code));
    check_text(e.message, sizeof(e.message));
    check_text(e.region, sizeof(e.region));
    return 0;
}
