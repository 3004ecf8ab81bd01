/* Compressed output from all ranks. Filtered datasets can be written only collectively. */
#include <hdf5.h>
#include <mpi.h>

/* A dataset whose chunks are the planes of a stack of images; each rank will write whole planes. */
hid_t create_image_stack(hid_t file, hsize_t planes, hsize_t height, hsize_t width)
{
    hsize_t extent[3] = {planes, height, width};
    hsize_t chunk[3] = {1, height, width};

    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(dcpl, 3, chunk);
    H5Pset_shuffle(dcpl);
    H5Pset_deflate(dcpl, 1);
    H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_INCR);
    H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER);
    hid_t space = H5Screate_simple(3, extent, NULL);
    hid_t dset = H5Dcreate2(file, "/images", H5T_STD_U16LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Sclose(space);
    H5Pclose(dcpl);
    return dset;
}

/*
 * Each rank writes n_local planes, one call for each plane. Ranks with fewer planes keep taking
 * part with empty selections: all ranks make as many calls as the rank with the most.
 */
herr_t write_planes(hid_t dset, MPI_Comm comm, hsize_t first, int n_local, hsize_t height,
                    hsize_t width, const unsigned short *pixels)
{
    int rounds = 0;
    herr_t status = 0;
    hsize_t plane[3] = {1, height, width};
    hid_t dxpl = H5Pcreate(H5P_DATASET_XFER);

    H5Pset_dxpl_mpio(dxpl, H5FD_MPIO_COLLECTIVE);
    MPI_Allreduce(&n_local, &rounds, 1, MPI_INT, MPI_MAX, comm);
    for (int i = 0; i < rounds; i++) {
        const unsigned short *source = pixels;
        hsize_t start[3] = {first + (hsize_t)i, 0, 0};
        hid_t target = H5Dget_space(dset);
        hid_t memory = H5Screate_simple(3, plane, NULL);
        if (i < n_local) {
            H5Sselect_hyperslab(target, H5S_SELECT_SET, start, NULL, plane, NULL);
            source += (hsize_t)i * height * width;
        } else {
            H5Sselect_none(target);
            H5Sselect_none(memory);
        }
        if (H5Dwrite(dset, H5T_NATIVE_USHORT, memory, target, dxpl, source) < 0) {
            status = -1;
        }
        H5Sclose(memory);
        H5Sclose(target);
    }
    H5Pclose(dxpl);
    return status;
}

/* Sums the stored bytes of all chunks and returns the compression ratio of a dataset. */
double compression_ratio(hid_t dset)
{
    hsize_t n_chunks = 0;
    hsize_t stored = H5Dget_storage_size(dset);
    hid_t space = H5Dget_space(dset);
    hid_t type = H5Dget_type(dset);
    double logical = (double)H5Sget_simple_extent_npoints(space) * (double)H5Tget_size(type);

    H5Dget_num_chunks(dset, space, &n_chunks);
    H5Tclose(type);
    H5Sclose(space);
    return n_chunks == 0 || stored == 0 ? 0.0 : logical / (double)stored;
}
