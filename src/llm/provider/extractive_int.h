/*
 * The rooms of the extractive provider: words, sentences, clauses, and one file for each task. All
 * of it is pure: the same inputs give the same answer. Private to llm/provider/extractive*.c.
 */
#ifndef GEN_LLM_PROVIDER_EXTRACTIVE_INT_H
#define GEN_LLM_PROVIDER_EXTRACTIVE_INT_H

#include "base/arena.h"
#include "llm/provider.h"

/* ---- words ---- */

enum gen_extract_word_class {
    GEN_EXTRACT_DETERMINER,
    GEN_EXTRACT_PREPOSITION,
    GEN_EXTRACT_ADVERB,
    GEN_EXTRACT_ANAPHOR, /* points at something said before: "it", "this", "same" */
    GEN_EXTRACT_ADJECTIVE,
    GEN_EXTRACT_NOUN_OR_VERB, /* verbs whose -s form is more often a plural: "reads" */
    GEN_EXTRACT_PARTICIPLE,
};
bool gen_extract_word_is(struct gen_str word, enum gen_extract_word_class c);

/* Sorts the few indices that were chosen, so that pairs stand in the order of the text. O(n^2). */
void gen_extract_sort(size_t *indices, size_t n);

enum gen_extract_verb_form {
    GEN_EXTRACT_VERB_NONE,
    GEN_EXTRACT_VERB_BASE,
    GEN_EXTRACT_VERB_S,
    GEN_EXTRACT_VERB_ED,
    GEN_EXTRACT_VERB_ING,
};
struct gen_extract_verb {
    enum gen_extract_verb_form form;
    const char *base; /* "store" for "stores" */
};
struct gen_extract_verb gen_extract_verb(struct gen_str word);

/* ---- a line of text that grows in place; what does not fit makes it unusable ---- */

#define GEN_EXTRACT_LINE_BYTES 2400
struct gen_extract_line {
    size_t n;
    bool overflow;
    char data[GEN_EXTRACT_LINE_BYTES];
};
void gen_extract_line_clear(struct gen_extract_line *l);
void gen_extract_put(struct gen_extract_line *l, struct gen_str s);
void gen_extract_put_c(struct gen_extract_line *l, const char *text);
/* The same with a capital (small) first letter. */
void gen_extract_put_upper(struct gen_extract_line *l, struct gen_str s);
void gen_extract_put_lower(struct gen_extract_line *l, struct gen_str s);
static inline struct gen_str gen_extract_line_str(const struct gen_extract_line *l)
{
    return (struct gen_str){l->data, l->overflow ? 0 : l->n};
}

/* ---- sentences ---- */

struct gen_extract_sentence {
    struct gen_str raw;  /* as the source has it, white space made single blanks: evidence */
    struct gen_str text; /* without Markdown emphasis and link targets */
    struct gen_str heading;
    unsigned paragraph;
    bool is_item; /* of a list */
};
struct gen_extract_sentences {
    struct gen_extract_sentence *items;
    size_t n;
};
/* Sentences of the prose in `text`: not of code fences, tables and headings. */
GEN_MUST_USE int gen_extract_split(struct gen_arena *arena, struct gen_str text,
                                   struct gen_extract_sentences *out, struct gen_error *err);
size_t gen_extract_n_words(struct gen_str text);

/* ---- tokens and clauses ---- */

enum gen_extract_token_kind {
    GEN_EXTRACT_WORD,
    GEN_EXTRACT_CODE, /* in back-ticks */
    GEN_EXTRACT_PUNCT,
    GEN_EXTRACT_OPEN,
    GEN_EXTRACT_CLOSE,
};
struct gen_extract_token {
    struct gen_str text;
    enum gen_extract_token_kind kind;
    unsigned depth; /* of brackets around it */
};

#define GEN_EXTRACT_TOKENS_MAX 160
struct gen_extract_tokens {
    size_t n;
    struct gen_extract_token t[GEN_EXTRACT_TOKENS_MAX];
};
/* False when there are too many. */
bool gen_extract_tokenize(struct gen_str sentence, struct gen_extract_tokens *out);
bool gen_extract_token_is(const struct gen_extract_tokens *t, size_t i, const char *word);
/* First token at or after `from`, before `to`, outside of brackets, that is `word`; or SIZE_MAX. */
size_t gen_extract_token_find(const struct gen_extract_tokens *t, size_t from, size_t to,
                              const char *word);
/* Letters with an underscore or a digit among them, or code in back-ticks: a name of a program. */
bool gen_extract_is_identifier(const struct gen_extract_token *t);
/* The source text of the tokens [from, to). */
struct gen_str gen_extract_span(const struct gen_extract_tokens *t, size_t from, size_t to);

