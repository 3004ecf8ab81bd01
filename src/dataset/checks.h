/*
 * Mechanical checks of texts against their source (prompting.md A.4). What a program can decide, no
 * model is asked. Pure functions; all texts are valid UTF-8.
 */
#ifndef GEN_DATASET_CHECKS_H
#define GEN_DATASET_CHECKS_H

#include "base/buf.h"

/*
 * K6: is `quote` in `source`? Compared normalised (base/utf8.h). A quote of fewer than three words
 * is absent.
 */
enum gen_quote_match {
    GEN_QUOTE_ABSENT = 0,
    /* A window of the source shares at least 90 % of the quote's words in order (LCS), in any case
     * and without punctuation; or the parts of a quote around "..." follow each other in the
     * source. Quotes of more than 256 words are exact or absent. */
    GEN_QUOTE_NEAR,
    /* A substring that starts and ends at word boundaries ("4 KB" is not in "64 KB"). Quotation
     * marks and full stops at its ends do not count; case does, but for the first letter. */
    GEN_QUOTE_EXACT,
};

/* A source prepared once for many checks: copied, so that the text may go. About 6 us a KB. */
struct gen_source_text;
GEN_MUST_USE int gen_source_text_new(struct gen_source_text **out, struct gen_str source,
                                     struct gen_error *err);
void gen_source_text_free(struct gen_source_text *s);

/* `*offset` (may be NULL): byte offset in the normalised source, or SIZE_MAX. */
GEN_MUST_USE int gen_check_quote(const struct gen_source_text *s, struct gen_str quote,
                                 enum gen_quote_match *match, size_t *offset,
                                 struct gen_error *err);

/*
 * K7: the literals of `text` and how many of them occur in the source or in `also` (the question).
 * Each distinct one counts once. Share 1.0 when there are none. Appends those that do not occur to
 * `missing`, comma-separated (NULL: not wanted).
 *
 * Literals are numbers (1,024 is 1024, 64 KB is 64KB but not 64 MB, 3 may be "three" in the
 * source), back-ticked spans, identifiers (with _, inner capitals, digits or parentheses; a.b,
 * a::b, a->b), paths, URLs, --options, and texts in double quotes. No literals are numbers in
 * words, capitalised words, and the numbers of list items and steps ("1.", "Step 2"). A span or
 * dotted name of several words counts as found when each of its words is.
 */
struct gen_literals {
    size_t n_literals, n_grounded;
    double share;
};
GEN_MUST_USE int gen_check_literals(const struct gen_source_text *s, struct gen_str also,
                                    struct gen_str text, struct gen_literals *out,
                                    struct gen_buf *missing, struct gen_error *err);

/* K8: the text refers to a document its reader does not have ("the passage", "this section", "the
 * code above", "Figure 3", "as described"). English in full, the common phrases in German, French
 * and Spanish. Words in back-ticks and code blocks do not count; "above" and "this code" do not
 * either in a text of several lines, which may hold what they point at. */
bool gen_check_refers_to_context(struct gen_str text);
/* K10: refusal or "not stated" phrases; the same languages. */
bool gen_check_is_refusal(struct gen_str text);
/* K11: the answer only repeats the question: it has no word of meaning that the question has not,
 * and at least half of the question's (so that "gzip" answers "gzip or szip?"). */
bool gen_check_is_echo(struct gen_str question, struct gen_str answer);
/* K17: left-overs: special tokens of chat templates and think tags anywhere; {{...}}, "TODO",
 * "<value>", "[your ...]" outside back-ticks. */
bool gen_check_has_leftovers(struct gen_str text);
/* Number of words (runs of letters and digits of any script; CJK characters count one each). */
size_t gen_count_words(struct gen_str text);
/* K12: Jaccard similarity of the sets of words of two texts, 0 to 1; 0 for two empty ones. */
GEN_MUST_USE int gen_check_similarity(struct gen_str a, struct gen_str b, double *jaccard,
                                      struct gen_error *err);
/* The same for texts that are compared several times: their words, read once. */
struct gen_word_set;
GEN_MUST_USE int gen_word_set_new(struct gen_word_set **out, struct gen_str text,
                                  struct gen_error *err);
void gen_word_set_free(struct gen_word_set *s);
/* Whether the similarity is at least this; known after a few words when the texts differ. */
bool gen_word_set_is_similar(const struct gen_word_set *a, const struct gen_word_set *b,
                             double similarity);
/* K2 of questions: more than one question mark, or joined interrogatives ("... and how ..."); not
 * "how and when", nor a question for a difference. */
bool gen_check_is_double_question(struct gen_str question);

/* gen_check_refers_to_context with gen_check_is_double_question, and with gen_check_is_refusal, for
 * the price of one reading. */
void gen_check_question(struct gen_str question, bool *refers_to_context, bool *is_double);
void gen_check_answer(struct gen_str answer, bool *refers_to_context, bool *is_refusal);

#endif
