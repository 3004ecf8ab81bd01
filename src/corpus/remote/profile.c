#include "corpus/remote/profile.h"

#include "os/file.h"

#define FILE_BYTES_MAX  ((size_t)1 << 20)
#define VALUE_BYTES_MAX 8192U
#define NAME_BYTES_MAX  256U

struct gen_profile gen_profile_make(void)
{
    struct gen_buf value = gen_buf_make(VALUE_BYTES_MAX);
    return (struct gen_profile){.name = gen_buf_make(NAME_BYTES_MAX),
                                .key_id = value,
                                .secret = value,
                                .token = value,
                                .region = value,
                                .endpoint = value,
                                .other = value};
}

void gen_profile_release(struct gen_profile *p)
{
    gen_buf_release(&p->name);
    gen_buf_release(&p->key_id);
    gen_buf_wipe(&p->secret);
    gen_buf_wipe(&p->token);
    gen_buf_release(&p->region);
    gen_buf_release(&p->endpoint);
    gen_buf_release(&p->other);
}

static bool is_other(struct gen_str name)
{
    static const char *const names[] = {"role_arn", "sso_session", "sso_start_url",
                                        "credential_process", "credential_source"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(name, names[i]))
            return true;
    }
    return false;
}

static int take_setting(struct gen_profile *p, struct gen_str name, struct gen_str value,
                        struct gen_error *err)
{
    struct gen_buf *to = gen_str_is(name, "aws_access_key_id")       ? &p->key_id
                         : gen_str_is(name, "aws_secret_access_key") ? &p->secret
                         : gen_str_is(name, "aws_session_token")     ? &p->token
                         : gen_str_is(name, "region")                ? &p->region
                         : gen_str_is(name, "endpoint_url")          ? &p->endpoint
                                                                     : NULL;
    if (is_other(name)) {
        to = &p->other;
        value = name;
    }
    if (!to || to->n) /* the credentials file is read first, and its word goes before */
        return GEN_OK;
    return gen_buf_add_str(to, value, err);
}

/* "[name]", and in the config file "[profile name]". */
static bool is_section(struct gen_str line, struct gen_str wanted)
{
    struct gen_str word = GEN_STR("profile ");
    const char *end = memchr(line.p, ']', line.n);
    if (!end)
        return false;
    struct gen_str name = gen_str_trim(gen_str_sub(line, 1, (size_t)(end - line.p) - 1));
    if (gen_str_starts(name, word))
        name = gen_str_trim(gen_str_sub(name, word.n, name.n));
    return gen_str_eq(name, wanted);
}

static int take_lines(struct gen_profile *p, struct gen_str text, struct gen_error *err)
{
    struct gen_str line;
    bool is_ours = false;
    int rc = GEN_OK;
    while (rc == GEN_OK && gen_str_next_line(&text, &line)) {
        bool is_nested = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
        line = gen_str_trim(line);
        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
            continue;
        if (line.p[0] == '[') {
            is_ours = is_section(line, gen_buf_str(&p->name));
            p->is_found = p->is_found || is_ours;
            continue;
        }
        const char *equals = memchr(line.p, '=', line.n);
        if (!is_ours || is_nested || !equals)
            continue;
        size_t n_name = (size_t)(equals - line.p);
        rc = take_setting(p, gen_str_trim(gen_str_sub(line, 0, n_name)),
                          gen_str_trim(gen_str_sub(line, n_name + 1, line.n)), err);
    }
    return rc;
}

static int take_file(struct gen_profile *p, const char *given, const char *home, const char *name,
                     struct gen_error *err)
{
    struct gen_buf path = gen_buf_make(GEN_URL_BYTES_MAX);
    struct gen_buf text = gen_buf_make(FILE_BYTES_MAX);
    int rc = GEN_OK;
    if (given && *given)
        rc = gen_buf_add_c(&path, given, err);
    else if (home && *home)
        rc = gen_buf_printf(&path, err, "%s/.aws/%s", home, name);
    if (rc == GEN_OK && path.n && gen_file_kind(path.data) == GEN_FILE_REGULAR) {
        rc = gen_file_read_all(&text, path.data, err);
        if (rc == GEN_OK && text.n)
            rc = take_lines(p, gen_buf_str(&text), err);
    }
    gen_buf_wipe(&text);
    gen_buf_release(&path);
    return rc;
}

int gen_profile_read(struct gen_profile *p, gen_env_fn *env, void *env_ud, struct gen_error *err)
{
    const char *name = env(env_ud, "AWS_PROFILE");
    const char *home = env(env_ud, "HOME");
    int rc = gen_buf_add_c(&p->name, name && *name ? name : "default", err);
    if (rc == GEN_OK)
        rc = take_file(p, env(env_ud, "AWS_SHARED_CREDENTIALS_FILE"), home, "credentials", err);
    return rc ? rc : take_file(p, env(env_ud, "AWS_CONFIG_FILE"), home, "config", err);
}
