/* Format: lance-format.md, section 1; the slash in the name of a branch is "%2F" in that of its
 * file (seen with pylance 14). */
#include "refs_int.h"

#include <inttypes.h>
#include <stdlib.h>

#include <yyjson.h>

#include "dataset_int.h"

#define REF_NAME_MAX  200
#define REFS_MAX      ((size_t)100000)
#define TAGS_DIR      "_refs/tags"
#define BRANCHES_DIR  "_refs/branches"
#define REF_FILE_ROOM (3 * REF_NAME_MAX + 8)

/* -- names of files -- */

static bool is_ref_name(const char *name)
{
    return strlen(name) <= REF_NAME_MAX && lnc_path_is_plain(name);
}

/* "a/b" as "a%2Fb.json". */
static void file_of(const char *name, char file[REF_FILE_ROOM])
{
    char *p = file;
    for (; *name != '\0'; name++) {
        if (*name == '/') {
            *p++ = '%';
            *p++ = '2';
            *p++ = 'F';
        } else {
            *p++ = *name;
        }
    }
    memcpy(p, ".json", sizeof ".json");
}

/* The other way round; false for files that are not named so. */
static bool name_of(const char *file, char name[REF_NAME_MAX + 1])
{
    size_t size = strlen(file);
    size_t used = 0;
    if (size <= 5 || strcmp(file + size - 5, ".json") != 0)
        return false;
    for (const char *p = file; p < file + size - 5;) {
        bool is_slash = p[0] == '%' && p[1] == '2' && (p[2] == 'F' || p[2] == 'f');
        if (used == REF_NAME_MAX)
            return false;
        name[used++] = is_slash ? '/' : *p;
        p += is_slash ? 3 : 1;
    }
    name[used] = '\0';
    return is_ref_name(name);
}

/* -- listing -- */

struct names {
    const struct lnc_ctx *cx;
    struct lnc_buf list; /* char * each */
};

static size_t n_names(const struct names *names)
{
    return names->list.size / sizeof(char *);
}

static char **names_at(const struct names *names)
{
    return (char **)(void *)names->list.data;
}

static void release_names(struct names *names)
{
    for (size_t i = 0; i < n_names(names); i++)
        lnc_free(names_at(names)[i]);
    lnc_buf_release(&names->list);
}

