/* Looking for a batch whose name we never learned: the process died, or the answer to its creation
 * was lost. Lists are not up to date at once, so more than one look is taken before it is believed
 * not to be there. */
#include "llm/batch/batch_int.h"

#include <ctype.h>
#include <stdio.h>

#define LOOKS_MAX     3U
#define LOOK_MS       5000U
#define PAGES_MAX     50U
#define CREATIONS_MAX 6U
#define CLOCK_SKEW_S  300
#define LATE_S        7200 /* the last try to create it may come so long after the first */

static bool is_taken(const struct batch *b, struct gen_str id)
{
    for (const struct batch *other = b->channel->first; other; other = other->next) {
        if (other->id[0] && gen_str_is(id, other->id))
            return true;
    }
    for (size_t i = 0; i < b->n_not_this; i++) {
        if (gen_str_is(id, b->not_this[i]))
            return true;
    }
    return false;
}

/* By our own name for it where the provider keeps one, else by its size and time: what is not it
 * after all shows when its answers are read. */
static bool is_this(const struct batch *b, const struct gen_batch_remote *r)
{
    if (!gen_batch_name_is_fine(r->id))
        return false;
    if (b->channel->protocol->has_marker)
        return gen_str_is(r->marker, b->marker);
    return r->n_requests == b->n_requests && !is_taken(b, r->id) &&
           r->created_unix + CLOCK_SKEW_S >= b->submitted_unix &&
           r->created_unix <= b->submitted_unix + LATE_S;
}

static bool find(struct batch *b, const struct gen_json *body, bool *all_older)
{
    const struct gen_batch_protocol *p = b->channel->protocol;
    struct gen_batch_remote remote;
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *row;
    *all_older = true;
    gen_json_iter_init(&it, gen_json_get(body, p->list_key));
    while (gen_json_iter_next(&it, &key, &row)) {
        if (!p->read(row, &remote))
            continue;
        if (is_this(b, &remote)) {
            gen_batch_adopt(b, remote.id);
            return true;
        }
        *all_older &=
            remote.created_unix > 0 && remote.created_unix + CLOCK_SKEW_S < b->submitted_unix;
    }
    return false;
}

/* True when there is another page to look at. */
static bool turn_page(struct batch *b, const struct gen_json *body)
{
    const struct gen_batch_protocol *p = b->channel->protocol;
    struct gen_str mark = p->next_page(body);
    if (mark.n == 0 || mark.n >= sizeof(b->page) || ++b->n_pages >= PAGES_MAX)
        return false;
    gen_batch_copy_name(b->page, mark);
    return true;
}

static void end_search(struct batch *b)
{
    struct gen_llm_result result = gen_llm_result_make();
    b->page[0] = '\0';
    b->n_pages = 0;
    if (++b->n_looks < LOOKS_MAX) {
        uint64_t poll = b->channel->b.poll_ms;
        gen_batch_later(b, poll < LOOK_MS ? poll : LOOK_MS);
    } else if (b->is_old) {
        result.class_code = GEN_CLASS_OVERLOAD;
        gen_llm_set_message(&result, GEN_STR("it never reached the provider; its requests are "
                                             "submitted anew"));
        gen_batch_give_up(b, &result);
    } else if (b->n_creations < CREATIONS_MAX) {
        gen_batch_create(b);
    } else {
        result.class_code = GEN_CLASS_SERVER_ERROR;
        gen_llm_set_message(&result, GEN_STR("the provider does not answer to its creation, and "
                                             "has not got it"));
        gen_batch_give_up(b, &result);
    }
    gen_llm_result_release(&result);
}

static void on_list(void *ud, const struct gen_http_response *response)
{
    struct batch *b = ud;
    struct gen_llm_result result = gen_llm_result_make();
    const struct gen_json *body = NULL;
    bool all_older = false;
    if (gen_batch_is_success(b, response, &result, &body) && !find(b, body, &all_older)) {
        if (!all_older && turn_page(b, body))
            gen_batch_later(b, 0);
        else
            end_search(b);
    }
    gen_llm_result_release(&result);
}

static int add_encoded(struct gen_buf *out, const char *text, struct gen_error *err)
{
    int rc = GEN_OK;
    for (; *text && rc == GEN_OK; text++) {
        unsigned char c = (unsigned char)*text;
        rc = c < 0x80 && (isalnum(c) || c == '-' || c == '_' || c == '.')
                 ? gen_buf_add_char(out, *text, err)
                 : gen_buf_printf(out, err, "%%%02X", c);
    }
    return rc;
}

void gen_batch_look(struct batch *b)
{
    const struct gen_batch_protocol *p = b->channel->protocol;
    struct gen_error err = {.msg = ""};
    struct gen_buf path = gen_buf_make(2048);
    int rc = gen_buf_add_c(&path, p->list_path, &err);
    if (rc == GEN_OK && b->page[0])
        rc = gen_buf_add_c(&path, p->page_query, &err);
    if (rc == GEN_OK)
        rc = add_encoded(&path, b->page, &err);
    if (rc == GEN_OK)
        gen_batch_get(b, path.data, (struct gen_str){NULL, 0}, false, on_list);
    else
        gen_batch_fault(b, rc, &err);
    gen_buf_release(&path);
}

void gen_batch_seek(struct batch *b)
{
    b->phase = BATCH_SEEKING;
    b->n_looks = 0;
    b->n_pages = 0;
    b->page[0] = '\0';
    gen_batch_later(b, 0);
}

void gen_batch_seek_another(struct batch *b)
{
    gen_log(b->channel->o.log, GEN_LOG_WARN, "batch",
            "batch %s has none of the %lld requests that were looked for; looking further", b->id,
            (long long)b->n_requests);
    size_t at = b->n_not_this < GEN_BATCH_GUESSES ? b->n_not_this++ : GEN_BATCH_GUESSES - 1;
    gen_batch_copy_name(b->not_this[at], gen_str_from(b->id));
    b->id[0] = '\0';
    b->n_fetches = 0;
    b->is_canceled = false;
    /* Its requests are no longer there to be created again. */
    b->is_old = true;
    gen_batch_seek(b);
}
