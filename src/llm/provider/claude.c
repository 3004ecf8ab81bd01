/* The Claude Code CLI, with the login of its user (providers.md §6). Run with version 2.1.330. */
#include "llm/provider.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Linux takes 128 KiB in one argument. */
#define ARGUMENT_BYTES_MAX ((size_t)100000)

/* Without a system prompt of ours the program sends its own of 28 KB. */
#define SYSTEM_DEFAULT "You answer exactly what is asked, from the text that is given."

static int add_word(struct gen_buf *out, struct gen_str word, struct gen_error *err)
{
    int rc = gen_buf_add_str(out, word, err);
    return rc ? rc : gen_buf_add_char(out, '\0', err);
}

static int add_option(struct gen_buf *out, const char *name, struct gen_str value,
                      struct gen_error *err)
{
    int rc = add_word(out, gen_str_from(name), err);
    return rc ? rc : add_word(out, value, err);
}

/* The system text goes in front of the user's where it cannot be an argument. */
static bool is_folded(const struct gen_llm_request *r, const struct gen_endpoint *e)
{
    struct gen_str system = r->stable->system;
    return (e->dropped & GEN_PARAM_SYSTEM_ROLE) || system.n > ARGUMENT_BYTES_MAX ||
           (system.n && memchr(system.p, '\0', system.n));
}

static bool thinks(const struct gen_endpoint *e)
{
    return e->reasoning_effort && !(e->dropped & GEN_PARAM_THINKING) &&
           strcmp(e->reasoning_effort, "none") != 0;
}

static int arguments(const struct gen_llm_request *r, const struct gen_endpoint *e,
                     struct gen_buf *out, struct gen_error *err)
{
    static const char *const fixed[] = {"-p", "--output-format", "json", "--no-session-persistence",
                                        "--safe-mode"};
    const struct gen_llm_stable *s = r->stable;
    struct gen_str schema = s->wire_schema.n ? s->wire_schema : s->schema;
    bool has_schema = schema.n && !(e->dropped & (GEN_PARAM_SCHEMA | GEN_PARAM_JSON_MODE));
    bool has_system = s->system.n && !is_folded(r, e);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < sizeof(fixed) / sizeof(fixed[0]); i++)
        rc = add_word(out, gen_str_from(fixed[i]), err);
    if (rc == GEN_OK)
        rc = add_option(out, "--tools", GEN_STR(""), err);
    if (rc == GEN_OK)
        rc = add_option(out, "--system-prompt", has_system ? s->system : GEN_STR(SYSTEM_DEFAULT),
                        err);
    if (rc == GEN_OK && s->model && *s->model)
        rc = add_option(out, "--model", gen_str_from(s->model), err);
    if (rc == GEN_OK && has_schema)
        rc = add_option(out, "--json-schema", schema, err);
    /* With a schema the program reminds a model that did not keep to it; with fewer turns it would
     * throw the answer away instead. */
    if (rc == GEN_OK)
        rc = add_option(out, "--max-turns", has_schema ? GEN_STR("3") : GEN_STR("1"), err);
    if (rc == GEN_OK && thinks(e)) {
        bool is_minimal = strcmp(e->reasoning_effort, "minimal") == 0;
        rc = add_option(out, "--effort", gen_str_from(is_minimal ? "low" : e->reasoning_effort),
                        err);
    }
    return rc;
}

static int environment(const struct gen_llm_request *r, const struct gen_endpoint *e,
                       struct gen_buf *out, struct gen_error *err)
{
    /* A session that runs us must not be taken for the program's own surroundings. The engine
     * decides on retries; two of the program's own are cheaper than starting it again. */
    static const char *const fixed[] = {
        "DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
        "CLAUDE_CODE_MAX_RETRIES=2", "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"};
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < sizeof(fixed) / sizeof(fixed[0]); i++)
        rc = add_word(out, gen_str_from(fixed[i]), err);
    if (rc == GEN_OK && r->tokens_out_max > 0)
        rc = gen_buf_printf(out, err, "CLAUDE_CODE_MAX_OUTPUT_TOKENS=%lld",
                            (long long)r->tokens_out_max);
    if (rc == GEN_OK && r->tokens_out_max > 0)
        rc = gen_buf_add_char(out, '\0', err);
    if (rc == GEN_OK && !thinks(e))
        rc = add_word(out, GEN_STR("MAX_THINKING_TOKENS=0"), err);
    /* Models that think as much as they find right take no notice of that one. */
    if (rc == GEN_OK && !thinks(e))
        rc = add_word(out, GEN_STR("CLAUDE_CODE_DISABLE_THINKING=1"), err);
    return rc;
}

