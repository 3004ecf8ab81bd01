/* Turns the HDF5 error stack into one line of text, and probes objects without printing errors. */
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

struct deepest_error {
    char text[256];
};

/* Called by H5Ewalk2 from the API call downwards: the last record seen is the origin of the
 * failure. */
static herr_t keep_record(unsigned n, const H5E_error2_t *record, void *data)
{
    struct deepest_error *out = data;
    char major[64] = "";
    char minor[64] = "";

    (void)n;
    H5Eget_msg(record->maj_num, NULL, major, sizeof major);
    H5Eget_msg(record->min_num, NULL, minor, sizeof minor);
    snprintf(out->text, sizeof out->text, "%s: %s (%s, in %s)", major, record->desc, minor,
             record->func_name);
    return 0;
}

/* Writes the reason for the last failure to text. The stack is copied first, since any call clears
 * it. */
void last_error(char *text, size_t size)
{
    struct deepest_error deepest = {"no error recorded"};
    hid_t stack = H5Eget_current_stack();

    H5Ewalk2(stack, H5E_WALK_DOWNWARD, keep_record, &deepest);
    H5Eclose_stack(stack);
    snprintf(text, size, "%s", deepest.text);
}

/* True if every component of path exists below loc. H5Lexists alone fails when a parent is missing.
 */
int path_exists(hid_t loc, const char *path)
{
    char prefix[1024];
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof prefix) {
        return 0;
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(prefix, path, i);
        prefix[i] = '\0';
        if (strcmp(prefix, "/") != 0 && H5Lexists(loc, prefix, H5P_DEFAULT) <= 0) {
            return 0;
        }
    }
    return 1;
}

/* Lists what is still open in a file, because open objects delay the real close. */
void report_open_objects(hid_t file)
{
    hid_t ids[64];
    ssize_t n = H5Fget_obj_ids(file, H5F_OBJ_ALL | H5F_OBJ_LOCAL, 64, ids);

    for (ssize_t i = 0; i < n; i++) {
        char name[256] = "(no name)";
        if (ids[i] == file) {
            continue;
        }
        H5Iget_name(ids[i], name, sizeof name);
        fprintf(stderr, "still open: %s (class %d)\n", name, (int)H5Iget_type(ids[i]));
    }
}
