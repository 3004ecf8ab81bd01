/* Rewriting and judging: what the source carries, by its words and literals. */
#include "llm/provider/extractive_int.h"

#define WORDS_MAX        400
#define SUPPORT_MIN      0.6
#define ANSWER_WORDS_MAX 160

struct word_set {
    struct gen_str items[WORDS_MAX];
    size_t n;
};

static bool is_content_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           ((unsigned char)c & 0x80U);
}

static bool is_stop_word(struct gen_str w)
{
    static const char *const list[] = {
        "the",  "a",    "an",    "and", "or",   "of",   "to",  "in",     "is",  "are", "it",
        "its",  "that", "which", "for", "with", "on",   "by",  "as",     "at",  "be",  "this",
        "from", "was",  "were",  "not", "can",  "does", "do",  "what",   "how", "why", "when",
        "if",   "so",   "one",   "has", "have", "into", "you", "should", NULL};
    if (w.n < 2)
        return true;
    for (size_t i = 0; list[i]; i++) {
        if (gen_str_eq_nocase(w, gen_str_from(list[i])))
            return true;
    }
    return false;
}

static bool next_word(struct gen_str text, size_t *at, struct gen_str *word)
{
    size_t i = *at;
    while (i < text.n && !is_content_byte(text.p[i]))
        i++;
    size_t from = i;
    while (i < text.n && is_content_byte(text.p[i]))
        i++;
    *at = i;
    *word = gen_str_sub(text, from, i - from);
    return word->n > 0;
}

/* "stores" and "stored" count as "store". */
static bool same_stem(struct gen_str a, struct gen_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    if (a.n == b.n)
        return gen_str_eq_nocase(a, b);
    size_t longer = a.n > b.n ? a.n : b.n;
    return n >= 4 && longer - n <= 3 &&
           gen_str_eq_nocase(gen_str_sub(a, 0, n - 1), gen_str_sub(b, 0, n - 1));
}

static void add_words(struct word_set *set, struct gen_str text)
{
    size_t at = 0;
    struct gen_str w;
    while (set->n < WORDS_MAX && next_word(text, &at, &w)) {
        if (!is_stop_word(w))
            set->items[set->n++] = w;
    }
}

static bool set_has(const struct word_set *set, struct gen_str w)
{
    for (size_t i = 0; i < set->n; i++) {
        if (same_stem(set->items[i], w))
            return true;
    }
    return false;
}

/* Share of the content words of `text` that occur in `set`; 1 for none. */
static double overlap(struct gen_str text, const struct word_set *set)
{
    size_t at = 0;
    size_t n = 0;
    size_t hits = 0;
    struct gen_str w;
    while (next_word(text, &at, &w)) {
        if (is_stop_word(w))
            continue;
        n++;
        hits += set_has(set, w);
    }
    return n ? (double)hits / (double)n : 1.0;
}

double gen_extract_overlap(struct gen_str text, struct gen_str in)
{
    struct word_set set = {.n = 0};
    add_words(&set, in);
    return overlap(text, &set);
}

/* `literal` in `source`, not as a part of a longer word or number. */
static bool occurs(struct gen_str source, struct gen_str literal)
{
    for (size_t at = gen_str_find_nocase(source, literal, 0); at != SIZE_MAX;
         at = gen_str_find_nocase(source, literal, at + 1)) {
        bool left = at == 0 || !is_content_byte(source.p[at - 1]);
        size_t end = at + literal.n;
        bool right = end >= source.n || !is_content_byte(source.p[end]) ||
                     !is_content_byte(literal.p[literal.n - 1]);
        if (left && right)
            return true;
    }
    return false;
}

/* The name in a back-ticked span: "`H5Pset_chunk(dcpl)`" is grounded by "H5Pset_chunk". */
static struct gen_str core_of(struct gen_str literal)
{
    while (literal.n && literal.p[0] == '`')
        literal = gen_str_sub(literal, 1, literal.n);
    size_t end = 0;
    while (end < literal.n && literal.p[end] != '`')
        end++;
    literal = gen_str_sub(literal, 0, end);
    size_t open = gen_str_find(literal, GEN_STR("("), 0);
    return open != SIZE_MAX && open > 0 ? gen_str_sub(literal, 0, open) : literal;
}

