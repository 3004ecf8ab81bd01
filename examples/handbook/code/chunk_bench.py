"""Measures what chunk shape and cache size do to a column read."""
import time

import h5py
import numpy as np


def make_file(path, n, chunk, compression="gzip"):
    """A square array of smooth values; noise would hide the effect of the compressor."""
    x = np.linspace(0.0, 20.0, n)
    with h5py.File(path, "w") as f:
        dset = f.create_dataset(
            "a", (n, n), dtype="f4", chunks=chunk, compression=compression, shuffle=True
        )
        for start in range(0, n, chunk[0]):
            stop = min(start + chunk[0], n)
            dset[start:stop] = np.sin(x[start:stop, None]) * np.cos(x[None, :])
        return dset.id.get_storage_size()


def time_columns(path, n_columns, cache_bytes):
    """Seconds to read single columns one after the other with the given chunk cache."""
    with h5py.File(path, "r", rdcc_nbytes=cache_bytes, rdcc_nslots=10007, rdcc_w0=0.0) as f:
        dset = f["a"]
        start = time.perf_counter()
        checksum = 0.0
        for j in range(n_columns):
            checksum += float(dset[:, j].sum())
        return time.perf_counter() - start, checksum


def chunks_touched(shape, chunk, selection):
    """How many chunks a rectangular selection ((start, stop), ...) touches: the figure to minimise."""
    touched = 1
    for extent, size, (start, stop) in zip(shape, chunk, selection):
        if not 0 <= start < stop <= extent:
            raise ValueError(f"selection {start}:{stop} outside 0:{extent}")
        touched *= (stop - 1) // size - start // size + 1
    return touched


if __name__ == "__main__":
    N = 2048
    for chunk in [(1, N), (N, 1), (64, 64), (256, 256)]:
        stored = make_file("bench.h5", N, chunk)
        column = chunks_touched((N, N), chunk, ((0, N), (0, 1)))
        cold, _ = time_columns("bench.h5", 32, cache_bytes=0)
        warm, _ = time_columns("bench.h5", 32, cache_bytes=64 * 2**20)
        print(
            f"chunk {chunk}: {stored / 2**20:.1f} MiB, {column} chunks a column, "
            f"no cache {cold:.3f} s, 64 MiB cache {warm:.3f} s"
        )
