#include "corpus/remote/refusal.h"

#include "corpus/remote/listing.h"

#include <stdio.h>

void gen_s3_error_read(struct gen_s3_error *e, struct gen_str body)
{
    *e = (struct gen_s3_error){.code = ""};
    if (body.n == 0)
        return;
    (void)gen_xml_text(body, "Code", e->code, sizeof(e->code));
    (void)gen_xml_text(body, "Message", e->message, sizeof(e->message));
    (void)gen_xml_text(body, "Region", e->region, sizeof(e->region));
}

static const char *host_of(const struct gen_place *p)
{
    return !p->is_s3 ? "the server" : p->endpoint ? p->endpoint : "Amazon S3";
}

static void count_tries(unsigned n_attempts, char out[32])
{
    out[0] = '\0';
    if (n_attempts > 1)
        (void)snprintf(out, 32, " after %u attempts", n_attempts);
}

static int fail_transport(const struct gen_place *p, const char *path,
                          const struct gen_http_response *r, unsigned n_attempts,
                          struct gen_error *err)
{
    const char *advice = "";
    switch (r->transport) {
    case GEN_TRANSPORT_RESOLVE:
    case GEN_TRANSPORT_CONNECT:
        advice = p->is_s3 && p->endpoint ? ": is it running, and AWS_ENDPOINT_URL right?"
                                         : ": check the address and the network";
        break;
    case GEN_TRANSPORT_TLS:
        advice = "; for a server with a certificate of your own set CURL_CA_BUNDLE";
        break;
    case GEN_TRANSPORT_TOO_LARGE:
        return gen_fail(err, GEN_EINPUT,
                        "%s: the server sends whole files where a part was asked for (no HTTP "
                        "range requests), and this one is too large for that: use another server, "
                        "or copy the table here first",
                        path);
    default:
        break;
    }
    char tries[32];
    count_tries(n_attempts, tries);
    return gen_fail(err, GEN_EINPUT, "%s: no answer from %s%s: %s%s", path, host_of(p), tries,
                    r->detail, advice);
}

struct advice {
    const char *code;
    const char *text;
};

static const struct advice advices[] = {
    {"InvalidAccessKeyId", "the server does not know the key: check AWS_ACCESS_KEY_ID, and that "
                           "AWS_ENDPOINT_URL is the key's own server"},
    {"SignatureDoesNotMatch", "the secret does not belong to the key: check AWS_SECRET_ACCESS_KEY"},
    {"ExpiredToken", "the key has expired: get a new one"},
    {"InvalidToken", "AWS_SESSION_TOKEN does not belong to the key"},
    {"RequestTimeTooSkewed", "this machine's clock is wrong: set it"},
    {"NoSuchBucket", "there is no such bucket: check its name, AWS_REGION and AWS_ENDPOINT_URL"},
    {"AllAccessDisabled", "nobody may read this bucket"},
    {"InvalidObjectState", "the object lies in an archive: restore it first"},
    {"SlowDown", "the server is overloaded: try again later"},
};

static const char *advice_for(const struct gen_place *p, const char *code, int status)
{
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        if (strcmp(code, advices[i].code) == 0)
            return advices[i].text;
    }
    if (p->is_s3 && (status == 401 || status == 403))
        return p->key_id ? "the key may not read it (s3:GetObject and s3:ListBucket are needed)"
                         : "it cannot be read anonymously: set AWS_ACCESS_KEY_ID and "
                           "AWS_SECRET_ACCESS_KEY";
    if (status == 401 || status == 403)
        return "only what everybody may read can be read from a web server";
    if (status >= 300 && status < 400)
        return p->is_s3 ? "set AWS_REGION to the bucket's region"
                        : "it redirects too often, or to where we do not follow";
    if (status == 412)
        return "the file was changed while it was read: run the command again";
    if (status == 429 || status >= 500)
        return "the server is overloaded or out of order: try again later";
    return "check the address";
}

int gen_refusal(const struct gen_place *p, const char *path, const struct gen_http_response *r,
                unsigned n_attempts, struct gen_error *err)
{
    struct gen_s3_error said = {.code = ""};
    if (r->transport != GEN_TRANSPORT_OK)
        return fail_transport(p, path, r, n_attempts, err);
    if (p->is_s3)
        gen_s3_error_read(&said, r->body);
    char tries[32];
    count_tries(n_attempts, tries);
    bool is_key = p->key_source && (r->status == 401 || r->status == 403);
    return gen_fail(err, GEN_EINPUT, "%s: %s answers %d%s%s%s: %s%s%s", path, host_of(p), r->status,
                    said.code[0] ? " " : "", said.code, tries, advice_for(p, said.code, r->status),
                    is_key ? "; the key is from " : "", is_key ? p->key_source : "");
}
