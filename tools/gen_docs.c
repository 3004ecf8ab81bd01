/* Writes the man pages and the shell completion from the option table into a folder: gen_docs DIR.
 * Run by the build. */
#include "conf/help.h"
#include "os/file.h"

#include <stdio.h>

static int write_page(const char *dir, int command, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_buf path = gen_buf_make(4096);
    int rc = gen_help_man(&text, command, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&path, err, "%s/generator%s%s.1", dir, command < 0 ? "" : "-",
                            command < 0 ? "" : gen_commands[command].name);
    if (rc == GEN_OK)
        rc = gen_file_write_all(path.data, gen_buf_str(&text), err);
    gen_buf_release(&text);
    gen_buf_release(&path);
    return rc;
}

static int write_completion(const char *dir, struct gen_error *err)
{
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    struct gen_buf path = gen_buf_make(4096);
    int rc = gen_help_completion(&text, err);
    if (rc == GEN_OK)
        rc = gen_buf_printf(&path, err, "%s/generator.bash", dir);
    if (rc == GEN_OK)
        rc = gen_file_write_all(path.data, gen_buf_str(&text), err);
    gen_buf_release(&text);
    gen_buf_release(&path);
    return rc;
}

/* One line per example: "command<TAB>command line", for the test that runs them. */
static void print_examples(void)
{
    for (int c = 0; c < GEN_N_COMMANDS; c++) {
        for (const char *const *e = gen_commands[c].examples; e && *e; e++)
            printf("%s\t%s\n", gen_commands[c].name, *e);
    }
}

int main(int argc, char **argv)
{
    struct gen_error err = {.msg = ""};
    int rc = GEN_OK;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: gen_docs DIR | gen_docs --examples\n");
        return 2;
    }
    if (strcmp(argv[1], "--examples") == 0) {
        print_examples();
        return 0;
    }
    for (int c = -1; c < GEN_N_COMMANDS && rc == GEN_OK; c++)
        rc = write_page(argv[1], c, &err);
    if (rc == GEN_OK)
        rc = write_completion(argv[1], &err);
    if (rc)
        (void)fprintf(stderr, "gen_docs: %s\n", err.msg);
    return rc ? 1 : 0;
}
