/* What the text is about: the word that lets a question stand alone. */
#include "llm/provider/extractive_int.h"

#define NAMES_MAX 24

/* Names of programs tell their library. */
static const struct {
    const char *prefix, *name;
} libraries[] = {
    {"H5", "HDF5"},
    {"MPI_", "MPI"},
    {"h5py.", "h5py"},
    {"nc_", "netCDF"},
    {"sqlite3_", "SQLite"},
    {"curl_", "libcurl"},
    {"uv_", "libuv"},
    {"pthread_", "POSIX threads"},
    {"cuda", "CUDA"},
    {"np.", "NumPy"},
    {"pd.", "pandas"},
    {"torch.", "PyTorch"},
    {"kubectl", "Kubernetes"},
    {"git ", "Git"},
    {"docker ", "Docker"},
    {"lfs ", "Lustre"},
};

/* Capitals that name no subject: units and words of general use. */
static const char *const general[] = {
    "MiB",    "KiB",   "GiB",   "TiB",  "MB",   "KB",    "GB",    "TB",   "CPU",   "I/O",
    "API",    "APIs",  "ID",    "IDs",  "OK",   "URL",   "URLs",  "RAM",  "UTC",   "NULL",
    "TRUE",   "FALSE", "GPU",   "OS",   "JSON", "ASCII", "UTF-8", "C",    "GHz",   "MHz",
    "A",      "I",     "NaN",   "FAQ",  "PDF",  "HTML",  "HTTP",  "Unix", "Linux", "Debian",
    "Python", "DDL",   "POSIX", "IEEE", "ISO",  NULL};

struct name {
    struct gen_str text;
    unsigned weight;
};

struct names {
    struct name items[NAMES_MAX];
    size_t n;
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static void add_name(struct names *names, struct gen_str text, unsigned weight)
{
    for (size_t i = 0; i < names->n; i++) {
        if (gen_str_eq(names->items[i].text, text)) {
            names->items[i].weight += weight;
            return;
        }
    }
    if (names->n < NAMES_MAX)
        names->items[names->n++] = (struct name){text, weight};
}

/* A capital inside of the word ("HDF5", "netCDF", "MPI-IO"). */
static bool is_name_shaped(struct gen_str w)
{
    unsigned n_upper = 0;
    bool digit = false;
    for (size_t i = 0; i < w.n; i++) {
        if (w.p[i] == '_' || w.p[i] == '.' || w.p[i] == '/')
            return false;
        n_upper += is_upper(w.p[i]);
        digit = digit || (w.p[i] >= '0' && w.p[i] <= '9');
    }
    return w.n >= 3 && (n_upper >= 2 || (n_upper == 1 && digit && is_upper(w.p[0])));
}

static bool is_general(struct gen_str w)
{
    for (size_t i = 0; general[i]; i++) {
        if (gen_str_is(w, general[i]))
            return true;
    }
    return false;
}

static bool is_library(struct gen_str name)
{
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        if (gen_str_is(name, libraries[i].name))
            return true;
    }
    return false;
}

static void add_identifier(struct names *names, struct gen_str w)
{
    while (w.n && w.p[0] == '`')
        w = gen_str_sub(w, 1, w.n);
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        if (gen_str_starts(w, gen_str_from(libraries[i].prefix)) &&
            w.n > strlen(libraries[i].prefix) + 1)
            add_name(names, gen_str_from(libraries[i].name), 3);
    }
}

static void add_text(struct gen_extract *x, struct names *names, struct gen_str text,
                     unsigned weight)
{
    struct gen_extract_tokens *t = &x->tokens;
    if (!gen_extract_tokenize(text, t))
        return;
    for (size_t i = 0; i < t->n; i++) {
        const struct gen_extract_token *k = &t->t[i];
        if (gen_extract_is_identifier(k))
            add_identifier(names, k->text);
        else if (k->kind == GEN_EXTRACT_WORD && is_name_shaped(k->text) && !is_general(k->text))
            add_name(names, k->text, weight);
    }
}

