#include "fakellm.h"

#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const char usage[] =
    "usage: fakellm [options]\n"
    "  --port N            default 0: the kernel chooses; printed on the first line\n"
    "  --api any           accepted; all routes are served at once\n"
    "  --latency-ms N      before each model answer; --jitter-ms N adds 0..N by hash\n"
    "  --answer-bytes N    lengthen the model's text to about N bytes\n"
    "  --reasoning-bytes N --reasoning-field NAME   thoughts before each answer\n"
    "  --seed N            of answers and faults\n"
    "  --stream-bytes N    text in an event; --stream-ms N between events\n"
    "faults\n"
    "  --fault RULE        NAME:PROB, NAME@K, NAME@K-L, NAME@K-, NAME%K (each K-th) or NAME#K "
    "(the\n"
    "                      first K sights of each body); repeatable, first match wins\n"
    "  --fault-from-ms N --fault-until-ms N   faults only then, from the first request on\n"
    "  --list-faults       print the names of the faults\n"
    "  --reject-param NAME answer 400 to requests with this field; repeatable\n"
    "  --redirect-to URL   for the fault redirect; default: this server as localhost\n"
    "  --refuse-all        hold the port and refuse all connections\n"
    "  --refuse-ms N --slow-ms N --idle-ms N --late-ms N --stall-ms N --retry-after N\n"
    "the server\n"
    "  --api-key KEY       answer 401 to requests without it\n"
    "  --model NAME        answer 404 for any other; repeatable\n"
    "  --flavour NAME      any, openai, vllm or llamacpp: what /v1 tells, and its errors\n"
    "  --n-ctx N           context in tokens; longer prompts are refused, or cut by Ollama\n"
    "  --rpm N --tpm N     limits; --burst-s N what a bucket holds; --charge-refused\n"
    "  --cache-min-tokens N   shortest prefix that is cached\n"
    "  --price-in N --price-out N   thousandths of a cent for a million tokens\n"
    "batches\n"
    "  --batch-ms N        until a batch is done\n"
    "  --batch-errors PPM --batch-expired PPM   lines of a million that end so\n"
    "  --batch-fail N      the first N batches fail validation\n"
    "  --batch-cut K       the K-th batch is created, but the answer never arrives\n"
    "files\n"
    "  --log FILE          one JSON line for each finished model request\n"
    "  --vectors FILE      serve /vector/<id>/... from provider-vectors.jsonl\n"
    "  --die-with-parent   end when the parent does\n";

enum option_id {
    OPT_NUMBER = 1, /* all that only set one unsigned number */
    OPT_API,
    OPT_PORT,
    OPT_ANSWER_BYTES,
    OPT_REASONING_BYTES,
    OPT_REASONING_FIELD,
    OPT_SEED,
    OPT_FAULT,
    OPT_LIST,
    OPT_REJECT,
    OPT_KEY,
    OPT_MODEL,
    OPT_FLAVOUR,
    OPT_N_CTX,
    OPT_CHARGE_REFUSED,
    OPT_REDIRECT,
    OPT_REFUSE_ALL,
    OPT_LOG,
    OPT_VECTORS,
    OPT_DIE,
    OPT_HELP
};

struct number_option {
    const char *name;
    size_t offset; /* of an unsigned in struct fake_config */
};

#define NUMBER(name, field)                                                                        \
    {                                                                                              \
        name, offsetof(struct fake_config, field)                                                  \
    }

static const struct number_option numbers[] = {
    NUMBER("latency-ms", latency_ms),
    NUMBER("jitter-ms", jitter_ms),
    NUMBER("refuse-ms", refuse_ms),
    NUMBER("slow-ms", slow_ms),
    NUMBER("idle-ms", idle_ms),
    NUMBER("late-ms", late_ms),
    NUMBER("stall-ms", stall_ms),
    NUMBER("retry-after", retry_after_s),
    NUMBER("stream-bytes", stream_bytes),
    NUMBER("stream-ms", stream_ms),
    NUMBER("fault-from-ms", fault_from_ms),
    NUMBER("fault-until-ms", fault_until_ms),
    NUMBER("rpm", rpm),
    NUMBER("tpm", tpm),
    NUMBER("burst-s", burst_s),
    NUMBER("cache-min-tokens", cache_min_tokens),
    NUMBER("price-in", price_in_millicent),
    NUMBER("price-out", price_out_millicent),
    NUMBER("batch-ms", batch_ms),
    NUMBER("batch-errors", batch_error_ppm),
    NUMBER("batch-expired", batch_expire_ppm),
    NUMBER("batch-fail", batch_fail),
    NUMBER("batch-cut", batch_cut),
};

