/* A virtual dataset over files of equal shape, subfiling, and asynchronous writes with an event
 * set. */
#include <hdf5.h>
#include <mpi.h>

/* Shows n_files files part_0.h5, part_1.h5, ..., each with rows x columns doubles in /data, as one
 * array. */
herr_t build_virtual(const char *name, hsize_t n_files, hsize_t rows, hsize_t columns)
{
    hsize_t whole[2] = {n_files * rows, columns};
    hsize_t part[2] = {rows, columns};
    hsize_t start[2] = {0, 0};
    hsize_t stride[2] = {rows, 1};
    hsize_t count[2] = {H5S_UNLIMITED, 1};
    hsize_t maximum[2] = {H5S_UNLIMITED, columns};
    double missing = -1.0;

    hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t source = H5Screate_simple(2, part, NULL);
    hid_t target = H5Screate_simple(2, whole, maximum);
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Sselect_hyperslab(target, H5S_SELECT_SET, start, stride, count, part);
    H5Pset_fill_value(dcpl, H5T_NATIVE_DOUBLE, &missing);
    H5Pset_virtual(dcpl, target, "part_%b.h5", "/data", source); /* %b is the number of the block */

    hid_t dset = H5Dcreate2(file, "all", H5T_IEEE_F64LE, target, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    herr_t status = dset < 0 ? -1 : H5Dclose(dset);
    H5Pclose(dcpl);
    H5Sclose(target);
    H5Sclose(source);
    H5Fclose(file);
    return status;
}

/* Opens a file as subfiles, one I/O concentrator on each node. MPI_THREAD_MULTIPLE is required. */
hid_t create_subfiled(const char *name, MPI_Comm comm)
{
    int provided = MPI_THREAD_SINGLE;

    MPI_Query_thread(&provided);
    if (provided < MPI_THREAD_MULTIPLE) {
        return H5I_INVALID_HID;
    }
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_mpi_params(fapl, comm, MPI_INFO_NULL); /* before H5Pset_fapl_subfiling */
    hid_t file = H5I_INVALID_HID;
#ifdef H5_HAVE_SUBFILING_VFD                      /* a choice made when the library was built */
    if (H5Pset_fapl_subfiling(fapl, NULL) >= 0) { /* NULL: 32 MiB stripes, one subfile per node */
        file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    }
#endif
    H5Pclose(fapl);
    return file;
}

/* Starts a write, computes while it runs, and waits. The buffer must not change before the wait
 * returns. */
int write_while_computing(hid_t dset, const double *snapshot, void (*compute)(void *), void *state)
{
    size_t in_progress = 0;
    hbool_t failed = 0;
    hid_t events = H5EScreate();

    if (events < 0) {
        return -1;
    }
    herr_t status =
        H5Dwrite_async(dset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, snapshot, events);
    compute(state);
    if (H5ESwait(events, H5ES_WAIT_FOREVER, &in_progress, &failed) < 0) {
        failed = 1;
    }
    H5ESclose(events);
    return status < 0 || failed ? -1 : 0;
}
