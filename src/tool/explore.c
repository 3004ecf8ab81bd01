/* Finding out what the executor's world has: in rounds, each a list of sessions. */
#include "tool/blueprint_int.h"

#include <stdlib.h>

#define TEMPLATES_TRIED_MAX 3U
#define SETUPS_MAX          6U
#define BASES_MAX           3U /* calls of a tool that are varied */
#define SESSION_CALLS_MAX   64U
#define PROBES_OF_SESSION   20U
#define SHARED_CALLS        16U /* of a session, where nothing has a state */
#define OBSERVATION_MAX     ((size_t)64 << 10)

enum phase {
    ALONE = 0, /* the calls of the definition */
    AFTER_ONE, /* those that failed, after another one */
    AFTER_TWO,
    SUSPECTED, /* which tools change the state: many in one session */
    PROBED,    /* and one in a session of its own */
    RENEWED,   /* calls that make a state, with other values */
    AFTER_NEW, /* calls under the new states */
    WIDENED,   /* calls with values of results */
    VARIED,    /* with each optional argument and choice, and made wrong */
    ENDED
};

/* ---- the plan ---- */

static int plan(struct gen_blueprints *b, enum gen_role role, size_t call, size_t other,
                struct gen_error *err)
{
    if (b->n_planned == b->planned_capacity) {
        size_t capacity = b->planned_capacity ? 2 * b->planned_capacity : 256;
        void *grown = realloc(b->planned, capacity * sizeof(*b->planned));
        if (!grown)
            return gen_nomem(err, "calls to explore");
        b->planned = grown;
        b->planned_capacity = capacity;
    }
    b->planned[b->n_planned++] = (struct gen_planned){role, call, other};
    b->n_asked++;
    return GEN_OK;
}

static int begin_session(struct gen_blueprints *b, struct gen_error *err)
{
    if (b->n_sessions && b->sessions[b->n_sessions - 1].first == b->n_planned)
        return GEN_OK;
    if (b->n_sessions == b->sessions_capacity) {
        size_t capacity = b->sessions_capacity ? 2 * b->sessions_capacity : 64;
        void *grown = realloc(b->sessions, capacity * sizeof(*b->sessions));
        if (!grown)
            return gen_nomem(err, "calls to explore");
        b->sessions = grown;
        b->sessions_capacity = capacity;
    }
    b->sessions[b->n_sessions++].first = b->n_planned;
    return GEN_OK;
}

static size_t session_end(const struct gen_blueprints *b, size_t session)
{
    return session + 1 < b->n_sessions ? b->sessions[session + 1].first : b->n_planned;
}

static int plan_setup(struct gen_blueprints *b, size_t call, struct gen_error *err)
{
    size_t setup[GEN_SETUP_MAX];
    size_t n = gen_call_setup(b, call, setup);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n; i++)
        rc = plan(b, GEN_ROLE_AGAIN, setup[i], GEN_NONE, err);
    return rc;
}

static bool is_spent(const struct gen_blueprints *b, size_t calls_max)
{
    return b->n_asked + GEN_SETUP_MAX + 2 > calls_max;
}

/* ---- the rounds ---- */

static int plan_alone(struct gen_blueprints *b, size_t calls_max, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < b->set->n_tools && !is_spent(b, calls_max); i++) {
        size_t n = 0;
        rc = gen_world_templates(b, i, err);
        for (size_t c = b->tools[i].first; rc == GEN_OK && c != GEN_NONE && n < TEMPLATES_TRIED_MAX;
             c = b->calls[c].next) {
            if (n == 0 || !b->set->tools[i].is_read_only)
                rc = begin_session(b, err);
            if (rc == GEN_OK)
                rc = plan(b, GEN_ROLE_TRY, c, GEN_NONE, err);
            n++;
        }
    }
    return rc;
}

static bool has_right_call(const struct gen_blueprints *b, size_t tool)
{
    for (size_t c = b->tools[tool].first; c != GEN_NONE; c = b->calls[c].next) {
        if (b->calls[c].tried == GEN_TRY_WELL && !b->calls[c].mutation)
            return true;
    }
    return false;
}

