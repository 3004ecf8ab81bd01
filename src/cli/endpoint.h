/*
 * Which model is asked, where, and with which key: chosen from the settings, the same for every
 * command that talks to one.
 */
#ifndef GEN_CLI_ENDPOINT_H
#define GEN_CLI_ENDPOINT_H

#include "cli/cli.h"
#include "llm/channel.h"

struct gen_chosen {
    const struct gen_provider *provider;
    const char *model;
    struct gen_endpoint endpoint; /* with texts of this structure and of the settings */
    char *base_url;
    struct gen_secret *key;
    struct gen_buf program; /* path of the provider's program; empty: it needs none */
    bool is_fallback;       /* the API serves in the place of a program that is missing */
    char notice[400];       /* what the user must know about the choice; empty: nothing */
};

/* GEN_EUSAGE with what to do when a provider, model, program or key is missing or wrong. */
GEN_MUST_USE int gen_chosen_init(struct gen_chosen *c, const struct gen_app *app,
                                 struct gen_error *err);
void gen_chosen_release(struct gen_chosen *c);

/* The provider's key in the environment, NULL when it is not set or empty. Not to be printed. */
const char *gen_environment_key(const struct gen_provider *p);

/* Whether requests go over the network, or a program of the user's does that. */
bool gen_chosen_needs_network(const struct gen_chosen *c);

/* The ordinary channel to the model, live. `http` may be NULL where no network is needed. A
 * provider that answers at once gets a channel of zeros. */
GEN_MUST_USE int gen_chosen_channel(const struct gen_chosen *c, struct gen_loop *loop,
                                    struct gen_http *http, const struct gen_log *log,
                                    struct gen_channel *out, struct gen_error *err);

#endif
