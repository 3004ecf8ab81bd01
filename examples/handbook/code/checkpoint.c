/* A checkpoint that is whole or absent: temporary name, close, fsync, rename. */
#include <fcntl.h>
#include <hdf5.h>
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

/* Writes a scalar attribute. Collective: every rank of the file's communicator passes the same
 * value. */
herr_t put_scalar(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attr = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t status = attr < 0 ? -1 : H5Awrite(attr, type, value);

    if (attr >= 0) {
        H5Aclose(attr);
    }
    H5Sclose(space);
    return status;
}

/* Creates one dataset for a field over the global index space, never one for each rank. */
hid_t create_field(hid_t file, const char *name, const hsize_t global[3], const hsize_t block[3])
{
    hid_t space = H5Screate_simple(3, global, NULL);
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);

    H5Pset_chunk(dcpl, 3,
                 block); /* the block of one rank is one chunk: no two ranks share a chunk */
    H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER);
    hid_t dset = H5Dcreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Pclose(dcpl);
    H5Sclose(space);
    return dset;
}

/* Writes the interior of a local block that has `ghost` layers of ghost cells on every side. */
herr_t write_interior(hid_t dset, const hsize_t offset[3], const hsize_t block[3], hsize_t ghost,
                      const double *cells)
{
    hsize_t padded[3];
    hsize_t inner[3] = {ghost, ghost, ghost};
    for (int d = 0; d < 3; d++) {
        padded[d] = block[d] + 2 * ghost;
    }

    hid_t memory = H5Screate_simple(3, padded, NULL);
    H5Sselect_hyperslab(memory, H5S_SELECT_SET, inner, NULL, block, NULL);
    hid_t target = H5Dget_space(dset);
    H5Sselect_hyperslab(target, H5S_SELECT_SET, offset, NULL, block, NULL);
    hid_t dxpl = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_dxpl_mpio(dxpl, H5FD_MPIO_COLLECTIVE);
    herr_t status = H5Dwrite(dset, H5T_NATIVE_DOUBLE, memory, target, dxpl, cells);

    H5Pclose(dxpl);
    H5Sclose(target);
    H5Sclose(memory);
    return status;
}

/* Publishes a closed file under its final name. Rank 0 acts, all ranks learn the result. */
int publish(const char *temporary, const char *final_name, MPI_Comm comm)
{
    int rank;
    int ok = 1;

    MPI_Comm_rank(comm, &rank);
    MPI_Barrier(comm); /* nobody may still be closing the file */
    if (rank == 0) {
        int fd = open(temporary, O_RDONLY);
        ok = fd >= 0 && fsync(fd) == 0;
        if (fd >= 0) {
            close(fd);
        }
        ok = ok && rename(temporary, final_name) == 0;
    }
    MPI_Bcast(&ok, 1, MPI_INT, 0, comm);
    return ok;
}
