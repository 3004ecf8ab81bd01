#include "fakellm.h"

#include <getopt.h>
#include <signal.h>
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
    "  --seed N            of answers and faults\n"
    "  --fault RULE        NAME:PROB, NAME@K, NAME@K-L or NAME@K-; repeatable, first match wins\n"
    "  --list-faults       print the names of the faults\n"
    "  --reject-param NAME answer 400 to requests with this field; repeatable\n"
    "  --api-key KEY       answer 401 to requests without it\n"
    "  --redirect-to URL   for the fault redirect; default: this server as localhost\n"
    "  --refuse-all        hold the port and refuse all connections\n"
    "  --refuse-ms N --slow-ms N --idle-ms N --late-ms N --retry-after N\n"
    "  --log FILE          one JSON line for each finished model request\n"
    "  --vectors FILE      serve /vector/<id>/... from provider-vectors.jsonl\n"
    "  --die-with-parent   end when the parent does\n";

enum option_id {
    OPT_PORT = 1,
    OPT_API,
    OPT_LATENCY,
    OPT_JITTER,
    OPT_ANSWER_BYTES,
    OPT_SEED,
    OPT_FAULT,
    OPT_LIST,
    OPT_REJECT,
    OPT_KEY,
    OPT_REDIRECT,
    OPT_REFUSE_ALL,
    OPT_REFUSE_MS,
    OPT_SLOW_MS,
    OPT_IDLE_MS,
    OPT_LATE_MS,
    OPT_RETRY_AFTER,
    OPT_LOG,
    OPT_VECTORS,
    OPT_DIE,
    OPT_HELP
};

static const struct option options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"api", required_argument, NULL, OPT_API},
    {"latency-ms", required_argument, NULL, OPT_LATENCY},
    {"jitter-ms", required_argument, NULL, OPT_JITTER},
    {"answer-bytes", required_argument, NULL, OPT_ANSWER_BYTES},
    {"seed", required_argument, NULL, OPT_SEED},
    {"fault", required_argument, NULL, OPT_FAULT},
    {"list-faults", no_argument, NULL, OPT_LIST},
    {"reject-param", required_argument, NULL, OPT_REJECT},
    {"api-key", required_argument, NULL, OPT_KEY},
    {"redirect-to", required_argument, NULL, OPT_REDIRECT},
    {"refuse-all", no_argument, NULL, OPT_REFUSE_ALL},
    {"refuse-ms", required_argument, NULL, OPT_REFUSE_MS},
    {"slow-ms", required_argument, NULL, OPT_SLOW_MS},
    {"idle-ms", required_argument, NULL, OPT_IDLE_MS},
    {"late-ms", required_argument, NULL, OPT_LATE_MS},
    {"retry-after", required_argument, NULL, OPT_RETRY_AFTER},
    {"log", required_argument, NULL, OPT_LOG},
    {"vectors", required_argument, NULL, OPT_VECTORS},
    {"die-with-parent", no_argument, NULL, OPT_DIE},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static bool set_number(struct fake_config *c, int id, const char *text)
{
    uint64_t value = 0;
    uint64_t max = id == OPT_SEED ? UINT64_MAX : INT32_MAX;
    if (!fake_number(&text, &value) || *text != '\0' || value > max) {
        return false;
    }
    switch (id) {
    case OPT_PORT:
        c->port = (uint16_t)value;
        return value <= UINT16_MAX;
    case OPT_LATENCY:
        c->latency_ms = (unsigned)value;
        return true;
    case OPT_JITTER:
        c->jitter_ms = (unsigned)value;
        return true;
    case OPT_ANSWER_BYTES:
        c->answer_bytes = (size_t)value;
        return true;
    case OPT_SEED:
        c->seed = value;
        return true;
    case OPT_REFUSE_MS:
        c->refuse_ms = (unsigned)value;
        return true;
    case OPT_SLOW_MS:
        c->slow_ms = (unsigned)value;
        return true;
    case OPT_IDLE_MS:
        c->idle_ms = (unsigned)value;
        return true;
    case OPT_LATE_MS:
        c->late_ms = (unsigned)value;
        return true;
    case OPT_RETRY_AFTER:
        c->retry_after_s = (unsigned)value;
        return true;
    default:
        return false;
    }
}

static bool set_option(struct fake_config *c, int id, const char *text)
{
    switch (id) {
    case OPT_API:
        return strcmp(text, "any") == 0;
    case OPT_FAULT:
        return c->n_rules < FAKE_RULES_MAX && fake_rule_parse(text, &c->rules[c->n_rules++]);
    case OPT_REJECT:
        if (c->n_rejected == FAKE_REJECTED_MAX) {
            return false;
        }
        c->rejected[c->n_rejected++] = text;
        return true;
    case OPT_KEY:
        c->api_key = text;
        return true;
    case OPT_REDIRECT:
        c->redirect_to = text;
        return true;
    case OPT_REFUSE_ALL:
        c->refuse_all = true;
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
        return set_number(c, id, text == NULL ? "" : text);
    }
}

static void list_faults(void)
{
    for (unsigned i = 1; i < FAKE_N_FAULTS; i++) {
        (void)printf("%s\n", fake_fault_name((enum fake_fault)i));
    }
}

/* Returns an exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, struct fake_config *c)
{
    int id = 0;
    while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (id == OPT_HELP || id == OPT_LIST) {
            if (id == OPT_LIST) {
                list_faults();
            } else {
                (void)fputs(usage, stdout);
            }
            return 0;
        }
        if (id == '?' || !set_option(c, id, optarg)) {
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
    s->config = (struct fake_config){
        .late_ms = 30000, .refuse_ms = 300, .slow_ms = 5, .idle_ms = 50, .retry_after_s = 1};
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
    fake_seen_release(&s->seen);
    fake_buf_release(&s->content);
    fake_buf_release(&s->head);
    fake_buf_release(&s->wire);
    free(s);
    return status;
}
