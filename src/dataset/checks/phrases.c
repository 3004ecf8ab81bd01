/*
 * K8: texts that point at a document which their reader does not have. Patterns of word classes
 * (lexicon.h): a determiner and a noun that means the source, a verb of saying behind such a noun,
 * "described above", "Figure 3". The nouns differ in how often they are the topic itself: "the
 * passage" is nearly always ours, "the text" needs a verb of saying or a preposition to be.
 */
#include "dataset/checks.h"
#include "dataset/checks/lexicon.h"

#define ONE(classes)                                                                               \
    {                                                                                              \
        GEN_TAKE_ONE, (classes)                                                                    \
    }
#define OTHER(classes)                                                                             \
    {                                                                                              \
        GEN_TAKE_OTHER, (classes)                                                                  \
    }
#define NOUN(classes)                                                                              \
    {                                                                                              \
        GEN_TAKE_NOUN, (classes)                                                                   \
    }
#define OPT(classes)                                                                               \
    {                                                                                              \
        GEN_TAKE_OPTIONAL, (classes)                                                               \
    }
#define MANY(classes)                                                                              \
    {                                                                                              \
        GEN_TAKE_MANY, (classes)                                                                   \
    }
#define ANY(classes)                                                                               \
    {                                                                                              \
        GEN_TAKE_ANY, (classes)                                                                    \
    }
#define UNLESS(classes)                                                                            \
    {                                                                                              \
        GEN_TAKE_UNLESS, (classes)                                                                 \
    }

#define W_DET    (W_THE | W_THIS | W_GIVEN)
#define W_SOURCE (W_EXTRACT | W_TEXT | W_SECTION | W_CONTEXT)
#define F_DET    (F_THE | F_THIS)
/* "the text file", "the section of memory": another thing, or one that is named. */
#define NAMED UNLESS(W_OF | W_HEAD)