static bool is_literal(const struct gen_extract_token *t)
{
    char c = t->text.n ? t->text.p[0] : '\0';
    return (c >= '0' && c <= '9') || gen_extract_is_identifier(t);
}

bool gen_extract_has_foreign_literal(struct gen_str text, struct gen_str source,
                                     struct gen_str source2, struct gen_str *literal)
{
    struct gen_extract_tokens t;
    if (!gen_extract_tokenize(text, &t))
        return false;
    for (size_t i = 0; i < t.n; i++) {
        if (!is_literal(&t.t[i]))
            continue;
        struct gen_str core = core_of(t.t[i].text);
        if (core.n == 0 || occurs(source, core) || occurs(source2, core))
            continue;
        *literal = t.t[i].text;
        return true;
    }
    return false;
}

/* Code and numbers that a line break of the source cuts are whole in `flat`. */
static int read_source(struct gen_extract *x, struct gen_error *err)
{
    struct gen_str text = x->in->text;
    char *flat = gen_arena_alloc(&x->arena, text.n + 1);
    size_t n = 0;
    if (!flat)
        return gen_nomem(err, "the source");
    for (size_t i = 0; i < text.n; i++) {
        bool blank = strchr(" \t\r\n", text.p[i]) != NULL;
        if (!blank)
            flat[n++] = text.p[i];
        else if (n && flat[n - 1] != ' ')
            flat[n++] = ' ';
    }
    x->flat = (struct gen_str){flat, n};
    return gen_extract_split(&x->arena, text, &x->sentences, err);
}

/* ---- enrich ---- */

/* The source with its white space made single blanks, one sentence an item. */
static size_t find_sentence(const struct gen_extract_sentences *s, struct gen_str text)
{
    for (size_t i = 0; i < s->n; i++) {
        if (gen_str_eq(s->items[i].text, text) || gen_str_eq(s->items[i].raw, text))
            return i;
    }
    return SIZE_MAX;
}

/* The sentence of the source that `text` is the cut beginning of. */
static size_t find_cut(const struct gen_extract_sentences *s, struct gen_str text)
{
    while (text.n && (text.p[text.n - 1] == '.' || text.p[text.n - 1] == ' '))
        text.n--;
    if (text.n < 12)
        return SIZE_MAX;
    for (size_t i = 0; i < s->n; i++) {
        if (s->items[i].text.n > text.n + 2 && gen_str_starts(s->items[i].text, text))
            return i;
    }
    return SIZE_MAX;
}

static bool is_condition(struct gen_str s)
{
    static const char *const words[] = {" if ",      " unless ",  "only when", " must ",
                                        " only if ", "only for ", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (gen_str_find_nocase(s, gen_str_from(words[i]), 0) != SIZE_MAX)
            return true;
    }
    return gen_str_starts(s, GEN_STR("If ")) || gen_str_starts(s, GEN_STR("Unless "));
}

struct rewrite {
    struct gen_jmut *unsupported, *missing, *changes;
    size_t n_unsupported, n_missing;
    size_t last; /* sentence of the source that the answer ends with, or SIZE_MAX */
};

static void put_piece(struct gen_extract_line *l, struct gen_str s)
{
    if (l->n)
        gen_extract_put_c(l, " ");
    gen_extract_put(l, s);
}

static void rewrite_sentence(struct gen_extract *x, struct gen_jb *b, struct gen_str s,
                             struct gen_str question, struct rewrite *w)
{
    struct gen_str literal;
    struct gen_str source = x->flat;
    w->last = find_sentence(&x->sentences, s);
    if (w->last == SIZE_MAX && source.n &&
        gen_extract_has_foreign_literal(s, source, question, &literal)) {
        if (w->n_unsupported++ < 5)
            gen_jb_append(b, w->unsupported, gen_jb_str(b, s));
        return;
    }
    size_t cut = w->last == SIZE_MAX ? find_cut(&x->sentences, s) : SIZE_MAX;
    if (cut != SIZE_MAX) {
        struct gen_str whole = x->sentences.items[cut].text;
        if (w->n_missing++ < 5)
            gen_jb_append(b, w->missing, gen_jb_str(b, gen_str_sub(whole, s.n, whole.n)));
        gen_jb_append(b, w->changes, gen_jb_str(b, GEN_STR("added_fact_from_source")));
        w->last = cut;
        s = whole;
    }
    put_piece(&x->line, s);
}