enum gen_extract_clause_form {
    GEN_EXTRACT_CLAUSE_BE,
    GEN_EXTRACT_CLAUSE_MODAL, /* can, must, ... */
    GEN_EXTRACT_CLAUSE_HAVE,
    GEN_EXTRACT_CLAUSE_VERB, /* any other verb */
};
/* A main clause: subject [s0, s1), adverbs [s1, v), verb v, the rest [v+1, end). */
struct gen_extract_clause {
    size_t s0, s1, v, end;
    enum gen_extract_clause_form form;
    struct gen_extract_verb verb;
    bool plural;
    bool has_relative; /* the subject has a relative clause */
    bool is_there;     /* "there is" */
    bool negated;
};
/* Finds subject and verb of the clause that starts at token `from`; false when not sure. `end` is
 * set to the first ';', ':' or the closing stop. */
bool gen_extract_clause(const struct gen_extract_tokens *t, size_t from, size_t to,
                        struct gen_extract_clause *out);

/* ---- one answer in the making ---- */

struct gen_extract {
    struct gen_arena arena;
    const struct gen_task_inputs *in;
    struct gen_extract_sentences sentences;
    struct gen_str flat;   /* enrich, rate: the source with white space made single blanks */
    struct gen_str domain; /* "HDF5": what the text is about, or empty */
    struct gen_str topic;  /* the heading as a noun phrase, or empty */
    struct gen_extract_tokens tokens;
    struct gen_extract_line line, line2;
};

/* True when the first letter of `word`, a capital at the start of a sentence, is one inside too. */
bool gen_extract_keeps_capital(const struct gen_extract *x, struct gen_str word, bool is_alone);

/* Fills domain and topic. */
GEN_MUST_USE int gen_extract_find_context(struct gen_extract *x, struct gen_error *err);

struct gen_extract_pair {
    const char *kind;
    struct gen_str symbol, evidence, question, answer;
    int score;
    size_t first, last; /* sentences that the answer quotes */
};

/* What a rule made of a sentence. The question is in x->line, without mark and context. */
struct gen_extract_question {
    const char *kind;
    int score;
    bool wants_topic;     /* it says "the limit": of what? */
    bool is_short;        /* the context may stand at the end */
    bool is_name;         /* it asks for a proper name: "Zarr" */
    bool needs_following; /* the answer is a list in the next sentences */
};

/* Applies the rules to the sentence in x->tokens; false when none fits. */
bool gen_extract_ask(struct gen_extract *x, struct gen_extract_question *q);
/* A question made of a heading: "Choosing a chunk shape". */
bool gen_extract_ask_heading(struct gen_extract *x, struct gen_str heading,
                             struct gen_extract_question *q);
/* The question of x->line as a whole sentence in x->line2, with the context in it. */
void gen_extract_finish_question(struct gen_extract *x, const struct gen_extract_question *q,
                                 uint64_t variant);
/* Words that make tokens [from, to) unfit for a question: "it", "this", "the former". */
bool gen_extract_stands_alone(const struct gen_extract_tokens *t, size_t from, size_t to);

/* Each writes the object of its task. */
GEN_MUST_USE int gen_extract_qa(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                                struct gen_error *err);
GEN_MUST_USE int gen_extract_code(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                                  struct gen_error *err);
GEN_MUST_USE int gen_extract_enrich(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                                    struct gen_error *err);
GEN_MUST_USE int gen_extract_rate(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                                  struct gen_error *err);

/* Comparison of sets, from the figures of x->in->record (qa/compare.h). */
GEN_MUST_USE int gen_extract_describe_set(struct gen_extract *x, struct gen_jb *b,
                                          struct gen_jmut *root, struct gen_error *err);
GEN_MUST_USE int gen_extract_choose_set(struct gen_extract *x, struct gen_jb *b,
                                        struct gen_jmut *root, struct gen_error *err);

/* Questions that need two facts, and reasoning for existing pairs. */
GEN_MUST_USE int gen_extract_cot(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                                 struct gen_error *err);
GEN_MUST_USE int gen_extract_code_cot(struct gen_extract *x, struct gen_jb *b,
                                      struct gen_jmut *root, struct gen_error *err);
GEN_MUST_USE int gen_extract_enhance(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                                     struct gen_error *err);

/* Share of the content words of `text` that occur in `in`; 1 for none. */
double gen_extract_overlap(struct gen_str text, struct gen_str in);
/* "the passage", "as described": nobody has the document. */
bool gen_extract_points_at_document(struct gen_str s);
/* A whole sentence that is understood without the one before it. */
bool gen_extract_sentence_stands(struct gen_str s);

/* True when a number, identifier or back-ticked span of `text` occurs in none of the sources. The
 * first such literal goes to `*literal`. */
bool gen_extract_has_foreign_literal(struct gen_str text, struct gen_str source,
                                     struct gen_str source2, struct gen_str *literal);

#endif
