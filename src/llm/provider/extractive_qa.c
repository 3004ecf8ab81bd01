/* Questions and answers from prose. */
#include "llm/provider/extractive_int.h"

#define CANDIDATES_MAX     96
#define PAIRS_MAX          12
#define SCORE_MIN          60
#define EVIDENCE_WORDS_MAX 60
#define ANSWER_WORDS_MIN   12
#define ANSWER_WORDS_MAX   90
#define SAME_KIND_MAX      3

struct found {
    struct gen_extract_pair items[CANDIDATES_MAX];
    size_t n;
    struct gen_str subject; /* of the sentence before: what "It" stands for */
    bool subject_plural;
};

static bool starts_with_any(struct gen_str s, const char *const *list)
{
    for (; *list; list++) {
        struct gen_str w = gen_str_from(*list);
        if (s.p && s.n > w.n && gen_str_eq_nocase(gen_str_sub(s, 0, w.n), w) &&
            (s.p[w.n] == ' ' || s.p[w.n] == ','))
            return true;
    }
    return false;
}

/* Does the sentence carry on the one before it? */
static bool continues(struct gen_str s)
{
    static const char *const list[] = {
        "it",           "this",      "they",      "these", "its",         "their",
        "then",         "otherwise", "therefore", "that",  "for example", "for instance",
        "in this case", "such",      "thus",      "first", "to do so",    NULL};
    return starts_with_any(s, list);
}

/* Sentences that nobody understands without the one before. */
static bool dangles(struct gen_str s)
{
    static const char *const list[] = {
        "it",          "this",         "they",       "these",      "its",        "their",
        "then",        "otherwise",    "that",       "those",      "such",       "both",
        "either",      "neither",      "another",    "other",      "others",     "also",
        "here",        "there",        "in this",    "in that",    "the latter", "the former",
        "the same",    "the other",    "the two",    "the second", "the first",  "instead",
        "for example", "for instance", "in between", "note",       "and",        "but",
        "or",          "so",           "he",         "she",        "we",         "i",
        "the last",    "the price",    "the gain",   "the cure",   "the rest",   "the other way",
        "other ways",  "one",          "with this",  "with it",    "with half",  "without it",
        "after this",  "from this",    "on this",    "at this",    NULL};
    return starts_with_any(s, list);
}

/* "Therefore, X" and "However, X" say X. */
static struct gen_str without_connective(struct gen_str s)
{
    static const char *const list[] = {
        "However, ",     "Therefore, ",   "Thus, ",         "Hence, ",   "Moreover, ",
        "Furthermore, ", "In addition, ", "Additionally, ", "Finally, ", NULL};
    for (size_t i = 0; list[i]; i++) {
        if (gen_str_starts(s, gen_str_from(list[i])))
            return gen_str_sub(s, strlen(list[i]), s.n);
    }
    return s;
}

static bool is_whole(struct gen_str s)
{
    size_t ticks = 0;
    size_t open = 0;
    size_t closed = 0;
    for (size_t i = 0; s.p && i < s.n; i++) {
        ticks += s.p[i] == '`';
        if (ticks % 2 == 0) {
            open += s.p[i] == '(';
            closed += s.p[i] == ')';
        }
    }
    return s.n && ticks % 2 == 0 && open == closed &&
           (gen_str_ends(s, GEN_STR(".")) || gen_str_ends(s, GEN_STR("!")) ||
            gen_str_ends(s, GEN_STR(".\"")) || gen_str_ends(s, GEN_STR(".)")));
}

/* The first sixty words, cut at a comma when there is one. */
static struct gen_str evidence_of(struct gen_str raw)
{
    size_t words = 0;
    size_t comma = 0;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] != ' ')
            continue;
        words++;
        if (words >= 30 && i && raw.p[i - 1] == ',')
            comma = i - 1;
        if (words == EVIDENCE_WORDS_MAX)
            return gen_str_sub(raw, 0, comma ? comma : i);
    }
    return raw;
}

