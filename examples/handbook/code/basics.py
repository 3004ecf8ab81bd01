"""The data model in h5py: files, groups, datasets, attributes, links."""
import h5py
import numpy as np


def write_example(path):
    """Writes a group with a compressed, extensible dataset and its metadata as attributes."""
    with h5py.File(path, "w", libver=("v110", "latest")) as f:
        run = f.create_group("runs/0001")  # missing parents are made on the way
        run.attrs["created"] = "2024-05-01T12:00:00Z"
        temperature = run.create_dataset(
            "temperature",
            shape=(0, 64, 64),
            maxshape=(None, 64, 64),
            chunks=(16, 64, 64),
            dtype="f4",
            shuffle=True,
            compression="gzip",
            compression_opts=4,
            fletcher32=True,
        )
        temperature.attrs["units"] = "K"
        f["latest"] = h5py.SoftLink("/runs/0001")
        f["archive"] = h5py.ExternalLink("old.h5", "/runs")  # may dangle until it is used


def append_frames(path, frames):
    """Appends frames along the first axis; resize is the only thing that changes after creation."""
    frames = np.asarray(frames, dtype="f4")
    with h5py.File(path, "r+") as f:
        dset = f["latest/temperature"]
        n = dset.shape[0]
        dset.resize(n + len(frames), axis=0)
        dset[n:] = frames
        return dset.shape


def read_window(path, time, rows, columns):
    """Reads one rectangle of one frame: only the chunks it touches are read and decompressed."""
    with h5py.File(path, "r", rdcc_nbytes=32 * 2**20, rdcc_nslots=12421) as f:
        dset = f["latest/temperature"]
        if time >= dset.shape[0]:
            raise IndexError(f"frame {time} of {dset.shape[0]}")
        window = dset[time, rows, columns]  # slices become one hyperslab
        return window * 1.0, dset.attrs["units"]


def describe(path):
    """Prints every dataset with shape, type, chunks and compression ratio."""

    def visit(name, obj):
        if not isinstance(obj, h5py.Dataset):
            return
        stored = obj.id.get_storage_size()
        ratio = obj.nbytes / stored if stored else float("nan")
        print(f"{name}: {obj.shape} {obj.dtype} chunks={obj.chunks} ratio={ratio:.2f}")
        for key, value in obj.attrs.items():
            print(f"    @{key} = {value!r}")

    with h5py.File(path, "r") as f:
        f.visititems(visit)  # hard links only, each object once
