#include "conf/help.h"
#include "conf/internal.h"

/* Text in roff: backslashes, and dots and quotes at the start of a line, would be commands; a bare
 * dash may become a typographic one, which cannot be copied into a shell. */
static int add_roff(struct gen_buf *out, const char *text, struct gen_error *err)
{
    bool line_start = out->n == 0 || out->data[out->n - 1] == '\n';
    int rc = GEN_OK;
    for (; *text && rc == GEN_OK; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            rc = gen_buf_add_c(out, "\\&", err);
        line_start = *text == '\n';
        if (rc != GEN_OK)
            break;
        if (*text == '\\')
            rc = gen_buf_add_c(out, "\\e", err);
        else if (*text == '-')
            rc = gen_buf_add_c(out, "\\-", err);
        else if (*text == '\n')
            rc = gen_buf_add_c(out, "\n.PP\n", err);
        else
            rc = gen_buf_add_char(out, *text, err);
    }
    return rc;
}

static int add_section(struct gen_buf *out, const char *title, const char *text,
                       struct gen_error *err)
{
    int rc = gen_buf_printf(out, err, ".SH %s\n", title);
    if (rc == GEN_OK)
        rc = add_roff(out, text, err);
    return rc == GEN_OK ? gen_buf_add_char(out, '\n', err) : rc;
}

static int add_keys(struct gen_buf *out, const struct gen_option *o, int command,
                    struct gen_error *err)
{
    const char *const *keys = gen_option_keys(o, command);
    int rc = GEN_OK;
    if (!keys[0] && !o->env)
        return GEN_OK;
    rc = gen_buf_add_c(out, ".br\n", err);
    for (size_t i = 0; keys[i] && rc == GEN_OK; i++) {
        bool inverted = keys[i][0] == '!';
        rc = gen_buf_printf(out, err, "%s\\fI", i ? ", " : "Configuration: ");
        if (rc == GEN_OK)
            rc = add_roff(out, keys[i] + inverted, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, inverted ? "\\fR (the opposite)" : "\\fR", err);
    }
    if (rc == GEN_OK && o->env)
        rc = gen_buf_printf(out, err, "%sEnvironment: \\fI%s\\fR", keys[0] ? ". " : "", o->env);
    return rc == GEN_OK ? gen_buf_add_char(out, '\n', err) : rc;
}

static int add_label(struct gen_buf *out, const struct gen_option *o, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, ".TP\n\\fB", err);
    if (rc == GEN_OK && o->short_name)
        rc = gen_buf_printf(out, err, "\\-%c\\fR, \\fB", o->short_name);
    if (rc == GEN_OK && o->name) {
        rc = gen_buf_add_c(out, "\\-\\-", err);
        if (rc == GEN_OK)
            rc = add_roff(out, o->name, err);
    } else if (rc == GEN_OK) {
        rc = add_roff(out, o->config_keys[0], err);
    }
    if (rc == GEN_OK)
        rc = gen_buf_printf(out, err, "\\fR%s%s%s\n", o->unit ? " \\fI" : "",
                            o->unit ? o->unit : "", o->unit ? "\\fR" : "");
    return rc;
}

static int add_option(struct gen_buf *out, const struct gen_option *o, int command,
                      struct gen_error *err)
{
    const char *value = gen_option_default(o, command);
    const char *const *choices = gen_option_choices(o, command);
    int rc = add_label(out, o, err);
    if (rc == GEN_OK)
        rc = add_roff(out, gen_option_help(o, command), err);
    for (size_t i = 0; choices && choices[i] && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err, "%s%s", i ? ", " : ": ", choices[i]);
    if (rc == GEN_OK && value)
        rc = gen_buf_printf(out, err, " (default: %s)", value);
    if (rc == GEN_OK && o->manual)
        rc = gen_buf_add_c(out, ".\n", err);
    if (rc == GEN_OK && o->manual)
        rc = add_roff(out, o->manual, err);
    if (rc == GEN_OK && !o->manual)
        rc = gen_buf_add_char(out, '.', err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(out, '\n', err);
    return rc == GEN_OK ? add_keys(out, o, command, err) : rc;
}

static int add_options(struct gen_buf *out, int command, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, ".SH OPTIONS\n", err);
    for (int g = 0; g < GEN_N_GROUPS && rc == GEN_OK; g++) {
        bool headed = false;
        for (size_t i = 0; i < GEN_N_OPTIONS && rc == GEN_OK; i++) {
            const struct gen_option *o = &gen_options[i];
            if ((int)o->group != g || !gen_option_applies(o, (enum gen_command_id)command))
                continue;
            if (!headed)
                rc = gen_buf_printf(out, err, ".SS %s\n",
                                    gen_option_group_name((enum gen_option_group)g));
            headed = true;
            if (rc == GEN_OK)
                rc = add_option(out, o, command, err);
        }
    }
    return rc;
}

static int add_examples(struct gen_buf *out, const char *const *examples, struct gen_error *err)
{
    int rc = gen_buf_add_c(out, ".SH EXAMPLES\n.nf\n", err);
    for (; *examples && rc == GEN_OK; examples++) {
        rc = add_roff(out, *examples, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, '\n', err);
    }
    return rc == GEN_OK ? gen_buf_add_c(out, ".fi\n", err) : rc;
}

