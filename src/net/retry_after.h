/*
 * How long a server asks us to wait: the texts of retry-after, retry-after-ms and the
 * x-ratelimit-reset-* headers, and of Gemini's retryDelay, as milliseconds.
 *
 * Pure functions: the time is passed in (`now_unix_ms`, since 1970 UTC). All of them return false
 * and leave their output alone when the text says nothing usable: empty, malformed, negative, or a
 * moment that is past. Waits are cut at GEN_WAIT_MS_MAX; whether so long a wait is worth it is the
 * caller's decision.
 */
#ifndef GEN_NET_RETRY_AFTER_H
#define GEN_NET_RETRY_AFTER_H

#include "base/str.h"

#include <stdint.h>

#define GEN_WAIT_MS_MAX (UINT64_C(366) * 24 * 3600 * 1000)

/* The wait that an answer demands. `retry_after_ms` (a number of milliseconds, "1500" or "1500.5")
 * goes before `retry_after` (RFC 9110 10.2.3: a number of seconds, here with a fraction too, or an
 * HTTP date); either may be empty. 0 is a wait. Fractions of a millisecond are rounded up. */
bool gen_retry_after(struct gen_str retry_after_ms, struct gen_str retry_after, int64_t now_unix_ms,
                     uint64_t *wait_ms);

/* The time until a limit is full again: a duration ("6m0s"), an RFC 3339 time stamp (Anthropic), or
 * a number of seconds. Note that it is not the time that one must wait. */
bool gen_limit_reset(struct gen_str text, int64_t now_unix_ms, uint64_t *wait_ms);

/* A duration as Go writes it: numbers with units h, m, s, ms, us (or µs), ns, the larger before the
 * smaller ones ("1h2m3s", "6ms", "1.5s", "9h54m12.7s"); "0" is one too. Rounded up to
 * milliseconds. */
bool gen_duration_parse(struct gen_str text, uint64_t *duration_ms);

/* Milliseconds since 1970 of an RFC 3339 time stamp ("2026-01-02T03:04:05.678Z",
 * "...+02:00"; a blank may stand for the T). */
bool gen_rfc3339_parse(struct gen_str text, int64_t *unix_ms);

/* The same of an HTTP date in any of the three forms of RFC 9110 5.6.7. */
bool gen_http_date_parse(struct gen_str text, int64_t *unix_ms);

#endif