/* Whether the call goes well after some other one already. */
static bool has_copy(const struct gen_blueprints *b, size_t call)
{
    const struct gen_known_call *t = &b->calls[call];
    for (size_t c = b->tools[t->tool].first; c != GEN_NONE; c = b->calls[c].next) {
        if (b->calls[c].setup != GEN_NONE && gen_str_eq(b->calls[c].text, t->text))
            return true;
    }
    return false;
}

/* Calls that disturb no other can be made one after the other once the setup stands. */
static bool is_harmless(const struct gen_blueprints *b, size_t tool)
{
    return !b->tools[tool].changes_state && b->set->tools[tool].is_read_only;
}

static int plan_setup_with(struct gen_blueprints *b, size_t candidate, struct gen_error *err)
{
    int rc = plan_setup(b, candidate, err);
    return rc ? rc : plan(b, GEN_ROLE_AGAIN, candidate, GEN_NONE, err);
}

/* Tries the calls that failed alone behind `candidate`; nothing is planned when there are none.
 * `is_known`: which tools change the state is known. */
static int plan_after(struct gen_blueprints *b, size_t candidate, size_t calls_max, bool all,
                      bool is_known, struct gen_error *err)
{
    int rc = GEN_OK;
    size_t n = 0;
    bool stands = false;
    for (size_t i = 0; rc == GEN_OK && i < b->n_calls && !is_spent(b, calls_max); i++) {
        const struct gen_known_call *c = &b->calls[i];
        if (!c->is_template || c->tried != GEN_TRY_FAILED || (!all && has_copy(b, i)))
            continue;
        if (b->calls[candidate].setup != GEN_NONE && has_right_call(b, c->tool))
            continue;
        bool is_new = n++ % (SESSION_CALLS_MAX / 2) == 0;
        if (is_new)
            rc = begin_session(b, err);
        if (rc == GEN_OK && (is_new || !stands))
            rc = plan_setup_with(b, candidate, err);
        stands = is_known && is_harmless(b, c->tool);
        if (rc == GEN_OK)
            rc = plan(b, GEN_ROLE_AFTER, i, candidate, err);
    }
    return rc;
}

/* The first call of each tool that went well; of tools that make a state all of them. */
static bool is_candidate(const struct gen_blueprints *b, size_t call, bool with_setup)
{
    const struct gen_known_call *c = &b->calls[call];
    if (c->tried != GEN_TRY_WELL || c->mutation || (c->setup != GEN_NONE) != with_setup)
        return false;
    if (!with_setup && b->tools[c->tool].changes_state)
        return true;
    for (size_t i = b->tools[c->tool].first; i != call; i = b->calls[i].next) {
        if (b->calls[i].tried == GEN_TRY_WELL && (b->calls[i].setup != GEN_NONE) == with_setup)
            return false;
    }
    return true;
}

/* One candidate a round, so that the next ones have less to do. */
static int plan_next_candidate(struct gen_blueprints *b, size_t calls_max, bool with_setup,
                               struct gen_error *err)
{
    int rc = GEN_OK;
    while (rc == GEN_OK && b->n_planned == 0 && b->cursor < b->n_calls) {
        size_t candidate = b->cursor++;
        if (is_candidate(b, candidate, with_setup))
            rc = plan_after(b, candidate, calls_max,
                            b->tools[b->calls[candidate].tool].changes_state, false, err);
    }
    return rc;
}

static size_t first_right(const struct gen_blueprints *b, size_t tool)
{
    for (size_t c = b->tools[tool].first; c != GEN_NONE; c = b->calls[c].next) {
        if (b->calls[c].tried == GEN_TRY_WELL && !b->calls[c].mutation)
            return c;
    }
    return GEN_NONE;
}

