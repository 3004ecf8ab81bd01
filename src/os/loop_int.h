/* What the files of os/ that wrap libuv share. Private to os/. */
#ifndef GEN_OS_LOOP_INT_H
#define GEN_OS_LOOP_INT_H

#include "os/loop.h"

#include <uv.h>

/* Handles made on it must be closed before gen_loop_free, or be in the middle of closing: that one
 * frees only what loop.c has made, and runs the close callbacks of the others. */
uv_loop_t *gen_loop_uv(struct gen_loop *loop);

#endif
