/* lnc - looks into LanceDB tables. See usage_text, and lnc.1. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lnc/lnc.h"
#include "values.h"

#define EXIT_USAGE   2
#define COLUMNS_MAX  1024
#define HEAD_DEFAULT 10

static const char usage_text[] =
    "usage: lnc COMMAND [OPTIONS] PATH\n"
    "\n"
    "Reads LanceDB tables. PATH is a table (<name>.lance), or a database of one table, or any\n"
    "database together with --table.\n"
    "\n"
    "commands\n"
    "  tables PATH     names of the tables of a database, one on a line\n"
    "  schema PATH     columns, one JSON object on a line\n"
    "  count PATH      number of rows\n"
    "  head PATH       the first rows as JSON lines\n"
    "  cat PATH        all rows as JSON lines\n"
    "  versions PATH   versions that can be opened, one JSON object on a line\n"
    "  tags PATH       tags, likewise\n"
    "  branches PATH   branches besides the main one, likewise\n"
    "\n"
    "options\n"
    "  -n N                 head: number of rows (10)\n"
    "  --columns A,B        head, cat: these columns, in this order (all but vectors and blobs)\n"
    "  --column A           one more column; for names with a comma\n"
    "  --table NAME         the table of the database; ns$name for one of a namespace\n"
    "  --version N          that version instead of the newest\n"
    "  --tag NAME           the version of that name\n"
    "  --branch NAME        that branch instead of the main one\n"
    "  --follow-base-paths  read files outside of the table's directory that the table names\n"
    "                       (shallow clones have them)\n"
    "  --help, -h           this text\n"
    "  -V                   the version of this program\n"
    "\n"
    "Where JSON has no form: {\"$i\":\"9007199254740993\"} integers beyond 2^53; "
    "{\"$f\":\"nan\"},\n"
    "\"inf\", \"-inf\", \"-0\"; {\"$b\":\"hex\"} binary, and strings that are not UTF-8;\n"
    "{\"$t\":\"raw\"} dates, times and durations in the unit of the column; {\"$d\":\"-1.20\"}\n"
    "decimals, with all digits.\n"
    "\n"
    "exit status: 0 done, 1 the table cannot be read, 2 wrong use\n";

/* What an option is good for. */
enum scope { FOR_HEAD, FOR_ROWS, FOR_TABLE, FOR_ALL, N_SCOPES };

struct arguments {
    const char *command;
    const char *path;
    const char *table;
    const char *columns[COLUMNS_MAX];
    size_t n_columns;
    uint64_t n_rows;
    struct lnc_options options;
    const char *used[N_SCOPES]; /* an option of each scope that is given */
};

__attribute__((format(printf, 1, 2))) static int fail_usage(const char *format, ...)
{
    va_list args;
    (void)fputs("lnc: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputs("; see lnc --help\n", stderr);
    return EXIT_USAGE;
}

/* What a terminal would act upon. */
static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* What the library finds impossible is what the user asked for. */
static int fail_lnc(const struct lnc_error *err)
{
    (void)fputs("lnc: ", stderr);
    for (const char *p = err->message; *p != '\0'; p++)
        putc(is_control(*p) ? '?' : *p, stderr);
    putc('\n', stderr);
    return err->code == LNC_EINVAL ? EXIT_USAGE : EXIT_FAILURE;
}

/* -- arguments -- */

static bool parse_number(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    bool ok = *text != '\0';
    for (; ok && *text != '\0'; text++)
        ok = *text >= '0' && *text <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value);
    *out = value;
    return ok;
}

static int add_column(struct arguments *a, const char *name)
{
    if (a->n_columns == COLUMNS_MAX)
        return fail_usage("more than %d columns are asked for", COLUMNS_MAX);
    for (size_t i = 0; i < a->n_columns; i++) {
        if (strcmp(a->columns[i], name) == 0)
            return fail_usage("the column '%s' is asked for twice", name);
    }
    a->columns[a->n_columns++] = name;
    return 0;
}

/* Cuts the words in their place. */
static int add_columns(struct arguments *a, char *list)
{
    int rc = 0;
    for (char *name = list; rc == 0 && name != NULL;) {
        char *comma = strchr(name, ',');
        if (comma != NULL)
            *comma = '\0';
        rc = *name != '\0' ? add_column(a, name) : fail_usage("--columns has an empty name");
        name = comma != NULL ? comma + 1 : NULL;
    }
    return rc;
}

