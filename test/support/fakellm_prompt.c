#include "fakellm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A line end inside an escaped JSON string. */
#define LINE_END "\\n"

enum line_kind { LINE_TEXT, LINE_BLANK, LINE_FENCE, LINE_OTHER, LINE_BULLET };

struct line {
    const char *p; /* after leading blanks and bullet */
    const char *end;
    const char *next;
    enum line_kind kind;
};

struct splitter {
    struct fake_prompt *prompt;
    size_t limit;
};

static struct fake_span between(const char *p, const char *end)
{
    return (struct fake_span){p, (size_t)(end - p)};
}

/* The value of the first unescaped `"name":"..."`. */
static struct fake_span string_member(struct fake_span body, const char *name_and_colon)
{
    const char *p = fake_span_find(body, name_and_colon);
    const char *end = body.p + body.n;
    if (p == NULL) {
        return (struct fake_span){"", 0};
    }
    p += strlen(name_and_colon);
    while (p < end && *p == ' ') {
        p++;
    }
    if (p >= end || *p != '"') {
        return (struct fake_span){"", 0};
    }
    p++;
    const char *close = memchr(p, '"', (size_t)(end - p));
    return close == NULL ? (struct fake_span){"", 0} : between(p, close);
}

static bool is_separator(const char *p)
{
    return *p == ' ' || *p == ':' || *p == '{' || *p == '\t' || *p == '\n' || *p == '\r';
}

/* The step by the first property of the root schema; only unescaped JSON is looked at. */
static bool step_of_schema(struct fake_prompt *p)
{
    const char *end = p->body.p + p->body.n;
    const char *at = fake_span_find(p->body, "\"properties\"");
    if (at == NULL) {
        return false;
    }
    const char *name = at + strlen("\"properties\"");
    while (name < end && is_separator(name)) {
        name++;
    }
    struct fake_span rest = between(name, end);
    if (rest.n > 1600) {
        rest.n = 1600;
    }
    p->step = FAKE_STEP_SCHEMA;
    if (fake_span_starts(rest, "\"verdicts\"") && fake_span_find(rest, "\"a1_no_contradiction\"")) {
        p->step = FAKE_STEP_JUDGE;
    } else if (fake_span_starts(rest, "\"items\"") && fake_span_find(rest, "\"enriched_answer\"")) {
        p->step = FAKE_STEP_ENRICH;
    } else if (fake_span_starts(rest, "\"items\"") && fake_span_find(rest, "\"needed_facts\"")) {
        p->step = FAKE_STEP_ENHANCE;
    } else if (fake_span_starts(rest, "\"conclusion\"")) {
        p->step = FAKE_STEP_CONCLUDE;
    } else if (fake_span_starts(rest, "\"situation\"")) {
        p->step = FAKE_STEP_TOOL_REQUEST;
    } else if (fake_span_starts(rest, "\"goal\"") && fake_span_find(rest, "\"hidden\"")) {
        p->step = FAKE_STEP_TOOL_REQUESTS;
    } else if (fake_span_starts(rest, "\"withheld\"")) {
        p->step = FAKE_STEP_TOOL_MISSING;
    } else if (fake_span_starts(rest, "\"near_tool\"")) {
        p->step = FAKE_STEP_TOOL_IRRELEVANCE;
    } else if (fake_span_starts(rest, "\"calls\"")) {
        p->step = FAKE_STEP_TOOL_PLAN;
    } else if (fake_span_starts(rest, "\"better_alternative\"")) {
        p->step = FAKE_STEP_TOOL_JUDGE;
    } else if ((fake_span_starts(rest, "\"usable\"") || fake_span_starts(rest, "\"pairs\"")) &&
               fake_span_find(rest, "\"evidence\"")) {
        p->step = FAKE_STEP_PAIRS;
        if (fake_span_find(rest, "\"symbol\"")) {
            p->step = FAKE_STEP_CODE_PAIRS;
        } else if (fake_span_find(rest, "\"steps\"")) {
            p->step = FAKE_STEP_COT;
            p->is_code = fake_span_find(rest, "\"needs_other_file\"") != NULL;
        }
    }
    return true;
}

