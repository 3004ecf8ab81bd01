/* Values for parameters: those that somebody wrote down, else made up by name, type and format. */
#include "tool/blueprint_int.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

#define DEPTH_MAX 8U
#define ITEMS_MAX 20
#define POOL_MAX  200000U

/* ---- words of names ---- */

void gen_name_words(struct gen_str name, void (*fn)(void *ud, struct gen_str word), void *ud)
{
    char word[64];
    size_t n = 0;
    for (size_t i = 0; i <= name.n; i++) {
        char c = i < name.n ? name.p[i] : '_';
        bool is_upper = c >= 'A' && c <= 'Z';
        bool is_part = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool after_lower = i > 0 && name.p[i - 1] >= 'a' && name.p[i - 1] <= 'z';
        if (n && (!is_part || (is_upper && after_lower) || n == sizeof(word))) {
            fn(ud, (struct gen_str){word, n});
            n = 0;
        }
        if (is_part)
            word[n++] = is_upper ? (char)(c - 'A' + 'a') : c;
    }
}

static void add_bit(void *ud, struct gen_str word)
{
    uint64_t *bits = ud;
    if (word.n > 1)
        *bits |= UINT64_C(1) << (gen_hash64(word, 7) & 63U);
}

uint64_t gen_name_bits(struct gen_str name)
{
    uint64_t bits = 0;
    gen_name_words(name, add_bit, &bits);
    return bits;
}

/* ---- made up ---- */

