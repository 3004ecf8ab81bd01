#include "fakellm.h"

#include <ctype.h>
#include <string.h>

#define QUESTION_WORDS 4

/* What the text of one request is made from. */
struct writer {
    struct fake_buf *out;
    const struct fake_prompt *p;
    enum fake_fault defect; /* applied to the first item only */
    size_t item_bytes;      /* length wanted of each item */
};

static struct fake_span sentence(const struct fake_prompt *p, uint64_t i)
{
    return p->sentences[i % p->n_sentences].text;
}

/* ---- questions ------------------------------------------------------------------------------- */

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The longest words of an escaped text, longest first: the ones most likely to be distinctive. */
static size_t longest_words(struct fake_span text, struct fake_span words[QUESTION_WORDS])
{
    size_t n = 0;
    const char *end = text.p + text.n;
    for (const char *p = text.p; p < end;) {
        if (*p == '\\') {
            p += p + 1 < end && p[1] == 'u' ? 6 : 2;
            continue;
        }
        const char *start = p;
        while (p < end && is_word_byte(*p)) {
            p++;
        }
        struct fake_span word = {start, (size_t)(p - start)};
        p += p < end && p == start;
        if (word.n < 4 || word.n > 40 || (n == QUESTION_WORDS && word.n <= words[n - 1].n)) {
            continue;
        }
        bool known = false;
        for (size_t i = 0; i < n; i++) {
            known = known || (words[i].n == word.n && memcmp(words[i].p, word.p, word.n) == 0);
        }
        if (known) {
            continue;
        }
        size_t at = n < QUESTION_WORDS ? n++ : n - 1;
        while (at > 0 && words[at - 1].n < word.n) {
            words[at] = words[at - 1];
            at--;
        }
        words[at] = word;
    }
    return n;
}

