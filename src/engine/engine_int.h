/* The engine's inside, shared by its files alone. */
#ifndef GEN_ENGINE_ENGINE_INT_H
#define GEN_ENGINE_ENGINE_INT_H

#include "engine/decide.h"
#include "engine/engine.h"
#include "engine/lane.h"
#include "engine/limiter.h"
#include "json/repair.h"

#define GEN_KEY_BUCKETS        4096U /* a power of two */
#define GEN_SAMPLES_A_ROUND    1000U
#define GEN_CACHED_WAITING_MAX 512U  /* answers of the ledger looked up and not used yet */
#define GEN_USE_SLICE_US       1000U /* of a turn, for using answers */
#define GEN_FLOWS_A_TURN       64U
#define GEN_TURNS_LOOKED_AT    512U /* of a stage, in a turn of the loop */
#define GEN_SENT_BEFORE_PRICE  4U
#define GEN_PREFIXES_MAX       16U /* stable texts of one run that are watched */
#define GEN_BYTES_A_TOKEN      4
#define GEN_EARLY_AN_ANSWER    2U /* refused calls that a good answer lets go before their time */
#define GEN_USER_BYTES_MAX     ((size_t)16 << 20)

enum gen_item_state {
    GEN_ITEM_OPEN = 0,
    GEN_ITEM_PRODUCED,
    GEN_ITEM_FILTERED,
    GEN_ITEM_FAILED,
    GEN_ITEM_SKIPPED,
    GEN_ITEM_CONTINUED, /* open again, with its next record, once the question has ended */
};

/* How one input of a call ended. */
struct gen_settled {
    enum gen_item_state state;
    char name[GEN_COUNT_NAME_BYTES]; /* rule, class or reason */
    char *message;                   /* failures; owned; may be NULL */
    struct gen_item_queue outputs;
    struct gen_item *given; /* the input as it came, once a turn has changed its record; owned */
    struct gen_item *next;  /* what it becomes at the end of the question; owned */
    unsigned n_turns;       /* that have ended */
    unsigned repairs;       /* enum gen_repair_step: of the answers of earlier turns */
};

enum gen_call_state {
    GEN_CALL_READY = 0, /* to be asked when there is room */
    GEN_CALL_DELAYED,   /* to be asked again at ready_at_ms */
    GEN_CALL_HELD,      /* not in the ledger, and nothing may be sent just now */
    GEN_CALL_TWIN,      /* another call asks the same just now: its answer will be this one's; or
                           another call with its stable text must be answered first */
    GEN_CALL_MARKED,    /* its "sent" row is in the open transaction; leaves after the commit */
    GEN_CALL_IN_FLIGHT,
    GEN_CALL_ACTING,  /* the step's action is under way */
    GEN_CALL_ARRIVED, /* `result` is there, to be committed and used */
    GEN_CALL_DONE,    /* all inputs are settled; waits for its turn to be released */
};

/* The action that an input needs before its step goes on with it. In its call. */
struct gen_action {
    struct gen_call *call;
    uint64_t began_us;
    const char *failed; /* the class; NULL: it is done, and `result.text` of the call is the
                           observation */
};

/* Tokens, in and out together, and money. */
struct gen_reserve {
    int64_t tokens, microusd;
};

struct gen_stage;

/*
 * A key may have answers of several runs, since --fresh asks anew. The newest count; but where they
 * lead to no accepted answer and nothing was sent yet, the answers of earlier runs are tried from
 * the beginning of the call (of several inputs: of the question), run by run. When those are no
 * good either, the newest count after all, and what they lack is asked.
 */
struct gen_older {
    struct gen_digest first_key; /* of the first question or action */
    int64_t first_run;           /* whose answer of the ledger it got; 0: none */
    int64_t before_run;          /* answers of earlier runs alone count; 0: all */
    bool has_begun;              /* the first question was looked up */
    bool was_sent;               /* something of the call was not from the ledger */
    bool is_done;                /* there is nothing older to try */
};

struct gen_stage;

