/*
 * Every class of failure, for every provider: what the user is told (what happened, whether it was
 * asked again, what to do), how it ends, and how many requests it took. The cases are rows of
 * test/data/integration/classes.jsonl:
 *
 *   id, providers (default: all that speak HTTP), model, serve (arguments of fakellm), script (for
 *   POST /fake/script), args (of the generator); and what is expected: exit, class (of the one
 *   failure; absent: no failures file), attempts (of it), requests, least_ms, says (texts of
 *   standard error), message (texts of the failure's message).
 *
 * Each is one question about one chunk, with --verbose, unless args say otherwise. The key is
 * looked for in all that was said and written.
 */
#include "place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT_ONCE    24U
#define TRIALS_MAX 400U
#define WORDS_MAX  24U
#define WORD_BYTES 160U
#define KEY        "sk-Zz9secretSECRETsecret77"
#define KEY_CORE   "Zz9secretSECRET"

struct words {
    size_t n;
    char text[WORDS_MAX][WORD_BYTES];
};

struct trial {
    const struct gen_json *row;
    char provider[16];
    char stem[80];
    struct fake_process server;
    struct run run;
};

static void add_word(struct words *w, const char *text)
{
    assert_true(w->n < WORDS_MAX);
    int n = snprintf(w->text[w->n++], WORD_BYTES, "%s", text);
    assert_true(n >= 0 && n < (int)WORD_BYTES);
}

static void add_words(struct words *w, const struct gen_json *list)
{
    for (size_t i = 0; i < gen_json_count(list); i++) {
        char word[WORD_BYTES];
        struct gen_str s;
        assert_true(gen_json_as_str(gen_json_at(list, i), &s));
        (void)snprintf(word, sizeof(word), "%.*s", GEN_STR_ARG(s));
        add_word(w, word);
    }
}

static const char *const *args_of(const struct words *w, const char **args)
{
    for (size_t i = 0; i < w->n; i++)
        args[i] = w->text[i];
    args[w->n] = NULL;
    return args;
}

static const char *default_model(const char *provider)
{
    if (strcmp(provider, "anthropic") == 0)
        return "claude-haiku-5-5";
    return strcmp(provider, "gemini") == 0 ? "gemini-2.5-flash" : "fake-model";
}

static const char *base_path(const char *provider)
{
    if (strcmp(provider, "gemini") == 0)
        return "/v1beta";
    bool is_bare = strcmp(provider, "ollama") == 0 || strcmp(provider, "anthropic") == 0;
    return is_bare ? "" : "/v1";
}

static void send_script(const struct trial *t, const struct gen_json *script)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    char reply[512];
    assert_int_equal(gen_json_write(&text, script, GEN_JSON_COMPACT, NULL), 0);
    assert_int_equal(
        fake_process_request(&t->server, "/fake/script", text.data, reply, sizeof(reply)), 200);
    gen_buf_release(&text);
}

static void start(const struct place *p, struct trial *t)
{
    static const char *const env[] = {"OPENAI_API_KEY=" KEY, "ANTHROPIC_API_KEY=" KEY,
                                      "GOOGLE_API_KEY=" KEY, "OLLAMA_API_KEY=" KEY,
                                      "VLLM_API_KEY=" KEY,   NULL};
    struct words serve = {0};
    struct words args = {0};
    const char *list[WORDS_MAX + 1];
    char name[WORD_BYTES];
    add_words(&serve, gen_json_get(t->row, "serve"));
    assert_int_equal(fake_process_start(&t->server, args_of(&serve, list)), 0);
    if (gen_json_get(t->row, "script"))
        send_script(t, gen_json_get(t->row, "script"));
    add_word(&args, "generate");
    add_word(&args, CHUNKS);
    add_word(&args, "-o");
    (void)snprintf(name, sizeof(name), "%s.jsonl", t->stem);
    add_word(&args, name);
    add_word(&args, "--provider");
    add_word(&args, t->provider);
    add_word(&args, "--model");
    struct gen_str model = gen_json_get_str(t->row, "model");
    (void)snprintf(name, sizeof(name), "%.*s", GEN_STR_ARG(model));
    add_word(&args, model.n ? name : default_model(t->provider));
    add_word(&args, "--base-url");
    (void)snprintf(name, sizeof(name), "%s%s", t->server.url, base_path(t->provider));
    add_word(&args, name);
    add_word(&args, "--progress=none");
    add_word(&args, "--min-chunk-chars=0");
    add_word(&args, "--verbose");
    if (gen_json_get(t->row, "args"))
        add_words(&args, gen_json_get(t->row, "args"));
    else
        add_word(&args, "--max-chunks=1");
    run_start(&t->run, &(struct run_spec){.args = args_of(&args, list), .env = env, .dir = p->dir});
}

static int64_t number_of(const struct gen_json *row, const char *name)
{
    int64_t n = -1;
    (void)gen_json_as_int(gen_json_get(row, name), &n);
    return n;
}

/* True when `text` has all of the list; else says which is missing. */
static bool has_all(const char *id, const struct gen_json *list, struct gen_str text)
{
    bool has = true;
    for (size_t i = 0; i < gen_json_count(list); i++) {
        struct gen_str s;
        assert_true(gen_json_as_str(gen_json_at(list, i), &s));
        if (gen_str_find(text, s, 0) != SIZE_MAX)
            continue;
        print_error("%s: \"%.*s\" is missing\n", id, GEN_STR_ARG(s));
        has = false;
    }
    return has;
}

static bool is_number(const char *id, const char *name, int64_t wanted, int64_t seen)
{
    if (wanted < 0 || wanted == seen)
        return true;
    print_error("%s: %s is %lld, not %lld\n", id, name, (long long)seen, (long long)wanted);
    return false;
}

