/* Better answers: which rewrites are not used, what is written, which answers are asked for again.
 */
#include "qa_world.h"

#include <stdio.h>
#include <stdlib.h>

static char *write_json(struct gen_jb *b, const struct gen_jmut *root)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    size_t n = 0;
    assert_int_equal(gen_jb_write(b, root, GEN_JSON_COMPACT, &text, NULL), GEN_OK);
    gen_jb_free(b);
    return gen_buf_take(&text, &n);
}

static char *record_of(const struct gen_json *row)
{
    struct gen_jb *b = NULL;
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *r = gen_jb_object(b);
    gen_jb_put_str(b, r, "question", gen_json_get_str(row, "question"));
    gen_jb_put_str(b, r, "answer", gen_json_get_str(row, "draft"));
    return write_json(b, r);
}

static char *answer_of(const struct gen_json *row)
{
    struct gen_jb *b = NULL;
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *item = gen_jb_object(b);
    gen_jb_put_cstr(b, item, "id", "p1");
    gen_jb_put(b, item, "unsupported", gen_jb_array(b));
    gen_jb_put(b, item, "missing", gen_jb_array(b));
    gen_jb_put_str(b, item, "enriched_answer", gen_json_get_str(row, "enriched"));
    gen_jb_put(b, item, "changes", gen_jb_copy(b, gen_json_get(row, "changes")));
    struct gen_jmut *items = gen_jb_array(b);
    gen_jb_append(b, items, item);
    struct gen_jmut *root = gen_jb_object(b);
    gen_jb_put(b, root, "items", items);
    return write_json(b, root);
}

static void check_row(const struct world *w, const struct gen_json *row)
{
    char *name = gen_str_dup(gen_json_get_str(row, "name"));
    char *note = gen_str_dup(gen_json_get_str(row, "note"));
    bool is_blind = gen_json_get_str(row, "chunk").n == 0;
    struct gen_json_doc *doc = step_world_out(&w->run, 0);
    const struct gen_json *out = gen_json_root(doc);
    const struct gen_counts *notes = &w->run.accounts[0].notes;
    bool grounded = true;
    if (!gen_str_eq(gen_json_get_str(out, "answer"), gen_json_get_str(row, "answer")) ||
        !gen_json_equal(gen_json_get(out, "enrichment_changes"), gen_json_get(row, "out_changes")))
        fail_msg("%s: %s", name, w->run.out.data);
    if (note[0] && gen_counts_get(notes, note) != 1)
        fail_msg("%s: %s is not noted, but %s", name, note, notes->n ? notes->rows[0].name : "-");
    assert_int_equal(gen_counts_sum(notes), (note[0] ? 1 : 0) + is_blind);
    assert_int_equal(gen_json_as_bool(gen_json_get(out, "enrich_grounded"), &grounded), is_blind);
    assert_int_equal(grounded, !is_blind);
    assert_int_equal(w->run.accounts[0].n_produced, 1);
    assert_int_equal(w->run.n_calls, 1);
    gen_json_doc_free(doc);
    free(name);
    free(note);
}

static void rules(void **state)
{
    struct world *w = *state;
    struct gen_buf data = world_data("enrich_rules.jsonl");
    struct gen_str rest = gen_buf_str(&data);
    struct gen_str line;
    size_t n = 0;
    while (gen_str_next_line(&rest, &line)) {
        struct gen_qa_enrich_options o = {.batch_size = 5};
        struct gen_json_doc *doc = NULL;
        struct gen_chunk *chunk = NULL;
        assert_int_equal(gen_json_parse(&doc, line, NULL), GEN_OK);
        const struct gen_json *row = gen_json_root(doc);
        char *record = record_of(row);
        char *answer = answer_of(row);
        world_clear(w);
        if (gen_json_get_str(row, "chunk").n)
            chunk = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_json_get_str(row, "chunk"));
        world_add_record(w, chunk, record);
        step_world_answer(&w->run, answer);
        struct gen_qa_enrich *e = world_enrich(w, &o);
        world_run(w);
        check_row(w, row);
        gen_qa_enrich_free(e);
        gen_json_doc_free(doc);
        free(record);
        free(answer);
        n++;
    }
    assert_true(n > 15);
    gen_buf_release(&data);
}

static const char source[] = "Wax resists glaze. Kiln wash keeps glaze off the shelf of the kiln.";
static const char wax[] =
    "{\"question\":\"What does wax do?\",\"answer\":\"Wax, it resists glaze.\"}";
static const char wash[] = "{\"question\":\"What is kiln wash for?\",\"answer\":\"It is for the "
                           "shelf, keeps off glaze from the kiln's shelf.\"}";