static const struct gen_pattern context_patterns[] = {
    /* the passage, this excerpt */
    {0, {MANY(W_DET), NOUN(W_EXTRACT), NAMED}},
    /* this section, this text */
    {0, {ONE(W_THIS), ONE(W_SECTION), NAMED}},
    {0,
     {ONE(W_THIS), ONE(W_TEXT),
      ONE(W_PUNCT | W_REPORT | W_SHOW | W_BE | W_AUX | W_IN | W_AND | W_AS | W_TO | W_GIVEN |
          W_ADVERB)}},
    /* according to the document, based on the text, based on the provided context */
    {0,
     {ONE(W_ACCORDING), OPT(W_TO), MANY(W_DET),
      ONE(W_SOURCE | W_CODE | W_FIGURE | W_AUTHOR | W_INFO), NAMED}},
    {0,
     {ONE(W_BASED), ONE(W_ON), MANY(W_DET), ONE(W_EXTRACT | W_TEXT | W_SECTION | W_CODE | W_AUTHOR),
      NAMED}},
    {0, {ONE(W_BASED), ONE(W_ON), OPT(W_THE), ONE(W_GIVEN), ONE(W_CONTEXT | W_INFO), NAMED}},
    /* described in the section, defined in the code, provided in the context */
    {0, {ONE(W_SAID), ONE(W_IN), MANY(W_DET), ONE(W_SOURCE | W_CODE | W_FIGURE), NAMED}},
    {0, {ONE(W_DEFINED), ONE(W_IN), MANY(W_DET), NOUN(W_EXTRACT | W_TEXT | W_CODE), NAMED}},
    {0, {ONE(W_GIVEN), ONE(W_IN), MANY(W_THE | W_THIS), ONE(W_SECTION | W_CONTEXT), NAMED}},
    /* the text says, the author argues, what does the author */
    {0, {MANY(W_DET), ONE(W_SOURCE), OPT(W_ADVERB), ONE(W_REPORT | W_SHOW)}},
    {0, {ONE(W_THE), ONE(W_AUTHOR), OPT(W_ADVERB), ONE(W_REPORT | W_SHOW)}},
    {0, {ONE(W_DOES), ONE(W_THE), ONE(W_AUTHOR), NAMED}},
    /* this example shows, what does the code do */
    {GEN_WHEN_NO_BLOCK, {MANY(W_THE | W_THIS), NOUN(W_CODE), OPT(W_ADVERB), ONE(W_SHOW)}},
    {GEN_WHEN_NO_BLOCK, {ONE(W_DOES), MANY(W_DET), NOUN(W_CODE), ONE(W_DOES)}},
    /* the code above, the above function */
    {GEN_WHEN_NO_BLOCK,
     {MANY(W_DET), ONE(W_EXTRACT | W_TEXT | W_SECTION | W_CODE | W_FIGURE), ONE(W_PLACE),
      UNLESS(W_NUMBER | W_THE | W_A)}},
    {GEN_WHEN_NO_BLOCK,
     {MANY(W_DET), ONE(W_FUNCTION | W_INFO | W_CONTEXT), ONE(W_PLACE &F_PLACE),
      UNLESS(W_NUMBER | W_THE | W_A)}},
    {GEN_WHEN_NO_BLOCK, {ONE(W_THE), ONE(F_PLACE), ONE(W_CODE | W_FIGURE | W_FUNCTION), NAMED}},
    /* the provided text, the code provided */
    {0, {ONE(W_THE), ONE(W_GIVEN), ONE(W_EXTRACT | W_TEXT | W_SECTION | W_INFO), NAMED}},
    {GEN_WHEN_NO_BLOCK, {ONE(W_THE), ONE(W_GIVEN), ONE(W_CODE), NAMED}},
    {GEN_WHEN_NO_BLOCK,
     {ONE(W_THE), ONE(W_EXTRACT | W_TEXT | W_SECTION | W_CODE | W_INFO), ONE(W_GIVEN),
      ONE(W_PUNCT)}},
    /* mentioned earlier, defined above, previously described, as shown, shown here */
    {GEN_WHEN_NO_BLOCK, {ONE(W_SAID), ONE(W_PLACE), UNLESS(W_NUMBER | W_THE | W_A | W_THIS)}},
    {GEN_WHEN_NO_BLOCK, {ONE(W_DEFINED), ONE(F_PLACE), UNLESS(W_NUMBER | W_THE | W_A | W_THIS)}},
    {0, {ONE(W_PLACE), ONE(W_SAID)}},
    {GEN_WHEN_NO_BLOCK, {ONE(W_AS), OPT(W_ADVERB), ONE(W_SAID), ONE(W_PUNCT | W_PLACE | W_HERE)}},
    {GEN_WHEN_NO_BLOCK, {ONE(W_SAID | W_DEFINED), ONE(W_HERE), ONE(W_PUNCT)}},
    {GEN_WHEN_QUESTION, {ONE(W_HERE), ONE(W_PUNCT)}},
    /* see above, see the next section, Figure 3 */
    {0, {ONE(W_SEE), ONE(W_PLACE)}},
    {0,
     {ONE(W_SEE), MANY(W_THE | W_THIS | W_ORDER), ONE(W_SECTION | W_FIGURE | W_EXTRACT),
      UNLESS(W_OF)}},
    {0, {ONE(W_FIGURE), ONE(W_NUMBER), UNLESS(W_OF)}},
    /* the previous section, the following code (with no code there) */
    {0, {ONE(W_THE), ONE(W_ORDER | W_FOLLOWING), ONE(W_PART), NAMED}},
    {0, {ONE(W_THE), ONE(W_ORDER), NOUN(W_EXTRACT | W_CODE), NAMED}},
    {GEN_WHEN_NO_CODE, {ONE(W_THE), ONE(W_FOLLOWING), ONE(W_EXTRACT | W_TEXT | W_CODE), NAMED}},
    /* In the code, ...; ... in the example?; this script ...? */
    {GEN_WHEN_NO_BLOCK,
     {ONE(W_PUNCT), ONE(W_IN), ONE(W_THE), NOUN(W_TEXT | W_CODE | W_SECTION), ONE(W_PUNCT)}},
    {GEN_WHEN_NO_BLOCK | GEN_WHEN_QUESTION, {ONE(W_IN), ONE(W_THE), NOUN(W_CODE), ONE(W_PUNCT)}},
    {GEN_WHEN_NO_BLOCK | GEN_WHEN_QUESTION, {ONE(W_THIS), NOUN(W_CODE | W_FUNCTION), NAMED}},
    /* German, French, Spanish */
    {0, {ONE(F_ACCORDING), ANY(F_DET), ONE(F_TEXT), NAMED}},
    {0, {ONE(F_THIS), ONE(F_TEXT)}},
    {0, {ONE(F_DET), ONE(F_TEXT), OPT(W_NOT), ONE(F_REPORT)}},
    {0, {ONE(F_REPORT), ONE(F_DET), ONE(F_TEXT)}},
    {0, {ONE(F_IN), ANY(F_DET), ONE(F_TEXT), OPT(W_NOT), ONE(F_SAID | F_PLACE)}},
    {0, {ONE(F_SAID), ONE(F_IN), ANY(F_DET), ONE(F_TEXT)}},
    {GEN_WHEN_NO_BLOCK, {ONE(F_SEE), ONE(F_PLACE)}},
    {GEN_WHEN_NO_BLOCK, {ONE(F_PLACE), ONE(F_SAID)}},
    {GEN_WHEN_NO_BLOCK, {ONE(F_SAID), ONE(F_PLACE)}},
    {GEN_WHEN_NO_BLOCK, {ONE(F_PLACE), ONE(W_CODE | F_TEXT), NAMED}},
    {GEN_WHEN_NO_BLOCK,
     {ONE(W_CODE | F_TEXT), ONE(F_PLACE), UNLESS(W_NUMBER | W_THE | W_A | W_OF)}},
};