struct topic {
    const char *words;     /* of names, blanks around each */
    const char *values[6]; /* the first is the most ordinary one */
};
static const struct topic topics[] = {
    {" email mail recipient sender cc ",
     {"anna.keller@northlab.org", "m.ortega@harborworks.net", "support@linden-tools.org",
      "j.okafor@quayside.io", "team@ferrowerk.de", "li.wei@tidewater.cn"}},
    {" url uri link href webhook endpoint website ",
     {"https://data.northlab.org/reports/2024", "https://harborworks.net/status",
      "https://linden-tools.org/docs/setup", "https://quayside.io/feed.xml",
      "https://ferrowerk.de/katalog", "https://tidewater.cn/map"}},
    {" path file filename filepath source destination input output src dst ",
     {"reports/summary_2024.txt", "data/measurements.csv", "notes/meeting.md",
      "logs/server-0312.log", "images/plan_b.png", "config/settings.yaml"}},
    {" paths files ",
     {"reports/summary_2024.txt", "data/measurements.csv", "notes/meeting.md",
      "logs/server-0312.log", "images/plan_b.png", "config/settings.yaml"}},
    {" directory dir folder root workspace ",
     {"reports", "data/2024", "projects/harbor", "archive", "notes", "images/raw"}},
    {" pattern glob ", {"*.csv", "*.txt", "report_*", "**/*.md", "*_2024.*", "log-*"}},
    {" city location place destination origin address town ",
     {"Lisbon", "Hamburg", "Osaka", "Montreal", "Nairobi", "Valencia"}},
    {" country nation ", {"Portugal", "Germany", "Japan", "Canada", "Kenya", "Spain"}},
    {" user username author owner person assignee employee customer contact ",
     {"m.ortega", "akeller", "j.okafor", "liwei", "s.lindqvist", "t.novak"}},
    {" firstname surname lastname ", {"Anna", "Miguel", "Jumoke", "Wei", "Sofia", "Tomas"}},
    {" date day start end since until from to begin deadline due birthday ",
     {"2025-03-14", "2025-04-02", "2024-11-27", "2025-06-30", "2025-01-08", "2024-09-19"}},
    {" time hour ", {"09:30", "14:15", "18:00", "07:45", "11:20", "16:50"}},
    {" id identifier uuid key ref reference sku code ",
     {"a7f3c2", "b1940e", "c58d21", "d03e7a", "e6124f", "f9b8c5"}},
    {" query search q term keyword keywords text message content body prompt comment description "
     "summary sentence ",
     {"sensor calibration", "quarterly budget review", "water level in the harbor",
      "battery life of field devices", "delivery delays in spring", "new safety rules"}},
    {" title name subject label topic heading project ",
     {"Harbor Survey", "Spring Inventory", "Field Notes", "Budget Review", "Site Inspection",
      "Weekly Digest"}},
    {" language lang locale ", {"en", "de", "pt", "ja", "fr", "es"}},
    {" currency ", {"EUR", "USD", "JPY", "CAD", "GBP", "SEK"}},
    {" phone telephone mobile ",
     {"+351 21 555 0142", "+49 40 555 0173", "+81 6 5550 0119", "+1 514 555 0188",
      "+254 20 555 0136", "+34 96 555 0151"}},
    {" zip postcode postal ", {"20457", "1100-148", "540-0002", "H2Y 1C6", "46001", "10115"}},
    {" tag tags category categories group team department ",
     {"field-work", "finance", "logistics", "maintenance", "research", "safety"}},
    {" color colour ", {"teal", "amber", "crimson", "navy", "olive", "silver"}},
    {" symbol ticker stock ", {"NLAB", "HRBW", "LNDN", "QYSD", "FRWK", "TDWT"}},
    {" branch ", {"main", "release-2", "fix-login", "develop", "feature-map", "hotfix-7"}},
    {" status state ", {"open", "active", "pending", "closed", "done", "draft"}},
    {" sql statement ",
     {"SELECT count(*) FROM orders", "SELECT name FROM sites WHERE active = 1",
      "SELECT max(level) FROM gauges", "SELECT * FROM visits LIMIT 10",
      "SELECT avg(price) FROM items", "SELECT id FROM tickets WHERE open = 1"}},
};
static const struct topic formats[] = {
    {" date ",
     {"2025-03-14", "2025-04-02", "2024-11-27", "2025-06-30", "2025-01-08", "2024-09-19"}},
    {" date-time datetime ",
     {"2025-03-14T09:30:00Z", "2025-04-02T14:15:00Z", "2024-11-27T18:00:00Z",
      "2025-06-30T07:45:00Z", "2025-01-08T11:20:00Z", "2024-09-19T16:50:00Z"}},
    {" time ", {"09:30:00Z", "14:15:00Z", "18:00:00Z", "07:45:00Z", "11:20:00Z", "16:50:00Z"}},
    {" email idn-email ",
     {"anna.keller@northlab.org", "m.ortega@harborworks.net", "support@linden-tools.org",
      "j.okafor@quayside.io", "team@ferrowerk.de", "li.wei@tidewater.cn"}},
    {" uri url iri uri-reference ",
     {"https://data.northlab.org/reports/2024", "https://harborworks.net/status",
      "https://linden-tools.org/docs/setup", "https://quayside.io/feed.xml",
      "https://ferrowerk.de/katalog", "https://tidewater.cn/map"}},
    {" uuid ",
     {"3f1c9a52-7b64-4e0d-9c2e-51a8d0f7b6e1", "8a2d4b17-0c95-4f3e-a6d1-2b7c9e4f5a03",
      "c4e7f019-5d2a-4b86-8f31-9e0d6a7b2c58", "17b5d3e8-a94c-4627-b0fe-63c8d1a29f40",
      "e09a6c3d-482f-4d71-95b8-0f2e7c1d4a96", "5d83f2b0-6e17-4a9c-8d24-b1f06e9c3a75"}},
    {" ipv4 ip ",
     {"192.0.2.17", "198.51.100.4", "203.0.113.42", "192.0.2.200", "198.51.100.77", "203.0.113.9"}},
    {" ipv6 ",
     {"2001:db8::17", "2001:db8::4", "2001:db8::42", "2001:db8::c8", "2001:db8::4d",
      "2001:db8::9"}},
    {" hostname ",
     {"data.northlab.org", "harborworks.net", "linden-tools.org", "quayside.io", "ferrowerk.de",
      "tidewater.cn"}},
    {" duration ", {"PT30M", "PT2H", "P1D", "PT45M", "P7D", "PT90S"}},
};
static const char *const plain_words[6] = {"aurora",  "basalt", "cobalt",
                                           "delta-7", "ember",  "fjord"};

