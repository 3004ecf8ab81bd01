"""Reading while another process writes, and one array over many files."""
import time

import h5py
import numpy as np


def follow(path, name="records", poll_seconds=0.5, idle_seconds=60.0):
    """Yields new rows of a dataset as a SWMR writer appends them; ends when nothing came for a while."""
    with h5py.File(path, "r", swmr=True) as f:
        dset = f[name]
        seen = 0
        last = time.monotonic()
        while time.monotonic() - last < idle_seconds:
            dset.refresh()  # forget the cached extents
            n = dset.shape[0]
            if n > seen:
                yield dset[seen:n]
                seen = n
                last = time.monotonic()
            else:
                time.sleep(poll_seconds)


def start_writer(path, width):
    """Creates everything first, then switches to SWMR: no object may be added afterwards."""
    f = h5py.File(path, "w", libver="latest")
    dset = f.create_dataset(
        "records", (0, width), dtype="f8", maxshape=(None, width), chunks=(1024, width)
    )
    f.swmr_mode = True

    def append(rows):
        rows = np.atleast_2d(rows)
        n = dset.shape[0]
        dset.resize(n + len(rows), axis=0)
        dset[n:] = rows
        dset.flush()

    return f, append


def stack_files(target, sources, name="data"):
    """A virtual dataset that stacks one dataset of each file along a new first axis."""
    with h5py.File(sources[0], "r") as f:
        shape, dtype = f[name].shape, f[name].dtype
    layout = h5py.VirtualLayout(shape=(len(sources),) + shape, dtype=dtype)
    for i, source in enumerate(sources):
        layout[i] = h5py.VirtualSource(source, name, shape=shape)
    with h5py.File(target, "w", libver="latest") as f:
        dset = f.create_virtual_dataset("stack", layout, fillvalue=-1)
        return dset.shape


def materialize(source, target, name="stack", rows=16):
    """Copies a virtual dataset to a real, chunked one, which is faster for repeated reading."""
    with h5py.File(source, "r") as src, h5py.File(target, "w") as dst:
        virtual = src[name]
        chunk = (1,) + virtual.shape[1:]
        real = dst.create_dataset(name, virtual.shape, virtual.dtype, chunks=chunk)
        for start in range(0, virtual.shape[0], rows):
            real[start : start + rows] = virtual[start : start + rows]
        for key, value in virtual.attrs.items():
            real.attrs[key] = value
