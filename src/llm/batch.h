/*
 * Half-price batches (providers.md §3): what the three batch APIs have in common, and how each of
 * them words it. A protocol is a table of pure functions; the conversation is channel_batch.c's.
 * The name of a request in a batch is the hex of its key, so that an answer finds its place without
 * any further record.
 */
#ifndef GEN_LLM_BATCH_H
#define GEN_LLM_BATCH_H

#include "llm/channel.h"
#include "llm/prices.h"

enum gen_remote_state {
    GEN_REMOTE_RUNNING = 0,
    GEN_REMOTE_ENDED,  /* what it has answered can be fetched */
    GEN_REMOTE_FAILED, /* refused as a whole: no request of it was answered */
};

/* A batch as its provider describes it. Views into the description. */
struct gen_batch_remote {
    struct gen_str id;
    enum gen_remote_state state;
    struct gen_str word;                   /* the provider's own word for it */
    bool is_canceled;                      /* somebody has canceled it, or is just doing so */
    struct gen_str results[2];             /* names for `results_path`; empty: none */
    const struct gen_json *inline_results; /* an array of lines; NULL */
    int64_t n_requests, n_done, n_failed;  /* -1: not said */
    int64_t created_unix;                  /* seconds; 0: not said */
    struct gen_str marker;                 /* our own name for it; empty: not said */
    struct gen_str code, message;          /* of a failure */
    bool is_full; /* failed because too much is waiting already: later there is room again */
};

/* One answer of a batch. Views into the line. */
struct gen_batch_line {
    struct gen_str name; /* of the request */
    int status;          /* the HTTP status that a live answer would have had; 0: none came */
    const struct gen_json *body; /* as of a live answer; NULL with status 0 */
    struct gen_str why;          /* status 0: "expired", "canceled" */
    bool is_canceled;            /* status 0 because somebody canceled the batch */
};

struct gen_batch_protocol {
    size_t requests_max, bytes_max; /* of one batch of ours; below what the provider takes */
    const char *upload_path;        /* the requests are a file; NULL: they go into the creation */
    const char *create_path, *list_path;
    const char *status_path, *cancel_path; /* "{id}" stands for the batch's */
    /* "{id}" stands for one of `results`. URLs that a provider sends are not followed: the key goes
     * below the base URL only. */
    const char *results_path;
    const char *page_query; /* added to list_path with the mark of the next page behind it */
    bool has_marker;        /* our own name for a batch is told back in lists */
    /* Adds a request with the body of a live one. */
    int (*add_request)(struct gen_buf *requests, const char *name, const char *chat_path,
                       struct gen_str body, struct gen_error *err);
    /* The form of the upload; "Content-Type" header in `type`. NULL without upload_path. */
    int (*upload_body)(struct gen_str requests, const char *marker, struct gen_buf *out, char *type,
                       size_t n_type, struct gen_error *err);
    int (*create_body)(struct gen_str requests, struct gen_str file_id, const char *marker,
                       struct gen_buf *out, struct gen_error *err);
    /* False when the body describes no batch. */
    bool (*read)(const struct gen_json *body, struct gen_batch_remote *out);
    const char *list_key; /* of the array in an answer to list_path */
    /* The mark of the page after this one; empty: it is the last. */
    struct gen_str (*next_page)(const struct gen_json *body);
    bool (*read_line)(const struct gen_json *line, struct gen_batch_line *out);
};

extern const struct gen_batch_protocol gen_batch_openai;
extern const struct gen_batch_protocol gen_batch_anthropic;
extern const struct gen_batch_protocol gen_batch_gemini;

struct gen_batch_options {
    struct gen_ledger *ledger;
    int64_t run_id;
    struct gen_price price;
    uint64_t poll_ms;    /* between two questions how far a batch is */
    size_t requests_max; /* of one batch; 0: the protocol's */
};

/* Reads a successful response that describes a batch, also one that tells of its failure; `*doc`
 * owns the views. False: it is something else. */
bool gen_batch_read(const struct gen_batch_protocol *p, const struct gen_http_response *response,
                    struct gen_json_doc **doc, struct gen_batch_remote *out);

/* Whether a name that a provider gave can stand in a path: short, and without what would change the
 * path. */
bool gen_batch_name_is_fine(struct gen_str name);
/* gen_provider_wire for one of a protocol's paths, with `id` in the place of "{id}". GEN_EPARSE for
 * a name that is not fine: the key goes where the path says. */
GEN_MUST_USE int gen_batch_wire(const struct gen_provider *p, const struct gen_endpoint *e,
                                const char *model, const char *path, struct gen_str id,
                                struct gen_wire *wire, struct gen_error *err);

/* Collects requests into batches, submits them, and gives their results when the provider has them.
 * Batches on record that an earlier run left behind are taken up. GEN_EUSAGE when the provider has
 * no batches. */
GEN_MUST_USE int gen_channel_batch_new(struct gen_channel *out, const struct gen_channel_options *o,
                                       const struct gen_batch_options *b, struct gen_error *err);

/*
 * The same through files in the OpenAI batch format, for engines such as `vllm run-batch`: requests
 * go to DIR/requests-NNNN.jsonl, all other *.jsonl files of the folder are read as answers.
 * GEN_EUSAGE when the provider does not speak OpenAI's chat completions.
 */
GEN_MUST_USE int gen_channel_files_new(struct gen_channel *out, const struct gen_channel_options *o,
                                       const struct gen_batch_options *b, const char *dir,
                                       struct gen_error *err);

/* What still waits for answers after a run. */
struct gen_files_waiting {
    int64_t n_requests;
    size_t n_files;    /* in `files` */
    unsigned files[4]; /* numbers of the first that hold them: DIR/requests-NNNN.jsonl */
    bool has_more;     /* files */
};
void gen_channel_files_waiting(const struct gen_channel *c, struct gen_files_waiting *out);

#endif
