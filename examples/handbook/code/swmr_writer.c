/* A single writer that appends records to a dataset which other processes read at the same time. */
#include <hdf5.h>

#define RECORD_WIDTH      8
#define RECORDS_PER_CHUNK 4096

/* Creates file and dataset before SWMR begins: afterwards no objects can be added. */
hid_t swmr_create(const char *name, hid_t *dset)
{
    hsize_t extent[2] = {0, RECORD_WIDTH};
    hsize_t extent_max[2] = {H5S_UNLIMITED, RECORD_WIDTH};
    hsize_t chunk[2] = {RECORDS_PER_CHUNK, RECORD_WIDTH};

    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(fapl, H5F_LIBVER_V110, H5F_LIBVER_LATEST);
    hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);

    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(dcpl, 2, chunk);
    hid_t space = H5Screate_simple(2, extent, extent_max);
    *dset = H5Dcreate2(file, "records", H5T_IEEE_F64LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);

    H5Sclose(space);
    H5Pclose(dcpl);
    H5Pclose(fapl);
    if (H5Fstart_swmr_write(file) < 0) {
        H5Dclose(*dset);
        H5Fclose(file);
        return H5I_INVALID_HID;
    }
    return file;
}

/* Appends n records behind the existing ones. The file dataspace must be fetched after the
 * extension. */
herr_t swmr_append(hid_t dset, const double *records, hsize_t n)
{
    hsize_t extent[2];
    hid_t space = H5Dget_space(dset);
    H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);

    hsize_t start[2] = {extent[0], 0};
    hsize_t count[2] = {n, RECORD_WIDTH};
    extent[0] += n;
    if (H5Dset_extent(dset, extent) < 0) {
        return -1;
    }
    space = H5Dget_space(dset);
    hid_t memory = H5Screate_simple(2, count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    herr_t status = H5Dwrite(dset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, records);
    H5Sclose(memory);
    H5Sclose(space);
    return status < 0 ? status
                      : H5Dflush(dset); /* the flush makes the records visible to readers */
}

/* Reads how many records a reader can see now; the refresh drops what the reader has cached. */
herr_t swmr_visible_records(hid_t dset, hsize_t *n)
{
    hsize_t extent[2];

    if (H5Drefresh(dset) < 0) {
        return -1;
    }
    hid_t space = H5Dget_space(dset);
    if (space < 0) {
        return -1;
    }
    int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);
    if (rank != 2) {
        return -1;
    }
    *n = extent[0];
    return 0;
}
