#include "conf/prompt.h"
#include "os/file.h"

#define PATH_BYTES 4096U

/* The folder counts when it holds the configuration file that is always installed in it. */
static bool is_config_dir(const struct gen_buf *dir)
{
    struct gen_buf file = gen_buf_make(PATH_BYTES);
    bool found = gen_path_join(&file, gen_buf_str(dir), GEN_STR("config.yaml"), NULL) == GEN_OK &&
                 gen_file_kind(file.data) == GEN_FILE_REGULAR;
    gen_buf_release(&file);
    return found;
}

int gen_config_dir(struct gen_buf *out, struct gen_error *err)
{
    static const char *const places[] = {"../share/generator/configs", "configs", "../configs"};
    struct gen_buf program = gen_buf_make(PATH_BYTES);
    struct gen_buf dir = gen_buf_make(PATH_BYTES);
    bool found = false;
    int rc = gen_program_dir(&program, err);
    for (size_t i = 0; rc == GEN_OK && !found && i < sizeof(places) / sizeof(places[0]); i++) {
        gen_buf_clear(&dir);
        rc = gen_path_join(&dir, gen_buf_str(&program), gen_str_from(places[i]), err);
        found = rc == GEN_OK && is_config_dir(&dir);
    }
    if (rc == GEN_OK && found)
        rc = gen_buf_add_str(out, gen_buf_str(&dir), err);
    else if (rc == GEN_OK)
        rc = gen_fail(err, GEN_EINPUT,
                      "the built-in configuration is neither in %s/../share/generator/configs nor "
                      "beside the program; install it with the program, or give --config and "
                      "--prompts",
                      program.data);
    gen_buf_release(&dir);
    gen_buf_release(&program);
    return rc;
}