/* Without a schema the prompt names the properties, in quotes (escaped) or back-ticks. */
static void step_of_words(struct fake_prompt *p)
{
    if (fake_span_find(p->body, "a1_no_contradiction")) {
        p->step = FAKE_STEP_JUDGE;
    } else if (fake_span_find(p->body, "t2_no_better_tool")) {
        p->step = FAKE_STEP_TOOL_JUDGE;
    } else if (fake_span_find(p->body, "enriched_answer")) {
        p->step = FAKE_STEP_ENRICH;
    } else if (fake_span_find(p->body, "needed_facts")) {
        p->step = FAKE_STEP_ENHANCE;
    } else if (fake_span_find(p->body, "\\\"pairs\\\"") || fake_span_find(p->body, "`pairs`")) {
        bool code =
            fake_span_find(p->body, "\\\"symbol\\\"") || fake_span_find(p->body, "`symbol`");
        bool cot = fake_span_find(p->body, "\\\"steps\\\"") || fake_span_find(p->body, "`steps`");
        p->step = code ? FAKE_STEP_CODE_PAIRS : (cot ? FAKE_STEP_COT : FAKE_STEP_PAIRS);
        p->is_code = fake_span_find(p->body, "needs_other_file") != NULL;
    } else if (fake_span_find(p->body, "\\\"conclusion\\\"")) {
        p->step = FAKE_STEP_CONCLUDE;
    } else {
        p->step = FAKE_STEP_PROSE;
    }
}

/* The last fenced source: rules and examples come before it. */
static void find_source(struct fake_prompt *p)
{
    const char *end = p->body.p + p->body.n;
    const char *open = NULL;
    for (const char *at = p->body.p; at < end;) {
        at = memchr(at, '=', (size_t)(end - at));
        if (at == NULL) {
            break;
        }
        struct fake_span rest = between(at, end);
        if (fake_span_starts(rest, "=== source ")) {
            open = at;
            at += strlen("=== source ");
        } else if (open != NULL && fake_span_starts(rest, "=== end of source ")) {
            const char *line = memmem(open, (size_t)(at - open), LINE_END, 2);
            if (line != NULL) {
                p->source = between(line + 2, at);
                p->tail = between(at, end);
            }
            open = NULL;
            at += strlen("=== end of source ");
        }
        while (at < end && *at == '=') {
            at++;
        }
        at += at < end;
    }
}

/* ---- items ----------------------------------------------------------------------------------- */

static bool is_item_line(const char *p, const char *end)
{
    if (end - p < 4 || p[0] != '[' || p[1] != 'p' || !isdigit((unsigned char)p[2])) {
        return false;
    }
    const char *q = p + 2;
    while (q < end && isdigit((unsigned char)*q)) {
        q++;
    }
    return q < end && *q == ']';
}

static const char *next_item(const char *p, const char *end)
{
    while (p < end) {
        const char *at = memmem(p, (size_t)(end - p), LINE_END "[p", 4);
        if (at == NULL) {
            return end;
        }
        if (is_item_line(at + 2, end)) {
            return at + 2;
        }
        p = at + 2;
    }
    return end;
}

static struct fake_span trim_lines(struct fake_span s)
{
    while (s.n >= 2 && memcmp(s.p + s.n - 2, LINE_END, 2) == 0) {
        s.n -= 2;
    }
    return s;
}

static void read_item(struct fake_prompt *p, struct fake_span block)
{
    struct fake_item *item = &p->items[p->n_items];
    const char *end = block.p + block.n;
    const char *close = memchr(block.p, ']', block.n);
    const char *question = fake_span_find(block, "Question: ");
    if (close == NULL || question == NULL) {
        return;
    }
    item->id = between(block.p + 1, close);
    question += strlen("Question: ");
    const char *question_end = memmem(question, (size_t)(end - question), LINE_END, 2);
    item->question = between(question, question_end == NULL ? end : question_end);
    const char *answer = fake_span_find(between(question, end), "Answer: ");
    const char *on_record = fake_span_find(between(question, end), "Answer on record: ");
    answer = answer == NULL ? NULL : answer + strlen("Answer: ");
    answer = on_record == NULL ? answer : on_record + strlen("Answer on record: ");
    item->answer = answer == NULL ? between(end, end) : trim_lines(between(answer, end));
    p->n_items++;
}

