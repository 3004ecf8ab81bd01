#include "schema_int.h"

/* Above this a "vector" is damage: 16 Mi items of 8 bytes are 128 MiB for one row. */
#define VECTOR_ITEMS_MAX 0x1000000u
#define BYTE_WIDTH_MAX   0x8000000u

struct simple_type {
    const char *name;
    enum lnc_kind kind;
    enum lnc_unit unit;
    uint32_t bits; /* 0: variable */
};

static const struct simple_type simple_types[] = {
    {"bool", LNC_KIND_BOOL, LNC_UNIT_NONE, 1},
    {"int8", LNC_KIND_INT8, LNC_UNIT_NONE, 8},
    {"int16", LNC_KIND_INT16, LNC_UNIT_NONE, 16},
    {"int32", LNC_KIND_INT32, LNC_UNIT_NONE, 32},
    {"int64", LNC_KIND_INT64, LNC_UNIT_NONE, 64},
    {"uint8", LNC_KIND_UINT8, LNC_UNIT_NONE, 8},
    {"uint16", LNC_KIND_UINT16, LNC_UNIT_NONE, 16},
    {"uint32", LNC_KIND_UINT32, LNC_UNIT_NONE, 32},
    {"uint64", LNC_KIND_UINT64, LNC_UNIT_NONE, 64},
    {"halffloat", LNC_KIND_HALF, LNC_UNIT_NONE, 16},
    {"float", LNC_KIND_FLOAT, LNC_UNIT_NONE, 32},
    {"double", LNC_KIND_DOUBLE, LNC_UNIT_NONE, 64},
    {"string", LNC_KIND_STRING, LNC_UNIT_NONE, 0},
    {"large_string", LNC_KIND_STRING, LNC_UNIT_NONE, 0},
    {"binary", LNC_KIND_BINARY, LNC_UNIT_NONE, 0},
    {"large_binary", LNC_KIND_BINARY, LNC_UNIT_NONE, 0},
    {"date32:day", LNC_KIND_DATE32, LNC_UNIT_NONE, 32},
    {"date64:ms", LNC_KIND_DATE64, LNC_UNIT_MILLISECOND, 64},
    {"time32:s", LNC_KIND_TIME32, LNC_UNIT_SECOND, 32},
    {"time32:ms", LNC_KIND_TIME32, LNC_UNIT_MILLISECOND, 32},
    {"time64:us", LNC_KIND_TIME64, LNC_UNIT_MICROSECOND, 64},
    {"time64:ns", LNC_KIND_TIME64, LNC_UNIT_NANOSECOND, 64},
    {"duration:s", LNC_KIND_DURATION, LNC_UNIT_SECOND, 64},
    {"duration:ms", LNC_KIND_DURATION, LNC_UNIT_MILLISECOND, 64},
    {"duration:us", LNC_KIND_DURATION, LNC_UNIT_MICROSECOND, 64},
    {"duration:ns", LNC_KIND_DURATION, LNC_UNIT_NANOSECOND, 64},
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A decimal number of at most 9 digits that ends at `end`. */
static bool parse_number(const char *text, const char *end, uint32_t *out)
{
    uint32_t value = 0;
    if (text == end || end - text > 9)
        return false;
    for (const char *p = text; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        value = value * 10 + (uint32_t)(*p - '0');
    }
    *out = value;
    return true;
}

static const struct simple_type *find_simple(const char *type, size_t size)
{
    for (size_t i = 0; i < sizeof simple_types / sizeof simple_types[0]; i++) {
        if (strlen(simple_types[i].name) == size && memcmp(simple_types[i].name, type, size) == 0)
            return &simple_types[i];
    }
    return NULL;
}

static bool resolve_timestamp(const char *type, struct lnc_column_info *info)
{
    static const struct {
        const char *prefix;
        enum lnc_unit unit;
    } units[] = {
        {"timestamp:s:", LNC_UNIT_SECOND},
        {"timestamp:ms:", LNC_UNIT_MILLISECOND},
        {"timestamp:us:", LNC_UNIT_MICROSECOND},
        {"timestamp:ns:", LNC_UNIT_NANOSECOND},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (starts_with(type, units[i].prefix)) {
            info->unit = units[i].unit;
            return true;
        }
    }
    return false;
}

static void set_fixed(struct lnc_column_info *info, struct lnc_phys *phys, enum lnc_kind kind,
                      uint32_t bits)
{
    info->kind = kind;
    phys->bits = bits;
    phys->n_items = 1;
    phys->width = bits == 1 ? 1 : bits / 8;
    info->byte_width = phys->width;
}

static bool resolve_scalar(const char *type, size_t size, struct lnc_column_info *info,
                           struct lnc_phys *phys)
{
    const struct simple_type *simple = find_simple(type, size);
    if (simple == NULL)
        return false;
    info->unit = simple->unit;
    if (simple->bits > 0) {
        set_fixed(info, phys, simple->kind, simple->bits);
        return true;
    }
    info->kind = simple->kind;
    phys->is_var = true;
    phys->is_text = simple->kind == LNC_KIND_STRING;
    return true;
}

/* "<precision>:<scale>"; the scale may be negative. */
static void resolve_decimal(const char *text, const char *end, uint32_t bits,
                            struct lnc_column_info *info, struct lnc_phys *phys)
{
    const char *colon = memchr(text, ':', (size_t)(end - text));
    uint32_t precision;
    uint32_t scale;
    if (colon == NULL || !parse_number(text, colon, &precision) || precision == 0 ||
        precision > (bits == 128 ? 38 : 76))
        return;
    bool is_negative = colon[1] == '-';
    if (!parse_number(colon + (is_negative ? 2 : 1), end, &scale) || scale > INT8_MAX)
        return;
    set_fixed(info, phys, LNC_KIND_DECIMAL, bits);
    info->precision = (uint8_t)precision;
    info->scale = (int8_t)(is_negative ? -(int)scale : (int)scale);
}

/* A type of fixed width other than a vector, which ends at `end`. */
static void resolve_fixed(const char *type, const char *end, struct lnc_column_info *info,
                          struct lnc_phys *phys)
{
    const struct simple_type *simple = find_simple(type, (size_t)(end - type));
    uint32_t n;
    if (simple != NULL && simple->bits > 0) {
        info->unit = simple->unit;
        set_fixed(info, phys, simple->kind, simple->bits);
    } else if (starts_with(type, "timestamp:") && resolve_timestamp(type, info)) {
        set_fixed(info, phys, LNC_KIND_TIMESTAMP, 64);
    } else if (starts_with(type, "decimal:128:") || starts_with(type, "decimal:256:")) {
        uint32_t bits = type[strlen("decimal:")] == '1' ? 128 : 256;
        resolve_decimal(type + strlen("decimal:128:"), end, bits, info, phys);
    } else if (starts_with(type, "fixed_size_binary:")) {
        if (parse_number(type + strlen("fixed_size_binary:"), end, &n) && n > 0 &&
            n <= BYTE_WIDTH_MAX)
            set_fixed(info, phys, LNC_KIND_BYTES, n * 8);
    }
}

/* "fixed_size_list:<type>:N"; the inner type may contain colons itself. */
static void resolve_vector(const char *type, struct lnc_column_info *info, struct lnc_phys *phys)
{
    const char *inner = strchr(type, ':') + 1;
    const char *last = strrchr(type, ':');
    uint32_t n;
    if (last < inner || !parse_number(last + 1, type + strlen(type), &n) || n == 0 ||
        n > VECTOR_ITEMS_MAX)
        return;
    struct lnc_column_info item = {.kind = LNC_KIND_UNREADABLE};
    struct lnc_phys item_phys = {0};
    resolve_fixed(inner, last, &item, &item_phys);
    if (item.kind == LNC_KIND_UNREADABLE || item_phys.width > BYTE_WIDTH_MAX / n)
        return;
    info->kind = LNC_KIND_VECTOR;
    info->unit = item.unit;
    info->precision = item.precision;
    info->scale = item.scale;
    info->item_kind = item.kind;
    info->n_items = n;
    phys->bits = item_phys.bits;
    phys->n_items = n;
    phys->width = n * item_phys.width;
    info->byte_width = phys->width;
}

/* "dict:<value type>:<key type>:false"; read as its value type. */
static void resolve_dict(const char *type, struct lnc_column_info *info, struct lnc_phys *phys)
{
    const char *value = type + strlen("dict:");
    const char *ordered = strrchr(type, ':');
    if (ordered <= value)
        return;
    const char *key = ordered;
    while (key > value && key[-1] != ':')
        key--;
    if (key - 1 <= value)
        return;
    const struct simple_type *key_type = find_simple(key, (size_t)(ordered - key));
    if (key_type == NULL || key_type->kind < LNC_KIND_INT8 || key_type->kind > LNC_KIND_UINT64)
        return;
    if (!resolve_scalar(value, (size_t)(key - 1 - value), info, phys))
        return;
    phys->is_dict = true;
    phys->key_bits = key_type->bits;
}

void lnc_schema_resolve(const struct lnc_field *field, struct lnc_column_info *info,
                        struct lnc_phys *phys)
{
    const char *type = field->logical_type;
    size_t size = strlen(type);
    *phys = (struct lnc_phys){0};
    info->kind = LNC_KIND_UNREADABLE;
    if (field->is_blob) {
        info->kind = LNC_KIND_BINARY;
        info->is_blob = true;
        phys->is_var = true;
        phys->is_blob = true;
        phys->is_blob_v2 = strcmp(type, "struct") == 0;
        return;
    }
    if (strcmp(type, "null") == 0) {
        info->kind = LNC_KIND_NULL;
        phys->is_null = true;
    } else if (starts_with(type, "fixed_size_list:")) {
        resolve_vector(type, info, phys);
    } else if (starts_with(type, "dict:")) {
        resolve_dict(type, info, phys);
    } else if (!resolve_scalar(type, size, info, phys)) {
        resolve_fixed(type, type + size, info, phys);
    }
}

/* What building the tree knows about a field. */
struct place {
    size_t parent; /* index of the field, or TOP */
    size_t n_children;
    size_t n_placed; /* of them */
    unsigned depth;
    struct lnc_column_def *def;
    struct lnc_column_info *infos; /* of the children */
};

#define TOP SIZE_MAX

/* Fields stand in depth-first order, so the parent is one of the ancestors of the field before;
 * should a writer append children later, it is any field before. */
static int find_parent(const struct lnc_ctx *cx, const struct lnc_manifest *m, struct place *places,
                       size_t i)
{
    const struct lnc_field *field = &m->fields[i];
    places[i].parent = TOP;
    if (field->parent == -1)
        return LNC_OK;
    size_t candidate = i > 0 ? i - 1 : TOP;
    while (candidate != TOP && m->fields[candidate].id != field->parent)
        candidate = places[candidate].parent;
    for (size_t k = i; candidate == TOP && k > 0; k--) {
        if (m->fields[k - 1].id == field->parent)
            candidate = k - 1;
    }
    if (candidate == TOP)
        return lnc_bad(cx, "the field '%.80s' lies in the field %d, which does not come before it",
                       field->name, (int)field->parent);
    places[i].parent = candidate;
    places[i].depth = places[candidate].depth + 1;
    places[candidate].n_children++;
    return LNC_OK;
}

static void resolve_nested(struct lnc_column_def *def)
{
    const char *type = def->field->logical_type;
    bool readable = def->n_children > 0;
    for (size_t i = 0; i < def->n_children; i++)
        readable = readable && def->children[i].info.kind != LNC_KIND_UNREADABLE;
    def->info.kind = LNC_KIND_UNREADABLE;
    if (!readable)
        return;
    const struct lnc_column_def *first = &def->children[0];
    if (strcmp(type, "struct") == 0)
        def->info.kind = LNC_KIND_STRUCT;
    else if (def->n_children != 1)
        return;
    else if (strcmp(type, "list") == 0 || strcmp(type, "list.struct") == 0 ||
             strcmp(type, "large_list") == 0 || strcmp(type, "large_list.struct") == 0)
        def->info.kind = LNC_KIND_LIST;
    else if (strcmp(type, "map") == 0 && first->info.kind == LNC_KIND_STRUCT &&
             first->n_children == 2)
        def->info.kind = LNC_KIND_MAP;
}

/* Room for the children of a field, twice: as the reader and as the caller see them. */
static int make_children(const struct lnc_ctx *cx, struct lnc_manifest *m, struct place *place)
{
    void *defs;
    void *infos;
    if (place->n_children == 0)
        return LNC_OK;
    int rc =
        lnc_arena_alloc(cx, &m->arena, place->n_children, sizeof(struct lnc_column_def), &defs);
    if (rc == LNC_OK)
        rc = lnc_arena_alloc(cx, &m->arena, place->n_children, sizeof(struct lnc_column_info),
                             &infos);
    if (rc != LNC_OK)
        return rc;
    place->def->children = defs;
    place->infos = infos;
    place->def->info.children = place->infos;
    place->def->n_children = place->n_children;
    place->def->info.n_children = place->n_children;
    return LNC_OK;
}

/* What a blob is handed out as is not what the extension type of its description says. */
static void drop_extension(struct lnc_column_info *info)
{
    static const char prefix[] = "ARROW:extension:";
    for (size_t i = 0; i < info->n_metadata; i++) {
        const struct lnc_metadata *pair = &info->metadata[i];
        if (pair->key_size >= sizeof prefix - 1 &&
            memcmp(pair->key, prefix, sizeof prefix - 1) == 0)
            info->n_metadata = 0;
    }
}

/* Children come after their parents: going backwards, those of a field are complete before it. */
static void resolve_all(const struct lnc_manifest *m, struct place *places)
{
    for (size_t i = m->n_fields; i > 0; i--) {
        struct lnc_column_def *def = places[i - 1].def;
        /* Blobs of version 2 have fields for the writer's eyes only. */
        if (def->field->is_blob) {
            def->n_children = 0;
            def->info.n_children = 0;
            def->info.children = NULL;
            def->info.is_large = true;
            drop_extension(&def->info);
        }
        if (places[i - 1].depth > LNC_NEST_MAX)
            def->info.kind = LNC_KIND_UNREADABLE;
        else if (def->n_children > 0)
            resolve_nested(def);
        else
            lnc_schema_resolve(def->field, &def->info, &def->phys);
        if (places[i - 1].parent == TOP)
            continue;
        const struct place *parent = &places[places[i - 1].parent];
        parent->infos[def - parent->def->children] = def->info;
    }
}

int lnc_schema_build(const struct lnc_ctx *cx, struct lnc_manifest *manifest,
                     struct lnc_column_def **columns, size_t *n_columns)
{
    struct lnc_manifest *m = manifest;
    void *memory;
    void *top;
    int rc = lnc_arena_alloc(cx, &m->arena, m->n_fields, sizeof(struct place), &memory);
    if (rc == LNC_OK)
        rc = lnc_arena_alloc(cx, &m->arena, m->n_fields, sizeof(struct lnc_column_def), &top);
    if (rc != LNC_OK)
        return rc;
    struct place *places = memory;
    size_t n = 0;
    for (size_t i = 0; rc == LNC_OK && i < m->n_fields; i++)
        rc = find_parent(cx, m, places, i);
    for (size_t i = 0; rc == LNC_OK && i < m->n_fields; i++) {
        const struct lnc_field *field = &m->fields[i];
        struct place *parent = places[i].parent == TOP ? NULL : &places[places[i].parent];
        struct lnc_column_def *def = parent == NULL ? (struct lnc_column_def *)top + n++
                                                    : &parent->def->children[parent->n_placed++];
        *def = (struct lnc_column_def){.field = field};
        def->info = (struct lnc_column_info){.name = field->name,
                                             .logical_type = field->logical_type,
                                             .nullable = field->nullable,
                                             .is_large = starts_with(field->logical_type, "large_"),
                                             .metadata = field->metadata,
                                             .n_metadata = field->n_metadata};
        places[i].def = def;
        rc = make_children(cx, m, &places[i]);
    }
    if (rc != LNC_OK)
        return rc;
    resolve_all(m, places);
    *columns = top;
    *n_columns = n;
    return LNC_OK;
}
