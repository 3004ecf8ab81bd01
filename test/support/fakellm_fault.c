#include "fakellm.h"

#include <stdlib.h>
#include <string.h>

struct fault_kind {
    const char *name;
    int status;   /* 0: the client sees none */
    bool by_body; /* a fault of the model's text: the same for the same body */
};

static const struct fault_kind fake_fault_kinds[FAKE_N_FAULTS] = {
    [FAKE_OK] = {"ok", 200, false},
    [FAKE_REFUSE] = {"refuse", 0, false},         /* reset, and no listening for --refuse-ms */
    [FAKE_CLOSE] = {"close", 0, false},           /* closed before the headers */
    [FAKE_RESET] = {"reset", 0, false},           /* the same with RST */
    [FAKE_HANG] = {"hang", 0, false},             /* no answer ever */
    [FAKE_SLOW] = {"slow", 200, false},           /* one byte each --slow-ms */
    [FAKE_CUT] = {"cut", 200, false},             /* closed short of Content-Length */
    [FAKE_CUTCHUNK] = {"cutchunk", 200, false},   /* closed without the last chunk */
    [FAKE_CUTCLOSE] = {"cutclose", 200, false},   /* no length, closed in mid body */
    [FAKE_CHUNKED] = {"chunked", 200, false},     /* no fault: chunked encoding */
    [FAKE_429] = {"429", 429, false},             /* Retry-After in seconds */
    [FAKE_429MS] = {"429ms", 429, false},         /* retry-after-ms */
    [FAKE_429DATE] = {"429date", 429, false},     /* Retry-After as a date */
    [FAKE_429BARE] = {"429bare", 429, false},     /* no header */
    [FAKE_429ABSURD] = {"429absurd", 429, false}, /* Retry-After of a century */
    [FAKE_429QUOTA] = {"429quota", 429, false},   /* insufficient_quota: never retry */
    [FAKE_429CREDIT] = {"429credit", 429, false}, /* the same in other words */
    [FAKE_SLOWDOWN] = {"slowdown", 429, false},   /* within the limits, but growing too fast */
    [FAKE_402] = {"402", 402, false},
    [FAKE_402RETRY] = {"402retry", 402, false}, /* Retry-After: may be tried again */
    [FAKE_400CREDIT] = {"400credit", 400, false},
    [FAKE_500] = {"500", 500, false},
    [FAKE_500NORETRY] = {"500noretry", 500, false}, /* x-should-retry: false */
    [FAKE_500HTML] = {"500html", 520, false},       /* a page of a proxy */
    [FAKE_502] = {"502", 502, false},
    [FAKE_503] = {"503", 503, false},
    [FAKE_504] = {"504", 504, false},
    [FAKE_529] = {"529", 529, false},
    [FAKE_400CTX] = {"400ctx", 400, false},
    [FAKE_400PARAM] = {"400param", 400, false}, /* while the request has the field */
    [FAKE_401] = {"401", 401, false},
    [FAKE_403] = {"403", 403, false},
    [FAKE_408] = {"408", 408, false},
    [FAKE_409] = {"409", 409, false},
    [FAKE_498] = {"498", 498, false},
    [FAKE_404MODEL] = {"404model", 404, false},
    [FAKE_200ERROR] = {"200error", 200, false},
    [FAKE_NOCHOICES] = {"nochoices", 200, false},
    [FAKE_LENGTH] = {"length", 200, true},
    [FAKE_REFUSAL] = {"refusal", 200, true},           /* each provider's own; Gemini: the prompt */
    [FAKE_FILTER] = {"filter", 200, true},             /* content filter, SAFETY */
    [FAKE_RECITATION] = {"recitation", 200, true},     /* Gemini */
    [FAKE_CTXWINDOW] = {"ctxwindow", 200, true},       /* Anthropic: window full in mid answer */
    [FAKE_CONTINUATION] = {"continuation", 200, true}, /* Gemini: the answer in two halves */
    [FAKE_ABORT] = {"abort", 200, false}, /* vLLM; an unknown finish reason elsewhere */
    [FAKE_NOUSAGE] = {"nousage", 200, true},
    [FAKE_EMPTY] = {"empty", 200, false},
    [FAKE_FENCED] = {"fenced", 200, true},
    [FAKE_PROSE] = {"prose", 200, true},
    [FAKE_NONJSON] = {"nonjson", 200, true},
    [FAKE_MISSING] = {"missing", 200, true},
    [FAKE_WRONGTYPE] = {"wrongtype", 200, true},
    [FAKE_NESTED] = {"nested", 200, true},
    [FAKE_DUPKEYS] = {"dupkeys", 200, true},
    [FAKE_SURROGATE] = {"surrogate", 200, true},
    [FAKE_BADUTF8] = {"badutf8", 200, false},
    [FAKE_BIG] = {"big", 200, false},
    [FAKE_BIG10] = {"big10", 200, false},
    [FAKE_GZIP] = {"gzip", 200, false},         /* compressed, asked for or not */
    [FAKE_BLANKS] = {"blanks", 200, false},     /* blank lines before the body */
    [FAKE_CHUNK1] = {"chunk1", 200, false},     /* chunks of one byte */
    [FAKE_BYTEWISE] = {"bytewise", 200, false}, /* one byte in each write, at once */
    [FAKE_CUTHEAD] = {"cuthead", 200, false},   /* closed after the headers */
    [FAKE_DEADKEEP] = {"deadkeep", 200, false}, /* closed without an answer if it was kept alive */
    /* of streams; without effect on whole answers */
    [FAKE_SSECOMMENTS] = {"ssecomments", 200, false},
    [FAKE_SSECRLF] = {"ssecrlf", 200, false},
    [FAKE_SSEUTF8] = {"sseutf8", 200, false},     /* writes end inside of characters */
    [FAKE_SSEERROR] = {"sseerror", 200, false},   /* an error event after two deltas */
    [FAKE_SSENODONE] = {"ssenodone", 200, false}, /* without the closing event */
    [FAKE_SSECUT] = {"ssecut", 200, false},       /* a whole body that ends after two deltas */
    [FAKE_SSETWO] = {"ssetwo", 200, false},       /* two events in a write */
    [FAKE_SSESTALL] = {"ssestall", 200, false},   /* --stall-ms in the middle */
    [FAKE_CONTENTTYPE] = {"contenttype", 200, false},
    [FAKE_REDIRECT] = {"redirect", 302, false},
    [FAKE_CLOSEAFTER] = {"closeafter", 200, false},
    [FAKE_IDLECLOSE] = {"idleclose", 200, false}, /* kept alive, closed after --idle-ms */
    [FAKE_LATE] = {"late", 200, false},           /* after --late-ms */
};

