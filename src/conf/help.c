#include "conf/help.h"

#include "base/num.h"
#include "conf/internal.h"

#include <stdio.h>

#define FLAG_COLUMNS_MAX 30U
#define LABEL_BYTES      96U

/* "-o, --output PATH" */
static void option_label(const struct gen_option *o, char label[LABEL_BYTES])
{
    char letter[8] = "    ";
    if (o->short_name)
        (void)snprintf(letter, sizeof(letter), "-%c, ", o->short_name);
    (void)snprintf(label, LABEL_BYTES, "%s--%s%s%s", letter, o->name, o->unit ? " " : "",
                   o->unit ? o->unit : "");
}

/* The help with choices and default behind it. */
static int option_text(struct gen_buf *out, const struct gen_option *o, int command,
                       struct gen_error *err)
{
    const char *value = gen_option_default(o, command);
    const char *const *choices = gen_option_choices(o, command);
    int rc = gen_buf_add_c(out, gen_option_help(o, command), err);
    for (size_t i = 0; choices && choices[i] && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err, "%s%s", i == 0 ? ": " : ", ", choices[i]);
    if (rc == GEN_OK && value)
        rc = gen_buf_printf(out, err, " (default: %s)", value);
    if (rc == GEN_OK && command >= 0 && (o->required & (1U << (unsigned)command)))
        rc = gen_buf_add_c(out, " (required)", err);
    return rc;
}

static int add_spaces(struct gen_buf *out, size_t n, struct gen_error *err)
{
    int rc = GEN_OK;
    while (n-- && rc == GEN_OK)
        rc = gen_buf_add_char(out, ' ', err);
    return rc;
}

static struct gen_str take_line(struct gen_str *rest, size_t width)
{
    size_t cut = rest->n;
    if (cut > width) {
        cut = width;
        while (cut > 0 && rest->p[cut] != ' ')
            cut--;
        /* A word longer than the line is not broken. */
        while (cut < rest->n && (cut == 0 || rest->p[cut] != ' '))
            cut++;
    }
    struct gen_str line = gen_str_sub(*rest, 0, cut);
    *rest = gen_str_trim(gen_str_sub(*rest, cut, rest->n));
    return line;
}

