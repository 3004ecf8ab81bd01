#include "cli/session.h"

#include "base/nearest.h"
#include "os/file.h"
#include "json/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int gen_session_path(const struct gen_session *s, const char *suffix, struct gen_buf *out,
                     struct gen_error *err)
{
    int rc = gen_buf_add_str(out, s->stem, err);
    return rc ? rc : gen_buf_add_c(out, suffix, err);
}

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
    int rc = gen_fail(err, GEN_EUSAGE, "there is no provider \"%s\"%s%s%s the providers are %s",
                      name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                      nearest ? "\"?" : "", list.data ? list.data : "");
    gen_buf_release(&list);
    return rc;
}

static int choose_provider(struct gen_session *s, struct gen_error *err)
{
    const char *name = gen_settings_text(s->settings, GEN_OPT_PROVIDER);
    s->provider = gen_provider_find(s->app->drivers->providers, name);
    if (!s->provider)
        return unknown_provider(s->app, name, err);
    s->model = gen_settings_text(s->settings, GEN_OPT_MODEL);
    if (!s->provider->default_base_url)
        s->model = s->provider->default_model;
    if (!s->model || !*s->model)
        s->model = s->provider->default_model;
    if (!s->model)
        return gen_fail(err, GEN_EUSAGE,
                        "provider %s needs the name of a model: give --model NAME or set llm.model",
                        name);
    return GEN_OK;
}

static int choose_base_url(struct gen_session *s, struct gen_error *err)
{
    const char *given = gen_settings_text(s->settings, GEN_OPT_BASE_URL);
    if (!s->provider->default_base_url) {
        if (given && gen_settings_source(s->settings, GEN_OPT_BASE_URL) == GEN_FROM_COMMAND_LINE)
            return gen_fail(err, GEN_EUSAGE, "provider %s needs no network: leave --base-url out",
                            s->provider->name);
        return GEN_OK;
    }
    struct gen_str url = gen_str_from(given && *given ? given : s->provider->default_base_url);
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    if (!gen_str_starts(url, GEN_STR("http://")) && !gen_str_starts(url, GEN_STR("https://")))
        return gen_fail(err, GEN_EUSAGE,
                        "--base-url is \"%.*s\"; it must begin with http:// or https://",
                        GEN_STR_ARG(url));
    /* A whole endpoint's address is pasted as often as its base. */
    struct gen_str path = gen_str_from(s->provider->chat_path);
    if (gen_str_ends(url, path))
        url.n -= path.n;
    s->base_url = gen_str_dup(url);
    if (!s->base_url)
        return gen_nomem(err, "a URL");
    s->endpoint.base_url = s->base_url;
    return GEN_OK;
}

static int choose_key(struct gen_session *s, struct gen_error *err)
{
    s->endpoint.key = gen_settings_secret(s->settings, GEN_OPT_API_KEY);
    const char *value = s->provider->key_env ? getenv(s->provider->key_env) : NULL;
    if (!s->endpoint.key && value && *value) {
        int rc = gen_secret_new(&s->key, gen_str_from(value), err);
        if (rc)
            return gen_wrap(err, rc, "%s", s->provider->key_env);
        s->endpoint.key = s->key;
    }
    bool is_default_host = s->base_url && strcmp(s->base_url, s->provider->default_base_url) == 0;
    if (!s->endpoint.key && s->provider->key_required && is_default_host)
        return gen_fail(err, GEN_EUSAGE,
                        "provider %s needs a key: export %s=... (or set llm.%s.api_key: ${%s})",
                        s->provider->name, s->provider->key_env, s->provider->name,
                        s->provider->key_env);
    return GEN_OK;
}

static bool price_number(const struct gen_json *row, const char *key, double *out)
{
    return gen_json_as_real(gen_json_get(row, key), out) && *out >= 0 && *out < 1e6;
}

