/* Each question is put to a program of its own: bytes on its standard input, the answer on its
 * standard output. */
#include "llm/exchange.h"

#include "os/process.h"
#include "os/scratch.h"

#include <stdio.h>
#include <stdlib.h>

#define WORDS_BYTES_MAX ((size_t)8 << 20)

struct program_channel {
    struct gen_channel_options o;
    char *program;
    struct gen_scratch
        dir; /* where the programs run: nothing lies there that could change an answer */
    struct gen_turn *turn;
    struct gen_exchange *live; /* all that are prepared or in flight */
};

struct program_exchange {
    struct gen_exchange head;
    struct program_channel *channel;
    struct gen_buf input, arguments, environment;
    struct gen_process *process;  /* NULL: not started, or ended */
    struct gen_llm_result result; /* of one that could not be started */
    bool is_refused;              /* `result` waits for the end of the turn */
};

static void release(struct gen_exchange *head)
{
    struct program_exchange *x = (struct program_exchange *)head;
    gen_process_free(x->process);
    gen_buf_release(&x->input);
    gen_buf_release(&x->arguments);
    gen_buf_release(&x->environment);
    free(x);
}

static int prepare(void *state, const struct gen_llm_request *r, const struct gen_digest *key,
                   unsigned dropped, struct gen_exchange **out, struct gen_error *err)
{
    (void)key;
    struct program_channel *c = state;
    const struct gen_provider *p = c->o.provider;
    struct gen_endpoint endpoint = c->o.endpoint;
    endpoint.dropped = dropped;
    struct program_exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return gen_nomem(err, "a request");
    x->channel = c;
    x->input = gen_buf_make(GEN_BUF_UNLIMITED);
    x->arguments = gen_buf_make(WORDS_BYTES_MAX);
    x->environment = gen_buf_make(WORDS_BYTES_MAX);
    gen_exchange_enter(&c->live, &x->head);
    int rc = p->build(r, &endpoint, &x->input, err);
    if (rc == GEN_OK)
        rc = p->arguments(r, &endpoint, &x->arguments, err);
    if (rc == GEN_OK && p->environment)
        rc = p->environment(r, &endpoint, &x->environment, err);
    if (rc) {
        gen_exchange_discard(&x->head, release);
        return rc;
    }
    *out = &x->head;
    return GEN_OK;
}

/* ---- results ---- */

/* How the program ended, in the words of a transfer. What came whole before we ended it is paid,
 * and counts. */
static struct gen_http_response make_response(const struct program_exchange *x,
                                              const struct gen_process_end *end, char *words,
                                              size_t n)
{
    struct gen_http_response r = {
        .transport = GEN_TRANSPORT_OK,
        .status = end->exit_code,
        .body = end->output,
        .latency_us = end->elapsed_us,
        .detail = end->errors.n ? end->errors.p : "",
    };
    words[0] = '\0';
    if (end->too_large) {
        r.transport = GEN_TRANSPORT_TOO_LARGE;
        (void)snprintf(words, n, "%s wrote more than an answer can be", x->channel->program);
    } else if (end->exit_code == 0) {
        return r;
    } else if (end->canceled) {
        r.transport = GEN_TRANSPORT_CANCELED;
        (void)snprintf(words, n, "%s was ended", x->channel->program);
    } else if (end->timed_out) {
        r.transport = GEN_TRANSPORT_TIMEOUT;
        (void)snprintf(words, n, "%s gave no answer within %.0f s (--timeout)", x->channel->program,
                       (double)x->channel->o.endpoint.timeout_ms / 1000.0);
    } else if (end->signal) {
        r.transport = GEN_TRANSPORT_RESET;
        (void)snprintf(words, n, "%s was killed by signal %d", x->channel->program, end->signal);
    }
    if (words[0])
        r.detail = words;
    return r;
}

static void on_end(void *ud, const struct gen_process_end *end)
{
    struct program_exchange *x = ud;
    struct gen_error err = {.code = GEN_OK};
    struct gen_llm_result result = gen_llm_result_make();
    char words[512];
    struct gen_http_response response = make_response(x, end, words, sizeof(words));
    int rc = end->out_of_memory ? gen_nomem(&err, "an answer")
                                : x->channel->o.provider->parse(&response, &result, &err);
    x->process = NULL;
    gen_exchange_deliver(&x->head, release, &result, rc ? &err : NULL);
}

static struct program_exchange *first_refused(const struct program_channel *c)
{
    struct gen_exchange *x = c->live;
    while (x && !((struct program_exchange *)x)->is_refused)
        x = x->next;
    return (struct program_exchange *)x;
}