/* A call that went well, then one of another tool under the same setup: does that still go well? */
static int plan_probe(struct gen_blueprints *b, size_t call, bool is_shared, size_t *n,
                      struct gen_error *err)
{
    size_t tool = b->calls[call].tool, probe = GEN_NONE;
    for (size_t i = 0; i < b->n_calls && probe == GEN_NONE; i++) {
        const struct gen_known_call *c = &b->calls[i];
        if (c->tool != tool && c->setup == b->calls[call].setup && c->tried == GEN_TRY_WELL &&
            !c->mutation && !b->tools[c->tool].changes_state)
            probe = i;
    }
    if (probe == GEN_NONE || b->calls[call].setup == GEN_NONE)
        return GEN_OK;
    int rc = GEN_OK;
    if (!is_shared || (*n)++ % PROBES_OF_SESSION == 0)
        rc = begin_session(b, err);
    if (rc == GEN_OK)
        rc = plan_setup(b, call, err);
    if (rc == GEN_OK)
        rc = plan(b, GEN_ROLE_AGAIN, call, GEN_NONE, err);
    return rc ? rc : plan(b, is_shared ? GEN_ROLE_SUSPECT : GEN_ROLE_PROBE, probe, tool, err);
}

/* First all tools in few sessions; those after which something failed once more, alone. */
static int plan_probes(struct gen_blueprints *b, size_t calls_max, bool is_shared,
                       struct gen_error *err)
{
    size_t n = 0;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < b->set->n_tools && !is_spent(b, calls_max); i++) {
        size_t call = first_right(b, i);
        if (call != GEN_NONE && (is_shared || b->tools[i].is_suspect))
            rc = plan_probe(b, call, is_shared, &n, err);
    }
    return rc;
}

static int plan_try(struct gen_blueprints *b, size_t call, struct gen_error *err)
{
    return plan(b, GEN_ROLE_TRY, call, GEN_NONE, err);
}

/* Those new calls that disturb nothing, in sessions by their setup. */
static int plan_harmless(struct gen_blueprints *b, size_t from, size_t setup, size_t calls_max,
                         struct gen_error *err)
{
    int rc = GEN_OK;
    size_t n = 0;
    for (size_t i = from; rc == GEN_OK && i < b->n_calls && !is_spent(b, calls_max); i++) {
        if (b->calls[i].setup != setup || !is_harmless(b, b->calls[i].tool))
            continue;
        if (n++ % SESSION_CALLS_MAX == 0) {
            rc = begin_session(b, err);
            if (rc == GEN_OK)
                rc = plan_setup(b, i, err);
        }
        if (rc == GEN_OK)
            rc = plan_try(b, i, err);
    }
    return rc;
}

/* The others: with the setup made again before each, by tool. */
static int plan_others(struct gen_blueprints *b, size_t from, size_t tool, size_t calls_max,
                       struct gen_error *err)
{
    int rc = GEN_OK;
    size_t n = 0;
    for (size_t i = from; rc == GEN_OK && i < b->n_calls && !is_spent(b, calls_max); i++) {
        if (b->calls[i].tool != tool)
            continue;
        bool is_alone =
            b->calls[i].setup == GEN_NONE && b->has_state && !b->set->tools[tool].is_read_only;
        size_t size = is_alone ? 1 : b->has_state ? SESSION_CALLS_MAX / 2 : SHARED_CALLS;
        if (n++ % size == 0)
            rc = begin_session(b, err);
        if (rc == GEN_OK)
            rc = plan_setup(b, i, err);
        if (rc == GEN_OK)
            rc = plan_try(b, i, err);
    }
    return rc;
}

/* Tries the calls that were made up since `from`. */
static int plan_new_calls(struct gen_blueprints *b, size_t from, size_t calls_max,
                          struct gen_error *err)
{
    int rc = plan_harmless(b, from, GEN_NONE, calls_max, err);
    for (size_t s = 0; rc == GEN_OK && s < from; s++) {
        if (b->tools[b->calls[s].tool].changes_state)
            rc = plan_harmless(b, from, s, calls_max, err);
    }
    for (size_t i = 0; rc == GEN_OK && i < b->set->n_tools; i++) {
        if (!is_harmless(b, i))
            rc = plan_others(b, from, i, calls_max, err);
    }
    return rc;
}

