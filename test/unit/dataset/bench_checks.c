/* What the checks of one accepted answer cost: a source of 1.5 KB, three pairs, and a large source
 * with a quote that is nowhere. Built in Release: build/test/unit/dataset/bench_checks. With
 * --lexicon it writes src/dataset/checks/lexicon_slots.c instead, which is to be done when a word
 * was added. */
#include "dataset/checks.h"
#include "dataset/checks/lexicon.h"
#include "dataset/export.h"

#include <stdio.h>
#include <time.h>

static const char sentence[] =
    "A chunked dataset is stored in equal-sized pieces; the default cache holds 1 MB in 521 slots, "
    "and `H5Pset_chunk_cache` changes both – see H5P. The rank of the chunk (64, 128) must be that "
    "of the dataspace, version 1.14.5 or later. ";

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct pair {
    struct gen_str evidence, question, answer;
};

static int check_pair(const struct gen_source_text *s, const struct pair *p, size_t *sum)
{
    enum gen_quote_match match = GEN_QUOTE_ABSENT;
    struct gen_literals literals;
    double similarity = 0;
    int rc = gen_check_quote(s, p->evidence, &match, NULL, NULL);
    if (rc == GEN_OK)
        rc = gen_check_literals(s, p->question, p->answer, &literals, NULL, NULL);
    if (rc == GEN_OK)
        rc = gen_check_similarity(p->question, p->answer, &similarity, NULL);
    if (rc)
        return rc;
    *sum += (size_t)match + literals.n_grounded + gen_count_words(p->question) +
            gen_count_words(p->answer) + gen_check_refers_to_context(p->question) +
            gen_check_refers_to_context(p->answer) + gen_check_is_double_question(p->question) +
            gen_check_is_refusal(p->answer) + gen_check_is_echo(p->question, p->answer) +
            gen_check_has_leftovers(p->question) + gen_check_has_leftovers(p->answer);
    return GEN_OK;
}

static int run(struct gen_str source, const struct pair *pairs, size_t n_pairs, int n_rounds,
               const char *name)
{
    size_t sum = 0;
    double start = now_us();
    for (int i = 0; i < n_rounds; i++) {
        struct gen_source_text *s = NULL;
        int rc = gen_source_text_new(&s, source, NULL);
        for (size_t k = 0; rc == GEN_OK && k < n_pairs; k++)
            rc = check_pair(s, &pairs[k], &sum);
        gen_source_text_free(s);
        if (rc)
            return rc;
    }
    printf("%-34s %8.1f us an answer (%zu)\n", name, (now_us() - start) / n_rounds,
           sum / (size_t)n_rounds);
    return GEN_OK;
}

static int run_export(const struct gen_export_format *format)
{
    static const char record[] =
        "{\"format\":\"qa\",\"question\":\"What is the size of the default chunk cache?\","
        "\"answer\":\"The default chunk cache holds 1 MB in 521 slots; H5Pset_chunk_cache changes "
        "both. Chunks that do not fit are read again and again, which makes access slow.\","
        "\"chunk_id\":\"0123456789\",\"source\":\"doc/chunking.md\",\"rating\":9.0}";
    const int n_rows = 200000;
    struct gen_buf out = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_example example = {.n_turns = 0};
    struct gen_refusal refusal = {.rule = NULL};
    const struct gen_export_options options = {.system_prompt = NULL};
    int rc = GEN_OK;
    double start = now_us();
    for (int i = 0; rc == GEN_OK && i < n_rows; i++) {
        struct gen_json_doc *doc = NULL;
        gen_buf_clear(&out);
        rc = gen_json_parse(&doc, GEN_STR(record), NULL);
        if (rc == GEN_OK)
            rc = gen_example_read(&example, gen_json_root(doc), &refusal, NULL);
        if (rc == GEN_OK)
            rc = gen_export_row(format, &example, &options, &out, &refusal, NULL);
        gen_json_doc_free(doc);
    }
    gen_example_release(&example);
    double us = (now_us() - start) / n_rows;
    printf("export %-27s %8.2f us a row, %.0f MB/s in\n", format->name, us,
           (double)sizeof(record) / us);
    gen_buf_release(&out);
    return rc;
}

