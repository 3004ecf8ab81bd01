/*
 * fakeclaude: plays the Claude Code CLI (release 2.1.330, as far as `claude -p --output-format
 * json` goes) for tests. It checks its options, reads the prompt from standard input and writes one
 * line of JSON. What it does is chosen by the environment:
 *
 *   FAKECLAUDE       "ok" (default) or the name of a behaviour below
 *   FAKECLAUDE_ONCE  a path: the behaviour shows only in the run that makes this file, then "ok"
 *   FAKECLAUDE_LOG   a path: one line for each run, the behaviour and the size of the prompt
 *
 * Answers are those of fakellm, made from the prompt and the schema.
 */
#include "fakellm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROMPT_BYTES_MAX ((size_t)64 << 20)
#define SLOW_MS          300U

struct options {
    const char *system, *model, *schema, *effort;
    bool print, is_json, no_session, has_tools, has_turns;
};

struct behaviour {
    const char *name;
    const char *status, *reason, *stop; /* api_error_status, terminal_reason, stop_reason */
    const char *result;
};

/* The texts of the real program. */
static const struct behaviour failures[] = {
    {"login", "null", "api_error", "stop_sequence", "Not logged in \xC2\xB7 Please run /login"},
    {"401", "401", "api_error", "stop_sequence", "Invalid API key \xC2\xB7 Fix external API key"},
    {"credit", "400", "api_error", "stop_sequence", "Credit balance is too low"},
    {"limit", "429", "api_error", "stop_sequence",
     "You've hit your session limit \xC2\xB7 resets 3am"},
    {"rate", "429", "api_error", "stop_sequence",
     "API Error: Request rejected (429) \xC2\xB7 this may be a temporary capacity issue."},
    {"over", "529", "api_error", "stop_sequence",
     "API Error: 529 Overloaded. This is a server-side issue, usually temporary"},
    {"500", "500", "api_error", "stop_sequence", "API Error: 500 internal server error"},
    {"refused", "null", "api_error", "stop_sequence",
     "API Error: Connection refused \xE2\x80\x94 a firewall or proxy may be blocking it "
     "(ECONNREFUSED)"},
    {"model", "404", "api_error", "stop_sequence",
     "There's an issue with the selected model (x). It may not exist or you may not have access to "
     "it. Run --model to pick a different model."},
    {"ctx", "400", "prompt_too_long", "stop_sequence",
     "Prompt is too long \xC2\xB7 the request is ~250000 tokens (limit 200000)"},
    {"len", "null", "api_error", "stop_sequence",
     "API Error: Claude's response exceeded the 900 output token maximum. To configure this "
     "behavior, set the CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable."},
    {"refuse", "null", "api_error", "refusal",
     "API Error: Sonnet 5.5's safeguards flagged this message "
     "(https://www.anthropic.com/legal/aup). Claude Code can't respond to this message with "
     "Sonnet 5.5."},
};

static void sleep_ms(unsigned ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
    (void)nanosleep(&t, NULL);
}

static int complain(const char *words)
{
    (void)fprintf(stderr, "%s\n", words);
    return 1;
}

/* ---- options ---- */

static bool take_value(const char *name, const char *value, struct options *o)
{
    const struct {
        const char *name;
        const char **where;
    } texts[] = {{"--system-prompt", &o->system},
                 {"--model", &o->model},
                 {"--json-schema", &o->schema},
                 {"--effort", &o->effort}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].where = value;
            return true;
        }
    }
    if (strcmp(name, "--output-format") == 0) {
        o->is_json = strcmp(value, "json") == 0;
    } else if (strcmp(name, "--tools") == 0) {
        o->has_tools = *value == '\0';
    } else if (strcmp(name, "--max-turns") == 0) {
        o->has_turns = strcmp(value, "1") == 0 || strcmp(value, "3") == 0;
    } else {
        return false;
    }
    return true;
}

static bool take_flag(const char *name, struct options *o)
{
    if (strcmp(name, "-p") == 0) {
        o->print = true;
    } else if (strcmp(name, "--no-session-persistence") == 0) {
        o->no_session = true;
    } else if (strcmp(name, "--safe-mode") != 0) {
        return false;
    }
    return true;
}

/* 0, or the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        if (take_flag(argv[i], o)) {
            continue;
        }
        if (i + 1 >= argc || !take_value(argv[i], argv[i + 1], o)) {
            (void)fprintf(stderr, "error: unknown option '%s'\n", argv[i]);
            return 1;
        }
        i++;
    }
    if (!o->print || !o->is_json || !o->no_session || !o->has_tools || !o->has_turns ||
        !o->system || !getenv("CLAUDE_CODE_MAX_OUTPUT_TOKENS") || !getenv("DISABLE_AUTOUPDATER") ||
        getenv("CLAUDECODE")) {
        return complain("fakeclaude: an option or variable that is needed is missing");
    }
    return 0;
}

/* ---- answers ---- */

static bool read_prompt(struct fake_buf *out)
{
    for (;;) {
        if (out->len > PROMPT_BYTES_MAX || !fake_buf_reserve(out, 65536)) {
            return false;
        }
        ssize_t n = read(STDIN_FILENO, out->p + out->len, 65536);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0;
        }
        out->len += (size_t)n;
    }
}