struct gen_call {
    struct gen_stage *stage;
    struct gen_call *next;     /* in the one list it is in: turns, ready, delayed, twins, marked,
                                  arrived,     recorded */
    struct gen_call *key_next; /* in its bucket of the engine's under_way */
    enum gen_call_state state;
    uint64_t sequence;       /* in its stage, in input order */
    struct gen_item **items; /* the arrays are in the call's own block */
    struct gen_settled *settled;
    size_t n_items;
    size_t ask_limit; /* inputs asked about at once */
    size_t *asked;    /* indices of the inputs that the question now under way is about */
    size_t n_asked;
    bool keep_asked; /* what is asked next is the same question again, as far as it is still open */
    size_t n_wanted; /* 0: as the step likes */
    unsigned n_tries;    /* answers seen to the present question */
    unsigned n_attempts; /* requests sent */
    unsigned repairs;    /* enum gen_repair_step: what was done to the last answer's JSON */
    unsigned sample;
    unsigned sent_dropped; /* the parameters that the request left out */
    bool is_question;    /* the turn under way is the model's; false until the step was asked for an
                            action */
    bool is_action;      /* the turn under way is an action: `key`, `attempt_id` and `result` are
                            its */
    bool is_prefiltered; /* its inputs were never asked about, by a rule of the step */
    bool any_sent;       /* some answer to the present question was not from the ledger */
    bool ledger_only;    /* what the ledger does not answer is not sent: the inputs stay failed */
    bool from_ledger;    /* `result` is */
    struct gen_buf faults; /* told to the model when it is asked again */
    struct gen_call_history history;
    struct gen_digest key;
    struct gen_older older;
    int64_t attempt_id;
    uint64_t ready_at_ms;
    bool is_yielding; /* delayed by our own caution alone: goes earlier when the server is well */
    struct gen_reserve reserve;             /* what the request under way may use */
    unsigned reseed;                        /* the same question with another seed */
    struct gen_limiter_need need;           /* of the request under way */
    int64_t tokens_in_raw;                  /* its prompt by bytes alone, before what was learned */
    struct gen_exchange *exchange;          /* from marking to its result */
    const struct gen_llm_stable *waits_for; /* the stable text that must be answered first; NULL */
    struct gen_llm_result result;
    struct gen_action action;
    /* What this call adds to the account. Last: gen_call_new zeroes what stands before them. */
    struct gen_counts out_filtered, notes;
};

struct gen_call_list {
    struct gen_call *first, *last;
    size_t n;
};

struct gen_stage {
    struct gen_engine *engine;
    size_t index;
    const struct gen_step *step;
    struct gen_stage_account *account;
    struct gen_item_queue input;
    bool input_ended;
    struct gen_call **ring; /* calls in input order */
    size_t ring_first, ring_n, ring_capacity;
    uint64_t n_calls_made;
    struct gen_call_list turns; /* to be asked whether an action is due; in a step with actions */
    struct gen_call_list ready;
    size_t n_cached_waiting;    /* answers of the ledger not used yet */
    struct gen_reserve dearest; /* answer of this run */
    bool stopped_input;         /* the step wants no more */
    struct gen_call *spare;     /* blocks of freed calls, to be used again */
    size_t n_spare;
};

/* A stable text that the server keeps at a lower price once one request with it is answered. */
struct gen_prefix {
    const struct gen_llm_stable *stable;
    bool is_warm;
    const struct gen_call *first; /* under way to warm it; NULL */
};

/* What answers of this run used, for estimates of those to come. */
struct gen_usage_mean {
    int64_t n, tokens_out;
    int64_t estimated_in, tokens_in; /* what the estimates said, and what it was */
};

struct gen_engine {
    struct gen_engine_options o;
    unsigned dropped; /* enum gen_param bits that the endpoint does not take */
    struct gen_stage *stages;
    struct gen_stage_account *accounts;
    struct gen_lane lane;
    struct gen_limiter limiter;
    uint64_t asked_until_ms;   /* the latest time that the server asked to wait for */
    uint64_t limited_until_ms; /* the limiter lets no request of the present size through before */
    struct gen_prefix prefixes[GEN_PREFIXES_MAX];
    size_t n_prefixes;
    struct gen_usage_mean usage;
    struct gen_prng random;
    struct gen_sha256 *hash;
    struct gen_arena scratch;
    struct gen_buf user;         /* the question being rendered */
    struct gen_call_list marked; /* over all stages */
    struct gen_call_list arrived;
    struct gen_call_list recorded; /* answers in the ledger, to be used after the turn's commit */
    struct gen_call_list delayed;
    size_t n_early;            /* of those that yield: how many may go before their time */
    uint64_t delayed_until_ms; /* the first of them is ready then; UINT64_MAX */
    size_t n_acting;           /* actions begun and not reported */
    struct gen_call_list twins;
    bool twins_may_wake;                         /* something that they wait for has come */
    struct gen_call *under_way[GEN_KEY_BUCKETS]; /* marked or in flight, by key */
    struct gen_timer *timer;
    struct gen_timer *progress_timer;
    size_t slots_max;            /* calls of one stage */
    size_t queue_max;            /* items between two stages */
    size_t n_cached_waiting;     /* over all stages */
    struct gen_reserve spent;    /* by answers of this run */
    struct gen_reserve reserved; /* what the requests under way may use */
    int64_t n_sent;
    const char *budget_at_end; /* the option whose limit the request last asked for might break */
    bool source_ended;
    bool source_is_late; /* it is reading, and will wake the loop */
    bool source_waits;   /* it gives nothing before all that it gave has left the first stage */
    bool is_held;        /* nothing may be sent before an answer is used or calls are released */
    bool stopping;       /* nothing more is sent */
    enum gen_end end;
    char stop_reason[800];
    unsigned n_interrupts;
    bool finished;
    struct gen_error error; /* the first error of ours; ends the run */
    int failed;             /* its code */
};

