#include "ui/ui_int.h"

#include <inttypes.h>
#include <stdio.h>

#define OUT_BYTES   32
#define SECONDS_MAX 8.64e8 /* 10,000 days */

void gen_ui_number(char *out, int64_t n)
{
    char digits[24];
    uint64_t magnitude = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    int n_digits = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);
    size_t at = 0;
    if (n < 0)
        out[at++] = '-';
    for (int i = 0; i < n_digits; i++) {
        if (i > 0 && (n_digits - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void gen_ui_short_number(char *out, int64_t n)
{
    static const struct {
        double size;
        char letter;
    } units[] = {{1e3, 'k'}, {1e6, 'M'}, {1e9, 'G'}, {1e12, 'T'}};
    if (n < 1000) {
        gen_ui_number(out, n);
        return;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        double value = (double)n / units[i].size;
        /* 999,950 is not "1000.0k": what rounds up to the next unit is written in it. */
        if (value < 99.95) {
            (void)snprintf(out, OUT_BYTES, "%.1f%c", value, units[i].letter);
            return;
        }
        if (value < 999.5) {
            (void)snprintf(out, OUT_BYTES, "%.0f%c", value, units[i].letter);
            return;
        }
    }
    gen_ui_number(out, n / 1000000000000);
    size_t end = strlen(out);
    (void)snprintf(out + end, OUT_BYTES - end, "T");
}

static void whole_duration(char *out, uint64_t seconds)
{
    unsigned long long s = seconds;
    if (s < 60)
        (void)snprintf(out, OUT_BYTES, "%llus", s);
    else if (s < 3600)
        (void)snprintf(out, OUT_BYTES, "%llum %02llus", s / 60, s % 60);
    else if (s < 86400)
        (void)snprintf(out, OUT_BYTES, "%lluh %02llum", s / 3600, s / 60 % 60);
    else
        (void)snprintf(out, OUT_BYTES, "%llud %02lluh", s / 86400, s / 3600 % 24);
}

void gen_ui_duration(char *out, double seconds)
{
    /* Written so that NaN is nothing too. */
    if (!(seconds > 0))
        (void)snprintf(out, OUT_BYTES, "0s");
    else if (seconds < 0.9995)
        (void)snprintf(out, OUT_BYTES, "%.0fms", seconds * 1e3);
    else if (seconds < 9.95)
        (void)snprintf(out, OUT_BYTES, "%.1fs", seconds);
    else
        whole_duration(out, (uint64_t)((seconds < SECONDS_MAX ? seconds : SECONDS_MAX) + 0.5));
}

void gen_ui_money(char *out, int64_t microusd)
{
    if (microusd < 0) {
        (void)snprintf(out, OUT_BYTES, "unknown");
        return;
    }
    uint64_t micro = (uint64_t)microusd;
    uint64_t cents = (micro + 5000) / 10000;
    if (micro == 0 || micro >= 999950) {
        char whole[OUT_BYTES];
        gen_ui_number(whole, (int64_t)(cents / 100));
        (void)snprintf(out, OUT_BYTES, "$%.22s.%02u", whole, (unsigned)(cents % 100));
    } else if (micro >= 10000) {
        (void)snprintf(out, OUT_BYTES, "$0.%04u", (unsigned)((micro + 50) / 100));
    } else {
        (void)snprintf(out, OUT_BYTES, "$0.%06u", (unsigned)micro);
    }
}

void gen_ui_answer_rate(char *out, double per_second)
{
    if (per_second >= 99.95)
        (void)snprintf(out, OUT_BYTES, "%.0f answers/s", per_second);
    else if (per_second >= 0.95)
        (void)snprintf(out, OUT_BYTES, "%.1f answers/s", per_second);
    else
        (void)snprintf(out, OUT_BYTES, "%.1f answers/min", per_second * 60);
}

static uint64_t round_up(uint64_t n, uint64_t step)
{
    return (n + step - 1) / step * step;
}

void gen_ui_time_left(char *out, double seconds)
{
    uint64_t s = (uint64_t)(seconds < SECONDS_MAX ? seconds : SECONDS_MAX) + 1;
    char text[OUT_BYTES];
    if (s <= 10) {
        (void)snprintf(out, OUT_BYTES, "a few seconds left");
        return;
    }
    if (s <= 55)
        (void)snprintf(text, sizeof(text), "%us", (unsigned)round_up(s, 5));
    else if (s <= 59 * 60)
        (void)snprintf(text, sizeof(text), "%um", (unsigned)(round_up(s, 60) / 60));
    else if (s < 86400 - 300)
        whole_duration(text, round_up(s, 300));
    else
        whole_duration(text, round_up(s, 3600));
    (void)snprintf(out, OUT_BYTES, "about %.15s left", text);
}

void gen_ui_waiting(char *out, size_t n, uint64_t seconds, const char *why)
{
    (void)snprintf(out, n, "waiting %" PRIu64 " s%s%s", seconds, why ? ": " : "", why ? why : "");
}

const char *gen_ui_class_words(const char *class_name)
{
    static const struct {
        const char *name, *words;
    } classes[] = {
        {"rate_limit", "the server told us to slow down"},
        {"overload", "the server was too busy"},
        {"server_error", "the server failed"},
        {"transport", "no whole answer from the server"},
        {"quota", "the account has no money or quota left"},
        {"auth", "the server refused the key"},
        {"context_overflow", "too long for the model's context"},
        {"unsupported_param", "the model does not take one of the settings"},
        {"bad_request", "the server rejected the request"},
        {"blocked", "the model refused, or a content filter did"},
        {"truncated", "the answer was cut at the token limit"},
        {"malformed", "the model's answer did not fit"},
        {"answer_disputed", "the reasoning ends in another answer"},
        {"unsound_steps", "the steps did not pass the checks"},
        {"no_native_reasoning", "the model returned no thinking"},
        {"canceled", "stopped before the answer came"},
    };
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strcmp(classes[i].name, class_name) == 0)
            return classes[i].words;
    }
    return NULL;
}