static bool check_failure(const struct place *p, const struct trial *t)
{
    char name[120];
    struct gen_str class_name = gen_json_get_str(t->row, "class");
    (void)snprintf(name, sizeof(name), "%s_failures.jsonl", t->stem);
    if (place_has(p, name) != (class_name.n > 0)) {
        print_error("%s: %s a failures file\n", t->stem, class_name.n ? "lacks" : "has");
        return false;
    }
    if (class_name.n == 0)
        return true;
    char *text = place_read(p, name, NULL);
    struct gen_str rest = gen_str_from(text);
    struct gen_str line;
    struct gen_json_doc *doc = NULL;
    assert_true(gen_str_next_line(&rest, &line));
    assert_int_equal(gen_json_parse(&doc, line, NULL), 0);
    const struct gen_json *row = gen_json_root(doc);
    bool good = gen_str_eq(gen_json_get_str(row, "class"), class_name) &&
                gen_json_get_str(row, "advice").n > 0;
    good =
        has_all(t->stem, gen_json_get(t->row, "message"), gen_json_get_str(row, "message")) && good;
    good =
        is_number(t->stem, "attempts", number_of(t->row, "attempts"), number_of(row, "attempts")) &&
        good;
    /* The account says what to do about the class. */
    good = strstr(t->run.err, "\nadvice ") != NULL && good;
    if (!good)
        print_error("%s: the failure is %.*s\n", t->stem, GEN_STR_ARG(line));
    gen_json_doc_free(doc);
    free(text);
    return good;
}

/* Returns whether all was as expected. */
static bool check(const struct place *p, struct trial *t)
{
    run_wait(&t->run);
    const struct run *r = &t->run;
    bool good = is_number(t->stem, "exit", number_of(t->row, "exit"), r->status);
    good = check_failure(p, t) && good;
    good = has_all(t->stem, gen_json_get(t->row, "says"), gen_str_from(r->err)) && good;
    if (number_of(t->row, "requests") >= 0)
        good = is_number(t->stem, "requests", number_of(t->row, "requests"),
                         fake_process_stat(&t->server, "requests")) &&
               good;
    if (strcmp(t->provider, "gemini") == 0 && number_of(t->row, "requests") >= 0)
        good = fake_process_stat(&t->server, "keys_in_url") == 0 && good;
    if ((int64_t)r->took_ms < number_of(t->row, "least_ms"))
        good = is_number(t->stem, "time (ms)", number_of(t->row, "least_ms"), (int64_t)r->took_ms);
    if (strstr(r->err, KEY_CORE) || strstr(r->out, KEY_CORE)) {
        print_error("%s: it says the key\n", t->stem);
        good = false;
    }
    if (!good)
        print_error("%s: it said\n%s\n", t->stem, r->err);
    run_release(&t->run);
    (void)fake_process_stop(&t->server);
    return good;
}

static size_t add_trials(const struct gen_json *row, struct trial *trials, size_t n)
{
    static const char *const all[] = {"ollama", "openai", "vllm", "anthropic", "gemini"};
    const struct gen_json *list = gen_json_get(row, "providers");
    size_t n_providers = list ? gen_json_count(list) : sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < n_providers; i++) {
        struct trial *t = &trials[n + i];
        struct gen_str name = list ? (struct gen_str){NULL, 0} : gen_str_from(all[i]);
        assert_true(n + i < TRIALS_MAX);
        if (list)
            assert_true(gen_json_as_str(gen_json_at(list, i), &name));
        t->row = row;
        (void)snprintf(t->provider, sizeof(t->provider), "%.*s", GEN_STR_ARG(name));
        (void)snprintf(t->stem, sizeof(t->stem), "%.*s-%s",
                       GEN_STR_ARG(gen_json_get_str(row, "id")), t->provider);
    }
    return n + n_providers;
}

static void every_class_of_every_provider(void **state)
{
    const struct place *p = *state;
    static struct gen_json_doc *docs[TRIALS_MAX];
    struct trial *trials = calloc(TRIALS_MAX, sizeof(*trials));
    char *text = place_read(p, CLASSES_PATH, NULL);
    struct gen_str rest = gen_str_from(text);
    struct gen_str line;
    size_t n_docs = 0;
    size_t n = 0;
    size_t n_bad = 0;
    char name[300];
    assert_non_null(trials);
    while (gen_str_next_line(&rest, &line)) {
        assert_true(n_docs < TRIALS_MAX);
        if (gen_json_parse(&docs[n_docs], line, NULL) != GEN_OK)
            fail_msg("line %zu of " CLASSES_PATH " is no JSON", n_docs + 1);
        n = add_trials(gen_json_root(docs[n_docs++]), trials, n);
    }
    for (size_t first = 0; first < n; first += AT_ONCE) {
        size_t end = first + AT_ONCE < n ? first + AT_ONCE : n;
        for (size_t i = first; i < end; i++)
            start(p, &trials[i]);
        for (size_t i = first; i < end; i++)
            n_bad += !check(p, &trials[i]);
    }
    bool is_key_kept = place_any_file_has(p, KEY_CORE, name, sizeof(name));
    if (is_key_kept)
        print_error("the key is in %s\n", name);
    print_message("%zu runs of %zu cases, %zu not as expected\n", n, n_docs, n_bad);
    while (n_docs)
        gen_json_doc_free(docs[--n_docs]);
    free(text);
    free(trials);
    assert_int_equal(n_bad, 0);
    assert_false(is_key_kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_class_of_every_provider, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
