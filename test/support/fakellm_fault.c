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
    [FAKE_500] = {"500", 500, false},
    [FAKE_502] = {"502", 502, false},
    [FAKE_503] = {"503", 503, false},
    [FAKE_504] = {"504", 504, false},
    [FAKE_529] = {"529", 529, false},
    [FAKE_400CTX] = {"400ctx", 400, false},
    [FAKE_400PARAM] = {"400param", 400, false}, /* while the request has the field */
    [FAKE_401] = {"401", 401, false},
    [FAKE_404MODEL] = {"404model", 404, false},
    [FAKE_200ERROR] = {"200error", 200, false},
    [FAKE_NOCHOICES] = {"nochoices", 200, false},
    [FAKE_LENGTH] = {"length", 200, true},
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
    size_t n = strcspn(text, ":@");
    struct fake_rule rule = {0};
    for (size_t i = 1; i < FAKE_N_FAULTS; i++) {
        if (fake_span_is((struct fake_span){text, n}, fake_fault_kinds[i].name)) {
            rule.fault = (enum fake_fault)i;
        }
    }
    if (rule.fault == FAKE_OK) {
        return false;
    }
    if (text[n] == '@') {
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

enum fake_fault fake_fault_draw(const struct fake_rule *rules, size_t n_rules, uint64_t seed,
                                uint64_t number, uint64_t body_hash, unsigned n_seen)
{
    for (size_t i = 0; i < n_rules; i++) {
        const struct fake_rule *r = &rules[i];
        if (r->first > 0) {
            if (number >= r->first && number <= r->last) {
                return r->fault;
            }
            continue;
        }
        uint64_t sight = fake_fault_kinds[r->fault].by_body ? 0 : n_seen;
        uint64_t h = fake_mix(fake_mix(body_hash ^ seed, 100 + i), sight);
        if ((double)(h >> 11) * 0x1.0p-53 < r->probability) {
            return r->fault;
        }
    }
    return FAKE_OK;
}