/* prices.yaml: what is not in it is unknown, never guessed. */
static int read_price(struct gen_session *s, const char *dir, struct gen_error *err)
{
    if (s->provider->is_local) {
        s->price = (struct gen_price){.known = true};
        return GEN_OK;
    }
    struct gen_buf path = gen_buf_make(8192);
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_yaml *yaml = NULL;
    int rc = gen_path_join(&path, gen_str_from(dir), GEN_STR("prices.yaml"), err);
    if (rc == GEN_OK && gen_file_kind(path.data) == GEN_FILE_REGULAR) {
        rc = gen_file_read_all(&text, path.data, err);
        if (rc == GEN_OK)
            rc = gen_yaml_parse(&yaml, gen_buf_str(&text), path.data, err);
        if (rc == GEN_OK) {
            const struct gen_json *row = gen_json_get(
                gen_json_get(gen_json_get(gen_yaml_root(yaml), "prices"), s->provider->name),
                s->model);
            s->price.known = price_number(row, "in", &s->price.in_usd_per_mtok) &&
                             price_number(row, "out", &s->price.out_usd_per_mtok);
            if (!price_number(row, "cached", &s->price.cached_usd_per_mtok))
                s->price.cached_usd_per_mtok = s->price.in_usd_per_mtok;
        }
        gen_yaml_free(yaml);
    }
    gen_buf_release(&path);
    gen_buf_release(&text);
    return rc;
}

static int load_prompts(struct gen_session *s, struct gen_error *err)
{
    struct gen_buf dir = gen_buf_make(8192);
    struct gen_buf prompts = gen_buf_make(8192);
    int rc = gen_config_dir(&dir, err);
    if (rc == GEN_OK)
        rc = read_price(s, dir.data, err);
    if (rc == GEN_OK)
        rc = gen_path_join(&prompts, gen_buf_str(&dir), GEN_STR("prompts"), err);
    if (rc == GEN_OK)
        rc = gen_prompt_set_load(&s->prompts, prompts.data,
                                 gen_settings_text(s->settings, GEN_OPT_PROMPTS), err);
    gen_buf_release(&dir);
    gen_buf_release(&prompts);
    if (rc == GEN_OK && gen_settings_has(s->settings, GEN_OPT_MAX_COST) && !s->price.known)
        rc = gen_fail(err, GEN_EUSAGE,
                      "--max-cost cannot be kept: the price of %s %s is not known; add it to "
                      "prices.yaml in the configuration folder",
                      s->provider->name, s->model);
    return rc;
}

static void fill_common(struct gen_session *s)
{
    const struct gen_settings *set = s->settings;
    s->common = (struct gen_qa_common){
        .prompts = s->prompts,
        .provider = s->provider->name,
        .model = s->model,
        .sends_temperature = s->provider->sends_temperature,
        .has_seed = gen_settings_has(set, GEN_OPT_SEED),
        .seed = gen_settings_int(set, GEN_OPT_SEED),
        .tokens_out_max = gen_settings_int(set, GEN_OPT_MAX_TOKENS),
        .topic = gen_settings_text(set, GEN_OPT_TOPIC),
    };
    if (s->common.topic && !*s->common.topic)
        s->common.topic = NULL;
    if (gen_settings_has(set, GEN_OPT_TEMPERATURE)) {
        s->common.has_temperature = true;
        s->common.temperature = gen_settings_real(set, GEN_OPT_TEMPERATURE);
        /* A step's own key of the configuration goes before llm.temperature, not before the command
         * line. */
        s->common.temperature_is_default =
            gen_settings_source(set, GEN_OPT_TEMPERATURE) == GEN_FROM_CONFIG;
    }
    s->endpoint.num_ctx = gen_settings_int(set, GEN_OPT_NUM_CTX);
    s->endpoint.timeout_ms = (uint64_t)(gen_settings_real(set, GEN_OPT_TIMEOUT) * 1000.0);
}

int gen_session_open_ledger(struct gen_session *s, struct gen_error *err)
{
    if (gen_settings_flag(s->settings, GEN_OPT_DRY_RUN))
        return GEN_OK;
    const char *given = gen_settings_text(s->settings, GEN_OPT_LEDGER);
    int rc = given ? gen_buf_add_c(&s->ledger_path, given, err)
                   : gen_session_path(s, ".ledger", &s->ledger_path, err);
    if (rc == GEN_OK)
        rc = gen_ledger_open(&s->ledger, s->app->drivers->ledger, s->ledger_path.data, false, err);
    return rc;
}