bool gen_extract_keeps_capital(const struct gen_extract *x, struct gen_str word, bool is_alone)
{
    static const char *const endings[] = {"ing",  "ed",   "tion", "ive", "ous", "ent", "ly",
                                          "able", "ual",  "ary",  "al",  "ic",  "s",   "er",
                                          "or",   "ment", "nal",  "ee",  "fer", NULL};
    if (word.n == 0 || !is_upper(word.p[0]))
        return true;
    for (size_t i = 1; i < word.n; i++) {
        char c = word.p[i];
        if (is_upper(c) || (c >= '0' && c <= '9') || c == '_')
            return true;
    }
    if (word.n > 2 && gen_str_ends(word, GEN_STR("'s")))
        return true;
    if (gen_extract_word_is(word, GEN_EXTRACT_DETERMINER) ||
        gen_extract_word_is(word, GEN_EXTRACT_PREPOSITION) ||
        gen_extract_word_is(word, GEN_EXTRACT_ADJECTIVE) ||
        gen_extract_word_is(word, GEN_EXTRACT_ADVERB) ||
        gen_extract_verb(word).form != GEN_EXTRACT_VERB_NONE || word.n == 1)
        return false;
    /* The text itself tells: the word with a capital inside of a sentence, or with a small letter.
     */
    static const char *const common[] = {"space",    "data",     "metadata", "memory", "storage",
                                         "file",     "code",     "cache",    "layout", "output",
                                         "input",    "line",     "time",     "work",   "people",
                                         "software", "hardware", "speed",    "size",   NULL};
    for (size_t i = 0; common[i]; i++) {
        if (gen_str_eq_nocase(word, gen_str_from(common[i])))
            return false;
    }
    struct gen_str text = x->in->text;
    bool small = false;
    /* The singular in the text tells about a plural in the heading. */
    bool plural = word.n > 4 && word.p[word.n - 1] == 's';
    if (plural)
        word.n--;
    for (size_t at = gen_str_find_nocase(text, word, 0); at != SIZE_MAX;
         at = gen_str_find_nocase(text, word, at + word.n)) {
        bool starts_word = at == 0 || text.p[at - 1] == ' ' || text.p[at - 1] == '\n' ||
                           text.p[at - 1] == '(' || text.p[at - 1] == '-';
        bool goes_on =
            at + word.n < text.n && (text.p[at + word.n] == '-' || text.p[at + word.n] == '_');
        if (!starts_word || goes_on)
            continue;
        if (!is_upper(text.p[at]))
            small = true;
        else if (at > 1 && text.p[at - 1] == ' ' && text.p[at - 2] >= 'a' && text.p[at - 2] <= 'z')
            return true;
    }
    if (small || plural)
        return false;
    for (size_t i = 0; endings[i] && (!is_alone || word.n > 8); i++) {
        if (gen_str_ends(word, gen_str_from(endings[i])))
            return false;
    }
    return is_alone;
}

/* A heading that can follow "for": few words, no verb, no question. */
static bool is_noun_phrase(const struct gen_extract_tokens *t)
{
    static const char *const no[] = {
        "how",  "when",  "why",  "what",  "which", "where",        "who",      "to",      "or",
        "and",  "if",    "not",  "is",    "are",   "no",           "after",    "before",  "other",
        "more", "fewer", "less", "wrong", "bad",   "introduction", "overview", "summary", NULL};
    if (t->n == 0 || t->n > 6)
        return false;
    struct gen_str first = t->t[0].text;
    if (first.n > 5 && gen_str_ends(first, GEN_STR("ing")))
        return false;
    for (size_t i = 0; i < t->n; i++) {
        if (t->t[i].kind != GEN_EXTRACT_WORD && t->t[i].kind != GEN_EXTRACT_CODE)
            return false;
        for (size_t k = 0; no[k]; k++) {
            if (gen_extract_token_is(t, i, no[k]))
                return false;
        }
    }
    struct gen_extract_clause c;
    return !gen_extract_clause(t, 0, t->n, &c) || t->n <= 2;
}

static int find_topic(struct gen_extract *x, struct gen_error *err)
{
    struct gen_str title = x->in->title;
    if (title.n == 0 && x->sentences.n)
        title = x->sentences.items[0].heading;
    x->topic = (struct gen_str){"", 0};
    if (title.n == 0 || title.n > 80 || !gen_extract_tokenize(title, &x->tokens) ||
        !is_noun_phrase(&x->tokens))
        return GEN_OK;
    gen_extract_line_clear(&x->line);
    if (gen_extract_keeps_capital(x, x->tokens.t[0].text, x->tokens.n == 1))
        gen_extract_put(&x->line, title);
    else
        gen_extract_put_lower(&x->line, title);
    x->topic = gen_arena_str(&x->arena, gen_extract_line_str(&x->line));
    return x->topic.p ? GEN_OK : gen_nomem(err, "the topic");
}

int gen_extract_find_context(struct gen_extract *x, struct gen_error *err)
{
    struct names names = {.n = 0};
    add_text(x, &names, x->in->title, 6);
    add_text(x, &names, x->in->section, 6);
    for (size_t i = 0; i < x->sentences.n && i < 60; i++)
        add_text(x, &names, x->sentences.items[i].text, 3);
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < names.n; i++) {
        /* A library that is called by name says more than an acronym. */
        if (is_library(names.items[i].text))
            names.items[i].weight += 8;
        if (best == SIZE_MAX || names.items[i].weight > names.items[best].weight)
            best = i;
    }
    x->domain = (struct gen_str){"", 0};
    /* A name that the text drops once or twice is not what it is about. */
    if (best != SIZE_MAX && names.items[best].weight >= 7) {
        x->domain = gen_arena_str(&x->arena, names.items[best].text);
        if (!x->domain.p)
            return gen_nomem(err, "the context");
    }
    return find_topic(x, err);
}
