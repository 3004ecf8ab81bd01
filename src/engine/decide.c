#include "engine/decide.h"

#define BACKOFF_BASE_MS 1000U
#define BACKOFF_MAX_MS  60000U
#define FREE_RETRIES    3U
#define PARAMS_MAX      6U

static uint64_t backoff(unsigned n, int64_t least_ms, struct gen_prng *random)
{
    uint64_t ceiling = n < 6 ? (uint64_t)BACKOFF_BASE_MS << n : BACKOFF_MAX_MS;
    if (ceiling > BACKOFF_MAX_MS)
        ceiling = BACKOFF_MAX_MS;
    uint64_t wait = gen_prng_below(random, ceiling) + 1;
    if (least_ms > 0)
        /* Those who were told the same time would otherwise all come back in the same millisecond.
         */
        wait = (uint64_t)least_ms + gen_prng_below(random, (uint64_t)least_ms / 10 + 100);
    return wait;
}

static struct gen_decision retry_failure(const struct gen_llm_result *r, struct gen_call_history *h,
                                         bool lane_is_down, struct gen_prng *random)
{
    if (r->retry_is_free && h->n_free++ < FREE_RETRIES)
        return (struct gen_decision){GEN_ACT_RETRY, 0};
    if (lane_is_down && r->class_code == GEN_CLASS_TRANSPORT)
        return (struct gen_decision){GEN_ACT_RETRY, backoff(1, r->retry_after_ms, random)};
    if (++h->n_failures >= GEN_RETRY_FAILURES)
        return (struct gen_decision){GEN_ACT_GIVE_UP, 0};
    return (struct gen_decision){GEN_ACT_RETRY,
                                 backoff(h->n_failures - 1, r->retry_after_ms, random)};
}

struct gen_decision gen_decide(const struct gen_llm_result *r, struct gen_call_history *h,
                               bool lane_is_down, struct gen_prng *random)
{
    if (r->stop_provider)
        return (struct gen_decision){GEN_ACT_GIVE_UP, 0};
    switch (r->class_code) {
    case GEN_CLASS_OK:
    case GEN_CLASS_MALFORMED:
        return (struct gen_decision){GEN_ACT_ACCEPT, 0};
    case GEN_CLASS_RATE_LIMIT:
    case GEN_CLASS_OVERLOAD:
        if (r->should_retry == 0)
            return (struct gen_decision){GEN_ACT_GIVE_UP, 0};
        if (r->retry_after_ms <= 0 && !lane_is_down && ++h->n_waits >= GEN_RETRY_WAITS)
            return (struct gen_decision){GEN_ACT_GIVE_UP, 0};
        return (struct gen_decision){GEN_ACT_RETRY, backoff(h->n_waits, r->retry_after_ms, random)};
    case GEN_CLASS_SERVER_ERROR:
    case GEN_CLASS_TRANSPORT:
    case GEN_CLASS_CONTINUE: /* more parts than an answer may have */
        return r->should_retry == 0 ? (struct gen_decision){GEN_ACT_GIVE_UP, 0}
                                    : retry_failure(r, h, lane_is_down, random);
    case GEN_CLASS_UNSUPPORTED_PARAM:
        if (h->n_params++ < PARAMS_MAX)
            return (struct gen_decision){GEN_ACT_DROP_PARAM, 0};
        return (struct gen_decision){GEN_ACT_GIVE_UP, 0};
    case GEN_CLASS_TRUNCATED:
        if (h->n_shorter++ < 1)
            return (struct gen_decision){GEN_ACT_FEWER, 0};
        return (struct gen_decision){GEN_ACT_GIVE_UP, 0};
    case GEN_CLASS_BLOCKED:
        if (r->try_other_seed && h->n_blocked++ == 0)
            return (struct gen_decision){GEN_ACT_OTHER_SEED, 0};
        break;
    case GEN_CLASS_NONE:
    case GEN_CLASS_QUOTA:
    case GEN_CLASS_AUTH:
    case GEN_CLASS_CONTEXT_OVERFLOW:
    case GEN_CLASS_BAD_REQUEST:
    case GEN_CLASS_CANCELED:
    case GEN_N_CLASSES:
        break;
    }
    return (struct gen_decision){GEN_ACT_GIVE_UP, 0};
}
