/* How many examples of which category. */
#include "tool/blueprint_int.h"

#include "base/nearest.h"
#include "base/num.h"

#include <math.h>

/* formats.md §5.3: a tenth to a fifth are negatives. */
void gen_mix_default(struct gen_tool_mix *mix, enum gen_tool_steps_wanted steps, bool can_execute)
{
    static const struct gen_tool_mix mixes[] = {
        [GEN_TOOL_STEPS_ANY] = {{.28, .12, .10, .25, .10, .08, .07}},
        [GEN_TOOL_STEPS_ONE] = {{.50, .22, 0, 0, .15, .13, 0}},
        [GEN_TOOL_STEPS_SEVERAL] = {{0, 0, .25, .60, 0, 0, .15}},
    };
    *mix = mixes[steps];
    if (!can_execute)
        mix->share[GEN_TOOL_ERROR_RECOVERY] = 0;
    if (!can_execute && steps != GEN_TOOL_STEPS_SEVERAL)
        mix->share[GEN_TOOL_CHAIN] = 0;
}

void gen_mix_share_out(const double *share, size_t n_shares, int64_t total, int64_t *n)
{
    double rest[GEN_TOOL_N_CATEGORIES] = {0};
    double sum = 0;
    int64_t left = total;
    for (size_t i = 0; i < n_shares; i++) {
        sum += share[i];
        n[i] = 0;
    }
    for (size_t i = 0; sum > 0 && i < n_shares; i++) {
        double exact = (double)total * (share[i] / sum);
        n[i] = (int64_t)floor(exact);
        rest[i] = share[i] > 0 ? exact - (double)n[i] : -1;
        left -= n[i];
    }
    while (sum > 0 && left > 0) {
        size_t best = 0;
        for (size_t i = 1; i < n_shares; i++)
            best = rest[i] > rest[best] ? i : best;
        n[best]++;
        rest[best] -= 1;
        left--;
    }
}

static int unknown_category(struct gen_str name, struct gen_error *err)
{
    const char *names[GEN_TOOL_N_CATEGORIES];
    for (size_t i = 0; i < GEN_TOOL_N_CATEGORIES; i++)
        names[i] = gen_tool_category_name((enum gen_tool_category)i);
    const char *nearest = gen_nearest(name, names, GEN_TOOL_N_CATEGORIES);
    return gen_fail(err, GEN_EUSAGE, "--mix: \"%.*s\" is no category%s%s%s", GEN_STR_ARG(name),
                    nearest ? "; did you mean \""
                            : "; there are single, multiple, parallel, chain, "
                              "irrelevance, missing-param, error-recovery",
                    nearest ? nearest : "", nearest ? "\"?" : "");
}

static int parse_part(struct gen_tool_mix *mix, struct gen_str part, struct gen_error *err)
{
    size_t equals = gen_str_find(part, GEN_STR("="), 0);
    if (equals == SIZE_MAX)
        return gen_fail(err, GEN_EUSAGE, "--mix: \"%.*s\" has no share; wanted is category=share",
                        GEN_STR_ARG(part));
    struct gen_str name = gen_str_trim(gen_str_sub(part, 0, equals));
    struct gen_str share = gen_str_trim(gen_str_sub(part, equals + 1, part.n));
    enum gen_tool_category c = gen_tool_category_from(name);
    if (c == GEN_TOOL_CATEGORY_UNKNOWN)
        return unknown_category(name, err);
    if (mix->share[c] > 0)
        return gen_fail(err, GEN_EUSAGE, "--mix: \"%.*s\" stands there twice", GEN_STR_ARG(name));
    return gen_num_f64(share, 0, 1e6, "--mix", &mix->share[c], err);
}

int gen_tool_mix_parse(struct gen_tool_mix *mix, const char *text, struct gen_error *err)
{
    struct gen_tool_mix made = {{0}};
    struct gen_str rest = gen_str_from(text);
    double sum = 0;
    int rc = GEN_OK;
    while (rc == GEN_OK && rest.n) {
        size_t comma = gen_str_find(rest, GEN_STR(","), 0);
        struct gen_str part = gen_str_sub(rest, 0, comma == SIZE_MAX ? rest.n : comma);
        rest = comma == SIZE_MAX ? GEN_STR("") : gen_str_sub(rest, comma + 1, rest.n);
        if (gen_str_trim(part).n)
            rc = parse_part(&made, gen_str_trim(part), err);
    }
    for (size_t i = 0; i < GEN_TOOL_N_CATEGORIES; i++)
        sum += made.share[i];
    if (rc == GEN_OK && !(sum > 0))
        rc = gen_fail(err, GEN_EUSAGE, "--mix gives no category a share");
    if (rc == GEN_OK)
        *mix = made;
    return rc;
}