#define ROW(id, text)                                                                              \
    "{\"id\":\"" id "\",\"unsupported\":[],\"missing\":[],\"enriched_answer\":\"" text             \
    "\",\"changes\":[\"clearer_order\"]}"
#define WAX_TEXT  "Wax resists glaze."
#define WASH_TEXT "Kiln wash keeps glaze off the shelf of the kiln."

static void add_two(struct world *w)
{
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c, wax);
    world_add_record(w, c, wash);
}

/* Both come out, in input order, with these answers. */
static void check_two(const struct world *w, const char *first, const char *second)
{
    struct gen_json_doc *a = step_world_out(&w->run, 0);
    struct gen_json_doc *b = step_world_out(&w->run, 1);
    assert_int_equal(w->run.n_out, 2);
    assert_true(gen_str_is(gen_json_get_str(gen_json_root(a), "answer"), first));
    assert_true(gen_str_is(gen_json_get_str(gen_json_root(b), "answer"), second));
    gen_json_doc_free(a);
    gen_json_doc_free(b);
}

static void ids_decide(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *answers[3];
        const char *first, *second;
        size_t n_calls;
        int64_t n_failed;
    } rows[] = {
        {{"{\"items\":[" ROW("p1", WAX_TEXT) "," ROW("p2", WASH_TEXT) "]}"},
         WAX_TEXT,
         WASH_TEXT,
         1,
         0},
        /* The other order, the right ids. */
        {{"{\"items\":[" ROW("p2", WASH_TEXT) "," ROW("[p1]", WAX_TEXT) "]}"},
         WAX_TEXT,
         WASH_TEXT,
         1,
         0},
        /* The first of two for the same id counts, an unknown one does not. */
        {{"{\"items\":[" ROW("p1", WAX_TEXT) "," ROW("p1", "Other.") "," ROW(
             "p7", "Other.") "," ROW("p2", WASH_TEXT) "]}"},
         WAX_TEXT,
         WASH_TEXT,
         1,
         0},
        /* What is missing is asked about alone, as p1. */
        {{"{\"items\":[" ROW("p1", WAX_TEXT) "]}", "{\"items\":[" ROW("p1", WASH_TEXT) "]}"},
         WAX_TEXT,
         WASH_TEXT,
         2,
         0},
        /* What stays missing goes on as it was. */
        {{"{\"items\":[" ROW("p1", WAX_TEXT) "]}", "{\"items\":[]}"},
         WAX_TEXT,
         "It is for the shelf, keeps off glaze from the kiln's shelf.",
         3,
         1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gen_qa_enrich_options o = {.batch_size = 5};
        world_clear(w);
        add_two(w);
        for (size_t k = 0; k < 3 && rows[i].answers[k]; k++)
            step_world_answer(&w->run, rows[i].answers[k]);
        struct gen_qa_enrich *e = world_enrich(w, &o);
        world_run(w);
        check_two(w, rows[i].first, rows[i].second);
        assert_int_equal(w->run.n_calls, rows[i].n_calls);
        assert_counted(w->run.accounts[0].failed, "malformed", rows[i].n_failed);
        if (rows[i].n_calls > 1) {
            assert_null(strstr(w->run.users[1], "What does wax do?"));
            assert_non_null(strstr(w->run.users[1], "for the ids p1."));
        }
        gen_qa_enrich_free(e);
    }
}

/* Each got the other's answer: both drafts stay. */
static void swapped_rewrites_are_not_used(void **state)
{
    struct world *w = *state;
    struct gen_qa_enrich_options o = {.batch_size = 5};
    add_two(w);
    step_world_answer(&w->run, "{\"items\":[" ROW("p1", WASH_TEXT) "," ROW("p2", WAX_TEXT) "]}");
    struct gen_qa_enrich *e = world_enrich(w, &o);
    world_run(w);
    check_two(w, "Wax, it resists glaze.",
              "It is for the shelf, keeps off glaze from the kiln's shelf.");
    assert_counted(w->run.accounts[0].notes, "kept_original_other_pair", 2);
    gen_qa_enrich_free(e);
}

static void records_have_their_shape(void **state)
{
    struct world *w = *state;
    struct gen_qa_enrich_options o = {.preserve_original = true, .batch_size = 5};
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c,
                     "{\"format\":\"cot\",\"question\":\"What does wax do?\",\"reasoning\":\"Wax "
                     "repels water.\",\"answer\":\"Wax, it resists glaze.\",\"chunk_id\":\"c1\","
                     "\"source\":\"a.md\",\"mine\":{\"a\":[1,2.50,null]},\"n\":1e3}");
    step_world_answer(&w->run, "{\"items\":[" ROW("p1", WAX_TEXT) "]}");
    struct gen_qa_enrich *e = world_enrich(w, &o);
    world_run(w);
    assert_string_equal(
        w->run.out.data,
        "{\"format\":\"cot\",\"question\":\"What does wax do?\",\"reasoning\":\"Wax repels "
        "water.\",\"answer\":\"Wax resists glaze.\",\"chunk_id\":\"c1\",\"source\":\"a.md\","
        "\"mine\":{\"a\":[1,2.5,null]},\"n\":1000.0,\"enrichment_changes\":[\"clearer_order\"],"
        "\"original_answer\":\"Wax, it resists glaze.\"}\n");
    gen_qa_enrich_free(e);
}

