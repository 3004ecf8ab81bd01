#include "cli/session.h"

#include "cli/price.h"
#include "dataset/beside.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Requests that may lie in batches at the same time; each is held in memory until its answer is
 * there. */
#define BATCH_WINDOW 20000U
#define SLOTS_MORE   2U

int gen_session_path(const struct gen_session *s, const char *suffix, struct gen_buf *out,
                     struct gen_error *err)
{
    return gen_beside_path(s->stem, suffix, out, err);
}

static int load_prompts(struct gen_session *s, struct gen_error *err)
{
    struct gen_buf dir = gen_buf_make(8192);
    struct gen_buf prompts = gen_buf_make(8192);
    int rc = gen_config_dir(&dir, err);
    if (rc == GEN_OK)
        rc = gen_price_of_model(s->provider, s->model, dir.data, &s->price, err);
    if (rc == GEN_OK)
        rc = gen_path_join(&prompts, gen_buf_str(&dir), GEN_STR("prompts"), err);
    if (rc == GEN_OK)
        rc = gen_prompt_set_load(&s->prompts, prompts.data,
                                 gen_settings_text(s->settings, GEN_OPT_PROMPTS), err);
    gen_buf_release(&dir);
    gen_buf_release(&prompts);
    if (rc == GEN_OK && gen_settings_has(s->settings, GEN_OPT_MAX_COST) && !s->price.known &&
        !s->provider->tells_cost)
        rc = gen_fail(err, GEN_EUSAGE,
                      "--max-cost cannot be kept: the price of %s %s is not known; add it to "
                      "prices.yaml in the configuration folder",
                      s->provider->name, s->model);
    return rc;
}

static int check_batch(const struct gen_session *s, struct gen_error *err)
{
    const struct gen_settings *set = s->settings;
    if (!gen_session_is_batch(s))
        return GEN_OK;
    if (gen_settings_flag(set, GEN_OPT_BATCH) && gen_settings_text(set, GEN_OPT_BATCH_FILE))
        return gen_fail(err, GEN_EUSAGE, "--batch and --batch-file exclude each other");
    if (gen_settings_flag(set, GEN_OPT_FRESH) && gen_settings_text(set, GEN_OPT_BATCH_FILE))
        return gen_fail(err, GEN_EUSAGE,
                        "--fresh cannot go with --batch-file: the folder cannot tell new answers "
                        "from older ones; give a new folder and a new --ledger");
    if (gen_settings_flag(set, GEN_OPT_BATCH) && !s->provider->batch)
        return gen_fail(err, GEN_EUSAGE,
                        "provider %s has no batch API: leave --batch out (--batch-file writes "
                        "batch files for engines that speak OpenAI's format: vllm, openai)",
                        s->provider->name);
    return GEN_OK;
}

/* Of the options alone: it is said whatever else may be amiss, a missing key for one. */
static int check_agent(const struct gen_session *s, struct gen_error *err)
{
    if (!gen_settings_flag(s->settings, GEN_OPT_AGENT) || !gen_session_is_batch(s))
        return GEN_OK;
    return gen_fail(err, GEN_EUSAGE,
                    "--agent cannot go with --batch or --batch-file: each question depends on the "
                    "answer before, and a batch takes hours");
}