/* Calls that others need: at most SETUPS_MAX of them, in `found`. */
static size_t find_setups(const struct gen_blueprints *b, size_t *found)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_calls && n < SETUPS_MAX; i++) {
        const struct gen_known_call *c = &b->calls[i];
        bool is_needed = false;
        for (size_t k = 0; k < b->n_calls && !is_needed; k++)
            is_needed = b->calls[k].setup == i;
        if (is_needed && c->tried == GEN_TRY_WELL)
            found[n++] = i;
    }
    return n;
}

/* The calls that make a state, with other values from what is known: another file is opened. */
static int plan_renewed(struct gen_blueprints *b, size_t calls_max, struct gen_error *err)
{
    size_t setups[SETUPS_MAX];
    size_t n = find_setups(b, setups), from = b->n_calls;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n; i++) {
        if (b->calls[setups[i]].setup == GEN_NONE)
            rc = gen_world_widen(b, setups[i], GEN_NONE, err);
    }
    b->renewed = from;
    return rc ? rc : plan_new_calls(b, from, calls_max, err);
}

/* The calls of the definition behind each state that is new. */
static int plan_after_new(struct gen_blueprints *b, size_t calls_max, struct gen_error *err)
{
    size_t end = b->n_calls, n = 0;
    int rc = GEN_OK;
    for (size_t i = b->renewed; rc == GEN_OK && i < end && n < SETUPS_MAX; i++) {
        if (b->calls[i].tried != GEN_TRY_WELL || !b->tools[b->calls[i].tool].changes_state)
            continue;
        n++;
        rc = plan_after(b, i, calls_max, true, true, err);
    }
    return rc;
}

/* A call of the tool that went well under `setup`, else under any: to be made with other values. */
static size_t base_under(const struct gen_blueprints *b, size_t tool, size_t setup)
{
    size_t any = GEN_NONE;
    for (size_t c = b->tools[tool].first; c != GEN_NONE; c = b->calls[c].next) {
        if (b->calls[c].tried != GEN_TRY_WELL || b->calls[c].mutation)
            continue;
        if (b->calls[c].setup == setup)
            return c;
        any = any == GEN_NONE ? c : any;
    }
    return any;
}

static int plan_widened(struct gen_blueprints *b, size_t calls_max, struct gen_error *err)
{
    size_t setups[SETUPS_MAX + 1];
    size_t n = find_setups(b, setups), from = b->n_calls;
    int rc = GEN_OK;
    setups[n++] = GEN_NONE;
    for (size_t s = 0; rc == GEN_OK && s < n; s++) {
        for (size_t i = 0; rc == GEN_OK && i < b->set->n_tools; i++) {
            size_t base = base_under(b, i, setups[s]);
            bool has_state = base != GEN_NONE && b->calls[base].setup != GEN_NONE;
            if (base != GEN_NONE && has_state == (setups[s] != GEN_NONE) &&
                !b->tools[i].changes_state)
                rc = gen_world_widen(b, base, setups[s], err);
        }
    }
    return rc ? rc : plan_new_calls(b, from, calls_max, err);
}

/* Calls of the tool that went well and are different from each other, at most BASES_MAX. */
static size_t find_bases(const struct gen_blueprints *b, size_t tool, size_t *bases)
{
    size_t all = 0, n = 0, at = 0;
    for (size_t c = b->tools[tool].first; c != GEN_NONE; c = b->calls[c].next)
        all += b->calls[c].tried == GEN_TRY_WELL && !b->calls[c].mutation;
    size_t stride = all > BASES_MAX ? all / BASES_MAX : 1;
    for (size_t c = b->tools[tool].first; c != GEN_NONE && n < BASES_MAX; c = b->calls[c].next) {
        if (b->calls[c].tried == GEN_TRY_WELL && !b->calls[c].mutation && at++ % stride == 0)
            bases[n++] = c;
    }
    return n;
}

