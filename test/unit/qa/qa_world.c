#include "qa_world.h"

#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>

static bool next_round(struct step_world *run, bool drained, enum gen_pull *what)
{
    struct world *w = (struct world *)run;
    if (!w->generate || run->round + 1 >= 3)
        return false;
    if (!drained) {
        *what = GEN_PULL_WAIT;
        return false;
    }
    if (gen_qa_generate_missing(w->generate) == 0)
        return false;
    gen_qa_generate_next_round(w->generate);
    return true;
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    if (!w || step_world_init(&w->run)) {
        free(w);
        return -1;
    }
    w->run.next_round = next_round;
    *state = w;
    return 0;
}

void world_clear(struct world *w)
{
    step_world_clear(&w->run);
    for (size_t i = 0; i < w->n_chunks; i++)
        gen_chunk_unref(w->chunks[i]);
    w->n_chunks = w->n_records = w->n_steps = 0;
    w->generate = NULL;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    world_clear(w);
    step_world_release(&w->run);
    free(w);
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
    assert_true(w->n_chunks < WORLD_CHUNKS_MAX);
    struct gen_chunk *chunk = gen_chunk_new(&model);
    assert_non_null(chunk);
    w->chunks[w->n_chunks++] = chunk;
    if (w->n_records == 0)
        step_world_add(&w->run, chunk, GEN_STR(""));
    return chunk;
}

void world_add_record(struct world *w, struct gen_chunk *chunk, const char *record)
{
    if (w->n_records++ == 0)
        step_world_clear_inputs(&w->run);
    step_world_add(&w->run, chunk, gen_str_from(record));
}

struct gen_qa_generate *world_generate(struct world *w, const struct gen_qa_generate_options *o)
{
    struct gen_qa_generate *g = NULL;
    struct gen_error err = {.msg = ""};
    step_world_must(gen_qa_generate_new(&g, &w->run.common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return g;
}

struct gen_qa_enrich *world_enrich(struct world *w, const struct gen_qa_enrich_options *o)
{
    struct gen_qa_enrich *e = NULL;
    struct gen_error err = {.msg = ""};
    step_world_must(gen_qa_enrich_new(&e, &w->run.common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return e;
}

struct gen_qa_enhance *world_enhance(struct world *w, const struct gen_qa_enhance_options *o)
{
    struct gen_qa_enhance *e = NULL;
    struct gen_error err = {.msg = ""};
    step_world_must(gen_qa_enhance_new(&e, &w->run.common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return e;
}

struct gen_qa_rate *world_rate(struct world *w, const struct gen_qa_rate_options *o)
{
    struct gen_qa_rate *r = NULL;
    struct gen_error err = {.msg = ""};
    step_world_must(gen_qa_rate_new(&r, &w->run.common, o, &w->steps[0], &err), &err);
    w->n_steps = 1;
    return r;
}

void world_run(struct world *w)
{
    step_world_run(&w->run, w->steps, w->n_steps, false);
}

struct gen_buf world_data(const char *name)
{
    char path[600];
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    struct gen_error err = {.msg = ""};
    (void)snprintf(path, sizeof(path), "%s/qa/%s", TEST_DATA_DIR, name);
    step_world_must(gen_file_read_all(&out, path, &err), &err);
    return out;
}

struct gen_str world_example(const struct world *w, const char *prompt, size_t i)
{
    struct gen_str rest = gen_prompt_system(gen_prompt_find(w->run.prompts, prompt));
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
    struct gen_str text = gen_prompt_system(gen_prompt_find(w->run.prompts, prompt));
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