static int print_lexicon(void)
{
    static const char head[] = "/* Where each word of the lexicon is. Made by `bench_checks "
                               "--lexicon | clang-format`. */\n"
                               "#include \"dataset/checks/lexicon.h\"\n\n"
                               "const uint16_t gen_lexicon_slots[GEN_LEXICON_SLOTS] = {\n";
    unsigned slots[GEN_LEXICON_SLOTS] = {0};
    for (unsigned i = 0; gen_lexicon_word(i); i++) {
        struct gen_lexicon_key key;
        if (!gen_lexicon_key_init(&key, gen_lexicon_word(i), strlen(gen_lexicon_word(i))))
            return 1;
        size_t slot = gen_lexicon_slot(gen_lexicon_hash(&key));
        while (slots[slot])
            slot = (slot + 1) % GEN_LEXICON_SLOTS;
        slots[slot] = i + 1;
    }
    printf("%s   ", head);
    int column = 3;
    for (size_t i = 0; i < GEN_LEXICON_SLOTS; i++) {
        char text[16];
        int n = snprintf(text, sizeof(text), " %u,", slots[i]);
        if (column + n > 100) {
            printf("\n   ");
            column = 3;
        }
        column += n;
        printf("%s", text);
    }
    printf("\n};\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--lexicon") == 0)
        return print_lexicon();
    const struct pair pairs[] = {
        {GEN_STR("the default cache holds 1 MB in 521 slots"),
         GEN_STR("What is the size of the default chunk cache of HDF5, and in how many slots?"),
         GEN_STR("The default chunk cache holds 1 MB in 521 slots. A program that needs more calls "
                 "`H5Pset_chunk_cache` before it opens the dataset; this changes the cache of that "
                 "dataset alone, and leaves the file's default as it was for all other ones.")},
        {GEN_STR("the chunk rank (64, 128) must be the one of the dataspace"),
         GEN_STR("Which rank must a chunk of an HDF5 dataset have when it is created?"),
         GEN_STR("Its rank must be that of the dataspace, so that a chunk of (64, 128) fits a "
                 "dataspace of rank 2. In version 1.14.5 other ranks are refused with an error.")},
        {GEN_STR("chunks may be up to 4 GB large and are kept in a tree on disk"),
         GEN_STR("How large may a chunk be?"), GEN_STR("It may have up to 4 GB.")},
    };
    struct gen_buf chunk = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf book = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (int i = 0; rc == GEN_OK && i < 6; i++)
        rc = gen_buf_add(&chunk, sentence, sizeof(sentence) - 1, NULL);
    for (int i = 0; rc == GEN_OK && i < 500; i++)
        rc = gen_buf_add(&book, sentence, sizeof(sentence) - 1, NULL);
    if (rc == GEN_OK)
        rc = run(gen_buf_str(&chunk), pairs, 0, 20000, "prepare 1.5 KB");
    if (rc == GEN_OK)
        rc = run(gen_buf_str(&chunk), pairs, 1, 20000, "1.5 KB, exact quote");
    if (rc == GEN_OK)
        rc = run(gen_buf_str(&chunk), pairs, 3, 20000, "1.5 KB, exact, near, absent quote");
    if (rc == GEN_OK)
        rc = run(gen_buf_str(&book), pairs, 3, 50, "125 KB, the same three");
    if (rc == GEN_OK)
        rc = run_export(&gen_export_chatml);
    if (rc == GEN_OK)
        rc = run_export(&gen_export_jsonl);
    gen_buf_release(&chunk);
    gen_buf_release(&book);
    return rc;
}