static void write_question(struct fake_buf *out, struct fake_span evidence, uint64_t draw)
{
    static const char *const few = "What does the handbook term %1 mean for people in practice?";
    static const char *const templates[] = {
        "What does the handbook term %1 mean together with %2, %3 and %4?",
        "How does %1 relate to %2 once %3 and %4 are involved?",
        "Why does %1 matter for %2, %3 and %4?",
        "Which role does %1 play for %2 when %3 meets %4?",
        "When should an engineer think of %1 and %2 because of %3 or %4?",
        "What follows for %2 and %3 from the way %1 treats %4?",
        "Under which condition do %1, %2 and %3 depend on %4?",
        "Where do %3 and %1 come together with %2 and %4?",
    };
    struct fake_span words[QUESTION_WORDS];
    size_t n = longest_words(evidence, words);
    if (n == 0) {
        words[n++] = (struct fake_span){"practice", 8};
    }
    const char *template =
        n == QUESTION_WORDS ? templates[draw % (sizeof(templates) / sizeof(templates[0]))] : few;
    for (const char *t = template; *t != '\0'; t++) {
        if (*t == '%') {
            struct fake_span word = words[(size_t)(*++t - '1')];
            fake_buf_put(out, word.p, word.n);
        } else {
            fake_buf_char(out, *t);
        }
    }
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static void write_answer(const struct writer *w, size_t first, size_t start_len, bool inject)
{
    const struct fake_prompt *p = w->p;
    struct fake_buf *out = w->out;
    fake_buf_flat(out, p->sentences[first].text);
    unsigned n_words = p->sentences[first].n_words;
    if (inject) {
        fake_buf_puts(out, " \\ud83d end");
    }
    /* also ends when the whole source was used, unless more bytes are asked for */
    for (size_t i = 1; n_words < 12 || out->len - start_len + 2 < w->item_bytes; i++) {
        if (i >= p->n_sentences && (w->item_bytes == 0 || out->failed)) {
            break;
        }
        const struct fake_sentence *s = &p->sentences[(first + i) % p->n_sentences];
        fake_buf_char(out, ' ');
        fake_buf_flat(out, s->text);
        n_words += s->n_words;
    }
}

static const char *kind_name(enum fake_step step, uint64_t draw)
{
    static const char *const text[] = {"fact", "definition", "how_to", "why", "consequence"};
    static const char *const code[] = {"purpose", "usage", "parameters", "edge_case", "data_flow"};
    static const char *const cot[] = {"cause_effect", "compare", "diagnosis", "trade_off",
                                      "constraint_check"};
    if (step == FAKE_STEP_CODE_PAIRS) {
        return code[draw % 5];
    }
    return step == FAKE_STEP_COT ? cot[draw % 5] : text[draw % 5];
}

static void write_quote(struct fake_buf *out, struct fake_span text)
{
    fake_buf_char(out, '"');
    fake_buf_put(out, text.p, text.n);
    fake_buf_char(out, '"');
}

static void write_evidence(const struct writer *w, size_t first)
{
    struct fake_buf *out = w->out;
    if (w->p->step != FAKE_STEP_COT) {
        fake_buf_puts(out, ",\"evidence\":");
        write_quote(out, w->p->sentences[first].text);
        return;
    }
    fake_buf_puts(out, ",\"evidence\":[");
    write_quote(out, w->p->sentences[first].text);
    fake_buf_char(out, ',');
    write_quote(out, sentence(w->p, first + 1));
    fake_buf_char(out, ']');
}

static void write_steps(const struct writer *w, size_t first)
{
    struct fake_buf *out = w->out;
    fake_buf_puts(out, ",\"steps\":[\"The first fact to hold on to is this: ");
    fake_buf_flat(out, w->p->sentences[first].text);
    fake_buf_puts(out, "\",\"A second fact bears on it: ");
    fake_buf_flat(out, sentence(w->p, first + 1));
    fake_buf_puts(out, "\",\"Both hold at once, so the conclusion has to respect both.\"]");
}

/* Both facts: neither of them alone. */
static void write_reasoned_answer(const struct writer *w, size_t first, bool inject)
{
    fake_buf_puts(w->out, ",\"answer\":\"");
    fake_buf_flat(w->out, w->p->sentences[first].text);
    fake_buf_char(w->out, ' ');
    fake_buf_flat(w->out, sentence(w->p, first + 1));
    fake_buf_puts(w->out, inject ? " \\ud83d end\"" : "\"");
}

static void write_pair(const struct writer *w, size_t first, bool is_first)
{
    struct fake_buf *out = w->out;
    const struct fake_prompt *p = w->p;
    enum fake_fault defect = is_first ? w->defect : FAKE_OK;
    struct fake_span evidence = p->sentences[first].text;
    uint64_t draw = fake_mix(p->hash, first);
    size_t start_len = out->len;
    bool cot = p->step == FAKE_STEP_COT;
    fake_buf_puts(out, cot ? "{\"pattern\":\"" : "{\"kind\":\"");
    fake_buf_puts(out, kind_name(p->step, draw >> 32));
    fake_buf_char(out, '"');
    if (defect == FAKE_DUPKEYS) {
        fake_buf_puts(out, cot ? ",\"pattern\":\"compare\"" : ",\"kind\":\"fact\"");
    }
    if (p->step == FAKE_STEP_CODE_PAIRS) {
        struct fake_span words[QUESTION_WORDS];
        size_t n = longest_words(evidence, words);
        fake_buf_puts(out, ",\"symbol\":");
        write_quote(out, n == 0 ? (struct fake_span){"main", 4} : words[0]);
    }
    write_evidence(w, first);
    fake_buf_puts(out, ",\"question\":\"");
    write_question(out, evidence, draw);
    fake_buf_char(out, '"');
    if (cot) {
        write_steps(w, first);
    }
    if (defect == FAKE_WRONGTYPE) {
        fake_buf_puts(out, ",\"answer\":42");
    } else if (defect != FAKE_MISSING && cot) {
        write_reasoned_answer(w, first, defect == FAKE_SURROGATE);
    } else if (defect != FAKE_MISSING) {
        fake_buf_puts(out, ",\"answer\":\"");
        write_answer(w, first, start_len, defect == FAKE_SURROGATE);
        fake_buf_char(out, '"');
    }
    fake_buf_char(out, '}');
}

static void write_pairs(struct writer *w, size_t answer_bytes)
{
    const struct fake_prompt *p = w->p;
    struct fake_buf *out = w->out;
    if (p->n_sentences == 0) {
        fake_buf_puts(out, "{\"usable\":\"too_thin\",\"pairs\":[]}");
        return;
    }
    if (p->step == FAKE_STEP_COT && p->n_sentences < 2) {
        fake_buf_puts(out, "{\"usable\":\"no_reasoning_possible\",\"pairs\":[]}");
        return;
    }
    size_t n_max = p->step == FAKE_STEP_COT ? 3 : (p->step == FAKE_STEP_PAIRS ? 12 : 10);
    size_t n = p->n_wanted < n_max ? p->n_wanted : n_max;
    n = n < p->n_sentences ? n : p->n_sentences;
    w->item_bytes = answer_bytes / n;
    size_t start = p->hash % p->n_sentences;
    size_t stride = p->n_sentences / n;
    bool nested = w->defect == FAKE_NESTED;
    fake_buf_puts(out,
                  nested ? "{\"usable\":\"yes\",\"pairs\":[[" : "{\"usable\":\"yes\",\"pairs\":[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            fake_buf_char(out, ',');
        }
        write_pair(w, (start + i * stride) % p->n_sentences, i == 0);
    }
    fake_buf_puts(out, nested ? "]]}" : "]}");
}

