#include "cli/cli.h"

#include "os/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int status_of(int rc)
{
    switch ((enum gen_code)rc) {
    case GEN_OK:
        return GEN_EXIT_DONE;
    case GEN_EUSAGE:
    case GEN_EINPUT:
    case GEN_EPARSE:
        return GEN_EXIT_USAGE;
    case GEN_EPROVIDER:
        return GEN_EXIT_PROVIDER;
    case GEN_ECANCELED:
        return GEN_EXIT_INTERRUPTED;
    case GEN_ENOMEM:
    case GEN_EIO:
    case GEN_ELIMIT:
    case GEN_ESTATE:
        break;
    }
    return GEN_EXIT_MACHINE;
}

typedef int command_fn(const struct gen_app *app, int *status, struct gen_error *err);

static command_fn *const commands[GEN_N_COMMANDS] = {
    [GEN_CMD_LIST_PROVIDERS] = gen_cmd_list_providers,
    [GEN_CMD_GENERATE] = gen_cmd_generate,
    [GEN_CMD_GENERATE_COT] = gen_cmd_generate_cot,
    [GEN_CMD_ENHANCE_COT] = gen_cmd_enhance_cot,
    [GEN_CMD_DEDUP] = gen_cmd_dedup,
    [GEN_CMD_COMPARE] = gen_cmd_compare,
    [GEN_CMD_STATS] = gen_cmd_stats,
    [GEN_CMD_CHECK] = gen_cmd_check,
    [GEN_CMD_REPORT] = gen_cmd_report,
    [GEN_CMD_TOOL_PARSE] = gen_cmd_tool_parse,
    [GEN_CMD_TOOL_GENERATE] = gen_cmd_tool_generate,
    [GEN_CMD_TOOL_EXECUTE] = gen_cmd_tool_execute,
    [GEN_CMD_TOOL_CURATE] = gen_cmd_tool_curate,
    [GEN_CMD_TOOL_PIPELINE] = gen_cmd_tool_pipeline,
    [GEN_CMD_ENRICH] = gen_cmd_enrich,
    [GEN_CMD_CURATE] = gen_cmd_curate,
    [GEN_CMD_EXPORT] = gen_cmd_export,
    [GEN_CMD_PIPELINE] = gen_cmd_pipeline,
    [GEN_CMD_STATUS] = gen_cmd_status,
    [GEN_CMD_DOCTOR] = gen_cmd_doctor,
    [GEN_CMD_BATCHES] = gen_cmd_batches,
};

static enum gen_log_level level_of(const struct gen_settings *s)
{
    if (gen_settings_flag(s, GEN_OPT_QUIET))
        return GEN_LOG_ERROR;
    return gen_settings_flag(s, GEN_OPT_VERBOSE) ? GEN_LOG_DEBUG : GEN_LOG_INFO;
}

static int run_command(const struct gen_drivers *drivers, const struct gen_settings *settings,
                       struct gen_error *err)
{
    struct gen_log log =
        gen_log_stderr(level_of(settings), gen_settings_flag(settings, GEN_OPT_LOG_JSON));
    struct gen_app app = {drivers, settings, &log};
    struct gen_str notices = gen_str_from(gen_settings_notices(settings));
    struct gen_str line;
    while (gen_str_next_line(&notices, &line))
        gen_log(&log, GEN_LOG_WARN, "config", "%.*s", GEN_STR_ARG(line));
    int status = GEN_EXIT_DONE;
    int rc = commands[gen_settings_command(settings)](&app, &status, err);
    if (rc == GEN_OK)
        return status;
    gen_log(&log, GEN_LOG_ERROR, "failed", "%s", err->msg);
    return status_of(rc);
}

int gen_cli_main(const struct gen_drivers *drivers, int argc, char *const *argv)
{
    /* Over a limit of file sizes a write is to fail with a message, not to kill us. */
    (void)signal(SIGXFSZ, SIG_IGN);
    struct gen_settings *settings = NULL;
    enum gen_parse_result parsed = GEN_PARSED_COMMAND;
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_error err = {.msg = ""};
    int status;
    int rc = gen_settings_parse(&settings, &parsed, &text, argc, argv,
                                (const char *(*)(const char *))getenv, &err);
    if (rc) {
        struct gen_log log = gen_log_stderr(GEN_LOG_INFO, false);
        gen_log(&log, GEN_LOG_ERROR, "usage", "%s", err.msg);
        status = status_of(rc);
    } else if (parsed != GEN_PARSED_COMMAND) {
        bool written = fwrite(text.data, 1, text.n, stdout) == text.n && fflush(stdout) == 0;
        status = written ? GEN_EXIT_DONE : GEN_EXIT_MACHINE;
    } else {
        status = run_command(drivers, settings, &err);
    }
    gen_settings_free(settings);
    gen_buf_release(&text);
    return status;
}