/* What goes to standard input. */
static int build(const struct gen_llm_request *r, const struct gen_endpoint *e, struct gen_buf *out,
                 struct gen_error *err)
{
    int rc = GEN_OK;
    if (is_folded(r, e)) {
        rc = gen_buf_add_str(out, r->stable->system, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, "\n\n", err);
    }
    return rc ? rc : gen_buf_add_str(out, r->user, err);
}

/* ---- failures ---- */

#define LOGIN                                                                                      \
    "log in once with \"claude auth login\", or export ANTHROPIC_API_KEY and take "                \
    "--provider anthropic"

/* What the program says in words alone; the first that fits decides. Taken from its texts. */
struct saying {
    const char *words;
    enum gen_class class_code;
    bool stop_provider;
    const char *remedy;
};

static const struct saying sayings[] = {
    {"output token maximum", GEN_CLASS_TRUNCATED, false, "raise --max-tokens"},
    {"Prompt is too long", GEN_CLASS_CONTEXT_OVERFLOW, false, NULL},
    {"Not logged in", GEN_CLASS_AUTH, true, LOGIN},
    {"Please run /login", GEN_CLASS_AUTH, true, LOGIN},
    {"Invalid API key", GEN_CLASS_AUTH, true, LOGIN},
    {"Invalid auth token", GEN_CLASS_AUTH, true, LOGIN},
    {"Authentication required", GEN_CLASS_AUTH, true, LOGIN},
    {"Failed to authenticate", GEN_CLASS_AUTH, true, LOGIN},
    {"OAuth token", GEN_CLASS_AUTH, true, LOGIN},
    {"Login expired", GEN_CLASS_AUTH, true, LOGIN},
    {"Login reached its time limit", GEN_CLASS_AUTH, true, LOGIN},
    {"belongs to a disabled organization", GEN_CLASS_AUTH, true, NULL},
    {"Your organization has disabled", GEN_CLASS_AUTH, true, NULL},
    {"Credit balance", GEN_CLASS_QUOTA, true, "add funds at platform.claude.com"},
    {"not your usage limit", GEN_CLASS_RATE_LIMIT, false, NULL},
    {"You've hit your", GEN_CLASS_QUOTA, true, "run the same command again after the reset"},
    {"You've reached your", GEN_CLASS_QUOTA, true, "run the same command again after the reset"},
    {"usage limit reached", GEN_CLASS_QUOTA, true, "run the same command again after the reset"},
    {"out of usage", GEN_CLASS_QUOTA, true, NULL},
    {"out of extra usage", GEN_CLASS_QUOTA, true, NULL},
    {"usage credits", GEN_CLASS_QUOTA, true, NULL},
    {"Usage is paused", GEN_CLASS_QUOTA, true, NULL},
    {"safeguards flagged", GEN_CLASS_BLOCKED, false, NULL},
    {"anthropic.com/legal/aup", GEN_CLASS_BLOCKED, false, NULL},
    {"can't respond to", GEN_CLASS_BLOCKED, false, NULL},
    {"can't help with this", GEN_CLASS_BLOCKED, false, NULL},
    {"content filtering policy", GEN_CLASS_BLOCKED, false, NULL},
    {"Overloaded", GEN_CLASS_OVERLOAD, false, NULL},
    {"experiencing high", GEN_CLASS_OVERLOAD, false, NULL},
    {"temporary capacity issue", GEN_CLASS_RATE_LIMIT, false, NULL},
    {"issue with the selected model", GEN_CLASS_BAD_REQUEST, true, "name another with --model"},
    {"Unable to connect", GEN_CLASS_TRANSPORT, false, NULL},
    {"Connection refused", GEN_CLASS_TRANSPORT, false, NULL},
    {"(ECONN", GEN_CLASS_TRANSPORT, false, NULL},
    {"(ENOTFOUND", GEN_CLASS_TRANSPORT, false, NULL},
    {"(EAI_AGAIN", GEN_CLASS_TRANSPORT, false, NULL},
    {"(ETIMEDOUT", GEN_CLASS_TRANSPORT, false, NULL},
    {"Connection error", GEN_CLASS_TRANSPORT, false, NULL},
    {"Request timed out", GEN_CLASS_TRANSPORT, false, NULL},
    {"unknown option", GEN_CLASS_BAD_REQUEST, true,
     "this release of the program is too old; update it with \"claude update\""},
    {"not a valid JSON Schema", GEN_CLASS_UNSUPPORTED_PARAM, false, NULL},
};