static int take_number(const char *option, const char *text, uint64_t least, uint64_t *out)
{
    if (!parse_number(text, out) || *out < least)
        return fail_usage("%s needs a number from %" PRIu64 " on, not '%s'", option, least, text);
    return 0;
}

static const struct option {
    const char *name;
    enum scope scope;
    bool has_value;
    bool may_be_empty;
} options[] = {
    {"-n", FOR_HEAD, true, true},         {"--columns", FOR_ROWS, true, true},
    {"--column", FOR_ROWS, true, true},   {"--table", FOR_TABLE, true, false},
    {"--version", FOR_TABLE, true, true}, {"--tag", FOR_TABLE, true, false},
    {"--branch", FOR_TABLE, true, true},  {"--follow-base-paths", FOR_ALL, false, false},
};

static int set_option(struct arguments *a, const char *option, char *value)
{
    if (strcmp(option, "-n") == 0)
        return take_number(option, value, 0, &a->n_rows);
    if (strcmp(option, "--version") == 0)
        return take_number(option, value, 1, &a->options.version);
    if (strcmp(option, "--columns") == 0)
        return add_columns(a, value);
    if (strcmp(option, "--column") == 0)
        return add_column(a, value);
    if (strcmp(option, "--table") == 0)
        a->table = value;
    else if (strcmp(option, "--tag") == 0)
        a->options.tag = value;
    else if (strcmp(option, "--branch") == 0)
        a->options.branch = value;
    else
        a->options.follow_base_paths = true;
    return 0;
}

/* `word` is the option, or the option with "=" and its value; else the value is in `next`, which
 * *n_taken then counts. */
static int take_option(struct arguments *a, char *word, char *next, int *n_taken)
{
    const struct option *option = NULL;
    size_t size = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
    char *value = word[size] == '=' ? word + size + 1 : next;
    for (size_t i = 0; i < sizeof options / sizeof options[0] && option == NULL; i++) {
        if (strlen(options[i].name) == size && memcmp(options[i].name, word, size) == 0)
            option = &options[i];
    }
    if (option == NULL)
        return fail_usage("there is no option %s", word);
    if (!option->has_value && word[size] == '=')
        return fail_usage("%s takes no value", option->name);
    if (option->has_value && value == NULL)
        return fail_usage("%s lacks its value", option->name);
    if (option->has_value && value[0] == '\0' && !option->may_be_empty)
        return fail_usage("%s has an empty value", option->name);
    a->used[option->scope] = option->name;
    *n_taken = option->has_value && value == next;
    return set_option(a, option->name, value);
}

static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    bool options_end = false;
    a->n_rows = HEAD_DEFAULT;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        int n_taken = 0;
        int rc = 0;
        if (!options_end && strcmp(word, "--") == 0)
            options_end = true;
        else if (!options_end && word[0] == '-' && word[1] != '\0')
            rc = take_option(a, word, argv[i + 1], &n_taken);
        else if (a->command == NULL)
            a->command = word;
        else if (a->path == NULL)
            a->path = word;
        else
            rc = fail_usage("one path is enough, '%s' is too much", word);
        if (rc != 0)
            return rc;
        i += n_taken;
    }
    return 0;
}

/* -- commands -- */

/* Names are people's, lines are ours. */
static void print_line(const char *text)
{
    for (; *text != '\0'; text++)
        putchar(is_control(*text) ? '?' : *text);
    putchar('\n');
}

static int run_tables(const struct arguments *a)
{
    struct lnc_database *db = NULL;
    struct lnc_error err;
    if (lnc_database_open(a->path, &a->options, &db, &err) != LNC_OK)
        return fail_lnc(&err);
    for (size_t i = 0; i < lnc_database_n_tables(db); i++)
        print_line(lnc_database_table(db, i));
    lnc_database_close(db);
    return EXIT_SUCCESS;
}

#define SCHEMA_DEPTH_MAX 64

static void print_column(const struct lnc_column_info *info, unsigned depth)
{
    (void)fputs("{\"name\":", stdout);
    print_key(stdout, info->name);
    (void)fputs(",\"type\":", stdout);
    print_key(stdout, info->logical_type);
    (void)printf(",\"nullable\":%s,\"readable\":%s", info->nullable ? "true" : "false",
                 info->kind != LNC_KIND_UNREADABLE ? "true" : "false");
    if (info->is_blob)
        (void)fputs(",\"blob\":true", stdout);
    if (info->n_children > 0 && depth < SCHEMA_DEPTH_MAX) {
        (void)fputs(",\"children\":[", stdout);
        for (size_t i = 0; i < info->n_children; i++) {
            if (i > 0)
                putchar(',');
            print_column(&info->children[i], depth + 1);
        }
        putchar(']');
    }
    putchar('}');
}

