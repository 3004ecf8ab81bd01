#include "llm/error_body.h"

#include "base/num.h"
#include "net/retry_after.h"

/* "message" may itself be an object with "detail" (Mistral): no deeper than this. */
#define NESTING_MAX 3

static struct gen_str first_str(const struct gen_json *object, const char *const *keys)
{
    for (; *keys; keys++) {
        struct gen_str s = gen_json_get_str(object, *keys);
        if (s.n)
            return s;
    }
    return (struct gen_str){NULL, 0};
}

/* FastAPI: [{"type":"extra_forbidden","loc":["body","seed"],"msg":"..."}]. */
static void read_fastapi(const struct gen_json *list, struct gen_error_body *e)
{
    const struct gen_json *first = gen_json_at(list, 0);
    const struct gen_json *loc = gen_json_get(first, "loc");
    e->message = gen_json_get_str(first, "msg");
    e->type = gen_json_get_str(first, "type");
    /* The second one is the body's field; what follows lies within it. */
    (void)gen_json_as_str(gen_json_at(loc, gen_json_count(loc) > 1 ? 1 : 0), &e->param);
}

static void read_message(const struct gen_json *v, struct gen_error_body *e)
{
    static const char *const keys[] = {"message", "detail", "error", "msg", NULL};
    for (int depth = 0; depth < NESTING_MAX && v; depth++) {
        if (gen_json_as_str(v, &e->message))
            return;
        if (gen_json_type(v) == GEN_JSON_ARRAY) {
            if (gen_json_get(gen_json_at(v, 0), "msg"))
                read_fastapi(v, e);
            else
                (void)gen_json_as_str(gen_json_at(v, 0), &e->message);
            return;
        }
        const struct gen_json *next = NULL;
        for (size_t i = 0; keys[i] && !next; i++)
            next = gen_json_get(v, keys[i]);
        v = next;
    }
}

static void read_violations(const struct gen_json *violations, struct gen_error_body *e)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *v;
    gen_json_iter_init(&it, violations);
    while (gen_json_iter_next(&it, &key, &v)) {
        if (gen_str_find_nocase(gen_json_get_str(v, "quotaId"), GEN_STR("PerDay"), 0) != SIZE_MAX)
            e->is_per_day = true;
    }
}

/* Google's list of typed details. */
static void read_google_details(const struct gen_json *details, struct gen_error_body *e)
{
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *d;
    gen_json_iter_init(&it, details);
    while (gen_json_iter_next(&it, &key, &d)) {
        struct gen_str type = gen_json_get_str(d, "@type");
        uint64_t delay_ms = 0;
        if (gen_str_ends(type, GEN_STR("RetryInfo")) &&
            gen_duration_parse(gen_json_get_str(d, "retryDelay"), &delay_ms) &&
            (int64_t)delay_ms > e->delay_ms)
            e->delay_ms = (int64_t)delay_ms;
        else if (gen_str_ends(type, GEN_STR("QuotaFailure")))
            read_violations(gen_json_get(d, "violations"), e);
        else if (gen_str_ends(type, GEN_STR("ErrorInfo")))
            e->reason = gen_json_get_str(d, "reason");
    }
}

static void read_details(const struct gen_json *error, struct gen_error_body *e)
{
    const struct gen_json *details = gen_json_get(error, "details");
    if (gen_json_type(details) == GEN_JSON_ARRAY)
        read_google_details(details, e);
    else
        e->error_code = gen_json_get_str(details, "error_code");
    const struct gen_json *metadata = gen_json_get(error, "metadata");
    const struct gen_json *reasons = gen_json_get(metadata, "reasons");
    e->is_moderated = gen_json_count(reasons) > 0;
    if (e->is_moderated)
        (void)gen_json_as_str(gen_json_at(reasons, 0), &e->reason);
    e->raw = gen_json_get_str(metadata, "raw");
}

static void read_object(const struct gen_json *error, struct gen_error_body *e)
{
    static const char *const types[] = {"type", "error_type", NULL};
    static const char *const messages[] = {"message", "detail", "msg", "error", NULL};
    for (size_t i = 0; messages[i] && e->message.n == 0; i++)
        read_message(gen_json_get(error, messages[i]), e);
    if (e->type.n == 0)
        e->type = first_str(error, types);
    const struct gen_json *code = gen_json_get(error, "code");
    /* "1300" and "429" are numbers in the clothes of strings. */
    if (!gen_json_as_str(code, &e->code))
        (void)gen_json_as_int(code, &e->code_number);
    else if (gen_num_i64(e->code, 0, 599, "a status", &e->code_number, NULL))
        e->code_number = -1;
    if (e->param.n == 0)
        e->param = gen_json_get_str(error, "param");
    e->status = gen_json_get_str(error, "status");
    (void)gen_json_as_int(gen_json_get(error, "n_prompt_tokens"), &e->n_prompt);
    (void)gen_json_as_int(gen_json_get(error, "n_ctx"), &e->n_ctx);
    read_details(error, e);
}