/* Adds `text` from column `indent` on, the first line of it where the cursor is. */
static int add_wrapped(struct gen_buf *out, struct gen_str text, size_t indent, size_t columns,
                       struct gen_error *err)
{
    size_t width = columns > indent + 20 ? columns - indent : 20;
    bool first = true;
    int rc = GEN_OK;
    while (text.n && rc == GEN_OK) {
        struct gen_str line = take_line(&text, width);
        if (!first)
            rc = add_spaces(out, indent, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_str(out, line, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_char(out, '\n', err);
        first = false;
    }
    return rc;
}

static bool is_listed(const struct gen_option *o, int command, enum gen_option_group group)
{
    return o->name && o->group == group && gen_option_applies(o, (enum gen_command_id)command);
}

static size_t label_columns(int command, size_t columns)
{
    size_t widest = 0;
    size_t limit = columns / 2 < FLAG_COLUMNS_MAX ? columns / 2 : FLAG_COLUMNS_MAX;
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        char label[LABEL_BYTES];
        const struct gen_option *o = &gen_options[i];
        if (!is_listed(o, command, o->group))
            continue;
        option_label(o, label);
        size_t n = strlen(label);
        if (n > widest && n <= limit)
            widest = n;
    }
    return widest;
}

static int add_row(struct gen_buf *out, const char *label, struct gen_str text, size_t label_width,
                   size_t columns, struct gen_error *err)
{
    size_t indent = 2 + label_width + 2;
    size_t n = strlen(label);
    int rc = gen_buf_printf(out, err, "  %s", label);
    if (rc == GEN_OK && n > label_width) {
        rc = gen_buf_add_char(out, '\n', err);
        if (rc == GEN_OK)
            rc = add_spaces(out, indent, err);
    } else if (rc == GEN_OK) {
        rc = add_spaces(out, indent - 2 - n, err);
    }
    return rc == GEN_OK ? add_wrapped(out, text, indent, columns, err) : rc;
}

static int add_group(struct gen_buf *out, int command, enum gen_option_group group,
                     size_t label_width, size_t columns, struct gen_error *err)
{
    bool headed = false;
    int rc = GEN_OK;
    struct gen_buf text = gen_buf_make(4096);
    for (size_t i = 0; i < GEN_N_OPTIONS && rc == GEN_OK; i++) {
        char label[LABEL_BYTES];
        const struct gen_option *o = &gen_options[i];
        if (!is_listed(o, command, group))
            continue;
        if (!headed)
            rc = gen_buf_printf(out, err, "\n%s:\n", gen_option_group_name(group));
        headed = true;
        option_label(o, label);
        gen_buf_clear(&text);
        if (rc == GEN_OK)
            rc = option_text(&text, o, command, err);
        if (rc == GEN_OK)
            rc = add_row(out, label, gen_buf_str(&text), label_width, columns, err);
    }
    gen_buf_release(&text);
    return rc;
}

/* Where an example is broken: before the last option that leaves the first line `width` bytes; a
 * text in quotes stays whole. 0: nowhere. */
static size_t example_break(struct gen_str text, size_t width)
{
    size_t at = 0;
    bool quoted = false;
    for (size_t i = 0; i + 2 < text.n && i <= width; i++) {
        quoted = quoted != (text.p[i] == '\'');
        bool starts_option = text.p[i] == ' ' && text.p[i + 1] == '-' && text.p[i + 2] != ' ';
        if (starts_option && !quoted)
            at = i;
    }
    return at;
}

/* An example as it may be typed or pasted: a line that goes on ends with a backslash. */
static int add_example(struct gen_buf *out, const char *example, size_t columns,
                       struct gen_error *err)
{
    static const char mark[] = " \\";
    struct gen_str rest = gen_str_from(example);
    size_t indent = 2;
    int rc = GEN_OK;
    while (rc == GEN_OK && rest.n) {
        size_t room = columns > indent + sizeof(mark) ? columns - indent : sizeof(mark);
        size_t cut = rest.n > room ? example_break(rest, room - strlen(mark)) : 0;
        rc = add_spaces(out, indent, err);
        if (rc == GEN_OK)
            rc = gen_buf_add_str(out, cut ? gen_str_sub(rest, 0, cut) : rest, err);
        if (rc == GEN_OK)
            rc = gen_buf_printf(out, err, "%s\n", cut ? mark : "");
        rest = cut ? gen_str_sub(rest, cut + 1, rest.n) : (struct gen_str){"", 0};
        indent = 6;
    }
    return rc;
}

int gen_usage_line(struct gen_buf *out, int command, struct gen_error *err)
{
    if (command < 0)
        return gen_buf_add_c(out, "generator COMMAND [ARGUMENT] [options]", err);
    const struct gen_command_info *c = &gen_commands[command];
    int rc = gen_buf_printf(out, err, "generator %s%s%s", c->name, c->argument ? " " : "",
                            c->argument ? c->argument : "");
    for (size_t i = 0; i < GEN_N_OPTIONS && rc == GEN_OK; i++) {
        const struct gen_option *o = &gen_options[i];
        if (!(o->required & (1U << (unsigned)command)))
            continue;
        if (o->short_name)
            rc = gen_buf_printf(out, err, " -%c %s", o->short_name, o->unit);
        else
            rc = gen_buf_printf(out, err, " --%s %s", o->name, o->unit);
    }
    return rc == GEN_OK ? gen_buf_add_c(out, " [options]", err) : rc;
}

static int add_paragraphs(struct gen_buf *out, const char *text, size_t columns,
                          struct gen_error *err)
{
    struct gen_str rest = gen_str_from(text);
    struct gen_str line;
    int rc = GEN_OK;
    while (rc == GEN_OK && gen_str_next_line(&rest, &line)) {
        rc = gen_buf_add_char(out, '\n', err);
        if (rc == GEN_OK)
            rc = add_wrapped(out, line, 0, columns, err);
    }
    return rc;
}

static int program_help(struct gen_buf *out, size_t columns, struct gen_error *err)
{
    size_t widest = 0;
    for (size_t i = 0; i < GEN_N_COMMANDS; i++) {
        size_t n = strlen(gen_commands[i].name);
        widest = n > widest ? n : widest;
    }
    int rc = gen_buf_add_c(out, "Usage: ", err);
    if (rc == GEN_OK)
        rc = gen_usage_line(out, -1, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, "\n", err);
    if (rc == GEN_OK)
        rc = add_paragraphs(out,
                            "Makes training data for language models: questions and answers from "
                            "documents, and examples of tool use from tool definitions; judged, "
                            "checked and exported.",
                            columns, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, "\nCommands:\n", err);
    for (size_t i = 0; i < GEN_N_COMMANDS && rc == GEN_OK; i++)
        rc = add_row(out, gen_commands[i].name, gen_str_from(gen_commands[i].help), widest, columns,
                     err);
    if (rc == GEN_OK)
        rc = add_row(out, "help", GEN_STR("Show the options of a command: generator help COMMAND"),
                     widest, columns, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, "\nOptions:\n", err);
    if (rc == GEN_OK)
        rc = add_row(out, "-h, --help", GEN_STR("Show this, or a command's options"), widest,
                     columns, err);
    if (rc == GEN_OK)
        rc = add_row(out, "    --version", GEN_STR("Show the version"), widest, columns, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out,
                           "\nTo try it without a model:\n"
                           "  generator pipeline DOCUMENTS -o training.jsonl "
                           "--provider extractive\n",
                           err);
    return rc;
}

static int command_help(struct gen_buf *out, int command, size_t columns, struct gen_error *err)
{
    const struct gen_command_info *c = &gen_commands[command];
    size_t label_width = label_columns(command, columns);
    int rc = gen_buf_add_c(out, "Usage: ", err);
    if (rc == GEN_OK)
        rc = gen_usage_line(out, command, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, "\n\n", err);
    if (rc == GEN_OK)
        rc = add_wrapped(out, gen_str_from(c->help), 0, columns, err);
    if (rc == GEN_OK)
        rc = add_paragraphs(out, c->manual, columns, err);
    for (int g = 0; g < GEN_N_GROUPS && rc == GEN_OK; g++)
        rc = add_group(out, command, (enum gen_option_group)g, label_width, columns, err);
    if (rc == GEN_OK)
        rc = add_row(out, "-h, --help", GEN_STR("Show this"), label_width, columns, err);
    if (rc == GEN_OK && c->examples && c->examples[0])
        rc = gen_buf_add_c(out, "\nExamples:\n", err);
    for (size_t i = 0; c->examples && c->examples[i] && rc == GEN_OK; i++)
        rc = add_example(out, c->examples[i], columns, err);
    return rc;
}

int gen_help_text(struct gen_buf *out, int command, size_t columns, struct gen_error *err)
{
    return command < 0 ? program_help(out, columns, err) : command_help(out, command, columns, err);
}