/* The sentence of the source behind the answer, when it limits what the answer says. */
static void add_condition(struct gen_extract *x, struct gen_jb *b, struct rewrite *w)
{
    const struct gen_extract_sentences *s = &x->sentences;
    if (w->last == SIZE_MAX || w->last + 1 >= s->n)
        return;
    const struct gen_extract_sentence *next = &s->items[w->last + 1];
    size_t words = gen_extract_n_words(gen_extract_line_str(&x->line));
    if (next->paragraph != s->items[w->last].paragraph || !is_condition(next->text) ||
        !gen_str_ends(next->text, GEN_STR(".")) || gen_str_ends(next->text, GEN_STR("..")) ||
        words + gen_extract_n_words(next->text) > 2 * words + 12 ||
        words + gen_extract_n_words(next->text) > ANSWER_WORDS_MAX)
        return;
    put_piece(&x->line, next->text);
    if (w->n_missing++ < 5)
        gen_jb_append(b, w->missing, gen_jb_str(b, next->text));
    gen_jb_append(b, w->changes, gen_jb_str(b, GEN_STR("added_condition")));
}

static int enrich_pair(struct gen_extract *x, struct gen_jb *b, const struct gen_task_pair *p,
                       struct gen_jmut *items, struct gen_error *err)
{
    struct gen_extract_sentences draft;
    int rc = gen_extract_split(&x->arena, p->answer, &draft, err);
    if (rc)
        return rc;
    struct rewrite w = {gen_jb_array(b), gen_jb_array(b), gen_jb_array(b), 0, 0, SIZE_MAX};
    gen_extract_line_clear(&x->line);
    for (size_t i = 0; i < draft.n; i++)
        rewrite_sentence(x, b, draft.items[i].raw, p->question, &w);
    if (w.n_unsupported && x->line.n)
        gen_jb_append(b, w.changes, gen_jb_str(b, GEN_STR("removed_unsupported")));
    add_condition(x, b, &w);
    bool changed = w.n_missing || w.n_unsupported;
    struct gen_str text = gen_extract_line_str(&x->line);
    /* Nothing left, or no room: the draft stays as it is. */
    if (text.n == 0 || !changed) {
        text = p->answer;
        w.changes = gen_jb_array(b);
        gen_jb_append(b, w.changes, gen_jb_str(b, GEN_STR("none")));
    }
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_str(b, o, "id", p->id);
    gen_jb_put(b, o, "unsupported", w.unsupported);
    gen_jb_put(b, o, "missing", w.missing);
    gen_jb_put_str(b, o, "enriched_answer", text);
    gen_jb_put(b, o, "changes", w.changes);
    gen_jb_append(b, items, o);
    return GEN_OK;
}

int gen_extract_enrich(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                       struct gen_error *err)
{
    int rc = read_source(x, err);
    struct gen_jmut *items = gen_jb_array(b);
    for (size_t i = 0; i < x->in->n_pairs && rc == GEN_OK; i++)
        rc = enrich_pair(x, b, &x->in->pairs[i], items, err);
    gen_jb_put(b, root, "items", items);
    return rc;
}

/* ---- rate ---- */

struct verdict {
    struct gen_str evidence;
    const char *weakest;
    bool c1, c2, c3, a1, a2, a3, u1, u2, d1, d2, topic;
};

static bool any_phrase(struct gen_str s, const char *const *list)
{
    for (; *list; list++) {
        if (gen_str_find_nocase(s, gen_str_from(*list), 0) != SIZE_MAX)
            return true;
    }
    return false;
}

static bool refers_to_a_document(struct gen_str s)
{
    static const char *const list[] = {"the passage",
                                       "this passage",
                                       "the text",
                                       "this text",
                                       "this section",
                                       "the section above",
                                       "this chapter",
                                       "this document",
                                       "the document says",
                                       "the snippet",
                                       "this code",
                                       "this snippet",
                                       "the excerpt",
                                       "described above",
                                       "mentioned above",
                                       "shown above",
                                       "the above",
                                       "according to the",
                                       "the author",
                                       "figure ",
                                       "table above",
                                       "as described",
                                       NULL};
    return any_phrase(s, list);
}