struct topic_search {
    const struct topic *found;
};

static bool has_word(const char *words, struct gen_str word)
{
    char padded[68];
    if (word.n > 64)
        return false;
    padded[0] = ' ';
    memcpy(padded + 1, word.p, word.n);
    padded[word.n + 1] = ' ';
    padded[word.n + 2] = '\0';
    return strstr(words, padded) != NULL;
}

/* The last word of a name says most: "user_email" is an e-mail address. */
static void look_up_topic(void *ud, struct gen_str word)
{
    struct topic_search *s = ud;
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        if (has_word(topics[i].words, word)) {
            s->found = &topics[i];
            return;
        }
    }
}

static const char *text_for(struct gen_str name, struct gen_str format, size_t variant)
{
    struct topic_search s = {NULL};
    for (size_t i = 0; format.n && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (has_word(formats[i].words, format))
            s.found = &formats[i];
    }
    if (!s.found)
        gen_name_words(name, look_up_topic, &s);
    return s.found ? s.found->values[variant % 6] : plain_words[variant % 6];
}

static int64_t int_of(const struct gen_json *schema, const char *key, int64_t otherwise)
{
    int64_t i = otherwise;
    double d;
    if (!gen_json_as_int(gen_json_get(schema, key), &i) &&
        gen_json_as_real(gen_json_get(schema, key), &d) && d > -1e15 && d < 1e15)
        i = (int64_t)d;
    return i;
}

static struct gen_jmut *invent_string(struct gen_jb *jb, const struct gen_json *schema,
                                      struct gen_str name, size_t variant)
{
    struct gen_str pattern = gen_json_get_str(schema, "pattern");
    int64_t min = int_of(schema, "minLength", 0), max = int_of(schema, "maxLength", 1000);
    struct gen_buf text = gen_buf_make((size_t)1 << 16);
    struct gen_jmut *v = NULL;
    bool is_made = pattern.n && gen_pattern_invent(pattern, variant, &text);
    int rc = GEN_OK;
    if (!is_made) {
        gen_buf_clear(&text);
        rc =
            gen_buf_add_c(&text, text_for(name, gen_json_get_str(schema, "format"), variant), NULL);
        while (rc == GEN_OK && min < 10000 && text.n < (size_t)(min > 0 ? min : 0))
            rc = gen_buf_add_char(&text, (char)('a' + (int)(text.n + variant) % 26), NULL);
    }
    struct gen_str s = gen_buf_str(&text);
    if (!is_made && max >= 0 && s.n > (size_t)max)
        s.n = (size_t)max;
    if (rc == GEN_OK)
        v = gen_jb_str(jb, s);
    gen_buf_release(&text);
    return v;
}

/* The bounds of a number; those that exclude their value are moved by `step`. */
static void bounds_of(const struct gen_json *schema, double step, double *min, double *max)
{
    double d;
    bool excludes = false;
    bool has_min = gen_json_as_real(gen_json_get(schema, "minimum"), min);
    bool has_max = gen_json_as_real(gen_json_get(schema, "maximum"), max);
    if (has_min && gen_json_as_bool(gen_json_get(schema, "exclusiveMinimum"), &excludes) &&
        excludes)
        *min += step;
    excludes = false;
    if (has_max && gen_json_as_bool(gen_json_get(schema, "exclusiveMaximum"), &excludes) &&
        excludes)
        *max -= step;
    if (gen_json_as_real(gen_json_get(schema, "exclusiveMinimum"), &d) &&
        (!has_min || d + step > *min)) {
        *min = d + step;
        has_min = true;
    }
    if (gen_json_as_real(gen_json_get(schema, "exclusiveMaximum"), &d) &&
        (!has_max || d - step < *max)) {
        *max = d - step;
        has_max = true;
    }
    if (!has_min)
        *min = has_max && *max < 1 ? *max - 100 : 1;
    if (!has_max)
        *max = *min < 1 ? 100 : *min + 1000;
}

