#include "cli/price.h"

#include "os/file.h"
#include "os/loop.h"

#include <time.h>

/* Days are those of Greenwich, as everywhere in the program. */
static void today(char out[16])
{
    time_t now = (time_t)(gen_time_unix_us() / 1000000);
    struct tm utc = {.tm_year = 0};
    (void)gmtime_r(&now, &utc);
    if (strftime(out, 16, "%Y-%m-%d", &utc) == 0)
        out[0] = '\0';
}

int gen_price_of_model(const struct gen_provider *provider, const char *model,
                       const char *config_dir, struct gen_price *out, struct gen_error *err)
{
    char day[16];
    if (provider->is_local) {
        *out = gen_price_nothing();
        return GEN_OK;
    }
    struct gen_price price = {.batch_factor = 1};
    struct gen_buf path = gen_buf_make(8192);
    struct gen_buf text = gen_buf_make((size_t)1 << 20);
    today(day);
    int rc = gen_path_join(&path, gen_str_from(config_dir), GEN_STR("prices.yaml"), err);
    if (rc == GEN_OK && gen_file_kind(path.data) == GEN_FILE_REGULAR) {
        rc = gen_file_read_all(&text, path.data, err);
        if (rc == GEN_OK)
            rc = gen_prices_find(gen_buf_str(&text), path.data, provider->name, model, day, &price,
                                 err);
    }
    if (rc == GEN_OK)
        *out = price;
    gen_buf_release(&path);
    gen_buf_release(&text);
    return rc;
}