static int note_file(void *context, const char *file, bool is_directory, struct lnc_error *err)
{
    struct names *names = context;
    char name[REF_NAME_MAX + 1];
    char *copy;
    (void)err;
    if (is_directory || !name_of(file, name))
        return LNC_OK;
    if (n_names(names) >= REFS_MAX)
        return lnc_fail_ctx(names->cx, LNC_ELIMIT, "there are more than %zu tags or branches",
                            REFS_MAX);
    int rc = lnc_concat(names->cx, name, NULL, NULL, &copy);
    if (rc != LNC_OK)
        return rc;
    rc = lnc_buf_append(names->cx, &names->list, &copy, sizeof copy);
    if (rc != LNC_OK)
        lnc_free(copy);
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted; none if the folder does not exist. Release *out in any case. */
static int list_names(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                      const char *folder, struct names *out)
{
    struct lnc_error why = {0};
    struct lnc_ctx quiet = *cx;
    char *dir;
    quiet.err = &why;
    *out = (struct names){.cx = &quiet};
    int rc = lnc_concat(&quiet, root, "/", folder, &dir);
    if (rc == LNC_OK) {
        rc = store->list(store, dir, note_file, out, &why);
        lnc_free(dir);
    }
    out->cx = cx;
    if (rc == LNC_ENOENT)
        return LNC_OK;
    if (rc != LNC_OK)
        return lnc_fail(cx->err, rc, "%s", why.message);
    if (n_names(out) > 1)
        qsort(names_at(out), n_names(out), sizeof(char *), compare_names);
    return LNC_OK;
}

/* -- one file -- */

/* The keys differ between tags and branches; what they mean is the same. */
struct ref_keys {
    const char *folder;
    const char *branch;
    const char *version;
};

static const struct ref_keys tag_keys = {TAGS_DIR, "branch", "version"};
static const struct ref_keys branch_keys = {BRANCHES_DIR, "parentBranch", "parentVersion"};

/* yyjson's memory is ours: the caller's allocator, under the ceilings of the context. */
static void *json_alloc(void *context, size_t size)
{
    const struct lnc_ctx *cx = context;
    return size <= cx->alloc_max ? lnc_memory_alloc(cx->memory, size) : NULL;
}

static void *json_realloc(void *context, void *block, size_t size_before, size_t size)
{
    const struct lnc_ctx *cx = context;
    (void)size_before;
    return size <= cx->alloc_max ? lnc_memory_realloc(cx->memory, block, size) : NULL;
}

static void json_free(void *context, void *block)
{
    (void)context;
    lnc_free(block);
}

static int take_ref(const struct lnc_ctx *cx, const struct ref_keys *keys, yyjson_val *root,
                    struct lnc_tag *out)
{
    yyjson_val *name = yyjson_obj_get(root, keys->branch);
    yyjson_val *version = yyjson_obj_get(root, keys->version);
    const char *branch = yyjson_get_str(name);
    if (!yyjson_is_uint(version))
        return lnc_bad(cx, "does not say which version it is about");
    if (branch == NULL && name != NULL && !yyjson_is_null(name))
        return lnc_bad(cx, "has a branch that is no name");
    if (branch != NULL && (strlen(branch) != yyjson_get_len(name) || !is_ref_name(branch)))
        return lnc_bad(cx, "has an impossible name of a branch");
    int rc = lnc_concat(cx, branch != NULL ? branch : "", NULL, NULL, &out->branch);
    if (rc == LNC_OK)
        out->version = yyjson_get_uint(version);
    return rc;
}

/* yyjson does not recurse, so that nesting needs no limit. */
static int parse_ref(const struct lnc_ctx *cx, const struct ref_keys *keys,
                     const struct lnc_buf *bytes, struct lnc_tag *out)
{
    struct lnc_ctx here = *cx;
    const yyjson_alc allocator = {
        .malloc = json_alloc, .realloc = json_realloc, .free = json_free, .ctx = &here};
    yyjson_read_err why;
    yyjson_doc *doc = yyjson_read_opts((char *)bytes->data, bytes->size, 0, &allocator, &why);
    if (doc == NULL && why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return lnc_no_memory(cx, 0);
    if (doc == NULL) {
        here.at = why.pos;
        return lnc_bad(&here, "is no JSON that describes a tag or a branch: %s", why.msg);
    }
    int rc = take_ref(cx, keys, yyjson_doc_get_root(doc), out);
    yyjson_doc_free(doc);
    return rc;
}

static int read_ref(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                    const struct ref_keys *keys, const char *name, struct lnc_tag *out)
{
    char file[REF_FILE_ROOM];
    char *path;
    struct lnc_buf bytes = {0};
    struct lnc_ctx here = *cx;
    file_of(name, file);
    int rc = lnc_join(cx, root, keys->folder, file, &path);
    if (rc != LNC_OK)
        return rc;
    here.file = path;
    rc = lnc_read_file(cx, store, path, &bytes);
    if (rc == LNC_OK)
        rc = parse_ref(&here, keys, &bytes, out);
    lnc_buf_release(&bytes);
    lnc_free(path);
    return rc;
}

static int fail_unknown(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                        const struct ref_keys *keys, const char *name)
{
    const char *what = keys == &tag_keys ? "tag" : "branch";
    struct names names;
    char known[220] = "";
    int rc = list_names(cx, store, root, keys->folder, &names);
    for (size_t i = 0; i < n_names(&names); i++)
        lnc_list_name(known, sizeof known, names_at(&names)[i]);
    release_names(&names);
    if (rc != LNC_OK)
        return rc;
    if (known[0] == '\0')
        return lnc_fail_path(cx->err, root, LNC_ENOENT,
                             "there is no %s '%.80s', the table has none", what, name);
    return lnc_fail_path(cx->err, root, LNC_ENOENT, "there is no %s '%.80s'; there are: %s", what,
                         name, known);
}

static int find_ref(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                    const struct ref_keys *keys, const char *name, struct lnc_tag *out)
{
    if (!is_ref_name(name))
        return fail_unknown(cx, store, root, keys, name);
    int rc = read_ref(cx, store, root, keys, name, out);
    return rc == LNC_ENOENT ? fail_unknown(cx, store, root, keys, name) : rc;
}

int lnc_tag_find(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                 const char *name, struct lnc_tag *out)
{
    return find_ref(cx, store, root, &tag_keys, name, out);
}

int lnc_branch_check(const struct lnc_ctx *cx, const struct lnc_store *store, const char *root,
                     const char *name)
{
    struct lnc_tag start = {.branch = NULL};
    int rc = find_ref(cx, store, root, &branch_keys, name, &start);
    if (rc == LNC_OK)
        lnc_free(start.branch);
    return rc;
}

/* -- all of them -- */

void lnc_ref_list_release(struct lnc_ref_list *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->n; i++) {
        union {
            const char *in;
            char *out;
        } name = {.in = list->items[i].name}, branch = {.in = list->items[i].branch};
        lnc_free(name.out);
        lnc_free(branch.out);
    }
    lnc_free(list->items);
    *list = (struct lnc_ref_list){0};
}

static int list_refs(const struct lnc_dataset *ds, const struct ref_keys *keys,
                     struct lnc_ref_list *out, struct lnc_error *err)
{
    struct lnc_ctx cx = lnc_dataset_ctx(ds, err);
    struct lnc_ref_list list = {0};
    struct names names;
    int rc = list_names(&cx, ds->store, ds->root, keys->folder, &names);
    size_t n = n_names(&names);
    if (rc == LNC_OK && (list.items = lnc_calloc(&cx, n + 1, sizeof *list.items)) == NULL)
        rc = lnc_no_memory(&cx, (n + 1) * sizeof *list.items);
    for (size_t i = 0; rc == LNC_OK && i < n; i++) {
        struct lnc_tag tag;
        rc = read_ref(&cx, ds->store, ds->root, keys, names_at(&names)[i], &tag);
        if (rc != LNC_OK)
            break;
        list.items[list.n++] = (struct lnc_ref){
            .name = names_at(&names)[i], .branch = tag.branch, .version = tag.version};
        names_at(&names)[i] = NULL; /* the list has it now */
    }
    release_names(&names);
    if (rc != LNC_OK)
        lnc_ref_list_release(&list);
    else
        *out = list;
    return rc;
}

int lnc_dataset_tags(const struct lnc_dataset *ds, struct lnc_ref_list *out, struct lnc_error *err)
{
    return list_refs(ds, &tag_keys, out, err);
}

int lnc_dataset_branches(const struct lnc_dataset *ds, struct lnc_ref_list *out,
                         struct lnc_error *err)
{
    return list_refs(ds, &branch_keys, out, err);
}