#define N_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static const struct option options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"api", required_argument, NULL, OPT_API},
    {"answer-bytes", required_argument, NULL, OPT_ANSWER_BYTES},
    {"reasoning-bytes", required_argument, NULL, OPT_REASONING_BYTES},
    {"reasoning-field", required_argument, NULL, OPT_REASONING_FIELD},
    {"seed", required_argument, NULL, OPT_SEED},
    {"fault", required_argument, NULL, OPT_FAULT},
    {"list-faults", no_argument, NULL, OPT_LIST},
    {"reject-param", required_argument, NULL, OPT_REJECT},
    {"api-key", required_argument, NULL, OPT_KEY},
    {"model", required_argument, NULL, OPT_MODEL},
    {"flavour", required_argument, NULL, OPT_FLAVOUR},
    {"n-ctx", required_argument, NULL, OPT_N_CTX},
    {"charge-refused", no_argument, NULL, OPT_CHARGE_REFUSED},
    {"redirect-to", required_argument, NULL, OPT_REDIRECT},
    {"refuse-all", no_argument, NULL, OPT_REFUSE_ALL},
    {"log", required_argument, NULL, OPT_LOG},
    {"vectors", required_argument, NULL, OPT_VECTORS},
    {"die-with-parent", no_argument, NULL, OPT_DIE},
    {"help", no_argument, NULL, OPT_HELP},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
    return text != NULL && fake_number(&text, out) && *text == '\0' && *out <= max;
}

bool fake_config_number(struct fake_config *c, const char *name, uint64_t value)
{
    for (size_t i = 0; i < N_NUMBERS; i++) {
        if (strcmp(name, numbers[i].name) == 0 && value <= INT32_MAX) {
            unsigned number = (unsigned)value;
            memcpy((char *)c + numbers[i].offset, &number, sizeof(number));
            return true;
        }
    }
    return false;
}

static bool set_size(struct fake_config *c, int id, const char *text)
{
    uint64_t value = 0;
    uint64_t max = id == OPT_SEED ? UINT64_MAX : (id == OPT_PORT ? UINT16_MAX : INT32_MAX);
    if (!read_number(text, max, &value)) {
        return false;
    }
    switch (id) {
    case OPT_PORT:
        c->port = (uint16_t)value;
        return true;
    case OPT_ANSWER_BYTES:
        c->answer_bytes = (size_t)value;
        return true;
    case OPT_REASONING_BYTES:
        c->reasoning_bytes = (size_t)value;
        return true;
    case OPT_N_CTX:
        c->n_ctx = (unsigned)value;
        c->limit_context = true;
        return true;
    default:
        c->seed = value;
        return id == OPT_SEED;
    }
}

static bool set_flavour(struct fake_config *c, const char *text)
{
    static const char *const names[] = {"any", "openai", "vllm", "llamacpp"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            c->flavour = (enum fake_flavour)i;
            return true;
        }
    }
    return false;
}

static bool add_text(const char **list, size_t *n, size_t max, const char *text)
{
    if (*n == max) {
        return false;
    }
    list[(*n)++] = text;
    return true;
}