static struct gen_jmut *invent_number(struct gen_jb *jb, const struct gen_json *schema,
                                      bool is_whole, size_t variant)
{
    static const double wholes[] = {5, 10, 3, 25, 12, 50, 7, 100};
    static const double reals[] = {2.5, 0.5, 12.75, 1.5, 40.25, 0.25, 8.4, 99.5};
    double unit = 0, min = 0, max = 0;
    bool has_unit = gen_json_as_real(gen_json_get(schema, "multipleOf"), &unit) && unit > 0;
    bounds_of(schema, is_whole ? 1 : 0.25, &min, &max);
    double v = is_whole ? wholes[variant % 8] : reals[variant % 8];
    if (is_whole) {
        min = ceil(min);
        max = floor(max);
    }
    if (v < min || v > max) {
        double span = max - min;
        v = min + (is_whole ? floor(span * (double)(variant % 8) / 8)
                            : span * (double)(variant % 8 + 1) / 10);
    }
    if (has_unit)
        v = ceil((v > min ? v : min) / unit) * unit;
    if (has_unit && v > max)
        v = floor(max / unit) * unit;
    if (v == floor(v) && fabs(v) < 9e15)
        return gen_jb_int(jb, (int64_t)v);
    return is_whole ? NULL : gen_jb_real(jb, v);
}

static struct gen_jmut *invent(struct gen_jb *jb, const struct gen_json *root,
                               const struct gen_json *schema, struct gen_str name, size_t variant,
                               unsigned depth);

/* Puts the members that an object must have into `object`; false when one cannot be made. */
static bool invent_members(struct gen_jb *jb, const struct gen_json *root,
                           const struct gen_json *schema, struct gen_jmut *object, size_t variant,
                           unsigned depth)
{
    struct gen_json_iter it;
    const struct gen_json *v, *of;
    struct gen_str key;
    gen_json_iter_init(&it, gen_json_get(schema, "required"));
    while (gen_json_type(gen_json_get(schema, "required")) == GEN_JSON_ARRAY &&
           gen_json_iter_next(&it, NULL, &v)) {
        if (!gen_json_as_str(v, &key))
            continue;
        const struct gen_json *member = gen_json_get_n(gen_json_get(schema, "properties"), key);
        struct gen_jmut *made = invent(jb, root, member, key, variant, depth + 1);
        if (!made)
            return false;
        gen_jb_set_n(jb, object, key, made);
    }
    const struct gen_json *parts = gen_json_get(schema, "allOf");
    bool all = true;
    gen_json_iter_init(&it, parts);
    while (all && depth < DEPTH_MAX && gen_json_type(parts) == GEN_JSON_ARRAY &&
           gen_json_iter_next(&it, NULL, &v)) {
        all = gen_schema_behind(root, v, &of, NULL) == GEN_OK && of &&
              invent_members(jb, root, of, object, variant, depth + 1);
    }
    return all;
}

static struct gen_jmut *invent_array(struct gen_jb *jb, const struct gen_json *root,
                                     const struct gen_json *schema, struct gen_str name,
                                     size_t variant, unsigned depth)
{
    struct gen_jmut *list = gen_jb_array(jb);
    const struct gen_json *items = gen_json_get(schema, "items");
    const struct gen_json *first = gen_json_get(schema, "prefixItems");
    int64_t n = int_of(schema, "minItems", 1), max = int_of(schema, "maxItems", ITEMS_MAX);
    bool are_tuple = gen_json_type(items) == GEN_JSON_ARRAY;
    if (are_tuple)
        first = items;
    if (n < 1)
        n = max < 1 ? 0 : 1;
    if (first && n < (int64_t)gen_json_count(first) && (int64_t)gen_json_count(first) <= max)
        n = (int64_t)gen_json_count(first);
    if (n > ITEMS_MAX)
        return NULL;
    for (int64_t i = 0; i < n; i++) {
        const struct gen_json *one = gen_json_at(first, (size_t)i);
        if (!one)
            one = are_tuple ? NULL : items;
        struct gen_jmut *v = invent(jb, root, one, name, variant + (size_t)i, depth + 1);
        if (!v)
            return NULL;
        gen_jb_append(jb, list, v);
    }
    return list;
}

