#include "dataset/chain.h"

#include "dataset/checks.h"
#include "dataset/checks/words.h"

#define WORDS_MAX  2048U
#define SLOTS      4096U
#define SAME_STEP  0.7
#define AGREE_F1   0.6
#define AGREE_PART 0.7

/* ---- numbering ---- */

static struct gen_str after(struct gen_str s, size_t n)
{
    return gen_str_trim(gen_str_sub(s, n, s.n));
}

static size_t n_digits(struct gen_str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
        n++;
    return n;
}

/* "Step 2:", "(2)", "2.", "2)": the bytes of it; 0: none. "2.5 GB" and "2 files" are no numbering.
 */
static size_t number_bytes(struct gen_str s)
{
    bool has_word = s.n > 5 && gen_str_eq_nocase(gen_str_sub(s, 0, 4), GEN_STR("step"));
    size_t at = has_word ? 4 : 0;
    while (has_word && at < s.n && s.p[at] == ' ')
        at++;
    bool is_open = at < s.n && s.p[at] == '(';
    at += is_open;
    size_t n = n_digits(s, at);
    at += n;
    if (n == 0 || n > 2 || at >= s.n)
        return 0;
    while (has_word && at < s.n && s.p[at] == '*')
        at++;
    char c = at < s.n ? s.p[at] : '\0';
    bool is_mark =
        c == ')' || (!is_open && (c == '.' || c == ':')) || (has_word && (c == '-' || c == ' '));
    bool is_end = at + 1 >= s.n || s.p[at + 1] == ' ' || s.p[at + 1] == '*' || has_word;
    return is_mark && is_end ? at + 1 : 0;
}

static struct gen_str without_number(struct gen_str s)
{
    s = gen_str_trim(s);
    for (int i = 0; i < 3; i++) {
        size_t stars = gen_str_starts(s, GEN_STR("**")) ? 2 : 0;
        size_t n = number_bytes(gen_str_sub(s, stars, s.n));
        if (n) {
            s = after(s, stars + n);
            if (stars && gen_str_starts(s, GEN_STR("**")))
                s = after(s, 2);
        } else if (gen_str_starts(s, GEN_STR("- ")) || gen_str_starts(s, GEN_STR("* "))) {
            s = after(s, 2);
        } else {
            break;
        }
    }
    return s;
}

void gen_chain_read(const struct gen_json *array, struct gen_chain *out)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value;
    memset(out, 0, sizeof(*out));
    gen_json_iter_init(&it, array);
    while (gen_json_iter_next(&it, &key, &value)) {
        struct gen_str text;
        if (!gen_json_as_str(value, &text))
            continue;
        text = without_number(text);
        if (text.n == 0)
            continue;
        if (out->n == GEN_CHAIN_STEPS_MAX) {
            out->is_cut = true;
            return;
        }
        out->steps[out->n++] = text;
    }
}

static int add_line(struct gen_buf *out, struct gen_str s, struct gen_error *err)
{
    int rc = gen_buf_reserve(out, s.n, err);
    bool blank = false;
    for (size_t i = 0; i < s.n && rc == GEN_OK; i++) {
        bool is_break = s.p[i] == '\n' || s.p[i] == '\r';
        if (!is_break || !blank)
            rc = gen_buf_add_char(out, is_break ? ' ' : s.p[i], err);
        blank = is_break;
    }
    return rc;
}

int gen_chain_write(const struct gen_chain *c, struct gen_buf *out, struct gen_error *err)
{
    int rc = GEN_OK;
    for (size_t i = 0; i < c->n && rc == GEN_OK; i++) {
        rc = gen_buf_printf(out, err, "%sStep %zu: ", i ? "\n" : "", i + 1);
        if (rc == GEN_OK)
            rc = add_line(out, c->steps[i], err);
    }
    return rc;
}

/* ---- words of meaning ---- */

static const char stop_words[] =
    "the a an and or of to in is are it its that which for with on by as at be this these those "
    "from was were not can does do did what how why when where who if so one has have had into you "
    "should will would may must there their they he she we i than then also each any all no yes "
    "der die das und oder ist sind ein eine le la les un une et est sont el los las y es";

/* A step that draws a conclusion may have no word of its own. */
static const char connectives[] =
    "because so therefore thus hence since consequently follows follow means implies imply whereas "
    "however but unless although only rather equals deshalb daher weil also folglich donc car "
    "parce ainsi porque entonces";

struct word_set {
    size_t n;
    uint64_t slots[SLOTS];
};

