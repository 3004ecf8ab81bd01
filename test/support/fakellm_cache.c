#include "fakellm.h"

#include <string.h>
#include <xxhash.h>

struct prefix {
    uint64_t key;
    size_t bytes;
};

static uint64_t key_of(struct fake_span prefix, uint64_t salt)
{
    uint64_t key = fake_mix(XXH3_64bits(prefix.p, prefix.n), salt);
    return key == 0 ? 1 : key;
}

/* Up to each marker, over the system text and the messages, in the order of the body. */
static size_t claude_prefixes(const struct fake_members *m, uint64_t salt, struct prefix *out)
{
    static const char mark[] = "\"cache_control\"";
    struct fake_span system = fake_member(m, "system");
    struct fake_span messages = fake_member(m, "messages");
    const char *from = system.n > 0 ? system.p : messages.p;
    const char *end = messages.p + messages.n;
    size_t n = 0;
    if (system.n > 0 && (messages.n == 0 || messages.p < system.p)) {
        end = system.p + system.n;
    }
    for (const char *at = from; n < FAKE_PREFIXES_MAX && at < end;) {
        at = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1);
        if (at == NULL) {
            break;
        }
        struct fake_span prefix = {from, (size_t)(at - from)};
        out[n++] = (struct prefix){key_of(prefix, salt), prefix.n};
        at += sizeof(mark) - 1;
    }
    return n;
}

/* The system text alone, without being asked. */
static size_t automatic_prefix(const struct fake_members *m, enum fake_api api, uint64_t salt,
                               struct prefix *out)
{
    struct fake_span system = fake_member(m, "systemInstruction");
    if (api == FAKE_OPENAI) {
        struct fake_span first = {"", 0};
        size_t at = 0;
        if (!fake_array_next(fake_member(m, "messages"), &at, &first)) {
            return 0;
        }
        bool is_user = fake_span_is(fake_unquote(fake_member_of(first, "role")), "user");
        system = is_user ? (struct fake_span){"", 0} : first;
        struct fake_span routing = fake_member(m, "prompt_cache_key");
        salt = routing.n > 0 ? key_of(routing, salt) : salt;
    }
    if (system.n == 0) {
        return 0;
    }
    out[0] = (struct prefix){key_of(system, salt), system.n};
    return 1;
}

static bool has(const struct fake_seen *seen, uint64_t key)
{
    for (size_t i = seen->cap == 0 ? 0 : key & (seen->cap - 1); seen->cap > 0;
         i = (i + 1) & (seen->cap - 1)) {
        if (seen->keys[i] == key || seen->keys[i] == 0) {
            return seen->keys[i] == key;
        }
    }
    return false;
}

void fake_cache_ask(struct fake_server *s, const struct fake_request *r, enum fake_api api,
                    struct fake_reply *reply, struct fake_answer *a)
{
    struct prefix found[FAKE_PREFIXES_MAX];
    size_t n = 0;
    struct fake_span model = fake_request_model(s, r, api);
    uint64_t salt = XXH3_64bits(model.p, model.n);
    if (api == FAKE_ANTHROPIC) {
        n = claude_prefixes(&s->members, salt, found);
    } else if (api == FAKE_OPENAI || api == FAKE_GEMINI) {
        n = automatic_prefix(&s->members, api, salt, found);
    }
    size_t read_bytes = 0;
    size_t whole_bytes = 0;
    bool is_missed = false;
    for (size_t i = 0; i < n; i++) {
        if (found[i].bytes / 4 < s->config.cache_min_tokens) {
            continue;
        }
        whole_bytes = found[i].bytes;
        if (has(&s->cached, found[i].key)) {
            read_bytes = found[i].bytes;
            continue;
        }
        is_missed = is_missed || fake_seen_add(&s->prefixes, found[i].key) > 0;
        reply->prefixes[reply->n_prefixes++] = found[i].key;
    }
    if (whole_bytes == 0) {
        return;
    }
    a->tokens_cached = read_bytes / 4;
    a->tokens_written = whole_bytes / 4 - a->tokens_cached;
    s->stats.n_cache_reads += read_bytes > 0;
    s->stats.n_cache_writes += whole_bytes > read_bytes;
    s->stats.n_cache_misses += is_missed;
    s->stats.tokens_cached += a->tokens_cached;
    s->stats.tokens_written += a->tokens_written;
}

void fake_cache_fill(struct fake_server *s, const struct fake_reply *reply)
{
    for (size_t i = 0; i < reply->n_prefixes && reply->status == 200; i++) {
        (void)fake_seen_add(&s->cached, reply->prefixes[i]);
    }
}