/* "It is enough to ..." has no subject to be named. */
static bool is_expletive(const struct gen_extract_tokens *t)
{
    static const char *const verbs[] = {"follows", "takes", "pays", "seems",   "turns",
                                        "helps",   "means", "must", "depends", NULL};
    for (size_t i = 0; verbs[i]; i++) {
        if (gen_extract_token_is(t, 1, verbs[i]))
            return true;
    }
    for (size_t i = 2; i < 6 && i < t->n; i++) {
        if (gen_extract_token_is(t, i, "to") || gen_extract_token_is(t, i, "that") ||
            gen_extract_token_is(t, i, "how") || gen_extract_token_is(t, i, "because"))
            return true;
    }
    return false;
}

/* "It is created by X" becomes "A compound datatype is created by X". */
static bool restore_subject(struct gen_extract *x, const struct found *f, struct gen_str *text)
{
    struct gen_extract_tokens *t = &x->tokens;
    if (f->subject.n == 0 || !gen_extract_tokenize(*text, t))
        return false;
    bool it = gen_extract_token_is(t, 0, "it");
    if (!it && !gen_extract_token_is(t, 0, "they"))
        return false;
    if (it == f->subject_plural || (it && is_expletive(t)))
        return false;
    gen_extract_line_clear(&x->line);
    gen_extract_put(&x->line, f->subject);
    gen_extract_put(&x->line, gen_str_sub(*text, t->t[0].text.n, text->n));
    struct gen_str s = gen_arena_str(&x->arena, gen_extract_line_str(&x->line));
    if (s.n == 0)
        return false;
    *text = s;
    return true;
}

/* Remembers what the next "It" stands for: the subject of a sentence that defines or describes. */
static void note_subject(struct gen_extract *x, struct found *f, struct gen_str text, bool is_first)
{
    struct gen_extract_clause c;
    f->subject = (struct gen_str){NULL, 0};
    if (!gen_extract_tokenize(text, &x->tokens) ||
        !gen_extract_clause(&x->tokens, 0, x->tokens.n, &c) || c.is_there || c.has_relative ||
        !gen_extract_stands_alone(&x->tokens, c.s0, c.s1) ||
        gen_extract_word_is(x->tokens.t[0].text, GEN_EXTRACT_PREPOSITION) ||
        c.form == GEN_EXTRACT_CLAUSE_MODAL)
        return;
    struct gen_str s = gen_extract_span(&x->tokens, c.s0, c.s1);
    /* In the middle of a paragraph "It" is as often its first subject as the last one. */
    bool names = c.form == GEN_EXTRACT_CLAUSE_BE &&
                 gen_extract_word_is(x->tokens.t[c.v + 1].text, GEN_EXTRACT_DETERMINER);
    bool defines = names && !gen_extract_token_is(&x->tokens, 0, "the");
    if (!(is_first ? c.form == GEN_EXTRACT_CLAUSE_VERB || names : defines) ||
        gen_extract_token_find(&x->tokens, 0, x->tokens.n, ";") != SIZE_MAX ||
        gen_extract_n_words(s) > 5 || gen_str_find(s, GEN_STR("("), 0) != SIZE_MAX)
        return;
    f->subject = s;
    f->subject_plural = c.plural;
}

/* The answer in x->line: the sentence and what belongs to it. Returns the last sentence taken. */
static size_t put_answer(struct gen_extract *x, struct gen_str text, size_t i, bool list)
{
    const struct gen_extract_sentences *s = &x->sentences;
    gen_extract_line_clear(&x->line);
    gen_extract_put_upper(&x->line, text);
    size_t words = gen_extract_n_words(text);
    size_t last = i;
    while (last + 1 < s->n && s->items[last + 1].paragraph == s->items[i].paragraph) {
        struct gen_str next = s->items[last + 1].text;
        size_t more = gen_extract_n_words(next);
        bool wanted = list || continues(next) || words < ANSWER_WORDS_MIN;
        if (!wanted || words + more > ANSWER_WORDS_MAX + (list ? 30 : 0) || !is_whole(next) ||
            (!list && last - i >= 2))
            break;
        gen_extract_put_c(&x->line, " ");
        gen_extract_put(&x->line, next);
        words += more;
        last++;
    }
    return last;
}

