/* The rooms of the stage "generate": which question is due for an item, the request (request.c)
 * with its checks (wording.c), the plan (plan.c), chains that run first (chain.c). Private to these
 * files. */
#ifndef GEN_TOOL_STEP_GENERATE_INT_H
#define GEN_TOOL_STEP_GENERATE_INT_H

#include "tool/step/shared.h"

/* What is asked about an item. */
enum gen_tool_ask {
    GEN_ASK_SINGLE = 0, /* a request for one call: single, multiple, error-recovery */
    GEN_ASK_CHAIN,
    GEN_ASK_PARALLEL,
    GEN_ASK_IRRELEVANCE,
    GEN_ASK_MISSING,
    GEN_ASK_PLAN_ONE,
    GEN_ASK_PLAN_SEVERAL,
    GEN_N_ASKS,
};

#define GEN_DRAFT_CALLS_MAX   32U
#define GEN_DRAFT_OFFERED_MAX 256U

struct gen_draft_call {
    const struct gen_tool *tool;
    const struct gen_json *args;
    int64_t turn;
};

/* An item's record, read. Views into `doc`. */
struct gen_draft {
    struct gen_json_doc *doc;
    const struct gen_json *record, *metadata, *blueprint, *mutation, *results, *withheld;
    struct gen_str id, style, context; /* context: what the person says besides; may be empty */
    struct gen_str instruction, question_back, user_reply;
    enum gen_tool_category category;
    struct gen_draft_call calls[GEN_DRAFT_CALLS_MAX], setup[GEN_DRAFT_CALLS_MAX];
    size_t n_calls, n_setup;
    const struct gen_tool *offered[GEN_DRAFT_OFFERED_MAX]; /* those that the toolset has */
    size_t n_offered;
};

struct gen_chain_job;

struct gen_tool_generate {
    struct gen_step_common common;
    struct gen_tool_generate_options o;
    struct gen_step_prompt prompts[GEN_N_ASKS];
    char *plan_schema; /* with the names of the tools in it */
    /* The question about the record asked about last: an item is looked at several times in a row.
     */
    uint64_t asked_hash;
    size_t asked_bytes;
    enum gen_tool_ask asked;
    uint64_t *seen; /* hashes of the requests that came out; open addressing, 0 is free */
    size_t n_seen, seen_capacity;
    struct gen_chain_job *jobs; /* chains under way */
};

extern const char gen_schema_tool_request[];
extern const char gen_schema_tool_requests[];
extern const char gen_schema_tool_irrelevance[];
extern const char gen_schema_tool_missing[];
/* The plan's schema, with the names of the tools as an enum where they are few enough. */
GEN_MUST_USE int gen_schema_tool_plan(const struct gen_toolset *tools, struct gen_buf *out,
                                      struct gen_error *err);

/* GEN_ESTATE when the record is no blueprint of these tools. */
GEN_MUST_USE int gen_draft_read(struct gen_draft *d, const struct gen_tool_generate *g,
                                struct gen_str record, struct gen_error *err);
void gen_draft_release(struct gen_draft *d);
/* The instruction with the user's reply and what is known from before: where values may come from.
 * Appended. */
GEN_MUST_USE int gen_draft_request(const struct gen_draft *d, struct gen_buf *out,
                                   struct gen_error *err);
/* The results of the blueprint's calls as texts; returns how many (0: it did not run). */
size_t gen_draft_results(const struct gen_draft *d, struct gen_str *texts, size_t n_max);
/* The parameter's default equals the value: it may be said or left out. */
bool gen_is_default(const struct gen_tool *tool, struct gen_str name, const struct gen_json *value);

/* ---- wording.c ---- */

/* Whose words they are: it begins the names of the rules ("request_length"). */
enum gen_wording_what { GEN_WORDING_REQUEST = 0, GEN_WORDING_REPLY, GEN_WORDING_QUESTION };
/* Checks of any text of the example: length in words, left-overs, toy values, names of tools and
 * parameters, pointers at a document, language. */
struct gen_wording {
    const char *pointer; /* its place in the answer */
    enum gen_wording_what what;
    size_t words_min, words_max;
};
GEN_MUST_USE int gen_wording_check(const struct gen_tool_generate *g, const struct gen_draft *d,
                                   struct gen_str text, const struct gen_wording *w,
                                   struct gen_faults *f, struct gen_error *err);
/* Whether the words are in the text: without regard to case, kinds of quotes and white space. */
GEN_MUST_USE int gen_text_has_words(struct gen_str text, struct gen_str words, bool *has,
                                    struct gen_error *err);
/* "then", "after that", "finally": how often. */
size_t gen_count_connectives(struct gen_str text);
/* Whether some word of `names` is in the text. The program's names are words too: "chunk_size" is
 * "chunk size". Words of three letters and more that are no little words; a name that is shorter
 * counts itself. */
bool gen_shares_word(struct gen_str text, struct gen_str names);

/* ---- request.c, plan.c, chain.c ---- */

GEN_MUST_USE int gen_request_render(struct gen_tool_generate *g, const struct gen_draft *d,
                                    enum gen_tool_ask what, struct gen_question *q,
                                    struct gen_error *err);
GEN_MUST_USE int gen_request_accept(struct gen_tool_generate *g, const struct gen_draft *d,
                                    enum gen_tool_ask what, const struct gen_json *answer,
                                    struct gen_outcome *o, struct gen_error *err);
GEN_MUST_USE int gen_plan_render(struct gen_tool_generate *g, const struct gen_draft *d,
                                 enum gen_tool_ask what, struct gen_question *q,
                                 struct gen_error *err);
GEN_MUST_USE int gen_plan_accept(struct gen_tool_generate *g, const struct gen_draft *d,
                                 const struct gen_json *answer, struct gen_outcome *o,
                                 struct gen_error *err);
/* "api_documentation" of the offered tools that are called; of all of them when none is. */
GEN_MUST_USE int gen_draft_document(const struct gen_tool_generate *g, const struct gen_draft *d,
                                    struct gen_buf *out, struct gen_error *err);

/* The action of chain-first; as in engine/step.h. */
GEN_MUST_USE int gen_chain_action(void *ud, const struct gen_item *item, struct gen_buf *text,
                                  struct gen_error *err);
GEN_MUST_USE int gen_chain_act(void *ud, const struct gen_item *item, struct gen_action *a,
                               struct gen_error *err);
GEN_MUST_USE int gen_chain_observe(void *ud, struct gen_item *item, struct gen_str observation,
                                   struct gen_outcome *o, struct gen_error *err);
void gen_chain_abandon(void *ud, struct gen_action *a);
void gen_chain_free_jobs(struct gen_tool_generate *g);

#endif