static void set_message(struct gen_llm_result *result, struct gen_str text, const char *remedy)
{
    char line[480];
    text = gen_str_trim(text);
    (void)snprintf(line, sizeof(line), "%.*s%s%s", GEN_STR_ARG(gen_str_sub(text, 0, 300)),
                   remedy ? "; " : "", remedy ? remedy : "");
    gen_llm_set_message(result, gen_str_from(line));
}

/* True when the words alone tell what it is. */
static bool judge_words(struct gen_llm_result *result, struct gen_str text)
{
    for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
        const struct saying *s = &sayings[i];
        if (gen_str_find_nocase(text, gen_str_from(s->words), 0) == SIZE_MAX)
            continue;
        result->class_code = s->class_code;
        result->stop_provider = s->stop_provider;
        if (s->class_code == GEN_CLASS_UNSUPPORTED_PARAM)
            (void)snprintf(result->param, sizeof(result->param), "json_schema");
        set_message(result, text, s->remedy);
        return true;
    }
    return false;
}

static enum gen_class class_of_status(int status, bool *stop)
{
    *stop = status == 401 || status == 402 || status == 403 || status == 404;
    switch (status) {
    case 401:
    case 403:
        return GEN_CLASS_AUTH;
    case 402:
        return GEN_CLASS_QUOTA;
    case 413:
        return GEN_CLASS_CONTEXT_OVERFLOW;
    case 408:
    case 429:
        return GEN_CLASS_RATE_LIMIT;
    case 503:
    case 529:
        return GEN_CLASS_OVERLOAD;
    default:
        return status >= 400 && status < 500 ? GEN_CLASS_BAD_REQUEST : GEN_CLASS_SERVER_ERROR;
    }
}

struct reason {
    const char *name; /* terminal_reason, stop_reason or subtype */
    enum gen_class class_code;
    bool stop_provider;
};

static bool judge_reason(struct gen_llm_result *result, struct gen_str name)
{
    static const struct reason reasons[] = {
        {"prompt_too_long", GEN_CLASS_CONTEXT_OVERFLOW, false},
        {"blocking_limit", GEN_CLASS_CONTEXT_OVERFLOW, false},
        {"refusal", GEN_CLASS_BLOCKED, false},
        {"structured_output_retry_exhausted", GEN_CLASS_MALFORMED, false},
        {"error_max_structured_output_retries", GEN_CLASS_MALFORMED, false},
        {"budget_exhausted", GEN_CLASS_QUOTA, true},
        {"error_max_budget_usd", GEN_CLASS_QUOTA, true},
        {"max_turns", GEN_CLASS_MALFORMED, false},
        {"error_max_turns", GEN_CLASS_MALFORMED, false},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (!gen_str_is(name, reasons[i].name))
            continue;
        result->class_code = reasons[i].class_code;
        result->stop_provider = reasons[i].stop_provider;
        return true;
    }
    return false;
}

/* The words of a failure: its result, or the list of what went wrong in its place. */
static struct gen_str failure_text(const struct gen_json *root)
{
    struct gen_str text = gen_json_get_str(root, "result");
    if (text.n == 0)
        (void)gen_json_as_str(gen_json_at(gen_json_get(root, "errors"), 0), &text);
    return text.n ? text : gen_json_get_str(root, "subtype");
}

static void judge_failure(struct gen_llm_result *result, const struct gen_json *root)
{
    struct gen_str text = failure_text(root);
    int64_t status = 0;
    if (gen_json_as_int(gen_json_get(root, "api_error_status"), &status) && status > 0 &&
        status < 1000)
        result->http_status = (int)status;
    /* The end mark of a failed answer is not the model's. */
    result->finish = (struct gen_str){NULL, 0};
    set_message(result, text, NULL);
    if (judge_reason(result, gen_json_get_str(root, "terminal_reason")) ||
        judge_reason(result, gen_json_get_str(root, "stop_reason")) ||
        judge_reason(result, gen_json_get_str(root, "subtype"))) {
        if (result->class_code == GEN_CLASS_BLOCKED)
            result->finish = GEN_STR("refusal");
        return;
    }
    if (!judge_words(result, text))
        result->class_code = class_of_status((int)status, &result->stop_provider);
    if (result->class_code == GEN_CLASS_BLOCKED)
        result->finish = GEN_STR("refusal");
    if (result->class_code == GEN_CLASS_TRUNCATED)
        result->finish = GEN_STR("length");
}