static int run_schema(struct arguments *a, const struct lnc_dataset *ds)
{
    (void)a;
    for (size_t i = 0; i < lnc_dataset_n_columns(ds); i++) {
        print_column(lnc_dataset_column(ds, i), 0);
        putchar('\n');
    }
    return EXIT_SUCCESS;
}

static int run_count(struct arguments *a, const struct lnc_dataset *ds)
{
    uint64_t n = 0;
    struct lnc_error err;
    (void)a;
    if (lnc_dataset_count_rows(ds, &n, &err) != LNC_OK)
        return fail_lnc(&err);
    (void)printf("%" PRIu64 "\n", n);
    return EXIT_SUCCESS;
}

static int print_batch(const struct lnc_batch *batch, uint64_t *left)
{
    for (size_t row = 0; row<batch->n_rows && * left> 0; row++, --*left) {
        if (print_row(stdout, batch, row) != 0) {
            (void)fputs("lnc: a value is nested too deeply to be printed\n", stderr);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

/* Vectors and blobs are long and for machines: who wants them names them. */
static int choose_all(struct arguments *a, const struct lnc_dataset *ds)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < lnc_dataset_n_columns(ds); i++) {
        const struct lnc_column_info *info = lnc_dataset_column(ds, i);
        if (info->kind != LNC_KIND_VECTOR && info->kind != LNC_KIND_UNREADABLE && !info->is_blob)
            rc = add_column(a, info->name);
    }
    return rc;
}

static int print_rows(struct arguments *a, const struct lnc_dataset *ds, uint64_t left)
{
    struct lnc_scan *scan = NULL;
    struct lnc_error err;
    int status = EXIT_SUCCESS;
    bool more = true;
    if (a->n_columns == 0)
        status = choose_all(a, ds);
    if (status != EXIT_SUCCESS)
        return status;
    const struct lnc_scan_options what = {
        .columns = a->columns,
        .n_columns = a->n_columns,
        .batch_rows = left > 0 && left < LNC_BATCH_ROWS_MAX ? (size_t)left : 0};
    if (lnc_scan_open(ds, &what, &scan, &err) != LNC_OK)
        return fail_lnc(&err);
    while (status == EXIT_SUCCESS && more && left > 0 && !ferror(stdout)) {
        struct lnc_batch batch = {0};
        if (lnc_scan_next(scan, &batch, &err) != LNC_OK)
            status = fail_lnc(&err);
        else
            status = print_batch(&batch, &left);
        more = batch.n_rows > 0;
        lnc_batch_release(&batch);
    }
    lnc_scan_close(scan);
    return status;
}

static int run_head(struct arguments *a, const struct lnc_dataset *ds)
{
    return print_rows(a, ds, a->n_rows);
}

static int run_cat(struct arguments *a, const struct lnc_dataset *ds)
{
    return print_rows(a, ds, UINT64_MAX);
}

static void print_time(int64_t us)
{
    int64_t seconds = us / 1000000 - (us % 1000000 < 0);
    time_t when = (time_t)seconds;
    struct tm tm;
    if (us == LNC_NO_TIME || gmtime_r(&when, &tm) == NULL) {
        (void)fputs("null", stdout);
        return;
    }
    (void)printf("\"%04ld-%02d-%02dT%02d:%02d:%02d.%06" PRId64 "Z\"", tm.tm_year + 1900L,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 us - seconds * 1000000);
}

static void print_tags_of(const struct lnc_ref_list *tags, const char *branch, uint64_t version)
{
    size_t n = 0;
    for (size_t i = 0; i < tags->n; i++) {
        if (tags->items[i].version != version || strcmp(tags->items[i].branch, branch) != 0)
            continue;
        (void)fputs(n++ == 0 ? ",\"tags\":[" : ",", stdout);
        print_key(stdout, tags->items[i].name);
    }
    if (n > 0)
        putchar(']');
}

static int run_versions(struct arguments *a, const struct lnc_dataset *ds)
{
    struct lnc_version_list list = {0};
    struct lnc_ref_list tags = {0};
    struct lnc_error err;
    (void)a;
    if (lnc_dataset_tags(ds, &tags, &err) != LNC_OK)
        return fail_lnc(&err);
    if (lnc_dataset_versions(ds, &list, &err) != LNC_OK) {
        lnc_ref_list_release(&tags);
        return fail_lnc(&err);
    }
    for (size_t i = 0; i < list.n; i++) {
        (void)printf("{\"version\":%" PRIu64 ",\"time\":", list.items[i].number);
        print_time(list.items[i].timestamp_us);
        if (list.items[i].n_rows == LNC_ROWS_UNKNOWN)
            (void)fputs(",\"rows\":null", stdout);
        else
            (void)printf(",\"rows\":%" PRIu64, list.items[i].n_rows);
        print_tags_of(&tags, lnc_dataset_branch(ds), list.items[i].number);
        (void)fputs("}\n", stdout);
    }
    lnc_version_list_release(&list);
    lnc_ref_list_release(&tags);
    return EXIT_SUCCESS;
}

static int print_refs(struct lnc_ref_list *list, const char *branch_key, const char *version_key)
{
    for (size_t i = 0; i < list->n; i++) {
        (void)fputs("{\"name\":", stdout);
        print_key(stdout, list->items[i].name);
        (void)printf(",\"%s\":", branch_key);
        if (list->items[i].branch[0] != '\0')
            print_key(stdout, list->items[i].branch);
        else
            (void)fputs("null", stdout);
        (void)printf(",\"%s\":%" PRIu64 "}\n", version_key, list->items[i].version);
    }
    lnc_ref_list_release(list);
    return EXIT_SUCCESS;
}

static int run_tags(struct arguments *a, const struct lnc_dataset *ds)
{
    struct lnc_ref_list list = {0};
    struct lnc_error err;
    (void)a;
    if (lnc_dataset_tags(ds, &list, &err) != LNC_OK)
        return fail_lnc(&err);
    return print_refs(&list, "branch", "version");
}

static int run_branches(struct arguments *a, const struct lnc_dataset *ds)
{
    struct lnc_ref_list list = {0};
    struct lnc_error err;
    (void)a;
    if (lnc_dataset_branches(ds, &list, &err) != LNC_OK)
        return fail_lnc(&err);
    return print_refs(&list, "from_branch", "from_version");
}

struct command {
    const char *name;
    int (*run)(struct arguments *a, const struct lnc_dataset *ds); /* NULL: of databases */
    bool takes[N_SCOPES];
};

static const struct command *find_command(const char *name)
{
    static const struct command commands[] = {
        {"tables", NULL, {[FOR_ALL] = true}},
        {"schema", run_schema, {[FOR_TABLE] = true, [FOR_ALL] = true}},
        {"count", run_count, {[FOR_TABLE] = true, [FOR_ALL] = true}},
        {"head", run_head, {true, true, true, true}},
        {"cat", run_cat, {[FOR_ROWS] = true, [FOR_TABLE] = true, [FOR_ALL] = true}},
        {"versions", run_versions, {[FOR_TABLE] = true, [FOR_ALL] = true}},
        {"tags", run_tags, {[FOR_TABLE] = true, [FOR_ALL] = true}},
        {"branches", run_branches, {[FOR_TABLE] = true, [FOR_ALL] = true}},
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int run(struct arguments *a)
{
    struct lnc_dataset *ds = NULL;
    struct lnc_error err;
    if (a->command == NULL)
        return fail_usage("a command is missing");
    const struct command *command = find_command(a->command);
    if (command == NULL)
        return fail_usage("there is no command '%s'", a->command);
    for (size_t i = 0; i < N_SCOPES; i++) {
        if (a->used[i] != NULL && !command->takes[i])
            return fail_usage("%s has no use for %s", a->command, a->used[i]);
    }
    if (a->path == NULL)
        return fail_usage("%s needs the path of a %s", a->command,
                          command->run != NULL ? "table" : "database");
    if (command->run == NULL)
        return run_tables(a);
    if (lnc_open(a->path, a->table, &a->options, &ds, &err) != LNC_OK)
        return fail_lnc(&err);
    int status = command->run(a, ds);
    lnc_dataset_close(ds);
    return status;
}

static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)fputs("lnc: the output cannot be written\n", stderr);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct arguments a = {.command = NULL};
    /* A reader that has seen enough (head, less) ends us without a word, whoever started us. */
    (void)signal(SIGPIPE, SIG_DFL);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(usage_text, stdout);
            return finish_output(EXIT_SUCCESS);
        }
        if (strcmp(argv[i], "-V") == 0) {
            (void)printf("lnc %s\n", lnc_version_string());
            return finish_output(EXIT_SUCCESS);
        }
    }
    int status = parse_arguments(&a, argc, argv);
    if (status == 0)
        status = run(&a);
    return finish_output(status);
}
