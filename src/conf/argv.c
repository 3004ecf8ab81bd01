#include "base/nearest.h"
#include "conf/internal.h"

#include <stdio.h>

enum token_kind { TOKEN_END = 0, TOKEN_WORD, TOKEN_OPTION };

struct token {
    enum token_kind kind;
    const char *word;
    const struct gen_option *option;
    const char *value; /* NULL for flags */
};

/* Reads argv without knowing the command: every option has the same shape in all of them. */
struct scanner {
    int argc;
    char *const *argv;
    int next;
    int command; /* -1 until it is known; for messages */
    bool options_ended;
    const char *group; /* rest of "-qv" */
};

static const struct gen_option *find_long(struct gen_str name)
{
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        if (gen_options[i].name && gen_str_is(name, gen_options[i].name))
            return &gen_options[i];
    }
    return NULL;
}

static const struct gen_option *find_short(char name)
{
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        if (gen_options[i].short_name && gen_options[i].short_name == name)
            return &gen_options[i];
    }
    return NULL;
}

static int find_command(const char *name)
{
    for (int i = 0; i < GEN_N_COMMANDS; i++) {
        if (strcmp(gen_commands[i].name, name) == 0)
            return i;
    }
    return -1;
}

static int unknown_command(const char *name, struct gen_error *err)
{
    const char *names[GEN_N_COMMANDS + 1];
    for (size_t i = 0; i < GEN_N_COMMANDS; i++)
        names[i] = gen_commands[i].name;
    names[GEN_N_COMMANDS] = "help";
    struct gen_str typed = gen_str_from(name);
    const char *near = gen_nearest(typed, names, GEN_N_COMMANDS + 1);
    if (near)
        return gen_fail(err, GEN_EUSAGE, "unknown command \"%.*s\"; did you mean \"%s\"?",
                        GEN_STR_ARG(gen_str_sub(typed, 0, 60)), near);
    return gen_fail(err, GEN_EUSAGE, "unknown command \"%.*s\"; \"generator --help\" lists them",
                    GEN_STR_ARG(gen_str_sub(typed, 0, 60)));
}

/* `typed` is the whole argument, `name` the name in it, without dashes and value. */
static int unknown_option(int command, const char *typed, struct gen_str name,
                          struct gen_error *err)
{
    const char *names[GEN_N_OPTIONS + 2];
    size_t n = 0;
    for (size_t i = 0; i < GEN_N_OPTIONS; i++) {
        const struct gen_option *o = &gen_options[i];
        if (o->name && (command < 0 || gen_option_applies(o, (enum gen_command_id)command)))
            names[n++] = o->name;
    }
    names[n++] = "help";
    names[n++] = "version";
    struct gen_str shown = gen_str_from(typed);
    shown.n = (size_t)(name.p - typed) + name.n;
    const char *near = name.n > 1 ? gen_nearest(name, names, n) : NULL;
    const char *of = command < 0 ? "" : " of ";
    const char *command_name = command < 0 ? "" : gen_commands[command].name;
    if (near)
        return gen_fail(err, GEN_EUSAGE, "unknown option \"%.*s\"%s%s; did you mean \"--%s\"?",
                        GEN_STR_ARG(gen_str_sub(shown, 0, 60)), of, command_name, near);
    return gen_fail(err, GEN_EUSAGE,
                    "unknown option \"%.*s\"%s%s; \"generator%s%s --help\" lists "
                    "them all",
                    GEN_STR_ARG(gen_str_sub(shown, 0, 60)), of, command_name,
                    command < 0 ? "" : " ", command_name);
}

/* The option exists, but not for this command. */
static int misplaced_option(int command, const struct gen_option *o, struct gen_error *err)
{
    struct gen_buf list = gen_buf_make(512);
    unsigned n = 0;
    unsigned n_all = (unsigned)__builtin_popcount(o->commands);
    int rc = GEN_OK;
    for (size_t i = 0; i < GEN_N_COMMANDS && rc == GEN_OK; i++) {
        if (!gen_option_applies(o, (enum gen_command_id)i))
            continue;
        n++;
        rc = gen_buf_printf(&list, err, "%s%s",
                            n == 1      ? ""
                            : n < n_all ? ", "
                                        : " and ",
                            gen_commands[i].name);
    }
    if (rc == GEN_OK)
        rc = gen_fail(err, GEN_EUSAGE, "%s has no option --%s; %s %s", gen_commands[command].name,
                      o->name, list.data, n_all == 1 ? "has it" : "have it");
    gen_buf_release(&list);
    return rc;
}

