#include "cli/cli.h"

#include "cli/fetch.h"
#include "cli/say.h"
#include "os/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_MS 1500U

struct probe {
    char text[256];
};

static void on_probe(void *ud, const struct gen_http_response *r)
{
    struct probe *p = ud;
    if (r->transport != GEN_TRANSPORT_OK)
        (void)snprintf(p->text, sizeof(p->text), "no answer (%s)",
                       gen_transport_name(r->transport));
    else if (r->status >= 200 && r->status < 300)
        (void)snprintf(p->text, sizeof(p->text), "ready");
    else
        (void)snprintf(p->text, sizeof(p->text), "answers with HTTP %d", r->status);
}

/* Asks a local server whether it is there. Clouds are not asked: a key would be sent for nothing.
 */
static int probe_local(const struct gen_provider *provider, const char *base_url, struct probe *p,
                       struct gen_error *err)
{
    const struct gen_endpoint endpoint = {.base_url = base_url};
    char url[2048];
    int rc = gen_provider_url(base_url, provider->probe_path, "", url, sizeof(url), err);
    return rc ? rc
              : gen_fetch(provider, &endpoint,
                          &(struct gen_fetch){.url = url, .timeout_ms = PROBE_MS}, on_probe, p,
                          err);
}

static int find_program(const struct gen_provider *provider, struct probe *p, struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(8192);
    bool found = false;
    int rc = gen_process_find(provider->program, provider->program_dirs, &path, &found, err);
    if (rc == GEN_OK)
        (void)snprintf(p->text, sizeof(p->text), found ? "found: %s" : "there is no program \"%s\"",
                       found ? path.data : provider->program);
    gen_buf_release(&path);
    return rc;
}

static bool is_set(const char *variable)
{
    const char *value = variable ? getenv(variable) : NULL;
    return value && *value;
}

static int describe(const struct gen_app *app, const struct gen_provider *provider,
                    struct gen_buf *out, struct gen_error *err)
{
    const char *chosen = gen_settings_text(app->settings, GEN_OPT_PROVIDER);
    bool is_chosen = chosen && strcmp(chosen, provider->name) == 0;
    const char *given = is_chosen ? gen_settings_text(app->settings, GEN_OPT_BASE_URL) : NULL;
    const char *base_url = given && *given ? given : provider->default_base_url;
    struct probe status = {.text = "ready: needs nothing"};
    int rc = GEN_OK;
    if (provider->is_local && base_url && provider->probe_path) {
        rc = probe_local(provider, base_url, &status, err);
    } else if (provider->program) {
        rc = find_program(provider, &status, err);
    } else if (provider->key_env && base_url) {
        (void)snprintf(status.text, sizeof(status.text),
                       is_set(provider->key_env) || is_set(provider->key_env_alternative)
                           ? "%s is set"
                           : "%s is not set",
                       is_set(provider->key_env) || !is_set(provider->key_env_alternative)
                           ? provider->key_env
                           : provider->key_env_alternative);
    }
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "%-12s%s%s\n", provider->name, provider->title,
                            is_chosen ? "  [chosen]" : "");
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "            status: %s\n", status.text);
    if (rc == GEN_OK && base_url)
        rc = gen_buf_printf(out, err, "            url:    %s\n", base_url);
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "            setup:  %s\n\n", provider->setup);
    return rc;
}

int gen_cmd_list_providers(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct gen_buf out = gen_buf_make((size_t)1 << 20);
    int rc = GEN_OK;
    for (const struct gen_provider *const *p = app->drivers->providers; *p && rc == GEN_OK; p++)
        rc = describe(app, *p, &out, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(
            &out,
            "examples:   generator pipeline docs.lancedb -o training.jsonl --provider extractive\n"
            "            generator generate docs.lancedb -o qa.json --provider ollama --model "
            "qwen3:8b\n"
            "            generator generate docs.lancedb -o qa.json --provider openai --model NAME "
            "--base-url "
            "http://host:8000/v1\n",
            err);
    if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&out), err);
    gen_buf_release(&out);
    *status = GEN_EXIT_DONE;
    return rc;
}
