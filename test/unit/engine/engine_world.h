/* Shared by the engine's tests: the real engine on the real loop with a real ledger in a temporary
 * folder; the model and the network between are played by the test (engine_world.c, fake_http.c).
 */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include "base/prng.h"
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { WORLD_STEPS_MAX = 4, WORLD_IDS_MAX = 64, WORLD_ACTING_MAX = 1024 };

/* What the model is asked: the step's name, and the ids of the items. */
struct ask {
    char step[32];
    struct gen_str ids[WORLD_IDS_MAX];
    size_t n_ids;
    bool has_faults; /* asked again with its faults named */
    size_t n_wanted; /* of a smaller answer; 0: not said */
    unsigned sample;
    unsigned reseed;   /* over the fake network */
    unsigned n_before; /* how often exactly this was asked in this world */
};

/* What it answers. As it is made: class ok, each id with one output. */
struct reply {
    enum gen_class class_code;
    const char *finish;        /* NULL: by the class */
    const char *raw;           /* this text instead of the rows */
    const char *reasoning;     /* what the model thought before */
    int n_outs[WORLD_IDS_MAX]; /* per id; -1: left out of the answer; 0: filtered */
    int64_t retry_after_ms;
    bool stop_provider;
    const char *param;
    bool try_other_seed;
    unsigned n_turns; /* turns of the loop that it takes (over the fake network) */
};

struct world;
typedef void script_fn(struct world *w, const struct ask *a, struct reply *r);

struct world_step {
    const char *name;
    size_t group_max;
    bool share_all; /* items of different inputs may share a call */
    bool keep_failed, keep_skipped;
    bool unit_same;      /* units in and out are the same */
    bool ask_again;      /* for ids that are missing */
    const char *refuse;  /* inputs whose answer has no outputs fail with this message */
    bool keep_reasoning; /* outputs end with what the model thought */
    bool (*prefilter)(uint64_t base, bool *is_skip);
    bool (*drop)(struct world *w, const char *id); /* release hook */
    /* One letter a turn: 'q' the model is asked, 'a' an action is done, then it goes on; the last
     * one produces. "*": for ever. NULL: one question, as most steps. What came back is put behind
     * the record, with a '/' before it. */
    const char *turns;
    bool as_object;        /* the last turn produces a JSON object */
    const char *bad_sight; /* an observation with which the input fails */
    int64_t target;        /* release hook: stop the input after so many outputs; 0: never */
    int64_t n_released;
    struct world *world;
    struct gen_llm_stable stable;
};

/* How an action ends. As it is made: with an observation of its own. */
struct deed {
    bool hangs;
    const char *failed; /* the class */
    const char *seen;   /* this observation */
    unsigned n_before;  /* how often exactly this was begun in this world */
};
typedef void deed_fn(struct world *w, struct gen_str id, struct deed *d);

struct world {
    char folder[256];
    char path[300];
    const struct gen_ledger_driver *driver; /* NULL: SQLite */
    struct world_step steps[WORLD_STEPS_MAX];
    size_t n_steps;
    script_fn *script;
    uint64_t seed;
    deed_fn *deed;
    int64_t interrupt_at_act[2]; /* when so many actions were begun, -1: never */
    bool network;                /* over the fake network, else the provider answers at once */
    bool same_answers;    /* equal questions get equal answers; else each answer is another one */
    unsigned n_turns_max; /* answers take a random number of turns up to this */
    size_t window_start, window_max;
    bool fresh, retry_failed;
    int64_t fresh_from; /* 0: the run itself */
    int64_t run_id;     /* of the last run */
    int64_t max_cost_microusd, max_tokens_total, max_requests, max_requests_a_minute;
    size_t cached_prefix_tokens; /* of the provider over the network */
    int64_t n_items;
    int64_t n_distinct; /* ids come again after so many; 0: never */
    unsigned n_rounds;  /* the source gives all items again so many times, each when drained */
    int64_t late_every; /* before each so manieth item the source lets the engine wait; 0: never */
    int64_t interrupt_at[2]; /* when so many items were asked about, -1: never */

    /* Of the last run. */
    struct gen_buf out, failures; /* lines */
    int64_t n_out;
    int64_t next_item;
    unsigned round;
    struct gen_timer *source_timer;
    bool is_late;
    int64_t n_late_begun;
    int64_t n_late; /* how often the engine was told to come later */
    int rc;
    struct gen_error err;
    enum gen_end end;
    char stop_reason[800];
    struct gen_stage_account accounts[WORLD_STEPS_MAX];
    int64_t n_asked;      /* requests that the model saw */
    int64_t n_asked_ever; /* over all runs: makes every answer another one */
    size_t in_flight_peak, window_peak, waiting_peak;
    uint64_t *asked; /* hashes of all that was asked, for n_before */
    size_t n_asked_hashes, asked_capacity;
    struct gen_loop *loop;
    struct gen_engine *engine;
    /* Actions. */
    int64_t n_acted;      /* of the last run */
    int64_t n_acted_ever; /* over all runs */
    int64_t n_abandoned;
    struct gen_timer *acting_timer;
    struct gen_action *acting[WORLD_ACTING_MAX];
    struct deed deeds[WORLD_ACTING_MAX];
    uint64_t acting_hash[WORLD_ACTING_MAX];
    size_t n_acting, acting_peak;
    void (*on_observe)(struct world *w);
    struct gen_prng random;
};

int world_set_up(void **state);
int world_tear_down(void **state);

struct world_step *world_add_step(struct world *w, const char *name);
/* Runs on the world's ledger; results are in the world. */
void world_run(struct world *w);
/* The same, and it must end well. */
void world_run_ok(struct world *w);
/* Every input of every stage ended exactly once. */
void world_check_account(const struct world *w);
/* A whole new ledger. */
void world_new_ledger(struct world *w);
/* The lines of `failures` stage by stage: between stages their order is that of time. The caller's.
 */
struct gen_buf world_failures(const struct world *w);
int64_t world_failed(const struct world *w);

/* The number of the first input that an id comes from. */
uint64_t id_base(struct gen_str id);

/* For the fake network: answers a request body. The text is the caller's. */
void world_answer(struct gen_str user, unsigned sample, unsigned reseed,
                  struct gen_llm_result *result, unsigned *n_turns);
struct world *world_active(void);

/* How often this text was counted before. */
unsigned world_count_asked(struct world *w, struct gen_str text);
void world_interrupt_acting(struct world *w);

/* engine_steps.c */
void world_make_step(struct world_step *s, struct gen_step *out);
const struct gen_schema *world_schema(void);
void world_schema_free(void);

/* fake_http.c: stands in for net/http.c. */
struct gen_http *fake_http_new(struct gen_loop *loop);
void fake_http_free(struct gen_http *http);
size_t fake_http_pending(const struct gen_http *http);

#endif
