#include "dataset/consumer/rules.h"

const struct gen_consumer gen_consumer_datasets = {
    .name = "datasets",
    .title = "datasets",
    .traits = GEN_READS_BY_DATASETS | GEN_READS_NAN,
    .row_bytes_warn = (size_t)10 << 20,
    .row_bytes_why = "Arrow reads in blocks and may ask for a larger chunksize",
};