/* ---- enrichment ------------------------------------------------------------------------------ */

/* The same facts in another order: the last sentence first, or an opening before a single one. */
static void write_restructured(struct fake_buf *out, struct fake_span draft)
{
    size_t cut = 0;
    for (size_t i = 0; i + 2 < draft.n; i++) {
        bool stop = draft.p[i] == '.' || draft.p[i] == '?';
        if (stop && draft.p[i + 1] == ' ' && isupper((unsigned char)draft.p[i + 2])) {
            cut = i + 2;
        }
    }
    if (cut == 0) {
        fake_buf_puts(out, "In short: ");
        fake_buf_put(out, draft.p, draft.n);
        return;
    }
    fake_buf_put(out, draft.p + cut, draft.n - cut);
    fake_buf_char(out, ' ');
    fake_buf_put(out, draft.p, cut - 1);
}

static void write_enriched(const struct writer *w, size_t i)
{
    struct fake_buf *out = w->out;
    const struct fake_item *item = &w->p->items[i];
    enum fake_fault defect = i == 0 ? w->defect : FAKE_OK;
    size_t start_len = out->len;
    fake_buf_puts(out, "{\"id\":");
    write_quote(out, item->id);
    if (defect == FAKE_DUPKEYS) {
        fake_buf_puts(out, ",\"id\":\"p99\"");
    }
    fake_buf_puts(out, ",\"unsupported\":[],\"missing\":[]");
    if (defect == FAKE_WRONGTYPE) {
        fake_buf_puts(out, ",\"enriched_answer\":42");
    } else if (defect != FAKE_MISSING) {
        fake_buf_puts(out, ",\"enriched_answer\":\"");
        write_restructured(out, item->answer);
        if (defect == FAKE_SURROGATE) {
            fake_buf_puts(out, " \\ud83d end");
        }
        for (size_t k = 0;
             w->p->n_sentences > 0 && !out->failed && out->len - start_len + 30 < w->item_bytes;
             k++) {
            fake_buf_char(out, ' ');
            fake_buf_flat(out, sentence(w->p, w->p->hash + k));
        }
        fake_buf_char(out, '"');
    }
    fake_buf_puts(out, ",\"changes\":[\"clearer_order\"]}");
}

/* ---- reasoning ------------------------------------------------------------------------------- */

/* The sentence that most of the question's longest words are from: questions are made of them. */
static size_t sentence_asked_about(const struct fake_prompt *p, struct fake_span question)
{
    size_t best = 0;
    size_t most = 0;
    for (size_t i = 0; i < p->n_sentences; i++) {
        size_t n = 0;
        struct fake_span words[QUESTION_WORDS];
        size_t n_words = longest_words(p->sentences[i].text, words);
        for (size_t k = 0; k < n_words; k++) {
            for (size_t at = 0; at + words[k].n <= question.n; at++) {
                if (memcmp(question.p + at, words[k].p, words[k].n) == 0) {
                    n += k == 0 ? 2U : 1U;
                    break;
                }
            }
        }
        if (n > most) {
            most = n;
            best = i;
        }
    }
    return best;
}

static void write_conclusion(const struct writer *w, const struct fake_item *item, size_t at)
{
    if (item->answer.n > 0) {
        fake_buf_flat(w->out, item->answer);
    } else if (w->p->n_sentences > 0) {
        fake_buf_flat(w->out, sentence(w->p, at));
    } else {
        fake_buf_puts(w->out, "Nothing is known of it.");
    }
}