/* What the schema names itself: a constant, a choice, an example, the default. */
static const struct gen_json *named_value(const struct gen_json *schema, size_t variant)
{
    static const char *const lists[] = {"enum", "examples", NULL};
    static const char *const singles[] = {"const", "example", "default", NULL};
    for (size_t i = 0; lists[i]; i++) {
        const struct gen_json *list = gen_json_get(schema, lists[i]);
        size_t n = gen_json_type(list) == GEN_JSON_ARRAY ? gen_json_count(list) : 0;
        for (size_t k = 0; k < n; k++) {
            const struct gen_json *v = gen_json_at(list, (variant + k) % n);
            if (gen_json_type(v) != GEN_JSON_NULL)
                return v;
        }
    }
    for (size_t i = 0; singles[i]; i++) {
        const struct gen_json *v = gen_json_get(schema, singles[i]);
        if (v && gen_json_type(v) != GEN_JSON_NULL && (variant == 0 || i == 0))
            return v;
    }
    return NULL;
}

/* A branch of anyOf or oneOf that is not the null one. */
static struct gen_jmut *invent_branch(struct gen_jb *jb, const struct gen_json *root,
                                      const struct gen_json *branches, struct gen_str name,
                                      size_t variant, unsigned depth)
{
    size_t n = gen_json_type(branches) == GEN_JSON_ARRAY ? gen_json_count(branches) : 0;
    for (size_t k = 0; k < n; k++) {
        const struct gen_json *branch = gen_json_at(branches, (variant + k) % n);
        if (gen_str_is(gen_json_get_str(branch, "type"), "null"))
            continue;
        struct gen_jmut *v = invent(jb, root, branch, name, variant, depth + 1);
        if (v)
            return v;
    }
    return NULL;
}

/* Recursion ends at DEPTH_MAX. */
static struct gen_jmut *invent(struct gen_jb *jb, const struct gen_json *root,
                               const struct gen_json *schema, struct gen_str name, size_t variant,
                               unsigned depth)
{
    unsigned takes = GEN_TAKES_ANY;
    if (depth > DEPTH_MAX || gen_schema_behind(root, schema, &schema, NULL) != GEN_OK)
        return NULL;
    const struct gen_json *named = named_value(schema, variant);
    if (named)
        return gen_jb_copy(jb, named);
    const struct gen_json *branches = gen_json_get(schema, "anyOf");
    if (!branches)
        branches = gen_json_get(schema, "oneOf");
    if (branches && !gen_json_get(schema, "properties"))
        return invent_branch(jb, root, branches, name, variant, depth);
    if (gen_schema_takes(root, schema, &takes, NULL) != GEN_OK)
        return NULL;
    if (takes & GEN_TAKES_STRING)
        return invent_string(jb, schema, name, variant);
    if (takes & (GEN_TAKES_NUMBER | GEN_TAKES_INTEGER))
        return invent_number(jb, schema, !(takes & GEN_TAKES_NUMBER), variant);
    if (takes & GEN_TAKES_BOOLEAN)
        return gen_jb_bool(jb, variant % 2 == 0);
    if (takes & GEN_TAKES_ARRAY)
        return invent_array(jb, root, schema, name, variant, depth);
    if (takes & GEN_TAKES_OBJECT) {
        struct gen_jmut *object = gen_jb_object(jb);
        return invent_members(jb, root, schema, object, variant, depth) ? object : NULL;
    }
    return gen_jb_null(jb);
}

