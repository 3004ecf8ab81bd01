#include "dataset/card.h"

#include <inttypes.h>

/* One text under construction; a failure sticks. */
struct page {
    struct gen_buf *out;
    struct gen_error *err;
    int rc;
};

#define PRINT(p, ...)                                                                              \
    do {                                                                                           \
        if ((p)->rc == GEN_OK)                                                                     \
            (p)->rc = gen_buf_printf((p)->out, (p)->err, __VA_ARGS__);                             \
    } while (0)

/* A double-quoted scalar of YAML: every JSON string is one. */
static void put_yaml(struct page *p, struct gen_str s)
{
    if (p->rc)
        return;
    struct gen_jt t = gen_jt_make(p->out, p->err);
    gen_jt_str(&t, NULL, s);
    p->rc = t.rc;
}

/* Text in a line of Markdown, whatever it contains: marks lose their meaning, line ends become
 * blanks, tags and entities are shown as they are. */
static void put_text(struct page *p, struct gen_str s)
{
    for (size_t i = 0; p->rc == GEN_OK && i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7F)
            p->rc = gen_buf_add_char(p->out, ' ', p->err);
        else if (c == '<')
            p->rc = gen_buf_add_c(p->out, "&lt;", p->err);
        else if (c == '&')
            p->rc = gen_buf_add_c(p->out, "&amp;", p->err);
        else if (c < 0x80 && strchr("\\`*_{}[]()#>|~!$@", (int)c))
            p->rc = gen_buf_printf(p->out, p->err, "\\%c", c);
        else
            p->rc = gen_buf_add_char(p->out, (char)c, p->err);
    }
}

static const char *size_category(uint64_t n)
{
    static const struct {
        uint64_t below;
        const char *name;
    } sizes[] = {{1000, "n<1K"},           {10000, "1K<n<10K"},    {100000, "10K<n<100K"},
                 {1000000, "100K<n<1M"},   {10000000, "1M<n<10M"}, {100000000, "10M<n<100M"},
                 {1000000000, "100M<n<1B"}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (n < sizes[i].below)
            return sizes[i].name;
    }
    return "n>1B";
}

static void put_header(struct page *p, const struct gen_card *c)
{
    PRINT(p, "---\nlicense: ");
    put_yaml(p, gen_str_from(c->license));
    PRINT(p, "\npretty_name: ");
    put_yaml(p, gen_str_from(c->name));
    PRINT(p,
          "\nsize_categories:\n- \"%s\"\ntask_categories:\n- question-answering\n- "
          "text-generation\ntags:\n- synthetic\n",
          size_category(c->n_rows));
    if (c->n_reasoning && gen_export_reasoning(c->format, c->options) != GEN_REASONING_DROP)
        PRINT(p, "- reasoning\n");
    if (c->n_tools)
        PRINT(p, "- tool-use\n- function-calling\n");
    PRINT(p, "configs:\n- config_name: default\n  data_files:\n");
    for (size_t i = 0; i < c->splits->n; i++) {
        const char *name = c->splits->rows[i].name;
        PRINT(p, "  - split: \"%s\"\n    path: \"data/%s-*.jsonl\"\n", name, name);
    }
    PRINT(p, "---\n\n");
}

static void put_splits(struct page *p, const struct gen_card *c)
{
    PRINT(p, "## Splits\n\n| split | rows | share |\n|---|---:|---:|\n");
    for (size_t i = 0; i < c->splits->n; i++) {
        const struct gen_split *s = &c->splits->rows[i];
        PRINT(p, "| %s | %" PRIu64 " | %.2f %% |\n", s->name, s->n_rows,
              c->n_rows ? 100.0 * (double)s->n_rows / (double)c->n_rows : 0.0);
    }
    PRINT(p, "\n");
    if (c->splits->n > 1 && !c->order->by_row)
        PRINT(p, "No source document has rows in two splits.\n\n");
    else if (c->splits->n > 1)
        PRINT(p, "Rows were split one by one: rows of one document may be in several splits.\n\n");
    if (c->order->shuffles)
        PRINT(p, "The rows were shuffled with the seed %" PRIu64 ".\n\n", c->order->seed);
}

static void put_format(struct page *p, const struct gen_card *c)
{
    static const char *const places[] = {
        [GEN_REASONING_AUTO] = "",
        [GEN_REASONING_FIELD] = "in `reasoning_content` of a message, or `reasoning` of a row",
        [GEN_REASONING_THINKING] = "in the field `thinking` of a message",
        [GEN_REASONING_INLINE] = "in `<think>` tags in front of the answer",
        [GEN_REASONING_DROP] = "left out",
    };
    PRINT(p, "## Rows\n\nFormat `%s`: %s.\n", c->format->name, c->format->summary);
    if (c->n_reasoning)
        PRINT(p, "%" PRIu64 " rows were made with a chain of thought; it is %s.\n", c->n_reasoning,
              places[gen_export_reasoning(c->format, c->options)]);
    PRINT(p, "\n");
}

/* "qa_generation 1f2e..." of each prompt. */
static void put_prompts(struct page *p, const struct gen_json *summary)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *hash;
    const struct gen_json *prompts = gen_json_get(summary, "prompts_sha256");
    if (!gen_json_count(prompts))
        return;
    PRINT(p, "Prompts, by SHA-256:\n\n");
    gen_json_iter_init(&it, prompts);
    while (p->rc == GEN_OK && gen_json_iter_next(&it, &name, &hash)) {
        struct gen_str hex = {NULL, 0};
        (void)gen_json_as_str(hash, &hex);
        PRINT(p, "- ");
        put_text(p, name);
        PRINT(p, ": ");
        put_text(p, hex);
        PRINT(p, "\n");
    }
    PRINT(p, "\n");
}

