/*
 * fakellm: a model server for tests and measurements. One process, one thread, plain epoll.
 *
 * It speaks the protocols of Ollama, OpenAI (and vLLM, llama.cpp), Anthropic and Gemini: chat,
 * whole and streamed, lists of models, batches, rate limits. Answers are text that is a pure
 * function of the request body and --seed, so that a run that was killed and resumed gets the same
 * bytes, streamed or not, live or in a batch. Answers to the steps of the program quote the source
 * found in the request. Faults (doc: fake_fault_kinds in fakellm_fault.c) are injected by
 * probability, by request number, or for the first sights of a body.
 *
 * It does not: speak TLS or HTTP/2, understand what it is asked.
 *
 * Request bodies are scanned in their escaped form, the members of the outermost object in one
 * pass, because the server shares two cores with the client under measurement. Only a schema that
 * is none of the known steps is parsed.
 *
 * Rooms: _server connections and time; _http requests; _route who answers; _reply one reply of a
 * model; _ollama, _openai, _anthropic, _gemini the shapes of each provider; _stream events and
 * their faults; _error what is said instead of an answer; _check what a provider refuses; _limit
 * rate limits; _cache prefix caches; _batch* half-price batches; _info what is told about models;
 * _prompt, _answer, _schema the model itself.
 */
#ifndef FAKELLM_H
#define FAKELLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FAKE_SENTENCES_MAX     64
#define FAKE_ITEMS_MAX         16
#define FAKE_RULES_MAX         96
#define FAKE_REJECTED_MAX      8
#define FAKE_WHEEL_SLOTS       4096u
#define FAKE_STATUS_MAX        600
#define FAKE_MODELS_MAX        8
#define FAKE_MEMBERS_MAX       40
#define FAKE_PREFIXES_MAX      4
#define FAKE_SECONDS_MAX       3600u
#define FAKE_REQUEST_BYTES_MAX ((size_t)256 << 20)
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

/* ---- JSON as it stands ----------------------------------------------------------------------- */

struct fake_member {
    struct fake_span key;   /* without quotes, still escaped */
    struct fake_span value; /* raw */
};

/* The members of one object; those beyond FAKE_MEMBERS_MAX are left out. */
struct fake_members {
    size_t n;
    struct fake_member items[FAKE_MEMBERS_MAX];
};

/* Not a validator: text that is no object has the members that were found before it went wrong. */
void fake_members_read(struct fake_members *m, struct fake_span object);
/* The raw value; empty when absent. */
struct fake_span fake_member(const struct fake_members *m, const char *name);
/* The same for an object whose members were not read. */
struct fake_span fake_member_of(struct fake_span object, const char *name);
/* Elements one after the other; `*at` begins at 0. False: no more. */
bool fake_array_next(struct fake_span array, size_t *at, struct fake_span *value);
/* The inside of a string, still escaped; empty if it is none. */
struct fake_span fake_unquote(struct fake_span value);
uint64_t fake_span_uint(struct fake_span value, uint64_t fallback);

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
    FAKE_429CREDIT,
    FAKE_SLOWDOWN,
    FAKE_402,
    FAKE_402RETRY,
    FAKE_400CREDIT,
    FAKE_500,
    FAKE_500NORETRY,
    FAKE_500HTML,
    FAKE_502,
    FAKE_503,
    FAKE_504,
    FAKE_529,
    FAKE_400CTX,
    FAKE_400PARAM,
    FAKE_401,
    FAKE_403,
    FAKE_408,
    FAKE_409,
    FAKE_498,
    FAKE_404MODEL,
    FAKE_200ERROR,
    FAKE_NOCHOICES,
    FAKE_LENGTH,
    FAKE_REFUSAL,
    FAKE_FILTER,
    FAKE_RECITATION,
    FAKE_CTXWINDOW,
    FAKE_CONTINUATION,
    FAKE_ABORT,
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
    FAKE_BIG10,
    FAKE_GZIP,
    FAKE_BLANKS,
    FAKE_CHUNK1,
    FAKE_BYTEWISE,
    FAKE_CUTHEAD,
    FAKE_DEADKEEP,
    FAKE_SSECOMMENTS,
    FAKE_SSECRLF,
    FAKE_SSEUTF8,
    FAKE_SSEERROR,
    FAKE_SSENODONE,
    FAKE_SSECUT,
    FAKE_SSETWO,
    FAKE_SSESTALL,
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
    uint64_t every;  /* not 0: each request whose number is a multiple of it */
    uint64_t sights; /* not 0: the first so many sights of each body */
};

