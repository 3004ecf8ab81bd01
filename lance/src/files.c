#include "files_int.h"

int lnc_files_init(struct lnc_ctx *cx, struct lnc_files *files, const struct lnc_dataset *ds,
                   const struct lnc_fragment *fragment)
{
    struct lnc_open_file *file = lnc_calloc(cx, fragment->n_files + 1, sizeof *file);
    if (file == NULL)
        return lnc_no_memory(cx, 0);
    for (size_t i = 0; i < fragment->n_files; i++)
        file[i].entry = &fragment->files[i];
    *files = (struct lnc_files){.ds = ds, .file = file, .n = fragment->n_files};
    return LNC_OK;
}

void lnc_files_release(struct lnc_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        lnc_source_release(&files->file[i].source);
        lnc_free(files->file[i].path);
    }
    lnc_free(files->file);
    *files = (struct lnc_files){0};
}

static int open_file(struct lnc_ctx *cx, const struct lnc_dataset *ds, struct lnc_open_file *file)
{
    if (file->is_open)
        return LNC_OK;
    int rc = lnc_dataset_data_path(ds, file->entry, &file->path, cx->err);
    if (rc != LNC_OK)
        return rc;
    cx->file = file->path;
    rc = ds->store->open(ds->store, file->path, &file->source, cx->err);
    if (rc == LNC_ENOENT)
        return lnc_dataset_explain_missing(cx, ds);
    if (rc != LNC_OK)
        return rc;
    /* Longer is possible: several writers of 0.1 files noted the size before the footer. */
    if (file->source.size < file->entry->size)
        return lnc_bad(cx, "the file has %llu bytes, the manifest says %llu: it is cut off",
                       (unsigned long long)file->source.size,
                       (unsigned long long)file->entry->size);
    rc = lnc_footer_read(cx, &file->source, &file->footer);
    file->is_open = rc == LNC_OK;
    return rc;
}

int lnc_files_find(struct lnc_ctx *cx, struct lnc_files *files, const struct lnc_field *field,
                   struct lnc_open_file **out, uint64_t *column)
{
    for (size_t i = 0; i < files->n; i++) {
        struct lnc_open_file *file = &files->file[i];
        const struct lnc_data_file *entry = file->entry;
        for (size_t k = 0; k < entry->n_fields; k++) {
            if ((int32_t)(uint32_t)entry->field_ids[k] != field->id)
                continue;
            uint64_t index = entry->n_columns > 0 ? entry->column_indices[k] : 0;
            /* -1 stands for "no column" */
            if ((uint32_t)index > INT32_MAX)
                break;
            int rc = open_file(cx, files->ds, file);
            if (rc != LNC_OK)
                return rc;
            cx->file = file->path;
            if (!file->footer.is_legacy && entry->n_columns == 0)
                return lnc_bad(cx, "the manifest does not say which column of the file belongs to "
                                   "which field");
            *out = file;
            *column = index;
            return LNC_OK;
        }
    }
    *out = NULL;
    return LNC_OK;
}
