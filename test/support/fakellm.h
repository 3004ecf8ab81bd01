/*
 * fakellm: a model server for tests and measurements. One process, one thread, plain epoll.
 *
 * It answers the chat routes of Ollama, OpenAI (and what copies it), Anthropic and Gemini with
 * text that is a pure function of the request body and --seed, so that a run that was killed and
 * resumed gets the same bytes. Answers to the steps of the program quote the source found in the
 * request. Faults (doc: fake_fault_kinds in fakellm_fault.c) are injected by probability or by
 * request number.
 *
 * It does not: speak TLS or HTTP/2, stream, understand what it is asked.
 *
 * Requests are scanned with memmem in their escaped form and never parsed, because the server
 * shares two cores with the client under measurement. Only a schema that is none of the known
 * steps is parsed.
 */
#ifndef FAKELLM_H
#define FAKELLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FAKE_SENTENCES_MAX     64
#define FAKE_ITEMS_MAX         16
#define FAKE_RULES_MAX         32
#define FAKE_REJECTED_MAX      8
#define FAKE_WHEEL_SLOTS       4096u
#define FAKE_STATUS_MAX        600
#define FAKE_REQUEST_BYTES_MAX ((size_t)64 << 20)
#define FAKE_BIG_BYTES         ((size_t)50 << 20)

/* ---- text ------------------------------------------------------------------------------------ */

struct fake_span {
    const char *p;
    size_t n;
};

/* A growing buffer. `failed` stays set after an allocation failed; checked once, at the end. */
struct fake_buf {
    char *p;
    size_t len;
    size_t cap;
    bool failed;
};