static void fill_common(struct gen_session *s)
{
    const struct gen_settings *set = s->settings;
    s->common = (struct gen_step_common){
        .prompts = s->prompts,
        .provider = s->provider->name,
        .dialect = s->provider->dialect,
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

static void warn_of_sampling(const struct gen_session *s)
{
    static const enum gen_option_id options[] = {GEN_OPT_TEMPERATURE, GEN_OPT_SEED};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (gen_settings_source(s->settings, options[i]) == GEN_FROM_COMMAND_LINE)
            gen_log(&s->log, GEN_LOG_WARN, "provider",
                    "--%s does not reach the program \"%s\", which has no option for it",
                    gen_options[options[i]].name, s->provider->program);
    }
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

bool gen_session_is_batch(const struct gen_session *s)
{
    return gen_settings_flag(s->settings, GEN_OPT_BATCH) ||
           gen_settings_text(s->settings, GEN_OPT_BATCH_FILE);
}

size_t gen_session_window_max(const struct gen_session *s)
{
    int64_t workers = gen_settings_int(s->settings, GEN_OPT_WORKERS);
    if (workers > 0)
        return (size_t)workers;
    if (gen_session_is_batch(s))
        return BATCH_WINDOW;
    /* More would only wait inside the server, and run into the time limit there. */
    if (s->slots > 0 && (size_t)s->slots + SLOTS_MORE < s->provider->in_flight_max)
        return (size_t)s->slots + SLOTS_MORE;
    return s->provider->in_flight_max;
}

static int open_network(struct gen_session *s, struct gen_error *err)
{
    size_t max = gen_session_window_max(s);
    if (!gen_chosen_needs_network(&s->chosen))
        return GEN_OK;
    if (gen_session_is_batch(s))
        max = 64;
    size_t files = gen_os_raise_open_files(max + 100);
    if (files < max + 100)
        gen_log(&s->log, GEN_LOG_WARN, "files",
                "only %zu open files are allowed here; %zu requests in flight may fail (ulimit -n)",
                files, max);
    const struct gen_http_options options = {.in_flight_max = max};
    return gen_http_new(&s->http, s->loop, &options, err);
}

/* The exporter looks at the folder itself. */
static bool writes_folder(const struct gen_settings *s)
{
    enum gen_command_id command = gen_settings_command(s);
    return (command == GEN_CMD_PIPELINE || command == GEN_CMD_TOOL_PIPELINE) &&
           (gen_settings_has(s, GEN_OPT_SPLIT) || gen_settings_has(s, GEN_OPT_SHARDS) ||
            gen_settings_flag(s, GEN_OPT_CARD));
}

/* Where standard output is the data's, the side files have no name to stand beside. */
static int name_output(struct gen_session *s, struct gen_error *err)
{
    s->output = gen_settings_text(s->settings, GEN_OPT_OUTPUT);
    s->stem = gen_beside_stem(s->output, s->command);
    if (gen_file_kind(s->output) == GEN_FILE_DIRECTORY && !writes_folder(s->settings))
        return gen_fail(err, GEN_EUSAGE, "--output %s is a folder; name a file in it", s->output);
    if (gen_beside_is_stream(s->output) && !gen_settings_has(s->settings, GEN_OPT_LEDGER))
        return gen_fail(
            err, GEN_EUSAGE,
            "with -o %s there is no file name to keep the ledger beside: give --ledger PATH",
            s->output);
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
        rc = check_agent(s, err);
    if (rc == GEN_OK)
        rc = gen_chosen_init(&s->chosen, app, err);
    s->provider = s->chosen.provider;
    s->model = s->chosen.model;
    if (rc == GEN_OK)
        rc = check_batch(s, err);
    if (rc == GEN_OK)
        rc = load_prompts(s, err);
    if (rc == GEN_OK) {
        fill_common(s);
        rc = open_ui(s, err);
    }
    if (rc == GEN_OK && s->chosen.notice[0])
        gen_log(&s->log, GEN_LOG_WARN, "provider", "%s", s->chosen.notice);
    if (rc == GEN_OK && s->provider->program)
        warn_of_sampling(s);
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
    gen_channel_free(&s->channel);
    gen_loop_free(s->loop);
    gen_record_writer_close(s->failures);
    gen_ledger_close(s->input_ledger);
    gen_ledger_close(s->ledger);
    gen_ui_free(s->ui);
    gen_prompt_set_free(s->prompts);
    gen_chosen_release(&s->chosen);
    gen_buf_release(&s->ledger_path);
    gen_buf_release(&s->failures_path);
    memset(s, 0, sizeof(*s));
}

bool gen_session_is_complete(const struct gen_session *s)
{
    return s->end == GEN_END_DONE || s->end == GEN_END_BUDGET;
}