static void add_words(struct word_set *set, struct gen_str text)
{
    size_t at = 0;
    struct gen_word w;
    while (set->n < WORDS_MAX && gen_word_next(text, &at, &w)) {
        uint64_t h = w.hash | 1U;
        size_t i = (size_t)(h % SLOTS);
        while (set->slots[i] && set->slots[i] != h)
            i = (i + 1) % SLOTS;
        set->n += set->slots[i] == 0;
        set->slots[i] = h;
    }
}

static bool has_word(const struct word_set *set, uint64_t hash)
{
    uint64_t h = hash | 1U;
    size_t i = (size_t)(h % SLOTS);
    while (set->slots[i] && set->slots[i] != h)
        i = (i + 1) % SLOTS;
    return set->slots[i] == h;
}

/* The words of `text` that are in none of the sets, and how many of them are in `in`. */
static void count_words(struct gen_str text, const struct word_set *without,
                        const struct word_set *in, size_t *n, size_t *n_in)
{
    size_t at = 0;
    struct gen_word w;
    *n = *n_in = 0;
    while (gen_word_next(text, &at, &w)) {
        if (has_word(without, w.hash))
            continue;
        (*n)++;
        *n_in += in && has_word(in, w.hash);
    }
}

static bool has_connective(const struct word_set *set, struct gen_str text)
{
    size_t at = 0;
    struct gen_word w;
    while (gen_word_next(text, &at, &w)) {
        if (has_word(set, w.hash))
            return true;
    }
    return false;
}

static const char *decorative(const struct gen_chain *c, struct gen_str question)
{
    struct word_set known = {.n = 0};
    struct word_set links = {.n = 0};
    add_words(&known, gen_str_from(stop_words));
    add_words(&links, gen_str_from(connectives));
    add_words(&known, question);
    for (size_t i = 0; i < c->n; i++) {
        size_t n_new = 0;
        size_t unused = 0;
        count_words(c->steps[i], &known, NULL, &n_new, &unused);
        if (n_new == 0 && !has_connective(&links, c->steps[i]))
            return "decorative_step";
        add_words(&known, c->steps[i]);
    }
    return NULL;
}

static int repeated(const struct gen_chain *c, struct gen_str question, const char **rule,
                    struct gen_error *err)
{
    struct gen_word_set *sets[GEN_CHAIN_STEPS_MAX + 1] = {NULL};
    int rc = gen_word_set_new(&sets[c->n], question, err);
    for (size_t i = 0; i < c->n && rc == GEN_OK; i++)
        rc = gen_word_set_new(&sets[i], c->steps[i], err);
    for (size_t i = 0; i < c->n && rc == GEN_OK && !*rule; i++) {
        for (size_t k = i + 1; k <= c->n && !*rule; k++) {
            if (gen_word_set_is_similar(sets[i], sets[k], SAME_STEP))
                *rule = "repeated_step";
        }
    }
    for (size_t i = 0; i <= c->n; i++)
        gen_word_set_free(sets[i]);
    return rc;
}

static bool mentions_given_answer(struct gen_str s)
{
    static const char *const phrases[] = {
        "given answer",    "stored answer",   "provided answer",         "expected answer",
        "answer given",    "answer provided", "answer on record",        "draft answer",
        "existing answer", "target answer",   "correct answer is given", NULL};
    for (size_t i = 0; phrases[i]; i++) {
        if (gen_str_find_nocase(s, gen_str_from(phrases[i]), 0) != SIZE_MAX)
            return true;
    }
    return false;
}

static int step_rule(struct gen_str step, const char **rule, struct gen_error *err)
{
    bool is_wrong = false;
    int rc = gen_check_arithmetic(step, &is_wrong, NULL, err);
    if (rc)
        return rc;
    if (gen_check_refers_to_context(step))
        *rule = "step_refers_to_context";
    else if (mentions_given_answer(step))
        *rule = "step_mentions_given_answer";
    else if (gen_check_has_leftovers(step))
        *rule = "left_overs";
    else if (is_wrong)
        *rule = "wrong_arithmetic";
    return GEN_OK;
}

int gen_chain_rule(const struct gen_chain *c, struct gen_str question, const char **rule,
                   struct gen_error *err)
{
    *rule = NULL;
    if (c->n < 2)
        *rule = "too_few_steps";
    else if (c->is_cut)
        *rule = "too_many_steps";
    int rc = GEN_OK;
    for (size_t i = 0; i < c->n && rc == GEN_OK && !*rule; i++)
        rc = step_rule(c->steps[i], rule, err);
    if (rc == GEN_OK && !*rule)
        rc = repeated(c, question, rule, err);
    if (rc == GEN_OK && !*rule)
        *rule = decorative(c, question);
    return rc;
}

