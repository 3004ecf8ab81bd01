#include "conf/prompt.h"

#include "base/arena.h"
#include "base/nearest.h"
#include "conf/internal.h"
#include "os/file.h"
#include "json/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PROMPT_FILE_BYTES_MAX ((size_t)1 << 20)
#define PROMPT_SET_BYTES_MAX  ((size_t)64 << 20)
#define N_PROMPTS_MAX         256U
#define N_PIECES_MAX          1024U
#define NAME_BYTES_MAX        63U
#define PATH_BYTES            4096U

/* A stretch of text, or (with a name) a placeholder. */
struct piece {
    struct gen_str text;
    const char *placeholder;
    unsigned line, column;
};

struct gen_prompt {
    const char *name;
    const char *file;
    unsigned line, column; /* of the key in the file */
    struct gen_str system;
    struct piece *pieces;
    size_t n_pieces;
    struct gen_digest digest;
};

struct gen_prompt_set {
    struct gen_arena arena;
    struct gen_prompt *prompts[N_PROMPTS_MAX];
    size_t n;
};

/* Where a template stands in its file, for messages. */
struct origin {
    const char *file;
    struct gen_str text; /* the file */
    unsigned line, column;
    bool is_literal; /* a `|` block: its lines are the file's lines */
};

static struct gen_str file_line(struct gen_str text, unsigned line)
{
    struct gen_str found = {NULL, 0};
    for (unsigned i = 0; i < line; i++) {
        if (!gen_str_next_line(&text, &found))
            return (struct gen_str){NULL, 0};
    }
    return found;
}

/* Line and column in the file of byte `at` of the template. */
static void locate(const struct origin *o, struct gen_str template, size_t at, unsigned *line,
                   unsigned *column)
{
    *line = o->line;
    *column = o->column;
    if (!o->is_literal)
        return;
    unsigned n_lines = 0;
    size_t start = 0;
    for (size_t i = 0; i < at; i++) {
        if (template.p[i] == '\n') {
            n_lines++;
            start = i + 1;
        }
    }
    *line = o->line + 1 + n_lines;
    struct gen_str rest = gen_str_sub(template, start, template.n);
    struct gen_str in_template = rest;
    (void)gen_str_next_line(&rest, &in_template);
    size_t indent = gen_str_find(file_line(o->text, *line), in_template, 0);
    *column = (unsigned)(at - start + 1 + (indent == SIZE_MAX ? 0 : indent));
}

static bool is_name_char(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!first && c >= '0' && c <= '9');
}

/* The parsing of one template. */
struct parser {
    struct gen_arena *arena;
    const struct origin *origin;
    struct gen_str template;
    size_t at;
    struct gen_buf literal;
    struct piece *pieces;
    size_t n_pieces;
};

static int brace_error(const struct parser *p, struct gen_error *err)
{
    unsigned line = 0;
    unsigned column = 0;
    locate(p->origin, p->template, p->at, &line, &column);
    char brace = p->template.p[p->at];
    return gen_fail(err, GEN_EUSAGE,
                    "%.400s:%u:%u: \"%c\" %s a placeholder such as {text}; write \"%c%c\" for a "
                    "brace",
                    p->origin->file, line, column, brace,
                    brace == '{' ? "does not start" : "does not end", brace, brace);
}

static int add_piece(struct parser *p, struct piece piece, struct gen_error *err)
{
    if (p->n_pieces >= N_PIECES_MAX)
        return gen_fail(err, GEN_EUSAGE, "%.400s:%u:%u: a prompt has more than %u pieces",
                        p->origin->file, p->origin->line, p->origin->column, N_PIECES_MAX);
    p->pieces[p->n_pieces++] = piece;
    return GEN_OK;
}

static int end_literal(struct parser *p, struct gen_error *err)
{
    if (p->literal.n == 0)
        return GEN_OK;
    struct gen_str text = gen_arena_str(p->arena, gen_buf_str(&p->literal));
    gen_buf_clear(&p->literal);
    if (!text.p)
        return gen_nomem(err, "a prompt");
    return add_piece(p, (struct piece){.text = text}, err);
}