static void write_reasoning(const struct writer *w, size_t i)
{
    struct fake_buf *out = w->out;
    const struct fake_prompt *p = w->p;
    const struct fake_item *item = &p->items[i];
    enum fake_fault defect = i == 0 ? w->defect : FAKE_OK;
    size_t at = sentence_asked_about(p, item->question);
    fake_buf_puts(out, "{\"id\":");
    write_quote(out, item->id);
    if (defect == FAKE_DUPKEYS) {
        fake_buf_puts(out, ",\"id\":\"p99\"");
    }
    fake_buf_puts(out, ",\"needed_facts\":[],\"skeleton\":[\"recall_fact\",\"conclude\"]");
    if (defect == FAKE_WRONGTYPE) {
        fake_buf_puts(out, ",\"steps\":42");
    } else if (defect != FAKE_MISSING) {
        fake_buf_puts(out, ",\"steps\":[\"Step 1: The first fact to hold on to is this: ");
        fake_buf_flat(out,
                      p->n_sentences > 0 ? sentence(p, at) : (struct fake_span){"it is known", 11});
        fake_buf_puts(out, "\",\"Hence the matter is settled by that fact alone.");
        fake_buf_puts(out, defect == FAKE_SURROGATE ? " \\ud83d end\"]" : "\"]");
    }
    fake_buf_puts(out, ",\"conclusion\":\"");
    write_conclusion(w, item, at);
    fake_buf_puts(out, item->answer.n > 0 ? "\",\"answer_check\":\"agrees\"}"
                                          : "\",\"answer_check\":\"not_shown\"}");
}