/* Results of programs that could not be started: never from inside send. */
static void on_turn(void *ud)
{
    const struct program_channel *c = ud;
    size_t n = 0;
    for (const struct gen_exchange *x = c->live; x; x = x->next)
        n += ((const struct program_exchange *)x)->is_refused;
    /* The callback may change the list; what it adds waits for the next turn. */
    for (; n > 0; n--) {
        struct program_exchange *x = first_refused(c);
        if (!x)
            return;
        struct gen_llm_result result = x->result;
        gen_exchange_deliver(&x->head, release, &result, NULL);
    }
}

/* ---- send ---- */

/* Views of the words in a buffer, after `first` when there is one. NULL when memory ends. */
static const char **split_words(const struct gen_buf *words, const char *first)
{
    size_t n = first ? 2 : 1;
    for (size_t i = 0; i < words->n; i++)
        n += words->data[i] == '\0';
    const char **out = calloc(n, sizeof(*out));
    if (!out)
        return NULL;
    size_t used = 0;
    if (first)
        out[used++] = first;
    for (size_t i = 0; i < words->n; i += strlen(words->data + i) + 1)
        out[used++] = words->data + i;
    return out;
}

static int start(struct program_exchange *x, struct gen_error *err)
{
    struct program_channel *c = x->channel;
    const char **argv = split_words(&x->arguments, c->program);
    const char **environment = split_words(&x->environment, NULL);
    int rc = GEN_OK;
    if (argv && environment) {
        const struct gen_process_options options = {
            .argv = argv,
            .environment = environment,
            .cwd = c->dir.path,
            .input = gen_buf_str(&x->input),
            .timeout_ms = c->o.endpoint.timeout_ms,
        };
        rc = gen_process_start(&x->process, c->o.loop, &options, on_end, x, err);
    } else {
        rc = gen_nomem(err, "a command line");
    }
    free(argv);
    free(environment);
    return rc;
}

/* A program that cannot be run is this request's failure, as an endpoint that cannot be reached. */
static void refuse(struct program_exchange *x, int rc, const struct gen_error *err)
{
    x->result = gen_llm_result_make();
    x->result.class_code = rc == GEN_EIO ? GEN_CLASS_TRANSPORT : GEN_CLASS_BAD_REQUEST;
    x->result.stop_provider = rc == GEN_EINPUT;
    gen_llm_set_message(&x->result, gen_str_from(err->msg));
    x->is_refused = true;
    gen_loop_wake(x->channel->o.loop);
}

static int send_exchange(void *state, struct gen_exchange *head, struct gen_error *err)
{
    (void)state;
    struct program_exchange *x = (struct program_exchange *)head;
    struct gen_error start_err = {.code = GEN_OK};
    int rc = start(x, &start_err);
    if (rc == GEN_ENOMEM)
        return gen_nomem(err, "a child process");
    if (rc)
        refuse(x, rc, &start_err);
    gen_buf_release(&x->input);
    gen_buf_release(&x->arguments);
    gen_buf_release(&x->environment);
    return GEN_OK;
}

static void cancel_exchange(void *state, struct gen_exchange *head)
{
    (void)state;
    struct program_exchange *x = (struct program_exchange *)head;
    if (x->process)
        gen_process_cancel(x->process);
}

static void channel_free(void *state)
{
    struct program_channel *c = state;
    gen_exchange_release_all(&c->live, release);
    gen_turn_free(c->turn);
    gen_scratch_release(&c->dir);
    free(c->program);
    free(c);
}

int gen_channel_program_new(struct gen_channel *out, const struct gen_channel_options *o,
                            const char *program, struct gen_error *err)
{
    static const struct gen_channel_table table = {
        .prepare = prepare,
        .send = send_exchange,
        .cancel = cancel_exchange,
        .release = release,
        .free = channel_free,
    };
    struct program_channel *c = calloc(1, sizeof(*c));
    if (!c)
        return gen_nomem(err, "a channel");
    c->o = *o;
    c->dir = GEN_SCRATCH_NONE;
    c->program = gen_str_dup(gen_str_from(program));
    int rc = c->program ? GEN_OK : gen_nomem(err, "a path");
    gen_scratch_sweep();
    if (rc == GEN_OK)
        rc = gen_scratch_make(&c->dir, err);
    if (rc == GEN_OK)
        rc = gen_turn_new(&c->turn, o->loop, on_turn, NULL, c, err);
    if (rc) {
        channel_free(c);
        return rc;
    }
    *out = (struct gen_channel){&table, c};
    return GEN_OK;
}
