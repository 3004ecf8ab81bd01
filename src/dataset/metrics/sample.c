/* Metrics: samples of rows, and figures that are measured on them. */
#include "base/gzip.h"
#include "base/utf8.h"
#include "dataset/checks/words.h"
#include "dataset/metrics/metrics_int.h"

#include <math.h>
#include <stdlib.h>

#define GRAM_MAX     4U
#define BLEU_EPSILON 0.1 /* Chen and Cherry 2014, smoothing 1 */

int gen_sample_new(struct gen_sample *s, size_t n_max, struct gen_error *err)
{
    s->rows = calloc(n_max ? n_max : 1, sizeof(*s->rows));
    if (!s->rows)
        return gen_nomem(err, "a sample of the rows");
    s->n = 0;
    s->n_max = n_max;
    return GEN_OK;
}

static bool is_before(const struct gen_sample_row *a, const struct gen_sample_row *b)
{
    return a->hash != b->hash ? a->hash < b->hash : a->row < b->row;
}

static void swap_rows(struct gen_sample *s, size_t a, size_t b)
{
    struct gen_sample_row keep = s->rows[a];
    s->rows[a] = s->rows[b];
    s->rows[b] = keep;
}

static void sift_down(struct gen_sample *s, size_t i, size_t n)
{
    for (;;) {
        size_t high = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            if (is_before(&s->rows[high], &s->rows[child]))
                high = child;
        }
        if (high == i)
            return;
        swap_rows(s, i, high);
        i = high;
    }
}

static void free_row(struct gen_sample_row *r)
{
    for (size_t t = 0; t < 2; t++)
        free((void *)(uintptr_t)r->texts[t].p);
}

/* NULL when out of memory. */
static char *copy_text(struct gen_str text, size_t *bytes)
{
    size_t n = gen_utf8_cut(text, GEN_SAMPLE_TEXT_BYTES).n;
    char *p = malloc(n ? n : 1);
    if (p && n)
        memcpy(p, text.p, n);
    *bytes = n;
    return p;
}

int gen_sample_offer(struct gen_sample *s, uint64_t hash, uint64_t row, struct gen_str question,
                     struct gen_str answer, struct gen_error *err)
{
    struct gen_sample_row r = {.hash = hash, .row = row};
    if (s->n_max == 0 || (s->n == s->n_max && !is_before(&r, &s->rows[0])))
        return GEN_OK;
    struct gen_str *q = &r.texts[GEN_METRICS_QUESTION];
    struct gen_str *a = &r.texts[GEN_METRICS_ANSWER];
    q->p = copy_text(question, &q->n);
    a->p = copy_text(answer, &a->n);
    if (!q->p || !a->p) {
        free_row(&r);
        return gen_nomem(err, "a sample of the rows");
    }
    if (s->n == s->n_max) {
        free_row(&s->rows[0]);
        s->rows[0] = r;
        sift_down(s, 0, s->n);
        return GEN_OK;
    }
    size_t i = s->n++;
    s->rows[i] = r;
    for (; i > 0 && is_before(&s->rows[(i - 1) / 2], &s->rows[i]); i = (i - 1) / 2)
        swap_rows(s, i, (i - 1) / 2);
    return GEN_OK;
}

void gen_sample_sort(struct gen_sample *s)
{
    for (size_t n = s->n; n > 1; n--) {
        swap_rows(s, 0, n - 1);
        sift_down(s, 0, n - 1);
    }
}

void gen_sample_release(struct gen_sample *s)
{
    for (size_t i = 0; i < s->n; i++)
        free_row(&s->rows[i]);
    free(s->rows);
    s->rows = NULL;
    s->n = 0;
}

/* The words of the sample's texts: those of text i are [starts[i], starts[i + 1]). */
struct words {
    uint64_t *hashes;
    size_t *starts;
    size_t n_texts;
};

struct gram {
    uint64_t hash;
    size_t text;
};