bool gen_check_refers_to_context(struct gen_str text)
{
    return gen_phrases_occur(text, context_patterns,
                             sizeof(context_patterns) / sizeof(context_patterns[0]));
}

static const struct gen_pattern refusal_patterns[] = {
    /* I cannot, I am unable, I don't know */
    {0, {ONE(W_I), ANY(W_BE | W_DOES), ONE(W_CANNOT | W_UNABLE | W_SORRY)}},
    {0, {ONE(W_I), OPT(W_DOES), ONE(W_NOT), ONE(W_KNOW)}},
    /* as an AI, as a language model */
    {0, {ONE(W_AS), ONE(W_A), ONE(W_AI), ONE(W_HEAD | W_I | W_AI)}},
    {0, {ONE(W_AS), ONE(W_A), ONE(W_AI), ONE(W_PUNCT), ONE(W_I)}},
    {0, {ONE(W_AI), ONE(W_HEAD), ANY(W_PUNCT), ONE(W_I)}},
    /* is not mentioned in the text, the text does not say, the provided document has no ... */
    {0,
     {ONE(W_NOT), OPT(W_ADVERB), ONE(W_SAID | W_DEFINED), ONE(W_IN), MANY(W_DET),
      ONE(W_SOURCE | W_INFO), NAMED}},
    {0, {MANY(W_DET), ONE(W_SOURCE), OPT(W_DOES), ONE(W_NOT), OPT(W_ADVERB), ONE(W_REPORT)}},
    {0,
     {MANY(W_DET), ONE(W_EXTRACT | W_TEXT | W_INFO), OPT(W_DOES), ONE(W_NOT), OPT(W_ADVERB),
      ONE(W_CONTAIN)}},
    {0,
     {ONE(W_THE), ONE(W_GIVEN), ONE(W_SOURCE | W_CODE), OPT(W_DOES), ONE(W_NOT), OPT(W_ADVERB),
      ONE(W_CONTAIN)}},
    /* there is no information, not enough information, no information is provided */
    {0, {ONE(W_THERE), ONE(W_BE), ONE(W_NO), ONE(W_INFO | W_REPORT)}},
    {0, {ONE(W_NOT), ONE(W_ENOUGH), ONE(W_INFO)}},
    {0, {ONE(W_NO), ONE(W_INFO), ONE(W_BE), ONE(W_DEFINED | W_SAID)}},
    {0, {ONE(W_CANNOT), ONE(W_INFO)}},
    {0,
     {ONE(W_CANNOT), ONE(W_BE), ONE(W_ANSWERED), ONE(W_IN | W_BASED), OPT(W_ON), MANY(W_DET),
      ONE(W_SOURCE | W_INFO | W_CODE)}},
    /* the whole answer: Not specified. Unknown. Sorry, ... */
    {GEN_WHEN_AT_START, {ONE(W_PUNCT), ONE(W_NOT), ONE(W_SAID | W_DEFINED), ONE(W_PUNCT | W_IN)}},
    {GEN_WHEN_AT_START, {ONE(W_PUNCT), ONE(W_UNABLE), ONE(W_PUNCT | W_TO)}},
    {GEN_WHEN_AT_START, {ONE(W_PUNCT), ONE(W_SORRY)}},
    /* German, French, Spanish */
    {0, {ONE(F_DET), ONE(F_TEXT), ONE(W_NOT), ONE(F_REPORT)}},
    {0, {ONE(F_DET), ONE(F_TEXT), ONE(F_REPORT), ONE(W_NOT)}},
    {0, {ONE(F_IN), ANY(F_DET), ONE(F_TEXT), ONE(W_NOT), ONE(F_SAID)}},
    {0, {ONE(W_NOT), ONE(F_IN), ANY(F_DET), ONE(F_TEXT), ONE(F_SAID)}},
    {0, {MANY(W_NOT), ONE(F_SAID), ONE(F_IN), ANY(F_DET), ONE(F_TEXT)}},
    {0, {ONE(W_NOT), OPT(F_SEE), ONE(F_REPORT), ONE(F_IN), ANY(F_DET), ONE(F_TEXT)}},
};