struct gen_outcome {
    struct gen_call *call;
    const size_t *asked; /* input number of the step -> index in the call */
    size_t n_asked;
    bool ask_again;
    bool is_last_try;
    int rc; /* GEN_ENOMEM */
};

/* call.c: one call from question to settled inputs. */
struct gen_call *gen_call_new(struct gen_stage *stage, struct gen_item **items, size_t n);
void gen_call_free(struct gen_call *call);
/* Once all calls of the stage are freed. */
void gen_call_free_spare(struct gen_stage *stage);
void gen_call_list_push(struct gen_call_list *list, struct gen_call *call);
struct gen_call *gen_call_list_pop(struct gen_call_list *list);
void gen_call_settle(struct gen_call *call, size_t index, enum gen_item_state state,
                     const char *name, const char *message);
/* Settles every open input of the call and makes it DONE. */
void gen_call_settle_open(struct gen_call *call, enum gen_item_state state, const char *name,
                          const char *message);
/* Puts it among the ready calls of its stage, in input order, or among those whose next turn may be
 * an action. */
void gen_call_make_ready(struct gen_call *call);
/* Asks: renders, looks in the ledger; ends ARRIVED (found, or answered without a network), MARKED
 * (to be sent; its row is written), TWIN, HELD (new, and `may_send` is false), DONE, or READY again
 * (in its list). */
GEN_MUST_USE int gen_call_ask(struct gen_engine *e, struct gen_call *call, bool may_send,
                              struct gen_error *err);
/* Whether a call with this key is marked, in flight or acting. */
bool gen_call_is_under_way(const struct gen_engine *e, const struct gen_digest *key);
void gen_call_begin_under_way(struct gen_engine *e, struct gen_call *call);
void gen_call_end_under_way(struct gen_engine *e, struct gen_call *call);
/* This run wants none but its own answers (--fresh) or observations (--record), and keeps them
 * beside the older ones. */
bool gen_call_is_fresh(const struct gen_engine *e, const struct gen_call *call);
/* What needs no sending (`*is_taken`): the ledger has an answer or observation under the call's key
 * that this run may use (ARRIVED); there are older ones to begin anew with (READY); nothing is to
 * be sent, and what the inputs failed of before stands (DONE); or another call with this key is
 * under way (TWIN). */
GEN_MUST_USE int gen_call_take_known(struct gen_engine *e, struct gen_call *call, bool *is_taken,
                                     struct gen_error *err);
/* Chooses what the next question or action is about: `items` gets up to n_items. */
size_t gen_call_choose_asked(struct gen_call *call, struct gen_item **items);
/* The next question of the call is a new one: nothing that was learned about the last one counts.
 */
void gen_call_new_question(struct gen_call *call);
GEN_MUST_USE int gen_call_send(struct gen_engine *e, struct gen_call *call, struct gen_error *err);
/* Writes what arrived to the ledger. */
GEN_MUST_USE int gen_call_record(struct gen_engine *e, struct gen_call *call,
                                 struct gen_error *err);
/* The inputs asked about have ended; the others of the call, if any, are asked about next. */
void gen_call_finish_question(struct gen_call *call);
/* budget.c */
/* NULL, or the option whose limit this request might break; notes what it may use. */
const char *gen_budget_refusal(const struct gen_engine *e, struct gen_call *call);
void gen_budget_sent(struct gen_engine *e, const struct gen_call *call);
void gen_budget_ended(struct gen_engine *e, struct gen_call *call);
/* An answer was counted: `result.usage` of the call, with its cost. */
void gen_budget_spent(struct gen_engine *e, const struct gen_call *call);

