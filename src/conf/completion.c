#include "conf/help.h"
#include "conf/internal.h"

/* One case of the shell's `case`: what may follow --name. */
static int add_value_case(struct gen_buf *out, const struct gen_option *o, struct gen_error *err)
{
    bool takes_file = o->type == GEN_TYPE_PATH;
    if (!o->name || o->type == GEN_TYPE_FLAG)
        return GEN_OK;
    int rc = gen_buf_printf(out, err, "    --%s", o->name);
    if (rc == GEN_OK && o->short_name)
        rc = gen_buf_printf(out, err, "|-%c", o->short_name);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, ") ", err);
    if (rc == GEN_OK && takes_file)
        return gen_buf_add_c(out, "compopt -o default; return ;;\n", err);
    if (rc != GEN_OK || (!o->choices && o->type != GEN_TYPE_WORKERS))
        return rc == GEN_OK ? gen_buf_add_c(out, "return ;;\n", err) : rc;
    rc = gen_buf_add_c(out, "COMPREPLY=($(compgen -W \"", err);
    if (rc == GEN_OK && o->type == GEN_TYPE_WORKERS)
        rc = gen_buf_add_c(out, "auto", err);
    for (size_t i = 0; o->choices && o->choices[i] && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err, "%s%s", i ? " " : "", o->choices[i]);
    return rc == GEN_OK ? gen_buf_add_c(out, "\" -- \"$cur\")); return ;;\n", err) : rc;
}

static int add_command_case(struct gen_buf *out, size_t command, struct gen_error *err)
{
    int rc = gen_buf_printf(out, err, "    %s) words=\"--help", gen_commands[command].name);
    for (size_t i = 0; i < GEN_N_OPTIONS && rc == GEN_OK; i++) {
        const struct gen_option *o = &gen_options[i];
        if (!o->name || !gen_option_applies(o, (enum gen_command_id)command))
            continue;
        rc = gen_buf_printf(out, err, " --%s", o->name);
        if (rc == GEN_OK && o->short_name)
            rc = gen_buf_printf(out, err, " -%c", o->short_name);
    }
    return rc == GEN_OK ? gen_buf_add_c(out, "\" ;;\n", err) : rc;
}

int gen_help_completion(struct gen_buf *out, struct gen_error *err)
{
    int rc =
        gen_buf_add_c(out,
                      "# bash completion for generator\n"
                      "_generator()\n{\n"
                      "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev command=\"\" words=\"\" i\n"
                      "  prev=\"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
                      "  COMPREPLY=()\n"
                      "  case \"$prev\" in\n",
                      err);
    for (size_t i = 0; i < GEN_N_OPTIONS && rc == GEN_OK; i++)
        rc = add_value_case(out, &gen_options[i], err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out,
                           "  esac\n"
                           "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                           "    case \"${COMP_WORDS[i]}\" in\n      ",
                           err);
    for (size_t i = 0; i < GEN_N_COMMANDS && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err, "%s|", gen_commands[i].name);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out,
                           "help) command=\"${COMP_WORDS[i]}\"; break ;;\n"
                           "    esac\n"
                           "  done\n"
                           "  case \"$command\" in\n",
                           err);
    for (size_t i = 0; i < GEN_N_COMMANDS && rc == GEN_OK; i++)
        rc = add_command_case(out, i, err);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(out, "    help|\"\") words=\"", err);
    for (size_t i = 0; i < GEN_N_COMMANDS && rc == GEN_OK; i++)
        rc = gen_buf_printf(out, err, "%s ", gen_commands[i].name);
    if (rc == GEN_OK)
        rc = gen_buf_add_c(
            out,
            "help --help --version\" ;;\n"
            "  esac\n"
            "  if [[ \"$cur\" == -* || -z \"$command\" || \"$command\" == help ]]; then\n"
            "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
            "  else\n"
            "    compopt -o default\n"
            "  fi\n"
            "}\n"
            "complete -F _generator generator\n",
            err);
    return rc;
}