bool gen_chain_leaks_answer(const struct gen_chain *c, struct gen_str question,
                            struct gen_str answer)
{
    struct word_set known = {.n = 0};
    struct word_set first = {.n = 0};
    size_t n = 0;
    size_t n_in_first = 0;
    if (c->n < 2)
        return false;
    add_words(&known, gen_str_from(stop_words));
    add_words(&known, question);
    add_words(&first, c->steps[0]);
    count_words(answer, &known, &first, &n, &n_in_first);
    return n > 0 && n_in_first == n;
}

int gen_chain_derives(const struct gen_chain *c, struct gen_str question, struct gen_str answer,
                      bool *yes, struct gen_error *err)
{
    struct gen_buf all = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_source_text *source = NULL;
    struct gen_literals literals = {0, 0, 1.0};
    int rc = gen_chain_write(c, &all, err);
    if (rc == GEN_OK)
        rc = gen_source_text_new(&source, gen_buf_str(&all), err);
    if (rc == GEN_OK)
        rc = gen_check_literals(source, question, answer, &literals, NULL, err);
    if (rc == GEN_OK)
        *yes = literals.n_grounded == literals.n_literals;
    gen_source_text_free(source);
    gen_buf_release(&all);
    return rc;
}

/* ---- agreement ---- */

/* 1: it opens with yes; -1: with no; 0: with neither. */
static int polarity(struct gen_str s)
{
    s = gen_str_trim(s);
    if (s.n >= 3 && gen_str_eq_nocase(gen_str_sub(s, 0, 3), GEN_STR("yes")) &&
        (s.n == 3 || !gen_ascii_is_word(s.p[3])))
        return 1;
    if (s.n >= 2 && gen_str_eq_nocase(gen_str_sub(s, 0, 2), GEN_STR("no")) &&
        (s.n == 2 || s.p[2] == ',' || s.p[2] == '.' || s.p[2] == ':' || s.p[2] == ';'))
        return -1;
    return 0;
}

/* A long answer may hold more than the question needs: the conclusion is what must be carried. */
static bool words_agree(struct gen_str question, struct gen_str answer, struct gen_str conclusion)
{
    struct word_set stop = {.n = 0};
    struct word_set in_answer = {.n = 0};
    struct word_set in_conclusion = {.n = 0};
    size_t n_answer = 0;
    size_t n_conclusion = 0;
    size_t n_carried = 0;
    size_t n_covered = 0;
    add_words(&stop, gen_str_from(stop_words));
    add_words(&in_answer, answer);
    add_words(&in_conclusion, conclusion);
    struct word_set known = stop;
    add_words(&known, question);
    count_words(answer, &known, &in_conclusion, &n_answer, &n_covered);
    count_words(conclusion, &known, &in_answer, &n_conclusion, &n_carried);
    if (n_answer == 0 || n_conclusion == 0) {
        /* What is asked for is named in the question: "gzip or szip?" */
        count_words(answer, &stop, &in_conclusion, &n_answer, &n_covered);
        count_words(conclusion, &stop, &in_answer, &n_conclusion, &n_carried);
    }
    if (n_answer == 0 || n_conclusion == 0)
        return n_answer == n_conclusion;
    double recall = (double)n_covered / (double)n_answer;
    double precision = (double)n_carried / (double)n_conclusion;
    double f1 = recall + precision > 0 ? 2 * recall * precision / (recall + precision) : 0;
    return f1 >= AGREE_F1 || (n_answer <= n_conclusion ? recall : precision) >= AGREE_PART;
}

static int literals_of(struct gen_str source, struct gen_str question, struct gen_str text,
                       bool *all_there, struct gen_error *err)
{
    struct gen_source_text *prepared = NULL;
    struct gen_literals literals = {0, 0, 1.0};
    int rc = gen_source_text_new(&prepared, source, err);
    if (rc == GEN_OK)
        rc = gen_check_literals(prepared, question, text, &literals, NULL, err);
    if (rc == GEN_OK)
        *all_there = literals.n_grounded == literals.n_literals;
    gen_source_text_free(prepared);
    return rc;
}

int gen_answers_agree(struct gen_str question, struct gen_str answer, struct gen_str conclusion,
                      bool *yes, struct gen_error *err)
{
    bool in_answer = false;
    bool in_conclusion = false;
    *yes = false;
    if (gen_str_trim(conclusion).n == 0 || polarity(answer) * polarity(conclusion) < 0)
        return GEN_OK;
    int rc = literals_of(answer, question, conclusion, &in_answer, err);
    if (rc == GEN_OK)
        rc = literals_of(conclusion, question, answer, &in_conclusion, err);
    if (rc == GEN_OK)
        *yes = (in_answer || in_conclusion) && words_agree(question, answer, conclusion);
    return rc;
}
