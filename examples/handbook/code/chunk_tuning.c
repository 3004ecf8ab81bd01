/* Chooses chunk shapes and cache sizes from the access that a program will make. */
#include <hdf5.h>
#include <stddef.h>

/*
 * Halves the longest dimension of a chunk until it has at most bytes_max bytes. Begin with the
 * extents of the dataset for balanced access, or with the extents of one read for a preferred
 * direction.
 */
void fit_chunk(int rank, hsize_t *chunk, size_t element_size, hsize_t bytes_max)
{
    for (;;) {
        hsize_t bytes = element_size;
        int longest = 0;

        for (int d = 0; d < rank; d++) {
            bytes *= chunk[d];
            if (chunk[d] > chunk[longest]) {
                longest = d;
            }
        }
        if (bytes <= bytes_max || chunk[longest] == 1) {
            return;
        }
        chunk[longest] = (chunk[longest] + 1) / 2;
    }
}

/* Returns the smallest prime number that is not below n; used for the number of hash slots. */
size_t next_prime(size_t n)
{
    if (n <= 2) {
        return 2;
    }
    for (n |= 1;; n += 2) {
        int prime = 1;
        for (size_t d = 3; d * d <= n; d += 2) {
            if (n % d == 0) {
                prime = 0;
                break;
            }
        }
        if (prime) {
            return n;
        }
    }
}

/*
 * Opens a two-dimensional dataset with a cache that holds one row of chunks, so that reading row by
 * row decompresses each chunk once. Each element is read once: finished chunks may leave first (w0
 * = 1).
 */
hid_t open_for_row_sweep(hid_t file, const char *path)
{
    hsize_t extent[2];
    hsize_t chunk[2];

    hid_t probe = H5Dopen2(file, path, H5P_DEFAULT);
    hid_t space = H5Dget_space(probe);
    hid_t type = H5Dget_type(probe);
    hid_t dcpl = H5Dget_create_plist(probe);
    H5Sget_simple_extent_dims(space, extent, NULL);
    int chunked = H5Pget_layout(dcpl) == H5D_CHUNKED && H5Pget_chunk(dcpl, 2, chunk) == 2;
    size_t element = H5Tget_size(type);
    H5Pclose(dcpl);
    H5Tclose(type);
    H5Sclose(space);
    if (!chunked) {
        return probe;
    }
    H5Dclose(probe); /* the cache is fixed at opening, so the dataset is opened again */

    size_t per_row = (size_t)((extent[1] + chunk[1] - 1) / chunk[1]);
    hid_t dapl = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(dapl, next_prime(per_row * 100), per_row * chunk[0] * chunk[1] * element,
                       1.0);
    hid_t dset = H5Dopen2(file, path, dapl);
    H5Pclose(dapl);
    return dset;
}

/* A property list for appended, compressed time series: shuffle first, then deflate, then the
 * checksum. */
hid_t series_creation_list(hsize_t records_per_chunk, hsize_t width)
{
    hsize_t chunk[2] = {records_per_chunk, width};
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);

    H5Pset_chunk(dcpl, 2, chunk);
    H5Pset_shuffle(dcpl);
    H5Pset_deflate(dcpl, 4);
    H5Pset_fletcher32(dcpl);
    H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER);
    return dcpl;
}