static int take_words(struct words *w, const struct gen_str *texts, size_t n, struct gen_error *err)
{
    size_t n_max = 0;
    for (size_t i = 0; i < n; i++)
        n_max += texts[i].n / 2 + 1;
    w->n_texts = n;
    w->hashes = calloc(n_max ? n_max : 1, sizeof(*w->hashes));
    w->starts = calloc(n + 1, sizeof(*w->starts));
    if (!w->hashes || !w->starts)
        return gen_nomem(err, "the words of a sample");
    for (size_t i = 0; i < n; i++)
        w->starts[i + 1] = w->starts[i] + gen_word_hashes(texts[i], w->hashes + w->starts[i],
                                                          n_max - w->starts[i]);
    return GEN_OK;
}

static int by_hash_then_text(const void *a, const void *b)
{
    const struct gram *x = a;
    const struct gram *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->text < y->text ? -1 : x->text > y->text;
}

/* All n-grams of the first `n_texts` texts in `grams`, sorted; gives how many. */
static size_t take_grams(const struct words *w, size_t n_texts, size_t n, struct gram *grams)
{
    size_t n_grams = 0;
    for (size_t t = 0; t < n_texts; t++) {
        for (size_t i = w->starts[t]; i + n <= w->starts[t + 1]; i++) {
            uint64_t hash = n;
            for (size_t k = 0; k < n; k++)
                hash = gen_hash_mix(hash * 0x9E3779B97F4A7C15ULL + w->hashes[i + k]);
            grams[n_grams++] = (struct gram){hash, t};
        }
    }
    if (n_grams)
        qsort(grams, n_grams, sizeof(*grams), by_hash_then_text);
    return n_grams;
}

/* The end of the run of equal n-grams that begins at `i`. */
static size_t run_end(const struct gram *g, size_t n, size_t i)
{
    size_t end = i + 1;
    while (end < n && g[end].hash == g[i].hash)
        end++;
    return end;
}

static double distinct(const struct gram *g, size_t n)
{
    size_t n_distinct = 0;
    for (size_t i = 0; i < n; i = run_end(g, n, i))
        n_distinct++;
    return n ? (double)n_distinct / (double)n : 0.0;
}

static void self_repetition(const struct gram *g, size_t n, bool *marks, size_t n_texts,
                            struct gen_metrics_share *out)
{
    for (size_t i = 0; i < n;) {
        size_t end = run_end(g, n, i);
        /* Sorted by text too: the run is of several texts when its ends are. */
        bool shared = g[i].text != g[end - 1].text;
        for (; i < end; i++)
            marks[g[i].text] |= shared;
    }
    out->n = n_texts;
    out->hits = 0;
    for (size_t t = 0; t < n_texts; t++)
        out->hits += marks[t];
    out->share = n_texts ? (double)out->hits / (double)n_texts : 0.0;
}

/* Of the n-grams of each text, those that some other text has as often: clipped matches. */
static void count_matches(const struct gram *g, size_t n, size_t order, size_t (*matches)[GRAM_MAX])
{
    for (size_t i = 0; i < n;) {
        size_t end = run_end(g, n, i);
        size_t most = 0;
        size_t second = 0;
        size_t owner = 0;
        for (size_t k = i; k < end;) {
            size_t text = g[k].text;
            size_t first = k;
            while (k < end && g[k].text == text)
                k++;
            if (k - first > most) {
                second = most;
                most = k - first;
                owner = text;
            } else if (k - first > second) {
                second = k - first;
            }
        }
        for (size_t k = i; k < end;) {
            size_t text = g[k].text;
            size_t first = k;
            while (k < end && g[k].text == text)
                k++;
            size_t others = text == owner ? second : most;
            matches[text][order] += k - first < others ? k - first : others;
        }
        i = end;
    }
}

/* The length closest to that of text `t` among the others; of two the shorter. */
static size_t closest_length(const struct words *w, size_t n_texts, size_t t)
{
    size_t n = w->starts[t + 1] - w->starts[t];
    size_t best = SIZE_MAX;
    size_t best_far = SIZE_MAX;
    for (size_t o = 0; o < n_texts; o++) {
        size_t other = w->starts[o + 1] - w->starts[o];
        size_t far = other > n ? other - n : n - other;
        if (o != t && (far < best_far || (far == best_far && other < best))) {
            best = other;
            best_far = far;
        }
    }
    return best;
}

