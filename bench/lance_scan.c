/*
 * lance_scan: reads columns of a LanceDB table with liblnc and prints one line of JSON:
 * {"rows":N,"bytes":N,"seconds":1.234567,"first_row_ms":1.234,"peak_rss_kb":N}. `bytes` are those
 * of the strings. The clock starts before the table is opened.
 *
 *     lance_scan FOLDER TABLE COLUMN...
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "lnc/lnc.h"

static double now_s(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct figures {
    uint64_t n_rows;
    uint64_t n_bytes;
    double first_s;
};

static int scan(struct lnc_scan *scan, struct figures *figures, struct lnc_error *err)
{
    for (;;) {
        struct lnc_batch batch = {0};
        int rc = lnc_scan_next(scan, &batch, err);
        if (rc != LNC_OK || batch.n_rows == 0)
            return rc;
        if (figures->n_rows == 0)
            figures->first_s = now_s();
        figures->n_rows += batch.n_rows;
        for (size_t i = 0; i < batch.n_columns; i++) {
            if (batch.columns[i].kind == LNC_KIND_STRING)
                figures->n_bytes += batch.columns[i].offsets[batch.n_rows];
        }
        lnc_batch_release(&batch);
    }
}

int main(int argc, char **argv)
{
    struct figures figures = {0};
    struct lnc_dataset *ds = NULL;
    struct lnc_scan *open_scan = NULL;
    struct lnc_error err = {0};
    struct rusage usage;
    const char *names[32];
    if (argc < 4 || argc > 3 + 32) {
        (void)fprintf(stderr, "usage: lance_scan FOLDER TABLE COLUMN...\n");
        return 2;
    }
    struct lnc_scan_options options = {.columns = names, .n_columns = (size_t)argc - 3};
    for (int i = 3; i < argc; i++)
        names[i - 3] = argv[i];
    double begin = now_s();
    int rc = lnc_open(argv[1], argv[2], NULL, &ds, &err);
    if (rc == LNC_OK)
        rc = lnc_scan_open(ds, &options, &open_scan, &err);
    if (rc == LNC_OK)
        rc = scan(open_scan, &figures, &err);
    lnc_scan_close(open_scan);
    lnc_dataset_close(ds);
    double end = now_s();
    if (rc != LNC_OK || getrusage(RUSAGE_SELF, &usage) != 0) {
        (void)fprintf(stderr, "lance_scan: %s\n", err.message);
        return 1;
    }
    printf("{\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"first_row_ms\":%.3f,"
           "\"peak_rss_kb\":%ld}\n",
           figures.n_rows, figures.n_bytes, end - begin, (figures.first_s - begin) * 1e3,
           usage.ru_maxrss);
    return 0;
}
