#include "cli/say.h"

#include "dataset/beside.h"
#include "os/file.h"
#include "os/loop.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int gen_say(struct gen_str text, struct gen_error *err)
{
    if (text.n && (fwrite(text.p, 1, text.n, stdout) != text.n || fflush(stdout) != 0))
        return gen_fail_errno(err, GEN_EIO, errno, "standard output cannot be written");
    return GEN_OK;
}

int gen_say_json(struct gen_jb *b, const struct gen_jmut *root, struct gen_buf *out,
                 struct gen_error *err)
{
    int rc = gen_jb_write(b, root, GEN_JSON_PRETTY, out, err);
    return rc ? rc : gen_buf_add_char(out, '\n', err);
}

int gen_say_json_file(struct gen_jb *b, const struct gen_jmut *root, const char *path,
                      struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(GEN_BUF_UNLIMITED);
    int rc = gen_say_json(b, root, &text, err);
    if (rc == GEN_OK)
        rc = gen_file_write_all(path, gen_buf_str(&text), err);
    gen_buf_release(&text);
    return rc;
}

const char *gen_say_place(const char *output)
{
    return gen_beside_is_stream(output) ? "standard output" : output;
}

const char *gen_say_next(const char *output, const char *command, const char *suffix, char *out,
                         size_t n)
{
    struct gen_str stem = gen_path_stem(gen_str_from(output));
    bool is_plain = strpbrk(output, " \t\"'`$&|;<>()*?[]#~!\\{}") == NULL;
    const char *quote = is_plain ? "" : "'";
    if (gen_beside_is_stream(output) || strchr(output, '\''))
        return NULL;
    int written = snprintf(out, n, "generator %s %s%s%s -o %s%.*s%s%s", command, quote, output,
                           quote, quote, GEN_STR_ARG(stem), quote, suffix);
    return written > 0 && (size_t)written < n ? out : NULL;
}

static void log_end(const struct gen_app *app, const struct gen_plain_end *end)
{
    gen_log(app->log, GEN_LOG_INFO, "end", "%s", end->headline);
    for (const char *const *advice = end->advice; advice && *advice; advice++)
        gen_log(app->log, GEN_LOG_INFO, "advice", "%s", *advice);
}

static int show(const struct gen_plain_end *end, bool is_quiet, struct gen_error *err)
{
    struct gen_ui *ui = NULL;
    struct gen_ui_account_stage stage;
    struct gen_buf texts[sizeof(end->files->rows) / sizeof(end->files->rows[0])];
    const char *files[sizeof(texts) / sizeof(texts[0]) + 1] = {NULL};
    const char *const next[] = {end->next, NULL};
    int rc = gen_ui_new(&ui, is_quiet ? GEN_UI_QUIET : GEN_UI_NONE, STDERR_FILENO, 0, err);
    for (size_t i = 0; i < end->files->n; i++) {
        texts[i] = gen_buf_make(32768);
        if (rc == GEN_OK)
            rc = gen_file_list_text(end->files, i, &texts[i], err);
        files[i] = texts[i].data;
    }
    if (end->stage)
        stage = gen_account_stage(end->stage);
    if (rc == GEN_OK) {
        const struct gen_ui_account account = {
            .headline = end->headline,
            .stages = end->stage ? &stage : NULL,
            .n_stages = end->stage != NULL,
            .asks_no_model = true,
            .seconds = (double)(gen_loop_now_us() - end->start_us) / 1e6,
            .files = files,
            .advice = end->advice,
            .next = next,
        };
        gen_ui_show_account(ui, &account);
    }
    for (size_t i = 0; i < end->files->n; i++)
        gen_buf_release(&texts[i]);
    gen_ui_free(ui);
    return rc;
}

int gen_say_end(const struct gen_app *app, const struct gen_plain_end *end, struct gen_error *err)
{
    if (gen_settings_flag(app->settings, GEN_OPT_LOG_JSON)) {
        log_end(app, end);
        return GEN_OK;
    }
    return show(end, gen_settings_flag(app->settings, GEN_OPT_QUIET), err);
}