static void write_thought_conclusion(const struct writer *w)
{
    const struct fake_prompt *p = w->p;
    const struct fake_item none = {.id = {"", 0}, .question = {"", 0}, .answer = {"", 0}};
    const struct fake_item *item = p->n_items > 0 ? &p->items[0] : &none;
    if (w->defect == FAKE_MISSING) {
        fake_buf_puts(w->out, "{}");
        return;
    }
    fake_buf_puts(w->out, "{\"conclusion\":\"");
    write_conclusion(w, item, sentence_asked_about(p, item->question));
    fake_buf_puts(w->out, "\"}");
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static const char *const criteria[] = {
    "c1_stands_alone",         "c2_single_clear_question", "c3_answer_direct_readable",
    "a1_no_contradiction",     "a2_every_claim_supported", "a3_complete_for_question",
    "u1_someone_would_ask",    "u2_worth_learning",        "d1_more_than_one_phrase",
    "d2_combines_or_explains",
};

#define N_CRITERIA       (sizeof(criteria) / sizeof(criteria[0]))
#define NO_CONTRADICTION 3

/* Which criteria hold, as bits. About 70 % of pairs get a rating of 7 or more; which ones depends
 * on the pair, so that two votes agree on most. */
static unsigned draw_criteria(const struct fake_prompt *p, const struct fake_item *item)
{
    uint64_t h = 0;
    for (size_t i = 0; i < item->question.n; i++) {
        h = h * 131 + (unsigned char)item->question.p[i];
    }
    uint64_t pair = fake_mix(h, 7);
    uint64_t details = fake_mix(pair ^ p->hash, 8);
    unsigned holds = (1U << N_CRITERIA) - 1U;
    bool good = pair % 100 < 70;
    unsigned n_false = good ? (unsigned)(details % 4) : 4 + (unsigned)(details % 3);
    if (!good && pair % 3 == 0) {
        /* a contradiction makes all of accuracy false; one more brings the rating below 7 */
        holds &= ~(1U << NO_CONTRADICTION);
        n_false = 1 + (unsigned)(details % 2);
    }
    for (unsigned i = 0; i < n_false; details = fake_mix(details, 9)) {
        unsigned bit = (unsigned)(details % N_CRITERIA);
        bool accuracy = bit >= NO_CONTRADICTION && bit <= NO_CONTRADICTION + 2;
        bool skip =
            bit == NO_CONTRADICTION || (accuracy && (holds & (1U << NO_CONTRADICTION)) == 0);
        if (!skip && (holds & (1U << bit)) != 0) {
            holds &= ~(1U << bit);
            i++;
        }
    }
    return holds;
}

static struct fake_span first_words(struct fake_span text, unsigned n)
{
    size_t i = 0;
    for (; i < text.n; i++) {
        if (text.p[i] == ' ' && --n == 0) {
            break;
        }
    }
    return (struct fake_span){text.p, i};
}

static void write_weak_point(struct fake_buf *out, const struct fake_item *item, uint64_t draw)
{
    static const char *const points[] = {
        "No number or unit is given for %.",
        "The condition under which % holds is left open.",
        "Little beyond the wording on % is explained.",
        "The reason behind % is stated only in part.",
    };
    struct fake_span words[QUESTION_WORDS];
    size_t n = longest_words(item->question, words);
    const char *point = points[draw % (sizeof(points) / sizeof(points[0]))];
    const char *mark = strchr(point, '%');
    fake_buf_put(out, point, (size_t)(mark - point));
    if (n > 0) {
        fake_buf_put(out, words[0].p, words[0].n);
    } else {
        fake_buf_puts(out, "the subject");
    }
    fake_buf_puts(out, mark + 1);
}

static void write_verdict(const struct writer *w, size_t i)
{
    struct fake_buf *out = w->out;
    const struct fake_prompt *p = w->p;
    const struct fake_item *item = &p->items[i];
    enum fake_fault defect = i == 0 ? w->defect : FAKE_OK;
    uint64_t draw = fake_mix(p->hash, 50 + i);
    unsigned holds = draw_criteria(p, item);
    size_t start_len = out->len;
    fake_buf_puts(out, "{\"id\":");
    write_quote(out, item->id);
    if (defect == FAKE_DUPKEYS) {
        fake_buf_puts(out, ",\"id\":\"p99\"");
    }
    fake_buf_puts(out, ",\"echo\":");
    write_quote(out, first_words(item->question, 5));
    fake_buf_puts(out, ",\"evidence\":");
    write_quote(out, p->n_sentences == 0 ? (struct fake_span){"", 0} : sentence(p, draw));
    fake_buf_puts(out, ",\"weakest_point\":\"");
    write_weak_point(out, item, draw >> 8);
    if (defect == FAKE_SURROGATE) {
        fake_buf_puts(out, " \\ud83d end");
    }
    for (size_t k = 0;
         p->n_sentences > 0 && !out->failed && out->len - start_len + 320 < w->item_bytes; k++) {
        fake_buf_char(out, ' ');
        fake_buf_flat(out, sentence(p, draw + k));
    }
    fake_buf_char(out, '"');
    for (size_t c = 0; c < N_CRITERIA; c++) {
        if (defect == FAKE_MISSING && c == NO_CONTRADICTION + 1) {
            continue;
        }
        fake_buf_puts(out, ",\"");
        fake_buf_puts(out, criteria[c]);
        bool wrong = defect == FAKE_WRONGTYPE && c == 0;
        fake_buf_puts(out, wrong ? "\":\"maybe\"" : ((holds >> c & 1U) ? "\":true" : "\":false"));
    }
    bool off_topic = p->has_topic && draw % 20 == 0;
    fake_buf_puts(out, off_topic ? ",\"topic_relevant\":false}" : ",\"topic_relevant\":true}");
}

static void write_items(struct writer *w, const char *name, size_t answer_bytes,
                        void (*write)(const struct writer *, size_t))
{
    bool nested = w->defect == FAKE_NESTED;
    size_t n = w->p->n_items;
    w->item_bytes = n == 0 ? 0 : answer_bytes / n;
    fake_buf_puts(w->out, "{\"");
    fake_buf_puts(w->out, name);
    fake_buf_puts(w->out, nested ? "\":[[" : "\":[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            fake_buf_char(w->out, ',');
        }
        write(w, i);
    }
    fake_buf_puts(w->out, nested ? "]]}" : "]}");
}

/* ---- all ------------------------------------------------------------------------------------- */

static void write_prose(struct writer *w, size_t answer_bytes)
{
    size_t start_len = w->out->len;
    fake_buf_puts(w->out, "In plain words: ");
    size_t i = 0;
    do {
        if (w->p->n_sentences > 0) {
            struct fake_buf *out = w->out;
            size_t at = out->len;
            fake_buf_flat(out, sentence(w->p, w->p->hash + i));
            /* prose is no JSON: what is still escaped becomes plain */
            for (size_t k = at; k < out->len; k++) {
                out->p[k] = out->p[k] == '\\' || out->p[k] == '"' ? '\'' : out->p[k];
            }
        } else {
            fake_buf_puts(w->out, "there is little to say about this request.");
        }
        fake_buf_char(w->out, ' ');
        i++;
    } while (!w->out->failed && (i < 2 || w->out->len - start_len < answer_bytes));
    w->out->len -= w->out->failed ? 0 : 1;
}