bool gen_error_body_read(const struct gen_json *root, struct gen_error_body *e)
{
    memset(e, 0, sizeof(*e));
    e->code_number = e->n_prompt = e->n_ctx = e->delay_ms = -1;
    if (gen_json_type(root) == GEN_JSON_ARRAY)
        root = gen_json_at(root, 0);
    const struct gen_json *error = gen_json_get(root, "error");
    e->is_anthropic = gen_str_is(gen_json_get_str(root, "type"), "error") &&
                      gen_json_type(error) == GEN_JSON_OBJECT;
    if (!error)
        error = gen_json_at(gen_json_get(root, "errors"), 0);
    if (gen_json_type(error) == GEN_JSON_ARRAY)
        error = gen_json_at(error, 0);
    if (gen_json_type(error) == GEN_JSON_OBJECT) {
        read_object(error, e);
        return true;
    }
    read_object(root, e);
    if (gen_json_as_str(error, &e->message))
        return true;
    return gen_json_type(error) > GEN_JSON_NULL ||
           gen_str_is(gen_json_get_str(root, "object"), "error");
}

int gen_error_body_status(const struct gen_error_body *e)
{
    static const struct {
        const char *name;
        int status;
    } rows[] = {
        {"overloaded_error", 529},
        {"overloaded", 503},
        {"server_is_overloaded", 503},
        {"service_unavailable_error", 503},
        {"unavailable_error", 503},
        {"UNAVAILABLE", 503},
        {"rate_limit_error", 429},
        {"rate_limit_exceeded", 429},
        {"rate_limited", 429},
        {"slow_down", 429},
        {"RESOURCE_EXHAUSTED", 429},
        {"insufficient_quota", 429},
        {"authentication_error", 401},
        {"invalid_api_key", 401},
        {"UNAUTHENTICATED", 401},
        {"permission_error", 403},
        {"PERMISSION_DENIED", 403},
        {"billing_error", 402},
        {"not_found_error", 404},
        {"model_not_found", 404},
        {"NotFoundError", 404},
        {"NOT_FOUND", 404},
        {"conflict_error", 409},
        {"request_too_large", 413},
        {"timeout_error", 504},
        {"DEADLINE_EXCEEDED", 504},
        {"api_error", 500},
        {"server_error", 500},
        {"InternalServerError", 500},
        {"INTERNAL", 500},
        {"invalid_request_error", 400},
        {"BadRequestError", 400},
        {"INVALID_ARGUMENT", 400},
        {"FAILED_PRECONDITION", 400},
        {"exceed_context_size_error", 400},
    };
    if (e->code_number >= 400 && e->code_number < 600)
        return (int)e->code_number;
    /* The code says more than the type: an invalid key is an "invalid_request_error" at OpenAI. */
    const struct gen_str names[] = {e->code, e->status, e->type};
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (gen_str_is(names[k], rows[i].name))
                return rows[i].status;
        }
    }
    return 0;
}

bool gen_error_body_says(const struct gen_error_body *e, const char *const *words)
{
    for (; *words; words++) {
        struct gen_str word = gen_str_from(*words);
        if (gen_str_find_nocase(e->message, word, 0) != SIZE_MAX ||
            gen_str_find_nocase(e->raw, word, 0) != SIZE_MAX)
            return true;
    }
    return false;
}

/* "5.289s", "9h54m12.7s", "20 seconds", "2 minutes", "30". */
static bool read_delay(struct gen_str s, int64_t *delay_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1},         {"milli", 1},  {"min", 60000},
                 {"hour", 3600000}, {"sec", 1000}, {"day", 86400000}};
    size_t n = 0;
    while (n < s.n && strchr("0123456789.hmsun", s.p[n]) && s.p[n])
        n++;
    struct gen_str token = gen_str_sub(s, 0, n);
    while (token.n && token.p[token.n - 1] == '.')
        token.n--;
    uint64_t ms = 0;
    if (gen_duration_parse(token, &ms)) {
        *delay_ms = (int64_t)ms;
        return true;
    }
    for (n = 0; n < token.n && strchr("0123456789.", token.p[n]);)
        n++;
    double number = 0;
    if (gen_num_f64(gen_str_sub(token, 0, n), 0, 1e7, "a delay", &number, NULL))
        return false;
    struct gen_str unit = gen_str_sub(s, n, s.n);
    while (unit.n && (unit.p[0] == ' ' || unit.p[0] == '-'))
        unit = gen_str_sub(unit, 1, unit.n);
    double factor = 1000;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct gen_str name = gen_str_from(units[i].unit);
        if (gen_str_eq_nocase(gen_str_sub(unit, 0, name.n), name)) {
            factor = units[i].ms;
            break;
        }
    }
    *delay_ms = (int64_t)(number * factor + 0.999);
    return true;
}

bool gen_error_text_delay(struct gen_str text, int64_t *delay_ms)
{
    static const char *const phrases[] = {"try again in ",    "retry in ",       "retry after ",
                                          "try again after ", "retry again in ", "wait for ",
                                          "please wait "};
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        struct gen_str phrase = gen_str_from(phrases[i]);
        size_t at = gen_str_find_nocase(text, phrase, 0);
        if (at != SIZE_MAX && read_delay(gen_str_sub(text, at + phrase.n, text.n), delay_ms))
            return true;
    }
    return false;
}
