/* From argv, environment and configuration to values or to one clear sentence. */
#include "conf/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_MAX  80
#define NOT_SET   "(unset)"
#define CONFIG    "c.yaml" /* holds the case's configuration */
#define DB        "docs.lancedb"
#define GENERATE  "generate", DB, "-o", "qa.json"
#define CURATE    "curate", "qa.json", "-o", "out.json"
#define PIPELINE  "pipeline", DB, "-o", "out.jsonl"
#define ENRICH    "enrich", "qa.json", "-o", "out.json"
#define WITH_FILE "--config", CONFIG

struct want {
    enum gen_option_id id;
    const char *value; /* NULL ends the list */
    enum gen_setting_source source;
};

struct value_case {
    const char *name;
    const char *args[ARGS_MAX];
    const char *config; /* NULL: no file */
    const char *env[8]; /* name, value, ... */
    struct want want[6];
};

struct error_case {
    const char *args[ARGS_MAX];
    const char *config;
    const char *env[4];
    const char *message; /* the whole of it */
};

static const char *const *current_env;

static const char *lookup(const char *name)
{
    for (const char *const *e = current_env; e && *e; e += 2) {
        if (strcmp(*e, name) == 0)
            return e[1];
    }
    return NULL;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int parse(const char *const *args, const char *config, const char *const *env,
                 struct gen_settings **s, enum gen_parse_result *result, struct gen_buf *text,
                 struct gen_error *err)
{
    char *argv[ARGS_MAX + 2] = {strdup("generator")};
    int argc = 1;
    for (; args[argc - 1]; argc++)
        argv[argc] = strdup(args[argc - 1]);
    if (config)
        write_file(CONFIG, config);
    current_env = env;
    int rc = gen_settings_parse(s, result, text, argc, argv, lookup, err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return rc;
}

static void shown(const struct gen_settings *s, enum gen_option_id id, char *out, size_t n)
{
    const char *const *items = NULL;
    size_t n_items = 0;
    if (!gen_settings_has(s, id)) {
        (void)snprintf(out, n, NOT_SET);
        return;
    }
    switch (gen_options[id].type) {
    case GEN_TYPE_FLAG:
        (void)snprintf(out, n, "%s", gen_settings_flag(s, id) ? "yes" : "no");
        return;
    case GEN_TYPE_INT:
    case GEN_TYPE_WORKERS:
        (void)snprintf(out, n, "%lld", (long long)gen_settings_int(s, id));
        return;
    case GEN_TYPE_REAL:
        (void)snprintf(out, n, "%g", gen_settings_real(s, id));
        return;
    case GEN_TYPE_TEXT:
    case GEN_TYPE_PATH:
    case GEN_TYPE_CHOICE:
        (void)snprintf(out, n, "%s", gen_settings_text(s, id));
        return;
    case GEN_TYPE_LIST:
        items = gen_settings_list(s, id, &n_items);
        *out = '\0';
        for (size_t i = 0; i < n_items; i++) {
            size_t used = strlen(out);
            (void)snprintf(out + used, n - used, "%s%s", i ? "," : "", items[i]);
        }
        return;
    case GEN_TYPE_SECRET: {
        struct gen_buf header = gen_buf_make(4096);
        struct gen_error err;
        assert_int_equal(gen_secret_header(&header, "K", "", gen_settings_secret(s, id), &err),
                         GEN_OK);
        (void)snprintf(out, n, "%s", header.data + 3);
        gen_buf_wipe(&header);
        return;
    }
    }
}

static const struct value_case value_cases[] = {
    {"defaults of generate",
     {GENERATE},
     NULL,
     {NULL},
     {{GEN_OPT_TABLE, "text_chunks", GEN_FROM_DEFAULT},
      {GEN_OPT_BATCH_SIZE, "50", GEN_FROM_DEFAULT},
      {GEN_OPT_N_PAIRS, NOT_SET, GEN_FROM_DEFAULT},
      {GEN_OPT_PROVIDER, "ollama", GEN_FROM_DEFAULT},
      {GEN_OPT_WORKERS, "0", GEN_FROM_DEFAULT}}},
    {"more defaults",
     {GENERATE},
     NULL,
     {NULL},
     {{GEN_OPT_MIN_CHUNK, "200", GEN_FROM_DEFAULT},
      {GEN_OPT_TIMEOUT, "600", GEN_FROM_DEFAULT},
      {GEN_OPT_NUM_CTX, "16384", GEN_FROM_DEFAULT},
      {GEN_OPT_TEMPERATURE, NOT_SET, GEN_FROM_DEFAULT},
      {GEN_OPT_CHUNK_SIZE, "1500", GEN_FROM_DEFAULT}}},
    {"defaults of curate",
     {CURATE},
     NULL,
     {NULL},
     {{GEN_OPT_THRESHOLD, "7", GEN_FROM_DEFAULT},
      {GEN_OPT_BATCH_SIZE, "5", GEN_FROM_DEFAULT},
      {GEN_OPT_MIN_CHUNK, NOT_SET, GEN_FROM_DEFAULT}}},
    {"options in any place and shape",
     {"--table=a", "--seed", "7", "generate", "--table", "b", DB, "-oqa.json", "-qv"},
     NULL,
     {NULL},
     {{GEN_OPT_TABLE, "a,b", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_SEED, "7", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_OUTPUT, "qa.json", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_QUIET, "yes", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_VERBOSE, "yes", GEN_FROM_COMMAND_LINE}}},
    {"short forms",
     {"export", "in.json", "-falpaca", "-o=x.json", "--system-prompt="},
     NULL,
     {NULL},
     {{GEN_OPT_FORMAT, "alpaca", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_OUTPUT, "x.json", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_SYSTEM_PROMPT, "", GEN_FROM_COMMAND_LINE}}},
    {"flags and a value in one word",
     {"export", "in.json", "-qvo", "x"},
     NULL,
     {NULL},
     {{GEN_OPT_QUIET, "yes", GEN_FROM_COMMAND_LINE}, {GEN_OPT_OUTPUT, "x", GEN_FROM_COMMAND_LINE}}},
    {"two dashes end the options; a dash is standard output",
     {"export", "-o", "-", "--", "--format"},
     NULL,
     {NULL},
     {{GEN_OPT_OUTPUT, "-", GEN_FROM_COMMAND_LINE}}},
    {"the last one counts",
     {GENERATE, "--model", "a", "--model", "b"},
     NULL,
     {NULL},
     {{GEN_OPT_MODEL, "b", GEN_FROM_COMMAND_LINE}}},
    {"command line, environment, file, default",
     {GENERATE, WITH_FILE, "--model", "cli"},
     "llm:\n  provider: openai\n  model: file\n  timeout: 30\n  temperature: 0\n",
     {"GENERATOR_MODEL", "env", "GENERATOR_TIMEOUT", "60"},
     {{GEN_OPT_MODEL, "cli", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_TIMEOUT, "60", GEN_FROM_ENVIRONMENT},
      {GEN_OPT_PROVIDER, "openai", GEN_FROM_CONFIG},
      {GEN_OPT_TEMPERATURE, "0", GEN_FROM_CONFIG},
      {GEN_OPT_BATCH_SIZE, "50", GEN_FROM_DEFAULT}}},
    {"the configuration's place may come from the environment; empty variables are unset",
     {GENERATE},
     "llm:\n  model: file\n",
     {"GENERATOR_CONFIG", CONFIG, "GENERATOR_PROVIDER", ""},
     {{GEN_OPT_MODEL, "file", GEN_FROM_CONFIG}, {GEN_OPT_PROVIDER, "ollama", GEN_FROM_DEFAULT}}},
    {"the provider's section beats the flat key, in any order",
     {GENERATE, WITH_FILE},
     "llm:\n  openai:\n    model: section\n  provider: openai\n  model: flat\n  base_url: "
     "http://flat:1\n  max_tokens: 9\n",
     {NULL},
     {{GEN_OPT_MODEL, "section", GEN_FROM_CONFIG},
      {GEN_OPT_BASE_URL, "http://flat:1", GEN_FROM_CONFIG},
      {GEN_OPT_MAX_TOKENS, "9", GEN_FROM_CONFIG}}},
    {"another provider does not inherit model, address and key",
     {GENERATE, WITH_FILE, "--provider", "openai"},
     "llm:\n  provider: ollama\n  model: mistral\n  base_url: http://localhost:11434\n  api_key: "
     "${SECRET}\n  temperature: 0.5\n",
     {NULL},
     {{GEN_OPT_MODEL, NOT_SET, GEN_FROM_DEFAULT},
      {GEN_OPT_BASE_URL, NOT_SET, GEN_FROM_DEFAULT},
      {GEN_OPT_API_KEY, NOT_SET, GEN_FROM_DEFAULT},
      {GEN_OPT_TEMPERATURE, "0.5", GEN_FROM_CONFIG}}},
    {"only the chosen section is expanded; - and _ are alike in a provider's name",
     {GENERATE, WITH_FILE, "--provider", "claude-cli"},
     "llm:\n  openai:\n    api_key: ${UNSET}\n  claude_cli:\n    api_key: ${KEY}\n    model: "
     "sonnet\n",
     {"KEY", "s3cret"},
     {{GEN_OPT_API_KEY, "s3cret", GEN_FROM_CONFIG}, {GEN_OPT_MODEL, "sonnet", GEN_FROM_CONFIG}}},
    {"variables inside texts and for numbers, dollar signs",
     {CURATE, WITH_FILE, "--topic", "$HOME ${X}"},
     "llm:\n  model: ${A}-$b$$${C}$\n  timeout: ${SECONDS}\ncurate:\n  threshold: 8\n",
     {"A", "a", "C", "$c", "SECONDS", "12.5"},
     {{GEN_OPT_MODEL, "a-$b$$c$", GEN_FROM_CONFIG},
      {GEN_OPT_TIMEOUT, "12.5", GEN_FROM_CONFIG},
      {GEN_OPT_THRESHOLD, "8", GEN_FROM_CONFIG},
      {GEN_OPT_TOPIC, "$HOME ${X}", GEN_FROM_COMMAND_LINE}}},
    {"batch sizes of generate",
     {GENERATE, WITH_FILE},
     "generation:\n  batch_size: 10\nenrich:\n  batch_size: 2\ncurate:\n  batch_size: 3\n",
     {NULL},
     {{GEN_OPT_BATCH_SIZE, "10", GEN_FROM_CONFIG}}},
    {"batch sizes of curate",
     {CURATE, WITH_FILE},
     "generation:\n  batch_size: 10\nenrich:\n  batch_size: 2\ncurate:\n  batch_size: 3\n",
     {NULL},
     {{GEN_OPT_BATCH_SIZE, "3", GEN_FROM_CONFIG}}},
    {"batch sizes of the pipeline",
     {PIPELINE, WITH_FILE},
     "generation:\n  batch_size: 10\nenrich:\n  batch_size: 2\ncurate:\n  batch_size: 3\n",
     {NULL},
     {{GEN_OPT_BATCH_SIZE, "5", GEN_FROM_DEFAULT}}},
    {"a topic for judging is none for generating",
     {GENERATE, WITH_FILE},
     "curate:\n  topic_filter: HDF5\n",
     {NULL},
     {{GEN_OPT_TOPIC, NOT_SET, GEN_FROM_DEFAULT}}},
    {"the topic of the pipeline",
     {PIPELINE, WITH_FILE},
     "curate:\n  topic_filter: HDF5\n",
     {NULL},
     {{GEN_OPT_TOPIC, "HDF5", GEN_FROM_CONFIG}}},
    {"preserve_original is the flag's opposite",
     {ENRICH, WITH_FILE},
     "enrich:\n  preserve_original: false\n",
     {NULL},
     {{GEN_OPT_NO_PRESERVE_ORIGINAL, "yes", GEN_FROM_CONFIG}}},
    {"lists in the configuration",
     {GENERATE, WITH_FILE},
     "corpus:\n  table: [text_chunks, code_chunks]\n  chunk_size: 800\n",
     {NULL},
     {{GEN_OPT_TABLE, "text_chunks,code_chunks", GEN_FROM_CONFIG},
      {GEN_OPT_CHUNK_SIZE, "800", GEN_FROM_CONFIG}}},
    {"a list of the command line replaces the configuration's",
     {GENERATE, WITH_FILE, "--table", "x"},
     "corpus:\n  table: a\n",
     {NULL},
     {{GEN_OPT_TABLE, "x", GEN_FROM_COMMAND_LINE}}},
    {"both counts on the command line",
     {GENERATE, "--n-pairs", "4", "--target-pairs", "30"},
     NULL,
     {NULL},
     {{GEN_OPT_N_PAIRS, "4", GEN_FROM_COMMAND_LINE},
      {GEN_OPT_TARGET_PAIRS, "30", GEN_FROM_COMMAND_LINE}}},
    {"a target on the command line sets the configured count aside",
     {GENERATE, WITH_FILE, "--target-pairs", "30"},
     "generation:\n  n_pairs_per_chunk: 5\n",
     {NULL},
     {{GEN_OPT_N_PAIRS, NOT_SET, GEN_FROM_DEFAULT},
      {GEN_OPT_TARGET_PAIRS, "30", GEN_FROM_COMMAND_LINE}}},
    {"empty files, sections and values",
     {GENERATE, WITH_FILE},
     "llm:\n  model:\n  openai:\ncurate:\n  temperature:\n",
     {NULL},
     {{GEN_OPT_MODEL, NOT_SET, GEN_FROM_DEFAULT}, {GEN_OPT_PROVIDER, "ollama", GEN_FROM_DEFAULT}}},
    {"an empty file",
     {GENERATE, WITH_FILE},
     "",
     {NULL},
     {{GEN_OPT_PROVIDER, "ollama", GEN_FROM_DEFAULT}}},
    {"workers as a number and as a word",
     {GENERATE, WITH_FILE, "--workers", "auto"},
     "llm:\n  workers: 12\n",
     {NULL},
     {{GEN_OPT_WORKERS, "0", GEN_FROM_COMMAND_LINE}}},
    {"workers of the configuration",
     {GENERATE, WITH_FILE},
     "llm:\n  workers: 12\n",
     {NULL},
     {{GEN_OPT_WORKERS, "12", GEN_FROM_CONFIG}}},
    {"prompts_dir is taken from the file's folder",
     {GENERATE, "--config", "sub/d.yaml"},
     NULL,
     {NULL},
     {{GEN_OPT_PROMPTS, "sub/mine", GEN_FROM_CONFIG}}},
    {"export reads no keys and does not need them",
     {"export", "a.json", "-o", "b", WITH_FILE},
     "llm:\n  provider: openai\n  api_key: ${UNSET}\n  model: ${UNSET}\nexport:\n  format: "
     "sharegpt\n",
     {NULL},
     {{GEN_OPT_FORMAT, "sharegpt", GEN_FROM_CONFIG}, {GEN_OPT_API_KEY, NOT_SET, GEN_FROM_DEFAULT}}},
    {"list-providers shows what is chosen",
     {"list-providers", WITH_FILE},
     "llm:\n  provider: openai\n  openai:\n    api_key: ${UNSET}\n    model: gpt\n",
     {NULL},
     {{GEN_OPT_PROVIDER, "openai", GEN_FROM_CONFIG},
      {GEN_OPT_MODEL, "gpt", GEN_FROM_CONFIG},
      {GEN_OPT_API_KEY, NOT_SET, GEN_FROM_DEFAULT}}},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(value_cases) / sizeof(value_cases[0]); i++) {
        const struct value_case *c = &value_cases[i];
        struct gen_settings *s = NULL;
        enum gen_parse_result result;
        struct gen_buf text = gen_buf_make(65536);
        struct gen_error err = {0};
        if (parse(c->args, c->config, c->env, &s, &result, &text, &err) != GEN_OK)
            fail_msg("%s: %s", c->name, err.msg);
        assert_int_equal(result, GEN_PARSED_COMMAND);
        for (const struct want *w = c->want; w->value; w++) {
            char value[256] = "";
            shown(s, w->id, value, sizeof(value));
            if (strcmp(value, w->value) != 0 || gen_settings_source(s, w->id) != w->source)
                fail_msg("%s: option %d is \"%s\" from %d, not \"%s\" from %d", c->name, (int)w->id,
                         value, (int)gen_settings_source(s, w->id), w->value, (int)w->source);
        }
        gen_settings_free(s);
        gen_buf_release(&text);
    }
}

#define FOUR    "a", "b", "c", "d"
#define SIXTEEN FOUR, FOUR, FOUR, FOUR
static const struct error_case error_cases[] = {
    /* the command line */
    {{"genrate", DB}, NULL, {NULL}, "unknown command \"genrate\"; did you mean \"generate\"?"},
    {{"xyzzy"}, NULL, {NULL}, "unknown command \"xyzzy\"; \"generator --help\" lists them"},
    {{"help", "xyzzy"}, NULL, {NULL}, "unknown command \"xyzzy\"; \"generator --help\" lists them"},
    {{"help", "enrich", "x"},
     NULL,
     {NULL},
     "help takes the name of one command: generator help enrich"},
    {{"-q"}, NULL, {NULL}, "no command is given; \"generator --help\" lists them"},
    {{CURATE, "--treshold", "8"},
     NULL,
     {NULL},
     "unknown option \"--treshold\" of curate; did you mean \"--threshold\"?"},
    {{CURATE, "--treshold=8"},
     NULL,
     {NULL},
     "unknown option \"--treshold\" of curate; did you mean \"--threshold\"?"},
    {{ENRICH, "--zzz"},
     NULL,
     {NULL},
     "unknown option \"--zzz\" of enrich; \"generator enrich --help\" lists them all"},
    {{ENRICH, "-x"},
     NULL,
     {NULL},
     "unknown option \"-x\" of enrich; \"generator enrich --help\" lists them all"},
    {{"--zzz", "enrich"},
     NULL,
     {NULL},
     "unknown option \"--zzz\"; \"generator --help\" lists them all"},
    {{"export", "a", "-output", "b"},
     NULL,
     {NULL},
     "unknown option \"-output\"; did you mean \"--output\"?"},
    {{ENRICH, "--threshold", "8"},
     NULL,
     {NULL},
     "enrich has no option --threshold; curate, pipeline, tool-curate and tool-pipeline have it"},
    {{ENRICH, "--skip-enrichment"},
     NULL,
     {NULL},
     "enrich has no option --skip-enrichment; pipeline has it"},
    {{"stats", "a.json", "b.json", NULL},
     NULL,
     {NULL},
     "stats takes one argument, DATASET, which is \"a.json\"; \"b.json\" is one too many"},
    {{"compare", SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN, "65", "-o", "x", NULL},
     NULL,
     {NULL},
     "compare takes at most 64 arguments; \"65\" is one too many"},
    {{"export", "a.json", "-o", "x", "--reasoning", "steps", NULL},
     NULL,
     {NULL},
     "--reasoning is \"steps\", but must be auto, field, thinking, inline or drop"},
    {{"enhance-cot", "a.json", "-o", "x", "--reasoning", "inline", NULL},
     NULL,
     {NULL},
     "--reasoning is \"inline\", but must be steps or model"},
    {{"export", "a", "-o"}, NULL, {NULL}, "--output needs a value: --output PATH"},
    {{GENERATE, "--model", "--fresh"},
     NULL,
     {NULL},
     "--model needs a value (NAME), but \"--fresh\" follows; write --model=--fresh if that is the "
     "value"},
    {{GENERATE, "--fresh=yes"},
     NULL,
     {NULL},
     "--fresh takes no value, but \"--fresh=yes\" gives one"},
    {{GENERATE, "--output="}, NULL, {NULL}, "--output is empty; it needs a value (PATH)"},
    {{GENERATE, "--model="}, NULL, {NULL}, "--model is empty; it needs a value (NAME)"},
    {{"generate", "-o", "x"},
     NULL,
     {NULL},
     "generate needs LANCEDB_PATH: generator generate LANCEDB_PATH -o PATH"},
    {{"generate", ""}, NULL, {NULL}, "generate needs LANCEDB_PATH, but an empty argument is given"},
    {{"enrich", "a.json"},
     NULL,
     {NULL},
     "enrich needs -o PATH (--output): where the result goes; - is standard output"},
    {{"export", "a", "b", "-o", "c"},
     NULL,
     {NULL},
     "export takes one argument, INPUT, which is \"a\"; \"b\" is one too many"},
    {{"list-providers", "a"}, NULL, {NULL}, "list-providers takes no argument, but \"a\" is given"},
    {{CURATE, "--threshold", "11"}, NULL, {NULL}, "--threshold is 11, allowed is 0 to 10"},
    {{CURATE, "--threshold", "-1"}, NULL, {NULL}, "--threshold is -1, allowed is 0 to 10"},
    {{CURATE, "--threshold", "high"}, NULL, {NULL}, "--threshold is 'high', which is not a number"},
    {{GENERATE, "--n-pairs", "0"}, NULL, {NULL}, "--n-pairs is 0, allowed is 1 to 24"},
    {{GENERATE, "--n-pairs", "2.5"},
     NULL,
     {NULL},
     "--n-pairs is '2.5', which is not a whole number"},
    {{GENERATE, "--workers", "many"},
     NULL,
     {NULL},
     "--workers is \"many\", but must be a number from 1 to 65536, or auto"},
    {{"export", "a", "-o", "b", "-f", "chatlm"},
     NULL,
     {NULL},
     "--format is \"chatlm\", but must be chatml, chatml-portable, openai, "
     "prompt-completion, alpaca, sharegpt, llamafactory, hermes-text, xlam, functiongemma, "
     "harmony, gemini, bedrock, "
     "text "
     "or jsonl; did you mean "
     "\"chatml\"?"},
    {{"export", "a", "-o", "b", "-f", "parquet"},
     NULL,
     {NULL},
     "--format is \"parquet\", but must be chatml, chatml-portable, openai, "
     "prompt-completion, alpaca, sharegpt, llamafactory, hermes-text, xlam, functiongemma, "
     "harmony, gemini, bedrock, "
     "text "
     "or jsonl"},
    {{GENERATE, "--base-url", "localhost:11434"},
     NULL,
     {NULL},
     "--base-url is not a web address; it starts with http:// or https:// and a host follows, as "
     "in http://localhost:11434"},
    {{GENERATE, "--base-url", "https://me:pw@host/v1"},
     NULL,
     {NULL},
     "--base-url carries a user name or password; keys go into llm.api_key as ${NAME} of an "
     "environment variable"},
    {{GENERATE, "--topic", "\xff"}, NULL, {NULL}, "--topic is not valid UTF-8"},
    {{GENERATE, "--chunk-overlap", "1500"},
     NULL,
     {NULL},
     "--chunk-overlap is 1500, but must be smaller than --chunk-size, which is 1500"},
    /* the environment */
    {{GENERATE},
     NULL,
     {"GENERATOR_WORKERS", "0"},
     "GENERATOR_WORKERS is \"0\", but must be a number from 1 to 65536, or auto"},
    {{GENERATE}, NULL, {"GENERATOR_CONFIG", "no.yaml"}, "GENERATOR_CONFIG no.yaml: no such file"},
    /* the configuration */
    {{GENERATE, "--config", "no.yaml"}, NULL, {NULL}, "--config no.yaml: no such file"},
    {{GENERATE, "--config", "sub"}, NULL, {NULL}, "--config sub: is a folder, not a file"},
    {{GENERATE, WITH_FILE},
     "- a\n- b\n",
     {NULL},
     "c.yaml must be a mapping of keys such as \"llm:\", but is a list"},
    {{GENERATE, WITH_FILE},
     "llm:\n  provider: ollama\n  modle: x\n",
     {NULL},
     "c.yaml:3:3: unknown key \"llm.modle\"; did you mean \"llm.model\"?"},
    {{GENERATE, WITH_FILE},
     "llm:\n  openai:\n    modell: x\n",
     {NULL},
     "c.yaml:3:5: unknown key \"llm.openai.modell\"; did you mean \"llm.openai.model\"?"},
    {{GENERATE, WITH_FILE},
     "lmm:\n  model: x\n",
     {NULL},
     "c.yaml:1:1: unknown key \"lmm\"; did you mean \"llm\"?"},
    {{GENERATE, WITH_FILE},
     "threshold: 7\n",
     {NULL},
     "c.yaml:1:1: unknown key \"threshold\"; did you mean \"curate.threshold\"?"},
    {{GENERATE, WITH_FILE},
     "qqqqqqqq: 7\n",
     {NULL},
     "c.yaml:1:1: unknown key \"qqqqqqqq\"; \"generator COMMAND --help\" and the manual page name "
     "the keys"},
    {{GENERATE, WITH_FILE},
     "llm.model: x\n",
     {NULL},
     "c.yaml:1:1: unknown key \"llm.model\"; write a key with a dot as a section with a key below "
     "it"},
    {{GENERATE, WITH_FILE},
     "curate: 7\n",
     {NULL},
     "c.yaml:1:1: curate must be a section with keys below it, but is a whole number"},
    {{GENERATE, WITH_FILE},
     "llm:\n  model: [a]\n",
     {NULL},
     "c.yaml:2:3: llm.model must be a text (in quotes when it looks like a number), but is a list"},
    {{GENERATE, WITH_FILE},
     "llm:\n  model: 4\n",
     {NULL},
     "c.yaml:2:3: llm.model must be a text (in quotes when it looks like a number), but is a whole "
     "number"},
    {{GENERATE, WITH_FILE},
     "llm:\n  max_tokens: \"4096\"\n",
     {NULL},
     "c.yaml:2:3: llm.max_tokens must be a whole number, but is a text"},
    {{GENERATE, WITH_FILE},
     "llm:\n  temperature: 2.5\n",
     {NULL},
     "c.yaml:2:3: llm.temperature is 2.5, allowed is 0 to 2"},
    /* Wrong for every command, also for those that do not read it. */
    {{GENERATE, WITH_FILE},
     "curate:\n  threshold: 70\n",
     {NULL},
     "c.yaml:2:3: curate.threshold is 70, allowed is 0 to 10"},
    {{"export", "a", "-o", "b", WITH_FILE},
     "llm:\n  openai:\n    max_tokens: yes\n",
     {NULL},
     "c.yaml:3:5: llm.openai.max_tokens must be a whole number, but is a text"},
    {{GENERATE, WITH_FILE},
     "enrich:\n  temperature: warm\n",
     {NULL},
     "c.yaml:2:3: enrich.temperature must be a number, but is a text"},
    {{GENERATE, WITH_FILE},
     "curate:\n  temperature: 3\n",
     {NULL},
     "c.yaml:2:3: curate.temperature is 3, allowed is 0 to 2"},
    {{PIPELINE, WITH_FILE},
     "curate:\n  batch_size: 2.5\n",
     {NULL},
     "c.yaml:2:3: curate.batch_size must be a whole number, but is a number"},
    {{ENRICH, WITH_FILE},
     "enrich:\n  preserve_original: \"no\"\n",
     {NULL},
     "c.yaml:2:3: enrich.preserve_original must be true or false, but is a text"},
    {{GENERATE, WITH_FILE},
     "corpus:\n  table: [a, 2]\n",
     {NULL},
     "c.yaml:2:3: corpus.table must be a list of texts, but is a whole number"},
    {{GENERATE, WITH_FILE},
     "llm:\n  provider: openai\n  openai:\n    api_key: ${OPENAI_API_KEY}\n",
     {NULL},
     "c.yaml:4:5: llm.openai.api_key needs the environment variable OPENAI_API_KEY, which is not "
     "set; export it or remove the key"},
    {{GENERATE, WITH_FILE},
     "llm:\n  api_key: ${KEY}\n",
     {"KEY", ""},
     "c.yaml:2:3: llm.api_key is empty; it needs a value (text)"},
    {{GENERATE, WITH_FILE},
     "llm:\n  api_key: ${KEY}\n",
     {"KEY", "abc\ndef"},
     "c.yaml:2:3: llm.api_key: the API key holds a control character; check how it was exported"},
    {{GENERATE, WITH_FILE},
     "llm:\n  model: ${A\n",
     {NULL},
     "c.yaml:2:3: llm.model has \"${\" without \"}\"; write ${NAME} for an environment variable, "
     "$$ "
     "for a dollar sign"},
    {{GENERATE, WITH_FILE},
     "llm:\n  model: ${A:-b}\n",
     {NULL},
     "c.yaml:2:3: llm.model has \"${A:-b}\", which is not the name of an environment variable; $$ "
     "stands for a dollar sign"},
    {{GENERATE, WITH_FILE},
     "llm:\n  timeout: ${T}\n",
     {"T", "soon"},
     "c.yaml:2:3: llm.timeout is 'soon', which is not a number"},
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(error_cases) / sizeof(error_cases[0]); i++) {
        const struct error_case *c = &error_cases[i];
        struct gen_settings *s = NULL;
        enum gen_parse_result result;
        struct gen_buf text = gen_buf_make(65536);
        struct gen_error err = {0};
        int rc = parse(c->args, c->config, c->env, &s, &result, &text, &err);
        if (rc != GEN_EUSAGE || err.code != GEN_EUSAGE)
            fail_msg("expected \"%s\", got code %d: %s", c->message, rc, err.msg);
        assert_string_equal(err.msg, c->message);
        assert_null(s);
        /* The error may also be left unread. */
        assert_int_equal(parse(c->args, c->config, c->env, &s, &result, &text, NULL), GEN_EUSAGE);
        gen_buf_release(&text);
    }
}

