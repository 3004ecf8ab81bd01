#include "qa_world.h"

#include "os/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A provider's functions have no place for a pointer of ours. */
static struct world *active;

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[600];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(folder);
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct gen_error err = {.msg = ""};
    if (!w)
        return -1;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/gen-qa-XXXXXX");
    if (!mkdtemp(w->folder) ||
        gen_prompt_set_load(&w->prompts, PROJECT_DIR "/configs/prompts", NULL, &err) != GEN_OK) {
        print_error("%s\n", err.msg);
        free(w);
        return -1;
    }
    w->common = (struct gen_step_common){.prompts = w->prompts, .provider = "test", .model = "m"};
    w->out = gen_buf_make(GEN_BUF_UNLIMITED);
    w->failures = gen_buf_make(GEN_BUF_UNLIMITED);
    active = w;
    *state = w;
    return 0;
}

static void forget_run(struct world *w)
{
    for (size_t i = 0; i < WORLD_ITEMS_MAX; i++) {
        free(w->systems[i]);
        free(w->users[i]);
        w->systems[i] = w->users[i] = NULL;
    }
    gen_buf_clear(&w->out);
    gen_buf_clear(&w->failures);
    w->n_calls = w->n_out = w->next = 0;
    w->round = 0;
    memset(w->accounts, 0, sizeof(w->accounts));
}

void world_clear(struct world *w)
{
    for (size_t i = 0; i < w->n_chunks; i++)
        gen_chunk_unref(w->chunks[i]);
    for (size_t i = 0; i < w->n_records; i++)
        free(w->records[i]);
    w->n_chunks = w->n_records = w->n_answers = 0;
    w->generate = NULL;
    w->n_steps = 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    world_clear(w);
    forget_run(w);
    remove_folder(w->folder);
    gen_prompt_set_free(w->prompts);
    gen_buf_release(&w->out);
    gen_buf_release(&w->failures);
    free(w);
    active = NULL;
    return 0;
}

struct gen_chunk *world_add_chunk(struct world *w, enum gen_chunk_kind kind, const char *source,
                                  struct gen_str content)
{
    char id[32];
    int n = snprintf(id, sizeof(id), "c%zu", w->n_chunks + 1);
    struct gen_chunk model = {
        .position = w->n_chunks,
        .kind = kind,
        .id = {id, (size_t)n},
        .content = content,
        .source = gen_str_from(source),
        .language = kind == GEN_CHUNK_CODE ? GEN_STR("python") : GEN_STR(""),
    };
    assert_true(w->n_chunks < WORLD_ITEMS_MAX);
    struct gen_chunk *chunk = gen_chunk_new(&model);
    assert_non_null(chunk);
    w->chunks[w->n_chunks++] = chunk;
    return chunk;
}

void world_add_record(struct world *w, struct gen_chunk *chunk, const char *record)
{
    assert_true(w->n_records < WORLD_ITEMS_MAX);
    w->record_chunks[w->n_records] = chunk;
    w->records[w->n_records] = gen_str_dup(gen_str_from(record));
    assert_non_null(w->records[w->n_records++]);
}

void world_answer(struct world *w, const char *json)
{
    assert_true(w->n_answers < WORLD_ANSWERS_MAX);
    w->answers[w->n_answers++] = json;
}

