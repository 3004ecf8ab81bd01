/*
 * make_records: N question-answer records for the benchmarks, as JSON Lines on standard output,
 * about 600 bytes each, with the fields that curate writes. Of 100 questions, two repeat an earlier
 * one word by word and three but for a word; all others differ in most words. The same N always
 * gives the same bytes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N_MAX   UINT64_C(100000000)
#define N_WORDS 12

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A word of two to four syllables: some 400,000 of them, so that questions differ. */
static size_t word(char *out, uint64_t *state)
{
    static const char syllables[][4] = {
        "ba",  "cor", "den", "fi", "gra", "hol", "ja",  "ki",  "lum", "mer", "nos", "pa", "qui",
        "ros", "sel", "tra", "um", "ver", "wi",  "xen", "yor", "za",  "bri", "cla", "dro"};
    size_t n = 0;
    unsigned count = (unsigned)(next(state) % 3) + 2;
    for (unsigned i = 0; i < count; i++) {
        const char *s = syllables[next(state) % (sizeof(syllables) / sizeof(syllables[0]))];
        size_t length = strlen(s);
        memcpy(out + n, s, length);
        n += length;
    }
    out[n] = '\0';
    return n;
}

static size_t words(char *out, uint64_t *state, unsigned count)
{
    size_t n = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            out[n++] = ' ';
        n += word(out + n, state);
    }
    out[n] = '\0';
    return n;
}

/* The question of record i; of the last five in a hundred, that of an earlier record. */
static void question(char *out, size_t size, uint64_t i)
{
    static const char *const openings[] = {"How does",   "Why is",      "What happens when",
                                           "Where does", "When should", "Which part of"};
    char body[N_WORDS * 16];
    uint64_t of = i % 100 >= 95 && i >= 100 ? i - 95 : i;
    uint64_t state = of * UINT64_C(2654435761) + 1;
    const char *opening = openings[next(&state) % 6];
    (void)words(body, &state, N_WORDS);
    bool is_near = i % 100 >= 97 && i >= 100;
    (void)snprintf(out, size, "%s %s%s?", opening, body, is_near ? " really" : "");
}

static bool record(uint64_t i)
{
    char asked[400];
    char answer[800];
    uint64_t state = i * UINT64_C(0x9E3779B9) + 7;
    question(asked, sizeof(asked), i);
    (void)words(answer, &state, 30);
    unsigned rating = (unsigned)(next(&state) % 6) + 5;
    return printf("{\"format\":\"qa\",\"question\":\"%s\",\"answer\":\"The value of `%.8s` is %u, "
                  "because %s.\",\"chunk_id\":\"chunk-%" PRIu64 "\",\"source\":\"docs/part-%" PRIu64
                  ".md\",\"kind\":\"fact\",\"model\":\"model-1\",\"rating\":%u,\"clarity\":%u,"
                  "\"accuracy\":3,\"usefulness\":2,\"difficulty\":1,\"topic_relevant\":true}\n",
                  asked, answer, (unsigned)(next(&state) % 9000), answer, i / 5, i / 500, rating,
                  rating % 4) > 0;
}

static bool read_count(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || value > N_MAX) {
            return false;
        }
        value = value * 10 + (uint64_t)(*p - '0');
    }
    *out = value;
    return *text != '\0' && value <= N_MAX;
}

int main(int argc, char **argv)
{
    uint64_t n = 0;
    if (argc != 2 || !read_count(argv[1], &n)) {
        (void)fprintf(stderr, "usage: make_records N >records.jsonl\n");
        return 2;
    }
    for (uint64_t i = 0; i < n; i++) {
        if (!record(i)) {
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