static int add_pair(struct gen_extract *x, struct found *f, struct gen_extract_pair *p,
                    struct gen_error *err)
{
    struct gen_str answer = gen_extract_line_str(&x->line);
    struct gen_str question = gen_extract_line_str(&x->line2);
    size_t n_question = gen_extract_n_words(question);
    size_t n_answer = gen_extract_n_words(answer);
    if (f->n == CANDIDATES_MAX || n_question < 6 || n_question > 38 || n_answer < 4 ||
        n_answer > 150 || gen_extract_n_words(p->evidence) < 5)
        return GEN_OK;
    if (n_answer < 8)
        p->score -= 8;
    if (n_answer < ANSWER_WORDS_MIN) {
        p->kind = "fact";
        p->score -= 8;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (gen_str_eq_nocase(f->items[i].question, question))
            return GEN_OK;
    }
    p->question = gen_arena_str(&x->arena, question);
    p->answer = gen_arena_str(&x->arena, answer);
    if (!p->question.p || !p->answer.p)
        return gen_nomem(err, "a pair");
    f->items[f->n++] = *p;
    return GEN_OK;
}

/* Words in the middle of a sentence that point at another one. */
static bool leans_back(struct gen_str text)
{
    static const char *const words[] = {" the same ",  " these ",     " this ",   " those ",
                                        " the latter", " the former", " such a ", " no such ",
                                        " the two ",   " the other ", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (gen_str_find(text, gen_str_from(words[i]), 0) != SIZE_MAX)
            return true;
    }
    return false;
}

bool gen_extract_sentence_stands(struct gen_str s)
{
    return is_whole(s) && !dangles(s) && !leans_back(s);
}

static int try_sentence(struct gen_extract *x, struct found *f, size_t i, struct gen_str text,
                        struct gen_error *err)
{
    struct gen_extract_question q;
    if (!gen_extract_tokenize(text, &x->tokens) || !gen_extract_ask(x, &q))
        return GEN_OK;
    gen_extract_finish_question(x, &q, x->in->seed + i + x->in->text.n);
    size_t words = gen_extract_n_words(text);
    int score = q.score - (leans_back(text) ? 14 : 0) - (words > 55 ? 8 : 0) +
                (words > 14 && words < 45 ? 2 : 0);
    struct gen_extract_pair p = {.kind = q.kind, .score = score, .first = i};
    p.evidence = evidence_of(x->sentences.items[i].raw);
    p.last = put_answer(x, text, i, q.needs_following);
    if (q.needs_following && p.last == i)
        return GEN_OK;
    return add_pair(x, f, &p, err);
}

/* "`A` does this; `B` does that": each part is a sentence. */
static int try_parts(struct gen_extract *x, struct found *f, size_t i, struct gen_str text,
                     struct gen_error *err)
{
    size_t from = 0;
    int rc = GEN_OK;
    while (from < text.n && rc == GEN_OK) {
        size_t end = gen_str_find(text, GEN_STR("; "), from);
        if (end == SIZE_MAX)
            end = text.n;
        struct gen_str part = gen_str_sub(text, from, end - from);
        bool last = end == text.n;
        from = last ? end : end + 2;
        struct gen_extract_question q;
        struct gen_extract_clause c;
        if (!gen_extract_tokenize(part, &x->tokens) || x->tokens.n < 5 ||
            !gen_extract_clause(&x->tokens, 0, x->tokens.n, &c) || c.s1 - c.s0 != 1 ||
            !gen_extract_is_identifier(&x->tokens.t[0]) || !gen_extract_ask(x, &q))
            continue;
        gen_extract_finish_question(x, &q, x->in->seed + i);
        gen_extract_line_clear(&x->line);
        gen_extract_put(&x->line, part);
        if (!last)
            gen_extract_put_c(&x->line, ".");
        struct gen_extract_pair p = {.kind = "fact", .score = q.score - 4, .first = i, .last = i};
        struct gen_str raw = x->sentences.items[i].raw;
        size_t at = gen_str_find(raw, part, 0);
        p.evidence = at == SIZE_MAX ? evidence_of(raw) : gen_str_sub(raw, at, part.n);
        rc = add_pair(x, f, &p, err);
    }
    return rc;
}