/* Nothing on standard output: what is on standard error is about the command line or a crash. */
static void judge_silence(struct gen_llm_result *result, int exit_code, const char *errors)
{
    struct gen_str rest = gen_str_trim(gen_str_from(errors));
    struct gen_str line = {NULL, 0};
    (void)gen_str_next_line(&rest, &line);
    if (judge_words(result, line))
        return;
    char text[400];
    (void)snprintf(text, sizeof(text), "the program wrote no answer (exit status %d)%s%.*s",
                   exit_code, line.n ? ": " : "", GEN_STR_ARG(gen_str_sub(line, 0, 300)));
    gen_llm_set_message(result, gen_str_from(text));
    result->class_code = exit_code == 1 ? GEN_CLASS_BAD_REQUEST : GEN_CLASS_SERVER_ERROR;
}

static void judge_transport(struct gen_llm_result *result, const struct gen_http_response *response)
{
    switch (response->transport) {
    case GEN_TRANSPORT_CANCELED:
        result->class_code = GEN_CLASS_CANCELED;
        break;
    case GEN_TRANSPORT_TOO_LARGE:
        /* Asking again would cost the same again. */
        result->class_code = GEN_CLASS_BAD_REQUEST;
        break;
    default:
        result->class_code = GEN_CLASS_TRANSPORT;
        break;
    }
    gen_llm_set_message(result, gen_str_from(response->detail));
}

/* ---- answers ---- */

static int64_t number(const struct gen_json *object, const char *key)
{
    int64_t n = 0;
    return gen_json_as_int(gen_json_get(object, key), &n) && n > 0 ? n : 0;
}

/* All models that took part: the program may ask a small one besides. */
static bool read_model_usage(const struct gen_json *models, struct gen_llm_result *result)
{
    struct gen_usage u = {0, 0, 0, 0, -1, 0};
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *m;
    int64_t most = -1;
    gen_json_iter_init(&it, models);
    while (gen_json_iter_next(&it, &name, &m)) {
        int64_t out = number(m, "outputTokens");
        int64_t cached = number(m, "cacheReadInputTokens");
        u.tokens_in += number(m, "inputTokens") + number(m, "cacheCreationInputTokens") + cached;
        u.tokens_cached += cached;
        u.tokens_out += out;
        if (out > most) {
            most = out;
            result->model = name;
        }
    }
    if (most >= 0)
        result->usage = u;
    return most >= 0;
}

static void read_usage(const struct gen_json *root, struct gen_llm_result *result)
{
    const struct gen_json *usage = gen_json_get(root, "usage");
    if (!read_model_usage(gen_json_get(root, "modelUsage"), result) && usage) {
        int64_t cached = number(usage, "cache_read_input_tokens");
        result->usage.tokens_in =
            number(usage, "input_tokens") + number(usage, "cache_creation_input_tokens") + cached;
        result->usage.tokens_cached = cached;
        result->usage.tokens_out = number(usage, "output_tokens");
    }
    double usd = 0;
    if (gen_json_as_real(gen_json_get(root, "total_cost_usd"), &usd) && usd >= 0 && usd < 1e9)
        result->usage.cost_microusd = llround(usd * 1e6);
}

/* The text is the checked object where one was asked for. */
static int read_text(const struct gen_json *root, struct gen_llm_result *result,
                     struct gen_error *err)
{
    const struct gen_json *structured = gen_json_get(root, "structured_output");
    if (!structured || gen_json_type(structured) == GEN_JSON_NULL) {
        result->text = gen_json_get_str(root, "result");
        return GEN_OK;
    }
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_json_write(&text, structured, GEN_JSON_COMPACT, err);
    if (rc) {
        gen_buf_release(&text);
        return rc;
    }
    size_t n = 0;
    result->owned = gen_buf_take(&text, &n);
    result->text = (struct gen_str){result->owned, n};
    return GEN_OK;
}

