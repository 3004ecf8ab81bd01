#include "fakellm_batch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

struct fake_batches *fake_batches_get(struct fake_server *s)
{
    if (s->batches == NULL) {
        s->batches = calloc(1, sizeof(*s->batches));
    }
    return s->batches;
}

void fake_batches_free(struct fake_batches *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->n; i++) {
        free(b->items[i].data);
        free(b->items[i].lines);
    }
    for (size_t i = 0; i < b->n_files; i++) {
        free(b->files[i].data);
    }
    fake_seen_release(&b->seen);
    free(b->items);
    free(b->files);
    free(b);
}

struct fake_batch *fake_batch_add(struct fake_server *s, enum fake_api api, const char *prefix,
                                  struct fake_span data)
{
    struct fake_batches *all = fake_batches_get(s);
    if (all == NULL) {
        return NULL;
    }
    struct fake_batch *items = realloc(all->items, (all->n + 1) * sizeof(*items));
    char *copy = malloc(data.n + 1);
    if (items != NULL) {
        all->items = items;
    }
    if (items == NULL || copy == NULL) {
        free(copy);
        return NULL;
    }
    memcpy(copy, data.p, data.n);
    copy[data.n] = '\0';
    struct fake_batch *b = &items[all->n++];
    *b = (struct fake_batch){.api = api, .data = copy, .created_s = (uint64_t)time(NULL)};
    b->metadata = (struct fake_span){"", 0};
    b->input_id = b->metadata;
    b->endpoint = b->metadata;
    b->path = b->metadata;
    b->headers = "\r\nanthropic-version: 2023-06-01\r\n\r\n";
    (void)snprintf(b->id, sizeof(b->id), "%s%zu", prefix, all->n);
    s->stats.n_batches++;
    return b;
}

bool fake_batch_line(struct fake_batch *b, struct fake_span id, struct fake_span body)
{
    if ((b->n_lines & (b->n_lines - 1)) == 0) {
        size_t cap = b->n_lines == 0 ? 1 : b->n_lines * 2;
        struct fake_line *lines = realloc(b->lines, cap * sizeof(*lines));
        if (lines == NULL) {
            return false;
        }
        b->lines = lines;
    }
    b->lines[b->n_lines++] = (struct fake_line){.id = id, .body = body};
    return true;
}

/* ---- what becomes of a line --------------------------------------------------------------------
 */

static struct fake_request request_of(struct fake_server *s, const struct fake_batch *b,
                                      const struct fake_line *line)
{
    struct fake_request r = {.method = {"POST", 4},
                             .path = b->path,
                             .query = {"", 0},
                             .headers = {b->headers, strlen(b->headers)},
                             .body = line->body};
    fake_request_read(s, &r);
    return r;
}

static void answer(struct fake_server *s, const struct fake_batch *b, const struct fake_request *r,
                   struct fake_answer *a)
{
    const struct fake_config *c = &s->config;
    struct fake_sight sight = {.number = 0, .body_hash = r->hash};
    fake_answer_make(s, r, b->api, fake_fault_draw(c->rules, c->n_rules, c->seed, &sight), a);
}

static void decide(struct fake_server *s, struct fake_batch *b, struct fake_line *line)
{
    const struct fake_config *c = &s->config;
    struct fake_request r = request_of(s, b, line);
    struct fake_error e = {0};
    struct fake_answer a;
    unsigned n_seen = fake_seen_add(&s->batches->seen, r.hash);
    uint64_t draw = fake_mix(fake_mix(r.hash ^ c->seed, 500), n_seen);
    uint64_t other = fake_mix(draw, 1);
    if (fake_check_body(s, &r, b->api, &e)) {
        line->outcome = FAKE_LINE_INVALID;
    } else if (draw % 1000000U < c->batch_error_ppm) {
        line->outcome = (enum fake_outcome)(FAKE_LINE_RATE + other % 3);
    } else if (other % 1000000U < c->batch_expire_ppm) {
        line->outcome = FAKE_LINE_EXPIRED;
    } else {
        answer(s, b, &r, &a);
        line->pico_usd = fake_price_pico(c, &a) / 2;
        fake_stats_pay(&s->stats, line->pico_usd);
        s->stats.tokens_in += a.tokens_in;
        s->stats.tokens_out += a.tokens_out;
        s->stats.n_paid_again += fake_seen_add(&s->paid, r.hash) > 0;
    }
    b->n_of[line->outcome]++;
}

static void check_ids(struct fake_batch *b)
{
    struct fake_seen ids = {0};
    for (size_t i = 0; i < b->n_lines; i++) {
        struct fake_span id = b->lines[i].id;
        if (id.n == 0) {
            b->failure = "missing custom_id";
        } else if (fake_seen_add(&ids, XXH3_64bits(id.p, id.n)) > 0) {
            b->failure = "duplicate custom_id";
        }
    }
    fake_seen_release(&ids);
}

void fake_batch_start(struct fake_server *s, struct fake_batch *b)
{
    if (b->failure == NULL && b->n_lines == 0) {
        b->failure = "no requests";
    }
    check_ids(b);
    if (s->stats.n_batches <= s->config.batch_fail) {
        b->failure = "Enqueued token limit reached for fake-model in organization org-fake.";
    }
    b->done_ms = s->now_us / 1000U + s->config.batch_ms;
    s->stats.n_batch_lines += b->n_lines;
    for (size_t i = 0; i < b->n_lines && b->failure == NULL; i++) {
        decide(s, b, &b->lines[i]);
    }
}

