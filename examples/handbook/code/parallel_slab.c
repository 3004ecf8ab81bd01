/* Writes one global two-dimensional array from all ranks: rank r owns a slab of consecutive rows.
 */
#include <hdf5.h>
#include <mpi.h>
#include <stdio.h>

/* Opens a file for all ranks of comm. Metadata operations are collective, large objects begin at a
 * stripe. */
hid_t open_shared_file(const char *name, MPI_Comm comm, hsize_t stripe_bytes)
{
    MPI_Info info;
    MPI_Info_create(&info);
    MPI_Info_set(info, "romio_cb_write", "enable");
    MPI_Info_set(info, "romio_ds_write", "disable");

    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(fapl, comm, info);
    H5Pset_all_coll_metadata_ops(fapl, 1);
    H5Pset_coll_metadata_write(fapl, 1);
    H5Pset_alignment(fapl, 65536, stripe_bytes);
    H5Pset_meta_block_size(fapl, 1 << 20);

    hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    H5Pclose(fapl);
    MPI_Info_free(&info); /* the access list made a copy of its own */
    return file;
}

/* Splits n rows over the ranks as evenly as possible; the first n % size ranks get one row more. */
void row_range(hsize_t n, int rank, int size, hsize_t *first, hsize_t *count)
{
    hsize_t base = n / (hsize_t)size;
    hsize_t extra = n % (hsize_t)size;
    hsize_t r = (hsize_t)rank;

    *count = base + (r < extra ? 1 : 0);
    *first = r * base + (r < extra ? r : extra);
}

/*
 * Writes local rows [first, first + count) of a dataset of doubles in one collective call.
 * A rank with count == 0 takes part with empty selections.
 */
herr_t write_rows(hid_t dset, hsize_t first, hsize_t count, hsize_t columns, const double *rows)
{
    hsize_t start[2] = {first, 0};
    hsize_t extent[2] = {count, columns};
    hsize_t memory_extent[2] = {count > 0 ? count : 1, columns};

    hid_t file_space = H5Dget_space(dset);
    hid_t memory_space = H5Screate_simple(2, memory_extent, NULL);
    if (count > 0) {
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, extent, NULL);
    } else {
        H5Sselect_none(file_space);
        H5Sselect_none(memory_space);
    }

    hid_t dxpl = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_dxpl_mpio(dxpl, H5FD_MPIO_COLLECTIVE);
    herr_t status = H5Dwrite(dset, H5T_NATIVE_DOUBLE, memory_space, file_space, dxpl, rows);

    H5Pclose(dxpl);
    H5Sclose(memory_space);
    H5Sclose(file_space);
    return status;
}

/* Prints why the last transfer with this list was not collective, if it was not. */
void explain_transfer(hid_t dxpl, int rank)
{
    H5D_mpio_actual_io_mode_t mode;
    uint32_t local = 0;
    uint32_t global = 0;

    H5Pget_mpio_actual_io_mode(dxpl, &mode);
    if (mode != H5D_MPIO_NO_COLLECTIVE) {
        return;
    }
    H5Pget_mpio_no_collective_cause(dxpl, &local, &global);
    if (global & H5D_MPIO_SET_INDEPENDENT) {
        fprintf(stderr, "rank %d: independent access was requested\n", rank);
    }
    if (global & H5D_MPIO_DATATYPE_CONVERSION) {
        fprintf(stderr, "rank %d: the memory type differs from the type in the file\n", rank);
    }
    if (global & H5D_MPIO_NOT_CONTIGUOUS_OR_CHUNKED_DATASET) {
        fprintf(stderr, "rank %d: the layout is neither contiguous nor chunked\n", rank);
    }
}
