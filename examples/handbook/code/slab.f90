! Parallel output from Fortran. Dimensions are in Fortran order here and appear reversed in C and h5dump.
module slab_io
  use hdf5
  use mpi
  implicit none
contains

  ! Opens a file on all ranks of comm for writing.
  subroutine open_shared(name, comm, file_id, ierr)
    character(len=*), intent(in) :: name
    integer, intent(in) :: comm
    integer(hid_t), intent(out) :: file_id
    integer, intent(out) :: ierr
    integer(hid_t) :: fapl

    call h5open_f(ierr)
    call h5pcreate_f(H5P_FILE_ACCESS_F, fapl, ierr)
    call h5pset_fapl_mpio_f(fapl, comm, MPI_INFO_NULL, ierr)
    call h5fcreate_f(name, H5F_ACC_TRUNC_F, file_id, ierr, access_prp=fapl)
    call h5pclose_f(fapl, ierr)
  end subroutine open_shared

  ! Writes columns first+1 .. first+n of a global (nx, ny) array: contiguous in the file, offsets from 0.
  subroutine write_columns(file_id, name, nx, ny, first, n, columns, ierr)
    integer(hid_t), intent(in) :: file_id
    character(len=*), intent(in) :: name
    integer(hsize_t), intent(in) :: nx, ny, first, n
    double precision, intent(in) :: columns(nx, n)
    integer, intent(out) :: ierr
    integer(hid_t) :: file_space, memory_space, dset, dxpl
    integer(hsize_t) :: whole(2), part(2), offset(2)

    whole = [nx, ny]
    part = [nx, n]
    offset = [0_hsize_t, first]
    call h5screate_simple_f(2, whole, file_space, ierr)
    call h5dcreate_f(file_id, name, H5T_IEEE_F64LE, file_space, dset, ierr)
    call h5sselect_hyperslab_f(file_space, H5S_SELECT_SET_F, offset, part, ierr)
    call h5screate_simple_f(2, part, memory_space, ierr)
    call h5pcreate_f(H5P_DATASET_XFER_F, dxpl, ierr)
    call h5pset_dxpl_mpio_f(dxpl, H5FD_MPIO_COLLECTIVE_F, ierr)
    call h5dwrite_f(dset, H5T_NATIVE_DOUBLE, columns, part, ierr, &
                    mem_space_id=memory_space, file_space_id=file_space, xfer_prp=dxpl)
    call h5pclose_f(dxpl, ierr)
    call h5sclose_f(memory_space, ierr)
    call h5dclose_f(dset, ierr)
    call h5sclose_f(file_space, ierr)
  end subroutine write_columns

  ! Closes a file and the library. Every rank must come here.
  subroutine close_shared(file_id, ierr)
    integer(hid_t), intent(in) :: file_id
    integer, intent(out) :: ierr
    integer(size_t) :: n_open

    call h5fget_obj_count_f(file_id, H5F_OBJ_DATASET_F, n_open, ierr)
    if (n_open > 0) print *, 'datasets still open: ', n_open
    call h5fclose_f(file_id, ierr)
    call h5close_f(ierr)
  end subroutine close_shared

end module slab_io
