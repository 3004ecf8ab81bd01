#include "cli/endpoint.h"

#include "base/nearest.h"
#include "os/process.h"

#include <stdio.h>
#include <stdlib.h>

static int unknown_provider(const struct gen_app *app, const char *name, struct gen_error *err)
{
    const char *names[32];
    size_t n = 0;
    struct gen_buf list = gen_buf_make(4096);
    for (const struct gen_provider *const *p = app->drivers->providers; *p && n < 32; p++) {
        names[n++] = (*p)->name;
        if (gen_buf_printf(&list, err, "%s%s", n > 1 ? ", " : "", (*p)->name) != GEN_OK)
            break;
    }
    const char *nearest = gen_nearest(gen_str_from(name), names, n);
    int rc = gen_fail(err, GEN_EUSAGE, "there is no provider \"%s\"%s%s%s (there are %s)", name,
                      nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                      nearest ? "\"?" : "", list.data ? list.data : "");
    gen_buf_release(&list);
    return rc;
}

const char *gen_environment_key(const struct gen_provider *p)
{
    const char *value = p->key_env ? getenv(p->key_env) : NULL;
    if ((!value || !*value) && p->key_env_alternative)
        value = getenv(p->key_env_alternative);
    return value && *value ? value : NULL;
}

/* Without the program its provider's API serves, if there is a key for it. */
static int find_program(struct gen_chosen *c, struct gen_error *err)
{
    const struct gen_provider *p = c->provider;
    bool found = false;
    int rc = gen_process_find(p->program, p->program_dirs, &c->program, &found, err);
    if (rc == GEN_OK && found && p->fallback && gen_environment_key(p->fallback))
        (void)snprintf(
            c->notice, sizeof(c->notice),
            "%s is set: the program \"%s\" may use it instead of your login, and what it "
            "uses is then paid for by the token; unset it to use the login",
            p->fallback->key_env, p->program);
    if (rc || found)
        return rc;
    c->is_fallback = true;
    if (!p->fallback || !gen_environment_key(p->fallback))
        return gen_fail(
            err, GEN_EUSAGE,
            "provider %s runs the program \"%s\", which is neither in PATH nor where it "
            "is usually installed: %s%s%s%s",
            p->name, p->program, p->setup, p->fallback ? "; or export " : "",
            p->fallback ? p->fallback->key_env : "",
            p->fallback ? "=... to use the API instead" : "");
    c->provider = p->fallback;
    (void)snprintf(c->notice, sizeof(c->notice),
                   "the program \"%s\" of provider %s is not there: the API is used instead "
                   "(provider %s), with the key in %s; it is paid for by the token",
                   p->program, p->name, c->provider->name, c->provider->key_env);
    return GEN_OK;
}

static int choose_provider(struct gen_chosen *c, const struct gen_app *app, struct gen_error *err)
{
    const char *name = gen_settings_text(app->settings, GEN_OPT_PROVIDER);
    c->provider = gen_provider_find(app->drivers->providers, name);
    if (!c->provider)
        return unknown_provider(app, name, err);
    return c->provider->program ? find_program(c, err) : GEN_OK;
}

static int choose_model(struct gen_chosen *c, const struct gen_app *app, struct gen_error *err)
{
    const char *given = gen_settings_text(app->settings, GEN_OPT_MODEL);
    bool is_own = !c->provider->default_base_url && !c->provider->program;
    c->model = given && *given && !is_own ? given : c->provider->default_model;
    /* "sonnet" is a name of the program's, not of the API's. */
    bool is_short = c->is_fallback && given && *given && !strchr(given, '-');
    if (is_short)
        c->model = c->provider->default_model;
    if (!c->model)
        return gen_fail(err, GEN_EUSAGE,
                        "provider %s needs the name of a model: give --model NAME or set llm.model",
                        c->provider->name);
    return GEN_OK;
}

static int choose_base_url(struct gen_chosen *c, const struct gen_app *app, struct gen_error *err)
{
    const char *given = gen_settings_text(app->settings, GEN_OPT_BASE_URL);
    if (!c->provider->default_base_url) {
        if (given && gen_settings_source(app->settings, GEN_OPT_BASE_URL) == GEN_FROM_COMMAND_LINE)
            return gen_fail(err, GEN_EUSAGE, "provider %s takes no --base-url: leave it out",
                            c->provider->name);
        return GEN_OK;
    }
    /* What the configuration says is said of the provider whose program is missing. */
    if (c->is_fallback && gen_settings_source(app->settings, GEN_OPT_BASE_URL) == GEN_FROM_CONFIG)
        given = NULL;
    struct gen_str url = gen_str_from(given && *given ? given : c->provider->default_base_url);
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    if (!gen_str_starts(url, GEN_STR("http://")) && !gen_str_starts(url, GEN_STR("https://")))
        return gen_fail(err, GEN_EUSAGE,
                        "--base-url is \"%.*s\"; it must begin with http:// or https://",
                        GEN_STR_ARG(url));
    /* A whole endpoint's address is pasted as often as its base. */
    struct gen_str path = gen_str_from(c->provider->chat_path);
    if (gen_str_ends(url, path))
        url.n -= path.n;
    else if (gen_str_starts(path, GEN_STR("/v1/")) && gen_str_ends(url, GEN_STR("/v1")))
        url.n -= 3;
    c->base_url = gen_str_dup(url);
    if (!c->base_url)
        return gen_nomem(err, "a URL");
    c->endpoint.base_url = c->base_url;
    return GEN_OK;
}

