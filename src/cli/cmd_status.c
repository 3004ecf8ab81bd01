#include "cli/cli.h"
#include "cli/say.h"
#include "cli/status.h"

#include <stdio.h>

static int print(const struct gen_app *app, const struct gen_status *s, struct gen_error *err)
{
    struct gen_buf out = gen_buf_make((size_t)1 << 30);
    int rc = gen_settings_flag(app->settings, GEN_OPT_JSON) ? gen_status_json(s, &out, err)
                                                            : gen_status_text(s, &out, err);
    if (rc == GEN_OK)
        rc = gen_say(gen_buf_str(&out), err);
    gen_buf_release(&out);
    return rc;
}

int gen_cmd_status(const struct gen_app *app, int *status, struct gen_error *err)
{
    struct gen_ledger *ledger = NULL;
    struct gen_status s;
    const char *path = gen_settings_argument(app->settings);
    int rc = gen_ledger_open(&ledger, app->drivers->ledger, path, true, err);
    if (rc)
        return rc;
    rc = gen_status_read(&s, ledger, path, err);
    gen_ledger_close(ledger);
    if (rc == GEN_OK) {
        rc = print(app, &s, err);
        gen_status_release(&s);
    }
    *status = GEN_EXIT_DONE;
    return rc;
}