static int scan_sentence(struct gen_extract *x, struct found *f, size_t i, struct gen_error *err)
{
    const struct gen_extract_sentence *s = &x->sentences.items[i];
    bool is_first = i == 0 || x->sentences.items[i - 1].paragraph != s->paragraph;
    if (is_first)
        f->subject = (struct gen_str){NULL, 0};
    struct gen_str text = without_connective(s->text);
    if (!is_whole(text) || (s->is_item && gen_extract_n_words(text) < 8)) {
        f->subject = (struct gen_str){NULL, 0};
        return GEN_OK;
    }
    if (restore_subject(x, f, &text))
        return try_sentence(x, f, i, text, err);
    note_subject(x, f, text, is_first);
    /* "There are three classes" is no reference to a place. */
    bool there_are =
        gen_str_starts(text, GEN_STR("There are ")) || gen_str_starts(text, GEN_STR("One "));
    if (dangles(text) && !there_are)
        return GEN_OK;
    struct gen_str rest = text;
    if (gen_str_find(text, GEN_STR("; `"), 0) != SIZE_MAX)
        return try_parts(x, f, i, rest, err);
    return try_sentence(x, f, i, text, err);
}

/* A line that asks, and the lines below it that answer. */
static int scan_asked(struct gen_extract *x, struct found *f, size_t i, struct gen_error *err)
{
    const struct gen_extract_sentences *s = &x->sentences;
    struct gen_str question = s->items[i].text;
    if (i + 1 >= s->n || !gen_extract_tokenize(question, &x->tokens) ||
        !gen_extract_stands_alone(&x->tokens, 0, x->tokens.n))
        return GEN_OK;
    size_t next = i + 1;
    if (gen_str_ends(s->items[next].text, GEN_STR("?")) || !is_whole(s->items[next].text))
        return GEN_OK;
    struct gen_extract_question q = {"troubleshooting", 94, false, false, false, false};
    gen_extract_line_clear(&x->line);
    gen_extract_put(&x->line, gen_str_sub(question, 0, question.n - 1));
    gen_extract_finish_question(x, &q, 0);
    struct gen_extract_pair p = {.kind = q.kind, .score = q.score, .first = next};
    p.evidence = evidence_of(s->items[next].raw);
    p.last = put_answer(x, s->items[next].text, next, true);
    return add_pair(x, f, &p, err);
}

static int scan_heading(struct gen_extract *x, struct found *f, size_t first,
                        struct gen_str heading, struct gen_error *err)
{
    const struct gen_extract_sentences *s = &x->sentences;
    struct gen_extract_question q;
    if (!gen_extract_ask_heading(x, heading, &q) || dangles(s->items[first].text) ||
        !is_whole(s->items[first].text))
        return GEN_OK;
    gen_extract_finish_question(x, &q, x->in->seed);
    struct gen_extract_pair p = {.kind = q.kind, .score = q.score, .first = first};
    p.evidence = evidence_of(s->items[first].raw);
    p.last = put_answer(x, s->items[first].text, first, false);
    /* A heading promises more than one sentence. */
    if (p.last == first && first + 1 < s->n && is_whole(s->items[first + 1].text) &&
        s->items[first + 1].paragraph == s->items[first].paragraph) {
        gen_extract_put_c(&x->line, " ");
        gen_extract_put(&x->line, s->items[first + 1].text);
        p.last = first + 1;
    }
    if (gen_extract_n_words(gen_extract_line_str(&x->line)) < 20)
        return GEN_OK;
    return add_pair(x, f, &p, err);
}

/* When no sentence answers a question of its own: what the heading promises. */
static int scan_topic(struct gen_extract *x, struct found *f, struct gen_error *err)
{
    const struct gen_extract_sentences *s = &x->sentences;
    if (s->n < 2 || x->topic.n == 0 || dangles(s->items[0].text) || !is_whole(s->items[0].text) ||
        s->items[0].is_item || s->items[1].paragraph != s->items[0].paragraph)
        return GEN_OK;
    struct gen_extract_question q = {"fact", SCORE_MIN + 2, false, true, false, false};
    gen_extract_line_clear(&x->line);
    gen_extract_put_c(&x->line, "What is important to know about ");
    gen_extract_put(&x->line, x->topic);
    gen_extract_finish_question(x, &q, 0);
    struct gen_extract_pair p = {.kind = q.kind, .score = q.score + 16, .first = 0};
    p.evidence = evidence_of(s->items[0].raw);
    p.last = put_answer(x, s->items[0].text, 0, false);
    if (p.last == 0 && is_whole(s->items[1].text)) {
        gen_extract_put_c(&x->line, " ");
        gen_extract_put(&x->line, s->items[1].text);
        p.last = 1;
    }
    return add_pair(x, f, &p, err);
}