static const char exit_status[] =
    ".SH EXIT STATUS\n"
    ".TP\n0\nDone.\n"
    ".TP\n1\nThis machine failed: disk, ledger or memory.\n"
    ".TP\n2\nThe command line, the configuration or an input is wrong.\n"
    ".TP\n3\nFinished, but some items failed.\n"
    ".TP\n4\nStopped by \\-\\-max\\-cost, \\-\\-max\\-tokens\\-total or \\-\\-max\\-requests.\n"
    ".TP\n5\nThe provider is unusable: key, quota, or no answer.\n"
    ".TP\n6\nThe requests of \\-\\-batch\\-file lie in files and wait for their answers.\n"
    ".TP\n130\nInterrupted; the same command goes on where it was.\n";

/* Those that no option stands for. */
static const char aws_environment[] =
    ".TP\n.B AWS_ACCESS_KEY_ID\n.TQ\n.B AWS_SECRET_ACCESS_KEY\n.TQ\n.B AWS_SESSION_TOKEN\n"
    "The key with which a LanceDB at s3:// is read. Without them that of the profile "
    "(\\fBAWS_PROFILE\\fR, or default) in ~/.aws/credentials and ~/.aws/config; without any, "
    "anonymously, as with \\fBAWS_SKIP_SIGNATURE\\fR=true.\n"
    ".TP\n.B AWS_REGION\n.TQ\n.B AWS_DEFAULT_REGION\n"
    "The bucket's region; else it is learned from the server.\n"
    ".TP\n.B AWS_ENDPOINT_URL_S3\n.TQ\n.B AWS_ENDPOINT_URL\n.TQ\n.B AWS_ENDPOINT\n"
    "Another server than Amazon's, as https://host or http://host:port.\n"
    ".TP\n.B AWS_VIRTUAL_HOSTED_STYLE_REQUEST\n"
    "true: such a server is asked for bucket.host/key in place of host/bucket/key.\n"
    ".TP\n.B CURL_CA_BUNDLE\n.TQ\n.B SSL_CERT_FILE\nFurther certificates.\n";

static int program_man(struct gen_buf *out, struct gen_error *err)
{
    int rc =
        gen_buf_add_c(out,
                      ".TH GENERATOR 1 \"\" \"generator " GEN_VERSION "\" \"Generator Manual\"\n"
                      ".SH NAME\ngenerator \\- make training data for language models from "
                      "documents\n.SH SYNOPSIS\n.B generator\n.I COMMAND\n[\\fIARGUMENT\\fR] "
                      "[options]\n",
                      err);
    if (rc == GEN_OK)
        rc = add_section(out, "DESCRIPTION",
                         "Generator turns a LanceDB of document chunks, or files of text, into "
                         "fine-tuning data: questions and answers that a model writes, rewrites "
                         "and judges with the source in view, and an export that trainers load "
                         "without conversion.\n"
                         "Every answer of a model is kept in a ledger before it is used, so that "
                         "an interrupted run goes on where it was and nothing is paid for twice.",
                         err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, ".SH COMMANDS\n", err);
    for (size_t i = 0; i < GEN_N_COMMANDS && rc == GEN_OK; i++) {
        rc = gen_buf_add_c(out, ".TP\n\\fBgenerator\\-", err);
        if (rc == GEN_OK)
            rc = add_roff(out, gen_commands[i].name, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, "\\fR(1)\n", err);
        if (rc == GEN_OK)
            rc = add_roff(out, gen_commands[i].help, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, ".\n", err);
    }
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, ".SH ENVIRONMENT\n", err);
    for (size_t i = 0; i < GEN_N_OPTIONS && rc == GEN_OK; i++) {
        const struct gen_option *o = &gen_options[i];
        if (!o->env)
            continue;
        rc = gen_buf_printf(out, err, ".TP\n.B %s\nAs \\-\\-", o->env);
        if (rc == GEN_OK)
            rc = add_roff(out, o->name, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_c(out, ".\n", err);
    }
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, aws_environment, err);
    return rc == GEN_OK ? gen_buf_add_c(out, exit_status, err) : rc;
}

static int command_man(struct gen_buf *out, int command, struct gen_error *err)
{
    const struct gen_command_info *c = &gen_commands[command];
    struct gen_buf usage = gen_buf_make(1024);
    int rc = gen_usage_line(&usage, command, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, ".TH GENERATOR\\-", err);
    for (const char *p = c->name; *p && rc == GEN_OK; p++) {
        if (*p == '-')
            rc = gen_buf_add_c(out, "\\-", err);
        else
            rc = gen_buf_add_char(out, (char)(*p - 'a' + 'A'), err);
    }
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out,
                           " 1 \"\" \"generator " GEN_VERSION "\" \"Generator Manual\"\n"
                           ".SH NAME\ngenerator\\-",
                           err);
    if (rc == GEN_OK)
        rc = add_roff(out, c->name, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, " \\- ", err);
    if (rc == GEN_OK)
        rc = add_roff(out, c->help, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_char(out, '\n', err);
    if (rc == GEN_OK)
        rc = add_section(out, "SYNOPSIS", usage.data, err);
    if (rc == GEN_OK)
        rc = add_section(out, "DESCRIPTION", c->manual, err);
    if (rc == GEN_OK)
        rc = add_options(out, command, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, exit_status, err);
    if (rc == GEN_OK && c->examples)
        rc = add_examples(out, c->examples, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, ".SH SEE ALSO\n.BR generator (1)\n", err);
    gen_buf_release(&usage);
    return rc;
}

int gen_help_man(struct gen_buf *out, int command, struct gen_error *err)
{
    return command < 0 ? program_man(out, err) : command_man(out, command, err);
}
