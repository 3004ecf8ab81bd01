/*
 * The card of a dataset folder: README.md with the header that the Hugging Face hub and `datasets`
 * read (formats.md §1.10), and for people where the rows come from, what was done to them, and what
 * to beware of. Text from data is escaped for YAML and Markdown.
 */
#ifndef GEN_DATASET_CARD_H
#define GEN_DATASET_CARD_H

#include "base/counts.h"
#include "dataset/export.h"
#include "dataset/rowset.h"

struct gen_card {
    const char *name;    /* of the folder */
    const char *license; /* "other" */
    const struct gen_export_format *format;
    const struct gen_export_options *options;
    const struct gen_splits *splits;
    const struct gen_rowset_order *order;
    uint64_t n_rows;      /* written */
    uint64_t n_reasoning; /* of them with a chain of thought */
    uint64_t n_tools;     /* rows that offer tools */
    uint64_t n_sources;
    const struct gen_rowset_source *top; /* the sources with the most rows */
    size_t n_top;
    int64_t n_in;                      /* records read */
    const struct gen_counts *filtered; /* records left out, by rule */
    const struct gen_json *summary;    /* the input's <stem>_summary.json; NULL: there is none */
    const struct gen_json *metrics;    /* and <stem>_metrics.json, for the threshold; NULL */
};

/* Appends the card's text. */
GEN_MUST_USE int gen_card_write(struct gen_buf *out, const struct gen_card *card,
                                struct gen_error *err);

#endif
