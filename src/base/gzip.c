#include "base/gzip.h"

#include <limits.h>
/* Its input pointer is then one to constant bytes. */
#define ZLIB_CONST
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* 16: a gzip header instead of zlib's */
#define MEM_LEVEL   8
#define STEP_BYTES  65536

static int drain(z_stream *z, int flush, struct gen_buf *out, struct gen_error *err)
{
    unsigned char room[STEP_BYTES];
    int state = Z_OK;
    do {
        z->next_out = room;
        z->avail_out = sizeof(room);
        state = deflate(z, flush);
        if (state == Z_STREAM_ERROR)
            return gen_fail(err, GEN_ESTATE, "zlib refuses to compress");
        int rc = gen_buf_add(out, room, sizeof(room) - z->avail_out, err);
        if (rc)
            return rc;
    } while (z->avail_out == 0);
    return GEN_OK;
}

int gen_gzip(struct gen_buf *out, struct gen_str data, struct gen_error *err)
{
    z_stream z = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, GZIP_WINDOW, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return gen_nomem(err, "a compressor");
    int rc = GEN_OK;
    do {
        size_t n = data.n < UINT_MAX ? data.n : UINT_MAX;
        z.next_in = (const Bytef *)data.p;
        z.avail_in = (uInt)n;
        data = gen_str_sub(data, n, data.n - n);
        rc = drain(&z, data.n ? Z_NO_FLUSH : Z_FINISH, out, err);
    } while (rc == GEN_OK && data.n);
    (void)deflateEnd(&z);
    return rc;
}