bool gen_extract_points_at_document(struct gen_str s)
{
    return refers_to_a_document(s);
}

static size_t n_marks(struct gen_str s, char mark)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == mark;
    return n;
}

static bool starts_open(struct gen_str s)
{
    static const char *const list[] = {"it ",           "this ",      "they ",       "these ",
                                       "what does it",  "what is it", "why does it", "how does it",
                                       "what are they", "why is it",  "how is it",   NULL};
    for (size_t i = 0; list[i]; i++) {
        struct gen_str w = gen_str_from(list[i]);
        if (s.n >= w.n && gen_str_eq_nocase(gen_str_sub(s, 0, w.n), w))
            return true;
    }
    return false;
}

/* The sentence of the source that shares most with the answer and, second, with the question. */
static struct gen_str best_evidence(const struct gen_extract *x, struct gen_str answer,
                                    struct gen_str question, double *share)
{
    struct word_set a = {.n = 0};
    struct word_set q = {.n = 0};
    add_words(&a, answer);
    add_words(&q, question);
    struct gen_str best = {"", 0};
    double score = 0.0;
    for (size_t i = 0; i < x->sentences.n; i++) {
        const struct gen_extract_sentence *s = &x->sentences.items[i];
        struct word_set here = {.n = 0};
        add_words(&here, s->raw);
        if (here.n < 3)
            continue;
        double mine =
            overlap(answer, &here) + 0.3 * overlap(s->raw, &a) + 0.2 * overlap(s->raw, &q);
        if (mine > score) {
            score = mine;
            best = s->raw;
        }
    }
    *share = score;
    return best;
}

static struct gen_str first_words(struct gen_str s, size_t n)
{
    size_t words = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ' && i > 0 && s.p[i - 1] != ' ' && ++words == n)
            return gen_str_sub(s, 0, i);
    }
    return s;
}

static bool has_reason(struct gen_str s)
{
    static const char *const list[] = {"because",    " so that", ", so ",    " since ", "therefore",
                                       " if ",       "If ",      " unless ", " when ",  "whereas",
                                       "instead of", " must ",   " but ",    "until",   NULL};
    return any_phrase(s, list);
}

static bool is_on_topic(const struct gen_extract *x, const struct gen_task_pair *p)
{
    if (x->in->topic.n == 0)
        return true;
    struct word_set pair = {.n = 0};
    add_words(&pair, p->question);
    add_words(&pair, p->answer);
    add_words(&pair, x->in->title);
    add_words(&pair, x->in->section);
    add_words(&pair, x->domain);
    if (pair.n < WORDS_MAX)
        add_words(&pair, x->in->text);
    return overlap(x->in->topic, &pair) >= 0.34;
}

static const char *weakest_point(const struct verdict *v, bool has_source, size_t n_answer)
{
    if (!v->a1)
        return "a literal of the answer does not occur in the source";
    if (has_source && !v->a2)
        return "the source carries only a part of what the answer says";
    if (!v->c1)
        return "the question cannot be understood without the document that it points at";
    if (!v->c2)
        return "the question asks more than one thing";
    if (!v->a3)
        return "the answer leaves out what the question asks for";
    if (!has_source)
        return "there is no source to check the answer against";
    if (!v->c3)
        return "the answer is not one readable statement that opens with the answer";
    if (!v->u1)
        return "the question names nothing in particular that a practitioner would ask about";
    if (!v->u2)
        return "the answer gives too little to be worth learning";
    if (!v->d1)
        return "the answer is one phrase that can be looked up";
    if (!v->d2)
        return "the answer states a fact without a reason, a condition or a consequence";
    return n_answer > 60 ? "the answer is longer than the question needs"
                         : "the answer stays with the words of the source";
}