/* What YAML itself refuses comes with its place; the words are the YAML module's. */
static void test_yaml_errors(void **state)
{
    (void)state;
    static const char *const configs[] = {"llm:\n  model: [a\n", "llm:\n\tmodel: a\n",
                                          "llm:\n  model: a\n  model: b\n", "a: &x 1\nb: *x\n",
                                          "llm:\n  model: \"\xff\"\n"};
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        static const char *const args[] = {GENERATE, WITH_FILE, NULL};
        struct gen_settings *s = NULL;
        enum gen_parse_result result;
        struct gen_buf text = gen_buf_make(65536);
        struct gen_error err = {0};
        assert_int_equal(parse(args, configs[i], NULL, &s, &result, &text, &err), GEN_EUSAGE);
        assert_int_equal(err.code, GEN_EUSAGE);
        if (!strstr(err.msg, "c.yaml:"))
            fail_msg("no place in: %s", err.msg);
    }
}

static void test_help_and_version(void **state)
{
    (void)state;
    static const struct {
        const char *args[6];
        enum gen_parse_result result;
        const char *start;
    } cases[] = {
        {{NULL}, GEN_PARSED_HELP, "Usage: generator COMMAND"},
        {{"--help"}, GEN_PARSED_HELP, "Usage: generator COMMAND"},
        {{"help"}, GEN_PARSED_HELP, "Usage: generator COMMAND"},
        {{"help", "enrich"}, GEN_PARSED_HELP, "Usage: generator enrich INPUT -o PATH"},
        {{"help", "--help"}, GEN_PARSED_HELP, "Usage: generator COMMAND"},
        {{"help", "help"}, GEN_PARSED_HELP, "Usage: generator COMMAND"},
        {{"enrich", "-h"}, GEN_PARSED_HELP, "Usage: generator enrich INPUT"},
        {{"--help", "enrich"}, GEN_PARSED_HELP, "Usage: generator enrich INPUT"},
        {{"enrich", "--nonsense", "a", "b", "--help"}, GEN_PARSED_HELP, "Usage: generator enrich"},
        {{"--model", "curate", "enrich", "--help"}, GEN_PARSED_HELP, "Usage: generator enrich"},
        {{"enrich", "-o", "--help"}, GEN_PARSED_HELP, "Usage: generator enrich"},
        {{"--version"}, GEN_PARSED_VERSION, "generator 0."},
        {{"enrich", "--version"}, GEN_PARSED_VERSION, "generator 0."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_settings *s = NULL;
        enum gen_parse_result result = GEN_PARSED_COMMAND;
        struct gen_buf text = gen_buf_make(65536);
        struct gen_error err = {0};
        assert_int_equal(parse(cases[i].args, NULL, NULL, &s, &result, &text, &err), GEN_OK);
        assert_int_equal(result, cases[i].result);
        assert_null(s);
        if (strncmp(text.data, cases[i].start, strlen(cases[i].start)) != 0)
            fail_msg("case %zu: %.60s", i, text.data);
        gen_buf_release(&text);
    }
}

static struct gen_settings *parsed(const char *const *args, const char *config,
                                   const char *const *env)
{
    struct gen_settings *s = NULL;
    enum gen_parse_result result;
    struct gen_buf text = gen_buf_make(65536);
    struct gen_error err = {0};
    if (parse(args, config, env, &s, &result, &text, &err) != GEN_OK)
        fail_msg("%s", err.msg);
    gen_buf_release(&text);
    return s;
}

/* A configuration of the Python original is read, and says what of it counts no more. */
static void test_notices(void **state)
{
    (void)state;
    static const char *const args[] = {PIPELINE, WITH_FILE, NULL};
    static const char config[] = "llm:\n"
                                 "  provider: ollama\n"
                                 "  ollama:\n"
                                 "    model: gpt-oss:20b\n"
                                 "    max_connections: 100\n"
                                 "  temperature: 0.7\n"
                                 "  max_tokens: 24576\n"
                                 "generation:\n"
                                 "  n_pairs_per_chunk: 5\n"
                                 "  batch_size: 50\n"
                                 "  max_retries: 3\n"
                                 "  retry_delay: 1.0\n"
                                 "curate:\n"
                                 "  threshold: 7.0\n"
                                 "  temperature: 0.1\n"
                                 "cot:\n"
                                 "  temperature: 0.2\n"
                                 "rate_limit:\n"
                                 "  delay_between_requests: 6\n"
                                 "output:\n"
                                 "  save_intermediate: true\n"
                                 "prompts_file: prompts\n";
    struct gen_settings *s = parsed(args, config, NULL);
    assert_string_equal(
        gen_settings_notices(s),
        "c.yaml:5:5: llm.ollama.max_connections has no effect: llm.workers limits the requests in "
        "flight\n"
        "c.yaml:11:3: generation.max_retries has no effect: what is asked again, and when, follows "
        "from the server's answers\n"
        "c.yaml:12:3: generation.retry_delay has no effect: what is asked again, and when, follows "
        "from the server's answers\n"
        "c.yaml:18:1: rate_limit has no effect: rate limits are learned from the server's answers\n"
        "c.yaml:20:1: output has no effect: answers are kept in the ledger, and the files beside "
        "the output are always written\n"
        "c.yaml:22:1: prompts_file has no effect: prompts_dir names a folder with prompt files of "
        "your own\n");
    double value = -1;
    assert_true(gen_settings_step_real(s, "curate.temperature", &value));
    assert_true(value == 0.1);
    assert_true(gen_settings_step_real(s, "cot.temperature", &value));
    assert_true(value == 0.2);
    assert_false(gen_settings_step_real(s, "enrich.temperature", &value));
    assert_false(gen_settings_step_real(s, "no.such", &value));
    assert_string_equal(gen_settings_text(s, GEN_OPT_MODEL), "gpt-oss:20b");
    gen_settings_free(s);
}

static void test_written_out_key_is_noticed(void **state)
{
    (void)state;
    static const char *const args[] = {GENERATE, WITH_FILE, NULL};
    struct gen_settings *s = parsed(args, "llm:\n  api_key: sk-123\n", NULL);
    assert_string_equal(
        gen_settings_notices(s),
        "c.yaml:2:3: llm.api_key is written out; ${NAME} of an environment variable "
        "keeps it out of the file\n");
    assert_null(strstr(gen_settings_command_line(s), "sk-123"));
    gen_settings_free(s);
}

/* What may be a key is in no stored command line, however it is given. */
static void test_command_line_has_no_keys(void **state)
{
    (void)state;
    static const char *const args[] = {"tool-generate",
                                       "t.json",
                                       "-o",
                                       "a.json",
                                       "--tool-header",
                                       "Authorization: Bearer k-123",
                                       "--tool-env",
                                       "TOKEN=k-123",
                                       "--tool-env",
                                       "HOME",
                                       "--tool-env=X=k-123",
                                       NULL};
    struct gen_settings *s = parsed(args, NULL, NULL);
    size_t n = 0;
    const char *const *items = gen_settings_list(s, GEN_OPT_TOOL_ENV, &n);
    assert_int_equal(n, 3);
    assert_string_equal(items[0], "TOKEN=k-123");
    assert_string_equal(gen_settings_command_line(s),
                        "generator tool-generate t.json -o a.json --tool-header "
                        "Authorization:... --tool-env TOKEN=... --tool-env HOME "
                        "--tool-env=X=...");
    gen_settings_free(s);
}

static void test_command_line_is_quoted(void **state)
{
    (void)state;
    static const char *const args[] = {
        "generate", "my docs.lancedb", "-o", "it's.json", "--topic", "", NULL};
    struct gen_settings *s = parsed(args, NULL, NULL);
    assert_string_equal(gen_settings_command_line(s),
                        "generator generate 'my docs.lancedb' -o 'it'\\''s.json' --topic ''");
    assert_string_equal(gen_settings_argument(s), "my docs.lancedb");
    assert_int_equal(gen_settings_command(s), GEN_CMD_GENERATE);
    gen_settings_free(s);
    static const char *const bytes[] = {"export", "a\xff", "-o", "b", NULL};
    s = parsed(bytes, NULL, NULL);
    assert_string_equal(gen_settings_argument(s), "a\xff");
    assert_string_equal(gen_settings_command_line(s), "generator export 'a\xef\xbf\xbd' -o b");
    gen_settings_free(s);
}

static void test_file_is_found_in_the_working_folder(void **state)
{
    (void)state;
    static const char *const args[] = {GENERATE, NULL};
    struct gen_settings *s = parsed(args, NULL, NULL);
    assert_null(gen_settings_config_path(s));
    gen_settings_free(s);
    write_file("config.yaml", "llm:\n  model: here\n");
    s = parsed(args, NULL, NULL);
    assert_string_equal(gen_settings_config_path(s), "config.yaml");
    assert_string_equal(gen_settings_text(s, GEN_OPT_MODEL), "here");
    gen_settings_free(s);
    assert_int_equal(mkdir("configs", 0700), 0);
    write_file("configs/config.yaml", "llm:\n  model: below\n");
    s = parsed(args, NULL, NULL);
    assert_string_equal(gen_settings_config_path(s), "configs/config.yaml");
    gen_settings_free(s);
    assert_int_equal(unlink("configs/config.yaml"), 0);
    assert_int_equal(rmdir("configs"), 0);
    assert_int_equal(unlink("config.yaml"), 0);
}

static void test_too_many_items(void **state)
{
    (void)state;
    struct gen_buf config = gen_buf_make(65536);
    struct gen_error err = {0};
    assert_int_equal(gen_buf_add_c(&config, "corpus:\n  table:\n", &err), GEN_OK);
    for (int i = 0; i < 257; i++)
        assert_int_equal(gen_buf_printf(&config, &err, "    - t%d\n", i), GEN_OK);
    static const char *const args[] = {GENERATE, WITH_FILE, NULL};
    struct gen_settings *s = NULL;
    enum gen_parse_result result;
    struct gen_buf text = gen_buf_make(65536);
    assert_int_equal(parse(args, config.data, NULL, &s, &result, &text, &err), GEN_EUSAGE);
    assert_string_equal(err.msg, "c.yaml:2:3: corpus.table is given more than 256 times");
    gen_buf_release(&config);
}

static char folder[] = "/tmp/gen-settings-XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0 || mkdir("sub", 0700) != 0)
        return -1;
    write_file("sub/d.yaml", "prompts_dir: mine\n");
    return 0;
}

static int leave_folder(void **state)
{
    (void)state;
    (void)unlink("sub/d.yaml");
    (void)rmdir("sub");
    (void)unlink(CONFIG);
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_yaml_errors),
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_notices),
        cmocka_unit_test(test_written_out_key_is_noticed),
        cmocka_unit_test(test_command_line_has_no_keys),
        cmocka_unit_test(test_command_line_is_quoted),
        cmocka_unit_test(test_file_is_found_in_the_working_folder),
        cmocka_unit_test(test_too_many_items),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
