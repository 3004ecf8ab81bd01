/* Where remote tables are: settings of S3 from the environment and the AWS files, URLs. */
#include "corpus_support.h"

#include "corpus/remote/listing.h"
#include "corpus/remote/place.h"
#include "corpus/remote/refusal.h"

#include <string.h>

/* An environment of "NAME=value" lines. */
static const char *env_of(void *ud, const char *name)
{
    const char *const *lines = ud;
    size_t n = strlen(name);
    for (; *lines; lines++) {
        if (strncmp(*lines, name, n) == 0 && (*lines)[n] == '=')
            return *lines + n + 1;
    }
    return NULL;
}
#define ENV(...) ((const char *[]){__VA_ARGS__, NULL})
#define KEYS     "AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=geheimgeheim"

static void expect_url(const char *root, const char **env, const char *path, const char *want)
{
    struct gen_place p;
    struct gen_error err = {.msg = ""};
    struct gen_buf url = gen_buf_make(GEN_URL_BYTES_MAX);
    if (gen_place_init(&p, root, env_of, env, &err) != GEN_OK ||
        gen_place_url(&p, path, NULL, &url, &err) != GEN_OK)
        fail_msg("%s: %s", root, err.msg);
    assert_string_equal(url.data, want);
    gen_buf_release(&url);
    gen_place_release(&p);
}

