/* The answers of fakellm (test/support) pass the stage's checks, so that tests over HTTP get
 * examples of every category. */
#include "fakellm.h"
#include "generate_world.h"

#include <stdlib.h>

static void play(struct step_world *w, const struct gen_llm_request *r, struct gen_buf *answer)
{
    (void)w;
    struct gen_jb *b = NULL;
    struct gen_buf body = gen_buf_make(GEN_BUF_UNLIMITED);
    struct fake_buf out = {0};
    struct fake_prompt *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    assert_int_equal(gen_jb_new(&b, NULL), GEN_OK);
    struct gen_jmut *root = gen_jb_object(b);
    struct gen_jmut *messages = gen_jb_array(b);
    const struct gen_str texts[2] = {r->stable->system, r->user};
    for (size_t i = 0; i < 2; i++) {
        struct gen_jmut *message = gen_jb_object(b);
        gen_jb_put_cstr(b, message, "role", i ? "user" : "system");
        gen_jb_put_str(b, message, "content", texts[i]);
        gen_jb_append(b, messages, message);
    }
    gen_jb_put_cstr(b, root, "model", "m");
    gen_jb_put(b, root, "messages", messages);
    gen_jb_put(b, root, "schema", gen_jb_raw(b, r->stable->schema));
    assert_int_equal(gen_jb_write(b, root, GEN_JSON_COMPACT, &body, NULL), GEN_OK);
    uint64_t hash = gen_hash64(gen_buf_str(&body), 0);
    fake_prompt_scan(p, (struct fake_span){body.data, body.n}, hash);
    fake_answer_write(&out, p, 0, FAKE_OK);
    assert_int_equal(gen_buf_add(answer, out.p, out.len, NULL), GEN_OK);
    fake_buf_release(&out);
    gen_buf_release(&body);
    gen_jb_free(b);
    free(p);
}

static void every_category(void **state)
{
    struct world *w = *state;
    static const char *const offered = "get_shape list_keys hdf5_batch_read open_file";
    static const struct {
        enum gen_tool_category category;
        const char *blueprint;
    } rows[] = {
        {GEN_TOOL_SINGLE,
         "{\"calls\":[{\"tool\":\"hdf5_batch_read\",\"args\":{\"paths\":[\"/grid/x\",\"/grid/y\"],"
         "\"start\":[0],\"count\":[5]}}]}"},
        {GEN_TOOL_MULTIPLE, "{\"calls\":[{\"tool\":\"list_keys\",\"args\":{}}]}"},
        {GEN_TOOL_PARALLEL,
         "{\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":\"/a\"},\"turn\":1},{\"tool\":"
         "\"get_shape\",\"args\":{\"path\":\"/b\"},\"turn\":1}]}"},
        {GEN_TOOL_CHAIN,
         "{\"calls\":[{\"tool\":\"open_file\",\"args\":{\"path\":\"simulation.h5\",\"mode\":\"r\"},"
         "\"turn\":1},{\"tool\":\"list_keys\",\"args\":{\"path\":\"/results\"},\"turn\":2},{"
         "\"tool\":\"get_shape\",\"args\":{\"path\":{\"$result\":{\"step\":2,\"pointer\":"
         "\"/keys/0\"}}},\"turn\":3}]}"},
        {GEN_TOOL_IRRELEVANCE, "{\"gap\":\"physical_world\"}"},
        {GEN_TOOL_MISSING_PARAM,
         "{\"withheld\":[\"path\"],\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":"
         "\"/results/temperature\"}}]}"},
        {GEN_TOOL_MISSING_PARAM,
         "{\"withheld\":[\"paths\"],\"calls\":[{\"tool\":\"hdf5_batch_read\",\"args\":{\"paths\":["
         "\"/grid/x\",\"/grid/y\"],\"count\":[5]}}]}"},
        {GEN_TOOL_ERROR_RECOVERY,
         "{\"mutation\":{\"kind\":\"wrong_value\",\"call\":{\"tool\":\"get_shape\",\"args\":{"
         "\"path\":\"/x\"}}},\"calls\":[{\"tool\":\"get_shape\",\"args\":{\"path\":\"/y\"}}]}"},
    };
    w->run.script = play;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        world_blueprint(w, rows[i].category, "question", offered, rows[i].blueprint);
    world_run(w);
    if (w->run.n_out != w->run.n_inputs)
        fail_msg("%s, %s\n%s", w->run.accounts[0].filtered.rows[0].name, w->run.failures.data,
                 w->run.users[w->run.n_calls - 1]);
    assert_int_equal(w->run.n_out, w->run.n_inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_category, world_set_up, world_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
