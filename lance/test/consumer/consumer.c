/* A stranger's program: built against the installed tree with what pkg-config says, nothing else.
 */
#include <stdio.h>
#include <string.h>

#include <lnc/lnc.h>

int main(int argc, char **argv)
{
    struct lnc_error err;
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *scan = NULL;
    struct lnc_batch batch = {0};
    unsigned long long n_rows = 0;
    if (strcmp(LNC_VERSION, lnc_version_string()) != 0) {
        (void)fprintf(stderr, "headers %s, library %s\n", LNC_VERSION, lnc_version_string());
        return 1;
    }
    int rc = argc == 2 ? lnc_open(argv[1], NULL, NULL, &ds, &err) : LNC_EINVAL;
    if (rc == LNC_OK)
        rc = lnc_scan_open(ds, NULL, &scan, &err);
    while (rc == LNC_OK && (rc = lnc_scan_next(scan, &batch, &err)) == LNC_OK && batch.n_rows > 0) {
        n_rows += batch.n_rows;
        lnc_batch_release(&batch);
    }
    lnc_scan_close(scan);
    lnc_dataset_close(ds);
    if (rc != LNC_OK) {
        (void)fprintf(stderr, "%s\n", argc == 2 ? err.message : "usage: consumer TABLE");
        return 1;
    }
    (void)printf("%llu\n", n_rows);
    return 0;
}