/* An argument that names an option is no value: the value was forgotten. */
static bool names_an_option(const char *arg)
{
    if (arg[0] != '-' || arg[1] == '\0')
        return false;
    if (arg[1] != '-')
        return arg[2] == '\0' && find_short(arg[1]) != NULL;
    if (arg[2] == '\0')
        return true;
    struct gen_str name = gen_str_from(arg + 2);
    size_t equals = gen_str_find(name, GEN_STR("="), 0);
    return find_long(gen_str_sub(name, 0, equals == SIZE_MAX ? name.n : equals)) != NULL;
}

static int take_value(struct scanner *sc, struct token *t, struct gen_error *err)
{
    const struct gen_option *o = t->option;
    const char *next = sc->next < sc->argc ? sc->argv[sc->next] : NULL;
    if (!next)
        return gen_fail(err, GEN_EUSAGE, "--%s needs a value: --%s %s", o->name, o->name, o->unit);
    if (names_an_option(next))
        return gen_fail(err, GEN_EUSAGE,
                        "--%s needs a value (%s), but \"%s\" follows; write --%s=%s if that is "
                        "the value",
                        o->name, o->unit, next, o->name, next);
    t->value = next;
    sc->next++;
    return GEN_OK;
}

static int scan_long(struct scanner *sc, const char *arg, struct token *t, struct gen_error *err)
{
    struct gen_str name = gen_str_from(arg + 2);
    size_t equals = gen_str_find(name, GEN_STR("="), 0);
    if (equals != SIZE_MAX)
        name.n = equals;
    t->kind = TOKEN_OPTION;
    t->option = find_long(name);
    if (!t->option)
        return unknown_option(sc->command, arg, name, err);
    if (t->option->type == GEN_TYPE_FLAG) {
        if (equals != SIZE_MAX)
            return gen_fail(err, GEN_EUSAGE, "--%s takes no value, but \"%s\" gives one",
                            t->option->name, arg);
        return GEN_OK;
    }
    if (equals == SIZE_MAX)
        return take_value(sc, t, err);
    t->value = name.p + equals + 1;
    return GEN_OK;
}

/* `rest` is what follows the dash, or the letters left of a group. */
static int scan_short(struct scanner *sc, const char *arg, const char *rest, struct token *t,
                      struct gen_error *err)
{
    t->kind = TOKEN_OPTION;
    t->option = find_short(*rest);
    sc->group = NULL;
    if (!t->option)
        return unknown_option(sc->command, arg, (struct gen_str){rest, strlen(rest)}, err);
    if (t->option->type == GEN_TYPE_FLAG) {
        if (rest[1] == '=')
            return gen_fail(err, GEN_EUSAGE, "-%c takes no value, but \"%s\" gives one", *rest,
                            arg);
        sc->group = rest[1] ? rest + 1 : NULL;
        return GEN_OK;
    }
    if (rest[1] == '\0')
        return take_value(sc, t, err);
    t->value = rest[1] == '=' ? rest + 2 : rest + 1;
    return GEN_OK;
}

static int scan(struct scanner *sc, struct token *t, struct gen_error *err)
{
    *t = (struct token){.kind = TOKEN_END};
    if (sc->group)
        return scan_short(sc, sc->argv[sc->next - 1], sc->group, t, err);
    if (!sc->options_ended && sc->next < sc->argc && strcmp(sc->argv[sc->next], "--") == 0) {
        sc->options_ended = true;
        sc->next++;
    }
    if (sc->next >= sc->argc)
        return GEN_OK;
    const char *arg = sc->argv[sc->next++];
    if (sc->options_ended || arg[0] != '-' || arg[1] == '\0') {
        t->kind = TOKEN_WORD;
        t->word = arg;
        return GEN_OK;
    }
    if (arg[1] == '-')
        return scan_long(sc, arg, t, err);
    /* "-format" would be read as -f ormat. */
    struct gen_str name = gen_str_from(arg + 1);
    size_t equals = gen_str_find(name, GEN_STR("="), 0);
    name.n = equals == SIZE_MAX ? name.n : equals;
    if (name.n > 1 && find_long(name))
        return unknown_option(-1, arg, name, err);
    return scan_short(sc, arg, arg + 1, t, err);
}

static bool has_word(int argc, char *const *argv, const char *a, const char *b)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], a) == 0 || (b && strcmp(argv[i], b) == 0))
            return true;
    }
    return false;
}

static int request_help(struct gen_request *request, const char *command, struct gen_error *err)
{
    if (command && strcmp(command, "help") == 0)
        command = NULL; /* "generator help help" */
    int id = command ? find_command(command) : -1;
    if (command && id < 0)
        return unknown_command(command, err);
    *request = (struct gen_request){.result = GEN_PARSED_HELP, .help_command = id};
    return GEN_OK;
}