static void find_items(struct fake_prompt *p)
{
    struct fake_span where = p->tail;
    if (where.n == 0) {
        const char *user = fake_span_find(p->body, "\"user\"");
        where = user == NULL ? p->body : between(user, p->body.p + p->body.n);
    }
    const char *stop = fake_span_find(where, "=== end of pairs");
    const char *end = stop == NULL ? where.p + where.n : stop;
    const char *at = next_item(where.p, end);
    while (at < end && p->n_items < FAKE_ITEMS_MAX) {
        const char *next = next_item(at, end);
        const char *block_end = next;
        if (next == end && stop == NULL) {
            /* without an end line the message ends at its closing quote */
            for (block_end = at; block_end < end && *block_end != '"'; block_end++) {
                block_end += *block_end == '\\' && block_end + 1 < end;
            }
        }
        read_item(p, between(at, block_end));
        at = next;
    }
    if (stop != NULL) {
        p->tail = between(stop, where.p + where.n);
    }
}

static void read_tail(struct fake_prompt *p)
{
    const char *end = p->tail.p + p->tail.n;
    const char *at = fake_span_find(p->tail, "p to ");
    p->n_wanted = 0;
    for (at = at == NULL ? end : at + strlen("p to "); at < end && isdigit((unsigned char)*at);
         at++) {
        if (p->n_wanted < 1000) {
            p->n_wanted = p->n_wanted * 10 + (unsigned)(*at - '0');
        }
    }
    if (p->n_wanted == 0) {
        p->n_wanted = 3;
    }
    const char *topic = fake_span_find(p->tail, "opic: ");
    if (topic != NULL) {
        topic += strlen("opic: ");
        p->has_topic = topic < end && *topic != '\\' && *topic != '"';
    }
}

/* ---- sentences ------------------------------------------------------------------------------- */

static enum line_kind kind_of(const char *p, const char *end)
{
    struct fake_span s = between(p, end);
    if (s.n == 0) {
        return LINE_BLANK;
    }
    if (fake_span_starts(s, "```") || fake_span_starts(s, "~~~")) {
        return LINE_FENCE;
    }
    if (*p == '#' || *p == '|' || *p == '<' || *p == '[' || *p == '!') {
        return LINE_OTHER;
    }
    bool bullet = s.n > 2 && (*p == '-' || *p == '*' || *p == '+') && p[1] == ' ';
    return bullet || (isdigit((unsigned char)*p) && (fake_span_starts(between(p + 1, end), ". ")))
               ? LINE_BULLET
               : LINE_TEXT;
}

static struct line read_line(const char *p, const char *end)
{
    const char *at = p;
    while (at < end) {
        at = memchr(at, '\\', (size_t)(end - at));
        if (at == NULL || end - at < 2) {
            at = end;
        } else if (at[1] == 'n') {
            break;
        } else {
            at += 2;
        }
    }
    struct line line = {.end = at, .next = at < end ? at + 2 : end};
    while (p < at && *p == ' ') {
        p++;
    }
    line.kind = kind_of(p, at);
    if (line.kind == LINE_BULLET) {
        p += isdigit((unsigned char)*p) ? 3 : 2;
    }
    line.p = p;
    return line;
}

/* A sentence that points at its document would make a pair that cannot stand alone. */
static bool points_at_document(struct fake_span s)
{
    static const char *const words[] = {"section", "chapter", " above",
                                        " below",  "igure ",  "ee also"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (fake_span_find(s, words[i])) {
            return true;
        }
    }
    return false;
}

static void keep_sentence(struct splitter *s, const char *p, const char *end, unsigned n_words)
{
    struct fake_span text = between(p, end);
    struct fake_prompt *prompt = s->prompt;
    if (n_words < 5 || n_words > 40 || text.n < 30 || text.n > 600 ||
        prompt->n_sentences >= s->limit || points_at_document(text)) {
        return;
    }
    prompt->sentences[prompt->n_sentences++] = (struct fake_sentence){text, n_words};
}

static bool at_blank(const char *p, const char *end)
{
    return p >= end || *p == ' ' || (end - p >= 2 && memcmp(p, LINE_END, 2) == 0);
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && at_blank(p, end)) {
        p += *p == ' ' ? 1 : 2;
    }
    return p;
}