const char *fake_fault_name(enum fake_fault fault)
{
    return fake_fault_kinds[fault].name;
}

int fake_fault_status(enum fake_fault fault)
{
    return fake_fault_kinds[fault].status;
}

static bool parse_range(const char *text, struct fake_rule *out)
{
    if (!fake_number(&text, &out->first) || out->first == 0) {
        return false;
    }
    out->last = out->first;
    if (*text == '\0') {
        return true;
    }
    if (*text++ != '-') {
        return false;
    }
    if (*text == '\0') {
        out->last = UINT64_MAX;
        return true;
    }
    return fake_number(&text, &out->last) && *text == '\0' && out->last >= out->first;
}

bool fake_rule_parse(const char *text, struct fake_rule *out)
{
    size_t n = strcspn(text, ":@%#");
    struct fake_rule rule = {0};
    for (size_t i = 1; i < FAKE_N_FAULTS; i++) {
        if (fake_span_is((struct fake_span){text, n}, fake_fault_kinds[i].name)) {
            rule.fault = (enum fake_fault)i;
        }
    }
    if (rule.fault == FAKE_OK) {
        return false;
    }
    if (text[n] == '%' || text[n] == '#') {
        const char *number = text + n + 1;
        uint64_t *to = text[n] == '%' ? &rule.every : &rule.sights;
        if (!fake_number(&number, to) || *number != '\0' || *to == 0) {
            return false;
        }
    } else if (text[n] == '@') {
        if (!parse_range(text + n + 1, &rule)) {
            return false;
        }
    } else {
        char *end = NULL;
        rule.probability = text[n] == ':' ? strtod(text + n + 1, &end) : 1.0;
        bool whole = text[n] == '\0' || (end != text + n + 1 && *end == '\0');
        if (!whole || !(rule.probability >= 0.0 && rule.probability <= 1.0)) {
            return false;
        }
    }
    *out = rule;
    return true;
}

/* Rules that say when; `*is_timed` is false for those by probability. */
static bool timed_hit(const struct fake_rule *r, const struct fake_sight *sight, bool *is_timed)
{
    *is_timed = true;
    if (r->every > 0) {
        return sight->number > 0 && sight->number % r->every == 0;
    }
    if (r->sights > 0) {
        return sight->n_seen < r->sights;
    }
    if (r->first > 0) {
        return sight->number >= r->first && sight->number <= r->last;
    }
    *is_timed = false;
    return false;
}

enum fake_fault fake_fault_draw(const struct fake_rule *rules, size_t n_rules, uint64_t seed,
                                const struct fake_sight *sight)
{
    for (size_t i = 0; i < n_rules; i++) {
        const struct fake_rule *r = &rules[i];
        bool by_body = fake_fault_kinds[r->fault].by_body;
        bool is_timed = false;
        if (sight->number == 0 && !by_body) {
            continue;
        }
        if (timed_hit(r, sight, &is_timed)) {
            return r->fault;
        }
        if (is_timed) {
            continue;
        }
        uint64_t n_seen = by_body ? 0 : sight->n_seen;
        uint64_t h = fake_mix(fake_mix(sight->body_hash ^ seed, 100 + i), n_seen);
        if ((double)(h >> 11) * 0x1.0p-53 < r->probability) {
            return r->fault;
        }
    }
    return FAKE_OK;
}
