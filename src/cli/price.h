/* The price of a model from the configuration folder's prices.yaml. */
#ifndef GEN_CLI_PRICE_H
#define GEN_CLI_PRICE_H

#include "llm/prices.h"
#include "llm/provider.h"

/* Today's price; nothing for what runs on the user's own machine; unknown without a file. Errors
 * are those of gen_prices_find and of reading the file. */
GEN_MUST_USE int gen_price_of_model(const struct gen_provider *provider, const char *model,
                                    const char *config_dir, struct gen_price *out,
                                    struct gen_error *err);

#endif