static int choose_key(struct gen_chosen *c, const struct gen_app *app, struct gen_error *err)
{
    c->endpoint.key = gen_settings_secret(app->settings, GEN_OPT_API_KEY);
    const char *value = gen_environment_key(c->provider);
    if (!c->endpoint.key && value) {
        int rc = gen_secret_new(&c->key, gen_str_from(value), err);
        if (rc)
            return gen_wrap(err, rc, "%s", c->provider->key_env);
        c->endpoint.key = c->key;
    }
    bool is_default_host = c->base_url && strcmp(c->base_url, c->provider->default_base_url) == 0;
    if (!c->endpoint.key && c->provider->key_required && is_default_host)
        return gen_fail(err, GEN_EUSAGE,
                        "provider %s needs a key: export %s=... (or set llm.%s.api_key: ${%s})",
                        c->provider->name, c->provider->key_env, c->provider->name,
                        c->provider->key_env);
    return GEN_OK;
}

/* "2023-06-01": a date, as Anthropic names its versions. */
static bool is_date(const char *text)
{
    static const char pattern[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
        bool fits = pattern[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == pattern[i];
        if (!fits)
            return false;
    }
    return text[sizeof(pattern) - 1] == '\0';
}

static int fill_endpoint(struct gen_chosen *c, const struct gen_settings *set,
                         struct gen_error *err)
{
    const char *stream = gen_settings_text(set, GEN_OPT_STREAM);
    c->endpoint.num_ctx = gen_settings_int(set, GEN_OPT_NUM_CTX);
    c->endpoint.timeout_ms = (uint64_t)(gen_settings_real(set, GEN_OPT_TIMEOUT) * 1000.0);
    c->endpoint.api_version = gen_settings_text(set, GEN_OPT_API_VERSION);
    c->endpoint.reasoning_effort = gen_settings_text(set, GEN_OPT_REASONING_EFFORT);
    if (stream && strcmp(stream, "on") == 0)
        c->endpoint.stream = GEN_STREAM_ON;
    else if (stream && strcmp(stream, "off") == 0)
        c->endpoint.stream = GEN_STREAM_OFF;
    if (c->endpoint.api_version && !is_date(c->endpoint.api_version))
        return gen_fail(err, GEN_EUSAGE,
                        "--api-version is \"%.40s\"; it must be a date, as in 2023-06-01",
                        c->endpoint.api_version);
    return GEN_OK;
}

int gen_chosen_init(struct gen_chosen *c, const struct gen_app *app, struct gen_error *err)
{
    memset(c, 0, sizeof(*c));
    c->program = gen_buf_make(8192);
    int rc = choose_provider(c, app, err);
    if (rc == GEN_OK)
        rc = choose_model(c, app, err);
    if (rc == GEN_OK)
        rc = choose_base_url(c, app, err);
    if (rc == GEN_OK)
        rc = choose_key(c, app, err);
    if (rc == GEN_OK)
        rc = fill_endpoint(c, app->settings, err);
    if (rc)
        gen_chosen_release(c);
    return rc;
}

void gen_chosen_release(struct gen_chosen *c)
{
    gen_secret_free(c->key);
    free(c->base_url);
    gen_buf_release(&c->program);
    memset(c, 0, sizeof(*c));
}

bool gen_chosen_needs_network(const struct gen_chosen *c)
{
    return c->provider->default_base_url != NULL;
}

int gen_chosen_channel(const struct gen_chosen *c, struct gen_loop *loop, struct gen_http *http,
                       const struct gen_log *log, struct gen_channel *out, struct gen_error *err)
{
    const struct gen_channel_options o = {
        .provider = c->provider,
        .endpoint = c->endpoint,
        .model = c->model,
        .loop = loop,
        .http = http,
        .log = log,
    };
    *out = (struct gen_channel){NULL, NULL};
    if (c->provider->answer)
        return GEN_OK;
    if (c->provider->program)
        return gen_channel_program_new(out, &o, c->program.data, err);
    return gen_channel_http_new(out, &o, err);
}