enum fake_batch_state fake_batch_state(const struct fake_server *s, const struct fake_batch *b)
{
    if (b->failure != NULL) {
        return FAKE_BATCH_FAILED;
    }
    bool is_over = b->is_canceled || s->now_us / 1000U >= b->done_ms;
    return is_over ? FAKE_BATCH_ENDED : FAKE_BATCH_RUNNING;
}

/* Half of what would have been answered is. */
void fake_batch_cancel(struct fake_server *s, struct fake_batch *b)
{
    if (fake_batch_state(s, b) != FAKE_BATCH_RUNNING) {
        return;
    }
    b->is_canceled = true;
    s->stats.n_batches_canceled++;
    for (size_t i = b->n_lines / 2; i < b->n_lines; i++) {
        struct fake_line *line = &b->lines[i];
        b->n_of[line->outcome]--;
        b->n_of[FAKE_LINE_CANCELED]++;
        line->outcome = FAKE_LINE_CANCELED;
        uint64_t micro = line->pico_usd / 1000000U;
        s->stats.micro_usd -= s->stats.micro_usd < micro ? s->stats.micro_usd : micro;
    }
}

struct fake_batch *fake_batch_find(struct fake_server *s, enum fake_api api, struct fake_span id)
{
    for (size_t i = 0; s->batches != NULL && i < s->batches->n; i++) {
        struct fake_batch *b = &s->batches->items[i];
        if (b->api == api && fake_span_is(id, b->id)) {
            return b;
        }
    }
    return NULL;
}

static size_t gcd(size_t a, size_t b)
{
    while (b != 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

const struct fake_line *fake_batch_shuffled(const struct fake_batch *b, size_t i)
{
    size_t stride = b->n_lines / 2 + 1;
    while (gcd(stride, b->n_lines) != 1) {
        stride++;
    }
    return &b->lines[(b->n_lines - 1 + i * stride) % b->n_lines];
}

int fake_batch_result(struct fake_server *s, const struct fake_batch *b,
                      const struct fake_line *line, struct fake_buf *out)
{
    static const enum fake_fault faults[FAKE_N_OUTCOMES] = {
        [FAKE_LINE_RATE] = FAKE_429, [FAKE_LINE_SERVER] = FAKE_500, [FAKE_LINE_INVALID] = FAKE_OK};
    struct fake_request r = request_of(s, b, line);
    struct fake_error e = {0};
    struct fake_answer a;
    if (line->outcome == FAKE_LINE_OK) {
        answer(s, b, &r, &a);
        fake_shape_of(b->api)->whole(out, &a);
        return 200;
    }
    if (line->outcome != FAKE_LINE_INVALID) {
        e = fake_error_of(faults[line->outcome], b->api, s->config.flavour);
    } else if (!fake_check_body(s, &r, b->api, &e)) {
        e = (struct fake_error){.status = 400,
                                .type = "invalid_request_error",
                                .code = "invalid_value",
                                .message = "Invalid value in the request.",
                                .flavour = s->config.flavour};
    }
    fake_shape_of(b->api)->error(out, &e);
    return e.status;
}

/* ---- common to the shapes ----------------------------------------------------------------------
 */

bool fake_batch_created(struct fake_server *s, const struct fake_batch *b, struct fake_reply *reply)
{
    (void)b;
    if (s->stats.n_batches == s->config.batch_cut) {
        reply->close_after = true;
        reply->reset = true;
        return true;
    }
    return fake_reply_finish(s, reply, 200, "", FAKE_BY_LENGTH);
}

struct fake_batch *fake_batch_next(struct fake_server *s, enum fake_api api, struct fake_span after,
                                   size_t *i)
{
    size_t n = s->batches == NULL ? 0 : s->batches->n;
    if (*i == 0 && after.n > 0) {
        const struct fake_batch *b = fake_batch_find(s, api, after);
        *i = b == NULL ? n : n - (size_t)(b - s->batches->items);
    }
    while (*i < n) {
        struct fake_batch *b = &s->batches->items[n - 1 - (*i)++];
        if (b->api == api) {
            return b;
        }
    }
    return NULL;
}

struct fake_span fake_query(const struct fake_request *r, const char *name)
{
    size_t n = strlen(name);
    const char *end = r->query.p + r->query.n;
    for (const char *p = r->query.p; p < end;) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        stop = stop == NULL ? end : stop;
        if ((size_t)(stop - p) > n && memcmp(p, name, n) == 0 && p[n] == '=') {
            return (struct fake_span){p + n + 1, (size_t)(stop - p) - n - 1};
        }
        p = stop + 1;
    }
    return (struct fake_span){"", 0};
}

void fake_put_instant(struct fake_buf *out, uint64_t unix_s)
{
    char text[40];
    struct tm tm;
    time_t when = (time_t)unix_s;
    if (gmtime_r(&when, &tm) != NULL && strftime(text, sizeof(text), "\"%FT%TZ\"", &tm) > 0) {
        fake_buf_puts(out, text);
    }
}

bool fake_batch_missing(struct fake_server *s, struct fake_reply *reply, enum fake_api api)
{
    struct fake_error e = {.status = 404,
                           .type = "invalid_request_error",
                           .code = "not_found",
                           .message = "No such batch or file.",
                           .flavour = s->config.flavour};
    s->extra.len = 0;
    return fake_reply_error(s, reply, api, &e);
}

bool fake_batch_route(struct fake_server *s, const struct fake_request *r, struct fake_reply *reply,
                      bool *ok)
{
    return fake_openai_batches(s, r, reply, ok) || fake_anthropic_batches(s, r, reply, ok) ||
           fake_gemini_batches(s, r, reply, ok);
}