static int plan_varied(struct gen_blueprints *b, size_t calls_max, struct gen_error *err)
{
    size_t from = b->n_calls;
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < b->set->n_tools && !is_spent(b, calls_max); i++) {
        size_t bases[BASES_MAX];
        size_t n = find_bases(b, i, bases);
        for (size_t k = 0; rc == GEN_OK && k < n; k++) {
            rc = gen_world_vary(b, bases[k], k > 0, err);
            if (rc == GEN_OK)
                rc = gen_world_mutate(b, bases[k], err);
        }
    }
    return rc ? rc : plan_new_calls(b, from, calls_max, err);
}

static int plan_phase(struct gen_blueprints *b, size_t calls_max, struct gen_error *err)
{
    switch ((enum phase)b->phase) {
    case ALONE:
        return plan_alone(b, calls_max, err);
    case AFTER_ONE:
    case AFTER_TWO:
        return plan_next_candidate(b, calls_max, b->phase == AFTER_TWO, err);
    case SUSPECTED:
    case PROBED:
        return plan_probes(b, calls_max, b->phase == SUSPECTED, err);
    case RENEWED:
        return plan_renewed(b, calls_max, err);
    case AFTER_NEW:
        return plan_after_new(b, calls_max, err);
    case WIDENED:
        return plan_widened(b, calls_max, err);
    case VARIED:
        return plan_varied(b, calls_max, err);
    case ENDED:
        break;
    }
    return GEN_OK;
}

static int plan_round(struct gen_blueprints *b, size_t calls_max, struct gen_error *err)
{
    int rc = GEN_OK;
    while (rc == GEN_OK && b->n_planned == 0 && b->phase != ENDED) {
        if (is_spent(b, calls_max)) {
            b->phase = ENDED;
            break;
        }
        bool is_repeated = b->phase == AFTER_ONE || b->phase == AFTER_TWO;
        rc = plan_phase(b, calls_max, err);
        /* A phase of candidates ends when it has none left. */
        if (!is_repeated || b->n_planned == 0) {
            b->phase++;
            b->cursor = 0;
        }
    }
    return rc;
}

static int write_round(struct gen_blueprints *b, struct gen_buf *out, struct gen_error *err)
{
    int rc = gen_jb_begin_again(b->jb, err);
    struct gen_jmut *all = gen_jb_array(b->jb);
    for (size_t s = 0; s < b->n_sessions; s++) {
        struct gen_jmut *session = gen_jb_array(b->jb);
        for (size_t i = b->sessions[s].first; i < session_end(b, s); i++) {
            const struct gen_known_call *c = &b->calls[b->planned[i].call];
            struct gen_jmut *call = gen_jb_object(b->jb);
            gen_jb_put_str(b->jb, call, "tool", b->set->tools[c->tool].name);
            gen_jb_put(b->jb, call, "args", gen_jb_raw(b->jb, c->text));
            gen_jb_append(b->jb, session, call);
        }
        gen_jb_append(b->jb, all, session);
    }
    return rc ? rc : gen_jb_write(b->jb, all, GEN_JSON_COMPACT, out, err);
}

int gen_blueprints_explore(struct gen_blueprints *b, size_t calls_max, struct gen_buf *sessions,
                           struct gen_error *err)
{
    if (b->is_settled)
        return gen_fail(err, GEN_ESTATE, "what is drawn already cannot be explored any more");
    b->n_planned = 0;
    b->n_sessions = 0;
    int rc = plan_round(b, calls_max, err);
    return rc ? rc : write_round(b, sessions, err);
}

/* ---- what came out ---- */

/* A list of which every element tells of an error: the call went well, and gave nothing. */
static bool is_list_of_errors(const struct gen_json *list)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    bool all = gen_json_type(list) == GEN_JSON_ARRAY && gen_json_count(list) > 0;
    gen_json_iter_init(&it, list);
    while (all && gen_json_iter_next(&it, NULL, &v))
        all = gen_json_type(v) == GEN_JSON_OBJECT && gen_json_get_str(v, "error").n > 0;
    return all;
}