static int read_placeholder(struct parser *p, struct gen_error *err)
{
    size_t end = p->at + 1;
    while (end < p->template.n && is_name_char(p->template.p[end], end == p->at + 1))
        end++;
    struct gen_str name = gen_str_sub(p->template, p->at + 1, end - p->at - 1);
    if (name.n == 0 || name.n > NAME_BYTES_MAX || end >= p->template.n || p->template.p[end] != '}')
        return brace_error(p, err);
    int rc = end_literal(p, err);
    if (rc != GEN_OK)
        return rc;
    struct piece piece = {.placeholder = gen_arena_dup(p->arena, name)};
    if (!piece.placeholder)
        return gen_nomem(err, "a prompt");
    locate(p->origin, p->template, p->at, &piece.line, &piece.column);
    p->at = end + 1;
    return add_piece(p, piece, err);
}

static int read_pieces(struct parser *p, struct gen_error *err)
{
    int rc = GEN_OK;
    while (rc == GEN_OK && p->at < p->template.n) {
        char c = p->template.p[p->at];
        bool doubled = p->at + 1 < p->template.n && p->template.p[p->at + 1] == c;
        if ((c == '{' || c == '}') && doubled) {
            rc = gen_buf_add_char(&p->literal, c, err);
            p->at += 2;
        } else if (c == '{') {
            rc = read_placeholder(p, err);
        } else if (c == '}') {
            rc = brace_error(p, err);
        } else {
            rc = gen_buf_add_char(&p->literal, c, err);
            p->at++;
        }
    }
    return rc == GEN_OK ? end_literal(p, err) : rc;
}

/* The last blank line of `text`: where the line before it ends and where the next one starts. */
static bool find_last_blank_line(struct gen_str text, size_t *before, size_t *after)
{
    for (size_t end = text.n; end > 1; end--) {
        if (text.p[end - 1] != '\n')
            continue;
        size_t start = end - 1;
        while (start > 0 &&
               (text.p[start - 1] == ' ' || text.p[start - 1] == '\t' || text.p[start - 1] == '\r'))
            start--;
        if (start > 0 && text.p[start - 1] == '\n') {
            *before = start - 1;
            *after = end;
            return true;
        }
    }
    return false;
}

static void split(struct gen_prompt *prompt)
{
    size_t before = 0;
    size_t after = 0;
    if (prompt->n_pieces < 2 || prompt->pieces[0].placeholder)
        return;
    struct gen_str head = prompt->pieces[0].text;
    if (!find_last_blank_line(head, &before, &after))
        return;
    struct gen_str system = gen_str_trim(gen_str_sub(head, 0, before));
    if (system.n == 0)
        return;
    prompt->system = system;
    prompt->pieces[0].text = gen_str_sub(head, after, head.n);
}

static struct gen_prompt *set_find(const struct gen_prompt_set *set, struct gen_str name)
{
    for (size_t i = 0; i < set->n; i++) {
        if (gen_str_is(name, set->prompts[i]->name))
            return set->prompts[i];
    }
    return NULL;
}