static void must(int rc, const struct gen_error *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

struct gen_qa_generate *world_generate(struct world *w, const struct gen_qa_generate_options *o)
{
    struct gen_qa_generate *g = NULL;
    struct gen_error err = {.msg = ""};
    must(gen_qa_generate_new(&g, &w->common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return g;
}

struct gen_qa_enrich *world_enrich(struct world *w, const struct gen_qa_enrich_options *o)
{
    struct gen_qa_enrich *e = NULL;
    struct gen_error err = {.msg = ""};
    must(gen_qa_enrich_new(&e, &w->common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return e;
}

struct gen_qa_enhance *world_enhance(struct world *w, const struct gen_qa_enhance_options *o)
{
    struct gen_qa_enhance *e = NULL;
    struct gen_error err = {.msg = ""};
    must(gen_qa_enhance_new(&e, &w->common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return e;
}

struct gen_qa_rate *world_rate(struct world *w, const struct gen_qa_rate_options *o)
{
    struct gen_qa_rate *r = NULL;
    struct gen_error err = {.msg = ""};
    must(gen_qa_rate_new(&r, &w->common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return r;
}

static int provider_answer(const struct gen_llm_request *r, struct gen_llm_result *result,
                           struct gen_error *err)
{
    struct world *w = active;
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    (void)err;
    if (w->n_calls < WORLD_ITEMS_MAX) {
        w->systems[w->n_calls] = gen_str_dup(r->stable->system);
        w->users[w->n_calls] = gen_str_dup(r->user);
        w->tokens_out_max[w->n_calls] = r->tokens_out_max;
    }
    if (w->script) {
        w->script(w, r, &text);
    } else {
        size_t i = w->n_calls < w->n_answers ? w->n_calls : w->n_answers - 1;
        assert_true(w->n_answers > 0);
        assert_int_equal(gen_buf_add_c(&text, w->answers[i], NULL), GEN_OK);
    }
    w->n_calls++;
    size_t n = 0;
    result->owned = gen_buf_take(&text, &n);
    result->text = (struct gen_str){result->owned, n};
    result->reasoning = gen_str_from(w->reasoning);
    result->class_code = GEN_CLASS_OK;
    result->finish = GEN_STR("stop");
    result->usage = (struct gen_usage){10, 10, 0, 0, -1, 0};
    return GEN_OK;
}

static const struct gen_provider provider = {.name = "test", .answer = provider_answer};

static bool next_round(struct world *w, bool drained, enum gen_pull *what)
{
    *what = GEN_PULL_END;
    if (!w->generate || w->round + 1 >= 3)
        return false;
    if (!drained) {
        *what = GEN_PULL_WAIT;
        return false;
    }
    if (gen_qa_generate_missing(w->generate) == 0)
        return false;
    gen_qa_generate_next_round(w->generate);
    w->round++;
    w->next = 0;
    return true;
}

static int pull(void *ud, bool drained, struct gen_item **out, enum gen_pull *what,
                struct gen_error *err)
{
    struct world *w = ud;
    size_t n = w->n_records ? w->n_records : w->n_chunks;
    if (w->next == n && !next_round(w, drained, what))
        return GEN_OK;
    struct gen_chunk *chunk = w->n_records ? w->record_chunks[w->next] : w->chunks[w->next];
    struct gen_str record = gen_str_from(w->n_records ? w->records[w->next] : "");
    *out = gen_item_new(chunk, record, w->next);
    if (!*out)
        return gen_nomem(err, "an item");
    (*out)->round = w->round;
    (*out)->is_new_input = w->round == 0;
    w->next++;
    *what = GEN_PULL_ITEM;
    return GEN_OK;
}

static int sink_item(void *ud, const struct gen_item *item, struct gen_error *err)
{
    struct world *w = ud;
    w->n_out++;
    return gen_buf_printf(&w->out, err, "%.*s\n", GEN_STR_ARG(item->record));
}

static int sink_failure(void *ud, const char *stage, const struct gen_item *item,
                        const char *class_name, const char *message, unsigned n_attempts,
                        struct gen_error *err)
{
    struct world *w = ud;
    (void)item;
    (void)n_attempts;
    return gen_buf_printf(&w->failures, err, "%s %s: %s\n", stage, class_name, message);
}

static void check_account(const struct world *w)
{
    for (size_t i = 0; i < w->n_steps; i++) {
        const struct gen_stage_account *a = &w->accounts[i];
        int64_t sum = a->n_produced + gen_counts_sum(&a->filtered) + gen_counts_sum(&a->failed) +
                      gen_counts_sum(&a->skipped);
        assert_int_equal(a->n_in, sum);
        assert_int_equal(a->n_out,
                         i + 1 < w->n_steps ? w->accounts[i + 1].n_in : (int64_t)w->n_out);
    }
}

static void run_engine(struct world *w, struct gen_loop *loop, struct gen_ledger *ledger,
                       int64_t run_id, struct gen_error *err)
{
    struct gen_engine *engine = NULL;
    enum gen_end end = GEN_END_DONE;
    struct gen_engine_options o = {
        .steps = w->steps,
        .n_steps = w->n_steps,
        .source = {pull, w},
        .sink = {sink_item, sink_failure, w},
        .provider = &provider,
        .endpoint_name = NULL,
        .loop = loop,
        .ledger = ledger,
        .run_id = run_id,
        .window_start = 4,
        .window_max = 4,
        .price = {.known = true},
        .seed = 1,
    };
    must(gen_engine_new(&engine, &o, err), err);
    must(gen_engine_run(engine, &end, err), err);
    if (end != GEN_END_DONE)
        fail_msg("the run stopped: %s", gen_engine_stop_reason(engine));
    size_t n = 0;
    const struct gen_stage_account *accounts = gen_engine_accounts(engine, &n);
    memcpy(w->accounts, accounts, n * sizeof(*accounts));
    gen_engine_free(engine);
}

void world_run(struct world *w)
{
    char path[300];
    struct gen_loop *loop = NULL;
    struct gen_ledger *ledger = NULL;
    struct gen_run_info info = {.command = GEN_STR("test"), .version = GEN_STR("0")};
    struct gen_error err = {.msg = ""};
    int64_t run_id = 0;
    forget_run(w);
    (void)snprintf(path, sizeof(path), "%s/%u.ledger", w->folder, ++w->n_runs);
    must(gen_loop_new(&loop, &err), &err);
    must(gen_ledger_open(&ledger, &gen_ledger_sqlite, path, false, &err), &err);
    must(gen_ledger_run_begin(ledger, &info, &run_id, &err), &err);
    run_engine(w, loop, ledger, run_id, &err);
    gen_ledger_close(ledger);
    gen_loop_free(loop);
    check_account(w);
}

struct gen_json_doc *world_out(const struct world *w, size_t i)
{
    struct gen_str rest = gen_buf_str(&w->out);
    struct gen_str line = {0};
    struct gen_json_doc *doc = NULL;
    struct gen_error err = {.msg = ""};
    for (size_t k = 0; k <= i; k++) {
        if (!gen_str_next_line(&rest, &line))
            fail_msg("there is no output %zu", i);
    }
    must(gen_json_parse(&doc, line, &err), &err);
    return doc;
}

bool world_out_has(const struct world *w, const char *text)
{
    return gen_str_find(gen_buf_str(&w->out), gen_str_from(text), 0) != SIZE_MAX;
}

struct gen_buf world_data(const char *name)
{
    char path[600];
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    struct gen_error err = {.msg = ""};
    (void)snprintf(path, sizeof(path), "%s/qa/%s", TEST_DATA_DIR, name);
    must(gen_file_read_all(&out, path, &err), &err);
    return out;
}

struct gen_str world_example(const struct world *w, const char *prompt, size_t i)
{
    struct gen_str rest = gen_prompt_system(gen_prompt_find(w->prompts, prompt));
    struct gen_str line;
    while (gen_str_next_line(&rest, &line)) {
        line = gen_str_trim(line);
        if (gen_str_starts(line, GEN_STR("{\"")) && i-- == 0)
            return line;
    }
    return GEN_STR("");
}

void world_quoted(const struct world *w, const char *prompt, const char *mark, size_t i,
                  struct gen_buf *out)
{
    struct gen_str text = gen_prompt_system(gen_prompt_find(w->prompts, prompt));
    struct gen_str needle = gen_str_from(mark);
    struct gen_buf line = gen_buf_make(65536);
    struct gen_json_doc *doc = NULL;
    struct gen_str value;
    size_t at = gen_str_find(text, needle, 0);
    for (; i && at != SIZE_MAX; i--)
        at = gen_str_find(text, needle, at + 1);
    if (at == SIZE_MAX)
        fail_msg("%s has no \"%s\"", prompt, mark);
    size_t from = gen_str_find(text, GEN_STR("\""), at);
    size_t to = gen_str_find(text, GEN_STR("\""), from + 1);
    for (size_t k = from; k <= to; k++)
        assert_int_equal(gen_buf_add_char(&line, text.p[k] == '\n' ? ' ' : text.p[k], NULL), 0);
    assert_int_equal(gen_json_parse(&doc, gen_buf_str(&line), NULL), GEN_OK);
    assert_true(gen_json_as_str(gen_json_root(doc), &value));
    gen_buf_clear(out);
    assert_int_equal(gen_buf_add_str(out, value, NULL), GEN_OK);
    gen_json_doc_free(doc);
    gen_buf_release(&line);
}