/* What a fault is drawn from. */
struct fake_sight {
    uint64_t number; /* of the request, from 1; 0: only faults of content */
    uint64_t body_hash;
    unsigned n_seen; /* how often the body was seen before */
};

const char *fake_fault_name(enum fake_fault fault);
/* The status a client sees; 0 when it sees none. */
int fake_fault_status(enum fake_fault fault);
/* NAME:PROB, NAME@K, NAME@K-L, NAME@K- (no end), NAME%K (each K-th request) or NAME#K (the first K
 * sights of each body). False: not understood. */
bool fake_rule_parse(const char *text, struct fake_rule *out);
/* The fault of one request. Faults of content depend on the body alone, so that the answer to a
 * body is always the same; the others also on how often the body was seen before, so that a retry
 * can succeed. Neither depends on the order in which requests arrive. */
enum fake_fault fake_fault_draw(const struct fake_rule *rules, size_t n_rules, uint64_t seed,
                                const struct fake_sight *sight);

/* ---- what is asked --------------------------------------------------------------------------- */

enum fake_api {
    FAKE_OLLAMA_CHAT,
    FAKE_OLLAMA_GENERATE,
    FAKE_OPENAI,
    FAKE_ANTHROPIC,
    FAKE_GEMINI,
    FAKE_N_APIS
};

