#include "llm/advice.h"

#include <stdio.h>

static void put(char *out, const char *text)
{
    (void)snprintf(out, GEN_ADVICE_BYTES, "%s", text);
}

static void advise_auth(const struct gen_provider *p, char *out)
{
    if (p->program)
        (void)snprintf(out, GEN_ADVICE_BYTES,
                       "log in with the program \"%s\" itself, by hand, and try one prompt there",
                       p->program);
    else if (p->key_env)
        (void)snprintf(out, GEN_ADVICE_BYTES,
                       "check the key in %s (or llm.%s.api_key): whether it is valid, and may use "
                       "this model from here",
                       p->key_env, p->name);
    else
        put(out, "check what the server demands before it answers");
}

static void advise_context(const struct gen_provider *p, char *out)
{
    const char *more = "take a model with a larger context";
    if (p->takes_num_ctx)
        more = "raise --num-ctx";
    else if (p->is_local)
        more = "start the server with a larger context";
    (void)snprintf(out, GEN_ADVICE_BYTES,
                   "make smaller chunks (--chunk-size) or ask about fewer pairs at once "
                   "(--batch-size), or %s",
                   more);
}

static void advise_transport(const struct gen_provider *p, char *out)
{
    if (p->program)
        put(out, "try the program by hand; raise --timeout if it only takes long");
    else if (p->is_local)
        put(out, "check that the server is running and listens at --base-url (`generator doctor` "
                 "asks it); raise --timeout if it only takes long");
    else
        put(out, "check the network and --base-url (`generator doctor` asks it); raise --timeout "
                 "if answers only take long");
}

void gen_class_advice(enum gen_class c, const struct gen_provider *p, char out[GEN_ADVICE_BYTES])
{
    out[0] = '\0';
    switch (c) {
    case GEN_CLASS_RATE_LIMIT:
        put(out, "ask more slowly (--max-rpm, --workers), or have the limit raised");
        break;
    case GEN_CLASS_OVERLOAD:
        put(out, p->is_local ? "ask for less at once (--workers), or give the server more to run on"
                             : "try again later, or ask for less at once (--workers)");
        break;
    case GEN_CLASS_SERVER_ERROR:
        put(out, p->is_local ? "look into the server's own log" : "try again later");
        break;
    case GEN_CLASS_TRANSPORT:
        advise_transport(p, out);
        break;
    case GEN_CLASS_QUOTA:
        put(out,
            "add money or raise the limit at the provider, wait until a limit per day or month "
            "begins anew, or take another --provider or --model");
        break;
    case GEN_CLASS_AUTH:
        advise_auth(p, out);
        break;
    case GEN_CLASS_CONTEXT_OVERFLOW:
        advise_context(p, out);
        break;
    case GEN_CLASS_UNSUPPORTED_PARAM:
        put(out, "leave out the setting that the message names, or take another --model");
        break;
    case GEN_CLASS_BAD_REQUEST:
        put(out,
            "correct what the message names (--model, --base-url); `generator doctor` tries them "
            "one by one");
        break;
    case GEN_CLASS_BLOCKED:
        put(out, "leave such chunks out, or use another --provider or --model for them");
        break;
    case GEN_CLASS_TRUNCATED:
        put(out, "raise --max-tokens, or ask for less in one answer (--n-pairs, --batch-size)");
        break;
    case GEN_CLASS_MALFORMED:
        put(out,
            "take a --model that keeps to a JSON schema; `generator doctor` tries whether this "
            "one does");
        break;
    case GEN_CLASS_CONTINUE:
        put(out, "ask for less in one answer (--n-pairs, --batch-size)");
        break;
    case GEN_CLASS_NONE:
    case GEN_CLASS_OK:
    case GEN_CLASS_CANCELED:
    case GEN_N_CLASSES:
        break;
    }
}

enum gen_class gen_class_of_name(struct gen_str name)
{
    for (int c = GEN_CLASS_OK; c < GEN_N_CLASSES; c++) {
        if (gen_str_is(name, gen_class_name((enum gen_class)c)))
            return (enum gen_class)c;
    }
    return GEN_CLASS_NONE;
}