static void urls(void **state)
{
    (void)state;
    expect_url("s3://b/x.lance", ENV("NONE="), "s3://b/x.lance/data/a b+c%2F.lance",
               "https://b.s3.us-east-1.amazonaws.com/x.lance/data/a%20b%2Bc%252F.lance");
    expect_url("s3://b/x.lance", ENV("AWS_REGION=eu-west-3"), "s3://b",
               "https://b.s3.eu-west-3.amazonaws.com/");
    expect_url("s3://b/x", ENV("AWS_DEFAULT_REGION=cn-north-1"), "s3://b/x/y",
               "https://b.s3.cn-north-1.amazonaws.com.cn/x/y");
    /* A certificate for *.s3.amazonaws.com would not do. */
    expect_url("s3://b.c/x", ENV("NONE="), "s3://b.c/x",
               "https://s3.us-east-1.amazonaws.com/b.c/x");
    expect_url("s3://b/x", ENV("AWS_ENDPOINT=http://127.0.0.1:9000/"), "s3://b/x/y",
               "http://127.0.0.1:9000/b/x/y");
    expect_url("s3://b/x", ENV("AWS_ENDPOINT=http://a", "AWS_ENDPOINT_URL=http://c"), "s3://b/x",
               "http://c/b/x");
    expect_url("s3://b/x", ENV("AWS_ENDPOINT_URL_S3=https://d", "AWS_ENDPOINT_URL=http://c"),
               "s3://b/x", "https://d/b/x");
    expect_url("s3://b/x",
               ENV("AWS_ENDPOINT_URL=https://d:1", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true"),
               "s3://b/x", "https://b.d:1/x");
    expect_url("http://[::1]:80/a@b", ENV("NONE="), "http://[::1]:80/a@b/c",
               "http://[::1]:80/a@b/c");
    expect_url("https://h/a%20b//", ENV("NONE="), "https://h/a%20b/_versions/1 2",
               "https://h/a%20b/_versions/1%202");
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *url;
        const char *env[6];
        const char *said;
    } cases[] = {
        {"s3://", {NULL}, "names no bucket"},
        {"s3:///key", {NULL}, "names no bucket"},
        {"s3://b?x/key", {NULL}, "names no bucket"},
        {"s3://u:p@b/key", {NULL}, "names no bucket"},
        {"s3://u:p/w@h/key", {NULL}, "names no bucket"},
        {"https://", {NULL}, "names no host"},
        {"https:///x", {NULL}, "names no host"},
        {"https://u:p@h/x", {NULL}, "a user or a password"},
        {"https://u:p@h/x/y@z", {NULL}, "a user or a password"},
        {"https://u:p/w@h/x", {NULL}, "a user or a password"},
        {"https://h:/x", {NULL}, "a port"},
        {"https://[::1]:x/x", {NULL}, "a port"},
        {"https://h/x?sig=abc", {NULL}, "has a query"},
        {"https://h/x#y", {NULL}, "has a query"},
        {"s3://b/k", {"AWS_ACCESS_KEY_ID=a"}, "AWS_SECRET_ACCESS_KEY is not"},
        {"s3://b/k", {"AWS_SECRET_ACCESS_KEY=a"}, "AWS_ACCESS_KEY_ID is not"},
        {"s3://b/k", {"AWS_ENDPOINT_URL=127.0.0.1:9000"}, "AWS_ENDPOINT_URL is no address"},
        {"s3://b/k", {"AWS_ENDPOINT_URL=ftp://h"}, "AWS_ENDPOINT_URL is no address"},
        {"s3://b/k", {"AWS_ENDPOINT_URL=http://u:p@h"}, "AWS_ENDPOINT_URL is no address"},
        {"s3://b/k", {"AWS_REGION=a.evil.host/"}, "no name of a region"},
        {"s3://b/k", {"AWS_PROFILE=lost"}, "AWS_PROFILE is 'lost'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gen_place p;
        struct gen_error err = {.msg = ""};
        int rc = gen_place_init(&p, cases[i].url, env_of, (void *)(uintptr_t)cases[i].env, &err);
        gen_place_release(&p);
        if (rc == GEN_OK)
            fail_msg("%s with %s was taken", cases[i].url, cases[i].env[0]);
        assert_has(err.msg, cases[i].said);
        /* Neither goes into a message. */
        assert_null(strstr(err.msg, "u:p"));
        assert_null(strstr(err.msg, "w@h"));
        assert_null(strstr(err.msg, "sig=abc"));
    }
}

static const char credentials[] = "# a comment\n[other]\naws_access_key_id = NOTMINE\n"
                                  "aws_secret_access_key=no\n\n[default]\r\n"
                                  "aws_access_key_id=MINE\r\naws_secret_access_key = my/secret=\r\n"
                                  "[handed]\nrole_arn = arn:aws:iam::1:role/x\n";
static const char config[] = "[default]\nregion = eu-north-1\ns3 =\n  region = nested\n"
                             "[profile work]\naws_access_key_id = WORK\n"
                             "aws_secret_access_key = w\naws_session_token = t0ken\n"
                             "endpoint_url = https://work.example\n";

static void profiles(void **state)
{
    const struct folder *f = *state;
    char path[256];
    char home[128];
    struct gen_place p;
    (void)folder_file(f, ".aws/credentials", gen_str_from(credentials), path, sizeof(path));
    (void)folder_file(f, ".aws/config", gen_str_from(config), path, sizeof(path));
    (void)snprintf(home, sizeof(home), "HOME=%s", f->path);

    assert_int_equal(gen_place_init(&p, "s3://b/k", env_of, ENV(home), NULL), GEN_OK);
    assert_string_equal(p.key_id, "MINE");
    assert_string_equal(p.region, "eu-north-1");
    assert_string_equal(p.scope, "aws:amz:eu-north-1:s3");
    assert_has(p.key_source, "profile 'default'");
    assert_null(p.token);
    struct gen_buf secret = gen_buf_make(100);
    assert_int_equal(gen_secret_copy(&secret, p.secret, NULL), GEN_OK);
    assert_string_equal(secret.data, "my/secret=");
    gen_buf_wipe(&secret);
    gen_place_release(&p);

    assert_int_equal(gen_place_init(&p, "s3://b/k", env_of, ENV(home, "AWS_PROFILE=work"), NULL),
                     GEN_OK);
    assert_string_equal(p.key_id, "WORK");
    assert_non_null(p.token);
    assert_string_equal(p.endpoint, "https://work.example");
    gen_place_release(&p);

    /* The environment's key goes before the profile's. */
    assert_int_equal(gen_place_init(&p, "s3://b/k", env_of, ENV(home, KEYS), NULL), GEN_OK);
    assert_string_equal(p.key_id, "AKID");
    gen_place_release(&p);

    assert_int_equal(
        gen_place_init(&p, "s3://b/k", env_of, ENV(home, "AWS_SKIP_SIGNATURE=true", KEYS), NULL),
        GEN_OK);
    assert_null(p.key_id);
    gen_place_release(&p);

    struct gen_error err = {.msg = ""};
    assert_int_equal(gen_place_init(&p, "s3://b/k", env_of, ENV(home, "AWS_PROFILE=handed"), &err),
                     GEN_EUSAGE);
    assert_has(err.msg, "role_arn");
    assert_has(err.msg, "export-credentials");
    gen_place_release(&p);
}

/* -- listings -- */

struct seen {
    struct gen_buf text;
};

static int see(void *ud, struct gen_str key, bool is_prefix, struct gen_error *err)
{
    struct seen *s = ud;
    return gen_buf_printf(&s->text, err, "%s%.*s;", is_prefix ? "/" : "", GEN_STR_ARG(key));
}

#define HEAD "<?xml version='1.0'?><ListBucketResult xmlns='x'>"
#define TAIL "</ListBucketResult>"

static void listings(void **state)
{
    static const struct {
        const char *xml;
        const char *want; /* NULL: refused */
        const char *token;
    } cases[] = {
        {HEAD TAIL, "", ""},
        {HEAD "<Prefix>no</Prefix><Contents><Key>a&amp;b</Key><Size>1</Size><Owner><Key>no</Key>"
              "</Owner></Contents><CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"
              "<IsTruncated>false</IsTruncated>" TAIL,
         "a&b;/c/;", ""},
        {HEAD "<NextContinuationToken>t+/=</NextContinuationToken><IsTruncated>true</IsTruncated>"
              "<Contents><Key>k</Key></Contents>" TAIL,
         "k;", "t+/="},
        {HEAD "<NextContinuationToken>t</NextContinuationToken><IsTruncated>false"
              "</IsTruncated>" TAIL,
         "", ""},
        {HEAD "<IsTruncated>true</IsTruncated>" TAIL, NULL, NULL},
        {HEAD "<Contents><Key>k</Key>", NULL, NULL},
        {"<html><body>hello</body></html>", NULL, NULL},
        {"no xml", NULL, NULL},
        {"", NULL, NULL},
        {"<!DOCTYPE a [<!ENTITY e 'x'>]><ListBucketResult>&e;</ListBucketResult>", NULL, NULL},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen s = {gen_buf_make(1000)};
        struct gen_buf token = gen_buf_make(100);
        struct gen_error err = {.msg = ""};
        int rc = gen_listing_read(gen_str_from(cases[i].xml), see, &s, &token, &err);
        assert_int_equal(rc, cases[i].want ? GEN_OK : GEN_EPARSE);
        if (cases[i].want) {
            assert_string_equal(s.text.data ? s.text.data : "", cases[i].want);
            assert_string_equal(token.data ? token.data : "", cases[i].token);
        } else {
            assert_true(err.msg[0] != '\0');
        }
        gen_buf_release(&s.text);
        gen_buf_release(&token);
    }
}

static void errors_of_s3(void **state)
{
    struct gen_s3_error e;
    (void)state;
    gen_s3_error_read(&e,
                      GEN_STR("<?xml version='1.0'?>\n<Error><Code>NoSuchKey</Code><Message>a\nb"
                              "</Message><Region>eu-1</Region></Error>"));
    assert_string_equal(e.code, "NoSuchKey");
    assert_string_equal(e.message, "a b");
    assert_string_equal(e.region, "eu-1");
    gen_s3_error_read(&e, GEN_STR("<Error><Code>Cut"));
    assert_string_equal(e.code, "Cut");
    gen_s3_error_read(&e, GEN_STR("<html>502 Bad Gateway"));
    assert_string_equal(e.code, "");
    /* Nothing grows, and a terminal obeys nothing of it (U+009B begins a command, too). */
    gen_s3_error_read(&e, GEN_STR("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>"
                                  "<Error><Code>&b;</Code></Error>"));
    assert_string_equal(e.code, "");
    gen_s3_error_read(&e, GEN_STR("<Error><Code>A\xc2\x9b"
                                  "31mB\x7f</Code></Error>"));
    assert_string_equal(e.code, "A  31mB ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test_setup_teardown(profiles, folder_setup, folder_teardown),
        cmocka_unit_test(listings),
        cmocka_unit_test(errors_of_s3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