static void original_need_not_be_kept(void **state)
{
    struct world *w = *state;
    struct gen_qa_enrich_options o = {.preserve_original = false, .batch_size = 5};
    add_two(w);
    step_world_answer(&w->run, "{\"items\":[" ROW("p1", WAX_TEXT) "," ROW("p2", WASH_TEXT) "]}");
    struct gen_qa_enrich *e = world_enrich(w, &o);
    world_run(w);
    assert_false(step_world_has(&w->run.out, "original_answer"));
    gen_qa_enrich_free(e);
}

/* The turns keep the draft, so the record becomes a pair. */
static void conversations_become_pairs(void **state)
{
    struct world *w = *state;
    struct gen_qa_enrich_options o = {.batch_size = 5};
    world_add_record(w, NULL,
                     "{\"messages\":[{\"role\":\"user\",\"content\":\"What does wax do?\"},{"
                     "\"role\":\"assistant\",\"content\":\"Wax, it resists glaze.\"}]}");
    step_world_answer(&w->run, "{\"items\":[" ROW("p1", WAX_TEXT) "]}");
    struct gen_qa_enrich *e = world_enrich(w, &o);
    world_run(w);
    struct gen_json_doc *doc = step_world_out(&w->run, 0);
    struct gen_qa_view view;
    char why[160];
    assert_true(gen_qa_view(gen_json_root(doc), &view, why, sizeof(why)));
    assert_int_equal(view.kind, GEN_RECORD_QA);
    assert_true(gen_str_is(view.answer, WAX_TEXT));
    gen_json_doc_free(doc);
    gen_qa_enrich_free(e);
}

static void blind_requests_have_no_source(void **state)
{
    struct world *w = *state;
    struct gen_qa_enrich_options o = {.batch_size = 1};
    struct gen_chunk *c = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    world_add_record(w, c, wax);
    world_add_record(w, NULL, wax);
    world_add_record(w, NULL, "{\"question\":\"\",\"answer\":\"x\"}");
    world_add_record(w, NULL, "{\"question\":\"x\",\"answer\":7}");
    step_world_answer(&w->run, "{\"items\":[" ROW("p1", WAX_TEXT) "]}");
    struct gen_qa_enrich *e = world_enrich(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_calls, 2);
    assert_string_not_equal(w->run.systems[0], w->run.systems[1]);
    assert_non_null(strstr(w->run.users[0], source));
    assert_null(strstr(w->run.users[1], source));
    assert_true(strncmp(w->run.users[1], "[p1]\nQuestion: What does wax do?\n", 33) == 0);
    assert_counted(w->run.accounts[0].filtered, "malformed_row", 2);
    assert_counted(w->run.accounts[0].notes, "without_source", 1);
    gen_qa_enrich_free(e);
}

/* Pairs of different chunks do not share a call, and no more than the batch do. */
static void groups(void **state)
{
    struct world *w = *state;
    struct gen_qa_enrich_options o = {.batch_size = 2};
    struct gen_chunk *a = world_add_chunk(w, GEN_CHUNK_TEXT, "a.md", gen_str_from(source));
    struct gen_chunk *b = world_add_chunk(w, GEN_CHUNK_TEXT, "b.md", gen_str_from(source));
    for (size_t i = 0; i < 3; i++)
        world_add_record(w, a, wax);
    world_add_record(w, b, wax);
    world_add_record(w, NULL, wax);
    world_add_record(w, NULL, wax);
    step_world_answer(&w->run, "{\"items\":[" ROW("p1", WAX_TEXT) "," ROW("p2", WAX_TEXT) "]}");
    struct gen_qa_enrich *e = world_enrich(w, &o);
    world_run(w);
    assert_int_equal(w->run.n_out, 6);
    assert_int_equal(w->run.accounts[0].n_calls, 4);
    gen_qa_enrich_free(e);
}

int main(void)
{
#define WORLD(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        WORLD(rules),
        WORLD(ids_decide),
        WORLD(swapped_rewrites_are_not_used),
        WORLD(records_have_their_shape),
        WORLD(original_need_not_be_kept),
        WORLD(conversations_become_pairs),
        WORLD(blind_requests_have_no_source),
        WORLD(groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
