#include "tool/mcp/command.h"

#include "base/buf.h"
#include "base/num.h"

struct splitter {
    struct gen_str line;
    size_t at;
    struct gen_buf word;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What stands between quotes; `at` is behind the first one. */
static int take_quoted(struct splitter *s, char quote, struct gen_error *err)
{
    size_t from = s->at;
    for (; s->at < s->line.n && s->line.p[s->at] != quote; s->at++) {
        char c = s->line.p[s->at];
        bool is_last = s->at + 1 == s->line.n;
        if (c == '\\' && quote == '"' && !is_last &&
            (s->line.p[s->at + 1] == '"' || s->line.p[s->at + 1] == '\\'))
            c = s->line.p[++s->at];
        int rc = gen_buf_add_char(&s->word, c, err);
        if (rc)
            return rc;
    }
    if (s->at == s->line.n)
        return gen_fail(err, GEN_EUSAGE,
                        "the command '%.*s' has a %c at byte %zu that does not end",
                        GEN_STR_ARG(gen_str_sub(s->line, 0, 200)), quote, from - 1);
    s->at++;
    return GEN_OK;
}

static int take_word(struct splitter *s, struct gen_error *err)
{
    int rc = GEN_OK;
    while (rc == GEN_OK && s->at < s->line.n && !is_space(s->line.p[s->at])) {
        char c = s->line.p[s->at++];
        if (c == '\'' || c == '"') {
            rc = take_quoted(s, c, err);
            continue;
        }
        if (c == '\\' && s->at < s->line.n)
            c = s->line.p[s->at++];
        rc = gen_buf_add_char(&s->word, c, err);
    }
    return rc;
}

static int split(struct splitter *s, struct gen_arena *arena, const char **argv,
                 struct gen_error *err)
{
    size_t n = 0;
    for (;;) {
        while (s->at < s->line.n && is_space(s->line.p[s->at]))
            s->at++;
        if (s->at == s->line.n)
            break;
        if (n == GEN_COMMAND_WORDS_MAX)
            return gen_fail(err, GEN_ELIMIT, "a command has more than %u words",
                            GEN_COMMAND_WORDS_MAX);
        gen_buf_clear(&s->word);
        int rc = take_word(s, err);
        if (rc)
            return rc;
        argv[n] = gen_arena_dup(arena, gen_buf_str(&s->word));
        if (!argv[n++])
            return gen_nomem(err, "a command");
    }
    return n ? GEN_OK : gen_fail(err, GEN_EUSAGE, "the command is empty");
}

int gen_command_split(struct gen_arena *arena, struct gen_str line, const char *const **argv,
                      struct gen_error *err)
{
    struct splitter s = {.line = line, .word = gen_buf_make(gen_size_add(line.n, 1))};
    const char **words = gen_arena_array(arena, GEN_COMMAND_WORDS_MAX + 1, sizeof(*words));
    int rc = words ? split(&s, arena, words, err) : gen_nomem(err, "a command");
    gen_buf_release(&s.word);
    if (rc == GEN_OK)
        *argv = words;
    return rc;
}