static int scan(struct gen_extract *x, struct found *f, struct gen_error *err)
{
    const struct gen_extract_sentences *s = &x->sentences;
    int rc = GEN_OK;
    struct gen_str heading = x->in->title;
    for (size_t i = 0; i < s->n && rc == GEN_OK; i++) {
        bool own = s->items[i].heading.n && !gen_str_eq(s->items[i].heading, heading);
        if (own)
            heading = s->items[i].heading;
        if ((i == 0 || own) && heading.n)
            rc = scan_heading(x, f, i, heading, err);
        if (rc == GEN_OK && gen_str_ends(s->items[i].text, GEN_STR("?")))
            rc = scan_asked(x, f, i, err);
        else if (rc == GEN_OK)
            rc = scan_sentence(x, f, i, err);
    }
    return rc;
}

/* Best first, each from another sentence, kinds mixed; then in the order of the text. */
static size_t choose(struct found *f, size_t wanted, size_t chosen[PAIRS_MAX])
{
    size_t n = 0;
    while (n < wanted && n < PAIRS_MAX) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < f->n; i++) {
            struct gen_extract_pair *p = &f->items[i];
            size_t same = 0;
            bool taken = false;
            for (size_t k = 0; k < n; k++) {
                const struct gen_extract_pair *c = &f->items[chosen[k]];
                same += strcmp(c->kind, p->kind) == 0;
                taken = taken || chosen[k] == i || gen_str_eq(c->answer, p->answer) ||
                        (gen_str_eq(c->evidence, p->evidence)) ||
                        (p->first > c->first && p->first <= c->last) ||
                        (c->first > p->first && c->first <= p->last);
            }
            if (!taken && same < SAME_KIND_MAX && p->score >= SCORE_MIN &&
                (best == SIZE_MAX || p->score > f->items[best].score))
                best = i;
        }
        if (best == SIZE_MAX)
            break;
        chosen[n++] = best;
    }
    gen_extract_sort(chosen, n);
    return n;
}

static const char *why_unusable(const struct gen_extract *x)
{
    struct gen_str text = x->in->text;
    size_t letters = 0;
    size_t solid = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80U);
        letters += letter;
        solid += c > ' ' || letter;
    }
    size_t links = 0;
    for (size_t at = gen_str_find(text, GEN_STR("]("), 0); at != SIZE_MAX;
         at = gen_str_find(text, GEN_STR("]("), at + 1))
        links++;
    if (solid > 40 && letters * 2 < solid)
        return "garbled";
    if (links > 3 && gen_extract_n_words(text) < links * 8)
        return "index_or_links";
    if (gen_str_find_nocase(text, GEN_STR("all rights reserved"), 0) != SIZE_MAX)
        return "boilerplate";
    return gen_extract_n_words(text) < 40 ? "too_thin" : "needs_other_text";
}

int gen_extract_qa(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                   struct gen_error *err)
{
    struct found *f = gen_arena_alloc(&x->arena, sizeof(*f));
    if (!f)
        return gen_nomem(err, "questions");
    int rc = gen_extract_split(&x->arena, x->in->text, &x->sentences, err);
    if (rc == GEN_OK)
        rc = gen_extract_find_context(x, err);
    if (rc == GEN_OK)
        rc = scan(x, f, err);
    if (rc)
        return rc;
    size_t chosen[PAIRS_MAX];
    size_t n = choose(f, x->in->n_pairs, chosen);
    if (n == 0) {
        rc = scan_topic(x, f, err);
        if (rc)
            return rc;
        n = choose(f, x->in->n_pairs, chosen);
    }
    gen_jb_put_cstr(b, root, "usable", n ? "yes" : why_unusable(x));
    struct gen_jmut *pairs = gen_jb_array(b);
    for (size_t i = 0; i < n; i++) {
        const struct gen_extract_pair *p = &f->items[chosen[i]];
        struct gen_jmut *o = gen_jb_object(b);
        gen_jb_put_cstr(b, o, "kind", p->kind);
        gen_jb_put_str(b, o, "evidence", p->evidence);
        gen_jb_put_str(b, o, "question", p->question);
        gen_jb_put_str(b, o, "answer", p->answer);
        gen_jb_append(b, pairs, o);
    }
    gen_jb_put(b, root, "pairs", pairs);
    return GEN_OK;
}
