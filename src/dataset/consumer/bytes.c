#include "dataset/consumer/rules.h"

#include "base/utf8.h"
#include "os/file.h"

/* The mark and the first character behind it, also when they come in pieces. */
static void begin(struct gen_file_facts *facts, struct gen_str part)
{
    static const char mark[] = "\xEF\xBB\xBF";
    for (size_t i = 0; i < part.n && !facts->is_started; i++) {
        uint64_t offset = facts->bytes + i;
        if (offset < 3 && facts->n_mark == offset && part.p[i] == mark[offset]) {
            facts->has_mark = ++facts->n_mark == 3;
            continue;
        }
        if (!strchr(" \t\r\n", part.p[i])) {
            facts->is_started = true;
            facts->is_array = part.p[i] == '[';
        }
    }
}

void gen_file_facts_add(struct gen_file_facts *facts, struct gen_str part)
{
    if (!part.n)
        return;
    begin(facts, part);
    if (facts->last == '\r' && part.p[0] == '\n')
        facts->n_crlf++;
    const char *p = part.p;
    const char *end = part.p + part.n;
    while ((p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
        if (++p == end)
            break;
        facts->n_crlf += *p == '\n';
    }
    facts->bytes += part.n;
    facts->last = part.p[part.n - 1];
}

/* What breaks a row most often, told from the text: a parser says only where it stopped. */

static bool is_word_at(struct gen_str text, size_t at, struct gen_str word)
{
    return gen_str_starts(gen_str_sub(text, at, text.n), word);
}

/* NaN or Infinity outside of strings. */
static bool has_nan(struct gen_str text)
{
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        if (in_string && text.p[i] == '\\')
            i++;
        else if (text.p[i] == '"')
            in_string = !in_string;
        else if (!in_string &&
                 (is_word_at(text, i, GEN_STR("NaN")) || is_word_at(text, i, GEN_STR("Infinity"))))
            return true;
    }
    return false;
}

/* 0 when there is no "\uXXXX" at `at`. */
static unsigned unit_at(struct gen_str text, size_t at)
{
    unsigned unit = 0;
    if (at + 6 > text.n || text.p[at] != '\\' || text.p[at + 1] != 'u')
        return 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, text.p[i] | 0x20, sizeof(digits) - 1);
        if (!digit)
            return 0;
        unit = unit * 16 + (unsigned)(digit - digits);
    }
    return unit;
}

static bool has_lone_surrogate(struct gen_str text)
{
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] != '\\')
            continue;
        unsigned unit = unit_at(text, i);
        if (unit >= 0xDC00 && unit <= 0xDFFF)
            return true;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
            unsigned next = unit_at(text, i + 6);
            if (next < 0xDC00 || next > 0xDFFF)
                return true;
            i += 10;
        }
        i++;
    }
    return false;
}

void gen_rules_malformed(struct gen_row_check *c, const struct gen_consumer *consumer,
                         struct gen_str text, const char *why)
{
    if (!why)
        why = "it is no JSON object";
    if (text.n && text.p[0] != '{')
        gen_rule_error(c, GEN_RULE_not_an_object, "%.300s; a row is an object {...}", why);
    else if (!gen_utf8_valid(text))
        gen_rule_error(c, GEN_RULE_invalid_utf8,
                       "the row is not UTF-8, and readers stop at it; write the file as UTF-8");
    else if (has_lone_surrogate(text))
        gen_rule_error(c, GEN_RULE_lone_surrogate,
                       "half of a surrogate pair (\\ud800 to \\udfff) stands alone, and Arrow "
                       "refuses the file; replace it with \\ufffd");
    else if (has_nan(text))
        gen_rule(
            c, consumer->traits & GEN_READS_NAN ? GEN_FINDING_WARNING : GEN_FINDING_ERROR,
            GEN_RULE_nan_or_infinity,
            "NaN or Infinity is no JSON, though Python writes it, and the row is not looked at "
            "further; write null or leave the key out");
    else
        gen_rule_error(c, GEN_RULE_broken_json, "%.400s", why);
}

/* U+0085, U+2028 and U+2029 as they are: str.splitlines() of Python ends a line at them. */
static const char *separator_in(struct gen_str text)
{
    const char *end = text.p + text.n;
    for (const char *p = text.p; (p = memchr(p, 0xE2, (size_t)(end - p))) != NULL; p++) {
        if (end - p >= 3 && p[1] == (char)0x80 && (p[2] == (char)0xA8 || p[2] == (char)0xA9))
            return p[2] == (char)0xA8 ? "U+2028" : "U+2029";
    }
    for (const char *p = text.p; (p = memchr(p, 0xC2, (size_t)(end - p))) != NULL; p++) {
        if (end - p >= 2 && p[1] == (char)0x85)
            return "U+0085";
    }
    return NULL;
}