static void put_counts(struct page *p, const struct gen_json *counts)
{
    struct gen_json_iter it;
    struct gen_str name;
    const struct gen_json *count;
    const char *before = "";
    gen_json_iter_init(&it, counts);
    while (p->rc == GEN_OK && gen_json_iter_next(&it, &name, &count)) {
        int64_t n = 0;
        if (!gen_json_as_int(count, &n) || n == 0)
            continue;
        PRINT(p, "%s", before);
        put_text(p, name);
        PRINT(p, " %" PRId64, n);
        before = ", ";
    }
}

static void put_stage(struct page *p, const struct gen_json *stage)
{
    int64_t in = 0;
    int64_t out = 0;
    (void)gen_json_as_int(gen_json_get(stage, "in"), &in);
    (void)gen_json_as_int(gen_json_get(stage, "out"), &out);
    PRINT(p, "| ");
    put_text(p, gen_json_get_str(stage, "stage"));
    PRINT(p, " | %" PRId64 " | %" PRId64 " | ", in, out);
    put_counts(p, gen_json_get(stage, "filtered"));
    PRINT(p, " | ");
    put_counts(p, gen_json_get(stage, "failed"));
    PRINT(p, " |\n");
}

static void put_stages(struct page *p, const struct gen_card *c)
{
    struct gen_json_iter it;
    const struct gen_json *stage;
    PRINT(p, "| stage | in | out | filtered | failed |\n|---|---:|---:|---|---|\n");
    gen_json_iter_init(&it, gen_json_get(c->summary, "stages"));
    while (p->rc == GEN_OK && gen_json_iter_next(&it, NULL, &stage)) {
        if (!gen_str_is(gen_json_get_str(stage, "stage"), "export"))
            put_stage(p, stage);
    }
    PRINT(p, "| export | %" PRId64 " | %" PRIu64 " | ", c->n_in, c->n_rows);
    for (size_t i = 0; i < c->filtered->n; i++)
        PRINT(p, "%s%s %" PRId64, i ? ", " : "", c->filtered->rows[i].name,
              c->filtered->rows[i].count);
    PRINT(p, " |  |\n\n");
}

static void put_line(struct page *p, const char *label, struct gen_str value)
{
    if (!value.n)
        return;
    PRINT(p, "- %s: ", label);
    put_text(p, value);
    PRINT(p, "\n");
}

static void put_origin(struct page *p, const struct gen_card *c)
{
    int64_t seed = 0;
    double threshold = 0;
    PRINT(p, "## How it was made\n\n- exported by Generator %s\n", GEN_VERSION);
    put_line(p, "records made by Generator", gen_json_get_str(c->summary, "version"));
    put_line(p, "command of the last step", gen_json_get_str(c->summary, "command"));
    put_line(p, "provider", gen_json_get_str(c->summary, "provider"));
    put_line(p, "model", gen_json_get_str(c->summary, "model"));
    if (gen_json_as_int(gen_json_get(c->summary, "seed"), &seed))
        PRINT(p, "- seed: %" PRId64 "\n", seed);
    if (gen_json_as_real(gen_json_get(c->metrics, "threshold"), &threshold))
        PRINT(p, "- rating from which rows were kept: %g\n", threshold);
    if (!c->summary)
        PRINT(p, "- no summary lay beside the input: models, prompts and earlier steps are not "
                 "known\n");
    PRINT(p, "\n");
    put_prompts(p, c->summary);
    put_stages(p, c);
}

static void put_sources(struct page *p, const struct gen_card *c)
{
    if (!c->n_top)
        return;
    PRINT(p, "## Sources\n\n| source | rows |\n|---|---:|\n");
    for (size_t i = 0; i < c->n_top; i++) {
        PRINT(p, "| ");
        put_text(p, c->top[i].name);
        PRINT(p, " | %" PRIu64 " |\n", c->top[i].n_rows);
    }
    if (c->n_sources > c->n_top)
        PRINT(p, "\nand %" PRIu64 " more.\n", c->n_sources - c->n_top);
    PRINT(p, "\n");
}

static void put_limits(struct page *p, const struct gen_card *c)
{
    PRINT(p,
          "## Known limits\n\n"
          "- The texts were written by a program or a language model from the sources above; "
          "questions and answers can be wrong, and ratings by a model do not prove that an answer "
          "is in its source.\n"
          "- The terms of the sources and of the model hold for the texts as well; the license "
          "above is what the exporter was told.\n");
    if (c->n_reasoning && c->format->llamafactory == GEN_LLAMAFACTORY_MESSAGES &&
        gen_export_reasoning(c->format, c->options) < GEN_REASONING_INLINE)
        PRINT(p, "- LLaMA-Factory does not read the field of the reasoning: for it, export with "
                 "`--format llamafactory`.\n");
    if (c->n_reasoning && c->n_reasoning < c->n_rows)
        PRINT(p, "- Only some rows have a chain of thought.\n");
}

int gen_card_write(struct gen_buf *out, const struct gen_card *c, struct gen_error *err)
{
    struct page p = {out, err, GEN_OK};
    put_header(&p, c);
    PRINT(&p, "# ");
    put_text(&p, gen_str_from(c->name));
    PRINT(&p, "\n\n%" PRIu64 " rows of training data from %" PRIu64 " sources.\n\n", c->n_rows,
          c->n_sources);
    put_format(&p, c);
    put_splits(&p, c);
    put_origin(&p, c);
    put_sources(&p, c);
    put_limits(&p, c);
    return p.rc;
}