struct gen_jmut *gen_value_invent(struct gen_jb *jb, const struct gen_json *root,
                                  const struct gen_json *schema, struct gen_str name,
                                  size_t variant)
{
    return invent(jb, root, schema, name, variant, 0);
}

/* ---- written down ---- */

static int by_name(const void *a, const void *b)
{
    const struct gen_pooled *x = a, *y = b;
    if (x->name != y->name)
        return x->name < y->name ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void fill_pool(struct gen_blueprints *b, size_t n_max)
{
    for (size_t i = 0; i < b->set->n_tools; i++) {
        const struct gen_tool *tool = &b->set->tools[i];
        for (size_t s = 0; s < tool->n_samples; s++) {
            struct gen_json_iter it;
            struct gen_str key;
            const struct gen_json *v;
            gen_json_iter_init(&it, tool->samples[s].args);
            while (b->n_pool < n_max && gen_json_iter_next(&it, &key, &v)) {
                b->pool[b->n_pool] = (struct gen_pooled){gen_hash64(key, 3), b->n_pool, v};
                b->n_pool++;
            }
        }
    }
}

int gen_values_pool(struct gen_blueprints *b, struct gen_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < b->set->n_tools; i++) {
        for (size_t s = 0; s < b->set->tools[i].n_samples; s++)
            n += gen_json_count(b->set->tools[i].samples[s].args);
    }
    n = n < POOL_MAX ? n : POOL_MAX;
    b->pool = malloc((n ? n : 1) * sizeof(*b->pool));
    if (!b->pool)
        return gen_nomem(err, "values of examples");
    fill_pool(b, n);
    qsort(b->pool, b->n_pool, sizeof(*b->pool), by_name);
    /* The same value once: the first of equal neighbours stays. */
    size_t kept = 0;
    for (size_t i = 0; i < b->n_pool; i++) {
        bool is_new = true;
        for (size_t k = kept;
             is_new && k > 0 && kept - k < 32 && b->pool[k - 1].name == b->pool[i].name; k--)
            is_new = !gen_json_equal(b->pool[k - 1].value, b->pool[i].value);
        if (is_new)
            b->pool[kept++] = b->pool[i];
    }
    b->n_pool = kept;
    return GEN_OK;
}

/* The values of parameters of this name: a run in the pool. */
static size_t pool_run(const struct gen_blueprints *b, uint64_t name, size_t *first)
{
    size_t low = 0, high = b->n_pool, n = 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (b->pool[mid].name < name)
            low = mid + 1;
        else
            high = mid;
    }
    while (low + n < b->n_pool && b->pool[low + n].name == name)
        n++;
    *first = low;
    return n;
}

size_t gen_values_pooled(const struct gen_blueprints *b, struct gen_str name)
{
    size_t first;
    return pool_run(b, gen_hash64(name, 3), &first);
}

int gen_value_make(struct gen_blueprints *b, size_t tool, size_t param, size_t variant,
                   struct gen_jmut **value, struct gen_error *err)
{
    const struct gen_tool *t = &b->set->tools[tool];
    const struct gen_tool_param *p = &t->params[param];
    const struct gen_json *schema = NULL;
    size_t first = 0;
    *value = NULL;
    int rc = gen_schema_behind(t->input_schema, p->schema, &schema, err);
    if (rc)
        return rc;
    size_t n = p->choices ? 0 : pool_run(b, gen_hash64(p->name, 3), &first);
    /* A default is not worth being given, but as one of several choices. */
    bool has_default = p->default_value && !p->choices;
    if (variant >= n)
        *value = gen_value_invent(b->jb, t->input_schema, schema, p->name,
                                  variant - n + (has_default ? 1 : 0));
    else if (!has_default || !gen_json_equal(p->default_value, b->pool[first + variant].value))
        *value = gen_jb_copy(b->jb, b->pool[first + variant].value);
    return GEN_OK;
}