/* Ways to begin a refusal in other languages. */
static bool starts_with_refusal(struct gen_str text)
{
    static const char *const starts[] = {
        "ich kann",   "leider kann ich", "es tut mir leid",  "tut mir leid",
        "je ne peux", "je suis désolé",  "désolé,",          "malheureusement,",
        "no puedo",   "lo siento",       "lamentablemente,",
    };
    text = gen_str_trim(text);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct gen_str start = gen_str_from(starts[i]);
        if (gen_str_eq_nocase(gen_str_sub(text, 0, start.n), start))
            return true;
    }
    return false;
}

/* A refusal that is no matter of phrases. */
static bool is_plain_refusal(struct gen_str text)
{
    struct gen_str bare = gen_str_trim(text);
    if (bare.n && bare.p[bare.n - 1] == '.')
        bare.n--;
    return gen_str_eq_nocase(bare, GEN_STR("n/a")) || starts_with_refusal(text);
}

bool gen_check_is_refusal(struct gen_str text)
{
    return is_plain_refusal(text) ||
           gen_phrases_occur(text, refusal_patterns,
                             sizeof(refusal_patterns) / sizeof(refusal_patterns[0]));
}

static const struct gen_pattern comparison_patterns[] = {
    {0, {ONE(W_BETWEEN)}},
};

/* "... and how ...", "... and when does ...", "... and which flags does ...". "How and when" is one
 * question. */
static const struct gen_pattern joined_patterns[] = {
    {0, {OTHER(W_HOW | W_WHEN | W_WHICH), ONE(W_AND), OPT(W_ADVERB), ONE(W_HOW)}},
    {0, {OTHER(W_HOW | W_WHEN | W_WHICH), ONE(W_AND), OPT(W_ADVERB), ONE(W_WHEN), ONE(W_AUX)}},
    {0, {ONE(W_AND), ONE(W_WHICH), OTHER(W_AUX), ONE(W_AUX)}},
    {0, {ONE(W_AND), ONE(W_WHICH), OTHER(W_AUX), OTHER(W_AUX), ONE(W_AUX)}},
};

/* Question marks that end something: not those inside names, URLs and code. */
static size_t count_question_marks(struct gen_str s)
{
    size_t n = 0;
    bool in_span = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '`')
            in_span = !in_span;
        if (s.p[i] != '?' || in_span)
            continue;
        size_t first = i;
        while (i + 1 < s.n && (s.p[i + 1] == '?' || s.p[i + 1] == '!'))
            i++;
        if (i > first && first && s.p[first - 1] == ' ')
            continue; /* an operator */
        char next = i + 1 < s.n ? s.p[i + 1] : ' ';
        /* A quoted question inside the question does not count. */
        n += next == ' ' || next == '\n' || next == '\t' || next == '\r';
    }
    return n;
}

bool gen_check_is_double_question(struct gen_str question)
{
    if (count_question_marks(question) > 1)
        return true;
    return gen_phrases_occur(question, joined_patterns,
                             sizeof(joined_patterns) / sizeof(joined_patterns[0])) &&
           !gen_phrases_occur(question, comparison_patterns, 1);
}

#define N_PATTERNS(patterns) (sizeof(patterns) / sizeof((patterns)[0]))

#define CONTEXT_TRIGGERS                                                                           \
    (W_SOURCE | W_CODE | W_FIGURE | W_AUTHOR | W_INFO | W_FUNCTION | W_PLACE | W_SAID | W_HERE |   \
     W_PART | F_TEXT | F_PLACE)

/* Of a question and then of an answer, in the order of the bits below. */
static const struct gen_pattern_set sets[] = {
    {context_patterns, N_PATTERNS(context_patterns), CONTEXT_TRIGGERS},
    {joined_patterns, N_PATTERNS(joined_patterns), W_AND},
    {comparison_patterns, N_PATTERNS(comparison_patterns), W_BETWEEN},
    {context_patterns, N_PATTERNS(context_patterns), CONTEXT_TRIGGERS},
    {refusal_patterns, N_PATTERNS(refusal_patterns),
     W_I | W_AI | W_NOT | W_NO | W_CANNOT | W_UNABLE | W_SORRY},
};

const struct gen_pattern_set *gen_phrases_set(size_t i)
{
    return i < sizeof(sets) / sizeof(sets[0]) ? &sets[i] : NULL;
}

void gen_check_question(struct gen_str question, bool *refers_to_context, bool *is_double)
{
    unsigned found = gen_phrases_find(question, sets, 3);
    *refers_to_context = (found & 1U) != 0;
    *is_double = (found & 6U) == 2U || count_question_marks(question) > 1;
}

void gen_check_answer(struct gen_str answer, bool *refers_to_context, bool *is_refusal)
{
    unsigned found = gen_phrases_find(answer, sets + 3, 2);
    *refers_to_context = (found & 1U) != 0;
    *is_refusal = (found & 2U) != 0 || is_plain_refusal(answer);
}