enum fake_step {
    FAKE_STEP_PROSE, /* no schema, no known property name: plain text */
    FAKE_STEP_PAIRS,
    FAKE_STEP_CODE_PAIRS,
    FAKE_STEP_COT,
    FAKE_STEP_ENHANCE,
    FAKE_STEP_CONCLUDE,
    FAKE_STEP_ENRICH,
    FAKE_STEP_JUDGE,
    FAKE_STEP_TOOL_REQUEST, /* for one call; below: several, with a gap, with none that fits */
    FAKE_STEP_TOOL_REQUESTS,
    FAKE_STEP_TOOL_MISSING,
    FAKE_STEP_TOOL_IRRELEVANCE,
    FAKE_STEP_TOOL_PLAN,
    FAKE_STEP_TOOL_JUDGE,
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
    bool is_code; /* FAKE_STEP_COT: the source is code */
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
/* The answers of the steps FAKE_STEP_TOOL_REQUEST to FAKE_STEP_TOOL_PLAN; false for other steps. */
bool fake_tool_request_answer(struct fake_buf *out, const struct fake_prompt *p);
/* The next call of a request that the fake model wrote itself; false for others. */
bool fake_tool_order(struct fake_buf *out, const struct fake_prompt *p);
/* A minimal value that satisfies the schema of the request. False: there is no readable schema. */
bool fake_schema_answer(struct fake_buf *out, const struct fake_prompt *p);
/* The same for a schema's text. False: it is none. */
bool fake_schema_value(struct fake_buf *out, const struct fake_prompt *p, const char *schema);
/* The next call, a tool's result, the closing reply. False: something else is asked. */
bool fake_calls_answer(struct fake_buf *out, const struct fake_prompt *p);

/* ---- the providers' shapes ---------------------------------------------------------------------
 */

enum fake_flavour { FAKE_ANY, FAKE_PLAIN_OPENAI, FAKE_VLLM, FAKE_LLAMACPP };
enum fake_form { FAKE_WHOLE, FAKE_SSE, FAKE_LINES, FAKE_ARRAY };

enum fake_finish {
    FAKE_DONE,
    FAKE_AT_LIMIT,
    FAKE_REFUSED,
    FAKE_FILTERED,
    FAKE_RECITED,
    FAKE_WINDOW_FULL,
    FAKE_UNFINISHED, /* Gemini's CONTINUATION */
    FAKE_ABORTED,
    FAKE_N_FINISHES
};

/* What the model says, before it takes a provider's shape. */
struct fake_answer {
    struct fake_span model;
    struct fake_span text;
    struct fake_span reasoning;
    struct fake_span tool; /* name of the tool that must be called; empty: none */
    enum fake_finish finish;
    enum fake_fault fault;
    enum fake_flavour flavour;
    uint64_t hash;
    size_t tokens_in; /* all, with the cached ones */
    size_t tokens_out;
    size_t tokens_reasoning; /* part of tokens_out */
    size_t tokens_cached;
    size_t tokens_written;
    size_t delta_bytes; /* of text in an event */
    bool has_usage;
    bool usage_asked; /* OpenAI: stream_options.include_usage */
    const char *reasoning_field;
};

struct fake_error {
    int status;
    const char *type; /* OpenAI's; the others derive theirs from the status */
    const char *code;
    const char *param; /* NULL: none */
    const char *message;
    enum fake_flavour flavour;
    const char *details; /* Anthropic: error_code; Gemini: the array, as JSON; NULL: none */
};

/* The events of a streamed answer, as chunks of HTTP unless `is_bare`. */
struct fake_stream {
    struct fake_buf *out;
    enum fake_form form;
    enum fake_api api;
    enum fake_fault fault;
    bool is_bare;
    bool is_over; /* a fault has ended it: what follows is dropped */
    bool is_open; /* a chunk is open */
    unsigned n_events;
    unsigned n_deltas;
    size_t event_at;
    size_t chunk_at;
};

enum fake_event_kind { FAKE_EVENT_PLAIN, FAKE_EVENT_DELTA, FAKE_EVENT_FINISH, FAKE_EVENT_LAST };

/* `name` may be NULL. The data is appended to the stream's buffer between begin and end. */
void fake_event_begin(struct fake_stream *st, const char *name);
void fake_event_end(struct fake_stream *st, enum fake_event_kind kind);
void fake_stream_close(struct fake_stream *st);
/* The next piece of `text` from `*at`, about `bytes` long, that splits no character. */
struct fake_span fake_delta_next(struct fake_span text, size_t *at, size_t bytes);

struct fake_shape {
    void (*whole)(struct fake_buf *out, const struct fake_answer *a);
    void (*stream)(struct fake_stream *st, const struct fake_answer *a);
    void (*error)(struct fake_buf *out, const struct fake_error *e);
    const char *nothing;  /* a success without an answer */
    const char *big_head; /* around the filler of a very long answer */
    const char *big_tail;
};

extern const struct fake_shape fake_shape_ollama_chat;
extern const struct fake_shape fake_shape_ollama_generate;
extern const struct fake_shape fake_shape_openai;
extern const struct fake_shape fake_shape_anthropic;
extern const struct fake_shape fake_shape_gemini;
const struct fake_shape *fake_shape_of(enum fake_api api);

/* The error that a fault stands for. */
struct fake_error fake_error_of(enum fake_fault fault, enum fake_api api,
                                enum fake_flavour flavour);
/* "model":"NAME" without the braces, or the default name. */
void fake_put_model(struct fake_buf *out, struct fake_span model);
void fake_put_text(struct fake_buf *out, const char *name, struct fake_span text);
void fake_put_count(struct fake_buf *out, const char *name, uint64_t value);

/* ---- replies --------------------------------------------------------------------------------- */

struct fake_config {
    unsigned latency_ms;
    unsigned jitter_ms;
    unsigned late_ms;
    unsigned refuse_ms;
    unsigned slow_ms;
    unsigned idle_ms;
    unsigned retry_after_s;
    unsigned stream_bytes; /* text in an event */
    unsigned stream_ms;    /* between events; 0: all at once */
    unsigned stall_ms;
    unsigned fault_from_ms; /* faults between these two, from the first request on */
    unsigned fault_until_ms;
    unsigned n_ctx; /* tokens */
    unsigned rpm;   /* 0: no limit */
    unsigned tpm;
    unsigned burst_s; /* a bucket holds what comes in so many seconds */
    unsigned cache_min_tokens;
    unsigned batch_ms;           /* until a batch is done */
    unsigned batch_error_ppm;    /* lines with an error, of a million */
    unsigned batch_expire_ppm;   /* lines that expire */
    unsigned batch_fail;         /* the first so many batches fail validation */
    unsigned batch_cut;          /* the so manieth batch is created without an answer; 0: none */
    unsigned price_in_millicent; /* for a million tokens */
    unsigned price_out_millicent;
    enum fake_flavour flavour;
    bool charge_refused; /* refused requests count against the limit */
    bool limit_context;  /* prompts over n_ctx are refused */
    const char *reasoning_field;
    size_t reasoning_bytes;
    size_t n_models;
    const char *models[FAKE_MODELS_MAX]; /* none: every name is right */
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
    struct fake_span query; /* after the question mark */
    struct fake_span headers;
    struct fake_span body;
    uint64_t hash;      /* of the body without what only says how the answer is to be carried */
    size_t plain_bytes; /* of that body */
    uint64_t n_before;  /* requests on this connection before this one */
    bool keep_alive;
};

enum fake_parsed { FAKE_PARSED_MORE, FAKE_PARSED_WHOLE, FAKE_PARSED_BAD };

/* Splits the first request of `in`. `*need` is its length with the body, as soon as it is known;
 * then `r->headers` is set, too. A chunked request is bad. */
enum fake_parsed fake_request_parse(struct fake_span in, struct fake_request *r, size_t *need);
/* What follows "Name:" (given with the colon, any case) in the header lines, or NULL. */
const char *fake_header(struct fake_span headers, const char *name);

/* One reply as bytes of the wire, and how to send it. */
struct fake_reply {
    char *bytes; /* heap; owned by the connection */
    size_t len;
    size_t send_bytes;  /* stop after so many of `bytes` and close; == len for whole replies */
    size_t piece_bytes; /* the most in one write; 0: any */
    unsigned piece_ms;  /* between writes */
    size_t stall_at;    /* a pause of stall_ms after so many bytes; 0: none */
    bool by_event;      /* one event in a write */
    bool splits_utf8;   /* writes end inside of characters */
    size_t fill_bytes;  /* filler between `bytes` and `tail` */
    const char *tail;   /* static text */
    unsigned delay_ms;
    int status;
    enum fake_fault fault;
    bool close_after;
    bool reset;
    bool hang;
    enum fake_form form;
    bool idle_close;
    bool is_limited;
    uint64_t seen_key;
    bool is_model;   /* a model request: counted, logged, subject to faults */
    unsigned n_seen; /* how often this body was seen before */
    uint64_t number; /* of the model request, from 1 */
    size_t n_prefixes;
    uint64_t prefixes[FAKE_PREFIXES_MAX]; /* cached once the answer begins */
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
    uint64_t tokens_cached;
    uint64_t tokens_written;
    uint64_t n_cache_reads;
    uint64_t n_cache_writes;
    uint64_t n_cache_misses; /* parallel: the same prefix was being written */
    uint64_t n_paid_again;   /* answers to a body that had got one before */
    uint64_t n_streamed;
    uint64_t n_limited;   /* refused by --rpm or --tpm */
    uint64_t n_truncated; /* prompts that were cut silently */
    uint64_t n_key_in_url;
    uint64_t micro_usd;
    uint64_t pico_usd_rest; /* below a million */
    uint64_t n_files;
    uint64_t n_batches;
    uint64_t n_batch_lines;
    uint64_t n_batches_canceled;
    uint64_t n_batch_polls;
    uint32_t max_same_body;
    uint32_t in_flight;
    uint32_t max_in_flight;
    uint32_t connections;
    uint32_t max_connections;
    uint64_t by_status[FAKE_STATUS_MAX]; /* 0: no status was sent */
    uint64_t by_fault[FAKE_N_FAULTS];
};

/* What an answer costs, in pico-dollars; in a batch it is half. */
uint64_t fake_price_pico(const struct fake_config *c, const struct fake_answer *a);
void fake_stats_charge(struct fake_stats *s, const struct fake_config *c,
                       const struct fake_answer *a);
void fake_stats_pay(struct fake_stats *s, uint64_t pico_usd);
/* One finished answer in the second it was given. */
struct fake_second {
    uint32_t n_good;
    uint32_t n_limited;
    uint32_t n_failed;
};
void fake_seconds_write(struct fake_buf *out, const struct fake_second *seconds, size_t n);

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

/* ---- limits, caches, batches -------------------------------------------------------------------
 */

/* Token buckets, filled continuously. */
struct fake_limits {
    double requests;
    double tokens;
    uint64_t filled_us;
    bool is_filled;
};

struct fake_server;
struct fake_batches;

/* Takes one request of so many tokens. False: refused, and `*wait_ms` is when it may come again. */
bool fake_limit_take(struct fake_server *s, size_t tokens, uint64_t *wait_ms);
/* What the answer needed beyond the prompt. */
void fake_limit_spend(struct fake_server *s, size_t tokens);
void fake_limit_headers(struct fake_server *s, enum fake_api api);
void fake_limit_refuse(struct fake_server *s, enum fake_api api, uint64_t wait_ms);
bool fake_in_phase(const struct fake_server *s);

/* Looks the prefixes of a request up and fills the counts of `a`; `reply` keeps what becomes cached
 * when its first byte is sent. */
void fake_cache_ask(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                    struct fake_reply *reply, struct fake_answer *a);
void fake_cache_fill(struct fake_server *s, const struct fake_reply *reply);

/* Batch and file routes of all providers. False: the path is none of them. `*ok` is false when
 * memory ran out. */
bool fake_batch_route(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply,
                      bool *ok);
void fake_batches_free(struct fake_batches *b);
/* GET routes about models and health. False: none of them. */
bool fake_info_route(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply,
                     bool *ok);
bool fake_model_known(const struct fake_config *c, struct fake_span model);

/* ---- the server ------------------------------------------------------------------------------ */

struct fake_conn;

struct fake_server {
    struct fake_config config;
    struct fake_stats stats;
    struct fake_seen seen;
    struct fake_seen paid;     /* bodies that got an answer */
    struct fake_seen prefixes; /* prefixes that are being written: how often */
    struct fake_seen cached;   /* prefixes that can be read */
    struct fake_limits limits;
    struct fake_batches *batches; /* NULL before the first */
    struct fake_members members;  /* of the request's body */
    struct fake_second seconds[FAKE_SECONDS_MAX];
    size_t n_seconds;
    uint64_t first_ms; /* of the first model request; 0: none came */
    struct fake_vectors vectors;
    struct fake_vectors script;
    struct fake_prompt prompt; /* scratch of one request */
    struct fake_buf content;   /* scratch: the model's text */
    struct fake_buf reasoning; /* scratch */
    struct fake_buf extra;     /* scratch: header lines of the reply */
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
    char message[256]; /* scratch: of an error */
    char details[640]; /* scratch: of an error */
};

/* Sets a number by the name of its option. False: there is none of this name. */
bool fake_config_number(struct fake_config *c, const char *name, uint64_t value);

/* Applies POST /fake/script:
 * {"faults":["429:0.1","close@3-5"],"latency_ms":5,"jitter_ms":0,"answer_bytes":2000,"seed":1,
 *  "replies":[{"status":200,"headers":{},"body":{}}]}.
 * All options of one number are taken, with '-' as '_'. `faults` replaces all rules; `replies` are
 * given literally to the next model requests. */
bool fake_script_apply(struct fake_server *s, struct fake_span json);

/* Reads the members of the body into s->members, and sets the hash. */
void fake_request_read(struct fake_server *s, struct fake_request *r);
/* Fills `reply` for a complete request; model requests are counted. False: out of memory. */
bool fake_reply_make(struct fake_server *s, struct fake_request *request, struct fake_reply *reply);
/* The model's reply to a request on one of the chat routes, body and header, with the fault in
 * `reply->fault` worked in. */
bool fake_model_reply(struct fake_server *s, const struct fake_request *request, enum fake_api api,
                      struct fake_reply *reply);
/* What the model says to a request whose members were read. Points into the scratch buffers. */
void fake_answer_make(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                      enum fake_fault fault, struct fake_answer *a);
enum fake_form fake_form_of(const struct fake_server *s, const struct fake_request *r,
                            enum fake_api api);

/* The model that a request is for; Gemini's stands in the path. */
struct fake_span fake_request_model(const struct fake_server *s, const struct fake_request *r,
                                    enum fake_api api);
/* What the provider refuses about this request by its documentation: keys, headers, parameters,
 * models. False: nothing. `out->message` points to text of the server. */
bool fake_check(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                struct fake_error *out);
/* The parts of it. */
bool fake_check_body(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                     struct fake_error *out);
bool fake_check_key(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                    struct fake_error *out);

enum fake_framing {
    FAKE_BY_LENGTH,
    FAKE_BY_EVENTS, /* the body holds its chunks already */
    FAKE_BY_CHUNKS,
    FAKE_BY_BYTES, /* chunks of one byte */
    FAKE_BY_CUT_CHUNKS,
    FAKE_BY_CUT_EVENTS,
    FAKE_BY_CLOSE
};

/* Makes the bytes of the reply from `extra` header lines and the body in s->wire. */
bool fake_reply_finish(struct fake_server *s, struct fake_reply *reply, int status,
                       const char *extra, enum fake_framing framing);
/* Compresses nothing, but has the form. */
void fake_gzip(struct fake_buf *b);
bool fake_reply_text(struct fake_server *s, struct fake_reply *reply, int status, const char *text);
bool fake_reply_error(struct fake_server *s, struct fake_reply *reply, enum fake_api api,
                      const struct fake_error *e);
bool fake_server_run(struct fake_server *s);

#endif