/* estimate.c */
int64_t gen_engine_raw_tokens(const struct gen_llm_request *r);
struct gen_limiter_need gen_engine_need(const struct gen_engine *e,
                                        const struct gen_llm_request *r);
/* Adds what an answer used to the run's sums. */
void gen_engine_count_usage(struct gen_engine *e, const struct gen_call *call);
/* Whether a first request with this stable text is under way, and others do better to wait: all
 * first ones at once miss the server's prefix cache, and each pays for writing it. */
bool gen_prefix_is_warming(struct gen_engine *e, const struct gen_llm_stable *stable);
void gen_prefix_sent(struct gen_engine *e, const struct gen_call *call,
                     const struct gen_llm_stable *stable);
void gen_prefix_ended(struct gen_engine *e, const struct gen_call *call, enum gen_class c);

/* action.c */
/* Begins what was marked. */
GEN_MUST_USE int gen_action_begin(struct gen_engine *e, struct gen_call *call,
                                  struct gen_error *err);
GEN_MUST_USE int gen_action_record(struct gen_engine *e, struct gen_call *call,
                                   struct gen_error *err);
/* Uses a committed observation. */
GEN_MUST_USE int gen_action_use(struct gen_engine *e, struct gen_call *call, struct gen_error *err);
/* Asks the step for the actions of the calls in `turns`: they become MARKED, ARRIVED, TWIN, DONE or
 * READY for the model. */
GEN_MUST_USE int gen_stage_take_turns(struct gen_stage *stage, struct gen_error *err);
/* The steps end the actions under way, which arrive as canceled. */
void gen_engine_abandon_actions(struct gen_engine *e);

/* answer.c. Uses a committed answer: the call becomes DONE, READY again or DELAYED. */
GEN_MUST_USE int gen_call_use(struct gen_engine *e, struct gen_call *call, struct gen_error *err);
/* The question or action has had its last answer: what it left open fails, when the answers of
 * earlier runs are no better. */
GEN_MUST_USE int gen_call_end_question(struct gen_engine *e, struct gen_call *call,
                                       const char *class_name, const char *message,
                                       struct gen_error *err);

/* older.c. Where the ledger's newest answers led to nothing: begins anew with those before, or,
 * when those have led to nothing either, with all (`*is_again`: the call is READY). */
GEN_MUST_USE int gen_call_try_older(struct gen_engine *e, struct gen_call *call, bool *is_again,
                                    struct gen_error *err);
/* Which runs' answers the call may use now. */
struct gen_run_span gen_call_span(const struct gen_engine *e, const struct gen_call *call);
void gen_call_note_first(const struct gen_engine *e, struct gen_call *call, bool found,
                         const struct gen_answer *answer);

/* stage.c: order. */
GEN_MUST_USE int gen_stage_fill(struct gen_stage *stage, struct gen_error *err);
GEN_MUST_USE int gen_stage_release(struct gen_stage *stage, bool *moved, struct gen_error *err);
/* The oldest call is done: it goes on as soon as there is room below. */
bool gen_stage_can_release(const struct gen_stage *stage);
bool gen_stage_is_empty(const struct gen_stage *stage);
/* Items that no call has taken yet are skipped for `reason`. */
void gen_stage_drop_input(struct gen_stage *stage, const char *reason);
/* These and all calls; nothing may be in flight any more. */
void gen_stage_settle_all(struct gen_stage *stage, const char *reason);
void gen_stage_free(struct gen_stage *stage);

/* dispatch.c */
/* Puts a call that was asked into the list of its state. */
void gen_engine_file_asked(struct gen_engine *e, struct gen_call *call);
/* Calls whose request or action is about to leave, under way, or whose answer is not used yet. */
size_t gen_engine_under_way(const struct gen_engine *e);
bool gen_engine_may_dispatch(const struct gen_engine *e);
bool gen_engine_has_ready(const struct gen_engine *e);
bool gen_engine_has_turns(const struct gen_engine *e);
/* Asks the calls that are ready, as far as they may be sent now, after beginning actions. */
GEN_MUST_USE int gen_engine_dispatch(struct gen_engine *e, struct gen_error *err);

/* engine.c */
void gen_engine_stop(struct gen_engine *e, enum gen_end end, const char *reason);
void gen_engine_fail(struct gen_engine *e, int rc, const struct gen_error *err);

#endif