/* The first word, past the options before it. With --help anywhere, faults do not matter. */
static int first_word(int argc, char *const *argv, bool lenient, const char **word, int *next,
                      struct gen_error *err)
{
    struct scanner sc = {.argc = argc, .argv = argv, .next = 1, .command = -1};
    struct token t;
    do {
        int rc = scan(&sc, &t, lenient ? NULL : err);
        if (rc != GEN_OK && !lenient)
            return rc;
        if (rc != GEN_OK)
            t.kind = TOKEN_OPTION;
    } while (t.kind == TOKEN_OPTION);
    *word = t.kind == TOKEN_WORD ? t.word : NULL;
    *next = sc.next;
    return GEN_OK;
}

static int take_word(struct gen_settings *s, const char *word, struct gen_error *err)
{
    const struct gen_command_info *c = &gen_commands[s->command];
    if (!c->argument)
        return gen_fail(err, GEN_EUSAGE, "%s takes no argument, but \"%.60s\" is given", c->name,
                        word);
    size_t n_max = c->n_arguments_max ? c->n_arguments_max : 1;
    if (s->n_arguments >= n_max && n_max == 1)
        return gen_fail(err, GEN_EUSAGE,
                        "%s takes one argument, %s, which is \"%.60s\"; \"%.60s\" is one too many",
                        c->name, c->argument, s->arguments[0], word);
    if (s->n_arguments >= n_max)
        return gen_fail(err, GEN_EUSAGE,
                        "%s takes at most %zu arguments; \"%.60s\" is one too many", c->name, n_max,
                        word);
    if (!*word)
        return gen_fail(err, GEN_EUSAGE, "%s needs %s, but an empty argument is given", c->name,
                        c->argument);
    if (!s->arguments)
        s->arguments = gen_arena_array(&s->arena, n_max, sizeof(*s->arguments));
    const char *copy = gen_arena_dup(&s->arena, gen_str_from(word));
    if (!s->arguments || !copy)
        return gen_nomem(err, "an argument");
    s->arguments[s->n_arguments++] = copy;
    return GEN_OK;
}

static int take_option(struct gen_settings *s, const struct token *t, struct gen_error *err)
{
    const struct gen_option *o = t->option;
    if (!gen_option_applies(o, s->command))
        return misplaced_option((int)s->command, o, err);
    char what[64];
    (void)snprintf(what, sizeof(what), "--%s", o->name);
    const char *value = t->value ? t->value : "true";
    return gen_setting_store(s, o, gen_str_from(value), GEN_FROM_COMMAND_LINE, what, err);
}

static int parse_command(struct gen_settings *s, int argc, char *const *argv, struct gen_error *err)
{
    struct scanner sc = {.argc = argc, .argv = argv, .next = 1, .command = (int)s->command};
    struct token t;
    bool command_seen = false;
    for (;;) {
        int rc = scan(&sc, &t, err);
        if (rc == GEN_OK && t.kind == TOKEN_WORD && command_seen)
            rc = take_word(s, t.word, err);
        else if (rc == GEN_OK && t.kind == TOKEN_OPTION)
            rc = take_option(s, &t, err);
        if (rc != GEN_OK || t.kind == TOKEN_END)
            return rc;
        command_seen = command_seen || t.kind == TOKEN_WORD;
    }
}

int gen_argv_parse(struct gen_settings *s, struct gen_request *request, int argc, char *const *argv,
                   struct gen_error *err)
{
    if (argc <= 1)
        return request_help(request, NULL, err);
    bool wants_help = has_word(argc, argv, "--help", "-h");
    if (!wants_help && has_word(argc, argv, "--version", NULL)) {
        request->result = GEN_PARSED_VERSION;
        return GEN_OK;
    }
    const char *word = NULL;
    int next = 0;
    int rc = first_word(argc, argv, wants_help, &word, &next, err);
    if (rc != GEN_OK)
        return rc;
    bool is_help = word && strcmp(word, "help") == 0;
    if (is_help && next + 1 < argc && !wants_help)
        return gen_fail(err, GEN_EUSAGE, "help takes the name of one command: generator help %s",
                        argv[next]);
    if (is_help)
        return request_help(request, next < argc && argv[next][0] != '-' ? argv[next] : NULL, err);
    if (wants_help)
        return request_help(request, word, err);
    if (!word)
        return gen_fail(err, GEN_EUSAGE, "no command is given; \"generator --help\" lists them");
    int command = find_command(word);
    if (command < 0)
        return unknown_command(word, err);
    s->command = (enum gen_command_id)command;
    request->result = GEN_PARSED_COMMAND;
    return parse_command(s, argc, argv, err);
}