/* The request as a chat body, which is what fakellm reads. */
static void make_body(struct fake_buf *body, const struct options *o, const struct fake_buf *prompt)
{
    fake_buf_puts(body, "{\"model\":\"fake\",\"messages\":[{\"role\":\"system\",\"content\":\"");
    fake_buf_escape(body, o->system, strlen(o->system));
    fake_buf_puts(body, "\"},{\"role\":\"user\",\"content\":\"");
    fake_buf_escape(body, prompt->p, prompt->len);
    fake_buf_puts(body, "\"}]");
    if (o->schema) {
        fake_buf_puts(body, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
                            "\"schema\":");
        fake_buf_puts(body, o->schema);
        fake_buf_puts(body, "}}");
    }
    fake_buf_char(body, '}');
}

static uint64_t hash_of(const struct fake_buf *b)
{
    uint64_t h = 0;
    for (size_t i = 0; i < b->len; i++) {
        h = fake_mix(h ^ (unsigned char)b->p[i], 1);
    }
    return h;
}

static int write_all(const struct fake_buf *out)
{
    return !out->failed && fwrite(out->p, 1, out->len, stdout) == out->len && fflush(stdout) == 0
               ? 0
               : 1;
}

static int answer(const struct options *o, const struct fake_buf *prompt)
{
    static struct fake_prompt scan;
    struct fake_buf body = {0};
    struct fake_buf text = {0};
    struct fake_buf out = {0};
    make_body(&body, o, prompt);
    fake_prompt_scan(&scan, (struct fake_span){body.p, body.len}, hash_of(&body));
    fake_answer_write(&text, &scan, 0, FAKE_OK);
    size_t tokens_in = body.len / 4;
    size_t tokens_out = text.len / 4;
    fake_buf_printf(&out,
                    "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,"
                    "\"api_error_status\":null,\"terminal_reason\":\"completed\",\"stop_reason\":"
                    "\"%s\",\"num_turns\":%d,\"total_cost_usd\":0.000123,\"usage\":{"
                    "\"input_tokens\":%zu,\"output_tokens\":%zu},\"modelUsage\":{"
                    "\"claude-fake-5\":{\"inputTokens\":%zu,\"outputTokens\":%zu,\"costUSD\":"
                    "0.000123}},\"permission_denials\":[],\"result\":\"",
                    o->schema ? "tool_use" : "end_turn", o->schema ? 2 : 1, tokens_in, tokens_out,
                    tokens_in, tokens_out);
    fake_buf_escape(&out, text.p, text.len);
    fake_buf_char(&out, '"');
    if (o->schema) {
        fake_buf_puts(&out, ",\"structured_output\":");
        fake_buf_put(&out, text.p, text.len);
    }
    fake_buf_puts(&out, "}\n");
    int rc = write_all(&out);
    fake_buf_release(&body);
    fake_buf_release(&text);
    fake_buf_release(&out);
    return rc;
}

static int fail_as(const struct behaviour *b)
{
    struct fake_buf out = {0};
    fake_buf_printf(
        &out,
        "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,"
        "\"api_error_status\":%s,\"terminal_reason\":\"%s\",\"stop_reason\":\"%s\","
        "\"num_turns\":1,\"total_cost_usd\":0,\"usage\":{\"input_tokens\":0,"
        "\"output_tokens\":0},\"modelUsage\":{},\"permission_denials\":[],\"result\":\"",
        b->status, b->reason, b->stop);
    fake_buf_escape(&out, b->result, strlen(b->result));
    fake_buf_puts(&out, "\"}\n");
    (void)write_all(&out);
    fake_buf_release(&out);
    return 1;
}

/* ---- behaviours ---- */

static const char *choose(void)
{
    const char *name = getenv("FAKECLAUDE");
    const char *once = getenv("FAKECLAUDE_ONCE");
    if (!name || !*name) {
        return "ok";
    }
    if (once && *once) {
        int fd = open(once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) {
            return "ok";
        }
        (void)close(fd);
    }
    return name;
}

static void note_run(const char *name, size_t n)
{
    const char *path = getenv("FAKECLAUDE_LOG");
    FILE *f = path && *path ? fopen(path, "ae") : NULL;
    if (f) {
        (void)fprintf(f, "%s %zu\n", name, n);
        (void)fclose(f);
    }
}

static int behave(const char *name, const struct options *o, const struct fake_buf *prompt)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (strcmp(name, failures[i].name) == 0) {
            return fail_as(&failures[i]);
        }
    }
    if (strcmp(name, "hang") == 0) {
        /* The real program does not leave at once, either. */
        (void)signal(SIGTERM, SIG_IGN);
        sleep_ms(60000);
    } else if (strcmp(name, "slow") == 0) {
        sleep_ms(SLOW_MS);
    } else if (strcmp(name, "garbage") == 0) {
        (void)puts("{\"type\":\"result\",\"is_err");
        return 0;
    } else if (strcmp(name, "crash") == 0) {
        return raise(SIGKILL);
    } else if (strcmp(name, "old") == 0) {
        return complain("error: unknown option '--safe-mode'");
    } else if (strcmp(name, "noprompt") == 0 || prompt->len == 0) {
        return complain("Error: Input must be provided either through stdin or as a prompt "
                        "argument when using --print");
    }
    return answer(o, prompt);
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct fake_buf prompt = {0};
    const char *name = choose();
    int rc = read_options(argc, argv, &o);
    if (rc == 0 && !read_prompt(&prompt)) {
        rc = complain("fakeclaude: cannot read standard input");
    }
    note_run(rc ? "bad-options" : name, prompt.len);
    if (rc == 0) {
        rc = behave(name, &o, &prompt);
    }
    fake_buf_release(&prompt);
    return rc;
}