static void judge_success(struct gen_llm_result *result, const struct gen_json *root)
{
    struct gen_str stop = gen_json_get_str(root, "stop_reason");
    result->finish = GEN_STR("stop");
    result->class_code = GEN_CLASS_OK;
    if (gen_str_is(stop, "max_tokens")) {
        result->finish = GEN_STR("length");
        result->class_code = GEN_CLASS_TRUNCATED;
        gen_llm_set_message(
            result, GEN_STR("the model ran into its token limit before the answer was complete"));
    } else if (gen_str_is(stop, "refusal")) {
        result->finish = GEN_STR("refusal");
        result->class_code = GEN_CLASS_BLOCKED;
        set_message(result, result->text, NULL);
    } else if (result->text.n == 0) {
        result->class_code = GEN_CLASS_SERVER_ERROR;
        gen_llm_set_message(result, GEN_STR("the answer is empty"));
    }
}

static bool is_result(const struct gen_json *v)
{
    return gen_str_is(gen_json_get_str(v, "type"), "result");
}

/* One line, unless the user's settings make the program print more around it: the last result
 * counts. The root is owned by result->doc. */
static const struct gen_json *find_result(struct gen_str body, struct gen_llm_result *result)
{
    const struct gen_json *found = NULL;
    struct gen_str rest = gen_str_trim(body);
    while (rest.n && !found) {
        const char *last = memrchr(rest.p, '\n', rest.n);
        struct gen_str line = last ? gen_str_sub(rest, (size_t)(last - rest.p) + 1, rest.n) : rest;
        if (gen_json_parse(&result->doc, line, NULL) == GEN_OK) {
            const struct gen_json *root = gen_json_root(result->doc);
            if (gen_json_type(root) == GEN_JSON_ARRAY && gen_json_count(root))
                root = gen_json_at(root, gen_json_count(root) - 1);
            if (is_result(root))
                return root;
            gen_json_doc_free(result->doc);
            result->doc = NULL;
        }
        rest = gen_str_trim(gen_str_sub(rest, 0, last ? (size_t)(last - rest.p) : 0));
    }
    return NULL;
}

static void judge_garbage(struct gen_llm_result *result, struct gen_str body)
{
    if (judge_words(result, gen_str_sub(body, 0, 400)))
        return;
    char text[300];
    (void)snprintf(text, sizeof(text), "the program's answer is not the JSON of a result: %.*s",
                   GEN_STR_ARG(gen_str_sub(body, 0, 160)));
    gen_llm_set_message(result, gen_str_from(text));
    result->class_code = GEN_CLASS_SERVER_ERROR;
}

static int parse(const struct gen_http_response *response, struct gen_llm_result *result,
                 struct gen_error *err)
{
    result->latency_us = response->latency_us;
    if (response->transport != GEN_TRANSPORT_OK) {
        judge_transport(result, response);
        return GEN_OK;
    }
    struct gen_str body = gen_str_trim(response->body);
    if (body.n == 0) {
        judge_silence(result, response->status, response->detail ? response->detail : "");
        return GEN_OK;
    }
    const struct gen_json *root = find_result(body, result);
    if (!root) {
        judge_garbage(result, body);
        return GEN_OK;
    }
    /* "subtype" says "success" of failures, too. */
    bool is_error = response->status != 0;
    (void)gen_json_as_bool(gen_json_get(root, "is_error"), &is_error);
    read_usage(root, result);
    if (is_error) {
        judge_failure(result, root);
        return GEN_OK;
    }
    int rc = read_text(root, result, err);
    if (rc == GEN_OK)
        judge_success(result, root);
    return rc;
}

static const char *const program_dirs[] = {
    "~/.npm-global/bin", "/usr/local/bin",  "~/.local/bin", "~/node_modules/.bin",
    "~/.yarn/bin",       "~/.claude/local", NULL,
};

const struct gen_provider gen_provider_claude = {
    .name = "claude",
    .title = "the Claude Code program, with its own login",
    .setup = "install Claude Code (npm install -g @anthropic-ai/claude-code), then: claude auth "
             "login",
    .default_model = "sonnet",
    /* A process of 195 MB each. */
    .in_flight_start = 2,
    .in_flight_max = 4,
    .dialect = GEN_DIALECT_FULL,
    .program = "claude",
    .program_dirs = program_dirs,
    .tells_cost = true,
    .fallback = &gen_provider_anthropic,
    .arguments = arguments,
    .environment = environment,
    .build = build,
    .parse = parse,
};