static struct verdict judge(const struct gen_extract *x, const struct gen_task_pair *p,
                            const struct word_set *source)
{
    struct verdict v = {.evidence = {"", 0}};
    bool has_source = x->in->text.n > 0;
    size_t n_q = gen_extract_n_words(p->question);
    size_t n_a = gen_extract_n_words(p->answer);
    struct gen_str literal;
    double share = 0.0;
    bool foreign =
        has_source && gen_extract_has_foreign_literal(p->answer, x->flat, p->question, &literal);
    double grounded = has_source ? overlap(p->answer, source) : 0.0;
    if (has_source)
        v.evidence = best_evidence(x, p->answer, p->question, &share);
    if (grounded < 0.3 || share < 0.3)
        v.evidence = (struct gen_str){"", 0};
    struct word_set q = {.n = 0};
    add_words(&q, p->question);
    double about = 0.0;
    struct word_set a = {.n = 0};
    add_words(&a, p->answer);
    about = overlap(p->question, &a);
    v.c1 = !refers_to_a_document(p->question) && !starts_open(p->question) && q.n >= 2;
    v.c2 = n_marks(p->question, '?') == 1 && n_q >= 4 && n_q <= 40;
    v.c3 = n_a >= 3 && n_a <= 160 && !refers_to_a_document(p->answer) &&
           !starts_open(gen_str_trim(p->answer)) && p->answer.n &&
           strchr(".!`)\"?", p->answer.p[p->answer.n - 1]) != NULL;
    v.a1 = has_source ? !foreign && grounded >= 0.35 : n_a >= 3;
    v.a2 = has_source && !foreign && grounded >= SUPPORT_MIN && v.evidence.n > 0;
    v.a3 = n_a >= 3 && (about >= 0.25 || n_a >= 12);
    v.u1 = v.c1 && n_q >= 5 && q.n >= 2;
    v.u2 = n_a >= 8;
    v.d1 = n_a >= 14;
    v.d2 = n_a >= 18 && has_reason(p->answer);
    v.topic = is_on_topic(x, p);
    v.weakest = weakest_point(&v, has_source, n_a);
    return v;
}

static void put_verdict(struct gen_jb *b, struct gen_jmut *verdicts, const struct gen_task_pair *p,
                        const struct verdict *v)
{
    struct gen_jmut *o = gen_jb_object(b);
    gen_jb_put_str(b, o, "id", p->id);
    gen_jb_put_str(b, o, "echo", first_words(p->question, 5));
    gen_jb_put_str(b, o, "evidence", v->evidence);
    gen_jb_put_cstr(b, o, "weakest_point", v->weakest);
    gen_jb_put_bool(b, o, "c1_stands_alone", v->c1);
    gen_jb_put_bool(b, o, "c2_single_clear_question", v->c2);
    gen_jb_put_bool(b, o, "c3_answer_direct_readable", v->c3);
    gen_jb_put_bool(b, o, "a1_no_contradiction", v->a1);
    gen_jb_put_bool(b, o, "a2_every_claim_supported", v->a2);
    gen_jb_put_bool(b, o, "a3_complete_for_question", v->a3);
    gen_jb_put_bool(b, o, "u1_someone_would_ask", v->u1);
    gen_jb_put_bool(b, o, "u2_worth_learning", v->u2);
    gen_jb_put_bool(b, o, "d1_more_than_one_phrase", v->d1);
    gen_jb_put_bool(b, o, "d2_combines_or_explains", v->d2);
    gen_jb_put_bool(b, o, "topic_relevant", v->topic);
    gen_jb_append(b, verdicts, o);
}

int gen_extract_rate(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                     struct gen_error *err)
{
    int rc = read_source(x, err);
    if (rc == GEN_OK)
        rc = gen_extract_find_context(x, err);
    struct word_set *source = gen_arena_alloc(&x->arena, sizeof(*source));
    if (rc)
        return rc;
    if (!source)
        return gen_nomem(err, "the words of the source");
    add_words(source, x->in->text);
    struct gen_jmut *verdicts = gen_jb_array(b);
    for (size_t i = 0; i < x->in->n_pairs; i++) {
        struct verdict v = judge(x, &x->in->pairs[i], source);
        put_verdict(b, verdicts, &x->in->pairs[i], &v);
    }
    gen_jb_put(b, root, "verdicts", verdicts);
    return GEN_OK;
}