static bool has_only_errors(struct gen_str observation)
{
    struct gen_json_doc *doc = NULL;
    struct gen_json_iter it;
    const struct gen_json *v;
    bool found = false;
    if (observation.n > OBSERVATION_MAX || gen_json_parse(&doc, observation, NULL) != GEN_OK)
        return false;
    gen_json_iter_init(&it, gen_json_root(doc));
    while (gen_json_type(gen_json_root(doc)) == GEN_JSON_OBJECT && !found &&
           gen_json_iter_next(&it, NULL, &v))
        found = is_list_of_errors(v);
    gen_json_doc_free(doc);
    return found;
}

/* Lists, and nothing in any of them. */
static bool is_poor(const struct gen_json *result)
{
    struct gen_json_iter it;
    const struct gen_json *v;
    size_t n_lists = 0, n_full = 0;
    if (gen_json_type(result) != GEN_JSON_OBJECT)
        return false;
    gen_json_iter_init(&it, result);
    while (gen_json_iter_next(&it, NULL, &v)) {
        bool is_list = gen_json_type(v) == GEN_JSON_ARRAY;
        n_lists += is_list;
        n_full += is_list && gen_json_count(v) > 0;
    }
    return n_lists && !n_full;
}

static int keep_result(struct gen_blueprints *b, size_t call, struct gen_str observation,
                       struct gen_error *err)
{
    struct gen_known_call *c = &b->calls[call];
    struct gen_str kept = observation;
    if (kept.n > OBSERVATION_MAX)
        kept.n = c->tried == GEN_TRY_WELL ? 0 : 200;
    c->observation = gen_arena_str(&b->arena, kept);
    if (kept.n && !c->observation.n)
        return gen_nomem(err, "an observation");
    if (c->tried != GEN_TRY_WELL || c->mutation || c->result_doc)
        return GEN_OK;
    if (gen_json_parse(&c->result_doc, c->observation, NULL) == GEN_ENOMEM)
        return gen_nomem(err, "an observation");
    c->is_poor = is_poor(gen_json_root(c->result_doc));
    return gen_graph_learn(b, call, err);
}

static int learn_after(struct gen_blueprints *b, size_t call, size_t setup,
                       struct gen_str observation, struct gen_error *err)
{
    size_t number = GEN_NONE;
    size_t tool = b->calls[call].tool;
    int rc = gen_world_add(b, tool, b->calls[call].text, setup, GEN_MUTATION_NONE, &number, err);
    if (rc || number == GEN_NONE)
        return rc;
    b->calls[number].tried = GEN_TRY_WELL;
    b->tools[b->calls[setup].tool].changes_state = true;
    b->has_state = true;
    return keep_result(b, number, observation, err);
}

int gen_blueprints_learn(struct gen_blueprints *b, size_t session, size_t call,
                         struct gen_str observation, bool is_error, struct gen_error *err)
{
    if (session >= b->n_sessions || call >= session_end(b, session) - b->sessions[session].first)
        return gen_fail(err, GEN_ESTATE, "call %zu of session %zu was not asked for", call,
                        session);
    const struct gen_planned p = b->planned[b->sessions[session].first + call];
    b->is_explored = true;
    /* What is meant to fail must fail by itself. */
    is_error = is_error || (!b->calls[p.call].mutation && has_only_errors(observation));
    switch (p.role) {
    case GEN_ROLE_TRY:
        b->tools[b->calls[p.call].tool].is_explored = true;
        b->calls[p.call].tried = is_error ? GEN_TRY_FAILED : GEN_TRY_WELL;
        return keep_result(b, p.call, observation, err);
    case GEN_ROLE_AFTER:
        return is_error ? GEN_OK : learn_after(b, p.call, p.other, observation, err);
    case GEN_ROLE_SUSPECT:
        b->tools[p.other].is_suspect = b->tools[p.other].is_suspect || is_error;
        break;
    case GEN_ROLE_PROBE:
        b->tools[p.other].changes_state = b->tools[p.other].changes_state || is_error;
        break;
    case GEN_ROLE_AGAIN:
        break;
    }
    return GEN_OK;
}