bool fake_buf_reserve(struct fake_buf *b, size_t more);
void fake_buf_put(struct fake_buf *b, const char *p, size_t n);
void fake_buf_puts(struct fake_buf *b, const char *s);
void fake_buf_char(struct fake_buf *b, char c);
void fake_buf_uint(struct fake_buf *b, uint64_t value);
void fake_buf_printf(struct fake_buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends `text` as the inside of a JSON string. Bytes that are not UTF-8 pass unchanged. */
void fake_buf_escape(struct fake_buf *b, const char *text, size_t n);
/* Appends text that is already JSON-escaped, with escaped line ends as spaces. */
void fake_buf_flat(struct fake_buf *b, struct fake_span escaped);
void fake_buf_release(struct fake_buf *b);

bool fake_span_is(struct fake_span s, const char *text);
bool fake_span_starts(struct fake_span s, const char *text);
/* First occurrence of `needle` in `s`, or NULL. */
const char *fake_span_find(struct fake_span s, const char *needle);
/* Reads decimal digits at `*at` and moves it behind them. False: none, or too large. */
bool fake_number(const char **at, uint64_t *out);
/* splitmix64: independent draws from one hash. */
uint64_t fake_mix(uint64_t hash, uint64_t salt);

/* ---- faults ---------------------------------------------------------------------------------- */

enum fake_fault {
    FAKE_OK,
    FAKE_REFUSE,
    FAKE_CLOSE,
    FAKE_RESET,
    FAKE_HANG,
    FAKE_SLOW,
    FAKE_CUT,
    FAKE_CUTCHUNK,
    FAKE_CUTCLOSE,
    FAKE_CHUNKED,
    FAKE_429,
    FAKE_429MS,
    FAKE_429DATE,
    FAKE_429BARE,
    FAKE_429ABSURD,
    FAKE_429QUOTA,
    FAKE_500,
    FAKE_502,
    FAKE_503,
    FAKE_504,
    FAKE_529,
    FAKE_400CTX,
    FAKE_400PARAM,
    FAKE_401,
    FAKE_404MODEL,
    FAKE_200ERROR,
    FAKE_NOCHOICES,
    FAKE_LENGTH,
    FAKE_NOUSAGE,
    FAKE_EMPTY,
    FAKE_FENCED,
    FAKE_PROSE,
    FAKE_NONJSON,
    FAKE_MISSING,
    FAKE_WRONGTYPE,
    FAKE_NESTED,
    FAKE_DUPKEYS,
    FAKE_SURROGATE,
    FAKE_BADUTF8,
    FAKE_BIG,
    FAKE_CONTENTTYPE,
    FAKE_REDIRECT,
    FAKE_CLOSEAFTER,
    FAKE_IDLECLOSE,
    FAKE_LATE,
    FAKE_N_FAULTS
};

struct fake_rule {
    enum fake_fault fault;
    double probability; /* used when first == 0 */
    uint64_t first;     /* request numbers, from 1; 0 = by probability */
    uint64_t last;
};

const char *fake_fault_name(enum fake_fault fault);
/* The status a client sees; 0 when it sees none. */
int fake_fault_status(enum fake_fault fault);
/* NAME:PROB, NAME@K, NAME@K-L or NAME@K- (no end). False: not understood. */
bool fake_rule_parse(const char *text, struct fake_rule *out);
/* The fault of one request. Faults of content depend on the body alone, so that the answer to a
 * body is always the same; the others also on how often the body was seen before, so that a retry
 * can succeed. Neither depends on the order in which requests arrive. */
enum fake_fault fake_fault_draw(const struct fake_rule *rules, size_t n_rules, uint64_t seed,
                                uint64_t number, uint64_t body_hash, unsigned n_seen);

/* ---- what is asked --------------------------------------------------------------------------- */

enum fake_api { FAKE_OLLAMA_CHAT, FAKE_OLLAMA_GENERATE, FAKE_OPENAI, FAKE_ANTHROPIC, FAKE_GEMINI };

enum fake_step {
    FAKE_STEP_PROSE, /* no schema, no known property name: plain text */
    FAKE_STEP_PAIRS,
    FAKE_STEP_CODE_PAIRS,
    FAKE_STEP_COT,
    FAKE_STEP_ENRICH,
    FAKE_STEP_JUDGE,
    FAKE_STEP_SCHEMA /* any other schema */
};

struct fake_sentence {
    struct fake_span text; /* a slice of the request, still JSON-escaped */
    unsigned n_words;
};

struct fake_item {
    struct fake_span id;
    struct fake_span question;
    struct fake_span answer;
};

/* What the scan of one request body found. All spans point into the body. */
struct fake_prompt {
    struct fake_span body;
    struct fake_span model;
    struct fake_span source;
    struct fake_span tail;
    enum fake_step step;
    uint64_t hash;
    unsigned n_wanted;
    bool has_topic;
    size_t n_sentences;
    size_t n_items;
    struct fake_sentence sentences[FAKE_SENTENCES_MAX];
    struct fake_item items[FAKE_ITEMS_MAX];
};

void fake_prompt_scan(struct fake_prompt *p, struct fake_span body, uint64_t hash);

/* Appends the model's text for the prompt; `defect` is FAKE_OK or one of FAKE_MISSING,
 * FAKE_WRONGTYPE, FAKE_NESTED, FAKE_DUPKEYS, FAKE_SURROGATE, FAKE_NONJSON. */
void fake_answer_write(struct fake_buf *out, const struct fake_prompt *p, size_t answer_bytes,
                       enum fake_fault defect);
/* A minimal value that satisfies the schema of the request. False: there is no readable schema. */
bool fake_schema_answer(struct fake_buf *out, const struct fake_prompt *p);

/* ---- replies --------------------------------------------------------------------------------- */

struct fake_config {
    unsigned latency_ms;
    unsigned jitter_ms;
    unsigned late_ms;
    unsigned refuse_ms;
    unsigned slow_ms;
    unsigned idle_ms;
    unsigned retry_after_s;
    size_t answer_bytes;
    uint64_t seed;
    uint16_t port;
    bool refuse_all;
    bool die_with_parent;
    const char *log_path;
    const char *vectors_path;
    const char *api_key;     /* NULL: every key is right */
    const char *redirect_to; /* NULL: this server under another name */
    size_t n_rejected;
    const char *rejected[FAKE_REJECTED_MAX]; /* request fields answered with 400 */
    size_t n_rules;
    struct fake_rule rules[FAKE_RULES_MAX];
};

struct fake_request {
    struct fake_span method;
    struct fake_span path;
    struct fake_span headers;
    struct fake_span body;
    uint64_t hash;
    bool keep_alive;
};

enum fake_parsed { FAKE_PARSED_MORE, FAKE_PARSED_WHOLE, FAKE_PARSED_BAD };

/* Splits the first request of `in`. `*need` is its length with the body, as soon as it is known;
 * then `out->headers` is set, too. A chunked request is bad. */
enum fake_parsed fake_request_parse(struct fake_span in, struct fake_request *out, size_t *need);
/* What follows "Name:" (given with the colon, any case) in the header lines, or NULL. */
const char *fake_header(struct fake_span headers, const char *name);

/* One reply as bytes of the wire, and how to send it. */
struct fake_reply {
    char *bytes; /* heap; owned by the connection */
    size_t len;
    size_t send_bytes; /* stop after so many of `bytes` and close; == len for whole replies */
    size_t fill_bytes; /* filler between `bytes` and `tail` */
    const char *tail;  /* static text */
    unsigned delay_ms;
    int status;
    enum fake_fault fault;
    bool close_after;
    bool reset;
    bool hang;
    bool slow;
    bool idle_close;
    bool is_model;   /* a model request: counted, logged, subject to faults */
    unsigned n_seen; /* how often this body was seen before */
    uint64_t number; /* of the model request, from 1 */
};

/* ---- statistics, vectors ----------------------------------------------------------------------
 */

struct fake_seen {
    uint64_t *keys;
    uint32_t *counts;
    size_t n;
    size_t cap; /* a power of two */
};

struct fake_stats {
    uint64_t n_requests; /* model requests; all others are n_other */
    uint64_t n_other;
    uint64_t n_repeated;
    uint64_t n_abandoned;
    uint64_t n_connections;
    uint64_t n_trap;
    uint64_t n_trap_with_key;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t tokens_in;
    uint64_t tokens_out;
    uint32_t max_same_body;
    uint32_t in_flight;
    uint32_t max_in_flight;
    uint32_t connections;
    uint32_t max_connections;
    uint64_t by_status[FAKE_STATUS_MAX]; /* 0: no status was sent */
    uint64_t by_fault[FAKE_N_FAULTS];
};

/* Counts one more sight of `key`. Returns how often it was seen before. */
unsigned fake_seen_add(struct fake_seen *seen, uint64_t key);
void fake_seen_release(struct fake_seen *seen);
void fake_stats_write(struct fake_buf *out, const struct fake_stats *s, size_t n_distinct);

struct fake_vector {
    char *id;
    char *body;
    size_t body_len;
    char *headers; /* complete lines */
    int status;
};

struct fake_vectors {
    struct fake_vector *items;
    size_t n;
    size_t next; /* a queue of scripted replies is played from here */
};

/* Lines of provider-vectors.jsonl. False after a message on standard error. */
bool fake_vectors_load(struct fake_vectors *v, const char *path);
const struct fake_vector *fake_vectors_find(const struct fake_vectors *v, struct fake_span id);
void fake_vectors_release(struct fake_vectors *v);

/* ---- the server ------------------------------------------------------------------------------ */

struct fake_conn;

struct fake_server {
    struct fake_config config;
    struct fake_stats stats;
    struct fake_seen seen;
    struct fake_vectors vectors;
    struct fake_vectors script;
    struct fake_prompt prompt; /* scratch of one request */
    struct fake_buf content;   /* scratch: the model's text */
    struct fake_buf head;      /* scratch: the header of the reply */
    struct fake_buf wire;      /* scratch: the body of the reply */
    FILE *log;
    bool log_dirty;
    uint64_t now_us;
    uint64_t start_ms;
    uint64_t listen_again_ms; /* 0: listening */
    int epoll_fd;
    int listen_fd;
    int signal_fd;
    uint16_t port;
    size_t n_timers;
    struct fake_conn *wheel[FAKE_WHEEL_SLOTS];
    uint64_t wheel_ms; /* slots up to here were run */
    struct fake_conn *conns;
    char *filler;
    char *input;
};

/* Applies POST /fake/script:
 * {"faults":["429:0.1","close@3-5"],"latency_ms":5,"jitter_ms":0,"answer_bytes":2000,"seed":1,
 *  "replies":[{"status":200,"headers":{},"body":{}}]}.
 * `faults` replaces all rules; `replies` are given literally to the next model requests. */
bool fake_script_apply(struct fake_server *s, struct fake_span json);

/* Fills `reply` for a complete request; model requests are counted. False: out of memory. */
bool fake_reply_make(struct fake_server *s, const struct fake_request *request,
                     struct fake_reply *reply);
/* The model's reply to a request on one of the chat routes, body and header, with the fault in
 * `reply->fault` worked in. */
bool fake_model_reply(struct fake_server *s, const struct fake_request *request, enum fake_api api,
                      struct fake_reply *reply);

enum fake_framing { FAKE_BY_LENGTH, FAKE_BY_CHUNKS, FAKE_BY_CUT_CHUNKS, FAKE_BY_CLOSE };

/* Makes the bytes of the reply from `extra` header lines and the body in s->wire. */
bool fake_reply_finish(struct fake_server *s, struct fake_reply *reply, int status,
                       const char *extra, enum fake_framing framing);
bool fake_server_run(struct fake_server *s);

#endif