static double bleu_of(const struct words *w, size_t n_texts, size_t t, const size_t *matches)
{
    size_t n = w->starts[t + 1] - w->starts[t];
    double sum = 0.0;
    if (matches[0] == 0)
        return 0.0;
    for (size_t k = 0; k < GRAM_MAX; k++) {
        double all = n > k ? (double)(n - k) : 1.0;
        sum += log((matches[k] ? (double)matches[k] : BLEU_EPSILON) / all);
    }
    size_t reference = closest_length(w, n_texts, t);
    double brevity = n > reference ? 0.0 : 1.0 - (double)reference / (double)n;
    return exp(sum / GRAM_MAX + brevity);
}

static int self_bleu(const struct words *w, size_t n_texts, struct gram *grams,
                     struct gen_metrics_diversity *out, struct gen_error *err)
{
    out->n_bleu_rows = n_texts;
    if (n_texts < 2)
        return GEN_OK;
    size_t(*matches)[GRAM_MAX] = calloc(n_texts, sizeof(*matches));
    if (!matches)
        return gen_nomem(err, "the matches of a sample");
    for (size_t order = 0; order < GRAM_MAX; order++)
        count_matches(grams, take_grams(w, n_texts, order + 1, grams), order, matches);
    double sum = 0.0;
    for (size_t t = 0; t < n_texts; t++)
        sum += bleu_of(w, n_texts, t, matches[t]);
    out->self_bleu = sum / (double)n_texts;
    free(matches);
    return GEN_OK;
}

static int compression(const struct gen_str *texts, size_t n, size_t bytes_max,
                       struct gen_metrics_diversity *out, struct gen_error *err)
{
    struct gen_buf all = gen_buf_make(GEN_BUF_UNLIMITED);
    struct gen_buf packed = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = GEN_OK;
    for (size_t i = 0; rc == GEN_OK && i < n && all.n < bytes_max; i++) {
        rc = gen_buf_add_str(&all, texts[i], err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(&all, '\n', err);
    }
    struct gen_str used = gen_str_sub(gen_buf_str(&all), 0, bytes_max);
    if (rc == GEN_OK && used.n)
        rc = gen_gzip(&packed, used, err);
    if (rc == GEN_OK && packed.n) {
        out->compress_bytes = used.n;
        out->compression = (double)used.n / (double)packed.n;
    }
    gen_buf_release(&all);
    gen_buf_release(&packed);
    return rc;
}

static int measure(const struct gen_str *texts, size_t n, size_t n_bleu, struct words *w,
                   struct gen_metrics_diversity *out, struct gen_error *err)
{
    int rc = take_words(w, texts, n, err);
    if (rc)
        return rc;
    size_t n_grams_max = w->starts[n];
    struct gram *grams = calloc(n_grams_max ? n_grams_max : 1, sizeof(*grams));
    bool *marks = calloc(n ? n : 1, sizeof(*marks));
    if (!grams || !marks) {
        rc = gen_nomem(err, "the n-grams of a sample");
    } else {
        for (size_t k = 0; k < 3; k++)
            out->distinct[k] = distinct(grams, take_grams(w, n, k + 1, grams));
        self_repetition(grams, take_grams(w, n, 4, grams), marks, n, &out->self_repetition);
        rc = self_bleu(w, n < n_bleu ? n : n_bleu, grams, out, err);
    }
    free(grams);
    free(marks);
    return rc;
}

int gen_sample_diversity(const struct gen_sample *s, enum gen_metrics_text text, size_t n_rows,
                         size_t n_bleu, size_t compress_bytes, struct gen_metrics_diversity *out,
                         struct gen_error *err)
{
    struct gen_metrics_diversity d = {0};
    struct words w = {0};
    struct gen_str *texts = calloc(s->n ? s->n : 1, sizeof(*texts));
    if (!texts)
        return gen_nomem(err, "the texts of a sample");
    size_t n = 0;
    for (size_t i = 0; i < s->n && n < n_rows; i++) {
        if (s->rows[i].texts[text].n)
            texts[n++] = s->rows[i].texts[text];
    }
    d.n_rows = n;
    int rc = measure(texts, n, n_bleu, &w, &d, err);
    if (rc == GEN_OK)
        rc = compression(texts, n, compress_bytes, &d, err);
    free(w.hashes);
    free(w.starts);
    free(texts);
    if (rc == GEN_OK)
        *out = d;
    return rc;
}