static int no_such_prompt(const struct gen_prompt_set *set, const struct origin *o,
                          struct gen_str name, struct gen_error *err)
{
    const char *names[N_PROMPTS_MAX];
    for (size_t i = 0; i < set->n; i++)
        names[i] = set->prompts[i]->name;
    const char *near = gen_nearest(name, names, set->n);
    return gen_fail(err, GEN_EUSAGE,
                    "%.400s:%u:%u: there is no built-in prompt \"%.*s\" to replace%s%s%s", o->file,
                    o->line, o->column, GEN_STR_ARG(gen_str_sub(name, 0, NAME_BYTES_MAX)),
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int keep_pieces(struct parser *p, struct gen_str name, struct gen_prompt *out,
                       struct gen_error *err)
{
    out->name = gen_arena_dup(p->arena, name);
    out->file = gen_arena_dup(p->arena, gen_str_from(p->origin->file));
    out->pieces = gen_arena_array(p->arena, p->n_pieces + 1, sizeof(*out->pieces));
    if (!out->name || !out->file || !out->pieces)
        return gen_nomem(err, "a prompt");
    for (size_t i = 0; i < p->n_pieces; i++)
        out->pieces[i] = p->pieces[i];
    out->n_pieces = p->n_pieces;
    split(out);
    return GEN_OK;
}

static int parse_template(struct gen_arena *arena, const struct origin *o, struct gen_str name,
                          struct gen_str template, struct gen_prompt *out, struct gen_error *err)
{
    struct parser p = {.arena = arena,
                       .origin = o,
                       .template = template,
                       .literal = gen_buf_make(PROMPT_FILE_BYTES_MAX),
                       .pieces = calloc(N_PIECES_MAX, sizeof(struct piece))};
    if (!p.pieces)
        return gen_nomem(err, "a prompt");
    *out = (struct gen_prompt){.line = o->line, .column = o->column};
    int rc = gen_sha256(template, &out->digest, err);
    if (rc == GEN_OK)
        rc = read_pieces(&p, err);
    if (rc == GEN_OK)
        rc = keep_pieces(&p, name, out, err);
    gen_buf_release(&p.literal);
    free(p.pieces);
    return rc;
}

static int add_prompt(struct gen_prompt_set *set, bool is_user, const struct origin *o,
                      struct gen_str name, struct gen_str template, struct gen_error *err)
{
    struct gen_prompt *old = set_find(set, name);
    if (is_user && !old)
        return no_such_prompt(set, o, name, err);
    if (gen_str_trim(template).n == 0)
        return gen_fail(err, GEN_EUSAGE, "%.400s:%u:%u: the prompt is empty", o->file, o->line,
                        o->column);
    if (!old && set->n >= N_PROMPTS_MAX)
        return gen_fail(err, GEN_EUSAGE, "%.400s: more than %u prompts", o->file, N_PROMPTS_MAX);
    struct gen_prompt *to = old ? old : gen_arena_alloc(&set->arena, sizeof(*to));
    if (!to)
        return gen_nomem(err, "a prompt");
    struct gen_prompt parsed;
    int rc = parse_template(&set->arena, o, name, template, &parsed, err);
    if (rc != GEN_OK)
        return rc;
    *to = parsed;
    if (!old)
        set->prompts[set->n++] = to;
    return GEN_OK;
}

/* True when the value of the key at o->line is a literal block ("key: |"). */
static bool is_literal_block(const struct origin *o)
{
    struct gen_str line = gen_str_trim(file_line(o->text, o->line));
    size_t colon = gen_str_find(line, GEN_STR(":"), 0);
    if (colon == SIZE_MAX)
        return false;
    return gen_str_starts(gen_str_trim(gen_str_sub(line, colon + 1, line.n)), GEN_STR("|"));
}

static int add_key(struct gen_prompt_set *set, bool is_user, struct origin *o,
                   const struct gen_yaml *yaml, struct gen_str key, struct gen_str name,
                   struct gen_str template, struct gen_error *err)
{
    char pointer[2 * NAME_BYTES_MAX + 2] = "/";
    size_t n = 1;
    for (size_t i = 0; i < key.n && n + 2 < sizeof(pointer); i++) {
        char c = key.p[i];
        if (c == '~' || c == '/')
            pointer[n++] = '~';
        if (c == '~')
            c = '0';
        else if (c == '/')
            c = '1';
        pointer[n++] = c;
    }
    pointer[n] = '\0';
    o->line = 1;
    o->column = 1;
    bool found = gen_yaml_where(yaml, pointer, &o->line, &o->column);
    o->is_literal = found && is_literal_block(o);
    if (name.n == 0 || name.n > NAME_BYTES_MAX)
        return gen_fail(err, GEN_EUSAGE, "%.400s:%u:%u: a prompt's name has 1 to %u bytes", o->file,
                        o->line, o->column, NAME_BYTES_MAX);
    return add_prompt(set, is_user, o, name, template, err);
}

static int add_yaml(struct gen_prompt_set *set, bool is_user, struct origin *o,
                    const struct gen_yaml *yaml, struct gen_error *err)
{
    const struct gen_json *root = gen_yaml_root(yaml);
    if (gen_json_type(root) != GEN_JSON_OBJECT)
        return gen_fail(err, GEN_EUSAGE, "%.400s: must be a mapping with the key prompt, but is %s",
                        o->file, gen_type_phrase(root));
    struct gen_str template;
    const struct gen_json *only = gen_json_get(root, "prompt");
    if (gen_json_as_str(only, &template)) {
        struct gen_str name = gen_path_base(gen_path_stem(gen_str_from(o->file)));
        return add_key(set, is_user, o, yaml, GEN_STR("prompt"), name, template, err);
    }
    if (only)
        return gen_fail(err, GEN_EUSAGE, "%.400s: prompt must be a text, but is %s", o->file,
                        gen_type_phrase(only));
    struct gen_json_iter it;
    struct gen_str key;
    const struct gen_json *value = NULL;
    gen_json_iter_init(&it, root);
    while (gen_json_iter_next(&it, &key, &value)) {
        int rc = GEN_OK;
        if (gen_json_as_str(value, &template))
            rc = add_key(set, is_user, o, yaml, key, key, template, err);
        if (rc != GEN_OK)
            return rc;
    }
    return GEN_OK;
}

static int as_usage(int rc, struct gen_error *err)
{
    if (rc == GEN_OK || rc == GEN_ENOMEM)
        return rc;
    if (err)
        err->code = GEN_EUSAGE;
    return GEN_EUSAGE;
}

static int load_file(struct gen_prompt_set *set, bool is_user, const char *path,
                     struct gen_error *err)
{
    struct gen_buf text = gen_buf_make(PROMPT_FILE_BYTES_MAX);
    struct gen_yaml *yaml = NULL;
    int rc = gen_file_read_all(&text, path, err);
    if (rc == GEN_ELIMIT)
        rc = gen_wrap(err, rc, "%s is too large for a prompt file", path);
    rc = as_usage(rc, err);
    if (rc == GEN_OK)
        rc = as_usage(gen_yaml_parse(&yaml, gen_buf_str(&text), path, err), err);
    if (rc == GEN_OK) {
        struct origin o = {.file = path, .text = gen_buf_str(&text)};
        rc = add_yaml(set, is_user, &o, yaml, err);
    }
    gen_yaml_free(yaml);
    gen_buf_release(&text);
    return rc;
}

static int is_prompt_file(const struct dirent *entry)
{
    struct gen_str name = gen_str_from(entry->d_name);
    return name.n > 0 && name.p[0] != '.' &&
           (gen_str_ends(name, GEN_STR(".yaml")) || gen_str_ends(name, GEN_STR(".yml")));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Not gen_dir_walk: prompt files may be symbolic links, as in a mounted ConfigMap. */
static int load_dir(struct gen_prompt_set *set, bool is_user, const char *dir,
                    struct gen_error *err)
{
    struct dirent **entries = NULL;
    enum gen_code code = is_user ? GEN_EUSAGE : GEN_EINPUT;
    int n = scandir(dir, &entries, is_prompt_file, by_name);
    if (n < 0)
        return gen_fail_errno(err, code, errno, "cannot read the prompts in %s", dir);
    int rc = GEN_OK;
    if (n == 0)
        rc = gen_fail(err, code, "there is no prompt file (*.yaml) in %s", dir);
    struct gen_buf path = gen_buf_make(PATH_BYTES);
    for (int i = 0; i < n; i++) {
        gen_buf_clear(&path);
        if (rc == GEN_OK)
            rc = gen_path_join(&path, gen_str_from(dir), gen_str_from(entries[i]->d_name), err);
        if (rc == GEN_OK && gen_file_kind(path.data) != GEN_FILE_DIRECTORY)
            rc = load_file(set, is_user, path.data, err);
        free(entries[i]);
    }
    free(entries);
    gen_buf_release(&path);
    return rc;
}

int gen_prompt_set_load(struct gen_prompt_set **out, const char *builtin_dir, const char *user_dir,
                        struct gen_error *err)
{
    struct gen_prompt_set *set = calloc(1, sizeof(*set));
    if (!set)
        return gen_nomem(err, "the prompts");
    set->arena = gen_arena_make(PROMPT_SET_BYTES_MAX);
    int rc = load_dir(set, false, builtin_dir, err);
    if (rc == GEN_OK && user_dir)
        rc = load_dir(set, true, user_dir, err);
    if (rc != GEN_OK) {
        gen_prompt_set_free(set);
        return rc;
    }
    *out = set;
    return GEN_OK;
}

void gen_prompt_set_free(struct gen_prompt_set *set)
{
    if (!set)
        return;
    gen_arena_release(&set->arena);
    free(set);
}

const struct gen_prompt *gen_prompt_find(const struct gen_prompt_set *set, const char *name)
{
    return set_find(set, gen_str_from(name));
}

static bool uses(const struct gen_prompt *p, const char *name)
{
    for (size_t i = 0; i < p->n_pieces; i++) {
        if (p->pieces[i].placeholder && strcmp(p->pieces[i].placeholder, name) == 0)
            return true;
    }
    return false;
}

int gen_prompt_check(const struct gen_prompt *p, const char *const *names, size_t n_names,
                     size_t n_required, struct gen_error *err)
{
    for (size_t i = 0; i < p->n_pieces; i++) {
        const struct piece *piece = &p->pieces[i];
        bool known = !piece->placeholder;
        for (size_t j = 0; j < n_names && !known; j++)
            known = strcmp(names[j], piece->placeholder) == 0;
        if (known)
            continue;
        const char *near = gen_nearest(gen_str_from(piece->placeholder), names, n_names);
        return gen_fail(err, GEN_EUSAGE,
                        "%.400s:%u:%u: the prompt %s has no placeholder {%s}%s%s%s", p->file,
                        piece->line, piece->column, p->name, piece->placeholder,
                        near ? "; did you mean {" : "", near ? near : "", near ? "}?" : "");
    }
    for (size_t i = 0; i < n_required && i < n_names; i++) {
        if (!uses(p, names[i]))
            return gen_fail(err, GEN_EUSAGE,
                            "%.400s:%u:%u: the prompt %s lacks the placeholder {%s}, without "
                            "which the model does not see it",
                            p->file, p->line, p->column, p->name, names[i]);
    }
    return GEN_OK;
}

struct gen_str gen_prompt_system(const struct gen_prompt *p)
{
    return p->system;
}

int gen_prompt_render(struct gen_buf *out, const struct gen_prompt *p,
                      const struct gen_prompt_value *values, size_t n_values, struct gen_error *err)
{
    size_t n_before = out->n;
    int rc = GEN_OK;
    for (size_t i = 0; i < p->n_pieces && rc == GEN_OK; i++) {
        const struct piece *piece = &p->pieces[i];
        if (!piece->placeholder) {
            rc = gen_buf_add_str(out, piece->text, err);
            continue;
        }
        size_t j = 0;
        while (j < n_values && strcmp(values[j].name, piece->placeholder) != 0)
            j++;
        if (j == n_values)
            rc = gen_fail(err, GEN_ESTATE, "the prompt %s has no value for {%s}", p->name,
                          piece->placeholder);
        else
            rc = gen_buf_add_str(out, values[j].value, err);
    }
    if (rc != GEN_OK && out->data) {
        out->n = n_before;
        out->data[n_before] = '\0';
    }
    return rc;
}

const struct gen_digest *gen_prompt_digest(const struct gen_prompt *p)
{
    return &p->digest;
}