static bool set_option(struct fake_config *c, int id, const char *text)
{
    switch (id) {
    case OPT_API:
        return strcmp(text, "any") == 0;
    case OPT_FAULT:
        return c->n_rules < FAKE_RULES_MAX && fake_rule_parse(text, &c->rules[c->n_rules++]);
    case OPT_REJECT:
        return add_text(c->rejected, &c->n_rejected, FAKE_REJECTED_MAX, text);
    case OPT_MODEL:
        return add_text(c->models, &c->n_models, FAKE_MODELS_MAX, text);
    case OPT_FLAVOUR:
        return set_flavour(c, text);
    case OPT_KEY:
        c->api_key = text;
        return true;
    case OPT_REASONING_FIELD:
        c->reasoning_field = text;
        return strlen(text) < 32;
    case OPT_REDIRECT:
        c->redirect_to = text;
        return true;
    case OPT_REFUSE_ALL:
        c->refuse_all = true;
        return true;
    case OPT_CHARGE_REFUSED:
        c->charge_refused = true;
        return true;
    case OPT_LOG:
        c->log_path = text;
        return true;
    case OPT_VECTORS:
        c->vectors_path = text;
        return true;
    case OPT_DIE:
        c->die_with_parent = true;
        return true;
    default:
        return set_size(c, id, text);
    }
}

static void list_faults(void)
{
    for (unsigned i = 1; i < FAKE_N_FAULTS; i++) {
        (void)printf("%s\n", fake_fault_name((enum fake_fault)i));
    }
}

/* All options for getopt; ends with zeros. */
static void all_options(struct option *out)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        out[i] = options[i];
    }
    for (size_t i = 0; i < N_NUMBERS; i++) {
        out[N_OPTIONS + i] = (struct option){numbers[i].name, required_argument, NULL, OPT_NUMBER};
    }
    out[N_OPTIONS + N_NUMBERS] = (struct option){0};
}

/* Returns an exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct fake_config *c)
{
    struct option all[N_OPTIONS + N_NUMBERS + 1];
    int id = 0;
    int at = 0;
    all_options(all);
    while ((id = getopt_long(argc, argv, "", all, &at)) != -1) {
        uint64_t value = 0;
        if (id == OPT_HELP || id == OPT_LIST) {
            if (id == OPT_LIST) {
                list_faults();
            } else {
                (void)fputs(usage, stdout);
            }
            return 0;
        }
        bool ok = id == OPT_NUMBER ? read_number(optarg, INT32_MAX, &value) &&
                                         fake_config_number(c, all[at].name, value)
                                   : id != '?' && set_option(c, id, optarg);
        if (!ok) {
            (void)fprintf(stderr, "fakellm: cannot use the option before '%s'\n%s",
                          optind < argc ? argv[optind] : "the end", usage);
            return 2;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "fakellm: unexpected argument '%s'\n", argv[optind]);
        return 2;
    }
    return -1;
}

static bool prepare_process(const struct fake_config *c)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return !c->die_with_parent || prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

int main(int argc, char **argv)
{
    struct fake_server *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return 1;
    }
    s->config = (struct fake_config){.late_ms = 30000,
                                     .refuse_ms = 300,
                                     .slow_ms = 5,
                                     .idle_ms = 50,
                                     .stall_ms = 30000,
                                     .retry_after_s = 1,
                                     .stream_bytes = 80,
                                     .n_ctx = 32768,
                                     .burst_s = 60,
                                     .cache_min_tokens = 1024,
                                     .price_in_millicent = 100000,
                                     .price_out_millicent = 400000,
                                     .reasoning_field = "reasoning"};
    int status = parse_options(argc, argv, &s->config);
    if (status < 0) {
        bool ok = prepare_process(&s->config);
        if (ok && s->config.vectors_path != NULL) {
            ok = fake_vectors_load(&s->vectors, s->config.vectors_path);
        }
        if (ok && s->config.log_path != NULL) {
            s->log = fopen(s->config.log_path, "a");
            ok = s->log != NULL;
        }
        status = ok && fake_server_run(s) ? 0 : 1;
    }
    if (s->log != NULL && fclose(s->log) != 0) {
        status = 1;
    }
    fake_vectors_release(&s->vectors);
    fake_vectors_release(&s->script);
    fake_batches_free(s->batches);
    fake_seen_release(&s->seen);
    fake_seen_release(&s->paid);
    fake_seen_release(&s->prefixes);
    fake_seen_release(&s->cached);
    fake_buf_release(&s->content);
    fake_buf_release(&s->reasoning);
    fake_buf_release(&s->extra);
    fake_buf_release(&s->head);
    fake_buf_release(&s->wire);
    free(s);
    return status;
}
