"""Parallel HDF5 from Python: h5py built against parallel HDF5, and mpi4py. Run with mpirun -n 4 python."""
import h5py
import numpy as np
from mpi4py import MPI


def slab(n, comm):
    """The rows of n that belong to this rank, as a slice; the first ranks take the remainder."""
    base, extra = divmod(n, comm.size)
    start = comm.rank * base + min(comm.rank, extra)
    return slice(start, start + base + (comm.rank < extra))


def write_shared(path, n_rows, n_columns, comm=MPI.COMM_WORLD):
    """Every rank makes the same structural calls, then writes its own rows collectively."""
    if not h5py.get_config().mpi:
        raise RuntimeError("this h5py was built without MPI: rebuild with HDF5_MPI=ON")
    with h5py.File(path, "w", driver="mpio", comm=comm) as f:
        dset = f.create_dataset("field", (n_rows, n_columns), dtype="f8")
        dset.attrs["units"] = "m/s"  # all ranks, the same value
        mine = slab(n_rows, comm)
        local = np.full((mine.stop - mine.start, n_columns), comm.rank, dtype="f8")
        with dset.collective:
            dset[mine, :] = local


def read_independent(path, comm=MPI.COMM_WORLD):
    """Reads block by block at each rank's own pace; independent access is the default."""
    total = 0.0
    with h5py.File(path, "r", driver="mpio", comm=comm) as f:
        dset = f["field"]
        mine = slab(dset.shape[0], comm)
        for first in range(mine.start, mine.stop, 128):
            block = dset[first : min(first + 128, mine.stop)]
            total += float(block.sum())
    return comm.allreduce(total, op=MPI.SUM)


def timed_write(path, local, comm=MPI.COMM_WORLD):
    """Aggregate bandwidth in GB/s, counted from create to close and by the slowest rank."""
    counts = comm.allgather(len(local))
    first = sum(counts[: comm.rank])
    comm.Barrier()
    start = MPI.Wtime()
    with h5py.File(path, "w", driver="mpio", comm=comm) as f:
        dset = f.create_dataset("data", (sum(counts),) + local.shape[1:], dtype=local.dtype)
        with dset.collective:
            dset[first : first + len(local)] = local
    seconds = comm.allreduce(MPI.Wtime() - start, op=MPI.MAX)
    total = comm.allreduce(local.nbytes, op=MPI.SUM)
    return total / seconds / 1e9


def first_touch_reader(path, comm=MPI.COMM_WORLD):
    """Without parallel HDF5: rank 0 reads the index, the others get offsets and read plain bytes."""
    offset = shape = dtype = None
    if comm.rank == 0:
        with h5py.File(path, "r") as f:
            dset = f["data"]
            if dset.chunks is not None:
                raise ValueError("only contiguous datasets have a single offset")
            offset, shape, dtype = dset.id.get_offset(), dset.shape, dset.dtype.str
    offset, shape, dtype = comm.bcast((offset, shape, dtype), root=0)
    mapped = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
    return mapped[slab(shape[0], comm)]