static int open_ui(struct gen_session *s, struct gen_error *err)
{
    const struct gen_settings *set = s->settings;
    const char *progress = gen_settings_text(set, GEN_OPT_PROGRESS);
    enum gen_ui_mode mode = GEN_UI_AUTO;
    if (gen_settings_flag(set, GEN_OPT_QUIET))
        mode = GEN_UI_QUIET;
    else if (progress && strcmp(progress, "plain") == 0)
        mode = GEN_UI_PLAIN;
    else if ((progress && strcmp(progress, "none") == 0) ||
             gen_settings_flag(set, GEN_OPT_LOG_JSON))
        mode = GEN_UI_NONE;
    int rc = gen_ui_new(&s->ui, mode, STDERR_FILENO, gen_loop_now_us() / 1000, err);
    if (rc)
        return rc;
    s->log = *s->app->log;
    s->log.write = gen_ui_log_write;
    s->log.ud = s->ui;
    return GEN_OK;
}

size_t gen_session_window_max(const struct gen_session *s)
{
    int64_t workers = gen_settings_int(s->settings, GEN_OPT_WORKERS);
    return workers > 0 ? (size_t)workers : s->provider->in_flight_max;
}

static int open_network(struct gen_session *s, struct gen_error *err)
{
    size_t max = gen_session_window_max(s);
    if (!s->provider->default_base_url)
        return GEN_OK;
    size_t files = gen_os_raise_open_files(max + 100);
    if (files < max + 100)
        gen_log(&s->log, GEN_LOG_WARN, "files",
                "only %zu open files are allowed here; %zu requests in flight may fail (ulimit -n)",
                files, max);
    const struct gen_http_options options = {.in_flight_max = max};
    return gen_http_new(&s->http, s->loop, &options, err);
}

/* Where standard output is the data's, the side files have no name to stand beside. */
static int name_output(struct gen_session *s, struct gen_error *err)
{
    s->output = gen_settings_text(s->settings, GEN_OPT_OUTPUT);
    s->stem = gen_path_stem(gen_str_from(s->output));
    if (strcmp(s->output, "-") == 0)
        s->stem = gen_str_from(s->command);
    if (gen_file_kind(s->output) == GEN_FILE_DIRECTORY)
        return gen_fail(err, GEN_EUSAGE, "--output %s is a folder; name a file in it", s->output);
    if (strcmp(s->output, "-") == 0 && !gen_settings_has(s->settings, GEN_OPT_LEDGER))
        return gen_fail(
            err, GEN_EUSAGE,
            "with -o - there is no file name to keep the ledger beside: give --ledger PATH");
    return GEN_OK;
}

int gen_session_open(struct gen_session *s, const struct gen_app *app, const char *command,
                     struct gen_error *err)
{
    memset(s, 0, sizeof(*s));
    s->app = app;
    s->settings = app->settings;
    s->command = command;
    s->log = *app->log;
    s->start_us = gen_loop_now_us();
    s->n_expected = -1;
    s->ledger_path = gen_buf_make(8192);
    s->failures_path = gen_buf_make(8192);
    int rc = name_output(s, err);
    if (rc == GEN_OK)
        rc = choose_provider(s, err);
    if (rc == GEN_OK)
        rc = choose_base_url(s, err);
    if (rc == GEN_OK)
        rc = choose_key(s, err);
    if (rc == GEN_OK)
        rc = load_prompts(s, err);
    if (rc == GEN_OK) {
        fill_common(s);
        rc = open_ui(s, err);
    }
    if (rc == GEN_OK)
        rc = gen_loop_new(&s->loop, err);
    if (rc == GEN_OK)
        rc = open_network(s, err);
    if (rc)
        gen_session_close(s);
    return rc;
}

void gen_session_close(struct gen_session *s)
{
    gen_engine_free(s->engine);
    gen_http_free(s->http);
    gen_loop_free(s->loop);
    gen_record_writer_close(s->failures);
    gen_ledger_close(s->input_ledger);
    gen_ledger_close(s->ledger);
    gen_ui_free(s->ui);
    gen_prompt_set_free(s->prompts);
    gen_secret_free(s->key);
    free(s->base_url);
    gen_buf_release(&s->ledger_path);
    gen_buf_release(&s->failures_path);
    memset(s, 0, sizeof(*s));
}

bool gen_session_is_complete(const struct gen_session *s)
{
    return s->end == GEN_END_DONE || s->end == GEN_END_BUDGET;
}