static void write_schema_value(struct writer *w)
{
    size_t at = w->out->len;
    switch (w->defect) {
    case FAKE_MISSING:
        fake_buf_puts(w->out, "{}");
        return;
    case FAKE_WRONGTYPE:
        fake_buf_puts(w->out, "42");
        return;
    case FAKE_DUPKEYS:
        fake_buf_puts(w->out, "{\"x\":1,\"x\":2}");
        return;
    case FAKE_SURROGATE:
        fake_buf_puts(w->out, "{\"x\":\"\\ud83d\"}");
        return;
    default:
        break;
    }
    if (w->defect == FAKE_NESTED) {
        fake_buf_puts(w->out, "[[");
    }
    if (!fake_calls_answer(w->out, w->p) && !fake_schema_answer(w->out, w->p)) {
        w->out->len = at;
        fake_buf_puts(w->out, "{}");
        return;
    }
    if (w->defect == FAKE_NESTED) {
        fake_buf_puts(w->out, "]]");
    }
}

/* Mostly kind; every eighth answer is no, and one verdict in sixteen finds nothing right. */
static void write_tool_verdict(const struct writer *w)
{
    static const char *const questions[] = {"t2_no_better_tool",
                                            "t3_no_superfluous_or_missing_step",
                                            "p3_values_mean_what_was_asked",
                                            "r1_thoughts_explain_choice",
                                            "r2_thoughts_use_earlier_results",
                                            "f1_results_answer_request"};
    static const char *const points[] = {"The thought says little.", "The answer is terse.",
                                         "The scope of the request is left open.",
                                         "One value is only implied."};
    uint64_t draw = fake_mix(w->p->hash, 71);
    bool is_bad = draw % 16 == 0;
    fake_buf_puts(w->out, "{\"better_alternative\":\"none\",\"weakest_point\":\"");
    fake_buf_puts(w->out, points[(draw >> 8) % 4]);
    fake_buf_char(w->out, '"');
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        bool holds = !is_bad && ((draw >> (16 + 3 * i)) & 7U) != 0;
        fake_buf_puts(w->out, ",\"");
        fake_buf_puts(w->out, questions[i]);
        fake_buf_puts(w->out, holds ? "\":true" : "\":false");
    }
    fake_buf_char(w->out, '}');
}

void fake_answer_write(struct fake_buf *out, const struct fake_prompt *p, size_t answer_bytes,
                       enum fake_fault defect)
{
    struct writer w = {out, p, defect, 0};
    if (defect == FAKE_NONJSON) {
        write_prose(&w, answer_bytes);
        return;
    }
    switch (p->step) {
    case FAKE_STEP_PAIRS:
    case FAKE_STEP_CODE_PAIRS:
    case FAKE_STEP_COT:
        write_pairs(&w, answer_bytes);
        break;
    case FAKE_STEP_ENRICH:
        write_items(&w, "items", answer_bytes, write_enriched);
        break;
    case FAKE_STEP_ENHANCE:
        write_items(&w, "items", answer_bytes, write_reasoning);
        break;
    case FAKE_STEP_CONCLUDE:
        write_thought_conclusion(&w);
        break;
    case FAKE_STEP_JUDGE:
        write_items(&w, "verdicts", answer_bytes, write_verdict);
        break;
    case FAKE_STEP_TOOL_REQUEST:
    case FAKE_STEP_TOOL_REQUESTS:
    case FAKE_STEP_TOOL_MISSING:
    case FAKE_STEP_TOOL_IRRELEVANCE:
    case FAKE_STEP_TOOL_PLAN:
        if (defect != FAKE_OK) {
            write_schema_value(&w);
        } else {
            (void)fake_tool_request_answer(out, p);
        }
        break;
    case FAKE_STEP_TOOL_JUDGE:
        if (defect != FAKE_OK) {
            write_schema_value(&w);
        } else {
            write_tool_verdict(&w);
        }
        break;
    case FAKE_STEP_SCHEMA:
        write_schema_value(&w);
        break;
    case FAKE_STEP_PROSE:
        write_prose(&w, answer_bytes);
        break;
    }
}