/* Splits one paragraph, whose lines may be wrapped, at full stops. */
static void split_paragraph(struct splitter *s, const char *p, const char *end)
{
    const char *start = skip_blanks(p, end);
    unsigned n_words = 0;
    const char *at = start;
    while (at < end && s->prompt->n_sentences < s->limit) {
        const char *word = at;
        while (at < end && !at_blank(at, end)) {
            at += *at == '\\' && at + 1 < end ? 2 : 1;
        }
        n_words++;
        char last = at > word ? at[-1] : ' ';
        const char *next = skip_blanks(at, end);
        bool stop = last == '.' || last == '!' || last == '?';
        bool short_form = at - word <= 4 && memchr(word, '.', (size_t)(at - word)) != at - 1;
        if (next >= end || (stop && !short_form && !islower((unsigned char)*next))) {
            keep_sentence(s, start, at, n_words);
            start = next;
            n_words = 0;
        }
        at = next;
    }
}

static void split_text(struct splitter *s, struct fake_span source)
{
    const char *end = source.p + source.n;
    const char *paragraph = NULL;
    const char *paragraph_end = NULL;
    bool fenced = false;
    for (const char *p = source.p; p < end && s->prompt->n_sentences < s->limit;) {
        struct line line = read_line(p, end);
        p = line.next;
        bool goes_on = line.kind == LINE_TEXT && !fenced;
        if (goes_on && paragraph != NULL) {
            paragraph_end = line.end;
            continue;
        }
        if (paragraph != NULL) {
            split_paragraph(s, paragraph, paragraph_end);
            paragraph = NULL;
        }
        if (line.kind == LINE_FENCE) {
            fenced = !fenced;
        } else if (!fenced && (goes_on || line.kind == LINE_BULLET)) {
            paragraph = line.p;
            paragraph_end = line.end;
        }
    }
    if (paragraph != NULL) {
        split_paragraph(s, paragraph, paragraph_end);
    }
}

static unsigned count_words(const char *p, const char *end)
{
    unsigned n = 0;
    for (p = skip_blanks(p, end); p < end; p = skip_blanks(p, end)) {
        n++;
        while (p < end && !at_blank(p, end)) {
            p += *p == '\\' && p + 1 < end ? 2 : 1;
        }
    }
    return n;
}

/* Code has no sentences: one to three whole lines with enough words are a unit. */
static void split_code(struct splitter *s, struct fake_span source)
{
    const char *end = source.p + source.n;
    const char *start = NULL;
    unsigned n_lines = 0;
    for (const char *p = source.p; p < end && s->prompt->n_sentences < s->limit;) {
        struct line line = read_line(p, end);
        p = line.next;
        if (line.kind == LINE_BLANK || line.kind == LINE_FENCE || n_lines == 3) {
            start = NULL;
            n_lines = 0;
        }
        if (line.kind == LINE_BLANK || line.kind == LINE_FENCE) {
            continue;
        }
        start = start == NULL ? line.p : start;
        n_lines++;
        unsigned n_words = count_words(start, line.end);
        if (n_words >= 6) {
            keep_sentence(s, start, line.end, n_words);
            start = NULL;
            n_lines = 0;
        }
    }
}

void fake_prompt_scan(struct fake_prompt *p, struct fake_span body, uint64_t hash)
{
    p->body = body;
    p->hash = hash;
    p->source = (struct fake_span){"", 0};
    p->tail = p->source;
    p->has_topic = false;
    p->is_code = false;
    p->n_sentences = 0;
    p->n_items = 0;
    p->model = string_member(body, "\"model\":");
    if (!step_of_schema(p)) {
        step_of_words(p);
    }
    find_source(p);
    if (p->step != FAKE_STEP_PAIRS && p->step != FAKE_STEP_CODE_PAIRS && p->step != FAKE_STEP_COT) {
        find_items(p);
    }
    read_tail(p);
    size_t limit = (size_t)p->n_wanted * 3 + 4;
    struct splitter s = {p, limit < FAKE_SENTENCES_MAX ? limit : FAKE_SENTENCES_MAX};
    if (p->step == FAKE_STEP_CODE_PAIRS || p->is_code) {
        split_code(&s, p->source);
    } else {
        split_text(&s, p->source);
    }
}