/* "\u0000" whose backslash is none that was itself escaped. */
static bool has_nul(struct gen_str text)
{
    size_t at = 0;
    while ((at = gen_str_find(text, GEN_STR("\\u0000"), at)) != SIZE_MAX) {
        size_t slashes = 0;
        while (slashes < at && text.p[at - slashes - 1] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            return true;
        at++;
    }
    return false;
}

void gen_rules_bytes(struct gen_row_check *c, const struct gen_consumer *consumer,
                     struct gen_str text, bool in_lines)
{
    const char *separator = text.n && in_lines ? separator_in(text) : NULL;
    if (separator)
        gen_rule_warn(c, GEN_RULE_line_separator,
                      "%s stands raw in the row, and readers that use splitlines() end the row "
                      "there; write it as an escape (\\u....)",
                      separator);
    if (text.n && has_nul(text))
        gen_rule_warn(c, GEN_RULE_nul_character,
                      "a string holds the character U+0000, which tokenizers and databases drop or "
                      "stop at; remove it");
    if (consumer->row_bytes_warn && text.n > consumer->row_bytes_warn)
        gen_rule_warn(c, GEN_RULE_row_too_large, "the row has %zu bytes; %s", text.n,
                      consumer->row_bytes_why);
}

/* ---- the file ---- */

/* Keywords of datasets/data_files.py, between separators. */
static const char *split_of(struct gen_str name)
{
    static const struct {
        const char *word, *split;
    } words[] = {
        {"train", "train"},      {"training", "train"}, {"validation", "validation"},
        {"valid", "validation"}, {"dev", "validation"}, {"val", "validation"},
        {"test", "test"},        {"testing", "test"},   {"eval", "test"},
        {"evaluation", "test"},
    };
    size_t start = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (!strchr("-._ 0123456789", name.p[i]))
            continue;
        struct gen_str word = gen_str_sub(name, start, i - start);
        for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
            if (gen_str_is(word, words[w].word))
                return words[w].split;
        }
        start = i + 1;
    }
    return NULL;
}

/* data/train-00000-of-00003.jsonl: the split is meant. */
static bool is_shard(struct gen_str name)
{
    size_t of = gen_str_find(name, GEN_STR("-of-"), 0);
    return of != SIZE_MAX && of >= 6 && name.p[of - 6] == '-';
}

static bool is_ignored(struct gen_str name)
{
    static const char *const names[] = {"config.json", "dataset_info.json", "dataset_infos.json",
                                        "dataset_dict.json", "README.md"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (gen_str_is(name, names[i]))
            return true;
    }
    return false;
}

static void file_name(struct gen_row_check *c, const struct gen_consumer *consumer,
                      const char *path)
{
    struct gen_str name = gen_path_base(gen_str_from(path));
    if (consumer->traits & GEN_READS_LINES_ONLY) {
        if (!gen_str_is(gen_path_ext(name), ".jsonl"))
            gen_rule_error(c, GEN_RULE_file_extension,
                           "%s takes files whose name ends in .jsonl; rename it", consumer->title);
        return;
    }
    if (!(consumer->traits & GEN_READS_BY_DATASETS))
        return;
    const char *split = is_shard(name) ? NULL : split_of(name);
    if (is_ignored(name))
        gen_rule_warn(c, GEN_RULE_ignored_file_name,
                      "load_dataset of a folder ignores files of this name; rename it");
    else if (split && strcmp(split, "train") != 0)
        gen_rule_warn(c, GEN_RULE_split_keyword,
                      "load_dataset of its folder makes this file the split \"%s\", not \"train\", "
                      "because of its name; rename it if that is not meant",
                      split);
}

static void file_facts(struct gen_row_check *c, const struct gen_consumer *consumer,
                       const struct gen_file_facts *facts)
{
    if (facts->has_mark)
        gen_rule(
            c, consumer->traits & GEN_REFUSES_MARK ? GEN_FINDING_ERROR : GEN_FINDING_WARNING,
            GEN_RULE_byte_order_mark,
            "the file begins with a byte order mark, at which %s; save it as UTF-8 without one",
            consumer->traits & GEN_REFUSES_MARK ? "the first row breaks"
                                                : "older readers fail in the first row");
    if (facts->n_crlf && !facts->is_array)
        gen_rule_warn(c, GEN_RULE_crlf_line_ends,
                      "%llu lines end in CR LF; JSON Lines end in LF alone, as some readers keep "
                      "the CR",
                      (unsigned long long)facts->n_crlf);
    if (facts->is_array && consumer->traits & GEN_READS_LINES_ONLY)
        gen_rule_error(c, GEN_RULE_json_array,
                       "the file is one JSON array, and %s takes JSON Lines (one object a line)",
                       consumer->title);
    if (facts->is_array && !(consumer->traits & GEN_READS_LINES_ONLY) &&
        facts->bytes > (uint64_t)256 << 20)
        gen_rule_warn(
            c, GEN_RULE_json_array,
            "the file is one JSON array of %llu MB, which is read into memory as a whole; "
            "JSON Lines are not",
            (unsigned long long)(facts->bytes / 1000000));
    if (consumer->file_bytes_max && facts->bytes > consumer->file_bytes_max)
        gen_rule_error(c, GEN_RULE_file_too_large,
                       "the file has %llu MB, and %s takes %llu MB at most; split it",
                       (unsigned long long)(facts->bytes / 1000000), consumer->title,
                       (unsigned long long)(consumer->file_bytes_max / 1000000));
}

void gen_rules_file(struct gen_row_check *c, const struct gen_consumer *consumer, const char *path,
                    const struct gen_file_facts *facts, uint64_t n_rows)
{
    if (path && strcmp(path, "-") != 0)
        file_name(c, consumer, path);
    if (facts)
        file_facts(c, consumer, facts);
    if (n_rows == 0)
        gen_rule_error(c, GEN_RULE_empty_file, "there are no rows");
    else if (n_rows < consumer->rows_min)
        gen_rule_error(c, GEN_RULE_too_few_rows, "%llu row%s, and %s wants %llu at least",
                       (unsigned long long)n_rows, n_rows == 1 ? "" : "s", consumer->title,
                       (unsigned long long)consumer->rows_min);
}
