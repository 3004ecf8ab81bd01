/* The sample files of examples/make_hdf5_samples.c, built into the program: to make them with
 * libhdf5 at each start would take 20 ms. */
#ifndef HDS_SAMPLES_H
#define HDS_SAMPLES_H

#include "base/error.h"

#include <stdbool.h>

#define HDS_SAMPLES 5

struct hds_sample {
    const char *name;
    const unsigned char *data;
    size_t n;
};
extern const struct hds_sample hds_samples[HDS_SAMPLES];

/* Writes them into `dir` when nothing is in it; a directory with anything in it is left as it is.
 * GEN_EIO. */
GEN_MUST_USE int hds_samples_write(const char *dir, struct gen_error *err);

#endif
