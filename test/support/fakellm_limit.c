#include "fakellm.h"

#include <time.h>

static void fill(struct fake_server *s)
{
    struct fake_limits *l = &s->limits;
    const struct fake_config *c = &s->config;
    double burst = (double)c->burst_s / 60.0;
    double requests_max = (double)c->rpm * burst < 1.0 ? 1.0 : (double)c->rpm * burst;
    double tokens_max = (double)c->tpm * burst;
    if (!l->is_filled) {
        *l = (struct fake_limits){requests_max, tokens_max, s->now_us, true};
        return;
    }
    double minutes = (double)(s->now_us - l->filled_us) / 60e6;
    l->filled_us = s->now_us;
    l->requests += minutes * (double)c->rpm;
    l->tokens += minutes * (double)c->tpm;
    l->requests = l->requests > requests_max ? requests_max : l->requests;
    l->tokens = l->tokens > tokens_max ? tokens_max : l->tokens;
}

static double minutes_until(double have, double want, unsigned per_minute)
{
    return per_minute == 0 || have >= want ? 0.0 : (want - have) / (double)per_minute;
}

bool fake_limit_take(struct fake_server *s, size_t tokens, uint64_t *wait_ms)
{
    const struct fake_config *c = &s->config;
    struct fake_limits *l = &s->limits;
    *wait_ms = 0;
    if (c->rpm == 0 && c->tpm == 0) {
        return true;
    }
    fill(s);
    double by_requests = minutes_until(l->requests, 1.0, c->rpm);
    double by_tokens = minutes_until(l->tokens, (double)tokens, c->tpm);
    double wait = by_requests > by_tokens ? by_requests : by_tokens;
    if (wait > 0.0) {
        *wait_ms = (uint64_t)(wait * 60000.0) + 1;
        l->requests -= c->charge_refused ? 1.0 : 0.0;
        s->stats.n_limited++;
        return false;
    }
    l->requests -= 1.0;
    l->tokens -= (double)tokens;
    return true;
}

void fake_limit_spend(struct fake_server *s, size_t tokens)
{
    s->limits.tokens -= (double)tokens;
}

/* As OpenAI writes it: 6ms, 1.5s, 6m0s. */
static void put_duration(struct fake_buf *out, const char *name, double minutes)
{
    double ms = minutes * 60000.0;
    if (ms < 1000.0) {
        fake_buf_printf(out, "%s: %.0fms\r\n", name, ms);
    } else if (ms < 60000.0) {
        fake_buf_printf(out, "%s: %.3gs\r\n", name, ms / 1000.0);
    } else {
        fake_buf_printf(out, "%s: %um%us\r\n", name, (unsigned)(ms / 60000.0),
                        (unsigned)((unsigned long)(ms / 1000.0) % 60UL));
    }
}

static void put_instant(struct fake_buf *out, const char *name, double minutes)
{
    char text[40];
    struct tm tm;
    time_t when = time(NULL) + (time_t)(minutes * 60.0) + 1;
    if (gmtime_r(&when, &tm) != NULL && strftime(text, sizeof(text), "%FT%TZ", &tm) > 0) {
        fake_buf_printf(out, "%s: %s\r\n", name, text);
    }
}

static void put_bucket(struct fake_buf *out, enum fake_api api, const char *what, unsigned limit,
                       double left, double full)
{
    char name[80];
    bool is_claude = api == FAKE_ANTHROPIC;
    const char *head = is_claude ? "anthropic-ratelimit-" : "x-ratelimit-";
    unsigned remaining = left < 0.0 ? 0 : (unsigned)left;
    if (is_claude) {
        fake_buf_printf(out, "%s%s-limit: %u\r\n%s%s-remaining: %u\r\n", head, what, limit, head,
                        what, remaining);
        (void)snprintf(name, sizeof(name), "%s%s-reset", head, what);
        put_instant(out, name, minutes_until(left, full, limit));
    } else {
        fake_buf_printf(out, "%slimit-%s: %u\r\n%sremaining-%s: %u\r\n", head, what, limit, head,
                        what, remaining);
        (void)snprintf(name, sizeof(name), "%sreset-%s", head, what);
        put_duration(out, name, minutes_until(left, full, limit));
    }
}

void fake_limit_headers(struct fake_server *s, enum fake_api api)
{
    const struct fake_config *c = &s->config;
    double burst = (double)c->burst_s / 60.0;
    if (api != FAKE_OPENAI && api != FAKE_ANTHROPIC) {
        return;
    }
    if (c->rpm > 0) {
        put_bucket(&s->extra, api, "requests", c->rpm, s->limits.requests, (double)c->rpm * burst);
    }
    if (c->tpm > 0) {
        put_bucket(&s->extra, api, "tokens", c->tpm, s->limits.tokens, (double)c->tpm * burst);
        if (api == FAKE_ANTHROPIC) {
            put_bucket(&s->extra, api, "input-tokens", c->tpm, s->limits.tokens,
                       (double)c->tpm * burst);
        }
    }
}

void fake_limit_refuse(struct fake_server *s, enum fake_api api, uint64_t wait_ms)
{
    if (api == FAKE_GEMINI) {
        return; /* says it in the body */
    }
    if (api == FAKE_OPENAI) {
        fake_buf_printf(&s->extra, "retry-after-ms: %llu\r\n", (unsigned long long)wait_ms);
    }
    fake_buf_printf(&s->extra, "retry-after: %llu\r\n",
                    (unsigned long long)((wait_ms + 999) / 1000));
}

bool fake_in_phase(const struct fake_server *s)
{
    const struct fake_config *c = &s->config;
    uint64_t now_ms = s->now_us / 1000U;
    uint64_t since_ms = s->first_ms == 0 || now_ms < s->first_ms ? 0 : now_ms - s->first_ms;
    return since_ms >= c->fault_from_ms && (c->fault_until_ms == 0 || since_ms < c->fault_until_ms);
}

void fake_seconds_write(struct fake_buf *out, const struct fake_second *seconds, size_t n)
{
    static const char *const names[] = {"good", "limited", "failed"};
    for (size_t kind = 0; kind < 3; kind++) {
        fake_buf_printf(out, "%s\"%s\":[", kind == 0 ? "{" : ",", names[kind]);
        for (size_t i = 0; i < n; i++) {
            const uint32_t values[] = {seconds[i].n_good, seconds[i].n_limited,
                                       seconds[i].n_failed};
            if (i > 0) {
                fake_buf_char(out, ',');
            }
            fake_buf_uint(out, values[kind]);
        }
        fake_buf_char(out, ']');
    }
    fake_buf_puts(out, "}\n");
}
